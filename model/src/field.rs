//! The one table between the observation record, ECS and STIX object paths (`docs/adr/0002-observations.md`).

use std::net::IpAddr;

use crate::observation::{Detail, DnsAnswer, Endpoint, FlowCounts, Http, Observation, Text, Transport};
use crate::pattern::{Path, Step};
use crate::time::Timestamp;

/// A field of the observation record, in the table's order: of several that satisfy an indicator, a hit names the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is the ECS field of its name")]
pub enum Field {
    SourceIp,
    DestinationIp,
    SourcePort,
    DestinationPort,
    NetworkProtocol,
    NetworkTransport,
    DnsQuestionName,
    DnsAnswersName,
    DnsAnswersData,
    UrlDomain,
    UrlFull,
    UrlOriginal,
    HttpRequestMethod,
    UserAgentOriginal,
    TlsClientServerName,
    TlsServerSubject,
    TlsServerIssuer,
    TlsServerHashSha1,
    FileName,
    FileSize,
    FileHashMd5,
    FileHashSha1,
    FileHashSha256,
    EmailFromAddress,
    EmailToAddress,
    EmailSubject,
    SourceBytes,
    DestinationBytes,
    SourcePackets,
    DestinationPackets,
    EventStart,
}

/// A value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FieldValue<'a> {
    /// An address.
    Ip(IpAddr),
    /// A domain name, lower case, without final dot.
    Name(&'a str),
    /// A number.
    Integer(i64),
    /// Any other text.
    Text(&'a str),
    /// A point in time.
    Time(Timestamp),
}

/// What a STIX path asks for: some fields, and of those the values of one sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// `ipv4-addr:value`.
    Ipv4,
    /// `ipv6-addr:value`.
    Ipv6,
    /// Either kind of address, and names where a reference can lead to one.
    Address,
    /// The object type of what a reference leads to: `ipv4-addr`, `ipv6-addr` or `domain-name`.
    ObjectType,
    /// `domain-name:value`.
    Name,
    /// A number.
    Integer,
    /// A text compared as it is.
    Text,
    /// A text compared without case: hashes, protocols.
    Caseless,
    /// `url:value`: compared after scheme and host are normalised.
    Url,
    /// A point in time.
    Time,
}

impl Field {
    /// All of them, in the table's order.
    pub const ALL: [Self; 31] = [
        Self::SourceIp,
        Self::DestinationIp,
        Self::SourcePort,
        Self::DestinationPort,
        Self::NetworkProtocol,
        Self::NetworkTransport,
        Self::DnsQuestionName,
        Self::DnsAnswersName,
        Self::DnsAnswersData,
        Self::UrlDomain,
        Self::UrlFull,
        Self::UrlOriginal,
        Self::HttpRequestMethod,
        Self::UserAgentOriginal,
        Self::TlsClientServerName,
        Self::TlsServerSubject,
        Self::TlsServerIssuer,
        Self::TlsServerHashSha1,
        Self::FileName,
        Self::FileSize,
        Self::FileHashMd5,
        Self::FileHashSha1,
        Self::FileHashSha256,
        Self::EmailFromAddress,
        Self::EmailToAddress,
        Self::EmailSubject,
        Self::SourceBytes,
        Self::DestinationBytes,
        Self::SourcePackets,
        Self::DestinationPackets,
        Self::EventStart,
    ];

    /// Its bit in sets of fields.
    pub const fn bit(self) -> u32 {
        1 << self as u32
    }

    /// The fields of a set, in the table's order.
    pub fn of_bits(mut bits: u32) -> impl Iterator<Item = Self> {
        std::iter::from_fn(move || {
            let first = Self::ALL.get(bits.trailing_zeros() as usize)?;
            bits &= bits - 1;
            Some(*first)
        })
    }

    /// The fields in which an observation may have values.
    pub fn in_observation<T>(observation: &Observation<T>) -> u32 {
        let of_detail: &[Self] = match &observation.detail {
            Detail::None => &[],
            Detail::Flow(_) => OF_FLOW,
            Detail::Dns(_) => OF_DNS,
            Detail::Http(_) => OF_HTTP,
            Detail::Tls(_) => OF_TLS,
            Detail::File(_, None) => OF_FILE,
            Detail::File(_, Some(_)) => return bits(OF_ALL) | bits(OF_FILE) | bits(OF_HTTP),
            Detail::Email(_) => OF_EMAIL,
        };
        bits(OF_ALL) | bits(of_detail)
    }

