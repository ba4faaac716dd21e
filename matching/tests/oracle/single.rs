//! Patterns of one observation.

use std::sync::Arc;

use matching::{RuleSet, RuleSource, Settings};
use model::observation::{Detail, Dns, Endpoint, Observation, ObservationKind};
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

fn observation_of(detail: Detail) -> Observation {
    Observation {
        time: Timestamp::from_micros(0),
        kind: ObservationKind::Event,
        record: 1,
        source: Some(Endpoint { ip: "192.0.2.1".parse().unwrap(), port: None }),
        destination: None,
        transport: None,
        protocol: None,
        community_id: None,
        detail,
    }
}

fn regex() -> impl Strategy<Value = String> {
    let atom = prop::sample::select(&["a", "b", "kx", "abc", "S", "[ab]", "[^b]", ".", "^", "$", "\\b", "é", ""][..]);
    atom.prop_map(str::to_owned).prop_recursive(4, 24, 4, |inner| {
        let repeat = prop::sample::select(&["*", "+", "?", "{2}", "{0,2}", "*?"][..]);
        prop_oneof![
            4 => prop::collection::vec(inner.clone(), 1..5).prop_map(|parts| parts.concat()),
            2 => prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("({})", parts.join("|"))),
            2 => (inner.clone(), repeat).prop_map(|(inner, repeat)| format!("(?:{inner}){repeat}")),
            1 => inner.prop_map(|inner| format!("(?i:{inner})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("CI").is_some() { 20_000 } else { 2_000 }))]

    /// Below a name in which `_` is any character, as LIKE reads it: one of two bytes and a dot too.
    #[test]
    fn what_stands_below_a_name_with_wildcards_is_found(
        like in "[ab_é]{0,3}(\\.[ab_é]{1,3}){1,2}",
        names in prop::collection::vec("[abé]{1,3}(\\.[abé]{1,3}){0,4}", 1..8),
    ) {
        let pattern = format!("[domain-name:value LIKE '%.{like}']");
        let set = RuleSet::compile([source(0, &pattern)], Settings::default());
        prop_assume!(set.len() == 1);
        for name in names {
            let dns = Dns { question_name: Some(name.into()), ..Dns::default() };
            let observation = observation_of(Detail::Dns(Box::new(dns)));
            prop_assert_eq!(hits(&set, &observation), expected(std::slice::from_ref(&pattern), &observation, |_| true));
        }
    }

    /// Looking up by a literal never loses a match, whatever the expression.
    #[test]
    fn every_regular_expression_is_as_the_library_says(
        regex in regex(),
        texts in prop::collection::vec("[abckxsSABCKXéſK\n ]{0,12}", 1..6),
    ) {
        let plain = regex::RegexBuilder::new(&regex).dot_matches_new_line(true).build().unwrap();
        let quoted = regex.replace('\\', "\\\\");
        let set = RuleSet::compile([source(0, &format!("[file:name MATCHES '{quoted}']"))], Settings::default());
        for text in &texts {
            let file = model::observation::File { name: Some(text.as_str().into()), ..Default::default() };
            let observation = observation_of(Detail::File(Box::new(file), None));
            let composed = text.replace('\u{212a}', "K"); // the Kelvin sign's normal form
            prop_assert_eq!(!hits(&set, &observation).is_empty(), plain.is_match(&composed), "{} {:?}", &regex, text);
        }
    }

    #[test]
    fn no_text_of_like_or_matches_panics(text in "[\\[\\](){}|.*+?^$\\\\aé%_0-9,:<>=!-]{0,30}", value in "\\PC{0,20}") {
        let text = text.replace('\\', "\\\\");
        for (key, operator) in ["LIKE", "MATCHES"].iter().enumerate() {
            for path in ["url:value", "domain-name:value", "ipv4-addr:value", "email-addr:value"] {
                let set = RuleSet::compile([source(key, &format!("[{path} {operator} '{text}']"))], Settings::default());
                let http = model::observation::Http { host: Some(value.as_str().into()), url: Some(value.as_str().into()), ..Default::default() };
                let mut observation = observation_of(Detail::Http(Box::new(http)));
                hits(&set, &observation);
                observation.detail = Detail::None;
                hits(&set, &observation);
            }
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
        ("[network-traffic:start = t'2026-01-01T00:00:00.0000001Z']", "cannot have"),
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
    const NETWORK: &str = "[ipv4-addr:value ISSUBSET '192.0.2.0/24']";
    let mut timed = source(0, "[ipv4-addr:value = '192.0.2.1']");
    timed.valid_from = Some(Timestamp::from_micros(10));
    timed.valid_until = Some(Timestamp::from_micros(20));
    let mut negations: Vec<RuleSource> = (1..4).map(|key| source(key, "[ipv4-addr:value != '192.0.2.1']")).collect();
    let during =
        "[ipv4-addr:value = '192.0.2.1'] START t'1970-01-01T00:00:00.000012Z' STOP t'1970-01-01T00:00:00.00002Z'";
    negations.push(RuleSource { key: "7".into(), pattern: parse(during).unwrap(), ..timed.clone() });
    // One in the table of exact values, one in the index.
    negations.push(RuleSource { key: "8".into(), pattern: parse(NETWORK).unwrap(), ..timed.clone() });
    negations.push(timed);
    let set = RuleSet::compile(negations, Settings { unanchored: 2, ..Settings::default() });
    assert_eq!((set.len(), set.not_matched().len()), (5, 1));
    assert!(set.refusal(&source(9, "[ipv4-addr:value != '192.0.2.1']")).is_some(), "there is no room for more");
    assert!(set.refusal(&source(9, "[ipv4-addr:value = '192.0.2.1']")).is_none());
    let retro_hunt = set.for_retro_hunt();
    for (time, hit, hit_in_retro_hunt) in [(9, false, true), (10, true, true), (19, true, true), (20, false, false)] {
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
        let wanted = |hit| match (hit, time) {
            (false, _) => vec![],
            (true, 12..) => vec!["0".to_owned(), "7".to_owned(), "8".to_owned()],
            (true, _) => vec!["0".to_owned(), "8".to_owned()],
        };
        assert_eq!(hits(&set, &observation), wanted(hit));
        assert_eq!(hits(&retro_hunt, &observation), wanted(hit_in_retro_hunt));
    }
}
