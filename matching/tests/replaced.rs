//! Of two rules with one key the last counts, however each of them is held.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that goes wrong may end")]

use std::collections::BTreeMap;
use std::sync::Arc;

use matching::{Match, RuleSet, RuleSource, Settings};
use model::observation::{Detail, Dns, Observation, ObservationKind};
use model::pattern::parse;
use model::time::Timestamp;
use proptest::prelude::*;

const PATTERNS: [&str; 6] = [
    "[domain-name:value = 'a.example']",
    "[domain-name:value = 'b.example' OR domain-name:value LIKE '%.b.example']",
    "[domain-name:value LIKE '%exam%']",
    "[domain-name:value = 'a.example' AND domain-name:value != 'z.example']",
    "[domain-name:value = 'a.example'] FOLLOWEDBY [domain-name:value = 'b.example']",
    "[file:name = 'nothing here']",
];

fn source((key, pattern): &(u8, usize)) -> RuleSource {
    let pattern = parse(PATTERNS[*pattern]).unwrap();
    RuleSource { key: key_of(*key), pattern, valid_from: None, valid_until: None }
}

fn key_of(key: u8) -> Arc<str> {
    if key.is_multiple_of(2) {
        format!("us/indicator--94868c89-83c2-464b-929b-a1a8aa3c84{key:02x}").into()
    } else {
        format!("rule {key}").into()
    }
}

fn asked(name: &str) -> Observation {
    Observation {
        time: Timestamp::from_micros(1_000),
        kind: ObservationKind::Dns,
        record: 1,
        source: None,
        destination: None,
        transport: None,
        protocol: None,
        community_id: None,
        detail: Detail::Dns(Box::new(Dns { question_name: Some(name.into()), ..Dns::default() })),
    }
}

fn keys(set: &RuleSet, name: &str) -> Vec<Arc<str>> {
    let mut found: Vec<Match> = Vec::new();
    set.scan(&asked(name), &mut found);
    let mut keys: Vec<Arc<str>> = found.into_iter().map(|found| found.key).collect();
    keys.sort();
    keys
}

fn rules() -> impl Strategy<Value = Vec<(u8, usize)>> {
    prop::collection::vec((0..8_u8, 0..PATTERNS.len()), 0..14)
}

type Wanted = BTreeMap<Arc<str>, usize>;

fn check(set: &RuleSet, wanted: &Wanted) -> Result<(), TestCaseError> {
    prop_assert_eq!(set.len(), wanted.len());
    for name in ["a.example", "b.example", "x.b.example", "other"] {
        let hits = |pattern: usize| match pattern {
            0 | 3 => name == "a.example",
            1 => name.ends_with("b.example"),
            2 => name.contains("exam"),
            _ => false,
        };
        let all: Vec<Arc<str>> =
            wanted.iter().filter(|(_, pattern)| hits(**pattern)).map(|(key, _)| Arc::clone(key)).collect();
        prop_assert_eq!(keys(set, name), all, "{}", name);
    }
    Ok(())
}

proptest! {
    #[test]
    fn whatever_came_before_counts_no_longer(
        first in rules(),
        later in prop::collection::vec((rules(), prop::collection::vec(0..8_u8, 0..3)), 0..4),
        recent in 0..6_usize,
    ) {
        let settings = Settings { recent, ..Settings::default() };
        let mut set = RuleSet::compile(first.iter().map(source), settings);
        let mut wanted: Wanted = first.iter().map(|(key, pattern)| (key_of(*key), *pattern)).collect();
        check(&set, &wanted)?;
        for (added, removed) in &later {
            let removed: Vec<Arc<str>> = removed.iter().map(|key| key_of(*key)).collect();
            set = set.with_changes(added.iter().map(source), &removed);
            wanted.retain(|key, _| !removed.contains(key));
            wanted.extend(added.iter().map(|(key, pattern)| (key_of(*key), *pattern)));
            check(&set, &wanted)?;
        }
    }
}
