//! Is there a match among the remembered observations that binds a given one?
//!
//! WITHIN, FOLLOWEDBY and START/STOP only say in which stretch of time each leaf's observations lie, once it is chosen when a
//! WITHIN begins and when a FOLLOWEDBY turns. So the search runs over these choices (and the branches of OR), each tried
//! only where the leaves have enough observations; what is left is that operands bind different observations, which is
//! a matching between slots and observations. Every step is counted against a bound.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Shape, least};

/// Patterns that need so many observations are searched for only where there are so many different ones.
const COUNTED_FROM: u64 = 4;

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

/// What is still to be bound: a list on the stack.
#[derive(Clone, Copy)]
struct Pending<'a> {
    what: What<'a>,
    from: i64,
    to: i64,
    next: Option<&'a Pending<'a>>,
}

/// `copies` are so many matches without a common observation. They are interchangeable, so only one order of them is tried.
#[derive(Clone, Copy)]
enum What<'a> {
    /// With `must`, the one copy binds the wanted observation if the pinned leaf is in it.
    All {
        parts: &'a [Shape],
        copies: u64,
        must: bool,
    },
    Any {
        parts: &'a [Shape],
        copies: u64,
    },
    /// A FOLLOWEDBY whose turn is no earlier than `turn_from`.
    Turning {
        both: &'a (Shape, Shape),
        copies: u64,
        turn_from: i64,
    },
    One {
        shape: &'a Shape,
        copies: u64,
    },
}

/// One search: for a match of a shape that binds `wanted`.
pub(super) struct Search<'a> {
    /// Observations that satisfy each leaf, in the order of time and number.
    leaves: &'a [VecDeque<Entry>],
    wanted: Entry,
    /// The leaf that the wanted observation is bound to.
    pinned: usize,
    steps_left: u64,
    /// Different observations that any leaf has, once somebody asked.
    available: Option<u64>,
    slots: Vec<Slot>,
    found: Option<Vec<Entry>>,
}

impl<'a> Search<'a> {
    pub(super) fn new(leaves: &'a [VecDeque<Entry>], wanted: Entry, steps: u64) -> Self {
        Self { leaves, wanted, pinned: 0, steps_left: steps, available: None, slots: Vec::new(), found: None }
    }

