//! Indicators of the log → rules: those that a sensor's site may hold go to the sensors, all others are matched here.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use api::service::ServiceError;
use arc_swap::ArcSwap;
use bytes::Bytes;
use collector::wire::{RuleLine, RuleText, Settings as WireSettings, changes};
use indexer::{Change, Snapshot, Store, StoreError, Unchecked};
use matching::{RuleSet, RuleSource, needs_several};
use model::json::Limits;
use model::marking::Country;
use model::pattern::Pattern;
use model::principal::CentreCode;
use model::stix::{Indicator, Object, StixId, Typed};
use model::time::{Clock, Timestamp};
use sharing::{Gate, Principal, Role, Visibility};
use tokio::sync::{mpsc, watch};

use super::intake::internal;

/// Entries of the log that are looked at in one go.
const LOOK_ENTRIES: usize = 4_096;
/// Lines that wait for a sensor.
const LINES_WAITING: usize = 16;
/// Silence after which a sensor is told that the stream lives.
const IDLE: Duration = Duration::from_secs(5);

/// What names a rule: the origin of its indicator's statement, and the indicator.
pub(crate) fn key(origin: &CentreCode, id: &StixId) -> String {
    format!("{origin}:{id}")
}

/// What [`key`] made.
pub(crate) fn parse_key(key: &str) -> Option<(CentreCode, StixId)> {
    let (origin, id) = key.split_once(':')?;
    Some((origin.parse().ok()?, id.parse().ok()?))
}

/// The indicators of one centre as rules.
pub(crate) struct Rules {
    store: Arc<Store>,
    gate: Arc<Gate>,
    clock: Arc<dyn Clock>,
    /// A sensor as such: all sensors of a centre may hold the same.
    sensor: Principal,
    central: ArcSwap<RuleSet>,
    held_by_sensors: AtomicU64,
    settings: matching::Settings,
    /// Patterns of several observations are matched here, over what all sensors tell.
    across_sensors: bool,
}

/// One look at the log: the entries after a place.
struct Look {
    upto: u64,
    more: bool,
    touched: Vec<(CentreCode, StixId)>,
}

impl Rules {
    /// Reads what is held; [`Rules::follow`] keeps up from then on.
    pub(crate) fn open(
        store: Arc<Store>,
        gate: Arc<Gate>,
        clock: Arc<dyn Clock>,
        country: Country,
        settings: matching::Settings,
        across_sensors: bool,
    ) -> anyhow::Result<Self> {
        let sensor = Principal {
            name: format!("sensor@{}", gate.centre()).parse()?,
            organisation: String::new(),
            country,
            roles: [Role::Sensor].into(),
            site: None,
            revoked: false,
        };
        Ok(Self {
            store,
            gate,
            clock,
            sensor,
            central: ArcSwap::from_pointee(RuleSet::default()),
            held_by_sensors: AtomicU64::new(0),
            settings,
            across_sensors,
        })
    }

    /// Are observations of all sensors followed together?
    pub(crate) fn across_sensors(&self) -> bool {
        self.across_sensors
    }

    pub(crate) fn settings(&self) -> matching::Settings {
        self.settings
    }

    /// Is the pattern matched at sensors, if they may hold it?
    fn at_sensors(&self, pattern: &Pattern) -> bool {
        !self.across_sensors || !needs_several(pattern)
    }

    /// The rule of a statement that is matched here.
    fn central_source(&self, statement: &Unchecked, sight: &Visibility) -> Option<RuleSource> {
        source(statement).filter(|source| !sight.sees(statement.head.class) || !self.at_sensors(&source.pattern))
    }

    /// The rule of a statement that is matched at sensors.
    fn sensor_rule(&self, statement: &Unchecked, sight: &Visibility) -> Option<RuleText> {
        if !sight.sees(statement.head.class) {
            return None;
        }
        let Indicator { pattern, tree, valid_from, valid_until, .. } = indicator(&statement.bytes)?;
        // Snort, YARA and others are carried, not matched here.
        tree.filter(|tree| self.at_sensors(tree))?;
        let key = key(&statement.head.key.origin, &statement.head.key.id);
        Some(RuleText { key, pattern, valid_from: Some(valid_from), valid_until })
    }

    /// What a sensor may hold now.
    pub(crate) fn sensor_sight(&self) -> Arc<Visibility> {
        self.gate.visibility(&self.sensor, self.clock.now())
    }

    /// The rules that are matched here.
    pub(crate) fn central(&self) -> Arc<RuleSet> {
        self.central.load_full()
    }

    /// How many rules a sensor holds that has all it may hold.
    pub(crate) fn held_by_sensors(&self) -> u64 {
        self.held_by_sensors.load(Ordering::Relaxed)
    }

