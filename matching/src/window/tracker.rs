//! What has been seen of patterns that need several observations.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use model::field::Field;
use model::observation::Observation;

use super::cover::Entry;
use super::search::{Outcome, Search};
use super::{WindowLayer, Windowed};
use crate::evaluate::{holds, shown};
use crate::rules::{Match, RuleSet, Settings};

/// What a tracker did not do because of a bound. Counts since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrackerCounts {
    /// Observations that came later than [`Settings::lateness_ms`] after one of a newer time, and were left out.
    pub late: u64,
    /// Remembered observations that had to go before their time, by [`Settings::remembered_per_rule`] or
    /// [`Settings::remembered`].
    pub evicted: u64,
    /// Searches that ended at [`Settings::search_steps`] without an answer.
    pub exhausted: u64,
    /// Times that everything remembered was dropped since [`Settings::late_in_a_row`] observations came late.
    pub restarted: u64,
}

/// Holds the partial matches of the patterns of a [`RuleSet`] that need several observations. One tracker sees the observations
/// of one sensor, or of all of them, in the order of their arrival; that decides what is matched with what.
///
/// A match binds different observations, none further from another than [`Settings::span_ms`]. It is reported once for each
/// observation that completes it: when the last of its observations arrives, which need not be the newest.
#[derive(Debug)]
pub struct Tracker {
    settings: Settings,
    layer: Arc<WindowLayer>,
    /// Of each rule of `layer`.
    states: Vec<State>,
    /// Everything that is remembered: when it goes, the observation, rule and leaf.
    remembered: BTreeSet<(i64, Entry, usize, usize)>,
    newest: i64,
    late_in_a_row: u64,
    next_number: u64,
    counts: TrackerCounts,
}

#[derive(Debug, Default)]
struct State {
    /// Observations that satisfied each leaf, in the order of time.
    leaves: Vec<VecDeque<Entry>>,
    /// Entries in all leaves.
    entries: usize,
}

impl State {
    fn clear(&mut self) {
        self.leaves.iter_mut().for_each(VecDeque::clear);
        self.entries = 0;
    }
}

/// An observation expression that the observation at hand satisfies.
struct Satisfied {
    rule: usize,
    leaf: usize,
    field: Field,
    value: String,
}

