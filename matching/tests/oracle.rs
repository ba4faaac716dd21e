//! The engine against a plain reading of ADR 2 that is slow and obviously right.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that goes wrong may end")]

use std::net::IpAddr;
use std::sync::Arc;

use matching::{RuleSet, RuleSource, Settings};
use model::observation::{Detail, Dns, DnsAnswer, Endpoint, Http, Observation, ObservationKind, Tls, Transport};
use model::pattern::{Comparison, ComparisonOperator as Op, Expression, Literal, Observation as Outer, parse};
use model::time::Timestamp;
use proptest::prelude::*;

/// (ECS field in the table's order, sort, value as text) of everything that an observation shows.
fn shown(observation: &Observation) -> Vec<(usize, char, String)> {
    let mut all = Vec::new();
    let mut add = |order: usize, sort: char, value: String| all.push((order, sort, value));
    for (step, end) in [(0, observation.source), (1, observation.destination)] {
        if let Some(end) = end {
            add(step, if end.ip.is_ipv4() { '4' } else { '6' }, end.ip.to_string());
            if let Some(port) = end.port {
                add(2 + step, 'n', port.to_string());
            }
        }
    }
    match &observation.detail {
        Detail::Dns(dns) => {
            if let Some(name) = &dns.question_name {
                add(6, 'd', name.to_string());
            }
            for answer in &dns.answers {
                add(7, 'd', answer.name.to_string());
                match &*answer.kind {
                    "A" => add(8, '4', answer.data.to_string()),
                    "CNAME" => add(8, 'd', answer.data.to_string()),
                    _ => {}
                }
            }
        }
        Detail::Http(http) => {
            if let Some(host) = &http.host {
                add(9, if host.parse::<IpAddr>().is_ok() { '4' } else { 'd' }, host.to_string());
            }
            if let Some(url) = &http.url {
                add(10, 'u', url.to_string());
            }
        }
        Detail::Tls(tls) => {
            if let Some(name) = &tls.server_name {
                add(14, 'd', name.to_string());
            }
        }
        _ => {}
    }
    all.sort();
    all
}

fn comparison_holds(comparison: &Comparison, observation: &Observation) -> bool {
    let (sort, only): (char, Option<usize>) = match comparison.path.to_string().as_str() {
        "ipv4-addr:value" => ('4', None),
        "domain-name:value" => ('d', None),
        "url:value" => ('u', None),
        "network-traffic:dst_port" => ('n', Some(3)),
        "network-traffic:dst_ref.value" => ('4', Some(1)),
        other => panic!("{other}"),
    };
    let values: Vec<String> = shown(observation)
        .into_iter()
        .filter(|(order, found, _)| *found == sort && only.is_none_or(|only| only == *order))
        .map(|(_, _, value)| value)
        .collect();
    let wanted: Vec<String> = comparison
        .values
        .iter()
        .map(|literal| match literal {
            Literal::Text(text) => text.clone(),
            other => other.to_string(),
        })
        .collect();
    let one = |value: &String| match comparison.operator {
        Op::Equal | Op::NotEqual | Op::In => wanted.contains(value),
        Op::Like => {
            let like: Vec<char> = wanted[0].trim_start_matches('%').chars().collect();
            let value: Vec<char> = value.chars().collect();
            value.len() >= like.len()
                && value[value.len() - like.len()..]
                    .iter()
                    .zip(&like)
                    .all(|(found, like)| *like == '_' || found == like)
        }
        Op::IsSubset => {
            let (network, bits) = wanted[0].split_once('/').unwrap();
            let number = |text: &str| u32::from(text.parse::<std::net::Ipv4Addr>().unwrap());
            let mask = !0_u32 << (32 - bits.parse::<u32>().unwrap());
            number(value) & mask == number(network) & mask
        }
        other => panic!("{other}"),
    };
    let any = values.iter().any(one);
    if comparison.negated != (comparison.operator == Op::NotEqual) { !values.is_empty() && !any } else { any }
}

fn expression_holds(expression: &Expression, observation: &Observation) -> bool {
    match expression {
        Expression::Comparison(comparison) => comparison_holds(comparison, observation),
        Expression::And(parts) => parts.iter().all(|part| expression_holds(part, observation)),
        Expression::Or(parts) => parts.iter().any(|part| expression_holds(part, observation)),
    }
}

fn pattern_holds(outer: &Outer, observation: &Observation) -> bool {
    match outer {
        Outer::Single(expression) => expression_holds(expression, observation),
        Outer::Joined(_, parts) => parts.iter().any(|part| pattern_holds(part, observation)),
        Outer::Qualified(..) => panic!("not generated"),
    }
}

