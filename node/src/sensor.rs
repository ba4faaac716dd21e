//! The configuration of a sensor, as written.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use model::principal::PrincipalName;
use serde::{Deserialize, Serialize};

/// A sensor's `sensor.toml`, as written. Relative paths are relative to its folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SensorConfig {
    /// The sensor, `name@centre`, as its centre enrolled it.
    pub(crate) name: PrincipalName,
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
    /// What it hears: captures and logs, replayed with the present time.
    pub(crate) inputs: Vec<PathBuf>,
    /// How they are replayed.
    #[serde(default)]
    pub(crate) replay: collector::replay::Settings,
    /// Bounds of reading them.
    #[serde(default)]
    pub(crate) reading: collector::Settings,
    /// Bounds of the sensor.
    #[serde(default)]
    pub(crate) sensor: collector::sensor::Settings,
}

impl SensorConfig {
    /// Reads a sensor's configuration.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let mut config: Self =
            toml::from_str(&text).with_context(|| format!("`{}` is not a sensor's configuration", path.display()))?;
        if !config.centre.starts_with("https://") {
            bail!("`centre` in `{}` is `{}`: a sensor speaks https:// alone", path.display(), config.centre);
        }
        if config.inputs.is_empty() {
            bail!("`inputs` in `{}` is empty: there is nothing to hear", path.display());
        }
        let base = path.parent().unwrap_or(Path::new("."));
        let files = [&mut config.authority, &mut config.certificate, &mut config.key, &mut config.spool];
        for file in files.into_iter().chain(&mut config.inputs) {
            *file = base.join(&*file);
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        name = "sensor-1@ca"
        centre = "https://localhost:7443"
        authority = "sensors-authority.pem"
        certificate = "sensor.pem"
        key = "sensor.key"
        spool = "/var/spool/bridgewatch"
        inputs = ["a.pcap"]
    "#;

    #[test]
    fn paths_are_relative_to_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sensor.toml");
        std::fs::write(&path, GOOD).unwrap();
        let config = SensorConfig::read(&path).unwrap();
        assert_eq!(config.inputs, [folder.path().join("a.pcap")]);
        assert_eq!(config.spool, Path::new("/var/spool/bridgewatch"));
        for (old, new) in [("https://", "http://"), ("\"a.pcap\"", ""), ("@ca", ""), ("key =", "surprise = 1\nkey =")] {
            std::fs::write(&path, GOOD.replace(old, new)).unwrap();
            assert!(SensorConfig::read(&path).is_err(), "{new}");
        }
        let again: SensorConfig = toml::from_str(&toml::to_string_pretty(&config).unwrap()).unwrap();
        assert_eq!(again.name, config.name);
    }
}
