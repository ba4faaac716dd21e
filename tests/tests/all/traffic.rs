//! Real traffic and real indicators: what the program finds is what an independent reading in Python finds, offline and over
//! the whole way from `us`'s import to both countries' sightings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tests::pair::Pair;
use tests::sensor::Sensor;
use tests::verdict::Verdict;
use tests::{place, program, wait};

/// Indicators chosen from what the files hold.
const PLANTED: &str = "1000";
/// The merged capture spans this time and is replayed at its natural pace.
const REPLAY: Duration = Duration::from_secs(120);

/// The corpora that are needed, and the list that was made from them.
struct Ground {
    capture: String,
    eve: String,
    list: PathBuf,
    folder: tempfile::TempDir,
}

impl Ground {
    /// None where there are no corpora.
    fn prepare() -> Result<Option<Self>> {
        let Some(corpora) = place::corpora() else {
            println!("skipped: no corpora");
            return Ok(None);
        };
        let name = |path: &str| corpora.join(path).display().to_string();
        let folder = tempfile::tempdir()?;
        let list = folder.path().join("indicators.txt");
        let (capture, eve) =
            (name("pcap/merged/merged-captures.pcap.xz"), name("telemetry/suricata-eve/merged-captures.eve.json.xz"));
        let others = place::number("BRIDGEWATCH_OTHERS", 99_000).to_string();
        let (public, out) = (name("indicators/maltrail.tsv.xz"), list.display().to_string());
        let finished = program::python("plant.py", &[&capture, &eve, &public, &out, PLANTED, &others, "7"])?.good()?;
        println!("{}", finished.stdout.trim());
        Ok(Some(Self { capture, eve, list, folder }))
    }

    /// The values of the list, by line.
    fn values(&self) -> Result<Vec<String>> {
        Ok(std::fs::read_to_string(&self.list)?.lines().map(str::to_owned).collect())
    }

