//! The demo's installations: two centres and a sensor, made with the same parts as real ones.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::free_address;
use crate::certificate::{self, Credential, Use};
use crate::client::Client;
use crate::command::init::{NewCentre, make};
use crate::command::org::{NewPrincipal, add};
use crate::config::{CentreConfig, ListenSection, PartnerSection, SensorConfig};
use crate::folder::{Folder, write_public};

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
        let mut us = centre(root, "us", "Cybersecurity operations centre, United States", "USA")?;
        let mut ca = centre(root, "ca", "Cyber operations centre, Canada", "CAN")?;
        introduce(&mut us, &ca)?;
        introduce(&mut ca, &us)?;
        us.tokens = people(&us, US_PEOPLE).await?;
        ca.tokens = people(&ca, CA_PEOPLE).await?;
        let sensor_config = sensor(root, &ca, captures).await?;
        let installation = Self { root: root.to_owned(), us, ca, sensor_config };
        installation.write_note()?;
        Ok(installation)
    }

    /// Imports a file at `us` with the demo's default marking.
    pub(crate) async fn import(&self, file: &Path) -> Result<()> {
        crate::command::import::upload(&self.us.client("alice")?, file, Some("demo"), Some("tlp:clear"), |_| {}).await?;
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
        for (centre, person) in [(&self.us, "alice"), (&self.us, "olivia"), (&self.ca, "claude"), (&self.ca, "etienne")] {
            text.push_str(&format!(
                "  {person}@{}\thttps://localhost:{}/sign-in#token={}\n",
                centre.config.centre.code,
                centre.config.listen.people.port(),
                centre.token(person)?
            ));
        }
        text.push_str(
            "\nWhat to look at: Live shows both countries side by side; publish at us as alice, and it stands on ca's screen. \
             Border (olivia, etienne) counts what stayed and why.\n\nOr by hand:\n",
        );
        let (us, ca) = (&self.us, &self.ca);
        let authority = us.folder.tls("authority.pem");
        text.push_str(&format!(
            "  curl --cacert {} -H 'Authorization: Bearer {}' 'https://localhost:{}/api/v1/search?q=type:indicator&limit=3'\n",
            authority.display(),
            us.token("alice")?,
            us.config.listen.machines.port()
        ));
        text.push_str(&format!(
            "  curl --cacert {} -H 'Authorization: Bearer {}' -N https://localhost:{}/api/v1/live\n",
            ca.folder.tls("authority.pem").display(),
            ca.token("claude")?,
            ca.config.listen.machines.port()
        ));
        text.push_str(&format!(
            "  python3 -c \"from taxii2client.v21 import Server; s=Server('https://localhost:{}/taxii2/', user='claude', \
             password='{}', verify='{}'); print([c.title for c in s.default.collections])\"\n",
            ca.config.listen.machines.port(),
            ca.token("claude")?,
            ca.folder.tls("authority.pem").display()
        ));
        text.push_str(&format!("\nEverything lies in {}\n\n", self.root.display()));
        Ok(text)
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

fn centre(root: &Path, code: &str, name: &str, country: &str) -> Result<Centre> {
    let folder = Folder::new(root.join(code));
    let listen = ListenSection {
        machines: free_address()?,
        people: free_address()?,
        link: free_address()?,
        sensors: free_address()?,
        metrics: free_address()?,
    };
    let new = NewCentre {
        code: code.to_owned(),
        name: name.to_owned(),
        country: country.to_owned(),
        hosts: vec![],
        listen,
    };
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

async fn people(centre: &Centre, people: &[Person]) -> Result<Vec<(String, String)>> {
    let mut tokens = Vec::new();
    for (name, roles) in people {
        let new = NewPrincipal {
            name: (*name).to_owned(),
            organisation: centre.config.centre.name.clone(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            certificate: None,
            site: None,
        };
        tokens.push(((*name).to_owned(), add(&centre.folder, &new).await?.token));
    }
    Ok(tokens)
}

/// The sensor's certificate, its principal at its centre, and its configuration.
async fn sensor(root: &Path, centre: &Centre, captures: &[PathBuf]) -> Result<PathBuf> {
    let code = &centre.config.centre.code;
    let name = "sensor-1";
    let authority = Credential::read(&centre.folder.tls(""), "sensors-authority")?;
    let credential = certificate::signed(&authority, &format!("{name}.{code}.bridgewatch"), &[], Use::Client)?;
    let folder = root.join("sensor");
    credential.write(&folder, "sensor")?;
    let new = NewPrincipal {
        name: name.to_owned(),
        organisation: centre.config.centre.name.clone(),
        roles: vec!["sensor".to_owned()],
        certificate: Some(credential.certificate),
        site: Some("demo-site".to_owned()),
    };
    add(&centre.folder, &new).await?;
    let config = SensorConfig {
        name: format!("{name}@{code}"),
        centre: format!("https://{}", centre.config.listen.sensors),
        authority: centre.folder.tls("sensors-authority.pem").canonicalize()?,
        certificate: PathBuf::from("sensor.pem"),
        key: PathBuf::from("sensor.key"),
        spool: PathBuf::from("spool"),
        replay: captures.iter().map(|path| path.canonicalize()).collect::<std::io::Result<_>>()?,
        repeat: true,
    };
    let path = folder.join("sensor.toml");
    write_public(&path, toml::to_string_pretty(&config)?.as_bytes())?;
    Ok(path)
}
