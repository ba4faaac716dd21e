//! Values that are compared whole, in as few bytes as possible: some fifty for an indicator, its key and times included.
//!
//! A value is known by 96 bits of a keyed hash: 32 choose its bucket, 64 tell it from others there. Of 10²⁰ lookups one finds what
//! is not there. Both are kept, so that two tables can be merged without the values. Buckets say in one word where their entries
//! begin and which of 32 bits occur among them, three of each: 97 of 100 values that are not held are told from the word alone,
//! without the entries' memory being touched.

mod admit;
mod build;
mod keys;
mod merge;
mod saved;
#[cfg(test)]
mod tests;

use model::time::Timestamp;
use xxhash_rust::xxh3::xxh3_128_with_seed;

pub(crate) use self::build::Builder;
use self::keys::Keys;
use crate::numbers::Numbers;

/// What a value is: values of different domains are never equal. A bit of eight each ([`Domain::bit`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Domain {
    Address,
    /// An address and the port at it. Indicators mostly name one end: then the other need not be asked for.
    SourceSocket,
    DestinationSocket,
    Name,
    Integer,
    Text,
    Caseless,
    Url,
}

impl Domain {
    fn bit(self) -> u8 {
        1 << (self as u8)
    }
}

/// How an entry is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    /// Fields through which it is found, a bit each by [`model::field::Field`]'s order.
    pub(crate) fields: u32,
    /// By the value itself.
    pub(crate) itself: bool,
    /// By names strictly below it.
    pub(crate) below: bool,
}

/// The times of a rule that counts no longer: it matches at none.
const BLANK: [i64; 2] = [i64::MAX, i64::MIN];

/// Entries: values and the rules that have them, ascending by place and tag.
#[derive(Debug, Default)]
struct Entries {
    places: Numbers<u32>,
    tags: Numbers<u64>,
    rules: Numbers<u32>,
    kinds: Numbers<u8>,
}

impl Entries {
    fn with_capacity(capacity: usize) -> Self {
        Self {
            places: Vec::with_capacity(capacity).into(),
            tags: Vec::with_capacity(capacity).into(),
            rules: Vec::with_capacity(capacity).into(),
            kinds: Vec::with_capacity(capacity).into(),
        }
    }

    fn push(&mut self, entry: Entry) {
        self.places.push(entry.place);
        self.tags.push(entry.tag);
        self.rules.push(entry.rule);
        self.kinds.push(entry.kind);
    }

    fn get(&self, at: usize) -> Option<Entry> {
        Some(Entry {
            place: *self.places.get(at)?,
            tag: *self.tags.get(at)?,
            rule: *self.rules.get(at)?,
            kind: *self.kinds.get(at)?,
        })
    }
}

/// One value of one rule. Ordered by where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    place: u32,
    tag: u64,
    rule: u32,
    kind: u8,
}

/// Where a value lies if it is held.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    place: u32,
    tag: u64,
    bucket: usize,
}

/// An immutable table: value → rules.
#[derive(Debug, Default)]
pub(crate) struct ExactTable {
    seed: u64,
    /// One more than there are buckets. Low half: where the entries begin; high half: the signs of all of them.
    buckets: Numbers<u64>,
    entries: Entries,
    kind_table: Vec<Kind>,
    keys: Keys,
    /// How many rules count: those that a rule held elsewhere has replaced are left out.
    held: usize,
    /// Domains that occur, fields that any entry is found through, and whether any holds what is below it.
    domains: u8,
    fields: u32,
    below: bool,
    /// From when and until when (not included) each rule matches, microseconds.
    valid: Numbers<[i64; 2]>,
}

impl ExactTable {
    /// The seed of its hash, which tables have in common that are to be merged; none if it never held anything.
    pub(crate) fn seed(&self) -> Option<u64> {
        (!self.buckets.is_empty()).then_some(self.seed)
    }

