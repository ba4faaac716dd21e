//! Every public list of the corpora, 1.1 million indicators, over the merged capture and every EVE file: the hits are those of an
//! independent reading in Python, each with its record, its field and how often it stands there.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::Value;
use tests::{place, program};

/// Indicators chosen from what the inputs hold, since real lists hit rarely.
const PLANTED: &str = "900";
const SEED: &str = "7";

/// The EVE files of the corpora, those that are one JSON array written anew with an event a line: an event's ordinal is its line.
fn logs(corpora: &Path, out: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(corpora.join("telemetry/suricata-eve"))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if name.contains(".eve.json") {
            found.push(path.display().to_string());
        } else if name.ends_with("alerts-only.json") {
            let events: Vec<Value> = serde_json::from_slice(&fs::read(&path)?)?;
            let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
            let flat = out.join(name);
            fs::write(&flat, lines)?;
            found.push(flat.display().to_string());
        }
    }
    found.sort();
    Ok(found)
}

#[test]
fn every_list_over_every_input_hits_what_an_independent_reading_expects() -> Result<()> {
    let Some(corpora) = place::corpora() else {
        println!("skipped: no corpora");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let (out, decoded) = (folder.path().display().to_string(), folder.path().join("decoded.jsonl"));
    let (lists, capture) = (corpora.join("indicators"), corpora.join("pcap/merged/merged-captures.pcap.xz"));
    let (lists, capture) = (lists.display().to_string(), capture.display().to_string());
    let logs = logs(&corpora, folder.path())?;
    fs::write(&decoded, program::run(&["decode", &capture])?.good()?.stdout)?;
    let decoded = decoded.display().to_string();
    let mut arguments = vec!["prepare", &lists, &capture, &decoded, &out, SEED, PLANTED];
    arguments.extend(logs.iter().map(String::as_str));
    let began = Instant::now();
    println!("{}", program::python("hunt.py", &arguments)?.good()?.stdout.trim());
    println!("independent reading: {:.1} s", began.elapsed().as_secs_f32());

    let expected: Value = serde_json::from_slice(&fs::read(folder.path().join("expected.json"))?)?;
    let files = expected.get("files").and_then(Value::as_array).context("no files")?;
    let mut arguments = vec!["match"];
    for file in files {
        arguments.extend(["--indicators", file.as_str().context("no name")?]);
    }
    arguments.extend(std::iter::once(&capture).chain(&logs).map(String::as_str));
    let began = Instant::now();
    let matched = program::run(&arguments)?.good()?;
    println!("match: {:.1} s", began.elapsed().as_secs_f32());
    let (hits, words) = (folder.path().join("hits.jsonl"), folder.path().join("words.txt"));
    fs::write(&hits, matched.stdout)?;
    fs::write(&words, matched.stderr)?;
    let (hits, words) = (hits.display().to_string(), words.display().to_string());
    let compared = program::python("hunt.py", &["compare", &out, &hits, &words])?;
    println!("{}", compared.stdout.trim());
    compared.good().map(drop)
}
