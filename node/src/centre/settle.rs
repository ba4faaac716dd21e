//! What a centre's folder settles: master key, agreement, TLS of each listener, banner.

use std::path::Path;

use anyhow::{Context, Result, bail};
use api::service::Banner;
use api::{Listener, TlsMaterial};
use aws_lc_rs::hmac;
use model::principal::CentreCode;
use sharing::Agreement;

use crate::folder::Folder;

/// The master key, 32 bytes.
pub(crate) fn master_key(folder: &Folder) -> Result<[u8; 32]> {
    let path = folder.master_key();
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let mut key = [0; 32];
    hex::decode_to_slice(text.trim(), &mut key)
        .with_context(|| format!("`{}` must hold 64 hexadecimal digits", path.display()))?;
    Ok(key)
}

/// The key for cursors: the same at every start, and nothing that the master key could be told from.
pub(crate) fn cursor_secret(master: &[u8; 32]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, master), b"bridgewatch cursors");
    let mut secret = [0; 32];
    secret.copy_from_slice(tag.as_ref());
    secret
}

/// The agreement between `centre` and `partner`; without a partner, any to which the centre is a party.
pub(crate) fn agreement(folder: &Folder, centre: &CentreCode, partner: Option<&CentreCode>) -> Result<Agreement> {
    let path = folder.agreements();
    let mut files: Vec<_> = std::fs::read_dir(&path)
        .with_context(|| format!("cannot read `{}`", path.display()))?
        .collect::<std::io::Result<Vec<_>>>()?
        .into_iter()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    for file in files {
        let agreement = read_agreement(&file)?;
        if agreement.parties.contains(centre) && partner.is_none_or(|partner| agreement.parties.contains(partner)) {
            return Ok(agreement);
        }
    }
    match partner {
        Some(partner) => bail!("no agreement in `{}` is between `{centre}` and `{partner}`", path.display()),
        None => bail!("`{centre}` is party to no agreement in `{}`", path.display()),
    }
}

fn read_agreement(file: &Path) -> Result<Agreement> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    Agreement::read(&text).with_context(|| format!("`{}` cannot be used", file.display()))
}

/// The PEM texts of a listener.
pub(crate) fn tls(folder: &Folder, listener: Listener) -> Result<TlsMaterial> {
    let read = |name: &str| {
        let path = folder.tls(name);
        std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))
    };
    let (own, authority) = match listener {
        Listener::Link => ("link", Some("partner-authority.pem")),
        Listener::Sensors => ("sensors", Some("sensors-authority.pem")),
        Listener::Machines => ("server", Some("authority.pem")),
        Listener::People | Listener::Metrics | Listener::Local => ("server", None),
    };
    Ok(TlsMaterial {
        certificate: read(&format!("{own}.pem"))?,
        key: read(&format!("{own}.key"))?,
        client_authority: authority.map(read).transpose()?,
    })
}

/// The banner of a classification, in the colours that people know it by.
pub(crate) fn banner(text: &str) -> Banner {
    let (colour, ink) = match text {
        "UNCLASSIFIED" => ("#007A33", "#FFFFFF"),
        "CUI" => ("#502B85", "#FFFFFF"),
        "CONFIDENTIAL" => ("#0033A0", "#FFFFFF"),
        "SECRET" => ("#C8102E", "#FFFFFF"),
        "TOP SECRET" => ("#FF8C00", "#000000"),
        "TOP SECRET//SCI" => ("#FCE83A", "#000000"),
        _ => ("#333333", "#FFFFFF"),
    };
    Banner { text: text.to_owned(), colour: colour.to_owned(), ink: ink.to_owned() }
}
