//! STIX Domain and Relationship Objects, STIX 2.1 §4 and §5: one row a property.

use super::kind::Kind::{Boolean, Dictionary, Float, Integer, List, Reference, Structure, Text, TextOf, Time, Word};
use super::kind::{ANY, Family, Kind, ObjectType, Property, Targets, may, must, to};
use super::rules::{self, Rule};
use super::vocabulary as words;
use super::{properties, text};

const fn domain(
    name: &'static str,
    section: &'static str,
    properties: &'static [Property],
    rules: &'static [Rule],
) -> ObjectType {
    ObjectType { name, section, family: Family::Versioned, properties, extensions: &[], rules, contributing: &[] }
}

/// A list of texts.
const LIST: Kind = List(&Text);
const PHASES: Kind = List(&Structure(&properties::KILL_CHAIN_PHASE));
/// Any object at all, also markings and relationships (§4.4, §4.13, §4.15, §4.16).
const OBJECTS: Kind = List(&Reference(Targets::All));
/// What neither a relationship nor a sighting may be about (§5.1.1, §5.2.1).
const NOT_RELATED: Targets =
    Targets::AllBut(&["bundle", "language-content", "marking-definition", "relationship", "sighting"]);
const SEEN: Rule = Rule::Order("first_seen", "last_seen", true);

pub(super) static ATTACK_PATTERN: ObjectType = domain(
    "attack-pattern",
    "STIX 2.1 §4.1",
    &[must("name", Text), may("description", Text), may("aliases", LIST), may("kill_chain_phases", PHASES)],
    &[],
);

pub(super) static CAMPAIGN: ObjectType = domain(
    "campaign",
    "STIX 2.1 §4.2",
    &[
        must("name", Text),
        may("description", Text),
        may("aliases", LIST),
        may("first_seen", Time),
        may("last_seen", Time),
        may("objective", Text),
    ],
    &[SEEN],
);

pub(super) static COURSE_OF_ACTION: ObjectType =
    domain("course-of-action", "STIX 2.1 §4.3", &[must("name", Text), may("description", Text)], &[]);

pub(super) static GROUPING: ObjectType = domain(
    "grouping",
    "STIX 2.1 §4.4",
    &[
        may("name", Text),
        may("description", Text),
        must("context", Word(&words::GROUPING_CONTEXT)),
        must("object_refs", OBJECTS),
    ],
    &[],
);

pub(super) static IDENTITY: ObjectType = domain(
    "identity",
    "STIX 2.1 §4.5",
    &[
        must("name", Text),
        may("description", Text),
        may("roles", LIST),
        may("identity_class", Word(&words::IDENTITY_CLASS)),
        may("sectors", List(&Word(&words::INDUSTRY_SECTOR))),
        may("contact_information", Text),
    ],
    &[],
);

pub(super) static INCIDENT: ObjectType =
    domain("incident", "STIX 2.1 §4.6", &[must("name", Text), may("description", Text)], &[]);

pub(super) static INDICATOR: ObjectType = domain(
    "indicator",
    "STIX 2.1 §4.7",
    &[
        may("name", Text),
        may("description", Text),
        may("indicator_types", List(&Word(&words::INDICATOR_TYPE))),
        must("pattern", Text),
        must("pattern_type", Word(&words::PATTERN_TYPE)),
        may("pattern_version", Text),
        must("valid_from", Time),
        may("valid_until", Time),
        may("kill_chain_phases", PHASES),
    ],
    &[
        Rule::Order("valid_from", "valid_until", false),
        Rule::Own(super::pattern::indicator),
        Rule::Own(rules::indicator_name),
    ],
);

pub(super) static INFRASTRUCTURE: ObjectType = domain(
    "infrastructure",
    "STIX 2.1 §4.8",
    &[
        must("name", Text),
        may("description", Text),
        may("infrastructure_types", List(&Word(&words::INFRASTRUCTURE_TYPE))),
        may("aliases", LIST),
        may("kill_chain_phases", PHASES),
        may("first_seen", Time),
        may("last_seen", Time),
    ],
    &[SEEN],
);

pub(super) static INTRUSION_SET: ObjectType = domain(
    "intrusion-set",
    "STIX 2.1 §4.9",
    &[
        must("name", Text),
        may("description", Text),
        may("aliases", LIST),
        may("first_seen", Time),
        may("last_seen", Time),
        may("goals", LIST),
        may("resource_level", Word(&words::ATTACK_RESOURCE_LEVEL)),
        may("primary_motivation", Word(&words::ATTACK_MOTIVATION)),
        may("secondary_motivations", List(&Word(&words::ATTACK_MOTIVATION))),
    ],
    &[SEEN],
);

