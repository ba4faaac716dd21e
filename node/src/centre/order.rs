//! In which order objects of one body are taken: what others refer to comes first, so that nothing is decided twice.

/// Definitions, then who speaks, then what is spoken of, then what is said of it.
pub(crate) fn rank(object_type: &str) -> u8 {
    match object_type {
        "extension-definition" | "marking-definition" => 0,
        "identity" => 1,
        "relationship" => 3,
        "sighting" => 4,
        "report" | "grouping" | "note" | "opinion" | "observed-data" | "language-content" => 5,
        _ => 2,
    }
}
