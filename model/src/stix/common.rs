//! What the standard asks of the common properties (STIX 2.1 §3.2), of markings (§7.2) and of the types that Bridgewatch
//! works with itself. All faults of an object are found, not the first.

use serde_json::{Map, Value};

use super::StixId;
use super::id::is_type_name;
use crate::fault::Fault;
use crate::marking;
use crate::time::Timestamp;

type Members = Map<String, Value>;

/// Types of domain and relationship objects: these have versions (§3.2, table of common properties).
const VERSIONED: &[&str] = &[
    "attack-pattern",
    "campaign",
    "course-of-action",
    "grouping",
    "identity",
    "incident",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "language-content",
    "location",
    "malware",
    "malware-analysis",
    "note",
    "observed-data",
    "opinion",
    "report",
    "threat-actor",
    "tool",
    "vulnerability",
    "relationship",
    "sighting",
    "extension-definition",
];
/// Cyber-observable types (§6): no creation time, an identifier made from the content.
const OBSERVABLE: &[&str] = &[
    "artifact",
    "autonomous-system",
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "file",
    "ipv4-addr",
    "ipv6-addr",
    "mac-addr",
    "mutex",
    "network-traffic",
    "process",
    "software",
    "url",
    "user-account",
    "windows-registry-key",
    "x509-certificate",
];

pub(super) fn faults(object: &Members) -> Vec<Fault> {
    let mut found = Found { object, faults: Vec::new() };
    found.identity();
    found.times();
    found.simple_properties();
    found.markings();
    match object.get("type").and_then(Value::as_str) {
        Some("indicator") => found.indicator(),
        Some("sighting") => found.sighting(),
        Some("relationship") => found.relationship(),
        Some("identity") => found.required_text("name", "STIX 2.1 §4.5"),
        Some("report") => {
            found.required_text("name", "STIX 2.1 §4.16");
            found.required_time("published", "STIX 2.1 §4.16");
            found.required_refs("object_refs", "STIX 2.1 §4.16");
        }
        Some("note") => {
            found.required_text("content", "STIX 2.1 §4.14");
            found.required_refs("object_refs", "STIX 2.1 §4.14");
        }
        Some("marking-definition") => found.marking_definition(),
        _ => {}
    }
    found.faults
}

struct Found<'a> {
    object: &'a Members,
    faults: Vec<Fault>,
}

