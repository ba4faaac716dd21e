//! What sensors send: each batch with its hits, the sensor's new cursor and the first sightings is one atomic append.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use api::rest::SensorState;
use api::service::{Answer, Evidence, SensorIntake, ServiceError};
use bytes::Bytes;
use collector::wire::{Acknowledged, Batch, Heard, RuleHit, Settings as WireSettings};
use indexer::{NewEntry, NewHit, Snapshot, Store, StoreError, Unchecked};
use matching::Tracker;
use model::principal::{CentreCode, PrincipalName};
use model::stix::StixId;
use model::time::{Clock, Timestamp};
use sharing::{ClassTable, Principal, Visibility};
use tokio::sync::{mpsc, watch};

use super::directory::Principals;
use super::fold::{Fold, FoldKey, site};
use super::intake::internal;
use super::metrics::TrackerLimits;
use super::rules::{self, Rules, live, newest};

/// How often sightings are looked through for versions that are due.
const FOLD_STEP: std::time::Duration = std::time::Duration::from_secs(1);
/// Hits from this long ago on are counted anew at the start, microseconds.
const FOLD_BACK_MICROS: i64 = 2 * 3_600_000_000;
/// Most sensors of which something is remembered.
const SENSORS_MAX: usize = 10_000;

/// What is known of a sensor since the start.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    last: Option<Timestamp>,
    hits: u64,
    lag_ms: Option<u64>,
}

/// Takes batches, one at a time: the fold of one must be in the log before the next is counted.
pub(crate) struct Sensors {
    store: Arc<Store>,
    rules: Arc<Rules>,
    principals: Arc<Principals>,
    clock: Arc<dyn Clock>,
    fold: Arc<tokio::sync::Mutex<Fold>>,
    centre: CentreCode,
    classes: Arc<ClassTable>,
    seen: Mutex<HashMap<PrincipalName, Seen>>,
    followed: Mutex<Followed>,
    limits: TrackerLimits,
}

/// What sensors tell, followed for the patterns of several observations that they do not hold themselves.
#[derive(Default)]
struct Followed {
    /// Of each sensor, or of all together.
    trackers: HashMap<Option<PrincipalName>, Tracker>,
    /// The spool number of the last observation of each sensor that was followed: what is sent again is not seen twice.
    last: HashMap<PrincipalName, u64>,
}

/// What is followed while a batch of one sensor is looked at.
struct Following<'f> {
    tracker: &'f mut Tracker,
    last: &'f mut u64,
}

impl Followed {
    fn of(&mut self, sensor: &PrincipalName, rules: &Rules) -> Following<'_> {
        let stream = (!rules.across_sensors()).then(|| sensor.clone());
        Following {
            tracker: self.trackers.entry(stream).or_insert_with(|| Tracker::new(rules.settings())),
            last: self.last.entry(sensor.clone()).or_default(),
        }
    }
}

/// A batch ready to be appended.
struct Taken {
    entries: Vec<NewEntry>,
    spool: u64,
    hits: u64,
    last: Option<Timestamp>,
}

impl Sensors {
    /// The sensors of a centre.
    pub(crate) fn new(
        store: Arc<Store>,
        rules: Arc<Rules>,
        principals: Arc<Principals>,
        clock: Arc<dyn Clock>,
        centre: CentreCode,
        limits: TrackerLimits,
    ) -> Self {
        let classes = Arc::clone(store.classes());
        let fold = Arc::new(tokio::sync::Mutex::new(Fold::new(centre.clone(), Arc::clone(&classes))));
        Self {
            store,
            rules,
            principals,
            clock,
            fold,
            centre,
            classes,
            seen: Mutex::default(),
            followed: Mutex::default(),
            limits,
        }
    }

    /// Counts anew what a crash may have left unpublished, then publishes what is due, until `stop`.
    pub(crate) async fn keep_folding(self: Arc<Self>, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
        let sensors = Arc::clone(&self);
        let mut fold = Arc::clone(&self.fold).lock_owned().await;
        tokio::task::spawn_blocking(move || sensors.reopen(&mut fold)).await??;
        loop {
            tokio::select! {
                () = tokio::time::sleep(FOLD_STEP) => {}
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
            }
            let mut fold = Arc::clone(&self.fold).lock_owned().await;
            let (store, now) = (Arc::clone(&self.store), self.clock.now());
            let (_held, due) = tokio::task::spawn_blocking(move || {
                let due = store.read().and_then(|snapshot| fold.due(&snapshot, now));
                (fold, due)
            })
            .await?;
            let due = due?;
            if !due.is_empty() {
                self.store.append(due).await?;
            }
        }
    }

