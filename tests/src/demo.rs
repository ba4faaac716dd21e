//! `bridgewatch demo`, run as a visitor runs it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::client::{Person, http};
use crate::process::Process;
use crate::{program, wait};

/// How long the demo may take until both centres run.
const READY: Duration = Duration::from_secs(30);

/// Runs the demo to its end; its last line.
pub fn summary(folder: &Path, seconds: u64, further: &[&str]) -> Result<Value> {
    let (dir, seconds) = (folder.display().to_string(), seconds.to_string());
    let mut arguments = vec!["demo", "--json", "--dir", &dir, "--seconds", &seconds];
    arguments.extend(further);
    let finished = program::run(&arguments)?.good()?;
    let last = finished.stdout.lines().last().context("the demo printed nothing")?;
    serde_json::from_str(last).with_context(|| format!("the last line is no JSON: {last}"))
}

/// A demo that runs until it is dropped.
#[derive(Debug)]
pub struct Demo {
    /// What `demo.json` says: addresses and tokens of both centres.
    pub note: Value,
    process: Process,
}

impl Demo {
    /// Starts it in `folder`, with further arguments, and waits until both centres are ready.
    pub async fn start(folder: &Path, further: &[&str]) -> Result<Self> {
        let dir = folder.display().to_string();
        let arguments = [&["demo", "--dir", dir.as_str()], further].concat();
        let mut process = Process::start(&arguments, &folder.with_extension("log"))?;
        let path = folder.join("demo/demo.json");
        let note: Value = wait::until("the demo runs", READY, async || {
            process.alive()?;
            let Ok(text) = std::fs::read_to_string(&path) else { return Ok(None) };
            let note: Value = serde_json::from_str(&text)?;
            for centre in ["us", "ca"] {
                let metrics = text_of(&note, centre, "metrics")?;
                if reqwest::get(format!("{metrics}/readyz")).await?.status() != 200 {
                    return Ok(None);
                }
            }
            Ok(Some(note))
        })
        .await?;
        Ok(Self { note, process })
    }

    /// Someone at one of its centres.
    pub fn person(&self, centre: &str, name: &str) -> Result<Person> {
        let token = self.note.pointer(&format!("/{centre}/tokens/{name}")).and_then(Value::as_str);
        let token = token.with_context(|| format!("no token of `{name}` at `{centre}`"))?;
        let client = http(Path::new(text_of(&self.note, centre, "authority")?), None)?;
        let base = text_of(&self.note, centre, "machines")?.to_owned();
        Ok(Person::new(format!("{name}@{centre}"), token.to_owned(), client, base))
    }

    /// Ends it as Ctrl-C does; it must end cleanly.
    pub fn stop(self) -> Result<()> {
        self.process.stop()
    }
}

fn text_of<'a>(note: &'a Value, centre: &str, key: &str) -> Result<&'a str> {
    let found = note.get(centre).and_then(|centre| centre.get(key)).and_then(Value::as_str);
    found.with_context(|| format!("demo.json says no `{key}` of `{centre}`"))
}
