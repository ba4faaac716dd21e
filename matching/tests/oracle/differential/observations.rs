//! Random observations of every kind, of few values so that they meet patterns.

use std::net::IpAddr;

use model::observation::{
    Detail, Dns, DnsAnswer, Email, Endpoint, File, FlowCounts, Http, Observation, ObservationKind as Kind, Tls,
    Transport,
};
use model::time::Timestamp;

use super::dice::Dice;
use crate::plain::{IPS, NAMES};

pub(super) const KINDS: [Kind; 8] =
    [Kind::FlowStart, Kind::FlowEnd, Kind::Dns, Kind::Http, Kind::Tls, Kind::File, Kind::Email, Kind::Event];

const SECOND_US: i64 = 1_000_000;
const HOUR_US: i64 = 3_600 * SECOND_US;
const IPS_6: &[&str] = &["2001:db8::1", "2001:db8::a:1", "fe80::1"];
const PORTS: &[u16] = &[53, 80, 443, 40_000];
const NUMBERS: &[u64] = &[0, 1, 80, 1_000, u64::MAX];
const HASHES: &[&str] = &["00aa11", "00ab11", "ffee22"];
const ADDRESSES: &[&str] = &["a@a.example", "B@a.example", "c@example.org"];
const TEXTS: &[&str] = &["a.exe", "A.exe", "re\u{301}sume\u{301}.pdf", "r\u{e9}sum\u{e9}.pdf", "b"];
const SUBJECTS: &[&str] = &["CN=a.example", "CN=b.a.example, O=B", "b"];

/// Observations in the order of their arrival, `record` numbering them from 1: many at equal times, many late. Kinds are some of
/// `kinds`.
pub(super) fn sequence(dice: &mut Dice, kinds: &[Kind]) -> Vec<Observation> {
    let (unit_us, slots) = if dice.one_in(5) { (HOUR_US, 40) } else { (SECOND_US / 2, 16) };
    let mut times: Vec<i64> = (0..=dice.below(9))
        .map(|_| {
            let beside = if dice.one_in(8) { dice.below(3) as i64 - 1 } else { 0 };
            dice.below(slots) as i64 * unit_us + beside
        })
        .collect();
    if dice.one_in(3) {
        times.sort_unstable();
    }
    let numbered = (1..).zip(times);
    numbered.map(|(record, time)| observation(dice, kinds, Timestamp::from_micros(time), record)).collect()
}

fn observation(dice: &mut Dice, kinds: &[Kind], time: Timestamp, record: u64) -> Observation {
    let kind = dice.pick(kinds);
    Observation {
        time,
        kind,
        record,
        source: end(dice),
        destination: end(dice),
        transport: dice.perhaps(&[Transport::Tcp, Transport::Udp, Transport::Icmpv6, Transport::Other(99)]),
        protocol: dice.perhaps(&["dns", "http", "tls"]).map(Into::into),
        community_id: None,
        detail: detail(dice, kind),
    }
}

fn end(dice: &mut Dice) -> Option<Endpoint> {
    let text = if dice.one_in(4) { dice.pick(IPS_6) } else { dice.pick(IPS) };
    let end = Endpoint { ip: text.parse().unwrap(), port: dice.perhaps(PORTS) };
    (!dice.one_in(6)).then_some(end)
}

fn detail(dice: &mut Dice, kind: Kind) -> Detail {
    match kind {
        Kind::FlowStart | Kind::Event => Detail::None,
        Kind::FlowEnd => Detail::Flow(FlowCounts {
            start: Timestamp::from_micros(dice.below(6) as i64 * SECOND_US / 2),
            source_bytes: dice.pick(NUMBERS),
            destination_bytes: dice.pick(NUMBERS),
            source_packets: dice.pick(NUMBERS),
            destination_packets: dice.pick(NUMBERS),
        }),
        Kind::Dns => {
            let answers = (0..dice.below(4)).map(|_| answer(dice)).collect();
            Detail::Dns(Box::new(Dns { question_name: text(dice, NAMES), answers, ..Dns::default() }))
        }
        Kind::Http => Detail::Http(Box::new(http(dice))),
        Kind::Tls => Detail::Tls(Box::new(Tls {
            server_name: text(dice, NAMES),
            subject: text(dice, SUBJECTS),
            issuer: text(dice, SUBJECTS),
            sha1: text(dice, HASHES),
            ..Tls::default()
        })),
        Kind::File => {
            let carrier = dice.one_in(2).then(|| Box::new(http(dice)));
            let file = File {
                name: text(dice, TEXTS),
                size_bytes: dice.perhaps(NUMBERS),
                md5: text(dice, HASHES),
                sha1: text(dice, HASHES),
                sha256: text(dice, HASHES),
            };
            Detail::File(Box::new(file), carrier)
        }
        Kind::Email => Detail::Email(Box::new(Email {
            from: (0..dice.below(3)).map(|_| dice.pick(ADDRESSES).into()).collect(),
            to: (0..dice.below(3)).map(|_| dice.pick(ADDRESSES).into()).collect(),
            subject: text(dice, TEXTS),
        })),
    }
}

fn text(dice: &mut Dice, some: &[&str]) -> Option<Box<str>> {
    dice.perhaps(some).map(Into::into)
}

fn answer(dice: &mut Dice) -> DnsAnswer {
    let (kind, data) = match dice.below(6) {
        0 | 1 => ("A", dice.pick(IPS)),
        2 => ("AAAA", dice.pick(IPS_6)),
        3 => ("MX", dice.pick(NAMES)),
        4 => ("TXT", dice.pick(&["a.example", "192.0.2.1"])),
        _ => ("CNAME", dice.pick(NAMES)),
    };
    DnsAnswer { name: dice.pick(NAMES).into(), kind: kind.into(), ttl_s: 1, data: data.into() }
}

fn http(dice: &mut Dice) -> Http {
    let host = match dice.below(6) {
        0 => dice.pick(IPS).to_owned(),
        1 => format!("[{}]", dice.pick(IPS_6)),
        _ => dice.pick(NAMES).to_owned(),
    };
    debug_assert!(!host.starts_with('[') || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok());
    let target = dice.pick(&["/x", "/X?a=1", "/r\u{e9}sum\u{e9}"]);
    let url = match dice.below(4) {
        0 => format!("HTTP://{}:80{target}", host.to_uppercase()),
        1 => format!("https://{host}"),
        _ => format!("http://{host}{target}"),
    };
    Http {
        method: text(dice, &["GET", "post"]),
        host: dice.perhaps(&[host.as_str()]).map(Into::into),
        url: dice.perhaps(&[url.as_str()]).map(Into::into),
        target: dice.perhaps(&[target]).map(Into::into),
        user_agent: text(dice, &["Mozilla/5.0 (X11)", "curl/8.5.0"]),
        status: None,
    }
}
