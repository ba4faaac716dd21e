//! Figures under load; `make bench` runs and prints them. Nothing is asserted of times.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;
use tests::centre::Centre;
use tests::stix::CLEAR;

/// Objects in all.
const OBJECTS: usize = 100_000;
/// Objects of one bundle and of one page.
const BUNDLE: usize = 1_000;
/// Connections that post at once.
const WRITERS: usize = 4;
/// Bytes of one object.
const OBJECT_BYTES: usize = 650;

/// One bundle's TAXII envelope of indicators of 650 bytes.
fn envelope(number: usize) -> Vec<u8> {
    let objects: Vec<_> = (0..BUNDLE).map(|place| indicator(number * BUNDLE + place)).collect();
    json!({ "objects": objects }).to_string().into_bytes()
}

fn indicator(number: usize) -> serde_json::Value {
    let mut object = json!({
        "type": "indicator", "spec_version": "2.1", "id": format!("indicator--{}", uuid::Uuid::new_v4()),
        "created": "2026-11-01T00:00:00.000Z", "modified": "2026-11-01T00:00:00.000Z",
        "name": format!("load {number}"), "indicator_types": ["malicious-activity"], "pattern_type": "stix",
        "pattern": format!("[domain-name:value = 'load-{number}.example']"), "valid_from": "2026-11-01T00:00:00Z",
        "object_marking_refs": [CLEAR], "description": "",
    });
    let missing = OBJECT_BYTES.saturating_sub(object.to_string().len());
    object["description"] = "x".repeat(missing).into();
    object
}

async fn post_all(centre: &Centre, path: &str) -> Result<f64> {
    let envelopes: Vec<Vec<u8>> = (0..OBJECTS / BUNDLE).map(envelope).collect();
    let mut lanes: Vec<Vec<Vec<u8>>> = vec![Vec::new(); WRITERS];
    for (place, envelope) in envelopes.into_iter().enumerate() {
        lanes[place % WRITERS].push(envelope);
    }
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for lane in lanes {
        let (alice, path) = (centre.person("alice")?, path.to_owned());
        tasks.spawn(async move {
            for envelope in lane {
                let answer = alice.post_bytes(&path, envelope).await?;
                anyhow::ensure!(answer.status == 202, "answered {}: {}", answer.status, answer.text);
            }
            Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(OBJECTS as f64 / began.elapsed().as_secs_f64())
}

async fn sweep(centre: &Centre, path: &str) -> Result<(usize, f64)> {
    let bob = centre.person("bob")?;
    let (mut count, mut next) = (0, String::new());
    let began = Instant::now();
    loop {
        let page = bob.get(&format!("{path}?limit={BUNDLE}{next}")).await?;
        anyhow::ensure!(page.status == 200, "answered {}: {}", page.status, page.text);
        count += page.text.matches("\"indicator--").count();
        match page.text.split_once("\"next\":\"").and_then(|(_, rest)| rest.split_once('"')) {
            Some((cursor, _)) => next = format!("&next={cursor}"),
            None => return Ok((count, count as f64 / began.elapsed().as_secs_f64())),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures; make bench runs it"]
async fn posts_a_sweep_memory_and_the_next_start() -> Result<()> {
    let root = tempfile::tempdir()?;
    let mut centre = Centre::init(root.path(), "us")?;
    centre.enrol("alice", &["publisher"])?;
    centre.enrol("bob", &["analyst"])?;
    centre.start()?;
    centre.ready().await?;
    let collection = centre.person("alice")?.collections().await?.first().context("no collection")?.0.clone();
    let path = format!("/taxii2/root/collections/{collection}/objects/");
    println!("durable posts of {BUNDLE}, {WRITERS} connections: {:.0} objects/s", post_all(&centre, &path).await?);
    tokio::time::sleep(Duration::from_secs(5)).await;
    for _ in 0..3 {
        let (count, rate) = sweep(&centre, &path).await?;
        println!("sweep in pages of {BUNDLE}: {count} objects, {rate:.0} objects/s");
    }
    println!("resident after the load: {} MB", centre.process()?.resident_kb()? / 1024);
    tokio::time::sleep(Duration::from_secs(10)).await;
    println!("resident 10 s later: {} MB", centre.process()?.resident_kb()? / 1024);
    for how in ["kill -9", "a clean end"] {
        if how == "kill -9" {
            centre.kill()?
        } else {
            centre.stop()?
        }
        let began = Instant::now();
        centre.start()?;
        centre.ready().await?;
        println!("ready after {how}: {} ms", began.elapsed().as_millis());
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    println!("resident at rest with {OBJECTS} objects: {} MB", centre.process()?.resident_kb()? / 1024);
    centre.stop()
}
