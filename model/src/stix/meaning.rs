//! Equality by meaning: one key for all spellings of one observable or of one indicator's pattern.

use serde_json::{Map, Value};

use super::deterministic::contribution;
use crate::canonical::canonical;
use crate::pattern::equivalence::normal_form;
use crate::spelling;
use crate::time::Timestamp;

type Members = Map<String, Value>;

/// Deepest chain of references that a key looks through (traffic → address; message → address).
const CHAIN_MAX: usize = 3;

/// A key that is the same for two texts exactly if they name the same observable, or look for the same: canonical JSON of what
/// identifies it, every value in its canonical spelling. `find` gives what references lead to; where it gives nothing, the
/// identifier itself counts. None for what has no such key: other types, and observables that nothing identifies.
///
/// Of an indicator the pattern counts alone, not its validity, its author or its words.
pub fn meaning(object: &Members, find: &dyn Fn(&str) -> Option<Members>) -> Option<String> {
    let key = match object.get("type")?.as_str()? {
        "indicator" => indicator(object)?,
        _ => observable(object, find, 0)?,
    };
    Some(canonical(&key))
}

fn indicator(object: &Members) -> Option<Value> {
    let text = object.get("pattern")?.as_str()?;
    let kind = object.get("pattern_type").and_then(Value::as_str).unwrap_or("stix");
    let pattern = match crate::pattern::parse(text) {
        Ok(tree) if kind == "stix" => normal_form(&tree),
        // Another language, or none: only the ends of lines and of the text mean nothing.
        _ => text.replace("\r\n", "\n").trim().to_owned(),
    };
    Some(Value::from_iter([("pattern", pattern), ("pattern_type", kind.to_owned())]))
}

fn observable(object: &Members, find: &dyn Fn(&str) -> Option<Members>, depth: usize) -> Option<Value> {
    let object_type = object.get("type")?.as_str()?;
    let mut named = object.clone();
    if let Some(Value::Object(hashes)) = object.get("hashes") {
        named.insert("hashes".to_owned(), spelled_hashes(hashes));
    }
    let mut key = Members::new();
    for (name, value) in contribution(&named)? {
        let value = match &value {
            Value::String(id) if name.ends_with("_ref") => find(id)
                .filter(|_| depth < CHAIN_MAX)
                .and_then(|target| observable(&target, find, depth + 1))
                .unwrap_or(value),
            Value::String(text) if matches!(name.as_str(), "start" | "end") => moment(text),
            _ => spelled(object_type, &name, value),
        };
        key.insert(name, value);
    }
    key.insert("type".to_owned(), object_type.into());
    Some(Value::Object(key))
}

fn moment(text: &str) -> Value {
    text.parse::<Timestamp>().map_or_else(|_| text.into(), |time| time.to_string().into())
}

fn spelled_hashes(hashes: &Members) -> Value {
    let each = hashes.iter().map(|(name, value)| {
        let name = spelling::algorithm(name);
        let value = value.as_str().map_or_else(|| value.clone(), |text| spelling::hash(&name, text).into());
        (name, value)
    });
    Value::Object(each.collect())
}

