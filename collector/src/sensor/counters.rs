//! What a sensor counts.

use std::sync::atomic::{AtomicU64, Ordering};

use matching::TrackerCounts;
use serde::Serialize;

use crate::spool::Spool;

/// A count, or a size, that one thread writes and others read.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(super) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts since the sensor started, and sizes as they are now.
#[derive(Debug, Default)]
pub struct Counters {
    pub(super) heard: Count,
    pub(super) matched: Count,
    pub(super) hits: Count,
    pub(super) hits_cut: Count,
    pub(super) unspooled: Count,
    pub(super) batches: Count,
    pub(super) refused: Count,
    pub(super) failures: Count,
    pub(super) rules: Count,
    pub(super) rules_not_matched: Count,
    pub(super) rules_failures: Count,
    late: Count,
    evicted: Count,
    exhausted: Count,
    restarted: Count,
    last: Count,
    acknowledged: Count,
    dropped: Count,
    bytes: Count,
}

/// A reading of [`Counters`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Observations heard.
    pub heard: u64,
    /// Observations with a hit.
    pub matched: u64,
    /// Hits.
    pub hits: u64,
    /// Hits beyond the bound of one observation, not told.
    pub hits_cut: u64,
    /// Observations lost because they could not be spooled: the disk was full.
    pub unspooled: u64,
    /// Observations dropped by the full spool, or found damaged in it.
    pub dropped: u64,
    /// Observations that the centre refuses, each by itself.
    pub refused: u64,
    /// Batches that the centre acknowledged.
    pub batches: u64,
    /// Deliveries that failed and were tried again.
    pub failures: u64,
    /// Rules in use.
    pub rules: u64,
    /// Rules that cannot be matched here.
    pub rules_not_matched: u64,
    /// Breaks of the rules stream.
    pub rules_failures: u64,
    /// Observations that came too late for the patterns of several observations.
    pub late: u64,
    /// Observations that those patterns had to forget before their time.
    pub evicted: u64,
    /// Searches for a match of those patterns that ended at their bound.
    pub exhausted: u64,
    /// Times that everything remembered for them was dropped, because the time had run ahead.
    pub restarted: u64,
    /// Last spool sequence.
    pub last: u64,
    /// Last spool sequence that the centre acknowledged.
    pub acknowledged: u64,
    /// Bytes of the spool.
    pub spool_bytes: u64,
}

impl Counters {
    /// Reads all of them.
    pub fn figures(&self) -> Figures {
        Figures {
            heard: self.heard.read(),
            matched: self.matched.read(),
            hits: self.hits.read(),
            hits_cut: self.hits_cut.read(),
            unspooled: self.unspooled.read(),
            dropped: self.dropped.read(),
            refused: self.refused.read(),
            batches: self.batches.read(),
            failures: self.failures.read(),
            rules: self.rules.read(),
            rules_not_matched: self.rules_not_matched.read(),
            rules_failures: self.rules_failures.read(),
            late: self.late.read(),
            evicted: self.evicted.read(),
            exhausted: self.exhausted.read(),
            restarted: self.restarted.read(),
            last: self.last.read(),
            acknowledged: self.acknowledged.read(),
            spool_bytes: self.bytes.read(),
        }
    }

    pub(super) fn tracker(&self, counts: TrackerCounts) {
        self.late.set(counts.late);
        self.evicted.set(counts.evicted);
        self.exhausted.set(counts.exhausted);
        self.restarted.set(counts.restarted);
    }

    pub(super) fn spool(&self, spool: &Spool) {
        self.last.set(spool.last());
        self.acknowledged.set(spool.acknowledged());
        self.dropped.set(spool.dropped());
        self.bytes.set(spool.bytes());
    }
}
