//! Recorded answers of others, and real patterns.
#![expect(clippy::print_stdout, reason = "a test says what it skipped")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use matching::{RuleSet, Settings, Tracker, explain};
use model::observation::{Detail, File, Observation, ObservationKind};
use model::pattern::parse;
use serde_json::Value;

use crate::single::source;

/// The corpora, or none: the test is then skipped.
fn corpus(file: &str) -> Option<PathBuf> {
    let place = std::env::var_os("BRIDGEWATCH_CORPORA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora"), PathBuf::from)
        .join(file);
    if !place.exists() {
        println!("skipped: no corpora");
        return None;
    }
    Some(place)
}

/// Observations of one person each as observations of one file each: name and age become name and size. None if there is more
/// in them than one record holds.
fn observations(bundles: &Value) -> Option<Vec<Observation>> {
    let mut all = Vec::new();
    for bundle in bundles.as_array()? {
        let objects = bundle["objects"].as_array().map_or(&[][..], Vec::as_slice);
        let observed = objects.iter().find(|object| object["type"] == "observed-data").unwrap_or(bundle);
        let inside: Vec<&Value> = match (observed["object_refs"].as_array(), observed["objects"].as_object()) {
            (Some(references), _) => objects.iter().filter(|object| references.contains(&object["id"])).collect(),
            (None, inside) => inside?.values().collect(),
        };
        let [person] = inside.as_slice() else { return None };
        if person["type"] != "person" || observed["first_observed"] != observed["last_observed"] {
            return None;
        }
        let file = File {
            name: person["name"].as_str().map(Into::into),
            size_bytes: person["age"].as_u64(),
            ..File::default()
        };
        let record = Observation {
            time: observed["first_observed"].as_str()?.parse().ok()?,
            kind: ObservationKind::File,
            record: 0,
            source: None,
            destination: None,
            transport: None,
            protocol: None,
            community_id: None,
            detail: Detail::File(Box::new(file), None),
        };
        // Seen n times is n observations.
        let times = observed["number_observed"].as_u64().unwrap_or(1);
        all.extend((0..times).map(|_| record.clone()));
    }
    Some(all)
}

#[test]
fn recorded_matches_of_several_observations_agree() {
    let Some(place) = corpus("patterns/match-facts.json") else { return };
    let facts: Value = serde_json::from_slice(&std::fs::read(place).unwrap()).unwrap();
    let settings = Settings { lateness_ms: u64::MAX, span_ms: u64::MAX, ..Settings::default() };
    let (mut agree, mut elsewhere, mut wrong, mut unread) = (0, 0, Vec::new(), Vec::new());
    for case in facts["cases"].as_array().unwrap() {
        let text = case["pattern"].as_str().unwrap();
        let told = case["expected"] != "error" && text.contains("person:") && !text.contains("_ref");
        let (Some(all), true) = (observations(&facts["observations"][case["observed"].as_str().unwrap()]), told) else {
            elsewhere += 1;
            continue;
        };
        let Ok(pattern) = parse(&text.replace("person:name", "file:name").replace("person:age", "file:size")) else {
            unread.push(text);
            continue;
        };
        let set = RuleSet::compile([source(0, &pattern.to_string())], settings);
        let mut tracker = Tracker::new(settings);
        let mut found = Vec::new();
        for observation in &all {
            set.scan(observation, &mut found);
            tracker.observe(&set, observation, &mut found);
        }
        match found.is_empty() == (case["expected"] == "no-match") {
            true => agree += 1,
            false => wrong.push(format!("{case}\n    {:?} {:?}", set.not_matched(), found)),
        }
    }
    // The reader allows one qualifier of a kind (§9.4); these repeat a REPEATS.
    assert!(unread.iter().all(|text| text.matches("REPEATS").count() == 2), "{unread:?}");
    println!("{agree} of {} cases agree; {elsewhere} are not about records of one object", agree + wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(agree >= 49);
}

/// How a pattern is looked up, or why it is not matched, without its values.
fn row(text: &str, settings: &Settings) -> String {
    let pattern = match parse(text) {
        Ok(pattern) => pattern,
        Err(fault) => return format!("not valid: {}", fault.code),
    };
    match explain(&pattern, settings) {
        Ok(found) => {
            let ways: BTreeSet<String> = found.looked_up.iter().map(|way| way.lookup.to_string()).collect();
            let window = if found.window.is_some() { ", over a window" } else { "" };
            format!("matched by {}{window}", ways.into_iter().collect::<Vec<_>>().join(" and "))
        }
        Err(why) => why.to_string().split('`').enumerate().map(|(place, part)| quoted(place, part)).collect(),
    }
}

/// Of what stands in quotes: a comparison has values, a path none. A number elsewhere is one of the pattern's.
fn quoted(place: usize, part: &str) -> String {
    match place % 2 {
        1 if part.contains(' ') => "…".to_owned(),
        1 => format!("`{part}`"),
        _ if part.contains(" written ") => " cannot have here: it is a number, written without quotes".to_owned(),
        _ => part.to_owned(),
    }
}

#[test]
fn real_patterns_are_compiled_or_refused_as_the_golden_table_says() {
    let Some(place) = corpus("patterns/real-world-patterns.json.xz") else { return };
    let mut text = String::new();
    std::io::Read::read_to_string(&mut liblzma::read::XzDecoder::new(std::fs::File::open(place).unwrap()), &mut text)
        .unwrap();
    let patterns: Vec<String> = serde_json::from_str(&text).unwrap();
    let mut table: BTreeMap<String, usize> = BTreeMap::new();
    let settings = Settings::default();
    for text in &patterns {
        *table.entry(row(text, &settings)).or_default() += 1;
    }
    let valid = patterns.iter().enumerate().filter(|(_, text)| parse(text).is_ok());
    let set = RuleSet::compile(valid.map(|(key, text)| source(key, text)), settings);
    let matched: usize = table.iter().filter(|(row, _)| row.starts_with("matched")).map(|(_, count)| count).sum();
    assert_eq!(set.len(), matched);
    let mut rows: Vec<(&String, &usize)> = table.iter().collect();
    rows.sort_by_key(|(row, count)| (!row.starts_with("matched"), std::cmp::Reverse(**count), *row));
    let mut told =
        format!("{:6} patterns\n{matched:6} matched, {} of them over a window\n", patterns.len(), set.windowed_len());
    rows.iter().for_each(|(row, count)| told.push_str(&format!("{count:6} {row}\n")));
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/real-patterns.txt");
    if std::env::var_os("BRIDGEWATCH_BLESS").is_some() {
        std::fs::write(golden, &told).unwrap();
    }
    let expected = std::fs::read_to_string(golden).unwrap_or_default();
    assert_eq!(told, expected, "look at the difference, then run again with BRIDGEWATCH_BLESS=1");
}
