//! Observed data of STIX 2.0 and 2.1 as a list of observations. Lenient: what is no observed data is passed over, so that what
//! others record can be asked.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::time::Timestamp;

/// What was seen, how often, and between which moments.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight {
    /// `first_observed`.
    pub first: Timestamp,
    /// `last_observed`.
    pub last: Timestamp,
    /// `number_observed`: how many observations it stands for, each of them somewhere between the two moments.
    pub number: u64,
    /// The `id` of its observed data, if it has one.
    pub id: Option<String>,
    /// Its cyber-observables, by the name under which others refer to them.
    pub objects: BTreeMap<String, Map<String, Value>>,
}

/// Why observed data cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObservedError {
    /// It has no time.
    #[error("observed data {0} has no `first_observed` and `last_observed` that are times")]
    Time(String),
}

/// Reads bundles, lists of objects, or single observed-data objects.
pub fn observed(value: &Value) -> Result<Vec<Sight>, ObservedError> {
    let mut sights = Vec::new();
    match value {
        // A list of bundles, each by itself, or of objects that belong together.
        Value::Array(items) if items.iter().any(|item| kind(item) == "bundle") => {
            for item in items {
                sights.extend(observed(item)?);
            }
        }
        Value::Array(items) => read(items, &mut sights)?,
        Value::Object(object) if kind(value) == "bundle" => {
            let none = Vec::new();
            read(object.get("objects").and_then(Value::as_array).unwrap_or(&none), &mut sights)?;
        }
        single => read(std::slice::from_ref(single), &mut sights)?,
    }
    Ok(sights)
}

fn kind(value: &Value) -> &str {
    value.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// Observed data, whatever it calls itself: it has cyber-observables and the moments between which they were seen.
fn is_observed(item: &Value) -> bool {
    let content = item.get("objects").is_some_and(Value::is_object) || item.get("object_refs").is_some();
    kind(item) == "observed-data" || (content && item.get("first_observed").is_some())
}

fn read(items: &[Value], sights: &mut Vec<Sight>) -> Result<(), ObservedError> {
    for item in items.iter().filter(|item| is_observed(item)) {
        sights.push(sight(item, items)?);
    }
    Ok(())
}

fn sight(observed: &Value, beside: &[Value]) -> Result<Sight, ObservedError> {
    let id = observed.get("id").and_then(Value::as_str).map(str::to_owned);
    let time = |name: &str| observed.get(name).and_then(Value::as_str).and_then(|text| text.parse().ok());
    let (Some(first), Some(last)) = (time("first_observed"), time("last_observed")) else {
        return Err(ObservedError::Time(id.unwrap_or_else(|| "without id".to_owned())));
    };
    let mut objects = BTreeMap::new();
    // 2.0, and 2.1 where it is deprecated (§4.14): objects under names of their own.
    for (name, object) in observed.get("objects").and_then(Value::as_object).into_iter().flatten() {
        objects.extend(object.as_object().map(|object| (name.clone(), object.clone())));
    }
    let named: Vec<&str> = strings(observed.get("object_refs"));
    for object in beside.iter().filter_map(Value::as_object) {
        if let Some(id) = object.get("id").and_then(Value::as_str).filter(|id| named.contains(id)) {
            objects.insert(id.to_owned(), object.clone());
        }
    }
    let number = observed.get("number_observed").and_then(Value::as_u64).unwrap_or(1).max(1);
    Ok(Sight { first, last, number, id, objects })
}

fn strings(value: Option<&Value>) -> Vec<&str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}
