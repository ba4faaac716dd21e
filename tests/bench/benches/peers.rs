//! The reference implementations and this one on the same input, each in one process on one core: `cargo bench -p bench --bench
//! peers`. Needs the corpora, the Python of `scripts/tools test` and, for the whole command, the release binary.
#![expect(clippy::print_stdout, reason = "a bench says what it measures")]

use std::hint::black_box;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bench::{indicators, observations};
use matching::{Match, RuleSet, Settings};
use model::json::Limits;
use model::pattern::evaluate::{evaluate, observed};
use model::pattern::parse;
use serde_json::{Value, json};
use tests::{place, program};

const BUNDLE: &str = "bundle--2f7a1c2e-33f1-4f3e-8d5c-0d6a2f1b7c55";
/// Objects of ATT&CK that both validate.
const VALIDATED: usize = 2_000;
/// Real patterns that both compile.
const COMPILED: usize = 600;
/// Observations that each of [`ASKED`] patterns is asked of.
const SEEN: u64 = 200;
/// Real patterns that each of them is asked, and as many again that hit.
const ASKED: usize = 150;
/// Objects for the whole command.
const WHOLE: usize = 100_000;
/// Ours is repeated for so long, and the best round counts.
const REPEATED: Duration = Duration::from_secs(2);

fn main() -> Result<()> {
    let Some(corpora) = place::corpora() else {
        println!("skipped: no corpora");
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let attack = attack(&corpora)?;
    let clean: Vec<Value> = (0..WHOLE as u64).map(indicator).collect();
    validators("objects of ATT&CK", &attack, folder.path())?;
    validators("indicators", &clean, folder.path())?;
    matchers(&corpora, folder.path())?;
    engines(folder.path())?;
    commands(&attack, &clean, folder.path())
}

/// The objects of ATT&CK.
fn attack(corpora: &Path) -> Result<Vec<Value>> {
    let file = std::fs::File::open(corpora.join("attack/enterprise-attack-18.1.stix21.json.xz"))?;
    let mut text = Vec::new();
    liblzma::read::XzDecoder::new(file).read_to_end(&mut text)?;
    let mut bundle: Value = serde_json::from_slice(&text)?;
    let objects = bundle.get_mut("objects").and_then(Value::as_array_mut).context("no objects")?;
    Ok(std::mem::take(objects))
}

fn bundle(folder: &Path, name: &str, objects: &[Value]) -> Result<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, json!({"type": "bundle", "id": BUNDLE, "objects": objects}).to_string())?;
    Ok(path)
}

/// Rounds of `work`, of `count` things each; how many a second in the best of them.
fn rate(count: usize, mut work: impl FnMut()) -> f64 {
    let (began, mut best) = (Instant::now(), f64::MAX);
    while began.elapsed() < REPEATED {
        let round = Instant::now();
        work();
        best = best.min(round.elapsed().as_secs_f64());
    }
    count as f64 / best
}

/// What the Python script says of one kind of work, a second.
fn peer(told: &Value) -> Result<f64> {
    let number = |name| told.get(name).and_then(Value::as_f64).context("the peer says nothing");
    Ok(number("count")? / number("seconds")?)
}

fn say(what: &str, ours: f64, peer: f64) {
    println!("{what}: {ours:.0}/s here, {peer:.0}/s there, {:.0} times", ours / peer);
}

/// One bundle, from its text to all its faults.
fn validators(what: &str, all: &[Value], folder: &Path) -> Result<()> {
    let sample: Vec<Value> = all.iter().step_by((all.len() / VALIDATED).max(1)).take(VALIDATED).cloned().collect();
    let path = bundle(folder, "sample.json", &sample)?;
    let told: Value = serde_json::from_str(&told("validate", &[&path])?)?;
    let text = std::fs::read(&path)?;
    let limits = Limits { body_bytes: text.len(), ..Limits::default() };
    let ours = rate(VALIDATED, || {
        let mut faults = 0_usize;
        let counted = model::stix::faults_of_text(black_box(&text), &limits, |fault| {
            black_box(fault);
            faults += 1;
            Ok::<_, std::convert::Infallible>(())
        });
        black_box((faults, counted.is_ok()));
    });
    say(&format!("{what} validated (stix2-validator)"), ours, peer(&told)?);
    Ok(())
}

