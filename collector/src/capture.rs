//! pcap and pcapng → packets.

use std::io::{self, BufRead, Cursor, Read};

use model::observation::Observation;
use model::time::Timestamp;
use pcap_parser::{PcapBlockOwned, PcapError, create_reader};

use crate::decode::{Decoder, LinkType};
use crate::input::InputError;
use crate::{Listener, Settings, Summary};

/// An interface of a pcapng section, or the one of a pcap.
#[derive(Debug, Clone, Copy)]
struct Interface {
    link: LinkType,
    /// Ticks in a second.
    resolution: u64,
    offset_s: i64,
}

struct Packets {
    decoder: Decoder,
    interfaces: Vec<Interface>,
    /// pcap: sub-second part is nanoseconds.
    nanoseconds: bool,
    summary: Summary,
    found: Vec<Observation>,
    settings: Settings,
    /// The listener wants no more.
    stopped: bool,
}

/// Length of the head of a pcap, and of what a pcapng section begins with, bytes.
const HEAD_BYTES: u64 = 24;
/// Longest section header of a pcapng, bytes.
const SECTION_BYTES_MAX: u64 = 64 << 10;

/// The head of a capture, whole, and the rest: the parser looks at nothing but what its first read gives, which from a
/// pipe or a decompressor may be less.
fn head(mut reader: Box<dyn BufRead + Send>) -> io::Result<(Vec<u8>, Box<dyn BufRead + Send>)> {
    let mut head = Vec::new();
    (&mut reader).take(HEAD_BYTES).read_to_end(&mut head)?;
    if let [0x0a, 0x0d, 0x0d, 0x0a, a, b, c, d, order, ..] = *head.as_slice() {
        let length = if order == 0x1a { u32::from_be_bytes([a, b, c, d]) } else { u32::from_le_bytes([a, b, c, d]) };
        (&mut reader)
            .take(u64::from(length).min(SECTION_BYTES_MAX).saturating_sub(HEAD_BYTES))
            .read_to_end(&mut head)?;
    }
    Ok((head, reader))
}

pub(crate) fn read(
    reader: Box<dyn BufRead + Send>,
    settings: &Settings,
    listener: &mut dyn Listener,
) -> Result<Summary, InputError> {
    let mut packets = Packets {
        decoder: Decoder::new(*settings),
        interfaces: Vec::new(),
        nanoseconds: false,
        summary: Summary::default(),
        found: Vec::new(),
        settings: *settings,
        stopped: false,
    };
    let (head, rest) = head(reader)?;
    let mut blocks = match create_reader(settings.packet_bytes.max(1 << 16) * 2, Cursor::new(head).chain(rest)) {
        Ok(blocks) => blocks,
        Err(error) => {
            packets.summary.fault(settings, 0, "capture-head", format!("the capture's head cannot be read: {error:?}"));
            return Ok(packets.summary);
        }
    };
    loop {
        match blocks.next() {
            Ok((length, block)) => {
                packets.block(&block, listener);
                blocks.consume(length);
            }
            Err(PcapError::Eof) => break,
            Err(PcapError::Incomplete(_)) => {
                if blocks.refill().is_err() || blocks.reader_exhausted() {
                    let whole = blocks.data().is_empty();
                    if !whole && matches!(blocks.next(), Err(PcapError::Incomplete(_) | PcapError::UnexpectedEof)) {
                        packets.fault("capture-truncated", "the capture ends in the middle of a packet");
                        break;
                    }
                    if whole {
                        break;
                    }
                }
            }
            Err(PcapError::UnexpectedEof) => {
                packets.fault("capture-truncated", "the capture ends in the middle of a packet");
                break;
            }
            Err(error) => {
                packets.fault("capture-damaged", &format!("the capture cannot be read on: {error:?}"));
                break;
            }
        }
        if !packets.hand_over(listener) || packets.stopped {
            return Ok(packets.summary);
        }
    }
    packets.decoder.finish(&mut packets.found);
    packets.hand_over(listener);
    packets.summary.faults += packets.decoder.faults();
    Ok(packets.summary)
}

impl Packets {
    fn fault(&mut self, code: &'static str, message: &str) {
        let record = self.summary.records;
        self.summary.fault(&self.settings, record, code, message);
    }

    fn hand_over(&mut self, listener: &mut dyn Listener) -> bool {
        for observation in self.found.drain(..) {
            self.summary.observations += 1;
            if !listener.hear(observation) {
                return false;
            }
        }
        true
    }

    fn block(&mut self, block: &PcapBlockOwned<'_>, listener: &mut dyn Listener) {
        use pcap_parser::pcapng::Block;
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                self.nanoseconds = header.is_nanosecond_precision();
                let link = LinkType(header.network.0);
                self.interfaces = vec![Interface { link, resolution: 1_000_000, offset_s: 0 }];
            }
            PcapBlockOwned::Legacy(packet) => {
                let micros = if self.nanoseconds { packet.ts_usec / 1_000 } else { packet.ts_usec };
                let time = i64::from(packet.ts_sec).saturating_mul(1_000_000).saturating_add(i64::from(micros));
                let link = self.interfaces.first().map(|interface| interface.link);
                self.packet(Timestamp::from_micros(time), link, packet.data, packet.caplen, listener);
            }
            PcapBlockOwned::NG(Block::SectionHeader(_)) => self.interfaces.clear(),
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                let resolution = interface.ts_resolution().unwrap_or(1_000_000);
                let link = LinkType(interface.linktype.0);
                self.interfaces.push(Interface { link, resolution, offset_s: interface.if_tsoffset });
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let interface = self.interfaces.get(packet.if_id as usize).copied();
                let ticks = (u64::from(packet.ts_high) << 32) | u64::from(packet.ts_low);
                let time = interface.map_or(0, |interface| micros(ticks, &interface));
                let link = interface.map(|interface| interface.link);
                self.packet(Timestamp::from_micros(time), link, packet.data, packet.caplen, listener);
            }
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                let link = self.interfaces.first().map(|interface| interface.link);
                self.packet(Timestamp::from_micros(0), link, packet.data, packet.origlen, listener);
            }
            PcapBlockOwned::NG(_) => {}
        }
    }

    fn packet(
        &mut self,
        time: Timestamp,
        link: Option<LinkType>,
        data: &[u8],
        captured: u32,
        listener: &mut dyn Listener,
    ) {
        if !listener.due(time) {
            self.stopped = true;
            return;
        }
        if listener.sweeps(time) {
            self.decoder.sweep(time, &mut self.found);
        }
        self.summary.records += 1;
        let record = self.summary.records;
        let Some(link) = link else {
            return self.fault("capture-interface", "the packet names an interface that the capture does not describe");
        };
        // pcapng pads to four bytes.
        let data = data.get(..captured as usize).unwrap_or(data);
        self.decoder.packet(time, link, data, record, &mut self.found);
    }
}

/// Ticks of an interface → microseconds since the epoch.
fn micros(ticks: u64, interface: &Interface) -> i64 {
    let resolution = u128::from(interface.resolution.max(1));
    let micros = i64::try_from(u128::from(ticks) * 1_000_000 / resolution).unwrap_or(i64::MAX);
    micros.saturating_add(interface.offset_s.saturating_mul(1_000_000))
}
