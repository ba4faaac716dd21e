//! Where we knowingly differ from a recorded answer, each with the section of the standard and the reason. Anything else that
//! differs fails its test.

/// How stix2 names observables otherwise; `tests/python/identifiers.py` says which cases are of a kind.
pub(crate) const IDENTIFIERS: &[(&str, &str)] = &[
    (
        "hashes-without-preferred",
        "STIX 2.1 §2.9 names no order for other hashes; stix2 takes the first as written, which JSON does not keep (RFC 8259 §4)",
    ),
    (
        "hash-name-spelling",
        "STIX 2.1 §2.9 takes the property as it is; stix2 first turns `sha256` into the vocabulary's `SHA-256` (§10.7)",
    ),
    (
        "timestamp-spelling",
        "STIX 2.1 §2.9 takes the property as it is; stix2 first drops the zeros at the end of a time",
    ),
];

/// Where the published 2.1 form of ICS ATT&CK 18.1 is not what the 2.0 form says: type, property (none: the whole), reason.
pub(crate) const ATTACK: &[(&str, &str, &str)] = &[(
    "x-mitre-collection",
    "",
    "the list of what the publication holds is published in 2.1 only; nothing in 2.0 says it",
)];

const SEEN_TWICE: &str = "STIX 2.1 §2.9: two observed-data of one bundle saw one observable, and each says something of it that \
                          the other does not; 2.1 has one object for it, which says both";

/// What is not the same after 2.0 → 2.1 → 2.0: identifier, property, reason.
pub(crate) const UP_AND_DOWN: &[(&str, &str, &str)] = &[
    ("observed-data--2972c3a2-dda3-4de7-aca1-e96cf7ce5544", "objects", SEEN_TWICE),
    ("observed-data--3451329f-2525-4bcb-9659-7bd0e6f1eb0d", "objects", SEEN_TWICE),
    ("observed-data--3cd23a7b-a099-49df-b397-189018311d4e", "objects", SEEN_TWICE),
    ("observed-data--4bb235a7-7d25-4aef-802f-2c6b45c5eceb", "objects", SEEN_TWICE),
    ("observed-data--5ac337df-e078-4e99-8b17-02550a00020f", "objects", SEEN_TWICE),
    ("observed-data--dc624447-684a-488f-9e16-f78f717d8efd", "objects", SEEN_TWICE),
];

/// Why some objects that came as 2.0 cannot be said in 2.0 again: end of our reason, the rule that they break.
pub(crate) const NEVER_OLD: &[(&str, &str)] = &[
    ("an identifier has a UUID of version 4 there", "STIX 2.0 part 1 §2.7: the producer made UUIDs of version 5"),
    ("which cannot be said there", "STIX 2.0 part 1 §2.7: the object refers to such a one"),
    (
        "a cyber-observable stands only inside observed-data there",
        "STIX 2.0 part 1 §2.7: its observed-data is such a one",
    ),
];

/// What may be more after 2.1 → 2.0 → 2.1: type, property, reason.
pub(crate) const DOWN_AND_UP: &[(&str, &str, &str)] = &[
    (
        "observed-data",
        "object_refs",
        "STIX 2.0 part 3 §2.1: what an observable inside refers to must be inside too, so it is observed as well",
    ),
    (
        "indicator",
        "granular_markings",
        "types and labels are one list in 2.0: a marking of one type comes back as a marking of all types, which is stricter",
    ),
    (
        "marking-definition",
        "granular_markings",
        "STIX 2.1 §7.2.3.1: the recorded selector `[0]` selects nothing; the marking then holds for the whole",
    ),
    ("marking-definition", "object_marking_refs", "as for `granular_markings`"),
];

/// Where ICS ATT&CK 18.1 breaks a rule for versions beside 17.1: type, code, the property that was changed against it.
pub(crate) const VERSIONS: &[(&str, &str, &str)] = &[(
    "attack-pattern",
    "version-same-modified", // STIX 2.1 §3.6.2: the property went from seventy techniques that kept their `modified`
    "x_mitre_data_sources",
)];

/// What stix2 complains of in an object that we said in the other edition: part of its complaint, reason.
pub(crate) const REFUSED: &[(&str, &str)] = &[(
    "Invalid value for Artifact 'payload_bin'",
    "STIX 2.1 §2.1: the recorded payload is cut short with `[...]`, in an artifact of its own that stix2 refuses in 2.1 too",
)];
