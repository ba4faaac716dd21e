//! STIX 2.0 read as 2.1 and back, on recorded data.

use std::collections::{BTreeMap, BTreeSet};

use model::fault::Severity;
use model::stix::edition::{downgrade, downgrade_bundle, upgrade, upgrade_bundle};
use model::time::Timestamp;
use serde_json::{Map, Value, json};

use crate::corpora;
use crate::differences::{ATTACK, DOWN_AND_UP, NEVER_OLD, UP_AND_DOWN};

type Members = Map<String, Value>;

fn by_id(bundle: &Value) -> BTreeMap<String, Value> {
    let objects = bundle["objects"].as_array().unwrap().iter();
    objects.map(|object| (object["id"].as_str().unwrap().to_owned(), object.clone())).collect()
}

#[test]
fn ics_attack_as_published_in_both() {
    let Some(root) = corpora::corpora() else { return };
    let read = |name: &str| corpora::document(&root.join("attack").join(name)).unwrap();
    let old = read("ics-attack-18.1.stix20.json.xz");
    let upgraded = Value::Object(upgrade_bundle(old.as_object().unwrap()));
    assert_eq!(upgraded.get("spec_version"), None);
    let (ours, published) = (by_id(&upgraded), by_id(&read("ics-attack-18.1.stix21.json.xz")));
    let mut differences: BTreeMap<(String, String), usize> = BTreeMap::new();
    for id in ours.keys().chain(published.keys()).collect::<BTreeSet<_>>() {
        let object_type = id.split_once("--").unwrap().0.to_owned();
        let (Some(a), Some(b)) = (ours.get(id), published.get(id)) else {
            *differences.entry((object_type, String::new())).or_default() += 1;
            continue;
        };
        for name in differing(a, b) {
            *differences.entry((object_type.clone(), name)).or_default() += 1;
        }
    }
    println!("{} objects; differences by type and property: {differences:?}", ours.len());
    for (object_type, property) in differences.keys() {
        let listed = ATTACK.iter().any(|(kind, name, _)| kind == object_type && name == property);
        assert!(listed, "{object_type} {property}: {differences:?}");
    }
}

/// Each object of 2.1 with `created` in the corpora, and what its document holds by identifier.
pub(crate) fn new_objects(mut each: impl FnMut(&str, &Members, &BTreeMap<&str, &Members>)) -> Option<()> {
    let root = corpora::corpora()?;
    for folder in ["attack", "stix", "misp"] {
        for (name, document) in corpora::documents(&root, folder) {
            let mut found = Vec::new();
            corpora::objects(&document, &mut found);
            found.retain(|object| object.get("spec_version").is_some_and(|version| version == "2.1"));
            let all = found.iter().filter_map(|object| Some((object.get("id")?.as_str()?, *object))).collect();
            found.iter().filter(|object| object.contains_key("created")).for_each(|object| each(&name, object, &all));
        }
    }
    Some(())
}

/// The bundles of 2.0 in the corpora, and each object that lies loose in a list as a bundle of its own.
pub(crate) fn old_bundles() -> Option<Vec<(String, Members)>> {
    let root = corpora::corpora()?;
    let mut bundles = Vec::new();
    for folder in ["attack", "stix", "misp"] {
        for (name, document) in corpora::documents(&root, folder) {
            let mut found = Vec::new();
            corpora::objects(&document, &mut found);
            let is = |object: &&&Members, kind: &str| object.get("type").is_some_and(|found| found == kind);
            let old = |object: &&&Members| object.get("spec_version").is_some_and(|version| version == "2.0");
            let whole: Vec<_> = found.iter().filter(|object| is(object, "bundle") && old(object)).collect();
            bundles.extend(whole.iter().enumerate().map(|(n, bundle)| (format!("{name} {n}"), (**bundle).clone())));
            if whole.is_empty() && name.contains("stix20") {
                let loose = |object: &&&Members| object.contains_key("id") && object.contains_key("created");
                for (n, object) in found.iter().filter(loose).enumerate() {
                    let id = "bundle--11111111-1111-4111-8111-111111111111";
                    let made = json!({"type": "bundle", "id": id, "objects": [object]});
                    bundles.push((format!("{name} {n}"), made.as_object().unwrap().clone()));
                }
            }
        }
    }
    Some(bundles)
}

