//! The listeners: accept, TLS, HTTP/1 or HTTP/2 by ALPN, and hand each request to the router. Every connection is bounded in
//! time and number; at the end, open requests get a grace time and streams are told to end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use sharing::{Principal, Visibility};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::caller::{Connection, sha256};
use crate::limits::Settings;
use crate::local::LocalSocket;
use crate::metrics::Metrics;
use crate::paging::{Sealer, SealerError};
use crate::router;
use crate::routes::Listener;
use crate::service::Services;
use crate::session::Sessions;
use crate::sight::Sights;
use crate::stall::StallGuard;
use crate::stream::Streams;
use crate::taxii::{Ahead, Reading, Statuses};

/// Pause after a failed `accept`, such as when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often an HTTP/2 peer is asked whether it is there.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// Receive window of one HTTP/2 request, bytes; a connection has four times that.
const STREAM_WINDOW_BYTES: u32 = 256 << 10;

/// Why the HTTP layer cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The key for cursors.
    #[error("the cursors cannot be sealed")]
    Sealer(#[from] SealerError),
    /// A metric's name is taken.
    #[error("the metrics of the listeners cannot be registered")]
    Metrics(#[from] prometheus::Error),
    /// An address cannot be listened on.
    #[error("cannot listen on {address} for {listener}: is it in use?")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The listener.
        listener: &'static str,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The local socket cannot be made.
    #[error("cannot listen on the socket {path}: is its folder there, and does no other centre use it?")]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// Metrics anywhere but on loopback, or another listener without TLS.
    #[error(
        "the {0} listener cannot be served like this: metrics go plain on loopback alone, everything else over TLS"
    )]
    Exposed(&'static str),
}

/// The HTTP layer of one centre.
pub struct Api {
    pub(crate) services: Services,
    pub(crate) sealer: Sealer,
    pub(crate) sessions: Sessions,
    pub(crate) sights: Sights,
    pub(crate) statuses: Statuses,
    pub(crate) ahead: Ahead<Reading>,
    pub(crate) streams: Streams,
    pub(crate) metrics: Metrics,
    pub(crate) stop: watch::Receiver<bool>,
}

impl Api {
    /// The HTTP layer over `services`, until `stop` says true.
    pub fn new(services: Services, stop: watch::Receiver<bool>) -> Result<Arc<Self>, ApiError> {
        let settings = &services.settings;
        Ok(Arc::new(Self {
            sealer: Sealer::new(&services.cursor_secret)?,
            sessions: Sessions::new(settings),
            sights: Sights::default(),
            statuses: Statuses::new(settings),
            ahead: Ahead::new(settings.pages_ahead_max),
            streams: Streams::default(),
            metrics: Metrics::new(&services.registry)?,
            stop,
            services,
        }))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.services.settings
    }

    /// What `principal` may see now.
    pub(crate) fn sight(&self, principal: &Principal) -> Arc<Visibility> {
        self.sights.of(&self.services.gate, principal, self.services.clock.now())
    }
}

/// A listener that has its port but does not serve yet.
#[derive(Debug)]
pub struct Bound {
    listener: Listener,
    socket: Socket,
    tls: Option<Arc<ServerConfig>>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Local(LocalSocket),
}

impl Bound {
    /// Takes `address` (port 0: any) for `listener`.
    pub async fn new(
        listener: Listener,
        address: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
    ) -> Result<Self, ApiError> {
        let allowed = match listener {
            Listener::Metrics => tls.is_none() && address.ip().is_loopback(),
            Listener::Local => false,
            _ => tls.is_some(),
        };
        if !allowed {
            return Err(ApiError::Exposed(listener.as_str()));
        }
        let bind = |source| ApiError::Bind { address, listener: listener.as_str(), source };
        let socket = TcpListener::bind(address).await.map_err(bind)?;
        Ok(Self { listener, socket: Socket::Tcp(socket), tls })
    }

    /// Takes the Unix socket `path` for [`Listener::Local`]; one that a dead process left there is replaced.
    pub fn local(path: &Path) -> Result<Self, ApiError> {
        let socket = LocalSocket::bind(path).map_err(|source| ApiError::Socket { path: path.to_owned(), source })?;
        Ok(Self { listener: Listener::Local, socket: Socket::Local(socket), tls: None })
    }

    /// Where it listens; the local socket has a path and no address.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        match &self.socket {
            Socket::Tcp(socket) => socket.local_addr(),
            Socket::Local(_) => Err(std::io::ErrorKind::Unsupported.into()),
        }
    }

    async fn accept(&self) -> std::io::Result<Arrived> {
        match &self.socket {
            Socket::Tcp(socket) => socket.accept().await.map(|(stream, _)| Arrived::Tcp(stream)),
            Socket::Local(socket) => socket.accept().await.map(|(stream, user)| Arrived::Local(stream, user)),
        }
    }
}

