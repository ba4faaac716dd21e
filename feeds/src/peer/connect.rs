//! The way to the partner: mutual TLS to the address configured, and the certificate that answers must name the centre.

use std::sync::Arc;
use std::time::Duration;

use model::principal::CentreCode;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url, redirect};
use rustls::client::Resumption;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, version};

use super::follower::{Peer, Settings};

/// The PEM texts of one end of the link.
#[derive(Clone)]
pub struct TlsMaterial {
    /// This centre's certificate for the link, and whatever links it to its authority.
    pub certificate: Vec<u8>,
    /// Its private key.
    pub key: Vec<u8>,
    /// The authority that the partner's certificate must come from.
    pub authority: Vec<u8>,
}

impl std::fmt::Debug for TlsMaterial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsMaterial")
    }
}

/// Why the link cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// Not an address of a link listener.
    #[error("the partner's address `{0}` is not `https://HOST:PORT`")]
    Address(String),
    /// A PEM text cannot be read.
    #[error("the {what} of the partner link is not PEM: write it anew")]
    Pem {
        /// Certificate, key or authority.
        what: &'static str,
        /// What the reader says.
        #[source]
        source: pem::Error,
    },
    /// The authority is empty or cannot be used.
    #[error("the partner's authority holds no certificate that can be used")]
    Authority,
    /// Certificate and key cannot be used together.
    #[error("certificate and key of the partner link cannot be used: do they belong together?")]
    Certificate(#[source] rustls::Error),
    /// The client cannot be made.
    #[error("the client of the partner link cannot be made")]
    Client(#[source] reqwest::Error),
}

/// The name that a centre's link certificate carries.
pub fn server_name(centre: &CentreCode) -> String {
    format!("{centre}.bridgewatch")
}

/// The client, and the URL of the partner's releases under the name that its certificate must carry.
pub(crate) fn connect(settings: &Settings, peer: &Peer, tls: &TlsMaterial) -> Result<(Client, Url), PeerError> {
    let not_address = || PeerError::Address(peer.url.clone());
    let mut url: Url = peer.url.parse().map_err(|_| not_address())?;
    let host = url.host_str().ok_or_else(not_address)?.trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().ok_or_else(not_address)?;
    if url.scheme() != "https" || url.path() != "/" || url.query().is_some() {
        return Err(not_address());
    }
    url.set_host(Some(&server_name(&peer.partner))).map_err(|_| not_address())?;
    url.set_path("/link/v1/releases");
    let client = Client::builder()
        .tls_backend_preconfigured(client_config(tls)?)
        .dns_resolver(Fixed { host, port })
        .no_proxy()
        .redirect(redirect::Policy::none())
        .pool_max_idle_per_host(0) // a new attempt never rides on a connection that went silent
        .connect_timeout(Duration::from_millis(settings.connect_timeout_ms))
        .read_timeout(Duration::from_millis(settings.silence_ms))
        .http2_initial_stream_window_size(settings.window_bytes)
        .http2_initial_connection_window_size(settings.window_bytes)
        .http2_keep_alive_interval(Duration::from_millis(settings.keep_alive_ms))
        .http2_keep_alive_timeout(Duration::from_millis(settings.keep_alive_ms))
        .build()
        .map_err(PeerError::Client)?;
    Ok((client, url))
}

fn client_config(tls: &TlsMaterial) -> Result<ClientConfig, PeerError> {
    let pem = |what| move |source| PeerError::Pem { what, source };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&tls.authority) {
        roots.add(certificate.map_err(pem("authority"))?).map_err(|_| PeerError::Authority)?;
    }
    if roots.is_empty() {
        return Err(PeerError::Authority);
    }
    let chain =
        CertificateDer::pem_slice_iter(&tls.certificate).collect::<Result<Vec<_>, _>>().map_err(pem("certificate"))?;
    let key = PrivateKeyDer::from_pem_slice(&tls.key).map_err(pem("key"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13])
        .map_err(PeerError::Certificate)?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(PeerError::Certificate)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.resumption = Resumption::disabled(); // a certificate is looked at each time
    Ok(config)
}

/// Answers every name with the one address that the configuration gives.
struct Fixed {
    host: String,
    port: u16,
}

impl Resolve for Fixed {
    fn resolve(&self, _: Name) -> Resolving {
        let (host, port) = (self.host.clone(), self.port);
        Box::pin(async move {
            let addresses: Vec<_> = tokio::net::lookup_host((host.as_str(), port)).await?.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
