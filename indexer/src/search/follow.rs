//! The follower: one thread that takes over into the index what the log says, and commits it with the sequence it has applied.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use model::json::Limits;
use model::principal::CentreCode;
use model::stix::StixId;
use model::time::Timestamp;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, Term};
use tokio::sync::{Notify, watch};

use super::Settings;
use super::schema::{Fields, register, schema};
use super::terms::{Bounds, Terms, stands_alone, terms_of, terms_of_evidence};
use crate::error::StoreError;
use crate::read::{Change, Snapshot};
use crate::store::Store;

/// The type that hits have in the index.
pub(super) const HIT: &str = "hit";
/// Format of the index: another one is rebuilt. Counts up with every change of what a document holds.
const FORMAT: u32 = 1;
/// Least memory that tantivy takes for indexing, bytes.
const MEMORY_BYTES_MIN: usize = 15_000_000;
/// A segment with more than this share of documents that are gone is merged, and their terms with it.
const GONE_SHARE_MAX: f32 = 0.2;
/// Entries without a document after which the applied sequence is committed all the same, so that a start need not read them again.
const IDLE_ENTRIES_MAX: u64 = 100_000;
/// After that long without a change, files that merges have replaced are let go of.
const SETTLE: Duration = Duration::from_secs(2);

/// What the follower and those who search share.
pub(super) struct Progress {
    applied: Mutex<u64>,
    moved: Condvar,
    wake: Notify,
    /// Somebody waits for this sequence: commit as soon as it is taken over.
    asked: AtomicU64,
    stopping: AtomicBool,
}

impl Progress {
    fn new(applied: u64) -> Self {
        Self {
            applied: Mutex::new(applied),
            moved: Condvar::new(),
            wake: Notify::new(),
            asked: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
        }
    }

    /// Up to where the log is in the index.
    pub(super) fn applied(&self) -> u64 {
        *self.applied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, applied: u64) {
        *self.applied.lock().unwrap_or_else(PoisonError::into_inner) = applied;
        self.moved.notify_all();
    }

    /// Waits until the index has applied `wanted`, at most `patience`; answers with what it has applied.
    pub(super) fn reach(&self, wanted: u64, patience: Duration) -> u64 {
        let applied = self.applied.lock().unwrap_or_else(PoisonError::into_inner);
        if *applied >= wanted {
            return *applied;
        }
        self.asked.fetch_max(wanted, Ordering::AcqRel);
        self.wake.notify_one();
        let waited = self.moved.wait_timeout_while(applied, patience, |applied| *applied < wanted);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

/// An opened index.
pub(super) struct Opened {
    pub(super) index: Index,
    pub(super) fields: Fields,
    pub(super) reader: IndexReader,
    pub(super) progress: Arc<Progress>,
}

/// Opens the index in `folder`; one that is missing, damaged, of another format or of another log is made anew.
pub(super) fn open(folder: &Path, store: &Store) -> Result<Opened, StoreError> {
    let (schema, fields) = schema();
    let existing = match usable(folder, store, &schema) {
        Ok(existing) => existing,
        Err(error) => {
            tracing::warn!(%error, "the search index cannot be used; it is rebuilt from the log");
            None
        }
    };
    let (index, applied) = match existing {
        Some(existing) => existing,
        None => {
            let failed = |source| StoreError::Folder { path: folder.to_owned(), source };
            if folder.exists() {
                std::fs::remove_dir_all(folder).map_err(failed)?;
            }
            std::fs::create_dir_all(folder).map_err(failed)?;
            (Index::create_in_dir(folder, schema)?, 0)
        }
    };
    register(&index);
    let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
    Ok(Opened { index, fields, reader, progress: Arc::new(Progress::new(applied)) })
}

fn usable(folder: &Path, store: &Store, schema: &tantivy::schema::Schema) -> Result<Option<(Index, u64)>, StoreError> {
    if !folder.join("meta.json").exists() {
        return Ok(None);
    }
    let index = Index::open_in_dir(folder)?;
    let applied = match index.load_metas()?.payload.as_deref().map(read_payload) {
        None => 0,
        Some(Some((applied, date))) if store.read()?.date_of(applied)? == Some(date) => applied,
        Some(_) => return Err(StoreError::Damaged("the search index is of another log or another format")),
    };
    if index.schema() != *schema {
        return Err(StoreError::Damaged("the search index has other fields"));
    }
    if !index.validate_checksum()?.is_empty() {
        return Err(StoreError::Damaged("a file of the search index is not what was written"));
    }
    index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
    Ok(Some((index, applied)))
}

fn payload(applied: u64, date: Timestamp) -> String {
    format!("{FORMAT} {applied} {}", date.micros())
}

fn read_payload(text: &str) -> Option<(u64, Timestamp)> {
    let mut parts = text.split(' ');
    let (format, applied, date) = (parts.next()?, parts.next()?, parts.next()?);
    (format.parse() == Ok(FORMAT)).then_some(())?;
    Some((applied.parse().ok()?, Timestamp::from_micros(date.parse().ok()?)))
}

/// The follower's own state.
pub(super) struct Follower {
    store: Arc<Store>,
    settings: Settings,
    fields: Fields,
    index: Index,
    reader: IndexReader,
    progress: Arc<Progress>,
    writer: IndexWriter,
    /// Handed to the writer.
    taken: u64,
    /// In the last commit's payload.
    committed: u64,
    committed_at: Instant,
    /// Something was handed to the writer since the last commit.
    pending: bool,
    unsettled: bool,
}

/// Follows until it is told to stop. After a failure it begins again from the last commit.
pub(super) fn run(store: &Arc<Store>, settings: Settings, opened: Opened) {
    let Opened { index, fields, reader, progress } = opened;
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return };
    while !progress.stopping() {
        let followed = Follower::new(store, settings, fields, &index, &reader, &progress)
            .and_then(|follower| follower.follow(&runtime));
        if let Err(error) = followed {
            tracing::error!(%error, "the search index cannot follow the log; it tries again");
            let pause = Duration::from_millis(settings.retry_ms);
            runtime.block_on(async { tokio::time::timeout(pause, progress.wake.notified()).await.ok() });
        }
    }
}

impl Follower {
    fn new(
        store: &Arc<Store>,
        settings: Settings,
        fields: Fields,
        index: &Index,
        reader: &IndexReader,
        progress: &Arc<Progress>,
    ) -> Result<Self, StoreError> {
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .num_merge_threads(1)
            .memory_budget_per_thread(settings.memory_bytes.max(MEMORY_BYTES_MIN))
            .build();
        let writer: IndexWriter = index.writer_with_options(options)?;
        let mut policy = LogMergePolicy::default();
        policy.set_del_docs_ratio_before_merge(GONE_SHARE_MAX);
        writer.set_merge_policy(Box::new(policy));
        let committed = index.load_metas()?.payload.as_deref().and_then(read_payload).map_or(0, |(applied, _)| applied);
        Ok(Self {
            store: Arc::clone(store),
            settings,
            fields,
            index: index.clone(),
            reader: reader.clone(),
            progress: Arc::clone(progress),
            writer,
            taken: committed,
            committed,
            committed_at: Instant::now(),
            pending: false,
            unsettled: false,
        })
    }

