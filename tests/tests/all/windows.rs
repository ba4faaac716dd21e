//! Patterns that need several observations: matched at the sensor, and at the centre where a sensor may not hold them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::centre::Centre;
use tests::client::Person;
use tests::sensor::Sensor;
use tests::stix::{GREEN, Piece, RED, bundle, indicator};
use tests::{capture, word};

const PATIENCE: Duration = Duration::from_secs(30);

async fn hits(person: &Person, piece: &Piece) -> Result<Vec<Value>> {
    person.list("hits", "hits", &format!("indicator={}", piece.id())).await
}

/// Waits until there is a hit.
async fn first_hit(person: &Person, piece: &Piece, what: &str) -> Result<Value> {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(hit) = hits(person, piece).await?.into_iter().next() {
            return Ok(hit);
        }
        ensure!(Instant::now() < until, "{what} has no hit after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn one_after_the_other_is_matched_at_the_sensor_and_at_the_centre() -> Result<()> {
    let root = tempfile::tempdir()?;
    let mut centre = Centre::init(root.path(), "ca")?;
    centre.enrol("alice", &["publisher"])?;
    centre.enrol("bob", &["analyst"])?;
    let [first, second] = [(); 2].map(|()| format!("{}.example", word::word()));
    let input = root.path().join("questions.pcap");
    std::fs::write(&input, capture::questions(&[first.clone(), second.clone()], 1))?;
    let mut sensor = Sensor::enrol(&centre, root.path(), "sensor-1", &[input], true)?;
    centre.start()?;
    centre.ready().await?;
    let (alice, bob) = (centre.person("alice")?, centre.person("bob")?);
    let joined = format!("[domain-name:value = '{first}'] FOLLOWEDBY [domain-name:value = '{second}']");
    let made = |marking: &str, pattern: &str| indicator(&[marking]).with("pattern", json!(pattern));
    let shared = made(GREEN, &format!("({joined}) WITHIN 60 SECONDS"));
    let own = made(RED, &format!("({joined}) WITHIN 50 SECONDS"));
    let never = made(GREEN, &format!("({joined} FOLLOWEDBY [domain-name:value = 'never.example']) WITHIN 60 SECONDS"));
    let taken = alice.post("/api/v1/objects", &bundle(&[&shared.object, &own.object, &never.object])).await?.json()?;
    ensure!(taken["accepted"].as_array().map(Vec::len) == Some(3), "{taken}");
    sensor.start()?;

    first_hit(&alice, &shared, "what the sensor may hold").await?;
    let hit = first_hit(&alice, &own, "what the sensor may not hold").await?;
    let shown = [&first, &second].map(|name| Some(name.as_str()));
    ensure!(shown.contains(&hit.get("value").and_then(Value::as_str)), "{hit}");
    ensure!(hits(&bob, &shared).await?.first().context("an analyst sees it")?.get("value").is_some());
    ensure!(hits(&bob, &own).await?.is_empty(), "a RED indicator's hits are its publisher's");
    ensure!(hits(&alice, &never).await?.is_empty(), "nothing follows");
    sensor.stop()?;
    centre.stop()
}

/// As configured, patterns of several observations are matched over what all sensors tell: one hears the one, another the other.
#[tokio::test]
async fn what_two_sensors_hear_is_one_match_where_that_is_configured() -> Result<()> {
    let root = tempfile::tempdir()?;
    let mut centre = Centre::init(root.path(), "ca")?;
    let config = std::fs::read_to_string(centre.config())?;
    let across = config.replace("across_sensors = false", "across_sensors = true");
    ensure!(across != config, "the configuration names it: {config}");
    std::fs::write(centre.config(), across)?;
    centre.enrol("alice", &["publisher"])?;
    centre.enrol("bob", &["analyst"])?;
    let names = [(); 2].map(|()| format!("{}.example", word::word()));
    let mut sensors = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let input = root.path().join(format!("questions-{number}.pcap"));
        std::fs::write(&input, capture::questions(std::slice::from_ref(name), 1))?;
        sensors.push(Sensor::enrol(&centre, root.path(), &format!("sensor-{number}"), &[input], true)?);
    }
    centre.start()?;
    centre.ready().await?;
    let (alice, bob) = (centre.person("alice")?, centre.person("bob")?);
    let [first, second] = &names;
    let made = |marking: &str, pattern: &str| indicator(&[marking]).with("pattern", json!(pattern));
    let joined = format!("[domain-name:value = '{first}'] AND [domain-name:value = '{second}']");
    let both = made(GREEN, &format!("({joined}) WITHIN 60 SECONDS"));
    let own = made(RED, &format!("({joined}) WITHIN 50 SECONDS"));
    let one = made(GREEN, &format!("[domain-name:value = '{first}']"));
    let never = made(GREEN, &format!("[domain-name:value = '{first}'] AND [domain-name:value = 'never.example']"));
    let pieces = [&both, &own, &one, &never].map(|piece| &piece.object);
    let taken = alice.post("/api/v1/objects", &bundle(&pieces)).await?.json()?;
    ensure!(taken["accepted"].as_array().map(Vec::len) == Some(4), "{taken}");
    for sensor in &mut sensors {
        sensor.start()?;
    }
    first_hit(&alice, &one, "what one observation decides").await?;
    first_hit(&alice, &both, "what two sensors hear").await?;
    first_hit(&alice, &own, "what two sensors hear and none may hold").await?;
    ensure!(!hits(&bob, &both).await?.is_empty(), "an analyst sees it");
    ensure!(hits(&bob, &own).await?.is_empty(), "a RED indicator's hits are its publisher's");
    ensure!(hits(&alice, &never).await?.is_empty(), "nobody hears it");
    for sensor in &mut sensors {
        sensor.stop()?;
    }
    centre.stop()
}
