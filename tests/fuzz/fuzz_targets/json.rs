//! JSON with its bounds: what is accepted is what serde_json reads, and splitting loses nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::json::{Limits, check, parse, split_objects};

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    let checked = check(data, &limits).is_ok();
    let parsed = parse(data, &limits);
    assert_eq!(checked, parsed.is_ok(), "check and parse disagree");
    if let Ok(value) = parsed {
        assert_eq!(serde_json::from_slice::<serde_json::Value>(data).ok(), Some(value));
    }
    if let Ok(objects) = split_objects(data, &limits) {
        for object in objects {
            assert!(check(object, &limits).is_ok(), "a part of what was split is not JSON");
        }
    }
});