/// Serves until the API is told to stop, then lets open requests finish within the grace time.
pub async fn serve(api: Arc<Api>, listeners: Vec<Bound>) {
    let mut tasks = JoinSet::new();
    for bound in listeners {
        tasks.spawn(listen(api.clone(), bound));
    }
    while tasks.join_next().await.is_some() {}
}

async fn listen(api: Arc<Api>, bound: Bound) {
    let mut stop = api.stop.clone();
    let slots = Arc::new(Semaphore::new(api.settings().connections_max));
    let door = Arc::new(Door {
        router: router::build(&api, bound.listener),
        listener: bound.listener,
        tls: bound.tls.clone().map(TlsAcceptor::from),
        api,
    });
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut stop) => break,
            _ = open.join_next(), if !open.is_empty() => {}
            accepted = bound.accept() => match accepted {
                Err(error) => {
                    tracing::warn!(listener = door.listener.as_str(), %error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                Ok(arrived) => match slots.clone().try_acquire_owned() {
                    Ok(slot) => { open.spawn(door.clone().connection(arrived, slot)); }
                    Err(_) => door.api.metrics.limit("connections"),
                },
            },
        }
    }
    let drained = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(door.api.settings().shutdown_grace(), drained).await.is_err() {
        tracing::warn!(listener = door.listener.as_str(), "connections were still open at the end");
    }
}

/// Waits until the program is to end.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody is left who could say so: the same.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// A connection that was accepted.
enum Arrived {
    Tcp(TcpStream),
    /// With the user at its other end.
    Local(UnixStream, u32),
}

/// All that the connections of one listener share.
struct Door {
    api: Arc<Api>,
    listener: Listener,
    tls: Option<TlsAcceptor>,
    router: BoxedFilter<(Response,)>,
}

impl Door {
    async fn connection(self: Arc<Self>, arrived: Arrived, _slot: OwnedSemaphorePermit) {
        let _counted = self.api.metrics.connection(self.listener);
        let patience = self.api.settings().write_timeout();
        let known = Connection { listener: self.listener, certificate: None, user: None };
        match arrived {
            Arrived::Local(stream, user) => {
                let known = Connection { user: Some(user), ..known };
                self.http(StallGuard::new(stream, patience), known, false).await;
            }
            Arrived::Tcp(stream) => {
                let _ = stream.set_nodelay(true);
                let stream = StallGuard::new(stream, patience);
                match &self.tls {
                    None => self.http(stream, known, false).await,
                    Some(tls) => self.secured(tls, stream, known).await,
                }
            }
        }
    }

    async fn secured(&self, tls: &TlsAcceptor, stream: StallGuard<TcpStream>, known: Connection) {
        match tokio::time::timeout(self.api.settings().handshake_timeout(), tls.accept(stream)).await {
            Ok(Ok(stream)) => {
                let (_, session) = stream.get_ref();
                let certificate = session.peer_certificates().and_then(<[_]>::first).map(|leaf| sha256(leaf));
                let http2 = session.alpn_protocol() == Some(b"h2");
                self.http(stream, Connection { certificate, ..known }, http2).await;
            }
            Ok(Err(error)) => {
                self.api.metrics.handshake_failed(self.listener);
                tracing::debug!(listener = self.listener.as_str(), %error, "handshake failed");
            }
            Err(_) => self.api.metrics.limit("handshake_timeout"),
        }
    }

    async fn http<S>(&self, stream: S, connection: Connection, http2: bool)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let routes = TowerToHyperService::new(warp::service(self.router.clone()));
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(connection.clone());
            routes.call(request)
        });
        let io = TokioIo::new(stream);
        let mut stop = self.api.stop.clone();
        let served = if http2 {
            let connection = self.http2().serve_connection(io, service);
            tokio::pin!(connection);
            tokio::select! {
                served = connection.as_mut() => served,
                () = stopped(&mut stop) => { connection.as_mut().graceful_shutdown(); connection.await }
            }
        } else {
            let connection = self.http1().serve_connection(io, service);
            tokio::pin!(connection);
            tokio::select! {
                served = connection.as_mut() => served,
                () = stopped(&mut stop) => { connection.as_mut().graceful_shutdown(); connection.await }
            }
        };
        if let Err(error) = served {
            tracing::debug!(listener = self.listener.as_str(), %error, "connection broke off");
        }
    }

    fn http1(&self) -> hyper::server::conn::http1::Builder {
        let settings = self.api.settings();
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(settings.head_timeout())
            .max_buf_size(settings.head_bytes_max.max(8 << 10));
        builder
    }

    fn http2(&self) -> hyper::server::conn::http2::Builder<TokioExecutor> {
        let settings = self.api.settings();
        let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(settings.requests_per_connection_max)
            .max_header_list_size(u32::try_from(settings.head_bytes_max).unwrap_or(u32::MAX))
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(STREAM_WINDOW_BYTES.saturating_mul(4))
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_INTERVAL);
        builder
    }
}
