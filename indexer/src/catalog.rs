//! The catalog: key lookups materialised from the log. Applied in the log's order; can be dropped and rebuilt.

use std::collections::BTreeSet;

use model::principal::CentreCode;
use model::stix::{StixId, Version};
use model::time::Timestamp;
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use sharing::class::{Alternatives, ClassSet};
use sharing::{ClassId, ClassSetId};

use crate::error::StoreError;
use crate::keys::KeyName;
use crate::log::entry::{Credential, Envelope, Head, StatementHead, StatementKey};

pub(crate) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
pub(crate) const DEFINITIONS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("definitions");
/// Position (the sequence that gave a statement its present date) → row.
pub(crate) const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rows");
/// id ‖ 0 ‖ origin ‖ 0 ‖ version → position.
pub(crate) const PLACES: TableDefinition<'_, &[u8], u64> = TableDefinition::new("places");
/// target ‖ 0 ‖ place of the one that refers to it.
pub(crate) const REFERRERS: TableDefinition<'_, &[u8], ()> = TableDefinition::new("referrers");
pub(crate) const HITS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("hits");
/// sensor ‖ 0 ‖ spool ‖ indicator ‖ 0 ‖ origin → sequence.
pub(crate) const HIT_KEYS: TableDefinition<'_, &[u8], u64> = TableDefinition::new("hit-keys");
/// indicator ‖ 0 ‖ sequence.
pub(crate) const HITS_OF: TableDefinition<'_, &[u8], ()> = TableDefinition::new("hits-of");
pub(crate) const SENSORS: TableDefinition<'_, &str, (u64, u64)> = TableDefinition::new("sensors");
pub(crate) const LINKS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("links");
pub(crate) const QUARANTINE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("quarantine");
pub(crate) const PRINCIPALS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("principals");
pub(crate) const COUNTS: TableDefinition<'_, &str, u64> = TableDefinition::new("counts");

/// The plain part of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) date: Timestamp,
    pub(crate) key: KeyName,
    pub(crate) head: StatementHead,
    /// Class of the newest version of the same origin: governs the release of the older ones.
    pub(crate) governing: ClassId,
    pub(crate) newest: bool,
    pub(crate) oldest: bool,
    pub(crate) withdrawn: bool,
}

/// A row as stored: plain part, envelope, sealed body.
pub(crate) fn encode_row(row: &Row, envelope: &[u8], sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
    let plain = postcard::to_stdvec(row)?;
    let mut out = Vec::with_capacity(plain.len() + envelope.len() + sealed.len() + 8);
    for part in [plain.as_slice(), envelope] {
        out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(part);
    }
    out.extend_from_slice(sealed);
    Ok(out)
}

