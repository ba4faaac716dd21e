//! TLS of each listener: one certificate of its own, TLS 1.3 (and 1.2 for machines, where older products call), and the
//! authority that client certificates must come from. There are no session tickets: a resumed session would carry on with a
//! certificate that is no longer good.

use std::sync::Arc;

use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, version};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::routes::Listener;

/// The PEM texts of one listener.
#[derive(Clone)]
pub struct TlsMaterial {
    /// The listener's certificate, and whatever links it to its authority.
    pub certificate: Vec<u8>,
    /// Its private key.
    pub key: Vec<u8>,
    /// The authority that client certificates come from: required for link and sensors, optional for machines, where a
    /// client may also show a token; not used for people.
    pub client_authority: Option<Vec<u8>>,
}

impl std::fmt::Debug for TlsMaterial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsMaterial")
    }
}

/// Why a listener's TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM text cannot be read.
    #[error("the {what} of the {listener} listener is not PEM: write it anew")]
    Pem {
        /// Certificate, key or client authority.
        what: &'static str,
        /// Which listener.
        listener: &'static str,
        /// What the reader says.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// No authority for a listener that needs one.
    #[error("the {listener} listener needs the authority of its clients' certificates")]
    NoAuthority {
        /// Which listener.
        listener: &'static str,
    },
    /// The authority cannot be used.
    #[error("the client authority of the {listener} listener cannot be used")]
    Authority {
        /// Which listener.
        listener: &'static str,
        /// What the verifier says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Certificate and key cannot be used together.
    #[error("certificate and key of the {listener} listener cannot be used: do they belong together?")]
    Certificate {
        /// Which listener.
        listener: &'static str,
        /// What TLS says.
        #[source]
        source: rustls::Error,
    },
}

/// The TLS of `listener`.
pub fn server_config(listener: Listener, material: &TlsMaterial) -> Result<Arc<ServerConfig>, TlsError> {
    let name = listener.as_str();
    let pem = |what| move |source| TlsError::Pem { what, listener: name, source };
    let chain = CertificateDer::pem_slice_iter(&material.certificate)
        .collect::<Result<Vec<_>, _>>()
        .map_err(pem("certificate"))?;
    let key = PrivateKeyDer::from_pem_slice(&material.key).map_err(pem("key"))?;

    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions: &[_] =
        if listener == Listener::Machines { &[&version::TLS13, &version::TLS12] } else { &[&version::TLS13] };
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .map_err(|source| TlsError::Certificate { listener: name, source })?;
    let builder = match client_roots(listener, material)? {
        None => builder.with_no_client_auth(),
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = if listener == Listener::Machines { verifier.allow_unauthenticated() } else { verifier };
            let verifier =
                verifier.build().map_err(|source| TlsError::Authority { listener: name, source: source.into() })?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config =
        builder.with_single_cert(chain, key).map_err(|source| TlsError::Certificate { listener: name, source })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

fn client_roots(listener: Listener, material: &TlsMaterial) -> Result<Option<RootCertStore>, TlsError> {
    let name = listener.as_str();
    let required = matches!(listener, Listener::Link | Listener::Sensors);
    let authority = match &material.client_authority {
        Some(authority) if required || listener == Listener::Machines => authority,
        _ if required => return Err(TlsError::NoAuthority { listener: name }),
        _ => return Ok(None),
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority) {
        let certificate =
            certificate.map_err(|source| TlsError::Pem { what: "client authority", listener: name, source })?;
        roots.add(certificate).map_err(|source| TlsError::Authority { listener: name, source: source.into() })?;
    }
    Ok(Some(roots))
}
