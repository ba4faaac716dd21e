//! The traffic that the demo's sensor hears: people who browse and write mail, controllers that are polled, and hosts that ask
//! every two seconds for each of the names that the centres report. The same plan gives the same bytes.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::Ipv4Addr;

use anyhow::{Context, Result, bail};
use pnet_packet::ip::IpNextHeaderProtocols;
use pnet_packet::ipv4::MutableIpv4Packet;
use pnet_packet::tcp::{MutableTcpPacket, TcpFlags};
use pnet_packet::udp::MutableUdpPacket;
use pnet_packet::{ipv4, tcp, udp};

/// What to write.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// How long the traffic lasts, by the packets' times; at least one round of two seconds.
    pub(crate) seconds: u64,
    /// Domain names, or IPv4 addresses, that hosts ask for, or talk to, in each round.
    pub(crate) values: Vec<String>,
    /// Gives ports, delays and contents.
    pub(crate) seed: u64,
    /// Time of the beginning, microseconds since 1970-01-01T00:00:00Z.
    pub(crate) begins_us: u64,
}

impl Plan {
    /// The demo's traffic.
    pub(crate) fn natural(seconds: u64, values: &[String]) -> Self {
        Self { seconds, values: values.to_vec(), seed: 2012, begins_us: 1_795_521_600_000_000 }
    }
}

/// Each value is heard once in each round, microseconds.
const ROUND_US: u64 = 2_000_000;
/// Every so many rounds a value that was asked for is also talked to.
const TALKS_EVERY: u64 = 4;
/// From a host to a server and back, microseconds.
const ROUND_TRIP_US: u64 = 16_000;
const RESOLVER: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 53);
const MAIL_SERVER: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 25);
const CONTROL_ROOM: Ipv4Addr = Ipv4Addr::new(10, 30, 0, 10);
/// Workstations are 10.20.1.1 and so on.
const WORKSTATIONS: u64 = 60;
/// What people read when nothing is wrong.
const SITES: &[&str] = &[
    "www.weather.example",
    "news.example",
    "intranet.hydro.example",
    "portal.health.example",
    "maps.example",
    "cdn.shop.example",
    "wiki.grid.example",
    "updates.vendor.example",
];
const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";

/// Writes the traffic of `plan` as a pcap.
pub(crate) fn generate(plan: &Plan, out: &mut impl Write) -> Result<()> {
    out.write_all(&pcap_head())?;
    let mut network = Network { frames: BTreeMap::new(), dice: Dice(plan.seed), written: 0 };
    for round in 0..plan.seconds.div_ceil(ROUND_US / 1_000_000).max(1) {
        let begins = plan.begins_us + round * ROUND_US;
        network.usual(begins, round)?;
        let count = plan.values.len().max(1) as u64;
        for (place, value) in plan.values.iter().enumerate() {
            let place = place as u64;
            let at = begins + place * ROUND_US / count + network.dice.below(ROUND_US / count);
            network.contact(at, workstation(place * 7), value, (round + place).is_multiple_of(TALKS_EVERY))?;
        }
        network.write_until(begins + ROUND_US, out)?;
    }
    network.write_until(u64::MAX, out)
}

fn workstation(number: u64) -> Ipv4Addr {
    Ipv4Addr::new(10, 20, 1, u8::try_from(number % WORKSTATIONS + 1).unwrap_or(1))
}

/// Where a name is served from: an address of the range for benchmarks (RFC 2544) that follows from the name.
fn server(name: &str) -> Ipv4Addr {
    let mut hash = Dice(name.bytes().fold(7, |hash, byte| hash * 31 % 1_000_003 + u64::from(byte)));
    Ipv4Addr::new(198, 18, hash.byte(), hash.byte().max(1))
}

/// One end of a conversation.
type End = (Ipv4Addr, u16);

/// What one side of a conversation says.
enum Said {
    Client(Vec<u8>),
    Server(Vec<u8>),
}

/// Frames in the order of their times, until they are written.
struct Network {
    /// By time and by the order in which they were made.
    frames: BTreeMap<(u64, u64), Vec<u8>>,
    dice: Dice,
    written: u64,
}