fn told(task: &str, paths: &[&Path]) -> Result<String> {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let mut arguments = vec![task];
    arguments.extend(paths.iter().map(String::as_str));
    Ok(program::python("pace.py", &arguments)?.good()?.stdout)
}

/// A pattern and observed data whose answer is known, as text.
struct Case {
    pattern: String,
    version: String,
    observed: String,
}

/// Those of the corpora that both can read.
fn cases(corpora: &Path) -> Result<Vec<Case>> {
    let facts: Value = serde_json::from_slice(&std::fs::read(corpora.join("patterns/match-facts.json"))?)?;
    let all = facts.get("cases").and_then(Value::as_array).context("no cases")?;
    let text = |fact: &Value, name: &str| fact.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut cases = Vec::new();
    for fact in all.iter().filter(|fact| text(fact, "expected").is_some_and(|expected| expected != "error")) {
        if text(fact, "pattern").is_some_and(|pattern| pattern.contains("REPEATS 10 TIMES")) {
            continue; // the plain evaluator looks at all ways to choose ten; the engine is what is meant for such
        }
        let name = text(fact, "observed").context("no observed data")?;
        let observed = facts.pointer(&format!("/observations/{name}")).context("no such observed data")?.to_string();
        let (pattern, version) = (text(fact, "pattern").context("no pattern")?, text(fact, "stix_version"));
        let case = Case { pattern, version: version.context("no version")?, observed };
        cases.extend(matched(&case).is_some().then_some(case));
    }
    Ok(cases)
}

/// From text to answer; none if one of the two cannot be read.
fn matched(case: &Case) -> Option<bool> {
    let sights = observed(&serde_json::from_str(&case.observed).ok()?).ok()?;
    Some(evaluate(&parse(&case.pattern).ok()?, &sights).ok()?.is_some())
}

fn matchers(corpora: &Path, folder: &Path) -> Result<()> {
    let real = indicators::real().context("no patterns")?;
    let real: Vec<&String> = real.iter().step_by((real.len() / COMPILED).max(1)).collect();
    let cases = cases(corpora)?;
    println!("{} real patterns, {} recorded cases", real.len(), cases.len());
    let (listed, asked) = (folder.join("patterns.json"), folder.join("cases.json"));
    std::fs::write(&listed, serde_json::to_string(&real)?)?;
    let as_json = |case: &Case| json!({"pattern": case.pattern, "version": case.version, "observed": case.observed});
    std::fs::write(&asked, Value::from(cases.iter().map(as_json).collect::<Vec<_>>()).to_string())?;
    let told: Value = serde_json::from_str(&told("patterns", &[&listed, &asked])?)?;
    let of = |name: &str| peer(told.get(name).unwrap_or(&Value::Null));

    let compile = rate(real.len(), || real.iter().for_each(|text| drop(black_box(parse(text)))));
    say("real patterns compiled (stix2-matcher)", compile, of("compile")?);
    let ready: Vec<_> = cases
        .iter()
        .filter_map(|case| {
            Some((parse(&case.pattern).ok()?, observed(&serde_json::from_str(&case.observed).ok()?).ok()?))
        })
        .collect();
    let matching = rate(ready.len(), || {
        ready.iter().for_each(|(pattern, sights)| drop(black_box(evaluate(pattern, sights))));
    });
    say("patterns asked of observed data by the plain evaluator, both ready", matching, of("match")?);
    let both = rate(cases.len(), || {
        cases.iter().for_each(|case| {
            black_box(matched(case));
        });
    });
    say("patterns compiled and asked by the plain evaluator, both from text", both, of("both")?);
    Ok(())
}

