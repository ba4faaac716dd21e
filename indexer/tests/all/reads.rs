//! Every way to read says the same as reading everything.

use indexer::{NewEntry, Query, Statement, Store, Versions};
use model::marking::Tlp;
use model::stix::{StixId, Version};
use model::time::Timestamp;
use serde_json::json;
use sharing::Visibility;

use crate::harness::{entry, id, identity, open, report, sees};

fn sighting(number: usize, of: &str, second: usize) -> NewEntry {
    entry(
        &json!({"type": "sighting", "id": id("sighting", number), "sighting_of_ref": of, "where_sighted_refs": [id("identity", 1)],
        "count": second, "modified": format!("2026-01-01T00:00:{second:02}.000Z")}),
        Some(Tlp::Amber),
    )
}

fn indicator(number: usize, second: usize, tlp: Option<Tlp>) -> NewEntry {
    entry(
        &json!({"type": "indicator", "id": id("indicator", number), "pattern": "[ipv4-addr:value = '198.51.100.1']", "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z", "modified": format!("2026-01-01T00:00:{second:02}.000Z")}),
        tlp,
    )
}

fn withdrawal(kind: &str, number: usize, second: i64) -> NewEntry {
    let version = Version::Modified(Timestamp::from_micros(1_767_225_600_000_000 + second * 1_000_000));
    NewEntry::Withdrawal { origin: "us".parse().unwrap(), id: id(kind, number).parse().unwrap(), version }
}

/// All of a query, in pages of `limit`.
fn paged(store: &Store, visibility: &Visibility, query: &Query, limit: usize) -> Vec<Statement> {
    let mut found: Vec<Statement> = Vec::new();
    loop {
        let behind = found.last().map_or(query.behind, |last| last.position);
        let query = Query { behind, limit, ..query.clone() };
        let page = store.read().unwrap().page(visibility, &query).unwrap();
        found.extend(page.statements);
        if !page.more {
            return found;
        }
    }
}

#[tokio::test]
async fn a_page_by_any_filter_is_what_reading_everything_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let (store, gate) = open(folder.path());
    let levels = [None, Some(Tlp::Clear), Some(Tlp::Red), Some(Tlp::Green)];
    for second in 0..40 {
        let tlp = levels[second % 4];
        let mut batch =
            vec![identity(second % 9, u32::try_from(second).unwrap(), tlp), indicator(second % 13, second, tlp)];
        batch.push(report(second, &[id("identity", second % 10), id("indicator", second % 14)]));
        if second % 7 == 6 {
            batch.push(withdrawal("identity", (second - 2) % 9, i64::try_from(second).unwrap() - 2));
        }
        store.append(batch).await.unwrap();
    }
    assert!(store.equals_rebuild().unwrap());
    let all = |versions: Versions| Query { versions: vec![versions], limit: usize::MAX, ..Query::default() };
    for name in ["alice@us", "bob@us"] {
        let who = sees(&gate, name);
        let read = |query: &Query| store.read().unwrap().page(&who, query).unwrap().statements;
        for versions in [Versions::All, Versions::Last, Versions::First] {
            let everything = read(&all(versions));
            assert!(
                !everything.is_empty() && everything.is_sorted_by_key(|statement| (statement.position, statement.date))
            );
            let filtered = |keep: &dyn Fn(&Statement) -> bool| {
                everything.iter().filter(|found| keep(found)).cloned().collect::<Vec<_>>()
            };
            let types = vec!["report".to_owned(), "identity".to_owned(), "sighting".to_owned()];
            let query = Query { types, ..all(versions) };
            assert_eq!(paged(&store, &who, &query, 3), filtered(&|found| found.key.id.object_type() != "indicator"));
            let ids: Vec<StixId> = [id("identity", 3), id("indicator", 4), id("identity", 77)]
                .iter()
                .map(|id| id.parse().unwrap())
                .collect();
            let wanted = filtered(&|found| ids.contains(&found.key.id));
            assert_eq!(paged(&store, &who, &Query { ids: ids.clone(), ..all(versions) }, 2), wanted);
            let dates = everything.iter().map(|found| found.date.micros());
            for after in dates.flat_map(|date| [date - 1, date, date + 1]).map(Timestamp::from_micros) {
                let query = Query { added_after: Some(after), ..all(versions) };
                assert_eq!(read(&query), filtered(&|found| found.date > after));
                let query = Query { types: vec!["indicator".to_owned()], ..query };
                assert_eq!(
                    read(&query),
                    filtered(&|found| found.date > after && found.key.id.object_type() == "indicator")
                );
            }
        }
        let at = Query {
            versions: vec![Versions::At("2026-01-01T00:00:03Z".parse().unwrap())],
            limit: 99,
            ..Query::default()
        };
        assert!(
            read(&at)
                .iter()
                .all(|found| found.key.version == Version::Modified("2026-01-01T00:00:03Z".parse().unwrap()))
        );
    }
}

