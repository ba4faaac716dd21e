//! From sources to a set, and from a set to one with changes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use model::pattern::{ComparisonOperator as Op, Expression, Observation, ObservationOperator};

use crate::compile::{Compiled, NotMatched, Rule, RuleSource, compile, not};
use crate::cost::regex_bytes;
use crate::exact::{Builder, ExactTable};
use crate::index::unanchored;
use crate::rules::{Layer, RuleSet, Settings};
use crate::window::{WindowLayer, Windowed};

/// Sources that are handed over together.
const BATCH: usize = 1_024;
/// Batches that may wait.
const BATCHES: usize = 8;

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
    /// Compiles all of `sources`; of two with the same key the last counts. While the next are taken from `sources`, another
    /// thread compiles those before.
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

    /// Why the set would not match what comes from that source, if it would not.
    pub fn refusal(&self, source: &RuleSource) -> Option<NotMatched> {
        self.fitting(source, &mut self.room(&|_| false)).err()
    }

    /// A set with `added` (replacing those of the same key) and without `removed`. What did not change is shared.
    #[must_use]
    pub fn with_changes(&self, added: impl IntoIterator<Item = RuleSource>, removed: &[Arc<str>]) -> Self {
        let added: Vec<RuleSource> = added.into_iter().collect();
        let gone: HashSet<Arc<str>> =
            removed.iter().cloned().chain(added.iter().map(|source| Arc::clone(&source.key))).collect();
        let mut not_matched = (*self.not_matched).clone();
        not_matched.retain(|key, _| !gone.contains(key));
        let seed = self.exact.seed().or_else(|| self.exact_recent.seed());
        let mut parts = Parts::new(seed.map_or_else(Builder::default, Builder::with_seed));
        parts.add(&added, &self.settings);
        let (exact, mut rest) = parts.finish();
        let mut next = self.clone();
        if !next.change_exact(&exact, &gone) {
            rest = added;
        }
        let new = self.compiled(rest, removed, &mut not_matched);
        next.not_matched = Arc::new(not_matched);
        next.change_layers(new.rules, &gone);
        if !new.windowed.is_empty() || self.windowed.rules.iter().any(|rule| gone.contains(&rule.key)) {
            let kept = self.windowed.rules.iter().filter(|rule| !gone.contains(&rule.key)).cloned();
            next.windowed = Arc::new(WindowLayer::build(kept.chain(new.windowed).collect()));
        }
        next
    }

    /// `added` has the seed of both tables, if they have one. False if it has no room beside what came before: its rules must be
    /// held elsewhere.
    fn change_exact(&mut self, added: &ExactTable, gone: &HashSet<Arc<str>>) -> bool {
        let of = |table: &ExactTable| -> HashSet<u32> { gone.iter().filter_map(|key| table.rule(key)).collect() };
        let (recent, before) = (of(&self.exact_recent), of(&self.exact));
        if !before.is_subset(&self.exact_removed) {
            self.exact_removed = Arc::new(self.exact_removed.union(&before).copied().collect());
        }
        let with_added = self.exact_recent.merged(added, &recent);
        let has_room = with_added.is_some();
        if let Some(table) = with_added.or_else(|| self.exact_recent.merged(&ExactTable::default(), &recent)) {
            self.exact_recent = Arc::new(table);
        }
        self.merge_exact();
        has_room
    }

    fn merge_exact(&mut self) {
        let changes = self.exact_recent.len() + self.exact_removed.len();
        if changes > self.settings.recent.max(self.exact.len() / 8)
            && let Some(all) = self.exact.merged(&self.exact_recent, &self.exact_removed)
        {
            self.exact = Arc::new(all);
            self.exact_recent = Arc::default();
            self.exact_removed = Arc::default();
        }
    }

    fn change_layers(&mut self, added: Vec<Arc<Rule>>, gone: &HashSet<Arc<str>>) {
        let dropped: Vec<&Arc<str>> = gone.iter().filter(|key| self.base.has(key)).collect();
        let stale = self.recent.rules.iter().any(|rule| gone.contains(&rule.key));
        if added.is_empty() && dropped.is_empty() && !stale {
            return;
        }
        let removed: HashSet<Arc<str>> = self.removed.iter().chain(dropped).cloned().collect();
        let kept = self.recent.rules.iter().filter(|rule| !gone.contains(&rule.key));
        let recent: Vec<Arc<Rule>> = kept.cloned().chain(added).collect();
        if recent.len() + removed.len() > self.settings.recent.max(self.base.rules.len() / 8) {
            let old = self.base.rules.iter().filter(|rule| !removed.contains(&rule.key));
            self.base = Arc::new(Layer::build(old.cloned().chain(recent).collect()));
            self.recent = Arc::default();
            self.removed = Arc::default();
        } else {
            self.recent = Arc::new(Layer::build(recent));
            self.removed = Arc::new(removed);
        }
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
                Ok(Compiled::Single(rule)) => new.rules.push(Arc::new(Rule { pattern: text(&source), ..rule })),
                Ok(Compiled::Windowed(rule)) => {
                    new.windowed.push(Arc::new(Windowed { pattern: text(&source), ..rule }));
                }
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
}