    fn follow(mut self, runtime: &tokio::runtime::Runtime) -> Result<(), StoreError> {
        let mut head = self.store.head();
        loop {
            let stopping = self.progress.stopping();
            let done = self.take()?;
            let due = self.due(done);
            if self.pending && (stopping || due.is_zero()) {
                self.commit()?;
            }
            if stopping {
                self.writer.wait_merging_threads()?;
                return Ok(());
            }
            if done {
                self.rest(runtime, &mut head)?;
            }
        }
    }

    /// How long until the next commit.
    fn due(&self, done: bool) -> Duration {
        let behind = self.store.head().borrow().saturating_sub(self.taken);
        let interval =
            if behind > self.settings.behind_max { self.settings.rebuild_ms } else { self.settings.commit_ms };
        if done && self.progress.asked.load(Ordering::Acquire) > self.progress.applied() {
            return Duration::ZERO;
        }
        Duration::from_millis(interval).saturating_sub(self.committed_at.elapsed())
    }

    /// Waits for something to do; when nothing comes, lets go of what merges have replaced.
    fn rest(&mut self, runtime: &tokio::runtime::Runtime, head: &mut watch::Receiver<u64>) -> Result<(), StoreError> {
        let wait = match (self.pending, self.unsettled) {
            (true, _) => self.due(true),
            (false, true) => SETTLE,
            (false, false) => Duration::from_secs(3600),
        };
        let woken = runtime.block_on(async {
            tokio::select! {
                changed = head.changed() => { if changed.is_err() { self.progress.stop(); } true }
                () = self.progress.wake.notified() => true,
                () = tokio::time::sleep(wait) => false,
            }
        });
        if !woken && !self.pending && self.unsettled {
            self.reader.reload()?;
            self.writer.garbage_collect_files().wait()?;
            self.unsettled = false;
        }
        Ok(())
    }

