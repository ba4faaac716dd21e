//! One centre in a folder of its own, made and run with the commands that a person would type.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::client::{Person, http};
use crate::process::Process;
use crate::tap::Tap;
use crate::{program, wait, word};

/// How long a centre may take until it says that it is ready.
const READY: Duration = Duration::from_secs(30);
/// Ports are taken from below the range that the kernel gives to outgoing connections.
const PORTS: std::ops::Range<u64> = 12_000..31_000;
/// Listeners of a centre, on successive ports: machines, people, link, sensors, metrics.
const LISTENERS: u16 = 5;

/// A centre.
#[derive(Debug)]
pub struct Centre {
    /// `us` or `ca`.
    pub code: String,
    /// Its folder.
    pub folder: PathBuf,
    port: u16,
    tokens: BTreeMap<String, String>,
    process: Option<Process>,
}

impl Centre {
    /// `bridgewatch init` in `root`/`code`, on ports that nobody uses.
    pub fn init(root: &Path, code: &str) -> Result<Self> {
        let folder = root.join(code);
        let port = free_ports()?;
        let (dir, number) = (folder.display().to_string(), port.to_string());
        program::run(&["init", "--centre", code, "--dir", &dir, "--port", &number])?.good()?;
        Ok(Self { code: code.to_owned(), folder, port, tokens: BTreeMap::new(), process: None })
    }

    /// `bridgewatch org add … --token` for a person; before or while it runs.
    pub fn enrol(&mut self, name: &str, roles: &[&str]) -> Result<()> {
        let said = self.org_add(name, roles, &["--token"])?;
        let token =
            said.split(|c: char| c.is_whitespace() || c == '"' || c == '`').find(|part| part.starts_with("bw_"));
        let token = token.with_context(|| format!("`org add` gave no token: {said}"))?;
        self.tokens.insert(name.to_owned(), token.to_owned());
        Ok(())
    }

    /// `bridgewatch org add` with these roles and further arguments; what it said on stdout.
    pub fn org_add(&self, name: &str, roles: &[&str], further: &[&str]) -> Result<String> {
        let dir = self.folder.display().to_string();
        let mut arguments = vec!["org", "add", "--dir", &dir, "--name", name];
        for role in roles {
            arguments.extend(["--role", role]);
        }
        arguments.extend(further);
        Ok(program::run(&arguments)?.good()?.stdout)
    }

    /// Writes into its configuration who its partner is, copies the partner's link authority, and enrols it by its certificate.
    pub fn introduce(&self, partner: &Self, country: &str) -> Result<()> {
        let config = self.config();
        let mut text = std::fs::read_to_string(&config)?;
        text.push_str(&format!(
            "\n[partner]\ncode = \"{}\"\ncountry = \"{country}\"\nurl = \"https://{}\"\n",
            partner.code,
            partner.address(Listener::Link)
        ));
        std::fs::write(&config, text)?;
        std::fs::copy(partner.tls("link-authority.pem"), self.tls("partner-authority.pem"))?;
        let certificate = partner.tls("link.pem").display().to_string();
        self.org_add("link", &["peer"], &["--trust", &certificate]).map(drop)
    }

    /// `bridgewatch serve`, without waiting.
    pub fn start(&mut self) -> Result<()> {
        let config = self.config().display().to_string();
        self.process = Some(Process::start(&["serve", "--config", &config], &self.log())?);
        Ok(())
    }

    /// Waits until it answers that it is ready.
    pub async fn ready(&mut self) -> Result<()> {
        let url = format!("http://{}/readyz", self.address(Listener::Metrics));
        let process = self.process.as_mut().context("it was not started")?;
        let what = format!("centre {} is ready", self.code);
        let mut ended = None;
        let ready = wait::until(&what, READY, async || {
            if let Err(error) = process.alive() {
                ended = Some(error);
                return Ok(Some(()));
            }
            let response = reqwest::get(&url).await?;
            Ok((response.status() == 200).then_some(()))
        });
        ready.await?;
        ended.map_or(Ok(()), |error| Err(error.context(what)))
    }

