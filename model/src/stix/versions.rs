//! Two versions of one object (STIX 2.1 §3.6): which is newer, and what a new version may not change.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::deterministic::{contribution, is_observable};
use super::typed::{text, time};
use crate::canonical::canonical;
use crate::fault::Fault;

const SECTION: &str = "STIX 2.1 §3.6.2";

/// What two versions of one object are to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The second against the first, by `modified`: greater where it is newer. Equal where they have the same `modified`, and
    /// where the type has no versions.
    pub order: Ordering,
    /// What the second may not be beside the first; empty if it is in order. Codes: `docs/faults.md`.
    pub faults: Vec<Fault>,
}

/// Compares `offered` with the version `held`, both of STIX 2.1. Neither need be the newer one: an older version that comes late breaks no rule
/// as long as it differs in nothing that all versions share.
pub fn compare(held: &Map<String, Value>, offered: &Map<String, Value>) -> Comparison {
    let mut found = Found { held, offered, faults: Vec::new() };
    let order = time(offered, "modified").cmp(&time(held, "modified"));
    found.identity();
    let object_type = text(held, "type").unwrap_or_default();
    if is_observable(&object_type) {
        found.observable();
    } else if object_type == "marking-definition" {
        found.marking_definition();
    } else {
        found.shared_by_all();
        found.one_text_a_moment(order);
        found.revoked_is_final(order);
    }
    let faults = match text(offered, "id") {
        Some(id) => found.faults.into_iter().map(|fault| fault.of(&id)).collect(),
        None => found.faults,
    };
    Comparison { order, faults }
}

struct Found<'a> {
    held: &'a Map<String, Value>,
    offered: &'a Map<String, Value>,
    faults: Vec<Fault>,
}

