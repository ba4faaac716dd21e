//! Patterns that are meant to cost much (`attacks.md` 31 and 34): each is refused in clear words, or its cost is bounded and
//! told.

use matching::{Lookup, RuleSet, Settings, Tracker, explain};
use model::observation::{Detail, Dns, Endpoint, Http, Observation, ObservationKind};
use model::pattern::parse;
use model::time::Timestamp;

use crate::single::source;

fn observation(time_us: i64, detail: Detail) -> Observation {
    Observation {
        time: Timestamp::from_micros(time_us),
        kind: ObservationKind::Event,
        record: 1,
        source: Some(Endpoint { ip: "192.0.2.1".parse().unwrap(), port: Some(40_000) }),
        destination: None,
        transport: None,
        protocol: None,
        community_id: None,
        detail,
    }
}

fn url(text: &str) -> Observation {
    observation(0, Detail::Http(Box::new(Http { url: Some(text.into()), ..Http::default() })))
}

fn query(time_us: i64, name: &str) -> Observation {
    observation(time_us, Detail::Dns(Box::new(Dns { question_name: Some(name.into()), ..Dns::default() })))
}

/// Why the pattern is not matched.
fn refused(pattern: &str) -> String {
    let set = RuleSet::compile([source(0, pattern)], Settings::default());
    assert_eq!(set.len(), 0, "{pattern}");
    let why = set.not_matched().values().next().unwrap();
    assert_eq!(RuleSet::default().refusal(&source(0, pattern)).as_ref(), Some(why), "{pattern}");
    why.to_string()
}

#[test]
fn ten_thousand_parentheses_are_refused_by_the_reader() {
    for (open, close) in [("(", ")"), ("[(", ")]")] {
        let (open, close) = (open.repeat(10_000), close.repeat(10_000));
        assert!(parse(&format!("{open}[url:value = 'x']{close}")).is_err());
        assert!(parse(&format!("[{open}url:value = 'x'{close}]")).is_err());
    }
}

#[test]
fn two_thousand_alternatives_are_matched() {
    let parts = |from: usize| (from..from + 2_000).map(|n| format!("url:value = 'http://a/{n}'")).collect::<Vec<_>>();
    let inside = format!("[{}]", parts(0).join(" OR "));
    let outside = parts(0).iter().map(|part| format!("[{part}]")).collect::<Vec<_>>().join(" OR ");
    let unanchored = format!("[{}]", parts(0).join(" OR ").replace(" = ", " != "));
    let set = RuleSet::compile([source(0, &inside), source(1, &outside), source(2, &unanchored)], Settings::default());
    assert_eq!(set.len(), 3);
    let mut found = Vec::new();
    set.scan(&url("http://a/1999"), &mut found);
    assert_eq!(found.len(), 3);
    let explanation = explain(&parse(&inside).unwrap(), &Settings::default()).unwrap();
    assert_eq!((explanation.comparisons, explanation.admitted_per_million), (2_000, 2_000));
}

#[test]
fn two_thousand_joined_observations_are_refused() {
    for word in [" AND ", " FOLLOWEDBY "] {
        let parts: Vec<String> = (0..2_000).map(|n| format!("[url:value = '{n}']")).collect();
        assert!(refused(&parts.join(word)).contains("more than 512 observation expressions"));
    }
}

#[test]
fn a_million_repetitions_are_refused() {
    let words = refused("[domain-name:value = 'a.example'] REPEATS 1000000 TIMES");
    assert!(words.contains("1000000 observations, and 1000 are remembered"), "{words}");
    let nested =
        "(([url:value = 'a'] AND [url:value = 'b']) REPEATS 1000 TIMES FOLLOWEDBY [url:value = 'c']) WITHIN 5 SECONDS";
    assert!(refused(nested).contains("2001 observations"));
    let huge = "([url:value = 'a'] REPEATS 18446744073709551615 TIMES AND [url:value = 'b']) REPEATS 9 TIMES";
    assert!(parse(huge).map_or(true, |_| refused(huge).contains("observations, and 1000")));
}

#[test]
fn a_window_of_decades_is_refused() {
    let words = refused("([url:value = 'a'] FOLLOWEDBY [url:value = 'b']) WITHIN 1000000000 SECONDS");
    assert!(words.contains("longer than observations are remembered (86400000 ms)"), "{words}");
}

#[test]
fn nested_repetition_in_a_regular_expression_takes_linear_time() {
    let set = RuleSet::compile([source(0, "[url:value MATCHES '(a+)+$']")], Settings::default());
    assert_eq!(set.len(), 1);
    let mut found = Vec::new();
    set.scan(&url(&format!("http://a/{}!", "a".repeat(60_000))), &mut found);
    assert!(found.is_empty());
}

