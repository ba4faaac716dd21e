//! The observation record: one network fact from one sensor. `docs/adr/0002-observations.md` says what one observation
//! of each kind is, what ECS calls each of its fields and which STIX object path the field has.

mod owned;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use base64::Engine;
use sha1::{Digest, Sha1};

use crate::time::Timestamp;

/// What holds the texts of an observation: `Box<str>`, or `Cow<'_, str>` while they are borrowed.
pub trait Text: AsRef<str> + Into<Box<str>> {}

impl<T: AsRef<str> + Into<Box<str>>> Text for T {}

/// What sort of fact an observation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ObservationKind {
    /// The first packet of a flow, or a log line that says a flow began.
    FlowStart,
    /// The end of a flow, with its counts.
    FlowEnd,
    /// One DNS message (also mDNS and LLMNR).
    Dns,
    /// One HTTP request.
    Http,
    /// One TLS (or QUIC) handshake.
    Tls,
    /// One file seen in a protocol.
    File,
    /// One e-mail message.
    Email,
    /// Any other log line: its addresses, protocol and time.
    Event,
}

/// One end of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// `source.ip` or `destination.ip`.
    pub ip: IpAddr,
    /// `source.port` or `destination.port`; none where the protocol has no ports.
    pub port: Option<u16>,
}

/// The transport protocol, `network.transport`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP for IPv4.
    Icmp,
    /// ICMP for IPv6.
    Icmpv6,
    /// Any other, by its IP protocol number.
    Other(u8),
}

/// What flowed until now (`FlowEnd`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowCounts {
    /// `event.start`.
    pub start: Timestamp,
    /// `source.bytes`: octets of the IP packets from source to destination.
    pub source_bytes: u64,
    /// `destination.bytes`.
    pub destination_bytes: u64,
    /// `source.packets`.
    pub source_packets: u64,
    /// `destination.packets`.
    pub destination_packets: u64,
}

/// A DNS message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Dns<T = Box<str>> {
    /// `dns.type`: true for an answer, false for a query.
    pub answer: bool,
    /// `dns.id`.
    pub id: u16,
    /// `dns.response_code`, for instance `NOERROR`; none in a query.
    pub response_code: Option<T>,
    /// `dns.question.name`, lower case, without final dot; other octets than printable ASCII as `\DDD` (RFC 4343).
    pub question_name: Option<T>,
    /// `dns.question.type`, for instance `AAAA`, or `TYPE65` for one without name.
    pub question_type: Option<T>,
    /// `dns.answers`.
    pub answers: Vec<DnsAnswer<T>>,
}

/// One resource record of a DNS answer section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsAnswer<T = Box<str>> {
    /// `dns.answers[].name`, written as the question's name is.
    pub name: T,
    /// `dns.answers[].type`.
    pub kind: T,
    /// `dns.answers[].ttl`, seconds.
    pub ttl_s: u32,
    /// `dns.answers[].data`: an address, a name, or text.
    pub data: T,
}

/// An HTTP request (and what its answer said, where a log tells).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Http<T = Box<str>> {
    /// `http.request.method`.
    pub method: Option<T>,
    /// `url.domain`: the host asked for, lower case, without port and final dot.
    pub host: Option<T>,
    /// `url.full`: scheme, host, port unless it is the scheme's own, target; for instance `http://a.example/x?y`.
    pub url: Option<T>,
    /// `url.original`: the request target as sent.
    pub target: Option<T>,
    /// `user_agent.original`.
    pub user_agent: Option<T>,
    /// `http.response.status_code`.
    pub status: Option<u16>,
}

/// A TLS handshake.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tls<T = Box<str>> {
    /// `tls.client.server_name`, lower case.
    pub server_name: Option<T>,
    /// `tls.client.ja3`: the MD5, 32 hexadecimal digits, lower case.
    pub ja3: Option<T>,
    /// `tls.version`, for instance `1.2`: the highest the client offers, or what was agreed where a log tells.
    pub version: Option<T>,
    /// `tls.server.subject`.
    pub subject: Option<T>,
    /// `tls.server.issuer`.
    pub issuer: Option<T>,
    /// `tls.server.hash.sha1`, 40 hexadecimal digits, lower case.
    pub sha1: Option<T>,
}

/// A file seen in a protocol.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct File<T = Box<str>> {
    /// `file.name`.
    pub name: Option<T>,
    /// `file.size`, bytes.
    pub size_bytes: Option<u64>,
    /// `file.hash.md5`, lower-case hexadecimal.
    pub md5: Option<T>,
    /// `file.hash.sha1`, lower-case hexadecimal.
    pub sha1: Option<T>,
    /// `file.hash.sha256`, lower-case hexadecimal.
    pub sha256: Option<T>,
}

/// An e-mail message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Email<T = Box<str>> {
    /// `email.from.address`.
    pub from: Vec<T>,
    /// `email.to.address` (and carbon copies).
    pub to: Vec<T>,
    /// `email.subject`.
    pub subject: Option<T>,
}

/// What a protocol above the transport said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Detail<T = Box<str>> {
    /// Nothing, or nothing that is read.
    None,
    /// A flow's counts.
    Flow(FlowCounts),
    /// A DNS message.
    Dns(Box<Dns<T>>),
    /// An HTTP request.
    Http(Box<Http<T>>),
    /// A TLS handshake.
    Tls(Box<Tls<T>>),
    /// A file, and the HTTP request that carried it where known.
    File(Box<File<T>>, Option<Box<Http<T>>>),
    /// An e-mail message.
    Email(Box<Email<T>>),
}

/// One network fact from one sensor. Its texts are its own, or borrowed from the line that tells of it, so that what nobody keeps
/// need not be copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation<T = Box<str>> {
    /// `@timestamp`.
    pub time: Timestamp,
    /// `event.category` and `event.type` follow from it.
    pub kind: ObservationKind,
    /// Ordinal of the packet or line in its input, from 1.
    pub record: u64,
    /// `source`: who opened the conversation, or sent the message.
    pub source: Option<Endpoint>,
    /// `destination`.
    pub destination: Option<Endpoint>,
    /// `network.transport`.
    pub transport: Option<Transport>,
    /// `network.protocol`: `dns`, `http`, `tls`, …, lower case.
    pub protocol: Option<T>,
    /// `network.community_id` as a log says it; else it follows from the ends ([`Observation::community_id`]).
    pub community_id: Option<T>,
    /// What the protocol said.
    pub detail: Detail<T>,
}

impl Observation {
    /// `network.community_id`: that of the log, or version 1 with seed 0; none for protocols whose ends it orders by ICMP type.
    pub fn community_id(&self) -> Option<Box<str>> {
        if self.community_id.is_some() {
            return self.community_id.clone();
        }
        let protocol: u8 = match self.transport? {
            Transport::Tcp => 6,
            Transport::Udp => 17,
            Transport::Other(number) => number,
            Transport::Icmp | Transport::Icmpv6 => return None,
        };
        let octets = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        let mut ends = [self.source?, self.destination?].map(|end| (octets(end.ip), end.port));
        ends.sort();
        let mut hash = Sha1::new();
        hash.update([0, 0]);
        let [(low, low_port), (high, high_port)] = ends;
        hash.update(low);
        hash.update(high);
        hash.update([protocol, 0]);
        for port in [low_port, high_port].into_iter().flatten() {
            hash.update(port.to_be_bytes());
        }
        Some(format!("1:{}", base64::engine::general_purpose::STANDARD.encode(hash.finalize())).into())
    }
}