pub(super) static LOCATION: ObjectType = domain(
    "location",
    "STIX 2.1 §4.10",
    &[
        may("name", Text),
        may("description", Text),
        may("latitude", Float(-90.0, 90.0)),
        may("longitude", Float(-180.0, 180.0)),
        may("precision", Float(0.0, f64::MAX)),
        may("region", Word(&words::REGION)),
        may("country", TextOf(&text::COUNTRY)),
        may("administrative_area", Text),
        may("city", Text),
        may("street_address", Text),
        may("postal_code", Text),
    ],
    &[Rule::Own(rules::location)],
);

pub(super) static MALWARE: ObjectType = domain(
    "malware",
    "STIX 2.1 §4.11",
    &[
        may("name", Text),
        may("description", Text),
        may("malware_types", List(&Word(&words::MALWARE_TYPE))),
        must("is_family", Boolean),
        may("aliases", LIST),
        may("kill_chain_phases", PHASES),
        may("first_seen", Time),
        may("last_seen", Time),
        may("operating_system_refs", List(&to(&["software"]))),
        may("architecture_execution_envs", List(&Word(&words::PROCESSOR_ARCHITECTURE))),
        may("implementation_languages", List(&Word(&words::IMPLEMENTATION_LANGUAGE))),
        may("capabilities", List(&Word(&words::MALWARE_CAPABILITIES))),
        may("sample_refs", List(&to(&["artifact", "file"]))),
    ],
    &[SEEN, Rule::Own(rules::malware_family)],
);

pub(super) static MALWARE_ANALYSIS: ObjectType = domain(
    "malware-analysis",
    "STIX 2.1 §4.12",
    &[
        must("product", Text),
        may("version", Text),
        may("host_vm_ref", to(&["software"])),
        may("operating_system_ref", to(&["software"])),
        may("installed_software_refs", List(&to(&["software"]))),
        may("configuration_version", Text),
        may("modules", LIST),
        may("analysis_engine_version", Text),
        may("analysis_definition_version", Text),
        may("submitted", Time),
        may("analysis_started", Time),
        may("analysis_ended", Time),
        may("result_name", Text),
        may("result", Word(&words::MALWARE_RESULT)),
        may("analysis_sco_refs", List(&Reference(Targets::Observables))),
        may("sample_ref", to(&["artifact", "file", "network-traffic"])),
    ],
    &[Rule::AnyOf(&["result", "analysis_sco_refs"]), Rule::Order("analysis_started", "analysis_ended", true)],
);

pub(super) static NOTE: ObjectType = domain(
    "note",
    "STIX 2.1 §4.13",
    &[may("abstract", Text), must("content", Text), may("authors", LIST), must("object_refs", OBJECTS)],
    &[],
);

pub(super) static OBSERVED_DATA: ObjectType = domain(
    "observed-data",
    "STIX 2.1 §4.14",
    &[
        must("first_observed", Time),
        must("last_observed", Time),
        must("number_observed", Integer(1, 999_999_999)),
        may("objects", Dictionary(&ANY)),
        may("object_refs", List(&Reference(NOT_OBSERVED))),
    ],
    &[Rule::Order("first_observed", "last_observed", true), Rule::Own(rules::observed_objects)],
);

/// Observed data is about observables and what relates them (§4.14.1), never about what an analyst thought up.
const NOT_OBSERVED: Targets = Targets::AllBut(&[
    "attack-pattern",
    "bundle",
    "campaign",
    "course-of-action",
    "grouping",
    "identity",
    "incident",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "location",
    "malware",
    "malware-analysis",
    "note",
    "observed-data",
    "opinion",
    "report",
    "threat-actor",
    "tool",
    "vulnerability",
]);

pub(super) static OPINION: ObjectType = domain(
    "opinion",
    "STIX 2.1 §4.15",
    &[
        may("explanation", Text),
        may("authors", LIST),
        must("opinion", Word(&words::OPINION)),
        must("object_refs", OBJECTS),
    ],
    &[],
);

pub(super) static REPORT: ObjectType = domain(
    "report",
    "STIX 2.1 §4.16",
    &[
        must("name", Text),
        may("description", Text),
        may("report_types", List(&Word(&words::REPORT_TYPE))),
        must("published", Time),
        must("object_refs", OBJECTS),
    ],
    &[],
);