#[tokio::test]
async fn a_version_after_a_withdrawal_is_shown_and_those_before_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let (store, gate) = open(folder.path());
    let bob = sees(&gate, "bob@us");
    let target: StixId = id("indicator", 1).parse().unwrap();
    let seen = |versions: Versions| -> Vec<i64> {
        let query = Query { ids: vec![target.clone()], versions: vec![versions], limit: 9, ..Query::default() };
        let page = store.read().unwrap().page(&bob, &query).unwrap().statements;
        page.iter()
            .map(|found| match found.key.version {
                Version::Modified(time) => time.micros() / 1_000_000 - 1_767_225_600,
                Version::Digest(_) => -1,
            })
            .collect()
    };
    let refers = || {
        let query = Query { types: vec!["report".to_owned()], limit: 9, ..Query::default() };
        let page = store.read().unwrap().page(&bob, &query).unwrap().statements;
        String::from_utf8(page[0].bytes.clone()).unwrap().contains(target.as_str())
    };
    store
        .append(vec![identity(1, 1, Some(Tlp::Clear)), report(1, &[id("identity", 1), target.to_string()])])
        .await
        .unwrap();
    store.append(vec![indicator(1, 1, Some(Tlp::Clear)), indicator(1, 2, Some(Tlp::Clear))]).await.unwrap();
    assert_eq!((seen(Versions::All), refers()), (vec![1, 2], true));
    store.append(vec![withdrawal("indicator", 1, 2)]).await.unwrap();
    assert_eq!((seen(Versions::All), refers()), (vec![], true), "what releases a version releases the older ones");
    assert!(store.read().unwrap().is_visible(&bob, &target).unwrap(), "what was said of it here stays");
    store.append(vec![indicator(1, 3, Some(Tlp::Clear))]).await.unwrap();
    assert_eq!((seen(Versions::All), seen(Versions::Last), seen(Versions::First)), (vec![3], vec![3], vec![3]));
    assert!(refers() && store.read().unwrap().is_visible(&bob, &target).unwrap());
    store.append(vec![indicator(1, 4, Some(Tlp::Red))]).await.unwrap();
    assert_eq!((seen(Versions::All), refers()), (vec![], false));
    store.append(vec![withdrawal("indicator", 1, 3)]).await.unwrap();
    assert_eq!(seen(Versions::All), Vec::<i64>::new(), "the newest still governs");
    store.append(vec![indicator(1, 5, Some(Tlp::Green)), withdrawal("indicator", 1, 2)]).await.unwrap();
    assert_eq!((seen(Versions::Last), refers()), (vec![5], true));
    assert!(store.equals_rebuild().unwrap());
    let mut newest = Vec::new();
    store.read().unwrap().each_newest("indicator", |_, _| true, |found| newest.push(found.head.key.version)).unwrap();
    assert_eq!(newest.len(), 1);
}

#[tokio::test]
async fn sightings_and_referrers_are_found_from_what_they_refer_to() {
    let folder = tempfile::tempdir().unwrap();
    let (store, gate) = open(folder.path());
    let (alice, bob) = (sees(&gate, "alice@us"), sees(&gate, "bob@us"));
    let (one, two) = (id("indicator", 1), id("indicator", 2));
    store
        .append(vec![
            identity(1, 1, Some(Tlp::Clear)),
            indicator(1, 1, Some(Tlp::Clear)),
            indicator(2, 1, Some(Tlp::Red)),
        ])
        .await
        .unwrap();
    for number in 0..6 {
        let of = if number % 3 == 2 { &two } else { &one };
        store.append(vec![sighting(number, of, 1), sighting(number, of, 2)]).await.unwrap();
        store.append(vec![report(number, &[one.clone(), two.clone(), id("identity", 1)])]).await.unwrap();
    }
    let snapshot = store.read().unwrap();
    let numbers = |found: &[Statement]| -> Vec<usize> {
        found.iter().map(|found| found.key.id.as_str().rsplit('-').next().unwrap().parse().unwrap()).collect()
    };
    let (first, more) = snapshot.sightings_of(&bob, &one.parse().unwrap(), 0, 3).unwrap();
    assert_eq!((numbers(&first), more), (vec![4, 3, 1], true));
    let (rest, more) = snapshot.sightings_of(&bob, &one.parse().unwrap(), first[2].position, 3).unwrap();
    assert_eq!((numbers(&rest), more), (vec![0], false));
    assert!(first.iter().all(|found| String::from_utf8_lossy(&found.bytes).contains("\"count\":2")), "the newest only");
    assert_eq!(numbers(&snapshot.sightings_of(&alice, &two.parse().unwrap(), 0, 9).unwrap().0), vec![5, 2]);
    assert!(snapshot.sightings_of(&bob, &two.parse().unwrap(), 0, 9).unwrap().0.is_empty(), "its end is hidden");
    assert_eq!(numbers(&snapshot.referrers(&bob, &one.parse().unwrap(), 0, 4).unwrap().0), vec![5, 4, 3, 2]);
    assert_eq!(snapshot.referrers(&alice, &two.parse().unwrap(), 0, 9).unwrap().0.len(), 6);
    assert!(
        snapshot.referrers(&bob, &two.parse().unwrap(), 0, 9).unwrap().0.is_empty(),
        "without the hidden reference"
    );
    assert!(snapshot.sightings_of(&bob, &id("identity", 1).parse().unwrap(), 0, 9).unwrap().0.is_empty());
}
