//! Suricata EVE: one JSON object a line.

mod blocks;
mod event;
mod line;
mod marks;
mod name;
mod times;

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use model::observation::{
    Detail, Dns, DnsAnswer, Email, Endpoint, File, FlowCounts, Http, Observation, ObservationKind, Tls, Transport,
};
use model::value::canonical_url;

pub(crate) use self::blocks::{Block, Blocks};
use self::event::{
    Answer, Email as Mail, Event, FileInfo, Flow, Http as Request, Query, Scalar, Section, Smtp, Tls as Handshake,
};
use self::line::Line;
use self::times::Times;
use crate::decode::{authority_of, host_of};
use crate::input::{InputError, Reader};
use crate::{Listener, Settings, Summary};

/// An observation whose texts stand in the line.
type Borrowed<'a> = Observation<Cow<'a, str>>;
/// What it says of a DNS message.
type Message<'a> = Detail<Cow<'a, str>>;

/// Reads a log and hands its observations to `listener`, as they come.
pub(crate) fn read(reader: Reader, settings: &Settings, listener: &mut dyn Listener) -> Result<Summary, InputError> {
    let mut summary = Summary::default();
    let (mut blocks, mut block) = (Blocks::new(reader, settings), Block::default());
    while blocks.next(&mut block)? {
        if !lines(&mut block, settings, &mut summary, listener) {
            break;
        }
    }
    Ok(summary)
}

/// Hands the observations of a block to `listener` and says in `summary` what else there was. False if the listener wants no more.
pub(crate) fn lines(
    block: &mut Block,
    settings: &Settings,
    summary: &mut Summary,
    listener: &mut dyn Listener,
) -> bool {
    let mut last = block.first.saturating_sub(1);
    let mut times = [Times::default(), Times::default()];
    for (record, line) in (block.first..).zip(block.lines()) {
        last = record;
        summary.records += 1;
        if line.bytes().len() > settings.line_bytes {
            let message = format!("the line has more than {} bytes", settings.line_bytes);
            summary.fault(settings, record, "line-too-long", message);
            continue;
        }
        if line.bytes().trim_ascii().is_empty() {
            continue;
        }
        match observations(line, record, &mut times) {
            Ok((observation, others)) => {
                if !listener.due(observation.time) {
                    return false;
                }
                let mut hear = |observation| {
                    summary.observations += 1;
                    listener.hear_borrowed(observation)
                };
                if !others.into_iter().all(&mut hear) || !hear(observation) {
                    return false;
                }
            }
            Err(message) => summary.fault(settings, record, "eve-line", message),
        }
    }
    if let Some(error) = &block.error {
        summary.fault(settings, last, "input-read", format!("the input cannot be read on: {error}"));
    }
    true
}

/// A text in lower case.
fn lower<'a>(value: Scalar<'a>) -> Option<Cow<'a, str>> {
    value.text().map(in_lower)
}

fn in_lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) { text.to_ascii_lowercase().into() } else { text.into() }
}

/// A domain name as it is compared ([`model::value::canonical_name`]).
fn name<'a>(value: Scalar<'a>) -> Option<Cow<'a, str>> {
    value.text().map(named)
}

fn named(text: &str) -> Cow<'_, str> {
    in_lower(text.strip_suffix('.').unwrap_or(text))
}

fn small<T: TryFrom<u64>>(value: Scalar<'_>) -> Option<T> {
    value.number().and_then(|number| T::try_from(number).ok())
}

/// What one line says: the last of its observations, and those before; several for a DNS line with several queries. `times` read when it
/// was written, and when its flow began.
fn observations<'a>(
    line: Line<'a>,
    record: u64,
    [times, starts]: &mut [Times; 2],
) -> Result<(Borrowed<'a>, Vec<Borrowed<'a>>), String> {
    let mut event = Event::default();
    line::read(line, &mut event).map_err(|error| error.to_string())?;
    let time = event
        .timestamp
        .text()
        .and_then(|text| times.read(text))
        .ok_or("the line has no `timestamp` that can be read")?;
    event.event_type.text().ok_or("the line has no `event_type`")?;
    let end = |ip: Scalar<'_>, port: Scalar<'_>| {
        let ip = address(ip.text()?)?;
        Some(Endpoint { ip, port: small(port) })
    };
    let (kind, protocol, detail) = read_event(&event, starts);
    let mut last = Observation {
        time,
        kind,
        record,
        source: end(event.src_ip, event.src_port),
        destination: end(event.dest_ip, event.dest_port),
        transport: event.proto.text().and_then(transport),
        protocol: protocol.filter(|protocol| !matches!(&**protocol, "unknown" | "failed")),
        community_id: event.community_id.cow(),
        detail,
    };
    if kind != ObservationKind::Dns {
        return Ok((last, Vec::new()));
    }
    let (detail, before) = dns(&event);
    let others = before.into_iter().map(|detail| Observation { detail, ..last.clone() }).collect();
    last.detail = detail;
    Ok((last, others))
}

