//! STIX objects: read, and read again without what is hidden.
#![no_main]

use libfuzzer_sys::fuzz_target;
use model::json::Limits;
use model::stix;

fuzz_target!(|data: &[u8]| {
    if let Ok((object, _)) = stix::read(data, &Limits::default()) {
        let _ = stix::without(&object, data, |id| id.object_type() == "identity");
        assert!(data.windows(2).any(|pair| pair == b"--"), "an object without an id was read");
    }
});
