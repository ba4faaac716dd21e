//! The configuration of a sensor, as written.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// A sensor's `sensor.toml`, as written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SensorConfig {
    /// The sensor's principal name, `name@centre`, as its certificate says.
    pub(crate) name: String,
    /// Where its centre's sensor listener is: `https://host:port`.
    pub(crate) centre: String,
    /// The authority that signed the centre's sensor listener, PEM.
    pub(crate) authority: PathBuf,
    /// This sensor's certificate, PEM.
    pub(crate) certificate: PathBuf,
    /// This sensor's key, PEM.
    pub(crate) key: PathBuf,
    /// Folder of the spool.
    pub(crate) spool: PathBuf,
    /// What it hears: captures that are replayed at their natural pace with the present time.
    pub(crate) replay: Vec<PathBuf>,
    /// Begin again at the end of the captures.
    #[serde(default)]
    pub(crate) repeat: bool,
}

impl SensorConfig {
    /// Reads a sensor's configuration; relative paths are relative to its folder.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let mut config: Self =
            toml::from_str(&text).with_context(|| format!("`{}` is not a sensor's configuration", path.display()))?;
        let base = path.parent().unwrap_or(Path::new("."));
        for file in [&mut config.authority, &mut config.certificate, &mut config.key, &mut config.spool] {
            *file = base.join(&*file);
        }
        for file in &mut config.replay {
            *file = base.join(&*file);
        }
        Ok(config)
    }
}
