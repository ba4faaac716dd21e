//! Observed-data: a dictionary of observables inside it (2.0) or references to observables of their own (2.1).

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::super::StixId;
use super::super::deterministic::{contributing, deterministic_id};
use super::embedded::{lacking, lower, raise};
use super::marks::{add_marks, marks, unite};
use super::tables::NEW_PREFIX;

type Members = Map<String, Value>;

/// Most observables in one observed-data object; with more it is left in the form in which it came.
pub const OBSERVABLES_MAX: usize = 10_000;
/// Most markings of observed-data whose observables are taken out: each of those carries them all.
pub const MARKS_MAX: usize = 8;
/// Longest chain of references that identifiers follow through (a file in an archive in an archive …).
const CHAIN_MAX: usize = 32;

/// The observables of `objects` as objects of 2.1, in the dictionary's order. None if something in it cannot stand alone: no
/// object, no `type`, a reference that leads nowhere, too many. `objects` is then kept: 2.1 deprecates it, but allows it.
pub(super) fn raise_all(owner: &str, objects: &Members) -> Option<Vec<Members>> {
    if objects.is_empty() || objects.len() > OBSERVABLES_MAX {
        return None;
    }
    let mut raised = BTreeMap::new();
    for (key, object) in objects {
        raised.insert(key.as_str(), raise(object.as_object()?));
    }
    let mut naming = Naming { owner, raised: &raised, names: BTreeMap::new() };
    for key in raised.keys() {
        naming.name(key, 0)?;
    }
    let names = naming.names;
    let mut keys: Vec<&str> = raised.keys().copied().collect();
    // Producers count: "10" comes after "9".
    keys.sort_by_key(|key| (key.parse::<u64>().unwrap_or(u64::MAX), *key));
    let mut made = Vec::new();
    for key in keys {
        let id = names.get(key)?;
        let object = Value::Object(raised.get(key)?.clone());
        let Value::Object(mut object) = with_references(object, &mut |key| names.get(key).cloned())? else {
            return None;
        };
        object.remove(&format!("{NEW_PREFIX}id"));
        object.insert("id".to_owned(), id.clone().into());
        object.insert("spec_version".to_owned(), "2.1".into());
        made.push(object);
    }
    Some(made)
}

/// Finds the identifiers of a dictionary's observables; one may follow from that of another.
struct Naming<'a> {
    owner: &'a str,
    raised: &'a BTreeMap<&'a str, Members>,
    names: BTreeMap<String, String>,
}

impl Naming<'_> {
    fn name(&mut self, key: &str, depth: usize) -> Option<String> {
        if let Some(name) = self.names.get(key) {
            return Some(name.clone());
        }
        let object = self.raised.get(key)?;
        let object_type = object.get("type")?.as_str()?;
        let kept =
            object.get(&format!("{NEW_PREFIX}id")).and_then(Value::as_str).and_then(|id| id.parse::<StixId>().ok());
        let name = match kept {
            Some(id) if id.object_type() == object_type => String::from(id),
            _ => self
                .by_content(object, object_type, depth)
                .map_or_else(|| derived(self.owner, key, object_type), Some)?,
        };
        self.names.insert(key.to_owned(), name.clone());
        Some(name)
    }

    /// None where nothing contributes, and where references run in a circle or too far to follow.
    fn by_content(&mut self, object: &Members, object_type: &str, depth: usize) -> Option<String> {
        if depth > CHAIN_MAX {
            return None;
        }
        let part: Members = object
            .iter()
            .filter(|(name, _)| {
                *name == "type" || contributing(object_type).is_some_and(|part| part.contains(&name.as_str()))
            })
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let part = with_references(Value::Object(part), &mut |key| self.name(key, depth + 1))?;
        deterministic_id(part.as_object()?).map(String::from)
    }
}

/// An identifier for what has none of its own: 2.1 asks for a random one (§2.9); this one looks so, and is the same whenever the
/// same observed-data is read.
fn derived(owner: &str, key: &str, object_type: &str) -> Option<String> {
    let digest = Sha256::digest(format!("{owner}\n{key}"));
    let bytes = digest.first_chunk::<16>()?;
    let id = format!("{object_type}--{}", uuid::Builder::from_random_bytes(*bytes).into_uuid());
    id.parse::<StixId>().ok().map(String::from)
}

