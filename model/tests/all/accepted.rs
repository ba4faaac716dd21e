//! What stix2 (PyPI) holds of objects that we said in the other edition: it accepts what we made of what it accepted.
//!
//! Of each type the first 200 objects are asked for, and of the others every nth: BRIDGEWATCH_EDITIONS sets n.

use std::collections::BTreeMap;

use model::stix::edition::{downgrade, upgrade};
use serde_json::{Value, json};

use crate::differences::REFUSED;
use crate::editions::{new_objects, old_bundles};
use crate::peer::python;

/// Objects as they came and what was made of them.
#[derive(Default)]
struct Cases {
    counted: BTreeMap<String, usize>,
    /// Where the object as it came stands, the edition, the object.
    asked: Vec<(usize, &'static str, Value)>,
}

impl Cases {
    /// Relationships and indicators of one kind by the thousand teach nothing.
    fn wanted(&mut self, object_type: &Value) -> bool {
        let every = std::env::var("BRIDGEWATCH_EDITIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_usize);
        let count = self.counted.entry(object_type.to_string()).or_default();
        *count += 1;
        *count <= 200 || count.is_multiple_of(every)
    }

    fn add(&mut self, version: &'static str, object: Value, made: Vec<(&'static str, Value)>) {
        let start = self.asked.len();
        self.asked.push((start, version, object));
        self.asked.extend(made.into_iter().map(|(version, made)| (start, version, made)));
    }

    fn check(self) {
        let line = |(_, version, object): &(usize, &str, Value)| {
            format!("{}\n", json!({"version": version, "object": object}))
        };
        let answers = python("editions.py", &[], self.asked.iter().map(line).collect());
        assert_eq!(answers.len(), self.asked.len());
        let (mut accepted, mut refused_before, mut wrong) = (0, 0, Vec::new());
        for (place, (start, version, made)) in self.asked.iter().enumerate() {
            if !answers[*start].is_null() {
                refused_before += usize::from(*start == place);
            } else if REFUSED.iter().any(|(part, _)| answers[place].to_string().contains(part)) {
                refused_before += 1;
            } else if !answers[place].is_null() {
                wrong.push(format!("{version} {}\n    {made}\n    {}", answers[place], self.asked[*start].2));
            } else if *start != place {
                accepted += 1;
            }
        }
        println!("stix2 accepts {accepted} objects that we made; {refused_before} that we got it refused already");
        assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
        assert!(accepted > 1_000);
    }
}

#[test]
fn stix2_accepts_what_was_read_as_2_1_and_said_in_2_0_again() {
    let Some(bundles) = old_bundles() else { return };
    let mut cases = Cases::default();
    for (_, bundle) in &bundles {
        for object in bundle["objects"].as_array().unwrap() {
            if cases.wanted(&object["type"]) {
                let new = upgrade(object.as_object().unwrap());
                let find = |id: &str| new.iter().find(|object| object["id"] == id).cloned();
                let back = downgrade(&new[0], &find).ok().map(|back| ("2.0", json!(back)));
                let made = new.iter().map(|object| ("2.1", json!(object))).chain(back);
                cases.add("2.0", object.clone(), made.collect());
            }
        }
    }
    cases.check();
}

#[test]
fn stix2_accepts_what_2_1_says_in_2_0() {
    let mut cases = Cases::default();
    let walked = new_objects(|_, object, all| {
        if object.get("type").is_some_and(|object_type| cases.wanted(object_type))
            && let Ok(old) = downgrade(object, &|id| all.get(id).map(|object| (*object).clone()))
        {
            cases.add("2.1", json!(object), vec![("2.0", json!(old))]);
        }
    });
    if walked.is_some() {
        cases.check();
    }
}
