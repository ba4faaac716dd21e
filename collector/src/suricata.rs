//! Suricata EVE: one JSON object a line.

use std::io::{BufRead, Read};
use std::net::IpAddr;

use model::observation::{
    Detail, Dns, DnsAnswer, Email, Endpoint, File, FlowCounts, Http, Observation, ObservationKind, Tls, Transport,
};
use model::time::Timestamp;
use model::value::{canonical_name, canonical_url};
use serde_json::Value;

use crate::decode::{authority_of, community_id, host_of};
use crate::input::InputError;
use crate::{Listener, Settings, Summary};

pub(crate) fn read(
    mut reader: Box<dyn BufRead + Send>,
    settings: &Settings,
    listener: &mut dyn Listener,
) -> Result<Summary, InputError> {
    let mut summary = Summary::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = settings.line_bytes as u64 + 1;
        match (&mut reader).take(limit).read_until(b'\n', &mut line) {
            Ok(0) => return Ok(summary),
            Ok(_) => {}
            Err(error) => {
                let record = summary.records;
                summary.fault(settings, record, "input-read", format!("the input cannot be read on: {error}"));
                return Ok(summary);
            }
        }
        summary.records += 1;
        let record = summary.records;
        if line.len() as u64 >= limit && line.last() != Some(&b'\n') {
            summary.fault(
                settings,
                record,
                "line-too-long",
                format!("the line has more than {} bytes", settings.line_bytes),
            );
            skip_line(&mut reader)?;
            continue;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<Value>(&line)
            .map_err(|error| error.to_string())
            .and_then(|event| observations(&event, record))
        {
            Ok(found) => {
                if found.first().is_some_and(|first| !listener.due(first.time)) {
                    return Ok(summary);
                }
                for observation in found {
                    summary.observations += 1;
                    if !listener.hear(observation) {
                        return Ok(summary);
                    }
                }
            }
            Err(message) => summary.fault(settings, record, "eve-line", message),
        }
    }
}

fn skip_line(reader: &mut dyn BufRead) -> Result<(), InputError> {
    loop {
        let available = reader.fill_buf()?;
        if available.is_empty() {
            return Ok(());
        }
        let (length, ended) = match available.iter().position(|b| *b == b'\n') {
            Some(at) => (at + 1, true),
            None => (available.len(), false),
        };
        reader.consume(length);
        if ended {
            return Ok(());
        }
    }
}

fn text<'a>(event: &'a Value, pointer: &str) -> Option<&'a str> {
    event.pointer(pointer)?.as_str()
}

fn boxed(event: &Value, pointer: &str) -> Option<Box<str>> {
    text(event, pointer).map(Into::into)
}

fn lower(event: &Value, pointer: &str) -> Option<Box<str>> {
    text(event, pointer).map(|text| text.to_ascii_lowercase().into())
}

fn name(event: &Value, pointer: &str) -> Option<Box<str>> {
    text(event, pointer).map(|text| canonical_name(text).into())
}

/// What one line says; several for a DNS line with several queries.
fn observations(event: &Value, record: u64) -> Result<Vec<Observation>, String> {
    let time = text(event, "/timestamp").and_then(timestamp).ok_or("the line has no `timestamp` that can be read")?;
    let event_type = text(event, "/event_type").ok_or("the line has no `event_type`")?;
    let end = |ip: &str, port: &str| {
        let ip: IpAddr = text(event, ip)?.parse().ok()?;
        Some(Endpoint {
            ip,
            port: event.pointer(port).and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok()),
        })
    };
    let transport = text(event, "/proto").and_then(transport);
    let (source, destination) = (end("/src_ip", "/src_port"), end("/dest_ip", "/dest_port"));
    let own_id = || community_id(transport?, source?, destination?);
    let (kind, protocol, details) = read_event(event, event_type);
    let base = Observation {
        time,
        kind,
        record,
        source,
        destination,
        transport,
        protocol: protocol.filter(|protocol| !matches!(&**protocol, "unknown" | "failed")),
        community_id: boxed(event, "/community_id").or_else(own_id),
        detail: Detail::None,
    };
    Ok(details.into_iter().map(|detail| Observation { detail, ..base.clone() }).collect())
}

fn read_event(event: &Value, event_type: &str) -> (ObservationKind, Option<Box<str>>, Vec<Detail>) {
    let own = Some(event_type.into());
    let app = lower(event, "/app_proto");
    match event_type {
        "flow" => (ObservationKind::FlowEnd, app, vec![flow(event).map_or(Detail::None, Detail::Flow)]),
        "dns" | "mdns" | "llmnr" => (ObservationKind::Dns, own, dns(event, event_type)),
        "http" | "http2" => (ObservationKind::Http, Some("http".into()), vec![Detail::Http(Box::new(http(event)))]),
        "tls" => (ObservationKind::Tls, own, vec![Detail::Tls(Box::new(tls(event)))]),
        "quic" => (ObservationKind::Tls, own, vec![Detail::Tls(Box::new(quic(event)))]),
        "fileinfo" => {
            let carrier = event.get("http").map(|_| Box::new(http(event)));
            (ObservationKind::File, app, vec![Detail::File(Box::new(file(event)), carrier)])
        }
        "smtp" => (ObservationKind::Email, own, vec![Detail::Email(Box::new(email(event)))]),
        _ => (ObservationKind::Event, app.or(own), vec![Detail::None]),
    }
}

