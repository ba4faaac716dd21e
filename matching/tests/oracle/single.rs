//! Patterns of one observation.

use std::sync::Arc;

use matching::{RuleSet, RuleSource, Settings};
use model::observation::{Detail, Endpoint, Observation, ObservationKind};
use model::pattern::{Observation as Outer, parse};
use model::time::Timestamp;
use proptest::prelude::*;

use crate::plain::{expression, expression_holds, observation};

fn pattern_holds(outer: &Outer, observation: &Observation) -> bool {
    match outer {
        Outer::Single(expression) => expression_holds(expression, observation),
        Outer::Joined(_, parts) => parts.iter().any(|part| pattern_holds(part, observation)),
        Outer::Qualified(..) => panic!("not generated"),
    }
}

fn pattern() -> impl Strategy<Value = String> {
    prop::collection::vec(expression(), 1..3)
        .prop_map(|parts| parts.iter().map(|part| format!("[{part}]")).collect::<Vec<_>>().join(" OR "))
}

pub(crate) fn source(key: usize, text: &str) -> RuleSource {
    RuleSource { key: key.to_string().into(), pattern: parse(text).unwrap(), valid_from: None, valid_until: None }
}

fn hits(set: &RuleSet, observation: &Observation) -> Vec<String> {
    let mut found = Vec::new();
    set.scan(observation, &mut found);
    let mut keys: Vec<String> = found.iter().map(|found| found.key.to_string()).collect();
    keys.sort();
    keys
}

fn expected(patterns: &[String], observation: &Observation, kept: impl Fn(usize) -> bool) -> Vec<String> {
    let holds = |(key, text): (usize, &String)| {
        (kept(key) && pattern_holds(&parse(text).unwrap().root, observation)).then(|| key.to_string())
    };
    let mut keys: Vec<String> = patterns.iter().enumerate().filter_map(holds).collect();
    keys.sort();
    keys
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("CI").is_some() { 4000 } else { 1000 }))]

    #[test]
    fn engine_and_oracle_agree(
        patterns in prop::collection::vec(pattern(), 1..12),
        observations in prop::collection::vec(observation(), 1..8),
        split in 0_usize..12,
        recent in 0_usize..6,
    ) {
        let sources: Vec<RuleSource> = patterns.iter().enumerate().map(|(key, text)| source(key, text)).collect();
        let (first, later) = sources.split_at(split.min(sources.len()));
        let settings = Settings { recent, ..Settings::default() };
        let set = RuleSet::compile(first.to_vec(), settings);
        let set = later.iter().fold(set, |set, source| set.with_changes([source.clone()], &[]));
        prop_assert_eq!(set.len(), patterns.len());
        let removed: Arc<str> = "0".into();
        let fewer = set.with_changes([], &[removed]);
        for observation in &observations {
            prop_assert_eq!(hits(&set, observation), expected(&patterns, observation, |_| true));
            prop_assert_eq!(hits(&fewer, observation), expected(&patterns, observation, |key| key != 0));
        }
    }
}

#[test]
fn what_telemetry_cannot_show_is_named() {
    let never = [
        ("[process:name = 'x']", "no telemetry shows `process:name`"),
        ("[network-traffic:protocols[0] = 'tcp']", "no telemetry shows"),
        ("[ipv4-addr:value = 'x']", "cannot have"),
        ("[ipv4-addr:value ISSUBSET '192.0.2.0/33']", "cannot have"),
        ("[ipv4-addr:value ISSUPERSET '192.0.2.0/24']", "single addresses"),
        ("[domain-name:value ISSUBSET '192.0.2.0/24']", "cannot have"),
        ("[network-traffic:dst_port = 80.5]", "cannot have"),
        ("[network-traffic:dst_port LIKE '8%']", "cannot have"),
        ("[network-traffic:dst_port = 'http']", "cannot have"),
        ("[network-traffic:start > 'x']", "cannot have"),
        ("[url:value = true]", "cannot have"),
        ("[url:value = h'ff']", "cannot have"),
        ("[url:value MATCHES 'a(?=b)']", "look-around"),
        ("[url:value MATCHES '(a)\\\\1']", "backreferences"),
        ("[url:value MATCHES '(']", "unclosed group"),
        ("[url:value = 'a'] START t'2026-01-02T00:00:00Z' STOP t'2026-01-01T00:00:00Z'", "not later"),
    ];
    let sources = never.iter().enumerate().map(|(key, (text, _))| source(key, text));
    let set = RuleSet::compile(sources, Settings::default());
    assert_eq!(set.len(), 0);
    for (key, (text, reason)) in never.iter().enumerate() {
        let why = set.not_matched().get(key.to_string().as_str()).unwrap().to_string();
        assert!(why.contains(reason), "{text}: {why}");
    }
}

#[test]
fn validity_is_of_the_observation_and_the_bound_on_unanchored_holds() {
    let mut timed = source(0, "[ipv4-addr:value = '192.0.2.1']");
    timed.valid_from = Some(Timestamp::from_micros(10));
    timed.valid_until = Some(Timestamp::from_micros(20));
    let mut negations: Vec<RuleSource> = (1..4).map(|key| source(key, "[ipv4-addr:value != '192.0.2.1']")).collect();
    negations.push(timed);
    let set = RuleSet::compile(negations, Settings { unanchored: 2, ..Settings::default() });
    assert_eq!((set.len(), set.not_matched().len()), (3, 1));
    for (time, hit) in [(9, false), (10, true), (19, true), (20, false)] {
        let observation = Observation {
            time: Timestamp::from_micros(time),
            kind: ObservationKind::FlowStart,
            record: 1,
            source: Some(Endpoint { ip: "192.0.2.1".parse().unwrap(), port: None }),
            destination: None,
            transport: None,
            protocol: None,
            community_id: None,
            detail: Detail::None,
        };
        assert_eq!(hits(&set, &observation), if hit { vec!["0".to_owned()] } else { vec![] });
    }
}
