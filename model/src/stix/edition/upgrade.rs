//! STIX 2.0 read as 2.1.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::super::deterministic::is_observable;
use super::downgrade::said;
use super::embedded::{Way, hashes, raise};
use super::marks::{add_marks, marks, reselect, root};
use super::observed::{MARKS_MAX, disagree, join, raise_all};
use super::tables::{KEPT_WHOLE, NEW_EVERYWHERE, NEW_ONLY, NEW_PREFIX, of, typed_labels};

type Members = Map<String, Value>;

/// Is this an object of 2.0? Those have no `spec_version` (only bundles had one); a cyber-observable never stood alone.
pub(super) fn is_old(object: &Members) -> bool {
    let object_type = object.get("type").and_then(Value::as_str).unwrap_or_default();
    match object.get("spec_version") {
        None => !is_observable(object_type),
        Some(version) => version == "2.0",
    }
}

/// The object as one of 2.1, and after it the cyber-observables that were inside it. An object of 2.1 comes back as it is, a
/// bundle as [`upgrade_bundle`] gives it.
pub fn upgrade(object: &Members) -> Vec<Members> {
    upgrade_with(object, raise_observed)
}

/// As [`upgrade`]; `observed` says what becomes of the observables inside observed-data.
fn upgrade_with(object: &Members, observed: fn(&mut Members) -> Vec<Members>) -> Vec<Members> {
    let object_type = object.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if object_type == "bundle" {
        return vec![upgrade_bundle(object)];
    }
    if !is_old(object) {
        return vec![object.clone()];
    }
    let mut made = object.clone();
    made.insert("spec_version".to_owned(), "2.1".into());
    restore(&mut made, &object_type);
    raise_labels(&mut made, &object_type);
    match object_type.as_str() {
        "indicator" => raise_indicator(&mut made),
        "malware" => {
            // 2.0 told of malware by name and in words, never of one sample (2.1's `sample_refs`).
            made.entry("is_family").or_insert(true.into());
        }
        _ => {}
    }
    if let Some(references) = made.remove("external_references") {
        made.insert("external_references".to_owned(), hashes("external_references", references, Way::Up));
    }
    let observables = if object_type == "observed-data" { observed(&mut made) } else { Vec::new() };
    let present: BTreeSet<String> = made.keys().cloned().collect();
    let property = typed_labels(&object_type).map(|(property, _)| property);
    reselect(&mut made, &|selector| {
        let there = |name: &str| present.contains(name).then(|| name.to_owned());
        match (root(selector).0, property) {
            ("labels", Some(property)) => ["labels", property].into_iter().filter_map(there).collect(),
            ("objects", _) if !present.iter().any(|name| name == "objects") => {
                there("object_refs").into_iter().collect()
            }
            _ => vec![selector.to_owned()],
        }
    });
    restore_language(&mut made);
    std::iter::once(made).chain(observables).collect()
}

/// The bundle as one of 2.1: no `spec_version`, every object read as 2.1. One observable seen in several observed-data stands in
/// it once, with the markings of all of them and with what each of them says. Where two say different things of it, the later
/// observed-data keeps its observables inside.
pub fn upgrade_bundle(bundle: &Members) -> Members {
    let mut made = bundle.clone();
    made.remove("spec_version");
    let Some(Value::Array(objects)) = made.remove("objects") else { return made };
    let mut list: Vec<Value> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for object in objects {
        let Value::Object(object) = object else {
            list.push(object);
            continue;
        };
        let mut upgraded = upgrade(&object).into_iter();
        let Some(mut first) = upgraded.next() else { continue };
        let mut observables: Vec<Members> = upgraded.collect();
        let held = |observable: &Members| {
            let place = places.get(observable.get("id")?.as_str()?)?;
            list.get(*place)?.as_object()
        };
        if observables.iter().any(|observable| held(observable).is_some_and(|held| disagree(held, observable))) {
            first = upgrade_with(&object, keep_observed).into_iter().next().unwrap_or(first);
            observables.clear();
        }
        list.push(Value::Object(first));
        for observable in observables {
            let id = observable.get("id").and_then(Value::as_str).map(str::to_owned);
            match id.as_deref().and_then(|id| places.get(id)).and_then(|place| list.get_mut(*place)) {
                Some(Value::Object(held)) => join(held, observable),
                _ => {
                    places.extend(id.map(|id| (id, list.len())));
                    list.push(Value::Object(observable));
                }
            }
        }
    }
    made.insert("objects".to_owned(), Value::Array(list));
    made
}

