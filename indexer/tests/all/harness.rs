//! A store in a folder of its own, and what goes into it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use indexer::{NewEntry, NewStatement, Settings, StatementKey, Store, references_of};
use model::json::Limits;
use model::marking::Tlp;
use model::time::{Clock, Timestamp};
use serde_json::{Value, json};
use sharing::agreement::STARTER;
use sharing::{Agreement, Class, ClassTable, Gate, Principal, Role, Visibility};

pub(crate) struct Ticking(pub(crate) AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(1_800_000_000_000_000 + self.0.fetch_add(1, Ordering::Relaxed) / 1_000)
    }
}

pub(crate) fn open(folder: &Path) -> (Store, Gate) {
    open_with(folder, Settings { catalog_durable_ms: 50, ..Settings::default() })
}

pub(crate) fn open_with(folder: &Path, settings: Settings) -> (Store, Gate) {
    let classes = Arc::new(ClassTable::default());
    let store =
        Store::open(folder, settings, &[3; 32], Arc::new(Ticking(AtomicI64::new(0))), Arc::clone(&classes)).unwrap();
    let gate = Gate::new("us".parse().unwrap(), "USA".parse().unwrap(), Agreement::read(STARTER).unwrap(), classes);
    (store, gate)
}

pub(crate) fn sees(gate: &Gate, name: &str) -> Arc<Visibility> {
    let principal = Principal {
        name: name.parse().unwrap(),
        organisation: String::new(),
        country: "USA".parse().unwrap(),
        roles: [Role::Analyst].into(),
        site: None,
        revoked: false,
    };
    gate.visibility(&principal, Timestamp::from_micros(1_800_000_000_000_000))
}

pub(crate) fn id(kind: &str, number: usize) -> String {
    format!("{kind}--11111111-1111-4111-8111-{number:012}")
}

pub(crate) fn identity(number: usize, second: u32, tlp: Option<Tlp>) -> NewEntry {
    entry(
        &json!({"type": "identity", "id": id("identity", number), "name": format!("secret-{number}-{second}"),
        "modified": format!("2026-01-01T00:00:{second:02}.000Z")}),
        tlp,
    )
}

pub(crate) fn entry(extra: &Value, tlp: Option<Tlp>) -> NewEntry {
    let mut object =
        json!({"spec_version": "2.1", "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z"});
    for (key, value) in extra.as_object().unwrap() {
        object[key] = value.clone();
    }
    let bytes = object.to_string().into_bytes();
    let (parsed, _) = model::stix::read(&bytes, &Limits::default()).unwrap();
    let origin: model::principal::CentreCode = "us".parse().unwrap();
    let publisher = (tlp == Some(Tlp::Red)).then(|| "alice@us".parse().unwrap());
    NewEntry::Statement(Box::new(NewStatement {
        key: StatementKey { origin: origin.clone(), id: parsed.id.clone(), version: parsed.version, rendering: 0 },
        submitter: Some("alice@us".parse().unwrap()),
        source: None,
        class: Class { tlp, publisher, ..Class::unmarked(origin) },
        refers_to: references_of(&parsed),
        digest: [0; 32],
        revoked: false,
        spec_20: false,
        bytes,
    }))
}

pub(crate) fn report(number: usize, refs: &[String]) -> NewEntry {
    entry(
        &json!({"type": "report", "id": id("report", number), "name": "r", "published": "2026-01-01T00:00:00Z", "object_refs": refs}),
        Some(Tlp::Green),
    )
}
