//! JSON with its bounds: what is accepted is what serde_json reads, both readers of trees agree, and splitting loses nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::json::tree::Node;
use model::json::{Limits, check, parse, split_objects};
use serde_json::Value;
use serde_json::value::RawValue;

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    let value = parse(data, &limits);
    if let Ok(value) = &value {
        assert!(check(data, &limits).is_ok(), "read, though it is over a bound");
        assert_eq!(serde_json::from_slice::<Value>(data).ok().as_ref(), Some(value));
    }
    assert_eq!(
        Node::read(data, &limits).map(Node::into_value).ok(),
        value.as_ref().ok().cloned(),
        "the readers disagree"
    );
    if let Ok(objects) = split_objects(data, &limits) {
        for object in &objects {
            assert!(check(object, &limits).is_ok(), "a part of what was split is over a bound");
            assert!(serde_json::from_slice::<&RawValue>(object).is_ok(), "a part of what was split is no JSON");
        }
        if let Ok(Value::Array(items)) = &value {
            assert_eq!(items.len(), objects.len(), "an item is lost");
        }
    }
});