    /// Builds the central rules anew and gives the sequence that they stand at.
    fn rebuild(&self) -> Result<u64, StoreError> {
        let snapshot = self.store.read()?;
        let sight = self.sensor_sight();
        let mut sources = Vec::new();
        snapshot.each_newest(
            "indicator",
            |class, revoked| !revoked && (self.across_sensors || !sight.sees(class)),
            |statement| sources.extend(self.central_source(&statement, &sight)),
        )?;
        self.central.store(Arc::new(RuleSet::compile(sources, self.settings)));
        snapshot.applied()
    }

    /// Keeps the central rules as the log says, until `stop`.
    pub(crate) async fn follow(self: Arc<Self>, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
        let rules = Arc::clone(&self);
        let mut at = tokio::task::spawn_blocking(move || rules.rebuild()).await??;
        let mut head = self.store.head();
        loop {
            let rules = Arc::clone(&self);
            at = tokio::task::spawn_blocking(move || rules.keep_up(at)).await??;
            tokio::select! {
                changed = head.changed() => changed?,
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
            }
        }
    }

    fn keep_up(&self, mut at: u64) -> Result<u64, StoreError> {
        loop {
            let snapshot = self.store.read()?;
            let look = look(&snapshot, at)?;
            let sight = self.sensor_sight();
            let (mut added, mut removed) = (Vec::new(), Vec::new());
            for (origin, id) in look.touched {
                let found = newest(&snapshot, &origin, &id)?.filter(live);
                match found.and_then(|found| self.central_source(&found, &sight)) {
                    Some(source) => added.push(source),
                    None => removed.push(Arc::from(key(&origin, &id))),
                }
            }
            let known = self.central();
            if !added.is_empty() || (!known.is_empty() && !removed.is_empty()) {
                self.central.store(Arc::new(known.with_changes(added, &removed)));
            }
            at = look.upto;
            if !look.more {
                return Ok(at);
            }
        }
    }

    /// The stream of one sensor: the whole set, then every change, endless.
    pub(crate) fn stream(self: &Arc<Self>) -> mpsc::Receiver<Bytes> {
        let (near, far) = mpsc::channel(LINES_WAITING);
        let rules = Arc::clone(self);
        tokio::spawn(async move {
            let sensor = near.clone();
            if let Err(error) = rules.feed(near).await
                && !sensor.is_closed()
            {
                tracing::error!(%error, "the rules cannot be read for a sensor; it will ask again");
            }
        });
        far
    }

    async fn feed(self: Arc<Self>, near: mpsc::Sender<Bytes>) -> anyhow::Result<()> {
        let mut head = self.store.head();
        loop {
            let mut feed = Feed { rules: Arc::clone(&self), near: near.clone(), held: HashSet::new(), at: 0 };
            let sight = self.sensor_sight();
            let until = sight.holds_until();
            let whole = Arc::clone(&sight);
            feed = tokio::task::spawn_blocking(move || feed.whole(&whole).map(|()| feed)).await??;
            loop {
                head.borrow_and_update();
                let now = Arc::clone(&sight);
                feed = tokio::task::spawn_blocking(move || feed.keep_up(&now).map(|()| feed)).await??;
                tokio::select! {
                    changed = head.changed() => changed?,
                    () = near.closed() => return Ok(()),
                    () = tokio::time::sleep(IDLE) => drop(near.send(RuleLine::Idle.encode()?.into()).await),
                }
                if until.is_some_and(|until| self.clock.now() >= until) {
                    break; // what a sensor may hold is decided anew
                }
            }
        }
    }
}

/// What one sensor was told.
struct Feed {
    rules: Arc<Rules>,
    near: mpsc::Sender<Bytes>,
    held: HashSet<String>,
    at: u64,
}

impl Feed {
    fn whole(&mut self, sight: &Visibility) -> anyhow::Result<()> {
        let snapshot = self.rules.store.read()?;
        self.at = snapshot.applied()?;
        self.send(&RuleLine::Begin)?;
        let bounds = WireSettings::default();
        let mut waiting = Vec::new();
        let mut failed = Ok(());
        snapshot.each_newest(
            "indicator",
            |class, revoked| !revoked && sight.sees(class),
            |statement| {
                if let Some(text) = self.rules.sensor_rule(&statement, sight) {
                    self.held.insert(text.key.clone());
                    waiting.push(text);
                }
                if waiting.len() == bounds.changes && failed.is_ok() {
                    failed = self.change(std::mem::take(&mut waiting), Vec::new());
                }
            },
        )?;
        failed?;
        self.change(waiting, Vec::new())?;
        self.ready()
    }