    fn reopen(&self, fold: &mut Fold) -> Result<(), StoreError> {
        let snapshot = self.store.read()?;
        let since = self.clock.now().plus_micros(-FOLD_BACK_MICROS);
        let book = self.principals.book();
        snapshot.each_hit_since(since, |hit| {
            let organisation =
                book.principal(&hit.sensor).map_or_else(String::new, |sensor| sensor.organisation.clone());
            let key = FoldKey {
                indicator: hit.indicator.clone(),
                origin: hit.origin.clone(),
                organisation,
                site: site(&hit.evidence),
                hour: hit.time.hour(),
            };
            fold.reopen(&snapshot, &key)
        })
    }

    async fn take(self: &Arc<Self>, sensor: Principal, batch: Batch) -> Result<u64, ServiceError> {
        let mut fold = Arc::clone(&self.fold).lock_owned().await;
        let sensors = Arc::clone(self);
        let name = sensor.name.clone();
        let now = self.clock.now();
        let (mut fold, taken) = tokio::task::spawn_blocking(move || {
            let taken = sensors.decide(&mut fold, &sensor, &batch, now);
            (fold, taken)
        })
        .await
        .map_err(internal)?;
        let appended = match taken {
            Ok(taken) if taken.entries.is_empty() => Ok(taken),
            Ok(mut taken) => self.store.append(std::mem::take(&mut taken.entries)).await.map(|_| taken),
            Err(error) => Err(error),
        };
        if appended.is_err() {
            // What was counted is not in the log: the sums are counted anew from it.
            *fold = Fold::new(self.centre.clone(), Arc::clone(&self.classes));
        }
        drop(fold);
        let taken = appended.map_err(internal)?;
        self.note(name, now, taken.hits, taken.last);
        Ok(taken.spool)
    }

    fn note(&self, name: PrincipalName, now: Timestamp, hits: u64, last: Option<Timestamp>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < SENSORS_MAX || seen.contains_key(&name) {
            let seen = seen.entry(name).or_default();
            seen.last = Some(now);
            seen.hits = seen.hits.saturating_add(hits);
            seen.lag_ms =
                last.map(|last| u64::try_from(now.micros().saturating_sub(last.micros()) / 1_000).unwrap_or(0));
        }
    }

    fn decide(&self, fold: &mut Fold, sensor: &Principal, batch: &Batch, now: Timestamp) -> Result<Taken, StoreError> {
        let snapshot = self.store.read()?;
        let held = snapshot.sensor_cursor(&sensor.name)?;
        let last_of_batch = batch.last();
        let mut taken = Taken { entries: Vec::new(), spool: held.max(last_of_batch), hits: 0, last: None };
        if last_of_batch <= held {
            taken.spool = held; // sent again: everything of it is held
            return Ok(taken);
        }
        let sight = self.rules.sensor_sight();
        let mut matched = Matched { centre: self, snapshot: &snapshot, sight: &sight, known: HashMap::new() };
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut following = followed.of(&sensor.name, &self.rules);
        let counted = following.tracker.counts();
        let mut observations: u64 = 0;
        for (place, heard) in batch.observations.iter().enumerate() {
            let spool = batch.first.saturating_add(place as u64);
            if spool <= held {
                continue;
            }
            observations += 1;
            taken.last = taken.last.max(Some(heard.observation.time));
            for (hit, statement) in matched.hits(heard, spool, &mut following)? {
                let key = FoldKey {
                    indicator: statement.head.key.id.clone(),
                    origin: statement.head.key.origin.clone(),
                    organisation: sensor.organisation.clone(),
                    site: sensor.site.clone().unwrap_or_default(),
                    hour: heard.observation.time.hour(),
                };
                let Some(class) = self.classes.meaning(statement.head.class) else { continue };
                fold.add(&snapshot, &key, statement.head.key.version, heard.observation.time, now)?;
                taken.hits += 1;
                taken.entries.push(NewEntry::Hit(Box::new(NewHit {
                    sensor: sensor.name.clone(),
                    spool,
                    indicator: key.indicator,
                    origin: key.origin,
                    class: fold.class(&class),
                    time: heard.observation.time,
                    evidence: evidence(sensor, heard, &hit),
                })));
            }
        }
        self.limits.add(counted, following.tracker.counts());
        taken.entries.push(NewEntry::SensorCursor { sensor: sensor.name.clone(), spool: taken.spool, observations });
        let due = fold.due(&snapshot, now)?;
        taken.entries.extend(due);
        Ok(taken)
    }