impl Found<'_> {
    fn error(&mut self, code: &str, pointer: impl Into<String>, section: &str, message: impl Into<String>) {
        self.faults.push(Fault::error(code, pointer, section, message));
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.object.get(key).and_then(Value::as_str)
    }

    fn kind(&self) -> &str {
        self.text("type").unwrap_or_default()
    }

    fn identity(&mut self) {
        let section = "STIX 2.1 §3.2";
        match self.object.get("type") {
            Some(Value::String(kind)) if is_type_name(kind) => {}
            Some(Value::String(_)) => self.error(
                "type-name",
                "/type",
                "STIX 2.1 §3.1",
                "an object type is 3 to 250 lower-case letters, digits and single hyphens",
            ),
            Some(_) => self.error("property-type", "/type", section, "`type` is a text"),
            None => self.error("property-missing", "/type", section, "every object has a `type`: add it"),
        }
        match self.object.get("id") {
            Some(Value::String(id)) => match id.parse::<StixId>() {
                Ok(id) if id.object_type() != self.kind() => self.error(
                    "id-type",
                    "/id",
                    "STIX 2.1 §2.9",
                    format!(
                        "the identifier begins with `{}`, the object's type is `{}`: they must be the same",
                        id.object_type(),
                        self.kind()
                    ),
                ),
                Ok(_) => {}
                Err(error) => self.error("id-form", "/id", "STIX 2.1 §2.9", error.to_string()),
            },
            Some(_) => self.error("property-type", "/id", section, "`id` is a text"),
            None => self.error("property-missing", "/id", section, "every object has an `id`: add it"),
        }
        match self.object.get("spec_version") {
            Some(Value::String(version)) if version == "2.1" || version == "2.0" => {}
            Some(_) => self.error("spec-version", "/spec_version", section, "`spec_version` is `2.1`"),
            None if OBSERVABLE.contains(&self.kind()) => {}
            None if VERSIONED.contains(&self.kind()) || self.kind() == "marking-definition" => {
                self.faults.push(Fault::warning(
                    "spec-version-missing",
                    "/spec_version",
                    section,
                    "without `spec_version` an object is read as STIX 2.0: add `2.1`",
                ))
            }
            None => {}
        }
    }

    fn times(&mut self) {
        let versioned = VERSIONED.contains(&self.kind());
        for key in ["created", "modified"] {
            let needed = versioned || (key == "created" && self.kind() == "marking-definition");
            match self.object.get(key) {
                None if needed => self.error(
                    "property-missing",
                    format!("/{key}"),
                    "STIX 2.1 §3.2",
                    format!("an object of this type has `{key}`: add it"),
                ),
                Some(_) if OBSERVABLE.contains(&self.kind()) => self.error(
                    "property-forbidden",
                    format!("/{key}"),
                    "STIX 2.1 §3.2",
                    format!("a cyber-observable has no `{key}`: remove it"),
                ),
                _ => {}
            }
            self.time(key);
        }
        self.ordered("created", "modified", "STIX 2.1 §3.6.2", true);
    }

    fn time(&mut self, key: &str) {
        let Some(value) = self.object.get(key) else { return };
        let good = value.as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok());
        if !good {
            self.error(
                "timestamp-form",
                format!("/{key}"),
                "STIX 2.1 §2.16",
                format!("`{key}` is a time in UTC such as `2026-11-24T19:03:07.042Z`"),
            );
        }
    }

    /// `first` is not after `second` (`equal`: may be the same moment).
    fn ordered(&mut self, first: &str, second: &str, section: &str, equal: bool) {
        let time = |key: &str| self.text(key)?.parse::<Timestamp>().ok();
        if let (Some(a), Some(b)) = (time(first), time(second))
            && (a > b || (a == b && !equal))
        {
            self.error("time-order", format!("/{second}"), section, format!("`{second}` is later than `{first}`"));
        }
    }

    fn simple_properties(&mut self) {
        let section = "STIX 2.1 §3.2";
        for key in ["name", "description", "lang"] {
            if self.object.get(key).is_some_and(|value| !value.is_string())
                && (VERSIONED.contains(&self.kind()) || key == "lang")
            {
                self.error("property-type", format!("/{key}"), section, format!("`{key}` is a text"));
            }
        }
        if self.object.get("revoked").is_some_and(|value| !value.is_boolean()) {
            self.error("property-type", "/revoked", section, "`revoked` is true or false");
        }
        match self.object.get("confidence") {
            None => {}
            Some(value) if value.as_u64().is_some_and(|n| n <= 100) => {}
            Some(_) => {
                self.error("confidence-range", "/confidence", section, "`confidence` is a whole number from 0 to 100")
            }
        }
        if let Some(value) = self.object.get("created_by_ref") {
            let good = value
                .as_str()
                .and_then(|id| id.parse::<StixId>().ok())
                .is_some_and(|id| id.object_type() == "identity");
            if !good {
                self.error(
                    "reference-type",
                    "/created_by_ref",
                    section,
                    "`created_by_ref` is the identifier of an identity",
                );
            }
        }
        for key in ["labels", "external_references", "granular_markings", "object_marking_refs", "indicator_types"] {
            match self.object.get(key) {
                None => {}
                Some(Value::Array(items)) if !items.is_empty() => {}
                Some(_) => self.error(
                    "list-empty",
                    format!("/{key}"),
                    "STIX 2.1 §2.10",
                    format!("`{key}` is a list with at least one item: leave it out if there is none"),
                ),
            }
        }
        self.external_references();
    }

    fn external_references(&mut self) {
        let items = self.object.get("external_references").and_then(Value::as_array);
        for (place, item) in items.into_iter().flatten().enumerate() {
            let source = item.get("source_name").and_then(Value::as_str);
            if source.is_none_or(str::is_empty) {
                self.error(
                    "property-missing",
                    format!("/external_references/{place}/source_name"),
                    "STIX 2.1 §2.5",
                    "an external reference has a `source_name`: add it",
                );
            }
        }
    }

    fn markings(&mut self) {
        self.refs("object_marking_refs", Some("marking-definition"), "STIX 2.1 §7.2.2");
        let items = self.object.get("granular_markings").and_then(Value::as_array);
        for (place, item) in items.into_iter().flatten().enumerate() {
            let at = format!("/granular_markings/{place}");
            let marking = item.get("marking_ref").and_then(Value::as_str);
            let lang = item.get("lang").and_then(Value::as_str);
            match (marking, lang) {
                (Some(id), None) if id.parse::<StixId>().is_ok_and(|id| id.object_type() == "marking-definition") => {}
                (None, Some(_)) => {}
                _ => self.error(
                    "granular-marking",
                    at.clone(),
                    "STIX 2.1 §7.2.3",
                    "a granular marking has either a `marking_ref` to a marking definition or a `lang`",
                ),
            }
            let selectors = item.get("selectors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            if selectors.is_empty() {
                self.error(
                    "granular-selector",
                    at.clone(),
                    "STIX 2.1 §7.2.3",
                    "a granular marking has at least one selector",
                );
            }
            for (number, selector) in selectors.iter().enumerate() {
                if !selector.as_str().is_some_and(|selector| selects(self.object, selector)) {
                    self.error(
                        "granular-selector",
                        format!("{at}/selectors/{number}"),
                        "STIX 2.1 §7.2.3.1",
                        "the selector points at nothing in this object, or at its `id`, `type` or markings",
                    );
                }
            }
        }
    }

    fn refs(&mut self, key: &str, object_type: Option<&str>, section: &str) {
        let items = self.object.get(key).and_then(Value::as_array);
        for (place, item) in items.into_iter().flatten().enumerate() {
            let id = item.as_str().and_then(|id| id.parse::<StixId>().ok());
            let good = id.is_some_and(|id| object_type.is_none_or(|object_type| id.object_type() == object_type));
            if !good {
                let of = object_type.map_or(String::new(), |object_type| format!(" of a {object_type}"));
                self.error(
                    "reference-form",
                    format!("/{key}/{place}"),
                    section,
                    format!("an item of `{key}` is the identifier{of}"),
                );
            }
        }
    }

    fn required_text(&mut self, key: &str, section: &str) {
        match self.object.get(key) {
            Some(Value::String(_)) => {}
            Some(_) => self.error("property-type", format!("/{key}"), section, format!("`{key}` is a text")),
            None => self.error(
                "property-missing",
                format!("/{key}"),
                section,
                format!("an object of this type has `{key}`: add it"),
            ),
        }
    }

    fn required_time(&mut self, key: &str, section: &str) {
        if !self.object.contains_key(key) {
            self.required_text(key, section);
        }
        self.time(key);
    }

    fn required_refs(&mut self, key: &str, section: &str) {
        if self.object.get(key).and_then(Value::as_array).is_none_or(Vec::is_empty) {
            self.error(
                "property-missing",
                format!("/{key}"),
                section,
                format!("`{key}` is a list of at least one identifier: add it"),
            );
        }
        self.refs(key, None, section);
    }

    fn required_ref(&mut self, key: &str, section: &str) {
        if self.text(key).is_none_or(|id| id.parse::<StixId>().is_err()) {
            self.error(
                "reference-form",
                format!("/{key}"),
                section,
                format!("`{key}` is the identifier of an object: add it"),
            );
        }
    }

    fn indicator(&mut self) {
        let section = "STIX 2.1 §4.7";
        self.required_text("pattern", section);
        self.required_text("pattern_type", section);
        self.required_time("valid_from", section);
        self.time("valid_until");
        self.ordered("valid_from", "valid_until", section, false);
        if self.text("pattern_type") != Some("stix") {
            return;
        }
        if let Some(pattern) = self.text("pattern")
            && let Err(fault) = crate::pattern::parse(pattern)
        {
            let message = format!("{} (at byte {} of the pattern)", fault.message, fault.position);
            self.error("pattern-syntax", "/pattern", "STIX 2.1 §9", message);
        }
    }

    fn sighting(&mut self) {
        let section = "STIX 2.1 §5.2";
        self.required_ref("sighting_of_ref", section);
        self.refs("where_sighted_refs", None, section);
        self.refs("observed_data_refs", Some("observed-data"), section);
        self.time("first_seen");
        self.time("last_seen");
        self.ordered("first_seen", "last_seen", section, true);
        if self.object.get("count").is_some_and(|n| n.as_u64().is_none_or(|n| n > 999_999_999)) {
            self.error("count-range", "/count", section, "`count` is a whole number from 0 to 999999999");
        }
    }

    fn relationship(&mut self) {
        let section = "STIX 2.1 §5.1";
        self.required_text("relationship_type", section);
        self.required_ref("source_ref", section);
        self.required_ref("target_ref", section);
        self.time("start_time");
        self.time("stop_time");
        self.ordered("start_time", "stop_time", section, false);
    }

    fn marking_definition(&mut self) {
        let section = "STIX 2.1 §7.2.1";
        let pair = (self.object.contains_key("definition_type"), self.object.contains_key("definition"));
        if pair.0 != pair.1 {
            self.error(
                "marking-definition",
                "",
                section,
                "`definition_type` and `definition` come together or not at all",
            );
        } else if !pair.0 && !self.object.contains_key("extensions") {
            self.error("marking-definition", "", section, "a marking definition has a `definition` or an extension");
        }
        let id = self.text("id").and_then(|id| id.parse::<StixId>().ok());
        if let Some(id) = id
            && marking::redefines(&id, &Value::Object(self.object.clone()))
        {
            self.error("marking-redefined", "/id", "STIX 2.1 §7.2.1.4",
                "this identifier is a level of TLP that everyone knows, and it cannot be given another meaning: use an identifier of your own");
        }
    }
}

/// Does a selector (§7.2.3.1) point at something that may be marked?
fn selects(object: &Members, selector: &str) -> bool {
    let mut steps = selector.split('.');
    let Some(first) = steps.next() else { return false };
    if matches!(first, "id" | "type" | "object_marking_refs" | "granular_markings" | "") {
        return false;
    }
    let Some(mut value) = object.get(first) else { return false };
    for step in steps {
        let next = match step.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(index) => index.parse::<usize>().ok().and_then(|index| value.get(index)),
            None => value.get(step),
        };
        match next {
            Some(next) => value = next,
            None => return false,
        }
    }
    true
}
