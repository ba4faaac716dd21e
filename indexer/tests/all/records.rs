//! The logs of a centre that does not run: whole or damaged, and in clear.

use std::path::Path;

use indexer::{DumpedEntry, LinkLog, NewEntry, NewLinkRow, Store, StoreError};
use model::marking::Tlp;
use model::stix::Version;
use model::time::Timestamp;
use sharing::ClassId;
use sharing::link::LinkKind;

use crate::harness::{id, identity, open, report};

const MASTER: [u8; 32] = [3; 32];

async fn filled(folder: &Path) {
    let (store, _) = open(folder);
    for number in 0..20 {
        store
            .append(vec![identity(number, 1, Some(Tlp::Green)), report(number, &[id("identity", number + 5)])])
            .await
            .unwrap();
    }
    let version = Version::Modified("2026-01-01T00:00:01Z".parse().unwrap());
    store
        .append(vec![
            NewEntry::Withdrawal { origin: "us".parse().unwrap(), id: id("identity", 3).parse().unwrap(), version },
            NewEntry::Quarantined {
                submitter: None,
                waits_for: vec![],
                faults: vec![],
                bytes: b"{quarantined-words".to_vec(),
            },
        ])
        .await
        .unwrap();
    store.disclosures().record(b"{\"shown\":[1,2]}".to_vec()).await.unwrap();
    assert!(store.equals_rebuild().unwrap());
    let partner: model::principal::CentreCode = "ca".parse().unwrap();
    let log = LinkLog::open(&LinkLog::path_in(folder, &partner), partner).unwrap();
    let row = |number| NewLinkRow {
        kind: LinkKind::Release,
        id: id("identity", number).parse().unwrap(),
        version,
        rendering: 0,
        digest: [171; 32],
        agreement: "us-ca-starter".to_owned(),
        rule: "GREEN".to_owned(),
        purpose: "cyber_defence".to_owned(),
        time: Timestamp::from_micros(9),
        class: ClassId(0),
        cause: 1,
    };
    log.append((0..30).map(row).collect(), vec![], 40).unwrap();
}

fn dumped(folder: &Path) -> Vec<DumpedEntry> {
    let mut found = Vec::new();
    Store::dump_folder(folder, &MASTER, |entry| {
        found.push(entry);
        true
    })
    .unwrap();
    found
}

#[tokio::test]
async fn a_folder_is_verified_and_dumped_while_no_centre_runs() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    let verified = Store::verify(folder.path(), &MASTER).unwrap();
    assert!(verified.is_whole(), "{verified:?}");
    let files: Vec<_> = verified.logs.iter().map(|log| log.file.as_str()).collect();
    assert_eq!(files, ["objects.redb", "disclosures.redb", "link-ca.redb"]);
    assert!(verified.logs[0].entries > 42 && verified.logs[0].frames > 20);
    assert_eq!((verified.logs[1].entries, verified.logs[2].entries), (1, 30));
    let found = dumped(folder.path());
    assert_eq!(found.len() as u64, verified.logs.iter().map(|log| log.entries).sum::<u64>());
    let kinds = |log: &str, kind: &str| found.iter().filter(|entry| entry.log == log && entry.kind == kind).count();
    assert_eq!((kinds("objects", "statement"), kinds("objects", "withdrawal")), (40, 1));
    assert_eq!((kinds("disclosures", "disclosure"), kinds("link ca", "release")), (1, 30));
    let text: String = found.iter().map(|entry| serde_json::to_string(entry).unwrap() + "\n").collect();
    for words in ["secret-7-1", "{quarantined-words", "[1,2]", &"ab".repeat(32), "us-ca-starter"] {
        assert!(text.contains(words), "{words}");
    }
    let (store, _) = open(folder.path());
    let mut running = Vec::new();
    store
        .dump(1, |entry| {
            running.push(entry);
            true
        })
        .unwrap();
    assert_eq!(running, found[..found.len() - 30], "the same of a running centre, link logs apart");
    assert!(matches!(Store::verify(folder.path(), &MASTER), Err(StoreError::Open { .. })), "not while it runs");
    drop(store);
    assert!(matches!(Store::verify(folder.path(), &[4; 32]), Err(StoreError::MasterKey)));
    assert!(matches!(Store::verify(&folder.path().join("elsewhere"), &MASTER), Err(StoreError::Missing(_))));
}

#[tokio::test]
async fn what_was_altered_is_found_in_every_log() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path()).await;
    for file in ["objects.redb", "disclosures.redb", "link-ca.redb"] {
        let path = folder.path().join(file);
        let whole = std::fs::read(&path).unwrap();
        // In the middle of what was written last; in the folder's own copy alone.
        let marks: &[&[u8]] = if file == "link-ca.redb" { &[b"us-ca-starter"] } else { &[b"BWF1"] };
        let place = whole.windows(marks[0].len()).rposition(|window| window == marks[0]).unwrap();
        let mut altered = whole.clone();
        altered[place + marks[0].len() + 20] ^= 1;
        std::fs::write(&path, &altered).unwrap();
        let verified = Store::verify(folder.path(), &MASTER).unwrap();
        let damaged: Vec<_> =
            verified.logs.iter().filter(|log| log.damage.is_some()).map(|log| log.file.as_str()).collect();
        assert_eq!(damaged, [file]);
        std::fs::write(&path, &whole).unwrap();
    }
    assert!(Store::verify(folder.path(), &MASTER).unwrap().is_whole());
}

#[tokio::test]
async fn a_file_whose_making_was_cut_short_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["objects", "keys", "catalog", "disclosures"] {
        std::fs::write(folder.path().join(file).with_extension("making"), [7; 100]).unwrap();
    }
    let (store, _) = open(folder.path());
    store.append(vec![identity(1, 1, None)]).await.unwrap();
}
