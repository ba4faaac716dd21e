//! Lines of the rules stream, as a sensor reads them.
#![no_main]

use collector::wire::{RuleLine, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let settings = Settings::default();
    if let Ok(line) = RuleLine::decode(data, &settings) {
        let encoded = line.encode().expect("what was read can be written");
        assert!(RuleLine::decode(&encoded, &settings).is_ok());
    }
});
