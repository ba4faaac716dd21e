//! Two publications of one knowledge base, as versions of one another.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use model::stix::versions::compare;

use crate::corpora;
use crate::differences::VERSIONS;

#[test]
fn two_versions_of_ics_attack_follow_the_rules() {
    let Some(root) = corpora::corpora() else { return };
    let read = |name: &str| corpora::document(&root.join("attack").join(name)).unwrap();
    let (old, new) = (read("ics-attack-17.1.stix21.json.xz"), read("ics-attack-18.1.stix21.json.xz"));
    let old: BTreeMap<&str, _> =
        old["objects"].as_array().unwrap().iter().map(|object| (object["id"].as_str().unwrap(), object)).collect();
    let (mut same, mut newer, mut listed, mut wrong) = (0, 0, 0, Vec::new());
    for offered in new["objects"].as_array().unwrap() {
        let Some(held) = old.get(offered["id"].as_str().unwrap()) else { continue };
        let found = compare(held.as_object().unwrap(), offered.as_object().unwrap());
        match found.order {
            Ordering::Equal => same += 1,
            Ordering::Greater => newer += 1,
            Ordering::Less => wrong.push(format!("{} got older", offered["id"])),
        }
        for fault in found.faults {
            let object_type = offered["type"].as_str().unwrap();
            let changed = |name: &str| held.get(name) != offered.get(name);
            if VERSIONS.iter().any(|(kind, code, name)| *kind == object_type && *code == fault.code && changed(name)) {
                listed += 1;
            } else {
                wrong.push(format!("{} {fault:?}", offered["id"]));
            }
        }
    }
    println!("{newer} newer, {same} of the same moment, {listed} break the rule that is listed");
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(newer > 50 && same > 1_000 && listed == 70);
}
