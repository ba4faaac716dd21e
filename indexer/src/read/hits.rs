//! Hits with their evidence, and what is kept aside.

use model::fault::Fault;
use model::principal::{CentreCode, PrincipalName};
use model::stix::StixId;
use model::time::Timestamp;
use sharing::{ClassId, Visibility};

use super::{Snapshot, table_or};
use redb::ReadableTable;

use crate::catalog::{HITS, HITS_OF, QUARANTINE, after, id_prefix, position_of};
use crate::error::StoreError;
use crate::log::entry::{Envelope, Head};

/// A hit with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Its position.
    pub position: u64,
    /// Who heard it.
    pub sensor: PrincipalName,
    /// What it matched.
    pub indicator: StixId,
    /// Whose statement.
    pub origin: CentreCode,
    /// When it was heard.
    pub time: Timestamp,
    /// When it was received.
    pub received: Timestamp,
    /// Its class.
    pub class: ClassId,
    /// The evidence, JSON.
    pub evidence: Vec<u8>,
}

/// Something kept aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Its position.
    pub position: u64,
    /// When it came.
    pub received: Timestamp,
    /// Who handed it in.
    pub submitter: Option<PrincipalName>,
    /// Marking definitions that it waits for.
    pub waits_for: Vec<StixId>,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Snapshot {
    /// Hits that may be seen, newest first, behind a position (0: from the newest).
    pub fn hits(
        &self,
        visibility: &Visibility,
        indicator: Option<&StixId>,
        behind: u64,
        limit: usize,
    ) -> Result<(Vec<Hit>, bool), StoreError> {
        let mut found = Vec::new();
        let Some(hits) = table_or(self.transaction.open_table(HITS))? else { return Ok((found, false)) };
        let end = if behind == 0 { u64::MAX } else { behind };
        let mut take = |position: u64, bytes: &[u8]| -> Result<bool, StoreError> {
            let Some(hit) = self.hit(visibility, position, bytes)? else { return Ok(true) };
            let more = found.len() == limit;
            if !more {
                found.push(hit);
            }
            Ok(!more)
        };
        let mut more = false;
        if let Some(indicator) = indicator {
            let Some(of) = table_or(self.transaction.open_table(HITS_OF))? else { return Ok((found, false)) };
            let prefix = id_prefix(indicator);
            let last = [prefix.as_slice(), &end.to_be_bytes()].concat();
            for row in of.range(prefix.as_slice()..last.as_slice())?.rev() {
                let position = position_of(row?.0.value())?;
                if let Some(bytes) = hits.get(position)?
                    && !take(position, bytes.value())?
                {
                    more = true;
                    break;
                }
            }
        } else {
            for row in hits.range(..end)?.rev() {
                let (position, bytes) = row?;
                if !take(position.value(), bytes.value())? {
                    more = true;
                    break;
                }
            }
        }
        Ok((found, more))
    }

    fn hit(&self, visibility: &Visibility, position: u64, bytes: &[u8]) -> Result<Option<Hit>, StoreError> {
        self.hit_of(|class| visibility.sees(class), position, bytes)
    }

    pub(crate) fn hit_of(
        &self,
        wanted: impl Fn(ClassId) -> bool,
        position: u64,
        bytes: &[u8],
    ) -> Result<Option<Hit>, StoreError> {
        let (envelope, envelope_bytes, sealed) = split(bytes)?;
        let Head::Hit { sensor, indicator, origin, class, time, .. } = envelope.head else {
            return Err(StoreError::Damaged("a hit of the catalog is none"));
        };
        if !wanted(class) {
            return Ok(None);
        }
        let mut evidence = Vec::with_capacity(sealed.len());
        match self.shared.keys.unseal(envelope.key, envelope_bytes, sealed, &mut evidence) {
            Ok(()) => {}
            Err(StoreError::Erased) => return Ok(None),
            Err(error) => return Err(error),
        }
        Ok(Some(Hit { position, sensor, indicator, origin, time, received: envelope.date, class, evidence }))
    }

    /// Every hit of one indicator, oldest first, for the node's own materialisers: the gate has not been asked.
    pub fn each_hit_of(&self, indicator: &StixId, mut each: impl FnMut(Hit)) -> Result<(), StoreError> {
        let (Some(of), Some(hits)) =
            (table_or(self.transaction.open_table(HITS_OF))?, table_or(self.transaction.open_table(HITS))?)
        else {
            return Ok(());
        };
        let prefix = id_prefix(indicator);
        for row in of.range(prefix.as_slice()..after(&prefix).as_slice())? {
            let position = position_of(row?.0.value())?;
            if let Some(bytes) = hits.get(position)?
                && let Some(hit) = self.hit_of(|_| true, position, bytes.value())?
            {
                each(hit);
            }
        }
        Ok(())
    }

    /// Every hit that was received at `since` or later, newest first, for the node's own materialisers.
    pub fn each_hit_since(
        &self,
        since: Timestamp,
        mut each: impl FnMut(Hit) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let Some(hits) = table_or(self.transaction.open_table(HITS))? else { return Ok(()) };
        for row in hits.iter()?.rev() {
            let (position, bytes) = row?;
            match self.hit_of(|_| true, position.value(), bytes.value())? {
                Some(hit) if hit.received < since => break,
                Some(hit) => each(hit)?,
                None => {}
            }
        }
        Ok(())
    }

    /// What is kept aside and `reads` says may be shown, newest first.
    pub fn quarantine(
        &self,
        reads: impl Fn(Option<&PrincipalName>) -> bool,
        behind: u64,
        limit: usize,
    ) -> Result<(Vec<Quarantined>, bool), StoreError> {
        let mut found = Vec::new();
        let Some(table) = table_or(self.transaction.open_table(QUARANTINE))? else { return Ok((found, false)) };
        for row in table.range(..if behind == 0 { u64::MAX } else { behind })?.rev() {
            let (position, bytes) = row?;
            let (envelope, envelope_bytes, sealed) = split(bytes.value())?;
            let Head::Quarantined { submitter, waits_for } = envelope.head else { continue };
            if !reads(submitter.as_ref()) {
                continue;
            }
            if found.len() == limit {
                return Ok((found, true));
            }
            let mut body = Vec::with_capacity(sealed.len());
            self.shared.keys.unseal(envelope.key, envelope_bytes, sealed, &mut body)?;
            let (faults, bytes): (String, Vec<u8>) = postcard::from_bytes(&body)?;
            let faults = serde_json::from_str(&faults).unwrap_or_default();
            let (position, received) = (position.value(), envelope.date);
            found.push(Quarantined { position, received, submitter, waits_for, faults, bytes });
        }
        Ok((found, false))
    }
}

/// Envelope, its bytes, sealed body of a row that is an entry as the log has it.
fn split(bytes: &[u8]) -> Result<(Envelope, &[u8], &[u8]), StoreError> {
    const SHORT: StoreError = StoreError::Damaged("a row of the catalog ends early");
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(SHORT)?;
    let (envelope, sealed) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or(SHORT)?;
    Ok((postcard::from_bytes(envelope)?, envelope, sealed))
}
