//! The set of all rules: a large layer that is shared, a small one of what came since, and what was taken away.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::field::Field;
use model::observation::Observation;
use model::pattern::{self, ComparisonOperator as Op, Expression, ObservationOperator};
use serde::{Deserialize, Serialize};

use crate::compile::{Compiled, NotMatched, Rule, RuleSource, compile, not};
use crate::cost::regex_bytes;
use crate::evaluate::{holds, shown};
use crate::exact::{Builder, ExactTable};
use crate::index::{Admission, Index, unanchored};
use crate::window::{WindowLayer, Windowed};

/// Bounds of a rule set, and of a tracker over one.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Most programs that no value admits, so that each observation with their fields is held against each of them.
    pub unanchored: usize,
    /// Most rules in the small layer before it is merged into the large one.
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
    settings: Settings,
    /// Rules that are one value, or a choice of several; made anew when all are compiled.
    exact: Arc<ExactTable>,
    /// Keys of `exact` that no longer count.
    exact_removed: Arc<HashSet<Arc<str>>>,
    base: Arc<Layer>,
    recent: Arc<Layer>,
    /// Keys of `base` that no longer count.
    removed: Arc<HashSet<Arc<str>>>,
    windowed: Arc<WindowLayer>,
    not_matched: Arc<HashMap<Arc<str>, NotMatched>>,
}

/// Rules of one observation and their index.
#[derive(Debug, Default)]
struct Layer {
    rules: Vec<Arc<Rule>>,
    index: Index,
    regex_bytes: usize,
}

impl Layer {
    fn build(rules: Vec<Arc<Rule>>) -> Self {
        let index = Index::build(rules.iter().map(|rule| &rule.program));
        let regex_bytes = rules.iter().map(|rule| regex_bytes(&rule.program)).sum();
        Self { rules, index, regex_bytes }
    }

    /// The rules that no value admits.
    fn always(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.index.always().filter_map(|number| self.rules.get(number as usize))
    }
}

/// What was compiled of some sources.
#[derive(Default)]
struct New {
    rules: Vec<Arc<Rule>>,
    windowed: Vec<Arc<Windowed>>,
}

/// What the bounds still allow.
struct Room {
    unanchored: usize,
    windowed: usize,
    regex_bytes: usize,
}

impl RuleSet {
    /// Compiles all of `sources`; of two with the same key the last counts.
    pub fn compile(sources: impl IntoIterator<Item = RuleSource>, settings: Settings) -> Self {
        let empty = Self { settings, ..Self::default() };
        let mut not_matched = HashMap::new();
        let (exact, rest) = parted(sources, &settings);
        let new = empty.compiled(rest, &[], &mut not_matched);
        Self {
            exact: Arc::new(exact),
            base: Arc::new(Layer::build(new.rules)),
            windowed: Arc::new(WindowLayer::build(new.windowed)),
            not_matched: Arc::new(not_matched),
            ..empty
        }
    }