pub(super) static THREAT_ACTOR: ObjectType = domain(
    "threat-actor",
    "STIX 2.1 §4.17",
    &[
        must("name", Text),
        may("description", Text),
        may("threat_actor_types", List(&Word(&words::THREAT_ACTOR_TYPE))),
        may("aliases", LIST),
        may("first_seen", Time),
        may("last_seen", Time),
        may("roles", List(&Word(&words::THREAT_ACTOR_ROLE))),
        may("goals", LIST),
        may("sophistication", Word(&words::THREAT_ACTOR_SOPHISTICATION)),
        may("resource_level", Word(&words::ATTACK_RESOURCE_LEVEL)),
        may("primary_motivation", Word(&words::ATTACK_MOTIVATION)),
        may("secondary_motivations", List(&Word(&words::ATTACK_MOTIVATION))),
        may("personal_motivations", List(&Word(&words::ATTACK_MOTIVATION))),
    ],
    &[SEEN],
);

pub(super) static TOOL: ObjectType = domain(
    "tool",
    "STIX 2.1 §4.18",
    &[
        must("name", Text),
        may("description", Text),
        may("tool_types", List(&Word(&words::TOOL_TYPE))),
        may("aliases", LIST),
        may("kill_chain_phases", PHASES),
        may("tool_version", Text),
    ],
    &[],
);

pub(super) static VULNERABILITY: ObjectType =
    domain("vulnerability", "STIX 2.1 §4.19", &[must("name", Text), may("description", Text)], &[]);

pub(super) static RELATIONSHIP: ObjectType = domain(
    "relationship",
    "STIX 2.1 §5.1",
    &[
        must("relationship_type", TextOf(&text::RELATIONSHIP_TYPE)),
        may("description", Text),
        must("source_ref", Reference(NOT_RELATED)),
        must("target_ref", Reference(NOT_RELATED)),
        may("start_time", Time),
        may("stop_time", Time),
    ],
    &[Rule::Order("start_time", "stop_time", false), Rule::Own(super::relations::suggested)],
);

pub(super) static SIGHTING: ObjectType = domain(
    "sighting",
    "STIX 2.1 §5.2",
    &[
        may("description", Text),
        may("first_seen", Time),
        may("last_seen", Time),
        may("count", Integer(0, 999_999_999)),
        must("sighting_of_ref", Reference(NOT_SIGHTED)),
        may("observed_data_refs", List(&to(&["observed-data"]))),
        may("where_sighted_refs", List(&to(&["identity", "location"]))),
        may("summary", Boolean),
    ],
    &[SEEN],
);

/// A sighting is of a domain object or a producer's own type (§5.2.1): not of an observable, which observed data records.
const NOT_SIGHTED: Targets = Targets::AllBut(&[
    "artifact",
    "autonomous-system",
    "bundle",
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "extension-definition",
    "file",
    "ipv4-addr",
    "ipv6-addr",
    "language-content",
    "mac-addr",
    "marking-definition",
    "mutex",
    "network-traffic",
    "process",
    "relationship",
    "sighting",
    "software",
    "url",
    "user-account",
    "windows-registry-key",
    "x509-certificate",
]);

/// §7.1.
pub(super) static LANGUAGE_CONTENT: ObjectType = domain(
    "language-content",
    "STIX 2.1 §7.1",
    &[
        must("object_ref", Reference(Targets::AllBut(&["bundle", "language-content"]))),
        may("object_modified", Time),
        must("contents", Dictionary(&Dictionary(&ANY))),
    ],
    &[Rule::Own(rules::language_keys)],
);

/// §7.3.
pub(super) static EXTENSION_DEFINITION: ObjectType = domain(
    "extension-definition",
    "STIX 2.1 §7.3",
    &[
        must("name", Text),
        may("description", Text),
        must("schema", Text),
        must("version", Text),
        must("extension_types", List(&Word(&words::EXTENSION_TYPE))),
        may("extension_properties", List(&TextOf(&text::EXTENSION_PROPERTY))),
    ],
    &[Rule::Own(rules::extension_definition)],
);

/// §7.2.1.
pub(super) static MARKING_DEFINITION: ObjectType = ObjectType {
    family: Family::Marking,
    ..domain(
        "marking-definition",
        "STIX 2.1 §7.2.1",
        &[may("name", Text), may("definition_type", Text), may("definition", Dictionary(&ANY))],
        &[Rule::Own(super::marking::definition)],
    )
};
