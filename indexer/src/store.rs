//! The store of one centre: one writer, many readers, one sequence of entries.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use model::time::Clock;
use redb::{Database, ReadTransaction, ReadableDatabase};
use serde::{Deserialize, Serialize};
use sharing::ClassTable;
use tokio::sync::{mpsc, oneshot, watch};

use crate::catalog::{DEFINITIONS, FORMAT, META, Tables};
use crate::disclosure::DisclosureLog;
use crate::error::StoreError;
use crate::file::open_or_make;
use crate::keys::{KeyName, Keyring};
use crate::log::entry::{Envelope, Head, NewEntry};
use crate::log::file::LogFile;
use crate::read::Snapshot;
use crate::writer::{Writer, refers_to};

/// Bounds of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Cache of the log's file, bytes.
    pub log_cache_bytes: usize,
    /// Cache of the catalog's file, bytes.
    pub catalog_cache_bytes: usize,
    /// Appends that may wait for the writer; a further one waits to wait.
    pub queue: usize,
    /// Most entries in one commit.
    pub commit_entries: usize,
    /// How often the catalog becomes durable, milliseconds; what it lacks after a crash is read from the log.
    pub catalog_durable_ms: u64,
    /// Cache of the disclosure log's file, bytes.
    pub disclosure_cache_bytes: usize,
    /// Disclosures that may wait for their writer; a further one waits to wait.
    pub disclosure_queue: usize,
    /// Most disclosures in one commit.
    pub disclosure_commit_entries: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            log_cache_bytes: 4 << 20,
            catalog_cache_bytes: 12 << 20,
            queue: 256,
            commit_entries: 20_000,
            catalog_durable_ms: 1_000,
            disclosure_cache_bytes: 1 << 20,
            disclosure_queue: 1_024,
            disclosure_commit_entries: 1_024,
        }
    }
}

/// What an append got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Its sequence number. Never leaves the node.
    pub sequence: u64,
    /// Its date: what TAXII calls date added.
    pub date: model::time::Timestamp,
}

/// One append on its way to the writer.
pub(crate) struct Request {
    pub(crate) entries: Vec<NewEntry>,
    pub(crate) answer: oneshot::Sender<Result<Vec<Appended>, StoreError>>,
}

/// What readers and writer share.
pub(crate) struct Shared {
    pub(crate) log: LogFile,
    pub(crate) catalog: Database,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) classes: Arc<ClassTable>,
}

/// The store of one centre.
pub struct Store {
    folder: PathBuf,
    shared: Arc<Shared>,
    requests: Mutex<Option<mpsc::Sender<Request>>>,
    head: watch::Receiver<u64>,
    writer: Mutex<Option<std::thread::JoinHandle<()>>>,
    disclosures: Arc<DisclosureLog>,
}

