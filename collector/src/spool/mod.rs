//! What a sensor heard and its centre does not hold yet, on disk. Sequence numbers are dense from 1 and stand for one observation for
//! ever: a number is given out for sending only when its record is durable, so that neither a crash nor a loss of power reuses it.
//!
//! Bounded in bytes: when full, the oldest segment goes, and what of it was not acknowledged is counted; the centre sees the gap.

mod segment;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use segment::{HEAD_BYTES, Records};

/// Bounds of a spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Most bytes on disk; then the oldest segment is dropped.
    pub bytes: u64,
    /// A segment of this many bytes is closed and a new one begun.
    pub segment_bytes: u64,
    /// Most bytes of one record.
    pub record_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { bytes: 1 << 30, segment_bytes: 8 << 20, record_bytes: 4 << 20 }
    }
}

/// Why a spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The centre says what cannot be.
    #[error("the centre says that it holds {0} observations of this sensor, which cannot be: ask who runs it")]
    Cursor(u64),
    /// Another sensor uses the folder.
    #[error("the spool `{0}` is in use by another sensor: give each sensor a folder of its own")]
    InUse(PathBuf),
    /// The disk is full, and nothing of the spool is left to drop.
    #[error("the disk under the spool `{0}` is full: make room")]
    Full(PathBuf),
    /// The file system says no.
    #[error("cannot {action} in the spool `{folder}`: check the folder, its owner and its disk")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        folder: PathBuf,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

/// A closed segment.
#[derive(Debug)]
struct Sealed {
    first: u64,
    /// The sequence number after its last record.
    end: u64,
    bytes: u64,
}

/// Consecutive records.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    /// Sequence number of the first.
    pub first: u64,
    /// The records.
    pub records: Vec<Vec<u8>>,
    /// Where to read on.
    pub next: u64,
}

/// A spool.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    settings: Settings,
    sealed: VecDeque<Sealed>,
    active: File,
    active_first: u64,
    active_bytes: u64,
    next: u64,
    acknowledged: u64,
    dropped: u64,
    /// Of what is below, it is counted already what was dropped.
    counted: u64,
    /// Nothing was ever agreed on with a centre: it may hold numbers of a spool that this folder had before.
    fresh: bool,
    reading: Option<Records>,
    _lock: File,
}

/// Stands in the folder of a spool that is [`Spool::fresh`].
const FRESH: &str = "fresh";

impl Spool {
    /// Opens the spool in `folder`, or makes one. What a crash left of a record at its end is cut off.
    pub fn open(folder: &Path, settings: Settings) -> Result<Self, SpoolError> {
        std::fs::create_dir_all(folder).map_err(failed("make the folder", folder))?;
        let lock = File::create(folder.join("lock")).map_err(failed("make the lock file", folder))?;
        if lock.try_lock().is_err() {
            return Err(SpoolError::InUse(folder.to_owned()));
        }
        let mut firsts = segment::list(folder).map_err(failed("list the segments", folder))?;
        let marker = folder.join(FRESH);
        let (active_first, (active, next, active_bytes)) = match firsts.pop() {
            Some(last) => {
                let opened = segment::reopen(folder, last, settings.record_bytes);
                (last, opened.map_err(failed("open the last segment", folder))?)
            }
            None => {
                let made = File::create(&marker).and_then(|_| segment::create(folder, 1, |_| Ok(())));
                (1, (made.map_err(failed("make a segment", folder))?, 1, HEAD_BYTES))
            }
        };
        let ends = firsts.iter().skip(1).copied().chain([active_first]);
        let mut sealed = VecDeque::new();
        for (first, end) in firsts.iter().copied().zip(ends) {
            let file = std::fs::metadata(segment::path(folder, first));
            sealed.push_back(Sealed { first, end, bytes: file.map_err(failed("see a segment", folder))?.len() });
        }
        let oldest = sealed.front().map_or(active_first, |segment| segment.first);
        Ok(Self {
            folder: folder.to_owned(),
            settings,
            sealed,
            active,
            active_first,
            active_bytes,
            next,
            acknowledged: oldest.saturating_sub(1),
            dropped: 0,
            counted: 0,
            fresh: marker.exists(),
            reading: None,
            _lock: lock,
        })
    }

    /// The last sequence number that is durable here; 0: none ever was.
    pub fn last(&self) -> u64 {
        self.next - 1
    }

