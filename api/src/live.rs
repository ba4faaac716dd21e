//! The live stream (`docs/rest-api.md`, Live): Server-Sent Events from the log, each asked of the gate when it is sent. A
//! subscriber holds a position in the log and a bounded buffer; one that does not read is dropped, and resumes from the
//! cursor of the last event it got. What it then gets is decided anew, by what it may see then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use indexer::{Change, Snapshot, StatementKey, StoreError};
use model::principal::CentreCode;
use model::stix::{StixId, Version};
use model::time::Timestamp;
use serde::Serialize;
use sharing::Visibility;
use sharing::render::Rendering;
use tokio::sync::{mpsc, watch};
use warp::reply::Response;

use crate::caller::Caller;
use crate::disclose;
use crate::error::Failure;
use crate::metrics::Counted;
use crate::paging::{Position, Scope};
use crate::query::Query;
use crate::rest::{Latency, View};
use crate::router::Call;
use crate::server::Api;
use crate::service::{Disclosure, Shown};
use crate::stream::{Guard, Place, cuttable};

/// Time between two `status` events.
const PULSE: Duration = Duration::from_secs(5);
/// Most entries of the log in one look: between two looks the gate is asked anew.
const BATCH_ENTRIES: usize = 256;
/// A look ends once it has this many bytes of events.
const BATCH_BYTES: usize = 1 << 20;

/// One event on its way.
struct Event {
    kind: &'static str,
    data: Vec<u8>,
    position: u64,
}

/// What one look at the log gave.
struct Batch {
    events: Vec<Event>,
    /// The last entry that was looked at.
    upto: u64,
    /// True if the log had more than one batch.
    more: bool,
}

#[derive(Debug, Serialize)]
struct Withdrawal<'a> {
    id: &'a StixId,
    modified: Option<Timestamp>,
    origin: &'a CentreCode,
}

#[derive(Debug, Serialize)]
struct Status {
    now: Timestamp,
    link: Link,
    observations: u64,
    hits: u64,
    latency_ms: Latency,
}

#[derive(Debug, Serialize)]
struct Link {
    state: &'static str,
}

/// `GET /live`
pub(crate) async fn live(api: &Arc<Api>, call: &Call) -> Result<Response, Failure> {
    let caller = call.caller()?;
    let query = Query::read(&call.query, &["from"])?;
    let resumed = call.headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let scope = Scope { principal: caller.principal.name.as_str(), route: call.route.path, query: "" };
    // The browser's own header is the newer of the two: the URL stays the same over reconnects.
    let position = match resumed.or(query.value("from")) {
        Some(cursor) => api.sealer.open(&scope, cursor)?.sequence,
        None => *api.services.store.head().borrow(),
    };
    let place = api.streams.take(&caller.principal.name, api.settings().streams_per_principal_max)?;
    let batch = api.settings().subscriber_events_max.clamp(1, BATCH_ENTRIES);
    let (near, far) = mpsc::channel((api.settings().subscriber_events_max / batch).max(1));
    let cut = Arc::new(AtomicBool::new(false));
    let subscriber = Subscriber {
        api: api.clone(),
        caller: caller.clone(),
        route: call.route.path,
        head: api.services.store.head(),
        guard: Guard::new(api, caller, call.route.access),
        position,
        batch,
        near,
        cut: cut.clone(),
        _place: place,
        _counted: api.metrics.stream(),
    };
    tokio::spawn(subscriber.run());
    Ok(cuttable(far, cut, "text/event-stream"))
}

/// One open live stream.
struct Subscriber {
    api: Arc<Api>,
    caller: Caller,
    route: &'static str,
    head: watch::Receiver<u64>,
    guard: Guard,
    position: u64,
    batch: usize,
    near: mpsc::Sender<Bytes>,
    cut: Arc<AtomicBool>,
    _place: Place,
    _counted: Counted,
}

impl Subscriber {
    async fn run(mut self) {
        match self.follow().await {
            Ok(()) => {}
            Err(End::Gone) => {}
            Err(End::Slow) => {
                self.api.metrics.limit("subscriber_events");
                self.cut.store(true, Ordering::Release);
            }
            Err(End::Closed(why)) => self.close(why),
            Err(End::Failed(failure)) => {
                let _ = failure.respond(crate::error::Shape::Rest, "live stream");
                self.close("the centre failed: resume from the last cursor");
            }
        }
    }

