//! Patterns of several observations: every set of observations that a pattern can bind is written out.

use std::collections::BTreeSet;

use matching::{Match, RuleSet, Settings, Tracker};
use model::observation::{Detail, Dns, Observation, ObservationKind};
use model::pattern::{Observation as Outer, ObservationOperator, Qualifier, parse};
use model::time::Timestamp;
use proptest::prelude::*;

use crate::plain::{comparison, expression, expression_holds, observation};
use crate::single::source;

/// A set of observations: a bit for each.
type Bound = u32;

fn times(bound: Bound, all: &[Observation]) -> Vec<i64> {
    (0..all.len()).filter(|at| bound & (1 << at) != 0).map(|at| all[at].time.micros()).collect()
}

/// Pairs without a common observation.
fn pairs(first: &BTreeSet<Bound>, second: &BTreeSet<Bound>, good: &dyn Fn(Bound, Bound) -> bool) -> BTreeSet<Bound> {
    let pairs = first.iter().flat_map(|a| second.iter().map(move |b| (*a, *b)));
    pairs.filter(|(a, b)| a & b == 0 && good(*a, *b)).map(|(a, b)| a | b).collect()
}

/// Every set of observations that `outer` binds.
fn bindings(outer: &Outer, all: &[Observation]) -> BTreeSet<Bound> {
    match outer {
        Outer::Single(inner) => {
            (0..all.len()).filter(|at| expression_holds(inner, &all[*at])).map(|at| 1 << at).collect()
        }
        Outer::Joined(operator, parts) => {
            let mut parts = parts.iter().map(|part| bindings(part, all));
            let first = parts.next().unwrap();
            parts.fold(first, |left, right| match operator {
                ObservationOperator::Or => left.union(&right).copied().collect(),
                ObservationOperator::And => pairs(&left, &right, &|_, _| true),
                ObservationOperator::FollowedBy => {
                    pairs(&left, &right, &|a, b| times(a, all).iter().all(|a| times(b, all).iter().all(|b| a <= b)))
                }
            })
        }
        Outer::Qualified(inner, qualifier) => {
            let inner = bindings(inner, all);
            match qualifier {
                Qualifier::Within(seconds) => {
                    let micros = (seconds.parse::<f64>().unwrap() * 1e6) as i64;
                    inner.into_iter().filter(|bound| spread(*bound, all) <= micros).collect()
                }
                Qualifier::Repeats(times) => {
                    (1..*times).fold(inner.clone(), |some, _| pairs(&some, &inner, &|_, _| true))
                }
                Qualifier::StartStop(start, stop) => {
                    let (start, stop): (Timestamp, Timestamp) = (start.parse().unwrap(), stop.parse().unwrap());
                    let good = |time: &i64| (start.micros()..stop.micros()).contains(time);
                    inner.into_iter().filter(|bound| times(*bound, all).iter().all(good)).collect()
                }
            }
        }
    }
}

fn spread(bound: Bound, all: &[Observation]) -> i64 {
    let times = times(bound, all);
    times.iter().max().unwrap() - times.iter().min().unwrap()
}

/// Does the observation that arrived last complete a match?
fn completes(outer: &Outer, arrived: &[Observation], span_us: i64) -> bool {
    let last: Bound = 1 << (arrived.len() - 1);
    bindings(outer, arrived).into_iter().any(|bound| bound & last != 0 && spread(bound, arrived) <= span_us)
}

const SECOND: i64 = 1_000_000;

/// Few expressions, so that one observation satisfies several.
fn leaf() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("[domain-name:value = 'a.example']".to_owned()),
        3 => Just("[domain-name:value LIKE '%a.example']".to_owned()),
        2 => Just("[network-traffic:dst_port >= 80]".to_owned()),
        1 => Just("[ipv4-addr:value ISSUBSET '192.0.2.0/24']".to_owned()),
        1 => comparison().prop_map(|text| format!("[{text}]")),
        1 => expression().prop_map(|text| format!("[{text}]")),
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    let any = leaf().prop_recursive(3, 6, 3, |inner| {
        let joined =
            (prop::collection::vec(inner.clone(), 2..4), prop::sample::select(&[" AND ", " OR ", " FOLLOWEDBY "][..]))
                .prop_map(|(parts, word)| format!("({})", parts.join(word)));
        let qualifier = prop_oneof![
            (1_u32..5).prop_map(|seconds| format!("WITHIN {seconds} SECONDS")),
            Just("WITHIN 1.5 SECONDS".to_owned()),
            (1_u32..4).prop_map(|times| format!("REPEATS {times} TIMES")),
            (0_u32..5, 1_u32..6).prop_map(|(start, length)| {
                format!("START t'1970-01-01T00:00:0{start}Z' STOP t'1970-01-01T00:00:{:02}Z'", start + length)
            }),
        ];
        let one = (inner, qualifier.clone()).prop_map(|(inner, text)| format!("({inner}) {text}"));
        let several = (joined.clone(), qualifier).prop_map(|(joined, text)| format!("{joined} {text}"));
        prop_oneof![2 => joined, 1 => one, 3 => several]
    });
    any.prop_filter("a qualifier of one kind stands once", |text| parse(text).is_ok())
}

