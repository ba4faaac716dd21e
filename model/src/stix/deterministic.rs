//! Identifiers that follow from the content (STIX 2.1 §2.9): two producers who saw the same thing give it the same name.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::StixId;
use crate::canonical::canonical;

/// The namespace of deterministic identifiers of cyber-observables (STIX 2.1 §2.9).
pub const NAMESPACE: Uuid = Uuid::from_u128(0x00ab_edb4_aa42_466c_9c01_fed2_3315_a9b7);

/// Which hash contributes where there are several: the first of these that is there (STIX 2.1 §2.9).
const HASHES: &[&str] = &["MD5", "SHA-1", "SHA-256", "SHA-512"];

/// The ID contributing properties of each type (STIX 2.1 §6, the table of each object). An object without any of them, and
/// every `process`, has an identifier that follows from nothing.
pub const CONTRIBUTING: &[(&str, &[&str])] = &[
    ("artifact", &["hashes", "payload_bin"]),
    ("autonomous-system", &["number"]),
    ("directory", &["path"]),
    ("domain-name", &["value"]),
    ("email-addr", &["value"]),
    ("email-message", &["from_ref", "subject", "body"]),
    ("file", &["hashes", "name", "parent_directory_ref", "extensions"]),
    ("ipv4-addr", &["value"]),
    ("ipv6-addr", &["value"]),
    ("mac-addr", &["value"]),
    ("mutex", &["name"]),
    ("network-traffic", &["start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions"]),
    ("process", &[]),
    ("software", &["name", "cpe", "swid", "vendor", "version"]),
    ("url", &["value"]),
    ("user-account", &["account_type", "user_id", "account_login"]),
    ("windows-registry-key", &["key", "values"]),
    ("x509-certificate", &["hashes", "serial_number"]),
];

/// The properties that the identifier of this type follows from; none for a type that is no cyber-observable of STIX 2.1.
pub fn contributing(object_type: &str) -> Option<&'static [&'static str]> {
    CONTRIBUTING.iter().find(|(name, _)| *name == object_type).map(|(_, properties)| *properties)
}

/// Is this a cyber-observable of STIX 2.1 §6?
pub fn is_observable(object_type: &str) -> bool {
    contributing(object_type).is_some()
}

/// The part of `object` that its identifier follows from, hashes already chosen; none if there is no such part.
pub fn contribution(object: &Map<String, Value>) -> Option<Map<String, Value>> {
    let properties = contributing(object.get("type")?.as_str()?)?;
    let chosen: Map<String, Value> = properties
        .iter()
        .filter_map(|name| {
            let value = object.get(*name).filter(|value| !value.is_null())?;
            let value = if *name == "hashes" { chosen_hash(value)? } else { value.clone() };
            Some(((*name).to_owned(), value))
        })
        .collect();
    (!chosen.is_empty()).then_some(chosen)
}

/// The one hash that counts, as a dictionary of one. Without any of the four that the standard names, the first by name:
/// JSON keeps no order that two producers could agree on.
fn chosen_hash(hashes: &Value) -> Option<Value> {
    let hashes = hashes.as_object()?;
    let named = HASHES.iter().find_map(|name| hashes.get_key_value(*name));
    let (name, hash) = named.or_else(|| hashes.iter().min_by(|(a, _), (b, _)| a.cmp(b)))?;
    Some(Value::Object(Map::from_iter([(name.clone(), hash.clone())])))
}

/// The identifier that follows from the content of a cyber-observable: a UUIDv5 over the canonical JSON (RFC 8785) of its
/// contributing properties. None where nothing contributes (the standard then asks for a random one), and for other types.
pub fn deterministic_id(object: &Map<String, Value>) -> Option<StixId> {
    let name = canonical(&Value::Object(contribution(object)?));
    let object_type = object.get("type")?.as_str()?;
    format!("{object_type}--{}", Uuid::new_v5(&NAMESPACE, name.as_bytes())).parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn id(value: Value) -> Option<String> {
        let Value::Object(object) = value else { panic!("an object") };
        deterministic_id(&object).map(String::from)
    }

    #[test]
    fn a_name_that_stix2_gives() {
        assert_eq!(
            id(json!({"type": "ipv4-addr", "value": "198.51.100.3"})).unwrap(),
            "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"
        );
    }

    #[test]
    fn the_first_hash_of_the_standard_counts() {
        let file = |hashes: Value| id(json!({"type": "file", "hashes": hashes}));
        assert_eq!(file(json!({"SHA-256": "b", "MD5": "a"})), file(json!({"MD5": "a"})));
        assert_eq!(file(json!({"SHA-512": "b", "AAA": "a"})), file(json!({"SHA-512": "b"})));
        assert_eq!(file(json!({"TLSH": "b", "SSDEEP": "a"})), file(json!({"SSDEEP": "a"})));
        assert_eq!(file(json!({})), None);
    }

    #[test]
    fn nothing_follows_from_nothing() {
        for object in [
            json!({"type": "process", "pid": 1}),
            json!({"type": "file", "size": 1}),
            json!({"type": "file", "name": null}),
            json!({"type": "indicator", "name": "x"}),
            json!({"value": "x"}),
        ] {
            assert_eq!(id(object.clone()), None, "{object}");
        }
    }

    proptest! {
        #[test]
        fn what_does_not_contribute_changes_nothing(value in any::<String>(), other in any::<String>()) {
            let plain = id(json!({"type": "url", "value": value.clone()}));
            prop_assert_eq!(id(json!({"type": "url", "value": value, "defanged": true, "x_y": other})), plain);
        }

        #[test]
        fn other_values_have_other_identifiers(a in any::<String>(), b in any::<String>()) {
            prop_assume!(a != b);
            prop_assert_ne!(id(json!({"type": "mutex", "name": a})), id(json!({"type": "mutex", "name": b})));
        }
    }
}
