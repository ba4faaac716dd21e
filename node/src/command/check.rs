//! `bridgewatch check`: everything that would keep a centre from serving, or serve it badly; all of it, not the first.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use model::principal::CentreCode;
use serde::Serialize;
use sharing::Agreement;

use super::arguments::CheckArguments;
use super::output::Lines;
use super::{Status, complain, say};
use crate::certificate;
use crate::config::CentreConfig;
use crate::folder::Folder;

/// Something that is wrong, and in which file.
#[derive(Debug, Serialize)]
struct Finding {
    file: String,
    message: String,
}

#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, file: &Path, message: impl Into<String>) {
        self.0.push(Finding { file: file.display().to_string(), message: message.into() });
    }

    /// Notes why `outcome` failed, if it did.
    fn note<T>(&mut self, file: &Path, outcome: Result<T>) -> Option<T> {
        match outcome {
            Ok(good) => Some(good),
            Err(error) => {
                self.add(file, error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": "));
                None
            }
        }
    }
}

pub(super) fn run(arguments: &CheckArguments) -> Result<Status> {
    if let Err(error) = std::fs::File::open(&arguments.config) {
        complain(&anyhow::Error::new(error).context(format!("cannot read `{}`", arguments.config.display())));
        return Ok(Status::Unusable);
    }
    let findings = check(&arguments.config).0;
    let mut lines = Lines::new();
    for finding in &findings {
        if arguments.json {
            lines.json(finding)?;
        } else {
            say("31", &format!("{}: {}", finding.file, finding.message));
        }
    }
    lines.finish()?;
    if findings.is_empty() {
        say("32", &format!("{} is good", arguments.config.display()));
        return Ok(Status::Done);
    }
    Ok(Status::Negative)
}

fn check(path: &Path) -> Findings {
    let mut findings = Findings::default();
    let folder = Folder::of_config(path);
    if let Some(config) = findings.note(path, CentreConfig::parse(path)) {
        for fault in config.faults() {
            findings.add(path, fault);
        }
        agreements(&folder, &config, &mut findings);
        certificates(&folder, &config, &mut findings);
    }
    master_key(&folder, &mut findings);
    findings
}

fn agreements(folder: &Folder, config: &CentreConfig, findings: &mut Findings) {
    let place = folder.agreements();
    let mut good = Vec::new();
    for path in findings.note(&place, toml_files(&place)).unwrap_or_default() {
        let read = std::fs::read_to_string(&path).context("cannot be read");
        good.extend(findings.note(&path, read.and_then(|text| Ok(Agreement::read(&text)?))));
    }
    let codes = (config.centre.code.parse::<CentreCode>(), config.partner.as_ref().map(|partner| partner.code.parse()));
    let (Ok(own), Some(Ok(partner))) = codes else { return };
    let Some(agreement) =
        good.iter().find(|agreement| [&own, &partner].iter().all(|code| agreement.parties.contains(*code)))
    else {
        findings.add(&place, format!("no agreement has the parties `{own}` and `{partner}`: nothing can cross"));
        return;
    };
    let now = crate::clock::SystemClock.now();
    for party in [&own, &partner] {
        if !agreement.in_force(party, now) {
            findings.add(
                &place,
                format!(
                    "no legal basis of `{party}` in the agreement `{}` is in force today: nothing can cross",
                    agreement.name
                ),
            );
        }
    }
}

fn toml_files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries = std::fs::read_dir(folder).context("cannot be read")?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let mut files: Vec<_> =
        paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    files.sort();
    Ok(files)
}

fn master_key(folder: &Folder, findings: &mut Findings) {
    let path = folder.master_key();
    if findings.note(&path, folder.read_master_key()).is_some() {
        secret(&path, findings);
    }
}

/// A secret that others may read is none.
fn secret(path: &Path, findings: &mut Findings) {
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0) {
        findings.add(path, "others than its owner may read this secret: chmod 600");
    }
}

/// Each listener's certificate, and who signed it.
const CERTIFICATES: &[(&str, &str)] =
    &[("server", "authority"), ("sensors", "sensors-authority"), ("link", "link-authority")];

fn certificates(folder: &Folder, config: &CentreConfig, findings: &mut Findings) {
    let now = std::time::SystemTime::now();
    let host = format!("{}.bridgewatch", config.centre.code);
    for (name, authority) in CERTIFICATES {
        let (certificate, key) = (folder.tls(&format!("{name}.pem")), folder.tls(&format!("{name}.key")));
        secret(&key, findings);
        let checked = certificate::verify(&certificate, &key, &folder.tls(&format!("{authority}.pem")), &host, now);
        findings.note(&certificate, checked);
    }
    for authority in ["authority", "sensors-authority", "link-authority"] {
        let key = folder.tls(&format!("{authority}.key"));
        if key.exists() {
            secret(&key, findings);
        }
    }
    if config.partner.is_some() {
        let path = folder.tls("partner-authority.pem");
        findings.note(&path, certificate::roots(&path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::init::tests::centre;

    #[test]
    fn a_new_centre_is_good() {
        let root = tempfile::tempdir().unwrap();
        let folder = centre(&root.path().join("ca"));
        let found = check(&folder.config()).0;
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let root = tempfile::tempdir().unwrap();
        let folder = centre(&root.path().join("ca"));
        std::fs::write(folder.master_key(), "secret").unwrap();
        std::fs::copy(folder.tls("link.key"), folder.tls("server.key")).unwrap();
        std::fs::copy(folder.tls("link-authority.pem"), folder.tls("sensors-authority.pem")).unwrap();
        std::fs::write(folder.agreements().join("other.toml"), "format = 7").unwrap();
        let config = std::fs::read_to_string(folder.config()).unwrap().replace("127.0.0.1:7444", "192.0.2.1:7444");
        let partner = "\n[partner]\ncode = \"us\"\ncountry = \"USA\"\nurl = \"http://us\"\n";
        std::fs::write(folder.config(), config + partner).unwrap();
        let found: Vec<String> = check(&folder.config()).0.into_iter().map(|finding| finding.file).collect();
        for file in
            ["bridgewatch.toml", "master.key", "server.pem", "sensors.pem", "other.toml", "partner-authority.pem"]
        {
            assert!(found.iter().any(|found| found.ends_with(file)), "{file}: {found:?}");
        }
        assert_eq!(found.iter().filter(|found| found.ends_with("bridgewatch.toml")).count(), 2, "{found:?}");
    }
}