/// Observations in the order of their arrival: times of half seconds, many equal, out of order.
fn arrivals() -> impl Strategy<Value = Vec<Observation>> {
    let name = prop::sample::select(&["a.example", "b.a.example", "example.org"][..]);
    let query = (observation(), name).prop_map(|(mut observation, name)| {
        let dns = Dns { question_name: Some(name.into()), ..Dns::default() };
        observation.detail = Detail::Dns(Box::new(dns));
        observation
    });
    prop::collection::vec((prop_oneof![3 => query, 1 => observation()], 0_i64..16), 1..9).prop_map(|mut all| {
        for (place, (observation, half_seconds)) in all.iter_mut().enumerate() {
            observation.time = Timestamp::from_micros(*half_seconds * SECOND / 2);
            observation.record = place as u64;
        }
        all.into_iter().map(|(observation, _)| observation).collect()
    })
}

fn observe(tracker: &mut Tracker, set: &RuleSet, observation: &Observation) -> Vec<Match> {
    let mut found = Vec::new();
    set.scan(observation, &mut found);
    tracker.observe(set, observation, &mut found);
    found.sort_by(|a, b| a.key.cmp(&b.key));
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("CI").is_some() { 100_000 } else { 3_000 }))]

    #[test]
    fn tracker_and_every_binding_agree(
        patterns in prop::collection::vec(pattern(), 1..4),
        observations in arrivals(),
        lateness_ms in prop::sample::select(&[0_u64, 1_000, 3_000, 60_000][..]),
        span_ms in prop::sample::select(&[5_000_u64, 60_000][..]),
    ) {
        let settings = Settings { lateness_ms, span_ms, ..Settings::default() };
        let trees: Vec<Outer> = patterns.iter().map(|text| parse(text).unwrap().root).collect();
        let set = RuleSet::compile(patterns.iter().enumerate().map(|(key, text)| source(key, text)), settings);
        prop_assert_eq!(set.len(), patterns.len(), "{:?}", set.not_matched());
        let mut tracker = Tracker::new(settings);
        let mut arrived: Vec<Observation> = Vec::new();
        let mut newest = i64::MIN;
        for observation in &observations {
            let late = observation.time.micros() < newest.saturating_sub(lateness_ms as i64 * 1_000);
            let found = observe(&mut tracker, &set, observation);
            newest = newest.max(observation.time.micros());
            if !late {
                arrived.push(observation.clone());
            }
            for (key, tree) in trees.iter().enumerate() {
                let single = found.iter().find(|found| *found.key == *key.to_string());
                let single_observation = single.is_some_and(|found| found.records.is_empty());
                if late {
                    prop_assert!(single.is_none() || single_observation);
                    continue;
                }
                let expected = completes(tree, &arrived, span_ms as i64 * 1_000);
                prop_assert_eq!(single.is_some(), expected, "{} at {}", &patterns[key], arrived.len());
                if let Some(found) = single.filter(|_| !single_observation) {
                    let place = |record: &u64| arrived.iter().position(|one| one.record == *record).unwrap();
                    let bound = found.records.iter().fold(0, |bound, record| bound | (1 << place(record)));
                    prop_assert!(bindings(tree, &arrived).contains(&bound), "{} binds {:?}", &patterns[key], &found.records);
                    prop_assert!(found.records.contains(&observation.record));
                }
            }
        }
        prop_assert_eq!((tracker.counts().exhausted, tracker.counts().evicted), (0, 0));
    }

    #[test]
    fn bounds_hold_and_lose_matches_only(
        patterns in prop::collection::vec(pattern(), 1..4),
        observations in arrivals(),
        remembered_per_rule in 4_usize..8,
        remembered in 1_usize..10,
        search_steps in 1_u64..200,
    ) {
        let wide = Settings::default();
        let narrow = Settings { remembered_per_rule, remembered, search_steps, ..wide };
        let sources: Vec<_> = patterns.iter().enumerate().map(|(key, text)| source(key, text)).collect();
        let (all, few) = (RuleSet::compile(sources.clone(), wide), RuleSet::compile(sources, narrow));
        let (mut one, mut other) = (Tracker::new(wide), Tracker::new(narrow));
        let mut missing = 0;
        for observation in &observations {
            let found = observe(&mut one, &all, observation);
            let keys = |found: &[Match]| found.iter().map(|found| found.key.clone()).collect::<BTreeSet<_>>();
            let fewer = observe(&mut other, &few, observation);
            prop_assert!(keys(&fewer).is_subset(&keys(&found)));
            missing += found.len() - fewer.len();
            prop_assert!(other.remembered() <= remembered);
        }
        let counts = other.counts();
        prop_assert!(missing == 0 || counts.evicted + counts.exhausted > 0 || !few.not_matched().is_empty());
    }
}

