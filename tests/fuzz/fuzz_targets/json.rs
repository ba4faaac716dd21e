//! JSON with its bounds: what is accepted is what serde_json reads, and splitting loses nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::json::{Limits, check, parse, split_objects};

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    if let Ok(value) = parse(data, &limits) {
        assert!(check(data, &limits).is_ok(), "read, though it is over a bound");
        assert_eq!(serde_json::from_slice::<serde_json::Value>(data).ok(), Some(value));
    }
    if let Ok(objects) = split_objects(data, &limits) {
        for object in objects {
            assert!(check(object, &limits).is_ok(), "a part of what was split is over a bound");
        }
    }
});
