//! Markings on the way between 2.0 and 2.1: they may get stricter, never looser.

use std::collections::HashSet;

use serde_json::{Map, Value};

type Members = Map<String, Value>;

/// All markings that `object` carries, those of parts too.
pub(super) fn marks(object: &Members) -> Vec<String> {
    let list = |name: &str| object.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let whole = list("object_marking_refs").iter();
    let parts = list("granular_markings").iter().filter_map(|mark| mark.get("marking_ref"));
    whole.chain(parts).filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

/// Marks the whole of `object` with these too.
pub(super) fn add_marks(object: &mut Members, more: Vec<String>) {
    if more.is_empty() {
        return;
    }
    let held = object.entry("object_marking_refs").or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(held) = held {
        unite(held, more.into_iter().map(Value::from));
    }
}

/// Adds to a list of texts those that it lacks. Lists come from outside: looking each one up in the list would take the square
/// of its length.
pub(super) fn unite(held: &mut Vec<Value>, more: impl IntoIterator<Item = Value>) {
    let mut seen: HashSet<String> = held.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    for item in more {
        if item.as_str().is_some_and(|text| seen.insert(text.to_owned())) {
            held.push(item);
        }
    }
}

/// Rewrites the selectors of `object`'s granular markings. `select` says what a selector is called now; one that selects nothing
/// any longer, or never did, marks the whole object. A mark that names no marking (2.1's `lang`) just loses its selector.
pub(super) fn reselect(object: &mut Members, select: &dyn Fn(&str) -> Vec<String>) {
    let Some(Value::Array(granular)) = object.remove("granular_markings") else { return };
    let mut kept = Vec::new();
    let mut whole = Vec::new();
    for mut mark in granular {
        let id = mark.get("marking_ref").and_then(Value::as_str).map(str::to_owned);
        let selectors = mark.get("selectors").and_then(Value::as_array).cloned().unwrap_or_default();
        let named: Vec<Vec<String>> =
            selectors.iter().map(|selector| selector.as_str().map(select).unwrap_or_default()).collect();
        if named.is_empty() || named.iter().any(Vec::is_empty) {
            whole.extend(id);
        }
        let mut now = Vec::new();
        unite(&mut now, named.into_iter().flatten().map(Value::from));
        if !now.is_empty()
            && let Some(members) = mark.as_object_mut()
        {
            members.insert("selectors".to_owned(), Value::Array(now));
            kept.push(mark);
        }
    }
    if !kept.is_empty() {
        object.insert("granular_markings".to_owned(), Value::Array(kept));
    }
    add_marks(object, whole);
}

/// The property that a selector begins with, and the rest of the selector.
pub(super) fn root(selector: &str) -> (&str, &str) {
    selector.split_at_checked(selector.find('.').unwrap_or(selector.len())).unwrap_or((selector, ""))
}
