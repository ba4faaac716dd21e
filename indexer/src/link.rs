//! The link log (ADR 4): what one partner was sent, dense and chained, in a file of its own; also what is withheld from it now.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use model::principal::CentreCode;
use model::stix::{StixId, Version};
use model::time::Timestamp;
use redb::{Database, Durability, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};
use sharing::ClassId;
use sharing::link::{CHAIN_START, Hash, LinkCursor, LinkKind, LinkRow, chain, leaf};
use tokio::sync::watch;

use crate::catalog::{after, id_prefix, version_key};
use crate::error::StoreError;
use crate::file::{open_checked, open_or_make};

const CACHE_BYTES: usize = 4 << 20;
/// Commits that say nothing but how far the object log was read need not be durable, up to so many entries of it.
const APPLIED_BEHIND_MAX: u64 = 1_000;

const LOGGED: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("rows");
/// `applied`, `releases`, `withdrawals`.
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
/// id ‖ 0 ‖ version → the present state there.
const RELEASED: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("released");
/// id ‖ 0 ‖ version → why it stays.
const WITHHELD: TableDefinition<'_, &[u8], &str> = TableDefinition::new("withheld");
/// Reason → how many versions are withheld for it: sightings, all else.
const WITHHELD_COUNTS: TableDefinition<'_, &str, (u64, u64)> = TableDefinition::new("withheld-counts");

/// A row to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLinkRow {
    /// What happens.
    pub kind: LinkKind,
    /// Which object.
    pub id: StixId,
    /// Which version.
    pub version: Version,
    /// Which rendering of it.
    pub rendering: u32,
    /// SHA-256 of the bytes that leave.
    pub digest: Hash,
    /// Under which agreement.
    pub agreement: String,
    /// By which rule.
    pub rule: String,
    /// For which purpose.
    pub purpose: String,
    /// When.
    pub time: Timestamp,
    /// Its class.
    pub class: ClassId,
    /// The sequence of the object log that caused it. Never leaves the node.
    pub cause: u64,
}

/// A row as the log holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedRow {
    /// The row.
    pub row: LinkRow,
    /// What its leaf is salted with.
    pub salt: [u8; 16],
    /// Its leaf.
    pub leaf: Hash,
    /// The chain there.
    pub chain: Hash,
    /// Its class.
    pub class: ClassId,
    /// The sequence of the object log that caused it. Never leaves the node.
    pub cause: u64,
}

/// What the partner has of one version now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// Which version.
    pub version: Version,
    /// The last rendering that was sent.
    pub rendering: u32,
    /// SHA-256 of the bytes that were sent.
    pub digest: Hash,
    /// The row that says so.
    pub number: u64,
    /// It was taken back.
    pub withdrawn: bool,
}

/// How many rows of each kind there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LinkCounts {
    /// Releases.
    pub releases: u64,
    /// Withdrawals.
    pub withdrawals: u64,
}

/// How many versions stay for each reason. For the officers of the origin alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Withheld {
    /// Of all but sightings.
    pub statements: BTreeMap<String, u64>,
    /// Of sightings.
    pub sightings: BTreeMap<String, u64>,
}

/// The link log of one partner.
pub struct LinkLog {
    database: Database,
    partner: CentreCode,
    random: SystemRandom,
    state: Mutex<State>,
    head: watch::Sender<u64>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    cursor: LinkCursor,
    applied: u64,
    durable: u64,
}

impl LinkLog {
    /// Where the link log of `partner` lies in a store's folder.
    pub fn path_in(folder: &Path, partner: &CentreCode) -> PathBuf {
        folder.join(format!("link-{partner}.redb"))
    }

