//! The certificate authorities of a centre and what they sign. Each listener has an authority of its own, so that a
//! sensor's certificate is worth nothing on the partner link.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

use crate::folder::{write_public, write_secret};

/// How long an authority is valid, days.
const AUTHORITY_DAYS: u64 = 3650;
/// How long a certificate is valid, days.
const LEAF_DAYS: u64 = 397;

/// A certificate and its key, PEM.
pub struct Credential {
    /// The certificate.
    pub certificate: String,
    /// The private key, PKCS #8.
    pub key: String,
}

impl Credential {
    /// Writes `NAME.pem` and `NAME.key` into `folder`.
    pub fn write(&self, folder: &Path, name: &str) -> Result<()> {
        write_public(&folder.join(format!("{name}.pem")), self.certificate.as_bytes())?;
        write_secret(&folder.join(format!("{name}.key")), self.key.as_bytes())
    }

    /// Reads what [`Credential::write`] wrote.
    pub fn read(folder: &Path, name: &str) -> Result<Self> {
        let read = |file: String| {
            let path = folder.join(file);
            std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))
        };
        Ok(Self { certificate: read(format!("{name}.pem"))?, key: read(format!("{name}.key"))? })
    }
}

/// Makes an authority that may sign certificates and nothing else.
pub fn authority(common_name: &str) -> Result<Credential> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.distinguished_name = name(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    validity(&mut params, AUTHORITY_DAYS);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(Credential { certificate: certificate.pem(), key: key.serialize_pem() })
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A listener.
    Server,
    /// Someone who connects.
    Client,
    /// Both: the partner link's own certificate.
    Both,
}

/// Signs a certificate for `common_name`, valid for `hosts` (names or addresses) and always for this machine itself.
pub fn signed(authority: &Credential, common_name: &str, hosts: &[String], purpose: Use) -> Result<Credential> {
    let issuer = Issuer::from_ca_cert_pem(&authority.certificate, KeyPair::from_pem(&authority.key)?)?;
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.distinguished_name = name(common_name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = match purpose {
        Use::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
        Use::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
        Use::Both => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
    };
    params.subject_alt_names = alternative_names(common_name, hosts, purpose)?;
    params.use_authority_key_identifier_extension = true;
    validity(&mut params, LEAF_DAYS);
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    Ok(Credential { certificate: certificate.pem(), key: key.serialize_pem() })
}

fn alternative_names(common_name: &str, hosts: &[String], purpose: Use) -> Result<Vec<SanType>> {
    let mut names = vec![SanType::DnsName(common_name.try_into()?)];
    if purpose == Use::Client {
        return Ok(names);
    }
    names.push(SanType::DnsName("localhost".try_into()?));
    names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    names.push(SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)));
    for host in hosts {
        names.push(match host.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(host.as_str().try_into()?),
        });
    }
    Ok(names)
}

fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, "Bridgewatch");
    name.push(DnType::CommonName, common_name);
    name
}

fn validity(params: &mut CertificateParams, days: u64) {
    let now = std::time::SystemTime::now();
    params.not_before = (now - std::time::Duration::from_secs(300)).into();
    params.not_after = (now + std::time::Duration::from_secs(days * 86_400)).into();
}