/// What [`encode_row`] made: row, envelope, sealed body.
pub(crate) fn decode_row(bytes: &[u8]) -> Result<(Row, &[u8], &[u8]), StoreError> {
    const SHORT: StoreError = StoreError::Damaged("a row of the catalog ends early");
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(SHORT)?;
    let (plain, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or(SHORT)?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or(SHORT)?;
    let (envelope, sealed) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or(SHORT)?;
    Ok((postcard::from_bytes(plain)?, envelope, sealed))
}

/// All versions of one object: the prefix of their places.
pub(crate) fn id_prefix(id: &StixId) -> Vec<u8> {
    [id.as_str().as_bytes(), &[0]].concat()
}

pub(crate) fn origin_prefix(id: &StixId, origin: &CentreCode) -> Vec<u8> {
    [id.as_str().as_bytes(), &[0], origin.as_str().as_bytes(), &[0]].concat()
}

/// Where a version stands among the places, ordered by version.
pub(crate) fn place(id: &StixId, origin: &CentreCode, version: &Version) -> Vec<u8> {
    let mut key = origin_prefix(id, origin);
    key.extend_from_slice(&version_key(version));
    key
}

/// A version, ordered by time; those without time before all others.
pub(crate) fn version_key(version: &Version) -> Vec<u8> {
    match version {
        Version::Digest(digest) => [&[0], digest.as_slice()].concat(),
        Version::Modified(time) => {
            [&[1], (time.micros().cast_unsigned() ^ (1 << 63)).to_be_bytes().as_slice()].concat()
        }
    }
}

/// The first key that no longer begins with `prefix`, which ends in a 0 byte.
pub(crate) fn after(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    end
}

/// The tables of one write.
pub(crate) struct Tables<'t> {
    meta: Table<'t, &'static str, u64>,
    definitions: Table<'t, u64, &'static [u8]>,
    pub(crate) rows: Table<'t, u64, &'static [u8]>,
    pub(crate) places: Table<'t, &'static [u8], u64>,
    referrers: Table<'t, &'static [u8], ()>,
    hits: Table<'t, u64, &'static [u8]>,
    pub(crate) hit_keys: Table<'t, &'static [u8], u64>,
    hits_of: Table<'t, &'static [u8], ()>,
    sensors: Table<'t, &'static str, (u64, u64)>,
    links: Table<'t, &'static str, &'static [u8]>,
    quarantine: Table<'t, u64, &'static [u8]>,
    principals: Table<'t, &'static str, &'static [u8]>,
    counts: Table<'t, &'static str, u64>,
}

