//! Figures, not tests: `cargo test --release -p indexer --test all -- --ignored --nocapture throughput`.

#![expect(clippy::print_stdout, reason = "figures are to be read")]

use std::time::Instant;

use indexer::{NewEntry, NewStatement, Query, Settings, StatementKey, Store};
use model::marking::Tlp;
use model::stix::Version;
use model::time::Timestamp;
use sharing::Class;

use crate::harness::{id, open_with, sees};

const OBJECTS: usize = 100_000;
const AT_ONCE: usize = 1_000;

fn indicator(number: usize) -> NewEntry {
    // Ids as they come: in no order.
    let mixed = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let id = format!("indicator--{:08x}-1111-4111-8111-{number:012}", mixed >> 32);
    let mut bytes = format!(
        "{{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"{id}\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\",\"pattern\":\"[domain-name:value = 'h{number}.example']\",\"pattern_type\":\"stix\",\"valid_from\":\"2026-01-01T00:00:00Z\",\"description\":\""
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
        source: None,
        class: Class { tlp: Some(Tlp::Clear), ..Class::unmarked(origin) },
        refers_to: vec![],
        digest: [7; 32],
        revoked: false,
        spec_20: false,
        bytes: bytes.into_bytes(),
    }))
}

/// Wall clock, and the processor's time of all threads: on a busy machine the latter says more.
struct Watch(Instant, u64);

impl Watch {
    fn start() -> Self {
        Self(Instant::now(), Self::processor_nanos())
    }

    fn processor_nanos() -> u64 {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let times = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("schedstat")).ok());
        times.map(|times| times.split(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }

    #[expect(clippy::cast_precision_loss, reason = "figures to read")]
    fn stop(self, what: &str, objects: usize) {
        let (wall, processor) = (self.0.elapsed().as_secs_f64(), Self::processor_nanos() - self.1);
        let (rate, each) = (objects as f64 / wall, processor as f64 / objects as f64);
        println!("{what}: {rate:.0} objects/s, {each:.0} ns of processor each");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints figures; run it in a release build"]
async fn throughput() {
    let folder =
        tempfile::tempdir_in(std::env::var("BRIDGEWATCH_BENCH_DIR").unwrap_or_else(|_| "/tmp".to_owned())).unwrap();
    let (store, gate) = open_with(folder.path(), Settings::default());
    let batches: Vec<Vec<NewEntry>> =
        (0..OBJECTS / AT_ONCE).map(|batch| (0..AT_ONCE).map(|n| indicator(batch * AT_ONCE + n)).collect()).collect();
    let start = Watch::start();
    for batch in batches {
        store.append(batch).await.unwrap();
    }
    start.stop("append, one after the other, durable each", OBJECTS);
    let bob = sees(&gate, "bob@us");
    for round in 0..3 {
        let (mut behind, mut found, start) = (0, 0, Watch::start());
        loop {
            let page = store.read().unwrap().page(&bob, &Query { behind, limit: AT_ONCE, ..Query::default() }).unwrap();
            behind = page.statements.last().map_or(behind, |last| last.position);
            found += page.statements.len();
            if !page.more {
                break;
            }
        }
        start.stop(&format!("sweep {round}"), found);
        assert_eq!(found, OBJECTS);
    }
    let (mut date, mut found, start) = (None, 0, Watch::start());
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
    start.stop("sweep by date and type", found);
    let (start, many) = (Watch::start(), 10_000);
    for number in 0..many {
        let id = id("indicator", number).parse().unwrap();
        assert!(store.read().unwrap().object(&bob, &id).unwrap().is_empty());
    }
    start.stop("ids that are not there", many);
    disclosures(&store).await;
    let start = Instant::now();
    store.close();
    println!("close: {:?}", start.elapsed());
    drop(store);
    let start = Instant::now();
    let (store, _) = open_with(folder.path(), Settings::default());
    println!("open: {:?}", start.elapsed());
    drop(store);
    std::fs::remove_file(folder.path().join("catalog.redb")).unwrap();
    let start = Watch::start();
    drop(open_with(folder.path(), Settings::default()));
    start.stop("rebuild of the catalog", OBJECTS);
}

async fn disclosures(store: &Store) {
    let (start, many) = (Watch::start(), 500);
    for _ in 0..many {
        store.disclosures().record(vec![7; 1_500]).await.unwrap();
    }
    start.stop("disclosures, one after the other", many);
    let start = Watch::start();
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let log = store.disclosures();
            tokio::spawn(async move {
                for _ in 0..many {
                    log.record(vec![7; 1_500]).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    start.stop("disclosures, 64 at once", many * 64);
}
