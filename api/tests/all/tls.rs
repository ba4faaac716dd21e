//! What must fail before HTTP: handshakes.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use api::Listener;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::{ClientConnection, HandshakeKind};
use rustls_pki_types::ServerName;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Running, centre, centre_with, token};
use crate::hostile::{client_config, connect};

fn client_hello(running: &Running) -> Vec<u8> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = ClientConnection::new(Arc::new(client_config(running)), name).unwrap();
    let mut hello = Vec::new();
    connection.write_tls(&mut hello).unwrap();
    hello
}

/// Waits until the server closes.
async fn closed(mut stream: TcpStream, patience: Duration) -> bool {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(patience, stream.read_to_end(&mut answer)).await;
    assert!(!answer.starts_with(b"HTTP"));
    read.is_ok()
}

#[tokio::test]
async fn a_client_hello_in_pieces_is_waited_for_but_not_for_ever() {
    let running = centre_with(api::Settings { handshake_timeout_s: 1, ..api::Settings::default() }).await;
    let hello = client_hello(&running);
    let mut pieces = TcpStream::connect(running.addresses[&Listener::Machines]).await.unwrap();
    pieces.set_nodelay(true).unwrap();
    for byte in &hello {
        pieces.write_all(&[*byte]).await.unwrap();
    }
    let mut record = [0; 5];
    let answer = tokio::time::timeout(Duration::from_secs(1), pieces.read_exact(&mut record)).await;
    answer.expect("answered in time").unwrap();
    assert_eq!(record[0], 22, "a handshake record: the server's hello");

    let mut half = TcpStream::connect(running.addresses[&Listener::Machines]).await.unwrap();
    half.write_all(&hello[..hello.len() / 2]).await.unwrap();
    assert!(closed(half, Duration::from_secs(4)).await, "half a hello and silence");
    let silent = TcpStream::connect(running.addresses[&Listener::Machines]).await.unwrap();
    assert!(closed(silent, Duration::from_secs(4)).await, "silence");
}

#[tokio::test]
async fn an_end_or_nonsense_within_the_handshake_closes_the_connection() {
    let running = centre_with(api::Settings { handshake_timeout_s: 1, ..api::Settings::default() }).await;
    let hello = client_hello(&running);
    let close_notify = [21, 3, 3, 0, 2, 1, 0];
    let endless_record = [22, 3, 1, 0xff, 0xff, 1, 0xff, 0xff, 0xff];
    for bytes in [[&hello[..], &close_notify].concat(), close_notify.to_vec(), endless_record.to_vec()] {
        let mut stream = TcpStream::connect(running.addresses[&Listener::Machines]).await.unwrap();
        stream.write_all(&bytes).await.unwrap();
        assert!(closed(stream, Duration::from_secs(4)).await, "{bytes:?}");
    }
    let url = running.url(Listener::Machines, "/healthz");
    assert_eq!(running.client().get(url).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_chain_of_a_hundred_certificates_is_refused() {
    let running = centre().await;
    let authority = |name: String| {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params, KeyPair::generate().unwrap())
    };
    let (params, key) = authority("0".into());
    let mut issuer = CertifiedIssuer::signed_by(params, key, running.link_authority.issuer()).unwrap();
    let mut chain = vec![issuer.der().clone()];
    for n in 1..100 {
        let (params, key) = authority(n.to_string());
        issuer = CertifiedIssuer::signed_by(params, key, &issuer).unwrap();
        chain.push(issuer.der().clone());
    }
    let mut params = CertificateParams::new(vec!["us".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let leaf = params.signed_by(&key, &issuer).unwrap();
    chain.push(leaf.der().clone());
    chain.reverse();
    let roots = CertificateDer::from_pem_slice(running.authority.pem().as_bytes()).unwrap();
    let mut store = rustls::RootCertStore::empty();
    store.add(roots).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(store)
        .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap())
        .unwrap();
    let asked = async {
        let mut stream = connect(&running, Listener::Link, config).await;
        let _ = stream.write_all(b"GET /link/v1/releases HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer).await;
        (read.is_err() || answer.is_empty(), answer)
    };
    let (refused, answer) = tokio::time::timeout(Duration::from_secs(5), asked).await.expect("refused in time");
    assert!(refused, "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn no_handshake_is_resumed() {
    let running = centre().await;
    for versions in [&[&rustls::version::TLS13][..], &[&rustls::version::TLS12]] {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(running.authority.pem().as_bytes()).unwrap()).unwrap();
        let config = rustls::ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
        for _ in 0..2 {
            let (config, address) = (config.clone(), running.addresses[&Listener::Machines]);
            let ask = move || {
                let mut socket = std::net::TcpStream::connect(address).unwrap();
                let mut session = ClientConnection::new(config, ServerName::try_from("localhost").unwrap()).unwrap();
                let mut stream = rustls::Stream::new(&mut session, &mut socket);
                let auth = token("alice@ca");
                let head = format!(
                    "GET /api/v1/session HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {auth}\r\nConnection: close\r\n\r\n"
                );
                stream.write_all(head.as_bytes()).unwrap();
                let mut answer = String::new();
                let _ = stream.read_to_string(&mut answer);
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                session.handshake_kind()
            };
            assert_eq!(tokio::task::spawn_blocking(ask).await.unwrap(), Some(HandshakeKind::Full));
        }
    }
}
