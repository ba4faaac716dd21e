//! Follows the centre's rules. New sets are compiled beside and swapped whole; when the stream breaks, the old set stays in use.

use std::collections::BTreeMap;
use std::sync::Arc;

use matching::{RuleSet, RuleSource};
use model::pattern;

use super::centre::{Centre, CentreError};
use super::{Backoff, Shared};
use crate::wire::{RuleLine, RuleText};

/// Follows until the sensor ends.
pub(super) async fn follow(shared: Arc<Shared>, centre: Arc<Centre>) {
    let mut backoff = Backoff::new(&shared.settings);
    loop {
        let Err(error) = listen(&shared, &centre, &mut backoff).await;
        shared.counters.rules_failures.add(1);
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the rules stream is read again; the rules in use stay"
        );
        backoff.wait().await;
    }
}

/// What came since the last `Begin` or `Ready`.
#[derive(Debug, Default)]
struct Coming {
    /// It replaces all rules.
    whole: bool,
    /// By key; none: that rule goes. Of two changes of one key the last counts.
    changes: BTreeMap<Arc<str>, Option<RuleText>>,
}

async fn listen(
    shared: &Arc<Shared>,
    centre: &Centre,
    backoff: &mut Backoff,
) -> Result<std::convert::Infallible, CentreError> {
    let mut lines = centre.rules().await?;
    let mut coming = Coming::default();
    loop {
        match lines.next().await? {
            RuleLine::Begin => coming = Coming { whole: true, ..Coming::default() },
            RuleLine::Change { add, remove } => {
                coming.changes.extend(remove.into_iter().map(|key| (key.into(), None)));
                coming.changes.extend(add.into_iter().map(|rule| (rule.key.as_str().into(), Some(rule))));
                if coming.changes.len() > shared.settings.rules {
                    return Err(CentreError::Rules(shared.settings.rules));
                }
            }
            RuleLine::Ready(rules) => {
                apply(shared, std::mem::take(&mut coming), rules).await?;
                backoff.succeeded();
            }
            RuleLine::Idle => {}
        }
    }
}

/// Compiles what came on a thread that may take its time, and swaps it in.
async fn apply(shared: &Arc<Shared>, coming: Coming, announced: u64) -> Result<(), CentreError> {
    let (old, settings) = (shared.rules.load_full(), shared.settings);
    let built = tokio::task::spawn_blocking(move || build(&old, coming, settings.matching));
    let set = built.await.map_err(|_| CentreError::Ending)?;
    let not_matched = set.not_matched().len();
    let held = set.len() + not_matched;
    if held > settings.rules {
        return Err(CentreError::Rules(settings.rules));
    }
    shared.counters.rules.set(set.len() as u64);
    shared.counters.rules_not_matched.set(not_matched as u64);
    shared.rules.store(Arc::new(set));
    shared.ready.send_modify(|ready| ready.rules = true);
    tracing::debug!(announced, held, not_matched, "rules are in use");
    Ok(())
}

fn build(old: &RuleSet, coming: Coming, settings: matching::Settings) -> RuleSet {
    let mut added = Vec::new();
    let mut removed = Vec::new();
    for (key, rule) in coming.changes {
        match rule.and_then(|rule| source(&key, &rule)) {
            Some(source) => added.push(source),
            None => removed.push(key),
        }
    }
    match coming.whole {
        true => RuleSet::compile(added, settings),
        false => old.with_changes(added, &removed),
    }
}

/// The centre checked the pattern; one that this version cannot read matches nothing.
fn source(key: &Arc<str>, rule: &RuleText) -> Option<RuleSource> {
    match pattern::parse(&rule.pattern) {
        Ok(pattern) => Some(RuleSource {
            key: Arc::clone(key),
            pattern,
            valid_from: rule.valid_from,
            valid_until: rule.valid_until,
        }),
        Err(fault) => {
            tracing::warn!(key = &**key, %fault, "a rule's pattern cannot be read and matches nothing");
            None
        }
    }
}