    /// A set with `added` (replacing those of the same key) and without `removed`. What did not change is shared.
    #[must_use]
    pub fn with_changes(&self, added: impl IntoIterator<Item = RuleSource>, removed: &[Arc<str>]) -> Self {
        let added: Vec<RuleSource> = added.into_iter().collect();
        let gone: HashSet<Arc<str>> =
            removed.iter().cloned().chain(added.iter().map(|source| Arc::clone(&source.key))).collect();
        let mut not_matched = (*self.not_matched).clone();
        for key in removed {
            not_matched.remove(key);
        }
        let new = self.compiled(added, removed, &mut not_matched);
        let mut next = Self { not_matched: Arc::new(not_matched), ..self.clone() };
        if !new.windowed.is_empty() || self.windowed.rules.iter().any(|rule| gone.contains(&rule.key)) {
            let kept = self.windowed.rules.iter().filter(|rule| !gone.contains(&rule.key)).cloned();
            next.windowed = Arc::new(WindowLayer::build(kept.chain(new.windowed).collect()));
        }
        let kept = self.recent.rules.iter().filter(|rule| !gone.contains(&rule.key));
        let recent: Vec<Arc<Rule>> = kept.cloned().chain(new.rules).collect();
        if gone.iter().any(|key| self.exact.rule(key).is_some()) {
            let more = gone.iter().filter(|key| self.exact.rule(key).is_some());
            next.exact_removed = Arc::new(self.exact_removed.iter().chain(more).cloned().collect());
        }
        let mut dropped = (*self.removed).clone();
        dropped.extend(gone);
        if recent.len() + dropped.len() > self.settings.recent.max(self.base.rules.len() / 8) {
            let old = self.base.rules.iter().filter(|rule| !dropped.contains(&rule.key));
            next.base = Arc::new(Layer::build(old.cloned().chain(recent).collect()));
            next.recent = Arc::default();
            next.removed = Arc::default();
        } else {
            next.recent = Arc::new(Layer::build(recent));
            next.removed = Arc::new(dropped);
        }
        next
    }

    /// Compiles `sources`, which replace those of the same key. Why one is not matched is noted.
    fn compiled(
        &self,
        sources: Vec<RuleSource>,
        removed: &[Arc<str>],
        not_matched: &mut HashMap<Arc<str>, NotMatched>,
    ) -> New {
        let last: HashMap<Arc<str>, usize> =
            sources.iter().enumerate().map(|(place, source)| (Arc::clone(&source.key), place)).collect();
        let mut room = self.room(&|key| last.contains_key(key) || removed.contains(key));
        let mut new = New::default();
        for (place, source) in sources.into_iter().enumerate() {
            if last.get(&source.key) != Some(&place) {
                continue;
            }
            not_matched.remove(&source.key);
            match self.fitting(&source, &mut room) {
                Ok(Compiled::Single(rule)) => new.rules.push(Arc::new(rule)),
                Ok(Compiled::Windowed(rule)) => new.windowed.push(Arc::new(rule)),
                Err(why) => {
                    not_matched.insert(source.key, why);
                }
            }
        }
        new
    }

    /// What the bounds allow beside the rules that stay.
    fn room(&self, goes: &dyn Fn(&Arc<str>) -> bool) -> Room {
        let base = self.base.always().filter(|rule| !self.removed.contains(&rule.key));
        let single = base.chain(self.recent.always()).filter(|rule| !goes(&rule.key)).count();
        let windowed = self.windowed.rules.iter().filter(|rule| !goes(&rule.key));
        let (mut rules, mut leaves, mut bytes) = (0, 0, self.base.regex_bytes + self.recent.regex_bytes);
        for program in windowed.inspect(|_| rules += 1).flat_map(|rule| rule.leaves.iter()) {
            leaves += usize::from(unanchored(program));
            bytes += regex_bytes(program);
        }
        Room {
            unanchored: self.settings.unanchored.saturating_sub(single + leaves),
            windowed: self.settings.windowed.saturating_sub(rules),
            regex_bytes: self.settings.regex_bytes.saturating_sub(bytes),
        }
    }

    fn fitting(&self, source: &RuleSource, room: &mut Room) -> Result<Compiled, NotMatched> {
        let mut bytes = room.regex_bytes;
        let compiled = compile(source, &self.settings, &mut bytes)?;
        let unanchored = compiled.programs().iter().filter(|program| unanchored(program)).count();
        let Some(left) = room.unanchored.checked_sub(unanchored) else {
            let most = self.settings.unanchored;
            return not(format!("{most} patterns without a value to look up are held already"));
        };
        if matches!(compiled, Compiled::Windowed(_)) {
            let Some(left) = room.windowed.checked_sub(1) else {
                let most = self.settings.windowed;
                return not(format!("{most} patterns that need several observations are held already"));
            };
            room.windowed = left;
        }
        room.unanchored = left;
        room.regex_bytes = bytes;
        Ok(compiled)
    }

