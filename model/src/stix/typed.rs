//! What Bridgewatch itself reads of the types it works with.

use serde_json::{Map, Value};

use super::StixId;
use crate::pattern::Pattern;
use crate::time::Timestamp;

/// An indicator (STIX 2.1 §4.7).
#[derive(Debug, Clone, PartialEq)]
pub struct Indicator {
    /// As received.
    pub pattern: String,
    /// `stix`, `snort`, `yara`, …
    pub pattern_type: String,
    /// The pattern's tree, for `pattern_type` `stix`.
    pub tree: Option<Pattern>,
    /// From when it holds.
    pub valid_from: Timestamp,
    /// Until when it holds, that moment not included.
    pub valid_until: Option<Timestamp>,
}

/// A sighting (STIX 2.1 §5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// What was sighted.
    pub sighting_of_ref: StixId,
    /// When first.
    pub first_seen: Option<Timestamp>,
    /// When last.
    pub last_seen: Option<Timestamp>,
    /// How often.
    pub count: Option<u64>,
}

/// A relationship (STIX 2.1 §5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relationship {
    /// What it says.
    pub relationship_type: String,
    /// From.
    pub source_ref: StixId,
    /// To.
    pub target_ref: StixId,
}

/// The view of an object by its type.
#[derive(Debug, Clone, PartialEq)]
pub enum Typed {
    /// An indicator.
    Indicator(Box<Indicator>),
    /// A sighting.
    Sighting(Sighting),
    /// A relationship.
    Relationship(Relationship),
    /// An identity.
    Identity,
    /// A report.
    Report,
    /// A note.
    Note,
    /// A marking definition; [`crate::marking::meaning`] reads what it means.
    MarkingDefinition,
    /// Any other, known to the standard or not: kept and carried.
    Other,
}

pub(super) fn time(object: &Map<String, Value>, key: &str) -> Option<Timestamp> {
    object.get(key)?.as_str()?.parse().ok()
}

pub(super) fn text(object: &Map<String, Value>, key: &str) -> Option<String> {
    object.get(key)?.as_str().map(str::to_owned)
}

/// The view of `object`, whose faults have been found already: what cannot be read is left out.
pub(super) fn typed(object_type: &str, object: &Map<String, Value>) -> Typed {
    let id = |key: &str| object.get(key)?.as_str()?.parse::<StixId>().ok();
    let view = || match object_type {
        "indicator" => {
            let pattern = text(object, "pattern")?;
            let pattern_type = text(object, "pattern_type")?;
            let tree = (pattern_type == "stix").then(|| crate::pattern::parse(&pattern).ok()).flatten();
            let (valid_from, valid_until) = (time(object, "valid_from")?, time(object, "valid_until"));
            Some(Typed::Indicator(Box::new(Indicator { pattern, pattern_type, tree, valid_from, valid_until })))
        }
        "sighting" => Some(Typed::Sighting(Sighting {
            sighting_of_ref: id("sighting_of_ref")?,
            first_seen: time(object, "first_seen"),
            last_seen: time(object, "last_seen"),
            count: object.get("count").and_then(Value::as_u64),
        })),
        "relationship" => Some(Typed::Relationship(Relationship {
            relationship_type: text(object, "relationship_type")?,
            source_ref: id("source_ref")?,
            target_ref: id("target_ref")?,
        })),
        "identity" => Some(Typed::Identity),
        "report" => Some(Typed::Report),
        "note" => Some(Typed::Note),
        "marking-definition" => Some(Typed::MarkingDefinition),
        _ => None,
    };
    view().unwrap_or(Typed::Other)
}