impl Store {
    /// Opens or makes the store in `folder`. `master` is the master key, 32 bytes; `classes` is filled from the log.
    pub fn open(
        folder: &Path,
        settings: Settings,
        master: &[u8],
        clock: Arc<dyn Clock>,
        classes: Arc<ClassTable>,
    ) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder).map_err(|source| StoreError::Folder { path: folder.to_owned(), source })?;
        let log = LogFile::open(&folder.join("objects.redb"), settings.log_cache_bytes)?;
        let keys = Arc::new(Keyring::open(&folder.join("keys.redb"), master)?);
        let catalog = open_catalog(&folder.join("catalog.redb"), settings.catalog_cache_bytes, log.next()?)?;
        let shared = Arc::new(Shared { log, catalog, keys, classes });
        shared.load_definitions()?;
        shared.catch_up()?;
        let disclosures = LogFile::open(&folder.join("disclosures.redb"), settings.disclosure_cache_bytes)?;
        Self::start(folder, settings, shared, disclosures, clock)
    }

    /// Starts the writers of a store whose files are open.
    pub(crate) fn start(
        folder: &Path,
        settings: Settings,
        shared: Arc<Shared>,
        disclosures: LogFile,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let disclosures = DisclosureLog::start(disclosures, &settings, Arc::clone(&shared.keys), Arc::clone(&clock))?;
        let (sender, receiver) = mpsc::channel(settings.queue.max(1));
        let next = shared.log.next()?;
        let (head, watch) = watch::channel(next.saturating_sub(1));
        let writer = Writer::new(Arc::clone(&shared), settings, clock, next, head)?;
        let thread = std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || writer.run(receiver))
            .map_err(StoreError::Thread)?;
        Ok(Self {
            folder: folder.to_owned(),
            shared,
            requests: Mutex::new(Some(sender)),
            head: watch,
            writer: Mutex::new(Some(thread)),
            disclosures: Arc::new(disclosures),
        })
    }

    /// Appends all of `entries` or none. Durable, and seen by every later read, when it returns.
    pub async fn append(&self, entries: Vec<NewEntry>) -> Result<Vec<Appended>, StoreError> {
        let (answer, receive) = oneshot::channel();
        let sender =
            self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(StoreError::WriterGone)?;
        sender.send(Request { entries, answer }).await.map_err(|_| StoreError::WriterGone)?;
        receive.await.map_err(|_| StoreError::WriterGone)?
    }

    /// As it stands now.
    pub fn read(&self) -> Result<Snapshot, StoreError> {
        Snapshot::new(&self.shared)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The last sequence that readers see; changes with every commit. Closed when the writer has ended, which it also does
    /// when the log cannot be written: nothing can be appended any more.
    pub fn head(&self) -> watch::Receiver<u64> {
        self.head.clone()
    }

    /// The classes of this store.
    pub fn classes(&self) -> &Arc<ClassTable> {
        &self.shared.classes
    }

    /// The disclosure log of this store.
    pub fn disclosures(&self) -> Arc<DisclosureLog> {
        Arc::clone(&self.disclosures)
    }

    /// Takes no more appends and disclosures, and waits until what was accepted is durable, the catalog too.
    pub fn close(&self) {
        drop(self.requests.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take()
            && thread.join().is_err()
        {
            tracing::error!("the log's writer ended in disorder");
        }
        self.disclosures.close();
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

/// Opens the catalog; one that is damaged, of another format, or ahead of its log, is set aside and made anew.
fn open_catalog(path: &Path, cache_bytes: usize, log_next: u64) -> Result<Database, StoreError> {
    match open_or_make(path, cache_bytes) {
        Ok(database) if usable(&database, log_next).unwrap_or(false) => return Ok(database),
        Err(StoreError::Open { path, source }) if matches!(*source, redb::DatabaseError::DatabaseAlreadyOpen) => {
            return Err(StoreError::Open { path, source });
        }
        _ => {}
    }
    tracing::warn!("the catalog cannot be used; it is rebuilt from the log");
    let aside: PathBuf = path.with_extension("damaged");
    std::fs::rename(path, &aside).map_err(|source| StoreError::Folder { path: aside, source })?;
    open_or_make(path, cache_bytes)
}

fn usable(catalog: &Database, log_next: u64) -> Result<bool, StoreError> {
    let applied = applied(catalog)?;
    Ok(applied == 0 || (applied < log_next && meta(&catalog.begin_read()?, "format")? == FORMAT))
}

/// The last sequence that a catalog has applied; 0 if none.
pub(crate) fn applied(catalog: &Database) -> Result<u64, StoreError> {
    applied_in(&catalog.begin_read()?)
}

/// As [`applied`], at one moment.
pub(crate) fn applied_in(transaction: &ReadTransaction) -> Result<u64, StoreError> {
    meta(transaction, "applied")
}

fn meta(transaction: &ReadTransaction, name: &str) -> Result<u64, StoreError> {
    match transaction.open_table(META) {
        Ok(table) => Ok(table.get(name)?.map_or(0, |value| value.value())),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

impl Shared {
    fn load_definitions(&self) -> Result<(), StoreError> {
        let transaction = self.catalog.begin_read()?;
        let table = match transaction.open_table(DEFINITIONS) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        for row in redb::ReadableTable::iter(&table)? {
            self.classes.define(&postcard::from_bytes(row?.1.value())?)?;
        }
        Ok(())
    }

    /// Applies what the log has and the catalog lacks.
    pub(crate) fn catch_up(&self) -> Result<(), StoreError> {
        self.apply_log(&self.catalog, u64::MAX)
    }

    /// Applies what the log has, up to an entry, and `catalog` lacks.
    pub(crate) fn apply_log(&self, catalog: &Database, until: u64) -> Result<(), StoreError> {
        let from = applied(catalog)?.saturating_add(1);
        let mut transaction = catalog.begin_write()?;
        transaction.set_quick_repair(true);
        let mut tables = Tables::open(&transaction)?;
        self.log.each(from, |sequence, entry| {
            if sequence > until {
                return Ok(false);
            }
            let envelope: Envelope = postcard::from_bytes(entry.envelope)?;
            let references = match &envelope.head {
                Head::Definition(definition) => {
                    self.classes.define(definition)?;
                    Vec::new()
                }
                Head::Statement(_) => self.references(envelope.key, entry.envelope, entry.body)?,
                _ => Vec::new(),
            };
            tables.apply(sequence, &envelope, entry.envelope, entry.body, &references)?;
            Ok(true)
        })?;
        tables.finish()?;
        transaction.commit()?;
        Ok(())
    }

    /// What a stored statement refers to. One whose key was destroyed refers to nothing any more.
    pub(crate) fn references(
        &self,
        key: KeyName,
        envelope: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<model::stix::StixId>, StoreError> {
        let mut body = Vec::new();
        match self.keys.unseal(key, envelope, sealed, &mut body) {
            Ok(()) => Ok(refers_to(&body)),
            Err(StoreError::Erased) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}
