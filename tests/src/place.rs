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

/// The Python that `scripts/tools` prepares, where `BRIDGEWATCH_PYTHON` names no other.
pub fn python() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).unwrap_or_default();
    cache.join("bridgewatch/venv/bin/python")
}

/// A number that the environment may set: small by default for CI, larger for a long run.
pub fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
