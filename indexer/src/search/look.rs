//! What the index asks of the catalog.

use model::principal::CentreCode;
use model::stix::StixId;
use model::time::Timestamp;
use sharing::Visibility;

use crate::catalog::{HITS, PLACES, ROWS, after, decode_row, head_view, origin_prefix};
use crate::error::StoreError;
use crate::log::entry::Envelope;
use crate::read::{Hit, Snapshot, Statement, Unchecked, table_or};

impl Snapshot {
    /// The newest version of one origin that it has not taken back, and its position; the index filters by class itself.
    pub(super) fn newest(&self, id: &StixId, origin: &CentreCode) -> Result<Option<(u64, Unchecked)>, StoreError> {
        let (Some(places), Some(rows)) =
            (table_or(self.transaction.open_table(PLACES))?, table_or(self.transaction.open_table(ROWS))?)
        else {
            return Ok(None);
        };
        let prefix = origin_prefix(id, origin);
        for place in places.range(prefix.as_slice()..after(&prefix).as_slice())?.rev() {
            let position = place?.1.value();
            let Some(bytes) = rows.get(position)? else { continue };
            let row = decode_row(bytes.value())?.0;
            if row.newest && !row.withdrawn {
                return match self.unchecked(&mut self.shared.log.entries()?, bytes.value()) {
                    Ok(statement) => Ok(Some((position, statement))),
                    Err(StoreError::Erased) => Ok(None),
                    Err(error) => Err(error),
                };
            }
        }
        Ok(None)
    }

    /// The statement at a position, as it may be seen.
    pub(super) fn at(&self, visibility: &Visibility, position: u64) -> Result<Option<Statement>, StoreError> {
        let Some(rows) = table_or(self.transaction.open_table(ROWS))? else { return Ok(None) };
        let Some(bytes) = rows.get(position)? else { return Ok(None) };
        let (row, envelope, _) = decode_row(bytes.value())?;
        let mut reader = self.reader(visibility)?;
        if !reader.shows(&row) {
            return Ok(None);
        }
        let head = head_view(envelope)?;
        self.seen(&mut reader, position, &row, envelope, &head)
    }

    /// The hit at a position, whoever may see it; for the index.
    pub(super) fn hit_at(&self, position: u64) -> Result<Option<Hit>, StoreError> {
        let Some(hits) = table_or(self.transaction.open_table(HITS))? else { return Ok(None) };
        let Some(bytes) = hits.get(position)? else { return Ok(None) };
        self.hit_of(|_| true, position, bytes.value())
    }

    /// The date of an entry of the log: random in its last digits, so it tells one log from another.
    pub(super) fn date_of(&self, sequence: u64) -> Result<Option<Timestamp>, StoreError> {
        let mut date = None;
        self.shared.log.each(sequence, |at, entry| {
            if at == sequence {
                date = Some(postcard::from_bytes::<Envelope>(entry.envelope)?.date);
            }
            Ok(false)
        })?;
        Ok(date)
    }
}
