//! DNS messages (RFC 1035), read as far as they go: a message whose question is whole is one, whatever follows.

use std::net::{Ipv4Addr, Ipv6Addr};

use model::observation::{Dns, DnsAnswer};

use super::stream::{Body, Message, Reading};

/// Longest name, octets (RFC 1035 §3.1).
const NAME_BYTES_MAX: usize = 255;
/// Most pointers followed in one name.
const POINTERS_MAX: usize = 64;
/// Most questions and answers that are read of one message.
const RECORDS_MAX: u16 = 256;

/// One per question; a message without a question is one too. None if it is no DNS message.
pub(crate) fn messages(bytes: &[u8]) -> Option<Vec<Dns>> {
    let head = bytes.first_chunk::<12>()?;
    let [id_high, id_low, flags_high, flags_low, questions @ ..] = *head;
    let [q1, q2, a1, a2, ..] = questions;
    let (questions, answers) = (u16::from_be_bytes([q1, q2]), u16::from_be_bytes([a1, a2]));
    let opcode = (flags_high >> 3) & 0x0f;
    if opcode > 6 || questions > RECORDS_MAX {
        return None;
    }
    let answer = flags_high & 0x80 != 0;
    let base = Dns {
        answer,
        id: u16::from_be_bytes([id_high, id_low]),
        response_code: answer.then(|| response_code(flags_low & 0x0f)),
        ..Dns::default()
    };
    let mut at = 12;
    let mut asked = Vec::new();
    for _ in 0..questions {
        let (name, next) = name(bytes, at)?;
        let kind = be16(bytes, next)?;
        asked.push((name, type_name(kind)));
        at = next + 4;
    }
    let answers = read_answers(bytes, at, answers.min(RECORDS_MAX));
    if asked.is_empty() {
        return Some(vec![Dns { answers, ..base }]);
    }
    let with = |(name, kind): (String, String)| Dns {
        question_name: Some(name.into()),
        question_type: Some(kind.into()),
        answers: answers.clone(),
        ..base.clone()
    };
    Some(asked.into_iter().map(with).collect())
}

/// A message of a TCP stream: two octets of length before it.
pub(crate) fn prefixed(bytes: &[u8]) -> Reading {
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else { return Reading::More };
    let length = usize::from(u16::from_be_bytes(*length));
    let Some(message) = rest.get(..length) else { return Reading::More };
    match messages(message).and_then(|messages| messages.into_iter().next()) {
        Some(message) => Reading::Whole(Message::Dns(message), length + 2, Body::Bytes(0)),
        None => Reading::Nothing,
    }
}

fn read_answers(bytes: &[u8], mut at: usize, count: u16) -> Vec<DnsAnswer> {
    let mut answers = Vec::new();
    for _ in 0..count {
        let Some((answer, next)) = read_answer(bytes, at) else { break };
        answers.push(answer);
        at = next;
    }
    answers
}

fn read_answer(bytes: &[u8], at: usize) -> Option<(DnsAnswer, usize)> {
    let (owner, at) = name(bytes, at)?;
    let kind = be16(bytes, at)?;
    let ttl = u32::from_be_bytes(*bytes.get(at + 4..)?.first_chunk::<4>()?);
    let length = usize::from(be16(bytes, at + 8)?);
    let start = at + 10;
    let data = bytes.get(start..start.checked_add(length)?)?;
    let data = match kind {
        1 => data.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets).to_string()),
        28 => data.first_chunk::<16>().map(|octets| Ipv6Addr::from(*octets).to_string()),
        2 | 5 | 6 | 12 | 39 => name(bytes, start).map(|(name, _)| name),
        15 => name(bytes, start + 2).map(|(name, _)| name),
        33 => name(bytes, start + 6).map(|(name, _)| name),
        16 | 99 => Some(character_strings(data)),
        _ => None,
    };
    let data = data.unwrap_or_else(|| hex::encode(data_of(bytes, start, length)));
    Some((
        DnsAnswer { name: owner.into(), kind: type_name(kind).into(), ttl_s: ttl, data: data.into() },
        start + length,
    ))
}

fn data_of(bytes: &[u8], start: usize, length: usize) -> &[u8] {
    bytes.get(start..start.saturating_add(length)).unwrap_or_default()
}

fn character_strings(mut data: &[u8]) -> String {
    let mut text = String::new();
    while let Some((length, rest)) = data.split_first() {
        let part = rest.get(..usize::from(*length)).unwrap_or(rest);
        part.iter().for_each(|octet| escape(&mut text, *octet, false));
        data = rest.get(usize::from(*length)..).unwrap_or_default();
    }
    text
}

/// A name at an offset, lower case, without final dot, and the offset behind it. The root is the empty text.
fn name(bytes: &[u8], start: usize) -> Option<(String, usize)> {
    let mut text = String::new();
    let (mut at, mut behind, mut pointers, mut octets) = (start, None, 0, 0);
    loop {
        let length = usize::from(*bytes.get(at)?);
        match length >> 6 {
            0 if length == 0 => return Some((text, behind.unwrap_or(at + 1))),
            0 => {
                octets += length + 1;
                if octets > NAME_BYTES_MAX {
                    return None;
                }
                if !text.is_empty() {
                    text.push('.');
                }
                bytes.get(at + 1..at + 1 + length)?.iter().for_each(|octet| escape(&mut text, *octet, true));
                at += 1 + length;
            }
            3 => {
                pointers += 1;
                if pointers > POINTERS_MAX {
                    return None;
                }
                behind.get_or_insert(at + 2);
                at = usize::from(be16(bytes, at)? & 0x3fff);
            }
            _ => return None,
        }
    }
}

/// RFC 4343 §2.1: other octets than printable ASCII, and in a name its dots, as `\DDD`.
fn escape(text: &mut String, octet: u8, in_name: bool) {
    match octet {
        b'.' | b'\\' if in_name => {
            text.push('\\');
            text.push(char::from(octet));
        }
        0x21..=0x7e if in_name => text.push(char::from(octet.to_ascii_lowercase())),
        0x20..=0x7e if !in_name => text.push(char::from(octet)),
        _ => text.push_str(&format!("\\{octet:03}")),
    }
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk::<2>().map(|bytes| u16::from_be_bytes(*bytes))
}

const TYPES: &[(u16, &str)] = &[
    (1, "A"),
    (2, "NS"),
    (5, "CNAME"),
    (6, "SOA"),
    (10, "NULL"),
    (12, "PTR"),
    (13, "HINFO"),
    (15, "MX"),
    (16, "TXT"),
    (28, "AAAA"),
    (29, "LOC"),
    (33, "SRV"),
    (35, "NAPTR"),
    (39, "DNAME"),
    (41, "OPT"),
    (43, "DS"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (48, "DNSKEY"),
    (50, "NSEC3"),
    (52, "TLSA"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (99, "SPF"),
    (251, "IXFR"),
    (252, "AXFR"),
    (255, "ANY"),
    (257, "CAA"),
];

fn type_name(kind: u16) -> String {
    TYPES
        .iter()
        .find(|(number, _)| *number == kind)
        .map_or_else(|| format!("TYPE{kind}"), |(_, name)| (*name).to_owned())
}

fn response_code(code: u8) -> Box<str> {
    const CODES: [&str; 11] = [
        "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH",
        "NOTZONE",
    ];
    CODES.get(usize::from(code)).map_or_else(|| format!("RCODE{code}").into(), |name| (*name).into())
}