    /// Says why, if the client has read all before it; what still waits for a client that may no longer have it is dropped.
    fn close(&mut self, why: &str) {
        let read_all = self.near.capacity() == self.near.max_capacity();
        let told = serde_json::to_vec(&serde_json::json!({ "reason": why })).ok();
        let mut end = Vec::new();
        match told.map(|data| self.encode("end", &data, self.position, &mut end)) {
            Some(Ok(())) if read_all => drop(self.near.try_send(end.into())),
            _ => self.cut.store(true, Ordering::Release),
        }
    }

    async fn follow(&mut self) -> Result<(), End> {
        let mut pulse = tokio::time::interval(PULSE);
        pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            self.head.borrow_and_update();
            self.catch_up().await?;
            tokio::select! {
                changed = self.head.changed() => if changed.is_err() {
                    return Err(End::Closed("the centre is shutting down"));
                },
                _ = pulse.tick() => self.pulse().await?,
                () = self.near.closed() => return Err(End::Gone),
                why = self.guard.tripped() => return Err(End::Closed(why)),
            }
        }
    }

    /// Sends everything between the position and the head of the log: what one look finds goes out as one piece, under one
    /// record of what it shows.
    async fn catch_up(&mut self) -> Result<(), End> {
        loop {
            let principal = self.guard.principal().map_err(End::Closed)?;
            let (from, entries_max, classes) = (self.position, self.batch, self.api.services.gate.table().clone());
            let look = move |snapshot: &Snapshot, sight: &Visibility| {
                look(&View { snapshot, sight, classes: &classes }, from, entries_max)
            };
            let batch = disclose::reading(&self.api, &principal, look).await.map_err(End::Failed)?;
            if !batch.events.is_empty() {
                let shown = Shown::Entries(batch.events.iter().map(|event| event.position).collect());
                let disclosure = Disclosure { principal: principal.name.clone(), route: self.route, shown };
                let noted = self.api.services.disclosures.record(disclosure).await;
                noted.map_err(|error| End::Failed(error.into()))?;
                let mut piece = Vec::new();
                for event in &batch.events {
                    self.encode(event.kind, &event.data, event.position, &mut piece).map_err(End::Failed)?;
                }
                self.send(piece.into()).await?;
                for event in &batch.events {
                    self.api.metrics.event(event.kind);
                }
            }
            self.position = batch.upto;
            if !batch.more {
                return Ok(());
            }
        }
    }

    async fn pulse(&mut self) -> Result<(), End> {
        let pulse = self.api.services.status.pulse();
        let status = Status {
            now: self.api.services.clock.now(),
            link: Link { state: pulse.link_state },
            observations: pulse.observations,
            hits: pulse.hits,
            latency_ms: pulse.latency_ms,
        };
        let data = serde_json::to_vec(&status).map_err(|error| End::Failed(Failure::internal(error)))?;
        let mut piece = Vec::new();
        self.encode("status", &data, self.position, &mut piece).map_err(End::Failed)?;
        self.send(piece.into()).await
    }

    /// Waits for room in the buffer, but not for ever, and not for someone who is no longer admitted.
    async fn send(&mut self, bytes: Bytes) -> Result<(), End> {
        let patience = self.api.settings().write_timeout();
        tokio::select! {
            biased;
            sent = tokio::time::timeout(patience, self.near.send(bytes)) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(End::Gone),
                Err(_) => Err(End::Slow),
            },
            why = self.guard.tripped() => Err(End::Closed(why)),
        }
    }

    fn encode(&self, kind: &str, data: &[u8], position: u64, piece: &mut Vec<u8>) -> Result<(), Failure> {
        let principal = self.caller.principal.name.as_str();
        let scope = Scope { principal, route: self.route, query: "" };
        let cursor = self.api.sealer.seal(&scope, Position { sequence: position, within: 0 })?;
        for part in [b"id: ", cursor.as_bytes(), b"\nevent: ", kind.as_bytes(), b"\ndata: ", data, b"\n\n"] {
            piece.extend_from_slice(part);
        }
        Ok(())
    }
}

