//! Common properties (STIX 2.1 §3.2) and the data types that have properties of their own (§2.5, §2.11, §7.2.3).

use super::kind::Kind::{
    Boolean, Extensions, Hashes, Head, Integer, List, Reference, Structure as Of, Text, TextOf, TimeToTheMillisecond,
};
use super::kind::{Kind, LANGUAGE, Property, Structure, Targets, URL, may, must, to};
use super::rules::StructureRule;
use super::text;

const SECTION: &str = "STIX 2.1 §3.2";
pub(super) const COMMON: &str = SECTION;

/// §3.2 speaks of an identity and forbids nothing else; older content names types of its own here.
const CREATOR: Kind = Reference(Targets::All);
const MARKINGS: Kind = List(&to(&["marking-definition"]));
const GRANULAR: Kind = List(&Of(&GRANULAR_MARKING));

/// Domain objects, relationship objects, language content, extension definitions.
pub(super) static VERSIONED: &[Property] = &[
    must("type", Head),
    must("spec_version", Head),
    must("id", Head),
    must("created", TimeToTheMillisecond),
    must("modified", TimeToTheMillisecond),
    may("created_by_ref", CREATOR),
    may("revoked", Boolean),
    may("labels", List(&Text)),
    may("confidence", Integer(0, 100)),
    may("lang", LANGUAGE),
    may("external_references", List(&Of(&EXTERNAL_REFERENCE))),
    may("object_marking_refs", MARKINGS),
    may("granular_markings", GRANULAR),
    may("extensions", Extensions),
];

/// Cyber-observables.
pub(super) static OBSERVABLE: &[Property] = &[
    must("type", Head),
    may("spec_version", Head),
    must("id", Head),
    may("object_marking_refs", MARKINGS),
    may("granular_markings", GRANULAR),
    may("defanged", Boolean),
    may("extensions", Extensions),
];

/// Marking definitions.
pub(super) static MARKING: &[Property] = &[
    must("type", Head),
    must("spec_version", Head),
    must("id", Head),
    must("created", TimeToTheMillisecond),
    may("created_by_ref", CREATOR),
    may("external_references", List(&Of(&EXTERNAL_REFERENCE))),
    may("object_marking_refs", MARKINGS),
    may("granular_markings", GRANULAR),
    may("extensions", Extensions),
];

/// Properties of some family that another does not have.
pub(super) const ELSEWHERE: &[&str] = &[
    "created",
    "modified",
    "created_by_ref",
    "revoked",
    "labels",
    "confidence",
    "lang",
    "external_references",
    "defanged",
];

/// Names that the standard keeps for itself (§3.8).
pub(super) const RESERVED: &[&str] = &["action", "phone_numbers", "severity", "username"];

pub(super) static EXTERNAL_REFERENCE: Structure = Structure {
    section: "STIX 2.1 §2.5",
    properties: &[
        must("source_name", Text),
        may("description", Text),
        may("url", URL),
        may("hashes", Hashes),
        may("external_id", Text),
    ],
    not_empty: false,
    rules: &[StructureRule::Own(super::rules::external_reference)],
};

pub(super) static KILL_CHAIN_PHASE: Structure = Structure {
    section: "STIX 2.1 §2.11",
    properties: &[
        must("kill_chain_name", TextOf(&text::KILL_CHAIN_WORD)),
        must("phase_name", TextOf(&text::KILL_CHAIN_WORD)),
    ],
    not_empty: false,
    rules: &[],
};

pub(super) static GRANULAR_MARKING: Structure = Structure {
    section: "STIX 2.1 §7.2.3",
    properties: &[
        may("lang", LANGUAGE),
        may("marking_ref", Reference(Targets::Only(&["marking-definition"]))),
        must("selectors", List(&Text)),
    ],
    not_empty: false,
    rules: &[StructureRule::Own(super::rules::granular_marking)],
};
