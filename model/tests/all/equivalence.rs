//! Whether two patterns mean the same: against recorded answers, and against the evaluator.

use model::pattern::equivalence::are_equivalent;
use model::pattern::evaluate::{evaluate, observed};
use model::pattern::parse;
use proptest::prelude::*;
use serde_json::Value;

use crate::corpora;

/// Recorded answers that we give otherwise, each with its reason.
const DISAGREEMENTS: &[(&str, &str)] = &[(
    "[(a:b=1 OR b:c=1) AND (b:d=1 OR c:d=1)]",
    "§9.6: AND asks both of the same observation, which may hold objects of several types; the reference drops such terms",
)];

/// A pattern that is refused means the same as none.
fn same(one: &str, other: &str) -> bool {
    match (parse(one), parse(other)) {
        (Ok(one), Ok(other)) => are_equivalent(&one, &other),
        _ => false,
    }
}

#[test]
fn recorded_equivalences_agree() {
    let Some(place) = corpora::file("patterns/equivalence-facts.json") else { return };
    let facts: Vec<Value> = serde_json::from_slice(&std::fs::read(place).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for fact in &facts {
        let (one, other) = (fact["p1"].as_str().unwrap(), fact["p2"].as_str().unwrap());
        let found = same(one, other);
        assert_eq!(found, same(other, one), "{fact}");
        let known = DISAGREEMENTS.iter().any(|(known, _)| *known == one);
        if (fact["equivalent"] == found) == known {
            wrong.push(format!("{found}: {fact}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), facts.len(), wrong.join("\n"));
}

#[test]
fn the_same_said_twice_is_found_and_what_differs_is_not() {
    for (one, other) in [
        ("[domain-name:value = 'Evil.Example.']", "[domain-name:value = 'evil.example']"),
        ("[a:b IN (1, 2)]", "[a:b = 2] OR [a:b = 1.0]"),
        ("[a:b NOT IN (1, 2)]", "[a:b != 2 AND a:b NOT = 1]"),
        ("[a:b = h'00FF']", "[a:b = b'AP8=']"),
        ("[a:b = t'2026-01-01T00:00:00Z'] WITHIN 5 SECONDS", "[a:b = t'2026-01-01T00:00:00.000Z'] WITHIN 5.0 SECONDS"),
    ] {
        assert!(same(one, other), "{one} and {other}");
    }
    for (one, other) in [
        ("[a:b = 1] WITHIN 5 SECONDS REPEATS 2 TIMES", "[a:b = 1] REPEATS 2 TIMES WITHIN 5 SECONDS"),
        ("[a:b = 1 OR a:b = 2] REPEATS 2 TIMES", "[a:b = 1] REPEATS 2 TIMES OR [a:b = 2] REPEATS 2 TIMES"),
        ("[a:b LIKE 'A%']", "[a:b LIKE 'a%']"),
        ("[a:b = 1 AND a:c = 1]", "[a:b = 1] AND [a:c = 1]"),
        ("EXISTS a:b", "[EXISTS a:b]"),
    ] {
        assert!(!same(one, other), "{one} and {other}");
    }
}

fn expression() -> impl Strategy<Value = String> {
    let comparison = (0..3_u8, prop_oneof![Just("="), Just("!=")], 0..3_u8)
        .prop_map(|(path, operator, value)| format!("x:p{path} {operator} {value}"));
    comparison.prop_recursive(2, 6, 3, |inner| {
        (prop::collection::vec(inner, 2..3), prop_oneof![Just(" AND "), Just(" OR ")])
            .prop_map(|(parts, word)| format!("({})", parts.join(word)))
    })
}

fn pattern() -> impl Strategy<Value = String> {
    expression().prop_map(|expression| format!("[{expression}]")).prop_recursive(2, 5, 3, |inner| {
        let words = prop_oneof![Just(" AND "), Just(" OR "), Just(" FOLLOWEDBY ")];
        prop_oneof![
            3 => (prop::collection::vec(inner.clone(), 2..3), words).prop_map(|(parts, word)| format!("({})", parts.join(word))),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} AND {b}) WITHIN 2 SECONDS")),
            1 => (inner.clone(), inner).prop_map(|(a, b)| format!("({a} OR {b}) REPEATS 2 TIMES")),
        ]
    })
}

fn sights() -> impl Strategy<Value = Value> {
    let one = (0..4_u8, 0..3_u8, 0..3_u8, 0..3_u8).prop_map(|(second, p0, p1, p2)| {
        let at = format!("2026-01-01T00:00:0{second}Z");
        serde_json::json!({
            "type": "observed-data", "first_observed": at, "last_observed": at, "number_observed": 1,
            "objects": { "0": { "type": "x", "p0": p0, "p1": p1, "p2": p2 } },
        })
    });
    prop::collection::vec(one, 0..5).prop_map(Value::Array)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    /// What is said to be the same holds of the same observations; and a pattern is the same as its other spellings.
    #[test]
    fn what_is_equivalent_holds_of_the_same((one, other) in (pattern(), pattern()), data in sights()) {
        let sights = observed(&data).unwrap();
        let holds = |text: &str| evaluate(&parse(text).unwrap(), &sights).unwrap().is_some();
        if same(&one, &other) {
            prop_assert_eq!(holds(&one), holds(&other));
        }
        let absorbed = format!("{one} OR ({one} AND {other})");
        prop_assert!(same(&one, &absorbed), "{}", absorbed);
        prop_assert_eq!(holds(&one), holds(&absorbed));
        let turned = format!("{other} AND {one}");
        let straight = format!("{one} AND {other}");
        prop_assert!(same(&straight, &turned), "{}", straight);
        let ordered = format!("({one} FOLLOWEDBY {other}) OR ({one} AND {other})");
        prop_assert_eq!(holds(&turned), holds(&ordered));
    }
}
