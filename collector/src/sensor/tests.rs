use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use model::observation::{Detail, Dns, Observation, ObservationKind};
use model::time::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::wire::{Batch, Heard, RuleLine, RuleText, changes};

/// A certificate authority.
struct Authority(Issuer<'static, KeyPair>, String);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self(Issuer::new(params, key), pem)
    }

    /// Certificate and key.
    fn signed(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    /// A sensor that `signer` enrolled and that trusts this authority.
    fn credentials(&self, signer: &Self) -> Credentials {
        let (certificate, key) = signer.signed("sensor.ca.bridgewatch", ExtendedKeyUsagePurpose::ClientAuth);
        Credentials { authority: self.1.clone().into(), certificate: certificate.into(), key: key.into() }
    }
}

/// What a centre of the test holds.
#[derive(Default)]
struct Held {
    heard: Mutex<BTreeMap<u64, (Heard, Instant)>>,
    cursor: AtomicU64,
    doubles: AtomicU64,
    /// What the rules stream said to all who listen.
    said: watch::Sender<Vec<RuleLine>>,
    /// Connections of an earlier generation are cut.
    generation: watch::Sender<u64>,
    /// A batch with an observation of this record is refused.
    refuses: AtomicU64,
}

impl Held {
    fn say(&self, lines: impl IntoIterator<Item = RuleLine>) {
        self.said.send_modify(|said| said.extend(lines));
    }

    fn cut(&self) {
        self.generation.send_modify(|generation| *generation += 1);
    }

    fn take(&self, body: &[u8]) -> (u16, String) {
        let batch = Batch::decode(body, &wire::Settings::default()).unwrap();
        let refused = self.refuses.load(Ordering::SeqCst);
        if batch.observations.iter().any(|heard| heard.observation.record == refused) {
            return (422, "{\"code\":\"unprocessable\"}".to_owned());
        }
        for (sequence, heard) in (batch.first..).zip(batch.observations) {
            match sequence > self.cursor.load(Ordering::SeqCst) {
                true => {
                    self.cursor.store(sequence, Ordering::SeqCst);
                    self.heard.lock().unwrap().insert(sequence, (heard, Instant::now()));
                }
                false => _ = self.doubles.fetch_add(1, Ordering::SeqCst),
            }
        }
        (200, self.cursor())
    }

    fn cursor(&self) -> String {
        format!("{{\"spool\":{}}}", self.cursor.load(Ordering::SeqCst))
    }

    async fn holds(&self, sequence: u64) {
        let all = async {
            while self.cursor.load(Ordering::SeqCst) < sequence {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let cursor = || self.cursor.load(Ordering::SeqCst);
        tokio::time::timeout(Duration::from_secs(30), all).await.unwrap_or_else(|_| panic!("only {} came", cursor()));
    }

    fn records(&self) -> Vec<u64> {
        self.heard.lock().unwrap().values().map(|(heard, _)| heard.observation.record).collect()
    }
}

/// A centre's sensor listener: HTTP/1.1 over mutual TLS.
async fn centre(authority: &Authority) -> (SocketAddr, Arc<Held>) {
    let (certificate, key) = authority.signed("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.1.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let clients = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients.build().unwrap())
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let held = Arc::new(Held::default());
    let shared = Arc::clone(&held);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, held) = (acceptor.clone(), Arc::clone(&shared));
            tokio::spawn(async move {
                let mut cut = held.generation.subscribe();
                tokio::select! {
                    _ = async { serve(acceptor.accept(socket).await.ok()?, &held).await } => {}
                    _ = cut.changed() => {}
                }
            });
        }
    });
    (address, held)
}

/// Answers requests on one connection until it breaks.
async fn serve(mut stream: tokio_rustls::server::TlsStream<tokio::net::TcpStream>, held: &Held) -> Option<()> {
    let mut pending = Vec::new();
    loop {
        let (head, length) = loop {
            if let Some(end) = pending.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&pending[..end]).to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
                break (head, end + 4 + length.unwrap_or(0_usize));
            }
            read_more(&mut stream, &mut pending).await?;
        };
        while pending.len() < length {
            read_more(&mut stream, &mut pending).await?;
        }
        let body = head.len() + 4;
        let (status, answer) = match head.split(' ').nth(1)? {
            "/sensor/v1/cursor" => (200, held.cursor()),
            "/sensor/v1/observations" => held.take(&pending[body..length]),
            "/sensor/v1/rules" => return tell_rules(&mut stream, held).await,
            other => panic!("the sensor asks for {other}"),
        };
        pending.drain(..length);
        let text = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
        stream.write_all(text.as_bytes()).await.ok()?;
        stream.flush().await.ok()?;
    }
}

async fn read_more(
    stream: &mut tokio_rustls::server::TlsStream<tokio::net::TcpStream>,
    pending: &mut Vec<u8>,
) -> Option<()> {
    (stream.read_buf(pending).await.ok()? > 0).then_some(())
}

