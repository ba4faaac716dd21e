//! STIX Cyber-observable Objects, STIX 2.1 §6: one row a property.

use super::extension as ext;
use super::kind::Kind::{
    Boolean, Dictionary, Hashes, Integer, List, Reference, Structure as Of, Text, TextOf, Time, Word,
};
use super::kind::{
    ANY, CHARSET, COUNT, Family, HEX, INTEGER, Kind, ObjectType, Property, Structure, Targets, may, must, to,
};
use super::rules::{self, Rule, StructureRule};
use super::text;
use super::vocabulary as words;

const fn observable(
    name: &'static str,
    section: &'static str,
    properties: &'static [Property],
    contributing: &'static [&'static str],
) -> ObjectType {
    ObjectType { name, section, family: Family::Observable, properties, extensions: &[], rules: &[], contributing }
}

const ADDRESSES: Kind = List(&to(&["ipv4-addr", "ipv6-addr", "domain-name"]));
const OBSERVABLES: Kind = List(&Reference(Targets::Observables));
const PORT: Kind = Integer(0, 65_535);
const LIST: Kind = List(&Text);

pub(super) static ARTIFACT: ObjectType = ObjectType {
    rules: &[
        Rule::Own(rules::artifact),
        Rule::Needs("decryption_key", "encryption_algorithm"),
        Rule::Needs("url", "hashes"),
    ],
    ..observable(
        "artifact",
        "STIX 2.1 §6.1",
        &[
            may("mime_type", TextOf(&text::ARTIFACT_MIME)),
            may("payload_bin", TextOf(&text::BINARY)),
            may("url", TextOf(&text::URL)),
            may("hashes", Hashes),
            may("encryption_algorithm", Word(&words::ENCRYPTION_ALGORITHM)),
            may("decryption_key", Text),
        ],
        &["hashes", "payload_bin"],
    )
};

pub(super) static AUTONOMOUS_SYSTEM: ObjectType = observable(
    "autonomous-system",
    "STIX 2.1 §6.2",
    &[must("number", INTEGER), may("name", Text), may("rir", Text)],
    &["number"],
);

pub(super) static DIRECTORY: ObjectType = observable(
    "directory",
    "STIX 2.1 §6.3",
    &[
        must("path", Text),
        may("path_enc", CHARSET),
        may("ctime", Time),
        may("mtime", Time),
        may("atime", Time),
        may("contains_refs", List(&to(&["file", "directory"]))),
    ],
    &["path"],
);

pub(super) static DOMAIN_NAME: ObjectType = observable(
    "domain-name",
    "STIX 2.1 §6.4",
    &[must("value", TextOf(&text::DOMAIN)), may("resolves_to_refs", ADDRESSES)],
    &["value"],
);

pub(super) static EMAIL_ADDR: ObjectType = observable(
    "email-addr",
    "STIX 2.1 §6.5",
    &[must("value", TextOf(&text::EMAIL)), may("display_name", Text), may("belongs_to_ref", to(&["user-account"]))],
    &["value"],
);

const EMAIL_ADDRESSES: Kind = List(&to(&["email-addr"]));

pub(super) static EMAIL_MESSAGE: ObjectType = ObjectType {
    rules: &[Rule::Own(rules::email_parts)],
    ..observable(
        "email-message",
        "STIX 2.1 §6.6",
        &[
            must("is_multipart", Boolean),
            may("date", Time),
            may("content_type", Text),
            may("from_ref", to(&["email-addr"])),
            may("sender_ref", to(&["email-addr"])),
            may("to_refs", EMAIL_ADDRESSES),
            may("cc_refs", EMAIL_ADDRESSES),
            may("bcc_refs", EMAIL_ADDRESSES),
            may("message_id", Text),
            may("subject", Text),
            may("received_lines", LIST),
            may("additional_header_fields", Dictionary(&ANY)),
            may("body", Text),
            may("body_multipart", List(&Of(&MIME_PART))),
            may("raw_email_ref", to(&["artifact"])),
        ],
        &["from_ref", "subject", "body"],
    )
};

static MIME_PART: Structure = Structure {
    section: "STIX 2.1 §6.6.2",
    properties: &[
        may("body", Text),
        may("body_raw_ref", to(&["artifact", "file"])),
        may("content_type", Text),
        may("content_disposition", Text),
    ],
    not_empty: false,
    rules: &[StructureRule::AnyOf(&["body", "body_raw_ref"])],
};