    /// What ECS calls it.
    pub fn ecs_name(self) -> &'static str {
        match self {
            Self::SourceIp => "source.ip",
            Self::DestinationIp => "destination.ip",
            Self::SourcePort => "source.port",
            Self::DestinationPort => "destination.port",
            Self::NetworkProtocol => "network.protocol",
            Self::NetworkTransport => "network.transport",
            Self::DnsQuestionName => "dns.question.name",
            Self::DnsAnswersName => "dns.answers.name",
            Self::DnsAnswersData => "dns.answers.data",
            Self::UrlDomain => "url.domain",
            Self::UrlFull => "url.full",
            Self::UrlOriginal => "url.original",
            Self::HttpRequestMethod => "http.request.method",
            Self::UserAgentOriginal => "user_agent.original",
            Self::TlsClientServerName => "tls.client.server_name",
            Self::TlsServerSubject => "tls.server.subject",
            Self::TlsServerIssuer => "tls.server.issuer",
            Self::TlsServerHashSha1 => "tls.server.hash.sha1",
            Self::FileName => "file.name",
            Self::FileSize => "file.size",
            Self::FileHashMd5 => "file.hash.md5",
            Self::FileHashSha1 => "file.hash.sha1",
            Self::FileHashSha256 => "file.hash.sha256",
            Self::EmailFromAddress => "email.from.address",
            Self::EmailToAddress => "email.to.address",
            Self::EmailSubject => "email.subject",
            Self::SourceBytes => "source.bytes",
            Self::DestinationBytes => "destination.bytes",
            Self::SourcePackets => "source.packets",
            Self::DestinationPackets => "destination.packets",
            Self::EventStart => "event.start",
        }
    }

    /// Hands every value that `observation` has in this field to `each`.
    pub fn values<'a, T: Text>(self, observation: &'a Observation<T>, each: &mut dyn FnMut(FieldValue<'a>)) {
        match self {
            Self::SourceIp => ip(observation.source, each),
            Self::DestinationIp => ip(observation.destination, each),
            Self::SourcePort => port(observation.source, each),
            Self::DestinationPort => port(observation.destination, each),
            Self::NetworkProtocol => text(observation.protocol.as_ref(), each),
            Self::NetworkTransport => text(observation.transport.and_then(transport_name), each),
            _ => self.detail_values(&observation.detail, each),
        }
    }

    fn detail_values<'a, T: Text>(self, detail: &'a Detail<T>, each: &mut dyn FnMut(FieldValue<'a>)) {
        match detail {
            Detail::None => {}
            Detail::Flow(counts) => self.flow_values(counts, each),
            Detail::Dns(dns) => match self {
                Self::DnsQuestionName => name(dns.question_name.as_ref(), each),
                Self::DnsAnswersName => dns.answers.iter().for_each(|answer| name(Some(&answer.name), each)),
                Self::DnsAnswersData => dns.answers.iter().for_each(|answer| answer_data(answer, each)),
                _ => {}
            },
            Detail::Http(http) => self.http_values(http, each),
            Detail::Tls(tls) => match self {
                Self::TlsClientServerName => name(tls.server_name.as_ref(), each),
                Self::TlsServerSubject => text(tls.subject.as_ref(), each),
                Self::TlsServerIssuer => text(tls.issuer.as_ref(), each),
                Self::TlsServerHashSha1 => text(tls.sha1.as_ref(), each),
                _ => {}
            },
            Detail::File(file, http) => match self {
                Self::FileName => text(file.name.as_ref(), each),
                Self::FileSize => file.size_bytes.into_iter().for_each(|size| count(size, each)),
                Self::FileHashMd5 => text(file.md5.as_ref(), each),
                Self::FileHashSha1 => text(file.sha1.as_ref(), each),
                Self::FileHashSha256 => text(file.sha256.as_ref(), each),
                _ => {
                    if let Some(http) = http {
                        self.http_values(http, each);
                    }
                }
            },
            Detail::Email(email) => match self {
                Self::EmailFromAddress => email.from.iter().for_each(|address| text(Some(address), each)),
                Self::EmailToAddress => email.to.iter().for_each(|address| text(Some(address), each)),
                Self::EmailSubject => text(email.subject.as_ref(), each),
                _ => {}
            },
        }
    }

    fn flow_values<'a>(self, counts: &FlowCounts, each: &mut dyn FnMut(FieldValue<'a>)) {
        match self {
            Self::SourceBytes => count(counts.source_bytes, each),
            Self::DestinationBytes => count(counts.destination_bytes, each),
            Self::SourcePackets => count(counts.source_packets, each),
            Self::DestinationPackets => count(counts.destination_packets, each),
            Self::EventStart => each(FieldValue::Time(counts.start)),
            _ => {}
        }
    }

    fn http_values<'a, T: Text>(self, http: &'a Http<T>, each: &mut dyn FnMut(FieldValue<'a>)) {
        match self {
            Self::UrlDomain => {
                match http.host.as_ref().map(AsRef::as_ref).map(|host| (host, host.trim_matches(['[', ']']).parse())) {
                    Some((_, Ok(address))) => each(FieldValue::Ip(address)),
                    Some((host, Err(_))) => each(FieldValue::Name(host)),
                    None => {}
                }
            }
            Self::UrlFull => text(http.url.as_ref(), each),
            Self::UrlOriginal => text(http.target.as_ref(), each),
            Self::HttpRequestMethod => text(http.method.as_ref(), each),
            Self::UserAgentOriginal => text(http.user_agent.as_ref(), each),
            _ => {}
        }
    }
}

