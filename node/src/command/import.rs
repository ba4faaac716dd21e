//! `bridgewatch import`: files cut into bodies, a few of them on their way at once.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};
use feeds::inbound::{Part, Settings, Source, split};
use model::fault::{Fault, Severity};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::arguments::ImportArguments;
use super::output::Lines;
use super::{Status, centre, indicators, progress, runtime, say};
use crate::client::Client;

/// Bodies on their way at once.
const IN_FLIGHT: usize = 3;
/// Bodies that wait to be sent.
const WAITING: usize = 2;

/// What became of the objects of one or more files.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Imported {
    /// Taken.
    accepted: usize,
    /// Held already, byte for byte.
    unchanged: usize,
    /// Kept aside.
    quarantined: usize,
    /// Not kept.
    refused: usize,
    /// Places in the files that could not be read.
    unreadable: usize,
    /// Why, in words.
    #[serde(skip)]
    faults: Vec<String>,
}

/// What the centre says of one body.
#[derive(Debug, Deserialize)]
struct Outcome {
    accepted: Vec<serde::de::IgnoredAny>,
    unchanged: Vec<serde::de::IgnoredAny>,
    quarantined: Vec<NotTaken>,
    refused: Vec<NotTaken>,
}

#[derive(Debug, Deserialize)]
struct NotTaken {
    id: String,
    faults: Vec<Fault>,
}

pub(super) fn run(arguments: &ImportArguments) -> Result<Status> {
    runtime()?.block_on(import(arguments))
}

async fn import(arguments: &ImportArguments) -> Result<Status> {
    let client = centre::client(&arguments.centre)?;
    let mut all = Imported::default();
    for file in &arguments.files {
        let bar = progress::of_objects(&file.display().to_string());
        let (source, marking) = (arguments.source.as_deref(), arguments.marking.as_deref());
        let imported = upload(&client, file, source, marking, |objects| bar.inc(objects as u64)).await;
        bar.finish_and_clear();
        let imported = imported.with_context(|| format!("`{}` was not imported whole", file.display()))?;
        indicators::said(&imported.faults);
        all.add(&imported);
    }
    if arguments.json {
        let mut lines = Lines::new();
        lines.json(&all)?;
        lines.finish()?;
    } else {
        let Imported { accepted, unchanged, quarantined, refused, unreadable, .. } = all;
        say(
            "32",
            &format!(
                "{accepted} accepted, {unchanged} held already, {quarantined} quarantined, {refused} refused, {unreadable} unreadable"
            ),
        );
    }
    let whole = all.quarantined + all.refused + all.unreadable == 0;
    Ok(if whole { Status::Done } else { Status::Negative })
}

/// Publishes a file at the centre that `client` talks to; `progress` hears how many more objects it has answered for.
pub(crate) async fn upload(
    client: &Client,
    file: &Path,
    source: Option<&str>,
    marking: Option<&str>,
    mut progress: impl FnMut(usize),
) -> Result<Imported> {
    let query: Vec<(&str, String)> = [("source", source), ("marking", marking)]
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?.to_owned())))
        .collect();
    let (sender, mut parts) = mpsc::channel(WAITING);
    let (path, name) = (file.to_owned(), source_name(file, source));
    let reading = tokio::task::spawn_blocking(move || read(&path, name, &sender));
    let mut imported = Imported::default();
    let mut posts = JoinSet::new();
    let mut flying = 1; // definitions and identities come first, and are to be there before what cites them
    while let Some(part) = parts.recv().await {
        match part {
            Part::Fault(fault) => {
                imported.unreadable += usize::from(fault.severity == Severity::Error);
                imported.faults.push(indicators::words(file, &fault));
            }
            Part::Body(body) => {
                let (client, query) = (client.clone(), query.clone());
                posts.spawn(async move {
                    let outcome = client.post("/api/v1/objects", &query, body.bytes).await?;
                    anyhow::Ok((body.objects, serde_json::from_value::<Outcome>(outcome)?))
                });
                while posts.len() >= flying {
                    take(&mut posts, file, &mut imported, &mut progress).await?;
                }
                flying = IN_FLIGHT;
            }
        }
    }
    while !posts.is_empty() {
        take(&mut posts, file, &mut imported, &mut progress).await?;
    }
    reading.await??;
    Ok(imported)
}

/// The source's name goes into the ids of what is made of a list; a file that nobody names one for is its own.
fn source_name(file: &Path, source: Option<&str>) -> String {
    match source {
        Some(source) => source.to_owned(),
        None => file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
    }
}

fn read(path: &Path, name: String, parts: &mpsc::Sender<Part>) -> Result<()> {
    let source = Source { name, published: None };
    let open = || File::open(path).map(|file| Box::new(file) as Box<dyn std::io::Read + Send>);
    for part in split(open, source, Settings::default())? {
        if parts.blocking_send(part?).is_err() {
            break; // the centre gave no answer: nobody wants the rest
        }
    }
    Ok(())
}

/// Waits for the answer to one body.
async fn take(
    posts: &mut JoinSet<Result<(usize, Outcome)>>,
    file: &Path,
    imported: &mut Imported,
    progress: &mut impl FnMut(usize),
) -> Result<()> {
    if let Some(answer) = posts.join_next().await {
        let (objects, outcome) = answer??;
        imported.answer(file, outcome);
        progress(objects);
    }
    Ok(())
}

impl Imported {
    fn answer(&mut self, file: &Path, outcome: Outcome) {
        self.accepted += outcome.accepted.len();
        self.unchanged += outcome.unchanged.len();
        self.quarantined += outcome.quarantined.len();
        self.refused += outcome.refused.len();
        for (what, list) in [("quarantined", outcome.quarantined), ("refused", outcome.refused)] {
            for NotTaken { id, faults } in list {
                let why: Vec<String> =
                    faults.iter().map(|fault| format!("{} ({})", fault.message, fault.code)).collect();
                self.faults.push(format!("{}: {id} {what}: {}", file.display(), why.join("; ")));
            }
        }
    }

    fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.unchanged += other.unchanged;
        self.quarantined += other.quarantined;
        self.refused += other.refused;
        self.unreadable += other.unreadable;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_summed_and_faults_said() {
        let outcome = r#"{"accepted":[{"id":"a","version":"1"}],"unchanged":[{"id":"b","version":"1"}],"refused":[],
            "quarantined":[{"id":"indicator--1","faults":[{"pointer":"/pattern","severity":"error","code":"pattern-syntax",
            "section":"STIX 2.1 §9","message":"the pattern ends early"}]}]}"#;
        let mut imported = Imported::default();
        imported.answer(Path::new("a.json"), serde_json::from_str(outcome).unwrap());
        assert_eq!(imported.faults, ["a.json: indicator--1 quarantined: the pattern ends early (pattern-syntax)"]);
        let mut all = imported.clone();
        all.add(&imported);
        assert_eq!((all.accepted, all.unchanged, all.quarantined, all.refused), (2, 2, 2, 0));
    }

    #[test]
    fn a_list_that_nobody_names_is_its_own_source() {
        assert_eq!(source_name(Path::new("lists/bad.txt"), None), "bad.txt");
        assert_eq!(source_name(Path::new("lists/bad.txt"), Some("maltrail")), "maltrail");
    }
}
