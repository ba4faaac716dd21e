//! Real lists and real STIX, as their authors publish them.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use feeds::inbound::{Inbound, Item, Kind, Part, Settings, Source, split};
use model::json::{Limits, split_objects};

/// The corpora beside the project, if this clone has them.
fn corpora() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora");
    let place = std::env::var_os("BRIDGEWATCH_CORPORA").map_or_else(beside, PathBuf::from);
    let found = place.join("README.md").exists().then_some(place);
    if found.is_none() {
        println!("skipped: no corpora");
    }
    found
}

#[test]
fn attack_is_split_whole() {
    let Some(place) = corpora() else { return };
    let file = place.join("attack/ics-attack-18.1.stix21.json.xz");
    let open = || Ok(Box::new(File::open(&file)?) as Box<dyn Read + Send>);
    let (mut counts, mut order) = (HashMap::<String, usize>::new(), Vec::new());
    let settings = Settings { body_bytes: 300_000, ..Settings::default() };
    let mut bodies = 0;
    for part in split(open, Source::default(), settings.clone()).unwrap() {
        let Part::Body(body) = part.unwrap() else { panic!("a fault in ATT&CK") };
        bodies += 1;
        assert!(body.bytes.len() <= settings.body_bytes || body.objects == 1);
        for raw in split_objects(&body.bytes, &Limits::default()).unwrap() {
            let object: serde_json::Value = serde_json::from_slice(raw).unwrap();
            let object_type = object["type"].as_str().unwrap().to_owned();
            if order.last() != Some(&object_type) {
                order.push(object_type.clone());
            }
            *counts.entry(object_type).or_default() += 1;
        }
    }
    assert_eq!(counts.values().sum::<usize>(), 1_826);
    assert_eq!((counts["relationship"], counts["attack-pattern"], counts["malware"]), (1_373, 95, 30));
    assert_eq!(order[..2], ["marking-definition", "identity"]);
    assert!((8..30).contains(&bodies), "{bodies} bodies");
}

#[test]
fn real_lists_are_understood() {
    let Some(place) = corpora() else { return };
    let read = |name: &str, most: usize| {
        let file = File::open(place.join("indicators").join(name)).unwrap();
        let inbound = Inbound::open(Box::new(file), &Settings::default()).unwrap();
        let kind = inbound.kind();
        let (mut entries, mut faults) = (Vec::new(), 0);
        for item in inbound.take(most) {
            match item.unwrap() {
                Item::Entry(entry) => entries.push(entry),
                Item::Fault(_) => faults += 1,
                Item::Object { .. } => panic!("an object in a list"),
            }
        }
        (kind, entries, faults)
    };
    let (kind, entries, faults) = read("ipsum.txt.xz", usize::MAX);
    assert_eq!((kind, entries.len(), faults), (Kind::Csv, 80_235, 0));
    let (kind, entries, faults) = read("eset-hashes.tsv.xz", usize::MAX);
    assert_eq!((kind, entries.len(), faults), (Kind::Csv, 11_537, 0));
    assert_eq!(entries[0].labels, ["stantinko"]);
    let (kind, entries, faults) = read("maltrail.tsv.xz", 20_000);
    assert_eq!((kind, entries.len(), faults), (Kind::Csv, 20_000, 0));
    assert_eq!((entries[0].labels.as_slice(), entries[0].line), (["suspicious/parking_site".to_owned()].as_slice(), 1));
    let (kind, entries, _) = read("signature-base-hash-iocs.txt.xz", usize::MAX);
    assert!(kind == Kind::Csv && entries.len() > 1_000 && entries.iter().all(|entry| entry.description.is_some()));
    let (kind, entries, _) = read("signature-base-c2-iocs.txt.xz", usize::MAX);
    assert!(kind == Kind::List && entries.len() > 900, "{}", entries.len());
    let (kind, entries, faults) = read("mvt/candiru__domains.txt", usize::MAX);
    assert!(kind == Kind::List && !entries.is_empty() && faults == 0);
}
