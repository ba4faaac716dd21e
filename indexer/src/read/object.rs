//! One object as a reader may see it, and what refers to it.

use std::cell::Cell;

use model::json::Limits;
use model::principal::{CentreCode, PrincipalName};
use model::stix::{Object, StixId, Typed, may_be_withheld, read};
use model::time::Timestamp;
use sharing::render::{Rendering, render};
use sharing::{ClassId, Visibility};

use super::{Snapshot, table_or};
use crate::catalog::{HeadView, KeyView, PLACES, REFERRERS, Row, Standing, after, decode_row, head_view, id_prefix};
use crate::error::StoreError;
use crate::log::entry::StatementKey;
use crate::log::file::Entries;

/// How many references away something is still looked at; what is further away counts as hidden.
const DEPTH_MAX: usize = 8;
/// How many statements are looked at to tell whether one may be seen: references may run in circles, and branch.
const LOOKS_MAX: usize = 32;
/// What says something about other objects.
const REFERRING: [&str; 5] = ["grouping", "note", "opinion", "relationship", "report"];

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

impl Snapshot {
    /// All statements of one object that may be seen, of every origin, oldest version first. Empty if there is none, or
    /// none may be seen: the two are the same.
    pub fn object(&self, visibility: &Visibility, id: &StixId) -> Result<Vec<Statement>, StoreError> {
        let mut found = Vec::new();
        let mut reader = self.reader(visibility)?;
        let Some(rows) = self.rows()? else { return Ok(found) };
        for position in self.positions(id)? {
            let Some(bytes) = rows.get(position)? else { continue };
            let (row, envelope, _) = decode_row(bytes.value())?;
            if reader.shows(&row) {
                found.extend(self.seen(&mut reader, position, &row, envelope, &head_view(envelope)?)?);
            }
        }
        Ok(found)
    }

    /// May what stands for an object be seen, as far as those that refer to it are concerned?
    pub fn is_visible(&self, visibility: &Visibility, id: &StixId) -> Result<bool, StoreError> {
        self.is_shown(visibility, id, 0, &Cell::new(LOOKS_MAX))
    }

