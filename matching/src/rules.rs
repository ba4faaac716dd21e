//! The set of all rules: a large layer that is shared, a small one of what came since, and what was taken away.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::field::Field;
use model::observation::Observation;
use serde::{Deserialize, Serialize};

use crate::compile::{NotMatched, Rule, RuleSource, compile};
use crate::evaluate::{holds, shown};
use crate::layer::Layer;

/// Bounds of a rule set.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Most rules that no value admits, so that each observation is held against each of them.
    pub unanchored: usize,
    /// Most rules in the small layer before it is merged into the large one.
    pub recent: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { unanchored: 1_000, recent: 2_000 }
    }
}

/// One rule that one observation satisfies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The rule's key.
    pub key: Arc<str>,
    /// The first field, in the table's order, that satisfied it.
    pub field: Field,
    /// Its value.
    pub value: String,
}

/// An immutable set of rules. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    settings: Settings,
    base: Arc<Layer>,
    recent: Arc<Layer>,
    /// Keys of `base` that no longer count.
    removed: Arc<HashSet<Arc<str>>>,
    not_matched: Arc<HashMap<Arc<str>, NotMatched>>,
}

impl RuleSet {
    /// Compiles all of `sources`; of two with the same key the last counts.
    pub fn compile(sources: impl IntoIterator<Item = RuleSource>, settings: Settings) -> Self {
        let mut set = Self { settings, ..Self::default() };
        let mut not_matched = HashMap::new();
        let rules = set.rules(sources, &mut not_matched, 0);
        set.base = Arc::new(Layer::build(rules));
        set.not_matched = Arc::new(not_matched);
        set
    }

    /// A set with `added` (replacing those of the same key) and without `removed`. What did not change is shared.
    #[must_use]
    pub fn with_changes(&self, added: impl IntoIterator<Item = RuleSource>, removed: &[Arc<str>]) -> Self {
        let mut not_matched = (*self.not_matched).clone();
        let new = self.rules(added, &mut not_matched, self.base.always_count());
        let gone: HashSet<Arc<str>> =
            removed.iter().cloned().chain(new.iter().map(|rule| Arc::clone(&rule.key))).collect();
        for key in removed {
            not_matched.remove(key);
        }
        let mut dropped = (*self.removed).clone();
        dropped.extend(gone.iter().cloned().chain(not_matched.keys().cloned()));
        let kept =
            self.recent.rules.iter().filter(|rule| !gone.contains(&rule.key) && !not_matched.contains_key(&rule.key));
        let recent: Vec<Arc<Rule>> = kept.cloned().chain(new).collect();
        let mut next = Self { not_matched: Arc::new(not_matched), ..self.clone() };
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

    fn rules(
        &self,
        sources: impl IntoIterator<Item = RuleSource>,
        not_matched: &mut HashMap<Arc<str>, NotMatched>,
        mut unanchored: usize,
    ) -> Vec<Arc<Rule>> {
        let mut by_key: HashMap<Arc<str>, usize> = HashMap::new();
        let mut rules: Vec<Arc<Rule>> = Vec::new();
        for source in sources {
            not_matched.remove(&source.key);
            let compiled = compile(&source).and_then(|rule| {
                unanchored += usize::from(crate::layer::unanchored(&rule.program));
                if unanchored > self.settings.unanchored && crate::layer::unanchored(&rule.program) {
                    return Err(NotMatched(format!(
                        "{} patterns without a value to look up are held already",
                        self.settings.unanchored
                    )));
                }
                Ok(rule)
            });
            match compiled {
                Ok(rule) => match by_key.get(&rule.key).and_then(|place| rules.get_mut(*place)) {
                    Some(old) => *old = Arc::new(rule),
                    None => {
                        by_key.insert(Arc::clone(&rule.key), rules.len());
                        rules.push(Arc::new(rule));
                    }
                },
                Err(why) => {
                    not_matched.insert(source.key, why);
                }
            }
        }
        rules
    }

    /// Adds every rule that `observation` satisfies to `found`, each once.
    pub fn scan(&self, observation: &Observation, found: &mut Vec<Match>) {
        self.scan_layer(&self.base, observation, found);
        self.scan_layer(&self.recent, observation, found);
    }

    fn scan_layer(&self, layer: &Layer, observation: &Observation, found: &mut Vec<Match>) {
        let mut seen: Vec<u32> = Vec::new();
        layer.admit(observation, &mut |number, admitted| {
            let Some(rule) = layer.rules.get(number as usize) else { return };
            if seen.contains(&number)
                || observation.time < rule.valid_from
                || observation.time >= rule.valid_until
                || (std::ptr::eq(layer, &*self.base) && self.removed.contains(&rule.key))
            {
                return;
            }
            seen.push(number);
            let satisfied = match admitted {
                Some((field, value)) => Some((field, shown(&value))),
                None => holds(&rule.program, observation),
            };
            if let Some((field, value)) = satisfied {
                found.push(Match { key: Arc::clone(&rule.key), field, value });
            }
        });
    }

    /// How many rules are matched.
    pub fn len(&self) -> usize {
        let removed = self.base.rules.iter().filter(|rule| self.removed.contains(&rule.key)).count();
        self.base.rules.len() - removed + self.recent.rules.len()
    }

    /// True if nothing is matched.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keys of patterns that are not matched here, and why.
    pub fn not_matched(&self) -> &HashMap<Arc<str>, NotMatched> {
        &self.not_matched
    }
}
