//! Lists, CSV and STIX files of any content: read to the end, whatever the bytes, in bounded steps.
#![no_main]

use feeds::inbound::{Inbound, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = std::io::Cursor::new(data.to_vec());
    if let Ok(inbound) = Inbound::open(Box::new(bytes), &Settings::default()) {
        // Every step takes at least one byte or says why it ends.
        assert!(inbound.take(data.len() * 64 + 64).count() < data.len() * 64 + 64, "it does not end");
    }
});
