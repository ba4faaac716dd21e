//! Suricata EVE: any bytes as lines.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let line = br#"{"timestamp":"2026-09-21T14:13:20.111884+0000","event_type":"dns","src_ip":"10.0.0.1","proto":"UDP","dns":"#;
    let framed = [line.as_slice(), data, b"}\n{", data].concat();
    for input in [framed, [b"{".as_slice(), data].concat()] {
        let _ = collector::decode(Cursor::new(input), &collector::Settings::default(), |observation| {
            let _ = model::ecs::to_ecs(&observation);
            true
        });
    }
});