    /// Ends it as a power failure would.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().context("it does not run")?.kill()
    }

    /// Asks it to end; it must do so cleanly.
    pub fn stop(&mut self) -> Result<()> {
        let stopped = self.process.take().context("it does not run")?.stop();
        stopped.with_context(|| format!("stopping centre {}", self.code))
    }

    /// Its process.
    pub fn process(&self) -> Result<&Process> {
        self.process.as_ref().context("it does not run")
    }

    /// Someone who was enrolled, as a client.
    pub fn person(&self, name: &str) -> Result<Person> {
        let token = self.tokens.get(name).with_context(|| format!("`{name}` is not enrolled at {}", self.code))?;
        let base = format!("https://{}", self.address(Listener::Machines));
        let http = http(&self.tls("authority.pem"), None)?;
        Ok(Person::new(format!("{name}@{}", self.code), token.clone(), http, base))
    }

    /// Everyone who was enrolled.
    pub fn people(&self) -> Result<Vec<Person>> {
        self.tokens.keys().map(|name| self.person(name)).collect()
    }

    /// Everything that its partner reads on the link, from the first line on: read with the partner's own certificate.
    pub async fn link(&self, partner: &Self) -> Result<Tap> {
        let identity = (partner.tls("link.pem"), partner.tls("link.key"));
        let http = http(&self.tls("link-authority.pem"), Some((&identity.0, &identity.1)))?;
        let root = "0".repeat(64);
        let address = self.address(Listener::Link);
        Tap::open(http.get(format!("https://{address}/link/v1/releases?after=0&root={root}"))).await
    }

    /// `bridgewatch log dump`: every entry in clear.
    pub fn dump(&self) -> Result<String> {
        let dir = self.folder.display().to_string();
        Ok(program::run(&["log", "dump", "--dir", &dir])?.good()?.stdout)
    }

    /// `bridgewatch log verify`.
    pub fn verify(&self) -> Result<()> {
        let dir = self.folder.display().to_string();
        program::run(&["log", "verify", "--dir", &dir])?.good().map(drop)
    }

    /// Throws away everything that is materialised from the log: the catalog and the search index.
    pub fn forget_derived(&self) -> Result<()> {
        let mut gone = 0;
        for entry in std::fs::read_dir(self.folder.join("data"))? {
            let path = entry?.path();
            match path.file_name().and_then(|name| name.to_str()) {
                Some(name) if name.starts_with("catalog") => std::fs::remove_file(&path)?,
                Some(name) if name.starts_with("search") && path.is_dir() => std::fs::remove_dir_all(&path)?,
                _ => continue,
            }
            gone += 1;
        }
        if gone < 2 {
            bail!("the catalog and the index were not both found in `{}`", self.folder.display())
        }
        Ok(())
    }

    /// Where a listener is.
    pub fn address(&self, listener: Listener) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port + listener as u16))
    }

    /// Its configuration.
    pub fn config(&self) -> PathBuf {
        self.folder.join("bridgewatch.toml")
    }

    /// A file of its TLS folder.
    pub fn tls(&self, name: &str) -> PathBuf {
        self.folder.join("tls").join(name)
    }

    /// What it wrote to stdout and stderr.
    pub fn log(&self) -> PathBuf {
        self.folder.with_extension("log")
    }
}

/// The listeners, in the order of their ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// TAXII and REST.
    Machines = 0,
    /// The console.
    People = 1,
    /// The partner link.
    Link = 2,
    /// The sensors.
    Sensors = 3,
    /// Health and figures.
    Metrics = 4,
}

fn free_ports() -> Result<u16> {
    for _ in 0..1_000 {
        let first = u16::try_from(PORTS.start + word::below(PORTS.end - PORTS.start))?;
        let free = |step: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, first + step)).is_ok();
        if (0..LISTENERS).all(free) {
            return Ok(first);
        }
    }
    bail!("no {LISTENERS} successive ports are free between {} and {}", PORTS.start, PORTS.end)
}