impl Tracker {
    /// One that has seen nothing.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            layer: Arc::default(),
            states: Vec::new(),
            remembered: BTreeSet::new(),
            newest: i64::MIN,
            late_in_a_row: 0,
            next_number: 0,
            counts: TrackerCounts::default(),
        }
    }

    /// Adds to `found` every pattern of `set` that needs several observations and of which `observation` completes a match.
    /// What [`RuleSet::scan`] finds is not among them. A pattern that changed begins anew.
    pub fn observe(&mut self, set: &RuleSet, observation: &Observation, found: &mut Vec<Match>) {
        if !Arc::ptr_eq(&self.layer, set.windowed_layer()) {
            self.adopt(set.windowed_layer());
        }
        let time = observation.time.micros();
        if time < self.newest.saturating_sub(self.settings.lateness_us()) && !self.restart() {
            self.counts.late += 1;
            return;
        }
        self.late_in_a_row = 0;
        self.newest = self.newest.max(time);
        self.forget();
        let satisfied = self.satisfied(set, observation);
        if satisfied.is_empty() {
            return;
        }
        self.next_number += 1;
        let entry = Entry { time, number: self.next_number, record: observation.record };
        for part in satisfied.chunk_by(|a, b| a.rule == b.rule) {
            let Some(rule) = part.first().and_then(|first| self.layer.rules.get(first.rule)).cloned() else { continue };
            part.iter().for_each(|satisfied| self.remember(&rule, satisfied, entry));
            self.search(&rule, part, entry, found);
        }
    }

    /// What was not done because of a bound.
    pub fn counts(&self) -> TrackerCounts {
        self.counts
    }

    /// How many observations are remembered, once for each observation expression that they satisfy.
    pub fn remembered(&self) -> usize {
        self.remembered.len()
    }

    /// One observation from a clock that ran ahead must not make all later ones late for ever. True if the time begins anew.
    fn restart(&mut self) -> bool {
        self.late_in_a_row += 1;
        let anew = self.late_in_a_row > self.settings.late_in_a_row;
        if anew {
            self.newest = i64::MIN;
            self.remembered.clear();
            self.states.iter_mut().for_each(State::clear);
            self.counts.restarted += 1;
        }
        anew
    }

    /// Takes over another set: what is remembered of the rules that it shares with the old one stays.
    fn adopt(&mut self, layer: &Arc<WindowLayer>) {
        let mut old: HashMap<*const Windowed, State> =
            self.layer.rules.iter().map(Arc::as_ptr).zip(self.states.drain(..)).collect();
        self.states = layer.rules.iter().map(|rule| old.remove(&Arc::as_ptr(rule)).unwrap_or_default()).collect();
        self.layer = Arc::clone(layer);
        self.remembered.clear();
        for (rule, (state, windowed)) in self.states.iter_mut().zip(&layer.rules).enumerate() {
            state.leaves.resize_with(windowed.leaves.len(), VecDeque::new);
            for (leaf, entries) in state.leaves.iter().enumerate() {
                let settings = &self.settings;
                self.remembered
                    .extend(entries.iter().map(|entry| (goes(settings, windowed, entry), *entry, rule, leaf)));
            }
        }
    }

    fn satisfied(&self, set: &RuleSet, observation: &Observation) -> Vec<Satisfied> {
        let mut admitted: Vec<u32> = Vec::new();
        self.layer.index.admit(observation, &mut |place, _| admitted.push(place));
        admitted.sort_unstable();
        admitted.dedup();
        let places = admitted.into_iter().filter_map(|place| self.layer.places.get(place as usize).copied());
        let tested = places.filter_map(|(rule, leaf)| {
            let windowed = self.layer.rules.get(rule)?;
            if !set.is_valid([windowed.valid_from, windowed.valid_until], observation.time) {
                return None;
            }
            let (field, value) = holds(windowed.leaves.get(leaf)?, observation)?;
            Some(Satisfied { rule, leaf, field, value: shown(value.as_ref()) })
        });
        tested.collect()
    }

    fn remember(&mut self, windowed: &Windowed, satisfied: &Satisfied, entry: Entry) {
        let Some(state) = self.states.get_mut(satisfied.rule) else { return };
        let Some(entries) = state.leaves.get_mut(satisfied.leaf) else { return };
        let place = entries.partition_point(|old| *old < entry);
        entries.insert(place, entry);
        state.entries += 1;
        let over = state.entries > self.settings.remembered_per_rule;
        self.remembered.insert((goes(&self.settings, windowed, &entry), entry, satisfied.rule, satisfied.leaf));
        if over {
            let leaves = self.states.get(satisfied.rule).map(|state| state.leaves.as_slice()).unwrap_or_default();
            let firsts = leaves.iter().enumerate().filter_map(|(leaf, entries)| Some((*entries.front()?, leaf)));
            if let Some((oldest, leaf)) = firsts.min() {
                self.counts.evicted += 1;
                self.remove((goes(&self.settings, windowed, &oldest), oldest, satisfied.rule, leaf));
            }
        }
        if self.remembered.len() > self.settings.remembered
            && let Some(first) = self.remembered.first().copied()
        {
            self.counts.evicted += 1;
            self.remove(first);
        }
    }

    /// Takes away what no observation that may still come can be matched with.
    fn forget(&mut self) {
        while let Some(first) = self.remembered.first().copied().filter(|(goes, ..)| *goes < self.newest) {
            self.remove(first);
        }
    }

    fn remove(&mut self, item: (i64, Entry, usize, usize)) {
        let (_, entry, rule, leaf) = item;
        self.remembered.remove(&item);
        let Some(state) = self.states.get_mut(rule) else { return };
        let Some(entries) = state.leaves.get_mut(leaf) else { return };
        if let Ok(place) = entries.binary_search(&entry) {
            entries.remove(place);
            state.entries -= 1;
        }
    }

    fn search(&mut self, windowed: &Windowed, satisfied: &[Satisfied], entry: Entry, found: &mut Vec<Match>) {
        let Some(first) = satisfied.first() else { return };
        let Some(state) = self.states.get(first.rule) else { return };
        if u64::try_from(state.entries).unwrap_or(u64::MAX) < windowed.least {
            return;
        }
        let search = Search::new(&state.leaves, entry, self.settings.search_steps);
        match search.run(&windowed.shape, windowed.span_us, windowed.least) {
            Outcome::None => {}
            Outcome::Exhausted => self.counts.exhausted += 1,
            Outcome::Found(bound) => {
                let best = satisfied.iter().min_by_key(|satisfied| satisfied.field).unwrap_or(first);
                found.push(Match {
                    key: Arc::clone(&windowed.key),
                    field: best.field,
                    value: best.value.clone(),
                    records: bound.iter().map(|entry| entry.record).collect(),
                });
            }
        }
    }
}

/// From when on nothing can be matched with the observation any more: of the newest time seen.
fn goes(settings: &Settings, windowed: &Windowed, entry: &Entry) -> i64 {
    entry.time.saturating_add(windowed.span_us).saturating_add(settings.lateness_us())
}
