//! Are the logs what was written? For a centre that does not run; and for one that does: is the catalog what its log makes?

use std::path::{Path, PathBuf};

use model::time::Timestamp;
use redb::{Database, Key, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, Value};
use serde::Serialize;

use crate::catalog::{
    COUNTS, DEFINITIONS, HIT_KEYS, HITS, HITS_OF, LINKS, META, PLACES, PRINCIPALS, QUARANTINE, REFERRERS, ROWS,
    SENSORS, TYPES,
};
use crate::disclosure::each_disclosure;
use crate::error::StoreError;
use crate::keys::Keyring;
use crate::link::LinkLog;
use crate::log::entry::Envelope;
use crate::log::file::LogFile;
use crate::read::table_or;
use crate::store::{Store, applied_in};

const REBUILD_CACHE_BYTES: usize = 8 << 20;

/// What a look through all logs of a folder found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Verified {
    /// Each log that there is.
    pub logs: Vec<VerifiedLog>,
}

impl Verified {
    /// Nothing is damaged.
    pub fn is_whole(&self) -> bool {
        self.logs.iter().all(|log| log.damage.is_none())
    }
}

/// What a look through one log found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct VerifiedLog {
    /// Its file's name.
    pub file: String,
    /// Entries that are what was written, from the first on.
    pub entries: u64,
    /// Frames, of the logs that have them.
    pub frames: u64,
    /// Entries whose key was destroyed; they are in place.
    pub erased: u64,
    /// What is wrong behind those entries; nothing further was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
}

impl Store {
    /// Goes through the object log, the disclosure log and the link logs in the folder of a centre that does not run: every
    /// page has its checksum, sequences are dense, dates increase, every leaf and chain follows, every body opens.
    pub fn verify(folder: &Path, master: &[u8]) -> Result<Verified, StoreError> {
        let keys = Keyring::open_existing(&folder.join("keys.redb"), master)?;
        let mut found = Verified::default();
        found.logs.push(looked_through(&folder.join("objects.redb"), |path, log| verify_objects(path, &keys, log))?);
        found.logs.push(looked_through(&folder.join("disclosures.redb"), |path, log| {
            let file = LogFile::open_checked(path)?;
            log.frames = file.frames()?;
            each_disclosure(&file, &keys, 1, |sequence, _, body| {
                log.entries = sequence;
                log.erased += u64::from(body.is_empty());
                true
            })
        })?);
        for (partner, path) in LinkLog::all_in(folder)? {
            found.logs.push(looked_through(&path, |path, log| {
                let mut last = 0;
                let verified = LinkLog::open_checked(path, partner.clone())?.each(Default::default(), |row| {
                    last = row.row.number;
                    true
                });
                log.entries = last;
                verified.map(|_| ())
            })?);
        }
        Ok(found)
    }

    /// Builds the catalog anew from the log, in a file that is removed afterwards, and compares: is it the one that there is?
    /// What differs is written to the log of the program. May run beside readers and the writer.
    pub fn equals_rebuild(&self) -> Result<bool, StoreError> {
        let shared = self.shared();
        let there = shared.catalog.begin_read()?;
        let until = applied_in(&there)?;
        let path = self.folder().join("rebuild.redb");
        let removed = |path: &Path| match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::Folder { path: path.to_owned(), source: error })
            }
            _ => Ok(()),
        };
        removed(&path)?;
        let rebuilt =
            Database::builder().set_cache_size(REBUILD_CACHE_BYTES).create(&path).map_err(StoreError::open(&path))?;
        let compared = shared.apply_log(&rebuilt, until).and_then(|()| differing(&there, &rebuilt.begin_read()?));
        drop(rebuilt);
        removed(&path)?;
        let differing = compared?;
        for table in &differing {
            tracing::error!(table, "a table of the catalog is not what the log makes of it");
        }
        Ok(differing.is_empty())
    }
}

/// What `look` finds in a file. Damage is what was looked for; that a file cannot be read at all is an error.
fn looked_through(
    path: &Path,
    look: impl FnOnce(&PathBuf, &mut VerifiedLog) -> Result<(), StoreError>,
) -> Result<VerifiedLog, StoreError> {
    let path = path.to_owned();
    if !path.is_file() {
        return Err(StoreError::Missing(path));
    }
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut log = VerifiedLog { file, ..VerifiedLog::default() };
    match look(&path, &mut log) {
        Ok(()) => {}
        Err(StoreError::Open { source, .. }) if matches!(*source, redb::DatabaseError::DatabaseAlreadyOpen) => {
            return Err(StoreError::Open { path, source });
        }
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            log.damage = Some(format!("{error}{cause}"));
        }
    }
    Ok(log)
}

