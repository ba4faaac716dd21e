//! The search index from outside: it finds what the store would show to the same reader, no more, no less.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that goes wrong may end")]

mod centre;
mod random;

use indexer::search::{SearchPage, Settings};
use indexer::{NewEntry, NewHit, StoreError};
use model::marking::Tlp;
use model::stix::{StixId, Version};
use model::time::Timestamp;
use serde_json::{Value, json};
use sharing::Role;

use centre::{Centre, class, entry, id, indicator, open, settings};

#[tokio::test]
async fn words_values_and_spellings() {
    let folder = tempfile::tempdir().unwrap();
    let centre = open(folder.path(), settings());
    let list = model::value::classify("bad.evil.example").unwrap().pattern();
    centre
        .add([
            indicator(1, 0, Tlp::Green, "Réseau d'hameçonnage", &list),
            indicator(2, 0, Tlp::Green, "C2", "[ipv4-addr:value = '192.0.2.7' AND url:value = 'http://Host.example/Path']"),
            indicator(3, 0, Tlp::Green, "notevil", "[domain-name:value = 'notevil.example' OR file:name = 'Facture Juin.exe']"),
            entry("report", 4, 0, class("us", None), &json!({"name": "Weekly", "description": "seen at evil[.]example", "labels": ["phishing kit"],
                "external_references": [{"source_name": "mitre-attack", "external_id": "T1059.003"}], "object_refs": [id("indicator", 1)]})),
            entry("sighting", 5, 0, class("us", Some(Tlp::Green)), &json!({"sighting_of_ref": id("indicator", 1), "count": 1})),
        ])
        .await;
    let found = |text: &str| centre.ids("bob@us", text);
    let one = |kind, number| vec![id(kind, number)];
    assert_eq!(found("").len(), 5);
    for text in [
        "reseau",
        "RÉSEAU",
        "re\u{301}seau hameçonnage",
        "\"reseau d hameconnage\"",
        "hamec*",
        "name:réseau",
        "name:\"d'hame*\" reseau",
    ] {
        let wanted = if text.contains("hame*\"") { Vec::new() } else { one("indicator", 1) };
        assert_eq!(found(text), wanted, "{text}");
    }
    assert_eq!(found("evil.example"), [id("report", 4), id("indicator", 1)], "below it, and in the text of the report");
    assert_eq!(found("value:evil[.]example"), one("indicator", 1), "not notevil.example");
    assert_eq!(found("value:bad.ev*"), one("indicator", 1));
    assert_eq!(found("value:example"), Vec::<String>::new());
    assert_eq!(found("192.0.2[.]7"), one("indicator", 2));
    assert_eq!(found("hxxp://host[.]example:80/path"), one("indicator", 2));
    assert_eq!(found("value:host.example"), one("indicator", 2));
    assert_eq!(found("value:\"facture juin.exe\""), one("indicator", 3));
    assert_eq!(found("[domain-name:value = 'bad.evil.example']"), one("indicator", 1));
    assert_eq!(found("[ipv4-addr:value = '192.0.2.7'] c2"), one("indicator", 2));
    assert_eq!(found("T1059.003 phishing"), one("report", 4));
    assert_eq!(found("\"kit phishing\""), Vec::<String>::new());
    assert_eq!(
        found(&id("indicator", 1)),
        [id("sighting", 5), id("indicator", 1)],
        "not the report: that would tell of a reference"
    );
    assert_eq!(found(&format!("id:{}", id("indicator", 1))), one("indicator", 1));
    assert_eq!(found("type:sighting,report"), [id("sighting", 5), id("report", 4)]);
    assert_eq!(found("marking:unmarked"), one("report", 4));
    assert_eq!(found("origin:ca"), Vec::<String>::new());
}

#[tokio::test]
async fn hits_are_found_where_they_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let centre = open(folder.path(), settings());
    let hit = |spool, tlp| {
        NewEntry::Hit(Box::new(NewHit {
            sensor: "s@us".parse().unwrap(),
            spool,
            indicator: id("indicator", 1).parse().unwrap(),
            origin: "us".parse().unwrap(),
            class: class("us", Some(tlp)),
            time: Timestamp::from_micros(5),
            evidence:
                br#"{"field":"dns.question.name","value":"a.evil.example","observation":{"source":{"ip":"10.1.2.3"}}}"#
                    .to_vec(),
        }))
    };
    centre
        .add([
            indicator(1, 0, Tlp::Green, "x", "[domain-name:value = 'evil.example']"),
            hit(1, Tlp::Amber),
            hit(2, Tlp::Red),
        ])
        .await;
    assert_eq!(centre.ids("bob@us", "evil.example"), [id("indicator", 1)]);
    let hits = vec![format!("hit of {}", id("indicator", 1))];
    assert_eq!(centre.ids("bob@us", "type:hit 10.1.2[.]3"), hits);
    assert_eq!(centre.ids("alice@us", "type:hit evil.example").len(), 2);
    let mut without = centre.query("type:hit");
    without.hits = false;
    assert_eq!(centre.index.search(&centre.sees("bob@us", Role::Analyst), &without).unwrap(), SearchPage::default());
}

