//! Keys of patterns by meaning.

use model::pattern::{Expression, Observation};
use model::stix::meaning;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::corpora;

fn key(pattern: &str) -> String {
    let object = json!({"type": "indicator", "pattern": pattern, "pattern_type": "stix"});
    meaning(object.as_object().unwrap(), &|_| None).unwrap()
}

#[test]
fn every_real_pattern_has_a_key_that_its_printed_form_shares() {
    let Some(root) = corpora::corpora() else { return };
    let patterns = corpora::document(&root.join("patterns/real-world-patterns.json.xz")).unwrap();
    let patterns: Vec<&str> = patterns.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let keys: std::collections::BTreeSet<String> = patterns.iter().map(|pattern| key(pattern)).collect();
    println!("{} real patterns have {} meanings", patterns.len(), keys.len());
    for pattern in patterns {
        if let Ok(tree) = model::pattern::parse(pattern) {
            assert_eq!(key(&tree.to_string()), key(pattern), "{pattern}");
        }
    }
}

/// As long as a pattern may be: the key is found all the same.
#[test]
fn the_longest_patterns_have_keys() {
    let atoms: Vec<String> = (0..2_200).map(|n| format!("a:b{n} = {n}")).collect();
    for pattern in [
        format!("[{}]", atoms.join(" AND ")),
        format!("[{}]", atoms.join(" OR ")),
        format!("[(a:c = 1 OR a:d = 1) AND {}]", atoms.join(" AND ")),
        format!(
            "[{}]",
            atoms.chunks(2).map(|pair| format!("({})", pair.join(" OR "))).collect::<Vec<_>>().join(" AND ")
        ),
        atoms.iter().map(|atom| format!("[{atom}]")).collect::<Vec<_>>().join(" AND "),
        atoms.iter().map(|atom| format!("[{atom}]")).collect::<Vec<_>>().join(" FOLLOWEDBY "),
        atoms.chunks(2).map(|pair| format!("[{}]", pair.join(" OR "))).collect::<Vec<_>>().join(" AND "),
    ] {
        assert!(model::pattern::parse(&pattern).is_ok());
        assert!(!key(&pattern).is_empty());
    }
}

/// Comparisons of which any may hold or not, whatever the others do.
const ATOMS: [&str; 4] = ["a:p = 1", "a:q = 2", "a:r = 'x'", "a:s = true"];

fn expression() -> impl Strategy<Value = String> {
    prop::sample::select(&ATOMS[..]).prop_map(str::to_owned).prop_recursive(3, 12, 3, |inner| {
        (prop::collection::vec(inner, 2..4), prop_oneof![Just(" AND "), Just(" OR ")])
            .prop_map(|(parts, word)| format!("({})", parts.join(word)))
    })
}

fn holds(expression: &Expression, true_ones: u8) -> bool {
    match expression {
        Expression::And(parts) => parts.iter().all(|part| holds(part, true_ones)),
        Expression::Or(parts) => parts.iter().any(|part| holds(part, true_ones)),
        Expression::Comparison(comparison) => {
            let text = comparison.to_string();
            true_ones & (1 << ATOMS.iter().position(|atom| *atom == text).unwrap()) != 0
        }
    }
}

/// What the expression says of each of the sixteen ways in which the comparisons can hold.
fn truth(expression: &str) -> Vec<bool> {
    match model::pattern::parse(&format!("[{expression}]")).unwrap().root {
        Observation::Single(expression) => (0..16).map(|true_ones| holds(&expression, true_ones)).collect(),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn one_key_is_one_truth(first in expression(), second in expression()) {
        let same = key(&format!("[{first}]")) == key(&format!("[{second}]"));
        prop_assert_eq!(same, truth(&first) == truth(&second));
    }

    #[test]
    fn order_and_brackets_change_nothing(parts in prop::collection::vec(expression(), 2..5), word in prop::sample::select(vec![" AND ", " OR "])) {
        let forward = parts.iter().map(|part| format!("[{part}]")).collect::<Vec<_>>().join(word);
        let backward = parts.iter().rev().map(|part| format!("([{part}])")).collect::<Vec<_>>().join(word);
        prop_assert_eq!(key(&forward), key(&backward));
    }
}
