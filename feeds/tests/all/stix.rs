//! STIX files: every shape, any size, broken or not.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use feeds::inbound::{Bodies, Found, InboundError, Item, Kind, Named, Part, Place, Settings, Source, rules, split};
use model::json::{Limits, split_objects};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::inbound::{Chunks, open};

fn raws(text: &[u8], size: usize) -> Result<Vec<Vec<u8>>, InboundError> {
    let inbound = open(text, size, &Settings::default())?;
    assert_eq!(inbound.kind(), Kind::Stix);
    inbound
        .filter_map(|item| match item {
            Ok(Item::Object { raw, .. }) => Some(Ok(raw)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
        .collect()
}

fn bodies_of(text: Vec<u8>, settings: Settings) -> Bodies<'static> {
    let open = move || Ok(Box::new(Chunks { bytes: text.clone(), at: 0, size: 1000 }) as Box<dyn Read + Send>);
    split(open, Source::default(), settings).unwrap()
}

#[test]
fn every_shape_gives_its_objects_as_received() {
    let shapes: [(&str, &[&str]); 10] = [
        (r#"{"type":"bundle","id":"bundle--1","objects":[ {"a": 1.0} , {"b":[]}]}"#, &[r#"{"a": 1.0}"#, r#"{"b":[]}"#]),
        (r#" {"objects":[{}],"type":"bundle", "more":[1,{"objects":[2]}]} "#, &["{}"]),
        (r#"{"more":false,"objects":[{"type":"x"}]}"#, &[r#"{"type":"x"}"#]),
        (r#" [ {"a":"]}\"["} ,{}]"#, &[r#"{"a":"]}\"["}"#, "{}"]),
        ("\n{ \"type\" : \"note\",\t\"objects\":1 }\n", &["{ \"type\" : \"note\",\t\"objects\":1 }"]),
        (r#"{"type":"observed-data","objects":[{"x":1}]}"#, &[r#"{"type":"observed-data","objects":[{"x":1}]}"#]),
        ("{\"type\":\"a-b\"}\n{\"type\":\"c-d\"}\n", &["{\"type\":\"a-b\"}", "{\"type\":\"c-d\"}"]),
        (
            r#"[{"type":"bundle","objects":[{"type":"n"},{"type":"m"}]},{"type":"o"}]"#,
            &[r#"{"type":"n"}"#, r#"{"type":"m"}"#, r#"{"type":"o"}"#],
        ),
        (r#"{"type":"bundle","id":"bundle--1"}"#, &[]),
        ("[]{}", &[]),
    ];
    for (text, expected) in shapes {
        for size in [1, 3, 1000] {
            let found = raws(text.as_bytes(), size).unwrap();
            let found: Vec<&str> = found.iter().map(|raw| std::str::from_utf8(raw).unwrap()).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}

#[test]
fn what_is_no_json_between_the_objects_ends_it_there() {
    for (text, whole) in [
        (r#"{"type":"bundle","objects":[{"a":1} {"b":1}]}"#, 1),
        (r#"{"type":"bundle","objects":[{"a":1},]}"#, 1),
        (r#"{"type":"bundle","objects":[{"a":1},{"b":"#, 1),
        (r#"{"objects":[{"a":1}],"type":"note"}"#, 1),
        (r#"{"objects":[{"a":1}],"objects":[{"b":1}]}"#, 1),
        (r#"[{"a":1},{"b":1}] x"#, 2),
        (r#"[{"a":1}"#, 1),
        (r#"{"a""#, 0),
        (r#"{,"a":1}"#, 0),
        (r#"{"a":1,}"#, 0),
        (r#"{"a":}"#, 0),
        (&format!("{{\"a\":{}", "[".repeat(100_000)), 0),
    ] {
        let found: Vec<_> = open(text.as_bytes(), 2, &Settings::default()).unwrap().collect();
        let objects = found.iter().filter(|item| matches!(item, Ok(Item::Object { .. }))).count();
        assert!(
            matches!(found.last(), Some(Err(InboundError::Json { ordinal, .. })) if *ordinal == whole),
            "{text:.60}"
        );
        assert_eq!(objects as u64, whole, "{text:.60}");
    }
}

#[test]
fn a_bad_object_is_told_by_its_ordinal_and_stops_nothing() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(70), "]".repeat(70));
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(300));
    let mut text =
        format!("[{{\"a\":1}},{deep},7,{{\"b\":}},{long},{{\"type\":\"x\",\"type\":\"y\"}},{{\"c\":\"").into_bytes();
    text.extend_from_slice(b"\xff\"},{\"d\":1}]");
    let settings = Settings { object_bytes: 200, ..Settings::default() };
    let found: Vec<Item> = open(&text, 11, &settings).unwrap().map(Result::unwrap).collect();
    let told: Vec<(Place, &str)> = found
        .iter()
        .filter_map(|item| match item {
            Item::Fault(fault) => Some((fault.place, fault.code)),
            _ => None,
        })
        .collect();
    let at = Place::Object;
    let expected = [
        (at(2), "json"),
        (at(3), "json"),
        (at(4), "json"),
        (at(5), "object-too-long"),
        (at(6), "json"),
        (at(7), "json"),
    ];
    assert_eq!(told, expected);
    assert_eq!(found.len() - told.len(), 2, "the first and the last are good");
}

fn object(object_type: &str, n: usize) -> Value {
    json!({"type": object_type, "id": format!("{object_type}--{n}"), "text": "x".repeat(n % 50)})
}

#[test]
fn definitions_and_identities_go_first_and_nothing_is_lost() {
    let types = ["indicator", "identity", "report", "marking-definition", "relationship"];
    let objects: Vec<Value> = (0..500).map(|n| object(types[n * 7 % 5], n)).collect();
    let text = serde_json::to_vec_pretty(&json!({"type": "bundle", "id": "bundle--1", "objects": objects})).unwrap();
    let settings = Settings { body_bytes: 4_000, body_objects: 20, ..Settings::default() };
    let mut found: Vec<Value> = Vec::new();
    for part in bodies_of(text, settings.clone()) {
        let Part::Body(body) = part.unwrap() else { panic!("a fault") };
        assert!(body.bytes.len() <= settings.body_bytes && body.objects <= settings.body_objects);
        let raw = split_objects(&body.bytes, &Limits::default()).unwrap();
        assert_eq!(raw.len(), body.objects);
        found.extend(raw.iter().map(|raw| serde_json::from_slice::<Value>(raw).unwrap()));
    }
    let of = |wanted: fn(&str) -> bool| objects.iter().filter(move |o| wanted(o["type"].as_str().unwrap())).cloned();
    let expected: Vec<Value> = of(|t| t == "marking-definition")
        .chain(of(|t| t == "identity"))
        .chain(of(|t| t != "marking-definition" && t != "identity"))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_file_that_breaks_off_gives_what_was_whole_and_then_says_so() {
    let text = format!("[{},{},{},{{\"type\":", object("indicator", 1), object("identity", 2), 7).into_bytes();
    let parts: Vec<_> = bodies_of(text, Settings::default()).collect();
    assert!(matches!(&parts[0], Ok(Part::Fault(fault)) if fault.place == Place::Object(3)), "{parts:?}");
    assert!(matches!(&parts[1], Ok(Part::Body(body)) if body.objects == 2), "{parts:?}");
    assert!(matches!(&parts[2], Err(InboundError::Json { .. })), "{parts:?}");
    assert_eq!(parts.len(), 3, "told once");
}

#[test]
fn an_input_that_cannot_be_opened_again_is_told() {
    let opened = Arc::new(AtomicUsize::new(0));
    let open = move || match opened.fetch_add(1, Ordering::SeqCst) {
        0 => Ok(Box::new(io::Cursor::new(b"[{}]".to_vec())) as Box<dyn Read + Send>),
        _ => Err(io::Error::other("gone")),
    };
    let parts: Vec<_> = split(open, Source::default(), Settings::default()).unwrap().collect();
    assert!(matches!(parts.as_slice(), [Err(InboundError::Read(_))]), "{parts:?}");
}

#[test]
fn compressed_files_are_unpacked_within_bounds() {
    let text = br#"{"type":"bundle","objects":[{"type":"note","content":"x"}]}"#.to_vec();
    let gzip = |bytes: &[u8]| {
        let mut packed = Vec::new();
        flate2::read::GzEncoder::new(bytes, flate2::Compression::fast()).read_to_end(&mut packed).unwrap();
        packed
    };
    let mut xz = Vec::new();
    liblzma::read::XzEncoder::new(text.as_slice(), 6).read_to_end(&mut xz).unwrap();
    let mut bzip2 = Vec::new();
    bzip2::read::BzEncoder::new(text.as_slice(), bzip2::Compression::fast()).read_to_end(&mut bzip2).unwrap();
    let zstd = zstd::encode_all(text.as_slice(), 3).unwrap();
    for packed in [gzip(&text), xz, bzip2, zstd, gzip(&gzip(&text))] {
        assert_eq!(raws(&packed, 5).unwrap().len(), 1);
    }
    assert!(matches!(open(&gzip(&gzip(&gzip(&text))), 9, &Settings::default()), Err(InboundError::Layers)));
    let bomb = gzip(&b"evil.example\n".repeat(100_000));
    let settings = Settings { decompressed_bytes: 100_000, ..Settings::default() };
    let last = open(&bomb, 4096, &settings).unwrap().last().unwrap();
    assert!(matches!(last, Err(InboundError::Read(error)) if error.to_string().contains("decompressed_bytes")));
    let cut = gzip(&text);
    let half = &cut[..cut.len() / 2];
    assert!(open(half, 3, &Settings::default()).is_err(), "half a file is not a whole one");
    assert!(open(b"BZhost.example\n", 3, &Settings::default()).is_ok_and(|list| list.kind() == Kind::List));
}

#[test]
fn rules_of_indicators_carry_their_times() {
    let indicator = |n: u32, more: Value| {
        let mut object = json!({
            "type": "indicator", "spec_version": "2.1", "id": format!("indicator--aaaaaaaa-aaaa-4aaa-8aaa-{n:012}"),
            "created": "2024-01-01T00:00:00.000Z", "modified": "2024-01-02T00:00:00.000Z",
            "pattern": "[ipv4-addr:value = '192.0.2.1']", "pattern_type": "stix", "valid_from": "2024-01-01T00:00:00Z"
        });
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object
    };
    let objects = json!([
        indicator(1, json!({"valid_until": "2025-01-01T00:00:00Z"})),
        object("report", 3),
        indicator(2, json!({"revoked": true})),
        indicator(3, json!({"pattern": "rule x {}", "pattern_type": "yara"})),
        indicator(4, json!({"pattern": "[ipv4-addr:value ="})),
    ]);
    let inbound = open(objects.to_string().as_bytes(), 99, &Settings::default()).unwrap();
    let found: Vec<Found> = rules(inbound, &Settings::default()).map(Result::unwrap).collect();
    let Found::Rule(first) = &found[0] else { panic!("{found:?}") };
    assert!(matches!(&first.named, Named::Indicator(id) if id.as_str().ends_with('1')));
    assert_eq!(first.valid_until.unwrap().to_string(), "2025-01-01T00:00:00.000000Z");
    assert!(matches!(&found[1], Found::Rule(rule) if rule.revoked));
    assert!(matches!(&found[2], Found::Fault(fault) if fault.code == "pattern-type"));
    assert!(matches!(&found[3], Found::Fault(fault) if fault.place == Place::Object(5)), "{found:?}");
    assert_eq!(found.len(), 4);
}

fn any_object() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a\"\\\\{}\\[\\],: é\n]{0,8}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-c\"{]{0,3}", inner, 0..4).prop_map(Value::from_iter),
        ]
    });
    proptest::collection::btree_map("[a-c]{1,2}", value, 0..4).prop_map(Value::from_iter)
}

proptest! {
    #[test]
    fn large_files_are_split_as_small_ones(objects in proptest::collection::vec(any_object(), 0..6), pretty: bool, shape in 0..3, size in 1..50_usize) {
        let whole = match shape {
            0 => json!({"type": "bundle", "id": "bundle--1", "objects": objects}),
            1 => json!({"more": false, "objects": objects}),
            _ => Value::from(objects),
        };
        let text = if pretty { serde_json::to_vec_pretty(&whole) } else { serde_json::to_vec(&whole) }.unwrap();
        let expected: Vec<Vec<u8>> = split_objects(&text, &Limits::default()).unwrap().into_iter().map(<[u8]>::to_vec).collect();
        prop_assert_eq!(raws(&text, size).unwrap(), expected);
    }

    #[test]
    fn damaged_files_give_only_bodies_that_can_be_read(objects in proptest::collection::vec(any_object(), 1..6), at: usize, byte: u8) {
        let mut text = serde_json::to_vec(&json!({"type": "bundle", "objects": objects})).unwrap();
        let at = at % text.len();
        text[at] = byte;
        let open = move || Ok(Box::new(io::Cursor::new(text.clone())) as Box<dyn Read + Send>);
        for part in split(open, Source::default(), Settings::default()).into_iter().flatten() {
            if let Ok(Part::Body(body)) = part {
                prop_assert_eq!(split_objects(&body.bytes, &Limits::default()).unwrap().len(), body.objects);
            }
        }
    }
}
