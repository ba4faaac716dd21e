//! Lines of the partner link: what is read is written as the same line.
#![no_main]

use feeds::peer::wire::Line;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(line) = Line::decode(data, 1 << 20) {
        let encoded = line.encode();
        assert_eq!(Line::decode(&encoded, 1 << 22).ok(), Some(line));
    }
});