/// What is observed, over which protocol, and what of it; DNS messages are read by [`dns`].
fn read_event<'a>(
    event: &Event<'a>,
    starts: &mut Times,
) -> (ObservationKind, Option<Cow<'a, str>>, Detail<Cow<'a, str>>) {
    let own = || event.event_type.cow();
    let app = || lower(event.app_proto);
    match event.event_type.text().unwrap_or_default() {
        "flow" => {
            let counts = event.flow.one().and_then(|of| flow(of, starts));
            (ObservationKind::FlowEnd, app(), counts.map_or(Detail::None, Detail::Flow))
        }
        "dns" | "mdns" | "llmnr" => (ObservationKind::Dns, own(), Detail::None),
        "http" | "http2" => (ObservationKind::Http, Some("http".into()), Detail::Http(Box::new(http(&event.http)))),
        "tls" => (ObservationKind::Tls, own(), Detail::Tls(Box::new(tls(&event.tls)))),
        "quic" => (ObservationKind::Tls, own(), Detail::Tls(Box::new(quic(&event.quic)))),
        "fileinfo" => {
            let carrier = event.http.one().map(|_| Box::new(http(&event.http)));
            (ObservationKind::File, app(), Detail::File(Box::new(file(&event.fileinfo)), carrier))
        }
        "smtp" => {
            let email = email(event.email.one(), event.smtp.one());
            (ObservationKind::Email, own(), Detail::Email(Box::new(email)))
        }
        _ => (ObservationKind::Event, app().or_else(own), Detail::None),
    }
}

/// An address. Most are of IPv4, and each line has two: those are read in one go.
fn address(text: &str) -> Option<IpAddr> {
    dotted(text).map(IpAddr::V4).or_else(|| text.parse().map(IpAddr::V6).ok())
}

fn dotted(text: &str) -> Option<Ipv4Addr> {
    let (mut bits, mut dots, mut octet) = (0_u32, 0, None);
    for byte in text.bytes() {
        match (byte, octet) {
            (b'0'..=b'9', None) => octet = Some(u32::from(byte - b'0')),
            (b'0'..=b'9', Some(before @ 1..=25)) => octet = Some(before * 10 + u32::from(byte - b'0')),
            (b'.', Some(before @ 0..=255)) => {
                bits = bits << 8 | before;
                (dots, octet) = (dots + 1, None);
            }
            _ => return None,
        }
    }
    let last = octet.filter(|last| *last <= 255 && dots == 3)?;
    Some((bits << 8 | last).into())
}

fn transport(name: &str) -> Option<Transport> {
    match name {
        "TCP" => Some(Transport::Tcp),
        "UDP" => Some(Transport::Udp),
        "ICMP" => Some(Transport::Icmp),
        "IPv6-ICMP" => Some(Transport::Icmpv6),
        _ => None,
    }
}

fn flow(flow: &Flow<'_>, starts: &mut Times) -> Option<FlowCounts> {
    let count = |value: Scalar<'_>| value.number().unwrap_or(0);
    Some(FlowCounts {
        start: starts.read(flow.start.text()?)?,
        source_bytes: count(flow.bytes_toserver),
        destination_bytes: count(flow.bytes_toclient),
        source_packets: count(flow.pkts_toserver),
        destination_packets: count(flow.pkts_toclient),
    })
}

/// What a message says, once for each of its queries: the last, and those before. Version 3 has lists of queries and answers;
/// version 2 one `rrname`, and for an answer its `answers`.
fn dns<'a>(event: &Event<'a>) -> (Message<'a>, Vec<Message<'a>>) {
    let own = match event.event_type.text().unwrap_or_default() {
        "mdns" => event.mdns.one(),
        "llmnr" => event.llmnr.one(),
        _ => None,
    };
    let Some(dns) = own.or_else(|| event.dns.one()) else { return (Detail::None, Vec::new()) };
    let answer = matches!(dns.kind.text(), Some("answer" | "response"));
    let base = Dns {
        answer,
        id: small(dns.id).unwrap_or(0),
        response_code: dns.rcode.cow().filter(|_| answer),
        answers: dns.answers.0.iter().filter_map(dns_answer).collect(),
        ..Dns::default()
    };
    let asked = |base: Dns<_>, query: &Query<'a>| {
        let (question_name, question_type) = (name(query.rrname), query.rrtype.cow());
        Detail::Dns(Box::new(Dns { question_name, question_type, ..base }))
    };
    let top_level = [Query { rrname: dns.rrname, rrtype: dns.rrtype }];
    let queries = [&dns.queries.0, &dns.query.0].into_iter().find(|queries| !queries.is_empty());
    match queries.map_or(top_level.as_slice(), |queries| queries).split_last() {
        Some((last, before)) => {
            let before = before.iter().map(|query| asked(base.clone(), query)).collect();
            (asked(base, last), before)
        }
        None => (Detail::None, Vec::new()),
    }
}

