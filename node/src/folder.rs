//! Where everything of a centre or sensor lies in its folder. One place names the files, so that `init`, `serve`, `org`
//! and `demo` cannot disagree.

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A centre's folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at `root`, which need not exist yet.
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The configuration.
    pub(crate) fn config(&self) -> PathBuf {
        self.root.join("bridgewatch.toml")
    }

    /// The agreements, one TOML file each.
    pub(crate) fn agreements(&self) -> PathBuf {
        self.root.join("agreements")
    }

    /// Logs, catalog, index.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// The master key that wraps the day secrets.
    pub(crate) fn master_key(&self) -> PathBuf {
        self.root.join("keys/master.key")
    }

    /// Reads the master key: 32 bytes, written as 64 hexadecimal digits.
    pub(crate) fn read_master_key(&self) -> Result<Vec<u8>> {
        let path = self.master_key();
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let key = hex::decode(text.trim()).ok().filter(|key| key.len() == 32);
        key.with_context(|| format!("`{}` is no master key: it holds 64 hexadecimal digits", path.display()))
    }

    /// A file of the TLS folder.
    pub(crate) fn tls(&self, name: &str) -> PathBuf {
        self.root.join("tls").join(name)
    }

    /// The folder that a configuration lies in.
    pub(crate) fn of_config(config: &Path) -> Self {
        let parent = config.parent().filter(|parent| !parent.as_os_str().is_empty());
        Self::new(parent.unwrap_or(Path::new(".")))
    }

    /// Where a running centre writes its process id and addresses.
    pub(crate) fn running(&self) -> PathBuf {
        self.root.join("running.json")
    }

    /// The socket over which commands that are given the folder talk to the running centre.
    pub(crate) fn socket(&self) -> PathBuf {
        self.root.join("bridgewatch.sock")
    }
}

/// Writes a file that only its owner may read, replacing what was there, whole or not at all.
pub(crate) fn write_secret(path: &Path, content: &[u8]) -> Result<()> {
    write_mode(path, content, 0o600)
}

/// Writes a file that everyone may read, replacing what was there, whole or not at all.
pub(crate) fn write_public(path: &Path, content: &[u8]) -> Result<()> {
    write_mode(path, content, 0o644)
}

fn write_mode(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("cannot create `{}`", parent.display()))?;
        if mode == 0o600 {
            std::fs::set_permissions(parent, std::fs::Permissions::from_mode(0o700))
                .with_context(|| format!("cannot protect `{}`", parent.display()))?;
        }
    }
    let new = path.with_extension("new");
    let attempt = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&new)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&new, path)
    };
    attempt().with_context(|| format!("cannot write `{}`", path.display()))
}
