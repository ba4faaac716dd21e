//! Reading: every read takes a [`Visibility`]; what is hidden and what is not there take the same path to the same answer.

use std::sync::Arc;

use model::fault::Fault;
use model::json::Limits;
use model::marking::{Meaning, meaning};
use model::principal::{CentreCode, PrincipalName};
use model::stix::{StixId, Version};
use model::time::Timestamp;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableError};
use sharing::link::LinkCursor;
use sharing::render::{Rendering, render};
use sharing::{ClassId, ClassSetId, Principal, Visibility};

use crate::catalog::{
    COUNTS, HITS, HITS_OF, LINKS, META, PLACES, PRINCIPALS, QUARANTINE, ROWS, Row, SENSORS, after, decode_row,
    id_prefix, place,
};
use crate::error::StoreError;
use crate::log::entry::{Credential, Envelope, Head, StatementHead, StatementKey};
use crate::store::Shared;

/// The catalog at one moment.
pub struct Snapshot {
    pub(crate) shared: Arc<Shared>,
    pub(crate) transaction: ReadTransaction,
}

/// Which versions of an object are wanted, among those that may be seen (TAXII 2.1 §3.4.1, `match[version]`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Versions {
    /// The newest.
    #[default]
    Last,
    /// The oldest.
    First,
    /// All.
    All,
    /// The one of that time.
    At(Timestamp),
}

/// What a page is to hold.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Of this origin only.
    pub origin: Option<CentreCode>,
    /// Added strictly after this.
    pub added_after: Option<Timestamp>,
    /// Of these ids; empty: any.
    pub ids: Vec<StixId>,
    /// Of these types; empty: any.
    pub types: Vec<String>,
    /// Which versions; several: any of them; empty: the last.
    pub versions: Vec<Versions>,
    /// STIX 2.0 only, 2.1 only, or (none) both.
    pub spec_20: Option<bool>,
    /// Behind this position; 0: from the start. Never leaves the node but sealed.
    pub behind: u64,
    /// Most items.
    pub limit: usize,
}

/// One statement that may be seen, as it may be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its key.
    pub key: StatementKey,
    /// Its class.
    pub class: ClassId,
    /// Its date.
    pub date: Timestamp,
    /// Its position. Never leaves the node but sealed.
    pub position: u64,
    /// `revoked`.
    pub revoked: bool,
    /// Who handed it in; for its own centre alone.
    pub submitter: Option<PrincipalName>,
    /// The bytes that may be seen.
    pub bytes: Vec<u8>,
}

/// A page.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Its statements, by date.
    pub statements: Vec<Statement>,
    /// More follow.
    pub more: bool,
}

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

