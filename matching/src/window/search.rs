//! Is there a match among the remembered observations that binds a given one?
//!
//! WITHIN, FOLLOWEDBY and START/STOP only say in which stretch of time each leaf's observations lie, once it is chosen when a
//! WITHIN begins and when a FOLLOWEDBY turns. So the search runs over these choices (and the branches of OR), each tried
//! only where what is chosen and the least that is still to be bound can have different observations; what is left is a
//! matching between slots and observations ([`Remembered::cover`]). Every step is counted against a bound.

use std::collections::VecDeque;

use super::cover::{Entry, Remembered, Slot};
use super::{Shape, least, leaves};

/// Patterns that need so many observations are searched for only where there are so many different ones.
const COUNTED_FROM: u64 = 4;

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
    remembered: Remembered<'a>,
    wanted: Entry,
    /// The leaf that the wanted observation is bound to.
    pinned: usize,
    /// What is chosen; while a choice is looked at, behind it the least that is still to be bound.
    slots: Vec<Slot>,
    found: Option<Vec<Entry>>,
}

impl<'a> Search<'a> {
    pub(super) fn new(leaves: &'a [VecDeque<Entry>], wanted: Entry, steps: u64) -> Self {
        let remembered = Remembered { leaves, steps_left: steps };
        Self { remembered, wanted, pinned: 0, slots: Vec::new(), found: None }
    }

    /// Runs it; no two observations of a match are further apart than `span_us`, and it binds `least` or more.
    pub(super) fn run(mut self, shape: &Shape, span_us: i64, least: u64) -> Outcome {
        let time = self.wanted.time;
        let (from, to) = (time.saturating_sub(span_us), time.saturating_add(span_us));
        // Counting the different ones costs more than a search for few.
        let enough = || {
            least < COUNTED_FROM
                || u64::try_from(self.remembered.different(from, to)).is_ok_and(|different| different >= least)
        };
        if enough() && self.earliest(shape, 1, from).is_some_and(|end| end <= to) {
            let leaves: &'a [VecDeque<Entry>] = self.remembered.leaves;
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
            None if self.remembered.steps_left == 0 => Outcome::Exhausted,
            None => Outcome::None,
        }
    }

    /// A match in one of the stretches of time that hold the wanted observation.
    fn around(&mut self, shape: &Shape, span_us: i64) -> bool {
        let time = self.wanted.time;
        let from = time.saturating_sub(span_us);
        let last = self.remembered.leaves.iter().filter_map(|entries| entries.back()).map(|entry| entry.time).max();
        let to = last.unwrap_or(time).min(time.saturating_add(span_us));
        if to <= time {
            return self.fits(shape, 1, from, time, true, None); // as when observations come in order
        }
        let starts = self.remembered.times(leaves(shape), from, time);
        starts.into_iter().any(|start| self.fits(shape, 1, start, to.min(start.saturating_add(span_us)), true, None))
    }

