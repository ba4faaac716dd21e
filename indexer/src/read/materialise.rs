//! What the node's own materialisers (rule sets, link, live) read: the gate has not been asked, they ask it themselves.

use model::marking::{Meaning, meaning};
use model::principal::{CentreCode, PrincipalName};
use model::stix::{StixId, Version};
use model::time::Timestamp;
use sharing::render::Rendering;
use sharing::{ClassId, Visibility};

use super::object::rendered;
use super::{Snapshot, table_or};
use crate::catalog::{PLACES, REFERRERS, Row, SENSORS, after, decode_row, head_of, id_prefix, origin_prefix, place};
use crate::error::StoreError;
use crate::log::entry::{Envelope, Head, StatementHead, StatementKey};
use crate::log::file::Entries;

/// An entry of the log as the node's own materialisers (rules, link, live) follow it; they ask the gate themselves.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A new statement, or one whose references changed.
    Statement(StatementKey),
    /// An origin took a version back.
    Withdrawal(CentreCode, StixId, Version),
    /// A hit.
    Hit,
    /// A principal, new or changed.
    Principal(PrincipalName),
    /// Anything else.
    Other,
}

/// A statement as stored. The gate has not been asked: only what asks it itself may hold one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unchecked {
    /// Its date.
    pub date: Timestamp,
    /// Key, class, set.
    pub head: StatementHead,
    /// Class of the newest version, which governs.
    pub governing: ClassId,
    /// Is it the newest version?
    pub newest: bool,
    /// Did its origin take it back?
    pub withdrawn: bool,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Snapshot {
    /// A statement as stored, for the node's own materialisers: the gate has not been asked.
    pub fn statement(&self, key: &StatementKey) -> Result<Option<Unchecked>, StoreError> {
        self.at_place(&key.origin, &key.id, &key.version, |bytes| {
            self.unchecked(&mut self.shared.log.entries()?, bytes)
        })
    }

    fn at_place<T>(
        &self,
        origin: &CentreCode,
        id: &StixId,
        version: &Version,
        read: impl FnOnce(&[u8]) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let (Some(places), Some(rows)) = (table_or(self.transaction.open_table(PLACES))?, self.rows()?) else {
            return Ok(None);
        };
        let Some(position) = places.get(place(id, origin, version).as_slice())? else { return Ok(None) };
        rows.get(position.value())?.map(|bytes| read(bytes.value())).transpose()
    }

    /// All statements of one object as stored, for the node's own materialisers: the gate has not been asked.
    pub fn statements(&self, id: &StixId) -> Result<Vec<Unchecked>, StoreError> {
        let Some(rows) = self.rows()? else { return Ok(Vec::new()) };
        let (mut found, mut entries) = (Vec::new(), self.shared.log.entries()?);
        for position in self.positions(id)? {
            if let Some(bytes) = rows.get(position)? {
                found.push(self.unchecked(&mut entries, bytes.value())?);
            }
        }
        Ok(found)
    }

    /// The newest statement of each origin of every object of a type that `wanted` says yes to (its class, and whether it is
    /// revoked), as stored, in the order of their dates, handed to `each`; only those are decrypted.
    pub fn each_newest(
        &self,
        object_type: &str,
        wanted: impl Fn(ClassId, bool) -> bool,
        mut each: impl FnMut(Unchecked),
    ) -> Result<(), StoreError> {
        let Some(rows) = self.rows()? else { return Ok(()) };
        let mut entries = self.shared.log.entries()?;
        for position in self.of_types(&[object_type.to_owned()], 0)? {
            let Some(bytes) = rows.get(position?)? else { continue };
            let (row, _, _) = decode_row(bytes.value())?;
            if row.newest && wanted(row.class, row.revoked) {
                each(self.unchecked(&mut entries, bytes.value())?);
            }
        }
        Ok(())
    }

    /// The keys of all statements that refer to `id`.
    pub fn referring_keys(&self, id: &StixId) -> Result<Vec<StatementKey>, StoreError> {
        let (Some(referrers), Some(places), Some(rows)) = (
            table_or(self.transaction.open_table(REFERRERS))?,
            table_or(self.transaction.open_table(PLACES))?,
            self.rows()?,
        ) else {
            return Ok(Vec::new());
        };
        let prefix = id_prefix(id);
        let mut keys = Vec::new();
        for referrer in referrers.range(prefix.as_slice()..after(&prefix).as_slice())? {
            let key = referrer?.0;
            let Some(position) = places.get(key.value().get(prefix.len()..).unwrap_or_default())? else { continue };
            if let Some(bytes) = rows.get(position.value())? {
                let (row, envelope, _) = decode_row(bytes.value())?;
                keys.push(head_of(&row, envelope)?.key);
            }
        }
        Ok(keys)
    }

    /// Has `origin` stated this object here, whatever became of it?
    pub fn is_held_of(&self, id: &StixId, origin: &CentreCode) -> Result<bool, StoreError> {
        let Some(places) = table_or(self.transaction.open_table(PLACES))? else { return Ok(false) };
        let prefix = origin_prefix(id, origin);
        let found = places.range(prefix.as_slice()..after(&prefix).as_slice())?.next().is_some();
        Ok(found)
    }

    /// How many observations a sensor has delivered.
    pub fn sensor_observations(&self, sensor: &PrincipalName) -> Result<u64, StoreError> {
        let Some(table) = table_or(self.transaction.open_table(SENSORS))? else { return Ok(0) };
        Ok(table.get(sensor.as_str())?.map_or(0, |row| row.value().1))
    }

    pub(crate) fn unchecked(&self, entries: &mut Entries, bytes: &[u8]) -> Result<Unchecked, StoreError> {
        let (row, envelope, _) = decode_row(bytes)?;
        let mut body = Vec::new();
        self.body(entries, &row, envelope, &mut body)?;
        let head = head_of(&row, envelope)?;
        let Row { date, governing, newest, withdrawn, .. } = row;
        Ok(Unchecked { date, head, governing, newest, withdrawn, bytes: body })
    }

    /// What of a statement a reader of its class may see, by all that it refers to; the gate has not been asked of itself.
    pub fn render_for(&self, statement: &Unchecked, visibility: &Visibility) -> Result<Rendering, StoreError> {
        rendered(&statement.bytes, |id| self.is_visible(visibility, id))
    }

    /// What the log says from a sequence on, at most `limit` entries; for the node's own materialisers.
    pub fn changes(&self, from: u64, limit: usize) -> Result<Vec<(u64, Change)>, StoreError> {
        let mut found = Vec::new();
        let last = self.applied()?;
        self.shared.log.each(from, |sequence, entry| {
            if sequence > last || found.len() == limit {
                return Ok(false);
            }
            let envelope: Envelope = postcard::from_bytes(entry.envelope)?;
            found.push((
                sequence,
                match envelope.head {
                    Head::Statement(head) => Change::Statement(head.key),
                    Head::Refreshed { key, .. } => Change::Statement(key),
                    Head::Withdrawal { origin, id, version } => Change::Withdrawal(origin, id, version),
                    Head::Hit { .. } => Change::Hit,
                    Head::Principal { principal, .. } => Change::Principal(principal.name),
                    _ => Change::Other,
                },
            ));
            Ok(true)
        })?;
        Ok(found)
    }

    /// SHA-256 of a stored version, in its highest rendering, and that rendering's number.
    pub fn digest(
        &self,
        origin: &CentreCode,
        id: &StixId,
        version: &Version,
    ) -> Result<Option<([u8; 32], u32)>, StoreError> {
        self.at_place(origin, id, version, |bytes| {
            let (row, envelope, _) = decode_row(bytes)?;
            let StatementHead { digest, key, .. } = head_of(&row, envelope)?;
            Ok((digest, key.rendering))
        })
    }

    /// What a marking definition that is held here means, by the newest version of each origin. Where two origins do not mean
    /// the same by it, nobody knows.
    pub fn meaning(&self, id: &StixId) -> Result<Option<Meaning>, StoreError> {
        let mut agreed = None;
        for found in self.statements(id)?.into_iter().filter(|found| found.newest) {
            let value = serde_json::from_slice(&found.bytes).map_err(|_| StoreError::Damaged("a stored object"))?;
            let this = meaning(id, &value);
            if agreed.as_ref().is_some_and(|agreed| *agreed != this) {
                return Ok(Some(Meaning::Unknown("two centres define it differently".to_owned())));
            }
            agreed = Some(this);
        }
        Ok(agreed)
    }
}
