//! Deterministic identifiers against stix2 (PyPI) and against what producers wrote.
//!
//! BRIDGEWATCH_IDENTIFIERS sets how many made-up observables are compared.

use std::collections::BTreeMap;

use model::stix::{deterministic_id, is_observable};
use serde_json::{Map, Value};

use crate::corpora;
use crate::differences::IDENTIFIERS;
use crate::peer::python;

#[test]
fn made_up_observables_are_named_as_stix2_names_them() {
    let count = std::env::var("BRIDGEWATCH_IDENTIFIERS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000_usize);
    let (mut agree, mut otherwise) = (0, BTreeMap::<&str, usize>::new());
    let mut wrong = Vec::new();
    let lines = python("identifiers.py", &["generate", &count.to_string(), "20210610"], String::new());
    assert_eq!(lines.len(), count);
    for line in &lines {
        let ours = deterministic_id(line["object"].as_object().unwrap()).map(String::from);
        if line["valid"] == true && ours.as_deref() == line["id"].as_str() {
            agree += 1;
        } else if let Some((why, _)) = IDENTIFIERS.iter().find(|(why, _)| line["why"] == *why) {
            *otherwise.entry(why).or_default() += 1;
        } else {
            wrong.push(format!("{line}\n    {ours:?}"));
        }
    }
    println!("{agree} of {count} made-up observables are named alike; known otherwise: {otherwise:?}");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(otherwise.values().sum::<usize>() * 100 <= count, "{otherwise:?}");
}

/// Is the identifier one of version 5?
fn version_5(object: &Map<String, Value>) -> bool {
    let id = object.get("id").and_then(Value::as_str).and_then(|id| id.split_once("--"));
    id.and_then(|(_, uuid)| uuid::Uuid::parse_str(uuid).ok()).is_some_and(|uuid| uuid.get_version_num() == 5)
}

#[test]
fn recorded_observables_are_named_alike() {
    let Some(root) = corpora::corpora() else { return };
    let mut documents = Vec::new();
    for folder in ["stix", "misp", "patterns", "taxii", "attack"] {
        documents.append(&mut corpora::documents(&root, folder));
    }
    let mut cases: BTreeMap<String, (&str, &Map<String, Value>)> = BTreeMap::new();
    for (name, document) in &documents {
        let mut found = Vec::new();
        corpora::objects(document, &mut found);
        for object in found {
            let observable = object.get("type").and_then(Value::as_str).is_some_and(is_observable);
            if observable && version_5(object) {
                cases.insert(Value::Object(object.clone()).to_string(), (name, object));
            }
        }
    }
    let lines = python("identifiers.py", &["read"], cases.keys().map(|line| format!("{line}\n")).collect());
    assert_eq!(lines.len(), cases.len());
    let (mut recorded, mut wrong) = (0, Vec::new());
    for ((name, object), line) in cases.values().zip(&lines) {
        let ours = deterministic_id(object).map(String::from);
        if ours.as_deref() != line["id"].as_str() {
            wrong.push(format!("{name}: {line}\n    {ours:?}"));
        }
        recorded += usize::from(ours.as_deref() == object["id"].as_str());
    }
    let invalid = lines.iter().filter(|line| line["valid"] == false).count();
    // The examples of the standard, which most of the corpora copy, carry identifiers that its own rule does not give.
    println!(
        "{} recorded observables are named as stix2 names them ({invalid} of them it holds for invalid); \
         {recorded} carry that name",
        cases.len() - wrong.len()
    );
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases.len() > 200, "only {} cases", cases.len());
}
