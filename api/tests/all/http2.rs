//! What must fail over HTTP/2: floods of frames. One connection pays for it; the others do not notice.

use std::time::Duration;

use api::Listener;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::harness::{Running, centre, token};
use crate::hostile::{client_config, connect};

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const REFUSED_STREAM: u32 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend_from_slice(&[kind, flags]);
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// `GET /`, scheme https, authority `a`, from the static table (RFC 7541, appendix A).
fn head() -> Vec<u8> {
    vec![0x82, 0x87, 0x84, 0x41, 1, b'a']
}

/// `POST /api/v1/objects` of a publisher.
fn publishing() -> Vec<u8> {
    let mut head = vec![0x83, 0x87, 0x41, 1, b'a'];
    let bearer = format!("Bearer {}", token("paul@ca"));
    for (name, value) in
        [(&[0x04][..], "/api/v1/objects"), (&[0x0f, 0x08], &bearer), (&[0x0f, 0x10], "application/json")]
    {
        head.extend_from_slice(name);
        head.push(value.len() as u8);
        head.extend_from_slice(value.as_bytes());
    }
    head
}

async fn open(running: &Running) -> TlsStream<TcpStream> {
    let mut config = client_config(running);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let mut stream = connect(running, Listener::Machines, config).await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    stream
}

/// Kind and error code of the frames that come back until the server closes or is silent, and whether it closed.
async fn answered(stream: &mut TlsStream<TcpStream>) -> (Vec<(u8, u32)>, bool) {
    let mut frames = Vec::new();
    loop {
        let mut head = [0; 9];
        match tokio::time::timeout(Duration::from_millis(1_000), stream.read_exact(&mut head)).await {
            Err(_) => return (frames, false),
            Ok(Err(_)) => return (frames, true),
            Ok(Ok(_)) => {}
        }
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        if stream.read_exact(&mut payload).await.is_err() {
            return (frames, true);
        }
        let code = if head[3] == GOAWAY { payload.get(4..8) } else { payload.get(..4) };
        frames.push((head[3], code.map_or(0, |code| u32::from_be_bytes(code.try_into().unwrap()))));
    }
}

async fn serves_others(running: &Running) {
    let url = running.url(Listener::Machines, "/healthz");
    let answer = tokio::time::timeout(Duration::from_secs(2), running.client().get(url).send()).await;
    assert_eq!(answer.expect("answered in time").unwrap().status(), 200);
}

#[tokio::test]
async fn a_head_without_end_is_cut_off() {
    let running = centre().await;
    let mut stream = open(&running).await;
    stream.write_all(&frame(HEADERS, END_STREAM, 1, &head())).await.unwrap();
    // A literal header without indexing, 4,000 bytes, again and again, never the end of the head.
    let mut block = vec![0, 1, b'x', 0x7f, 0xa1, 0x1e];
    block.resize(block.len() + 4_000, b'y');
    let mut sent: usize = 0;
    let flood = async {
        while sent < 64 << 20 {
            if stream.write_all(&frame(CONTINUATION, 0, 1, &block)).await.is_err() {
                break;
            }
            sent += block.len();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), flood).await.expect("cut off in time");
    assert!(sent < 16 << 20, "{sent} bytes of one head were taken");
    serves_others(&running).await;
}

#[tokio::test]
async fn requests_that_are_taken_back_at_once_end_the_connection() {
    let running = centre().await;
    let mut stream = open(&running).await;
    let mut taken = 0;
    for n in 0..20_000_u32 {
        let mut pair = frame(HEADERS, END_STREAM | END_HEADERS, 2 * n + 1, &head());
        pair.extend(frame(RST_STREAM, 0, 2 * n + 1, &8_u32.to_be_bytes()));
        if stream.write_all(&pair).await.is_err() {
            break;
        }
        taken = n;
    }
    let (frames, closed) = answered(&mut stream).await;
    let told = frames.iter().any(|(kind, _)| *kind == GOAWAY);
    assert!(closed || told, "{taken} requests taken back, and nothing said: {frames:?}");
    serves_others(&running).await;
}

#[tokio::test]
async fn streams_over_the_bound_are_refused() {
    let running = centre().await;
    let mut stream = open(&running).await;
    for n in 0..300_u32 {
        // The body never comes.
        stream.write_all(&frame(HEADERS, END_HEADERS, 2 * n + 1, &publishing())).await.unwrap();
    }
    stream.flush().await.unwrap();
    let (frames, closed) = answered(&mut stream).await;
    let refused = frames.iter().filter(|frame| **frame == (RST_STREAM, REFUSED_STREAM)).count();
    let told = frames.iter().any(|(kind, _)| *kind == GOAWAY);
    assert!(refused == 300 - 128 || closed || told, "{refused} refused: {frames:?}");
    assert!(!frames.iter().any(|(kind, _)| *kind == HEADERS), "nothing is answered while its body is on its way");
    serves_others(&running).await;
}
