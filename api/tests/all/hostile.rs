//! What must fail: bytes that no good client sends.

use std::sync::Arc;
use std::time::Duration;

use api::Listener;
use rustls::ClientConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::{Running, centre, centre_with, token};

pub(crate) fn client_config(running: &Running) -> ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(running.authority.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    config.with_root_certificates(roots).with_no_client_auth()
}

pub(crate) async fn connect(running: &Running, listener: Listener, config: ClientConfig) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(running.addresses[&listener]).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()
}

async fn raw(running: &Running, listener: Listener) -> TlsStream<TcpStream> {
    connect(running, listener, client_config(running)).await
}

/// Everything that comes back until the server closes or is silent.
async fn exchange(running: &Running, request: &str) -> String {
    let mut stream = raw(running, Listener::Machines).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while let Ok(Ok(read @ 1..)) = tokio::time::timeout(Duration::from_millis(400), stream.read(&mut part)).await {
        answer.extend_from_slice(&part[..read]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_request_hidden_in_another_is_not_answered() {
    let running = centre().await;
    let auth = format!("Authorization: Bearer {}\r\n", token("paul@ca"));
    let inner = "GET /api/v1/centre HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for framing in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: identity, chunked, identity\r\n",
        "Content-Length: 4\r\nContent-Length: 40\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: 4, 40\r\n",
    ] {
        let request =
            format!("POST /api/v1/objects HTTP/1.1\r\nHost: localhost\r\n{auth}{framing}\r\n0\r\n\r\n{inner}");
        let answer = exchange(&running, &request).await;
        assert!(!answer.contains("\"centre\":\"ca\""), "{framing}: {answer}");
    }
}

#[tokio::test]
async fn heads_are_bounded_and_nonsense_is_refused() {
    let running = centre().await;
    let long = "x".repeat(200 << 10);
    let answer = exchange(&running, &format!("GET /api/v1/centre HTTP/1.1\r\nHost: a\r\nX: {long}\r\n\r\n")).await;
    assert!(!answer.contains(" 200 "), "{answer}");
    for nonsense in ["GET\r\n\r\n", "\0\0\0\0\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET http://[::1 HTTP/1.1\r\n\r\n"] {
        assert!(!exchange(&running, nonsense).await.contains(" 200 "), "{nonsense:?}");
    }
    let twice = format!(
        "GET /api/v1/session HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nAuthorization: Bearer {}\r\n\r\n",
        token("alice@ca")
    );
    assert!(exchange(&running, &twice).await.starts_with("HTTP/1.1 401"));
    for path in ["/api/v1/../v1/session", "//api/v1/centre", "/api/v1/centre/", "/API/v1/centre", "/api/v1/centre%00"] {
        let answer = exchange(&running, &format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_slow_head_and_a_slow_body_are_cut_off() {
    let settings = api::Settings { head_timeout_s: 1, body_timeout_s: 1, ..api::Settings::default() };
    let running = centre_with(settings).await;
    let mut stream = raw(&running, Listener::Machines).await;
    stream.write_all(b"GET /api/v1/centre HTTP/1.1\r\nHost: a\r\n").await.unwrap();
    let mut rest = Vec::new();
    tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await.expect("closed").ok();

    let mut stream = raw(&running, Listener::Machines).await;
    let auth = token("paul@ca");
    let head = format!(
        "POST /api/v1/objects HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {auth}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut part = [0; 1024];
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut part)).await.expect("answered").unwrap();
    assert!(part[..read].starts_with(b"HTTP/1.1 400"));
}

#[tokio::test]
async fn a_body_over_the_bound_is_refused_unread() {
    let running = centre().await;
    let auth = token("paul@ca");
    let head = format!(
        "POST /api/v1/objects HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {auth}\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n"
    );
    assert!(exchange(&running, &head).await.starts_with("HTTP/1.1 413"));
    let nobody = "POST /api/v1/objects HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n";
    assert!(exchange(&running, nobody).await.starts_with("HTTP/1.1 401"), "who is nobody is refused first");
}

#[tokio::test]
async fn connections_are_counted_and_plain_text_gets_nothing() {
    let running = centre_with(api::Settings { connections_max: 2, ..api::Settings::default() }).await;
    let _one = raw(&running, Listener::People).await;
    let _two = raw(&running, Listener::People).await;
    let mut third = TcpStream::connect(running.addresses[&Listener::People]).await.unwrap();
    let mut byte = [0];
    let read = tokio::time::timeout(Duration::from_secs(2), third.read(&mut byte)).await.expect("closed at once");
    assert!(matches!(read, Ok(0) | Err(_)));
    let mut plain = TcpStream::connect(running.addresses[&Listener::Machines]).await.unwrap();
    plain.write_all(b"GET /api/v1/centre HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).await.ok();
    assert!(!answer.starts_with(b"HTTP"));
}

#[tokio::test]
async fn a_client_that_never_reads_is_dropped() {
    let settings = api::Settings { write_timeout_s: 1, subscriber_events_max: 4, ..api::Settings::default() };
    let running = centre_with(settings).await;
    let mut stream = raw(&running, Listener::Machines).await;
    let head = format!("GET /api/v1/live HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n", token("alice@ca"));
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let pad = "x".repeat(200_000);
    for n in 0..60 {
        let mut object = crate::harness::indicator(n, 1, crate::harness::GREEN);
        object["name"] = pad.clone().into();
        running.hold(&object, "ca").await;
    }
    running.until_metric("bridgewatch_live_streams 0").await;
}
