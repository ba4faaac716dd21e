//! The set of all rules: large parts that are shared, small ones of what came since, and what was taken away.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::field::Field;
use model::observation::{Observation, Text};
use model::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::compile::{NotMatched, Rule};
use crate::cost::regex_bytes;
use crate::evaluate::{holds, shown};
use crate::exact::ExactTable;
use crate::index::{Admission, Index};
use crate::window::WindowLayer;

/// Bounds of a rule set, and of a tracker over one.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Most programs that no value admits, so that each observation with their fields is held against each of them.
    pub unanchored: usize,
    /// Most rules that came or went before they are merged into what was held before; at least an eighth of that.
    pub recent: usize,
    /// Most memory that the regular expressions of one pattern have, bytes.
    pub regex_bytes_per_pattern: usize,
    /// Most memory of the lazy automaton of one regular expression, bytes.
    pub regex_cache_bytes: usize,
    /// Most memory that all regular expressions have together with their automata, bytes.
    pub regex_bytes: usize,
    /// Most patterns that need several observations.
    pub windowed: usize,
    /// How much earlier than the newest observation one may be that still counts, milliseconds.
    pub lateness_ms: u64,
    /// Observations that come late in a row, one after another, after which it is taken that the clock of the newest one ran ahead:
    /// what is remembered is dropped and time begins anew.
    pub late_in_a_row: u64,
    /// Furthest that two observations of one match are apart, milliseconds: the window of patterns without WITHIN. A longer
    /// WITHIN is refused.
    pub span_ms: u64,
    /// Most observations remembered for one pattern; the oldest goes.
    pub remembered_per_rule: usize,
    /// Most observations remembered in all; the one nearest to the end of its window goes.
    pub remembered: usize,
    /// Most steps that the search for one match takes.
    pub search_steps: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            unanchored: 1_000,
            recent: 2_000,
            regex_bytes_per_pattern: 256 << 10,
            regex_cache_bytes: 128 << 10,
            regex_bytes: 256 << 20,
            windowed: 10_000,
            lateness_ms: 10_000,
            late_in_a_row: 1_000,
            span_ms: 86_400_000,
            remembered_per_rule: 1_000,
            remembered: 200_000,
            search_steps: 50_000,
        }
    }
}

impl Settings {
    pub(crate) fn lateness_us(&self) -> i64 {
        micros(self.lateness_ms)
    }

    pub(crate) fn span_us(&self) -> i64 {
        micros(self.span_ms)
    }
}

/// Held at the end of the range.
fn micros(milliseconds: u64) -> i64 {
    i64::try_from(milliseconds).unwrap_or(i64::MAX).saturating_mul(1_000)
}

/// One rule that one observation satisfies, or completes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The rule's key.
    pub key: Arc<str>,
    /// The first field, in the table's order, that satisfied it.
    pub field: Field,
    /// Its value; empty where the field's absence counts.
    pub value: String,
    /// Of a rule that needs several observations the ordinals of all of them in the order of time
    /// ([`Observation::record`]); otherwise empty.
    pub records: Vec<u64>,
}

/// An immutable set of rules. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    pub(crate) settings: Settings,
    /// Rules that are one value, or a choice of several.
    pub(crate) exact: Arc<ExactTable>,
    /// Rules of `exact`, by their numbers, that no longer count.
    pub(crate) exact_removed: Arc<HashSet<u32>>,
    /// What came since, until it is merged.
    pub(crate) exact_recent: Arc<ExactTable>,
    pub(crate) base: Arc<Layer>,
    /// Keys of `base` that no longer count.
    pub(crate) removed: Arc<HashSet<Arc<str>>>,
    pub(crate) recent: Arc<Layer>,
    pub(crate) windowed: Arc<WindowLayer>,
    pub(crate) not_matched: Arc<HashMap<Arc<str>, NotMatched>>,
    /// What happened before a rule was valid counts too.
    pub(crate) is_retro_hunt: bool,
}

/// Rules of one observation and their index.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(crate) rules: Vec<Arc<Rule>>,
    pub(crate) regex_bytes: usize,
    /// The place of each key.
    keys: HashMap<Arc<str>, usize>,
    index: Index,
}

impl Layer {
    pub(crate) fn build(rules: Vec<Arc<Rule>>) -> Self {
        let index = Index::build(rules.iter().map(|rule| &rule.program));
        let regex_bytes = rules.iter().map(|rule| regex_bytes(&rule.program)).sum();
        let keys = rules.iter().map(|rule| Arc::clone(&rule.key)).zip(0..).collect();
        Self { rules, regex_bytes, keys, index }
    }

    /// The rules that no value admits.
    pub(crate) fn always(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.index.always().filter_map(|number| self.rules.get(number as usize))
    }