impl Network {
    /// One round of what happens anyway.
    fn usual(&mut self, begins: u64, round: u64) -> Result<()> {
        for _ in 0..6 {
            let at = begins + self.dice.below(ROUND_US);
            let host = workstation(self.dice.below(WORKSTATIONS));
            let place = usize::try_from(self.dice.below(SITES.len() as u64)).unwrap_or(0);
            self.contact(at, host, SITES.get(place).copied().unwrap_or("news.example"), true)?;
        }
        if round.is_multiple_of(2) {
            let at = begins + self.dice.below(ROUND_US);
            let host = workstation(self.dice.below(WORKSTATIONS));
            self.conversation(at, host, (MAIL_SERVER, 25), &mail(round))?;
        }
        for controller in 0..3_u8 {
            let at = begins + self.dice.below(ROUND_US);
            let polls = modbus(u16::from(self.dice.byte()), controller);
            self.conversation(at, CONTROL_ROOM, (Ipv4Addr::new(10, 30, 1, controller + 1), 502), &polls)?;
            let at = begins + self.dice.below(ROUND_US);
            let status = dnp3(u16::from(controller) + 10);
            self.conversation(at, CONTROL_ROOM, (Ipv4Addr::new(10, 30, 2, controller + 1), 20_000), &status)?;
        }
        Ok(())
    }

    /// A host asks for a name and, if it `talks`, opens what was answered; an address it opens each time.
    fn contact(&mut self, at: u64, host: Ipv4Addr, value: &str, talks: bool) -> Result<()> {
        let (address, opened) = match value.parse() {
            Ok(address) => (address, at),
            Err(_) => {
                let answered = self.ask(at, host, value)?;
                if !talks {
                    return Ok(());
                }
                (server(value), answered + 3_000)
            }
        };
        if self.dice.below(3) == 0 {
            let request = format!(
                "GET / HTTP/1.1\r\nHost: {value}\r\nUser-Agent: {USER_AGENT}\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
            );
            let page = "<!doctype html><title>ok</title>";
            let answer =
                format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n{page}", page.len());
            let said = [Said::Client(request.into_bytes()), Said::Server(answer.into_bytes())];
            return self.conversation(opened, host, (address, 80), &said);
        }
        let hello = client_hello(value, &mut self.dice);
        let said = [Said::Client(hello), Said::Server(server_hello(&mut self.dice))];
        self.conversation(opened, host, (address, 443), &said)
    }

    /// A DNS question and its answer; gives the time of the answer.
    fn ask(&mut self, at: u64, host: Ipv4Addr, name: &str) -> Result<u64> {
        let id = self.dice.port();
        let from = (host, self.dice.port());
        self.datagram(at, from, (RESOLVER, 53), &question(id, name)?)?;
        let answered = at + 2_000 + self.dice.below(10_000);
        self.datagram(answered, (RESOLVER, 53), from, &answer(id, name, server(name))?)?;
        Ok(answered)
    }

    fn datagram(&mut self, at: u64, from: End, to: End, payload: &[u8]) -> Result<()> {
        let mut packet = vec![0; 8 + payload.len()];
        let mut udp = MutableUdpPacket::new(&mut packet).context("a datagram has no room for its head")?;
        udp.set_source(from.1);
        udp.set_destination(to.1);
        udp.set_length(u16::try_from(8 + payload.len())?);
        udp.set_payload(payload);
        // A sum of zero is sent as its other form: zero says that there is none (RFC 768).
        let sum = udp::ipv4_checksum(&udp.to_immutable(), &from.0, &to.0);
        udp.set_checksum(if sum == 0 { u16::MAX } else { sum });
        self.frame(at, IpNextHeaderProtocols::Udp, from.0, to.0, &packet)
    }

    /// A TCP connection from its first SYN to its last FIN.
    fn conversation(&mut self, at: u64, host: Ipv4Addr, server: End, said: &[Said]) -> Result<()> {
        let client = (host, self.dice.port());
        let mut ends = [Side { end: client, next: self.dice.number() }, Side { end: server, next: self.dice.number() }];
        let mut at = at;
        self.segment(at, &mut ends, TcpFlags::SYN, &[])?;
        at += ROUND_TRIP_US / 2;
        ends.reverse();
        self.segment(at, &mut ends, TcpFlags::SYN | TcpFlags::ACK, &[])?;
        at += ROUND_TRIP_US / 2;
        ends.reverse();
        self.segment(at, &mut ends, TcpFlags::ACK, &[])?;
        for said in said {
            let (text, speaker) = match said {
                Said::Client(text) => (text, client),
                Said::Server(text) => (text, server),
            };
            if ends.first().is_some_and(|side| side.end != speaker) {
                ends.reverse();
            }
            at += ROUND_TRIP_US / 2 + self.dice.below(2_000);
            self.segment(at, &mut ends, TcpFlags::PSH | TcpFlags::ACK, text)?;
            ends.reverse();
            self.segment(at + 500, &mut ends, TcpFlags::ACK, &[])?;
            ends.reverse();
        }
        for _ in 0..2 {
            at += ROUND_TRIP_US / 2;
            self.segment(at, &mut ends, TcpFlags::FIN | TcpFlags::ACK, &[])?;
            ends.reverse();
        }
        self.segment(at + ROUND_TRIP_US / 2, &mut ends, TcpFlags::ACK, &[])
    }