async fn tell_rules(stream: &mut tokio_rustls::server::TlsStream<tokio::net::TcpStream>, held: &Held) -> Option<()> {
    stream.write_all(b"HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n").await.ok()?;
    let mut said = held.said.subscribe();
    let mut told = 0;
    loop {
        let lines: Vec<RuleLine> = said.borrow_and_update()[told..].to_vec();
        told += lines.len();
        for line in lines {
            let line = line.encode().unwrap();
            // In two pieces: a line need not come in one.
            for piece in [&line[..line.len() / 2], &line[line.len() / 2..]] {
                let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
                chunk.extend_from_slice(piece);
                chunk.extend_from_slice(b"\r\n");
                stream.write_all(&chunk).await.ok()?;
            }
        }
        stream.flush().await.ok()?;
        said.changed().await.ok()?;
    }
}

fn rule(key: &str, name: &str) -> RuleText {
    let pattern = format!("[domain-name:value = '{name}']");
    RuleText { key: key.to_owned(), pattern, valid_from: None, valid_until: None }
}

fn whole(rules: Vec<RuleText>) -> Vec<RuleLine> {
    let ready = RuleLine::Ready(rules.len() as u64);
    let lines = changes(rules, vec![], &wire::Settings::default());
    [RuleLine::Begin].into_iter().chain(lines).chain([ready]).collect()
}

fn asked(record: u64, name: &str) -> Observation {
    let dns = Dns { question_name: Some(name.into()), ..Dns::default() };
    Observation {
        time: Timestamp::from_micros(1_790_000_000_000_000),
        kind: ObservationKind::Dns,
        record,
        source: None,
        destination: None,
        transport: None,
        protocol: Some("dns".into()),
        community_id: None,
        detail: Detail::Dns(Box::new(dns)),
    }
}

fn quick() -> Settings {
    Settings { retry_first_ms: 5, retry_most_ms: 50, wait_ms: 20_000, ..Settings::default() }
}

struct Case {
    authority: Authority,
    held: Arc<Held>,
    url: String,
    folder: tempfile::TempDir,
}

impl Case {
    async fn new() -> Self {
        let authority = Authority::new();
        let (address, held) = centre(&authority).await;
        let url = format!("https://localhost:{}", address.port());
        Self { authority, held, url, folder: tempfile::tempdir().unwrap() }
    }

    fn sensor(&self, settings: Settings) -> Sensor {
        let credentials = self.authority.credentials(&self.authority);
        Sensor::start(&self.url, &credentials, self.folder.path(), settings).unwrap()
    }
}