pub(super) static FILE: ObjectType = ObjectType {
    extensions: &[
        ("archive-ext", &ext::ARCHIVE),
        ("ntfs-ext", &ext::NTFS),
        ("pdf-ext", &ext::PDF),
        ("raster-image-ext", &ext::RASTER_IMAGE),
        ("windows-pebinary-ext", &ext::WINDOWS_PE_BINARY),
    ],
    rules: &[Rule::AnyOf(&["hashes", "name"])],
    ..observable(
        "file",
        "STIX 2.1 §6.7",
        &[
            may("hashes", Hashes),
            may("size", COUNT),
            may("name", Text),
            may("name_enc", CHARSET),
            may("magic_number_hex", HEX),
            may("mime_type", TextOf(&text::FILE_MIME)),
            may("ctime", Time),
            may("mtime", Time),
            may("atime", Time),
            may("parent_directory_ref", to(&["directory"])),
            may("contains_refs", OBSERVABLES),
            may("content_ref", to(&["artifact"])),
        ],
        &["hashes", "name", "parent_directory_ref", "extensions"],
    )
};

/// §6.8 and §6.9 allow both for either version of the protocol.
const MAC_ADDRESSES: Kind = List(&to(&["mac-addr"]));
const SYSTEMS: Kind = List(&to(&["autonomous-system"]));

pub(super) static IPV4_ADDR: ObjectType = observable(
    "ipv4-addr",
    "STIX 2.1 §6.8",
    &[must("value", TextOf(&text::IPV4)), may("resolves_to_refs", MAC_ADDRESSES), may("belongs_to_refs", SYSTEMS)],
    &["value"],
);

pub(super) static IPV6_ADDR: ObjectType = observable(
    "ipv6-addr",
    "STIX 2.1 §6.9",
    &[must("value", TextOf(&text::IPV6)), may("resolves_to_refs", MAC_ADDRESSES), may("belongs_to_refs", SYSTEMS)],
    &["value"],
);

pub(super) static MAC_ADDR: ObjectType =
    observable("mac-addr", "STIX 2.1 §6.10", &[must("value", TextOf(&text::MAC))], &["value"]);

pub(super) static MUTEX: ObjectType = observable("mutex", "STIX 2.1 §6.11", &[must("name", Text)], &["name"]);

const ENDPOINT: Kind = to(&["ipv4-addr", "ipv6-addr", "mac-addr", "domain-name"]);

pub(super) static NETWORK_TRAFFIC: ObjectType = ObjectType {
    extensions: &[
        ("http-request-ext", &ext::HTTP_REQUEST),
        ("icmp-ext", &ext::ICMP),
        ("socket-ext", &ext::SOCKET),
        ("tcp-ext", &ext::TCP),
    ],
    rules: &[
        Rule::AnyOf(&["src_ref", "dst_ref"]),
        Rule::Order("start", "end", true),
        Rule::Own(rules::network_end),
        Rule::Own(rules::network_ports),
    ],
    ..observable(
        "network-traffic",
        "STIX 2.1 §6.12",
        &[
            may("start", Time),
            may("end", Time),
            may("is_active", Boolean),
            may("src_ref", ENDPOINT),
            may("dst_ref", ENDPOINT),
            may("src_port", PORT),
            may("dst_port", PORT),
            must("protocols", LIST),
            may("src_byte_count", COUNT),
            may("dst_byte_count", COUNT),
            may("src_packets", COUNT),
            may("dst_packets", COUNT),
            may("ipfix", Dictionary(&ANY)),
            may("src_payload_ref", to(&["artifact"])),
            may("dst_payload_ref", to(&["artifact"])),
            may("encapsulates_refs", List(&to(&["network-traffic"]))),
            may("encapsulated_by_ref", to(&["network-traffic"])),
        ],
        &["start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions"],
    )
};

pub(super) static PROCESS: ObjectType = ObjectType {
    extensions: &[("windows-process-ext", &ext::WINDOWS_PROCESS), ("windows-service-ext", &ext::WINDOWS_SERVICE)],
    rules: &[Rule::Own(rules::not_empty)],
    ..observable(
        "process",
        "STIX 2.1 §6.13",
        &[
            may("is_hidden", Boolean),
            may("pid", INTEGER),
            may("created_time", Time),
            may("cwd", Text),
            may("command_line", Text),
            may("environment_variables", Dictionary(&Text)),
            may("opened_connection_refs", List(&to(&["network-traffic"]))),
            may("creator_user_ref", to(&["user-account"])),
            may("image_ref", to(&["file"])),
            may("parent_ref", to(&["process"])),
            may("child_refs", List(&to(&["process"]))),
        ],
        &[],
    )
};