    /// As [`Snapshot::is_visible`], `depth` references away from what is read, with so many looks left.
    fn is_shown(
        &self,
        visibility: &Visibility,
        id: &StixId,
        depth: usize,
        looks: &Cell<usize>,
    ) -> Result<bool, StoreError> {
        let Some(rows) = self.rows()? else { return Ok(false) };
        for stands in self.standing(id)?.each().filter(|stands| visibility.sees(stands.class)) {
            if !may_be_withheld(id.object_type()) || visibility.sees_all(stands.set) {
                return Ok(true);
            }
            let left = looks.get();
            if depth == DEPTH_MAX || left == 0 {
                return Ok(false);
            }
            looks.set(left - 1);
            let Some(bytes) = rows.get(stands.position)? else { continue };
            let statement = self.unchecked(&mut self.shared.log.entries()?, bytes.value())?;
            let visible = |id: &StixId| self.is_shown(visibility, id, depth + 1, looks);
            if !matches!(rendered(&statement.bytes, visible)?, Rendering::Withheld(_)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn standing(&self, id: &StixId) -> Result<Standing, StoreError> {
        let mut standing = Standing::default();
        let (Some(places), Some(rows)) = (table_or(self.transaction.open_table(PLACES))?, self.rows()?) else {
            return Ok(standing);
        };
        let prefix = id_prefix(id);
        for place in places.range(prefix.as_slice()..after(&prefix).as_slice())? {
            let (key, position) = place?;
            let position = position.value();
            if let Some(bytes) = rows.get(position)? {
                let row = decode_row(bytes.value())?.0;
                standing.note(key.value().get(prefix.len()..).unwrap_or_default(), position, &row);
            }
        }
        Ok(standing)
    }

    /// The newest sightings of an indicator that may be seen, newest first, behind a position (0: from the newest), and
    /// whether there are more.
    pub fn sightings_of(
        &self,
        visibility: &Visibility,
        indicator: &StixId,
        behind: u64,
        limit: usize,
    ) -> Result<(Vec<Statement>, bool), StoreError> {
        let of_it = |object: &Object| match &object.typed {
            Typed::Sighting(sighting) => sighting.sighting_of_ref == *indicator,
            _ => false,
        };
        self.referring(visibility, indicator, &["sighting"], of_it, behind, limit)
    }

    /// What says something of an object (relationships, reports, notes, opinions, groupings) and may be seen with its
    /// reference to it, newest first, behind a position (0: from the newest), and whether there is more.
    pub fn referrers(
        &self,
        visibility: &Visibility,
        id: &StixId,
        behind: u64,
        limit: usize,
    ) -> Result<(Vec<Statement>, bool), StoreError> {
        let of_it = |object: &Object| object.references.iter().any(|reference| reference.id == *id);
        self.referring(visibility, id, &REFERRING, of_it, behind, limit)
    }

    fn referring(
        &self,
        visibility: &Visibility,
        id: &StixId,
        types: &[&str],
        of_it: impl Fn(&Object) -> bool,
        behind: u64,
        limit: usize,
    ) -> Result<(Vec<Statement>, bool), StoreError> {
        let mut found = Vec::new();
        let Some(rows) = self.rows()? else { return Ok((found, false)) };
        let mut reader = self.reader(visibility)?;
        let mut positions = self.referrer_positions(id, types)?;
        positions.retain(|position| behind == 0 || *position < behind);
        positions.sort_unstable_by(|a, b| b.cmp(a));
        for position in positions {
            let Some(bytes) = rows.get(position)? else { continue };
            let (row, envelope, _) = decode_row(bytes.value())?;
            if !row.newest || !reader.shows(&row) {
                continue;
            }
            let head = head_view(envelope)?;
            let Some(statement) = self.seen(&mut reader, position, &row, envelope, &head)? else { continue };
            if !of_it(&parsed(&statement.bytes)?) {
                continue;
            }
            if found.len() == limit {
                return Ok((found, true));
            }
            found.push(statement);
        }
        Ok((found, false))
    }

    fn referrer_positions(&self, id: &StixId, types: &[&str]) -> Result<Vec<u64>, StoreError> {
        let (Some(referrers), Some(places)) =
            (table_or(self.transaction.open_table(REFERRERS))?, table_or(self.transaction.open_table(PLACES))?)
        else {
            return Ok(Vec::new());
        };
        let target = id_prefix(id);
        let mut positions = Vec::new();
        for object_type in types {
            let prefix = [target.as_slice(), object_type.as_bytes(), b"--"].concat();
            for row in referrers.range(prefix.as_slice()..after(&prefix).as_slice())? {
                let key = row?.0;
                let place = key.value().get(target.len()..).unwrap_or_default();
                positions.extend(places.get(place)?.map(|position| position.value()));
            }
        }
        Ok(positions)
    }

    pub(crate) fn reader<'v>(&self, visibility: &'v Visibility) -> Result<Reader<'v>, StoreError> {
        Ok(Reader { visibility, entries: self.shared.log.entries()?, origin: None, submitter: None })
    }

    /// Appends the body of the statement that a row stands for to `out`.
    pub(super) fn body(
        &self,
        entries: &mut Entries,
        row: &Row,
        envelope: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), StoreError> {
        let entry = entries.entry(row.born)?;
        if entry.envelope != envelope {
            return Err(StoreError::Damaged("a row of the catalog is not what the log says"));
        }
        out.reserve_exact(entry.body.len());
        self.shared.keys.unseal(row.key, envelope, entry.body, out)
    }

    /// The statement as it may be seen; none if it cannot do without something hidden.
    pub(crate) fn seen(
        &self,
        reader: &mut Reader<'_>,
        position: u64,
        row: &Row,
        envelope: &[u8],
        head: &HeadView<'_>,
    ) -> Result<Option<Statement>, StoreError> {
        let mut bytes = Vec::new();
        match self.body(&mut reader.entries, row, envelope, &mut bytes) {
            Ok(()) => {}
            Err(StoreError::Erased) => return Ok(None),
            Err(error) => return Err(error),
        }
        let visibility = reader.visibility;
        if !visibility.sees_all(row.set) {
            let own = head.submitter == Some(visibility.principal().name.as_str());
            match rendered(&bytes, |id| {
                // What is not held here is hidden from everyone but its sender.
                Ok(self.is_visible(visibility, id)? || (own && self.positions(id)?.is_empty()))
            })? {
                Rendering::Whole => {}
                Rendering::Redacted(changed) => bytes = changed,
                Rendering::Withheld(_) => return Ok(None),
            }
        }
        let (key, submitter) = reader.names(head).ok_or(StoreError::Damaged("a name in the catalog"))?;
        let (class, date, revoked) = (row.class, row.date, row.revoked);
        Ok(Some(Statement { key, class, date, position, revoked, submitter, bytes }))
    }
}

/// One reading of many statements: origins and submitters are few, and are shared by those that follow each other; so are
/// the frames of the log.
pub(crate) struct Reader<'v> {
    visibility: &'v Visibility,
    entries: Entries,
    origin: Option<CentreCode>,
    submitter: Option<PrincipalName>,
}

impl Reader<'_> {
    pub(crate) fn shows(&self, row: &Row) -> bool {
        !row.withdrawn && self.visibility.sees(row.class) && self.visibility.sees(row.governing)
    }

    fn names(&mut self, head: &HeadView<'_>) -> Option<(StatementKey, Option<PrincipalName>)> {
        let KeyView { origin, id, version, rendering } = &head.key;
        if self.origin.as_ref().is_none_or(|last| last.as_str() != *origin) {
            self.origin = Some(origin.parse().ok()?);
        }
        if let Some(submitter) = head.submitter
            && self.submitter.as_ref().is_none_or(|last| last.as_str() != submitter)
        {
            self.submitter = Some(submitter.parse().ok()?);
        }
        let (origin, id) = (self.origin.clone()?, id.parse().ok()?);
        let key = StatementKey { origin, id, version: *version, rendering: *rendering };
        Some((key, head.submitter.and(self.submitter.clone())))
    }
}

fn parsed(bytes: &[u8]) -> Result<Object, StoreError> {
    let read = read(bytes, &Limits::default());
    read.map(|(object, _)| object).map_err(|_| StoreError::Damaged("a stored object"))
}

pub(super) fn rendered(
    bytes: &[u8],
    visible: impl Fn(&StixId) -> Result<bool, StoreError>,
) -> Result<Rendering, StoreError> {
    let failed = std::cell::Cell::new(None);
    let rendering = render(&parsed(bytes)?, bytes, |id| {
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
