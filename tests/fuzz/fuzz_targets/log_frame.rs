//! Frames of the log and rows of the catalog, as a damaged disk may hand them back: what is read never goes beyond the bytes.
#![no_main]

use indexer::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(read) = fuzzing::frame(data) {
        assert!(read <= data.len());
    }
    let _ = fuzzing::frame(&[b"BWF1".as_slice(), data].concat());
    let _ = fuzzing::row(data);
});
