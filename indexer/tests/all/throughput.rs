//! Figures, not tests: `cargo test --release -p indexer --test all -- --ignored --nocapture throughput`.

#![expect(clippy::print_stdout, reason = "figures are to be read")]

use std::time::Instant;

use indexer::{NewEntry, NewStatement, Query, StatementKey};
use model::marking::Tlp;
use model::stix::Version;
use model::time::Timestamp;
use sharing::Class;

use crate::harness::{id, open, sees};

const OBJECTS: usize = 100_000;
const AT_ONCE: usize = 1_000;

fn indicator(number: usize) -> NewEntry {
    // Ids as they come: in no order.
    let mixed = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let id = format!("indicator--{:08x}-1111-4111-8111-{number:012}", mixed >> 32);
    let mut bytes = format!(
        "{{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"{id}\",\"created\":\"2026-01-01T00:00:00Z\",\"modified\":\"2026-01-01T00:00:00Z\",\"pattern\":\"[domain-name:value = 'h{number}.example']\",\"pattern_type\":\"stix\",\"valid_from\":\"2026-01-01T00:00:00Z\",\"description\":\""
    );
    bytes.extend(std::iter::repeat_n('x', 648_usize.saturating_sub(bytes.len())));
    bytes.push_str("\"}");
    let origin: model::principal::CentreCode = "us".parse().unwrap();
    NewEntry::Statement(Box::new(NewStatement {
        key: StatementKey {
            origin: origin.clone(),
            id: id.parse().unwrap(),
            version: Version::Modified(Timestamp::from_micros(1)),
            rendering: 0,
        },
        submitter: Some("alice@us".parse().unwrap()),
        class: Class { tlp: Some(Tlp::Clear), ..Class::unmarked(origin) },
        refers_to: vec![],
        digest: [7; 32],
        revoked: false,
        spec_20: false,
        bytes: bytes.into_bytes(),
    }))
}

fn rate(what: &str, since: Instant, objects: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a figure to read")]
    let rate = objects as f64 / since.elapsed().as_secs_f64();
    println!("{what}: {rate:.0} objects/s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures; run it in a release build"]
async fn throughput() {
    let folder =
        tempfile::tempdir_in(std::env::var("BRIDGEWATCH_BENCH_DIR").unwrap_or_else(|_| "/tmp".to_owned())).unwrap();
    let (store, gate) = open(folder.path());
    let batches: Vec<Vec<NewEntry>> =
        (0..OBJECTS / AT_ONCE).map(|batch| (0..AT_ONCE).map(|n| indicator(batch * AT_ONCE + n)).collect()).collect();
    let start = Instant::now();
    for batch in batches {
        store.append(batch).await.unwrap();
    }
    rate("append, one after the other, durable each", start, OBJECTS);
    let bob = sees(&gate, "bob@us");
    for round in 0..3 {
        let (mut behind, mut found, start) = (0, 0, Instant::now());
        loop {
            let page = store.read().unwrap().page(&bob, &Query { behind, limit: AT_ONCE, ..Query::default() }).unwrap();
            behind = page.statements.last().map_or(behind, |last| last.position);
            found += page.statements.len();
            if !page.more {
                break;
            }
        }
        rate(&format!("sweep {round}"), start, found);
        assert_eq!(found, OBJECTS);
    }
    let (mut date, mut found, start) = (None, 0, Instant::now());
    loop {
        let query =
            Query { added_after: date, types: vec!["indicator".to_owned()], limit: AT_ONCE, ..Query::default() };
        let page = store.read().unwrap().page(&bob, &query).unwrap();
        date = page.statements.last().map(|last| last.date);
        found += page.statements.len();
        if !page.more {
            break;
        }
    }
    rate("sweep by date and type", start, found);
    let (start, many) = (Instant::now(), 10_000);
    for number in 0..many {
        let id = id("indicator", number).parse().unwrap();
        assert!(store.read().unwrap().object(&bob, &id).unwrap().is_empty());
    }
    rate("ids that are not there", start, many);
    let start = Instant::now();
    store.close();
    println!("close: {:?}", start.elapsed());
    drop(store);
    let start = Instant::now();
    let (store, _) = open(folder.path());
    println!("open: {:?}", start.elapsed());
    drop(store);
    std::fs::remove_file(folder.path().join("catalog.redb")).unwrap();
    let start = Instant::now();
    drop(open(folder.path()));
    rate("rebuild of the catalog", start, OBJECTS);
}
