//! `bridgewatch org`: who is enrolled at a centre, and by what they are known. A running centre is asked over its local
//! socket; otherwise its log is opened here.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use indexer::{Credential as Known, NewEntry, Store};
use model::principal::PrincipalName;
use serde_json::{Value, json};
use sharing::{ClassTable, Principal, Role};

use super::arguments::{OrgAddArguments, OrgArguments, OrgCommand, OrgListArguments, OrgRevokeArguments};
use super::output::Lines;
use super::{Status, runtime, say};
use crate::certificate::{self, Credential, Use};
use crate::client::Client;
use crate::clock::SystemClock;
use crate::config::{CentreConfig, PartnerSection};
use crate::folder::Folder;

/// Someone to enrol.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewPrincipal {
    /// Without or with the centre.
    pub(crate) name: String,
    /// The centre itself if none.
    pub(crate) organisation: Option<String>,
    /// The centre's if none.
    pub(crate) country: Option<String>,
    /// By name.
    pub(crate) roles: Vec<String>,
    /// Where a sensor stands.
    pub(crate) site: Option<String>,
    /// Make a token.
    pub(crate) token: bool,
    /// The certificate it is known by, PEM.
    pub(crate) certificate: Option<String>,
}

/// Someone enrolled.
#[derive(Debug, Clone)]
pub(crate) struct Enrolled {
    /// Who.
    pub(crate) principal: Principal,
    /// The token, if one was made: it is shown once and kept nowhere.
    pub(crate) token: Option<String>,
}

pub(super) fn run(arguments: &OrgArguments) -> Result<Status> {
    runtime()?.block_on(async {
        match &arguments.command {
            OrgCommand::Add(arguments) => add_one(arguments).await,
            OrgCommand::List(arguments) => list(arguments).await,
            OrgCommand::Revoke(arguments) => revoke(arguments).await,
        }
    })
}

async fn add_one(arguments: &OrgAddArguments) -> Result<Status> {
    let folder = Folder::new(&arguments.dir);
    let config = CentreConfig::read(&folder.config())?;
    if !arguments.token && !arguments.certificate && arguments.trust.is_none() {
        say("33", "neither --token, --certificate nor --trust: whoever is new has nothing to be known by");
    }
    let name = full_name(&arguments.name, &arguments.role, &config)?;
    let signed = match (&arguments.out, arguments.certificate) {
        (Some(out), true) => Some((signed(&folder, &name, &arguments.role)?, out)),
        _ => None,
    };
    let trusted = arguments.trust.as_ref().map(std::fs::read_to_string).transpose().context("cannot read --trust")?;
    let new = NewPrincipal {
        name: arguments.name.clone(),
        organisation: arguments.organisation.clone(),
        country: arguments.country.clone(),
        roles: arguments.role.clone(),
        site: arguments.site.clone(),
        token: arguments.token,
        certificate: signed.as_ref().map(|(signed, _)| signed.certificate.clone()).or(trusted),
    };
    let enrolled = add(&folder, std::slice::from_ref(&new)).await?;
    let enrolled = enrolled.first().context("nobody was enrolled")?;
    let short = short_name(&name);
    if let Some((signed, out)) = &signed {
        signed.write(out, short)?;
    }
    let files = signed.map(|(_, out)| (out.join(format!("{short}.pem")), out.join(format!("{short}.key"))));
    let mut lines = Lines::new();
    if arguments.json {
        let mut shown = serde_json::to_value(&enrolled.principal)?;
        if let (Some(shown), Some(token)) = (shown.as_object_mut(), &enrolled.token) {
            shown.insert("token".to_owned(), json!(token));
        }
        if let (Some(shown), Some((certificate, key))) = (shown.as_object_mut(), &files) {
            shown.insert("certificate".to_owned(), json!(certificate));
            shown.insert("key".to_owned(), json!(key));
        }
        lines.json(&shown)?;
    } else {
        say("32", &format!("{name} is enrolled: {}", arguments.role.join(", ")));
        if let Some((certificate, key)) = &files {
            say("32", &format!("certificate {}, key {}", certificate.display(), key.display()));
        }
        if let Some(token) = &enrolled.token {
            lines.text(token)?;
        }
    }
    lines.finish()?;
    Ok(Status::Done)
}

/// A key and a certificate, signed by the authority that the role's listener trusts.
fn signed(folder: &Folder, name: &PrincipalName, roles: &[String]) -> Result<Credential> {
    let authority = match roles.iter().map(String::as_str).find_map(Role::from_name) {
        Some(Role::Sensor) => "sensors-authority",
        Some(Role::Peer) => "link-authority",
        _ => "authority",
    };
    let authority = Credential::read(&folder.tls(""), authority)?;
    let host = format!("{}.{}.bridgewatch", short_name(name), name.centre());
    certificate::signed(&authority, &host, &[], Use::Client)
}

