//! The one writer: drains what is waiting, one durable commit of the log, one commit of the catalog, then the answers.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use model::json::Limits;
use model::marking::known_tlp;
use model::stix::{Object, StixId, may_be_withheld};
use model::time::{Clock, Timestamp};
use redb::{Durability, ReadableTable};
use sharing::class::Definition;
use tokio::sync::{mpsc, watch};

use crate::catalog::{Tables, decode_references, decode_row, head_of, hit_key};
use crate::error::StoreError;
use crate::keys::{Drawn, KeyName};
use crate::log::entry::{Envelope, Head, NewEntry, NewHit, NewStatement, StatementHead};
use crate::log::frame::Frames;
use crate::store::{Appended, Request, Settings, Shared};

/// The retention class of everything until agreements name more.
const RETENTION: u32 = 1;
/// Largest random step between two dates, microseconds (ADR 1).
const DATE_STEP_MAX: u8 = 15;

/// All that an object refers to: its references and those of its markings that are not everyone's.
pub(crate) fn refers_to(body: &[u8]) -> Vec<StixId> {
    model::stix::read(body, &Limits::default()).map(|(object, _)| references_of(&object)).unwrap_or_default()
}

/// All that a parsed object refers to: its references and those of its markings that are not everyone's.
pub fn references_of(object: &Object) -> Vec<StixId> {
    let references = object.references.iter().map(|reference| reference.id.clone());
    let markings = object.marking_refs.iter().filter(|id| known_tlp(id).is_none()).cloned();
    let mut all: Vec<StixId> = references.chain(markings).collect();
    all.sort();
    all.dedup();
    all
}

pub(crate) struct Writer {
    shared: Arc<Shared>,
    settings: Settings,
    clock: Arc<dyn Clock>,
    drawn: Drawn,
    next: u64,
    last_date: Timestamp,
    head: watch::Sender<u64>,
    durable_at: Instant,
    behind: bool,
    /// Definitions that were given a number in a commit that is not durable (yet): the next one logs them first.
    undefined: Vec<Definition>,
}

