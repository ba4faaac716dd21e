//! A centre's store with its index, and what is put into it.

use std::path::Path;
use std::sync::Arc;

use indexer::search::{Found, SearchIndex, SearchPage, SearchQuery, Settings};
use indexer::{NewEntry, NewStatement, StatementKey, Store, references_of};
use model::json::Limits;
use model::marking::Tlp;
use model::time::{Clock, Timestamp};
use serde_json::{Value, json};
use sharing::agreement::STARTER;
use sharing::{Agreement, Class, ClassTable, Gate, Principal, Role, Visibility};

pub(crate) const START: i64 = 1_800_000_000_000_000;

/// A clock that moves ten minutes with every look, so that a log spans hours.
struct Hourly(std::sync::atomic::AtomicI64);

impl Clock for Hourly {
    fn now(&self) -> Timestamp {
        let looks = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Timestamp::from_micros(START + looks * 600_000_000)
    }
}

pub(crate) struct Centre {
    pub(crate) store: Arc<Store>,
    pub(crate) index: SearchIndex,
    gate: Gate,
}

pub(crate) fn settings() -> Settings {
    Settings { commit_ms: 1, wait_ms: 20_000, ..Settings::default() }
}

pub(crate) fn open(folder: &Path, settings: Settings) -> Centre {
    let classes = Arc::new(ClassTable::default());
    let clock = Arc::new(Hourly(0.into()));
    let store = Store::open(folder, indexer::Settings::default(), &[3; 32], clock, Arc::clone(&classes)).unwrap();
    let store = Arc::new(store);
    let index = SearchIndex::open(&folder.join("search"), Arc::clone(&store), settings).unwrap();
    let agreement = Agreement::read(STARTER).unwrap();
    let gate = Gate::new("us".parse().unwrap(), "USA".parse().unwrap(), agreement, classes);
    Centre { store, index, gate }
}

impl Centre {
    pub(crate) fn sees(&self, name: &str, role: Role) -> Arc<Visibility> {
        let principal = Principal {
            name: name.parse().unwrap(),
            organisation: String::new(),
            country: "USA".parse().unwrap(),
            roles: [role].into(),
            site: None,
            revoked: false,
        };
        self.gate.visibility(&principal, Timestamp::from_micros(START))
    }

    pub(crate) fn query(&self, text: &str) -> SearchQuery {
        let mut query = SearchQuery::read(text, self.index.settings()).unwrap();
        (query.limit, query.hits) = (100, true);
        query
    }

    pub(crate) fn ask(&self, name: &str, text: &str) -> SearchPage {
        self.index.search(&self.sees(name, Role::Analyst), &self.query(text)).unwrap()
    }

    pub(crate) fn ids(&self, name: &str, text: &str) -> Vec<String> {
        let page = self.ask(name, text);
        assert_eq!(page.total, page.found.len() as u64, "{text}");
        page.found.iter().map(found_id).collect()
    }

    pub(crate) async fn add(&self, entries: impl IntoIterator<Item = NewEntry>) {
        self.store.append(entries.into_iter().collect()).await.unwrap();
    }
}

pub(crate) fn found_id(found: &Found) -> String {
    match found {
        Found::Statement(statement) => statement.key.id.to_string(),
        Found::Hit(hit) => format!("hit of {}", hit.indicator),
    }
}

pub(crate) fn id(kind: &str, number: usize) -> String {
    format!("{kind}--11111111-1111-4111-8111-{number:012}")
}

pub(crate) fn class(origin: &str, tlp: Option<Tlp>) -> Class {
    let publisher = (tlp == Some(Tlp::Red)).then(|| "alice@us".parse().unwrap());
    Class { tlp, publisher, ..Class::unmarked(origin.parse().unwrap()) }
}

pub(crate) fn entry(kind: &str, number: usize, second: u32, class: Class, extra: &Value) -> NewEntry {
    let mut object = json!({"type": kind, "id": id(kind, number), "spec_version": "2.1"});
    if kind != "domain-name" {
        object["created"] = json!("2026-01-01T00:00:00.000Z");
        object["modified"] = json!(format!("2026-01-01T00:00:{second:02}.000Z"));
    }
    match kind {
        "report" => object["published"] = json!("2026-01-01T00:00:00Z"),
        "relationship" => object["relationship_type"] = json!("related-to"),
        "indicator" => {
            object["valid_from"] = json!("2026-01-01T00:00:00Z");
            object["pattern_type"] = json!("stix");
        }
        _ => {}
    }
    for (key, value) in extra.as_object().unwrap() {
        object[key] = value.clone();
    }
    let bytes = object.to_string().into_bytes();
    let (parsed, _) = model::stix::read(&bytes, &Limits::default()).unwrap();
    let key =
        StatementKey { origin: class.origin.clone(), id: parsed.id.clone(), version: parsed.version, rendering: 0 };
    NewEntry::Statement(Box::new(NewStatement {
        key,
        submitter: Some("alice@us".parse().unwrap()),
        source: None,
        class,
        refers_to: references_of(&parsed),
        digest: [0; 32],
        revoked: false,
        spec_20: false,
        bytes,
    }))
}

pub(crate) fn indicator(number: usize, second: u32, tlp: Tlp, name: &str, pattern: &str) -> NewEntry {
    entry("indicator", number, second, class("us", Some(tlp)), &json!({"name": name, "pattern": pattern}))
}