    /// A segment from the first of `ends` to the second.
    fn segment(&mut self, at: u64, ends: &mut [Side; 2], flags: u8, payload: &[u8]) -> Result<()> {
        let [from, to] = ends;
        let mut packet = vec![0; 20 + payload.len()];
        let mut tcp = MutableTcpPacket::new(&mut packet).context("a segment has no room for its head")?;
        tcp.set_source(from.end.1);
        tcp.set_destination(to.end.1);
        tcp.set_sequence(from.next);
        if flags & TcpFlags::ACK != 0 {
            tcp.set_acknowledgement(to.next);
        }
        tcp.set_data_offset(5);
        tcp.set_flags(flags);
        tcp.set_window(64_240);
        tcp.set_payload(payload);
        tcp.set_checksum(tcp::ipv4_checksum(&tcp.to_immutable(), &from.end.0, &to.end.0));
        let counts = u32::from(flags & (TcpFlags::SYN | TcpFlags::FIN) != 0);
        from.next = from.next.wrapping_add(u32::try_from(payload.len())?).wrapping_add(counts);
        let (source, destination) = (from.end.0, to.end.0);
        self.frame(at, IpNextHeaderProtocols::Tcp, source, destination, &packet)
    }

    /// An Ethernet frame with an IPv4 packet.
    fn frame(
        &mut self,
        at: u64,
        protocol: pnet_packet::ip::IpNextHeaderProtocol,
        source: Ipv4Addr,
        destination: Ipv4Addr,
        payload: &[u8],
    ) -> Result<()> {
        let mut packet = vec![0; 20 + payload.len()];
        let mut ip = MutableIpv4Packet::new(&mut packet).context("a packet has no room for its head")?;
        ip.set_version(4);
        ip.set_header_length(5);
        ip.set_total_length(u16::try_from(20 + payload.len())?);
        ip.set_identification(self.dice.port());
        ip.set_flags(ipv4::Ipv4Flags::DontFragment);
        ip.set_ttl(64);
        ip.set_next_level_protocol(protocol);
        ip.set_source(source);
        ip.set_destination(destination);
        ip.set_payload(payload);
        ip.set_checksum(ipv4::checksum(&ip.to_immutable()));
        let mut frame = Vec::with_capacity(14 + packet.len());
        for ip in [destination, source] {
            // A locally administered address that follows from the IP address.
            frame.extend([0x02, 0x42]);
            frame.extend(ip.octets());
        }
        frame.extend([0x08, 0x00]);
        frame.extend(packet);
        self.frames.insert((at, self.written), frame);
        self.written += 1;
        Ok(())
    }

    /// Writes what is before `end`.
    fn write_until(&mut self, end: u64, out: &mut impl Write) -> Result<()> {
        let later = self.frames.split_off(&(end, 0));
        for ((at, _), frame) in std::mem::replace(&mut self.frames, later) {
            let length = u32::try_from(frame.len())?;
            for word in [u32::try_from(at / 1_000_000)?, u32::try_from(at % 1_000_000)?, length, length] {
                out.write_all(&word.to_le_bytes())?;
            }
            out.write_all(&frame)?;
        }
        Ok(())
    }
}

/// One side of a TCP connection, and the sequence number of its next byte.
struct Side {
    end: End,
    next: u32,
}

/// pcap 2.4, microseconds, Ethernet.
fn pcap_head() -> Vec<u8> {
    let mut head = Vec::new();
    head.extend(0xa1b2_c3d4_u32.to_le_bytes());
    head.extend([2, 0, 4, 0]);
    for word in [0_u32, 0, 65_535, 1] {
        head.extend(word.to_le_bytes());
    }
    head
}

fn dns_head(id: u16, flags: u16, answers: u16) -> Vec<u8> {
    [id, flags, 1, answers, 0, 0].into_iter().flat_map(u16::to_be_bytes).collect()
}

fn question(id: u16, name: &str) -> Result<Vec<u8>> {
    let mut message = dns_head(id, 0x0100, 0);
    message.extend(asked(name)?);
    Ok(message)
}

fn answer(id: u16, name: &str, address: Ipv4Addr) -> Result<Vec<u8>> {
    let mut message = dns_head(id, 0x8180, 1);
    message.extend(asked(name)?);
    // The name again, by pointer; A, IN, 60 s, four bytes.
    message.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
    message.extend(address.octets());
    Ok(message)
}

/// A name, asked for its IPv4 address.
fn asked(name: &str) -> Result<Vec<u8>> {
    let mut question = Vec::new();
    for label in name.split('.') {
        let length = u8::try_from(label.len()).unwrap_or(u8::MAX);
        if !(1..=63).contains(&length) || name.len() > 253 {
            bail!("`{name}` is neither a domain name nor an IPv4 address: the traffic cannot ask for it");
        }
        question.push(length);
        question.extend(label.bytes());
    }
    question.extend([0, 0, 1, 0, 1]);
    Ok(question)
}

