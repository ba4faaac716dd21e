//! STIX 2.0 and 2.1, each said in the other's words (STIX 2.1, appendix "Changes from STIX 2.0").
//!
//! Going up loses nothing: what 2.1 no longer knows is kept under a name that begins with `x_stix20_`. Going down, what 2.0 does
//! not know is kept under `x_stix21_` (custom properties are allowed in both, §11.2 and 2.0 part 1 §5), so that the way back
//! gives the same object. What would say less, or something else, in 2.0 is refused with the reason.
//!
//! A marking never gets looser on the way: where the part that it marked is gone, it holds for the whole object.
//! A marking that 2.0 cannot say itself (TLP 2.0 is one by extension) stays referred to by its identifier: whether a reader of
//! 2.0 may have an object under a marking that it cannot read is `sharing`'s to decide (`sharing::edition`).

mod downgrade;
mod embedded;
mod marks;
mod observed;
mod tables;
mod upgrade;

pub use downgrade::{EMBEDDED_BYTES_MAX, Unsayable, downgrade, downgrade_bundle};
pub use observed::{MARKS_MAX, OBSERVABLES_MAX};
pub use upgrade::{upgrade, upgrade_bundle};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::marks::marks;
    use super::*;

    const OWNER: &str = "observed-data--11111111-1111-4111-8111-111111111111";
    const RED: &str = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed";
    const GREEN: &str = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da";

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(object) = value else { panic!("an object") };
        object
    }

    fn observed(objects: &Value, more: Value) -> Map<String, Value> {
        let mut made = object(json!({
            "type": "observed-data", "id": OWNER, "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
            "first_observed": "2026-01-01T00:00:00Z", "last_observed": "2026-01-01T00:00:00Z", "number_observed": 1,
            "objects": objects,
        }));
        made.extend(object(more));
        made
    }

    #[test]
    fn observables_get_their_own_place_and_the_markings_of_the_whole() {
        let old = observed(
            &json!({"0": {"type": "file", "name": "a", "parent_directory_ref": "1"}, "1": {"type": "directory", "path": "/"}}),
            json!({
                "object_marking_refs": [GREEN],
                "granular_markings": [{"marking_ref": RED, "selectors": ["objects.0.name"]}],
            }),
        );
        let new = upgrade(&old);
        assert_eq!(new.len(), 3);
        assert_eq!(new[0]["object_refs"], json!([new[1]["id"], new[2]["id"]]));
        assert_eq!(new[0]["granular_markings"][0]["selectors"], json!(["object_refs"]));
        assert_eq!(new[1]["parent_directory_ref"], new[2]["id"]);
        for observable in &new[1..] {
            assert_eq!(observable["object_marking_refs"], json!([GREEN, RED]));
            assert_eq!(super::super::deterministic_id(observable).unwrap().as_str(), observable["id"]);
        }
        let find = |id: &str| new.iter().find(|object| object["id"] == id).cloned();
        let back = downgrade(&new[0], &find).unwrap();
        assert_eq!(back["objects"], old["objects"]);
        assert_eq!(marks(&back), [GREEN, RED, RED], "stricter: now for the whole");
    }

    #[test]
    fn what_cannot_stand_alone_stays_inside() {
        for objects in [
            json!({}),
            json!({"0": 1}),
            json!({"0": {"value": "x"}}),
            json!({"0": {"type": "Not A Type"}}),
            json!({"0": {"type": "domain-name", "value": "x", "resolves_to_refs": ["7"]}}),
            json!({"0": {"type": "url", "value": "x"}, "1": {"type": "url", "value": "x", "x_more": 1},
                   "2": {"type": "url", "value": "x", "x_more": 2}}),
        ] {
            let new = upgrade(&observed(&objects, json!({})));
            assert_eq!((new.len(), &new[0]["objects"]), (1, &objects));
        }
    }

    #[test]
    fn circles_and_long_chains_end() {
        let long: Map<String, Value> = (0..OBSERVABLES_MAX)
            .map(|n| {
                let next = (n + 1) % OBSERVABLES_MAX;
                let ext = json!({"archive-ext": {"contains_refs": [next.to_string()]}});
                (n.to_string(), json!({"type": "file", "name": "a", "extensions": ext}))
            })
            .collect();
        assert_eq!(upgrade(&observed(&Value::Object(long), json!({}))).len(), OBSERVABLES_MAX + 1);
    }

    #[test]
    fn two_that_disagree_stay_apart() {
        let seen = |id: &str, more: &str| {
            let mut made = observed(&json!({"0": {"type": "file", "name": "a", "created": more}}), json!({}));
            made.insert("id".to_owned(), id.into());
            made
        };
        let other = "observed-data--22222222-2222-4222-8222-222222222222";
        let bundle = object(json!({
            "type": "bundle", "id": "bundle--11111111-1111-4111-8111-111111111111", "spec_version": "2.0",
            "objects": [seen(OWNER, "2016-01-01T00:00:00Z"), seen(other, "2017-01-01T00:00:00Z")],
        }));
        let new = upgrade_bundle(&bundle);
        assert_eq!(new["objects"].as_array().unwrap().len(), 3);
        assert_eq!(
            new["objects"][2]["objects"],
            json!({"0": {"type": "file", "name": "a", "ctime": "2017-01-01T00:00:00Z"}})
        );
        let (back, lost) = downgrade_bundle(&new);
        assert_eq!((back["objects"].clone(), lost), (bundle["objects"].clone(), Vec::new()));
    }

    #[test]
    fn many_that_hold_one_large_observable_find_an_end() {
        let mut objects =
            vec![json!({"type": "artifact", "spec_version": "2.1", "payload_bin": "A".repeat(EMBEDDED_BYTES_MAX / 2),
            "id": "artifact--44444444-4444-4444-8444-444444444444"})];
        for n in 0..4 {
            let mut made = observed(&json!({}), json!({"spec_version": "2.1", "object_refs": [objects[0]["id"]]}));
            made.remove("objects");
            made.insert("id".to_owned(), format!("observed-data--3333333{n}-3333-4333-8333-333333333333").into());
            objects.push(Value::Object(made));
        }
        let (back, lost) = downgrade_bundle(&object(json!({"type": "bundle", "objects": objects})));
        assert_eq!((back["objects"].as_array().unwrap().len(), lost.len()), (1, 3), "the artifact is inside one");
        assert!(lost[0].reason.contains("bytes"));
    }

    #[test]
    fn labels_become_types_where_the_vocabulary_knows_them() {
        let tool = |labels: Value| {
            let old =
                object(json!({"type": "tool", "id": "tool--11111111-1111-4111-8111-111111111111", "labels": labels,
                "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z", "name": "a",
                "granular_markings": [{"marking_ref": RED, "selectors": ["labels.[0]"]}]}));
            let new = upgrade(&old).remove(0);
            (new.get("tool_types").cloned(), new.get("labels").cloned(), marks(&new), new)
        };
        let (types, labels, marked, new) = tool(json!(["remote-access", "mine"]));
        assert_eq!((types, labels), (Some(json!(["remote-access"])), Some(json!(["mine"]))));
        assert_eq!(new["granular_markings"][0]["selectors"], json!(["labels", "tool_types"]));
        assert_eq!(marked, [RED]);
        let (types, labels, marked, new) = tool(json!(["tool"]));
        assert_eq!((types, labels, marked), (None, None, vec![RED.to_owned()]));
        assert_eq!(new["object_marking_refs"], json!([RED]), "the part is gone: the mark holds for the whole");
    }

    #[test]
    fn what_2_0_has_no_words_for() {
        let base = json!({"spec_version": "2.1", "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z"});
        let reason = |more: Value| {
            let mut made = object(base.clone());
            made.extend(object(more));
            downgrade(&made, &|_| None).unwrap_err().reason
        };
        for (more, expected) in [
            (json!({"type": "note"}), "the type `note` came with STIX 2.1"),
            (json!({"type": "url"}), "a cyber-observable stands only inside observed-data there"),
            (json!({"type": "indicator", "pattern_type": "yara"}), "an indicator's pattern is a STIX pattern there"),
            (json!({"type": "malware"}), "malware has a name there"),
            (json!({"type": "marking-definition"}), "a marking by extension, such as TLP 2.0, has no form there"),
            (json!({"type": "report", "object_refs": ["note--1"]}), "it reports of nothing that can be said there"),
            (
                json!({"type": "relationship", "source_ref": "location--1", "target_ref": "tool--1"}),
                "it refers to `location--1`, which cannot be said there",
            ),
            (
                json!({"type": "observed-data", "object_refs": ["url--1"]}),
                "it refers to `url--1`, which is not at hand",
            ),
        ] {
            assert_eq!(reason(more), expected);
        }
    }

    const NAMES: &[&str] = &[
        "type",
        "id",
        "created",
        "modified",
        "labels",
        "objects",
        "object_refs",
        "granular_markings",
        "object_marking_refs",
        "malware_types",
        "pattern",
        "pattern_version",
        "x_stix21_pattern",
        "x_stix21_object_refs",
        "x_stix21_labels",
        "x_stix21_id",
        "x_stix21_malware_types",
        "x_stix21_language_markings",
        "confidence",
        "is_family",
        "0",
        "1",
        "a_ref",
        "b_refs",
        "selectors",
        "marking_ref",
        "lang",
        "hashes",
        "ssdeep",
        "extensions",
        "spec_version",
    ];
    const TEXTS: &[&str] = &[
        "malware",
        "indicator",
        "observed-data",
        "report",
        "file",
        "url",
        "2.0",
        "2.1",
        "0",
        "1",
        "labels",
        "labels.[0]",
        "objects.0.name",
        RED,
        OWNER,
        "2026-01-01T00:00:00.1234Z",
        "[file:ctime = 'a']",
        "",
    ];
    const MINE: &[&str] = &[
        "labels",
        "objects",
        "object_refs",
        "granular_markings",
        "object_marking_refs",
        "malware_types",
        "pattern",
        "x_stix21_pattern",
        "x_stix21_malware_types",
        "created",
        "modified",
        "confidence",
        "spec_version",
        "extensions",
    ];

    fn members() -> impl Strategy<Value = Map<String, Value>> {
        let leaf = prop_oneof![
            prop::sample::select(TEXTS).prop_map(Value::from),
            Just(Value::Null),
            Just(json!(1)),
            Just(json!(true))
        ];
        let value = leaf.prop_recursive(4, 48, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::btree_map(prop::sample::select(NAMES), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().map(|(n, v)| (n.to_owned(), v)).collect())),
            ]
        });
        let kind = prop::sample::select(vec!["malware", "indicator", "observed-data", "report", "sighting", "x-own"]);
        (kind, prop::collection::btree_map(prop::sample::select(MINE), value, 0..8)).prop_map(|(kind, members)| {
            let mut made: Map<String, Value> =
                members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            made.insert("type".to_owned(), kind.into());
            made.insert("id".to_owned(), OWNER.into());
            made
        })
    }

    proptest! {
        #[test]
        fn hostile_objects_are_read_and_keep_their_marks(old in members()) {
            // What is no list of markings marks nothing.
            prop_assume!(old.get("object_marking_refs").is_none_or(Value::is_array));
            let new = upgrade(&old);
            let (before, after) = (marks(&old), marks(&new[0]));
            prop_assert!(before.iter().all(|mark| after.contains(mark)), "{:?} {:?}", old, new);
            for observable in &new[1..] {
                let marked = marks(observable);
                prop_assert!(before.iter().all(|mark| marked.contains(mark)), "{:?} {:?}", old, new);
            }
            if let Ok(lowered) = downgrade(&new[0], &|id| new.iter().find(|object| object["id"] == id).cloned()) {
                let lowered = marks(&lowered);
                prop_assert!(after.iter().all(|mark| lowered.contains(mark)), "{:?} {:?}", new, lowered);
            }
        }
    }
}