#[tokio::test]
async fn what_is_taken_back_or_turns_red_is_gone_at_once() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody waits for the index: what it has not applied must be left out all the same.
    let centre = open(folder.path(), Settings { commit_ms: 40, wait_ms: 0, ..Settings::default() });
    let patient = |text: &str| {
        loop {
            let page = centre.ask("bob@us", text);
            if centre.index.applied() >= *centre.store.head().borrow() {
                return page.total;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    };
    for round in 0..20 {
        centre.add([indicator(round, 1, Tlp::Clear, "canary", "[domain-name:value = 'canary.example']")]).await;
        patient("canary");
        assert_eq!(patient("canary"), 1);
        if round % 2 == 0 {
            centre.add([indicator(round, 2, Tlp::Red, "canary", "[domain-name:value = 'canary.example']")]).await;
        } else {
            let version = Version::Modified("2026-01-01T00:00:01Z".parse().unwrap());
            let id: StixId = id("indicator", round).parse().unwrap();
            centre.add([NewEntry::Withdrawal { origin: "us".parse().unwrap(), id, version }]).await;
        }
        let page = centre.ask("bob@us", "canary");
        assert_eq!(page, SearchPage::default(), "round {round}");
    }
}

#[tokio::test]
async fn of_an_observable_what_stands_is_found_whichever_was_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let centre = open(folder.path(), settings());
    let observable = |note: &str| {
        let value = json!({"value": "evil.example", "x_note": note});
        let one = entry("domain-name", 1, 0, class("us", Some(Tlp::Clear)), &value);
        let key = match &one {
            NewEntry::Statement(new) => Some(new.key.clone()),
            _ => None,
        };
        (key.unwrap(), one)
    };
    let mut keys = Vec::new();
    for note in ["a", "b", "c", "d"] {
        let (key, one) = observable(note);
        centre.add([one]).await;
        assert_eq!(centre.ids("bob@us", "a.evil.example"), Vec::<String>::new());
        assert_eq!(centre.ids("bob@us", "evil.example"), [id("domain-name", 1)]);
        keys.push(key);
    }
    // By their digests, not by when they came: the last of the places goes first.
    keys.sort_by_key(|key| std::cmp::Reverse(key.version));
    for (gone, key) in keys.into_iter().enumerate() {
        centre.add([NewEntry::Withdrawal { origin: key.origin, id: key.id, version: key.version }]).await;
        assert_eq!(centre.ids("bob@us", "evil.example").len(), usize::from(gone < 3), "{gone} taken back");
    }
}

#[tokio::test]
async fn too_far_behind_is_said_and_not_answered_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let behind =
        Settings { wait_ms: 0, behind_max: 0, rebuild_ms: 3_600_000, commit_ms: 3_600_000, ..Settings::default() };
    let centre = open(folder.path(), behind);
    centre.add((0..50).map(|n| indicator(n, 0, Tlp::Clear, "x", "[domain-name:value = 'x.example']"))).await;
    let answer = centre.index.search(&centre.sees("bob@us", Role::Analyst), &centre.query(""));
    match answer {
        Err(StoreError::Behind(entries)) => assert!(entries > 0),
        Ok(page) => assert_eq!(page.total, 50, "it had caught up already"),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn it_is_rebuilt_whatever_was_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("search");
    let mut centre = open(folder.path(), settings());
    let everything = |centre: &Centre| centre.ask("alice@us", "");
    for round in 0..6 {
        let tlp = [Tlp::Clear, Tlp::Red, Tlp::Green][round % 3];
        centre
            .add((0..20).map(|n| indicator(n, round as u32, tlp, "chat noir", "[domain-name:value = 'a.example']")))
            .await;
        everything(&centre);
    }
    let before = everything(&centre);
    assert_eq!(before.total, 20);
    let damages: [&dyn Fn(); 5] = [
        &|| {},
        &|| std::fs::remove_dir_all(&path).unwrap(),
        &|| std::fs::write(path.join("meta.json"), b"{").unwrap(),
        &|| {
            for file in std::fs::read_dir(&path).unwrap() {
                let file = file.unwrap().path();
                if file.extension().is_some_and(|kind| kind == "term" || kind == "pos") {
                    let mut bytes = std::fs::read(&file).unwrap();
                    bytes[0] ^= 0x40;
                    std::fs::write(&file, bytes).unwrap();
                }
            }
        },
        &|| {
            // An index of another log: as many entries, at other times.
            let mut meta: Value = serde_json::from_slice(&std::fs::read(path.join("meta.json")).unwrap()).unwrap();
            let mut payload = meta["payload"].as_str().unwrap().to_owned();
            let last = payload.pop().unwrap();
            payload.push(if last == '7' { '8' } else { '7' });
            meta["payload"] = json!(payload);
            std::fs::write(path.join("meta.json"), meta.to_string()).unwrap();
        },
    ];
    for (number, damage) in damages.iter().enumerate() {
        centre.index.close();
        let applied = centre.index.applied();
        drop(centre);
        damage();
        centre = open(folder.path(), settings());
        if number == 0 {
            assert_eq!(centre.index.applied(), applied, "what was applied is not applied again");
        } else {
            assert!(centre.index.applied() < applied, "damage {number} is noticed");
        }
        assert_eq!(everything(&centre), before, "damage {number}");
    }
}