fn text(source: &RuleSource) -> Box<str> {
    source.pattern.to_string().into()
}

/// The table of those that are one value or a choice of several, and the rest. While the next are taken from `sources`, another
/// thread looks at those before.
fn parted(sources: impl IntoIterator<Item = RuleSource>, settings: &Settings) -> (ExactTable, Vec<RuleSource>) {
    let mut parts = Parts::new(Builder::default());
    let mut sources = sources.into_iter();
    let first: Vec<RuleSource> = sources.by_ref().take(BATCH).collect();
    let is_all = first.len() < BATCH;
    parts.add(&first, settings);
    if !is_all {
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel::<Vec<RuleSource>>(BATCHES);
            let parts = &mut parts;
            scope.spawn(move || receiver.iter().for_each(|batch| parts.add(&batch, settings)));
            loop {
                let batch: Vec<RuleSource> = sources.by_ref().take(BATCH).collect();
                // The other thread ends before the channel does only in a panic, which the scope hands on.
                if batch.is_empty() || sender.send(batch).is_err() {
                    break;
                }
            }
        });
    }
    parts.finish()
}

/// Sources on their way into a table, or to be held elsewhere; of two with the same key the last counts.
struct Parts {
    builder: Builder,
    rest: Vec<Option<RuleSource>>,
    /// Where in `rest` each key lies.
    places: HashMap<Arc<str>, usize>,
}

impl Parts {
    fn new(builder: Builder) -> Self {
        Self { builder, rest: Vec::new(), places: HashMap::new() }
    }

    fn add(&mut self, sources: &[RuleSource], settings: &Settings) {
        for source in sources {
            let exact = is_plain(&source.pattern.root)
                && match compile(source, settings, &mut 0) {
                    Ok(Compiled::Single(rule)) => self.builder.add(&rule),
                    _ => false,
                };
            if let Some(before) = self.places.remove(&source.key).and_then(|place| self.rest.get_mut(place)) {
                *before = None;
            }
            if !exact {
                self.builder.blank(&source.key);
                self.places.insert(Arc::clone(&source.key), self.rest.len());
                self.rest.push(Some(source.clone()));
            }
        }
    }

    fn finish(self) -> (ExactTable, Vec<RuleSource>) {
        (self.builder.finish(), self.rest.into_iter().flatten().collect())
    }
}

/// Can the pattern be a choice of values? Whatever else it has would be compiled twice.
fn is_plain(observation: &Observation) -> bool {
    fn plain(expression: &Expression) -> bool {
        match expression {
            Expression::Comparison(comparison) => {
                !comparison.negated && matches!(comparison.operator, Op::Equal | Op::In | Op::Like)
            }
            Expression::Or(parts) => parts.iter().all(plain),
            // An address and a port.
            Expression::And(parts) => parts.len() == 2 && parts.iter().all(plain),
        }
    }
    match observation {
        Observation::Single(expression) => plain(expression),
        Observation::Joined(ObservationOperator::Or, parts) => parts.iter().all(is_plain),
        _ => false,
    }
}
