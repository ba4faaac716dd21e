//! STIX 2.0 and 2.1 said in each other's words, canonical JSON, identifiers, versions and meanings of any object.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::canonical::canonical;
use model::json::{Limits, parse};
use model::stix::edition::{downgrade, downgrade_bundle, upgrade, upgrade_bundle};
use model::stix::{deterministic_id, meaning, versions};
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Ok(value) = parse(data, &Limits::default()) else { return };
    let text = canonical(&value);
    let again = parse(text.as_bytes(), &Limits::default()).expect("canonical JSON cannot be read");
    assert_eq!(canonical(&again), text);
    let Value::Object(object) = value else { return };
    let find = |_: &str| Some(object.clone());
    let id = deterministic_id(&object);
    assert!(meaning(&object, &find).is_none() || id.is_some() || object["type"] == "indicator");
    assert!(versions::compare(&object, &object).faults.is_empty(), "an object is no version of itself");
    for made in upgrade(&object) {
        // What was read as 2.1 once is 2.1.
        if made.get("spec_version").is_some_and(|version| version == "2.1") {
            assert_eq!(upgrade(&made), vec![made.clone()]);
        }
        let _ = downgrade(&made, &find);
    }
    let _ = downgrade_bundle(&upgrade_bundle(&object));
});