#[test]
fn huge_regular_expressions_are_refused_or_small() {
    // Four thousand million times nothing is nothing.
    let set = RuleSet::compile([source(0, "[url:value MATCHES '(?:){4294967295}']")], Settings::default());
    assert!(set.len() == 1 || set.not_matched().len() == 1);
    for pattern in [
        "[url:value MATCHES 'a{4294967295}']".to_owned(),
        format!("[{}]", vec![r"url:value MATCHES '\\p{L}{1000}'"; 100].join(" OR ")),
        "[url:value MATCHES '((((a{100}){100}){100}){100})']".to_owned(),
    ] {
        assert!(refused(&pattern).contains("more memory than one pattern may have"), "{}", refused(&pattern));
    }
    let deep = format!("[url:value MATCHES '{}a{}']", "(".repeat(10_000), ")".repeat(10_000));
    assert!(refused(&deep).contains("exceed"), "{}", refused(&deep));
}

#[test]
fn all_regular_expressions_together_are_bounded() {
    let settings = Settings { regex_bytes: 1 << 20, ..Settings::default() };
    let many = (0..100).map(|key| source(key, &format!("[url:value MATCHES 'evil{key}[0-9]+']")));
    let set = RuleSet::compile(many, settings);
    assert_eq!((set.len(), set.not_matched().len()), (7, 93));
    let again =
        set.with_changes([source(3, "[url:value MATCHES 'other[0-9]+']"), source(200, "[url:value MATCHES 'x']")], &[]);
    assert!(again.not_matched().get("200").unwrap().to_string().contains("as much memory as they may"));
}

#[test]
fn like_with_many_wildcards_takes_bounded_time() {
    let pattern = format!("[url:value LIKE '{}b']", "%a".repeat(20_000));
    let blanks = format!("[url:value LIKE '%{}%']", "_".repeat(1_000));
    let set = RuleSet::compile([source(0, &pattern)], Settings::default());
    assert_eq!(set.len(), 1);
    let mut found = Vec::new();
    set.scan(&url(&"a".repeat(60_000)), &mut found);
    assert!(found.is_empty());
    assert!(refused(&blanks).contains("more than 256 characters with `_`"));
}

#[test]
fn a_flood_into_a_window_is_bounded_and_counted() {
    let settings = Settings { remembered_per_rule: 100, remembered: 150, ..Settings::default() };
    let patterns = [
        "([domain-name:value LIKE '%a%'] FOLLOWEDBY [domain-name:value = 'never.example']) WITHIN 60 SECONDS",
        "([domain-name:value LIKE '%a%'] REPEATS 30 TIMES AND [domain-name:value LIKE '%b%'] REPEATS 30 TIMES) WITHIN 1 SECONDS",
        "(([domain-name:value LIKE '%a%'] FOLLOWEDBY [domain-name:value LIKE '%b%']) WITHIN 3 SECONDS REPEATS 40 TIMES)",
    ];
    let set = RuleSet::compile(patterns.iter().enumerate().map(|(key, text)| source(key, text)), settings);
    assert_eq!(set.len(), 3, "{:?}", set.not_matched());
    let mut tracker = Tracker::new(settings);
    let mut found = Vec::new();
    for second in 0..2_000 {
        let name = if second % 2 == 0 { "a.example" } else { "b.example" };
        tracker.observe(&set, &query(second * 100_000, name), &mut found);
        assert!(tracker.remembered() <= 150);
    }
    assert!(tracker.counts().evicted > 0);
}

#[test]
fn what_matches_nearly_everything_says_so() {
    let cost = |text: &str| explain(&parse(text).unwrap(), &Settings::default()).unwrap();
    for everything in [
        "[ipv4-addr:value ISSUBSET '0.0.0.0/0']",
        "[ipv6-addr:value = '::/0']",
        "[domain-name:value LIKE '%.']",
        "[domain-name:value = '.' OR domain-name:value LIKE '%.']",
        "[url:value MATCHES '.']",
        "[url:value MATCHES '']",
        "[url:value LIKE '%']",
        "[domain-name:value != 'a.example']",
        "[NOT EXISTS domain-name:value]",
    ] {
        assert_eq!(cost(everything).admitted_per_million, 1_000_000, "{everything}");
    }
    for much in [
        "[ipv4-addr:value ISSUBSET '10.0.0.0/8']",
        "[ipv4-addr:value ISSUBSET '172.16.0.0/12']",
        "[ipv4-addr:value = '192.168.0.0/16']",
        "[ipv4-addr:value ISSUBSET '8.0.0.0/6']",
        "[ipv6-addr:value ISSUBSET 'fc00::/7']",
        "[domain-name:value LIKE '%.com']",
        "[domain-name:value LIKE '%.gc.ca']",
        "[network-traffic:protocols[*] = 'tcp']",
    ] {
        assert!(cost(much).admitted_per_million >= 100_000, "{much}: {}", cost(much));
    }
    for little in [
        "[ipv4-addr:value ISSUBSET '198.51.100.0/24']",
        "[ipv6-addr:value ISSUBSET '2001:db8::/48']",
        "[domain-name:value = 'evil.example' OR domain-name:value LIKE '%.evil.example']",
        "[url:value MATCHES '/gate\\\\.php\\\\?id=[0-9]+']",
        "[ipv4-addr:value ISSUBSET '0.0.0.0/0' AND domain-name:value = 'evil.example']",
    ] {
        assert!(cost(little).admitted_per_million <= 1_000, "{little}: {}", cost(little));
    }
    assert_eq!(cost("[url:value MATCHES '.']").looked_up[0].lookup, Lookup::Unanchored);
}
