//! Real captures against recorded readings of them: what those readings found is found here too, and what is damaged ends in faults.

#![expect(clippy::unwrap_used, reason = "a test that goes wrong may end")]
#![expect(clippy::print_stdout, reason = "a test says what it skipped")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use collector::{Settings, Summary, decode};
use model::observation::{Detail, Observation};
use serde_json::Value;

/// The facts that are compared. Recorded addresses are those of all sections of a DNS message, not of its answers alone: left out.
const FACTS: [&str; 5] = ["dns_query", "tls_sni", "ja3", "http_request", "http_user_agent"];
/// Where this project reads otherwise, and why: file, fact, reason. What Suricata alone recorded has `suricata:` before the fact.
const KNOWN: &str = include_str!("captures-known.tsv");

fn corpora() -> Option<PathBuf> {
    let place = std::env::var_os("BRIDGEWATCH_CORPORA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora"), PathBuf::from);
    if !place.join("README.md").exists() {
        println!("skipped: no corpora");
        return None;
    }
    Some(place)
}

fn recorded(place: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(place.join("pcap/tshark-facts.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn known() -> BTreeSet<(&'static str, &'static str)> {
    let case = |line: &'static str| {
        let [file, fact, reason] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        assert!(!reason.is_empty(), "{file} has no reason");
        (file, fact)
    };
    KNOWN.lines().filter(|line| !line.starts_with('#')).map(case).collect()
}

/// What an input says, by the name of the fact.
type Found = BTreeMap<&'static str, BTreeSet<String>>;

fn note(found: &mut Found, fact: &'static str, value: Option<&str>) {
    if let Some(value) = value {
        found.entry(fact).or_default().insert(value.to_owned());
    }
}

fn add(found: &mut Found, observation: &Observation) {
    match &observation.detail {
        Detail::Dns(dns) => note(found, "dns_query", dns.question_name.as_deref()),
        Detail::Tls(tls) => {
            note(found, "tls_sni", tls.server_name.as_deref());
            note(found, "ja3", tls.ja3.as_deref());
        }
        Detail::Http(http) => {
            let part = |text: &Option<Box<str>>| text.as_deref().unwrap_or("").to_owned();
            let request = format!("{} {} {}", part(&http.method), part(&http.host), part(&http.target));
            note(found, "http_request", Some(&request));
            note(found, "http_user_agent", http.user_agent.as_deref());
        }
        _ => {}
    }
}

fn read(bytes: Vec<u8>) -> (Summary, Found) {
    let mut found = Found::default();
    let summary = decode(std::io::Cursor::new(bytes), &Settings::default(), |observation| {
        add(&mut found, &observation);
        true
    });
    (summary.unwrap_or_default(), found)
}

/// A recorded value as it is written here: names without case, hosts without port.
fn as_here(fact: &str, value: &str) -> String {
    match fact {
        "http_user_agent" => value.to_owned(),
        "http_request" => {
            let mut parts = value.splitn(3, ' ');
            let [method, host, target] = [(); 3].map(|()| parts.next().unwrap_or_default());
            let host = if method == "CONNECT" { target } else { host }.to_lowercase();
            let host = match host.strip_prefix('[') {
                Some(address) => address.split(']').next().unwrap(),
                None => host.split(':').next().unwrap().trim_end_matches('.'),
            };
            format!("{method} {host} {target}")
        }
        _ => value.to_lowercase(),
    }
}

#[test]
fn what_others_found_is_found() {
    let Some(place) = corpora() else { return };
    let known: BTreeSet<_> = known().into_iter().filter(|(_, fact)| !fact.starts_with("suricata:")).collect();
    let recorded = recorded(&place);
    let (mut missing, mut compared) = (BTreeMap::new(), 0);
    for capture in &recorded {
        let file = capture["file"].as_str().unwrap();
        let (summary, found) = read(std::fs::read(place.join("pcap").join(file)).unwrap());
        if capture["reader_message"].as_array().unwrap().is_empty() {
            assert_eq!(summary.records, capture["packets"].as_u64().unwrap(), "packets of {file}");
        }
        for fact in FACTS {
            let Some(values) = capture.get(fact).and_then(Value::as_object) else { continue };
            let here = found.get(fact).cloned().unwrap_or_default();
            let not_here: Vec<String> =
                values.keys().map(|value| as_here(fact, value)).filter(|value| !here.contains(value)).collect();
            compared += 1;
            if !not_here.is_empty() {
                missing.insert((file, fact), not_here);
            }
        }
    }
    assert!(recorded.len() > 1_400 && compared > 900, "{compared} facts of {} captures", recorded.len());
    let unexplained: BTreeMap<_, _> = missing.iter().filter(|(case, _)| !known.contains(case)).collect();
    assert!(unexplained.is_empty(), "not found here: {unexplained:#?}");
    let found_after_all: Vec<_> = known.iter().filter(|case| !missing.contains_key(*case)).collect();
    assert!(found_after_all.is_empty(), "take them out of captures-known.tsv: {found_after_all:#?}");
}

/// Names that Suricata's own tests expect in its log of a capture; the key of the check, and the fact that it is.
const EXPECTED: [(&str, &str); 5] = [
    ("dns.rrname", "dns_query"),
    ("dns.queries[0].rrname", "dns_query"),
    ("tls.sni", "tls_sni"),
    ("tls.ja3.hash", "ja3"),
    ("http.http_user_agent", "http_user_agent"),
];

#[test]
fn what_suricata_expects_is_found() {
    let Some(place) = corpora() else { return };
    let known = known();
    let text = std::fs::read_to_string(place.join("pcap/suricata-facts.jsonl")).unwrap();
    let mut read_already: BTreeMap<String, Found> = BTreeMap::new();
    let (mut missing, mut compared) = (BTreeSet::new(), 0);
    for test in text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let Some(file) = test["pcap"].as_str() else { continue };
        for check in test["checks"].as_array().into_iter().flatten().filter(|check| check["count"].as_u64() > Some(0)) {
            for (key, fact) in EXPECTED {
                // Only the log of the protocol itself: an alert may speak of a reassembled or decrypted copy.
                let own = check["match"]["event_type"].as_str() == key.split('.').next();
                let (true, Some(value)) = (own, check["match"][key].as_str()) else { continue };
                let found = read_already.entry(file.to_owned()).or_insert_with(|| {
                    std::fs::read(place.join("pcap").join(file)).map(|bytes| read(bytes).1).unwrap_or_default()
                });
                compared += 1;
                let value = as_here(fact, value);
                let own = format!("suricata:{fact}");
                let explained = known.contains(&(file, fact)) || known.contains(&(file, &*own));
                if !explained && !found.get(fact).is_some_and(|found| found.contains(&value)) {
                    missing.insert((file.to_owned(), fact, value));
                }
            }
        }
    }
    assert!(compared > 100, "{compared} compared");
    assert!(missing.is_empty(), "not found here: {missing:#?}");
}