    fn keep_up(&mut self, sight: &Visibility) -> anyhow::Result<()> {
        loop {
            let snapshot = self.rules.store.read()?;
            let look = look(&snapshot, self.at)?;
            let (mut add, mut remove) = (Vec::new(), Vec::new());
            for (origin, id) in look.touched {
                let found = newest(&snapshot, &origin, &id)?.filter(live);
                match found.and_then(|found| self.rules.sensor_rule(&found, sight)) {
                    Some(text) => add.push(text),
                    // Only what the sensor was told of is taken back: it learns nothing of what it may not hold.
                    None => remove.extend(Some(key(&origin, &id)).filter(|key| self.held.contains(key))),
                }
            }
            if !add.is_empty() || !remove.is_empty() {
                self.held.extend(add.iter().map(|text| text.key.clone()));
                for key in &remove {
                    self.held.remove(key);
                }
                self.change(add, remove)?;
                self.ready()?;
            }
            self.at = look.upto;
            if !look.more {
                return Ok(());
            }
        }
    }

    fn change(&self, add: Vec<RuleText>, remove: Vec<String>) -> anyhow::Result<()> {
        changes(add, remove, &WireSettings::default()).iter().try_for_each(|line| self.send(line))
    }

    fn ready(&self) -> anyhow::Result<()> {
        let count = self.held.len() as u64;
        self.rules.held_by_sensors.store(count, Ordering::Relaxed);
        self.send(&RuleLine::Ready(count))
    }

    fn send(&self, line: &RuleLine) -> anyhow::Result<()> {
        // A sensor that went away is noticed by whoever waits; until then nothing more is read for it.
        Ok(self.near.blocking_send(line.encode()?.into())?)
    }
}

/// The indicators that entries after `at` touch, each once.
fn look(snapshot: &Snapshot, at: u64) -> Result<Look, StoreError> {
    let changes = snapshot.changes(at.saturating_add(1), LOOK_ENTRIES)?;
    let more = changes.len() == LOOK_ENTRIES;
    let upto = changes.last().map_or(at, |(sequence, _)| *sequence);
    let mut seen = HashSet::new();
    let mut touched = Vec::new();
    for (_, change) in changes {
        let (origin, id) = match change {
            Change::Statement(key) => (key.origin, key.id),
            Change::Withdrawal(origin, id, _) => (origin, id),
            _ => continue,
        };
        if id.object_type() == "indicator" && seen.insert((origin.clone(), id.clone())) {
            touched.push((origin, id));
        }
    }
    Ok(Look { upto, more, touched })
}

/// The newest statement of one origin.
pub(crate) fn newest(snapshot: &Snapshot, origin: &CentreCode, id: &StixId) -> Result<Option<Unchecked>, StoreError> {
    Ok(snapshot.statements(id)?.into_iter().find(|found| found.newest && found.head.key.origin == *origin))
}

/// Does it match at all?
pub(crate) fn live(statement: &Unchecked) -> bool {
    !statement.withdrawn && !statement.head.revoked
}

/// The indicator that a statement is.
pub(crate) fn indicator(bytes: &[u8]) -> Option<Indicator> {
    let (object, _) = model::stix::read(bytes, &Limits::default()).ok()?;
    match object.typed {
        Typed::Indicator(indicator) => Some(*indicator),
        _ => None,
    }
}

fn source(statement: &Unchecked) -> Option<RuleSource> {
    let indicator = indicator(&statement.bytes)?;
    let key = Arc::from(key(&statement.head.key.origin, &statement.head.key.id));
    let (valid_from, valid_until) = (Some(indicator.valid_from), indicator.valid_until);
    Some(RuleSource { key, pattern: indicator.tree?, valid_from, valid_until })
}

/// Is this object an indicator that no telemetry is matched against here?
pub(crate) fn is_unmatched(object: &Object) -> bool {
    match &object.typed {
        Typed::Indicator(indicator) => why_not_matched(indicator).is_some(),
        _ => false,
    }
}

fn why_not_matched(indicator: &Indicator) -> Option<String> {
    let Some(tree) = &indicator.tree else {
        return Some(format!("patterns of type `{}` are carried, not matched", indicator.pattern_type));
    };
    let source = RuleSource { key: Arc::from("it"), pattern: tree.clone(), valid_from: None, valid_until: None };
    RuleSet::default().refusal(&source).map(|why| why.0)
}

/// Why an indicator is not matched here, if it is not.
pub(crate) fn not_matched(store: &Store, id: &StixId, now: Timestamp) -> Result<Option<String>, ServiceError> {
    let snapshot = store.read().map_err(internal)?;
    let held = snapshot.statements(id).map_err(internal)?;
    let Some(statement) = held.iter().find(|found| found.newest && live(found)) else { return Ok(None) };
    let Some(indicator) = indicator(&statement.bytes) else { return Ok(None) };
    if now < indicator.valid_from {
        return Ok(Some(format!("it holds from {} on", indicator.valid_from)));
    }
    Ok(why_not_matched(&indicator))
}
