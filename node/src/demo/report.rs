//! What a run came to, counted at its end from the logs alone.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use anyhow::Result;
use indexer::{Change, LinkLog, Snapshot};
use model::principal::CentreCode;
use model::stix::{StixId, Version};
use model::time::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sharing::link::LinkKind;

use super::install::{Centre, Installation};
use super::latency::{Percentiles, percentiles};
use crate::certificate::sha256;
use crate::command::output::Lines;

/// Entries or rows that are read together.
const PAGE: usize = 10_000;

/// What one centre's logs say. Sightings are counted by id, apart from the rest.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Counts {
    /// Versions of its own objects.
    accepted: usize,
    /// Objects kept aside.
    quarantined: u64,
    /// Objects not kept.
    refused: u64,
    /// Versions that stay, by the first rule that denies.
    withheld: BTreeMap<String, u64>,
    /// Versions taken back from the partner.
    withdrawn: usize,
    /// Versions sent to the partner.
    sent: usize,
    /// Versions received from the partner.
    received: usize,
    /// Sightings held, its own and the partner's.
    sightings: usize,
}

/// What a run came to.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    centres: BTreeMap<String, Counts>,
    observations: u64,
    matched: usize,
    border_latency_ms: Percentiles,
    packet_to_other_screen_ms: Percentiles,
}

/// A version of an object of one origin; its renderings are one.
type Key = (StixId, Version);

/// Counts what the logs of both centres hold; they must have ended. The durations were seen from outside, microseconds.
pub(super) fn from_logs(installation: &Installation, border_us: Vec<i64>, packets_us: Vec<i64>) -> Result<Summary> {
    let mut summary = Summary {
        centres: BTreeMap::new(),
        observations: 0,
        matched: 0,
        border_latency_ms: percentiles(border_us),
        packet_to_other_screen_ms: percentiles(packets_us),
    };
    for (own, partner) in [(&installation.us, &installation.ca), (&installation.ca, &installation.us)] {
        let store = crate::command::org::open_store(&own.folder)?;
        let snapshot = store.read()?;
        summary.observations += snapshot.count("observations")?;
        summary.matched += matched(&snapshot)?;
        let code: CentreCode = own.config.centre.code.parse()?;
        let mut counts = held(&snapshot, &code)?;
        link(own, &partner.config.centre.code.parse()?, &mut counts)?;
        summary.centres.insert(code.to_string(), counts);
    }
    Ok(summary)
}

/// What the object log holds.
fn held(snapshot: &Snapshot, own: &CentreCode) -> Result<Counts> {
    let (mut accepted, mut received, mut sightings) = (HashSet::<Key>::new(), HashSet::<Key>::new(), HashSet::new());
    let mut from = 1;
    loop {
        let page = snapshot.changes(from, PAGE)?;
        let Some((last, _)) = page.last() else { break };
        from = last.saturating_add(1);
        for (_, change) in page {
            let Change::Statement(key) = change else { continue };
            if key.id.object_type() == "sighting" {
                sightings.insert(key.id);
            } else if key.origin == *own {
                accepted.insert((key.id, key.version));
            } else {
                received.insert((key.id, key.version));
            }
        }
    }
    Ok(Counts {
        accepted: accepted.len(),
        quarantined: snapshot.count("quarantined")?,
        refused: snapshot.count("refused")?,
        received: received.len(),
        sightings: sightings.len(),
        ..Counts::default()
    })
}

/// Observations with a hit. The evidence of all hits of one observation is that observation.
fn matched(snapshot: &Snapshot) -> Result<usize> {
    let mut seen = BTreeSet::new();
    snapshot.each_hit_since(Timestamp::from_micros(i64::MIN), |hit| {
        let evidence: Value = serde_json::from_slice(&hit.evidence).unwrap_or_default();
        let observation = evidence.get("observation").map(ToString::to_string).unwrap_or_default();
        seen.insert((hit.sensor, sha256(observation.as_bytes())));
        Ok(())
    })?;
    Ok(seen.len())
}

/// What the link log holds.
fn link(centre: &Centre, partner: &CentreCode, counts: &mut Counts) -> Result<()> {
    let log = LinkLog::open(&LinkLog::path_in(&centre.folder.data(), partner), partner.clone())?;
    let (mut sent, mut withdrawn) = (HashSet::<Key>::new(), HashSet::<Key>::new());
    let mut after = 0;
    loop {
        let rows = log.rows(after, PAGE)?;
        let Some(last) = rows.last() else { break };
        after = last.row.number;
        for logged in rows {
            let row = logged.row;
            if row.id.object_type() == "sighting" {
                continue;
            }
            match row.kind {
                LinkKind::Release => sent.insert((row.id, row.version)),
                LinkKind::Withdrawal => withdrawn.insert((row.id, row.version)),
            };
        }
    }
    counts.sent = sent.len();
    counts.withdrawn = withdrawn.len();
    counts.withheld = log.withheld()?.statements;
    Ok(())
}

/// One line of JSON on stdout, or words on stderr.
pub(super) fn print(summary: &Summary, json: bool) -> Result<()> {
    if json {
        let mut lines = Lines::new();
        lines.json(summary)?;
        return lines.finish();
    }
    for (code, counts) in &summary.centres {
        let withheld: Vec<String> = counts.withheld.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        crate::command::say(
            "32",
            &format!(
                "{code}: {} accepted, {} quarantined, {} refused; {} sent, {} withdrawn, withheld: {}; {} received; {} sightings",
                counts.accepted,
                counts.quarantined,
                counts.refused,
                counts.sent,
                counts.withdrawn,
                if withheld.is_empty() { "none".to_owned() } else { withheld.join(", ") },
                counts.received,
                counts.sightings
            ),
        );
    }
    let words = |what: &str, took: &Percentiles| {
        format!("{what}: median {:.1} ms, 99 in 100 under {:.1} ms, of {}", took.p50, took.p99, took.n)
    };
    crate::command::say("32", &format!("{} observations, {} with a hit", summary.observations, summary.matched));
    crate::command::say("32", &words("over the border", &summary.border_latency_ms));
    crate::command::say("32", &words("packet to the other screen", &summary.packet_to_other_screen_ms));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_has_the_shape_that_was_promised() {
        let summary = Summary {
            centres: BTreeMap::from([("us".to_owned(), Counts::default()), ("ca".to_owned(), Counts::default())]),
            observations: 3,
            matched: 2,
            border_latency_ms: percentiles(vec![1_500]),
            packet_to_other_screen_ms: percentiles(vec![]),
        };
        let line = serde_json::to_value(&summary).unwrap();
        for key in ["accepted", "quarantined", "refused", "withheld", "withdrawn", "sent", "received", "sightings"] {
            assert!(line["centres"]["us"].get(key).is_some() && line["centres"]["ca"].get(key).is_some(), "{key}");
        }
        assert_eq!(line["border_latency_ms"], serde_json::json!({"p50": 1.5, "p99": 1.5, "n": 1}));
        assert_eq!(line["packet_to_other_screen_ms"]["n"], 0);
        assert_eq!((&line["observations"], &line["matched"]), (&3.into(), &2.into()));
    }
}
