//! The search index (ADR 6): tantivy stays inside. It follows the log by itself, is filtered by class inside the query, and
//! shows nothing that the store would not show to the same reader.
//!
//! Architecture invariant: nothing is counted, ordered or scored by what the reader may not see.

mod ask;
mod follow;
mod look;
mod query;
mod schema;
mod terms;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use sharing::Visibility;
use tantivy::IndexReader;

use crate::error::StoreError;
use crate::read::{Change, Hit, Snapshot, Statement};
use crate::store::Store;
use follow::{Progress, statement_key};
pub use query::{QueryFault, SearchQuery};
use schema::Fields;

/// Bounds of the search index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Shortest time between two commits, milliseconds.
    pub commit_ms: u64,
    /// The same while the index is further behind than `behind_max`, milliseconds: fewer commits make fewer files to merge.
    pub rebuild_ms: u64,
    /// How long a search waits for what was in the log when it began, milliseconds. What is not applied then is left out.
    pub wait_ms: u64,
    /// Most entries that the index may lack for a search; further behind, it is not available.
    pub behind_max: u64,
    /// Entries that are taken over at once.
    pub batch_entries: usize,
    /// Memory for indexing, bytes; at least 15,000,000.
    pub memory_bytes: usize,
    /// Pause before the index tries again after a failure, milliseconds.
    pub retry_ms: u64,
    /// Longest query, bytes.
    pub query_bytes_max: usize,
    /// Most words and values in one query.
    pub terms_max: usize,
    /// Most text of one object that is indexed, bytes; by what stands behind it, it is not found.
    pub text_bytes_max: usize,
    /// Most values of one object that are indexed.
    pub values_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            commit_ms: 200,
            rebuild_ms: 5_000,
            wait_ms: 1_000,
            behind_max: 20_000,
            batch_entries: 2_000,
            memory_bytes: 15_000_000,
            retry_ms: 5_000,
            query_bytes_max: 64 << 10,
            terms_max: 1_000,
            text_bytes_max: 256 << 10,
            values_max: 2_000,
        }
    }
}

/// Something found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A statement, as it may be seen.
    Statement(Statement),
    /// A hit.
    Hit(Hit),
}

impl Found {
    /// Its position. Never leaves the node but sealed.
    pub fn position(&self) -> u64 {
        match self {
            Self::Statement(statement) => statement.position,
            Self::Hit(hit) => hit.position,
        }
    }
}

/// How much there is of each kind.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facets {
    /// By type.
    pub types: BTreeMap<String, u64>,
    /// By origin.
    pub origins: BTreeMap<String, u64>,
    /// By TLP level, or `UNMARKED`.
    pub markings: BTreeMap<String, u64>,
}

/// A page of what was found, and the counts of the whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchPage {
    /// Newest first.
    pub found: Vec<Found>,
    /// More follow.
    pub more: bool,
    /// How many there are, whatever page this is.
    pub total: u64,
    /// The same by kind.
    pub facets: Facets,
    /// The same by the UTC hour in which they were added, earliest first; hours without any are left out.
    pub histogram: Vec<(Timestamp, u64)>,
}

