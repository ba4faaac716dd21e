//! `bridgewatch match`: every core decodes and scans a part of an input; whichever has the next part follows what needs several
//! observations and writes.

use std::num::NonZero;
use std::path::Path;

use anyhow::{Context, Result};
use collector::{Part, Summary};
use matching::{Match, Reason, RuleSet, Settings, Tracker, reasons};
use model::observation::{Observation, Text};
use model::pattern::parse;
use model::time::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::arguments::MatchArguments;
use super::output::Lines;
use super::{Status, decode, indicators};

/// One hit, as its line says it.
#[derive(Debug, Serialize)]
struct Hit<'a> {
    time: Timestamp,
    indicator: &'a str,
    value: &'a str,
    field: &'static str,
    input: &'a str,
    record: u64,
    observation: &'a Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<Value>,
}

/// What `--count` says.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Counts {
    observations: u64,
    matched: u64,
    hits: u64,
}

pub(super) fn run(arguments: &MatchArguments) -> Result<Status> {
    // Captures are older than what is known about them.
    let rules = indicators::read(&arguments.indicators)?.for_retro_hunt();
    let mut lines = Lines::new();
    let mut status = Status::Done;
    let mut counts = Counts::default();
    for input in &arguments.inputs {
        let name = input.display().to_string();
        let search = Search { rules: &rules, input: &name, counted_only: arguments.count, explain: arguments.explain };
        let mut written = Ok(());
        let read = one(input, &search, |settled| {
            counts.add(&settled.counts);
            written = lines.bytes(&settled.lines);
            written.is_ok()
        });
        written?;
        status = status.or(decode::report(input, read));
    }
    if arguments.count {
        lines.json(&counts)?;
    }
    lines.finish()?;
    let matched = if counts.hits == 0 { Status::Negative } else { Status::Done };
    Ok(status.or(matched))
}

/// Hands what is found in `input`, part by part and in order, to `take`.
fn one(input: &Path, search: &Search<'_>, mut take: impl FnMut(Settled) -> bool + Send) -> Result<Summary> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    // Inputs are of different times and places: what needs several observations needs them of one.
    let mut tracker = Tracker::new(Settings::default());
    let new = || Scanned { search, found: Vec::new(), settled: Settled::default(), open: Vec::new() };
    let input_read =
        collector::decode_in_parts(decode::open(input)?, &collector::Settings::default(), threads, new, |scanned| {
            take(scanned.settle(&mut tracker))
        });
    input_read.with_context(|| format!("cannot read `{}`", input.display()))
}

/// What is looked for, and where.
struct Search<'s> {
    rules: &'s RuleSet,
    input: &'s str,
    /// Nobody wants the hits, only how many there are.
    counted_only: bool,
    explain: bool,
}

impl Search<'_> {
    /// The comparisons of the pattern that the observation satisfies.
    fn reasons(&self, key: &str, observation: &Observation) -> Vec<Value> {
        let pattern = self.rules.pattern(key).filter(|_| self.explain).and_then(|text| parse(text).ok());
        let reasons = pattern.map(|pattern| reasons(&pattern, observation, &Settings::default()));
        let said = |reason: Reason| json!({"comparison": reason.comparison, "field": reason.field.ecs_name(), "value": reason.value});
        reasons.unwrap_or_default().into_iter().map(said).collect()
    }
}

/// A part of an input that was scanned.
struct Scanned<'s> {
    search: &'s Search<'s>,
    found: Vec<Match>,
    settled: Settled,
    /// Observations of which only those before them say what they match, and what they match by themselves.
    open: Vec<(Observation, Vec<Match>)>,
}

/// What was found in a part: counts, and a line for each hit.
#[derive(Default)]
struct Settled {
    counts: Counts,
    lines: Vec<u8>,
}

impl Part for Scanned<'_> {
    fn hear<T: Text>(&mut self, observation: Observation<T>) {
        self.search.rules.scan(&observation, &mut self.found);
        if self.search.rules.windowed_len() > 0 {
            self.open.push((observation.owned(), std::mem::take(&mut self.found)));
            return;
        }
        self.settled.counts.observations += 1;
        if !self.found.is_empty() {
            self.settled.matched(self.search, &observation.owned(), &mut self.found);
        }
    }
}

impl Scanned<'_> {
    fn settle(mut self, tracker: &mut Tracker) -> Settled {
        for (observation, mut found) in self.open {
            tracker.observe(self.search.rules, &observation, &mut found);
            self.settled.counts.observations += 1;
            if !found.is_empty() {
                self.settled.matched(self.search, &observation, &mut found);
            }
        }
        self.settled
    }
}

impl Settled {
    /// An observation and what it matches, which is taken.
    fn matched(&mut self, search: &Search<'_>, observation: &Observation, found: &mut Vec<Match>) {
        self.counts.matched += 1;
        self.counts.hits += found.len() as u64;
        if !search.counted_only {
            let ecs = model::ecs::to_ecs(observation);
            found.sort_by(|one, other| one.key.cmp(&other.key));
            for hit in &*found {
                let hit = Hit {
                    time: observation.time,
                    indicator: &hit.key,
                    value: &hit.value,
                    field: hit.field.ecs_name(),
                    input: search.input,
                    record: observation.record,
                    observation: &ecs,
                    reasons: search.reasons(&hit.key, observation),
                };
                // Neither writing into memory nor these texts and numbers can fail.
                if serde_json::to_writer(&mut self.lines, &hit).is_ok() {
                    self.lines.push(b'\n');
                }
            }
        }
        found.clear();
    }
}

impl Counts {
    fn add(&mut self, more: &Self) {
        self.observations += more.observations;
        self.matched += more.matched;
        self.hits += more.hits;
    }
}
