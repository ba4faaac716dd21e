//! The plain evaluator against the answers that the reference matcher gave.

use model::pattern::evaluate::{evaluate, observed};
use model::pattern::parse;
use serde_json::Value;

use crate::{corpora, peer};

/// Recorded answers that we give otherwise, each with its reason.
const DISAGREEMENTS: &[(&str, &str)] = &[
    ("[person:age < 20] REPEATS 2 TIMES REPEATS 2 TIMES", TWICE),
    ("[person:age < 20] REPEATS 2 TIMES REPEATS 3 TIMES", TWICE),
    ("[person:age < 20] REPEATS 5 TIMES REPEATS 2 TIMES", TWICE),
    ("[person:age < 20] REPEATS 2 TIMES REPEATS 5 TIMES", TWICE),
];
const TWICE: &str = "§9.4: an observation expression must not have more than one qualifier of a kind; it is refused";

/// What a pattern says of observed data: `match`, `no-match`, or `error` with the reason.
fn answer(pattern: &str, data: &Value) -> (&'static str, String) {
    let pattern = match parse(pattern) {
        Ok(pattern) => pattern,
        Err(fault) => return ("error", fault.to_string()),
    };
    let sights = match observed(data) {
        Ok(sights) => sights,
        Err(error) => return ("error", error.to_string()),
    };
    match evaluate(&pattern, &sights) {
        Ok(Some(places)) => ("match", format!("{places:?}")),
        Ok(None) => ("no-match", String::new()),
        Err(error) => ("error", error.to_string()),
    }
}

#[test]
fn recorded_matches_agree() {
    let Some(place) = corpora::file("patterns/match-facts.json") else { return };
    let facts: Value = serde_json::from_slice(&std::fs::read(place).unwrap()).unwrap();
    let mut wrong = Vec::new();
    let cases = facts["cases"].as_array().unwrap();
    let mut lenient = 0;
    for case in cases {
        let pattern = case["pattern"].as_str().unwrap();
        let data = &facts["observations"][case["observed"].as_str().unwrap()];
        let (found, why) = answer(pattern, data);
        // The corpora's README: a text that is no time, compared with a time, need not be an error.
        let no_time = case["error_class"] == "MatcherException" && pattern.contains(" t'") && found == "no-match";
        lenient += usize::from(no_time);
        let known = DISAGREEMENTS.iter().any(|(known, _)| *known == pattern);
        assert!(!known || case["expected"] != found, "no disagreement any more: {pattern}");
        if case["expected"] != found && !no_time && !known {
            wrong.push(format!("{}: {pattern}: {found} {why}", case["expected"]));
        }
    }
    println!("{} cases, {lenient} of them no match where the reference has an error", cases.len());
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// `BRIDGEWATCH_CASES` says how many (10,000 in the full run).
#[test]
fn the_reference_matcher_says_the_same_of_random_patterns() {
    let cases = std::env::var("BRIDGEWATCH_CASES").unwrap_or_else(|_| "500".to_owned());
    let (mut count, mut matched, mut wrong) = (0_usize, 0_usize, Vec::new());
    for case in peer::python("matcher.py", &[&cases, "1"], String::new()) {
        let (found, why) = answer(case["pattern"].as_str().unwrap(), &case["observed"]);
        count += 1;
        matched += usize::from(found == "match");
        if case["expected"] != found {
            wrong.push(format!("{found} {why}: {case}"));
        }
    }
    println!("{count} cases, {matched} match");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count.to_string() == cases && matched * 10 > count, "too few match to tell: {matched} of {count}");
}