fn verify_objects(path: &Path, keys: &Keyring, found: &mut VerifiedLog) -> Result<(), StoreError> {
    let file = LogFile::open_checked(path)?;
    found.frames = file.frames()?;
    let mut last = Timestamp::from_micros(i64::MIN);
    let mut body = Vec::new();
    file.each(1, |sequence, entry| {
        let envelope: Envelope = postcard::from_bytes(entry.envelope)?;
        if envelope.date <= last {
            return Err(StoreError::Damaged("the dates of the log do not increase"));
        }
        last = envelope.date;
        body.clear();
        if !entry.body.is_empty() {
            match keys.unseal(envelope.key, entry.envelope, entry.body, &mut body) {
                Ok(()) => {}
                Err(StoreError::Erased) => found.erased += 1,
                Err(error) => return Err(error),
            }
        }
        found.entries = sequence;
        Ok(true)
    })
}

fn differing(there: &ReadTransaction, rebuilt: &ReadTransaction) -> Result<Vec<&'static str>, StoreError> {
    let mut found = Vec::new();
    let mut compare = |name, same: Result<bool, StoreError>| -> Result<(), StoreError> {
        if !same? {
            found.push(name);
        }
        Ok(())
    };
    compare("meta", same(there, rebuilt, META))?;
    compare("definitions", same(there, rebuilt, DEFINITIONS))?;
    compare("rows", same(there, rebuilt, ROWS))?;
    compare("places", same(there, rebuilt, PLACES))?;
    compare("types", same(there, rebuilt, TYPES))?;
    compare("referrers", same(there, rebuilt, REFERRERS))?;
    compare("hits", same(there, rebuilt, HITS))?;
    compare("hit-keys", same(there, rebuilt, HIT_KEYS))?;
    compare("hits-of", same(there, rebuilt, HITS_OF))?;
    compare("sensors", same(there, rebuilt, SENSORS))?;
    compare("links", same(there, rebuilt, LINKS))?;
    compare("quarantine", same(there, rebuilt, QUARANTINE))?;
    compare("principals", same(there, rebuilt, PRINCIPALS))?;
    compare("counts", same(there, rebuilt, COUNTS))?;
    Ok(found)
}

fn same<K: Key + 'static, V: Value + 'static>(
    there: &ReadTransaction,
    rebuilt: &ReadTransaction,
    table: TableDefinition<'static, K, V>,
) -> Result<bool, StoreError> {
    let (Some(there), Some(rebuilt)) = (table_or(there.open_table(table))?, table_or(rebuilt.open_table(table))?)
    else {
        return Ok(false);
    };
    let (mut there, mut rebuilt) = (there.iter()?, rebuilt.iter()?);
    loop {
        match (there.next().transpose()?, rebuilt.next().transpose()?) {
            (None, None) => return Ok(true),
            (Some((key, value)), Some((other_key, other)))
                if K::as_bytes(&key.value()).as_ref() == K::as_bytes(&other_key.value()).as_ref()
                    && V::as_bytes(&value.value()).as_ref() == V::as_bytes(&other.value()).as_ref() => {}
            _ => return Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::time::Clock;

    use super::*;
    use crate::{NewEntry, Settings};

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(5)
        }
    }

    #[tokio::test]
    async fn a_catalog_that_is_not_what_its_log_makes_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let (clock, classes) = (Arc::new(Still), Arc::default());
        let store = Store::open(folder.path(), Settings::default(), &[1; 32], clock, classes).unwrap();
        assert!(store.equals_rebuild().unwrap(), "of an empty log");
        store.append(vec![NewEntry::Refused { submitter: None, code: "x".to_owned() }]).await.unwrap();
        assert!(store.equals_rebuild().unwrap());
        let transaction = store.shared().catalog.begin_write().unwrap();
        transaction.open_table(COUNTS).unwrap().insert("refused", 2).unwrap();
        transaction.commit().unwrap();
        assert!(!store.equals_rebuild().unwrap());
        assert!(!folder.path().join("rebuild.redb").exists());
    }
}
