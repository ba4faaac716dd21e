//! What the follower checks of each line before anything of it is kept (ADR 4).

use bytes::Bytes;
use model::principal::{CentreCode, PrincipalName};
use model::stix::{StixId, Version};
use model::time::Timestamp;
use sha2::{Digest, Sha256};
use sharing::link::{Hash, LinkBreak, LinkCursor, LinkKind, LinkRow, leaf_of};

use super::wire::{Line, Record, WireError};

/// What arrived over the link and was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A statement of the partner, or another rendering of it.
    Release {
        /// Its STIX id, as the row says; the object has yet to be read.
        id: StixId,
        /// Its version.
        version: Version,
        /// Its rendering at the origin; a higher one replaces a lower.
        rendering: u32,
        /// SHA-256 of `bytes`.
        digest: Hash,
        /// Whose it is, if it is TLP:RED.
        publisher: Option<PrincipalName>,
        /// The object, byte for byte.
        bytes: Bytes,
        /// When the origin released it.
        time: Timestamp,
    },
    /// A version that the partner takes back.
    Withdrawal {
        /// Its STIX id.
        id: StixId,
        /// Its version.
        version: Version,
        /// When the origin took it back.
        time: Timestamp,
    },
}

impl Received {
    /// When the origin wrote its row.
    pub fn time(&self) -> Timestamp {
        match self {
            Self::Release { time, .. } | Self::Withdrawal { time, .. } => *time,
        }
    }
}

/// Why a follower stops until an operator has looked.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// Number or chain does not follow.
    #[error(transparent)]
    Break(#[from] LinkBreak),
    /// A whole line that cannot be read.
    #[error(transparent)]
    Unreadable(#[from] WireError),
    /// A row that cannot be read.
    #[error("the row at number {n} cannot be read: {source}")]
    Row {
        /// Where.
        n: u64,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// The leaf is not that of the row.
    #[error("the leaf at number {0} does not follow from its salt and row: the row was changed")]
    Leaf(u64),
    /// The row is of another number or kind than its line.
    #[error("the row at number {0} is of another number or kind than its line")]
    Label(u64),
    /// The row is for somebody else.
    #[error("the row at number {n} is for centre `{partner}`, not for this one")]
    Partner {
        /// Where.
        n: u64,
        /// For whom it is.
        partner: CentreCode,
    },
    /// The object is not the one that the row is about.
    #[error("the object at number {0} is not the one that the row's digest is of")]
    Digest(u64),
    /// The origin says that it stands elsewhere.
    #[error(
        "the partner says that its stream stands at number {found} or with another chain, this centre holds {held}"
    )]
    Stands {
        /// What this centre holds.
        held: u64,
        /// What the partner says.
        found: u64,
    },
    /// The origin does not know our cursor.
    #[error("the partner does not hold number {0} as this centre does: its link log shrank or was rewritten")]
    Refused(u64),
}

/// A line that holds.
#[derive(Debug)]
pub(crate) struct Proven {
    pub(crate) cursor: LinkCursor,
    pub(crate) received: Option<Received>,
}

/// Checks `line` as the one after `cursor`, sent to the centre `us`.
pub(crate) fn check(line: Line, cursor: &LinkCursor, us: &CentreCode) -> Result<Proven, Halt> {
    match line {
        Line::Idle { n, chain } if n == cursor.number && chain == cursor.chain => {
            Ok(Proven { cursor: *cursor, received: None })
        }
        Line::Idle { n, .. } => Err(Halt::Stands { held: cursor.number, found: n }),
        Line::Void { n, leaf, chain } => Ok(Proven { cursor: cursor.advance(n, &leaf, &chain)?, received: None }),
        Line::Withdrawal(record) => {
            let (cursor, row) = proven_row(&record, LinkKind::Withdrawal, cursor, us)?;
            let received = Received::Withdrawal { id: row.id, version: row.version, time: row.time };
            Ok(Proven { cursor, received: Some(received) })
        }
        Line::Release { record, publisher, object } => {
            let (cursor, row) = proven_row(&record, LinkKind::Release, cursor, us)?;
            if row.digest != Hash::from(Sha256::digest(&object)) {
                return Err(Halt::Digest(record.n));
            }
            let received = Received::Release {
                id: row.id,
                version: row.version,
                rendering: row.rendering,
                digest: row.digest,
                publisher,
                bytes: Bytes::from(object),
                time: row.time,
            };
            Ok(Proven { cursor, received: Some(received) })
        }
    }
}

/// Number and chain come first: a line sent again is told as such, whatever is wrong with its row.
fn proven_row(
    record: &Record,
    kind: LinkKind,
    cursor: &LinkCursor,
    us: &CentreCode,
) -> Result<(LinkCursor, LinkRow), Halt> {
    let n = record.n;
    let next = cursor.advance(n, &record.leaf, &record.chain)?;
    if leaf_of(&record.salt, record.row.as_bytes()) != record.leaf {
        return Err(Halt::Leaf(n));
    }
    let row: LinkRow = serde_json::from_str(&record.row).map_err(|source| Halt::Row { n, source })?;
    if row.number != n || row.kind != kind {
        return Err(Halt::Label(n));
    }
    if row.partner != *us {
        return Err(Halt::Partner { n, partner: row.partner });
    }
    Ok((next, row))
}
