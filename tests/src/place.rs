//! Where things lie.

use std::path::{Path, PathBuf};

/// The project's root.
pub fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// The corpora, or none where this clone has no `shared` beside it; the test then says `skipped: no corpora`.
pub fn corpora() -> Option<PathBuf> {
    let place =
        std::env::var_os("BRIDGEWATCH_CORPORA").map_or_else(|| project().join("../shared/corpora"), PathBuf::from);
    place.join("README.md").exists().then_some(place)
}

/// The release binary under test.
pub fn binary() -> PathBuf {
    std::env::var_os("BRIDGEWATCH_BIN").map_or_else(|| project().join("target/release/bridgewatch"), PathBuf::from)
}