const OF_ALL: &[Field] = &[
    Field::SourceIp,
    Field::DestinationIp,
    Field::SourcePort,
    Field::DestinationPort,
    Field::NetworkProtocol,
    Field::NetworkTransport,
];
const OF_FLOW: &[Field] =
    &[Field::SourceBytes, Field::DestinationBytes, Field::SourcePackets, Field::DestinationPackets, Field::EventStart];
const OF_DNS: &[Field] = &[Field::DnsQuestionName, Field::DnsAnswersName, Field::DnsAnswersData];
const OF_HTTP: &[Field] =
    &[Field::UrlDomain, Field::UrlFull, Field::UrlOriginal, Field::HttpRequestMethod, Field::UserAgentOriginal];
const OF_TLS: &[Field] =
    &[Field::TlsClientServerName, Field::TlsServerSubject, Field::TlsServerIssuer, Field::TlsServerHashSha1];
const OF_FILE: &[Field] =
    &[Field::FileName, Field::FileSize, Field::FileHashMd5, Field::FileHashSha1, Field::FileHashSha256];
const OF_EMAIL: &[Field] = &[Field::EmailFromAddress, Field::EmailToAddress, Field::EmailSubject];

/// The set of some fields.
pub const fn bits(fields: &[Field]) -> u32 {
    let (mut bits, mut rest) = (0, fields);
    while let [first, others @ ..] = rest {
        bits |= first.bit();
        rest = others;
    }
    bits
}

/// What ECS writes in `network.transport`; an IP protocol without name has none.
pub fn transport_name(transport: Transport) -> Option<&'static str> {
    match transport {
        Transport::Tcp => Some("tcp"),
        Transport::Udp => Some("udp"),
        Transport::Icmp => Some("icmp"),
        Transport::Icmpv6 => Some("ipv6-icmp"),
        Transport::Other(_) => None,
    }
}

fn ip<'a>(end: Option<Endpoint>, each: &mut dyn FnMut(FieldValue<'a>)) {
    if let Some(end) = end {
        each(FieldValue::Ip(end.ip));
    }
}

fn port<'a>(end: Option<Endpoint>, each: &mut dyn FnMut(FieldValue<'a>)) {
    if let Some(port) = end.and_then(|end| end.port) {
        each(FieldValue::Integer(i64::from(port)));
    }
}

