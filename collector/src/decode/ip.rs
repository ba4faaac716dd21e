//! IPv4, IPv6, TCP, UDP.

use std::net::IpAddr;

use model::observation::{Endpoint, Transport};
use pnet_packet::ip::{IpNextHeaderProtocol, IpNextHeaderProtocols};
use pnet_packet::ipv4::Ipv4Packet;
use pnet_packet::ipv6::Ipv6Packet;
use pnet_packet::tcp::TcpPacket;
use pnet_packet::udp::UdpPacket;

use super::Segment;

/// IPv6 extension headers are followed this far.
const EXTENSIONS_MAX: usize = 16;
const MORE_FRAGMENTS: u8 = 1;

/// What a packet carries; none if it is no whole IP packet, or a fragment after the first (which has no ports and starts no
/// flow).
pub(crate) fn segment(packet: &[u8]) -> Option<Segment<'_>> {
    match packet.first()? >> 4 {
        4 => version_4(packet),
        6 => version_6(packet),
        _ => None,
    }
}

fn version_4(packet: &[u8]) -> Option<Segment<'_>> {
    let ip = Ipv4Packet::new(packet)?;
    let head = usize::from(ip.get_header_length()) * 4;
    if head < 20 || ip.get_fragment_offset() != 0 {
        return None;
    }
    // Segmentation offload leaves a total length of 0: the frame is then all there is.
    let total = match usize::from(ip.get_total_length()) {
        0 => packet.len(),
        total => total,
    };
    let payload = packet.get(head..total.min(packet.len()))?;
    let fragmented = ip.get_flags() & MORE_FRAGMENTS != 0;
    let ends = (IpAddr::V4(ip.get_source()), IpAddr::V4(ip.get_destination()));
    transport(ends, ip.get_next_level_protocol(), payload, total as u64, fragmented)
}

fn version_6(packet: &[u8]) -> Option<Segment<'_>> {
    let ip = Ipv6Packet::new(packet)?;
    let total = 40 + usize::from(ip.get_payload_length());
    let total = if total == 40 { packet.len() } else { total };
    let mut rest = packet.get(40..total.min(packet.len()))?;
    let mut next = ip.get_next_header();
    let mut fragmented = false;
    for _ in 0..EXTENSIONS_MAX {
        let length = match next {
            IpNextHeaderProtocols::Hopopt | IpNextHeaderProtocols::Ipv6Route | IpNextHeaderProtocols::Ipv6Opts => {
                (usize::from(*rest.get(1)?) + 1) * 8
            }
            IpNextHeaderProtocols::Ah => (usize::from(*rest.get(1)?) + 2) * 4,
            IpNextHeaderProtocols::Ipv6Frag => {
                let offset = u16::from_be_bytes(*rest.get(2..)?.first_chunk::<2>()?);
                if offset >> 3 != 0 {
                    return None;
                }
                fragmented |= offset & 1 != 0;
                8
            }
            _ => {
                let ends = (IpAddr::V6(ip.get_source()), IpAddr::V6(ip.get_destination()));
                return transport(ends, next, rest, total as u64, fragmented);
            }
        };
        next = IpNextHeaderProtocol(*rest.first()?);
        rest = rest.get(length..)?;
    }
    None
}

/// A first fragment has the ports; what its message says is not whole, so its payload is not read.
fn transport(
    (source, destination): (IpAddr, IpAddr),
    protocol: IpNextHeaderProtocol,
    payload: &[u8],
    ip_bytes: u64,
    fragmented: bool,
) -> Option<Segment<'_>> {
    let (transport, ports, body, tcp) = match protocol {
        IpNextHeaderProtocols::Tcp => {
            let tcp = TcpPacket::new(payload)?;
            let head = usize::from(tcp.get_data_offset()) * 4;
            if head < 20 {
                return None;
            }
            let ports = (tcp.get_source(), tcp.get_destination());
            (Transport::Tcp, Some(ports), payload.get(head..)?, Some((tcp.get_sequence(), tcp.get_flags())))
        }
        IpNextHeaderProtocols::Udp => {
            let udp = UdpPacket::new(payload)?;
            let length = match usize::from(udp.get_length()) {
                0..8 => payload.len(),
                length => length.min(payload.len()),
            };
            (Transport::Udp, Some((udp.get_source(), udp.get_destination())), payload.get(8..length)?, None)
        }
        IpNextHeaderProtocols::Icmp => (Transport::Icmp, None, payload, None),
        IpNextHeaderProtocols::Icmpv6 => (Transport::Icmpv6, None, payload, None),
        other => (Transport::Other(other.0), None, payload, None),
    };
    Some(Segment {
        source: Endpoint { ip: source, port: ports.map(|(source, _)| source) },
        destination: Endpoint { ip: destination, port: ports.map(|(_, destination)| destination) },
        transport,
        ip_bytes,
        payload: if fragmented { &[] } else { body },
        tcp,
    })
}
