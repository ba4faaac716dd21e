//! What a centre counts, against the list that a person reviewed. BRIDGEWATCH_BLESS writes it anew.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use tests::centre::Listener;
use tests::pair::Pair;
use tests::place::project;

#[tokio::test]
async fn every_metric_is_listed() -> Result<()> {
    let mut pair = Pair::make()?;
    pair.start().await?;
    let alice = pair.us.person("alice")?;
    assert_eq!(alice.get("/api/v1/border").await?.status, 200);
    let url = format!("http://{}/metrics", pair.us.address(Listener::Metrics));
    let text = reqwest::get(&url).await?.error_for_status()?.text().await?;
    let shown: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let golden = project().join("tests/golden/metrics.txt");
    let listed = std::fs::read_to_string(&golden).unwrap_or_default();
    if std::env::var_os("BRIDGEWATCH_BLESS").is_some() {
        let all: BTreeSet<&str> = listed.lines().chain(shown.iter().copied()).collect();
        let lines: Vec<&str> = all.into_iter().collect();
        return std::fs::write(&golden, lines.join("\n") + "\n").context("cannot write the list");
    }
    let listed: BTreeSet<&str> = listed.lines().collect();
    let unlisted: Vec<_> = shown.difference(&listed).collect();
    assert!(unlisted.is_empty(), "not in golden/metrics.txt: {unlisted:?}");
    // A vector of counters shows itself only once one of them has counted; all others are always there.
    let silent: Vec<_> =
        listed.difference(&shown).filter(|line| !COUNT_FIRST.iter().any(|name| line.starts_with(name))).collect();
    assert!(silent.is_empty(), "listed, but not shown: {silent:?}");
    pair.stop()
}

/// Metrics with labels that nothing in this test counts.
const COUNT_FIRST: &[&str] = &[
    "bridgewatch_http_handshakes_failed_total ",
    "bridgewatch_http_limits_hit_total ",
    "bridgewatch_link_received_total ",
    "bridgewatch_live_events_total ",
];
