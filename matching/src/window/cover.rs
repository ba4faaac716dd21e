//! Different observations for all that a pattern binds: a matching between the units of slots and observations.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;

/// A remembered observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    /// Microseconds since the epoch.
    pub(super) time: i64,
    /// The tracker's own number of it: of two with the same one, both are the same observation.
    pub(super) number: u64,
    /// Ordinal in its input.
    pub(super) record: u64,
}

/// So many observations, each of one of the leaves, within a stretch of time, both ends included.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) leaves: Range<usize>,
    pub(super) times: u64,
    pub(super) from: i64,
    pub(super) to: i64,
}

/// What is remembered of a pattern, and the steps that a search in it may still take.
pub(super) struct Remembered<'a> {
    /// Observations that satisfy each leaf, in the order of time and number.
    pub(super) leaves: &'a [VecDeque<Entry>],
    pub(super) steps_left: u64,
}

impl<'a> Remembered<'a> {
    pub(super) fn spend(&mut self, steps: usize) -> bool {
        self.steps_left = self.steps_left.saturating_sub(u64::try_from(steps).unwrap_or(u64::MAX));
        self.steps_left > 0
    }

    /// Those of some leaves from `from` to `to`, both included: leaf by leaf, each in the order of time.
    pub(super) fn between(
        &self,
        leaves: Range<usize>,
        from: i64,
        to: i64,
    ) -> impl Iterator<Item = &'a Entry> + use<'a> {
        let leaves = self.leaves.get(leaves).unwrap_or_default();
        leaves.iter().flat_map(move |entries| {
            let first = entries.partition_point(|entry| entry.time < from);
            entries.range(first..).take_while(move |entry| entry.time <= to)
        })
    }

    /// How many different observations all leaves have.
    pub(super) fn different(&self, from: i64, to: i64) -> usize {
        let all = self.between(0..self.leaves.len(), from, to);
        match self.leaves {
            [_] => all.count(),
            _ => all.map(|entry| entry.number).collect::<HashSet<_>>().len(),
        }
    }

    /// The times at which observations of some leaves lie, from `from` to `to`, both included, ascending.
    pub(super) fn times(&mut self, leaves: Range<usize>, from: i64, to: i64) -> Vec<i64> {
        let mut times: Vec<i64> = self.between(leaves, from, to).map(|entry| entry.time).collect();
        self.spend(times.len());
        times.sort_unstable();
        times.dedup();
        times
    }

    /// Different observations for all units of all slots. With `bound`, the observation of that number has one unit of the
    /// slot at that place already, and the result are the others.
    pub(super) fn cover(&mut self, slots: &[Slot], bound: Option<(usize, u64)>) -> Option<Vec<Entry>> {
        let mut matching = Matching { kept: bound.map(|(_, number)| number), ..Matching::default() };
        let mut missing = Vec::new();
        for (place, slot) in slots.iter().enumerate() {
            let taken = bound.is_some_and(|(bound, _)| bound == place);
            let mut left = slot.times.saturating_sub(u64::from(taken));
            for entry in self.between(slot.leaves.clone(), slot.from, slot.to) {
                if left == 0 || !self.spend(1) {
                    break;
                }
                if matching.kept != Some(entry.number) && !matching.owner.contains_key(&entry.number) {
                    matching.bound.push((place, *entry));
                    matching.owner.insert(entry.number, matching.bound.len() - 1);
                    left -= 1;
                }
            }
            missing.extend((0..left).map(|_| place));
        }
        for place in missing {
            if !self.augment(slots, &mut matching, place) {
                return None;
            }
        }
        Some(matching.bound.into_iter().map(|(_, entry)| entry).collect())
    }

    /// One more unit of the slot at `wanting`: some units change their observations so that one becomes free (breadth first).
    fn augment(&mut self, slots: &[Slot], matching: &mut Matching, wanting: usize) -> bool {
        // For each observation reached: the unit that would take it, none for the new one.
        let mut takers: HashMap<u64, Option<usize>> = HashMap::new();
        let mut asked: HashSet<usize> = HashSet::new();
        let mut queue = VecDeque::from([(wanting, None)]);
        while let Some((place, unit)) = queue.pop_front() {
            // Another unit of the same slot reaches nothing new.
            let Some(slot) = slots.get(place).filter(|_| asked.insert(place)) else { continue };
            for entry in self.between(slot.leaves.clone(), slot.from, slot.to) {
                if !self.spend(1) {
                    return false;
                }
                if matching.kept == Some(entry.number) || takers.contains_key(&entry.number) {
                    continue;
                }
                takers.insert(entry.number, unit);
                let Some(owner) = matching.owner.get(&entry.number).copied() else {
                    matching.shift(wanting, *entry, &takers);
                    return true;
                };
                queue.extend(matching.bound.get(owner).map(|(held_by, _)| (*held_by, Some(owner))));
            }
        }
        false
    }
}

/// Which observation each unit of a slot has.
#[derive(Debug, Default)]
struct Matching {
    /// Slot and observation of each unit.
    bound: Vec<(usize, Entry)>,
    /// Unit of each observation by its number.
    owner: HashMap<u64, usize>,
    /// Number of an observation that is given already.
    kept: Option<u64>,
}

impl Matching {
    /// Gives the free observation to its taker, what that one had to its own taker, and so on to the new unit of `slot`.
    fn shift(&mut self, slot: usize, free: Entry, takers: &HashMap<u64, Option<usize>>) {
        let mut entry = free;
        while let Some(unit) = takers.get(&entry.number).copied().flatten() {
            let Some((_, held)) = self.bound.get_mut(unit) else { return };
            self.owner.insert(entry.number, unit);
            std::mem::swap(held, &mut entry);
        }
        self.owner.insert(entry.number, self.bound.len());
        self.bound.push((slot, entry));
    }
}
