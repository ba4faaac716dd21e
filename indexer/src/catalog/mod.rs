//! The catalog: key lookups materialised from the log. Applied in the log's order; can be dropped and rebuilt.

mod row;

use std::collections::BTreeMap;

use model::principal::CentreCode;
use model::stix::{StixId, Version, may_be_withheld};
use model::time::Timestamp;
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};
use sharing::class::ClassSet;
use sharing::{ClassId, ClassSetId, ClassTable};

pub(crate) use self::row::{
    HeadView, KeyView, Row, TIMED, after, decode_references, decode_row, encode_references, encode_row, head_of,
    head_view, hit_key, id_prefix, origin_prefix, place, position_of, type_place, version_key,
};
use crate::error::StoreError;
use crate::log::entry::{Credential, Envelope, Head, StatementHead, StatementKey};

/// Changes with the shape of the tables; a catalog of another format is rebuilt.
pub(crate) const FORMAT: u64 = 3;
/// `format`, `applied`, `date`.
pub(crate) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
pub(crate) const DEFINITIONS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("definitions");
/// Position (the sequence that gave a statement its present date) → row.
pub(crate) const ROWS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rows");
/// id ‖ 0 ‖ origin ‖ 0 ‖ version → position.
pub(crate) const PLACES: TableDefinition<'_, &[u8], u64> = TableDefinition::new("places");
/// type ‖ 0 ‖ position.
pub(crate) const TYPES: TableDefinition<'_, &[u8], ()> = TableDefinition::new("types");
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

/// The tables of one write.
pub(crate) struct Tables<'t> {
    meta: Table<'t, &'static str, u64>,
    definitions: Table<'t, u64, &'static [u8]>,
    pub(crate) rows: Table<'t, u64, &'static [u8]>,
    pub(crate) places: Table<'t, &'static [u8], u64>,
    types: Table<'t, &'static [u8], ()>,
    referrers: Table<'t, &'static [u8], ()>,
    hits: Table<'t, u64, &'static [u8]>,
    pub(crate) hit_keys: Table<'t, &'static [u8], u64>,
    hits_of: Table<'t, &'static [u8], ()>,
    sensors: Table<'t, &'static str, (u64, u64)>,
    links: Table<'t, &'static str, &'static [u8]>,
    quarantine: Table<'t, u64, &'static [u8]>,
    principals: Table<'t, &'static str, &'static [u8]>,
    counts: Table<'t, &'static str, u64>,
    /// What this write adds to the counts.
    counted: BTreeMap<&'static str, u64>,
    /// The last entry of this write.
    last: Option<(u64, Timestamp)>,
}

