//! Observations as a sensor of a busy site has them.

use std::net::{IpAddr, Ipv4Addr};

use model::observation::{
    Detail, Dns, DnsAnswer, Endpoint, File, FlowCounts, Http, Observation, ObservationKind, Tls, Transport,
};
use model::time::Timestamp;

use crate::scattered;

/// Between two observations, microseconds.
const STEP_US: i64 = 300;

/// That many: of twenty 8 ends of flows, 6 DNS answers, 3 TLS handshakes, 2 HTTP requests, 1 file; of 5,000 sites, most of them
/// seldom, and as many clients.
pub fn made(count: u64) -> Vec<Observation> {
    (0..count).map(one).collect()
}

fn address(high: [u8; 2], low: u64) -> IpAddr {
    let [_, _, c, d] = u32::try_from(low % 65_536).unwrap_or(0).to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(high[0], high[1], c, d))
}

fn one(number: u64) -> Observation {
    let random = scattered(number);
    let site = (random >> 16) % 5_000;
    let name: Box<str> = format!("www.site-{site}.example").into();
    let time = Timestamp::from_micros(1_700_000_000_000_000).plus_micros(number as i64 * STEP_US);
    let (kind, protocol, detail) = match number % 20 {
        0..8 => (ObservationKind::FlowEnd, None, flow(time, random)),
        8..14 => (ObservationKind::Dns, Some("dns"), dns(name, site)),
        14..17 => (ObservationKind::Tls, Some("tls"), tls(name)),
        17..19 => (ObservationKind::Http, Some("http"), Detail::Http(Box::new(http(&name, random)))),
        _ => (ObservationKind::File, Some("http"), file(&name, random)),
    };
    Observation {
        time,
        kind,
        record: number + 1,
        source: Some(Endpoint { ip: address([10, 1], random), port: Some(40_000 + (random % 20_000) as u16) }),
        destination: Some(Endpoint { ip: address([198, 18], site), port: Some(443) }),
        transport: Some(Transport::Tcp),
        protocol: protocol.map(Into::into),
        community_id: Some("1:wCb3OG7yAFWelaUydu0D+125CLM=".into()),
        detail,
    }
}

fn flow(time: Timestamp, random: u64) -> Detail {
    Detail::Flow(FlowCounts {
        start: time.plus_micros(-1_000_000),
        source_bytes: random % 10_000,
        destination_bytes: random % 1_000_000,
        source_packets: random % 100,
        destination_packets: random % 1_000,
    })
}

fn dns(name: Box<str>, site: u64) -> Detail {
    let data = address([198, 18], site).to_string().into();
    Detail::Dns(Box::new(Dns {
        answer: true,
        id: 1,
        response_code: Some("NOERROR".into()),
        question_name: Some(name.clone()),
        question_type: Some("A".into()),
        answers: vec![DnsAnswer { name, kind: "A".into(), ttl_s: 300, data }],
    }))
}

fn tls(name: Box<str>) -> Detail {
    Detail::Tls(Box::new(Tls { server_name: Some(name), version: Some("1.3".into()), ..Tls::default() }))
}

fn http(name: &str, random: u64) -> Http {
    let target = format!("/articles/{random:x}?page={}", random % 10);
    Http {
        method: Some("GET".into()),
        host: Some(name.into()),
        url: Some(format!("http://{name}{target}").into()),
        target: Some(target.into()),
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0".into()),
        status: Some(200),
    }
}

fn file(name: &str, random: u64) -> Detail {
    let file = File {
        name: Some(format!("/downloads/report-{random:x}.pdf").into()),
        size_bytes: Some(random % 1_000_000),
        md5: Some(format!("{random:032x}").into()),
        sha1: None,
        sha256: Some(format!("{random:064x}").into()),
    };
    Detail::File(Box::new(file), Some(Box::new(http(name, random))))
}
