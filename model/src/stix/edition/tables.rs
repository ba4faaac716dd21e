//! What differs between STIX 2.0 and 2.1, as tables.

use crate::stix::validate::vocabulary::{self, Vocabulary};

/// Name of what 2.0 had and 2.1 no longer has.
pub(super) const OLD_PREFIX: &str = "x_stix20_";
/// Name of what 2.1 has and 2.0 did not have yet.
pub(super) const NEW_PREFIX: &str = "x_stix21_";

/// Types whose required `labels` of 2.0 became a list of their own: type, property of 2.1, the words of the vocabulary, which both
/// have (2.0 part 2 "Vocabularies", 2.1 §10). Other labels are labels in both.
static TYPED_LABELS: [(&str, &str, &Vocabulary); 5] = [
    ("indicator", "indicator_types", &vocabulary::INDICATOR_TYPE),
    ("malware", "malware_types", &vocabulary::MALWARE_TYPE),
    ("report", "report_types", &vocabulary::REPORT_TYPE),
    ("threat-actor", "threat_actor_types", &vocabulary::THREAT_ACTOR_TYPE),
    ("tool", "tool_types", &vocabulary::TOOL_TYPE),
];

/// Properties of cyber-observables under another name: type, name in 2.0, name in 2.1.
pub(super) const RENAMED: &[(&str, &str, &str)] = &[
    ("directory", "accessed", "atime"),
    ("directory", "created", "ctime"),
    ("directory", "modified", "mtime"),
    ("file", "accessed", "atime"),
    ("file", "created", "ctime"),
    ("file", "modified", "mtime"),
    ("process", "binary_ref", "image_ref"),
    ("process", "created", "created_time"),
    ("user-account", "password_last_changed", "credential_last_changed"),
    ("windows-registry-key", "modified", "modified_time"),
];

/// Properties of cyber-observables and of their extensions that 2.1 no longer has.
pub(super) const OLD_ONLY: &[(&str, &[&str])] = &[
    ("archive-ext", &["version"]),
    ("file", &["decryption_key", "encryption_algorithm", "is_encrypted"]),
    ("process", &["arguments", "name"]),
    ("raster-image-ext", &["image_compression_algorithm"]),
    ("socket-ext", &["protocol_family"]),
];

/// Properties that 2.0 did not have, of every domain and relationship object.
pub(super) const NEW_EVERYWHERE: &[&str] = &["confidence", "extensions", "lang"];

/// Properties that 2.0 did not have, by type; those with a place of their own in 2.0 (`labels`, `objects`) are not here.
pub(super) const NEW_ONLY: &[(&str, &[&str])] = &[
    ("artifact", &["decryption_key", "encryption_algorithm"]),
    ("attack-pattern", &["aliases"]),
    ("email-message", &["message_id"]),
    ("identity", &["roles"]),
    ("indicator", &["pattern_version"]),
    (
        "malware",
        &[
            "aliases",
            "architecture_execution_envs",
            "capabilities",
            "first_seen",
            "implementation_languages",
            "is_family",
            "last_seen",
            "operating_system_refs",
            "sample_refs",
        ],
    ),
    ("marking-definition", &["name"]),
    ("relationship", &["start_time", "stop_time"]),
    ("sighting", &["description"]),
    ("software", &["swid"]),
    ("threat-actor", &["first_seen", "last_seen"]),
    ("tool", &["aliases"]),
    ("user-account", &["credential"]),
];

/// Properties that both have, but whose value 2.0 cannot say whole: kept beside the one that is said.
pub(super) const KEPT_WHOLE: &[&str] =
    &["created", "granular_markings", "modified", "object_refs", "observed_data_refs", "pattern", "where_sighted_refs"];

/// Properties of cyber-observables that 2.0 required and 2.1 does not.
pub(super) const OLD_REQUIRED: &[(&str, &[&str])] =
    &[("user-account", &["user_id"]), ("windows-registry-key", &["key"])];

/// Types that came with 2.1, cyber-observables apart.
pub(super) const NEW_TYPES: &[&str] = &[
    "extension-definition",
    "grouping",
    "incident",
    "infrastructure",
    "language-content",
    "location",
    "malware-analysis",
    "note",
    "opinion",
];

/// Names of hash algorithms that are spelled otherwise: in 2.0, in 2.1 (vocabularies `hash-algorithm-ov`).
pub(super) const HASH_NAMES: &[(&str, &str)] = &[("ssdeep", "SSDEEP")];

/// The row of a table by its type.
pub(super) fn of<'a>(table: &[(&str, &'a [&'a str])], object_type: &str) -> &'a [&'a str] {
    table.iter().find(|(name, _)| *name == object_type).map_or(&[], |(_, names)| *names)
}

/// The types' property and vocabulary of a type.
pub(super) fn typed_labels(object_type: &str) -> Option<(&'static str, &'static [&'static str])> {
    TYPED_LABELS.iter().find(|(name, _, _)| *name == object_type).map(|(_, property, known)| (*property, known.words))
}
