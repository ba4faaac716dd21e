//! Flows: who talks with whom, from the first packet to the end (ADR 2), in bounded memory.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use model::observation::{Detail, Endpoint, FlowCounts, Observation, ObservationKind, Transport};
use model::time::Timestamp;

use super::Segment;
use super::stream::Stream;
use crate::Settings;

/// Which way a packet goes in its flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From who opened the conversation.
    Forward,
    /// To who opened it.
    Back,
}

/// Both ends, the lesser first, and the protocol.
type Key = (Transport, Endpoint2, Endpoint2);
type Endpoint2 = (IpAddr, Option<u16>);

#[derive(Debug)]
struct Flow {
    number: u64,
    source: Endpoint,
    destination: Endpoint,
    counts: FlowCounts,
    last_time: Timestamp,
    last_record: u64,
    /// Forward, back; TCP only.
    streams: [Stream; 2],
}

/// The flows that are not over.
#[derive(Debug)]
pub(crate) struct FlowTable {
    settings: Settings,
    flows: HashMap<Key, Flow>,
    /// In the order they began, so that the oldest can go.
    order: BTreeMap<u64, Key>,
    next: u64,
}

impl FlowTable {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, flows: HashMap::new(), order: BTreeMap::new(), next: 0 }
    }

    /// Counts a packet in its flow, begins and ends flows as it says.
    pub(crate) fn packet(
        &mut self,
        time: Timestamp,
        record: u64,
        segment: &Segment<'_>,
        found: &mut Vec<Observation>,
    ) -> Direction {
        let key = key(segment);
        let idle_us = i64::try_from(self.settings.flow_idle_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
        if self.flows.get(&key).is_some_and(|flow| time.micros().saturating_sub(flow.last_time.micros()) > idle_us) {
            self.end(&key, found);
        }
        if !self.flows.contains_key(&key) {
            if self.flows.len() >= self.settings.flows.max(1)
                && let Some(oldest) = self.order.values().next().copied()
            {
                self.end(&oldest, found);
            }
            self.begin(key, time, record, segment, found);
        }
        let Some(flow) = self.flows.get_mut(&key) else { return Direction::Forward };
        let direction = if flow.source == segment.source { Direction::Forward } else { Direction::Back };
        let (bytes, packets) = match direction {
            Direction::Forward => (&mut flow.counts.source_bytes, &mut flow.counts.source_packets),
            Direction::Back => (&mut flow.counts.destination_bytes, &mut flow.counts.destination_packets),
        };
        *bytes = bytes.saturating_add(segment.ip_bytes);
        *packets = packets.saturating_add(1);
        flow.last_time = flow.last_time.max(time);
        flow.last_record = record;
        direction
    }

    /// The stream that a segment belongs to.
    pub(crate) fn stream(&mut self, segment: &Segment<'_>, direction: Direction) -> Option<&mut Stream> {
        let limit = self.settings.stream_bytes;
        let flow = self.flows.get_mut(&key(segment))?;
        let side = usize::from(direction == Direction::Back);
        let stream = flow.streams.get_mut(side)?;
        stream.limit(limit);
        Some(stream)
    }

    fn begin(&mut self, key: Key, time: Timestamp, record: u64, segment: &Segment<'_>, found: &mut Vec<Observation>) {
        let counts = FlowCounts {
            start: time,
            source_bytes: 0,
            destination_bytes: 0,
            source_packets: 0,
            destination_packets: 0,
        };
        let flow = Flow {
            number: self.next,
            source: segment.source,
            destination: segment.destination,
            counts,
            last_time: time,
            last_record: record,
            streams: [Stream::default(), Stream::default()],
        };
        found.push(observation(key.0, &flow, ObservationKind::FlowStart, time, Detail::None));
        self.order.insert(self.next, key);
        self.flows.insert(key, flow);
        self.next += 1;
    }

    fn end(&mut self, key: &Key, found: &mut Vec<Observation>) {
        if let Some(flow) = self.flows.remove(key) {
            self.order.remove(&flow.number);
            found.push(observation(key.0, &flow, ObservationKind::FlowEnd, flow.last_time, Detail::Flow(flow.counts)));
        }
    }

    /// Ends the flows that have been silent too long at `now`: what is heard live, where no next packet may come to tell.
    pub(crate) fn sweep(&mut self, now: Timestamp, found: &mut Vec<Observation>) {
        let idle_us = i64::try_from(self.settings.flow_idle_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let silent = |flow: &Flow| now.micros().saturating_sub(flow.last_time.micros()) > idle_us;
        let over: Vec<Key> = self.flows.iter().filter(|(_, flow)| silent(flow)).map(|(key, _)| *key).collect();
        for key in over {
            self.end(&key, found);
        }
    }

    /// Ends all flows, those that began first first.
    pub(crate) fn finish(&mut self, found: &mut Vec<Observation>) {
        while let Some(key) = self.order.values().next().copied() {
            self.end(&key, found);
        }
    }
}

fn observation(
    transport: Transport,
    flow: &Flow,
    kind: ObservationKind,
    time: Timestamp,
    detail: Detail,
) -> Observation {
    Observation {
        time,
        kind,
        record: flow.last_record,
        source: Some(flow.source),
        destination: Some(flow.destination),
        transport: Some(transport),
        protocol: None,
        community_id: None,
        detail,
    }
}

fn key(segment: &Segment<'_>) -> Key {
    let ends = [segment.source, segment.destination].map(|end| (end.ip, end.port));
    let [a, b] = ends;
    if a <= b { (segment.transport, a, b) } else { (segment.transport, b, a) }
}
