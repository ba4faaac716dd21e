//! Batches that sensors send.
#![no_main]

use collector::wire::{Batch, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let settings = Settings::default();
    if let Ok(batch) = Batch::decode(data, &settings) {
        assert!(batch.observations.len() <= settings.observations);
        let encoded = batch.encode(&settings).expect("what was read can be written");
        assert_eq!(Batch::decode(&encoded, &settings).ok(), Some(batch));
    }
});
