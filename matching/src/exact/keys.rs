//! The keys of rules, ascending. A key that ends in a UUID, as STIX identifiers do, takes 18 bytes.

use std::collections::HashMap;

use super::build::GONE;

/// The prefix of keys that do not end in a UUID; their UUID is their place among the others.
const OTHER: u16 = u16::MAX;
const UUID_CHARACTERS: usize = 36;

/// A key as it is held and ordered: number of its prefix, UUID.
pub(super) type Packed = (u16, u128);

/// Keys of rules, in the order of [`Packed`].
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) prefixes: Vec<Box<str>>,
    pub(super) others: Vec<Box<str>>,
    pub(super) prefix: Vec<u16>,
    pub(super) uuid: Vec<u128>,
}

impl Keys {
    pub(super) fn key(&self, place: usize) -> String {
        let (Some(prefix), Some(uuid)) = (self.prefix.get(place), self.uuid.get(place)) else { return String::new() };
        if *prefix == OTHER {
            let other = usize::try_from(*uuid).ok().and_then(|place| self.others.get(place));
            return other.map(|other| other.to_string()).unwrap_or_default();
        }
        let prefix = self.prefixes.get(usize::from(*prefix)).map_or("", |prefix| prefix);
        format!("{prefix}{}", uuid::Uuid::from_u128(*uuid))
    }