pub(crate) fn table_or<T>(result: Result<T, TableError>) -> Result<Option<T>, StoreError> {
    match result {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn last_date(catalog: &Database) -> Result<Timestamp, StoreError> {
    let transaction = catalog.begin_read()?;
    let table = table_or(transaction.open_table(META))?;
    let micros = table.map(|table| table.get("date").map(|date| date.map_or(0, |date| date.value()))).transpose()?;
    Ok(Timestamp::from_micros(micros.unwrap_or(0).cast_signed()))
}

impl Snapshot {
    pub(crate) fn new(shared: &Arc<Shared>) -> Result<Self, StoreError> {
        Ok(Self { shared: Arc::clone(shared), transaction: shared.catalog.begin_read()? })
    }

    /// A page of statements in the order of their dates.
    pub fn page(&self, visibility: &Visibility, query: &Query) -> Result<Page, StoreError> {
        let mut page = Page::default();
        let Some(rows) = table_or(self.transaction.open_table(ROWS))? else { return Ok(page) };
        for row in rows.range(query.behind.saturating_add(1)..)? {
            let (position, bytes) = row?;
            let (row, envelope, sealed) = decode_row(bytes.value())?;
            if !shows(visibility, &row) || !wanted(query, &row) {
                continue;
            }
            if let Some(statement) = self.seen(visibility, position.value(), row, envelope, sealed)? {
                if page.statements.len() == query.limit {
                    page.more = true;
                    break;
                }
                page.statements.push(statement);
            }
        }
        Ok(page)
    }

    /// All statements of one object that may be seen, of every origin, oldest version first. Empty if there is none, or
    /// none may be seen: the two are the same.
    pub fn object(&self, visibility: &Visibility, id: &StixId) -> Result<Vec<Statement>, StoreError> {
        let mut found = Vec::new();
        for position in self.positions(id)? {
            let Some(rows) = table_or(self.transaction.open_table(ROWS))? else { continue };
            let Some(bytes) = rows.get(position)? else { continue };
            let (row, envelope, sealed) = decode_row(bytes.value())?;
            if shows(visibility, &row) {
                found.extend(self.seen(visibility, position, row, envelope, sealed)?);
            }
        }
        Ok(found)
    }

    fn positions(&self, id: &StixId) -> Result<Vec<u64>, StoreError> {
        let Some(places) = table_or(self.transaction.open_table(PLACES))? else { return Ok(Vec::new()) };
        let prefix = id_prefix(id);
        places.range(prefix.as_slice()..after(&prefix).as_slice())?.map(|row| Ok(row?.1.value())).collect()
    }

    /// May anything that is held under this id be seen?
    pub fn is_visible(&self, visibility: &Visibility, id: &StixId) -> Result<bool, StoreError> {
        let Some(rows) = table_or(self.transaction.open_table(ROWS))? else { return Ok(false) };
        for position in self.positions(id)? {
            if let Some(bytes) = rows.get(position)?
                && shows(visibility, &decode_row(bytes.value())?.0)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The statement as it may be seen; none if it cannot do without something hidden.
    pub(crate) fn seen(
        &self,
        visibility: &Visibility,
        position: u64,
        row: Row,
        envelope: &[u8],
        sealed: &[u8],
    ) -> Result<Option<Statement>, StoreError> {
        let mut bytes = Vec::with_capacity(sealed.len());
        match self.shared.keys.unseal(row.key, envelope, sealed, &mut bytes) {
            Ok(()) => {}
            Err(StoreError::Erased) => return Ok(None),
            Err(error) => return Err(error),
        }
        let own = row.head.submitter.as_ref() == Some(&visibility.principal().name);
        if !visibility.sees_all(row.head.set) {
            match self.rendered(&bytes, |id| {
                // What is not held here is hidden from everyone but its sender.
                Ok(self.is_visible(visibility, id)? || (own && self.positions(id)?.is_empty()))
            })? {
                Rendering::Whole => {}
                Rendering::Redacted(changed) => bytes = changed,
                Rendering::Withheld(_) => return Ok(None),
            }
        }
        Ok(Some(statement(position, row.date, row.head, bytes)))
    }

    fn rendered(
        &self,
        bytes: &[u8],
        visible: impl Fn(&StixId) -> Result<bool, StoreError>,
    ) -> Result<Rendering, StoreError> {
        let (object, _) =
            model::stix::read(bytes, &Limits::default()).map_err(|_| StoreError::Damaged("a stored object"))?;
        let failed = std::cell::Cell::new(None);
        let rendering = render(&object, bytes, |id| {
            visible(id).unwrap_or_else(|error| {
                failed.set(Some(error));
                false
            })
        });
        match failed.take() {
            Some(error) => Err(error),
            None => rendering.map_err(|_| StoreError::Damaged("a stored object")),
        }
    }

    /// A statement as stored, for the node's own materialisers: the gate has not been asked.
    pub fn statement(&self, key: &StatementKey) -> Result<Option<Unchecked>, StoreError> {
        let (Some(places), Some(rows)) =
            (table_or(self.transaction.open_table(PLACES))?, table_or(self.transaction.open_table(ROWS))?)
        else {
            return Ok(None);
        };
        let Some(position) =
            places.get(place(&key.id, &key.origin, &key.version).as_slice())?.map(|place| place.value())
        else {
            return Ok(None);
        };
        let Some(bytes) = rows.get(position)? else { return Ok(None) };
        self.unchecked(bytes.value()).map(Some)
    }

    /// All statements of one object as stored, for the node's own materialisers: the gate has not been asked.
    pub fn statements(&self, id: &StixId) -> Result<Vec<Unchecked>, StoreError> {
        let Some(rows) = table_or(self.transaction.open_table(ROWS))? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for position in self.positions(id)? {
            if let Some(bytes) = rows.get(position)? {
                found.push(self.unchecked(bytes.value())?);
            }
        }
        Ok(found)
    }

    /// The newest statement of every indicator, as stored, handed to `each`: for rule sets, which ask the gate themselves.
    pub fn each_newest(&self, object_type: &str, mut each: impl FnMut(Unchecked)) -> Result<(), StoreError> {
        let Some(rows) = table_or(self.transaction.open_table(ROWS))? else { return Ok(()) };
        for row in rows.iter()? {
            let (_, bytes) = row?;
            let (row, _, _) = decode_row(bytes.value())?;
            if row.newest && row.head.key.id.object_type() == object_type {
                each(self.unchecked(bytes.value())?);
            }
        }
        Ok(())
    }

    pub(crate) fn unchecked(&self, bytes: &[u8]) -> Result<Unchecked, StoreError> {
        let (row, envelope, sealed) = decode_row(bytes)?;
        let mut body = Vec::new();
        self.shared.keys.unseal(row.key, envelope, sealed, &mut body)?;
        let Row { date, head, governing, newest, withdrawn, .. } = row;
        Ok(Unchecked { date, head, governing, newest, withdrawn, bytes: body })
    }

    /// Is everything that a statement refers to held, and may `visible` classes of each be seen?
    pub fn render_for(
        &self,
        statement: &Unchecked,
        visible: impl Fn(ClassId) -> bool,
    ) -> Result<Rendering, StoreError> {
        let alternatives = |id: &StixId| -> Result<bool, StoreError> {
            let held = self.statements(id)?;
            Ok(held.iter().any(|held| held.newest && !held.withdrawn && visible(held.head.class)))
        };
        self.rendered(&statement.bytes, alternatives)
    }

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
            let hit = self.hit(position, bytes)?;
            if visibility.sees(hit.class) {
                if found.len() == limit {
                    return Ok(false);
                }
                found.push(hit);
            }
            Ok(true)
        };
        let mut more = false;
        match indicator {
            None => {
                for row in hits.range(..end)?.rev() {
                    let (position, bytes) = row?;
                    if !take(position.value(), bytes.value())? {
                        more = true;
                        break;
                    }
                }
            }
            Some(indicator) => {
                let Some(of) = table_or(self.transaction.open_table(HITS_OF))? else { return Ok((found, false)) };
                let prefix = id_prefix(indicator);
                let last = [prefix.as_slice(), &end.to_be_bytes()].concat();
                for row in of.range(prefix.as_slice()..last.as_slice())?.rev() {
                    let (key, _) = row?;
                    let position = key.value().last_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
                    if let Some(bytes) = hits.get(position)?
                        && !take(position, bytes.value())?
                    {
                        more = true;
                        break;
                    }
                }
            }
        }
        Ok((found, more))
    }

    pub(crate) fn hit(&self, position: u64, bytes: &[u8]) -> Result<Hit, StoreError> {
        let (envelope, body) = self.sealed_row(bytes)?;
        let Head::Hit { sensor, indicator, origin, class, time, .. } = envelope.head else {
            return Err(StoreError::Damaged("a hit of the catalog is none"));
        };
        Ok(Hit { position, sensor, indicator, origin, time, received: envelope.date, class, evidence: body })
    }

    fn sealed_row(&self, bytes: &[u8]) -> Result<(Envelope, Vec<u8>), StoreError> {
        const SHORT: StoreError = StoreError::Damaged("a row of the catalog ends early");
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or(SHORT)?;
        let (envelope_bytes, sealed) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or(SHORT)?;
        let envelope: Envelope = postcard::from_bytes(envelope_bytes)?;
        let mut body = Vec::new();
        self.shared.keys.unseal(envelope.key, envelope_bytes, sealed, &mut body)?;
        Ok((envelope, body))
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
            let (envelope, body) = self.sealed_row(bytes.value())?;
            let Head::Quarantined { submitter, waits_for } = envelope.head else { continue };
            if !reads(submitter.as_ref()) {
                continue;
            }
            if found.len() == limit {
                return Ok((found, true));
            }
            let (faults, bytes): (String, Vec<u8>) = postcard::from_bytes(&body)?;
            let faults = serde_json::from_str(&faults).unwrap_or_default();
            found.push(Quarantined {
                position: position.value(),
                received: envelope.date,
                submitter,
                waits_for,
                faults,
                bytes,
            });
        }
        Ok((found, false))
    }

    /// Every principal and how it is known.
    pub fn principals(&self) -> Result<Vec<(Principal, Vec<Credential>)>, StoreError> {
        let Some(table) = table_or(self.transaction.open_table(PRINCIPALS))? else { return Ok(Vec::new()) };
        table.iter()?.map(|row| Ok(postcard::from_bytes(row?.1.value())?)).collect()
    }

    /// Up to where a sensor's spool is held; 0 if nothing.
    pub fn sensor_cursor(&self, sensor: &PrincipalName) -> Result<u64, StoreError> {
        let Some(table) = table_or(self.transaction.open_table(SENSORS))? else { return Ok(0) };
        Ok(table.get(sensor.as_str())?.map_or(0, |row| row.value().0))
    }

    /// Up to where a partner's link log is held.
    pub fn link_cursor(&self, partner: &CentreCode) -> Result<LinkCursor, StoreError> {
        let Some(table) = table_or(self.transaction.open_table(LINKS))? else { return Ok(LinkCursor::default()) };
        let row = table.get(partner.as_str())?;
        Ok(row.map(|row| postcard::from_bytes(row.value())).transpose()?.unwrap_or_default())
    }

    /// A count since the log began: `accepted`, `quarantined`, `refused`, `withdrawn`, `hits`, `observations`.
    pub fn count(&self, name: &str) -> Result<u64, StoreError> {
        let Some(table) = table_or(self.transaction.open_table(COUNTS))? else { return Ok(0) };
        Ok(table.get(name)?.map_or(0, |count| count.value()))
    }

    /// The sequence up to which this snapshot is.
    pub fn applied(&self) -> Result<u64, StoreError> {
        let Some(table) = table_or(self.transaction.open_table(META))? else { return Ok(0) };
        Ok(table.get("applied")?.map_or(0, |applied| applied.value()))
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
        let key = StatementKey { origin: origin.clone(), id: id.clone(), version: *version, rendering: 0 };
        Ok(self.statement(&key)?.map(|found| (found.head.digest, found.head.key.rendering)))
    }

    /// What a marking definition that is held here means: the newest that is held, of any origin.
    pub fn meaning(&self, id: &StixId) -> Result<Option<Meaning>, StoreError> {
        let newest = self.statements(id)?.into_iter().rfind(|found| found.newest && !found.withdrawn);
        let value = newest.and_then(|found| serde_json::from_slice(&found.bytes).ok());
        Ok(value.map(|value| meaning(id, &value)))
    }
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

pub(crate) fn shows(visibility: &Visibility, row: &Row) -> bool {
    !row.withdrawn && visibility.sees(row.head.class) && visibility.sees(row.governing)
}

fn wanted(query: &Query, row: &Row) -> bool {
    let StatementKey { origin, id, version, .. } = &row.head.key;
    let version_wanted = |wanted: &Versions| match wanted {
        Versions::Last => row.newest,
        Versions::First => row.oldest,
        Versions::All => true,
        Versions::At(time) => *version == Version::Modified(*time),
    };
    query.origin.as_ref().is_none_or(|wanted| wanted == origin)
        && query.added_after.is_none_or(|after| row.date > after)
        && (query.ids.is_empty() || query.ids.contains(id))
        && (query.types.is_empty() || query.types.iter().any(|wanted| wanted == id.object_type()))
        && query.spec_20.is_none_or(|wanted| wanted == row.head.spec_20)
        && if query.versions.is_empty() { row.newest } else { query.versions.iter().any(version_wanted) }
}

fn statement(position: u64, date: Timestamp, head: StatementHead, bytes: Vec<u8>) -> Statement {
    let StatementHead { key, submitter, class, revoked, set: ClassSetId(_), .. } = head;
    Statement { key, class, date, position, revoked, submitter, bytes }
}