/// What an object of 2.0 says, without what carries no meaning: the order of labels, a label that repeats the type, the names of
/// keys in `objects`, the spelling of moments, and whether a property of 2.1 stands under its own name (some producers of 2.0
/// wrote those early) or under ours.
fn meaning(object: &Value) -> Value {
    let Value::Object(mut object) = plain_names(object) else { panic!("an object") };
    for name in ["created", "modified"] {
        let moment = object.get(name).and_then(Value::as_str).and_then(|text| text.parse::<Timestamp>().ok());
        object.extend(moment.map(|moment| (name.to_owned(), json!(moment.to_string()))));
    }
    object.remove("spec_version");
    let object_type = object["type"].clone();
    if let Some(Value::Array(labels)) = object.get_mut("labels") {
        labels.retain(|label| *label != object_type);
        labels.sort_by_key(Value::to_string);
        labels.dedup();
    }
    if object_type == "indicator" {
        object.remove("pattern_type"); // the only kind of 2.0; some wrote it all the same
    }
    if let Some(Value::Object(objects)) = object.get_mut("objects") {
        let mut keys: Vec<String> = objects.keys().cloned().collect();
        keys.sort_by_key(|key| (key.parse::<u64>().unwrap_or(u64::MAX), key.clone()));
        let names: BTreeMap<&String, String> = keys.iter().enumerate().map(|(n, key)| (key, format!("#{n}"))).collect();
        let renamed = keys.iter().map(|key| (names[key].clone(), rename(&objects[key], &names))).collect();
        *objects = renamed;
    }
    Value::Object(object)
}

fn plain_names(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(plain_names).collect(),
        Value::Object(members) => {
            let plain = |name: &String| name.strip_prefix("x_stix21_").unwrap_or(name).to_owned();
            Value::Object(members.iter().map(|(name, value)| (plain(name), plain_names(value))).collect())
        }
        other => other.clone(),
    }
}

fn rename(value: &Value, names: &BTreeMap<&String, String>) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| rename(item, names)).collect(),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                let value = match value {
                    Value::String(key) if name.ends_with("_ref") => names.get(key).map_or(value.clone(), |n| json!(n)),
                    Value::Array(keys) if name.ends_with("_refs") => keys
                        .iter()
                        .map(|key| names.get(&key.as_str().unwrap().to_owned()).map_or(key.clone(), |n| json!(n)))
                        .collect(),
                    _ => rename(value, names),
                };
                (name.clone(), value)
            };
            Value::Object(members.iter().map(member).collect())
        }
        other => other.clone(),
    }
}

#[test]
fn what_goes_up_comes_down_again() {
    let Some(bundles) = old_bundles() else { return };
    let (mut same, mut changed, mut invalid, mut wrong) = (0, 0, 0, Vec::new());
    for (name, bundle) in &bundles {
        let upgraded = upgrade_bundle(bundle);
        let (back, lost) = downgrade_bundle(&upgraded);
        for lost in &lost {
            if NEVER_OLD.iter().any(|(reason, _)| lost.reason.ends_with(reason)) {
                invalid += 1;
            } else {
                wrong.push(format!("{name}: {lost}"));
            }
        }
        let is_lost = |object: &Value| lost.iter().any(|lost| lost.id.as_deref() == object["id"].as_str());
        let before: Vec<&Value> =
            bundle["objects"].as_array().unwrap().iter().filter(|object| !is_lost(object)).collect();
        let after: Vec<&Value> = back["objects"].as_array().unwrap().iter().collect();
        if before.len() != after.len() {
            wrong.push(format!("{name}: {} objects became {}", before.len(), after.len()));
        }
        for (before, after) in before.iter().zip(&after) {
            let (a, b) = (meaning(before), meaning(after));
            if a == b {
                same += 1;
                continue;
            }
            for property in differing(&a, &b) {
                let id = before["id"].as_str().unwrap();
                if UP_AND_DOWN.iter().any(|(known, listed, _)| *known == id && *listed == property) {
                    changed += 1;
                } else {
                    wrong.push(format!("{name} {id} {property}\n    {}\n    {}", a[&property], b[&property]));
                }
            }
        }
    }
    println!(
        "{same} objects of {} bundles came back the same, {changed} are listed, {invalid} never were 2.0",
        bundles.len()
    );
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(same > 1_000, "only {same}");
    assert!((changed + invalid) * 100 <= same, "{changed} {invalid}");
}

