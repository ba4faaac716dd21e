//! What an object refers to, and what becomes of it where the target may not be seen (design: "Stored as it leaves").

use serde_json::Value;

use super::StixId;

/// What an object loses with a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Need {
    /// The standard requires it: without it the object is withheld.
    Required,
    /// It can be dropped, and the object still says something true.
    Droppable,
    /// One item of a list that must not become empty: with the last item the object is withheld.
    OneOfMany,
}

/// One reference.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The property of the object that holds it (its own or that of an extension).
    pub property: String,
    /// What it refers to.
    pub id: StixId,
    /// What happens without it.
    pub need: Need,
}

/// Properties that hold references which the standard requires, by object type (STIX 2.1 §4, §5, §6).
const REQUIRED: &[(&str, &[&str])] = &[
    ("relationship", &["source_ref", "target_ref"]),
    ("sighting", &["sighting_of_ref"]),
    ("network-traffic", &["src_ref", "dst_ref"]),
    ("malware-analysis", &["sample_ref"]),
    ("language-content", &["object_ref"]),
];

/// Lists that the standard requires not to be empty.
const NOT_EMPTY: &[(&str, &str)] = &[
    ("report", "object_refs"),
    ("note", "object_refs"),
    ("opinion", "object_refs"),
    ("grouping", "object_refs"),
    ("observed-data", "object_refs"),
    ("malware-analysis", "analysis_sco_refs"),
];

/// May an object of this type have to be withheld because of what it refers to?
pub fn may_be_withheld(object_type: &str) -> bool {
    REQUIRED.iter().any(|(kind, _)| *kind == object_type) || NOT_EMPTY.iter().any(|(kind, _)| *kind == object_type)
}

fn need(object_type: &str, property: &str, list: bool) -> Need {
    let required = |(kind, properties): &(&str, &[&str])| *kind == object_type && properties.contains(&property);
    if REQUIRED.iter().any(required) {
        Need::Required
    } else if list && NOT_EMPTY.contains(&(object_type, property)) {
        Need::OneOfMany
    } else {
        Need::Droppable
    }
}

/// Every reference of an object except its markings: `*_ref` and `*_refs` at the top level (§3.1), in which nested
/// ones (extensions, kill chains of unknown types) count as required, because nobody knows what they mean.
pub(super) fn references(object_type: &str, object: &serde_json::Map<String, Value>) -> Vec<Reference> {
    let mut found = Vec::new();
    for (property, value) in object {
        if matches!(property.as_str(), "object_marking_refs" | "id" | "granular_markings") {
            continue;
        }
        let mut note = |id: &str, need| {
            if let Ok(id) = id.parse() {
                found.push(Reference { property: property.clone(), id, need });
            }
        };
        match value {
            Value::String(id) if property.ends_with("_ref") => note(id, need(object_type, property, false)),
            Value::Array(ids) if property.ends_with("_refs") => {
                for id in ids.iter().filter_map(Value::as_str) {
                    note(id, need(object_type, property, true));
                }
            }
            Value::Object(_) | Value::Array(_) => nested(value, property, &mut found),
            _ => {}
        }
    }
    found
}

/// References inside other values: any text below a `*_ref` or `*_refs` key that is an identifier.
fn nested(value: &Value, property: &str, found: &mut Vec<Reference>) {
    let mut waiting = vec![(value, false)];
    while let Some((value, refers)) = waiting.pop() {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    waiting.push((value, key.ends_with("_ref") || key.ends_with("_refs")));
                }
            }
            Value::Array(items) => waiting.extend(items.iter().map(|item| (item, refers))),
            Value::String(text) if refers => {
                if let Ok(id) = text.parse() {
                    found.push(Reference { property: property.to_owned(), id, need: Need::Required });
                }
            }
            _ => {}
        }
    }
}
