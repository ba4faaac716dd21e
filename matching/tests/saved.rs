//! A saved set finds what the set found; damaged bytes are an error.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that goes wrong may end")]

use std::sync::Arc;

use matching::{Match, RuleSet, RuleSource, SavedError, Settings, Tracker};
use model::observation::{Detail, Dns, Observation, ObservationKind};
use model::pattern::parse;
use model::time::Timestamp;
use proptest::prelude::*;

const PATTERNS: [&str; 8] = [
    "[domain-name:value = 'a.example']",
    "[domain-name:value = 'b.example' OR domain-name:value LIKE '%.b.example']",
    "[domain-name:value LIKE '%exam%']",
    "[domain-name:value MATCHES '^(a|x)[.]'] START t'2020-01-01T00:00:00Z' STOP t'2021-01-01T00:00:00Z'",
    "[domain-name:value = 'a.example' AND domain-name:value != 'z.example']",
    "[domain-name:value = 'a.example'] FOLLOWEDBY [domain-name:value = 'b.example'] WITHIN 5 SECONDS",
    "[url:value = 'http://a.example/' OR ipv4-addr:value = '192.0.2.1']",
    "[windows-registry-key:key = 'never shown']",
];

fn source(number: usize) -> RuleSource {
    let pattern = parse(PATTERNS[number % PATTERNS.len()]).unwrap();
    let key: Arc<str> = match number % 2 {
        0 => format!("us/indicator--94868c89-83c2-464b-929b-a1a8aa3c84{number:02x}").into(),
        _ => format!("list.txt:{number}").into(),
    };
    let valid_from = number.is_multiple_of(3).then(|| Timestamp::from_micros(2_500_000));
    let valid_until = number.is_multiple_of(5).then(|| Timestamp::from_micros(3_500_000));
    RuleSource { key, pattern, valid_from, valid_until }
}

fn asked(name: &str, time: i64) -> Observation {
    Observation {
        time: Timestamp::from_micros(time),
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

/// What it finds in a few observations, in order.
fn found(set: &RuleSet) -> Vec<Vec<Match>> {
    let mut tracker = Tracker::new(Settings::default());
    let times = [1_000_000, 3_000_000, 1_590_000_000_000_000];
    let each = times
        .into_iter()
        .flat_map(|time| ["a.example", "x.b.example", "b.example", "x.y"].map(|name| asked(name, time)));
    each.map(|observation| {
        let mut found = Vec::new();
        set.scan(&observation, &mut found);
        tracker.observe(set, &observation, &mut found);
        found.sort_by(|a, b| a.key.cmp(&b.key));
        found
    })
    .collect()
}

fn written(set: &RuleSet) -> Vec<u8> {
    let mut bytes = Vec::new();
    set.write(&mut bytes).unwrap();
    bytes
}

fn read(bytes: &[u8]) -> Result<RuleSet, SavedError> {
    RuleSet::read(bytes, bytes.len() as u64, Settings::default())
}

proptest! {
    #[test]
    fn a_saved_set_is_the_set(first in prop::collection::vec(0..40_usize, 0..30), later in prop::collection::vec(0..40_usize, 0..10), gone in prop::collection::vec(0..40_usize, 0..5)) {
        let gone: Vec<Arc<str>> = gone.into_iter().map(|number| source(number).key).collect();
        let set = RuleSet::compile(first.into_iter().map(source), Settings::default()).with_changes(later.into_iter().map(source), &gone);
        let saved = read(&written(&set)).unwrap();
        prop_assert_eq!(saved.len(), set.len());
        prop_assert_eq!(saved.windowed_len(), set.windowed_len());
        prop_assert_eq!(saved.not_matched(), set.not_matched());
        prop_assert_eq!(found(&saved), found(&set));
        // It can be changed and saved again.
        let more = saved.with_changes([source(40)], &[]);
        prop_assert_eq!(found(&read(&written(&more)).unwrap()), found(&set.with_changes([source(40)], &[])));
    }

    #[test]
    fn damaged_bytes_are_an_error(at in any::<prop::sample::Index>(), with in 1..=255_u8, cut in any::<prop::sample::Index>()) {
        let mut bytes = written(&RuleSet::compile((0..40).map(source), Settings::default()));
        prop_assert!(read(&bytes[..cut.index(bytes.len())]).is_err());
        let at = at.index(bytes.len());
        bytes[at] ^= with;
        prop_assert!(read(&bytes).is_err());
    }
}

#[test]
fn what_is_no_saved_set_is_told_apart() {
    assert!(matches!(read(b"{}"), Err(SavedError::Other)));
    assert!(matches!(read(b"BWRS"), Err(SavedError::Other)));
    let bytes = written(&RuleSet::default());
    assert!(read(&bytes).unwrap().is_empty());
}
