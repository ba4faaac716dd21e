//! The rules of validation, one by one: a good object of every type, and what each change to one makes of it.

#![expect(clippy::unwrap_used, reason = "a test panics where it fails")]

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
    for (name, change, severity, code, pointer) in cases() {
        let found = of(&changed(name, &change));
        let told =
            found.iter().any(|fault| fault.severity == severity && fault.code == code && fault.pointer == pointer);
        assert!(told, "{name} {change}: no {code} at {pointer} in {found:?}");
    }
}

type Case = (&'static str, Value, Severity, &'static str, &'static str);

fn cases() -> Vec<Case> {
    use Severity::{Error, Warning};
    let mut cases = common_cases();
    cases.extend([
        ("artifact", json!({"url": "https://a.example/"}), Error, "property-conflict", "/url"),
        ("artifact", json!({"payload_bin": null, "url": "https://a.example/"}), Error, "property-missing", "/hashes"),
        ("artifact", json!({"decryption_key": "x"}), Error, "property-missing", "/encryption_algorithm"),
        ("artifact", json!({"encryption_algorithm": "rot13"}), Error, "enumeration-value", "/encryption_algorithm"),
        ("artifact", json!({"payload_bin": "Zm9"}), Error, "binary-form", "/payload_bin"),
        ("domain-name", json!({"resolves_to_refs": [id("file")]}), Error, "reference-type", "/resolves_to_refs/0"),
        ("domain-name", json!({"value": "https://a.example/"}), Error, "domain-form", "/value"),
        ("domain-name", json!({"modified": "2026-01-01T00:00:00.000Z"}), Error, "property-forbidden", "/modified"),
        ("email-message", json!({"body_multipart": [{"body": "x"}]}), Error, "property-conflict", "/body_multipart"),
        (
            "email-message",
            json!({"is_multipart": true, "body_multipart": [{"content_type": "text/plain"}]}),
            Error,
            "property-missing",
            "/body_multipart/0",
        ),
        ("file", json!({"name": null}), Error, "property-missing", ""),
        ("file", json!({"hashes": {"MD5": "00"}}), Error, "hash-form", "/hashes/MD5"),
        ("file", json!({"hashes": {"Whirl": "00"}}), Warning, "vocabulary-value", "/hashes/Whirl"),
        ("file", json!({"hashes": {}}), Error, "dictionary-empty", "/hashes"),
        ("file", json!({"extensions": {"archive-ext": {"comment": "x"}}}), Error, "property-missing", "/extensions/archive-ext/contains_refs"),
        ("file", json!({"extensions": {"pdf-ext": {}}}), Error, "object-empty", "/extensions/pdf-ext"),
        (
            "file",
            json!({"extensions": {"windows-pebinary-ext": {"pe_type": "dll", "time_date_stamp": "2026-01-01T00:00:00.5Z"}}}),
            Error,
            "timestamp-precision",
            "/extensions/windows-pebinary-ext/time_date_stamp",
        ),
        ("indicator", json!({"pattern": "[url:value = 'a'"}), Error, "pattern-syntax", "/pattern"),
        ("indicator", json!({"pattern": "[u:value = 'a']"}), Warning, "pattern-name", "/pattern"),
        ("indicator", json!({"valid_until": "2026-01-01T00:00:00Z"}), Error, "time-order", "/valid_until"),
        ("indicator", json!({"description": null}), Warning, "property-advised", "/description"),
        ("indicator", json!({"kill_chain_phases": [{"phase_name": "a b"}]}), Error, "property-missing", "/kill_chain_phases/0/kill_chain_name"),
        ("indicator", json!({"kill_chain_phases": [{"phase_name": "a b"}]}), Warning, "kill-chain-form", "/kill_chain_phases/0/phase_name"),
        ("location", json!({"country": null}), Error, "property-missing", ""),
        ("location", json!({"latitude": 91.0}), Error, "number-range", "/latitude"),
        ("location", json!({"latitude": 9.0}), Error, "property-missing", "/longitude"),
        ("location", json!({"country": "XX"}), Warning, "country-code", "/country"),
        ("malware", json!({"is_family": true}), Error, "property-missing", "/name"),
        ("malware", json!({"malware_types": ["Big Worm"]}), Warning, "vocabulary-form", "/malware_types/0"),
        ("malware-analysis", json!({"result": null}), Error, "property-missing", ""),
        ("network-traffic", json!({"is_active": true, "end": "2026-01-01T00:00:00Z"}), Error, "property-conflict", "/end"),
        ("network-traffic", json!({"src_port": 65536}), Error, "number-range", "/src_port"),
        ("network-traffic", json!({"ipfix": {"Foo": 1}}), Warning, "ipfix-element", "/ipfix/Foo"),
        (
            "network-traffic",
            json!({"extensions": {"http-request-ext": {"request_method": "get", "request_value": "/", "request_header": {"X-Foo": ["a"]}}}}),
            Warning,
            "http-header",
            "/extensions/http-request-ext/request_header/X-Foo",
        ),
        (
            "network-traffic",
            json!({"extensions": {"socket-ext": {"address_family": "AF_INET", "options": {"foo": 1}}}}),
            Error,
            "socket-option",
            "/extensions/socket-ext/options/foo",
        ),
        ("observed-data", json!({"number_observed": 0}), Error, "number-range", "/number_observed"),
        ("observed-data", json!({"object_refs": [id("malware")]}), Error, "reference-type", "/object_refs/0"),
        ("observed-data", json!({"objects": {"0": {"type": "file"}}}), Error, "property-conflict", "/object_refs"),
        ("opinion", json!({"opinion": "maybe"}), Error, "enumeration-value", "/opinion"),
        ("process", json!({"pid": null}), Error, "object-empty", ""),
        ("process", json!({"id": format!("process--{MADE}")}), Error, "id-version", "/id"),
        ("relationship", json!({"source_ref": id("sighting")}), Error, "reference-type", "/source_ref"),
        ("relationship", json!({"relationship_type": "Uses"}), Error, "relationship-type-form", "/relationship_type"),
        ("relationship", json!({"relationship_type": "uses"}), Warning, "relationship-suggested", "/relationship_type"),
        ("sighting", json!({"sighting_of_ref": id("file")}), Error, "reference-type", "/sighting_of_ref"),
        ("sighting", json!({"count": -1}), Error, "number-range", "/count"),
        ("windows-registry-key", json!({"key": "HKLM\\a"}), Error, "registry-key-form", "/key"),
        ("windows-registry-key", json!({"values": [{"data_type": "REG_X"}]}), Error, "enumeration-value", "/values/0/data_type"),
        ("x509-certificate", json!({"x509_v3_extensions": {}}), Error, "object-empty", "/x509_v3_extensions"),
        ("language-content", json!({"contents": {"xx": {"name": "x"}}}), Error, "language-form", "/contents/xx"),
        ("extension-definition", json!({"extension_properties": ["abc"]}), Error, "property-conflict", "/extension_properties"),
        ("marking-definition", json!({"definition": null}), Error, "marking-definition", ""),
        ("marking-definition", json!({"definition_type": "tlp", "definition": {"tlp": "green"}}), Error, "marking-tlp", "/id"),
        ("marking-definition", json!({"object_marking_refs": [id("marking-definition")]}), Error, "marking-circular", "/object_marking_refs/0"),
    ]);
    cases
}

/// What holds for every type, seen on one.
fn common_cases() -> Vec<Case> {
    use Severity::{Error, Warning};
    vec![
        ("tool", json!({"created": "2026-01-01T00:00:00Z"}), Error, "timestamp-precision", "/created"),
        ("tool", json!({"created": "2026-01-01T00:00:00.001Z"}), Error, "time-order", "/modified"),
        ("tool", json!({"created": "2026-02-30T00:00:00.000Z"}), Error, "timestamp-form", "/created"),
        ("tool", json!({"confidence": 101}), Error, "number-range", "/confidence"),
        ("tool", json!({"confidence": "50"}), Error, "property-type", "/confidence"),
        ("tool", json!({"labels": []}), Error, "list-empty", "/labels"),
        ("tool", json!({"labels": "x"}), Error, "property-type", "/labels"),
        ("tool", json!({"lang": "foo"}), Error, "language-form", "/lang"),
        ("tool", json!({"created_by_ref": "identity--1"}), Error, "reference-form", "/created_by_ref"),
        ("tool", json!({"id": "tool--AAAAAAAA-aaaa-4aaa-8aaa-aaaaaaaaaaaa"}), Error, "id-form", "/id"),
        ("tool", json!({"id": "tool--aaaaaaaa-aaaa-4aaa-2aaa-aaaaaaaaaaaa"}), Error, "id-form", "/id"),
        ("tool", json!({"id": format!("tool--{MADE}")}), Warning, "id-version", "/id"),
        ("tool", json!({"id": id("malware")}), Error, "id-type", "/id"),
        ("tool", json!({"spec_version": "3"}), Error, "spec-version", "/spec_version"),
        ("tool", json!({"spec_version": null}), Warning, "spec-version-missing", "/spec_version"),
        ("tool", json!({"severity": "high"}), Error, "property-reserved", "/severity"),
        ("tool", json!({"ab": 1}), Error, "property-name", "/ab"),
        ("tool", json!({"a/b~c": 1}), Error, "property-name", "/a~1b~0c"),
        ("tool", json!({"x_own": 1}), Warning, "custom-property", "/x_own"),
        ("tool", json!({"own_thing": 1}), Warning, "custom-prefix", "/own_thing"),
        ("tool", json!({"x_own": 1}), Warning, "custom-name", "/x_own"),
        ("tool", json!({"x_us_ref": "x"}), Warning, "custom-suffix", "/x_us_ref"),
        ("tool", json!({"x_us_list": []}), Error, "list-empty", "/x_us_list"),
        ("tool", json!({"x_us_map": {"deep": []}}), Warning, "list-empty", "/x_us_map/deep"),
        ("tool", json!({"extensions": {}}), Error, "dictionary-empty", "/extensions"),
        (
            "tool",
            json!({"extensions": {"extension-definition--1": {"extension_type": "new-sdo"}}}),
            Error,
            "extension-key",
            "/extensions/extension-definition--1",
        ),
        (
            "tool",
            json!({"extensions": {"x-us-thing-ext": {"a": 1}}}),
            Warning,
            "custom-extension",
            "/extensions/x-us-thing-ext",
        ),
        (
            "tool",
            json!({"external_references": [{"source_name": "x"}]}),
            Error,
            "property-missing",
            "/external_references/0",
        ),
        (
            "tool",
            json!({"external_references": [{"source_name": "x", "url": "a.example"}]}),
            Error,
            "url-form",
            "/external_references/0/url",
        ),
        (
            "tool",
            json!({"external_references": [{"source_name": "x", "url": "a:b"}]}),
            Warning,
            "property-advised",
            "/external_references/0/hashes",
        ),
        (
            "vulnerability",
            json!({"external_references": [{"source_name": "cve", "external_id": "CVE-1"}]}),
            Error,
            "catalogue-entry",
            "/external_references/0/external_id",
        ),
        ("tool", json!({"object_marking_refs": [id("tool")]}), Error, "reference-type", "/object_marking_refs/0"),
        (
            "tool",
            json!({"granular_markings": [{"selectors": ["name"]}]}),
            Error,
            "granular-marking",
            "/granular_markings/0",
        ),
        (
            "tool",
            json!({"granular_markings": [{"lang": "en", "selectors": ["name.[0]"]}]}),
            Error,
            "granular-selector",
            "/granular_markings/0/selectors/0",
        ),
    ]
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
    let codes: Vec<String> = of(&bare).into_iter().map(|fault| fault.code.into()).collect();
    assert_eq!(codes, ["custom-object", "custom-prefix"], "kept, and only warned about");
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
