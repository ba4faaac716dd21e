//! The analysts' part: everything of the script, spread over the run.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::install::Installation;
use super::script::{Case, Script};
use super::watch::{Shared, now_us, text};
use crate::client::Client;

/// The share of a run over which the stream of indicators is spread, thousandths.
const STREAM_SHARE: u64 = 800;

/// Publishes all of `script` over `pace_s` seconds, then waits for ever. `indicators` are imported first.
pub(super) async fn publish(
    installation: &Installation,
    script: &Script,
    indicators: &[PathBuf],
    pace_s: u64,
    seen: &Shared,
) -> Result<()> {
    let us = installation.us.client("alice")?;
    let ca = installation.ca.client("charlotte")?;
    for file in indicators {
        installation.import(file).await.with_context(|| format!("cannot import `{}`", file.display()))?;
    }
    post(&us, script.markings.iter()).await?;
    post(&ca, script.markings.iter().filter(|marking| is_canadian(marking))).await?;
    timed(&us, &script.opening, seen).await?;
    post(&ca, script.canadian.iter().map(|case| &case.object)).await?;
    let began = Instant::now();
    let step = Duration::from_millis(pace_s.saturating_mul(STREAM_SHARE) / script.stream.len().max(1) as u64);
    for (place, case) in script.stream.iter().enumerate() {
        if place == script.stream.len() / 2 {
            post(&us, script.half_way.iter().map(|case| &case.object)).await?;
        }
        timed(&us, std::slice::from_ref(case), seen).await?;
        tokio::time::sleep_until(began + step * u32::try_from(place + 1).unwrap_or(u32::MAX)).await;
    }
    std::future::pending().await
}

fn is_canadian(marking: &Value) -> bool {
    marking.to_string().contains("CANADIAN EYES ONLY")
}

/// Publishes and notes when what was acknowledged.
async fn timed(client: &Client, cases: &[Case], seen: &Shared) -> Result<()> {
    let outcome = post(client, cases.iter().map(|case| &case.object)).await?;
    let acknowledged = now_us();
    let mut seen = seen.lock();
    for accepted in outcome.get("accepted").and_then(Value::as_array).into_iter().flatten() {
        seen.acknowledged(text(accepted, "id"), text(accepted, "version"), acknowledged);
    }
    Ok(())
}

async fn post<'a>(client: &Client, objects: impl Iterator<Item = &'a Value>) -> Result<Value> {
    let objects: Vec<&Value> = objects.collect();
    let bundle = json!({"type": "bundle", "id": format!("bundle--{}", uuid::Uuid::new_v4()), "objects": objects});
    client.post("/api/v1/objects", &[], bundle.to_string().into_bytes()).await
}