    /// Runs it; no two observations of a match are further apart than `span_us`, and it binds `least` or more.
    pub(super) fn run(mut self, shape: &Shape, span_us: i64, least: u64) -> Outcome {
        let time = self.wanted.time;
        let (from, to) = (time.saturating_sub(span_us), time.saturating_add(span_us));
        // Counting the different ones costs more than a search for few.
        let enough = || {
            least < COUNTED_FROM || u64::try_from(self.different(from, to)).is_ok_and(|different| different >= least)
        };
        if enough() && self.earliest(shape, 1, from).is_some_and(|end| end <= to) {
            let leaves: &'a [VecDeque<Entry>] = self.leaves;
            let wanted = self.wanted;
            for (leaf, _) in leaves.iter().enumerate().filter(|(_, entries)| entries.binary_search(&wanted).is_ok()) {
                self.pinned = leaf;
                if self.around(shape, span_us) {
                    break;
                }
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

    /// A match in one of the stretches of time that hold the wanted observation.
    fn around(&mut self, shape: &Shape, span_us: i64) -> bool {
        let time = self.wanted.time;
        let from = time.saturating_sub(span_us);
        let last = self.leaves.iter().filter_map(|entries| entries.back()).map(|entry| entry.time).max();
        let to = last.unwrap_or(time).min(time.saturating_add(span_us));
        if to <= time {
            return self.fits(shape, 1, from, time, true, None); // as when observations come in order
        }
        let starts = self.times(shape, from, time);
        starts.into_iter().any(|start| self.fits(shape, 1, start, to.min(start.saturating_add(span_us)), true, None))
    }

    /// Are there so many different observations at all? A search that cannot end well would use up the steps of those beside it.
    fn are_enough(&mut self, wanted: u64) -> bool {
        if wanted < COUNTED_FROM {
            return true;
        }
        let available = match self.available {
            Some(available) => available,
            None => u64::try_from(self.different(i64::MIN, i64::MAX)).unwrap_or(u64::MAX),
        };
        self.available = Some(available);
        wanted <= available
    }

    /// How many different observations all leaves have.
    fn different(&self, from: i64, to: i64) -> usize {
        if let [_] = self.leaves {
            return self.between(0, from, to).count();
        }
        let leaves = 0..self.leaves.len();
        leaves.flat_map(|leaf| self.between(leaf, from, to)).map(|entry| entry.number).collect::<HashSet<_>>().len()
    }

    fn spend(&mut self, steps: usize) -> bool {
        self.steps_left = self.steps_left.saturating_sub(u64::try_from(steps).unwrap_or(u64::MAX));
        self.steps_left > 0
    }

    fn pending(&mut self, pending: Option<&Pending<'_>>) -> bool {
        let Some(Pending { what, from, to, next }) = pending.copied() else { return self.assign() };
        match what {
            What::All { parts: [], .. } => self.pending(next),
            What::All { parts: [first, rest @ ..], copies, must } => {
                let after = Pending { what: What::All { parts: rest, copies, must }, from, to, next };
                self.fits(first, copies, from, to, must && has(first, self.pinned), Some(&after))
            }
            What::Any { parts, copies } => self.any(parts, copies, from, to, next),
            What::Turning { both, copies, turn_from } => self.turning(both, copies, turn_from, (from, to), false, next),
            What::One { shape, copies } => self.fits(shape, copies, from, to, false, next),
        }
    }

    /// Can so many copies of `shape` be bound from `from` to `to`, both included, and all of `next` too? With `must`, the one
    /// copy binds the wanted observation.
    fn fits(&mut self, shape: &Shape, copies: u64, from: i64, to: i64, must: bool, next: Option<&Pending<'_>>) -> bool {
        if copies == 0 {
            return self.pending(next);
        }
        if must && !(from..=to).contains(&self.wanted.time) {
            return false;
        }
        if !self.spend(1) || self.earliest(shape, copies, from).is_none_or(|end| end > to) {
            return false;
        }
        let must = must && copies == 1;
        match shape {
            Shape::Leaf { leaf, times } => {
                self.slots.push(Slot { leaf: *leaf, times: times.saturating_mul(copies), from, to });
                // Slots that cannot all be filled now cannot be later.
                let fits = (self.slots.len() == 1 || self.cover(None).is_some()) && self.pending(next);
                self.slots.pop();
                fits
            }
            Shape::And(parts) => {
                self.pending(Some(&Pending { what: What::All { parts, copies, must }, from, to, next }))
            }
            Shape::Or(parts) if must => match parts.iter().find(|part| has(part, self.pinned)) {
                Some(part) => self.fits(part, 1, from, to, true, next),
                None => false,
            },
            Shape::Or(parts) => self.any(parts, copies, from, to, next),
            Shape::Repeat(times, inner) => {
                if !self.are_enough(least(shape).saturating_mul(copies)) {
                    return false;
                }
                let copies = times.saturating_mul(copies);
                self.fits(inner, copies, from, to, must && copies == 1, next)
            }
            Shape::During(start, stop, inner) => {
                self.fits(inner, copies, from.max(*start), to.min(stop.saturating_sub(1)), must, next)
            }
            Shape::Within(micros, inner) => self.within(shape, (*micros, inner), copies, (from, to), must, next),
            Shape::Followed(both) => self.turning(both, copies, i64::MIN, (from, to), must, next),
        }
    }

    /// Some copies are of the first part, the others of the rest.
    fn any(&mut self, parts: &[Shape], copies: u64, from: i64, to: i64, next: Option<&Pending<'_>>) -> bool {
        let Some((first, rest)) = parts.split_first() else { return copies == 0 && self.pending(next) };
        (0..=copies).rev().any(|of_first| {
            let after = Pending { what: What::Any { parts: rest, copies: copies - of_first }, from, to, next };
            self.spend(1) && self.fits(first, of_first, from, to, false, Some(&after))
        })
    }

    /// The copies in the order of their first observations.
    fn within(
        &mut self,
        whole: &Shape,
        (micros, inner): (i64, &Shape),
        copies: u64,
        (from, to): (i64, i64),
        must: bool,
        next: Option<&Pending<'_>>,
    ) -> bool {
        if to.saturating_sub(from) <= micros {
            return self.fits(inner, copies, from, to, must, next);
        }
        let Some(last) = self.latest(inner, copies, to) else { return false };
        let time = self.wanted.time;
        let (from, last) = if must { (from.max(time.saturating_sub(micros)), last.min(time)) } else { (from, last) };
        self.times(inner, from, last).into_iter().any(|start| {
            let what = What::One { shape: whole, copies: copies - 1 };
            let after = Pending { what, from: start, to, next };
            self.fits(inner, 1, start, to.min(start.saturating_add(micros)), must, Some(&after))
        })
    }

    /// The copies in the order of their turns: the last observation of the first side.
    fn turning(
        &mut self,
        both: &(Shape, Shape),
        copies: u64,
        turn_from: i64,
        (from, to): (i64, i64),
        must: bool,
        next: Option<&Pending<'_>>,
    ) -> bool {
        let Some(left) = copies.checked_sub(1) else { return self.pending(next) };
        let (Some(first), Some(last)) = (self.earliest(&both.0, 1, from), self.latest(&both.1, copies, to)) else {
            return false;
        };
        let first = first.max(turn_from);
        let (must_before, must_after) = (must && has(&both.0, self.pinned), must && has(&both.1, self.pinned));
        let first = if must_before { first.max(self.wanted.time) } else { first };
        let last = if must_after { last.min(self.wanted.time) } else { last };
        self.times(&both.0, first, last).into_iter().any(|turn| {
            let others = Pending { what: What::Turning { both, copies: left, turn_from: turn }, from, to, next };
            let what = What::All { parts: std::slice::from_ref(&both.1), copies: 1, must: must_after };
            let later = Pending { what, from: turn, to, next: Some(&others) };
            self.fits(&both.0, 1, from, turn, must_before, Some(&later))
        })
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

    /// No binding of so many copies of `shape` from `from` on ends before this; none if there is no binding. Says nothing of
    /// WITHIN and little of different observations, so a binding may end later or not be.
    fn earliest(&mut self, shape: &Shape, copies: u64, from: i64) -> Option<i64> {
        self.spend(1);
        match shape {
            Shape::Leaf { leaf, times } => {
                let entries = self.leaves.get(*leaf)?;
                let first = entries.partition_point(|entry| entry.time < from);
                let wanted = usize::try_from(times.saturating_mul(copies)).ok()?;
                let last = first.checked_add(wanted)?.checked_sub(1)?;
                entries.get(last).map(|entry| entry.time)
            }
            Shape::And(parts) => {
                parts.iter().try_fold(from, |end, part| Some(end.max(self.earliest(part, copies, from)?)))
            }
            Shape::Or(parts) => parts.iter().filter_map(|part| self.earliest(part, 1, from)).min(),
            Shape::Followed(both) => {
                self.earliest(&both.0, copies, from)?;
                let turn = self.earliest(&both.0, 1, from)?;
                self.earliest(&both.1, copies, turn)
            }
            Shape::Within(_, inner) => self.earliest(inner, copies, from),
            Shape::Repeat(times, inner) => self.earliest(inner, times.saturating_mul(copies), from),
            Shape::During(start, stop, inner) => {
                self.earliest(inner, copies, from.max(*start)).filter(|end| end < stop)
            }
        }
    }

    /// No binding of so many copies of `shape` up to `to` begins after this.
    fn latest(&mut self, shape: &Shape, copies: u64, to: i64) -> Option<i64> {
        self.spend(1);
        match shape {
            Shape::Leaf { leaf, times } => {
                let entries = self.leaves.get(*leaf)?;
                let behind = entries.partition_point(|entry| entry.time <= to);
                let first = behind.checked_sub(usize::try_from(times.saturating_mul(copies)).ok()?)?;
                entries.get(first).map(|entry| entry.time)
            }
            Shape::And(parts) => {
                parts.iter().try_fold(to, |start, part| Some(start.min(self.latest(part, copies, to)?)))
            }
            Shape::Or(parts) => parts.iter().filter_map(|part| self.latest(part, 1, to)).max(),
            Shape::Followed(both) => {
                self.latest(&both.1, copies, to)?;
                let turn = self.latest(&both.1, 1, to)?;
                self.latest(&both.0, copies, turn)
            }
            Shape::Within(_, inner) => self.latest(inner, copies, to),
            Shape::Repeat(times, inner) => self.latest(inner, times.saturating_mul(copies), to),
            Shape::During(start, stop, inner) => {
                self.latest(inner, copies, to.min(stop.saturating_sub(1))).filter(|first| first >= start)
            }
        }
    }

    /// Gives every slot its own observations, one slot the wanted one.
    fn assign(&mut self) -> bool {
        for place in 0..self.slots.len() {
            let holds_wanted = self
                .slots
                .get(place)
                .is_some_and(|slot| slot.leaf == self.pinned && (slot.from..=slot.to).contains(&self.wanted.time));
            if !self.spend(1) {
                return false;
            }
            if holds_wanted && let Some(mut found) = self.cover(Some(place)) {
                found.push(self.wanted);
                self.found = Some(found);
                return true;
            }
        }
        false
    }

    /// Different observations for all units of all slots; given a place, the wanted one is in the slot there and the result
    /// are the others.
    fn cover(&mut self, place: Option<usize>) -> Option<Vec<Entry>> {
        let mut matching = Matching { kept: place.map(|_| self.wanted.number), ..Matching::default() };
        let mut missing = Vec::new();
        for (number, slot) in self.slots.clone().into_iter().enumerate() {
            let mut left = slot.times - u64::from(place == Some(number));
            for entry in self.between(slot.leaf, slot.from, slot.to) {
                if left == 0 || !self.spend(1) {
                    break;
                }
                if matching.kept != Some(entry.number) && !matching.owner.contains_key(&entry.number) {
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
        Some(matching.bound.into_iter().map(|(_, entry)| entry).collect())
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
                if matching.kept == Some(entry.number) || takers.contains_key(&entry.number) {
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

/// Is the leaf part of the shape?
fn has(shape: &Shape, wanted: usize) -> bool {
    match shape {
        Shape::Leaf { leaf, .. } => *leaf == wanted,
        Shape::And(parts) | Shape::Or(parts) => parts.iter().any(|part| has(part, wanted)),
        Shape::Followed(both) => has(&both.0, wanted) || has(&both.1, wanted),
        Shape::Within(_, inner) | Shape::During(_, _, inner) | Shape::Repeat(_, inner) => has(inner, wanted),
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
