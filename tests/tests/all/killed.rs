//! Power failures at random moments under load: what was acknowledged is there once, on both sides of the border, and
//! what is materialised from the log equals what is rebuilt from it. BRIDGEWATCH_KILLS sets how many there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tests::centre::Centre;
use tests::client::Person;
use tests::pair::Pair;
use tests::sensor::Sensor;
use tests::stix::{CLEAR, indicator};
use tests::verdict::Verdict;
use tests::word::below;
use tests::{capture, place, wait};

/// How long everything may take to be everywhere after the last kill. A sighting's count is published every 30 s.
const SETTLE: Duration = Duration::from_secs(60);
/// Objects in one bundle.
const BUNDLE: usize = 20;
/// Indicators that the sensor hears.
const HEARD: usize = 10;

type Acknowledged = Arc<Mutex<BTreeSet<String>>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kills() -> Result<()> {
    let kills = place::number("BRIDGEWATCH_KILLS", 9);
    let mut pair = Pair::make()?;
    let pieces: Vec<_> = (0..HEARD).map(|_| indicator(&[CLEAR])).collect();
    let names: Vec<String> = pieces.iter().map(|piece| piece.value.clone()).collect();
    let file = pair.root.path().join("traffic.pcap");
    std::fs::write(&file, capture::questions(&names, 500))?;
    let mut sensor = Sensor::enrol(&pair.ca, pair.root.path(), "sensor-1", &[file], true)?;
    pair.start().await?;
    let alice = pair.us.person("alice")?;
    alice.publish(&pieces.iter().map(|piece| &piece.object).collect::<Vec<_>>()).await?;
    sensor.start()?;
    let acknowledged = Acknowledged::default();
    let writer = tokio::spawn(write(alice, Arc::clone(&acknowledged)));
    for round in 0..kills {
        tokio::time::sleep(Duration::from_millis(below(900))).await;
        match round % 3 {
            0 => again(&mut pair.us).await?,
            1 => again(&mut pair.ca).await?,
            _ => {
                sensor.kill()?;
                tokio::time::sleep(Duration::from_millis(below(200))).await;
                sensor.start()?;
            }
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    writer.abort();
    sensor.stop()?;
    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap_or_else(PoisonError::into_inner));
    println!("killed: {kills} kills, {} objects acknowledged", acknowledged.len());
    let mut verdict = Verdict::default();
    verdict.expect(acknowledged.len() > BUNDLE, || "nearly nothing was acknowledged".to_owned());
    everything_is_there_once(&pair, &acknowledged, &mut verdict).await?;
    hits_are_counted_once(&pair, &mut verdict).await?;
    link_is_dense(&pair, &mut verdict).await?;
    rebuilt_is_the_same(&mut pair, &mut verdict).await?;
    verdict.close()
}

/// Publishes until it is stopped; notes only what was acknowledged.
async fn write(alice: Person, acknowledged: Acknowledged) {
    loop {
        let pieces: Vec<_> = (0..BUNDLE).map(|_| indicator(&[CLEAR])).collect();
        let said = alice.publish(&pieces.iter().map(|piece| &piece.object).collect::<Vec<_>>()).await;
        match said {
            Ok(said) => {
                let ids = said.get("accepted").and_then(Value::as_array).into_iter().flatten();
                let ids = ids.filter_map(|item| item.get("id").and_then(Value::as_str)).map(str::to_owned);
                acknowledged.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn again(centre: &mut Centre) -> Result<()> {
    centre.kill()?;
    tokio::time::sleep(Duration::from_millis(below(200))).await;
    centre.start()?;
    centre.ready().await
}

/// Ids of all indicators that someone reads in the collection of `us`, with doubles.
async fn indicators(person: &Person) -> Result<Vec<String>> {
    let collection = person.collection("origin us").await?;
    let path = format!("/taxii2/root/collections/{collection}/objects/?match[type]=indicator");
    let id =
        |object: &Value| object.get("id").and_then(Value::as_str).map(str::to_owned).context("an object without id");
    person.everything(&path, "objects").await?.iter().map(id).collect()
}

async fn everything_is_there_once(pair: &Pair, acknowledged: &BTreeSet<String>, verdict: &mut Verdict) -> Result<()> {
    let at_us = indicators(&pair.us.person("bob")?).await?;
    let once: BTreeSet<&String> = at_us.iter().collect();
    verdict.expect(once.len() == at_us.len(), || {
        format!("{} of {} are doubled at us", at_us.len() - once.len(), at_us.len())
    });
    let lost = acknowledged.iter().filter(|id| !once.contains(id)).count();
    verdict.expect(lost == 0, || format!("{lost} of {} acknowledged are lost at us", acknowledged.len()));
    let claude = pair.ca.person("claude")?;
    let crossed = wait::until("everything at ca", SETTLE, async || {
        let at_ca = indicators(&claude).await?;
        if at_ca.len() > at_us.len() {
            bail!("{} at ca, {} at us", at_ca.len(), at_us.len());
        }
        let distinct: BTreeSet<&String> = at_ca.iter().collect();
        Ok((distinct == once && at_ca.len() == at_us.len()).then_some(()))
    });
    verdict.hold("the link", crossed.await);
    Ok(())
}

/// Every hit is there once, and the sightings count as many as there are.
async fn hits_are_counted_once(pair: &Pair, verdict: &mut Verdict) -> Result<()> {
    let claude = pair.ca.person("claude")?;
    let hits = claude.list("hits", "hits", "").await?;
    verdict.expect(!hits.is_empty(), || "there are no hits".to_owned());
    let text = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let ids: BTreeSet<String> = hits.iter().map(|hit| text(hit, "id")).collect();
    verdict.expect(ids.len() == hits.len(), || format!("{} hits are doubled", hits.len() - ids.len()));
    // One question is one packet with a source port of its own: its time tells repetitions of the capture apart.
    let facts: BTreeSet<String> = hits
        .iter()
        .map(|hit| format!("{} {} {}", text(hit, "indicator"), text(hit, "sensor"), text(hit, "time")))
        .collect();
    verdict.expect(facts.len() == hits.len(), || format!("{} packets made two hits", hits.len() - facts.len()));
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for hit in &hits {
        *expected.entry(text(hit, "indicator")).or_default() += 1;
    }
    let bob = pair.us.person("bob")?;
    for person in [&claude, &bob] {
        let counted = wait::until("the sightings count the hits", SETTLE, async || {
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            for row in person.list("sightings", "sightings", "").await? {
                *counts.entry(text(&row, "sighting_of")).or_default() +=
                    row.get("count").and_then(Value::as_u64).unwrap_or(1);
            }
            if counts == expected { Ok(Some(())) } else { bail!("hits {expected:?}, sightings {counts:?}") }
        });
        verdict.hold(&person.name, counted.await);
    }
    Ok(())
}

/// The link log as the partner reads it: dense from 1, nothing twice.
async fn link_is_dense(pair: &Pair, verdict: &mut Verdict) -> Result<()> {
    let link = pair.us.link(&pair.ca).await?;
    wait::until("the link log to its end", SETTLE, async || Ok(link.text().contains("\"idle\"").then_some(()))).await?;
    let lines = link.lines();
    let rows: Vec<&Value> = lines.iter().filter(|line| line.get("kind") != Some(&json!("idle"))).collect();
    let dense = rows.iter().zip(1_u64..).all(|(row, expected)| row.get("n") == Some(&json!(expected)));
    verdict.expect(dense && !rows.is_empty(), || format!("the link log is not dense: {} rows", rows.len()));
    let released = |row: &&Value| {
        let (id, version) = (row.pointer("/row/id")?, row.pointer("/row/version")?);
        Some(format!("{id} {version} {} {}", row.pointer("/row/rendering")?, row.get("kind")?))
    };
    let keys: Vec<String> = rows.iter().filter_map(released).collect();
    let distinct: BTreeSet<&String> = keys.iter().collect();
    verdict.expect(distinct.len() == keys.len(), || format!("{} releases are doubled", keys.len() - distinct.len()));
    Ok(())
}

/// Catalog and search index equal what is rebuilt after both were thrown away.
async fn rebuilt_is_the_same(pair: &mut Pair, verdict: &mut Verdict) -> Result<()> {
    let look = async |pair: &Pair| -> Result<Vec<BTreeSet<String>>> {
        let mut all = Vec::new();
        for (centre, name) in [(&pair.us, "alice"), (&pair.ca, "claude")] {
            let person = centre.person(name)?;
            let path =
                format!("/taxii2/root/collections/{}/manifest/?match[version]=all", person.collection("all").await?);
            all.push(person.everything(&path, "objects").await?.iter().map(ToString::to_string).collect());
            all.push(person.list("search", "hits", "q=").await?.iter().map(ToString::to_string).collect());
            all.push(person.list("sightings", "sightings", "").await?.iter().map(ToString::to_string).collect());
        }
        Ok(all)
    };
    let before = look(pair).await?;
    pair.stop()?;
    for centre in [&pair.us, &pair.ca] {
        verdict.hold(&format!("log verify of {}", centre.code), centre.verify());
        centre.forget_derived()?;
    }
    pair.start().await?;
    // The index is read anew from the whole log; the look itself reads everything, 200 rows at a time.
    let objects: usize = before.iter().map(BTreeSet::len).sum();
    let patience = SETTLE + Duration::from_millis(objects as u64);
    let same = wait::until("the rebuilt catalog and index", patience, async || {
        let after = look(pair).await?;
        for (place, (before, after)) in before.iter().zip(&after).enumerate() {
            if before != after {
                let (lost, new) = (before.difference(after).count(), after.difference(before).count());
                bail!("list {place}: {lost} of {} are lost, {new} are new", before.len());
            }
        }
        Ok(Some(()))
    });
    verdict.hold("rebuild", same.await);
    Ok(())
}