impl<'t> Tables<'t> {
    pub(crate) fn open(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            meta: transaction.open_table(META)?,
            definitions: transaction.open_table(DEFINITIONS)?,
            rows: transaction.open_table(ROWS)?,
            places: transaction.open_table(PLACES)?,
            referrers: transaction.open_table(REFERRERS)?,
            hits: transaction.open_table(HITS)?,
            hit_keys: transaction.open_table(HIT_KEYS)?,
            hits_of: transaction.open_table(HITS_OF)?,
            sensors: transaction.open_table(SENSORS)?,
            links: transaction.open_table(LINKS)?,
            quarantine: transaction.open_table(QUARANTINE)?,
            principals: transaction.open_table(PRINCIPALS)?,
            counts: transaction.open_table(COUNTS)?,
        })
    }

    /// Takes one entry of the log. The same log gives the same catalog, whenever and however often it is read.
    pub(crate) fn apply(
        &mut self,
        sequence: u64,
        envelope: &Envelope,
        envelope_bytes: &[u8],
        sealed: &[u8],
        refers_to: &[StixId],
    ) -> Result<(), StoreError> {
        match &envelope.head {
            Head::Definition(definition) => {
                self.definitions.insert(sequence, postcard::to_stdvec(definition)?.as_slice())?;
            }
            Head::Statement(head) => {
                self.statement(sequence, envelope, head, envelope_bytes, sealed)?;
                self.note_references(&head.key, refers_to)?;
            }
            Head::Withdrawal { origin, id, version } => self.withdraw(origin, id, version)?,
            Head::Refreshed { key, set } => self.refresh(sequence, envelope.date, key, *set)?,
            Head::Quarantined { .. } => {
                let row =
                    [&u32::try_from(envelope_bytes.len()).unwrap_or(u32::MAX).to_le_bytes(), envelope_bytes, sealed]
                        .concat();
                self.quarantine.insert(sequence, row.as_slice())?;
                self.count("quarantined", 1)?;
            }
            Head::Refused { .. } => self.count("refused", 1)?,
            Head::Hit { sensor, spool, indicator, origin, .. } => {
                let row =
                    [&u32::try_from(envelope_bytes.len()).unwrap_or(u32::MAX).to_le_bytes(), envelope_bytes, sealed]
                        .concat();
                self.hits.insert(sequence, row.as_slice())?;
                self.hit_keys.insert(hit_key(sensor.as_str(), *spool, indicator, origin).as_slice(), sequence)?;
                let of = [id_prefix(indicator).as_slice(), &sequence.to_be_bytes()].concat();
                self.hits_of.insert(of.as_slice(), ())?;
                self.count("hits", 1)?;
            }
            Head::SensorCursor { sensor, spool, observations } => {
                let before = self.sensors.get(sensor.as_str())?.map_or(0, |row| row.value().1);
                self.sensors.insert(sensor.as_str(), (*spool, before.saturating_add(*observations)))?;
                self.count("observations", *observations)?;
            }
            Head::LinkCursor { partner, cursor } => {
                self.links.insert(partner.as_str(), postcard::to_stdvec(cursor)?.as_slice())?;
            }
            Head::Principal { principal, credential } => self.principal(principal, credential.as_ref())?,
            Head::QuarantineEnded { sequence } => {
                self.quarantine.remove(sequence)?;
            }
        }
        self.meta.insert("applied", sequence)?;
        self.meta.insert("date", envelope.date.micros().cast_unsigned())?;
        Ok(())
    }

    fn count(&mut self, name: &str, more: u64) -> Result<(), StoreError> {
        let before = self.counts.get(name)?.map_or(0, |count| count.value());
        self.counts.insert(name, before.saturating_add(more))?;
        Ok(())
    }

    fn principal(&mut self, principal: &sharing::Principal, credential: Option<&Credential>) -> Result<(), StoreError> {
        let name = principal.name.as_str();
        let mut known: Vec<Credential> = match self.principals.get(name)? {
            Some(row) => postcard::from_bytes::<(sharing::Principal, Vec<Credential>)>(row.value())?.1,
            None => Vec::new(),
        };
        known.extend(credential.cloned());
        self.principals.insert(name, postcard::to_stdvec(&(principal, known))?.as_slice())?;
        Ok(())
    }

    fn row(&self, position: u64) -> Result<(Row, Vec<u8>, Vec<u8>), StoreError> {
        let bytes = self.rows.get(position)?.ok_or(StoreError::Damaged("a place of the catalog points nowhere"))?;
        let (row, envelope, sealed) = decode_row(bytes.value())?;
        Ok((row, envelope.to_vec(), sealed.to_vec()))
    }

    /// Positions of all versions of one origin, oldest first.
    fn versions(&self, id: &StixId, origin: &CentreCode) -> Result<Vec<u64>, StoreError> {
        let prefix = origin_prefix(id, origin);
        let range = self.places.range(prefix.as_slice()..after(&prefix).as_slice())?;
        range.map(|row| Ok(row?.1.value())).collect()
    }

    fn statement(
        &mut self,
        sequence: u64,
        envelope: &Envelope,
        head: &StatementHead,
        envelope_bytes: &[u8],
        sealed: &[u8],
    ) -> Result<(), StoreError> {
        let StatementKey { origin, id, version, .. } = &head.key;
        let place = place(id, origin, version);
        // A later rendering of the same version takes its place.
        let replaced = self.places.insert(place.as_slice(), sequence)?.map(|old| old.value());
        match replaced {
            Some(old) => {
                self.rows.remove(old)?;
            }
            None => self.count("accepted", 1)?,
        }
        let row = Row {
            date: envelope.date,
            key: envelope.key,
            head: head.clone(),
            governing: head.class,
            newest: true,
            oldest: true,
            withdrawn: false,
        };
        self.rows.insert(sequence, encode_row(&row, envelope_bytes, sealed)?.as_slice())?;
        self.govern(id, origin)
    }

    /// Sets which version is newest and oldest, and whose class governs.
    fn govern(&mut self, id: &StixId, origin: &CentreCode) -> Result<(), StoreError> {
        let positions = self.versions(id, origin)?;
        let Some(last) = positions.last().copied() else { return Ok(()) };
        if positions.len() == 1 {
            return Ok(()); // written so from the start
        }
        let governing = self.row(last)?.0.head.class;
        for (place, position) in positions.iter().enumerate() {
            let (mut row, envelope, sealed) = self.row(*position)?;
            let now = (governing, *position == last, place == 0);
            if (row.governing, row.newest, row.oldest) != now {
                (row.governing, row.newest, row.oldest) = now;
                self.rows.insert(*position, encode_row(&row, &envelope, &sealed)?.as_slice())?;
            }
        }
        Ok(())
    }

    fn withdraw(&mut self, origin: &CentreCode, id: &StixId, version: &Version) -> Result<(), StoreError> {
        let position = self.places.get(place(id, origin, version).as_slice())?.map(|position| position.value());
        if let Some(position) = position {
            let (mut row, envelope, sealed) = self.row(position)?;
            row.withdrawn = true;
            self.rows.insert(position, encode_row(&row, &envelope, &sealed)?.as_slice())?;
            self.count("withdrawn", 1)?;
        }
        Ok(())
    }

    fn refresh(
        &mut self,
        sequence: u64,
        date: Timestamp,
        key: &StatementKey,
        set: ClassSetId,
    ) -> Result<(), StoreError> {
        let place = place(&key.id, &key.origin, &key.version);
        let Some(old) = self.places.get(place.as_slice())?.map(|position| position.value()) else { return Ok(()) };
        let (mut row, envelope, sealed) = self.row(old)?;
        row.head.set = set;
        row.date = date;
        self.rows.remove(old)?;
        self.rows.insert(sequence, encode_row(&row, &envelope, &sealed)?.as_slice())?;
        self.places.insert(place.as_slice(), sequence)?;
        Ok(())
    }

    fn note_references(&mut self, key: &StatementKey, refers_to: &[StixId]) -> Result<(), StoreError> {
        let place = place(&key.id, &key.origin, &key.version);
        for target in refers_to {
            let row = [id_prefix(target).as_slice(), &place].concat();
            self.referrers.insert(row.as_slice(), ())?;
        }
        Ok(())
    }

    /// The classes of what is held under an id, one of each origin: its newest version. One that its origin took back counts:
    /// what is said here of it stays.
    pub(crate) fn alternatives(&self, id: &StixId) -> Result<Alternatives, StoreError> {
        let prefix = id_prefix(id);
        let mut newest: BTreeSet<u64> = BTreeSet::new();
        for row in self.places.range(prefix.as_slice()..after(&prefix).as_slice())? {
            newest.insert(row?.1.value());
        }
        let mut classes = Alternatives::new();
        for position in newest {
            let bytes = self.rows.get(position)?.ok_or(StoreError::Damaged("a place of the catalog points nowhere"))?;
            let (row, _, _) = decode_row(bytes.value())?;
            if row.newest {
                classes.insert(row.head.class);
            }
        }
        Ok(classes)
    }

    /// The set of what is referred to.
    pub(crate) fn set_of(&self, refers_to: &[StixId]) -> Result<ClassSet, StoreError> {
        refers_to.iter().map(|id| self.alternatives(id)).collect()
    }

    /// Those that refer to `id`, by the position of their row.
    pub(crate) fn referrers_of(&self, id: &StixId) -> Result<Vec<u64>, StoreError> {
        let prefix = id_prefix(id);
        let mut positions = Vec::new();
        for row in self.referrers.range(prefix.as_slice()..after(&prefix).as_slice())? {
            let (key, ()) = row.map(|(key, value)| (key, value.value()))?;
            let place = key.value().get(prefix.len()..).unwrap_or_default();
            positions.extend(self.places.get(place)?.map(|position| position.value()));
        }
        Ok(positions)
    }
}

pub(crate) fn hit_key(sensor: &str, spool: u64, indicator: &StixId, origin: &CentreCode) -> Vec<u8> {
    [sensor.as_bytes(), &[0], &spool.to_be_bytes(), indicator.as_str().as_bytes(), &[0], origin.as_str().as_bytes()]
        .concat()
}