impl<'t> Tables<'t> {
    pub(crate) fn open(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            meta: transaction.open_table(META)?,
            definitions: transaction.open_table(DEFINITIONS)?,
            rows: transaction.open_table(ROWS)?,
            places: transaction.open_table(PLACES)?,
            types: transaction.open_table(TYPES)?,
            referrers: transaction.open_table(REFERRERS)?,
            hits: transaction.open_table(HITS)?,
            hit_keys: transaction.open_table(HIT_KEYS)?,
            hits_of: transaction.open_table(HITS_OF)?,
            sensors: transaction.open_table(SENSORS)?,
            links: transaction.open_table(LINKS)?,
            quarantine: transaction.open_table(QUARANTINE)?,
            principals: transaction.open_table(PRINCIPALS)?,
            counts: transaction.open_table(COUNTS)?,
            counted: BTreeMap::new(),
            last: None,
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
                self.statement(sequence, envelope, head, envelope_bytes, &encode_references(refers_to)?)?;
                self.note_references(&head.key, refers_to)?;
            }
            Head::Withdrawal { origin, id, version } => self.withdraw(origin, id, version)?,
            Head::Refreshed { key, set } => self.refresh(sequence, envelope.date, key, *set)?,
            Head::Quarantined { .. } => {
                let row =
                    [&u32::try_from(envelope_bytes.len()).unwrap_or(u32::MAX).to_le_bytes(), envelope_bytes, sealed]
                        .concat();
                self.quarantine.insert(sequence, row.as_slice())?;
                self.count("quarantined", 1);
            }
            Head::Refused { .. } => self.count("refused", 1),
            Head::Hit { sensor, spool, indicator, origin, .. } => {
                let row =
                    [&u32::try_from(envelope_bytes.len()).unwrap_or(u32::MAX).to_le_bytes(), envelope_bytes, sealed]
                        .concat();
                self.hits.insert(sequence, row.as_slice())?;
                self.hit_keys.insert(hit_key(sensor.as_str(), *spool, indicator, origin).as_slice(), sequence)?;
                let of = [id_prefix(indicator).as_slice(), &sequence.to_be_bytes()].concat();
                self.hits_of.insert(of.as_slice(), ())?;
                self.count("hits", 1);
            }
            Head::SensorCursor { sensor, spool, observations } => {
                let before = self.sensors.get(sensor.as_str())?.map_or(0, |row| row.value().1);
                self.sensors.insert(sensor.as_str(), (*spool, before.saturating_add(*observations)))?;
                self.count("observations", *observations);
            }
            Head::LinkCursor { partner, cursor } => {
                self.links.insert(partner.as_str(), postcard::to_stdvec(cursor)?.as_slice())?;
            }
            Head::Principal { principal, credential } => self.principal(principal, credential.as_ref())?,
            Head::QuarantineEnded { sequence } => {
                self.quarantine.remove(sequence)?;
            }
        }
        self.last = Some((sequence, envelope.date));
        Ok(())
    }

    fn count(&mut self, name: &'static str, more: u64) {
        let counted = self.counted.entry(name).or_default();
        *counted = counted.saturating_add(more);
    }

    /// Writes what is written once for all entries of a write: the counts, how far the log was applied.
    pub(crate) fn finish(mut self) -> Result<(), StoreError> {
        for (name, more) in self.counted {
            let before = self.counts.get(name)?.map_or(0, |count| count.value());
            self.counts.insert(name, before.saturating_add(more))?;
        }
        self.meta.insert("format", FORMAT)?;
        if let Some((sequence, date)) = self.last {
            self.meta.insert("applied", sequence)?;
            self.meta.insert("date", date.micros().cast_unsigned())?;
        }
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

    fn plain(&self, position: u64) -> Result<Row, StoreError> {
        let bytes = self.rows.get(position)?.ok_or(StoreError::Damaged("a place of the catalog points nowhere"))?;
        Ok(decode_row(bytes.value())?.0)
    }

    fn row(&self, position: u64) -> Result<(Row, Vec<u8>, Vec<u8>), StoreError> {
        let bytes = self.rows.get(position)?.ok_or(StoreError::Damaged("a place of the catalog points nowhere"))?;
        let (row, envelope, references) = decode_row(bytes.value())?;
        Ok((row, envelope.to_vec(), references.to_vec()))
    }

    /// Positions of all versions of one origin, oldest first, and whether each has a time.
    fn versions(&self, id: &StixId, origin: &CentreCode) -> Result<Vec<(u64, bool)>, StoreError> {
        let prefix = origin_prefix(id, origin);
        let range = self.places.range(prefix.as_slice()..after(&prefix).as_slice())?;
        range
            .map(|row| {
                let (place, position) = row?;
                Ok((position.value(), place.value().get(prefix.len()) == Some(&TIMED)))
            })
            .collect()
    }

    fn statement(
        &mut self,
        sequence: u64,
        envelope: &Envelope,
        head: &StatementHead,
        envelope_bytes: &[u8],
        references: &[u8],
    ) -> Result<(), StoreError> {
        let StatementKey { origin, id, version, .. } = &head.key;
        // A later rendering of the same version takes its place.
        let place = place(id, origin, version);
        let replaced = self.places.insert(place.as_slice(), sequence)?.map(|old| old.value());
        match replaced {
            Some(old) => self.remove(id, old)?,
            None => self.count("accepted", 1),
        }
        let mut row = Row {
            date: envelope.date,
            born: sequence,
            key: envelope.key,
            class: head.class,
            set: head.set,
            governing: head.class,
            newest: true,
            oldest: true,
            withdrawn: false,
            revoked: head.revoked,
            spec_20: head.spec_20,
        };
        let (first, before, last) = self.neighbours(id, origin)?;
        let ordered = matches!(version, Version::Modified(_));
        if ordered && first != sequence && last == sequence && replaced.is_none() {
            let (mut previous, envelope, references) = self.row(before)?;
            if previous.newest && previous.governing == row.class {
                // The usual case of a new version: nothing changes for those before the previous one.
                previous.newest = false;
                row.oldest = false;
                self.rows.insert(before, encode_row(&previous, &envelope, &references).as_slice())?;
            }
        }
        self.rows.insert(sequence, encode_row(&row, envelope_bytes, references).as_slice())?;
        self.types.insert(type_place(id.object_type(), sequence).as_slice(), ())?;
        if first != last && row.oldest { self.govern(id, origin) } else { Ok(()) }
    }

    fn remove(&mut self, id: &StixId, position: u64) -> Result<(), StoreError> {
        self.rows.remove(position)?;
        self.types.remove(type_place(id.object_type(), position).as_slice())?;
        Ok(())
    }

    /// Positions of an origin's oldest version, of the one before the newest, and of the newest.
    fn neighbours(&self, id: &StixId, origin: &CentreCode) -> Result<(u64, u64, u64), StoreError> {
        let prefix = origin_prefix(id, origin);
        let mut range = self.places.range(prefix.as_slice()..after(&prefix).as_slice())?;
        let first = range.next().transpose()?.map_or(0, |(_, position)| position.value());
        let last = range.next_back().transpose()?.map_or(first, |(_, position)| position.value());
        let before = range.next_back().transpose()?.map_or(first, |(_, position)| position.value());
        Ok((first, before, last))
    }

    /// Sets which version is newest and oldest of those that were not withdrawn, and whose class governs. Versions without
    /// time come before all others, in the order in which they came.
    fn govern(&mut self, id: &StixId, origin: &CentreCode) -> Result<(), StoreError> {
        let mut held = Vec::new();
        for (position, timed) in self.versions(id, origin)? {
            let row = self.plain(position)?;
            if !row.withdrawn {
                held.push((position, row, timed));
            }
        }
        held.sort_by_key(|(_, row, timed)| if *timed { (true, 0) } else { (false, row.born) });
        let Some((newest, governing)) = held.last().map(|(position, row, _)| (*position, row.class)) else {
            return Ok(());
        };
        for (number, (position, row, _)) in held.iter().enumerate() {
            let now = (governing, *position == newest, number == 0);
            if (row.governing, row.newest, row.oldest) != now {
                let (mut row, envelope, references) = self.row(*position)?;
                (row.governing, row.newest, row.oldest) = now;
                self.rows.insert(*position, encode_row(&row, &envelope, &references).as_slice())?;
            }
        }
        Ok(())
    }

    /// What releases a version releases the older ones: with it they are taken back too. A newer one stands by itself.
    fn withdraw(&mut self, origin: &CentreCode, id: &StixId, version: &Version) -> Result<(), StoreError> {
        let last = self.places.get(place(id, origin, version).as_slice())?.map(|position| position.value());
        let Some(last) = last else { return Ok(()) };
        for (position, _) in self.versions(id, origin)? {
            let this = position == last;
            let (mut row, envelope, references) = self.row(position)?;
            if !row.withdrawn && (this || matches!(version, Version::Modified(_))) {
                (row.withdrawn, row.newest, row.oldest) = (true, false, false);
                self.rows.insert(position, encode_row(&row, &envelope, &references).as_slice())?;
            }
            if this {
                break;
            }
        }
        self.count("withdrawn", 1);
        self.govern(id, origin)
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
        let (row, envelope, references) = self.row(old)?;
        let row = Row { set, date, ..row };
        self.remove(&key.id, old)?;
        self.rows.insert(sequence, encode_row(&row, &envelope, &references).as_slice())?;
        self.types.insert(type_place(key.id.object_type(), sequence).as_slice(), ())?;
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

    /// What referring to an id asks of a reader: one of the classes of what is held under it, one of each origin; and where
    /// such an object is withheld from who does not see what it refers to itself, that too.
    pub(crate) fn asks(&self, id: &StixId, classes: &ClassTable) -> Result<ClassSet, StoreError> {
        let prefix = id_prefix(id);
        let mut standing = Standing::default();
        for place in self.places.range(prefix.as_slice()..after(&prefix).as_slice())? {
            let (key, position) = place?;
            let position = position.value();
            standing.note(key.value().get(prefix.len()..).unwrap_or_default(), position, &self.plain(position)?);
        }
        let mut asks: ClassSet = [standing.each().map(|stands| stands.class).collect()].into();
        if may_be_withheld(id.object_type()) {
            asks.extend(standing.each().filter_map(|stands| classes.members(stands.set)).flatten());
        }
        Ok(asks)
    }

    /// Does anything that is held refer to `id`?
    pub(crate) fn is_referred_to(&self, id: &StixId) -> Result<bool, StoreError> {
        let prefix = id_prefix(id);
        let referrer = self.referrers.range(prefix.as_slice()..after(&prefix).as_slice())?.next().transpose()?;
        Ok(referrer.is_some())
    }

    /// What referring to all of these asks of a reader.
    pub(crate) fn set_of(&self, refers_to: &[StixId], classes: &ClassTable) -> Result<ClassSet, StoreError> {
        let mut set = ClassSet::new();
        for id in refers_to {
            set.extend(self.asks(id, classes)?);
        }
        Ok(set)
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

/// One origin's version that stands for an object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stands {
    pub(crate) position: u64,
    pub(crate) class: ClassId,
    pub(crate) set: ClassSetId,
    newest: bool,
}

/// What stands for an object towards those that refer to it, one of each origin: its newest version, or, where it took
/// all of them back, the last. What is said here of an object that was taken back stays with those who could see it.
#[derive(Default)]
pub(crate) struct Standing(BTreeMap<Vec<u8>, Stands>);

impl Standing {
    /// Notes a version; `rest` is what stands behind the object's id in its place. Versions come oldest first.
    pub(crate) fn note(&mut self, rest: &[u8], position: u64, row: &Row) {
        let origin = rest.split(|byte| *byte == 0).next().unwrap_or_default();
        let this = Stands { position, class: row.class, set: row.set, newest: row.newest };
        let stands = self.0.entry(origin.to_vec()).or_insert(this);
        if !stands.newest {
            *stands = this;
        }
    }

    /// Each of them.
    pub(crate) fn each(&self) -> impl Iterator<Item = Stands> {
        self.0.values().copied()
    }
}
