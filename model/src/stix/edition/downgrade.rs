//! STIX 2.1 said in 2.0, where that can be done.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::super::deterministic::is_observable;
use super::super::typed::text;
use super::embedded::{Way, hashes};
use super::marks::{marks, reselect, root};
use super::observed::lower_all;
use super::tables::{KEPT_WHOLE, NEW_EVERYWHERE, NEW_ONLY, NEW_PREFIX, NEW_TYPES, RENAMED, of, typed_labels};
use super::upgrade::is_old;
use crate::pattern::{Expression, Observation, Path, Step, parse};
use crate::time::Timestamp;

type Members = Map<String, Value>;

/// Most bytes of observables inside all observed-data of one bundle of 2.0: many may refer to one, and each has it inside there.
pub const EMBEDDED_BYTES_MAX: usize = 64 << 20;

/// An object that STIX 2.0 has no words for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("STIX 2.0 cannot say `{}`: {reason}", id.as_deref().unwrap_or("an object without identifier"))]
pub struct Unsayable {
    /// Its identifier, where it has one.
    pub id: Option<String>,
    /// Why, in one sentence for the one who asked for 2.0.
    pub reason: String,
}

/// The object as one of 2.0. `find` gives the objects that observed-data refers to, which 2.0 has inside it: only such as the
/// reader may see. An object of 2.0 comes back as it is. The error says what 2.0 has no words for.
pub fn downgrade(object: &Members, find: &dyn Fn(&str) -> Option<Members>) -> Result<Members, Unsayable> {
    let unsayable = |reason: String| Unsayable { id: text(object, "id"), reason };
    if is_old(object) {
        return Ok(object.clone());
    }
    let object_type = text(object, "type").unwrap_or_default();
    if let Some(reason) = refusal(object, &object_type) {
        return Err(unsayable(reason));
    }
    let mut made = Members::new();
    // A pattern that came from 2.0 is in its words already.
    let old_pattern = object.get("pattern_version").is_some_and(|version| version == "2.0");
    for (name, value) in object {
        let new = NEW_EVERYWHERE.contains(&name.as_str()) || of(NEW_ONLY, &object_type).contains(&name.as_str());
        if new {
            made.insert(format!("{NEW_PREFIX}{name}"), value.clone());
        } else if KEPT_WHOLE.contains(&name.as_str())
            && !(name == "object_refs" && object_type == "observed-data")
            && !(name == "pattern" && old_pattern)
        {
            lower_kept(&mut made, name, value);
        } else if name == "external_references" {
            made.insert(name.clone(), hashes(name, value.clone(), Way::Down));
        } else if name != "spec_version" {
            made.insert(name.clone(), value.clone());
        }
    }
    lower_labels(&mut made, &object_type);
    lower_type(&mut made, &object_type);
    lower_marks(&mut made, &object_type);
    if object_type == "observed-data" {
        lower_all(&mut made, find).map_err(unsayable)?;
    }
    Ok(made)
}

/// The bundle as one of 2.0, with what can be said, and beside it what cannot. Observables that stand alone go into the
/// observed-data that refer to them, at most [`EMBEDDED_BYTES_MAX`] in all, and are no loss; those in none are.
pub fn downgrade_bundle(bundle: &Members) -> (Members, Vec<Unsayable>) {
    let objects: Vec<&Members> =
        bundle.get("objects").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).collect();
    let shelf = Shelf {
        objects: objects.iter().filter_map(|object| Some((object.get("id")?.as_str()?, *object))).collect(),
        bytes_left: Cell::new(EMBEDDED_BYTES_MAX),
        is_empty: Cell::new(false),
        taken: RefCell::new(Vec::new()),
    };
    let (mut list, mut lost, mut inside) = (Vec::new(), Vec::new(), BTreeSet::new());
    for object in objects {
        shelf.is_empty.set(false);
        shelf.taken.borrow_mut().clear();
        match downgrade(object, &|id| shelf.take(id)) {
            Ok(lowered) => {
                list.push(Value::Object(lowered));
                inside.extend(shelf.taken.borrow_mut().drain(..));
            }
            Err(unsayable) if shelf.is_empty.get() => {
                let reason = format!("what observed-data hold would take more than {EMBEDDED_BYTES_MAX} bytes there");
                lost.push(Unsayable { reason, ..unsayable });
            }
            Err(unsayable) => lost.push(unsayable),
        }
    }
    lost.retain(|unsayable| unsayable.id.as_ref().is_none_or(|id| !inside.contains(id)));
    let mut made = Members::new();
    made.extend(
        bundle.iter().filter(|(name, _)| *name != "objects").map(|(name, value)| (name.clone(), value.clone())),
    );
    made.insert("spec_version".to_owned(), "2.0".into());
    made.insert("objects".to_owned(), Value::Array(list));
    (made, lost)
}