    /// The link logs in a store's folder: each partner with its file.
    pub(crate) fn all_in(folder: &Path) -> Result<Vec<(CentreCode, PathBuf)>, StoreError> {
        let failed = |source| StoreError::Folder { path: folder.to_owned(), source };
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let partner = name.strip_prefix("link-").and_then(|name| name.strip_suffix(".redb"));
            if let Some(Ok(partner)) = partner.map(str::parse) {
                found.push((partner, path));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Opens or makes the link log of `partner`.
    pub fn open(path: &Path, partner: CentreCode) -> Result<Self, StoreError> {
        Self::of(open_or_make(path, CACHE_BYTES)?, partner)
    }

    /// Opens a link log that is there; every page of it is checked.
    pub(crate) fn open_checked(path: &Path, partner: CentreCode) -> Result<Self, StoreError> {
        Self::of(open_checked(path, CACHE_BYTES)?, partner)
    }

    fn of(database: Database, partner: CentreCode) -> Result<Self, StoreError> {
        let mut transaction = database.begin_write()?;
        transaction.set_quick_repair(true);
        let (last, applied) = {
            let tables = LinkTables::open(&transaction)?;
            let applied = tables.numbers.get("applied")?.map_or(0, |applied| applied.value());
            (tables.logged.last()?.map(|(_, row)| decode(row.value())).transpose()?, applied)
        };
        transaction.commit()?;
        if last.as_ref().is_some_and(|last| last.row.partner != partner) {
            return Err(StoreError::Damaged("this link log is another partner's"));
        }
        let cursor =
            last.map_or_else(LinkCursor::default, |last| LinkCursor { number: last.row.number, chain: last.chain });
        let (head, _) = watch::channel(cursor.number);
        let state = Mutex::new(State { cursor, applied, durable: applied });
        Ok(Self { database, partner, random: SystemRandom::new(), state, head })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sequence of the object log whose consequences are all in here.
    pub fn applied(&self) -> u64 {
        self.state().applied
    }

    /// The last number, and the chain there.
    pub fn head(&self) -> LinkCursor {
        self.state().cursor
    }

    /// The last number; changes with every append that adds a row.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// One durable commit: `rows` with the numbers that follow, what is withheld from now on (with its reason) or no longer
    /// (without), and how far the object log was read for it. What a row releases is no longer withheld.
    pub fn append(
        &self,
        rows: Vec<NewLinkRow>,
        withheld: Vec<(StixId, Version, Option<String>)>,
        applied: u64,
    ) -> Result<Vec<LoggedRow>, StoreError> {
        let mut state = self.state();
        let mut transaction = self.database.begin_write()?;
        let durable =
            !rows.is_empty() || !withheld.is_empty() || applied.saturating_sub(state.durable) >= APPLIED_BEHIND_MAX;
        if durable {
            transaction.set_quick_repair(true);
        } else {
            transaction.set_durability(Durability::None)?;
        }
        let mut cursor = state.cursor;
        let mut logged = Vec::with_capacity(rows.len());
        {
            let mut tables = LinkTables::open(&transaction)?;
            for new in rows {
                let row = self.logged(&mut cursor, new)?;
                tables.add(&row)?;
                logged.push(row);
            }
            for (id, version, reason) in withheld {
                tables.withhold(&id, &version, reason.as_deref())?;
            }
            tables.numbers.insert("applied", applied)?;
        }
        transaction.commit()?;
        let added = cursor != state.cursor;
        *state = State { cursor, applied, durable: if durable { applied } else { state.durable } };
        drop(state);
        if added {
            self.head.send_replace(cursor.number);
        }
        Ok(logged)
    }

    fn logged(&self, cursor: &mut LinkCursor, new: NewLinkRow) -> Result<LoggedRow, StoreError> {
        let NewLinkRow { kind, id, version, rendering, digest, agreement, rule, purpose, time, class, cause } = new;
        let (number, partner) = (cursor.number.saturating_add(1), self.partner.clone());
        let row = LinkRow { number, kind, partner, id, version, rendering, digest, agreement, rule, purpose, time };
        let mut salt = [0; 16];
        self.random.fill(&mut salt).map_err(|_| StoreError::Random)?;
        let leaf = leaf_of(&salt, &row)?;
        let chain = chain(&cursor.chain, &leaf);
        *cursor = LinkCursor { number, chain };
        Ok(LoggedRow { row, salt, leaf, chain, class, cause })
    }

    /// The chain at a number; none beyond the head.
    pub fn chain_at(&self, number: u64) -> Result<Option<Hash>, StoreError> {
        if number == 0 {
            return Ok(Some(CHAIN_START));
        }
        let table = self.database.begin_read()?.open_table(LOGGED)?;
        let row = table.get(number)?;
        row.map(|row| Ok(decode(row.value())?.chain)).transpose()
    }

    /// At most `limit` rows after a number. That they are what was written, and follow from each other, is checked.
    pub fn rows(&self, after: u64, limit: usize) -> Result<Vec<LoggedRow>, StoreError> {
        let Some(chain) = self.chain_at(after)? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        self.each(LinkCursor { number: after, chain }, |row| {
            let wanted = found.len() < limit;
            if wanted {
                found.push(row);
            }
            wanted
        })?;
        Ok(found)
    }

    /// Goes through the whole log: numbers are dense, every leaf and chain follows. The head that they lead to.
    pub fn verify(&self) -> Result<LinkCursor, StoreError> {
        self.each(LinkCursor::default(), |_| true)
    }

    pub(crate) fn each(
        &self,
        from: LinkCursor,
        mut each: impl FnMut(LoggedRow) -> bool,
    ) -> Result<LinkCursor, StoreError> {
        let table = self.database.begin_read()?.open_table(LOGGED)?;
        let mut cursor = from;
        for row in table.range(from.number.saturating_add(1)..)? {
            let row = decode(row?.1.value())?;
            if leaf_of(&row.salt, &row.row)? != row.leaf {
                return Err(StoreError::Damaged("a row of the link log is not what was written"));
            }
            let next = cursor.advance(row.row.number, &row.leaf, &row.chain);
            let next =
                next.map_err(|_| StoreError::Damaged("a row of the link log does not follow from the one before"));
            let next = next?;
            if !each(row) {
                break;
            }
            cursor = next;
        }
        Ok(cursor)
    }

    /// The newest rows, newest first.
    pub fn newest(&self, limit: usize) -> Result<Vec<LoggedRow>, StoreError> {
        let table = self.database.begin_read()?.open_table(LOGGED)?;
        table.iter()?.rev().take(limit).map(|row| decode(row?.1.value())).collect()
    }

    /// What the partner has of an object now, oldest version first.
    pub fn released(&self, id: &StixId) -> Result<Vec<Released>, StoreError> {
        let table = self.database.begin_read()?.open_table(RELEASED)?;
        let prefix = id_prefix(id);
        let range = table.range(prefix.as_slice()..after(&prefix).as_slice())?;
        range.map(|row| Ok(postcard::from_bytes(row?.1.value())?)).collect()
    }

    /// How many rows of each kind there are.
    pub fn counts(&self) -> Result<LinkCounts, StoreError> {
        let table = self.database.begin_read()?.open_table(NUMBERS)?;
        let count = |name: &str| -> Result<u64, StoreError> { Ok(table.get(name)?.map_or(0, |count| count.value())) };
        Ok(LinkCounts { releases: count("releases")?, withdrawals: count("withdrawals")? })
    }

    /// How many versions are withheld now, by the present reason.
    pub fn withheld(&self) -> Result<Withheld, StoreError> {
        let table = self.database.begin_read()?.open_table(WITHHELD_COUNTS)?;
        let mut found = Withheld::default();
        for row in table.iter()? {
            let (reason, counts) = row?;
            let (sightings, statements) = counts.value();
            for (count, counts) in [(sightings, &mut found.sightings), (statements, &mut found.statements)] {
                if count > 0 {
                    counts.insert(reason.value().to_owned(), count);
                }
            }
        }
        Ok(found)
    }
}

/// The tables of one write.
struct LinkTables<'t> {
    logged: Table<'t, u64, &'static [u8]>,
    numbers: Table<'t, &'static str, u64>,
    released: Table<'t, &'static [u8], &'static [u8]>,
    withheld: Table<'t, &'static [u8], &'static str>,
    withheld_counts: Table<'t, &'static str, (u64, u64)>,
}

impl<'t> LinkTables<'t> {
    fn open(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            logged: transaction.open_table(LOGGED)?,
            numbers: transaction.open_table(NUMBERS)?,
            released: transaction.open_table(RELEASED)?,
            withheld: transaction.open_table(WITHHELD)?,
            withheld_counts: transaction.open_table(WITHHELD_COUNTS)?,
        })
    }