    fn pending(&mut self, pending: Option<&Pending<'_>>) -> bool {
        let Some(Pending { what, from, to, next }) = pending.copied() else { return self.assign() };
        match what {
            What::All { parts: [], .. } => self.pending(next),
            What::All { parts: [first, rest @ ..], copies, must } => {
                let after = Pending { what: What::All { parts: rest, copies, must }, from, to, next };
                self.fits(first, copies, from, to, must && leaves(first).contains(&self.pinned), Some(&after))
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
        if !self.remembered.spend(1) || self.earliest(shape, copies, from).is_none_or(|end| end > to) {
            return false;
        }
        let must = must && copies == 1;
        match shape {
            Shape::Leaf { leaf, times } => {
                let leaves = *leaf..leaf.saturating_add(1);
                self.slots.push(Slot { leaves, times: times.saturating_mul(copies), from, to });
                let fits = self.may_end(next) && self.pending(next);
                self.slots.pop();
                fits
            }
            Shape::And(parts) => {
                self.pending(Some(&Pending { what: What::All { parts, copies, must }, from, to, next }))
            }
            Shape::Or(parts) if must => match parts.iter().find(|part| leaves(part).contains(&self.pinned)) {
                Some(part) => self.fits(part, 1, from, to, true, next),
                None => false,
            },
            Shape::Or(parts) => self.any(parts, copies, from, to, next),
            Shape::Repeat(times, inner) => {
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

    /// Can what is chosen, and the least of what is still to be bound, have different observations? If not now, then never.
    fn may_end(&mut self, next: Option<&Pending<'_>>) -> bool {
        let chosen = self.slots.len();
        let mut pending = next;
        while let Some(Pending { what, from, to, next }) = pending {
            self.least_of(what, *from, *to);
            pending = *next;
        }
        let may = self.slots.iter().any(|slot| self.may_bind_wanted(slot))
            && (self.slots.len() == 1 || self.remembered.cover(&self.slots, None).is_some());
        self.slots.truncate(chosen);
        may
    }

    fn may_bind_wanted(&self, slot: &Slot) -> bool {
        slot.leaves.contains(&self.pinned) && (slot.from..=slot.to).contains(&self.wanted.time)
    }

    /// Adds the slots that any binding of `what` fills.
    fn least_of(&mut self, what: &What<'_>, from: i64, to: i64) {
        match what {
            What::All { parts, copies, .. } => parts.iter().for_each(|part| self.least_slots(part, *copies, from, to)),
            What::Any { parts, copies } => self.least_any(parts, *copies, from, to),
            What::Turning { both, copies, turn_from } => {
                self.least_slots(&both.0, *copies, from, to);
                self.least_slots(&both.1, *copies, from.max(*turn_from), to);
            }
            What::One { shape, copies } => self.least_slots(shape, *copies, from, to),
        }
    }

    fn least_slots(&mut self, shape: &Shape, copies: u64, from: i64, to: i64) {
        match shape {
            Shape::Leaf { times, .. } => {
                let times = times.saturating_mul(copies);
                self.slots.extend((times > 0).then(|| Slot { leaves: leaves(shape), times, from, to }));
            }
            Shape::And(parts) => parts.iter().for_each(|part| self.least_slots(part, copies, from, to)),
            Shape::Or(parts) => self.least_any(parts, copies, from, to),
            Shape::Followed(both) => {
                self.least_slots(&both.0, copies, from, to);
                self.least_slots(&both.1, copies, from, to);
            }
            Shape::Within(_, inner) => self.least_slots(inner, copies, from, to),
            Shape::During(start, stop, inner) => {
                self.least_slots(inner, copies, from.max(*start), to.min(stop.saturating_sub(1)));
            }
            Shape::Repeat(times, inner) => self.least_slots(inner, times.saturating_mul(copies), from, to),
        }
    }

    fn least_any(&mut self, parts: &[Shape], copies: u64, from: i64, to: i64) {
        let times = parts.iter().map(least).min().unwrap_or(0).saturating_mul(copies);
        if let (Some(first), Some(last), 1..) = (parts.first(), parts.last(), times) {
            self.slots.push(Slot { leaves: leaves(first).start..leaves(last).end, times, from, to });
        }
    }

    /// Some copies are of the first part, the others of the rest.
    fn any(&mut self, parts: &[Shape], copies: u64, from: i64, to: i64, next: Option<&Pending<'_>>) -> bool {
        let Some((first, rest)) = parts.split_first() else { return copies == 0 && self.pending(next) };
        (0..=copies).rev().any(|of_first| {
            let after = Pending { what: What::Any { parts: rest, copies: copies - of_first }, from, to, next };
            self.remembered.spend(1) && self.fits(first, of_first, from, to, false, Some(&after))
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
        self.remembered.times(leaves(inner), from, last).into_iter().any(|start| {
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
        let (must_before, must_after) =
            (must && leaves(&both.0).contains(&self.pinned), must && leaves(&both.1).contains(&self.pinned));
        let first = if must_before { first.max(self.wanted.time) } else { first };
        let last = if must_after { last.min(self.wanted.time) } else { last };
        self.remembered.times(leaves(&both.0), first, last).into_iter().any(|turn| {
            let others = Pending { what: What::Turning { both, copies: left, turn_from: turn }, from, to, next };
            let what = What::All { parts: std::slice::from_ref(&both.1), copies: 1, must: must_after };
            let later = Pending { what, from: turn, to, next: Some(&others) };
            // A single observation is itself the turn.
            let from = if matches!(both.0, Shape::Leaf { times: 1, .. }) { turn } else { from };
            self.fits(&both.0, 1, from, turn, must_before, Some(&later))
        })
    }

    /// No binding of so many copies of `shape` from `from` on ends before this; none if there is no binding. Says nothing of
    /// WITHIN and little of different observations, so a binding may end later or not be.
    fn earliest(&mut self, shape: &Shape, copies: u64, from: i64) -> Option<i64> {
        self.remembered.spend(1);
        match shape {
            Shape::Leaf { leaf, times } => {
                let entries = self.remembered.leaves.get(*leaf)?;
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
        self.remembered.spend(1);
        match shape {
            Shape::Leaf { leaf, times } => {
                let entries = self.remembered.leaves.get(*leaf)?;
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
        for (place, slot) in self.slots.iter().enumerate() {
            if !self.remembered.spend(1) {
                return false;
            }
            let bound = Some((place, self.wanted.number));
            if self.may_bind_wanted(slot)
                && let Some(mut found) = self.remembered.cover(&self.slots, bound)
            {
                found.push(self.wanted);
                self.found = Some(found);
                return true;
            }
        }
        false
    }
}
