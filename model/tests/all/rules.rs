//! The rules of validation, one by one: a good object of every type, and what each change to one makes of it.

use model::fault::{Fault, Severity};
use model::json::Limits;
use model::stix::faults;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const UUID: &str = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
const MADE: &str = "aaaaaaaa-aaaa-5aaa-8aaa-aaaaaaaaaaaa";

fn id(name: &str) -> String {
    format!("{name}--{UUID}")
}

/// A good object of this type.
fn good(name: &str) -> Value {
    let own = own(name);
    let observable = OBSERVABLES.contains(&name);
    let random = matches!(name, "process") || !observable;
    let mut object =
        json!({"type": name, "spec_version": "2.1", "id": format!("{name}--{}", if random { UUID } else { MADE })});
    if !observable {
        object["created"] = json!("2026-01-01T00:00:00.000Z");
    }
    if !observable && name != "marking-definition" {
        object["modified"] = json!("2026-01-01T00:00:00.000Z");
    }
    for (key, value) in own.as_object().unwrap() {
        object[key] = value.clone();
    }
    object
}

const OBSERVABLES: &[&str] = &[
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

const TYPES: &[&str] = &[
    "artifact",
    "attack-pattern",
    "autonomous-system",
    "campaign",
    "course-of-action",
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "extension-definition",
    "file",
    "grouping",
    "identity",
    "incident",
    "indicator",
    "infrastructure",
    "intrusion-set",
    "ipv4-addr",
    "ipv6-addr",
    "language-content",
    "location",
    "mac-addr",
    "malware",
    "malware-analysis",
    "marking-definition",
    "mutex",
    "network-traffic",
    "note",
    "observed-data",
    "opinion",
    "process",
    "relationship",
    "report",
    "sighting",
    "software",
    "threat-actor",
    "tool",
    "url",
    "user-account",
    "vulnerability",
    "windows-registry-key",
    "x509-certificate",
];

/// What the type itself asks for.
fn own(name: &str) -> Value {
    match name {
        "artifact" => json!({"payload_bin": "Zm9v", "mime_type": "text/plain"}),
        "autonomous-system" => json!({"number": 64512}),
        "directory" => json!({"path": "/tmp"}),
        "domain-name" => json!({"value": "a.example"}),
        "email-addr" => json!({"value": "a@b.example"}),
        "email-message" => json!({"is_multipart": false, "subject": "x"}),
        "extension-definition" => {
            json!({"name": "x", "description": "y", "schema": "https://a.example/", "version": "1.0.0",
            "extension_types": ["property-extension"]})
        }
        "file" | "mutex" | "software" => json!({"name": "x"}),
        "grouping" => json!({"context": "unspecified", "object_refs": [id("indicator")]}),
        "indicator" => json!({"name": "x", "description": "y", "pattern": "[url:value = 'a']", "pattern_type": "stix",
            "valid_from": "2026-01-01T00:00:00Z"}),
        "ipv4-addr" => json!({"value": "192.0.2.1"}),
        "ipv6-addr" => json!({"value": "2001:db8::1"}),
        "language-content" => json!({"object_ref": id("campaign"), "contents": {"fr": {"name": "é"}}}),
        "location" => json!({"country": "CA"}),
        "mac-addr" => json!({"value": "00:00:5e:00:53:01"}),
        "malware" => json!({"is_family": false}),
        "malware-analysis" => json!({"product": "x", "result": "benign"}),
        "marking-definition" => json!({"definition_type": "statement", "definition": {"statement": "x"}}),
        "network-traffic" => json!({"protocols": ["tcp"], "src_ref": id("ipv4-addr"), "src_port": 1, "dst_port": 2}),
        "note" => json!({"content": "x", "object_refs": [id("indicator")]}),
        "observed-data" => json!({"first_observed": "2026-01-01T00:00:00Z", "last_observed": "2026-01-01T00:00:00Z",
            "number_observed": 1, "object_refs": [id("ipv4-addr")]}),
        "opinion" => json!({"opinion": "agree", "object_refs": [id("indicator")]}),
        "process" => json!({"pid": 1}),
        "relationship" => {
            json!({"relationship_type": "indicates", "source_ref": id("indicator"), "target_ref": id("malware")})
        }
        "report" => json!({"name": "x", "published": "2026-01-01T00:00:00Z", "object_refs": [id("indicator")]}),
        "sighting" => json!({"sighting_of_ref": id("indicator")}),
        "url" => json!({"value": "https://a.example/"}),
        "user-account" => json!({"user_id": "1"}),
        "windows-registry-key" => json!({"key": "HKEY_LOCAL_MACHINE\\a"}),
        "x509-certificate" => json!({"serial_number": "1"}),
        _ => json!({"name": "x"}),
    }
}

fn of(object: &Value) -> Vec<Fault> {
    faults(object.to_string().as_bytes(), &Limits::default())
}

fn changed(name: &str, change: &Value) -> Value {
    let mut object = good(name);
    for (key, value) in change.as_object().unwrap() {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(key);
        } else {
            object[key] = value.clone();
        }
    }
    object
}

