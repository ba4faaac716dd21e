//! Packets around what is fuzzed, without link layer (raw IP).

use collector::{Decoder, LinkType, Settings};
use model::time::Timestamp;

const RAW_IP: LinkType = LinkType(101);

fn ip(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + payload.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut packet = vec![0x45, 0, total[0], total[1], 0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 192, 0, 2, 53];
    packet.extend_from_slice(payload);
    packet
}

/// A datagram to `port`.
#[allow(dead_code, reason = "not every target needs datagrams")]
pub fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap_or(0).to_be_bytes();
    let mut head = vec![0x30, 0x39];
    head.extend_from_slice(&port.to_be_bytes());
    head.extend_from_slice(&length);
    head.extend_from_slice(&[0, 0]);
    head.extend_from_slice(payload);
    ip(17, &head)
}

fn tcp(port: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let mut head = vec![0x30, 0x39];
    head.extend_from_slice(&port.to_be_bytes());
    head.extend_from_slice(&sequence.to_be_bytes());
    head.extend_from_slice(&[0, 0, 0, 0, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
    head.extend_from_slice(payload);
    ip(6, &head)
}

/// Reads one packet.
#[allow(dead_code, reason = "not every target needs single packets")]
pub fn hear(packet: &[u8]) {
    let (mut decoder, mut found) = (Decoder::new(Settings::default()), Vec::new());
    decoder.packet(Timestamp::from_micros(1), RAW_IP, packet, 1, &mut found);
    decoder.finish(&mut found);
    assert!(found.iter().all(|observation| observation.record == 1));
}

/// Reads a stream whole, and again cut into segments: what is heard of the whole is heard first, whatever was cut where. More may
/// come behind it: after bytes that are no message, every segment may be the start of one.
pub fn hear_stream(port: u16, stream: &[u8]) {
    let whole = segments(port, stream, 16_000);
    let cut = segments(port, stream, 7);
    assert!(cut.starts_with(&whole), "how a stream is cut hides something: {whole:?} {cut:?}");
}

fn segments(port: u16, stream: &[u8], size: usize) -> Vec<String> {
    let (mut decoder, mut found) = (Decoder::new(Settings::default()), Vec::new());
    let mut sequence = 1_000_u32;
    for (place, part) in stream.chunks(size).enumerate() {
        let record = place as u64 + 1;
        decoder.packet(Timestamp::from_micros(1), RAW_IP, &tcp(port, sequence, part), record, &mut found);
        sequence = sequence.wrapping_add(part.len() as u32);
    }
    found
        .iter()
        .filter(|observation| observation.protocol.is_some())
        .map(|observation| format!("{:?}", observation.detail))
        .collect()
}
