//! Which networks an address lies in. Most addresses lie in none, which their first sixteen bits say mostly.

use std::collections::BTreeSet;
use std::net::IpAddr;

use foldhash::HashMap;

use crate::comparison::masked;

/// First bits of an address that are looked at before any network is.
const FIRST_BITS: u8 = 16;

/// A value for each network.
#[derive(Debug)]
pub(crate) struct Networks<V> {
    held: HashMap<(IpAddr, u8), V>,
    v4: Lengths,
    v6: Lengths,
}

/// How long the networks of a family are, and with which sixteen bits addresses in them begin, a bit each.
#[derive(Debug, Default)]
struct Lengths {
    all: BTreeSet<u8>,
    first: Vec<u64>,
}

impl<V> Default for Networks<V> {
    fn default() -> Self {
        Self { held: HashMap::default(), v4: Lengths::default(), v6: Lengths::default() }
    }
}

impl<V> Networks<V> {
    /// The value of the network of so many bits that begins with `ip`, which has no further ones; a new one if there was none.
    pub(crate) fn entry(&mut self, ip: IpAddr, length: u8) -> &mut V
    where
        V: Default,
    {
        let lengths = if ip.is_ipv4() { &mut self.v4 } else { &mut self.v6 };
        lengths.insert(first_of(ip), length);
        self.held.entry((ip, length)).or_default()
    }

    /// Does any network begin as the address does?
    #[inline]
    pub(crate) fn may_hold(&self, ip: IpAddr) -> bool {
        self.lengths(ip).may_hold(first_of(ip))
    }

    fn lengths(&self, ip: IpAddr) -> &Lengths {
        if ip.is_ipv4() { &self.v4 } else { &self.v6 }
    }

    /// Hands the value of each network that the address lies in to `each`.
    #[inline]
    pub(crate) fn around<'v>(&'v self, ip: IpAddr, mut each: impl FnMut(&'v V)) {
        if self.may_hold(ip) {
            let networks =
                self.lengths(ip).all.iter().filter_map(|length| self.held.get(&(masked(ip, *length), *length)));
            networks.for_each(&mut each);
        }
    }
}

impl Lengths {
    fn insert(&mut self, first: u16, length: u8) {
        self.all.insert(length);
        self.first.resize(1 << (FIRST_BITS - 6), 0);
        let open = FIRST_BITS.saturating_sub(length);
        let last = first | u16::try_from((1_u32 << open) - 1).unwrap_or(u16::MAX);
        for bits in first..=last {
            if let Some(word) = self.first.get_mut(usize::from(bits >> 6)) {
                *word |= 1 << (bits & 63);
            }
        }
    }

    fn may_hold(&self, first: u16) -> bool {
        self.first.get(usize::from(first >> 6)).is_some_and(|word| word >> (first & 63) & 1 == 1)
    }
}

/// The first sixteen bits.
fn first_of(ip: IpAddr) -> u16 {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            u16::from_be_bytes([a, b])
        }
        IpAddr::V6(ip) => {
            let [first, ..] = ip.segments();
            first
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Exactly the networks that hold an address are found.
        #[test]
        fn an_address_is_found_in_its_networks(
            networks in prop::collection::vec((any::<IpAddr>(), any::<u8>(), 0..4_u8), 0..20),
            other in any::<IpAddr>(),
        ) {
            let mut held: Networks<Vec<usize>> = Networks::default();
            let networks: Vec<(IpAddr, u8)> = networks
                .into_iter()
                .map(|(ip, length, short)| {
                    let length = (length % if ip.is_ipv4() { 33 } else { 129 }) >> short;
                    (masked(ip, length), length)
                })
                .collect();
            for (number, (ip, length)) in networks.iter().enumerate() {
                held.entry(*ip, *length).push(number);
            }
            for ip in networks.iter().map(|(ip, _)| *ip).chain([other]) {
                let mut found: Vec<usize> = Vec::new();
                held.around(ip, |numbers| found.extend(numbers));
                found.sort_unstable();
                let is_around = |(network, length): &(IpAddr, u8)| {
                    network.is_ipv4() == ip.is_ipv4() && masked(ip, *length) == *network
                };
                let wanted: Vec<usize> = (0..).zip(&networks).filter(|(_, one)| is_around(one)).map(|(n, _)| n).collect();
                prop_assert_eq!(found, wanted);
            }
        }
    }
}
