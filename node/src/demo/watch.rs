//! The demo as someone outside sees it: both live streams, and when what stood on them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use serde_json::Value;
use tokio::task::JoinHandle;

use super::install::Installation;
use super::latency::Border;
use super::live::{Event, follow};

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Objects published at `us`, on `ca`'s stream.
    pub(super) border: Border,
    /// Sightings of `ca` on `us`'s stream: from the packet to the first version, microseconds.
    packets: HashMap<String, i64>,
}

impl Seen {
    /// `us` acknowledged this version at `at_us`.
    pub(super) fn acknowledged(&mut self, id: &str, version: &str, at_us: i64) {
        self.border.left(&key(id, version), at_us);
    }

    /// How long each sighting took from its packet.
    pub(super) fn packets_us(&self) -> Vec<i64> {
        self.packets.values().copied().collect()
    }

    fn on_ca(&mut self, event: &Event, at_us: i64) {
        if event.kind == "object" && text(&event.data, "origin") == "us" {
            self.border.arrived(&key(text(&event.data, "id"), text(&event.data, "modified")), at_us);
        }
    }

    fn on_us(&mut self, event: &Event, at_us: i64) {
        if event.kind != "sighting" || text(&event.data, "origin") != "ca" {
            return;
        }
        if let Ok(heard) = text(&event.data, "first_seen").parse::<model::time::Timestamp>() {
            let took = at_us.saturating_sub(heard.micros()).max(0);
            self.packets.entry(text(&event.data, "id").to_owned()).or_insert(took);
        }
    }
}

/// A version of an object. A later version of what crossed already, or of what stayed, is another.
fn key(id: &str, version: &str) -> String {
    format!("{id} {version}")
}

/// What is seen, by all who note something.
#[derive(Debug, Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Seen>>);

impl Shared {
    /// What was seen until now.
    pub(super) fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows both live streams. They are open when this returns: nothing that is published then is missed.
pub(super) async fn watch(installation: &Installation, seen: &Shared) -> Result<Vec<JoinHandle<()>>> {
    let (at_ca, at_us) = (seen.clone(), seen.clone());
    Ok(vec![
        follow(installation.ca.client("claude")?, move |event| at_ca.lock().on_ca(&event, now_us())).await?,
        follow(installation.us.client("alice")?, move |event| at_us.lock().on_us(&event, now_us())).await?,
    ])
}

/// A text of an object; empty if it has none.
pub(super) fn text<'a>(data: &'a Value, key: &str) -> &'a str {
    data.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The present time, microseconds.
pub(super) fn now_us() -> i64 {
    crate::clock::SystemClock.now().micros()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(kind: &str, data: Value) -> Event {
        Event { kind: kind.to_owned(), data }
    }

    #[test]
    fn first_versions_alone_are_timed() {
        let mut seen = Seen::default();
        seen.acknowledged("indicator--1", "v1", 10);
        seen.on_ca(&event("object", json!({"origin": "us", "id": "indicator--1", "modified": "v1"})), 30);
        // The whole report that comes again, and the new version of what stayed before.
        seen.on_ca(&event("object", json!({"origin": "us", "id": "indicator--1", "modified": "v1"})), 900);
        seen.acknowledged("indicator--2", "v1", 10);
        seen.on_ca(&event("object", json!({"origin": "us", "id": "indicator--2", "modified": "v2"})), 9_000);
        seen.on_ca(&event("object", json!({"origin": "ca", "id": "indicator--3", "modified": "v1"})), 50);
        assert_eq!(seen.border.durations_us(), vec![20]);
        let sighting = json!({"origin": "ca", "id": "sighting--1", "first_seen": "1970-01-01T00:00:01.000000Z"});
        seen.on_us(&event("sighting", sighting.clone()), 1_000_070);
        seen.on_us(&event("sighting", sighting), 31_000_000);
        assert_eq!(seen.packets_us(), vec![70]);
    }
}
