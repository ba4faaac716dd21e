//! How much a comparison costs: roughly how many of a million observations it has the engine look at.

use std::net::IpAddr;

use model::field::Field;
use model::value::is_public_suffix;

use crate::comparison::{Test, Wanted, masked};
use crate::compile::Program;
use crate::index::{Lookup, anchors, lookup};

/// All of a million observations.
pub(crate) const ALL: u64 = 1_000_000;

/// Networks in which the sites' own machines are, so that a large part of all observations lies in them.
const LOCAL: &[(IpAddr, u8)] = &[
    (IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 0)), 8),
    (IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 0)), 8),
    (IpAddr::V4(std::net::Ipv4Addr::new(169, 254, 0, 0)), 16),
    (IpAddr::V4(std::net::Ipv4Addr::new(172, 16, 0, 0)), 12),
    (IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 0, 0)), 16),
    (IpAddr::V6(std::net::Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), 7),
    (IpAddr::V6(std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
];

/// Numbers that, as ports, stand in a large part of all observations.
const BUSY_PORTS: &[i64] = &[53, 80, 123, 443, 5353];

/// How many of a million observations a program is evaluated for, roughly; [`ALL`] if no value admits it.
pub(crate) fn of_program(program: &Program) -> u64 {
    anchors(program).map_or(ALL, |tests| tests.into_iter().map(admitted_per_million).sum::<u64>()).min(ALL)
}

/// How many comparisons a program has.
pub(crate) fn comparisons(program: &Program) -> usize {
    match program {
        Program::Test(_) => 1,
        Program::All(parts) | Program::Any(parts) => parts.iter().map(comparisons).sum(),
    }
}

/// What regular expressions of a program hold at most, bytes.
pub(crate) fn regex_bytes(program: &Program) -> usize {
    match program {
        Program::Test(Test { wanted: Wanted::Matches(matcher), .. }) => matcher.bytes,
        Program::Test(_) => 0,
        Program::All(parts) | Program::Any(parts) => parts.iter().map(regex_bytes).sum(),
    }
}

/// How many of a million observations one comparison admits: ports and protocols say little, names and hashes much.
pub(crate) fn admitted_per_million(test: &Test) -> u64 {
    if lookup(test) == Lookup::None {
        return ALL;
    }
    let each = |count: usize, one: u64| one.saturating_mul(u64::try_from(count).unwrap_or(u64::MAX));
    let estimate = match &test.wanted {
        Wanted::Ips(ips) => ips.iter().map(|ip| network(*ip, if ip.is_ipv4() { 32 } else { 128 })).sum(),
        Wanted::Network(ip, length) => network(*ip, *length),
        Wanted::Names(names) => names.iter().map(|name| if name.contains('.') { 1 } else { 100 }).sum(),
        Wanted::Below(name) if is_public_suffix(name) => 300_000,
        Wanted::Below(_) => 10,
        Wanted::BelowLike { anchor, .. } => {
            if is_public_suffix(anchor) {
                300_000
            } else {
                1_000
            }
        }
        Wanted::Integers(numbers) => {
            numbers.iter().map(|number| if BUSY_PORTS.contains(number) { 200_000 } else { 10_000 }).sum()
        }
        Wanted::Texts(texts) | Wanted::Caseless(texts) => each(texts.len(), text(test)),
        Wanted::Urls(urls) => each(urls.len(), 1),
        Wanted::Like(like) => like.literal().map_or(ALL, literal),
        Wanted::Matches(matcher) => matcher.literals().iter().map(|text| literal(text)).sum(),
        Wanted::Types(_) | Wanted::Range(..) | Wanted::Order(..) | Wanted::Present => ALL,
    };
    estimate.min(ALL)
}

/// Of few values, as a protocol is, each stands in many observations.
fn text(test: &Test) -> u64 {
    let few = [Field::NetworkProtocol, Field::NetworkTransport, Field::HttpRequestMethod];
    if test.fields.iter().any(|field| few.contains(field)) { 100_000 } else { 5 }
}

fn literal(text: &str) -> u64 {
    match text.len() {
        0..=2 => ALL,
        3 => 50_000,
        4 => 10_000,
        5 => 2_000,
        6 | 7 => 500,
        _ => 100,
    }
}

/// The network's share of all addresses, but no less than what its lying among the sites' own suggests.
fn network(ip: IpAddr, length: u8) -> u64 {
    let near = LOCAL.iter().any(|(local, bits)| {
        let common = length.min(*bits);
        local.is_ipv4() == ip.is_ipv4() && masked(ip, common) == masked(*local, common)
    });
    let (least, steps) = if ip.is_ipv4() { (length, 1) } else { (length / 4, 4) };
    let own = match (near, least) {
        (false, _) => 10,
        (true, 0..=12) => 500_000,
        (true, 13..=16) => 100_000,
        (true, 17..=24) => 20_000,
        (true, _) => 1_000,
    };
    // Of IPv6 a small part is in use: a quarter of the bits says as much as one of IPv4.
    let share = ALL.checked_shr(u32::from(length / steps)).unwrap_or(0);
    share.max(own)
}