pub(super) static SOFTWARE: ObjectType = observable(
    "software",
    "STIX 2.1 §6.14",
    &[
        must("name", Text),
        may("cpe", TextOf(&text::CPE)),
        may("swid", Text),
        may("languages", List(&TextOf(&text::SOFTWARE_LANGUAGE))),
        may("vendor", Text),
        may("version", Text),
    ],
    &["name", "cpe", "swid", "vendor", "version"],
);

pub(super) static URL: ObjectType =
    observable("url", "STIX 2.1 §6.15", &[must("value", TextOf(&text::VALUE_URL))], &["value"]);

pub(super) static USER_ACCOUNT: ObjectType = ObjectType {
    extensions: &[("unix-account-ext", &ext::UNIX_ACCOUNT)],
    rules: &[Rule::Own(rules::not_empty)],
    ..observable(
        "user-account",
        "STIX 2.1 §6.16",
        &[
            may("user_id", Text),
            may("credential", Text),
            may("account_login", Text),
            may("account_type", Word(&words::ACCOUNT_TYPE)),
            may("display_name", Text),
            may("is_service_account", Boolean),
            may("is_privileged", Boolean),
            may("can_escalate_privs", Boolean),
            may("is_disabled", Boolean),
            may("account_created", Time),
            may("account_expires", Time),
            may("credential_last_changed", Time),
            may("account_first_login", Time),
            may("account_last_login", Time),
        ],
        &["account_type", "user_id", "account_login"],
    )
};

pub(super) static WINDOWS_REGISTRY_KEY: ObjectType = ObjectType {
    rules: &[Rule::Own(rules::not_empty)],
    ..observable(
        "windows-registry-key",
        "STIX 2.1 §6.17",
        &[
            may("key", TextOf(&text::REGISTRY_KEY)),
            may("values", List(&Of(&REGISTRY_VALUE))),
            may("modified_time", Time),
            may("creator_user_ref", to(&["user-account"])),
            may("number_of_subkeys", COUNT),
        ],
        &["key", "values"],
    )
};

static REGISTRY_VALUE: Structure = Structure {
    section: "STIX 2.1 §6.17.2",
    properties: &[may("name", Text), may("data", Text), may("data_type", Word(&words::WINDOWS_REGISTRY_DATATYPE))],
    not_empty: true,
    rules: &[],
};

pub(super) static X509_CERTIFICATE: ObjectType = ObjectType {
    rules: &[Rule::Own(rules::not_empty), Rule::Order("validity_not_before", "validity_not_after", true)],
    ..observable(
        "x509-certificate",
        "STIX 2.1 §6.18",
        &[
            may("is_self_signed", Boolean),
            may("hashes", Hashes),
            may("version", Text),
            may("serial_number", Text),
            may("signature_algorithm", Text),
            may("issuer", Text),
            may("validity_not_before", Time),
            may("validity_not_after", Time),
            may("subject", Text),
            may("subject_public_key_algorithm", Text),
            may("subject_public_key_modulus", Text),
            may("subject_public_key_exponent", INTEGER),
            may("x509_v3_extensions", Of(&X509_V3_EXTENSIONS)),
        ],
        &["hashes", "serial_number"],
    )
};

static X509_V3_EXTENSIONS: Structure = Structure {
    section: "STIX 2.1 §6.18.2",
    properties: &[
        may("basic_constraints", Text),
        may("name_constraints", Text),
        may("policy_constraints", Text),
        may("key_usage", Text),
        may("extended_key_usage", Text),
        may("subject_key_identifier", Text),
        may("authority_key_identifier", Text),
        may("subject_alternative_name", Text),
        may("issuer_alternative_name", Text),
        may("subject_directory_attributes", Text),
        may("crl_distribution_points", Text),
        may("inhibit_any_policy", Text),
        may("private_key_usage_period_not_before", Time),
        may("private_key_usage_period_not_after", Time),
        may("certificate_policies", Text),
        may("policy_mappings", Text),
    ],
    not_empty: true,
    rules: &[],
};