    pub(crate) fn has(&self, key: &Arc<str>) -> bool {
        self.keys.contains_key(key)
    }

    fn get(&self, key: &str) -> Option<&Rule> {
        self.rules.get(*self.keys.get(key)?).map(|rule| &**rule)
    }
}

impl RuleSet {
    /// The same set for observations that are stored: an indicator counts for what happened before its `valid_from` too, since most
    /// begin when they are written, after what they tell of. `valid_until` holds, and so do START and STOP of a pattern. For
    /// rules that need several observations give a [`Tracker`](crate::Tracker) of its own the stored ones in the order of time.
    #[must_use]
    pub fn for_retro_hunt(&self) -> Self {
        Self { is_retro_hunt: true, ..self.clone() }
    }

    /// Does a rule that is valid so long match what happened at `time`?
    pub(crate) fn is_valid(&self, [from, until]: [Timestamp; 2], time: Timestamp) -> bool {
        (self.is_retro_hunt || from <= time) && time < until
    }

    /// Adds every rule that `observation` alone satisfies to `found`, each once. For rules that need several observations there
    /// is [`Tracker`](crate::Tracker).
    pub fn scan<T: Text>(&self, observation: &Observation<T>, found: &mut Vec<Match>) {
        self.scan_exact(&self.exact, &self.exact_removed, observation, found);
        self.scan_exact(&self.exact_recent, &HashSet::new(), observation, found);
        self.scan_layer(&self.base, observation, found);
        self.scan_layer(&self.recent, observation, found);
    }

    fn scan_exact<T: Text>(
        &self,
        table: &ExactTable,
        removed: &HashSet<u32>,
        observation: &Observation<T>,
        found: &mut Vec<Match>,
    ) {
        let mut seen: Vec<u32> = Vec::new();
        table.admit(observation, &mut |rule, field, value| {
            if seen.contains(&rule) || removed.contains(&rule) || !self.is_valid(table.valid(rule), observation.time) {
                return;
            }
            seen.push(rule);
            let (key, value) = (table.key(rule).into(), shown(Some(&value)));
            found.push(Match { key, field, value, records: Vec::new() });
        });
    }

    fn scan_layer<T: Text>(&self, layer: &Layer, observation: &Observation<T>, found: &mut Vec<Match>) {
        let mut seen: Vec<u32> = Vec::new();
        let is_base = std::ptr::eq(layer, &*self.base);
        layer.index.admit(observation, &mut |number, admission| {
            let Some(rule) = layer.rules.get(number as usize) else { return };
            let once = matches!(admission, Admission::Always);
            if (!once && seen.contains(&number))
                || !self.is_valid([rule.valid_from, rule.valid_until], observation.time)
                || !(rule.during.0..rule.during.1).contains(&observation.time)
                || (is_base && self.removed.contains(&rule.key))
            {
                return;
            }
            if !once {
                seen.push(number);
            }
            let satisfied = match admission {
                Admission::Whole(field, value) => Some((field, Some(value))),
                Admission::Perhaps | Admission::Always => holds(&rule.program, observation),
            };
            if let Some((field, value)) = satisfied {
                let value = shown(value.as_ref());
                found.push(Match { key: Arc::clone(&rule.key), field, value, records: Vec::new() });
            }
        });
    }

    /// How many rules are matched, by [`RuleSet::scan`] or by a tracker.
    pub fn len(&self) -> usize {
        let exact = self.exact.len() - self.exact_removed.len() + self.exact_recent.len();
        exact + (self.base.rules.len() - self.removed.len()) + self.recent.rules.len() + self.windowed_len()
    }

    /// How many of them need several observations: only a [`Tracker`](crate::Tracker) finds their matches.
    pub fn windowed_len(&self) -> usize {
        self.windowed.rules.len()
    }

    /// True if nothing is matched.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pattern of a rule in canonical form, for [`reasons`](crate::reasons). None of rules that are one value or a choice of
    /// several: of those a match says all there is to say, and the pattern is not kept.
    pub fn pattern(&self, key: &str) -> Option<&str> {
        let base = self.base.get(key).filter(|_| !self.removed.contains(key));
        let single = || self.recent.get(key).or(base).map(|rule| &*rule.pattern);
        let windowed = || self.windowed.rules.iter().find(|rule| &*rule.key == key).map(|rule| &*rule.pattern);
        single().or_else(windowed)
    }

    /// Keys of patterns that are not matched here, and why.
    pub fn not_matched(&self) -> &HashMap<Arc<str>, NotMatched> {
        &self.not_matched
    }

    pub(crate) fn windowed_layer(&self) -> &Arc<WindowLayer> {
        &self.windowed
    }
}
