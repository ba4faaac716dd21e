//! What the node's own materialisers (rule sets, link, live) read: the gate has not been asked, they ask it themselves.

use model::marking::{Meaning, meaning};
use model::principal::{CentreCode, PrincipalName};
use model::stix::{StixId, Version};
use model::time::Timestamp;
use sharing::ClassId;
use sharing::render::Rendering;

use super::object::rendered;
use super::{Snapshot, table_or};
use crate::catalog::{PLACES, Row, decode_row, head_of, place};
use crate::error::StoreError;
use crate::log::entry::{Envelope, Head, StatementHead, StatementKey};

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
        self.at_place(&key.origin, &key.id, &key.version, |bytes| self.unchecked(bytes))
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
        let mut found = Vec::new();
        for position in self.positions(id)? {
            if let Some(bytes) = rows.get(position)? {
                found.push(self.unchecked(bytes.value())?);
            }
        }
        Ok(found)
    }

    /// The newest statement of each origin of every object of a type, as stored, in the order of their dates, handed to
    /// `each`: for rule sets, which ask the gate themselves.
    pub fn each_newest(&self, object_type: &str, mut each: impl FnMut(Unchecked)) -> Result<(), StoreError> {
        let Some(rows) = self.rows()? else { return Ok(()) };
        for position in self.of_types(&[object_type.to_owned()], 0)? {
            if let Some(bytes) = rows.get(position?)?
                && decode_row(bytes.value())?.0.newest
            {
                each(self.unchecked(bytes.value())?);
            }
        }
        Ok(())
    }

    fn unchecked(&self, bytes: &[u8]) -> Result<Unchecked, StoreError> {
        let (row, envelope, sealed) = decode_row(bytes)?;
        let mut body = Vec::with_capacity(sealed.len());
        self.shared.keys.unseal(row.key, envelope, sealed, &mut body)?;
        let head = head_of(&row, envelope)?;
        let Row { date, governing, newest, withdrawn, .. } = row;
        Ok(Unchecked { date, head, governing, newest, withdrawn, bytes: body })
    }

    /// Is everything that a statement refers to held, and may `visible` classes of each be seen?
    pub fn render_for(
        &self,
        statement: &Unchecked,
        visible: impl Fn(ClassId) -> bool,
    ) -> Result<Rendering, StoreError> {
        rendered(&statement.bytes, |id| self.any_newest(id, &visible))
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

    /// What a marking definition that is held here means: the newest that is held, of any origin.
    pub fn meaning(&self, id: &StixId) -> Result<Option<Meaning>, StoreError> {
        let newest = self.statements(id)?.into_iter().rfind(|found| found.newest);
        let value = newest.and_then(|found| serde_json::from_slice(&found.bytes).ok());
        Ok(value.map(|value| meaning(id, &value)))
    }
}