/// The objects of a bundle, from which observed-data take theirs.
struct Shelf<'a> {
    objects: BTreeMap<&'a str, &'a Members>,
    bytes_left: Cell<usize>,
    /// Was there no room for the last one asked for?
    is_empty: Cell<bool>,
    taken: RefCell<Vec<String>>,
}

impl Shelf<'_> {
    fn take(&self, id: &str) -> Option<Members> {
        let object = *self.objects.get(id)?;
        let left = self.bytes_left.get().checked_sub(object.values().map(size).sum());
        if left.is_none() {
            self.is_empty.set(true);
        }
        self.bytes_left.set(left?);
        self.taken.borrow_mut().push(id.to_owned());
        Some(object.clone())
    }
}

/// About how many bytes a value takes when it is written.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(size).sum::<usize>() + items.len() + 2,
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + 4 + size(value)).sum::<usize>() + 2,
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
    }
}

/// Why an object of this type cannot be said; none if it can.
fn refusal(object: &Members, object_type: &str) -> Option<String> {
    if is_observable(object_type) {
        return Some("a cyber-observable stands only inside observed-data there".to_owned());
    }
    if NEW_TYPES.contains(&object_type) {
        return Some(format!("the type `{object_type}` came with STIX 2.1"));
    }
    if object_type == "bundle" {
        return Some("a bundle is no object: its objects are said one by one".to_owned());
    }
    if !object.contains_key("created") {
        return Some("every object has `created` there".to_owned());
    }
    if text(object, "id").is_some_and(|id| !is_random(&id)) {
        return Some("an identifier has a UUID of version 4 there".to_owned());
    }
    let ends: &[&str] = match object_type {
        "indicator" if text(object, "pattern_type").is_some_and(|kind| kind != "stix") => {
            return Some("an indicator's pattern is a STIX pattern there".to_owned());
        }
        "malware" if !object.contains_key("name") => return Some("malware has a name there".to_owned()),
        "marking-definition" if !object.contains_key("definition") => {
            return Some("a marking by extension, such as TLP 2.0, has no form there".to_owned());
        }
        "report" if object.get("object_refs").and_then(|refs| said("object_refs", refs)).is_none() => {
            return Some("it reports of nothing that can be said there".to_owned());
        }
        "relationship" => &["source_ref", "target_ref"],
        "sighting" => &["sighting_of_ref"],
        _ => &[],
    };
    let ends = ends.iter().chain(&["created_by_ref"]).filter_map(|name| text(object, name));
    let new = ends.chain(marks(object)).find(|id| !sayable(id))?;
    Some(format!("it refers to `{new}`, which cannot be said there"))
}

/// Can an object of 2.0 refer to this?
fn sayable(id: &str) -> bool {
    let object_type = id.split_once("--").map_or("", |(object_type, _)| object_type);
    !is_observable(object_type) && !NEW_TYPES.contains(&object_type) && is_random(id)
}

/// Is the UUID one of version 4, which 2.0 part 1 §2.7 asks for?
fn is_random(id: &str) -> bool {
    let uuid = id.split_once("--").and_then(|(_, uuid)| uuid::Uuid::parse_str(uuid).ok());
    uuid.is_some_and(|uuid| uuid.get_version_num() == 4)
}

/// What 2.0 says of a value of one of [`KEPT_WHOLE`]; none if nothing.
pub(super) fn said(name: &str, whole: &Value) -> Option<Value> {
    match name {
        "created" | "modified" => Some(milliseconds(whole.as_str()?).map_or_else(|| whole.clone(), Value::from)),
        "pattern" => Some(lower_pattern(whole.as_str()?).map_or_else(|| whole.clone(), Value::from)),
        "object_refs" | "observed_data_refs" | "where_sighted_refs" => {
            let refs = whole.as_array()?.iter().filter(|id| id.as_str().is_some_and(sayable));
            let refs: Vec<Value> = refs.cloned().collect();
            (!refs.is_empty()).then_some(Value::Array(refs))
        }
        _ => Some(whole.clone()),
    }
}

fn lower_kept(made: &mut Members, name: &str, whole: &Value) {
    let part = said(name, whole);
    let moment = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    // The same moment in another spelling is nothing to keep.
    let same =
        part.as_ref().is_some_and(|part| part == whole || moment(part).is_some_and(|part| Some(part) == moment(whole)));
    if !same {
        made.insert(format!("{NEW_PREFIX}{name}"), whole.clone());
    }
    if let Some(part) = part {
        made.insert(name.to_owned(), part);
    }
}