/// Has `records` heard, one after the other, each asking for its own name.
async fn hear(source: &Source, records: std::ops::RangeInclusive<u64>) {
    let source = source.clone();
    let hear =
        move || records.for_each(|record| assert!(source.hear(asked(record, &format!("{record}.example")), None)));
    tokio::task::spawn_blocking(hear).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_is_at_the_centre_at_once() {
    let case = Case::new().await;
    let sensor = case.sensor(quick());
    case.held.say(whole(vec![rule("evil", "evil.example"), rule("other", "other.example")]));
    let source = sensor.source().await;
    let mut took = Vec::new();
    for record in 1..=50 {
        let (source, began) = (source.clone(), Instant::now());
        let input: Option<Arc<str>> = Some("x.pcap".into());
        tokio::task::spawn_blocking(move || source.hear(asked(record, "evil.example"), input)).await.unwrap();
        case.held.holds(record).await;
        let heard = case.held.heard.lock().unwrap();
        let (heard, arrived) = &heard[&record];
        assert_eq!(heard.input.as_deref(), Some("x.pcap"));
        let hit = &heard.hits[0];
        assert_eq!((&*hit.key, &*hit.field, &*hit.value), ("evil", "dns.question.name", "evil.example"));
        assert_eq!(heard.hits.len(), 1);
        took.push(arrived.duration_since(began));
    }
    took.sort();
    println!("from the source to the centre: median {:?}, longest {:?}", took[25], took[49]);
    assert!(took[25] < Duration::from_millis(250), "{took:?}");
    let figures = sensor.counters().figures();
    assert_eq!((figures.heard, figures.matched, figures.hits, figures.rules), (50, 50, 50, 2));
    sensor.stop().await.unwrap();
    assert!(!source.is_open());
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_lose_and_double_nothing() {
    let case = Case::new().await;
    case.held.say(whole(vec![]));
    let wire = wire::Settings { observations: 7, ..wire::Settings::default() };
    let sensor = case.sensor(Settings { wire, queue: 16, ..quick() });
    let source = sensor.source().await;
    let cutter = {
        let held = Arc::clone(&case.held);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(40)).await;
                held.cut();
            }
        })
    };
    hear(&source, 1..=1_000).await;
    cutter.abort();
    case.held.holds(1_000).await;
    sensor.stop().await.unwrap();
    assert_eq!(case.held.records(), (1..=1_000).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_go_on_after_a_restart_and_what_was_not_taken_is_sent_then() {
    let case = Case::new().await;
    case.held.say(whole(vec![]));
    let sensor = case.sensor(quick());
    hear(&sensor.source().await, 1..=10).await;
    sensor.stop().await.unwrap();
    assert_eq!(case.held.records(), (1..=10).collect::<Vec<_>>(), "stop delivers");
    // A sensor that no centre hears keeps what it hears.
    let nowhere = Settings { wait_ms: 10, stop_ms: 10, ..quick() };
    let credentials = case.authority.credentials(&case.authority);
    let sensor = Sensor::start("https://localhost:1", &credentials, case.folder.path(), nowhere).unwrap();
    hear(&sensor.source().await, 11..=20).await;
    sensor.stop().await.unwrap();
    let sensor = case.sensor(quick());
    hear(&sensor.source().await, 21..=25).await;
    case.held.holds(25).await;
    assert_eq!(case.held.records(), (1..=25).collect::<Vec<_>>());
    assert_eq!(sensor.counters().figures().dropped, 0);
    sensor.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_come_go_and_survive_a_broken_stream() {
    let case = Case::new().await;
    let sensor = case.sensor(quick());
    case.held.say(whole(vec![rule("a", "1.example"), rule("b", "2.example"), rule("broken", "'")]));
    let source = sensor.source().await;
    let rules = |wanted: u64| {
        let counters = sensor.counters();
        async move {
            let reached = async {
                while counters.figures().rules != wanted {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(10), reached).await.unwrap();
        }
    };
    rules(2).await;
    case.held.say([
        RuleLine::Change { add: vec![rule("c", "3.example"), rule("d", "4.example")], remove: vec!["a".into()] },
        RuleLine::Idle,
        RuleLine::Change { add: vec![rule("e", "5.example")], remove: vec!["d".into()] },
        RuleLine::Ready(3),
    ]);
    rules(3).await;
    hear(&source, 1..=5).await;
    case.held.holds(5).await;
    // A new stream says it all again; until it is whole the rules in use stay.
    case.held
        .said
        .send_replace(vec![RuleLine::Begin, RuleLine::Change { add: vec![rule("f", "6.example")], remove: vec![] }]);
    case.held.cut();
    tokio::time::sleep(Duration::from_millis(100)).await;
    hear(&source, 1..=6).await;
    case.held.holds(11).await;
    case.held.say([RuleLine::Ready(1)]);
    rules(1).await;
    hear(&source, 1..=6).await;
    case.held.holds(17).await;
    let keys: Vec<String> =
        case.held.heard.lock().unwrap().values().flat_map(|(heard, _)| heard.hits.clone()).map(|hit| hit.key).collect();
    assert_eq!(keys, ["b", "c", "e", "b", "c", "e", "f"]);
    assert!(sensor.counters().figures().rules_failures > 0);
    sensor.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observation_that_the_centre_refuses_holds_up_no_other() {
    let case = Case::new().await;
    case.held.say(whole(vec![]));
    case.held.refuses.store(13, Ordering::SeqCst);
    let sensor = case.sensor(quick());
    hear(&sensor.source().await, 1..=40).await;
    case.held.holds(40).await;
    assert_eq!(case.held.records(), (1..=12).chain(14..=40).collect::<Vec<_>>());
    assert_eq!(sensor.counters().figures().refused, 1);
    sensor.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_on_either_side_hear_nothing() {
    let case = Case::new().await;
    case.held.say(whole(vec![]));
    let stranger = Authority::new();
    let settings = Settings { wait_ms: 300, stop_ms: 10, ..quick() };
    let wrong_client = case.authority.credentials(&stranger);
    let wrong_centre = stranger.credentials(&case.authority);
    for (credentials, folder) in [(wrong_client, "a"), (wrong_centre, "b")] {
        let sensor = Sensor::start(&case.url, &credentials, &case.folder.path().join(folder), settings).unwrap();
        hear(&sensor.source().await, 1..=3).await;
        sensor.counters().figures();
        let figures = sensor.counters().figures();
        assert!(figures.failures > 0 && figures.rules_failures > 0 && figures.acknowledged == 0, "{figures:?}");
        sensor.stop().await.unwrap();
    }
    assert!(case.held.records().is_empty());
}

#[tokio::test]
async fn what_cannot_be_used_is_said_at_the_start() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let start = |url: &str, credentials: &Credentials| {
        Sensor::start(url, credentials, folder.path(), quick()).map(|_| ()).unwrap_err().to_string()
    };
    let good = authority.credentials(&authority);
    for url in ["http://localhost:1", "localhost", "https:", ""] {
        assert!(start(url, &good).contains("write https://host:port"), "{url}");
    }
    let bad = Credentials { key: b"none".to_vec(), ..good };
    assert!(start("https://localhost:1", &bad).contains("cannot be read as PEM"));
}
