//! The disclosure log from outside.

use std::sync::Arc;

use indexer::DisclosureLog;
use model::time::Timestamp;

use crate::harness::open;

fn recorded(log: &DisclosureLog, from: u64) -> Vec<(u64, Timestamp, Vec<u8>)> {
    let mut found = Vec::new();
    log.each(from, |sequence, date, body| {
        found.push((sequence, date, body.to_vec()));
        true
    })
    .unwrap();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_recorded_is_there_again_in_order_and_not_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    let log = store.disclosures();
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let log = Arc::clone(&log);
            tokio::spawn(async move { log.record(format!("secret-{number}").into_bytes()).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let before = recorded(&log, 1);
    assert_eq!(before.iter().map(|(sequence, ..)| *sequence).collect::<Vec<_>>(), (1..=200).collect::<Vec<_>>());
    assert!(before.is_sorted_by_key(|(_, date, _)| *date));
    let mut bodies: Vec<_> = before.iter().map(|(_, _, body)| body.clone()).collect();
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 200);
    store.close();
    assert!(log.record(b"late".to_vec()).await.is_err());
    drop((store, log));
    let bytes = std::fs::read(folder.path().join("disclosures.redb")).unwrap();
    assert!(!bytes.windows(7).any(|window| window == b"secret-"));
    let (store, _) = open(folder.path());
    assert_eq!(recorded(&store.disclosures(), 1), before);
    store.disclosures().record(b"one more".to_vec()).await.unwrap();
    let last = recorded(&store.disclosures(), 201);
    assert_eq!((last.len(), last[0].0, last[0].2.as_slice()), (1, 201, b"one more".as_slice()));
    assert!(last[0].1 >= before[199].1, "dates do not run backwards");
}
