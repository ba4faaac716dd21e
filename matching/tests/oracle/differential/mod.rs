//! The engine against the plain evaluator of `model` on random patterns and random sequences of observations.
//!
//! `BRIDGEWATCH_CASES` says how many cases (one pattern over one sequence) there are, `BRIDGEWATCH_SEED` from which seed on: each
//! batch has one of its own, which a failure prints.

mod dice;
mod form;
mod observations;
mod patterns;
mod sights;

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use matching::{RuleSet, RuleSource, Settings, Tracker, TrackerCounts};
use model::observation::Observation;
use model::pattern::evaluate::{EvaluationError, Sight, evaluate};
use model::pattern::{Observation as Outer, ObservationOperator, Pattern, Qualifier};

use self::dice::Dice;
use crate::single::source;

/// Enough for CI in a debug build, in less than half a minute on two cores.
const CASES: u64 = 100_000;
const PATTERNS: usize = 64;
const SEQUENCES: usize = 4;

/// What came of the cases.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    cases: u64,
    /// The engine does not match the pattern, so there is nothing to compare.
    refused: u64,
    /// The evaluator gave up.
    too_many: u64,
    matched: u64,
    /// Of several observations.
    windowed: u64,
    windowed_matched: u64,
    /// Observations that came too late to count.
    late: u64,
    /// Searches of the tracker that ended at their bound, and cases in which that hid a match.
    exhausted: u64,
    hidden: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.cases += other.cases;
        self.refused += other.refused;
        self.too_many += other.too_many;
        self.matched += other.matched;
        self.windowed += other.windowed;
        self.windowed_matched += other.windowed_matched;
        self.late += other.late;
        self.exhausted += other.exhausted;
        self.hidden += other.hidden;
    }
}

struct Rule {
    key: String,
    text: String,
    /// What the evaluator is asked; of a pattern of several observations within the longest span that the engine knows.
    asked: Pattern,
    is_windowed: bool,
}

impl Rule {
    fn new(key: usize, (text, pattern): &(String, Pattern), settings: &Settings) -> Self {
        let is_windowed = !is_decided_by_one(&pattern.root);
        let mut root = form::observation(&pattern.root);
        if is_windowed {
            let within = Qualifier::Within((settings.span_ms / 1_000).to_string());
            root = Outer::Qualified(Box::new(root), within);
        }
        Self { key: key.to_string(), text: text.clone(), asked: Pattern { root }, is_windowed }
    }
}

/// Does one observation decide, so that it counts however late it comes?
fn is_decided_by_one(outer: &Outer) -> bool {
    fn is_choice(outer: &Outer) -> bool {
        match outer {
            Outer::Single(_) => true,
            Outer::Joined(ObservationOperator::Or, parts) => parts.iter().all(is_choice),
            _ => false,
        }
    }
    match outer {
        Outer::Qualified(_, Qualifier::Repeats(2..)) => false,
        Outer::Qualified(inner, _) => is_decided_by_one(inner),
        other => is_choice(other),
    }
}

/// What the engine said of one pattern: at which places of the sequence, by which records.
type Said = Vec<(usize, Vec<u64>)>;

/// Observations as they came, as the evaluator sees them, and which of them came in time.
struct Sequence {
    observations: Vec<Observation>,
    sights: Vec<Sight>,
    in_time: Vec<bool>,
}

impl Sequence {
    fn new(observations: Vec<Observation>, settings: &Settings) -> Self {
        let lateness_us = settings.lateness_ms as i64 * 1_000;
        let mut newest = i64::MIN;
        let mut in_time = Vec::new();
        for observation in &observations {
            let time = observation.time.micros();
            in_time.push(time >= newest.saturating_sub(lateness_us));
            newest = newest.max(time);
        }
        Self { sights: observations.iter().map(sights::sight).collect(), observations, in_time }
    }

    /// Those of the first `count` that came in time.
    fn counted(&self, count: usize) -> Vec<Sight> {
        self.sights
            .iter()
            .zip(&self.in_time)
            .take(count)
            .filter(|(_, good)| **good)
            .map(|(one, _)| one.clone())
            .collect()
    }

    /// What the engine says of it, by key.
    fn said(&self, set: &RuleSet, settings: Settings) -> (BTreeMap<String, Said>, TrackerCounts) {
        let mut tracker = Tracker::new(settings);
        let mut said: BTreeMap<String, Said> = BTreeMap::new();
        for (place, observation) in self.observations.iter().enumerate() {
            let mut found = Vec::new();
            set.scan(observation, &mut found);
            tracker.observe(set, observation, &mut found);
            for one in found {
                said.entry(one.key.to_string()).or_default().push((place, one.records));
            }
        }
        (said, tracker.counts())
    }
}