    /// How many rules it holds.
    pub(crate) fn len(&self) -> usize {
        self.held
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Where a value would lie.
    #[inline]
    fn place_of(&self, domain: Domain, value: &[u8]) -> Place {
        let (place, tag) = hash(self.seed, domain, value);
        Place { place, tag, bucket: bucket_of(place, self.buckets.len().saturating_sub(1)) }
    }

    /// May a value that lies there be held?
    #[inline]
    fn may_hold(&self, at: &Place) -> bool {
        let head = self.buckets.get(at.bucket).copied().unwrap_or(0);
        let signs = u64::from(signs(at.tag)) << 32;
        head & signs == signs
    }

    /// Hands each rule with the value that lies there to `each`, and how the value is found.
    #[inline]
    fn find(&self, at: &Place, mut each: impl FnMut(u32, Kind)) {
        let (Some(head), Some(next)) = (self.buckets.get(at.bucket), self.buckets.get(at.bucket + 1)) else { return };
        let (start, end) = (begin(*head), begin(*next));
        let tags = self.entries.tags.get(start..end).unwrap_or_default();
        for (entry, _) in (start..).zip(tags).filter(|(_, found)| **found == at.tag) {
            let Some(entry) = self.entries.get(entry).filter(|entry| entry.place == at.place) else { continue };
            if let Some(kind) = self.kind_table.get(usize::from(entry.kind)) {
                each(entry.rule, *kind);
            }
        }
    }

    /// From when and until when (not included) the rule matches.
    pub(crate) fn valid(&self, rule: u32) -> [Timestamp; 2] {
        self.valid.get(rule as usize).copied().unwrap_or(BLANK).map(Timestamp::from_micros)
    }

    /// The rule's key.
    pub(crate) fn key(&self, rule: u32) -> String {
        self.keys.key(rule as usize)
    }

    /// The rule of a key, if it counts.
    pub(crate) fn rule(&self, key: &str) -> Option<u32> {
        let rule = self.keys.find(key).filter(|rule| self.valid.get(*rule).is_some_and(|valid| *valid != BLANK))?;
        u32::try_from(rule).ok()
    }

    /// Rules by the places of their keys, from their parts; `domains` are those that occur.
    fn of(seed: u64, entries: Entries, kind_table: Vec<Kind>, keys: Keys, valid: Vec<[i64; 2]>, domains: u8) -> Self {
        let (buckets, valid) = (build::buckets(&entries).into(), valid.into());
        let table = Self { seed, buckets, entries, kind_table, keys, valid, domains, ..Self::default() };
        table.counted()
    }

    /// What follows from its parts.
    fn counted(mut self) -> Self {
        self.held = self.valid.iter().filter(|valid| **valid != BLANK).count();
        self.fields = self.kind_table.iter().fold(0, |fields, kind| fields | kind.fields);
        self.below = self.kind_table.iter().any(|kind| kind.below);
        self
    }
}

/// Where a value lies, and by what it is known there.
fn hash(seed: u64, domain: Domain, value: &[u8]) -> (u32, u64) {
    let seed = seed.wrapping_add((domain as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let both = xxh3_128_with_seed(value, seed).to_le_bytes();
    let (tag, rest) = both.split_at(8);
    let tag = tag.try_into().map_or(0, u64::from_le_bytes);
    let place = rest.first_chunk().map_or(0, |place| u32::from_le_bytes(*place));
    (place, tag)
}

/// The bucket, of so many: in the order of the places.
fn bucket_of(place: u32, count: usize) -> usize {
    let product = u64::from(place) * (count as u64);
    usize::try_from(product >> 32).unwrap_or(0)
}

/// The three bits of 32 by which a bucket says that it may hold a value.
fn signs(tag: u64) -> u32 {
    [tag, tag >> 5, tag >> 10].into_iter().fold(0, |signs, bits| signs | 1 << (bits & 31))
}

fn begin(head: u64) -> usize {
    usize::try_from(head & u64::from(u32::MAX)).unwrap_or(0)
}
