//! Suricata EVE: one JSON object a line.

mod blocks;
mod event;
mod line;

use std::borrow::Cow;
use std::net::IpAddr;

use model::observation::{
    Detail, Dns, DnsAnswer, Email, Endpoint, File, FlowCounts, Http, Observation, ObservationKind, Tls, Transport,
};
use model::time::Timestamp;
use model::value::{canonical_name, canonical_url};

pub(crate) use self::blocks::{Block, Blocks};
use self::event::{
    Answer, Email as Mail, Event, FileInfo, Flow, Http as Request, Query, Scalar, Section, Smtp, Tls as Handshake,
};
use crate::decode::{authority_of, host_of};
use crate::input::{InputError, Reader};
use crate::{Listener, Settings, Summary};

/// Reads a log and hands its observations to `listener`, as they come.
pub(crate) fn read(reader: Reader, settings: &Settings, listener: &mut dyn Listener) -> Result<Summary, InputError> {
    let mut summary = Summary::default();
    let (mut blocks, mut block) = (Blocks::new(reader, settings), Block::default());
    while blocks.next(&mut block)? {
        if !lines(&block, settings, &mut summary, listener) {
            break;
        }
    }
    Ok(summary)
}

/// Hands the observations of a block to `listener` and says in `summary` what else there was. False if the listener wants no more.
pub(crate) fn lines(block: &Block, settings: &Settings, summary: &mut Summary, listener: &mut dyn Listener) -> bool {
    let mut last = block.first.saturating_sub(1);
    for (record, line) in (block.first..).zip(block.lines()) {
        last = record;
        summary.records += 1;
        if line.len() > settings.line_bytes {
            let message = format!("the line has more than {} bytes", settings.line_bytes);
            summary.fault(settings, record, "line-too-long", message);
            continue;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match observations(line, record) {
            Ok((observation, others)) => {
                if !listener.due(observation.time) {
                    return false;
                }
                for observation in others.into_iter().chain([observation]) {
                    summary.observations += 1;
                    if !listener.hear(observation) {
                        return false;
                    }
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

fn boxed(value: &Scalar<'_>) -> Option<Box<str>> {
    value.text().map(Into::into)
}

fn lower(value: &Scalar<'_>) -> Option<Box<str>> {
    value.text().map(|text| text.to_ascii_lowercase().into())
}

fn name(value: &Scalar<'_>) -> Option<Box<str>> {
    value.text().map(|text| canonical_name(text).into())
}

fn small<T: TryFrom<u64>>(value: &Scalar<'_>) -> Option<T> {
    value.number().and_then(|number| T::try_from(number).ok())
}

/// What one line says: the last of its observations, and those before; several for a DNS line with several queries.
fn observations(line: &[u8], record: u64) -> Result<(Observation, Vec<Observation>), String> {
    let event: Event<'_> = line::read(line).map_err(|error| error.to_string())?;
    let time = event
        .timestamp
        .text()
        .and_then(|text| Timestamp::with_offset(text).ok())
        .ok_or("the line has no `timestamp` that can be read")?;
    let event_type = event.event_type.text().ok_or("the line has no `event_type`")?;
    let end = |ip: &Scalar<'_>, port: &Scalar<'_>| {
        let ip: IpAddr = ip.text()?.parse().ok()?;
        Some(Endpoint { ip, port: small(port) })
    };
    let (kind, protocol, detail) = read_event(&event, event_type);
    let mut last = Observation {
        time,
        kind,
        record,
        source: end(&event.src_ip, &event.src_port),
        destination: end(&event.dest_ip, &event.dest_port),
        transport: event.proto.text().and_then(transport),
        protocol: protocol.filter(|protocol| !matches!(&**protocol, "unknown" | "failed")),
        community_id: boxed(&event.community_id),
        detail,
    };
    if kind != ObservationKind::Dns {
        return Ok((last, Vec::new()));
    }
    let mut details = dns(&event, event_type);
    last.detail = details.pop().unwrap_or(Detail::None);
    let others = details.into_iter().map(|detail| Observation { detail, ..last.clone() }).collect();
    Ok((last, others))
}

/// What is observed, over which protocol, and what of it; DNS messages are read by [`dns`].
fn read_event(event: &Event<'_>, event_type: &str) -> (ObservationKind, Option<Box<str>>, Detail) {
    let own = || Some(event_type.into());
    let app = || lower(&event.app_proto);
    match event_type {
        "flow" => {
            let counts = event.flow.one().and_then(flow);
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

fn transport(name: &str) -> Option<Transport> {
    match name {
        "TCP" => Some(Transport::Tcp),
        "UDP" => Some(Transport::Udp),
        "ICMP" => Some(Transport::Icmp),
        "IPv6-ICMP" => Some(Transport::Icmpv6),
        _ => None,
    }
}

fn flow(flow: &Flow<'_>) -> Option<FlowCounts> {
    let count = |value: &Scalar<'_>| value.number().unwrap_or(0);
    Some(FlowCounts {
        start: Timestamp::with_offset(flow.start.text()?).ok()?,
        source_bytes: count(&flow.bytes_toserver),
        destination_bytes: count(&flow.bytes_toclient),
        source_packets: count(&flow.pkts_toserver),
        destination_packets: count(&flow.pkts_toclient),
    })
}

/// Version 3 has lists of queries and answers; version 2 one `rrname`, and for an answer its `answers`.
fn dns(event: &Event<'_>, event_type: &str) -> Vec<Detail> {
    let own = match event_type {
        "mdns" => event.mdns.one(),
        "llmnr" => event.llmnr.one(),
        _ => None,
    };
    let Some(dns) = own.or_else(|| event.dns.one()) else { return vec![Detail::None] };
    let answer = matches!(dns.kind.text(), Some("answer" | "response"));
    let base = Dns {
        answer,
        id: small(&dns.id).unwrap_or(0),
        response_code: boxed(&dns.rcode).filter(|_| answer),
        answers: dns.answers.0.iter().filter_map(dns_answer).collect(),
        ..Dns::default()
    };
    let asked = |rrname: &Scalar<'_>, rrtype: &Scalar<'_>| {
        let (question_name, question_type) = (name(rrname), boxed(rrtype));
        Detail::Dns(Box::new(Dns { question_name, question_type, ..base.clone() }))
    };
    let of = |queries: &Section<Query<'_>>| -> Vec<Detail> {
        queries.0.iter().map(|query| asked(&query.rrname, &query.rrtype)).collect()
    };
    let found = if dns.queries.0.is_empty() { of(&dns.query) } else { of(&dns.queries) };
    if found.is_empty() { vec![asked(&dns.rrname, &dns.rrtype)] } else { found }
}

fn dns_answer(answer: &Answer<'_>) -> Option<DnsAnswer> {
    let kind = answer.rrtype.text()?;
    let data = answer.rdata.text().unwrap_or_default();
    let is_name = matches!(kind, "CNAME" | "NS" | "PTR" | "MX" | "SRV" | "DNAME" | "SOA");
    Some(DnsAnswer {
        name: canonical_name(answer.rrname.text().unwrap_or_default()).into(),
        kind: kind.into(),
        ttl_s: small(&answer.ttl).unwrap_or(0),
        data: if is_name { canonical_name(data).into() } else { data.into() },
    })
}

fn http(http: &Section<Request<'_>>) -> Http {
    let Some(http) = http.one() else { return Http::default() };
    let (authority, target) = (http.hostname.text(), http.url.text());
    let url = match (authority, target) {
        (_, Some(target)) if authority_of(target).is_some() => Some(target.to_owned()),
        (Some(host), Some(target)) if target.starts_with('/') => {
            let port = http.http_port.number().map_or(String::new(), |port| format!(":{port}"));
            Some(format!("http://{host}{port}{target}"))
        }
        _ => None,
    };
    Http {
        method: boxed(&http.http_method),
        host: authority.map(host_of).filter(|host| !host.is_empty()).map(Into::into),
        url: url.map(canonical),
        target: target.map(Into::into),
        user_agent: boxed(&http.http_user_agent),
        status: small(&http.status),
    }
}

fn canonical(url: String) -> Box<str> {
    match canonical_url(&url) {
        Cow::Owned(canonical) => canonical.into(),
        Cow::Borrowed(_) => url.into(),
    }
}

fn tls(tls: &Section<Handshake<'_>>) -> Tls {
    let Some(tls) = tls.one() else { return Tls::default() };
    Tls {
        server_name: name(&tls.sni),
        ja3: tls.ja3.one().and_then(|ja3| lower(&ja3.hash)),
        version: tls.version.text().map(|version| version.trim_start_matches("TLS ").into()),
        subject: boxed(&tls.subject),
        issuer: boxed(&tls.issuerdn),
        sha1: tls.fingerprint.text().map(|hash| hash.replace(':', "").to_ascii_lowercase().into()),
    }
}

fn quic(quic: &Section<Handshake<'_>>) -> Tls {
    let Tls { server_name, ja3, .. } = tls(quic);
    Tls { server_name, ja3, ..Tls::default() }
}

fn file(file: &Section<FileInfo<'_>>) -> File {
    let Some(file) = file.one() else { return File::default() };
    File {
        name: boxed(&file.filename),
        size_bytes: file.size.number(),
        md5: lower(&file.md5),
        sha1: lower(&file.sha1),
        sha256: lower(&file.sha256),
    }
}

fn email(mail: Option<&Mail<'_>>, smtp: Option<&Smtp<'_>>) -> Email {
    let address = |text: &str| -> Box<str> {
        let inner =
            text.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(text, |(address, _)| address);
        inner.trim().to_ascii_lowercase().into()
    };
    let from = mail.and_then(|mail| mail.from.text()).or_else(|| smtp.and_then(|smtp| smtp.mail_from.text()));
    let lists = [mail.map(|mail| &mail.to), mail.map(|mail| &mail.cc), smtp.map(|smtp| &smtp.rcpt_to)];
    let mut to: Vec<Box<str>> =
        lists.into_iter().flatten().flat_map(|list| &list.0).map(|text| address(text)).collect();
    to.dedup();
    Email { from: from.map(address).into_iter().collect(), to, subject: mail.and_then(|mail| boxed(&mail.subject)) }
}
