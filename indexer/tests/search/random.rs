//! Whatever is held and asked: a search gives what reading everything gives.

use std::collections::BTreeMap;

use indexer::search::{Facets, Found, SearchPage};
use indexer::{NewEntry, Query, Statement};
use model::marking::{Caveat, Tlp};
use model::stix::Version;
use model::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use sharing::{Class, Role, Visibility};

use crate::centre::{Centre, START, class, entry, id, open, settings};

/// One condition of a random query, and what it means, said in another way than the index says it.
#[derive(Debug, Clone)]
enum Part {
    Word(usize),
    Phrase(usize, usize),
    Begins(usize),
    Domain(usize),
    Type(usize),
    Level(Option<Tlp>),
    Origin(&'static str),
}

const WORDS: [(&str, &str); 4] =
    [("Réseau", "reseau"), ("chat", "chat"), ("Chatoyant", "chatoyant"), ("nœud", "noeud")];
const DOMAINS: [&str; 4] = ["evil.example", "a.evil.example", "b.a.evil.example", "notevil.example"];
const TYPES: [&str; 5] = ["indicator", "identity", "report", "relationship", "sighting"];

impl Part {
    fn text(&self) -> String {
        match self {
            Self::Word(word) => WORDS[*word].0.to_uppercase(),
            Self::Phrase(one, two) => format!("\"{} {}\"", WORDS[*one].0, WORDS[*two].1),
            Self::Begins(word) => format!("{}*", WORDS[*word].1.chars().take(4).collect::<String>()),
            Self::Domain(domain) => format!("value:{}", DOMAINS[*domain].replace('.', "[.]")),
            Self::Type(kind) => format!("type:{}", TYPES[*kind]),
            Self::Level(level) => format!("marking:{}", level.map_or("unmarked", Tlp::as_str)),
            Self::Origin(origin) => format!("origin:{origin}"),
        }
    }

