//! Link layer: down to an IP packet.

use pnet_packet::ethernet::{EtherType, EtherTypes};

use super::LinkType;

/// VLAN and PPPoE headers in one another are followed this deep.
const TAGS_MAX: usize = 8;
const PPPOE_SESSION: EtherType = EtherType(0x8864);
const MPLS: EtherType = EtherType(0x8847);

/// The IP packet of a frame; none if there is none, or it cannot be told.
pub(crate) fn network(link: LinkType, data: &[u8]) -> Option<&[u8]> {
    match link.0 {
        0 | 108 => data.get(4..), // BSD loopback
        1 => ethernet(data),
        12 | 14 | 101 | 228 | 229 => Some(data),                       // raw IP
        113 => tagged(EtherType(be16(data, 14)?), data.get(16..)?, 0), // Linux cooked
        276 => tagged(EtherType(be16(data, 0)?), data.get(20..)?, 0),  // Linux cooked, version 2
        _ => None,
    }
}

fn ethernet(data: &[u8]) -> Option<&[u8]> {
    tagged(EtherType(be16(data, 12)?), data.get(14..)?, 0)
}

fn tagged(kind: EtherType, rest: &[u8], depth: usize) -> Option<&[u8]> {
    if depth > TAGS_MAX {
        return None;
    }
    match kind {
        EtherTypes::Ipv4 | EtherTypes::Ipv6 => Some(rest),
        EtherTypes::Vlan | EtherTypes::QinQ | EtherTypes::PBridge => {
            tagged(EtherType(be16(rest, 2)?), rest.get(4..)?, depth + 1)
        }
        PPPOE_SESSION => match be16(rest, 6)? {
            0x0021 | 0x0057 => rest.get(8..),
            _ => None,
        },
        MPLS => {
            let bottom = rest.get(2)? & 1 == 1;
            let inner = rest.get(4..)?;
            if bottom { Some(inner) } else { tagged(MPLS, inner, depth + 1) }
        }
        _ => None,
    }
}

fn be16(data: &[u8], at: usize) -> Option<u16> {
    data.get(at..)?.first_chunk::<2>().map(|bytes| u16::from_be_bytes(*bytes))
}
