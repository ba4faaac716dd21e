//! Two tables become one, without the values.

use std::collections::HashSet;

use super::build::GONE;
use super::{BLANK, Entries, Entry, ExactTable, Kind};

impl ExactTable {
    /// The rules of both, without those of `self` that are `gone`; of two with one key that of `newer`. None if they do not fit
    /// into one: they stay two then.
    pub(crate) fn merged(&self, newer: &Self, gone: &HashSet<u32>) -> Option<Self> {
        let counts = |table: &Self, rule: usize| table.valid.get(rule).is_some_and(|valid| *valid != BLANK);
        let is_gone = |rule: usize| u32::try_from(rule).is_ok_and(|rule| gone.contains(&rule));
        let stays = |rule: usize| counts(self, rule) && !is_gone(rule);
        let merged = self.keys.merged(&newer.keys, stays, |rule| counts(newer, rule))?;
        let mut valid = vec![BLANK; merged.keys.number.len()];
        for (table, places) in [(self, &merged.old), (newer, &merged.new)] {
            for (place, times) in places.iter().zip(table.valid.iter()).filter(|(place, _)| **place != GONE) {
                *valid.get_mut(*place as usize)? = *times;
            }
        }
        let (kind_table, kinds) = united(&self.kind_table, &newer.kind_table)?;
        let old = (0..).map_while(|at| self.entries.get(at)).filter_map(|entry| moved(entry, &merged.old));
        let new = (0..).map_while(|at| newer.entries.get(at)).filter_map(|entry| {
            Some(Entry { kind: *kinds.get(usize::from(entry.kind))?, ..moved(entry, &merged.new)? })
        });
        let entries = in_order(old, new, self.entries.tags.len() + newer.entries.tags.len());
        let domains = self.domains | newer.domains;
        let seed = newer.seed().unwrap_or(self.seed);
        Some(Self::of(seed, entries, kind_table, merged.keys, valid, domains))
    }
}

/// The entry of a rule that has another number now; none if the rule is gone.
fn moved(entry: Entry, places: &[u32]) -> Option<Entry> {
    let rule = places.get(entry.rule as usize).copied().filter(|place| *place != GONE)?;
    Some(Entry { rule, ..entry })
}

/// The kinds of both, and the numbers that those of `newer` have there.
fn united(older: &[Kind], newer: &[Kind]) -> Option<(Vec<Kind>, Vec<u8>)> {
    let mut all = older.to_vec();
    let mut numbers = Vec::with_capacity(newer.len());
    for kind in newer {
        let known = all.iter().position(|known| known == kind);
        numbers.push(u8::try_from(known.unwrap_or(all.len())).ok()?);
        if known.is_none() {
            all.push(*kind);
        }
    }
    Some((all, numbers))
}

/// Both ascend, and so do all.
fn in_order(old: impl Iterator<Item = Entry>, new: impl Iterator<Item = Entry>, capacity: usize) -> Entries {
    let (mut old, mut new) = (old.peekable(), new.peekable());
    let mut all = Entries::with_capacity(capacity);
    loop {
        let next = match (old.peek(), new.peek()) {
            (Some(a), Some(b)) if (b.place, b.tag) < (a.place, a.tag) => new.next(),
            (Some(_), _) => old.next(),
            (None, _) => new.next(),
        };
        match next {
            Some(entry) => all.push(entry),
            None => return all,
        }
    }
}