/// What was kept for the way back. A value that 2.0 said in part counts only while that part is what it was: somebody may have
/// made a new version in 2.0.
fn restore(made: &mut Members, object_type: &str) {
    let own = of(NEW_ONLY, object_type);
    let kept: Vec<String> = made.keys().filter(|name| name.starts_with(NEW_PREFIX)).cloned().collect();
    for kept in kept {
        let Some(name) = kept.strip_prefix(NEW_PREFIX) else { continue };
        let free = NEW_EVERYWHERE.contains(&name) || own.contains(&name);
        let partly = KEPT_WHOLE.contains(&name)
            && made.get(&kept).is_some_and(|whole| said(name, whole).as_ref() == made.get(name));
        if free || partly {
            if let Some(value) = made.remove(&kept) {
                made.insert(name.to_owned(), value);
            }
        } else if KEPT_WHOLE.contains(&name) {
            made.remove(&kept);
        }
    }
}

/// Language marks, which 2.0 has no place for.
fn restore_language(made: &mut Members) {
    let Some(Value::Array(kept)) = made.remove(&format!("{NEW_PREFIX}language_markings")) else { return };
    let language = kept.into_iter().filter(|mark| mark.get("marking_ref").is_none() && mark.get("lang").is_some());
    let held = made.entry("granular_markings").or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(held) = held {
        held.extend(language);
    }
}

/// Labels that the vocabulary of the type knows become its types. A label that only repeats the type filled a required
/// property of 2.0 and says nothing.
fn raise_labels(made: &mut Members, object_type: &str) {
    let Some((property, words)) = typed_labels(object_type) else { return };
    let kept = made.remove(&format!("{NEW_PREFIX}{property}"));
    let kept = kept.as_ref().and_then(Value::as_array);
    let kept: Option<BTreeSet<&str>> = kept.map(|kept| kept.iter().filter_map(Value::as_str).collect());
    let Some(Value::Array(labels)) = made.remove("labels") else { return };
    let is_type = |label: &Value| match (label.as_str(), &kept) {
        (Some(label), Some(kept)) => kept.contains(label),
        (Some(label), None) => words.contains(&label),
        (None, _) => false,
    };
    let (types, rest): (Vec<Value>, Vec<Value>) = labels.into_iter().partition(is_type);
    let rest: Vec<Value> = rest.into_iter().filter(|label| label != object_type).collect();
    if !types.is_empty() && !made.contains_key(property) {
        made.insert(property.to_owned(), Value::Array(types));
    }
    if !rest.is_empty() {
        made.insert("labels".to_owned(), Value::Array(rest));
    }
}

fn raise_indicator(made: &mut Members) {
    let kind = made.entry("pattern_type").or_insert_with(|| "stix".into());
    if *kind == "stix" {
        // Without it, the pattern would be read in the words of 2.1 (`file:ctime` for `file:created`).
        made.entry("pattern_version").or_insert_with(|| "2.0".into());
    }
}

/// Takes the observables out of `objects`; they carry the markings that the whole, or the part they were, carried.
fn raise_observed(made: &mut Members) -> Vec<Members> {
    let owner = made.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(Value::Object(objects)) = made.get("objects") else { return Vec::new() };
    let Some(observables) = raise_all(&owner, objects) else { return keep_observed(made) };
    // All marks of the whole observed-data, those of its parts too: which part became which observable is not worth a mistake.
    let all = marks(made);
    if all.len() > MARKS_MAX {
        return keep_observed(made);
    }
    let mut distinct: Vec<Members> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for mut observable in observables {
        add_marks(&mut observable, all.clone());
        let id = observable.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        match places.get(&id).and_then(|place| distinct.get_mut(*place)) {
            Some(held) if disagree(held, &observable) => return keep_observed(made),
            Some(held) => join(held, observable),
            None => {
                places.insert(id, distinct.len());
                distinct.push(observable);
            }
        }
    }
    let refs: Vec<Value> = distinct.iter().filter_map(|observable| observable.get("id").cloned()).collect();
    made.remove("objects");
    made.insert("object_refs".to_owned(), Value::Array(refs));
    distinct
}

/// Leaves the observables inside, under the names of 2.1, which deprecates that form but allows it (§4.14).
fn keep_observed(made: &mut Members) -> Vec<Members> {
    if let Some(Value::Object(objects)) = made.get_mut("objects") {
        for object in objects.values_mut() {
            if let Value::Object(members) = object {
                *members = raise(members);
            }
        }
    }
    Vec::new()
}