/// Does the pattern hold? The error is a disagreement in itself: what the evaluator cannot read the engine must refuse.
fn holds(rule: &Rule, sights: &[Sight]) -> Result<bool, Trouble> {
    match evaluate(&rule.asked, sights) {
        Ok(found) => Ok(found.is_some()),
        Err(EvaluationError::TooMany) => Err(Trouble::TooMany),
        Err(error) => Err(Trouble::Disagreement(format!("the evaluator cannot say: {error}"))),
    }
}

enum Trouble {
    TooMany,
    /// The engine did not find what there is: a disagreement, unless it says that it gave up.
    Missed(String),
    Disagreement(String),
}

fn differ<T>(why: impl Into<String>) -> Result<T, Trouble> {
    Err(Trouble::Disagreement(why.into()))
}

/// A pattern that one observation decides: each by itself.
fn compare_single(rule: &Rule, sequence: &Sequence, said: &Said) -> Result<(), Trouble> {
    let mut said = said.iter().peekable();
    for (place, sight) in sequence.sights.iter().enumerate() {
        let engine = said.next_if(|(at, records)| *at == place && records.is_empty()).is_some();
        if holds(rule, std::slice::from_ref(sight))? != engine {
            return differ(format!("engine at {place}: {engine}, evaluator: {}", !engine));
        }
    }
    if said.next().is_some() { differ("the engine says more than once of one observation") } else { Ok(()) }
}

/// A pattern of several observations. More of them never undo a match: so the first prefix of which the evaluator says that it matches
/// ends in the observation of which the engine says so first. Whatever the engine binds must be a match by itself.
fn compare_windowed(rule: &Rule, sequence: &Sequence, said: &Said) -> Result<(), Trouble> {
    let Some((first, _)) = said.first() else {
        return match holds(rule, &sequence.counted(sequence.sights.len()))? {
            true => Err(Trouble::Missed("the evaluator finds a match, the engine none".to_owned())),
            false => Ok(()),
        };
    };
    if !holds(rule, &sequence.counted(first + 1))? {
        return differ(format!("the engine finds a match at {first}, the evaluator none"));
    }
    if holds(rule, &sequence.counted(*first))? {
        let why = format!("the evaluator finds a match before {first}, where the engine finds its first");
        return Err(Trouble::Missed(why));
    }
    for (place, records) in said {
        let places: Vec<usize> = records.iter().map(|record| *record as usize - 1).collect();
        let bound: Vec<Sight> = places.iter().map(|place| sequence.sights[*place].clone()).collect();
        let good = places.contains(place)
            && places.iter().all(|bound| bound <= place && sequence.in_time[*bound])
            && places.iter().collect::<std::collections::BTreeSet<_>>().len() == places.len();
        if !good || !holds(rule, &bound)? {
            return differ(format!("the engine binds {records:?} at {place}, which is no match"));
        }
    }
    Ok(())
}

/// Does the search for this pattern end at its bound?
fn gives_up(rule: &Rule, sequence: &Sequence, settings: Settings) -> bool {
    sequence.said(&RuleSet::compile([source(0, &rule.text)], settings), settings).1.exhausted > 0
}

fn settings(dice: &mut Dice) -> Settings {
    let day_ms = 86_400_000;
    Settings {
        lateness_ms: dice.pick(&[0, 1_000, 3_000, 10_000]),
        span_ms: dice.pick(&[5_000, 60_000, day_ms, day_ms, day_ms]),
        ..Settings::default()
    }
}