/// Many patterns, many observations: what a sensor does. Every pattern is compiled and every observation asked, in each round.
fn engines(folder: &Path) -> Result<()> {
    let seen = observations::made(SEEN);
    let real = indicators::real().context("no patterns")?;
    let mut patterns: Vec<String> = real.iter().step_by((real.len() / ASKED).max(1)).take(ASKED).cloned().collect();
    let lines: Vec<Value> = seen.iter().map(model::ecs::to_ecs).collect();
    for line in lines.iter().take(ASKED) {
        let address = line.pointer("/destination/ip").and_then(Value::as_str).context("no address")?;
        patterns.push(format!("[ipv4-addr:value = '{address}']"));
    }
    let (listed, asked) = (folder.join("patterns.json"), folder.join("ecs.jsonl"));
    std::fs::write(&listed, serde_json::to_string(&patterns)?)?;
    std::fs::write(&asked, lines.iter().map(|line| format!("{line}\n")).collect::<String>())?;
    let told: Value = serde_json::from_str(&told("engine", &[&listed, &asked])?)?;
    let (mut hits, mut found): (usize, Vec<Match>) = (0, Vec::new());
    let ours = rate(patterns.len() * seen.len(), || {
        hits = 0;
        let sources = (0..).zip(&patterns).filter_map(|(number, pattern)| indicators::source(pattern, number));
        let rules = RuleSet::compile(sources, Settings::default());
        for observation in &seen {
            found.clear();
            rules.scan(black_box(observation), &mut found);
            hits += found.len();
        }
    });
    say("pairs of pattern and observation, compiled and matched", ours, peer(&told)?);
    println!("  {hits} hits here, {} there", told.get("hits").unwrap_or(&Value::Null));
    Ok(())
}

/// `bridgewatch validate` as a shell runs it: objects with many faults, and objects without.
fn commands(attack: &[Value], clean: &[Value], folder: &Path) -> Result<()> {
    let mut versions = Vec::with_capacity(WHOLE);
    for (number, object) in attack.iter().cycle().take(WHOLE).enumerate() {
        let mut object = object.clone();
        // Another version of it, since one that stands twice is a fault.
        let month = 1 + number / attack.len();
        if let Some(modified) = object.get_mut("modified") {
            *modified = json!(format!("2026-{month:02}-01T00:00:00.000Z"));
        }
        versions.push(object);
    }
    for (what, path) in [
        ("ATT&CK four times over", bundle(folder, "attack.json", &versions)?),
        ("indicators without a fault", bundle(folder, "clean.json", clean)?),
    ] {
        let mut failed = None;
        let whole = rate(WHOLE, || {
            failed = command(&path).err();
        });
        if let Some(error) = failed {
            return Err(error);
        }
        println!("`bridgewatch validate`, {WHOLE} objects, {what}: {whole:.0} objects/s");
    }
    Ok(())
}

/// An indicator without a fault.
fn indicator(number: u64) -> Value {
    let random = bench::scattered(number);
    let id = uuid::Builder::from_random_bytes(u128::from(random).to_le_bytes()).into_uuid();
    json!({
        "type": "indicator", "spec_version": "2.1", "id": format!("indicator--{id}"), "created": "2026-11-01T00:00:00.000Z",
        "modified": "2026-11-01T00:00:00.000Z", "name": format!("evil-{random:x}.example"), "description": "of a campaign",
        "indicator_types": ["malicious-activity"], "pattern": indicators::plain(number), "pattern_type": "stix",
        "pattern_version": "2.1", "valid_from": "2026-11-01T00:00:00Z",
    })
}

fn command(path: &Path) -> Result<()> {
    let mut validate = Command::new(program::binary()?);
    let status = validate.arg("validate").arg(path).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    anyhow::ensure!(matches!(status.code(), Some(0 | 1)), "`bridgewatch validate` ended with {status}");
    Ok(())
}
