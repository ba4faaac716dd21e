//! Builds the table: entries as they come, then sorted into buckets.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use model::time::Timestamp;

use super::keys::{Packed, Packing, renumbered};
use super::{BLANK, Domain, Entries, Entry, ExactTable, Kind, begin, bucket_of, hash, signs};

/// Entries of a bucket, on average.
const BUCKET_ENTRIES: usize = 4;
/// As many entries take longer to sort than a thread takes to start, many times over.
const THREAD_ENTRIES: usize = 10_000;
/// The number of a rule that is there no longer.
pub(super) const GONE: u32 = u32::MAX;

/// A table in the making.
#[derive(Debug)]
pub(crate) struct Builder {
    seed: u64,
    entries: Vec<Entry>,
    kinds: HashMap<Kind, u8>,
    kind_table: Vec<Kind>,
    packing: Packing,
    keys: Vec<Packed>,
    valid: Vec<[i64; 2]>,
    domains: u8,
}

impl Default for Builder {
    fn default() -> Self {
        // A seed that nobody knows beforehand: values that share a bucket cannot be made up.
        Self::with_seed(RandomState::new().hash_one(0))
    }
}

impl Builder {
    /// A table to be merged with others of that seed.
    pub(crate) fn with_seed(seed: u64) -> Self {
        Self {
            seed,
            entries: Vec::new(),
            kinds: HashMap::new(),
            kind_table: Vec::new(),
            packing: Packing::default(),
            keys: Vec::new(),
            valid: Vec::new(),
            domains: 0,
        }
    }

    /// Begins a rule; of two with the same key the last counts. None if there is no room for one more.
    pub(crate) fn rule(&mut self, key: &str, valid_from: Timestamp, valid_until: Timestamp) -> Option<u32> {
        let number = u32::try_from(self.keys.len()).ok()?;
        self.keys.push(self.packing.pack(key));
        self.valid.push([valid_from.micros(), valid_until.micros()]);
        Some(number)
    }

    /// A rule of that key is held elsewhere: what was said of the key before counts no longer.
    pub(crate) fn blank(&mut self, key: &str) {
        if !self.keys.is_empty() {
            self.keys.push(self.packing.pack(key));
            self.valid.push(BLANK);
        }
    }

    /// Adds a value of a rule. False if it has no room (there are 256 kinds): the rule must be held elsewhere.
    pub(crate) fn value(&mut self, rule: u32, domain: Domain, value: &[u8], kind: Kind) -> bool {
        let (place, tag) = hash(self.seed, domain, value);
        self.domains |= domain.bit();
        // `= 'name' OR LIKE '%.name'` is one entry.
        if let Some(last) = self.entries.last_mut()
            && (last.rule, last.place, last.tag) == (rule, place, tag)
            && let Some(before) = self.kind_table.get(usize::from(last.kind)).copied()
            && before.fields == kind.fields
        {
            let both = Kind { itself: before.itself || kind.itself, below: before.below || kind.below, ..kind };
            let Some(both) = number(&mut self.kinds, &mut self.kind_table, both) else { return false };
            last.kind = both;
            return true;
        }
        let Some(kind) = number(&mut self.kinds, &mut self.kind_table, kind) else { return false };
        self.entries.push(Entry { place, tag, rule, kind });
        true
    }

    pub(crate) fn finish(self) -> ExactTable {
        let Self { seed, mut entries, kind_table, packing, keys, valid, domains, .. } = self;
        let (mut names, others) = packing.finish();
        let (order, numbers) = beside(entries.len(), || entries.sort_unstable(), || ordered(&keys, &others));
        let (prefix, number): (Vec<_>, Vec<_>) = order.iter().map(|(key, _)| *key).unzip();
        (names.prefix, names.number) = (prefix.into(), number.into());
        let valid = order.iter().filter_map(|(_, rule)| valid.get(*rule as usize)).copied().collect();
        drop((keys, order));
        let mut sorted = Entries::with_capacity(entries.len());
        for value in entries.chunk_by_mut(|a, b| (a.place, a.tag) == (b.place, b.tag)) {
            for entry in &mut *value {
                entry.rule = numbers.get(entry.rule as usize).copied().unwrap_or(GONE);
            }
            value.sort_unstable();
            value.iter().filter(|entry| entry.rule != GONE).for_each(|entry| sorted.push(*entry));
        }
        ExactTable::of(seed, sorted, kind_table, names, valid, domains)
    }
}

/// Does both: they do not hang on each other. With so many entries that a thread is worth its while, each takes a core.
fn beside<T>(entries: usize, one: impl FnOnce() + Send, other: impl FnOnce() -> T) -> T {
    if entries < THREAD_ENTRIES {
        one();
        return other();
    }
    std::thread::scope(|scope| {
        let doing = scope.spawn(one);
        let done = other();
        if let Err(panic) = doing.join() {
            std::panic::resume_unwind(panic);
        }
        done
    })
}

fn number(kinds: &mut HashMap<Kind, u8>, table: &mut Vec<Kind>, kind: Kind) -> Option<u8> {
    if let Some(number) = kinds.get(&kind) {
        return Some(*number);
    }
    let number = u8::try_from(table.len()).ok()?;
    table.push(kind);
    kinds.insert(kind, number);
    Some(number)
}

/// The rules in the order of their keys, each key once, by the last of its rules; and for each rule as it came its place
/// there, or [`GONE`] if a later one replaced it.
fn ordered(keys: &[Packed], others: &[u128]) -> (Vec<(Packed, u32)>, Vec<u32>) {
    let mut order: Vec<(Packed, u32)> = keys.iter().map(|key| renumbered(*key, others)).zip(0..).collect();
    order.sort_unstable();
    let mut last: Vec<(Packed, u32)> = Vec::with_capacity(order.len());
    for (key, rule) in order {
        match last.last_mut() {
            Some(same) if same.0 == key => same.1 = rule,
            _ => last.push((key, rule)),
        }
    }
    let mut numbers = vec![GONE; keys.len()];
    for (number, (_, rule)) in (0..).zip(&last) {
        if let Some(place) = numbers.get_mut(*rule as usize) {
            *place = number;
        }
    }
    (last, numbers)
}

/// The heads of the buckets of entries whose places ascend.
pub(super) fn buckets(entries: &Entries) -> Vec<u64> {
    let count = entries.places.len().div_ceil(BUCKET_ENTRIES);
    let mut buckets = vec![0_u64; count + 1];
    for (place, tag) in entries.places.iter().zip(entries.tags.iter()) {
        if let Some(head) = buckets.get_mut(bucket_of(*place, count)) {
            *head += 1; // how many, for now
            *head |= u64::from(signs(*tag)) << 32;
        }
    }
    let mut start = 0_u64;
    for head in &mut buckets {
        let many = begin(*head) as u64;
        *head = (*head & !u64::from(u32::MAX)) | start;
        start += many;
    }
    buckets
}
