//! What is said of a pattern and of a match.

use matching::{Settings, explain, reasons};
use model::field::Field;
use model::observation::{Detail, Dns, DnsAnswer, Endpoint, Observation, ObservationKind, Transport};
use model::pattern::parse;
use model::time::Timestamp;

#[test]
fn a_pattern_is_explained_in_one_line() {
    for (pattern, words) in [
        (
            "[file:hashes.'SHA-256' = 'AA']",
            "exact value of file.hash.sha256; admits about 5 of 1000000 observations, 1 comparison each",
        ),
        (
            "[network-traffic:dst_ref.value ISSUBSET '198.51.100.0/24' AND network-traffic:dst_port = 443]",
            "network of destination.ip; admits about 10 of 1000000 observations, 2 comparisons each",
        ),
        (
            "[url:value LIKE '%/gate.php%']",
            "literal of url.full; admits about 100 of 1000000 observations, 1 comparison each",
        ),
        (
            "[file:size > 100]",
            "unanchored of file.size; admits about 1000000 of 1000000 observations, 1 comparison each",
        ),
        (
            "[file:name = 'a'] FOLLOWEDBY [file:name = 'b']",
            "exact value of file.name; admits about 10 of 1000000 observations, 2 comparisons each; at least 2 observations \
             within 86400000 ms",
        ),
        (
            "([file:name = 'a'] REPEATS 5 TIMES AND [url:value = 'b']) WITHIN 1.5 SECONDS",
            "exact value of file.name, exact value of url.full; admits about 6 of 1000000 observations, 2 comparisons each; at \
             least 6 observations within 1500 ms",
        ),
        (
            "[file:name = 'a'] WITHIN 5 SECONDS",
            "exact value of file.name; admits about 5 of 1000000 observations, 1 comparison each",
        ),
    ] {
        assert_eq!(explain(&parse(pattern).unwrap(), &Settings::default()).unwrap().to_string(), words);
    }
    let never = explain(&parse("[process:name = 'x']").unwrap(), &Settings::default()).unwrap_err();
    assert_eq!(
        never.to_string(),
        "not matched here: no telemetry shows `process:name`: sensors see the network, not what is on a host"
    );
}

#[test]
fn a_match_is_explained_by_its_comparisons() {
    let answer = DnsAnswer { name: "a.example".into(), kind: "A".into(), ttl_s: 1, data: "192.0.2.7".into() };
    let dns = Dns { question_name: Some("b.a.example".into()), answers: vec![answer], ..Dns::default() };
    let observation = Observation {
        time: Timestamp::from_micros(0),
        kind: ObservationKind::Dns,
        record: 1,
        source: Some(Endpoint { ip: "198.51.100.1".parse().unwrap(), port: Some(5_353) }),
        destination: None,
        transport: Some(Transport::Udp),
        protocol: Some("dns".into()),
        community_id: None,
        detail: Detail::Dns(Box::new(dns)),
    };
    let pattern = parse(
        "[domain-name:value = 'x.example' OR domain-name:value MATCHES '^b' AND ipv4-addr:value = '192.0.2.7'] \
         FOLLOWEDBY [domain-name:value = 'b.a.example' AND url:value = 'x'] OR [NOT EXISTS url:value]",
    )
    .unwrap();
    let found: Vec<(String, Field, String)> = reasons(&pattern, &observation, &Settings::default())
        .into_iter()
        .map(|reason| (reason.comparison, reason.field, reason.value))
        .collect();
    assert_eq!(
        found,
        [
            ("domain-name:value MATCHES '^b'".to_owned(), Field::DnsQuestionName, "b.a.example".to_owned()),
            ("ipv4-addr:value = '192.0.2.7'".to_owned(), Field::DnsAnswersData, "192.0.2.7".to_owned()),
            ("NOT EXISTS url:value".to_owned(), Field::UrlFull, String::new()),
        ]
    );
}