/// Suricata writes `2026-09-21T14:13:20.111884+0000`.
fn timestamp(text: &str) -> Option<Timestamp> {
    if text.ends_with('Z') {
        return text.parse().ok();
    }
    let (time, offset) = text.split_at_checked(text.len().checked_sub(5)?)?;
    let at: Timestamp = format!("{time}Z").parse().ok()?;
    let (sign, digits) = offset.split_at_checked(1)?;
    let (hours, minutes) = digits.split_at_checked(2)?;
    let seconds = hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60;
    match sign {
        "+" => Some(at.plus_micros(-seconds * 1_000_000)),
        "-" => Some(at.plus_micros(seconds * 1_000_000)),
        _ => None,
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

fn flow(event: &Value) -> Option<FlowCounts> {
    let count = |pointer: &str| event.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    Some(FlowCounts {
        start: text(event, "/flow/start").and_then(timestamp)?,
        source_bytes: count("/flow/bytes_toserver"),
        destination_bytes: count("/flow/bytes_toclient"),
        source_packets: count("/flow/pkts_toserver"),
        destination_packets: count("/flow/pkts_toclient"),
    })
}

/// Version 3 has lists of queries and answers; version 2 one `rrname`, and for an answer its `answers`.
fn dns(event: &Value, key: &str) -> Vec<Detail> {
    let Some(dns) = event.get(key).or_else(|| event.get("dns")) else { return vec![Detail::None] };
    let answer = matches!(text(dns, "/type"), Some("answer" | "response"));
    let answers: Vec<DnsAnswer> =
        dns.get("answers").and_then(Value::as_array).into_iter().flatten().filter_map(dns_answer).collect();
    let base = Dns {
        answer,
        id: dns.get("id").and_then(Value::as_u64).and_then(|id| u16::try_from(id).ok()).unwrap_or(0),
        response_code: boxed(dns, "/rcode").filter(|_| answer),
        answers,
        ..Dns::default()
    };
    let asked = |query: &Value| Dns {
        question_name: name(query, "/rrname"),
        question_type: boxed(query, "/rrtype"),
        ..base.clone()
    };
    let queries = dns
        .get("queries")
        .or_else(|| dns.get("query"))
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let found: Vec<Dns> = if queries.is_empty() { vec![asked(dns)] } else { queries.iter().map(asked).collect() };
    found.into_iter().map(|dns| Detail::Dns(Box::new(dns))).collect()
}

fn dns_answer(answer: &Value) -> Option<DnsAnswer> {
    let kind = text(answer, "/rrtype")?;
    let data = match answer.get("rdata") {
        Some(Value::String(data)) => data.clone(),
        _ => String::new(),
    };
    let is_name = matches!(kind, "CNAME" | "NS" | "PTR" | "MX" | "SRV" | "DNAME" | "SOA");
    Some(DnsAnswer {
        name: canonical_name(text(answer, "/rrname").unwrap_or_default()).into(),
        kind: kind.into(),
        ttl_s: answer.get("ttl").and_then(Value::as_u64).and_then(|ttl| u32::try_from(ttl).ok()).unwrap_or(0),
        data: if is_name { canonical_name(&data) } else { data }.into(),
    })
}

fn http(event: &Value) -> Http {
    let authority = text(event, "/http/hostname");
    let target = text(event, "/http/url");
    let port = event.pointer("/http/http_port").and_then(Value::as_u64);
    let url = match (authority, target) {
        (_, Some(target)) if authority_of(target).is_some() => Some(target.to_owned()),
        (Some(host), Some(target)) if target.starts_with('/') => {
            let port = port.map_or(String::new(), |port| format!(":{port}"));
            Some(format!("http://{host}{port}{target}"))
        }
        _ => None,
    };
    Http {
        method: boxed(event, "/http/http_method"),
        host: authority.map(host_of).filter(|host| !host.is_empty()).map(Into::into),
        url: url.map(|url| canonical_url(&url).into()),
        target: target.map(Into::into),
        user_agent: boxed(event, "/http/http_user_agent"),
        status: event.pointer("/http/status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok()),
    }
}

fn tls(event: &Value) -> Tls {
    Tls {
        server_name: name(event, "/tls/sni"),
        ja3: lower(event, "/tls/ja3/hash"),
        version: text(event, "/tls/version").map(|version| version.trim_start_matches("TLS ").into()),
        subject: boxed(event, "/tls/subject"),
        issuer: boxed(event, "/tls/issuerdn"),
        sha1: text(event, "/tls/fingerprint").map(|hash| hash.replace(':', "").to_ascii_lowercase().into()),
    }
}

fn quic(event: &Value) -> Tls {
    Tls { server_name: name(event, "/quic/sni"), ja3: lower(event, "/quic/ja3/hash"), ..Tls::default() }
}

fn file(event: &Value) -> File {
    File {
        name: boxed(event, "/fileinfo/filename"),
        size_bytes: event.pointer("/fileinfo/size").and_then(Value::as_u64),
        md5: lower(event, "/fileinfo/md5"),
        sha1: lower(event, "/fileinfo/sha1"),
        sha256: lower(event, "/fileinfo/sha256"),
    }
}

fn email(event: &Value) -> Email {
    let address = |text: &str| -> Box<str> {
        let inner =
            text.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(text, |(address, _)| address);
        inner.trim().to_ascii_lowercase().into()
    };
    let list = |pointer: &str| -> Vec<Box<str>> {
        let items = event.pointer(pointer).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).map(address).collect()
    };
    let from = text(event, "/email/from").or_else(|| text(event, "/smtp/mail_from"));
    let mut to = list("/email/to");
    to.extend(list("/email/cc"));
    to.extend(list("/smtp/rcpt_to"));
    to.dedup();
    Email { from: from.map(address).into_iter().collect(), to, subject: boxed(event, "/email/subject") }
}