    /// Takes over the next entries; true if those were the last.
    fn take(&mut self) -> Result<bool, StoreError> {
        let snapshot = self.store.read()?;
        let changes = snapshot.changes(self.taken.saturating_add(1), self.settings.batch_entries)?;
        let (mut statements, mut hits) = (BTreeSet::new(), Vec::new());
        let count = changes.len();
        for (sequence, change) in changes {
            self.taken = sequence;
            match change {
                Change::Statement(key) => drop(statements.insert((key.id, key.origin))),
                Change::Withdrawal(origin, id, _) => drop(statements.insert((id, origin))),
                Change::Hit => hits.push(sequence),
                Change::Principal(_) | Change::Other => {}
            }
        }
        self.pending |= !statements.is_empty() || !hits.is_empty();
        for (id, origin) in statements {
            self.statement(&snapshot, &id, &origin)?;
        }
        for position in hits {
            self.hit(&snapshot, position)?;
        }
        if !self.pending {
            self.progress.set(self.taken);
            self.pending = self.taken.saturating_sub(self.committed) > IDLE_ENTRIES_MAX;
        }
        Ok(count < self.settings.batch_entries)
    }

    fn statement(&self, snapshot: &Snapshot, id: &StixId, origin: &CentreCode) -> Result<(), StoreError> {
        let key = statement_key(id, origin);
        self.writer.delete_term(Term::from_field_text(self.fields.key, &key));
        let Some((position, statement)) = snapshot.newest(id, origin)? else { return Ok(()) };
        let (mut set, mut terms) = (statement.head.set.0, Terms::default());
        match model::stix::read(&statement.bytes, &Limits::default()) {
            Ok((object, _)) => {
                terms = terms_of(&object, self.bounds());
                if stands_alone(&object) {
                    set = 0;
                }
            }
            Err(_) => {
                tracing::warn!(%id, "the words of an object cannot be read; it is found by its id and type alone")
            }
        }
        let place = Place {
            key: &key,
            id: id.as_str(),
            object_type: id.object_type(),
            origin: origin.as_str(),
            class: statement.head.class.0,
            set,
            position,
            date: statement.date,
        };
        self.add(&place, &terms)
    }

    fn hit(&self, snapshot: &Snapshot, position: u64) -> Result<(), StoreError> {
        let key = format!("{HIT} {position}");
        self.writer.delete_term(Term::from_field_text(self.fields.key, &key));
        let Some(hit) = snapshot.hit_at(position)? else { return Ok(()) };
        let place = Place {
            key: &key,
            id: "",
            object_type: HIT,
            origin: hit.sensor.centre().as_str(),
            class: hit.class.0,
            set: 0,
            position,
            date: hit.received,
        };
        self.add(&place, &terms_of_evidence(&hit.evidence, hit.indicator.as_str(), self.bounds()))
    }

    fn bounds(&self) -> Bounds {
        Bounds { text_bytes: self.settings.text_bytes_max, values: self.settings.values_max }
    }

    fn add(&self, place: &Place<'_>, terms: &Terms) -> Result<(), StoreError> {
        let (fields, mut document) = (&self.fields, TantivyDocument::default());
        document.add_text(fields.key, place.key);
        document.add_text(fields.id, place.id);
        document.add_text(fields.object_type, place.object_type);
        document.add_text(fields.origin, place.origin);
        document.add_u64(fields.class, u64::from(place.class));
        document.add_u64(fields.set, u64::from(place.set));
        document.add_u64(fields.position, place.position);
        document.add_i64(fields.date, place.date.micros());
        for (field, texts) in [(fields.words, &terms.texts), (fields.value, &terms.values)] {
            for text in texts {
                document.add_text(field, text);
            }
        }
        for (field, text) in [(fields.name, &terms.name), (fields.of, &terms.of)] {
            if let Some(text) = text {
                document.add_text(field, text);
            }
        }
        self.writer.add_document(document)?;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let date = self.store.read()?.date_of(self.taken)?;
        let date = date.ok_or(StoreError::Damaged("the log has lost an entry that the search index has applied"))?;
        let mut prepared = self.writer.prepare_commit()?;
        prepared.set_payload(&payload(self.taken, date));
        prepared.commit()?;
        self.reader.reload()?;
        self.committed = self.taken;
        self.committed_at = Instant::now();
        (self.pending, self.unsettled) = (false, true);
        self.progress.set(self.taken);
        tracing::debug!(
            applied = self.taken,
            segments = self.index.searchable_segment_ids()?.len(),
            "search index committed"
        );
        Ok(())
    }
}

/// The plain part of a document.
struct Place<'a> {
    key: &'a str,
    id: &'a str,
    object_type: &'a str,
    origin: &'a str,
    class: u32,
    set: u32,
    position: u64,
    date: Timestamp,
}

/// Which document a statement is: one of each origin and id.
pub(super) fn statement_key(id: &StixId, origin: &CentreCode) -> String {
    format!("{origin} {id}")
}
