//! Hits fold into sightings (ADR 3). The fold is derived from the hits of the log: after a crash it is counted anew.

use std::collections::HashMap;
use std::sync::Arc;

use api::service::Evidence;
use indexer::{NewEntry, NewStatement, Snapshot, StatementKey, StoreError, Unchecked, references_of};
use model::json::Limits;
use model::marking::{Meaning, Tlp};
use model::principal::CentreCode;
use model::stix::{StixId, Version, read};
use model::time::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};
use sharing::{Class, ClassTable};

use super::identity;

/// Least time between two versions of one sighting.
const VERSION_STEP_MICROS: i64 = 30_000_000;
const HOUR_MICROS: i64 = 3_600_000_000;

/// What hits fold by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FoldKey {
    /// The indicator.
    pub(crate) indicator: StixId,
    /// Whose statement.
    pub(crate) origin: CentreCode,
    /// The sensor's organisation.
    pub(crate) organisation: String,
    /// Where it stands.
    pub(crate) site: String,
    /// The UTC hour of the observation.
    pub(crate) hour: Timestamp,
}

impl FoldKey {
    fn sighting(&self, centre: &CentreCode) -> Option<StixId> {
        let hour = self.hour.to_string();
        let parts = [self.indicator.as_str(), self.origin.as_str(), &self.organisation, &self.site, &hour];
        identity::of_sighting(centre, &parts)
    }
}

/// What the hits of one key come to.
#[derive(Debug, Clone, Copy)]
struct Sum {
    count: u64,
    first: Timestamp,
    last: Timestamp,
    created: Timestamp,
    /// When the newest version was made, and what it counts.
    published: Option<(Timestamp, u64)>,
    /// The indicator's version that was hit last: its marking is the sighting's, whatever the indicator became later.
    version: Option<Version>,
}

impl Sum {
    fn add(&mut self, time: Timestamp) {
        self.count = self.count.saturating_add(1);
        self.first = self.first.min(time);
        self.last = self.last.max(time);
    }
}

/// The open sums of one centre.
pub(crate) struct Fold {
    centre: CentreCode,
    classes: Arc<ClassTable>,
    sensor_marking: Tlp,
    sums: HashMap<FoldKey, Sum>,
}

impl Fold {
    /// An empty fold of `centre`.
    pub(crate) fn new(centre: CentreCode, classes: Arc<ClassTable>) -> Self {
        Self { centre, classes, sensor_marking: sharing::sighting::SENSOR_MARKING, sums: HashMap::new() }
    }

    /// The class of hits and sightings of an indicator of class `class`.
    pub(crate) fn class(&self, class: &Class) -> Class {
        sharing::sighting::class(class, &self.centre, self.sensor_marking)
    }

    /// Adds one hit of an indicator's version that is about to be appended. A sum that is not open is first counted from
    /// the log.
    pub(crate) fn add(
        &mut self,
        snapshot: &Snapshot,
        key: &FoldKey,
        version: Version,
        time: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if !self.sums.contains_key(key) {
            let fresh = Sum { count: 0, first: time, last: time, created: now, published: None, version: None };
            let sum = self.counted(snapshot, key)?.unwrap_or(fresh);
            self.sums.insert(key.clone(), sum);
        }
        if let Some(sum) = self.sums.get_mut(key) {
            sum.add(time);
            sum.version = Some(version);
        }
        Ok(())
    }

    /// Opens the sum of a hit that is in the log already, as after a crash.
    pub(crate) fn reopen(&mut self, snapshot: &Snapshot, key: &FoldKey) -> Result<(), StoreError> {
        if !self.sums.contains_key(key)
            && let Some(mut sum) = self.counted(snapshot, key)?
        {
            let newest = super::rules::newest(snapshot, &key.origin, &key.indicator)?;
            sum.version = newest.filter(super::rules::live).map(|found| found.head.key.version);
            self.sums.insert(key.clone(), sum);
        }
        Ok(())
    }

    /// The sum of the hits in the log, and what was published of it.
    fn counted(&self, snapshot: &Snapshot, key: &FoldKey) -> Result<Option<Sum>, StoreError> {
        let mut sum: Option<Sum> = None;
        snapshot.each_hit_of(&key.indicator, |hit| {
            let same = hit.origin == key.origin && hit.time.hour() == key.hour && site(&hit.evidence) == key.site;
            if same {
                let (time, created) = (hit.time, hit.received);
                let fresh = Sum { count: 0, first: time, last: time, created, published: None, version: None };
                sum.get_or_insert(fresh).add(time);
            }
        })?;
        let Some(mut sum) = sum else { return Ok(None) };
        if let Some(published) = self.published(snapshot, key)? {
            (sum.created, sum.published) = (published.0, Some((published.1, published.2)));
        }
        Ok(Some(sum))
    }

