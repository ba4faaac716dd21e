//! The log's file: sequence of a frame's first entry → frame.

use std::path::Path;

use redb::{
    AccessGuard, Database, ReadOnlyTable, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition,
};

use super::frame::{Framed, entries, entry_at, opened};
use crate::error::StoreError;
use crate::file::{open_checked, open_or_make};

const FRAMES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("frames");
const CHECKED_CACHE_BYTES: usize = 4 << 20;

/// A log on disk.
pub(crate) struct LogFile {
    database: Database,
}

impl LogFile {
    pub(crate) fn open(path: &Path, cache_bytes: usize) -> Result<Self, StoreError> {
        Ok(Self { database: open_or_make(path, cache_bytes)? })
    }

    /// Opens a log that is there, for reading; every page of it is checked.
    pub(crate) fn open_checked(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { database: open_checked(path, CHECKED_CACHE_BYTES)? })
    }

    #[cfg(test)]
    pub(crate) fn of(database: Database) -> Self {
        Self { database }
    }

    /// How many frames there are.
    pub(crate) fn frames(&self) -> Result<u64, StoreError> {
        match self.database.begin_read()?.open_table(FRAMES) {
            Ok(table) => Ok(table.len()?),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// One durable commit of all `frames`, each with the sequence of its first entry.
    pub(crate) fn append(&self, frames: &[(u64, Vec<u8>)]) -> Result<(), StoreError> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_quick_repair(true);
        {
            let mut table = transaction.open_table(FRAMES)?;
            for (first, frame) in frames {
                table.insert(first, frame.as_slice())?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Hands each entry from sequence `from` on to `each`, in order, until it says no. Checks leaf hashes and density.
    pub(crate) fn each(
        &self,
        from: u64,
        mut each: impl FnMut(u64, &Framed<'_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let transaction = self.database.begin_read()?;
        let table = match transaction.open_table(FRAMES) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let start = table.range(..=from)?.next_back().transpose()?.map_or(from, |(first, _)| first.value());
        let mut next = start;
        for row in table.range(start..)? {
            let (first, frame) = row?;
            let mut sequence = first.value();
            if next != sequence {
                return Err(StoreError::Damaged("the log has a gap"));
            }
            for entry in entries(frame.value())? {
                if super::frame::leaf(entry.envelope, entry.body) != entry.leaf {
                    return Err(StoreError::Damaged("an entry of the log is not what was written"));
                }
                if sequence >= from && !each(sequence, &entry)? {
                    return Ok(());
                }
                sequence += 1;
            }
            next = sequence;
        }
        Ok(())
    }

    /// For looking up single entries, of those that are durable now.
    pub(crate) fn entries(&self) -> Result<Entries, StoreError> {
        let frames = match self.database.begin_read()?.open_table(FRAMES) {
            Ok(table) => Some(table),
            Err(redb::TableError::TableDoesNotExist(_)) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Entries { frames, open: None })
    }

    /// The sequence that the next entry gets; the first is 1.
    pub(crate) fn next(&self) -> Result<u64, StoreError> {
        let transaction = self.database.begin_read()?;
        let table = match transaction.open_table(FRAMES) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(1),
            Err(error) => return Err(error.into()),
        };
        match table.last()? {
            None => Ok(1),
            Some((first, frame)) => Ok(first.value() + entries(frame.value())?.len() as u64),
        }
    }
}

/// Single entries of a log. Keeps the frame it last read open: entries that are asked for in order are found by walking on.
pub(crate) struct Entries {
    frames: Option<ReadOnlyTable<u64, &'static [u8]>>,
    open: Option<OpenFrame>,
}

struct OpenFrame {
    bytes: AccessGuard<'static, &'static [u8]>,
    first: u64,
    /// One behind its last.
    end: u64,
    /// The entry to which `place` belongs.
    at: u64,
    place: usize,
}

impl OpenFrame {
    fn of(first: u64, bytes: AccessGuard<'static, &'static [u8]>) -> Result<Self, StoreError> {
        let (count, place) = opened(bytes.value())?;
        Ok(Self { bytes, first, end: first.saturating_add(u64::from(count)), at: first, place })
    }
}

impl Entries {
    /// The entry of that sequence. What a row of the catalog points to is there: a log loses nothing.
    pub(crate) fn entry(&mut self, sequence: u64) -> Result<Framed<'_>, StoreError> {
        const MISSING: StoreError = StoreError::Damaged("the log lacks an entry that the catalog knows");
        if !self.open.as_ref().is_some_and(|open| (open.first..open.end).contains(&sequence)) {
            let frames = self.frames.as_ref().ok_or(MISSING)?;
            let (first, bytes) = frames.range(..=sequence)?.next_back().transpose()?.ok_or(MISSING)?;
            self.open = Some(OpenFrame::of(first.value(), bytes)?);
        }
        let open = self.open.as_mut().filter(|open| sequence < open.end).ok_or(MISSING)?;
        if sequence < open.at {
            (open.at, open.place) = (open.first, opened(open.bytes.value())?.1);
        }
        while open.at < sequence {
            open.place = entry_at(open.bytes.value(), open.place)?.1;
            open.at += 1;
        }
        Ok(entry_at(open.bytes.value(), open.place)?.0)
    }
}