/// The search index of one centre.
pub struct SearchIndex {
    store: Arc<Store>,
    settings: Settings,
    fields: Fields,
    reader: IndexReader,
    progress: Arc<Progress>,
    follower: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl SearchIndex {
    /// Opens or makes the index in `folder` and begins to follow the log of `store`. What cannot be used is rebuilt.
    pub fn open(folder: &Path, store: Arc<Store>, settings: Settings) -> Result<Self, StoreError> {
        let opened = follow::open(folder, &store)?;
        let (fields, reader, progress) = (opened.fields, opened.reader.clone(), Arc::clone(&opened.progress));
        let followed = Arc::clone(&store);
        let thread = std::thread::Builder::new()
            .name("search-index".to_owned())
            .spawn(move || follow::run(&followed, settings, opened))
            .map_err(|source| StoreError::Folder { path: folder.to_owned(), source })?;
        Ok(Self { store, settings, fields, reader, progress, follower: Mutex::new(Some(thread)) })
    }

    /// The bounds.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The sequence up to which the log is in the index.
    pub fn applied(&self) -> u64 {
        self.progress.applied()
    }

    /// What the reader may see of what `query` asks for. Blocks: it reads files, and waits for what has just been added.
    pub fn search(&self, visibility: &Visibility, query: &SearchQuery) -> Result<SearchPage, StoreError> {
        let wanted = *self.store.head().borrow();
        let applied = self.progress.reach(wanted, Duration::from_millis(self.settings.wait_ms));
        // In this order: the index that is searched is at `applied` or later, the snapshot later than both.
        let searcher = self.reader.searcher();
        let snapshot = self.store.read()?;
        let stale = self.changed_since(&snapshot, applied)?;
        let classes = ask::classes(visibility, self.store.classes(), query);
        let mut sets = Vec::new();
        for set in visibility.sets() {
            let place = set.0 as usize;
            sets.resize(sets.len().max(place.saturating_add(1)), false);
            if let Some(seen) = sets.get_mut(place) {
                *seen = true;
            }
        }
        let behind = if query.behind == 0 { u64::MAX } else { query.behind };
        let micros = |time: Option<Timestamp>, open| time.map_or(open, Timestamp::micros);
        let counter = ask::Counter {
            sets: Arc::new(sets),
            range: (micros(query.since, i64::MIN), micros(query.until, i64::MAX)),
            behind,
            keep: query.limit.saturating_add(1),
        };
        let mut tally = searcher.search(&ask::question(&self.fields, query, &classes, &stale), &counter)?;
        for document in std::mem::take(&mut tally.undecided) {
            if snapshot.at(visibility, document.position)?.is_some() {
                tally.count(document, behind);
            }
        }
        self.page(&snapshot, visibility, query.limit, tally)
    }

    /// Documents that are not what the log says by now: they are left out rather than shown as they were.
    fn changed_since(&self, snapshot: &Snapshot, applied: u64) -> Result<Vec<String>, StoreError> {
        let behind = snapshot.applied()?.saturating_sub(applied);
        if behind > self.settings.behind_max {
            return Err(StoreError::Behind(behind));
        }
        let limit = usize::try_from(behind).unwrap_or(usize::MAX);
        let mut keys = Vec::new();
        if behind > 0 {
            for (_, change) in snapshot.changes(applied.saturating_add(1), limit)? {
                match change {
                    Change::Statement(key) => keys.push(statement_key(&key.id, &key.origin)),
                    Change::Withdrawal(origin, id, _) => keys.push(statement_key(&id, &origin)),
                    Change::Hit | Change::Principal(_) | Change::Other => {}
                }
            }
        }
        Ok(keys)
    }

    fn page(
        &self,
        snapshot: &Snapshot,
        visibility: &Visibility,
        limit: usize,
        mut tally: ask::Tally,
    ) -> Result<SearchPage, StoreError> {
        let mut page = SearchPage::default();
        for (group, count) in tally.groups {
            let level = self.store.classes().meaning(group.class).and_then(|class| class.tlp);
            let level = level.map_or(query::UNMARKED, model::marking::Tlp::as_str);
            page.total += count;
            *page.facets.types.entry(group.object_type).or_default() += count;
            *page.facets.origins.entry(group.origin).or_default() += count;
            *page.facets.markings.entry(level.to_owned()).or_default() += count;
        }
        page.histogram = tally.hours.into_iter().map(|(hour, count)| (Timestamp::from_micros(hour), count)).collect();
        tally.newest.sort_unstable_by(|one, other| other.cmp(one));
        page.more = tally.newest.len() > limit;
        for position in tally.newest.into_iter().take(limit) {
            match snapshot.at(visibility, position)? {
                Some(statement) => page.found.push(Found::Statement(statement)),
                None => {
                    let hit = snapshot.hit_at(position)?.filter(|hit| visibility.sees(hit.class));
                    page.found.extend(hit.map(Found::Hit));
                }
            }
        }
        Ok(page)
    }

    /// Commits what was taken over and ends; a later [`SearchIndex::open`] goes on from there.
    pub fn close(&self) {
        self.progress.stop();
        if let Some(thread) = self.follower.lock().unwrap_or_else(PoisonError::into_inner).take()
            && thread.join().is_err()
        {
            tracing::error!("the search index ended in disorder");
        }
    }
}

impl Drop for SearchIndex {
    fn drop(&mut self) {
        self.close();
    }
}
