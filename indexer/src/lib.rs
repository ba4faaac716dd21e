//! The memory: the logs, the catalog, the search index. Every read takes a `&Visibility`, except the node's own materialisers, which are
//! handed [`Unchecked`] statements and ask the gate themselves.
//!
//! Architecture invariant: nobody else names redb or tantivy.

mod catalog;
mod disclosure;
mod dump;
mod error;
mod file;
mod keys;
mod link;
mod log;
mod read;
pub mod search;
mod store;
mod verify;
mod writer;

pub use disclosure::DisclosureLog;
pub use dump::DumpedEntry;
pub use error::StoreError;
pub use link::{LinkCounts, LinkLog, LoggedRow, NewLinkRow, Released, Withheld};
pub use log::entry::{Credential, NewEntry, NewHit, NewStatement, StatementHead, StatementKey};
pub use read::{Change, Hit, Page, Quarantined, Query, Snapshot, Statement, Unchecked, Versions};
pub use store::{Appended, Settings, Store};
pub use verify::{Verified, VerifiedLog};
pub use writer::references_of;

/// Doors for the fuzz targets to what reads the centre's own files.
#[cfg(fuzzing)]
pub mod fuzzing {
    /// Reads a frame of a log; how many bytes its entries hold.
    pub fn frame(bytes: &[u8]) -> Result<usize, crate::StoreError> {
        let entries = crate::log::frame::entries(bytes)?;
        Ok(entries.iter().map(|entry| entry.envelope.len() + entry.body.len()).sum())
    }

    /// Reads a row of the catalog.
    pub fn row(bytes: &[u8]) -> Result<(), crate::StoreError> {
        let (row, envelope, references) = crate::catalog::decode_row(bytes)?;
        crate::catalog::decode_references(references)?;
        crate::catalog::head_view(envelope)?;
        crate::catalog::head_of(&row, envelope).map(drop)
    }
}
