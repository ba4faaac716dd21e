//! How the centre does: the border view, the beat of the live stream, readiness.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use api::rest::{Border as BorderView, Counts, Crossing, Latency, LinkState, MarkingView, SensorState};
use api::service::{Answer, Pulse, ServiceError, Status};
use feeds::peer::LinkStatus;
use indexer::{Snapshot, StatementKey, Store, StoreError};
use model::json::Limits;
use model::principal::CentreCode;
use model::stix::{StixId, Version};
use model::time::{Clock, Timestamp};
use sharing::link::LinkKind;

use super::intake::internal;
use super::release::Border;
use super::rules;
use super::sensors::Sensors;

/// Crossings that the border view lists.
const RECENT_MAX: usize = 50;

/// What came over the link, as the border view lists it.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    /// When.
    pub(crate) time: Timestamp,
    /// What.
    pub(crate) kind: LinkKind,
    /// Which object.
    pub(crate) id: StixId,
    /// Which version.
    pub(crate) version: Version,
}

/// What came over the link since the start, the newest first.
#[derive(Debug, Default)]
pub(crate) struct Arrivals(Mutex<VecDeque<Arrival>>);

impl Arrivals {
    /// Notes what came.
    pub(crate) fn note(&self, arrival: Arrival) {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recent.push_front(arrival);
        recent.truncate(RECENT_MAX);
    }

    fn recent(&self) -> Vec<Arrival> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// Everything that the status is read from.
pub(crate) struct CentreStatus {
    store: Arc<Store>,
    centre: CentreCode,
    clock: Arc<dyn Clock>,
    border: Option<Arc<Border>>,
    link: Option<Arc<LinkStatus>>,
    arrivals: Arc<Arrivals>,
    sensors: Arc<Sensors>,
    /// Observations and hits that the log had at the start.
    before: (u64, u64),
}

impl CentreStatus {
    /// The status of a centre.
    pub(crate) fn new(
        store: Arc<Store>,
        clock: Arc<dyn Clock>,
        centre: CentreCode,
        border: Option<Arc<Border>>,
        link: Option<Arc<LinkStatus>>,
        arrivals: Arc<Arrivals>,
        sensors: Arc<Sensors>,
    ) -> Result<Self, StoreError> {
        let snapshot = store.read()?;
        let before = (snapshot.count("observations")?, snapshot.count("hits")?);
        drop(snapshot);
        Ok(Self { store, centre, clock, border, link, arrivals, sensors, before })
    }

    fn link_state(&self) -> (&'static str, Option<String>, Option<Timestamp>) {
        let Some(link) = &self.link else { return ("down", Some("no partner is configured".to_owned()), None) };
        let standing = link.standing();
        (standing.state.as_str(), standing.reason, Some(standing.since))
    }

    fn latency(&self) -> Latency {
        let latency = self.link.as_ref().map(|link| link.latency()).unwrap_or_default();
        Latency { p50: latency.p50, p99: latency.p99, n: latency.n }
    }

    fn view(&self) -> Result<BorderView, StoreError> {
        let snapshot = self.store.read()?;
        let (state, reason, since) = self.link_state();
        let mut link = LinkState { state, reason, since, sent: 0, received: 0, queue: 0 };
        let (mut sent, mut received) = (Counts::default(), Counts::default());
        let mut withheld = None;
        let mut recent = Vec::new();
        if let Some(border) = &self.border {
            let log = border.log();
            let counts = log.counts()?;
            sent = Counts { objects: counts.releases, withdrawn: counts.withdrawals };
            link.sent = log.head().number;
            link.queue = border.behind();
            link.received = snapshot.link_cursor(&border.partner().code)?.number;
            let withdrawn = snapshot.count("withdrawn")?;
            received = Counts { objects: link.received.saturating_sub(withdrawn), withdrawn };
            withheld = Some(log.withheld()?.statements);
            for row in log.newest(RECENT_MAX)? {
                let of = (&self.centre, &row.row.id, row.row.version);
                let rule = Some(row.row.rule);
                recent.extend(self.crossing(&snapshot, "sent", row.row.kind, row.row.time, of, rule)?);
            }
            for arrival in self.arrivals.recent() {
                let of = (&border.partner().code, &arrival.id, arrival.version);
                recent.extend(self.crossing(&snapshot, "received", arrival.kind, arrival.time, of, None)?);
            }
        }
        recent.sort_by_key(|crossing| std::cmp::Reverse(crossing.time));
        recent.truncate(RECENT_MAX);
        let partner = self.border.as_ref().map(|border| border.partner().code.clone());
        Ok(BorderView { partner, link, sent, received, withheld, latency_ms: self.latency(), recent })
    }

    fn crossing(
        &self,
        snapshot: &Snapshot,
        direction: &'static str,
        kind: LinkKind,
        time: Timestamp,
        (origin, id, version): (&CentreCode, &StixId, Version),
        rule: Option<String>,
    ) -> Result<Option<Crossing>, StoreError> {
        let key = StatementKey { origin: origin.clone(), id: id.clone(), version, rendering: 0 };
        let Some(statement) = snapshot.statement(&key)? else { return Ok(None) };
        let Some(class) = self.store.classes().meaning(statement.head.class) else { return Ok(None) };
        let name = model::stix::read(&statement.bytes, &Limits::default()).ok().and_then(|(object, _)| object.name);
        Ok(Some(Crossing {
            time,
            direction,
            kind: match kind {
                LinkKind::Release => "release",
                LinkKind::Withdrawal => "withdrawal",
            },
            id: id.to_string(),
            object_type: id.object_type().to_owned(),
            name,
            marking: MarkingView::of(&class, Vec::new()),
            rule,
            // The newest version governs whether anything of this object may still be shown.
            class: statement.governing,
        }))
    }
}

impl Status for CentreStatus {
    fn border(&self) -> Answer<'_, BorderView> {
        Box::pin(async move { tokio::task::block_in_place(|| self.view()).map_err(internal) })
    }

    fn sensors(&self) -> Answer<'_, Vec<SensorState>> {
        Box::pin(async move { self.sensors.states().map_err(internal) })
    }

    fn not_matched(&self, indicator: &StixId) -> Option<String> {
        rules::not_matched(&self.store, indicator, self.clock.now()).unwrap_or_else(|error: ServiceError| {
            tracing::error!(%error, "an indicator cannot be looked at");
            None
        })
    }

    fn pulse(&self) -> Pulse {
        let count = |name: &str| self.store.read().and_then(|snapshot| snapshot.count(name)).unwrap_or(0);
        Pulse {
            link_state: self.link_state().0,
            observations: count("observations").saturating_sub(self.before.0),
            hits: count("hits").saturating_sub(self.before.1),
            latency_ms: self.latency(),
        }
    }

    fn ready(&self) -> Result<(), String> {
        match self.link_state() {
            ("halted", reason, _) => Err(format!("the link is halted: {}", reason.unwrap_or_default())),
            _ => self.store.read().map(drop).map_err(|error| error.to_string()),
        }
    }
}