#[test]
fn damaged_captures_end_in_faults() {
    let Some(place) = corpora() else { return };
    let damaged: Vec<Value> = recorded(&place)
        .into_iter()
        .filter(|capture| capture["reader_message"].to_string().contains("damaged or corrupt"))
        .collect();
    assert!(damaged.len() >= 4);
    for capture in &damaged {
        let file = capture["file"].as_str().unwrap();
        let (summary, _) = read(std::fs::read(place.join("pcap").join(file)).unwrap());
        assert!(summary.faults > 0 && !summary.first_faults.is_empty(), "{file}: {summary:?}");
    }
}

/// Every tenth capture, cut and bitten in many places: nothing panics, nothing hangs, and there are never more packets than bytes.
#[test]
fn what_is_damaged_on_purpose_ends_too() {
    let Some(place) = corpora() else { return };
    for (number, capture) in recorded(&place).iter().enumerate().filter(|(number, _)| number % 10 == 0) {
        let mut bytes = std::fs::read(place.join("pcap").join(capture["file"].as_str().unwrap())).unwrap();
        bytes.truncate(20_000);
        for cut in [1, 5, 23, 24, 25, 40, bytes.len() / 2, bytes.len().saturating_sub(1)] {
            let (summary, _) = read(bytes[..cut.min(bytes.len())].to_vec());
            assert!(summary.records <= cut as u64);
        }
        let mut state = number as u64;
        for _ in 0..20 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let place = (state >> 33) as usize % bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(place) {
                *byte = (state >> 20) as u8;
            }
            let (summary, _) = read(bytes.clone());
            assert!(summary.records <= bytes.len() as u64);
        }
    }
}