    /// Created, modified and count of the newest version of a sighting.
    fn published(&self, snapshot: &Snapshot, key: &FoldKey) -> Result<Option<(Timestamp, Timestamp, u64)>, StoreError> {
        let Some(id) = key.sighting(&self.centre) else { return Ok(None) };
        let newest = snapshot.statements(&id)?.into_iter().find(|found| found.newest);
        let Some(newest) = newest else { return Ok(None) };
        let Ok((object, _)) = read(&newest.bytes, &Limits::default()) else { return Ok(None) };
        let count = object.value.get("count").and_then(serde_json::Value::as_u64).unwrap_or(0);
        Ok(object.created.zip(object.modified).map(|(created, modified)| (created, modified, count)))
    }

    /// The sightings that are due at `now`: new ones at once, later versions at most once in 30 s and when their hour is
    /// over. They count as published; if their append fails, the fold must be dropped.
    pub(crate) fn due(&mut self, snapshot: &Snapshot, now: Timestamp) -> Result<Vec<NewEntry>, StoreError> {
        let due: Vec<FoldKey> =
            self.sums.iter().filter(|(key, sum)| is_due(key, sum, now)).map(|(key, _)| key.clone()).collect();
        let mut entries = Vec::new();
        for key in due {
            let Some(sum) = self.sums.get_mut(&key) else { continue };
            let Some(version) = sum.version else {
                self.sums.remove(&key); // nobody knows any more how it would be marked
                continue;
            };
            let of = StatementKey { origin: key.origin.clone(), id: key.indicator.clone(), version, rendering: 0 };
            let Some(indicator) = snapshot.statement(&of)? else { continue };
            let modified = sum.published.map_or(now, |(before, _)| now.max(before.plus_micros(1_000)));
            sum.published = Some((modified, sum.count));
            let sum = *sum;
            entries.extend(self.statement(snapshot, &key, &sum, modified, &indicator)?);
        }
        self.sums.retain(|key, sum| {
            let open = now < key.hour.plus_micros(HOUR_MICROS);
            open || sum.published.is_none_or(|(_, count)| count < sum.count)
        });
        Ok(entries)
    }

    fn statement(
        &self,
        snapshot: &Snapshot,
        key: &FoldKey,
        sum: &Sum,
        modified: Timestamp,
        indicator: &Unchecked,
    ) -> Result<Option<NewEntry>, StoreError> {
        let (Some(id), Some(identity)) = (key.sighting(&self.centre), identity::of_centre(&self.centre)) else {
            return Ok(None);
        };
        let Some(class) = self.classes.meaning(indicator.head.class) else { return Ok(None) };
        let Ok((object, _)) = read(&indicator.bytes, &Limits::default()) else { return Ok(None) };
        let mut national = Vec::new();
        for id in &object.marking_refs {
            if matches!(snapshot.meaning(id)?, Some(Meaning::National(_))) {
                national.push(id.clone());
            }
        }
        let markings =
            sharing::sighting::marking_refs(&object, &class, self.sensor_marking, |id| national.contains(id));
        let mut sighting = json!({
            "type": "sighting", "spec_version": "2.1", "id": id, "created_by_ref": identity,
            "created": sum.created, "modified": modified, "first_seen": sum.first, "last_seen": sum.last,
            "count": sum.count, "sighting_of_ref": key.indicator, "where_sighted_refs": [identity],
        });
        if let (false, Some(members)) = (markings.is_empty(), sighting.as_object_mut()) {
            members.insert("object_marking_refs".to_owned(), json!(markings));
        }
        let bytes = sighting.to_string().into_bytes();
        let Ok((object, _)) = read(&bytes, &Limits::default()) else {
            return Err(StoreError::Damaged("a sighting cannot be written"));
        };
        Ok(Some(NewEntry::Statement(Box::new(NewStatement {
            key: StatementKey { origin: self.centre.clone(), id, version: Version::Modified(modified), rendering: 0 },
            submitter: None,
            source: None,
            class: self.class(&class),
            refers_to: references_of(&object),
            digest: Sha256::digest(&bytes).into(),
            revoked: false,
            spec_20: false,
            bytes,
        }))))
    }
}

fn is_due(key: &FoldKey, sum: &Sum, now: Timestamp) -> bool {
    match sum.published {
        None => true,
        Some((_, count)) if count >= sum.count => false,
        Some((before, _)) => now >= before.plus_micros(VERSION_STEP_MICROS) || now >= key.hour.plus_micros(HOUR_MICROS),
    }
}

/// Where the sensor of a hit stood.
pub(crate) fn site(evidence: &[u8]) -> String {
    serde_json::from_slice::<Evidence>(evidence).ok().and_then(|evidence| evidence.site).unwrap_or_default()
}