    /// The last sequence number that the centre acknowledged, as far as is known here.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Records that were dropped, or found damaged, before the centre held them, since this spool was opened.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Bytes on disk.
    pub fn bytes(&self) -> u64 {
        self.sealed.iter().map(|segment| segment.bytes).sum::<u64>().saturating_add(self.active_bytes)
    }

    /// Nothing was agreed on with a centre yet.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Appends `records`, all durable when this returns; they share one write and one sync.
    pub fn append<'a>(&mut self, records: impl IntoIterator<Item = &'a [u8]>) -> Result<(), SpoolError> {
        let mut bytes = Vec::new();
        let mut next = self.next;
        for record in records {
            if record.len() > self.settings.record_bytes {
                tracing::error!(bytes = record.len(), "a record is beyond the spool's bound and not kept");
                self.dropped += 1;
                continue;
            }
            segment::write_record(next, record, &mut bytes);
            next += 1;
        }
        if next == self.next {
            return Ok(());
        }
        if self.active_bytes >= self.settings.segment_bytes {
            self.seal()?;
        }
        while self.bytes().saturating_add(bytes.len() as u64) > self.settings.bytes && self.drop_oldest()? {}
        self.write(&bytes)?;
        if let Err(error) = self.active.sync_data() {
            // Best effort: what is not known to be durable shall not be found again after the numbers went to others.
            let _ = self.active.set_len(self.active_bytes);
            return Err(failed("make records durable", &self.folder)(error));
        }
        self.active_bytes += bytes.len() as u64;
        self.next = next;
        Ok(())
    }

    /// Writes at the end; a full disk costs the oldest segment.
    fn write(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        loop {
            let Err(error) = self.active.write_all_at(bytes, self.active_bytes) else { return Ok(()) };
            self.active.set_len(self.active_bytes).map_err(failed("take back half a record", &self.folder))?;
            let error = failed("write records", &self.folder)(error);
            if !matches!(error, SpoolError::Full(_)) || !self.drop_oldest()? {
                return Err(error);
            }
        }
    }

    /// Closes the active segment and begins the next.
    fn seal(&mut self) -> Result<(), SpoolError> {
        let file = segment::create(&self.folder, self.next, |_| Ok(()));
        let file = file.map_err(failed("make a segment", &self.folder))?;
        let old = Sealed { first: self.active_first, end: self.next, bytes: self.active_bytes };
        self.sealed.push_back(old);
        self.active = file;
        self.active_first = self.next;
        self.active_bytes = HEAD_BYTES;
        Ok(())
    }

    /// Drops the oldest segment; false if nothing is left to drop.
    fn drop_oldest(&mut self) -> Result<bool, SpoolError> {
        if self.sealed.is_empty() && self.active_first < self.next {
            self.seal()?;
        }
        let Some(oldest) = self.sealed.pop_front() else { return Ok(false) };
        let unsent = self.count_dropped(oldest.first, oldest.end);
        tracing::warn!(first = oldest.first, observations = unsent, "the spool is full: its oldest segment is dropped");
        self.remove(oldest.first)?;
        Ok(true)
    }

    /// Counts what the centre does not hold of `first..end`, each number once.
    fn count_dropped(&mut self, first: u64, end: u64) -> u64 {
        let unsent = end.saturating_sub(first.max(self.acknowledged + 1).max(self.counted));
        self.counted = self.counted.max(end);
        self.dropped = self.dropped.saturating_add(unsent);
        unsent
    }

    fn remove(&mut self, first: u64) -> Result<(), SpoolError> {
        if self.reading.as_ref().is_some_and(|records| records.first == first) {
            self.reading = None;
        }
        match std::fs::remove_file(segment::path(&self.folder, first)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove a segment", &self.folder)(error))
            }
            _ => Ok(()),
        }
    }

    /// The centre holds everything up to `sequence`: segments that hold nothing else go.
    pub fn acknowledge(&mut self, sequence: u64) -> Result<(), SpoolError> {
        self.acknowledged = self.acknowledged.max(sequence.min(self.last()));
        while let Some(oldest) = self.sealed.front()
            && oldest.end <= self.acknowledged + 1
        {
            let first = oldest.first;
            self.sealed.pop_front();
            self.remove(first)?;
        }
        Ok(())
    }

    /// Settles with a centre that says what it holds of this sensor, before anything is sent to it. Should it hold more than was ever
    /// numbered here (the folder was lost), numbers go on after the centre's, and what was heard meanwhile is numbered anew.
    pub fn settle(&mut self, cursor: u64) -> Result<(), SpoolError> {
        if cursor >= segment::SEQUENCE_MAX {
            return Err(SpoolError::Cursor(cursor));
        }
        if cursor > self.last() || (self.fresh && cursor > 0) {
            tracing::warn!(
                cursor,
                last = self.last(),
                "the centre holds more of this sensor than its spool: numbers go on after the centre's"
            );
            self.renumber(cursor + 1)?;
        }
        if self.fresh {
            let removed =
                std::fs::remove_file(self.folder.join(FRESH)).and_then(|()| segment::sync_folder(&self.folder));
            removed.map_err(failed("note the agreement with the centre", &self.folder))?;
            self.fresh = false;
        }
        self.acknowledge(cursor)
    }

    /// A new segment from `first` on takes the place of all others. It takes over their records if none was ever sent.
    fn renumber(&mut self, first: u64) -> Result<(), SpoolError> {
        let (mut from, mut next, mut length) = (self.acknowledged + 1, first, HEAD_BYTES);
        let folder = self.folder.clone();
        let made = segment::create(&folder, first, |file| {
            while self.fresh && from < self.next {
                let run = self.read(from, 1_000, 1 << 20).map_err(io::Error::other)?;
                let mut bytes = Vec::new();
                for record in &run.records {
                    segment::write_record(next, record, &mut bytes);
                    next += 1;
                }
                file.write_all(&bytes)?;
                length += bytes.len() as u64;
                from = run.next;
            }
            Ok(())
        });
        let file = made.map_err(failed("number records anew", &folder))?;
        let old: Vec<u64> = self.sealed.drain(..).map(|segment| segment.first).chain([self.active_first]).collect();
        self.reading = None;
        (self.active, self.active_first, self.active_bytes) = (file, first, length);
        (self.next, self.acknowledged) = (next, first - 1);
        // With the same first number the new segment took the old one's name.
        old.into_iter().filter(|old| *old != first).try_for_each(|old| self.remove(old))
    }

    /// Reads on from `from`: at most `most` records and, after the first, at most `bytes` bytes. Begins later where records were dropped.
    pub fn read(&mut self, from: u64, most: usize, bytes: usize) -> Result<Run, SpoolError> {
        let oldest = self.sealed.front().map_or(self.active_first, |segment| segment.first);
        let mut run = Run { first: from.max(oldest), records: Vec::new(), next: from.max(oldest) };
        let mut total = 0;
        while run.next < self.next && run.records.len() < most.max(1) {
            let end = self.position(run.next)?;
            let Some(records) = &mut self.reading else { break };
            match records.next().map_err(failed("read records", &self.folder))? {
                Some(record) if run.records.is_empty() || total + record.len() <= bytes => {
                    total += record.len();
                    run.records.push(record);
                    run.next += 1;
                }
                Some(record) => {
                    records.give_back(record);
                    break;
                }
                None if !run.records.is_empty() => break,
                None => {
                    let lost = self.count_dropped(run.next, end);
                    tracing::error!(
                        from = run.next,
                        records = lost,
                        "a segment of the spool is damaged: the rest of it is lost"
                    );
                    self.reading = None;
                    (run.first, run.next) = (end, end);
                }
            }
        }
        Ok(run)
    }

    /// Brings the reader to `sequence`; gives the end of its segment.
    fn position(&mut self, sequence: u64) -> Result<u64, SpoolError> {
        let found =
            self.sealed.iter().find(|segment| sequence < segment.end).map(|segment| (segment.first, segment.end));
        let (first, end) = found.unwrap_or((self.active_first, self.next));
        if self.reading.as_ref().is_none_or(|records| records.first != first || records.sequence != sequence) {
            let opened = Records::open(&segment::path(&self.folder, first), first, self.settings.record_bytes);
            let mut records = opened.map_err(failed("open a segment", &self.folder))?;
            while records.sequence < sequence && records.next().map_err(failed("read records", &self.folder))?.is_some()
            {
            }
            self.reading = Some(records);
        }
        Ok(end)
    }
}

fn failed<'a>(action: &'static str, folder: &'a Path) -> impl Fn(io::Error) -> SpoolError + use<'a> {
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SpoolError::Full(folder.to_owned()),
        _ => SpoolError::Io { action, folder: folder.to_owned(), source },
    }
}

#[cfg(test)]
mod tests;
