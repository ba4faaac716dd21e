//! HTTP/1 request heads, in one segment and in many.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "packet.rs"]
mod packet;

fuzz_target!(|data: &[u8]| {
    packet::hear_stream(80, data);
    packet::hear_stream(80, &[b"GET /".as_slice(), data, b" HTTP/1.1\r\nHost: ", data, b"\r\n\r\n"].concat());
});
