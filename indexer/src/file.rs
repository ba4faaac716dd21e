//! Database files: made under another name, so that one whose making was cut short is never met.

use std::path::Path;

use redb::Database;

use crate::error::StoreError;

/// Opens the database file at `path`, or makes one.
pub(crate) fn open_or_make(path: &Path, cache_bytes: usize) -> Result<Database, StoreError> {
    if !path.exists() {
        make(path)?;
    }
    Database::builder().set_cache_size(cache_bytes).open(path).map_err(StoreError::open(path))
}

/// Opens a database file that is there; every page of it is checked.
pub(crate) fn open_checked(path: &Path, cache_bytes: usize) -> Result<Database, StoreError> {
    let mut builder = Database::builder();
    let database = builder.set_cache_size(cache_bytes).set_check_integrity_on_open(true).open(path);
    database.map_err(StoreError::open(path))
}

fn make(path: &Path) -> Result<(), StoreError> {
    let making = path.with_extension("making");
    let failed = |source| StoreError::Folder { path: path.to_owned(), source };
    match std::fs::remove_file(&making) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    drop(Database::builder().create(&making).map_err(StoreError::open(&making))?);
    std::fs::rename(&making, path).map_err(failed)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}
