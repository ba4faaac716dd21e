//! The demo's installations: two centres and a sensor, made with the same parts as real ones.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::certificate::{self, Credential, Use};
use crate::client::Client;
use crate::command::init::{NewCentre, make};
use crate::command::org::{NewPrincipal, add};
use crate::config::{CentreConfig, ListenSection, PartnerSection};
use crate::folder::{Folder, write_public};
use crate::sensor::SensorConfig;

/// A person of the demo: name and roles.
type Person = (&'static str, &'static [&'static str]);

const US_PEOPLE: &[Person] =
    &[("alice", &["analyst", "publisher"]), ("bob", &["analyst"]), ("olivia", &["analyst", "officer"])];
const CA_PEOPLE: &[Person] = &[
    ("charlotte", &["analyst", "publisher"]),
    ("claude", &["analyst"]),
    ("denise", &["analyst"]),
    ("etienne", &["analyst", "officer"]),
];

/// One centre of the demo.
#[derive(Debug)]
pub(crate) struct Centre {
    /// Its folder.
    pub(crate) folder: Folder,
    /// Its configuration.
    pub(crate) config: CentreConfig,
    /// Name and token of each person.
    pub(crate) tokens: Vec<(String, String)>,
}

impl Centre {
    /// A client as the person called `name`.
    pub(crate) fn client(&self, name: &str) -> Result<Client> {
        let base = format!("https://{}", self.config.listen.machines);
        Client::new(&base, Some(&self.folder.tls("authority.pem")), self.token(name)?)
    }

    fn token(&self, name: &str) -> Result<&str> {
        let found = self.tokens.iter().find(|(person, _)| person == name);
        found.map(|(_, token)| token.as_str()).with_context(|| format!("nobody is called `{name}` here"))
    }
}

/// Everything of the demo on disk.
#[derive(Debug)]
pub(crate) struct Installation {
    /// The folder of all.
    pub(crate) root: PathBuf,
    /// The United States' centre.
    pub(crate) us: Centre,
    /// Canada's centre.
    pub(crate) ca: Centre,
    /// The sensor's configuration.
    pub(crate) sensor_config: PathBuf,
}

impl Installation {
    /// Makes all of it under `root`.
    pub(crate) async fn make(root: &Path, captures: &[PathBuf]) -> Result<Self> {
        let mut ports = free_addresses(10)?.into_iter();
        let mut listen = || listen(&mut ports).context("the system gives no free ports");
        let mut us = centre(root, "us", "Cybersecurity operations centre, United States", "USA", listen()?)?;
        let mut ca = centre(root, "ca", "Cyber operations centre, Canada", "CAN", listen()?)?;
        introduce(&mut us, &ca)?;
        introduce(&mut ca, &us)?;
        let (sensor_config, sensor) = sensor(root, &ca, captures)?;
        us.tokens = enrol(&us, &ca, US_PEOPLE, None).await?;
        ca.tokens = enrol(&ca, &us, CA_PEOPLE, Some(sensor)).await?;
        let installation = Self { root: root.to_owned(), us, ca, sensor_config };
        installation.write_note()?;
        Ok(installation)
    }

    /// Imports a file at `us` with the demo's default marking.
    pub(crate) async fn import(&self, file: &Path) -> Result<()> {
        crate::command::import::upload(&self.us.client("alice")?, file, Some("demo"), Some("tlp:clear"), |_| {})
            .await?;
        Ok(())
    }

    /// Says on stderr where to look and what to type.
    pub(crate) fn explain(&self) -> Result<()> {
        std::io::stderr().write_all(self.text()?.as_bytes())?;
        Ok(())
    }

    fn text(&self) -> Result<String> {
        let mut text = String::from(
            "Bridgewatch: two centres on this machine, joined by mutual TLS alone. Ctrl-C ends it.\n\nSign in (the browser \
             asks once about each centre's own certificate authority):\n",
        );
        for (centre, person) in [(&self.us, "alice"), (&self.us, "olivia"), (&self.ca, "claude"), (&self.ca, "etienne")]
        {
            text.push_str(&format!(
                "  {person}@{}\thttps://localhost:{}/#token={}\n",
                centre.config.centre.code,
                centre.config.listen.people.port(),
                centre.token(person)?
            ));
        }
        text.push_str(
            "\nWhat to look at: Live shows both countries side by side; publish at us as alice, and it stands on ca's screen. \
             Border (olivia, etienne) counts what stayed and why.\n\nOr by hand:\n",
        );
        text.push_str(&Self::curl(&self.us, "alice", "/api/v1/search?q=type:indicator&limit=3", "")?);
        text.push_str(&Self::curl(&self.ca, "claude", "/api/v1/live", " -N")?);
        let program = std::env::current_exe().context("cannot tell where this program lies")?;
        text.push_str(&format!(
            "  '{}' search type:sighting --dir '{}'\n",
            program.display(),
            self.us.folder.root().display()
        ));
        text.push_str(&format!(
            "  python3 -c \"from taxii2client.v21 import Server; s=Server('https://localhost:{}/taxii2/', user='claude', \
             password='{}', verify='{}'); print([c.title for c in s.default.collections])\"\n",
            self.ca.config.listen.machines.port(),
            self.ca.token("claude")?,
            self.ca.folder.tls("authority.pem").display()
        ));
        text.push_str(&format!("\nEverything lies in {}\n\n", self.root.display()));
        Ok(text)
    }

    fn curl(centre: &Centre, person: &str, path: &str, options: &str) -> Result<String> {
        Ok(format!(
            "  curl --cacert '{}' -H 'Authorization: Bearer {}'{options} 'https://localhost:{}{path}'\n",
            centre.folder.tls("authority.pem").display(),
            centre.token(person)?,
            centre.config.listen.machines.port()
        ))
    }

    /// The same words beside the folders, and the tokens for scripts.
    fn write_note(&self) -> Result<()> {
        let address = |centre: &Centre| {
            serde_json::json!({
                "machines": format!("https://{}", centre.config.listen.machines),
                "people": format!("https://localhost:{}", centre.config.listen.people.port()),
                "metrics": format!("http://{}", centre.config.listen.metrics),
                "authority": centre.folder.tls("authority.pem"), "folder": centre.folder.root(),
                "tokens": centre.tokens.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            })
        };
        let note = serde_json::json!({"us": address(&self.us), "ca": address(&self.ca)});
        crate::folder::write_secret(&self.root.join("demo/demo.json"), &serde_json::to_vec_pretty(&note)?)?;
        crate::folder::write_secret(&self.root.join("demo/README.txt"), self.text()?.as_bytes())
    }
}

/// Ports that nobody uses just now; all are held until the last is found, so that none comes twice.
fn free_addresses(count: usize) -> Result<Vec<SocketAddr>> {
    let held: Vec<TcpListener> = (0..count).map(|_| TcpListener::bind(("127.0.0.1", 0))).collect::<Result<_, _>>()?;
    Ok(held.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?)
}

fn listen(ports: &mut impl Iterator<Item = SocketAddr>) -> Option<ListenSection> {
    Some(ListenSection {
        machines: ports.next()?,
        people: ports.next()?,
        link: ports.next()?,
        sensors: ports.next()?,
        metrics: ports.next()?,
    })
}

fn centre(root: &Path, code: &str, name: &str, country: &str, listen: ListenSection) -> Result<Centre> {
    let folder = Folder::new(root.join(code));
    let new =
        NewCentre { code: code.to_owned(), name: name.to_owned(), country: country.to_owned(), hosts: vec![], listen };
    make(&folder, &new)?;
    let config = CentreConfig::read(&folder.config())?;
    Ok(Centre { folder, config, tokens: Vec::new() })
}

/// Tells `centre` of its partner: where it is, and the authority of its link.
fn introduce(centre: &mut Centre, partner: &Centre) -> Result<()> {
    centre.config.partner = Some(PartnerSection {
        code: partner.config.centre.code.clone(),
        country: partner.config.centre.country.clone(),
        url: format!("https://{}", partner.config.listen.link),
    });
    write_public(&centre.folder.config(), centre.config.to_toml()?.as_bytes())?;
    let authority = std::fs::read(partner.folder.tls("link-authority.pem"))?;
    write_public(&centre.folder.tls("partner-authority.pem"), &authority)
}

/// Enrols the people, the partner's link and, where it is, the sensor; gives the people's tokens.
async fn enrol(
    centre: &Centre,
    partner: &Centre,
    people: &[Person],
    sensor: Option<NewPrincipal>,
) -> Result<Vec<(String, String)>> {
    let mut new: Vec<NewPrincipal> = people
        .iter()
        .map(|(name, roles)| NewPrincipal {
            name: (*name).to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            token: true,
            ..NewPrincipal::default()
        })
        .collect();
    new.push(NewPrincipal {
        name: "link".to_owned(),
        organisation: Some(partner.config.centre.name.clone()),
        roles: vec!["peer".to_owned()],
        certificate: Some(Credential::read(&partner.folder.tls(""), "link")?.certificate),
        ..NewPrincipal::default()
    });
    new.extend(sensor);
    let enrolled = add(&centre.folder, &new).await?;
    let token = |(name, _): &Person, token: Option<String>| Some(((*name).to_owned(), token?));
    Ok(people.iter().zip(enrolled).filter_map(|(person, enrolled)| token(person, enrolled.token)).collect())
}

/// The sensor's certificate and configuration, and the principal that it is at its centre.
fn sensor(root: &Path, centre: &Centre, captures: &[PathBuf]) -> Result<(PathBuf, NewPrincipal)> {
    let code = &centre.config.centre.code;
    let name = "sensor-1";
    let authority = Credential::read(&centre.folder.tls(""), "sensors-authority")?;
    let credential = certificate::signed(&authority, &format!("{name}.{code}.bridgewatch"), &[], Use::Client)?;
    let folder = root.join("sensor");
    credential.write(&folder, "sensor")?;
    let config = SensorConfig {
        name: format!("{name}@{code}").parse()?,
        centre: format!("https://{}", centre.config.listen.sensors),
        authority: centre.folder.tls("sensors-authority.pem").canonicalize()?,
        certificate: PathBuf::from("sensor.pem"),
        key: PathBuf::from("sensor.key"),
        spool: PathBuf::from("spool"),
        inputs: captures.iter().map(|path| path.canonicalize()).collect::<std::io::Result<_>>()?,
        replay: collector::replay::Settings { repeat: true, ..Default::default() },
        reading: collector::Settings::default(),
        sensor: collector::sensor::Settings::default(),
    };
    let path = folder.join("sensor.toml");
    write_public(&path, toml::to_string_pretty(&config)?.as_bytes())?;
    let principal = NewPrincipal {
        name: name.to_owned(),
        roles: vec!["sensor".to_owned()],
        certificate: Some(credential.certificate),
        site: Some("demo-site".to_owned()),
        ..NewPrincipal::default()
    };
    Ok((path, principal))
}
