//! STIX objects as analysts write them, each with words, values and times that occur nowhere else.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::word::{below, word};

/// TLP 2.0, by the ids of OASIS' common objects.
pub const CLEAR: &str = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487";
/// TLP:GREEN.
pub const GREEN: &str = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
/// TLP:AMBER.
pub const AMBER: &str = "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421";
/// TLP:AMBER+STRICT.
pub const AMBER_STRICT: &str = "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003";
/// TLP:RED.
pub const RED: &str = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
/// The extension that says national caveats (published schema; written here again on purpose).
pub const NATIONAL_HANDLING: &str = "extension-definition--0f4c1d52-6a0e-5b3e-9d0f-2f5f0c5a7b41";

/// An object and what to look for where it must not be.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The object.
    pub object: Value,
    /// The domain that the sensor hears, for an indicator.
    pub value: String,
    /// Words, value and time of this version, which occur in no other object.
    pub canaries: Vec<String>,
}

impl Piece {
    /// Its STIX id.
    pub fn id(&self) -> &str {
        self.object.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// The same with one property set.
    #[must_use]
    pub fn with(mut self, key: &str, value: Value) -> Self {
        set(&mut self.object, key, value);
        self
    }

    /// The same without these properties.
    #[must_use]
    pub fn without(mut self, keys: &[&str]) -> Self {
        if let Some(map) = self.object.as_object_mut() {
            map.retain(|key, _| !keys.contains(&key.as_str()));
        }
        self
    }

    /// A later version with other words, value, and marking.
    #[must_use]
    pub fn next(&self, markings: &[&str]) -> Self {
        let kind = self.object.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut next = piece(&kind, markings, "2026-11-02");
        for key in ["id", "created", "created_by_ref"] {
            if let Some(kept) = self.object.get(key) {
                set(&mut next.object, key, kept.clone());
            }
        }
        // `created` is the same in both versions and tells nothing.
        next.canaries.remove(0);
        if kind == "indicator" { next.heard() } else { next }
    }

    /// The same to look for, without the time of creation, which later versions share.
    #[must_use]
    pub fn later_than_created(&self) -> Self {
        let canaries = self.canaries.iter().skip(1).cloned().collect();
        Self { canaries, ..self.clone() }
    }

    fn heard(self) -> Self {
        let value = format!("{}.example", word());
        let pattern = format!("[domain-name:value = '{value}' OR domain-name:value LIKE '%.{value}']");
        let from = self.object.get("created").cloned().unwrap_or_default();
        let mut piece =
            self.with("pattern", json!(pattern)).with("pattern_type", json!("stix")).with("valid_from", from);
        piece.canaries.push(value.clone());
        piece.value = value;
        piece
    }
}

/// An indicator of a domain of its own.
pub fn indicator(markings: &[&str]) -> Piece {
    piece("indicator", markings, "2026-11-01").heard()
}

/// An identity.
pub fn identity(markings: &[&str]) -> Piece {
    piece("identity", markings, "2026-11-01").with("identity_class", json!("organization"))
}

/// A note about `about`.
pub fn note(markings: &[&str], about: &str) -> Piece {
    let words = [word(), word()];
    let mut note = piece("note", markings, "2026-11-01").without(&["name", "description"]);
    note.canaries.truncate(2);
    note.canaries.extend(words.clone());
    let [title, content] = words;
    note.with("abstract", json!(title)).with("content", json!(content)).with("object_refs", json!([about]))
}

/// A report on `about`.
pub fn report(markings: &[&str], about: &[&str]) -> Piece {
    let report = piece("report", markings, "2026-11-01").with("published", json!("2026-11-01T00:00:00.000Z"));
    report.with("report_types", json!(["threat-report"])).with("object_refs", json!(about))
}

/// A relationship between two objects.
pub fn relationship(markings: &[&str], source: &str, target: &str) -> Piece {
    let between = piece("relationship", markings, "2026-11-01").without(&["name"]);
    let between = between.with("relationship_type", json!("related-to")).with("source_ref", json!(source));
    let mut between = between.with("target_ref", json!(target));
    between.canaries.remove(2); // the name that it does not have
    between
}

/// A marking definition of national handling.
pub fn national(name: &str, body: &Value) -> Value {
    let mut extension = json!({"extension_type": "property-extension"});
    if let (Some(into), Some(body)) = (extension.as_object_mut(), body.as_object()) {
        into.extend(body.clone());
    }
    json!({
        "type": "marking-definition", "spec_version": "2.1", "id": format!("marking-definition--{}", Uuid::new_v4()),
        "created": "2026-11-01T00:00:00.000Z", "name": name, "object_marking_refs": [GREEN],
        "extensions": {NATIONAL_HANDLING: extension},
    })
}

/// A bundle of objects.
pub fn bundle(objects: &[&Value]) -> Value {
    json!({"type": "bundle", "id": format!("bundle--{}", Uuid::new_v4()), "objects": objects})
}

/// Sets a property.
pub fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.to_owned(), value);
    }
}

/// What all have: canaries are `created`, `modified` (as far as the millisecond), name, description, in this order.
fn piece(kind: &str, markings: &[&str], day: &str) -> Piece {
    let (created, modified) = (moment(day, 0), moment(day, 12));
    let words = [word(), word()];
    let [name, description] = &words;
    let mut object = json!({
        "type": kind, "spec_version": "2.1", "id": format!("{kind}--{}", Uuid::new_v4()),
        "created": format!("{created}Z"), "modified": format!("{modified}Z"),
        "name": format!("{name} {kind}"), "description": format!("Reported by a test: {description}"),
    });
    if !markings.is_empty() {
        set(&mut object, "object_marking_refs", json!(markings));
    }
    let mut canaries = vec![created, modified];
    canaries.extend(words);
    Piece { object, value: String::new(), canaries }
}

/// A random moment in the twelve hours of `day` that begin at `from`, as far as the millisecond.
fn moment(day: &str, from: u64) -> String {
    let ms = below(12 * 3_600_000);
    let (hour, minute, second) = (from + ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{day}T{hour:02}:{minute:02}:{second:02}.{:03}", ms % 1_000)
}
