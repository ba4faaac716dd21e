//! `bridgewatch decode`.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use collector::{Settings, Summary};
use model::observation::Observation;

use super::arguments::DecodeArguments;
use super::output::Lines;
use super::{Status, complain, progress, warn};

pub(super) fn run(arguments: &DecodeArguments) -> Result<Status> {
    let mut lines = Lines::new();
    let mut status = Status::Done;
    for input in &arguments.inputs {
        let mut written = Ok(());
        let read = read(input, |observation| {
            written = lines.json(&model::ecs::to_ecs(&observation));
            written.is_ok()
        });
        written?;
        status = status.or(report(input, read));
    }
    lines.finish()?;
    Ok(status)
}

/// Hands the observations of `input` (`-`: stdin) to `each`, with progress.
fn read(input: &Path, each: impl FnMut(Observation) -> bool) -> Result<Summary> {
    let read = collector::decode(open(input)?, &Settings::default(), each);
    read.with_context(|| format!("cannot read `{}`", input.display()))
}

/// The bytes of `input` (`-`: stdin), with progress.
pub(super) fn open(input: &Path) -> Result<Box<dyn Read + Send>> {
    if input == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    let file = File::open(input).with_context(|| format!("cannot read `{}`", input.display()))?;
    let length = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
    Ok(Box::new(progress::of_bytes(&input.display().to_string(), length).wrap_read(file)))
}

/// Says what of an input could not be read.
pub(super) fn report(input: &Path, read: Result<Summary>) -> Status {
    let summary = match read {
        Ok(summary) => summary,
        Err(error) => {
            complain(&error);
            return Status::Unusable;
        }
    };
    for fault in &summary.first_faults {
        let place = if fault.record == 0 { String::new() } else { format!("record {}: ", fault.record) };
        warn(format_args!("{}: {place}{} ({})", input.display(), fault.message, fault.code));
    }
    let said = u64::try_from(summary.first_faults.len()).unwrap_or(u64::MAX);
    if summary.faults > said {
        let more = if said == 0 { "" } else { "more " };
        warn(format_args!("{}: {} {more}faults that are not said singly", input.display(), summary.faults - said));
    }
    Status::Done
}
