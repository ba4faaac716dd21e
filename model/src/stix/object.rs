//! One object: as received, and what was read of it.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::StixId;
use super::reference::{Reference, references};
use super::typed::{Typed, text, time, typed};
use super::validate::look_through;
use crate::fault::{Fault, Severity};
use crate::json::Limits;
use crate::time::Timestamp;

/// Which version of an object this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Version {
    /// SHA-256 of the bytes, for an object that has no `modified` (observables, marking definitions).
    Digest([u8; 32]),
    /// `modified` (§3.6.2).
    Modified(Timestamp),
}

/// The parsed view of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// `id`.
    pub id: StixId,
    /// `modified`, or the digest of the bytes.
    pub version: Version,
    /// `created`.
    pub created: Option<Timestamp>,
    /// `modified`.
    pub modified: Option<Timestamp>,
    /// `revoked`; false where absent.
    pub revoked: bool,
    /// `created_by_ref`.
    pub created_by_ref: Option<StixId>,
    /// `object_marking_refs` and every `marking_ref` of `granular_markings`: the strictest holds for the whole object.
    pub marking_refs: Vec<StixId>,
    /// True if a part is marked by language or by a marking of its own.
    pub granular: bool,
    /// What it refers to, markings apart.
    pub references: Vec<Reference>,
    /// What people call it: name, abstract, value or first words, whichever it has.
    pub name: Option<String>,
    /// By its type.
    pub typed: Typed,
    /// The whole, parsed.
    pub value: Map<String, Value>,
}

impl Object {
    /// `type`.
    pub fn object_type(&self) -> &str {
        self.id.object_type()
    }
}

/// Reads one object. Warnings come beside it; if there is an error, all faults come instead of it.
pub fn read(raw: &[u8], limits: &Limits) -> Result<(Object, Vec<Fault>), Vec<Fault>> {
    let (members, found) = look_through(raw, limits)?;
    let id = members.text("id").and_then(|id| id.parse::<StixId>().ok());
    match id {
        Some(id) if !found.iter().any(|fault| fault.severity == Severity::Error) => {
            Ok((view(id, raw, members.into_map()), found))
        }
        _ => Err(found),
    }
}

/// Every fault of one object: what [`read`] tells, for whoever does not need the object.
pub fn faults(raw: &[u8], limits: &Limits) -> Vec<Fault> {
    look_through(raw, limits).map_or_else(|faults| faults, |(_, faults)| faults)
}

fn view(id: StixId, raw: &[u8], value: Map<String, Value>) -> Object {
    let modified = time(&value, "modified");
    let version = modified.map_or_else(|| Version::Digest(Sha256::digest(raw).into()), Version::Modified);
    let list = |key: &str| value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let granular = list("granular_markings");
    let marks = list("object_marking_refs").iter().chain(granular.iter().filter_map(|mark| mark.get("marking_ref")));
    let mut marking_refs: Vec<StixId> = marks.filter_map(|mark| mark.as_str()?.parse().ok()).collect();
    marking_refs.sort();
    marking_refs.dedup();
    let name = ["name", "abstract", "content", "value", "path", "subject", "relationship_type"]
        .iter()
        .find_map(|key| text(&value, key));
    Object {
        version,
        created: time(&value, "created"),
        modified,
        revoked: value.get("revoked").and_then(Value::as_bool).unwrap_or(false),
        created_by_ref: value.get("created_by_ref").and_then(Value::as_str).and_then(|id| id.parse().ok()),
        marking_refs,
        granular: !granular.is_empty(),
        references: references(id.object_type(), &value),
        name,
        typed: typed(id.object_type(), &value),
        id,
        value,
    }
}
