//! The pattern grammar against recorded answers and against itself.

use model::pattern::parse;
use proptest::prelude::*;

use crate::corpora;

/// Recorded answers that we give otherwise, each with its reason.
const DISAGREEMENTS: &[(&str, &str)] = &[(
    "[file:hashes.'SHA-256' = 'f00']",
    "§9 says nothing of what a text must look like: the pattern is valid, and matches nothing",
)];

#[test]
fn recorded_grammar_facts_agree() {
    let Some(place) = corpora::file("patterns/grammar-facts.json") else { return };
    let facts: Vec<serde_json::Value> = serde_json::from_slice(&std::fs::read(place).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for fact in &facts {
        let pattern = fact["pattern"].as_str().unwrap();
        if fact["stix_version"] == "2.0"
            && facts.iter().any(|other| other["pattern"] == fact["pattern"] && other["stix_version"] == "2.1")
        {
            continue; // the grammar of 2.1 counts
        }
        let expected = fact["expected"] == "pass";
        let found = parse(pattern);
        if found.is_ok() != expected && !DISAGREEMENTS.iter().any(|(known, _)| *known == pattern) {
            wrong.push(format!("{fact}\n    {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), facts.len(), wrong.join("\n"));
}

#[test]
fn real_patterns_are_read_and_printed_the_same() {
    let Some(place) = corpora::file("patterns/real-world-patterns.json.xz") else { return };
    let mut text = String::new();
    std::io::Read::read_to_string(&mut liblzma::read::XzDecoder::new(std::fs::File::open(place).unwrap()), &mut text)
        .unwrap();
    let patterns: Vec<String> = serde_json::from_str(&text).unwrap();
    let mut refused = Vec::new();
    for pattern in &patterns {
        match parse(pattern) {
            Ok(tree) => assert_eq!(parse(&tree.to_string()).unwrap().to_string(), tree.to_string(), "{pattern}"),
            Err(fault) => refused.push(format!("{pattern}: {fault}")),
        }
    }
    println!("{} of {} real patterns are valid", patterns.len() - refused.len(), patterns.len());
    assert!(refused.len() * 100 < patterns.len(), "{}", refused.join("\n"));
}

fn comparison() -> impl Strategy<Value = String> {
    let path = prop_oneof![
        Just("domain-name:value".to_owned()),
        Just("file:hashes.'SHA-256'".to_owned()),
        Just("network-traffic:protocols[*]".to_owned()),
        Just("x-thing:'a b'.c[3].d".to_owned()),
    ];
    let literal = prop_oneof![
        "[ -~é]{0,12}".prop_map(|text| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))),
        any::<i64>().prop_map(|n| n.to_string()),
        Just("1.50".to_owned()),
        Just("true".to_owned()),
        Just("h'00ff'".to_owned()),
        Just("b'AAAA'".to_owned()),
        Just("t'2026-01-01T00:00:00Z'".to_owned()),
    ];
    (path, prop_oneof![Just("="), Just("!="), Just("NOT ="), Just("IN")], literal).prop_map(
        |(path, operator, literal)| {
            if operator == "IN" {
                format!("{path} IN ({literal}, {literal})")
            } else {
                format!("{path} {operator} {literal}")
            }
        },
    )
}

fn expression() -> impl Strategy<Value = String> {
    comparison().prop_recursive(4, 24, 3, |inner| {
        (prop::collection::vec(inner, 2..4), prop_oneof![Just(" AND "), Just(" OR ")])
            .prop_map(|(parts, word)| format!("({})", parts.join(word)))
    })
}

fn observation() -> impl Strategy<Value = String> {
    expression().prop_map(|expression| format!("[{expression}]")).prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (
                prop::collection::vec(inner.clone(), 2..4),
                prop_oneof![Just(" AND "), Just(" OR "), Just(" FOLLOWEDBY ")]
            )
                .prop_map(|(parts, word)| format!("({})", parts.join(word))),
            // In a list of one's own, since a kind of qualifier may stand once only.
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} AND {b}) WITHIN 5.5 SECONDS")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a} OR {b}) REPEATS 3 TIMES WITHIN 1 SECONDS")),
        ]
    })
}

proptest! {
    #[test]
    fn printing_and_reading_again_gives_the_same(text in observation()) {
        let tree = parse(&text).unwrap();
        let again = parse(&tree.to_string()).unwrap();
        prop_assert_eq!(again.to_string(), tree.to_string());
    }

    #[test]
    fn no_text_panics(text in "[\\[\\]()a-zA-Z:.'= 0-9\\\\é*,-]{0,80}") {
        let _ = parse(&text);
    }
}
