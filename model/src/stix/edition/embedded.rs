//! One cyber-observable between its place inside observed-data (2.0) and its own (2.1): names of properties and of hashes.
//! References are left to `observed`.

use serde_json::{Map, Value};

use super::tables::{HASH_NAMES, NEW_ONLY, NEW_PREFIX, OLD_ONLY, OLD_PREFIX, OLD_REQUIRED, RENAMED, of};

type Members = Map<String, Value>;

/// What an observable of 2.1 has beyond its type's own properties and 2.0 did not have.
const NEW_OF_OBSERVABLES: &[&str] = &["defanged", "granular_markings"];

/// An embedded observable of 2.0 under the names of 2.1.
pub(super) fn raise(object: &Members) -> Members {
    let object_type = object.get("type").and_then(Value::as_str).unwrap_or_default();
    let mut made = Members::new();
    for (name, value) in object {
        let renamed = RENAMED.iter().find(|(kind, old, _)| *kind == object_type && old == name).map(|(_, _, new)| *new);
        let name = match renamed {
            Some(new) => new.to_owned(),
            None if of(OLD_ONLY, object_type).contains(&name.as_str()) => format!("{OLD_PREFIX}{name}"),
            None => restored(name, object_type).unwrap_or(name).to_owned(),
        };
        let value = if name == "extensions" { each_extension(value, raise_extension) } else { value.clone() };
        let value = hashes(&name, value, Way::Up);
        made.insert(name, value);
    }
    made
}

/// An observable of 2.1 under the names of 2.0, without identifier, markings and version of the standard.
pub(super) fn lower(object: &Members) -> Members {
    let object_type = object.get("type").and_then(Value::as_str).unwrap_or_default();
    let mut made = Members::new();
    for (name, value) in object {
        if matches!(name.as_str(), "id" | "object_marking_refs" | "spec_version") {
            continue;
        }
        let renamed = RENAMED.iter().find(|(kind, _, new)| *kind == object_type && new == name).map(|(_, old, _)| *old);
        let old = name.strip_prefix(OLD_PREFIX).filter(|old| of(OLD_ONLY, object_type).contains(old));
        let new = of(NEW_ONLY, object_type).contains(&name.as_str()) || NEW_OF_OBSERVABLES.contains(&name.as_str());
        let name = match renamed.or(old) {
            Some(old) => old.to_owned(),
            None if new => format!("{NEW_PREFIX}{name}"),
            None => name.clone(),
        };
        let value = if name == "extensions" { each_extension(value, lower_extension) } else { value.clone() };
        let value = hashes(&name, value, Way::Down);
        made.insert(name, value);
    }
    made
}

/// A property that 2.0 requires of an observable and this one does not have.
pub(super) fn lacking(object: &Members) -> Option<&'static str> {
    let object_type = object.get("type").and_then(Value::as_str).unwrap_or_default();
    let own = of(OLD_REQUIRED, object_type).iter().find(|name| !object.contains_key(**name)).copied();
    let values = object.get("values").and_then(Value::as_array).filter(|_| object_type == "windows-registry-key");
    let nameless = values.into_iter().flatten().any(|value| value.get("name").is_none());
    own.or_else(|| nameless.then_some("values.name"))
}

/// The name of 2.1 that was kept under a name for 2.0.
fn restored<'a>(name: &'a str, object_type: &str) -> Option<&'a str> {
    let name = name.strip_prefix(NEW_PREFIX)?;
    (of(NEW_ONLY, object_type).contains(&name) || NEW_OF_OBSERVABLES.contains(&name)).then_some(name)
}

fn each_extension(extensions: &Value, change: fn(&str, &str) -> String) -> Value {
    let Value::Object(members) = extensions else { return extensions.clone() };
    let changed = members.iter().map(|(extension, value)| {
        let value = match value {
            Value::Object(inner) => {
                Value::Object(inner.iter().map(|(name, value)| (change(extension, name), value.clone())).collect())
            }
            other => other.clone(),
        };
        (extension.clone(), value)
    });
    Value::Object(changed.collect())
}

fn raise_extension(extension: &str, name: &str) -> String {
    if of(OLD_ONLY, extension).contains(&name) { format!("{OLD_PREFIX}{name}") } else { name.to_owned() }
}

fn lower_extension(extension: &str, name: &str) -> String {
    let old = name.strip_prefix(OLD_PREFIX).filter(|old| of(OLD_ONLY, extension).contains(old));
    old.unwrap_or(name).to_owned()
}

/// Which way names are changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// From 2.0 to 2.1.
    Up,
    /// From 2.1 to 2.0.
    Down,
}

/// The value of the property `name`, with the names of algorithms changed in every dictionary of `hashes` in it.
pub(super) fn hashes(name: &str, value: Value, way: Way) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(|item| hashes("", item, way)).collect()),
        Value::Object(members) => {
            let changed = members.into_iter().map(|(key, value)| {
                let value = hashes(&key, value, way);
                (if name == "hashes" { algorithm(key, way) } else { key }, value)
            });
            Value::Object(changed.collect())
        }
        other => other,
    }
}

fn algorithm(name: String, way: Way) -> String {
    let pairs = HASH_NAMES.iter().map(|(old, new)| if way == Way::Up { (old, new) } else { (new, old) });
    pairs.into_iter().find(|(from, _)| **from == name).map_or(name, |(_, to)| (*to).to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Members {
        let Value::Object(object) = value else { panic!("an object") };
        object
    }

    #[test]
    fn names_change_and_come_back() {
        let old = object(json!({
            "type": "file", "created": "2016-01-01T00:00:00Z", "is_encrypted": true, "hashes": {"ssdeep": "a", "MD5": "b"},
            "extensions": {"archive-ext": {"version": "5", "contains_refs": ["1"]}}, "x_own": 1, "x_stix21_defanged": true,
        }));
        let new = object(json!({
            "type": "file", "ctime": "2016-01-01T00:00:00Z", "x_stix20_is_encrypted": true,
            "hashes": {"SSDEEP": "a", "MD5": "b"},
            "extensions": {"archive-ext": {"x_stix20_version": "5", "contains_refs": ["1"]}}, "x_own": 1, "defanged": true,
        }));
        assert_eq!(raise(&old), new);
        assert_eq!(lower(&new), old);
    }

    proptest! {
        #[test]
        fn lowering_undoes_raising(
            kind in prop::sample::select(vec!["directory", "file", "process", "user-account", "windows-registry-key", "url"]),
            names in prop::collection::btree_set(prop::sample::select(vec![
                "created", "modified", "accessed", "name", "arguments", "binary_ref", "is_encrypted", "password_last_changed",
                "value", "x_stix21_defanged", "x_own",
            ]), 0..8),
        ) {
            let mut old = object(json!({"type": kind}));
            old.extend(names.into_iter().map(|name| (name.to_owned(), json!(name))));
            prop_assert_eq!(lower(&raise(&old)), old);
        }
    }
}
