//! An origin for tests: a link log, a TLS server that says what a test wants, and a log that takes what arrives.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use feeds::peer::wire::{Line, Record};
use feeds::peer::{Follower, LinkStatus, Peer, Received, Settings, Sink, SinkError, State, TlsMaterial};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use http_body_util::StreamBody;
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use model::stix::Version as StixVersion;
use model::time::{Clock, Timestamp};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};
use sharing::link::{CHAIN_START, Hash, LinkCursor, LinkKind, LinkRow, chain, leaf};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A link log and the objects behind it.
#[derive(Clone, Default)]
pub(crate) struct Log {
    pub(crate) lines: Vec<Line>,
}

impl Log {
    /// `count` releases, objects with every kind of character.
    pub(crate) fn of(count: u64) -> Self {
        let mut log = Self::default();
        for n in 1..=count {
            log.release(&format!("{{\"id\":\"note--{n}\",\"content\":\"é\\n\\u0007 \\\"{n}\\\"\" }}"));
        }
        log
    }

    pub(crate) fn root(&self, n: u64) -> Option<Hash> {
        let Some(before) = n.checked_sub(1) else { return Some(CHAIN_START) };
        match self.lines.get(usize::try_from(before).unwrap())? {
            Line::Release { record, .. } | Line::Withdrawal(record) => Some(record.chain),
            Line::Void { chain, .. } | Line::Idle { chain, .. } => Some(*chain),
        }
    }

    pub(crate) fn head(&self) -> u64 {
        self.lines.len() as u64
    }

    pub(crate) fn row(&self, kind: LinkKind, object: &str) -> LinkRow {
        let n = self.head() + 1;
        LinkRow {
            number: n,
            kind,
            partner: "ca".parse().unwrap(),
            id: format!("note--aaaaaaaa-aaaa-4aaa-8aaa-{n:012}").parse().unwrap(),
            version: StixVersion::Modified(Timestamp::from_micros(7)),
            rendering: 1,
            digest: Sha256::digest(object).into(),
            agreement: "us-ca-starter".to_owned(),
            rule: "CLEAR".to_owned(),
            purpose: "cyber_defence".to_owned(),
            time: Now.now(),
        }
    }

    /// The record of `row` as the next of this log.
    pub(crate) fn record(&self, row: &LinkRow) -> Record {
        let salt = [u8::try_from(row.number % 251).unwrap(); 16];
        Record::new(row, salt, chain(&self.root(self.head()).unwrap(), &leaf(&salt, row).unwrap())).unwrap()
    }

    pub(crate) fn release(&mut self, object: &str) {
        let record = self.record(&self.row(LinkKind::Release, object));
        self.lines.push(Line::Release { record, publisher: None, object: object.to_owned() });
    }

    pub(crate) fn withdraw(&mut self) {
        let record = self.record(&self.row(LinkKind::Withdrawal, ""));
        self.lines.push(Line::Withdrawal(record));
    }

    pub(crate) fn void(&mut self) {
        let record = self.record(&self.row(LinkKind::Release, ""));
        self.lines.push(Line::Void { n: record.n, leaf: record.leaf, chain: record.chain });
    }

    pub(crate) fn bytes_after(&self, after: u64) -> Vec<u8> {
        self.lines.iter().skip(usize::try_from(after).unwrap()).flat_map(Line::encode).collect()
    }

    /// What an honest origin answers.
    pub(crate) fn answer(&self, after: u64, root: Hash) -> Answer {
        if self.root(after) == Some(root) { Answer::open(self.bytes_after(after)) } else { Answer::Status(409) }
    }
}

/// What the server says to one request.
pub(crate) enum Answer {
    Status(u16),
    Body(BoxStream<'static, Bytes>),
}

impl Answer {
    /// These bytes, then silence.
    pub(crate) fn open(bytes: Vec<u8>) -> Self {
        Self::Body(stream::iter([Bytes::from(bytes)]).chain(stream::pending()).boxed())
    }

