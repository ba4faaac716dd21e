//! What left, to whom, by which route: the disclosure log, durable before the first byte leaves.

use std::sync::Arc;

use api::service::{Answer, Disclosure, Disclosures, Shown};
use indexer::Store;
use serde_json::json;

use super::intake::internal;

/// The disclosure log of a centre.
pub(crate) struct Ledger(pub(crate) Arc<Store>);

impl Disclosures for Ledger {
    fn record(&self, disclosure: Disclosure) -> Answer<'_, ()> {
        Box::pin(async move { self.0.disclosures().record(line(&disclosure)).await.map_err(internal) })
    }
}

fn line(disclosure: &Disclosure) -> Vec<u8> {
    let Disclosure { principal, route, shown } = disclosure;
    let shown = match shown {
        Shown::Entries(entries) => json!({"entries": ranges(entries)}),
        Shown::Counts(query) => json!({"counts": query}),
        Shown::Log(upto) => json!({"log_upto": upto}),
    };
    json!({"to": principal, "route": route, "purpose": sharing::release::CYBER_DEFENCE, "shown": shown})
        .to_string()
        .into_bytes()
}

/// Sequence numbers as `[first, last]`: a page is mostly a run.
fn ranges(entries: &[u64]) -> Vec<[u64; 2]> {
    let mut sorted = entries.to_vec();
    sorted.sort_unstable();
    let mut ranges: Vec<[u64; 2]> = Vec::new();
    for entry in sorted {
        match ranges.last_mut() {
            Some([_, last]) if entry <= last.saturating_add(1) => *last = entry,
            _ => ranges.push([entry, entry]),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_one_range() {
        assert_eq!(ranges(&[3, 1, 2, 2, 9, 11, 10]), [[1, 3], [9, 11]]);
        assert!(ranges(&[]).is_empty());
    }
}
