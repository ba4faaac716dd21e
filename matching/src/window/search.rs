//! Is there a match among the remembered observations that binds a given one?
//!
//! WITHIN, FOLLOWEDBY and START/STOP only say in which stretch of time each leaf's observations lie, once it is chosen when a
//! WITHIN begins and when a FOLLOWEDBY turns. So the search runs over these choices (and the branches of OR), each tried
//! only where the leaves have enough observations; what is left is that operands bind different observations, which is
//! a matching between slots and observations. Every step is counted against a bound.

use std::collections::{HashMap, HashSet, VecDeque};

use super::Shape;

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

/// What a search found.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The observations of a match, in the order of time.
    Found(Vec<Entry>),
    /// There is none.
    None,
    /// The bound on steps was reached.
    Exhausted,
}

/// So many observations of a leaf, within a stretch of time.
#[derive(Debug, Clone, Copy)]
struct Slot {
    leaf: usize,
    times: u64,
    from: i64,
    to: i64,
}

/// What is still to be chosen: a list on the stack.
struct Pending<'a> {
    what: What<'a>,
    from: i64,
    to: i64,
    next: Option<&'a Pending<'a>>,
}

#[derive(Clone, Copy)]
enum What<'a> {
    All(&'a [Shape]),
    Copies(&'a Shape, u64),
}

/// One search: for a match of a shape that binds `wanted`.
pub(super) struct Search<'a> {
    /// Observations that satisfy each leaf, in the order of time and number.
    leaves: &'a [VecDeque<Entry>],
    wanted: Entry,
    steps_left: u64,
    slots: Vec<Slot>,
    found: Option<Vec<Entry>>,
}

impl<'a> Search<'a> {
    pub(super) fn new(leaves: &'a [VecDeque<Entry>], wanted: Entry, steps: u64) -> Self {
        Self { leaves, wanted, steps_left: steps, slots: Vec::new(), found: None }
    }

    /// Runs it; no two observations of a match are further apart than `span_us`.
    pub(super) fn run(mut self, shape: &Shape, span_us: i64) -> Outcome {
        let time = self.wanted.time;
        for start in self.times(shape, time.saturating_sub(span_us), time) {
            if self.fits(shape, start, start.saturating_add(span_us), None) {
                break;
            }
        }
        match self.found {
            Some(mut found) => {
                found.sort_unstable();
                Outcome::Found(found)
            }
            None if self.steps_left == 0 => Outcome::Exhausted,
            None => Outcome::None,
        }
    }

    fn spend(&mut self, steps: usize) -> bool {
        self.steps_left = self.steps_left.saturating_sub(u64::try_from(steps).unwrap_or(u64::MAX));
        self.steps_left > 0
    }

    fn pending(&mut self, pending: Option<&Pending<'_>>) -> bool {
        let Some(Pending { what, from, to, next }) = pending else { return self.assign() };
        match what {
            What::All([]) | What::Copies(_, 0) => self.pending(*next),
            What::All([first, rest @ ..]) => {
                let after = Pending { what: What::All(rest), from: *from, to: *to, next: *next };
                self.fits(first, *from, *to, Some(&after))
            }
            What::Copies(shape, times) => {
                let after = Pending { what: What::Copies(shape, times - 1), from: *from, to: *to, next: *next };
                self.fits(shape, *from, *to, Some(&after))
            }
        }
    }

    /// Can `shape` be bound from `from` to `to`, both included, and all of `next` too?
    fn fits(&mut self, shape: &Shape, from: i64, to: i64, next: Option<&Pending<'_>>) -> bool {
        if !self.spend(1) || self.earliest(shape, from).is_none_or(|end| end > to) {
            return false;
        }
        match shape {
            Shape::Leaf { leaf, times } => {
                self.slots.push(Slot { leaf: *leaf, times: *times, from, to });
                let fits = self.pending(next);
                self.slots.pop();
                fits
            }
            Shape::And(parts) => self.pending(Some(&Pending { what: What::All(parts), from, to, next })),
            Shape::Or(parts) => parts.iter().any(|part| self.fits(part, from, to, next)),
            Shape::Repeat(times, inner) => {
                self.pending(Some(&Pending { what: What::Copies(inner, *times), from, to, next }))
            }
            Shape::During(start, stop, inner) => {
                self.fits(inner, from.max(*start), to.min(stop.saturating_sub(1)), next)
            }
            Shape::Within(micros, inner) => {
                if to.saturating_sub(from) <= *micros {
                    return self.fits(inner, from, to, next);
                }
                let Some(last) = self.latest(inner, to) else { return false };
                let starts = self.times(inner, from, last);
                starts.into_iter().any(|start| self.fits(inner, start, to.min(start.saturating_add(*micros)), next))
            }
            Shape::Followed(both) => {
                let (Some(first), Some(last)) = (self.earliest(&both.0, from), self.latest(&both.1, to)) else {
                    return false;
                };
                let turns = self.times(&both.0, first, last);
                turns.into_iter().any(|turn| {
                    let later = std::slice::from_ref(&both.1);
                    let after = Pending { what: What::All(later), from: turn, to, next };
                    self.fits(&both.0, from, turn, Some(&after))
                })
            }
        }
    }

    /// The times at which observations of `shape` lie, from `from` to `to`, both included, ascending.
    fn times(&mut self, shape: &Shape, from: i64, to: i64) -> Vec<i64> {
        let mut times = Vec::new();
        self.collect_times(shape, from, to, &mut times);
        self.spend(times.len());
        times.sort_unstable();
        times.dedup();
        times
    }

