//! Wire and logs → observations (ADR 2), and the sensor that tells a centre of them. Whatever the bytes, what can be read is read,
//! what cannot is a fault.

mod capture;
mod decode;
mod input;
mod parts;
pub mod replay;
pub mod sensor;
pub mod spool;
mod suricata;
pub mod wire;

use std::borrow::Cow;
use std::io::Read;

use model::observation::Observation;
use model::time::Timestamp;
use serde::{Deserialize, Serialize};

pub use decode::{Decoder, LinkType};
pub use input::InputError;
pub use parts::{Part, decode_in_parts};

/// Bounds of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// A flow that is silent this long is over, milliseconds of the packets' own times.
    pub flow_idle_ms: u64,
    /// Most flows at once; the one that began first is ended for a new one.
    pub flows: usize,
    /// Most bytes of one direction of a TCP stream that wait for a missing segment or the end of a message.
    pub stream_bytes: usize,
    /// Most bytes that a compressed input may become.
    pub decompressed_bytes: u64,
    /// Longest log line, bytes; a longer one is a fault.
    pub line_bytes: usize,
    /// Largest packet of a capture, bytes.
    pub packet_bytes: usize,
    /// Most faults that are kept with their words; the rest is counted.
    pub faults: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            flow_idle_ms: 60_000,
            flows: 65_536,
            stream_bytes: 64 << 10,
            decompressed_bytes: 64 << 30,
            line_bytes: 1 << 20,
            packet_bytes: 1 << 20,
            faults: 100,
        }
    }
}

/// What could not be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordFault {
    /// Ordinal of the packet or line, from 1; 0 for the input as a whole.
    pub record: u64,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
}

/// What an input held.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Packets or lines.
    pub records: u64,
    /// Observations.
    pub observations: u64,
    /// How many faults there were.
    pub faults: u64,
    /// The first of them.
    pub first_faults: Vec<RecordFault>,
}

impl Summary {
    fn fault(&mut self, settings: &Settings, record: u64, code: &'static str, message: impl Into<String>) {
        self.faults += 1;
        if self.first_faults.len() < settings.faults {
            self.first_faults.push(RecordFault { record, code, message: message.into() });
        }
    }

    /// What the next part of the same input held.
    fn add(&mut self, settings: &Settings, next: Self) {
        self.records += next.records;
        self.observations += next.observations;
        self.faults += next.faults;
        let room = settings.faults.saturating_sub(self.first_faults.len());
        self.first_faults.extend(next.first_faults.into_iter().take(room));
    }
}

/// Whoever is told what an input holds, as it is read.
pub(crate) trait Listener {
    /// The next packet or line has that time; waits until it is due. False ends the reading.
    fn due(&mut self, _time: Timestamp) -> bool {
        true
    }

    /// Shall flows that are silent at that time be ended, before a packet of theirs says so?
    fn sweeps(&mut self, _time: Timestamp) -> bool {
        false
    }

    /// An observation. False ends the reading.
    fn hear(&mut self, observation: Observation) -> bool;

    /// One whose texts stand in the line that tells of it.
    fn hear_borrowed(&mut self, observation: Observation<Cow<'_, str>>) -> bool {
        self.hear(observation.owned())
    }
}

impl<F: FnMut(Observation) -> bool> Listener for F {
    fn hear(&mut self, observation: Observation) -> bool {
        self(observation)
    }
}

/// Reads one input (pcap, pcapng or Suricata EVE, plain or compressed, told apart by content) and hands its observations to
/// `each`, in order, until it says no. An input that ends in the middle gives what came before, and a fault.
pub fn decode(
    input: impl Read + Send + 'static,
    settings: &Settings,
    mut each: impl FnMut(Observation) -> bool,
) -> Result<Summary, InputError> {
    read(input, settings, &mut each)
}

fn read(
    input: impl Read + Send + 'static,
    settings: &Settings,
    listener: &mut dyn Listener,
) -> Result<Summary, InputError> {
    let (kind, reader) = input::open(Box::new(input), settings)?;
    match kind {
        input::Kind::Capture => capture::read(reader, settings, listener),
        input::Kind::Eve => suricata::read(reader, settings, listener),
    }
}