/// `value` with every reference in it replaced. None if `name` knows no other name for one; a custom property may end in `_ref`
/// and be none, so that those are left as they are.
fn with_references(value: Value, name: &mut dyn FnMut(&str) -> Option<String>) -> Option<Value> {
    Some(match value {
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| with_references(item, name)).collect::<Option<_>>()?)
        }
        Value::Object(members) => {
            let mut made = Members::new();
            for (key, value) in members {
                let value = match value {
                    Value::String(text) if key.ends_with("_ref") => match name(&text) {
                        Some(other) => other.into(),
                        None if key.starts_with("x_") => Value::String(text),
                        None => return None,
                    },
                    Value::Array(items) if key.ends_with("_refs") => {
                        let others: Option<Vec<Value>> =
                            items.iter().map(|item| item.as_str().and_then(&mut *name).map(Value::from)).collect();
                        match others {
                            Some(others) => Value::Array(others),
                            None if key.starts_with("x_") => Value::Array(items),
                            None => return None,
                        }
                    }
                    other => with_references(other, name)?,
                };
                made.insert(key, value);
            }
            Value::Object(made)
        }
        other => other,
    })
}

/// Puts the observables that `observed` refers to into it. The error says why that cannot be.
pub(super) fn lower_all(observed: &mut Members, find: &dyn Fn(&str) -> Option<Members>) -> Result<(), String> {
    let Some(Value::Array(refs)) = observed.remove("object_refs") else {
        if let Some(Value::Object(objects)) = observed.get_mut("objects") {
            for object in objects.values_mut() {
                if let Value::Object(members) = object {
                    *members = lower(members);
                }
            }
        }
        return Ok(());
    };
    let mut ids: Vec<String> = Vec::new();
    let mut keys: BTreeMap<String, String> = BTreeMap::new();
    for id in refs.iter().filter_map(Value::as_str) {
        add(&mut ids, &mut keys, id);
    }
    let owner = observed.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut objects = Members::new();
    let mut place = 0;
    while let Some(id) = ids.get(place).cloned() {
        if ids.len() > OBSERVABLES_MAX {
            return Err(format!("it refers to more than {OBSERVABLES_MAX} observables"));
        }
        let object = find(&id).ok_or_else(|| format!("it refers to `{id}`, which is not at hand"))?;
        let object_type = object.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        if object.contains_key("created") || object.contains_key("created_by_ref") {
            return Err(format!("it refers to `{id}`, which is no cyber-observable"));
        }
        if let Some(name) = lacking(&object) {
            return Err(format!("`{id}` has no `{name}`, which is required there"));
        }
        add_marks(observed, marks(&object));
        let mut lowered = lower(&object);
        let key = place.to_string();
        // What the identifier follows from says it too; another identifier has to be kept.
        let same = deterministic_id(&object).map(String::from).or_else(|| derived(&owner, &key, &object_type));
        if same.as_deref() != Some(id.as_str()) {
            lowered.insert(format!("{NEW_PREFIX}id"), id.clone().into());
        }
        let lowered = with_references(Value::Object(lowered), &mut |other| {
            other.parse::<StixId>().ok().map(|_| add(&mut ids, &mut keys, other))
        });
        objects.insert(key, lowered.ok_or_else(|| format!("a reference of `{id}` is no identifier"))?);
        place += 1;
    }
    observed.insert("objects".to_owned(), Value::Object(objects));
    Ok(())
}

/// The key of an observable in the dictionary, a new one if it is not there yet.
fn add(ids: &mut Vec<String>, keys: &mut BTreeMap<String, String>, id: &str) -> String {
    keys.entry(id.to_owned())
        .or_insert_with(|| {
            ids.push(id.to_owned());
            (ids.len() - 1).to_string()
        })
        .clone()
}

/// Do two texts of one observable say different things? Markings and lists of references can be joined.
pub(super) fn disagree(held: &Members, other: &Members) -> bool {
    other.iter().any(|(name, value)| !name.ends_with("_refs") && held.get(name).is_some_and(|held| held != value))
}

/// Adds what another text of the observable says, which does not [`disagree`].
pub(super) fn join(held: &mut Members, other: Members) {
    add_marks(held, marks(&other));
    for (name, value) in other {
        match (held.get_mut(&name), value) {
            (None, value) => {
                held.insert(name, value);
            }
            (Some(Value::Array(items)), Value::Array(more)) if name.ends_with("_refs") => {
                unite(items, more);
            }
            _ => {}
        }
    }
}