fn short_name(name: &PrincipalName) -> &str {
    name.as_str().split_once('@').map_or("", |(short, _)| short)
}

/// The name with its centre: this one, or for a peer the partner that the configuration names.
fn full_name(name: &str, roles: &[String], config: &CentreConfig) -> Result<PrincipalName> {
    let home = if is_peer(roles) { &partner(config)?.code } else { &config.centre.code };
    let full = if name.contains('@') { name.to_owned() } else { format!("{name}@{home}") };
    let parsed: PrincipalName = full.parse().with_context(|| format!("`{name}` cannot be a name"))?;
    if parsed.centre().as_str() != home {
        bail!("`{parsed}` is not of the centre `{home}`: enrol it at its own, or leave out `@{}`", parsed.centre());
    }
    Ok(parsed)
}

fn is_peer(roles: &[String]) -> bool {
    roles.iter().any(|role| role == Role::Peer.as_str())
}

fn partner(config: &CentreConfig) -> Result<&PartnerSection> {
    config.partner.as_ref().context("a peer belongs to the partner centre: name it in the configuration, `[partner]`")
}

async fn list(arguments: &OrgListArguments) -> Result<Status> {
    let office = Office::open(&Folder::new(&arguments.dir))?;
    let mut lines = Lines::new();
    for principal in office.principals().await? {
        if arguments.json {
            lines.json(&principal)?;
            continue;
        }
        let roles: Vec<&str> = principal.roles.iter().map(|role| role.as_str()).collect();
        let state = if principal.revoked { "revoked" } else { "admitted" };
        let site = principal.site.as_deref().unwrap_or("-");
        lines.text(&format!("{}\t{}\t{state}\t{site}\t{}", principal.name, roles.join(","), principal.organisation))?;
    }
    lines.finish()?;
    Ok(Status::Done)
}

async fn revoke(arguments: &OrgRevokeArguments) -> Result<Status> {
    let folder = Folder::new(&arguments.dir);
    let config = CentreConfig::read(&folder.config())?;
    let full = if arguments.name.contains('@') {
        arguments.name.clone()
    } else {
        format!("{}@{}", arguments.name, config.centre.code)
    };
    let name: PrincipalName = full.parse().with_context(|| format!("`{full}` cannot be a name"))?;
    Office::open(&folder)?.revoke(&name).await?;
    say("32", &format!("{name} is admitted no more"));
    Ok(Status::Done)
}

/// Enrols all of `new` at the centre whose folder it is.
pub(crate) async fn add(folder: &Folder, new: &[NewPrincipal]) -> Result<Vec<Enrolled>> {
    let config = CentreConfig::read(&folder.config())?;
    let office = Office::open(folder)?;
    let mut enrolled = Vec::new();
    for new in new {
        let principal = principal(new, &config)?;
        let token = new.token.then(token).transpose()?;
        let mut known = Vec::new();
        if let Some(token) = &token {
            known.push(Known::Token(certificate::sha256(token.as_bytes())));
        }
        if let Some(pem) = &new.certificate {
            known.push(Known::Certificate(certificate::fingerprint(pem)?));
        }
        office.enrol(&principal, &known).await?;
        enrolled.push(Enrolled { principal, token });
    }
    Ok(enrolled)
}

fn principal(new: &NewPrincipal, config: &CentreConfig) -> Result<Principal> {
    let role = |name: &String| Role::from_name(name).with_context(|| format!("`{name}` is no role"));
    let home = if is_peer(&new.roles) { &partner(config)?.country } else { &config.centre.country };
    let country = new.country.as_ref().unwrap_or(home);
    Ok(Principal {
        name: full_name(&new.name, &new.roles, config)?,
        organisation: new.organisation.clone().unwrap_or_else(|| config.centre.name.clone()),
        country: country.parse().with_context(|| format!("`{country}` cannot be a country"))?,
        roles: new.roles.iter().map(role).collect::<Result<BTreeSet<_>>>()?,
        site: new.site.clone(),
        revoked: false,
    })
}

/// A bearer token: 256 random bits.
fn token() -> Result<String> {
    let mut random = [0_u8; 32];
    SystemRandom::new().fill(&mut random).context("the system gives no random bytes")?;
    Ok(format!("bw_{}", URL_SAFE_NO_PAD.encode(random)))
}

/// Where enrolments are kept: at a running centre, or in its log.
enum Office {
    Running(Client),
    Closed(Box<Store>),
}

impl Office {
    fn open(folder: &Folder) -> Result<Self> {
        if answers(&folder.socket()) {
            return Ok(Self::Running(Client::local(&folder.socket())?));
        }
        Ok(Self::Closed(Box::new(open_store(folder)?)))
    }

