//! Marking definitions: what a definition means, whatever stands in it; a level of TLP means itself and nothing else.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::json::{Limits, parse};
use model::marking::{Tlp, meaning, redefines};

fuzz_target!(|data: &[u8]| {
    let Ok(object) = parse(data, &Limits::default()) else { return };
    for id in [Tlp::Red.definition_id(), "marking-definition--aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"] {
        let id = id.parse().expect("an id");
        let _ = meaning(&id, &object);
        let _ = redefines(&id, &object);
    }
});