/// One rule set, part of it compiled and part of it added, over some sequences.
fn batch(seed: u64) -> Result<Tally, String> {
    let mut dice = Dice::new(seed);
    let settings = settings(&mut dice);
    let kinds: Vec<_> = (0..1 + dice.below(3)).map(|_| dice.pick(&observations::KINDS)).collect();
    let all: Vec<_> = (0..PATTERNS).map(|_| patterns::pattern(&mut dice, &kinds)).collect();
    let rules: Vec<Rule> = all.iter().enumerate().map(|(key, one)| Rule::new(key, one, &settings)).collect();
    let mut sources: Vec<RuleSource> = all.iter().enumerate().map(|(key, (text, _))| source(key, text)).collect();
    let added = sources.split_off(PATTERNS - dice.below(2) * dice.below(PATTERNS));
    let set = RuleSet::compile(sources, settings);
    let set = if added.is_empty() { set } else { set.with_changes(added, &[]) };
    let is_held = |rule: &&Rule| !set.not_matched().contains_key(rule.key.as_str());
    let windowed = rules.iter().filter(is_held).filter(|rule| rule.is_windowed).count();
    if set.windowed_len() != windowed {
        return Err(format!(
            "seed {seed}: {windowed} need several observations, and the engine says {}",
            set.windowed_len()
        ));
    }

    let mut tally = Tally::default();
    for _ in 0..SEQUENCES {
        let sequence = Sequence::new(observations::sequence(&mut dice, &kinds), &settings);
        let (said, counts) = sequence.said(&set, settings);
        let late = sequence.in_time.iter().filter(|good| !**good).count() as u64;
        if (counts.late, counts.evicted, counts.restarted) != (late, 0, 0) {
            return Err(format!("seed {seed}: {late} came late, and the tracker says {counts:?}"));
        }
        tally.cases += PATTERNS as u64;
        tally.late += late;
        tally.exhausted += counts.exhausted;
        tally.refused += set.not_matched().len() as u64;
        for rule in rules.iter().filter(is_held) {
            let said = said.get(&rule.key).cloned().unwrap_or_default();
            let compare = if rule.is_windowed { compare_windowed } else { compare_single };
            match compare(rule, &sequence, &said) {
                Ok(()) => {}
                Err(Trouble::TooMany) => tally.too_many += 1,
                Err(Trouble::Missed(_)) if counts.exhausted > 0 && gives_up(rule, &sequence, settings) => {
                    tally.hidden += 1;
                }
                Err(Trouble::Missed(why) | Trouble::Disagreement(why)) => {
                    return Err(told(seed, rule, &settings, &sequence, &why));
                }
            }
            tally.matched += u64::from(!said.is_empty());
            tally.windowed += u64::from(rule.is_windowed);
            tally.windowed_matched += u64::from(rule.is_windowed && !said.is_empty());
        }
    }
    Ok(tally)
}

fn told(seed: u64, rule: &Rule, settings: &Settings, sequence: &Sequence, why: &str) -> String {
    let mut text = format!(
        "{why}\n  again with: BRIDGEWATCH_SEED={seed} BRIDGEWATCH_CASES=1\n  pattern: {}\n  asked: {}\n  lateness {} ms, span {} ms",
        rule.text, rule.asked, settings.lateness_ms, settings.span_ms
    );
    for (place, (observation, sight)) in sequence.observations.iter().zip(&sequence.sights).enumerate() {
        let late = if sequence.in_time[place] { "" } else { " (late)" };
        let objects: Vec<String> =
            sight.objects.values().map(|object| serde_json::to_string(object).unwrap()).collect();
        text.push_str(&format!("\n  {place} {}{late}: {}", observation.time, objects.join(" ")));
    }
    text
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: `{text}`")))
}

/// Of a process a number that no other has.
fn any_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    // Far from the end of the range, since batches count on from it; short enough to be copied by hand.
    std::hash::RandomState::new().build_hasher().finish() >> 24
}

#[test]
fn engine_and_plain_evaluator_agree_on_random_sequences() {
    let cases = number("BRIDGEWATCH_CASES").unwrap_or(CASES);
    let seed = number("BRIDGEWATCH_SEED").unwrap_or_else(any_seed);
    let batches = cases.div_ceil((PATTERNS * SEQUENCES) as u64);
    let next = AtomicU64::new(0);
    let (total, wrong) = (Mutex::new(Tally::default()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= batches || wrong.lock().unwrap().len() >= 3 {
                        return;
                    }
                    match batch(seed + number) {
                        Ok(tally) => *total.lock().unwrap() += tally,
                        Err(why) => wrong.lock().unwrap().push(why),
                    }
                }
            });
        }
    });
    let (total, wrong) = (total.into_inner().unwrap(), wrong.into_inner().unwrap());
    println!("from seed {seed} on: {total:?}");
    assert!(wrong.is_empty(), "{} disagreements:\n{}", wrong.len(), wrong.join("\n"));
    if total.cases >= 10_000 {
        // What is refused, or matches never, tells nothing.
        assert!(total.refused * 15 < total.cases, "too many refused: {total:?}");
        assert!(total.too_many * 1_000 < total.cases, "the evaluator gave up too often: {total:?}");
        assert!(total.matched * 4 > total.cases, "too few match: {total:?}");
        assert!(total.windowed * 4 > total.cases && total.windowed_matched * 8 > total.windowed, "{total:?}");
        assert!(total.late > 0 && total.hidden * 1_000 < total.cases, "{total:?}");
    }
}
