//! `bridgewatch init`: the folder of a new centre.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use model::marking::Country;

use super::Status;
use super::arguments::InitArguments;
use crate::certificate::{self, Credential, Use};
use crate::config::{CentreConfig, CentreSection, ListenSection, WindowsSection};
use crate::folder::{Folder, write_public, write_secret};

/// What a new centre is made of; `demo` makes two.
pub(crate) struct NewCentre {
    /// Short code.
    pub(crate) code: String,
    /// Full name.
    pub(crate) name: String,
    /// ISO 3166-1 alpha-3.
    pub(crate) country: String,
    /// Host names for its certificates.
    pub(crate) hosts: Vec<String>,
    /// Where it listens.
    pub(crate) listen: ListenSection,
}

pub(crate) fn run(arguments: &InitArguments) -> Result<Status> {
    let known = match (&arguments.country, arguments.centre.as_str()) {
        (Some(country), _) => country.as_str(),
        (None, "us") => "USA",
        (None, "ca") => "CAN",
        (None, other) => bail!("the country of `{other}` is not known: say --country with its ISO 3166-1 alpha-3 code"),
    };
    let country: Country = known.parse().with_context(|| format!("`{known}` cannot be a country"))?;
    let port = |step: u16| -> Result<SocketAddr> {
        let port = arguments.port.checked_add(step).context("--port leaves no room for five ports")?;
        Ok(SocketAddr::new(arguments.listen, port))
    };
    let listen = ListenSection {
        machines: port(0)?,
        people: port(1)?,
        link: port(2)?,
        sensors: port(3)?,
        metrics: SocketAddr::from(([127, 0, 0, 1], port(4)?.port())),
    };
    let name = arguments.name.clone().unwrap_or_else(|| format!("Centre {}", arguments.centre));
    let new = NewCentre {
        code: arguments.centre.clone(),
        name,
        country: country.to_string(),
        hosts: arguments.host.clone(),
        listen,
    };
    let folder = Folder::new(&arguments.dir);
    make(&folder, &new)?;
    let mut lines = super::output::Lines::new();
    lines.text(&format!("A centre `{}` lies in {}.", arguments.centre, folder.root().display()))?;
    lines.text("Next:")?;
    lines.text(&format!("  bridgewatch check --config {}", folder.config().display()))?;
    lines.text(&format!(
        "  bridgewatch org add --dir {} --name alice --role publisher --role officer --token",
        folder.root().display()
    ))?;
    lines.text(&format!("  bridgewatch serve --config {}", folder.config().display()))?;
    lines.finish()?;
    Ok(Status::Done)
}

/// Makes the folder. Refuses one that holds a centre already: its master key must not be overwritten.
pub(crate) fn make(folder: &Folder, new: &NewCentre) -> Result<()> {
    let code: model::principal::CentreCode =
        new.code.parse().with_context(|| format!("`{}` cannot be a centre's code", new.code))?;
    if folder.config().exists() || folder.master_key().exists() {
        bail!("`{}` holds a centre already: choose an empty folder", folder.root().display());
    }
    let mut key = [0_u8; 32];
    SystemRandom::new().fill(&mut key).context("the system gives no random bytes")?;
    write_secret(&folder.master_key(), hex::encode(key).as_bytes())?;
    certificates(folder, new)?;
    write_public(&folder.agreements().join("us-ca.toml"), sharing::agreement::STARTER.as_bytes())?;
    let config = CentreConfig {
        centre: CentreSection {
            code: code.to_string(),
            name: new.name.clone(),
            country: new.country.clone(),
            banner: "UNCLASSIFIED".to_owned(),
        },
        listen: new.listen.clone(),
        partner: None,
        api: api::Settings::default(),
        store: indexer::Settings::default(),
        matching: matching::Settings::default(),
        windows: WindowsSection::default(),
    };
    write_public(&folder.config(), config.to_toml()?.as_bytes())
}

/// Three authorities, one for each trust, and what each signs at once.
fn certificates(folder: &Folder, new: &NewCentre) -> Result<()> {
    let tls = folder.tls("");
    let authority = |name: &str, title: &str| -> Result<Credential> {
        let authority = certificate::authority(&format!("{} {title}", new.name))?;
        authority.write(&tls, name)?;
        Ok(authority)
    };
    let people = authority("authority", "authority")?;
    let link = authority("link-authority", "link authority")?;
    let sensors = authority("sensors-authority", "sensors authority")?;
    let host = format!("{}.bridgewatch", new.code);
    certificate::signed(&people, &host, &new.hosts, Use::Server)?.write(&tls, "server")?;
    certificate::signed(&sensors, &host, &new.hosts, Use::Server)?.write(&tls, "sensors")?;
    certificate::signed(&link, &host, &new.hosts, Use::Both)?.write(&tls, "link")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A new centre `ca` in `root`.
    pub(crate) fn centre(root: &std::path::Path) -> Folder {
        let folder = Folder::new(root);
        let at = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let listen = ListenSection {
            machines: at(7440),
            people: at(7441),
            link: at(7442),
            sensors: at(7443),
            metrics: at(7444),
        };
        let new = NewCentre {
            code: "ca".to_owned(),
            name: "Centre ca".to_owned(),
            country: "CAN".to_owned(),
            hosts: vec!["192.0.2.7".to_owned()],
            listen,
        };
        make(&folder, &new).unwrap();
        folder
    }

    #[test]
    fn a_centre_is_not_overwritten() {
        let root = tempfile::tempdir().unwrap();
        let folder = centre(root.path());
        let key = folder.read_master_key().unwrap();
        let config = CentreConfig::read(&folder.config()).unwrap();
        let new = NewCentre {
            code: "ca".to_owned(),
            name: String::new(),
            country: "CAN".to_owned(),
            hosts: vec![],
            listen: config.listen,
        };
        assert!(make(&folder, &new).is_err());
        assert_eq!(folder.read_master_key().unwrap(), key);
    }
}