    /// These chunks, then the end.
    pub(crate) fn closed(chunks: Vec<Bytes>) -> Self {
        Self::Body(stream::iter(chunks).boxed())
    }
}

/// What to say to the `attempt`th request (from 1) for what comes after a number, with the root there.
type Script = Arc<dyn Fn(usize, u64, Hash) -> Answer + Send + Sync>;

/// A server on loopback.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    pub(crate) attempts: Arc<AtomicUsize>,
    pub(crate) tls: TlsMaterial,
    task: JoinHandle<()>,
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn signed(authority: &CertifiedIssuer<'static, KeyPair>, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

pub(crate) fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

impl Origin {
    pub(crate) async fn new(script: impl Fn(usize, u64, Hash) -> Answer + Send + Sync + 'static) -> Self {
        Self::named("us.bridgewatch", script).await
    }

    /// A server whose certificate carries `name`.
    pub(crate) async fn named(name: &str, script: impl Fn(usize, u64, Hash) -> Answer + Send + Sync + 'static) -> Self {
        let authority = authority();
        let (certificate, key) = signed(&authority, name);
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let (certificate, key) = signed(&authority, "ca.bridgewatch");
        let tls = TlsMaterial {
            certificate: certificate.into_bytes(),
            key: key.into_bytes(),
            authority: authority.pem().into_bytes(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let attempts = Arc::new(AtomicUsize::new(0));
        let task =
            tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), Arc::new(script), attempts.clone()));
        Self { address, attempts, tls, task }
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, script: Script, attempts: Arc<AtomicUsize>) {
    while let Ok((socket, _)) = listener.accept().await {
        let (acceptor, script, attempts) = (acceptor.clone(), script.clone(), attempts.clone());
        tokio::spawn(async move {
            let Ok(secured) = acceptor.accept(socket).await else { return };
            let service = service_fn(move |request: Request<Incoming>| {
                let answer = reply(&request, &script, &attempts);
                async move { Ok::<_, Infallible>(answer) }
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(TokioIo::new(secured), service).await; // the follower may hang up
        });
    }
}

type Body = StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>;

fn reply(request: &Request<Incoming>, script: &Script, attempts: &AtomicUsize) -> Response<Body> {
    assert_eq!((request.version(), request.uri().path()), (Version::HTTP_2, "/link/v1/releases"));
    let attempt = attempts.fetch_add(1, Ordering::SeqCst) + 1;
    let query = request.uri().query().unwrap();
    let (after, root) = query.strip_prefix("after=").unwrap().split_once("&root=").unwrap();
    let mut hash = Hash::default();
    hex::decode_to_slice(root, &mut hash).unwrap();
    let (status, body) = match script(attempt, after.parse().unwrap(), hash) {
        Answer::Status(status) => (status, stream::empty().boxed()),
        Answer::Body(body) => (200, body.map(|bytes| Ok(Frame::data(bytes))).boxed()),
    };
    Response::builder().status(status).body(StreamBody::new(body)).unwrap()
}

/// A log in memory.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) held: Mutex<(Vec<Received>, LinkCursor)>,
    pub(crate) appends: AtomicUsize,
    /// So many appends fail first.
    pub(crate) failures: AtomicUsize,
}

impl Memory {
    pub(crate) fn received(&self) -> Vec<Received> {
        self.held.lock().unwrap().0.clone()
    }

    pub(crate) fn number(&self) -> u64 {
        self.cursor().number
    }
}

impl Sink for Memory {
    fn cursor(&self) -> LinkCursor {
        self.held.lock().unwrap().1
    }

    fn take(&self, arrived: Vec<Received>, cursor: LinkCursor) -> BoxFuture<'_, Result<(), SinkError>> {
        Box::pin(async move {
            if self.failures.load(Ordering::SeqCst) > 0 {
                self.failures.fetch_sub(1, Ordering::SeqCst);
                return Err("the disk is full".into());
            }
            let mut held = self.held.lock().unwrap();
            held.0.extend(arrived);
            held.1 = cursor;
            self.appends.fetch_add(1, Ordering::SeqCst);
            Ok(())
        })
    }
}

pub(crate) struct Now;

impl Clock for Now {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
    }
}

/// A follower at work.
pub(crate) struct Following {
    pub(crate) sink: Arc<Memory>,
    pub(crate) status: Arc<LinkStatus>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

pub(crate) fn settings() -> Settings {
    Settings { retry_min_ms: 1, retry_max_ms: 20, silence_ms: 2_000, ..Settings::default() }
}

impl Following {
    pub(crate) fn new(origin: &Origin, sink: Memory) -> Self {
        Self::with(origin, sink, settings(), &origin.tls)
    }

    pub(crate) fn with(origin: &Origin, sink: Memory, settings: Settings, tls: &TlsMaterial) -> Self {
        let sink = Arc::new(sink);
        let status = Arc::new(LinkStatus::new(1000, Arc::new(Now), &prometheus::Registry::new()).unwrap());
        let peer = Peer {
            url: format!("https://{}", origin.address),
            partner: "us".parse().unwrap(),
            centre: "ca".parse().unwrap(),
        };
        let follower = Follower::new(settings, peer, tls, sink.clone(), status.clone()).unwrap();
        let (stop, stopping) = watch::channel(false);
        Self { sink, status, stop, task: tokio::spawn(follower.run(stopping)) }
    }

    /// Waits for a state, ten seconds at the most, and gives its reason.
    pub(crate) async fn becomes(&self, state: State) -> String {
        let mut changes = self.status.changes();
        let waited = changes.wait_for(|standing| standing.state == state);
        let found = tokio::time::timeout(Duration::from_secs(10), waited).await;
        let standing = found.unwrap_or_else(|_| panic!("never {state:?}: {:?}", self.status.standing())).unwrap();
        standing.reason.clone().unwrap_or_default()
    }

    /// Waits until the log stands at `number`, ten seconds at the most.
    pub(crate) async fn reaches(&self, number: u64) {
        for _ in 0..10_000 {
            if self.sink.number() >= number {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("stands at {} instead of {number}: {:?}", self.sink.number(), self.status.standing());
    }

    /// Stops it; a second at the most.
    pub(crate) async fn stop(self) -> Arc<Memory> {
        self.stop.send(true).unwrap();
        tokio::time::timeout(Duration::from_secs(1), self.task).await.expect("stops within a second").unwrap();
        self.sink
    }
}

/// The objects of what was received, in order.
pub(crate) fn objects(received: &[Received]) -> Vec<String> {
    let text = |received: &Received| match received {
        Received::Release { bytes, .. } => String::from_utf8(bytes.to_vec()).unwrap(),
        Received::Withdrawal { id, .. } => format!("withdrawn {id}"),
    };
    received.iter().map(text).collect()
}