    /// How each sensor does.
    pub(crate) fn states(&self) -> Result<Vec<SensorState>, StoreError> {
        let snapshot = self.store.read()?;
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut states = Vec::new();
        for sensor in self.principals.book().everyone() {
            if !sensor.is(sharing::Role::Sensor) || sensor.revoked || sensor.name.centre() != &self.centre {
                continue;
            }
            let seen = seen.get(&sensor.name).copied().unwrap_or_default();
            states.push(SensorState {
                name: sensor.name.to_string(),
                site: sensor.site.clone(),
                last_seen: seen.last,
                observations: snapshot.sensor_observations(&sensor.name)?,
                hits: seen.hits,
                lag_ms: seen.lag_ms,
                rules: self.rules.held_by_sensors(),
            });
        }
        Ok(states)
    }
}

/// The hits of one batch: those that the sensor names, and those of the rules that it may not hold.
struct Matched<'a> {
    centre: &'a Sensors,
    snapshot: &'a Snapshot,
    sight: &'a Visibility,
    known: HashMap<(CentreCode, StixId), Option<Arc<Unchecked>>>,
}

impl Matched<'_> {
    fn hits(
        &mut self,
        heard: &Heard,
        spool: u64,
        following: &mut Following<'_>,
    ) -> Result<Vec<(RuleHit, Arc<Unchecked>)>, StoreError> {
        let mut hits = Vec::new();
        for hit in &heard.hits {
            // A sensor may be a moment behind: what it may no longer hold does not count.
            let statement = self.statement(&hit.key)?;
            hits.extend(statement.filter(|found| self.sight.sees(found.head.class)).map(|found| (hit.clone(), found)));
        }
        let mut found = Vec::new();
        let central = self.centre.rules.central();
        central.scan(&heard.observation, &mut found);
        if spool > *following.last {
            *following.last = spool;
            following.tracker.observe(&central, &heard.observation, &mut found);
        }
        for matched in found {
            let hit = RuleHit {
                key: matched.key.to_string(),
                field: matched.field.ecs_name().to_owned(),
                value: matched.value,
            };
            hits.extend(self.statement(&hit.key)?.map(|found| (hit, found)));
        }
        Ok(hits)
    }

    /// The statement that a rule stands for, if it still matches.
    fn statement(&mut self, key: &str) -> Result<Option<Arc<Unchecked>>, StoreError> {
        let Some(key) = rules::parse_key(key) else { return Ok(None) };
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let found = newest(self.snapshot, &key.0, &key.1)?.filter(live).map(Arc::new);
        self.known.insert(key, found.clone());
        Ok(found)
    }
}

fn evidence(sensor: &Principal, heard: &Heard, hit: &RuleHit) -> Vec<u8> {
    let mut observation = model::ecs::to_ecs(&heard.observation);
    if let (Some(input), Some(own)) =
        (&heard.input, observation.get_mut("bridgewatch").and_then(serde_json::Value::as_object_mut))
    {
        own.insert("input".to_owned(), input.as_ref().into());
    }
    let evidence =
        Evidence { site: sensor.site.clone(), field: hit.field.clone(), value: hit.value.clone(), observation };
    serde_json::to_vec(&evidence).unwrap_or_default()
}

/// What the HTTP layer asks.
pub(crate) struct SensorDoor(pub(crate) Arc<Sensors>);

impl SensorIntake for SensorDoor {
    fn observations<'a>(&'a self, sensor: &'a Principal, body: Bytes) -> Answer<'a, Bytes> {
        Box::pin(async move {
            let batch = Batch::decode(&body, &WireSettings::default())
                .map_err(|error| ServiceError::BadRequest(error.to_string()))?;
            let spool = self.0.take(sensor.clone(), batch).await?;
            acknowledged(spool)
        })
    }

    fn rules<'a>(&'a self, _sensor: &'a Principal, _query: &'a str) -> Answer<'a, mpsc::Receiver<Bytes>> {
        Box::pin(async move { Ok(self.0.rules.stream()) })
    }

    fn cursor<'a>(&'a self, sensor: &'a Principal) -> Answer<'a, Bytes> {
        Box::pin(async move {
            let snapshot = self.0.store.read().map_err(internal)?;
            acknowledged(snapshot.sensor_cursor(&sensor.name).map_err(internal)?)
        })
    }
}

fn acknowledged(spool: u64) -> Result<Bytes, ServiceError> {
    serde_json::to_vec(&Acknowledged { spool }).map(Bytes::from).map_err(internal)
}