const NAMES: &[&str] = &["a.example", "b.a.example", "c.b.a.example", "xa.example", "example.org"];
const LIKES: &[&str] =
    &["a.example", "b.a.example", "example", "_.example", "b_a.example", "__.a.example", "_.a.example"];
const IPS: &[&str] = &["192.0.2.1", "192.0.2.130", "198.51.100.7", "10.0.0.1"];

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(NAMES)
}

fn ip() -> impl Strategy<Value = &'static str> {
    prop::sample::select(IPS)
}

fn comparison() -> impl Strategy<Value = String> {
    let operator = prop::sample::select(&["=", "!=", "NOT =", "NOT !="][..]);
    prop_oneof![
        (operator.clone(), name()).prop_map(|(op, name)| format!("domain-name:value {op} '{name}'")),
        (prop::sample::select(LIKES), prop::bool::ANY)
            .prop_map(|(name, not)| format!("domain-name:value {}LIKE '%.{name}'", if not { "NOT " } else { "" })),
        (name(), name(), prop::bool::ANY)
            .prop_map(|(a, b, not)| format!("domain-name:value {}IN ('{a}', '{b}')", if not { "NOT " } else { "" })),
        (operator.clone(), ip()).prop_map(|(op, ip)| format!("ipv4-addr:value {op} '{ip}'")),
        (ip(), 0_u8..32).prop_map(|(ip, bits)| format!("ipv4-addr:value ISSUBSET '{ip}/{}'", bits + 1)),
        (operator.clone(), ip()).prop_map(|(op, ip)| format!("network-traffic:dst_ref.value {op} '{ip}'")),
        (operator, prop::sample::select(&[53, 80, 443][..]))
            .prop_map(|(op, port)| format!("network-traffic:dst_port {op} {port}")),
        name().prop_map(|name| format!("url:value = 'http://{name}/x'")),
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    let inner = comparison().prop_recursive(3, 12, 3, |inner| {
        (prop::collection::vec(inner, 2..4), prop_oneof![Just(" AND "), Just(" OR ")])
            .prop_map(|(parts, word)| format!("({})", parts.join(word)))
    });
    prop::collection::vec(inner, 1..3)
        .prop_map(|parts| parts.iter().map(|part| format!("[{part}]")).collect::<Vec<_>>().join(" OR "))
}

fn detail() -> impl Strategy<Value = Detail> {
    let text = |text: &str| Some(text.into());
    prop_oneof![
        Just(Detail::None),
        (prop::option::of(name()), prop::collection::vec((name(), ip(), prop::bool::ANY), 0..3)).prop_map(
            |(question, answers)| {
                let answers = answers
                    .into_iter()
                    .map(|(name, ip, address)| DnsAnswer {
                        name: name.into(),
                        kind: if address { "A" } else { "CNAME" }.into(),
                        ttl_s: 1,
                        data: if address { ip } else { name }.into(),
                    })
                    .collect();
                Detail::Dns(Box::new(Dns { question_name: question.map(Into::into), answers, ..Dns::default() }))
            }
        ),
        (prop_oneof![name(), ip()], prop::bool::ANY).prop_map(move |(host, full)| Detail::Http(Box::new(Http {
            host: text(host),
            url: full.then(|| format!("http://{host}/x").into()),
            ..Http::default()
        }))),
        name().prop_map(move |name| Detail::Tls(Box::new(Tls { server_name: text(name), ..Tls::default() }))),
    ]
}

fn observation() -> impl Strategy<Value = Observation> {
    let end = || {
        (ip(), prop::option::of(prop::sample::select(&[53_u16, 80, 443, 40000][..])))
            .prop_map(|(ip, port)| Endpoint { ip: ip.parse().unwrap(), port })
    };
    (prop::option::of(end()), prop::option::of(end()), detail()).prop_map(|(source, destination, detail)| Observation {
        time: Timestamp::from_micros(5),
        kind: ObservationKind::Event,
        record: 1,
        source,
        destination,
        transport: Some(Transport::Tcp),
        protocol: None,
        community_id: None,
        detail,
    })
}

fn source(key: usize, text: &str) -> RuleSource {
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
fn what_needs_more_than_one_observation_is_named() {
    let set = RuleSet::compile(
        [
            source(0, "[domain-name:value = 'a'] FOLLOWEDBY [domain-name:value = 'b']"),
            source(1, "[process:name = 'x']"),
            source(2, "[domain-name:value MATCHES 'x']"),
            source(3, "[domain-name:value = 'a'] REPEATS 2 TIMES"),
            source(4, "[ipv4-addr:value = 'x']"),
        ],
        Settings::default(),
    );
    assert_eq!((set.len(), set.not_matched().len()), (0, 5));
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