/// `bytes` after their length in two bytes.
fn counted(bytes: &[u8]) -> Vec<u8> {
    let mut counted = u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
    counted.extend(bytes);
    counted
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut extension = kind.to_be_bytes().to_vec();
    extension.extend(counted(body));
    extension
}

/// A TLS record with one handshake message.
fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, 0];
    message.extend(counted(body));
    let mut record = vec![22, 3, 1];
    record.extend(counted(&message));
    record
}

fn client_hello(name: &str, dice: &mut Dice) -> Vec<u8> {
    let mut host = vec![0];
    host.extend(counted(name.as_bytes()));
    let mut extensions = Vec::new();
    if name.parse::<Ipv4Addr>().is_err() {
        extensions.extend(extension(0, &counted(&host)));
    }
    extensions.extend(extension(10, &[0, 6, 0, 29, 0, 23, 0, 24]));
    extensions.extend(extension(11, &[1, 0]));
    extensions.extend(extension(13, &[0, 8, 4, 3, 8, 4, 4, 1, 5, 1]));
    extensions.extend(extension(16, b"\x00\x0c\x02h2\x08http/1.1"));
    extensions.extend(extension(43, &[4, 3, 4, 3, 3]));
    let mut body = vec![3, 3];
    body.extend((0..32).map(|_| dice.byte()));
    body.push(0);
    body.extend([0, 8, 0x13, 0x01, 0x13, 0x02, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0]);
    body.extend(counted(&extensions));
    handshake(1, &body)
}

fn server_hello(dice: &mut Dice) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend((0..32).map(|_| dice.byte()));
    body.extend([0, 0xc0, 0x2f, 0, 0, 0]);
    handshake(2, &body)
}

fn mail(number: u64) -> Vec<Said> {
    let client = |text: &str| Said::Client(format!("{text}\r\n").into_bytes());
    let server = |text: &str| Said::Server(format!("{text}\r\n").into_bytes());
    vec![
        server("220 mail.grid.example ESMTP"),
        client("EHLO desk.grid.example"),
        server("250-mail.grid.example\r\n250 SIZE 20000000"),
        client("MAIL FROM:<duty@grid.example>"),
        server("250 OK"),
        client("RCPT TO:<shift@grid.example>"),
        server("250 OK"),
        client("DATA"),
        server("354 go on"),
        client(&format!(
            "From: duty@grid.example\r\nTo: shift@grid.example\r\nSubject: Handover {number}\r\n\r\nAll quiet.\r\n."
        )),
        server("250 queued"),
        client("QUIT"),
        server("221 bye"),
    ]
}

/// Two polls of holding registers.
fn modbus(transaction: u16, unit: u8) -> Vec<Said> {
    let poll = |transaction: u16| {
        let mut asked = transaction.to_be_bytes().to_vec();
        asked.extend([0, 0, 0, 6, unit, 3, 0, 100, 0, 2]);
        let mut told = transaction.to_be_bytes().to_vec();
        told.extend([0, 0, 0, 7, unit, 3, 4, 0x09, 0xc4, 0x01, 0x2c]);
        [Said::Client(asked), Said::Server(told)]
    };
    [poll(transaction), poll(transaction + 1)].into_iter().flatten().collect()
}

/// A request for the status of the link, and the answer.
fn dnp3(outstation: u16) -> Vec<Said> {
    const MASTER: u16 = 1;
    vec![Said::Client(dnp3_link(0xc9, outstation, MASTER)), Said::Server(dnp3_link(0x0b, MASTER, outstation))]
}

fn dnp3_link(control: u8, to: u16, from: u16) -> Vec<u8> {
    let mut frame = vec![0x05, 0x64, 5, control];
    frame.extend(to.to_le_bytes());
    frame.extend(from.to_le_bytes());
    let sum = frame.iter().fold(0_u16, |sum, byte| {
        (0..8).fold(sum ^ u16::from(*byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xa6bc } else { sum >> 1 })
    });
    frame.extend((!sum).to_le_bytes());
    frame
}

/// Numbers that look random and are the same each time (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound.max(1)
    }

    fn byte(&mut self) -> u8 {
        self.roll().to_le_bytes().first().copied().unwrap_or(0)
    }

    fn number(&mut self) -> u32 {
        u32::try_from(self.roll() >> 32).unwrap_or(0)
    }

    /// A port that nobody serves on, or any other number of two bytes that is not small.
    fn port(&mut self) -> u16 {
        u16::try_from(32_768 + self.below(28_000)).unwrap_or(u16::MAX)
    }
}

#[cfg(test)]
mod tests;