/// Why a stream ends.
enum End {
    /// The client went.
    Gone,
    /// The client does not read.
    Slow,
    /// The guard tripped, and why.
    Closed(&'static str),
    /// We failed.
    Failed(Failure),
}

/// The events that the reader may have of the entries after `from`.
fn look(view: &View<'_>, from: u64, entries_max: usize) -> Result<Batch, StoreError> {
    let changes = view.snapshot.changes(from.saturating_add(1), entries_max)?;
    let mut batch = Batch { events: Vec::new(), upto: from, more: changes.len() == entries_max };
    let mut bytes: usize = 0;
    for (position, change) in changes {
        if bytes >= BATCH_BYTES {
            batch.more = true;
            break;
        }
        let event = match change {
            Change::Statement(key) => statement(view, &key)?,
            Change::Withdrawal(origin, id, version) => withdrawal(view, &origin, &id, version)?,
            Change::Hit => hit(view, position)?,
            Change::Principal(_) | Change::Other => None,
        };
        if let Some((kind, data)) = event {
            bytes = bytes.saturating_add(data.len());
            batch.events.push(Event { kind, data, position });
        }
        batch.upto = position;
    }
    Ok(batch)
}

type Found = Option<(&'static str, Vec<u8>)>;

/// A statement that may be seen; or, where a newer version took an older one away from this reader, that older one's
/// withdrawal and nothing about the newer.
fn statement(view: &View<'_>, key: &StatementKey) -> Result<Found, StoreError> {
    let seen = view.snapshot.object(view.sight, &key.id)?;
    if let Some(found) = seen.iter().find(|seen| seen.key.origin == key.origin && seen.key.version == key.version) {
        let kind = if key.id.object_type() == "sighting" { "sighting" } else { "object" };
        return json(kind, &view.row(found)?);
    }
    let held = view.snapshot.statements(&key.id)?;
    let of_origin = || held.iter().filter(|held| held.head.key.origin == key.origin);
    let Some(new) = of_origin().find(|held| held.head.key.version == key.version) else { return Ok(None) };
    if view.sight.sees(new.head.class) {
        return Ok(None);
    }
    let before = of_origin().filter(|held| held.head.key.version < key.version);
    let Some(before) = before.max_by_key(|held| held.head.key.version) else { return Ok(None) };
    if before.withdrawn || !view.sight.sees(before.head.class) {
        return Ok(None);
    }
    match view.snapshot.render_for(before, view.sight)? {
        Rendering::Withheld(_) => Ok(None),
        Rendering::Whole | Rendering::Redacted(_) => taken_back(&key.origin, &key.id, before.head.key.version),
    }
}

/// A version that its origin took back, for those who could see it.
fn withdrawal(view: &View<'_>, origin: &CentreCode, id: &StixId, version: Version) -> Result<Found, StoreError> {
    let held = view.snapshot.statements(id)?;
    let same = |key: &StatementKey| key.origin == *origin && key.version == version;
    let Some(held) = held.iter().find(|held| same(&held.head.key)) else { return Ok(None) };
    if !view.sight.sees(held.head.class) || !view.sight.sees(held.governing) {
        return Ok(None);
    }
    // What was never shown, because of what it refers to, is not taken back either.
    match view.snapshot.render_for(held, view.sight)? {
        Rendering::Withheld(_) => Ok(None),
        Rendering::Whole | Rendering::Redacted(_) => taken_back(origin, id, version),
    }
}

fn taken_back(origin: &CentreCode, id: &StixId, version: Version) -> Result<Found, StoreError> {
    let modified = match version {
        Version::Modified(time) => Some(time),
        Version::Digest(_) => None,
    };
    json("withdrawal", &Withdrawal { id, modified, origin })
}

/// The hit at `position`, if it may be seen.
fn hit(view: &View<'_>, position: u64) -> Result<Found, StoreError> {
    let (found, _) = view.snapshot.hits(view.sight, None, position.saturating_add(1), 1)?;
    match found.first() {
        Some(hit) if hit.position == position => json("hit", &view.hit(hit)?),
        _ => Ok(None),
    }
}

fn json(kind: &'static str, data: &impl Serialize) -> Result<Found, StoreError> {
    let data = serde_json::to_vec(data).map_err(|_| StoreError::Damaged("an event cannot be written as JSON"))?;
    Ok(Some((kind, data)))
}