    fn holds(&self, statement: &Statement, level: Option<Tlp>) -> bool {
        let object: Value = serde_json::from_slice(&statement.bytes).unwrap();
        let name = object["name"].as_str().unwrap_or_default().to_lowercase().replace('é', "e").replace('œ', "oe");
        let words: Vec<&str> = name.split(' ').collect();
        match self {
            Self::Word(word) => words.contains(&WORDS[*word].1),
            Self::Phrase(one, two) => words.windows(2).any(|pair| pair == [WORDS[*one].1, WORDS[*two].1]),
            Self::Begins(word) => {
                let start = WORDS[*word].1.split_at(4).0;
                words.iter().any(|word| word.starts_with(start))
            }
            Self::Domain(domain) => {
                let pattern = object["pattern"].as_str().unwrap_or_default();
                pattern.contains(&format!("'{}'", DOMAINS[*domain]))
                    || pattern.contains(&format!(".{}'", DOMAINS[*domain]))
            }
            Self::Type(kind) => object["type"] == TYPES[*kind],
            Self::Level(wanted) => level == *wanted,
            Self::Origin(origin) => statement.key.origin.as_str() == *origin,
        }
    }
}

fn part() -> impl Strategy<Value = Part> {
    let level = prop_oneof![Just(None), prop::sample::select(&Tlp::ALL[..]).prop_map(Some)];
    prop_oneof![
        3 => (0..4_usize).prop_map(Part::Word),
        1 => (0..4_usize, 0..4_usize).prop_map(|(one, two)| Part::Phrase(one, two)),
        1 => (0..4_usize).prop_map(Part::Begins),
        1 => (0..4_usize).prop_map(Part::Domain),
        2 => (0..5_usize).prop_map(Part::Type),
        1 => level.prop_map(Part::Level),
        1 => prop::sample::select(vec!["us", "ca"]).prop_map(Part::Origin),
    ]
}

/// What is put into the log.
#[derive(Debug, Clone)]
struct Step {
    kind: usize,
    number: usize,
    second: u32,
    class: Class,
    words: Vec<usize>,
    targets: Vec<(usize, usize)>,
    withdraw: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let level = prop_oneof![1 => Just(None), 4 => prop::sample::select(&Tlp::ALL[..]).prop_map(Some)];
    let marks = (level, prop::sample::select(vec!["us", "ca"]), prop::bool::weighted(0.2));
    let class = marks.prop_map(|(tlp, origin, eyes)| {
        let caveats = eyes.then_some(Caveat::CanadianEyesOnly).into_iter().collect();
        Class { caveats, ..class(origin, tlp) }
    });
    let words = prop::collection::vec(0..4_usize, 1..4);
    let targets = prop::collection::vec((0..3_usize, 0..4_usize), 2..4);
    (0..5_usize, 0..4_usize, 1..30_u32, class, words, targets, prop::bool::weighted(0.15)).prop_map(
        |(kind, number, second, class, words, targets, withdraw)| Step {
            kind,
            number,
            second,
            class,
            words,
            targets,
            withdraw,
        },
    )
}

impl Step {
    fn entry(&self) -> NewEntry {
        let kind = TYPES[self.kind];
        if self.withdraw {
            let time = format!("2026-01-01T00:00:{:02}Z", self.second).parse().unwrap();
            let id = id(kind, self.number).parse().unwrap();
            return NewEntry::Withdrawal { origin: self.class.origin.clone(), id, version: Version::Modified(time) };
        }
        let name: Vec<&str> = self.words.iter().map(|word| WORDS[*word].0).collect();
        let targets: Vec<String> = self.targets.iter().map(|(kind, number)| id(TYPES[*kind], *number)).collect();
        let mut extra = json!({"name": name.join(" ")});
        match kind {
            "indicator" => extra["pattern"] = json!(format!("[domain-name:value = '{}']", DOMAINS[self.number])),
            "report" => extra["object_refs"] = json!(targets),
            "relationship" => (extra["source_ref"], extra["target_ref"]) = (json!(targets[0]), json!(targets[1])),
            "sighting" => extra["sighting_of_ref"] = json!(id("indicator", self.number)),
            _ => extra["created_by_ref"] = json!(id("identity", 0)),
        }
        entry(kind, self.number, self.second, self.class.clone(), &extra)
    }
}

/// The same search by reading everything that the store shows.
fn read_all(
    centre: &Centre,
    sight: &Visibility,
    parts: &[Part],
    since: Option<Timestamp>,
    until: Option<Timestamp>,
) -> SearchPage {
    let all = Query { limit: usize::MAX, ..Query::default() };
    let mut page = SearchPage::default();
    let mut hours: BTreeMap<Timestamp, u64> = BTreeMap::new();
    for statement in centre.store.read().unwrap().page(sight, &all).unwrap().statements.into_iter().rev() {
        let level = centre.store.classes().meaning(statement.class).unwrap().tlp;
        let in_time =
            since.is_none_or(|since| statement.date >= since) && until.is_none_or(|until| statement.date < until);
        if in_time && parts.iter().all(|part| part.holds(&statement, level)) {
            page.total += 1;
            let Facets { types, origins, markings } = &mut page.facets;
            *types.entry(statement.key.id.object_type().to_owned()).or_default() += 1;
            *origins.entry(statement.key.origin.to_string()).or_default() += 1;
            *markings.entry(level.map_or("UNMARKED", Tlp::as_str).to_owned()).or_default() += 1;
            *hours.entry(statement.date.hour()).or_default() += 1;
            page.found.push(Found::Statement(statement));
        }
    }
    page.histogram = hours.into_iter().collect();
    page
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60, ..ProptestConfig::default() })]
    #[test]
    fn it_finds_what_reading_everything_finds(
        rounds in prop::collection::vec(prop::collection::vec(step(), 1..12), 1..5),
        searches in prop::collection::vec((prop::collection::vec(part(), 0..3), 0..3_usize, 0..6_i64, 0..6_i64, 1..5_usize), 6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let centre = open(folder.path(), settings());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for round in &rounds {
            runtime.block_on(centre.add(round.iter().map(Step::entry)));
            for (parts, reader, since, until, limit) in &searches {
                let (name, role) = [("alice@us", Role::Analyst), ("bob@us", Role::Analyst), ("firm@us", Role::Partner)][*reader];
                let sight = centre.sees(name, role);
                let hours = |hours: i64| (hours > 0).then(|| Timestamp::from_micros(START + hours * 1_800_000_000));
                let (since, until) = (hours(*since), hours(*until * 3));
                let whole = read_all(&centre, &sight, parts, since, until);
                let text: Vec<String> = parts.iter().map(Part::text).collect();
                let mut query = centre.query(&text.join(" "));
                (query.since, query.until, query.limit) = (since, until, *limit);
                let mut found = Vec::new();
                loop {
                    let page = centre.index.search(&sight, &query).unwrap();
                    prop_assert_eq!((page.total, &page.facets, &page.histogram), (whole.total, &whole.facets, &whole.histogram), "{:?}", text);
                    prop_assert!(page.found.len() <= *limit);
                    query.behind = page.found.last().map_or(0, Found::position);
                    found.extend(page.found);
                    prop_assert_eq!(page.more, found.len() < whole.found.len(), "more");
                    if !page.more {
                        break;
                    }
                }
                prop_assert_eq!(&found, &whole.found, "{:?}", text);
            }
        }
    }
}