#[test]
fn a_good_object_of_every_type_has_no_fault() {
    for name in TYPES {
        assert_eq!(of(&good(name)), vec![], "{name}");
    }
}

#[test]
fn every_change_tells_its_fault() {
    let lines = include_str!("rules.txt").lines().filter(|line| !line.starts_with('#'));
    let mut seen = 0;
    for line in lines {
        let line = line.replace("<random>", UUID).replace("<made>", MADE);
        let columns: Vec<&str> = line.split(" | ").map(|column| column.trim_end_matches(" |")).collect();
        let [name, change, severity, code, rest @ ..] = columns.as_slice() else { panic!("{line}") };
        let pointer = rest.first().copied().unwrap_or_default();
        let found = of(&changed(name, &serde_json::from_str(change).unwrap()));
        let told = found.iter().any(|fault| {
            let severity = if *severity == "error" { Severity::Error } else { Severity::Warning };
            fault.severity == severity && fault.code == *code && fault.pointer == pointer
        });
        assert!(told, "{line}: not told in {found:?}");
        seen += 1;
    }
    assert!(seen > 80, "the table is read");
}

#[test]
fn extensions_let_a_producer_add_what_he_likes() {
    let key = "extension-definition--aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
    let free =
        changed("tool", &json!({"rank": 5, "extensions": {key: {"extension_type": "toplevel-property-extension"}}}));
    assert_eq!(of(&free), vec![]);
    let within = changed("tool", &json!({"extensions": {key: {"extension_type": "property-extension", "rank": 5}}}));
    assert_eq!(of(&within), vec![]);
    let own = json!({"type": "satellite", "spec_version": "2.1", "id": id("satellite"), "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z", "orbit": "low", "extensions": {key: {"extension_type": "new-sdo"}}});
    assert_eq!(of(&own), vec![]);
    let bare = json!({"type": "satellite", "id": id("satellite"), "orbit": "low"});
    let codes: Vec<String> = of(&bare).into_iter().map(|fault| fault.code.into_owned()).collect();
    assert_eq!(codes, ["custom-object", "custom-prefix"], "kept, and only warned about");
}

#[test]
fn hostile_objects_cost_no_more_than_their_size() {
    let many = 200_000;
    let members: Vec<String> = (0..many).map(|n| format!("\"Member{n}\":[]")).collect();
    let selectors: Vec<String> = (0..many).map(|n| format!("\"member{n}\"")).collect();
    let marks = format!("\"granular_markings\":[{{\"lang\":\"en\",\"selectors\":[{}]}}]", selectors.join(","));
    let text = format!(
        "{{\"type\":\"tool\",\"spec_version\":\"2.1\",\"id\":\"{}\",{marks},{}}}",
        id("tool"),
        members.join(",")
    );
    let found = faults(text.as_bytes(), &Limits::default());
    assert_eq!(found.len(), 2_001, "the bound of each severity, and a word that there is more");
    assert_eq!(found.last().map(|fault| fault.code.as_ref()), Some("faults-more"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9).prop_map(Value::from),
        "[ -~é]{0,40}".prop_map(Value::from),
        prop::sample::select(TYPES).prop_map(|name| Value::from(id(name))),
        Just(json!("2026-01-01T00:00:00.000Z")),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-zA-Z0-9_~/-]{0,12}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

const NAMES: &[&str] = &[
    "id",
    "type",
    "spec_version",
    "created",
    "modified",
    "extensions",
    "hashes",
    "object_refs",
    "granular_markings",
    "labels",
    "external_references",
    "kill_chain_phases",
    "values",
    "objects",
    "contents",
    "definition",
    "pattern",
    "value",
    "name",
    "x509_v3_extensions",
    "body_multipart",
    "object_marking_refs",
    "ipfix",
    "valid_until",
    "x_own_ref",
    "first_seen",
    "last_seen",
];

proptest! {
    #[test]
    fn whatever_stands_there_is_told_where_it_is(
        name in prop::sample::select(TYPES),
        changes in prop::collection::vec((prop::sample::select(NAMES), any_json()), 0..4),
    ) {
        let mut object = good(name);
        for (key, value) in changes {
            object[key] = value;
        }
        for fault in of(&object) {
            // What is missing is told where it would stand: then at least the place around it is there.
            let around = fault.pointer.rsplit_once('/').map_or("", |(around, _)| around);
            let there = object.pointer(&fault.pointer).is_some() || object.pointer(around).is_some();
            prop_assert!(there, "{fault:?} in {object}");
            prop_assert!(!fault.message.is_empty() && fault.section.starts_with("STIX 2.1 §"));
        }
        prop_assert_eq!(of(&object), of(&object));
    }

    #[test]
    fn nothing_is_lost_with_what_a_producer_adds(name in prop::sample::select(TYPES), value in any_json()) {
        // An addition of whatever content makes warnings alone, unless it is an empty list at the top.
        prop_assume!(value != json!([]));
        let object = changed(name, &json!({"x_own_thing": value}));
        prop_assert!(of(&object).iter().all(|fault| fault.severity == Severity::Warning));
    }
}
