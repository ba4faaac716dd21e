//! The configuration of a centre: first as written (unknown keys refused), then checked. Each crate owns
//! the settings of its own part; this file only composes them.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, bail};
use model::marking::Country;
use model::principal::CentreCode;
use serde::{Deserialize, Serialize};

/// A centre's `bridgewatch.toml`, as written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CentreConfig {
    /// Who this centre is.
    pub(crate) centre: CentreSection,
    /// Where it listens.
    pub(crate) listen: ListenSection,
    /// The partner centre; none until an agreement is made.
    pub(crate) partner: Option<PartnerSection>,
    /// Limits of the HTTP listeners.
    #[serde(default)]
    pub(crate) api: api::Settings,
    /// Limits of the logs, the catalog and the index.
    #[serde(default)]
    pub(crate) store: indexer::Settings,
    /// Limits of matching at the centre.
    #[serde(default)]
    pub(crate) matching: matching::Settings,
    /// Among which observations patterns of several observations are matched.
    #[serde(default)]
    pub(crate) windows: WindowsSection,
}

/// Patterns of several observations.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WindowsSection {
    /// Among those of all sensors together, at the centre. Otherwise among those of each sensor by itself: at the sensor where
    /// its site may hold the pattern, else at the centre.
    pub(crate) across_sensors: bool,
}

/// Who a centre is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CentreSection {
    /// Short code, which is also the origin of its statements: `us`, `ca`.
    pub(crate) code: String,
    /// Full name, for people.
    pub(crate) name: String,
    /// ISO 3166-1 alpha-3, as markings write it: `USA`, `CAN`.
    pub(crate) country: String,
    /// Text of the classification banner.
    #[serde(default = "default_banner")]
    pub(crate) banner: String,
}

fn default_banner() -> String {
    "UNCLASSIFIED".to_owned()
}

/// Where a centre listens; each listener has a trust of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListenSection {
    /// TAXII, REST, feeds: TLS; client certificate, bearer token or Basic.
    pub(crate) machines: SocketAddr,
    /// The console: TLS, session cookie.
    pub(crate) people: SocketAddr,
    /// The partner link: mutual TLS, an authority of its own.
    pub(crate) link: SocketAddr,
    /// The sensors: mutual TLS, an authority of its own.
    pub(crate) sensors: SocketAddr,
    /// Prometheus metrics, health and readiness: loopback alone.
    pub(crate) metrics: SocketAddr,
}

impl ListenSection {
    /// Two listeners cannot have one port.
    fn shared(&self) -> Vec<String> {
        let all = [
            ("machines", self.machines),
            ("people", self.people),
            ("link", self.link),
            ("sensors", self.sensors),
            ("metrics", self.metrics),
        ];
        let mut faults = Vec::new();
        for (place, (name, address)) in all.iter().enumerate() {
            if let Some((other, _)) = all.iter().skip(place + 1).find(|(_, other)| other == address) {
                faults.push(format!("`listen.{name}` and `listen.{other}` are both {address}: give each its own port"));
            }
        }
        faults
    }
}

/// The partner centre.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartnerSection {
    /// Its short code.
    pub(crate) code: String,
    /// ISO 3166-1 alpha-3.
    pub(crate) country: String,
    /// Where its link listens: `https://host:port`.
    pub(crate) url: String,
}

impl PartnerSection {
    fn faults(&self, own: &str) -> Vec<String> {
        let mut faults = Vec::new();
        if let Err(error) = self.code.parse::<CentreCode>() {
            faults.push(format!("`partner.code` is `{}`: {error}", self.code));
        }
        if self.code == own {
            faults.push(format!("`partner.code` is this centre's own code `{own}`: a centre is not its own partner"));
        }
        if let Err(error) = self.country.parse::<Country>() {
            faults.push(format!("`partner.country` is `{}`: {error}", self.country));
        }
        if !self.url.starts_with("https://") {
            faults.push(format!("`partner.url` is `{}`: the link runs over https:// alone", self.url));
        }
        faults
    }
}

impl CentreConfig {
    /// Reads and checks a configuration; touches nothing but the file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let config = Self::parse(path)?;
        match config.faults().into_iter().next() {
            None => Ok(config),
            Some(fault) => bail!("`{}` cannot be used: {fault}", path.display()),
        }
    }

    /// Reads a configuration as written.
    pub(crate) fn parse(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        toml::from_str(&text).with_context(|| format!("`{}` is not a configuration", path.display()))
    }

    /// Everything in it that cannot be used.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Err(error) = self.centre.code.parse::<CentreCode>() {
            faults.push(format!("`centre.code` is `{}`: {error}", self.centre.code));
        }
        if let Err(error) = self.centre.country.parse::<Country>() {
            faults.push(format!("`centre.country` is `{}`: {error}", self.centre.country));
        }
        if !self.listen.metrics.ip().is_loopback() {
            faults.push(format!(
                "`listen.metrics` is {}, but metrics are served on loopback alone: use 127.0.0.1",
                self.listen.metrics
            ));
        }
        faults.extend(self.listen.shared());
        if let Some(partner) = &self.partner {
            faults.extend(partner.faults(&self.centre.code));
        }
        faults
    }

    /// As a file to write.
    pub(crate) fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string_pretty(self)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [centre]
        code = "ca"
        name = "Centre ca"
        country = "CAN"
        [listen]
        machines = "127.0.0.1:7440"
        people = "127.0.0.1:7441"
        link = "127.0.0.1:7442"
        sensors = "127.0.0.1:7443"
        metrics = "127.0.0.1:7444"
        [partner]
        code = "us"
        country = "USA"
        url = "https://us.example:7442"
    "#;

    #[test]
    fn every_fault_is_found() {
        let good: CentreConfig = toml::from_str(GOOD).unwrap();
        assert_eq!(good.faults(), Vec::<String>::new());
        assert_eq!(toml::from_str::<CentreConfig>(&good.to_toml().unwrap()).unwrap().faults().len(), 0);
        let bad = GOOD
            .replace("7443", "7440")
            .replace("code = \"us\"", "code = \"ca\"")
            .replace("127.0.0.1:7444", "0.0.0.0:7444")
            .replace("\"USA\"", "\"US\"")
            .replace("https://us", "http://us");
        let bad: CentreConfig = toml::from_str(&bad).unwrap();
        assert_eq!(bad.faults().len(), 5, "{:?}", bad.faults());
        assert!(toml::from_str::<CentreConfig>(&GOOD.replace("name =", "surprise = 1\n name =")).is_err());
    }
}