fn text<'a, T: AsRef<str> + ?Sized>(value: Option<&'a T>, each: &mut dyn FnMut(FieldValue<'a>)) {
    if let Some(value) = value {
        each(FieldValue::Text(value.as_ref()));
    }
}

/// A count beyond 64 signed bits is held at their end.
fn count<'a>(value: u64, each: &mut dyn FnMut(FieldValue<'a>)) {
    each(FieldValue::Integer(i64::try_from(value).unwrap_or(i64::MAX)));
}

fn name<'a, T: Text>(value: Option<&'a T>, each: &mut dyn FnMut(FieldValue<'a>)) {
    if let Some(value) = value {
        each(FieldValue::Name(value.as_ref()));
    }
}

/// Record types whose data is a name.
const NAME_RECORDS: &[&str] = &["CNAME", "NS", "PTR", "MX", "SRV", "DNAME", "SOA"];

fn answer_data<'a, T: Text>(answer: &'a DnsAnswer<T>, each: &mut dyn FnMut(FieldValue<'a>)) {
    let data = answer.data.as_ref();
    match answer.kind.as_ref() {
        "A" | "AAAA" => {
            if let Ok(address) = data.parse() {
                each(FieldValue::Ip(address));
            }
        }
        kind if NAME_RECORDS.contains(&kind) => each(FieldValue::Name(data)),
        _ => each(FieldValue::Text(data)),
    }
}

const ADDRESSES: &[Field] = &[Field::SourceIp, Field::DestinationIp, Field::DnsAnswersData, Field::UrlDomain];
const NAMES: &[Field] = &[
    Field::DnsQuestionName,
    Field::DnsAnswersName,
    Field::DnsAnswersData,
    Field::UrlDomain,
    Field::TlsClientServerName,
];

/// The fields that a STIX path can name, and how their values compare; none if telemetry never shows it.
pub fn fields_of(path: &Path) -> Option<(&'static [Field], Sort)> {
    let mut dotted = String::new();
    for step in &path.steps {
        match step {
            Step::Key(key) if dotted.is_empty() => dotted.push_str(key),
            Step::Key(key) => {
                dotted.push('.');
                dotted.push_str(key);
            }
            Step::Any => dotted.push_str("[*]"),
            Step::Index(_) => return None, // an observation has no order among values of one field
        }
    }
    // Hashes also by the names that are in the wild, of which no telemetry means another.
    Some(match (path.object_type.as_str(), dotted.as_str()) {
        ("ipv4-addr", "value") => (ADDRESSES, Sort::Ipv4),
        ("ipv6-addr", "value") => (ADDRESSES, Sort::Ipv6),
        ("domain-name", "value") => (NAMES, Sort::Name),
        ("domain-name", "resolves_to_refs[*].value") => (&[Field::DnsAnswersData], Sort::Address),
        ("url", "value") => (&[Field::UrlFull], Sort::Url),
        ("network-traffic", path) => return network_traffic(path),
        ("x509-certificate", "subject") => (&[Field::TlsServerSubject], Sort::Text),
        ("x509-certificate", "issuer") => (&[Field::TlsServerIssuer], Sort::Text),
        ("x509-certificate", "hashes.SHA-1" | "hashes.SHA1" | "hashes.sha1") => {
            (&[Field::TlsServerHashSha1], Sort::Caseless)
        }
        ("file", "name") => (&[Field::FileName], Sort::Text),
        ("file", "size") => (&[Field::FileSize], Sort::Integer),
        ("file", "hashes.MD5" | "hashes.md5") => (&[Field::FileHashMd5], Sort::Caseless),
        ("file", "hashes.SHA-1" | "hashes.SHA1" | "hashes.sha1") => (&[Field::FileHashSha1], Sort::Caseless),
        ("file", "hashes.SHA-256" | "hashes.SHA256" | "hashes.sha256") => (&[Field::FileHashSha256], Sort::Caseless),
        ("email-addr", "value") => (&[Field::EmailFromAddress, Field::EmailToAddress], Sort::Caseless),
        ("email-message", "from_ref.value") => (&[Field::EmailFromAddress], Sort::Caseless),
        ("email-message", "to_refs[*].value") => (&[Field::EmailToAddress], Sort::Caseless),
        ("email-message", "subject") => (&[Field::EmailSubject], Sort::Text),
        _ => return None,
    })
}

