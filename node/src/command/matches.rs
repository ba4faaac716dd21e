//! `bridgewatch match`: one thread decodes, one scans and writes.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::Result;
use collector::Summary;
use matching::{Match, RuleSet, Settings, Tracker};
use model::observation::Observation;
use model::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::arguments::MatchArguments;
use super::output::Lines;
use super::{Status, decode, indicators};

/// Observations that are handed over together.
const BATCH: usize = 256;
/// Batches that may wait; then the decoder waits.
const BATCHES: usize = 16;

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
}

/// What `--count` says.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Counts {
    observations: u64,
    matched: u64,
    hits: u64,
}

pub(super) fn run(arguments: &MatchArguments) -> Result<Status> {
    let rules = indicators::read(&arguments.indicators)?;
    let mut scan =
        Scan { rules, tracker: Tracker::new(Settings::default()), counts: Counts::default(), found: Vec::new() };
    let mut lines = Lines::new();
    let mut status = Status::Done;
    for input in &arguments.inputs {
        // Inputs are of different times and places: what needs several observations needs them of one.
        scan.tracker = Tracker::new(Settings::default());
        let read = one(input, |batch| scan.batch(input, batch, (!arguments.count).then_some(&mut lines)))?;
        status = status.or(decode::report(input, read));
    }
    if arguments.count {
        lines.json(&scan.counts)?;
    }
    lines.finish()?;
    let matched = if scan.counts.hits == 0 { Status::Negative } else { Status::Done };
    Ok(status.or(matched))
}

/// Decodes `input` in a thread of its own and hands its observations to `each` in this one.
fn one(input: &Path, mut each: impl FnMut(Vec<Observation>) -> Result<()>) -> Result<Result<Summary>> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(BATCHES);
        let decoder = scope.spawn(move || decode(input, &sender));
        for batch in &receiver {
            each(batch)?; // the receiver goes with the error, and the decoder with it
        }
        drop::<Receiver<_>>(receiver);
        decoder.join().map_err(|_| anyhow::anyhow!("the decoder of `{}` ended in disorder", input.display()))
    })
}

fn decode(input: &Path, sender: &SyncSender<Vec<Observation>>) -> Result<Summary> {
    let mut batch = Vec::with_capacity(BATCH);
    let summary = decode::read(input, |observation| {
        batch.push(observation);
        batch.len() < BATCH || sender.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).is_ok()
    });
    // Without a receiver nobody wants the rest.
    let _ = sender.send(batch);
    summary
}

struct Scan {
    rules: RuleSet,
    tracker: Tracker,
    counts: Counts,
    found: Vec<Match>,
}

impl Scan {
    fn batch(&mut self, input: &Path, batch: Vec<Observation>, mut lines: Option<&mut Lines>) -> Result<()> {
        for observation in batch {
            self.counts.observations += 1;
            self.found.clear();
            self.rules.scan(&observation, &mut self.found);
            self.tracker.observe(&self.rules, &observation, &mut self.found);
            if self.found.is_empty() {
                continue;
            }
            self.counts.matched += 1;
            self.counts.hits += self.found.len() as u64;
            if let Some(lines) = &mut lines {
                let (input, ecs) = (input.display().to_string(), model::ecs::to_ecs(&observation));
                self.found.sort_by(|one, other| one.key.cmp(&other.key));
                for hit in &self.found {
                    lines.json(&Hit {
                        time: observation.time,
                        indicator: &hit.key,
                        value: &hit.value,
                        field: hit.field.ecs_name(),
                        input: &input,
                        record: observation.record,
                        observation: &ecs,
                    })?;
                }
            }
        }
        Ok(())
    }
}
