//! Where validation answers otherwise than was recorded, each case with its reason.

/// Options of the reference that no check of ours stands for.
pub(crate) const NOT_COMPARABLE: &[(&str, &str)] =
    &[("interop", "the interoperability profile is another document than the standard, and we do not check it")];

/// Test case of the reference, its options, and why what we answer is no answer to it.
pub(crate) const CASES_NOT_COMPARABLE: &[(&str, &str, &str)] = &[
    ("::test_invalid_type_name_lax", r#"{"disabled":["extensions-use"],"strict":true}"#, NO_PREFIX_MODE),
    ("::test_pattern_custom_object_noprefix", r#"{"disabled":["extensions-use"],"strict":true}"#, NO_PREFIX_MODE),
    (
        "::test_pattern_custom_object_noprefix",
        r#"{"disabled":["custom-prefix","extensions-use"],"strict":true}"#,
        NO_PREFIX_MODE,
    ),
    ("::test_pattern_custom_object_prefix_strict", r#"{"strict":true,"strict_types":true}"#, NO_OWN_NAMES_MODE),
    (
        "::test_pattern_custom_property_prefix_strict",
        r#"{"disabled":["extensions-use"],"strict":true,"strict_properties":true}"#,
        NO_OWN_NAMES_MODE,
    ),
];

const NO_PREFIX_MODE: &str = "without its check for extensions the reference holds prefixes also against types in patterns and \
     types that an extension defines (the same inputs with the check are compared); ours has no such mode";
const NO_OWN_NAMES_MODE: &str = "in this mode the reference forbids names of one's own in patterns, which §9 allows (the same inputs \
     without the mode are compared); ours has no such mode";

/// End of the reference's test case, a part of its input, and why we say otherwise.
pub(crate) const DISAGREEMENTS: &[(&str, &str, &str)] = &[
    ("::test_lax_option", r#""definition_type":"something","id":"marking-definition--34098fce"#, TLP),
    ("::test_marking_definition_with_extension", r#""id":"marking-definition--34098fce"#, TLP),
    (
        "::test_vocab_marking_definition_label",
        r#""definition_type":"something","id":"marking-definition--34098fce"#,
        TLP,
    ),
];

const TLP: &str = "STIX 2.1 §7.2.1.4: the TLP markings are given, each with its identifier and all its content. The input gives the \
     identifier of TLP:GREEN another type or content, which would let a reader take the object for less than it says";

/// Real content that is wrong: beginning of the file's name, code, part of the pointer, reason.
pub(crate) const REAL_ERRORS: &[(&str, &str, &str, &str)] = &[
    (
        "acs-spec-use-case-",
        "timestamp-precision",
        "/created",
        "§3.2: `created` has three decimals or more; written to the second",
    ),
    (
        "capec.stix21",
        "url-form",
        "/external_references/",
        "§2.5: two URLs begin with a space, which RFC 3986 has nowhere",
    ),
    (
        "infrastructure.json",
        "id-form",
        "/id",
        "§2.9 and RFC 4122 §3: a UUID with a capital letter, and identifiers are compared as text",
    ),
    ("invalid_braces.json", "json", "", "made to be no JSON"),
    ("invalid_comma.json", "json", "", "made to be no JSON"),
];