    fn add(&mut self, logged: &LoggedRow) -> Result<(), StoreError> {
        let LinkRow { number, kind, id, version, rendering, digest, .. } = &logged.row;
        self.logged.insert(number, postcard::to_stdvec(logged)?.as_slice())?;
        let withdrawn = *kind == LinkKind::Withdrawal;
        let state = Released { version: *version, rendering: *rendering, digest: *digest, number: *number, withdrawn };
        self.released.insert(version_place(id, version).as_slice(), postcard::to_stdvec(&state)?.as_slice())?;
        if !withdrawn {
            self.withhold(id, version, None)?;
        }
        let name = if withdrawn { "withdrawals" } else { "releases" };
        let before = self.numbers.get(name)?.map_or(0, |count| count.value());
        self.numbers.insert(name, before.saturating_add(1))?;
        Ok(())
    }

    fn withhold(&mut self, id: &StixId, version: &Version, reason: Option<&str>) -> Result<(), StoreError> {
        let place = version_place(id, version);
        let before = match reason {
            Some(reason) => self.withheld.insert(place.as_slice(), reason)?,
            None => self.withheld.remove(place.as_slice())?,
        };
        let before = before.map(|before| before.value().to_owned());
        if before.as_deref() == reason {
            return Ok(());
        }
        let sighting = id.object_type() == "sighting";
        let mut count = |reason: &str, change: fn(u64, u64) -> u64| -> Result<(), StoreError> {
            let (mut sightings, mut statements) =
                self.withheld_counts.get(reason)?.map_or((0, 0), |counts| counts.value());
            let counted = if sighting { &mut sightings } else { &mut statements };
            *counted = change(*counted, 1);
            self.withheld_counts.insert(reason, (sightings, statements))?;
            Ok(())
        };
        if let Some(before) = before {
            count(&before, u64::saturating_sub)?;
        }
        reason.map_or(Ok(()), |reason| count(reason, u64::saturating_add))
    }
}

fn version_place(id: &StixId, version: &Version) -> Vec<u8> {
    let mut place = id_prefix(id);
    place.extend_from_slice(&version_key(version));
    place
}

fn decode(bytes: &[u8]) -> Result<LoggedRow, StoreError> {
    Ok(postcard::from_bytes(bytes)?)
}

fn leaf_of(salt: &[u8; 16], row: &LinkRow) -> Result<Hash, StoreError> {
    leaf(salt, row).map_err(|_| StoreError::Damaged("a row of the link log cannot be written as JSON"))
}
