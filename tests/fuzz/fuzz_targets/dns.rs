//! DNS in datagrams and in streams.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "packet.rs"]
mod packet;

fuzz_target!(|data: &[u8]| {
    packet::hear(&packet::udp(53, data));
    let length = u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes();
    packet::hear_stream(53, &[length.as_slice(), data].concat());
});
