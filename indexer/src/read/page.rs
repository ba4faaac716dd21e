//! Pages of statements in the order of their dates: a range scan and a copy.

use std::collections::BTreeSet;

use model::principal::CentreCode;
use model::stix::{StixId, Version};
use model::time::Timestamp;
use redb::{ReadOnlyTable, ReadableTable};
use sharing::Visibility;

use super::object::Statement;
use super::{Snapshot, table_or};
use crate::catalog::{KeyView, Row, TYPES, after, decode_row, head_view, position_of, type_place};
use crate::error::StoreError;

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

/// A page.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Its statements, by date.
    pub statements: Vec<Statement>,
    /// More follow.
    pub more: bool,
}

impl Snapshot {
    /// A page of statements in the order of their dates.
    pub fn page(&self, visibility: &Visibility, query: &Query) -> Result<Page, StoreError> {
        let mut page = Page::default();
        let Some(rows) = self.rows()? else { return Ok(page) };
        let dated = query.added_after.map_or(Ok(0), |date| last_until(&rows, date))?;
        let behind = query.behind.max(dated);
        let mut reader = self.reader(visibility)?;
        let mut take = |position: u64, bytes: &[u8]| -> Result<bool, StoreError> {
            let (row, envelope, _) = decode_row(bytes)?;
            if !reader.shows(&row) || !row_wanted(query, &row) {
                return Ok(true);
            }
            let head = head_view(envelope)?;
            if !key_wanted(query, &row, &head.key) {
                return Ok(true);
            }
            let Some(statement) = self.seen(&mut reader, position, &row, envelope, &head)? else {
                return Ok(true);
            };
            page.more = page.statements.len() == query.limit;
            if !page.more {
                page.statements.push(statement);
            }
            Ok(!page.more)
        };
        if !query.ids.is_empty() {
            let mut positions = BTreeSet::new();
            for id in &query.ids {
                positions.extend(self.positions(id)?.into_iter().filter(|position| *position > behind));
            }
            each_of(&rows, positions.into_iter().map(Ok), take)?;
        } else if !query.types.is_empty() {
            each_of(&rows, self.of_types(&query.types, behind)?, take)?;
        } else {
            for row in rows.range(behind.saturating_add(1)..)? {
                let (position, bytes) = row?;
                if !take(position.value(), bytes.value())? {
                    break;
                }
            }
        }
        Ok(page)
    }

    /// The newest statements of one type that may be seen, newest first, behind a position (0: from the newest), and whether
    /// there are more.
    pub fn newest_of_type(
        &self,
        visibility: &Visibility,
        object_type: &str,
        behind: u64,
        limit: usize,
    ) -> Result<(Vec<Statement>, bool), StoreError> {
        let mut found = Vec::new();
        let (Some(rows), Some(types)) = (self.rows()?, table_or(self.transaction.open_table(TYPES))?) else {
            return Ok((found, false));
        };
        let mut reader = self.reader(visibility)?;
        let first = type_place(object_type, 0);
        let end = type_place(object_type, if behind == 0 { u64::MAX } else { behind });
        for place in types.range(first.as_slice()..end.as_slice())?.rev() {
            let position = position_of(place?.0.value())?;
            let Some(bytes) = rows.get(position)? else { continue };
            let (row, envelope, _) = decode_row(bytes.value())?;
            if !row.newest || !reader.shows(&row) {
                continue;
            }
            let head = head_view(envelope)?;
            let Some(statement) = self.seen(&mut reader, position, &row, envelope, &head)? else { continue };
            if found.len() == limit {
                return Ok((found, true));
            }
            found.push(statement);
        }
        Ok((found, false))
    }

    /// The positions of all statements of some types behind a position, in order.
    pub(super) fn of_types(
        &self,
        types: &[String],
        behind: u64,
    ) -> Result<impl Iterator<Item = Result<u64, StoreError>> + use<>, StoreError> {
        let mut streams = Vec::new();
        if let Some(table) = table_or(self.transaction.open_table(TYPES))? {
            for object_type in types.iter().collect::<BTreeSet<_>>() {
                let first = type_place(object_type, behind.saturating_add(1));
                let end = after(&[object_type.as_bytes(), &[0]].concat());
                let range = table.range(first.as_slice()..end.as_slice())?;
                streams.push(range.map(|row| position_of(row?.0.value())).peekable());
            }
        }
        Ok(std::iter::from_fn(move || {
            // An error counts as first: it ends the reading at once.
            let first = streams.iter_mut().filter_map(|stream| {
                let next = match stream.peek()? {
                    Ok(position) => *position,
                    Err(_) => 0,
                };
                Some((next, stream))
            });
            let first = first.min_by_key(|(next, _)| *next);
            first.and_then(|(_, stream)| stream.next())
        }))
    }
}

/// Hands the rows at `positions` to `take` until it has enough.
fn each_of(
    rows: &ReadOnlyTable<u64, &'static [u8]>,
    positions: impl Iterator<Item = Result<u64, StoreError>>,
    mut take: impl FnMut(u64, &[u8]) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    for position in positions {
        let position = position?;
        if let Some(bytes) = rows.get(position)?
            && !take(position, bytes.value())?
        {
            break;
        }
    }
    Ok(())
}

/// The last position dated `date` or earlier, or one after which nothing earlier follows; dates increase with positions.
fn last_until(rows: &ReadOnlyTable<u64, &'static [u8]>, date: Timestamp) -> Result<u64, StoreError> {
    let mut until = 0;
    let mut beyond = rows.last()?.map_or(1, |(position, _)| position.value().saturating_add(1));
    while beyond - until > 1 {
        let middle = until + (beyond - until) / 2;
        match rows.range(middle..beyond)?.next().transpose()? {
            Some((position, bytes)) if decode_row(bytes.value())?.0.date <= date => until = position.value(),
            _ => beyond = middle,
        }
    }
    Ok(until)
}

/// What the plain part of a row says already.
fn row_wanted(query: &Query, row: &Row) -> bool {
    let may_be = |wanted: &Versions| match wanted {
        Versions::Last => row.newest,
        Versions::First => row.oldest,
        Versions::All | Versions::At(_) => true,
    };
    query.added_after.is_none_or(|after| row.date > after)
        && query.spec_20.is_none_or(|wanted| wanted == row.spec_20)
        && if query.versions.is_empty() { row.newest } else { query.versions.iter().any(may_be) }
}

fn key_wanted(query: &Query, row: &Row, key: &KeyView<'_>) -> bool {
    let version_wanted = |wanted: &Versions| match wanted {
        Versions::Last => row.newest,
        Versions::First => row.oldest,
        Versions::All => true,
        Versions::At(time) => key.version == Version::Modified(*time),
    };
    let of_type = |wanted: &String| key.id.split_once("--").is_some_and(|(object_type, _)| object_type == wanted);
    query.origin.as_ref().is_none_or(|wanted| wanted.as_str() == key.origin)
        && (query.types.is_empty() || query.types.iter().any(of_type))
        && (query.versions.is_empty() || query.versions.iter().any(version_wanted))
}
