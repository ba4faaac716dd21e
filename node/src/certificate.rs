//! The certificate authorities of a centre and what they sign. Each listener has an authority of its own, so that a
//! sensor's certificate is worth nothing on the partner link.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;

use crate::folder::{write_public, write_secret};

/// How long an authority is valid, days.
const AUTHORITY_DAYS: u64 = 3650;
/// How long a certificate is valid, days.
const LEAF_DAYS: u64 = 397;

/// A certificate and its key, PEM.
pub(crate) struct Credential {
    /// The certificate.
    pub(crate) certificate: String,
    /// The private key, PKCS #8.
    pub(crate) key: String,
}

impl Credential {
    /// Writes `NAME.pem` and `NAME.key` into `folder`.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> Result<()> {
        write_public(&folder.join(format!("{name}.pem")), self.certificate.as_bytes())?;
        write_secret(&folder.join(format!("{name}.key")), self.key.as_bytes())
    }

    /// Reads what [`Credential::write`] wrote.
    pub(crate) fn read(folder: &Path, name: &str) -> Result<Self> {
        let read = |file: String| {
            let path = folder.join(file);
            std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))
        };
        Ok(Self { certificate: read(format!("{name}.pem"))?, key: read(format!("{name}.key"))? })
    }
}

/// Makes an authority that may sign certificates and nothing else.
pub(crate) fn authority(common_name: &str) -> Result<Credential> {
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
pub(crate) enum Use {
    /// A listener.
    Server,
    /// Someone who connects.
    Client,
    /// Both: the partner link's own certificate.
    Both,
}

/// Signs a certificate for `common_name`, valid for `hosts` (names or addresses) and always for this machine itself.
pub(crate) fn signed(authority: &Credential, common_name: &str, hosts: &[String], purpose: Use) -> Result<Credential> {
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

/// Checks a listener's certificate: signed by its authority, valid now and for `host`, and its key is the right one.
pub(crate) fn verify(certificate: &Path, key: &Path, authority: &Path, host: &str, now: SystemTime) -> Result<()> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = chain(certificate)?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| format!("`{}` is no private key", key.display()))?;
    // `from_der` asks whether key and certificate belong together.
    CertifiedKey::from_der(chain.clone(), key, &provider).context("its key does not belong to it")?;
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots(authority)?), provider).build()?;
    let (first, rest) = chain.split_first().context("it holds no certificate")?;
    let now = UnixTime::since_unix_epoch(now.duration_since(SystemTime::UNIX_EPOCH)?);
    let name = ServerName::try_from(host.to_owned())?;
    verifier
        .verify_server_cert(first, rest, &name, &[], now)
        .with_context(|| format!("it is not what `{}` signed for `{host}`, or not valid now", authority.display()))?;
    Ok(())
}

/// The authorities in a file.
pub(crate) fn roots(path: &Path) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(path)? {
        roots.add(certificate).with_context(|| format!("`{}` holds no authority", path.display()))?;
    }
    Ok(roots)
}

/// SHA-256 of the first certificate of a PEM text: by what a principal is known.
pub(crate) fn fingerprint(pem: &str) -> Result<[u8; 32]> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).context("the text holds no certificate (PEM)")?;
    Ok(sha256(&certificate))
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let unreadable = || format!("cannot read `{}`", path.display());
    let certificates = CertificateDer::pem_file_iter(path).with_context(unreadable)?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().with_context(unreadable)?;
    anyhow::ensure!(!certificates.is_empty(), "`{}` holds no certificate", path.display());
    Ok(certificates)
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
    let now = SystemTime::now();
    params.not_before = (now - std::time::Duration::from_secs(300)).into();
    params.not_after = (now + std::time::Duration::from_secs(days * 86_400)).into();
}