    async fn principals(&self) -> Result<Vec<Principal>> {
        match self {
            Self::Running(client) => {
                let mut answer = client.get("/admin/v1/principals", &[]).await?;
                let list = answer.get_mut("principals").map(Value::take).context("the centre's answer names nobody")?;
                Ok(serde_json::from_value(list)?)
            }
            Self::Closed(store) => {
                Ok(store.read()?.principals()?.into_iter().map(|(principal, _)| principal).collect())
            }
        }
    }

    async fn enrol(&self, principal: &Principal, known: &[Known]) -> Result<()> {
        match self {
            Self::Running(client) => {
                let body = enrolment(principal, known).to_string().into_bytes();
                client.post("/admin/v1/principals", &[], body).await?;
            }
            Self::Closed(store) => {
                let entry = |credential| NewEntry::Principal { principal: Box::new(principal.clone()), credential };
                let mut entries: Vec<NewEntry> = known.iter().cloned().map(|known| entry(Some(known))).collect();
                if entries.is_empty() {
                    entries.push(entry(None));
                }
                store.append(entries).await?;
            }
        }
        Ok(())
    }

    async fn revoke(&self, name: &PrincipalName) -> Result<()> {
        if let Self::Running(client) = self {
            client.post(&format!("/admin/v1/principals/{name}/revoke"), &[], Vec::new()).await?;
            return Ok(());
        }
        let found = self.principals().await?.into_iter().find(|principal| principal.name == *name);
        let principal = found.with_context(|| format!("nobody is called `{name}` here"))?;
        self.enrol(&Principal { revoked: true, ..principal }, &[]).await
    }
}

/// What a running centre is told: digests alone.
fn enrolment(principal: &Principal, known: &[Known]) -> Value {
    let mut body = json!({
        "name": principal.name, "organisation": principal.organisation, "country": principal.country,
        "roles": principal.roles, "site": principal.site,
    });
    for known in known {
        let (key, digest) = match known {
            Known::Token(digest) => ("token_sha256", digest),
            Known::Certificate(digest) => ("certificate_sha256", digest),
        };
        if let Some(body) = body.as_object_mut() {
            body.insert(key.to_owned(), json!(hex::encode(digest)));
        }
    }
    body
}

/// Does a centre listen on this socket?
pub(crate) fn answers(socket: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}

/// Opens the store of a centre that does not run.
pub(crate) fn open_store(folder: &Folder) -> Result<Store> {
    let config = CentreConfig::read(&folder.config())?;
    let key = folder.read_master_key()?;
    let classes = Arc::new(ClassTable::default());
    Store::open(&folder.data(), config.store, &key, Arc::new(SystemClock), classes)
        .with_context(|| format!("the store in `{}` cannot be opened; does its centre run?", folder.data().display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::init::tests::centre;

    #[test]
    fn tokens_are_256_random_bits() {
        let (one, two) = (token().unwrap(), token().unwrap());
        assert_eq!(one.len(), 3 + 43);
        assert!(one.starts_with("bw_"));
        assert_ne!(one, two);
    }

    #[tokio::test]
    async fn who_is_added_is_listed_until_revoked() {
        let root = tempfile::tempdir().unwrap();
        let folder = centre(&root.path().join("ca"));
        let new = NewPrincipal {
            name: "alice".to_owned(),
            roles: vec!["publisher".to_owned()],
            token: true,
            ..NewPrincipal::default()
        };
        let enrolled = add(&folder, std::slice::from_ref(&new)).await.unwrap();
        let digest = certificate::sha256(enrolled[0].token.as_ref().unwrap().as_bytes());
        {
            let held = open_store(&folder).unwrap().read().unwrap().principals().unwrap();
            let (alice, known) = held.iter().find(|(held, _)| held.name.as_str() == "alice@ca").unwrap();
            assert!(alice.is(Role::Publisher) && !alice.revoked);
            assert_eq!(known, &[Known::Token(digest)]);
        }
        let name = "alice@ca".parse().unwrap();
        Office::open(&folder).unwrap().revoke(&name).await.unwrap();
        let held = Office::open(&folder).unwrap().principals().await.unwrap();
        assert!(held.iter().find(|held| held.name == name).unwrap().revoked);
        assert!(Office::open(&folder).unwrap().revoke(&"bob@ca".parse().unwrap()).await.is_err());
        assert!(add(&folder, &[NewPrincipal { name: "alice@us".to_owned(), ..new }]).await.is_err());
    }

    #[test]
    fn a_running_centre_is_told_digests_alone() {
        let principal = Principal {
            name: "alice@ca".parse().unwrap(),
            organisation: "Centre".to_owned(),
            country: "CAN".parse().unwrap(),
            roles: BTreeSet::from([Role::Officer]),
            site: None,
            revoked: false,
        };
        let body = enrolment(&principal, &[Known::Token([0xab; 32])]);
        assert_eq!(body["token_sha256"], "ab".repeat(32));
        assert_eq!(body["roles"], json!(["officer"]));
        assert!(body.get("certificate_sha256").is_none() && body.get("revoked").is_none());
    }
}