fn dns_answer<'a>(answer: &Answer<'a>) -> Option<DnsAnswer<Cow<'a, str>>> {
    let kind = answer.rrtype.cow()?;
    let data = answer.rdata.text().unwrap_or_default();
    let is_name = matches!(&*kind, "CNAME" | "NS" | "PTR" | "MX" | "SRV" | "DNAME" | "SOA");
    Some(DnsAnswer {
        name: name(answer.rrname).unwrap_or_default(),
        kind,
        ttl_s: small(answer.ttl).unwrap_or(0),
        data: if is_name { named(data) } else { data.into() },
    })
}

fn http<'a>(http: &Section<Request<'a>>) -> Http<Cow<'a, str>> {
    let Some(http) = http.one() else { return Http::default() };
    let url = match (http.hostname.text(), http.url.text()) {
        (Some(host), Some(target)) if target.starts_with('/') => {
            let port = http.http_port.number().map_or(String::new(), |port| format!(":{port}"));
            let url = ["http://", host, &port, target].concat();
            Some(match canonical_url(&url) {
                Cow::Borrowed(_) => Cow::Owned(url),
                Cow::Owned(canonical) => Cow::Owned(canonical),
            })
        }
        (_, Some(target)) if authority_of(target).is_some() => Some(canonical_url(target)),
        _ => None,
    };
    Http {
        method: http.http_method.cow(),
        host: http.hostname.text().map(host).filter(|host| !host.is_empty()),
        url,
        target: http.url.cow(),
        user_agent: http.http_user_agent.cow(),
        status: small(http.status),
    }
}

/// The host of an authority.
fn host(authority: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| !byte.is_ascii_uppercase() && !b"@[:".contains(&byte);
    if authority.bytes().all(is_plain) { named(authority) } else { host_of(authority).into() }
}

fn tls<'a>(tls: &Section<Handshake<'a>>) -> Tls<Cow<'a, str>> {
    let Some(tls) = tls.one() else { return Tls::default() };
    Tls {
        server_name: name(tls.sni),
        ja3: tls.ja3.one().and_then(|ja3| lower(ja3.hash)),
        version: tls.version.text().map(|said| said.trim_start_matches("TLS ").into()),
        subject: tls.subject.cow(),
        issuer: tls.issuerdn.cow(),
        sha1: tls.fingerprint.text().map(|hash| Cow::Owned(hash.replace(':', "").to_ascii_lowercase())),
    }
}

fn quic<'a>(quic: &Section<Handshake<'a>>) -> Tls<Cow<'a, str>> {
    let Tls { server_name, ja3, .. } = tls(quic);
    Tls { server_name, ja3, ..Tls::default() }
}

fn file<'a>(file: &Section<FileInfo<'a>>) -> File<Cow<'a, str>> {
    let Some(file) = file.one() else { return File::default() };
    File {
        name: file.filename.cow(),
        size_bytes: file.size.number(),
        md5: lower(file.md5),
        sha1: lower(file.sha1),
        sha256: lower(file.sha256),
    }
}

fn email<'a>(mail: Option<&Mail<'a>>, smtp: Option<&Smtp<'a>>) -> Email<Cow<'a, str>> {
    let address = |text: &str| -> Cow<'a, str> {
        let inner =
            text.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(text, |(address, _)| address);
        Cow::Owned(inner.trim().to_ascii_lowercase())
    };
    let from = mail.and_then(|mail| mail.from.text()).or_else(|| smtp.and_then(|smtp| smtp.mail_from.text()));
    let lists = [mail.map(|mail| &mail.to), mail.map(|mail| &mail.cc), smtp.map(|smtp| &smtp.rcpt_to)];
    let mut to: Vec<Cow<'a, str>> =
        lists.into_iter().flatten().flat_map(|list| &list.0).map(|text| address(text)).collect();
    to.dedup();
    Email { from: from.map(address).into_iter().collect(), to, subject: mail.and_then(|mail| mail.subject.cow()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_address_is_read_as_the_library_reads_it(
            text in prop_oneof!["[0-9]{1,4}(\\.[0-9]{0,4}){0,5}", "(0|2[0-9]{1,2}|[0-9a-f.:]){0,8}", any::<IpAddr>().prop_map(|ip| ip.to_string())],
        ) {
            prop_assert_eq!(address(&text), text.parse().ok());
        }
    }
}
