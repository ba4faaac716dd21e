use std::collections::{BTreeMap, BTreeSet, HashSet};

use proptest::prelude::*;

use super::*;

const ALWAYS: (Timestamp, Timestamp) = (Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX));

fn kind(fields: u32) -> Kind {
    Kind { fields, itself: true, below: false }
}

fn found(table: &ExactTable, domain: Domain, value: &str) -> BTreeSet<(String, u32)> {
    let mut all = BTreeSet::new();
    table.find(&table.place_of(domain, value.as_bytes()), |rule, kind| {
        all.insert((table.key(rule), kind.fields));
    });
    all
}

fn domain() -> impl Strategy<Value = Domain> {
    prop_oneof![Just(Domain::Name), Just(Domain::Text), Just(Domain::Address)]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        (0..40_u8).prop_map(|n| format!("indicator--94868c89-83c2-464b-929b-a1a8aa3c84{n:02x}")),
        (0..40_u8).prop_map(|n| format!("ca/indicator--94868c89-83c2-464b-929b-a1a8aa3c84{n:02x}")),
        (0..9_u8).prop_map(|n| format!("rule {n}")),
    ]
}

type Rule = (String, Vec<(Domain, String, u32)>);

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let value = (domain(), "[a-c]{0,3}", 1..5_u32);
    prop::collection::vec((key(), prop::collection::vec(value, 1..4)), 0..60)
}

fn table(rules: &[Rule]) -> ExactTable {
    let mut builder = Builder::with_seed(7);
    for (key, values) in rules {
        let rule = builder.rule(key, ALWAYS.0, ALWAYS.1).unwrap();
        for (domain, value, fields) in values {
            assert!(builder.value(rule, *domain, value.as_bytes(), kind(*fields)));
        }
    }
    builder.finish()
}

proptest! {
    /// It finds what a plain map finds; of two rules with one key the last counts.
    #[test]
    fn it_holds_what_it_was_given(rules in rules(), asked in prop::collection::vec((domain(), "[a-c]{0,3}"), 20)) {
        let table = table(&rules);
        let by_key: BTreeMap<&String, _> = rules.iter().map(|(key, values)| (key, values)).collect();
        prop_assert_eq!(table.len(), by_key.len());
        for (domain, value) in &asked {
            let mut wanted = BTreeSet::new();
            for (key, values) in &by_key {
                let same = values.iter().filter(|(d, v, _)| (d, v) == (domain, value));
                wanted.extend(same.map(|(_, _, fields)| ((*key).clone(), *fields)));
            }
            prop_assert_eq!(&found(&table, *domain, value), &wanted);
        }
        for key in by_key.keys() {
            let rule = table.rule(key).unwrap();
            prop_assert_eq!(&table.key(rule), *key);
        }
        prop_assert_eq!(table.rule("indicator--00000000-0000-4000-8000-000000000000"), None);
    }
}

proptest! {
    /// Tables that are merged hold what one table of all holds, whatever was taken away before.
    #[test]
    fn merged_tables_are_one(first in rules(), second in rules(), third in rules(), gone in prop::collection::vec(key(), 0..6)) {
        let (one, two, three) = (table(&first), table(&second), table(&third));
        let numbers = gone.iter().filter_map(|key| one.rule(key)).collect();
        let merged = one.merged(&two, &numbers).unwrap().merged(&three, &HashSet::new()).unwrap();
        let left: Vec<Rule> = first.into_iter().filter(|(key, _)| !gone.contains(key)).chain(second).chain(third).collect();
        let whole = table(&left);
        prop_assert_eq!(merged.len(), whole.len());
        for domain in [Domain::Name, Domain::Text, Domain::Address] {
            for value in ["", "a", "b", "c", "aa", "ab", "abc", "ccc"] {
                prop_assert_eq!(found(&merged, domain, value), found(&whole, domain, value));
            }
        }
        for (key, _) in &left {
            prop_assert_eq!(merged.rule(key).map(|rule| merged.key(rule)), Some(key.clone()));
        }
    }

    /// A rule that is held elsewhere since takes the one of its key with it.
    #[test]
    fn what_is_blank_replaces(rules in rules(), gone in key()) {
        let one = table(&rules);
        let mut builder = Builder::with_seed(7);
        builder.rule("something else", ALWAYS.0, ALWAYS.1).unwrap();
        builder.blank(&gone);
        let merged = one.merged(&builder.finish(), &HashSet::new()).unwrap();
        prop_assert_eq!(merged.rule(&gone), None);
        prop_assert_eq!(merged.len(), one.len() - usize::from(one.rule(&gone).is_some()) + 1);
    }
}

#[test]
fn a_name_and_what_is_below_it_are_one_entry_and_times_are_kept() {
    let mut builder = Builder::default();
    let rule = builder.rule("a", Timestamp::from_micros(10), Timestamp::from_micros(20)).unwrap();
    assert!(builder.value(rule, Domain::Name, b"evil.example", kind(3)));
    assert!(builder.value(rule, Domain::Name, b"evil.example", Kind { fields: 3, itself: false, below: true }));
    let table = builder.finish();
    let mut kinds = Vec::new();
    table.find(&table.place_of(Domain::Name, b"evil.example"), |rule, kind| kinds.push((rule, kind)));
    assert_eq!(kinds, [(0, Kind { fields: 3, itself: true, below: true })]);
    assert_eq!(table.valid(0).map(Timestamp::micros), [10, 20]);
}