impl Writer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        settings: Settings,
        clock: Arc<dyn Clock>,
        next: u64,
        head: watch::Sender<u64>,
    ) -> Result<Self, StoreError> {
        let last_date = crate::read::last_date(&shared.catalog)?;
        Ok(Self {
            shared,
            settings,
            clock,
            drawn: Drawn::default(),
            next,
            last_date,
            head,
            durable_at: Instant::now(),
            behind: false,
            undefined: Vec::new(),
        })
    }

    /// Until every sender is gone. A commit that fails ends it: nothing is acknowledged that is not durable.
    pub(crate) fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let interval = Duration::from_millis(self.settings.catalog_durable_ms.max(1));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let Ok(runtime) = runtime else { return };
        loop {
            let wait = if self.behind {
                interval.saturating_sub(self.durable_at.elapsed())
            } else {
                Duration::from_secs(3600)
            };
            let first = runtime.block_on(async { tokio::time::timeout(wait, requests.recv()).await });
            match first {
                Ok(Some(first)) => {
                    if let Err(error) = self.commit(first, &mut requests) {
                        tracing::error!(%error, "the log cannot be written; the writer ends");
                        return;
                    }
                }
                Ok(None) => break,
                Err(_) => {}
            }
            if self.behind && self.durable_at.elapsed() >= interval {
                self.make_durable();
            }
        }
        self.make_durable();
    }

    fn make_durable(&mut self) {
        let durable = || -> Result<(), StoreError> {
            let mut transaction = self.shared.catalog.begin_write()?;
            transaction.set_quick_repair(true);
            transaction.commit()?;
            Ok(())
        };
        if let Err(error) = durable() {
            tracing::error!(%error, "the catalog cannot be made durable; it will be read from the log at the next start");
        }
        self.durable_at = Instant::now();
        self.behind = false;
    }

    fn commit(&mut self, first: Request, requests: &mut mpsc::Receiver<Request>) -> Result<(), StoreError> {
        let mut batch = vec![first];
        let mut entries: usize = batch.iter().map(|request| request.entries.len()).sum();
        while entries < self.settings.commit_entries
            && let Ok(more) = requests.try_recv()
        {
            entries += more.entries.len();
            batch.push(more);
        }
        let (next, last_date) = (self.next, self.last_date);
        let (requests, answers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|request| (request.entries, request.answer)).unzip();
        match self.write(requests) {
            Ok(appended) => {
                self.undefined.clear();
                self.behind = true;
                self.head.send_replace(self.next.saturating_sub(1));
                for (answer, appended) in answers.into_iter().zip(appended) {
                    let _ = answer.send(Ok(appended)); // who asked may be gone; what he asked for is done
                }
                Ok(())
            }
            Err(StoreError::Class(error)) => {
                // Nothing was written: those who asked are told, the log goes on.
                (self.next, self.last_date) = (next, last_date);
                for answer in answers {
                    let _ = answer.send(Err(error.into()));
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// One durable commit of all requests' entries, and the catalog after it.
    fn write(&mut self, requests: Vec<Vec<NewEntry>>) -> Result<Vec<Vec<Appended>>, StoreError> {
        let shared = Arc::clone(&self.shared);
        let mut transaction = shared.catalog.begin_write()?;
        transaction.set_durability(Durability::None)?;
        let mut frames = Frames::new(self.next);
        let mut all = Vec::with_capacity(requests.len());
        {
            let mut tables = Tables::open(&transaction)?;
            for definition in self.undefined.clone() {
                self.put(&mut tables, &mut frames, Head::Definition(definition), &[], &[])?;
            }
            for entries in requests {
                let mut appended = Vec::with_capacity(entries.len());
                for entry in entries {
                    appended.push(self.entry(&mut tables, &mut frames, entry)?);
                }
                all.push(appended);
            }
            tables.finish()?;
        }
        self.shared.log.append(&frames.finish())?;
        transaction.commit()?;
        Ok(all)
    }

    fn entry(&mut self, tables: &mut Tables<'_>, frames: &mut Frames, entry: NewEntry) -> Result<Appended, StoreError> {
        match entry {
            NewEntry::Statement(new) => self.statement(tables, frames, *new),
            NewEntry::Hit(hit) => self.hit(tables, frames, *hit),
            NewEntry::Withdrawal { origin, id, version } => {
                let head = Head::Withdrawal { origin, id: id.clone(), version };
                let appended = self.put(tables, frames, head, &[], &[])?;
                self.refresh_referrers(tables, frames, &id)?;
                Ok(appended)
            }
            NewEntry::Quarantined { submitter, waits_for, faults, bytes } => {
                let body = postcard::to_stdvec(&(serde_json::to_string(&faults).unwrap_or_default(), bytes))?;
                self.put(tables, frames, Head::Quarantined { submitter, waits_for }, &body, &[])
            }
            NewEntry::QuarantineEnded { position } => {
                self.put(tables, frames, Head::QuarantineEnded { sequence: position }, &[], &[])
            }
            NewEntry::Refused { submitter, code } => {
                self.put(tables, frames, Head::Refused { submitter, code }, &[], &[])
            }
            NewEntry::SensorCursor { sensor, spool, observations } => {
                self.put(tables, frames, Head::SensorCursor { sensor, spool, observations }, &[], &[])
            }
            NewEntry::LinkCursor { partner, cursor } => {
                self.put(tables, frames, Head::LinkCursor { partner, cursor }, &[], &[])
            }
            NewEntry::Principal { principal, credential } => {
                self.put(tables, frames, Head::Principal { principal: *principal, credential }, &[], &[])
            }
        }
    }

    fn statement(
        &mut self,
        tables: &mut Tables<'_>,
        frames: &mut Frames,
        new: NewStatement,
    ) -> Result<Appended, StoreError> {
        let (class, definition) = self.shared.classes.class(&new.class)?;
        self.define(tables, frames, definition)?;
        let (set, definition) = self.shared.classes.set(&tables.set_of(&new.refers_to, &self.shared.classes)?)?;
        self.define(tables, frames, definition)?;
        let id = new.key.id.clone();
        let referred_to = tables.is_referred_to(&id)? || new.refers_to.contains(&id);
        let before = referred_to.then(|| tables.asks(&id, &self.shared.classes)).transpose()?;
        let head = Head::Statement(StatementHead {
            key: new.key,
            submitter: new.submitter,
            class,
            set,
            digest: new.digest,
            revoked: new.revoked,
            spec_20: new.spec_20,
            purpose: sharing::release::CYBER_DEFENCE.to_owned(),
            source: new.source,
        });
        let appended = self.put(tables, frames, head, &new.bytes, &new.refers_to)?;
        if let Some(before) = before
            && tables.asks(&id, &self.shared.classes)? != before
        {
            self.refresh_referrers(tables, frames, &id)?;
        }
        Ok(appended)
    }

    /// A hit that is held already (a sensor sent it again) is not held twice.
    fn hit(&mut self, tables: &mut Tables<'_>, frames: &mut Frames, hit: NewHit) -> Result<Appended, StoreError> {
        let key = hit_key(hit.sensor.as_str(), hit.spool, &hit.indicator, &hit.origin);
        let known = tables.hit_keys.get(key.as_slice())?.map(|sequence| sequence.value());
        if let Some(sequence) = known {
            return Ok(Appended { sequence, date: self.last_date });
        }
        let (class, definition) = self.shared.classes.class(&hit.class)?;
        self.define(tables, frames, definition)?;
        let NewHit { sensor, spool, indicator, origin, time, evidence, .. } = hit;
        self.put(tables, frames, Head::Hit { sensor, spool, indicator, origin, class, time }, &evidence, &[])
    }

    fn define(
        &mut self,
        tables: &mut Tables<'_>,
        frames: &mut Frames,
        new: Option<Definition>,
    ) -> Result<(), StoreError> {
        if let Some(definition) = new {
            self.undefined.push(definition.clone());
            self.put(tables, frames, Head::Definition(definition), &[], &[])?;
        }
        Ok(())
    }

    /// Gives a new date to those whose targets changed, with the new set of what they refer to.
    fn refresh_referrers(
        &mut self,
        tables: &mut Tables<'_>,
        frames: &mut Frames,
        id: &StixId,
    ) -> Result<(), StoreError> {
        let mut seen = BTreeSet::from([id.clone()]);
        let mut changed = vec![id.clone()];
        while let Some(id) = changed.pop() {
            for position in tables.referrers_of(&id)? {
                let Some((row, references)) = stored(tables, position)? else { continue };
                let set = tables.set_of(&references, &self.shared.classes)?;
                let (set, definition) = self.shared.classes.set(&set)?;
                if set != row.set {
                    self.define(tables, frames, definition)?;
                    // What refers to it asks the same of its readers, if it may be withheld.
                    if may_be_withheld(row.key.id.object_type()) && seen.insert(row.key.id.clone()) {
                        changed.push(row.key.id.clone());
                    }
                    self.put(tables, frames, Head::Refreshed { key: row.key, set }, &[], &[])?;
                }
            }
        }
        Ok(())
    }

    fn put(
        &mut self,
        tables: &mut Tables<'_>,
        frames: &mut Frames,
        head: Head,
        body: &[u8],
        refers_to: &[StixId],
    ) -> Result<Appended, StoreError> {
        let date = self.date()?;
        let envelope = Envelope { date, key: KeyName::at(RETENTION, date), head };
        let envelope_bytes = postcard::to_stdvec(&envelope)?;
        let sealed =
            if body.is_empty() { Vec::new() } else { self.shared.keys.seal(envelope.key, &envelope_bytes, body)? };
        let sequence = self.next;
        frames.push(sequence, &envelope_bytes, &sealed)?;
        tables.apply(sequence, &envelope, &envelope_bytes, &sealed, refers_to)?;
        self.next = sequence.saturating_add(1);
        Ok(Appended { sequence, date })
    }

    /// The time of receipt, or the last date and a random step: strictly increasing, and gaps count nothing.
    fn date(&mut self) -> Result<Timestamp, StoreError> {
        let [byte] = self.drawn.draw()?;
        let step = 1 + byte % DATE_STEP_MAX;
        self.last_date = self.clock.now().max(self.last_date.plus_micros(i64::from(step)));
        Ok(self.last_date)
    }
}

/// The head of the statement at a position as it stands now, and what it refers to.
fn stored(tables: &Tables<'_>, position: u64) -> Result<Option<(StatementHead, Vec<StixId>)>, StoreError> {
    let Some(bytes) = tables.rows.get(position)? else { return Ok(None) };
    let (row, envelope, references) = decode_row(bytes.value())?;
    Ok(Some((head_of(&row, envelope)?, decode_references(references)?)))
}