    /// Adds every rule that `observation` alone satisfies to `found`, each once. For rules that need several observations there
    /// is [`Tracker`](crate::Tracker).
    pub fn scan(&self, observation: &Observation, found: &mut Vec<Match>) {
        self.scan_exact(observation, found);
        self.scan_layer(&self.base, observation, found);
        self.scan_layer(&self.recent, observation, found);
    }

    fn scan_exact(&self, observation: &Observation, found: &mut Vec<Match>) {
        let mut seen: Vec<u32> = Vec::new();
        self.exact.admit(observation, &mut |rule, field, value| {
            if seen.contains(&rule) || !self.exact.is_valid(rule, observation.time) {
                return;
            }
            seen.push(rule);
            let key = self.exact.key(rule);
            if !self.exact_removed.contains(key.as_str()) {
                found.push(Match { key: key.into(), field, value: shown(Some(&value)), records: Vec::new() });
            }
        });
    }

    fn scan_layer(&self, layer: &Layer, observation: &Observation, found: &mut Vec<Match>) {
        let mut seen: Vec<u32> = Vec::new();
        let is_base = std::ptr::eq(layer, &*self.base);
        layer.index.admit(observation, &mut |number, admission| {
            let Some(rule) = layer.rules.get(number as usize) else { return };
            let once = matches!(admission, Admission::Always);
            if (!once && seen.contains(&number))
                || observation.time < rule.valid_from
                || observation.time >= rule.valid_until
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
        let removed = self.base.rules.iter().filter(|rule| self.removed.contains(&rule.key)).count();
        let exact = self.exact.len() - self.exact_removed.len();
        exact + (self.base.rules.len() - removed) + self.recent.rules.len() + self.windowed_len()
    }

    /// How many of them need several observations: only a [`Tracker`](crate::Tracker) finds their matches.
    pub fn windowed_len(&self) -> usize {
        self.windowed.rules.len()
    }

    /// True if nothing is matched.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keys of patterns that are not matched here, and why.
    pub fn not_matched(&self) -> &HashMap<Arc<str>, NotMatched> {
        &self.not_matched
    }

    pub(crate) fn windowed_layer(&self) -> &Arc<WindowLayer> {
        &self.windowed
    }
}

/// The table of those that are one value or a choice of several, and the rest; of two with the same key the last counts.
fn parted(sources: impl IntoIterator<Item = RuleSource>, settings: &Settings) -> (ExactTable, Vec<RuleSource>) {
    let mut builder = Builder::default();
    let mut rest: Vec<Option<RuleSource>> = Vec::new();
    let mut places: HashMap<Arc<str>, usize> = HashMap::new();
    for source in sources {
        let exact = is_plain(&source.pattern.root)
            && match compile(&source, settings, &mut 0) {
                Ok(Compiled::Single(rule)) => builder.add(&rule),
                _ => false,
            };
        if let Some(before) = places.remove(&source.key).and_then(|place| rest.get_mut(place)) {
            *before = None;
        }
        if !exact {
            builder.blank(&source.key);
            places.insert(Arc::clone(&source.key), rest.len());
            rest.push(Some(source));
        }
    }
    (builder.finish(), rest.into_iter().flatten().collect())
}

/// Can the pattern be a choice of values? Whatever else it has would be compiled twice.
fn is_plain(observation: &pattern::Observation) -> bool {
    fn plain(expression: &Expression) -> bool {
        match expression {
            Expression::Comparison(comparison) => {
                !comparison.negated && matches!(comparison.operator, Op::Equal | Op::In | Op::Like)
            }
            Expression::Or(parts) => parts.iter().all(plain),
            Expression::And(_) => false,
        }
    }
    match observation {
        pattern::Observation::Single(expression) => plain(expression),
        pattern::Observation::Joined(ObservationOperator::Or, parts) => parts.iter().all(is_plain),
        _ => false,
    }
}
