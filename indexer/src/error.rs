//! What can go wrong with storage.

use std::path::{Path, PathBuf};

/// Why the store cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file cannot be opened.
    #[error("`{path}` cannot be opened: another process may hold it, or it is damaged")]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<redb::DatabaseError>,
    },
    /// The folder cannot be made.
    #[error("the folder `{path}` cannot be made")]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file of a store is not there.
    #[error("`{0}` is missing: is this the folder of a centre?")]
    Missing(PathBuf),
    /// The master key is not the one the keys were wrapped with.
    #[error("the master key does not open the key file: it is 32 bytes, and must be the one this folder was made with")]
    MasterKey,
    /// The key of a body was destroyed.
    #[error("the key of this content was destroyed")]
    Erased,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
    /// What is stored is not what was written.
    #[error("the store is damaged: {0}")]
    Damaged(&'static str),
    /// The system gives no thread.
    #[error("the system gives no thread for a writer")]
    Thread(#[source] std::io::Error),
    /// The writer has ended.
    #[error("the log's writer has ended: see its error in the log of the program")]
    WriterGone,
    /// Classes cannot be given.
    #[error(transparent)]
    Class(#[from] sharing::class::ClassError),
    /// A record cannot be encoded.
    #[error("a record cannot be encoded or decoded")]
    Encoding(#[from] postcard::Error),
    /// The search index lacks too much of the log.
    #[error("the search index is {0} entries behind the log: it catches up, ask again in a moment")]
    Behind(u64),
    /// The search index failed.
    #[error("the search index failed")]
    Index(#[source] Box<tantivy::TantivyError>),
    /// The database failed.
    #[error("the database failed")]
    Database(#[source] Box<redb::Error>),
}

impl StoreError {
    pub(crate) fn open(path: &Path) -> impl FnOnce(redb::DatabaseError) -> Self + '_ {
        move |source| Self::Open { path: path.to_owned(), source: Box::new(source) }
    }
}

impl From<tantivy::TantivyError> for StoreError {
    fn from(error: tantivy::TantivyError) -> Self {
        Self::Index(Box::new(error))
    }
}

macro_rules! from_redb {
    ($($error:ty),*) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::Database(Box::new(error.into()))
            }
        }
    )*};
}

from_redb!(redb::TransactionError, redb::TableError, redb::StorageError, redb::CommitError, redb::SetDurabilityError);