fn query(time: i64, record: u64) -> Observation {
    Observation {
        time: Timestamp::from_micros(time),
        kind: ObservationKind::Dns,
        record,
        source: None,
        destination: None,
        transport: None,
        protocol: None,
        community_id: None,
        detail: Detail::Dns(Box::new(Dns { question_name: Some("a.example".into()), ..Dns::default() })),
    }
}

#[test]
fn a_clock_that_ran_ahead_is_forgotten() {
    let settings = Settings { late_in_a_row: 3, ..Settings::default() };
    let set = RuleSet::compile([source(0, "[domain-name:value = 'a.example'] REPEATS 2 TIMES")], settings);
    let mut tracker = Tracker::new(settings);
    let day = 86_400 * SECOND;
    assert!(observe(&mut tracker, &set, &query(1_000 * day, 1)).is_empty());
    for record in 2..5 {
        assert!(observe(&mut tracker, &set, &query(day, record)).is_empty());
    }
    assert!(observe(&mut tracker, &set, &query(day, 5)).is_empty());
    assert_eq!(observe(&mut tracker, &set, &query(day + 1, 6))[0].records, [5, 6]);
    let counts = tracker.counts();
    assert_eq!((counts.late, counts.restarted), (3, 1));
}

#[test]
fn what_is_remembered_survives_changes_of_other_rules() {
    let settings = Settings::default();
    let set = RuleSet::compile([source(0, "[domain-name:value = 'a.example'] REPEATS 2 TIMES")], settings);
    let mut tracker = Tracker::new(settings);
    assert!(observe(&mut tracker, &set, &query(0, 1)).is_empty());
    let more = set.with_changes([source(1, "[domain-name:value = 'a.example'] REPEATS 3 TIMES")], &[]);
    assert_eq!(more.windowed_len(), 2);
    let found = observe(&mut tracker, &more, &query(1, 2));
    assert_eq!(
        found.iter().map(|found| (&*found.key, found.records.as_slice())).collect::<Vec<_>>(),
        [("0", &[1, 2][..])]
    );
    let changed = more.with_changes([source(0, "[domain-name:value = 'a.example'] REPEATS 4 TIMES")], &[]);
    assert!(observe(&mut tracker, &changed, &query(2, 3)).is_empty());
    let single = changed.with_changes([source(0, "[domain-name:value = 'a.example']")], &["1".into()]);
    assert_eq!((single.len(), single.windowed_len()), (1, 0));
    assert!(observe(&mut tracker, &single, &query(3, 4))[0].records.is_empty());
    assert_eq!(tracker.remembered(), 0);
}

#[test]
fn validity_is_of_each_bound_observation() {
    let mut timed = source(0, "[domain-name:value = 'a.example'] REPEATS 2 TIMES");
    timed.valid_from = Some(Timestamp::from_micros(10));
    timed.valid_until = Some(Timestamp::from_micros(20));
    let set = RuleSet::compile([timed], Settings::default());
    let mut tracker = Tracker::new(Settings::default());
    let found: Vec<usize> =
        [9, 10, 20, 19].iter().map(|time| observe(&mut tracker, &set, &query(*time, 1)).len()).collect();
    assert_eq!(found, [0, 0, 0, 1]);
    let (mut tracker, set) = (Tracker::new(Settings::default()), set.for_retro_hunt());
    let found: Vec<usize> = [8, 9, 20].iter().map(|time| observe(&mut tracker, &set, &query(*time, 1)).len()).collect();
    assert_eq!(found, [0, 1, 0], "what is stored counts before it was valid, but not after");
}