/// 2.0 part 1 §3.2 wants three decimals in `created` and `modified`.
fn milliseconds(text: &str) -> Option<String> {
    let written = text.parse::<Timestamp>().ok()?.to_string();
    written.get(..written.len().checked_sub(4)?).map(|cut| format!("{cut}Z"))
}

/// A pattern of 2.1 under the property names of 2.0; none if it names nothing that changed.
fn lower_pattern(pattern: &str) -> Option<String> {
    let mut tree = parse(pattern).ok()?;
    let mut changed = false;
    lower_observation(&mut tree.root, &mut changed);
    changed.then(|| tree.to_string())
}

fn lower_observation(observation: &mut Observation, changed: &mut bool) {
    match observation {
        Observation::Single(expression) => lower_expression(expression, changed),
        Observation::Joined(_, parts) => parts.iter_mut().for_each(|part| lower_observation(part, changed)),
        Observation::Qualified(inner, _) => lower_observation(inner, changed),
    }
}

fn lower_expression(expression: &mut Expression, changed: &mut bool) {
    match expression {
        Expression::Comparison(comparison) => lower_path(&mut comparison.path, changed),
        Expression::And(parts) | Expression::Or(parts) => {
            parts.iter_mut().for_each(|part| lower_expression(part, changed));
        }
    }
}

fn lower_path(path: &mut Path, changed: &mut bool) {
    let Some(Step::Key(first)) = path.steps.first_mut() else { return };
    let row = RENAMED.iter().find(|(kind, _, new)| *kind == path.object_type && *new == first.as_str());
    if let Some((_, old, _)) = row {
        *first = (*old).to_owned();
        *changed = true;
    }
}

/// Types and labels are one list there, and required.
fn lower_labels(made: &mut Members, object_type: &str) {
    let Some((property, words)) = typed_labels(object_type) else { return };
    let mut list = |name: &str| match made.remove(name) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    let (types, labels) = (list(property), list("labels"));
    let known = |item: &Value| item.as_str().is_some_and(|item| words.contains(&item));
    if !types.iter().all(known) || labels.iter().any(known) {
        made.insert(format!("{NEW_PREFIX}{property}"), Value::Array(types.clone()));
    }
    let mut joined = types;
    joined.extend(labels);
    if joined.is_empty() {
        joined.push(object_type.into());
    }
    made.insert("labels".to_owned(), Value::Array(joined));
}

fn lower_type(made: &mut Members, object_type: &str) {
    match object_type {
        "indicator" => {
            made.remove("pattern_type");
            let kept = format!("{NEW_PREFIX}pattern_version");
            match made.get(&kept).and_then(Value::as_str) {
                Some("2.0") => made.remove(&kept),
                Some(_) => None,
                // Without it, the version of the standard counts.
                None => made.insert(kept, "2.1".into()),
            };
        }
        "malware" => {
            let kept = format!("{NEW_PREFIX}is_family");
            if made.get(&kept) == Some(&Value::Bool(true)) {
                made.remove(&kept);
            }
        }
        "identity" => {
            made.entry("identity_class").or_insert_with(|| "unknown".into());
        }
        _ => {}
    }
}

fn lower_marks(made: &mut Members, object_type: &str) {
    if let Some(Value::Array(granular)) = made.get_mut("granular_markings") {
        let (marking, language): (Vec<Value>, Vec<Value>) =
            std::mem::take(granular).into_iter().partition(|mark| mark.get("marking_ref").is_some());
        *granular = marking;
        if granular.is_empty() {
            made.remove("granular_markings");
        }
        if !language.is_empty() {
            made.insert(format!("{NEW_PREFIX}language_markings"), Value::Array(language));
        }
    }
    let property = typed_labels(object_type).map(|(property, _)| property);
    let present: BTreeSet<String> = made.keys().cloned().collect();
    reselect(made, &|selector| {
        let (name, rest) = root(selector);
        let kept = format!("{NEW_PREFIX}{name}");
        let there = |name: &str| present.contains(name);
        match name {
            "labels" if property.is_some() => vec!["labels".to_owned()],
            _ if Some(name) == property => vec!["labels".to_owned()],
            "object_refs" if object_type == "observed-data" => vec!["objects".to_owned()],
            // Items of a list that lost some have other numbers now.
            _ if there(name) && there(&kept) => vec![name.to_owned(), kept],
            _ if there(name) => vec![selector.to_owned()],
            _ if there(&kept) => vec![format!("{kept}{rest}")],
            _ => Vec::new(),
        }
    });
}
