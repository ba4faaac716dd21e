//! TLS ClientHello, in one segment and in many.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "packet.rs"]
mod packet;

fuzz_target!(|data: &[u8]| {
    packet::hear_stream(443, data);
    // A record and a handshake head that fit, so that the inside is reached.
    let hello = u32::try_from(data.len()).unwrap_or(0).to_be_bytes();
    let record = u16::try_from(data.len() + 4).unwrap_or(u16::MAX).to_be_bytes();
    let head = [&[22, 3, 1][..], &record, &[1], &hello[1..]].concat();
    packet::hear_stream(443, &[head.as_slice(), data].concat());
});
