//! The store from outside: what goes in is there once, for those who may see it, also after the worst moment to stop.

use std::sync::Arc;

use indexer::{Credential, NewEntry, NewHit, Query, Store, Versions};
use model::marking::{Meaning, Tlp};
use model::stix::{StixId, Version};
use model::time::Timestamp;
use serde_json::json;
use sharing::{Class, Gate, Principal, Role, Visibility};

use crate::harness::{entry, id, identity, open, report, sees};

fn all(limit: usize) -> Query {
    Query { limit, ..Query::default() }
}

fn texts(store: &Store, visibility: &Visibility, query: &Query) -> Vec<String> {
    let page = store.read().unwrap().page(visibility, query).unwrap();
    page.statements.into_iter().map(|statement| String::from_utf8(statement.bytes).unwrap()).collect()
}

#[tokio::test]
async fn red_in_a_newer_version_hides_the_older_ones_too() {
    let folder = tempfile::tempdir().unwrap();
    let (store, gate) = open(folder.path());
    store.append(vec![identity(1, 1, Some(Tlp::Clear))]).await.unwrap();
    let (alice, bob) = (sees(&gate, "alice@us"), sees(&gate, "bob@us"));
    assert_eq!(texts(&store, &bob, &all(10)).len(), 1);
    store.append(vec![identity(1, 2, Some(Tlp::Red))]).await.unwrap();
    let every = Query { versions: vec![Versions::All], ..all(10) };
    assert_eq!(texts(&store, &bob, &every), Vec::<String>::new());
    assert_eq!(texts(&store, &alice, &every).len(), 2);
    assert_eq!(texts(&store, &alice, &all(10)).len(), 1, "the last version only");
    let wanted: StixId = id("identity", 1).parse().unwrap();
    let unknown: StixId = id("identity", 9).parse().unwrap();
    let snapshot = store.read().unwrap();
    assert_eq!(snapshot.object(&bob, &wanted).unwrap(), snapshot.object(&bob, &unknown).unwrap());
}

#[tokio::test]
async fn hidden_references_go_and_come_back_with_a_new_date() {
    let folder = tempfile::tempdir().unwrap();
    let (store, gate) = open(folder.path());
    let (open_one, red_one, late_one) = (id("identity", 1), id("identity", 2), id("identity", 3));
    store.append(vec![identity(1, 1, Some(Tlp::Clear)), identity(2, 1, Some(Tlp::Red))]).await.unwrap();
    store.append(vec![report(1, &[open_one, red_one.clone(), late_one.clone()])]).await.unwrap();
    let bob = sees(&gate, "bob@us");
    let reports = Query { types: vec!["report".to_owned()], ..all(10) };
    let before = store.read().unwrap().page(&bob, &reports).unwrap().statements;
    let text = String::from_utf8(before[0].bytes.clone()).unwrap();
    assert!(!text.contains(&red_one) && !text.contains(&late_one), "{text}");
    store.append(vec![identity(3, 1, Some(Tlp::Green))]).await.unwrap();
    let after = Query { added_after: Some(before[0].date), behind: before[0].position, ..reports };
    let again = store.read().unwrap().page(&bob, &after).unwrap().statements;
    let text = String::from_utf8(again[0].bytes.clone()).unwrap();
    assert!(!text.contains(&red_one) && text.contains(&late_one), "{text}");
}

/// A relationship whose end is hidden is hidden itself: what refers to it does not name it either, until the end is shown.
#[tokio::test]
async fn what_is_withheld_for_what_it_refers_to_is_named_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let (store, gate) = open(folder.path());
    let (open_one, hidden) = (id("identity", 1), id("identity", 2));
    let between = id("relationship", 3);
    let relationship = json!({"type": "relationship", "id": between, "relationship_type": "related-to",
        "source_ref": open_one, "target_ref": hidden});
    store.append(vec![identity(1, 1, Some(Tlp::Clear)), identity(2, 1, Some(Tlp::Red))]).await.unwrap();
    store.append(vec![entry(&relationship, Some(Tlp::Green)), report(1, &[open_one, between.clone()])]).await.unwrap();
    store.append(vec![report(2, &[id("report", 1), between.clone()])]).await.unwrap();
    let text = |name: &str| {
        let all = store.read().unwrap().page(&sees(&gate, name), &all(100)).unwrap().statements;
        all.iter().map(|statement| String::from_utf8(statement.bytes.clone()).unwrap()).collect::<String>()
    };
    assert!(text("alice@us").matches(&between).count() == 3);
    assert!(!text("bob@us").contains(&between) && text("bob@us").contains(&id("report", 1)), "{}", text("bob@us"));
    store.append(vec![identity(2, 2, Some(Tlp::Green))]).await.unwrap();
    assert_eq!(text("bob@us").matches(&between).count(), 3, "its end may be seen now, and with it all that names it");
    assert!(store.equals_rebuild().unwrap());
}

