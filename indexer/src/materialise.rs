//! What the node's own materialisers read (rule sets, link log, sightings): as stored, the gate has not been asked. They ask
//! it themselves.

use model::principal::{CentreCode, PrincipalName};
use model::stix::StixId;
use model::time::Timestamp;
use redb::ReadableTable;

use crate::catalog::{HITS, HITS_OF, REFERRERS, ROWS, SENSORS, after, decode_row, id_prefix};
use crate::error::StoreError;
use crate::log::entry::{StatementHead, StatementKey};
use crate::read::{Hit, Snapshot, Unchecked, table_or};

impl Snapshot {
    /// The newest statement of every object of one type that `wanted` says yes to (its head, and whether its origin took it
    /// back), as stored; only those are decrypted.
    pub fn each_newest(
        &self,
        object_type: &str,
        wanted: impl Fn(&StatementHead, bool) -> bool,
        mut each: impl FnMut(Unchecked),
    ) -> Result<(), StoreError> {
        let Some(rows) = table_or(self.transaction.open_table(ROWS))? else { return Ok(()) };
        for row in rows.iter()? {
            let (_, bytes) = row?;
            let (row, _, _) = decode_row(bytes.value())?;
            if row.newest && row.head.key.id.object_type() == object_type && wanted(&row.head, row.withdrawn) {
                each(self.unchecked(bytes.value())?);
            }
        }
        Ok(())
    }

    /// The keys of all statements that refer to `id`.
    pub fn referring(&self, id: &StixId) -> Result<Vec<StatementKey>, StoreError> {
        let (Some(referrers), Some(places), Some(rows)) = (
            table_or(self.transaction.open_table(REFERRERS))?,
            table_or(self.transaction.open_table(crate::catalog::PLACES))?,
            table_or(self.transaction.open_table(ROWS))?,
        ) else {
            return Ok(Vec::new());
        };
        let prefix = id_prefix(id);
        let mut keys = Vec::new();
        for row in referrers.range(prefix.as_slice()..after(&prefix).as_slice())? {
            let (key, _) = row?;
            let place = key.value().get(prefix.len()..).unwrap_or_default();
            let Some(position) = places.get(place)?.map(|position| position.value()) else { continue };
            if let Some(bytes) = rows.get(position)? {
                keys.push(decode_row(bytes.value())?.0.head.key);
            }
        }
        Ok(keys)
    }

    /// Has `origin` stated this object here, whatever became of it?
    pub fn is_held_of(&self, id: &StixId, origin: &CentreCode) -> Result<bool, StoreError> {
        let Some(places) = table_or(self.transaction.open_table(crate::catalog::PLACES))? else { return Ok(false) };
        let prefix = crate::catalog::origin_prefix(id, origin);
        let found = places.range(prefix.as_slice()..after(&prefix).as_slice())?.next().is_some();
        Ok(found)
    }

    /// Every hit of one indicator, oldest first.
    pub fn each_hit_of(&self, indicator: &StixId, mut each: impl FnMut(Hit)) -> Result<(), StoreError> {
        let (Some(of), Some(hits)) =
            (table_or(self.transaction.open_table(HITS_OF))?, table_or(self.transaction.open_table(HITS))?)
        else {
            return Ok(());
        };
        let prefix = id_prefix(indicator);
        for row in of.range(prefix.as_slice()..after(&prefix).as_slice())? {
            let (key, _) = row?;
            let position = key.value().last_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
            if let Some(bytes) = hits.get(position)? {
                each(self.hit(position, bytes.value())?);
            }
        }
        Ok(())
    }

    /// Every hit that was received at `since` or later, newest first.
    pub fn each_hit_since(
        &self,
        since: Timestamp,
        mut each: impl FnMut(Hit) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let Some(hits) = table_or(self.transaction.open_table(HITS))? else { return Ok(()) };
        for row in hits.iter()?.rev() {
            let (position, bytes) = row?;
            let hit = self.hit(position.value(), bytes.value())?;
            if hit.received < since {
                break;
            }
            each(hit)?;
        }
        Ok(())
    }

    /// How many observations a sensor has delivered.
    pub fn sensor_observations(&self, sensor: &PrincipalName) -> Result<u64, StoreError> {
        let Some(table) = table_or(self.transaction.open_table(SENSORS))? else { return Ok(0) };
        Ok(table.get(sensor.as_str())?.map_or(0, |row| row.value().1))
    }
}