    /// The place of a key.
    pub(super) fn find(&self, key: &str) -> Option<usize> {
        let wanted = match split(key) {
            Some((prefix, uuid)) => match self.prefixes.iter().position(|known| **known == *prefix) {
                Some(number) => (u16::try_from(number).ok()?, uuid),
                None => self.other(key)?,
            },
            None => self.other(key)?,
        };
        let (mut low, mut high) = (0, self.uuid.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let found = (*self.prefix.get(middle)?, *self.uuid.get(middle)?);
            match found.cmp(&wanted) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn other(&self, key: &str) -> Option<Packed> {
        let place = self.others.binary_search_by(|other| (**other).cmp(key)).ok()?;
        Some((OTHER, place as u128))
    }
}

/// The keys of two tables in one order.
pub(super) struct Merged {
    pub(super) keys: Keys,
    /// For each key of either table its place there, or [`GONE`].
    pub(super) old: Vec<u32>,
    pub(super) new: Vec<u32>,
}

impl Keys {
    fn packed(&self, place: usize) -> Option<Packed> {
        Some((*self.prefix.get(place)?, *self.uuid.get(place)?))
    }

    /// Those of `self` that stay, and those of `newer`, which replace them: a key of `newer` that is not kept takes that of
    /// `self` with it.
    pub(super) fn merged(
        &self,
        newer: &Self,
        stays: impl Fn(usize) -> bool,
        kept: impl Fn(usize) -> bool,
    ) -> Option<Merged> {
        let mut keys = Self { prefixes: self.prefixes.clone(), ..Self::default() };
        let mut numbers = Vec::with_capacity(newer.prefixes.len());
        for prefix in &newer.prefixes {
            let known = keys.prefixes.iter().position(|known| known == prefix);
            let number = known.unwrap_or(keys.prefixes.len());
            if known.is_none() {
                keys.prefixes.push(prefix.clone());
            }
            numbers.push(u16::try_from(number).ok().filter(|number| *number < OTHER)?);
        }
        keys.others = self.others.iter().chain(&newer.others).cloned().collect();
        keys.others.sort();
        keys.others.dedup();
        let (old_others, new_others) = (keys.places_of(&self.others), keys.places_of(&newer.others));
        let mut coming: Vec<(Packed, usize)> = Vec::with_capacity(newer.uuid.len());
        for place in 0..newer.uuid.len() {
            let (prefix, uuid) = renumbered(newer.packed(place)?, &new_others);
            let prefix = numbers.get(usize::from(prefix)).copied().unwrap_or(prefix);
            coming.push(((prefix, uuid), place));
        }
        coming.sort_unstable();
        let mut merged = Merged { keys, old: vec![GONE; self.uuid.len()], new: vec![GONE; newer.uuid.len()] };
        let mut coming = coming.into_iter().peekable();
        for place in 0..self.uuid.len() {
            let key = renumbered(self.packed(place)?, &old_others);
            while let Some((earlier, from)) = coming.next_if(|(new, _)| *new < key) {
                merged.take(earlier, kept(from), false, from)?;
            }
            let is_replaced = coming.peek().is_some_and(|(new, _)| *new == key);
            merged.take(key, stays(place) && !is_replaced, true, place)?;
        }
        for (key, from) in coming {
            merged.take(key, kept(from), false, from)?;
        }
        Some(merged)
    }

    /// Where each of `others` stands among those of `self`, which has all of them.
    fn places_of(&self, others: &[Box<str>]) -> Vec<u128> {
        others.iter().map(|other| self.others.binary_search(other).unwrap_or(0) as u128).collect()
    }
}

impl Merged {
    fn take(&mut self, (prefix, uuid): Packed, stays: bool, is_old: bool, from: usize) -> Option<()> {
        if stays {
            let place = u32::try_from(self.keys.uuid.len()).ok().filter(|place| *place != GONE)?;
            let places = if is_old { &mut self.old } else { &mut self.new };
            *places.get_mut(from)? = place;
            self.keys.prefix.push(prefix);
            self.keys.uuid.push(uuid);
        }
        Some(())
    }
}

/// Keys in the making: packed as they come; the others get their final numbers in the end.
#[derive(Debug, Default)]
pub(super) struct Packing {
    numbers: HashMap<Box<str>, u16>,
    prefixes: Vec<Box<str>>,
    others: Vec<Box<str>>,
}

impl Packing {
    pub(super) fn pack(&mut self, key: &str) -> Packed {
        if let Some((prefix, uuid)) = split(key) {
            if let Some(number) = self.numbers.get(prefix) {
                return (*number, uuid);
            }
            if let Some(number) = u16::try_from(self.prefixes.len()).ok().filter(|number| *number < OTHER) {
                self.prefixes.push(prefix.into());
                self.numbers.insert(prefix.into(), number);
                return (number, uuid);
            }
        }
        self.others.push(key.into());
        (OTHER, self.others.len() as u128 - 1)
    }

    /// The keys without their order, and for each of the others the number that it has from now on.
    pub(super) fn finish(self) -> (Keys, Vec<u128>) {
        let mut sorted = self.others.clone();
        sorted.sort();
        sorted.dedup();
        let place = |other: &str| sorted.binary_search_by(|one| (**one).cmp(other)).unwrap_or(0) as u128;
        let numbers = self.others.iter().map(|other| place(other)).collect();
        (Keys { prefixes: self.prefixes, others: sorted, ..Keys::default() }, numbers)
    }
}

/// The key as it is ordered from now on.
pub(super) fn renumbered((prefix, uuid): Packed, others: &[u128]) -> Packed {
    if prefix != OTHER {
        return (prefix, uuid);
    }
    (OTHER, usize::try_from(uuid).ok().and_then(|place| others.get(place)).copied().unwrap_or(uuid))
}

/// What stands before a UUID in its one spelling (lower case, four hyphens), and the UUID.
fn split(key: &str) -> Option<(&str, u128)> {
    let (prefix, text) = key.split_at_checked(key.len().checked_sub(UUID_CHARACTERS)?)?;
    let uuid = uuid::Uuid::try_parse(text).ok()?;
    let mut spelling = uuid::Uuid::encode_buffer();
    (uuid.hyphenated().encode_lower(&mut spelling) == text).then_some((prefix, uuid.as_u128()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_as_they_were() {
        let id = "94868c89-83c2-464b-929b-a1a8aa3c8487";
        let all = [
            format!("indicator--{id}"),
            format!("us/indicator--{id}"),
            id.to_owned(),
            format!("indicator--{}", id.to_uppercase()),
            "rule 7".to_owned(),
            String::new(),
            format!("indicator--{}", id.replace('8', "9")),
        ];
        let mut packing = Packing::default();
        let packed: Vec<Packed> = all.iter().map(|key| packing.pack(key)).collect();
        let (mut keys, others) = packing.finish();
        let mut sorted: Vec<Packed> = packed.iter().map(|key| renumbered(*key, &others)).collect();
        sorted.sort_unstable();
        (keys.prefix, keys.uuid) = sorted.into_iter().unzip();
        for key in &all {
            let place = keys.find(key).unwrap();
            assert_eq!(keys.key(place), *key);
        }
        assert_eq!(keys.find("rule 8"), None);
        assert_eq!(keys.find(&format!("ca/indicator--{id}")), None);
        assert_eq!(keys.find(&format!("indicator--{}", id.replace('8', "7"))), None);
    }
}
