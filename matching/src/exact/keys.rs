//! The keys of rules, ascending. A key that ends in a UUID, as STIX identifiers do, or in a number, as lines of lists do, takes 18
//! bytes.

use std::collections::HashMap;

use super::build::GONE;
use crate::numbers::Numbers;

/// The prefix of keys that end in neither; their number is their place among the others.
const OTHER: u16 = u16::MAX;
const UUID_CHARACTERS: usize = 36;
/// Digits that surely fit.
const DIGITS_MAX: usize = 38;
/// So often the place of a key is guessed; then the rest is halved, which ends soon whatever the keys.
const GUESSES_MAX: usize = 8;
/// Most prefixes of one builder; keys beyond are held whole.
const PREFIXES_MAX: usize = 1_000;

/// A key as it is held and ordered: number of its prefix, and what follows it.
pub(super) type Packed = (u16, u128);

/// What follows a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Ending {
    Uuid,
    Number,
}

/// How keys begin, and what follows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Prefix {
    pub(super) ending: Ending,
    pub(super) text: Box<str>,
}

/// Keys of rules, in the order of [`Packed`].
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) prefixes: Vec<Prefix>,
    pub(super) others: Vec<Box<str>>,
    pub(super) prefix: Numbers<u16>,
    pub(super) number: Numbers<u128>,
}

impl Keys {
    pub(super) fn key(&self, place: usize) -> String {
        let Some((prefix, number)) = self.packed(place) else { return String::new() };
        match self.prefixes.get(usize::from(prefix)) {
            Some(Prefix { ending: Ending::Uuid, text }) => format!("{text}{}", uuid::Uuid::from_u128(number)),
            Some(Prefix { ending: Ending::Number, text }) => format!("{text}{number}"),
            None => {
                let other = usize::try_from(number).ok().and_then(|place| self.others.get(place));
                other.map(|other| other.to_string()).unwrap_or_default()
            }
        }
    }

    /// The place of a key.
    pub(super) fn find(&self, key: &str) -> Option<usize> {
        let (ending, text, number) = split(key);
        let known = ending
            .and_then(|ending| self.prefixes.iter().position(|known| known.ending == ending && *known.text == *text));
        let wanted = match known {
            Some(prefix) => (u16::try_from(prefix).ok()?, number),
            None => self.other(key)?,
        };
        let (prefix, number) = wanted;
        let first = self.prefix.partition_point(|known| *known < prefix);
        let last = self.prefix.partition_point(|known| *known <= prefix);
        Some(first + place_of(self.number.get(first..last)?, number)?)
    }

    fn other(&self, key: &str) -> Option<Packed> {
        let place = self.others.binary_search_by(|other| (**other).cmp(key)).ok()?;
        Some((OTHER, place as u128))
    }
}

/// The place of a number among ascending ones. Those of UUIDs and of lines lie evenly, so it is looked for where it must stand:
/// a search by halves would fetch many times as much of memory, which those who scan need.
fn place_of(numbers: &[u128], wanted: u128) -> Option<usize> {
    let (mut low, mut high) = (0, numbers.len());
    let (mut least, mut most) = (*numbers.first()?, *numbers.last()?);
    let mut guesses = 0..GUESSES_MAX;
    while low < high && (least..=most).contains(&wanted) {
        let middle = match guesses.next() {
            Some(_) => low + part_of(high - low - 1, wanted - least, most - least)?,
            None => low + (high - low) / 2,
        };
        let found = *numbers.get(middle)?;
        match found.cmp(&wanted) {
            std::cmp::Ordering::Equal => return Some(middle),
            std::cmp::Ordering::Less => (low, least) = (middle + 1, found),
            std::cmp::Ordering::Greater => (high, most) = (middle, found),
        }
    }
    None
}