    /// Compares hits (value, input, record, field, kind) with what is expected.
    fn compare(&self, hits: &[Value]) -> Result<()> {
        let lines: String = hits.iter().map(|hit| format!("{hit}\n")).collect();
        let file = self.folder.path().join("hits.jsonl");
        std::fs::write(&file, lines)?;
        let expected = format!("{}.expected.json", self.list.display());
        let finished = program::python("compare.py", &[&expected, &file.display().to_string(), &self.capture])?;
        println!("{}{}", finished.stdout.trim(), finished.stderr.trim());
        finished.good().map(drop)
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// What decoder an observation came from, as far as the comparison must know.
fn kind(observation: &Value) -> &'static str {
    let has = |key: &str| observation.get(key).is_some();
    match (has("tls"), has("dns"), text(observation, "/network/transport")) {
        (true, ..) => "tls",
        (_, true, "tcp") => "dns-tcp",
        (_, true, _) => "dns",
        _ if has("http") || has("url") => "http",
        _ => "flow",
    }
}

#[test]
fn offline_hits_are_those_of_an_independent_reading() -> Result<()> {
    let Some(ground) = Ground::prepare()? else { return Ok(()) };
    let values = ground.values()?;
    let list = ground.list.display().to_string();
    let began = Instant::now();
    let finished = program::run(&["match", "--indicators", &list, &ground.capture, &ground.eve])?.good()?;
    println!("match: {} indicators, {:.1} s", values.len(), began.elapsed().as_secs_f32());
    let mut hits = Vec::new();
    for hit in finished.json_lines()? {
        let line: String = text(&hit, "/indicator").chars().rev().take_while(char::is_ascii_digit).collect();
        let line: usize = line.chars().rev().collect::<String>().parse().with_context(|| format!("no line: {hit}"))?;
        let value = values.get(line.saturating_sub(1)).with_context(|| format!("no such line: {hit}"))?;
        let input = if text(&hit, "/input") == ground.capture { "capture" } else { "eve" };
        let (record, kind) = (hit.get("record"), kind(observation(&hit)));
        hits.push(json!({"value": value, "input": input, "record": record, "field": hit.get("field"), "kind": kind}));
    }
    ground.compare(&hits)
}

/// The observation of a hit.
fn observation(hit: &Value) -> &Value {
    hit.get("observation").unwrap_or(&Value::Null)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_traffic_is_sighted_in_both_countries() -> Result<()> {
    let Some(ground) = Ground::prepare()? else { return Ok(()) };
    let mut pair = Pair::make()?;
    let root = pair.root.path().to_owned();
    let mut capture = Sensor::enrol(&pair.ca, &root, "sensor-capture", &[PathBuf::from(&ground.capture)], false)?;
    let mut eve = Sensor::enrol(&pair.ca, &root, "sensor-eve", &[PathBuf::from(&ground.eve)], false)?;
    pair.start().await?;
    import(&pair, &ground)?;
    wait_for_rules(&pair, &[&capture, &eve], ground.values()?.len()).await?;
    capture.start()?;
    eve.start()?;
    capture.ends(REPLAY)?;
    eve.ends(REPLAY)?;
    let hits = hits_at_ca(&pair).await?;
    let patterns = patterns(&pair, &hits).await?;
    let mut lines = Vec::new();
    for hit in &hits {
        let observation = observation(hit);
        let input = if text(hit, "/sensor").starts_with("sensor-capture") { "capture" } else { "eve" };
        let value = patterns.get(text(hit, "/indicator")).context("a hit of an unknown indicator")?;
        let record = observation.pointer("/bridgewatch/record");
        lines.push(json!({"value": value, "input": input, "record": record, "field": hit.get("field"), "kind": kind(observation)}));
    }
    let mut verdict = Verdict::default();
    verdict.hold("hits at ca", ground.compare(&lines));
    let hit: BTreeSet<&str> = hits.iter().map(|hit| text(hit, "/indicator")).collect();
    for (centre, name) in [(&pair.ca, "denise"), (&pair.us, "bob")] {
        let sighted = wait::until("every hit's indicator is sighted", Duration::from_secs(30), async || {
            let rows = centre.person(name)?.list("sightings", "sightings", "").await?;
            let sighted: BTreeSet<&str> = rows.iter().map(|row| text(row, "/sighting_of")).collect();
            let lacking = hit.difference(&sighted).count();
            if lacking == 0 { Ok(Some(())) } else { bail!("{lacking} of {} are not", hit.len()) }
        });
        verdict.hold(&format!("as {name}@{}", centre.code), sighted.await);
    }
    pair.stop()?;
    verdict.close()
}

/// ATT&CK and the list, at `us`, in under a minute.
fn import(pair: &Pair, ground: &Ground) -> Result<()> {
    let corpora = place::corpora().context("no corpora")?;
    let attack = corpora.join("attack/enterprise-attack-18.1.stix21.json.xz").display().to_string();
    let dir = pair.us.folder.display().to_string();
    let began = Instant::now();
    for (file, source) in [(attack.as_str(), "mitre-attack"), (&ground.list.display().to_string(), "public-lists")] {
        upload(&dir, file, source)?;
    }
    let took = began.elapsed();
    println!("import: {:.1} s", took.as_secs_f32());
    if took > Duration::from_secs(60) {
        bail!("the import took {} s", took.as_secs());
    }
    Ok(())
}

fn upload(dir: &str, file: &str, source: &str) -> Result<()> {
    program::run(&["import", "--dir", dir, "--source", source, "--marking", "tlp:clear", file])?.good().map(drop)
}

async fn wait_for_rules(pair: &Pair, sensors: &[&Sensor], count: usize) -> Result<()> {
    let denise = pair.ca.person("denise")?;
    wait::until("everything crosses", REPLAY, async || {
        let found = denise.get("/api/v1/search?q=type:indicator&limit=1").await?.json()?;
        let total = found.get("total").and_then(Value::as_u64).unwrap_or(0);
        if total >= count as u64 { Ok(Some(())) } else { bail!("{total} of {count}") }
    })
    .await?;
    for sensor in sensors {
        let rules = sensor.rules().await?;
        let mut before = 0;
        wait::until("the rule set is complete", REPLAY, async || {
            let now = rules.text().len();
            let quiet = now > 0 && now == std::mem::replace(&mut before, now);
            tokio::time::sleep(Duration::from_millis(500)).await;
            Ok(quiet.then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// The hits at `ca`.
async fn hits_at_ca(pair: &Pair) -> Result<Vec<Value>> {
    let denise = pair.ca.person("denise")?;
    denise.list("hits", "hits", "").await
}

/// The list's value of each indicator that was hit, read out of its pattern.
async fn patterns(pair: &Pair, hits: &[Value]) -> Result<BTreeMap<String, String>> {
    let denise = pair.ca.person("denise")?;
    let ids: BTreeSet<&str> = hits.iter().map(|hit| text(hit, "/indicator")).collect();
    let mut patterns = BTreeMap::new();
    for id in ids {
        let object = denise.get(&format!("/api/v1/objects/{id}")).await?.json()?;
        let pattern = text(&object, "/statements/0/versions/0/object/pattern").to_owned();
        let value =
            pattern.split('\'').find(|part| !part.starts_with('[') && !part.contains("hashes")).context("no value")?;
        patterns.insert(id.to_owned(), value.to_owned());
    }
    Ok(patterns)
}
