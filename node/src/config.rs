//! The configuration of a centre and of a sensor: first as written (unknown keys refused), then checked. Each crate owns
//! the settings of its own part; this file only composes them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// A centre's `bridgewatch.toml`, as written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CentreConfig {
    /// Who this centre is.
    pub centre: CentreSection,
    /// Where it listens.
    pub listen: ListenSection,
    /// The partner centre; none until an agreement is made.
    pub partner: Option<PartnerSection>,
    /// Limits of the HTTP listeners.
    #[serde(default)]
    pub api: api::Settings,
    /// Limits of the logs, the catalog and the index.
    #[serde(default)]
    pub store: indexer::Settings,
}

/// Who a centre is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CentreSection {
    /// Short code, which is also the origin of its statements: `us`, `ca`.
    pub code: String,
    /// Full name, for people.
    pub name: String,
    /// ISO 3166-1 alpha-3, as markings write it: `USA`, `CAN`.
    pub country: String,
    /// Text of the classification banner.
    #[serde(default = "default_banner")]
    pub banner: String,
}

fn default_banner() -> String {
    "UNCLASSIFIED".to_owned()
}

/// Where a centre listens; each listener has a trust of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListenSection {
    /// TAXII, REST, feeds: TLS; client certificate, bearer token or Basic.
    pub machines: SocketAddr,
    /// The console: TLS, session cookie.
    pub people: SocketAddr,
    /// The partner link: mutual TLS, an authority of its own.
    pub link: SocketAddr,
    /// The sensors: mutual TLS, an authority of its own.
    pub sensors: SocketAddr,
    /// Prometheus metrics, health and readiness: loopback alone.
    pub metrics: SocketAddr,
}

/// The partner centre.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerSection {
    /// Its short code.
    pub code: String,
    /// ISO 3166-1 alpha-3.
    pub country: String,
    /// Where its link listens: `https://host:port`.
    pub url: String,
}

impl CentreConfig {
    /// Reads and checks a configuration; touches nothing but the file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let config: Self = toml::from_str(&text).with_context(|| format!("`{}` is not a configuration", path.display()))?;
        config.check().with_context(|| format!("`{}` cannot be used", path.display()))?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        if !self.listen.metrics.ip().is_loopback() {
            bail!("`listen.metrics` is {}, but metrics are served on loopback alone: use 127.0.0.1", self.listen.metrics);
        }
        if let Some(partner) = &self.partner {
            if partner.code == self.centre.code {
                bail!("`partner.code` is this centre's own code `{}`: a centre is not its own partner", partner.code);
            }
            if !partner.url.starts_with("https://") {
                bail!("`partner.url` is `{}`: the link runs over https:// alone", partner.url);
            }
        }
        Ok(())
    }

    /// As a file to write.
    pub fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string_pretty(self)?)
    }
}

/// A sensor's `sensor.toml`, as written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensorConfig {
    /// The sensor's principal name, `name@centre`, as its certificate says.
    pub name: String,
    /// Where its centre's sensor listener is: `https://host:port`.
    pub centre: String,
    /// The authority that signed the centre's sensor listener, PEM.
    pub authority: PathBuf,
    /// This sensor's certificate, PEM.
    pub certificate: PathBuf,
    /// This sensor's key, PEM.
    pub key: PathBuf,
    /// Folder of the spool.
    pub spool: PathBuf,
    /// What it hears: captures that are replayed at their natural pace with the present time.
    pub replay: Vec<PathBuf>,
    /// Begin again at the end of the captures.
    #[serde(default)]
    pub repeat: bool,
}

impl SensorConfig {
    /// Reads a sensor's configuration; relative paths are relative to its folder.
    pub fn read(path: &Path) -> Result<Self> {
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