fn network_traffic(path: &str) -> Option<(&'static [Field], Sort)> {
    Some(match path {
        "src_ref.value" => (&[Field::SourceIp], Sort::Address),
        "dst_ref.value" => (&[Field::DestinationIp], Sort::Address),
        "src_ref.type" => (&[Field::SourceIp], Sort::ObjectType),
        "dst_ref.type" => (&[Field::DestinationIp], Sort::ObjectType),
        "src_port" => (&[Field::SourcePort], Sort::Integer),
        "dst_port" => (&[Field::DestinationPort], Sort::Integer),
        "src_byte_count" => (&[Field::SourceBytes], Sort::Integer),
        "dst_byte_count" => (&[Field::DestinationBytes], Sort::Integer),
        "src_packets" => (&[Field::SourcePackets], Sort::Integer),
        "dst_packets" => (&[Field::DestinationPackets], Sort::Integer),
        "start" => (&[Field::EventStart], Sort::Time),
        "protocols[*]" => (&[Field::NetworkProtocol, Field::NetworkTransport], Sort::Caseless),
        "extensions.http-request-ext.request_value" => (&[Field::UrlOriginal], Sort::Text),
        "extensions.http-request-ext.request_method" => (&[Field::HttpRequestMethod], Sort::Caseless),
        "extensions.http-request-ext.request_header.Host" => (&[Field::UrlDomain], Sort::Address),
        "extensions.http-request-ext.request_header.User-Agent" => (&[Field::UserAgentOriginal], Sort::Text),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{Dns, Email, File, ObservationKind, Tls};

    /// An observation of each kind of detail, with all there can be.
    fn details() -> Vec<Detail> {
        let text = || Some(Box::from("a.example"));
        let http = Http { method: text(), host: text(), url: text(), target: text(), user_agent: text(), status: None };
        let answer = DnsAnswer { name: "a".into(), kind: "TXT".into(), ttl_s: 0, data: "b".into() };
        let file = File { name: text(), size_bytes: Some(1), md5: text(), sha1: text(), sha256: text() };
        let counts = FlowCounts {
            start: Timestamp::from_micros(0),
            source_bytes: 1,
            destination_bytes: 1,
            source_packets: 1,
            destination_packets: 1,
        };
        vec![
            Detail::None,
            Detail::Flow(counts),
            Detail::Dns(Box::new(Dns { question_name: text(), answers: vec![answer], ..Dns::default() })),
            Detail::Http(Box::new(http.clone())),
            Detail::Tls(Box::new(Tls {
                server_name: text(),
                subject: text(),
                issuer: text(),
                sha1: text(),
                ..Tls::default()
            })),
            Detail::File(Box::new(file.clone()), None),
            Detail::File(Box::new(file), Some(Box::new(http))),
            Detail::Email(Box::new(Email { from: vec!["a".into()], to: vec!["b".into()], subject: text() })),
        ]
    }

    #[test]
    fn what_has_values_is_among_the_fields_of_the_observation() {
        let end = Some(Endpoint { ip: IpAddr::from([192, 0, 2, 1]), port: Some(1) });
        let mut seen = 0;
        for detail in details() {
            let observation = Observation {
                time: Timestamp::from_micros(0),
                kind: ObservationKind::Event,
                record: 1,
                source: end,
                destination: end,
                transport: Some(Transport::Tcp),
                protocol: Some("dns".into()),
                community_id: None,
                detail,
            };
            let mut with_values = 0;
            for field in Field::ALL {
                field.values(&observation, &mut |_| with_values |= field.bit());
            }
            assert_eq!(with_values, Field::in_observation(&observation), "{:?}", observation.detail);
            assert!(Field::of_bits(with_values).eq(Field::ALL.into_iter().filter(|one| with_values & one.bit() != 0)));
            seen |= with_values;
        }
        assert_eq!(seen, bits(&Field::ALL), "every field is in some observation");
    }
}
