//! Reading: every read takes a [`Visibility`](sharing::Visibility); what is hidden and what is not there take the same path to the same answer.

mod hits;
mod materialise;
mod object;
mod page;

use std::sync::Arc;

use model::principal::{CentreCode, PrincipalName};
use model::stix::StixId;
use model::time::Timestamp;
use redb::{Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable, TableError};
use sharing::Principal;
use sharing::link::LinkCursor;

pub use self::hits::{Hit, Quarantined};
pub use self::materialise::{Change, Unchecked};
pub use self::object::Statement;
pub use self::page::{Page, Query, Versions};
use crate::catalog::{COUNTS, LINKS, META, PLACES, PRINCIPALS, ROWS, SENSORS, after, id_prefix};
use crate::error::StoreError;
use crate::log::entry::Credential;
use crate::store::Shared;

/// The catalog at one moment.
pub struct Snapshot {
    pub(crate) shared: Arc<Shared>,
    pub(crate) transaction: ReadTransaction,
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

    fn rows(&self) -> Result<Option<ReadOnlyTable<u64, &'static [u8]>>, StoreError> {
        table_or(self.transaction.open_table(ROWS))
    }

    /// Where the statements of an object are, by origin and version.
    fn positions(&self, id: &StixId) -> Result<Vec<u64>, StoreError> {
        let Some(places) = table_or(self.transaction.open_table(PLACES))? else { return Ok(Vec::new()) };
        let prefix = id_prefix(id);
        places.range(prefix.as_slice()..after(&prefix).as_slice())?.map(|row| Ok(row?.1.value())).collect()
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
}
