//! Captures of our own making: DNS questions over UDP, one packet a name.

/// Microseconds between two packets.
const STEP_US: u64 = 20_000;
const CLIENT: [u8; 4] = [10, 20, 30, 40];
const RESOLVER: [u8; 4] = [192, 0, 2, 53];

/// A pcap of DNS questions for `names`, in turn, `rounds` times. Each packet has a source port of its own.
pub fn questions(names: &[String], rounds: usize) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    let asked = std::iter::repeat_n(names, rounds).flatten();
    for (place, name) in asked.enumerate() {
        let time_us = 1_700_000_000_000_000 + place as u64 * STEP_US;
        let frame = frame(name, 1_024 + u16::try_from(place % 60_000).unwrap_or(0));
        let length = u32::try_from(frame.len()).unwrap_or(0);
        let seconds = u32::try_from(time_us / 1_000_000).unwrap_or(0);
        let micros = u32::try_from(time_us % 1_000_000).unwrap_or(0);
        for word in [seconds, micros, length, length] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(&frame);
    }
    file
}

fn frame(name: &str, port: u16) -> Vec<u8> {
    let dns = question(name);
    let udp_length = u16::try_from(8 + dns.len()).unwrap_or(0);
    let mut udp = Vec::new();
    for word in [port, 53, udp_length, 0] {
        udp.extend_from_slice(&word.to_be_bytes());
    }
    udp.extend_from_slice(&dns);
    let total = 20 + udp_length;
    let mut ip = vec![0x45, 0];
    ip.extend_from_slice(&total.to_be_bytes());
    ip.extend_from_slice(&[0, 1, 0, 0, 64, 17, 0, 0]);
    ip.extend_from_slice(&CLIENT);
    ip.extend_from_slice(&RESOLVER);
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00];
    frame.extend(ip);
    frame.extend(udp);
    frame
}

/// A DNS question for the A record of `name` (RFC 1035 §4.1).
fn question(name: &str) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap_or(0));
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(&[0, 0, 1, 0, 1]);
    message
}