/// What some of the old objects are at fault in themselves: reading them as 2.1 neither makes nor mends it.
const INHERITED: &[(&str, &str)] = &[
    ("id-form", "made-up UUIDs such as 00000000-0000-…, of no variant of RFC 4122"),
    ("reference-form", "the same, referred to"),
    ("property-type", "`identity_class` as a list, header values that are no lists"),
    ("property-missing", "`decryption_key` without `encryption_algorithm`, which 2.0 does not have"),
    ("binary-form", "a payload that was shortened with `[...]`"),
    ("language-form", "programming languages for those that people speak"),
    ("timestamp-precision", "`created` without milliseconds (2.0 §3.1 asks for them too)"),
    ("registry-key-form", "`HKLM` for the hive's name"),
];

#[test]
fn what_was_read_as_2_1_is_accepted() {
    let Some(bundles) = old_bundles() else { return };
    let (mut good, mut inherited, mut wrong) = (0, 0, Vec::new());
    for (name, bundle) in &bundles {
        for object in upgrade_bundle(bundle)["objects"].as_array().unwrap() {
            match model::stix::read(object.to_string().as_bytes(), &model::json::Limits::default()) {
                Ok(_) => good += 1,
                Err(faults) => {
                    inherited += 1;
                    let errors = faults.iter().filter(|fault| fault.severity == Severity::Error);
                    let new = errors.filter(|fault| !INHERITED.iter().any(|(code, _)| *code == fault.code));
                    wrong.extend(new.map(|fault| format!("{name}: {fault:?}")));
                }
            }
        }
    }
    println!("{good} objects that were read as 2.1 are accepted, {inherited} have faults that they had as 2.0");
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_goes_down_comes_up_again() {
    let (mut same, mut wrong) = (0, Vec::new());
    let (mut lost, mut more) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new());
    let walked = new_objects(|name, object, all| {
        let old = match downgrade(object, &|id| all.get(id).map(|object| (*object).clone())) {
            Ok(old) => old,
            Err(unsayable) => {
                let reason = unsayable.reason.split('`').step_by(2).collect::<Vec<_>>().join("…");
                *lost.entry(reason).or_default() += 1;
                return;
            }
        };
        let back = upgrade(&old).remove(0);
        let other = differing(&sorted(object), &sorted(&back));
        same += usize::from(other.is_empty());
        for p in other {
            if DOWN_AND_UP.iter().any(|(kind, listed, _)| object["type"] == *kind && *listed == p) {
                *more.entry(p).or_default() += 1;
            } else {
                wrong.push(format!("{name} {} {p}\n    {:?}\n    {:?}", object["id"], object.get(&p), back.get(&p)));
            }
        }
    });
    if walked.is_none() {
        return;
    }
    println!(
        "{same} objects of 2.1 came back from 2.0 the same, with more in {more:?}; what 2.0 cannot say: {lost:#?}"
    );
    assert!(more.values().sum::<usize>() * 100 <= same, "{more:?}");
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// An object of 2.1 without what carries no meaning: the order of references, the spelling of moments, a version of the pattern
/// language that is the object's own anyway.
fn sorted(object: &Members) -> Value {
    let mut object = object.clone();
    for name in ["created", "modified"] {
        let moment = object.get(name).and_then(Value::as_str).and_then(|text| text.parse::<Timestamp>().ok());
        object.extend(moment.map(|moment| (name.to_owned(), json!(moment.to_string()))));
    }
    if object.get("pattern_version").is_some_and(|version| version == "2.1") {
        object.remove("pattern_version");
    }
    for name in ["object_refs", "object_marking_refs"] {
        if let Some(Value::Array(items)) = object.get_mut(name) {
            items.sort_by_key(Value::to_string);
        }
    }
    Value::Object(object)
}

/// The properties in which two objects differ.
fn differing(a: &Value, b: &Value) -> BTreeSet<String> {
    let (a, b) = (a.as_object().unwrap(), b.as_object().unwrap());
    a.keys().chain(b.keys()).filter(|name| a.get(*name) != b.get(*name)).cloned().collect()
}
