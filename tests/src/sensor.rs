//! A sensor of a centre: `bridgewatch collect` that replays a capture of ours.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::centre::{Centre, Listener};
use crate::client::http;
use crate::process::Process;
use crate::tap::Tap;

/// A sensor and its folder.
#[derive(Debug)]
pub struct Sensor {
    name: String,
    folder: PathBuf,
    centre: String,
    authority: PathBuf,
    process: Option<Process>,
}

impl Sensor {
    /// Enrols a sensor at its centre, which makes its certificate, and writes its configuration.
    pub fn enrol(centre: &Centre, root: &Path, name: &str, inputs: &[PathBuf], repeat: bool) -> Result<Self> {
        let folder = root.join(name);
        std::fs::create_dir_all(&folder)?;
        let out = folder.display().to_string();
        centre.org_add(name, &["sensor"], &["--site", "test-site", "--certificate", "--out", &out])?;
        let authority = centre.tls("sensors-authority.pem");
        let base = format!("https://{}", centre.address(Listener::Sensors));
        let config = toml::to_string(&toml::toml! {
            name = (format!("{name}@{}", centre.code))
            centre = (base.clone())
            authority = (authority.display().to_string())
            certificate = (format!("{name}.pem"))
            key = (format!("{name}.key"))
            spool = "spool"
            inputs = (inputs.iter().map(|path| path.display().to_string()).collect::<Vec<_>>())
            [replay]
            repeat = (repeat)
        })?;
        std::fs::write(folder.join("sensor.toml"), config)?;
        Ok(Self { name: name.to_owned(), folder, centre: base, authority, process: None })
    }

    /// `bridgewatch collect`.
    pub fn start(&mut self) -> Result<()> {
        let config = self.folder.join("sensor.toml").display().to_string();
        self.process = Some(Process::start(&["collect", "--config", &config], &self.folder.with_extension("log"))?);
        Ok(())
    }

    /// Ends it as a power failure would.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().context("it does not run")?.kill()
    }

    /// Asks it to end; it must do so cleanly.
    pub fn stop(&mut self) -> Result<()> {
        self.process.take().context("it does not run")?.stop().context("stopping the sensor")
    }

    /// Waits until its inputs are over and its centre has everything.
    pub fn ends(&mut self, patience: Duration) -> Result<()> {
        self.process.take().context("it does not run")?.ends(patience).context("the sensor")
    }

    /// What its centre streams to it, with its own certificate.
    pub async fn rules(&self) -> Result<Tap> {
        let file = |kind: &str| self.folder.join(format!("{}.{kind}", self.name));
        let identity = (file("pem"), file("key"));
        let http = http(&self.authority, Some((&identity.0, &identity.1)))?;
        Tap::open(http.get(format!("{}/sensor/v1/rules", self.centre))).await
    }
}