#[tokio::test]
async fn everything_is_there_again_whatever_was_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (store, gate) = open(folder.path());
    for second in 1..30 {
        let tlp = [None, Some(Tlp::Clear), Some(Tlp::Red)][second as usize % 3];
        store
            .append(vec![
                identity(second as usize % 7, second, tlp),
                report(second as usize, &[id("identity", second as usize % 9)]),
            ])
            .await
            .unwrap();
    }
    let hit = NewHit {
        sensor: "s@us".parse().unwrap(),
        spool: 7,
        indicator: id("indicator", 1).parse().unwrap(),
        origin: "us".parse().unwrap(),
        class: Class { tlp: Some(Tlp::Amber), ..Class::unmarked("us".parse().unwrap()) },
        time: Timestamp::from_micros(5),
        evidence: b"{}".to_vec(),
    };
    store
        .append(vec![
            NewEntry::Hit(Box::new(hit.clone())),
            NewEntry::SensorCursor { sensor: hit.sensor.clone(), spool: 7, observations: 3 },
        ])
        .await
        .unwrap();
    store.append(vec![NewEntry::Hit(Box::new(hit))]).await.unwrap();
    let every = Query { versions: vec![Versions::All], ..all(1000) };
    let view = |store: &Store, gate: &Gate| {
        let snapshot = store.read().unwrap();
        let read = |name| snapshot.page(&sees(gate, name), &every).unwrap().statements;
        let hits = snapshot.hits(&sees(gate, "alice@us"), None, 0, 10).unwrap().0;
        (
            read("alice@us"),
            read("bob@us"),
            hits,
            snapshot.sensor_cursor(&"s@us".parse().unwrap()).unwrap(),
            snapshot.count("accepted").unwrap(),
        )
    };
    assert!(store.equals_rebuild().unwrap());
    let before = view(&store, &gate);
    assert_eq!((before.2.len(), before.3), (1, 7), "a hit that comes twice is held once");
    drop(store);
    // The words are in no file of the folder.
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(7).any(|window| window == b"secret-"));
    }
    let (store, gate) = open(folder.path());
    assert_eq!(view(&store, &gate), before, "opened again");
    drop(store);
    std::fs::remove_file(folder.path().join("catalog.redb")).unwrap();
    let (store, gate) = open(folder.path());
    assert_eq!(view(&store, &gate), before, "catalog lost");
    drop(store);
    std::fs::write(folder.path().join("catalog.redb"), b"no database").unwrap();
    let (store, gate) = open(folder.path());
    assert_eq!(view(&store, &gate), before, "catalog damaged");
    // A copy of the files at a moment when the catalog is not durable is what a crash leaves.
    store.append(vec![identity(50, 1, Some(Tlp::Clear))]).await.unwrap();
    let crash = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), crash.path().join(file.file_name())).unwrap();
    }
    let (crashed, crashed_gate) = open(crash.path());
    assert_eq!(view(&crashed, &crashed_gate), view(&store, &gate));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_beside_writers_miss_nothing_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (store, gate) = open(folder.path());
    let store = Arc::new(store);
    let bob = sees(&gate, "bob@us");
    let total = 2_000;
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for batch in 0..total / 4 / 50 {
                    let entries =
                        (0..50).map(|n| identity(writer * 10_000 + batch * 50 + n, 1, Some(Tlp::Clear))).collect();
                    store.append(entries).await.unwrap();
                }
            })
        })
        .collect();
    let (mut seen, mut behind, mut dated, mut date) = (Vec::new(), 0, Vec::new(), None);
    while seen.len() < total || dated.len() < total {
        let page = store.read().unwrap().page(&bob, &Query { behind, ..all(37) }).unwrap();
        behind = page.statements.last().map_or(behind, |last| last.position);
        seen.extend(page.statements.into_iter().map(|statement| statement.key.id));
        let page = store.read().unwrap().page(&bob, &Query { added_after: date, ..all(41) }).unwrap();
        date = page.statements.last().map_or(date, |last| Some(last.date));
        dated.extend(page.statements.into_iter().map(|statement| statement.key.id));
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    for mut ids in [seen, dated] {
        assert_eq!(ids.len(), total);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), total);
    }
}

#[tokio::test]
async fn credentials_and_marking_definitions_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path());
    let principal = Principal {
        name: "alice@us".parse().unwrap(),
        organisation: "o".into(),
        country: "USA".parse().unwrap(),
        roles: [Role::Officer].into(),
        site: None,
        revoked: false,
    };
    store
        .append(vec![NewEntry::Principal {
            principal: Box::new(principal.clone()),
            credential: Some(Credential::Token([1; 32])),
        }])
        .await
        .unwrap();
    let gone = Principal { revoked: true, ..principal };
    store.append(vec![NewEntry::Principal { principal: Box::new(gone.clone()), credential: None }]).await.unwrap();
    // Definitions have no versions by time: the one that came last holds, whatever its digest.
    for number in 0..20_u8 {
        let marking = json!({"type": "marking-definition", "id": id("marking-definition", 1), "definition_type": "statement",
            "definition": {"statement": format!("words {number}")}});
        let mut new = entry(&json!({"type": "identity", "id": id("identity", 1), "name": "x"}), None);
        if let NewEntry::Statement(new) = &mut new {
            new.key.id = id("marking-definition", 1).parse().unwrap();
            new.key.version = Version::Digest([number.wrapping_mul(97); 32]);
            new.bytes = marking.to_string().into_bytes();
        }
        store.append(vec![new]).await.unwrap();
        let meaning = store.read().unwrap().meaning(&id("marking-definition", 1).parse().unwrap()).unwrap();
        assert_eq!(meaning, Some(Meaning::Statement(format!("words {number}"))));
    }
    assert!(store.equals_rebuild().unwrap());
    let snapshot = store.read().unwrap();
    assert_eq!(snapshot.principals().unwrap(), vec![(gone, vec![Credential::Token([1; 32])])]);
}