/// As much of `whole` as `part` is of `all`, which is no less.
fn part_of(whole: usize, part: u128, all: u128) -> Option<usize> {
    // 64 bits say it closely enough, and the product cannot overflow.
    let shift = u128::from(u64::BITS).saturating_sub(all.leading_zeros().into());
    let product = (part >> shift).saturating_mul(whole as u128);
    usize::try_from(product / (all >> shift).max(1)).ok().map(|part| part.min(whole))
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
        Some((*self.prefix.get(place)?, *self.number.get(place)?))
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
        let mut known: HashMap<Prefix, usize> = self.prefixes.iter().cloned().zip(0..).collect();
        let mut numbers = Vec::with_capacity(newer.prefixes.len());
        for prefix in &newer.prefixes {
            let number = *known.entry(prefix.clone()).or_insert_with(|| {
                keys.prefixes.push(prefix.clone());
                keys.prefixes.len() - 1
            });
            numbers.push(u16::try_from(number).ok().filter(|number| *number < OTHER)?);
        }
        keys.others = self.others.iter().chain(&newer.others).cloned().collect();
        keys.others.sort();
        keys.others.dedup();
        let (old_others, new_others) = (keys.places_of(&self.others), keys.places_of(&newer.others));
        let mut coming: Vec<(Packed, usize)> = Vec::with_capacity(newer.number.len());
        for place in 0..newer.number.len() {
            let (prefix, uuid) = renumbered(newer.packed(place)?, &new_others);
            let prefix = numbers.get(usize::from(prefix)).copied().unwrap_or(prefix);
            coming.push(((prefix, uuid), place));
        }
        coming.sort_unstable();
        let mut merged = Merged { keys, old: vec![GONE; self.number.len()], new: vec![GONE; newer.number.len()] };
        let mut coming = coming.into_iter().peekable();
        for place in 0..self.number.len() {
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
            let place = u32::try_from(self.keys.number.len()).ok().filter(|place| *place != GONE)?;
            let places = if is_old { &mut self.old } else { &mut self.new };
            *places.get_mut(from)? = place;
            self.keys.prefix.push(prefix);
            self.keys.number.push(uuid);
        }
        Some(())
    }
}

/// Keys in the making: packed as they come; the others get their final numbers in the end.
#[derive(Debug, Default)]
pub(super) struct Packing {
    uuids: HashMap<Box<str>, u16>,
    numbers: HashMap<Box<str>, u16>,
    prefixes: Vec<Prefix>,
    others: Vec<Box<str>>,
}

impl Packing {
    pub(super) fn pack(&mut self, key: &str) -> Packed {
        let (ending, text, number) = split(key);
        if let Some(ending) = ending {
            let known = match ending {
                Ending::Uuid => &mut self.uuids,
                Ending::Number => &mut self.numbers,
            };
            if let Some(prefix) = known.get(text) {
                return (*prefix, number);
            }
            if let Some(prefix) = u16::try_from(self.prefixes.len()).ok().filter(|_| self.prefixes.len() < PREFIXES_MAX)
            {
                self.prefixes.push(Prefix { ending, text: text.into() });
                known.insert(text.into(), prefix);
                return (prefix, number);
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

/// What stands before a UUID in its one spelling (lower case, four hyphens) or before a number without leading zeros, and that.
fn split(key: &str) -> (Option<Ending>, &str, u128) {
    if let Some((prefix, uuid)) = before_uuid(key) {
        return (Some(Ending::Uuid), prefix, uuid);
    }
    let digits = key.bytes().rev().take(DIGITS_MAX).take_while(u8::is_ascii_digit).count();
    let (prefix, run) = key.split_at_checked(key.len() - digits).unwrap_or((key, ""));
    let zeros = run.bytes().take_while(|digit| *digit == b'0').count().min(run.len().saturating_sub(1));
    match run.get(zeros..).map(str::parse) {
        Some(Ok(number)) => (Some(Ending::Number), key.get(..prefix.len() + zeros).unwrap_or(prefix), number),
        _ => (None, key, 0),
    }
}

fn before_uuid(key: &str) -> Option<(&str, u128)> {
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
            "list.txt:1000000".to_owned(),
            "list.txt:0".to_owned(),
            "000".to_owned(),
            "a007".to_owned(),
            "9".repeat(60),
            "rule".to_owned(),
            String::new(),
            format!("indicator--{}", id.replace('8', "9")),
        ];
        let mut packing = Packing::default();
        let packed: Vec<Packed> = all.iter().map(|key| packing.pack(key)).collect();
        let (mut keys, others) = packing.finish();
        let mut sorted: Vec<Packed> = packed.iter().map(|key| renumbered(*key, &others)).collect();
        sorted.sort_unstable();
        let (prefix, number): (Vec<_>, Vec<_>) = sorted.into_iter().unzip();
        (keys.prefix, keys.number) = (prefix.into(), number.into());
        for key in &all {
            let place = keys.find(key).unwrap();
            assert_eq!(keys.key(place), *key);
        }
        assert_eq!(keys.find("rule 8"), None);
        assert_eq!(keys.find(&format!("ca/indicator--{id}")), None);
        assert_eq!(keys.find(&format!("indicator--{}", id.replace('8', "7"))), None);
    }

    proptest::proptest! {
        #[test]
        fn a_number_is_found_where_it_stands(
            mut numbers in proptest::collection::btree_set(proptest::prop_oneof![0..200_u128, proptest::prelude::any::<u128>()], 0..80),
            other in proptest::prelude::any::<u128>(),
        ) {
            numbers.remove(&other);
            let numbers: Vec<u128> = numbers.into_iter().collect();
            for (place, number) in numbers.iter().enumerate() {
                proptest::prop_assert_eq!(place_of(&numbers, *number), Some(place));
            }
            proptest::prop_assert_eq!(place_of(&numbers, other), None);
        }
    }
}