/// Every text below a property in its canonical spelling.
fn spelled(object_type: &str, path: &str, value: Value) -> Value {
    match value {
        Value::String(text) => spelling::spelled(object_type, path, &text).into(),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(|item| spelled(object_type, path, item)).collect();
            if path == "values" {
                // The values of a registry key have names, not places.
                items.sort_by_cached_key(canonical);
            }
            Value::Array(items)
        }
        Value::Object(members) if path == "hashes" || path.ends_with(".hashes") => spelled_hashes(&members),
        Value::Object(members) => {
            let each = members.into_iter().map(|(name, value)| {
                let below = format!("{path}.{name}");
                let value = spelled(object_type, &below, value);
                (name, value)
            });
            Value::Object(each.collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn key(value: Value) -> Option<String> {
        let Value::Object(object) = value else { panic!("an object") };
        meaning(&object, &|_| None)
    }

    #[test]
    fn one_value_spelled_twice() {
        for (object_type, property, first, second) in [
            ("ipv4-addr", "value", "192.0.2.1", "192.000.002.001"),
            ("ipv4-addr", "value", "192.0.2.1", "192[.]0.2.1/32"),
            ("ipv4-addr", "value", "192.0.2.0/24", "192.0.2.7/24"),
            ("ipv6-addr", "value", "2001:DB8:0:0::1", "2001:db8::1"),
            ("domain-name", "value", "Evil.Example.", "evil[.]example"),
            ("domain-name", "value", "bücher.example", "XN--BCHER-KVA.example"),
            ("url", "value", "hxxp://Evil.example:80", "http://evil.example/"),
            ("url", "value", "http://a.example/%7eb%2f", "http://a.example/~b%2F"),
            ("email-addr", "value", "Bad@Evil.example", "bad[@]evil[.]example"),
            ("mac-addr", "value", "00-1A-2B-3C-4D-5E", "001a.2b3c.4d5e"),
            ("windows-registry-key", "key", "HKLM\\Software\\A", "hkey_local_machine\\software\\a"),
            ("directory", "path", "C:\\Users\\A\\", "c:\\users\\a"),
            ("x509-certificate", "serial_number", "36:F7:D4", "36f7d4"),
        ] {
            let made = |value: &str| key(json!({"type": object_type, property: value})).unwrap();
            assert_eq!(made(first), made(second));
        }
    }

    #[test]
    fn other_values_stay_apart() {
        for (object_type, property, first, second) in [
            ("ipv4-addr", "value", "192.0.2.1", "192.0.2.10"),
            ("ipv4-addr", "value", "192.0.2.0/24", "192.0.2.0/25"),
            ("ipv4-addr", "value", "192.0.2.0/99", "192.0.2.0"),
            ("url", "value", "http://a.example/A", "http://a.example/a"),
            ("url", "value", "http://a.example/a%2Fb", "http://a.example/a/b"),
            ("directory", "path", "/Tmp", "/tmp"),
            ("directory", "path", "/", ""),
            ("mutex", "name", "A", "a"),
            ("mac-addr", "value", "00-1a", "001a.2b3c.4d5e"),
        ] {
            let made = |value: &str| key(json!({"type": object_type, property: value})).unwrap();
            assert_ne!(made(first), made(second));
        }
    }

    #[test]
    fn hashes_and_references() {
        let file = |hashes: Value| key(json!({"type": "file", "hashes": hashes})).unwrap();
        assert_eq!(file(json!({"md5": "AA", "SHA-256": "b"})), file(json!({"MD5": "aa"})));
        assert_ne!(file(json!({"SSDEEP": "A"})), file(json!({"SSDEEP": "a"})));
        let address = |value: &str| json!({"type": "ipv6-addr", "value": value}).as_object().cloned();
        let traffic = |id: &str| {
            let object = json!({"type": "network-traffic", "src_ref": id, "protocols": ["TCP"], "start": "2026-01-01T00:00:00Z"});
            meaning(object.as_object().unwrap(), &|id| address(id)).unwrap()
        };
        assert_eq!(traffic("::1"), traffic("0:0:0:0:0:0:0:1"));
        assert_ne!(traffic("::1"), traffic("::2"));
        assert_eq!(key(json!({"type": "process", "pid": 1})), None);
        assert_eq!(key(json!({"type": "note", "content": "x"})), None);
    }

    #[test]
    fn indicators_by_their_pattern() {
        let made = |kind: &str, pattern: &str| {
            key(json!({"type": "indicator", "pattern": pattern, "pattern_type": kind})).unwrap()
        };
        assert_eq!(
            made("stix", "[domain-name:value='Evil.Example'  OR ipv4-addr:value = '192.0.2.1/32']"),
            made("stix", "[ipv4-addr:value IN ('192.0.2.1')] OR [domain-name:value = 'evil.example.']")
        );
        assert_eq!(made("yara", "rule a {\r\n}\r\n"), made("yara", "rule a {\n}"));
        assert_ne!(made("yara", "rule a {}"), made("snort", "rule a {}"));
    }

    proptest! {
        #[test]
        fn a_canonical_spelling_is_its_own(
            kind in prop::sample::select(vec!["ipv4-addr", "ipv6-addr", "domain-name", "url", "email-addr", "mac-addr"]),
            text in "[ -~é]{0,24}|[0-9a-f:./]{1,30}|https?://[A-Za-z.:@%0-9/]{0,20}",
        ) {
            let once = spelling::spelled(kind, "value", &text);
            prop_assert_eq!(spelling::spelled(kind, "value", &once), once);
        }
    }
}
