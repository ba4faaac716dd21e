//! The link log from outside.

use std::path::Path;

use indexer::{LinkCounts, LinkLog, NewLinkRow, Withheld};
use model::stix::{StixId, Version};
use model::time::Timestamp;
use sharing::ClassId;
use sharing::link::{CHAIN_START, LinkCursor, LinkKind};

use crate::harness::id;

fn object(kind: &str, number: usize) -> StixId {
    id(kind, number).parse().unwrap()
}

fn version(second: i64) -> Version {
    Version::Modified(Timestamp::from_micros(second * 1_000_000))
}

fn row(kind: LinkKind, number: usize, second: i64, rendering: u32) -> NewLinkRow {
    NewLinkRow {
        kind,
        id: object("indicator", number),
        version: version(second),
        rendering,
        digest: [7; 32],
        agreement: "us-ca-starter".to_owned(),
        rule: "CLEAR".to_owned(),
        purpose: "cyber_defence".to_owned(),
        time: Timestamp::from_micros(9),
        class: ClassId(3),
        cause: 11,
    }
}

fn open(path: &Path) -> LinkLog {
    LinkLog::open(path, "ca".parse().unwrap()).unwrap()
}

#[test]
fn rows_are_dense_and_chained_and_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = LinkLog::path_in(folder.path(), &"ca".parse().unwrap());
    let log = open(&path);
    assert_eq!((log.head(), log.applied(), log.chain_at(0).unwrap()), (LinkCursor::default(), 0, Some(CHAIN_START)));
    let mut watch = log.watch();
    let rows = |numbers: std::ops::Range<usize>| numbers.map(|n| row(LinkKind::Release, n, 1, 0)).collect();
    let first = log.append(rows(0..5), vec![], 20).unwrap();
    let second = log.append(rows(5..7), vec![], 21).unwrap();
    assert!(watch.has_changed().unwrap());
    assert_eq!(*watch.borrow_and_update(), 7);
    let all = [first, second].concat();
    let mut cursor = LinkCursor::default();
    for row in &all {
        assert_eq!(row.leaf, sharing::link::leaf(&row.salt, &row.row).unwrap());
        cursor = cursor.advance(row.row.number, &row.leaf, &row.chain).unwrap();
    }
    assert_eq!((cursor, log.verify().unwrap()), (log.head(), log.head()));
    assert_ne!(all[0].salt, all[1].salt);
    assert_eq!(log.rows(0, 100).unwrap(), all);
    assert_eq!(log.rows(3, 2).unwrap(), all[3..5]);
    assert_eq!((log.rows(7, 9).unwrap(), log.rows(8, 9).unwrap()), (vec![], vec![]));
    assert_eq!((log.chain_at(4).unwrap(), log.chain_at(8).unwrap()), (Some(all[3].chain), None));
    assert_eq!(log.newest(2).unwrap(), vec![all[6].clone(), all[5].clone()]);
    drop(log);
    let log = open(&path);
    assert_eq!((log.head(), log.applied(), log.rows(0, 100).unwrap()), (cursor, 21, all));
    drop(log);
    assert!(LinkLog::open(&path, "us".parse().unwrap()).is_err(), "another partner's");
}

#[test]
fn the_present_state_of_each_version_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let log = open(&folder.path().join("ca.redb"));
    log.append(vec![row(LinkKind::Release, 1, 1, 0), row(LinkKind::Release, 1, 2, 0)], vec![], 1).unwrap();
    log.append(vec![row(LinkKind::Release, 1, 2, 1), row(LinkKind::Withdrawal, 1, 1, 0)], vec![], 2).unwrap();
    log.append(vec![row(LinkKind::Release, 10, 1, 0)], vec![], 3).unwrap();
    let found = log.released(&object("indicator", 1)).unwrap();
    let states: Vec<_> =
        found.iter().map(|state| (state.version, state.rendering, state.number, state.withdrawn)).collect();
    assert_eq!(states, vec![(version(1), 0, 4, true), (version(2), 1, 3, false)]);
    assert!(log.released(&object("indicator", 2)).unwrap().is_empty());
    assert_eq!(log.counts().unwrap(), LinkCounts { releases: 4, withdrawals: 1 });
}

#[test]
fn withheld_versions_are_counted_once_under_their_present_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.redb");
    let log = open(&path);
    let why = |reason: &str| Some(reason.to_owned());
    let (one, two, seen) = (object("indicator", 1), object("indicator", 2), object("sighting", 3));
    let first = vec![
        (one.clone(), version(1), why("red")),
        (one.clone(), version(2), why("red")),
        (two.clone(), version(1), why("noforn")),
        (seen.clone(), version(1), why("noforn")),
    ];
    log.append(vec![], first, 4).unwrap();
    log.append(vec![], vec![(one.clone(), version(2), why("agreement")), (one, version(1), why("red"))], 5).unwrap();
    let counts = |list: &[(&str, u64)]| list.iter().map(|(reason, n)| ((*reason).to_owned(), *n)).collect();
    let statements = counts(&[("agreement", 1), ("noforn", 1), ("red", 1)]);
    assert_eq!(log.withheld().unwrap(), Withheld { statements, sightings: counts(&[("noforn", 1)]) });
    log.append(vec![row(LinkKind::Release, 2, 1, 0)], vec![(seen, version(1), None)], 6).unwrap();
    drop(log);
    let log = open(&path);
    let statements = counts(&[("agreement", 1), ("red", 1)]);
    assert_eq!(log.withheld().unwrap(), Withheld { statements, sightings: counts(&[]) });
}

#[test]
fn how_far_the_log_was_read_is_durable_now_and_then() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.redb");
    let log = open(&path);
    log.append(vec![], vec![], 999).unwrap();
    assert_eq!(log.applied(), 999);
    drop(log);
    let log = open(&path);
    assert!(log.applied() <= 999, "what is read again says the same");
    log.append(vec![], vec![], 2_500).unwrap();
    drop(log);
    assert_eq!(open(&path).applied(), 2_500);
}
