//! Captures, plain or compressed, whole or damaged; small bounds, so that they are reached.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let settings = collector::Settings {
        flows: 16,
        stream_bytes: 1 << 12,
        decompressed_bytes: 1 << 20,
        line_bytes: 1 << 12,
        ..collector::Settings::default()
    };
    let mut observations = 0;
    let read = collector::decode(Cursor::new(data.to_vec()), &settings, |observation| {
        observations += 1;
        let _ = model::ecs::to_ecs(&observation);
        true
    });
    if let Ok(summary) = read {
        assert_eq!(summary.observations, observations);
    }
});
