//! Which relationships the standard suggests between its own types (STIX 2.1 §3.7 and the tables in §4 and §6, appendix B).

use std::sync::LazyLock;

use super::catalogue;
use super::check::{Check, identifier};
use super::kind::Family;
use super::place::Place;
use crate::names::Names;

const ANYONE: &[&str] = &["identity", "location", "vulnerability"];
const MEANS: &[&str] = &["attack-pattern", "infrastructure", "malware", "tool"];
const HOSTS: &[&str] = &["domain-name", "infrastructure", "ipv4-addr", "ipv6-addr", "url"];
const INFRASTRUCTURE: &[&str] = &["infrastructure"];
const LOCATION: &[&str] = &["location"];
const MALWARE: &[&str] = &["malware"];

/// Source, relationship, targets.
type Row = (&'static str, &'static str, &'static [&'static str]);

/// Sorted by source.
const SUGGESTED: &[Row] = &[
    ("attack-pattern", "delivers", MALWARE),
    ("attack-pattern", "targets", ANYONE),
    ("attack-pattern", "uses", &["malware", "tool"]),
    ("campaign", "attributed-to", &["intrusion-set", "threat-actor"]),
    ("campaign", "compromises", INFRASTRUCTURE),
    ("campaign", "originates-from", LOCATION),
    ("campaign", "targets", ANYONE),
    ("campaign", "uses", MEANS),
    ("course-of-action", "investigates", &["indicator"]),
    ("course-of-action", "mitigates", &["attack-pattern", "indicator", "malware", "tool", "vulnerability"]),
    ("domain-name", "resolves-to", &["domain-name", "ipv4-addr", "ipv6-addr"]),
    ("identity", "located-at", LOCATION),
    ("indicator", "based-on", &["observed-data"]),
    (
        "indicator",
        "indicates",
        &["attack-pattern", "campaign", "infrastructure", "intrusion-set", "malware", "threat-actor", "tool"],
    ),
    ("infrastructure", "communicates-with", HOSTS),
    ("infrastructure", "consists-of", &["infrastructure", "observed-data", OBSERVABLES]),
    ("infrastructure", "controls", &["infrastructure", "malware"]),
    ("infrastructure", "delivers", MALWARE),
    ("infrastructure", "has", &["vulnerability"]),
    ("infrastructure", "hosts", &["malware", "tool"]),
    ("infrastructure", "located-at", LOCATION),
    ("infrastructure", "uses", INFRASTRUCTURE),
    ("intrusion-set", "attributed-to", &["threat-actor"]),
    ("intrusion-set", "compromises", INFRASTRUCTURE),
    ("intrusion-set", "hosts", INFRASTRUCTURE),
    ("intrusion-set", "originates-from", LOCATION),
    ("intrusion-set", "owns", INFRASTRUCTURE),
    ("intrusion-set", "targets", ANYONE),
    ("intrusion-set", "uses", MEANS),
    ("ipv4-addr", "belongs-to", &["autonomous-system"]),
    ("ipv4-addr", "resolves-to", &["mac-addr"]),
    ("ipv6-addr", "belongs-to", &["autonomous-system"]),
    ("ipv6-addr", "resolves-to", &["mac-addr"]),
    ("malware", "authored-by", &["intrusion-set", "threat-actor"]),
    ("malware", "beacons-to", INFRASTRUCTURE),
    ("malware", "communicates-with", HOSTS),
    ("malware", "controls", MALWARE),
    ("malware", "downloads", &["file", "malware", "tool"]),
    ("malware", "drops", &["file", "malware", "tool"]),
    ("malware", "exfiltrates-to", INFRASTRUCTURE),
    ("malware", "exploits", &["vulnerability"]),
    ("malware", "originates-from", LOCATION),
    ("malware", "targets", &["identity", "infrastructure", "location", "vulnerability"]),
    ("malware", "uses", MEANS),
    ("malware", "variant-of", MALWARE),
    ("malware-analysis", "analysis-of", MALWARE),
    ("malware-analysis", "characterizes", MALWARE),
    ("malware-analysis", "dynamic-analysis-of", MALWARE),
    ("malware-analysis", "static-analysis-of", MALWARE),
    ("threat-actor", "attributed-to", &["identity"]),
    ("threat-actor", "compromises", INFRASTRUCTURE),
    ("threat-actor", "hosts", INFRASTRUCTURE),
    ("threat-actor", "impersonates", &["identity"]),
    ("threat-actor", "located-at", LOCATION),
    ("threat-actor", "owns", INFRASTRUCTURE),
    ("threat-actor", "targets", ANYONE),
    ("threat-actor", "uses", MEANS),
    ("tool", "delivers", MALWARE),
    ("tool", "drops", MALWARE),
    ("tool", "has", &["vulnerability"]),
    ("tool", "targets", &["identity", "infrastructure", "location", "vulnerability"]),
    ("tool", "uses", INFRASTRUCTURE),
];

/// Stands for every cyber-observable in the table.
const OBSERVABLES: &str = "*";
/// Common relationships (§3.7), between any two.
const COMMON: &[&str] = &["derived-from", "duplicate-of", "related-to"];

/// The rows of each source.
static BY_SOURCE: LazyLock<(Names, Vec<&'static [Row]>)> = LazyLock::new(|| {
    let rows: Vec<&'static [Row]> = SUGGESTED.chunk_by(|one, next| one.0 == next.0).collect();
    (Names::new(rows.iter().flat_map(|rows| rows.first()).map(|row| row.0)), rows)
});

fn suggested_from(source: &str) -> &'static [Row] {
    let (sources, rows) = &*BY_SOURCE;
    sources.find(source).and_then(|number| rows.get(number)).copied().unwrap_or_default()
}

/// A relationship between two of the standard's own types is one that the standard suggests.
pub(super) fn suggested(check: &mut Check<'_>) {
    let object = check.object;
    let end = |name: &str| identifier(object.text(name)?).and_then(|(name, _)| catalogue::find(name));
    let (Some(source), Some(target), Some(relation)) =
        (end("source_ref"), end("target_ref"), object.text("relationship_type"))
    else {
        return;
    };
    let fits = |targets: &[&str]| {
        targets.contains(&target.name) || (target.family == Family::Observable && targets.contains(&OBSERVABLES))
    };
    let known = suggested_from(source.name).iter().any(|(_, what, targets)| *what == relation && fits(targets));
    if !known && !COMMON.contains(&relation) {
        let message = [
            "the standard does not suggest this relationship from ",
            source.name,
            " to ",
            target.name,
            ": use one of its own if one fits, such as `related-to`",
        ];
        check.warning("relationship-suggested", &Place::ROOT.member("relationship_type"), "STIX 2.1 §5.1", message);
    }
}