impl Found<'_> {
    fn error(&mut self, code: &'static str, pointer: &str, section: &'static str, message: &str) {
        self.faults.push(Fault::error(code, pointer, section, message));
    }

    fn differs(&self, name: &str) -> bool {
        self.held.get(name) != self.offered.get(name)
    }

    fn identity(&mut self) {
        for name in ["id", "type"] {
            if self.differs(name) {
                let message =
                    format!("versions of one object have the same `{name}`: give another object its own identifier");
                self.error("version-other-object", &format!("/{name}"), SECTION, &message);
            }
        }
    }

    /// What no new version may change.
    fn shared_by_all(&mut self) {
        // As moments: `…:07Z` and `…:07.000Z` are the same one.
        let same = match (time(self.held, "created"), time(self.offered, "created")) {
            (Some(held), Some(offered)) => held == offered,
            _ => !self.differs("created"),
        };
        if !same {
            self.error(
                "version-created",
                "/created",
                SECTION,
                "every version keeps the `created` of the first: restore it, or make a new object",
            );
        }
        if self.differs("created_by_ref") {
            self.error(
                "version-creator",
                "/created_by_ref",
                SECTION,
                "only its creator makes new versions of an object: restore `created_by_ref`, or make a new object",
            );
        }
    }

    /// Two texts with one `modified`: a reader could not know which of them counts.
    fn one_text_a_moment(&mut self, order: Ordering) {
        let whole = |object: &Map<String, Value>| {
            let mut object = object.clone();
            for name in ["created", "modified"] {
                // As moments, since a copy may spell the same one otherwise.
                if let Some(moment) = time(&object, name) {
                    object.insert(name.to_owned(), moment.to_string().into());
                }
            }
            // Its default (§3.2).
            object.retain(|name, value| name != "revoked" || *value != false);
            canonical(&Value::Object(object))
        };
        if order == Ordering::Equal && whole(self.held) != whole(self.offered) {
            self.error(
                "version-same-modified",
                "/modified",
                SECTION,
                "another text of this object has the same `modified`: give a new version a later one",
            );
        }
    }

    /// `revoked` is permanent: no version comes after it.
    fn revoked_is_final(&mut self, order: Ordering) {
        let revoked = |object: &Map<String, Value>| object.get("revoked") == Some(&Value::Bool(true));
        let after_the_end = match order {
            Ordering::Greater => revoked(self.held),
            Ordering::Less => revoked(self.offered),
            Ordering::Equal => false,
        };
        if after_the_end {
            self.error(
                "version-after-revoked",
                "/modified",
                "STIX 2.1 §3.2",
                "one of the two is revoked and the other is later, but revoking is final: make a new object",
            );
        }
    }

    /// A cyber-observable has no versions; what its identifier follows from is the same in every copy of it.
    fn observable(&mut self) {
        let named = |object: &Map<String, Value>| contribution(object).map(|part| canonical(&Value::Object(part)));
        let by_content = text(self.held, "id") == super::deterministic_id(self.held).map(String::from);
        if by_content && named(self.held) != named(self.offered) {
            self.error(
                "version-contributing",
                "",
                "STIX 2.1 §2.9",
                "a property that the identifier follows from is another one: give the object the identifier of its content",
            );
        }
    }

    /// A marking definition has no versions at all, so that nobody can loosen one that others have used.
    fn marking_definition(&mut self) {
        let whole = |object: &Map<String, Value>| {
            let mut object = object.clone();
            // 2.0 has no `spec_version` here, and both versions of the standard name the same markings.
            object.remove("spec_version");
            object
        };
        if whole(self.held) != whole(self.offered) {
            self.error(
                "version-of-marking",
                "",
                "STIX 2.1 §7.2.1",
                "a marking definition has no versions: make a new one with its own identifier",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(object) = value else { panic!("an object") };
        object
    }

    fn note(changes: Value) -> Map<String, Value> {
        let mut made = object(json!({
            "type": "note", "spec_version": "2.1", "id": "note--11111111-1111-4111-8111-111111111111",
            "created_by_ref": "identity--22222222-2222-4222-8222-222222222222",
            "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-02T00:00:00.000Z", "content": "a",
        }));
        for (name, value) in object(changes) {
            made.retain(|held, _| *held != name);
            if !value.is_null() {
                made.insert(name, value);
            }
        }
        made
    }

    fn codes(held: &Map<String, Value>, offered: &Map<String, Value>) -> (Ordering, Vec<String>) {
        let found = compare(held, offered);
        (found.order, found.faults.into_iter().map(|fault| fault.code.into_owned()).collect())
    }

    #[test]
    fn each_rule_has_its_code() {
        let held = note(json!({}));
        let later = "2026-01-03T00:00:00Z";
        for (change, expected) in [
            (json!({"modified": later, "content": "b", "labels": ["x"]}), None),
            (json!({"modified": later, "created": "2026-01-01T00:00:00Z"}), None),
            (json!({"modified": later, "revoked": true}), None),
            (json!({"modified": later, "created": "2026-01-01T00:00:01Z"}), Some("version-created")),
            (json!({"modified": later, "created": null}), Some("version-created")),
            (json!({"modified": later, "created_by_ref": null}), Some("version-creator")),
            (json!({"modified": later, "type": "opinion"}), Some("version-other-object")),
            (json!({"modified": later, "id": "note--x"}), Some("version-other-object")),
            (json!({"content": "b"}), Some("version-same-modified")),
            (json!({"modified": "2026-01-02T00:00:00Z", "revoked": false}), None),
        ] {
            let (_, found) = codes(&held, &note(change.clone()));
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{change}");
        }
        assert_eq!(codes(&held, &note(json!({"modified": later}))).0, Ordering::Greater);
        assert_eq!(codes(&note(json!({"modified": later})), &held).0, Ordering::Less);
    }

    #[test]
    fn every_code_is_documented() {
        let page = include_str!("../../../docs/faults.md");
        let codes = include_str!("versions.rs").split('"').filter(|text| {
            text.starts_with("version-")
                && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
                && *text != "version-"
        });
        for code in codes {
            assert!(page.contains(&format!("| `{code}` |")), "{code}");
        }
    }

    #[test]
    fn nothing_comes_after_revoked() {
        let (before, end) = (note(json!({})), note(json!({"modified": "2026-01-03T00:00:00Z", "revoked": true})));
        let after = note(json!({"modified": "2026-01-04T00:00:00Z"}));
        assert_eq!(codes(&before, &end).1, Vec::<String>::new());
        assert_eq!(codes(&end, &before).1, Vec::<String>::new(), "an older one may come late");
        assert_eq!(codes(&end, &after).1, ["version-after-revoked"]);
        assert_eq!(codes(&after, &end).1, ["version-after-revoked"]);
    }

    #[test]
    fn what_has_no_versions() {
        let url = |id: &str, value: &str, more: &str| {
            object(json!({"type": "url", "id": id, "value": value, "x_more": more}))
        };
        let id = super::super::deterministic_id(&url("", "http://a.example/", "")).unwrap();
        let held = url(id.as_str(), "http://a.example/", "1");
        assert_eq!(codes(&held, &url(id.as_str(), "http://a.example/", "2")).1, Vec::<String>::new());
        assert_eq!(codes(&held, &url(id.as_str(), "http://b.example/", "1")).1, ["version-contributing"]);
        let marking = |text: &str| {
            object(json!({
                "type": "marking-definition", "id": "marking-definition--11111111-1111-4111-8111-111111111111",
                "created": "2026-01-01T00:00:00Z", "definition_type": "statement", "definition": {"statement": text},
            }))
        };
        assert_eq!(codes(&marking("a"), &marking("a")).1, Vec::<String>::new());
        assert_eq!(codes(&marking("a"), &marking("b")).1, ["version-of-marking"]);
    }

    proptest! {
        #[test]
        fn comparing_is_symmetric(a in 0_u8..3, b in 0_u8..3, first in any::<bool>(), second in any::<bool>()) {
            let made = |day: u8, revoked: bool| note(json!({"modified": format!("2026-02-0{}T00:00:00Z", day + 1), "revoked": revoked}));
            let (held, offered) = (made(a, first), made(b, second));
            let (there, back) = (codes(&held, &offered), codes(&offered, &held));
            prop_assert_eq!(there.0, back.0.reverse());
            prop_assert_eq!(there.1, back.1);
        }
    }
}
