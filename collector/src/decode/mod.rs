//! Packets → observations, one packet at a time: what a packet completes comes out with it.

mod dns;
mod flow;
mod http;
mod ip;
mod link;
mod stream;
mod tls;

use model::observation::{Detail, Endpoint, Observation, ObservationKind, Transport};
use model::time::Timestamp;

use crate::Settings;
use flow::{Direction, FlowTable};
use stream::Message;

pub(crate) use http::{authority_of, host_of};

/// What stands below IP, as captures number it (the LINKTYPE registry).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkType(pub i32);

/// Ports on which a datagram, or a length-prefixed message of a TCP stream, is DNS: DNS, mDNS, LLMNR.
const DNS_PORTS: [u16; 3] = [53, 5353, 5355];

/// Reads packets. Holds flows and streams, both bounded.
#[derive(Debug)]
pub struct Decoder {
    flows: FlowTable,
    faults: u64,
}

/// What of a packet the transport layer says.
pub(crate) struct Segment<'a> {
    pub(crate) source: Endpoint,
    pub(crate) destination: Endpoint,
    pub(crate) transport: Transport,
    /// Octets of the IP packet.
    pub(crate) ip_bytes: u64,
    pub(crate) payload: &'a [u8],
    /// For TCP: sequence number and flags.
    pub(crate) tcp: Option<(u32, u8)>,
}

impl Decoder {
    /// A decoder with these bounds.
    pub fn new(settings: Settings) -> Self {
        Self { flows: FlowTable::new(settings), faults: 0 }
    }

    /// Packets that could not be read, whole or in part.
    pub fn faults(&self) -> u64 {
        self.faults
    }

    /// Reads one packet, the `record`th of its input; adds what it completes to `found`.
    pub fn packet(&mut self, time: Timestamp, link: LinkType, data: &[u8], record: u64, found: &mut Vec<Observation>) {
        let segment = link::network(link, data).and_then(ip::segment);
        let Some(segment) = segment else {
            self.faults += 1;
            return;
        };
        let direction = self.flows.packet(time, record, &segment, found);
        match segment.transport {
            Transport::Udp => self.datagram(time, record, &segment, found),
            Transport::Tcp => self.stream(time, record, &segment, direction, found),
            _ => {}
        }
    }

    /// Ends the flows that have been silent too long at `now`.
    pub fn sweep(&mut self, now: Timestamp, found: &mut Vec<Observation>) {
        self.flows.sweep(now, found);
    }

    /// Ends every flow.
    pub fn finish(&mut self, found: &mut Vec<Observation>) {
        self.flows.finish(found);
    }

    fn datagram(&mut self, time: Timestamp, record: u64, segment: &Segment<'_>, found: &mut Vec<Observation>) {
        if is_dns(segment) && !segment.payload.is_empty() {
            match dns::messages(segment.payload) {
                Some(messages) => {
                    for message in messages {
                        found.push(observation(
                            time,
                            record,
                            segment,
                            ObservationKind::Dns,
                            "dns",
                            Detail::Dns(Box::new(message)),
                        ));
                    }
                }
                None => self.faults += 1,
            }
        }
    }

    fn stream(
        &mut self,
        time: Timestamp,
        record: u64,
        segment: &Segment<'_>,
        direction: Direction,
        found: &mut Vec<Observation>,
    ) {
        let Some((sequence, flags)) = segment.tcp else { return };
        let dns = is_dns(segment);
        let Some(stream) = self.flows.stream(segment, direction) else { return };
        for message in stream.push(sequence, flags, segment.payload, dns) {
            let (kind, protocol, detail) = match message {
                Message::Dns(dns) => (ObservationKind::Dns, "dns", Detail::Dns(Box::new(dns))),
                Message::Http(http) => (ObservationKind::Http, "http", Detail::Http(Box::new(http))),
                Message::Tls(tls) => (ObservationKind::Tls, "tls", Detail::Tls(Box::new(tls))),
            };
            found.push(observation(time, record, segment, kind, protocol, detail));
        }
    }
}

fn is_dns(segment: &Segment<'_>) -> bool {
    [segment.source.port, segment.destination.port].into_iter().flatten().any(|port| DNS_PORTS.contains(&port))
}

fn observation(
    time: Timestamp,
    record: u64,
    segment: &Segment<'_>,
    kind: ObservationKind,
    protocol: &str,
    detail: Detail,
) -> Observation {
    Observation {
        time,
        kind,
        record,
        source: Some(segment.source),
        destination: Some(segment.destination),
        transport: Some(segment.transport),
        protocol: Some(protocol.into()),
        community_id: None,
        detail,
    }
}