    fn collect_times(&self, shape: &Shape, from: i64, to: i64, times: &mut Vec<i64>) {
        match shape {
            Shape::Leaf { leaf, .. } => times.extend(self.between(*leaf, from, to).map(|entry| entry.time)),
            Shape::And(parts) | Shape::Or(parts) => {
                parts.iter().for_each(|part| self.collect_times(part, from, to, times));
            }
            Shape::Followed(both) => {
                self.collect_times(&both.0, from, to, times);
                self.collect_times(&both.1, from, to, times);
            }
            Shape::Within(_, inner) | Shape::During(_, _, inner) | Shape::Repeat(_, inner) => {
                self.collect_times(inner, from, to, times);
            }
        }
    }

    fn between(&self, leaf: usize, from: i64, to: i64) -> impl Iterator<Item = &'a Entry> + use<'a> {
        let entries = self.leaves.get(leaf);
        entries.into_iter().flat_map(move |entries| {
            let first = entries.partition_point(|entry| entry.time < from);
            entries.range(first..).take_while(move |entry| entry.time <= to)
        })
    }

    /// No binding of `shape` from `from` on ends before this; none if there is no binding. Says nothing of WITHIN and of
    /// different observations, so a binding may end later or not be.
    fn earliest(&mut self, shape: &Shape, from: i64) -> Option<i64> {
        self.spend(1);
        match shape {
            Shape::Leaf { leaf, times } => {
                let entries = self.leaves.get(*leaf)?;
                let first = entries.partition_point(|entry| entry.time < from);
                let last = first.checked_add(usize::try_from(*times).ok()?)?.checked_sub(1)?;
                entries.get(last).map(|entry| entry.time)
            }
            Shape::And(parts) => parts.iter().try_fold(from, |end, part| Some(end.max(self.earliest(part, from)?))),
            Shape::Or(parts) => parts.iter().filter_map(|part| self.earliest(part, from)).min(),
            Shape::Followed(both) => {
                let turn = self.earliest(&both.0, from)?;
                self.earliest(&both.1, turn)
            }
            Shape::Within(_, inner) | Shape::Repeat(_, inner) => self.earliest(inner, from),
            Shape::During(start, stop, inner) => self.earliest(inner, from.max(*start)).filter(|end| end < stop),
        }
    }

    /// No binding of `shape` up to `to` begins after this.
    fn latest(&mut self, shape: &Shape, to: i64) -> Option<i64> {
        self.spend(1);
        match shape {
            Shape::Leaf { leaf, times } => {
                let entries = self.leaves.get(*leaf)?;
                let behind = entries.partition_point(|entry| entry.time <= to);
                let first = behind.checked_sub(usize::try_from(*times).ok()?)?;
                entries.get(first).map(|entry| entry.time)
            }
            Shape::And(parts) => parts.iter().try_fold(to, |start, part| Some(start.min(self.latest(part, to)?))),
            Shape::Or(parts) => parts.iter().filter_map(|part| self.latest(part, to)).max(),
            Shape::Followed(both) => {
                let turn = self.latest(&both.1, to)?;
                self.latest(&both.0, turn)
            }
            Shape::Within(_, inner) | Shape::Repeat(_, inner) => self.latest(inner, to),
            Shape::During(start, stop, inner) => {
                self.latest(inner, to.min(stop.saturating_sub(1))).filter(|first| first >= start)
            }
        }
    }

    /// Gives every slot its own observations, one slot the wanted one.
    fn assign(&mut self) -> bool {
        for place in 0..self.slots.len() {
            let holds_wanted = self.slots.get(place).is_some_and(|slot| {
                self.between(slot.leaf, slot.from, slot.to).any(|entry| entry.number == self.wanted.number)
            });
            if !self.spend(1) {
                return false;
            }
            if holds_wanted && let Some(found) = self.cover(place) {
                self.found = Some(found);
                return true;
            }
        }
        false
    }

    /// Different observations for all units of all slots, with the wanted one in the slot at `place`.
    fn cover(&mut self, place: usize) -> Option<Vec<Entry>> {
        let mut matching = Matching::default();
        let mut missing = Vec::new();
        for (number, slot) in self.slots.clone().into_iter().enumerate() {
            let mut left = slot.times - u64::from(number == place);
            for entry in self.between(slot.leaf, slot.from, slot.to) {
                if left == 0 || !self.spend(1) {
                    break;
                }
                if entry.number != self.wanted.number && !matching.owner.contains_key(&entry.number) {
                    matching.bound.push((number, *entry));
                    matching.owner.insert(entry.number, matching.bound.len() - 1);
                    left -= 1;
                }
            }
            missing.extend((0..left).map(|_| number));
        }
        for slot in missing {
            if !self.augment(&mut matching, slot) {
                return None;
            }
        }
        Some(matching.bound.into_iter().map(|(_, entry)| entry).chain([self.wanted]).collect())
    }

    /// One more unit of `slot`: some units change their observations so that one becomes free (breadth first).
    fn augment(&mut self, matching: &mut Matching, slot: usize) -> bool {
        // For each observation reached: the unit that would take it, none for the new one.
        let mut takers: HashMap<u64, Option<usize>> = HashMap::new();
        let mut asked: HashSet<usize> = HashSet::new();
        let mut queue = VecDeque::from([(slot, None)]);
        while let Some((place, unit)) = queue.pop_front() {
            // Another unit of the same slot reaches nothing new.
            let Some(asking) = self.slots.get(place).copied().filter(|_| asked.insert(place)) else { continue };
            for entry in self.between(asking.leaf, asking.from, asking.to) {
                if !self.spend(1) {
                    return false;
                }
                if entry.number == self.wanted.number || takers.contains_key(&entry.number) {
                    continue;
                }
                takers.insert(entry.number, unit);
                let Some(owner) = matching.owner.get(&entry.number).copied() else {
                    matching.shift(slot, *entry, &takers);
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
