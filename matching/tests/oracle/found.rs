//! What random cases found, each by itself.

use matching::{RuleSet, Settings, Tracker};
use model::observation::{Detail, FlowCounts, Http, Observation, ObservationKind};
use model::time::Timestamp;

use crate::single::source;

fn observation(time_us: i64, detail: Detail) -> Observation {
    Observation {
        time: Timestamp::from_micros(time_us),
        kind: ObservationKind::Event,
        record: 1,
        source: None,
        destination: None,
        transport: None,
        protocol: None,
        community_id: None,
        detail,
    }
}

fn request(time_us: i64, target: &str) -> Observation {
    observation(time_us, Detail::Http(Box::new(Http { target: Some(target.into()), ..Http::default() })))
}

/// How many matches the pattern has, of one observation or of several.
fn matches(pattern: &str, observations: &[Observation]) -> usize {
    let settings = Settings::default();
    let set = RuleSet::compile([source(0, pattern)], settings);
    assert_eq!(set.len(), 1, "{:?}", set.not_matched());
    let mut tracker = Tracker::new(settings);
    let mut found = Vec::new();
    for observation in observations {
        set.scan(observation, &mut found);
        tracker.observe(&set, observation, &mut found);
    }
    found.len()
}

const TARGET: &str = "network-traffic:extensions.'http-request-ext'.request_value";

/// Seconds were rounded to the nearest microsecond, so that a window could be half of one longer than it says.
#[test]
fn a_window_is_not_rounded_up() {
    for (seconds, expected) in [("0.4999999", 0), ("0.5", 1), ("0.5000009", 1)] {
        let pattern = format!("([{TARGET} = '/a'] AND [{TARGET} = '/b']) WITHIN {seconds} SECONDS");
        assert_eq!(matches(&pattern, &[request(0, "/a"), request(500_000, "/b")]), expected, "{seconds}");
    }
    let pattern = format!("([{TARGET} = '/a'] AND [{TARGET} = '/b']) WITHIN 0.5000009 SECONDS");
    assert_eq!(matches(&pattern, &[request(0, "/a"), request(500_001, "/b")]), 0);
}

/// §9.2: an octet is the character of its number. They were read as UTF-8, and refused where they are none.
#[test]
fn octets_are_the_characters_of_their_numbers() {
    for literal in ["h'2fe9'", "b'L+k='", "b'L+\nk='"] {
        let pattern = format!("[{TARGET} = {literal}]");
        assert_eq!(matches(&pattern, &[request(0, "/\u{e9}")]), 1, "{literal}");
        assert_eq!(matches(&pattern, &[request(0, "/e")]), 0, "{literal}");
    }
    assert_eq!(matches(&format!("[{TARGET} = h'2fc3a9']"), &[request(0, "/\u{e9}")]), 0);
}

/// Of a time in a pattern what lies beyond six decimals was cut off before it was compared.
#[test]
fn a_time_between_two_microseconds_equals_neither() {
    let flow = |micros: i64| {
        let counts = FlowCounts {
            start: Timestamp::from_micros(micros),
            source_bytes: 0,
            destination_bytes: 0,
            source_packets: 0,
            destination_packets: 0,
        };
        observation(0, Detail::Flow(counts))
    };
    for (operator, at_10, at_11) in [(">=", 0, 1), (">", 0, 1), ("<=", 1, 0), ("<", 1, 0)] {
        let pattern = format!("[network-traffic:start {operator} t'1970-01-01T00:00:00.0000105Z']");
        let found = (matches(&pattern, &[flow(10)]), matches(&pattern, &[flow(11)]));
        assert_eq!(found, (at_10, at_11), "{operator}");
    }
}
