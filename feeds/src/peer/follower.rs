//! Follows the partner's link log (ADR 4): one long answer, checked line by line, appended with its cursor.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use model::principal::CentreCode;
use reqwest::{Client, Response, StatusCode, Url};
use serde::{Deserialize, Serialize};
use sharing::link::LinkCursor;
use tokio::sync::watch;
use tracing::debug;

use super::check::{Halt, Received, check};
use super::connect::{PeerError, TlsMaterial, connect};
use super::lines::Lines;
use super::status::{LinkStatus, counted};
use super::wire::{Line, WireError};

/// The bounds of a follower.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Longest line, bytes: an object of 16 MiB whose every second byte needs an escape, and its row.
    pub line_bytes_max: usize,
    /// Most lines in one append.
    pub batch_lines: usize,
    /// Most bytes of lines in one append; a longer line is one by itself.
    pub batch_bytes: usize,
    /// Until a connection stands, TLS included.
    pub connect_timeout_ms: u64,
    /// Longest silence; more than the 5 s after which the partner says that it lives.
    pub silence_ms: u64,
    /// A ping of HTTP/2 after so much silence, and how long its answer may take.
    pub keep_alive_ms: u64,
    /// First delay before trying again; doubled each time.
    pub retry_min_ms: u64,
    /// Longest delay before trying again.
    pub retry_max_ms: u64,
    /// How much may be under way on the connection while an append is waited for, bytes.
    pub window_bytes: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            line_bytes_max: 34 << 20,
            batch_lines: 1000,
            batch_bytes: 8 << 20,
            connect_timeout_ms: 5_000,
            silence_ms: 8_000,
            keep_alive_ms: 3_000,
            retry_min_ms: 100,
            retry_max_ms: 5_000,
            window_bytes: 4 << 20,
        }
    }
}

/// Whom to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// `https://HOST:PORT` of the partner's link listener.
    pub url: String,
    /// The partner centre: its certificate must name `{partner}.bridgewatch`.
    pub partner: CentreCode,
    /// This centre: rows for anybody else halt the link.
    pub centre: CentreCode,
}

/// Why something that arrived could not be kept.
pub type SinkError = Box<dyn Error + Send + Sync>;

/// The log that what arrives goes into.
pub trait Sink: Send + Sync {
    /// Where the log stands, durably.
    fn cursor(&self) -> LinkCursor;

    /// Appends what arrived and the cursor after it in one atomic append, durable on return; [`Sink::cursor`] then says so.
    /// `arrived` is empty if only voids came. On an error nothing of it is kept: the follower connects anew and it comes again.
    fn take(&self, arrived: Vec<Received>, cursor: LinkCursor) -> BoxFuture<'_, Result<(), SinkError>>;
}

/// Follows one partner.
pub struct Follower {
    settings: Settings,
    peer: Peer,
    client: Client,
    url: Url,
    sink: Arc<dyn Sink>,
    status: Arc<LinkStatus>,
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// Why a stream ended.
enum End {
    Stopped,
    Lost(String),
    Halted(Halt),
}

impl From<WireError> for End {
    fn from(error: WireError) -> Self {
        Self::Halted(error.into())
    }
}

impl Follower {
    /// Sets the link up; nothing is sent before [`Follower::run`].
    pub fn new(
        settings: Settings,
        peer: Peer,
        tls: &TlsMaterial,
        sink: Arc<dyn Sink>,
        status: Arc<LinkStatus>,
    ) -> Result<Self, PeerError> {
        let (client, url) = connect(&settings, &peer, tls)?;
        Ok(Self { settings, peer, client, url, sink, status })
    }

    /// Follows until `stop` turns true (or its sender is gone). An append under way is finished first.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let least = Duration::from_millis(self.settings.retry_min_ms);
        let most = Duration::from_millis(self.settings.retry_max_ms);
        let mut delay = least;
        loop {
            let mut heard = false;
            let pause = match self.follow(&mut stop, &mut heard).await {
                End::Stopped => return,
                End::Halted(halt) => {
                    self.status.halted(&halt);
                    delay = least;
                    unless_stopped(&mut stop, self.status.resumed()).await
                }
                End::Lost(reason) => {
                    debug!(%reason, "the partner's stream ended");
                    self.status.down(reason);
                    let pause = if heard { least } else { delay };
                    delay = (pause * 2).min(most);
                    unless_stopped(&mut stop, tokio::time::sleep(pause)).await
                }
            };
            if pause.is_err() {
                return;
            }
        }
    }

    /// One connection, from where the log stands. `heard` tells whether a line came.
    async fn follow(&self, stop: &mut watch::Receiver<bool>, heard: &mut bool) -> End {
        let cursor = self.sink.cursor();
        self.status.stands(cursor.number);
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("after", &cursor.number.to_string())
            .append_pair("root", &hex::encode(cursor.chain));
        let response = match unless_stopped(stop, self.client.get(url).send()).await {
            Err(end) => return end,
            Ok(Err(error)) => return End::Lost(told(error)),
            Ok(Ok(response)) => response,
        };
        match response.status() {
            StatusCode::OK => self.status.up(),
            StatusCode::CONFLICT => return End::Halted(Halt::Refused(cursor.number)),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                return End::Lost(format!(
                    "the partner answers {}: this centre's link certificate is not enrolled there as a peer",
                    response.status().as_u16()
                ));
            }
            other => return End::Lost(format!("the partner answers {} where it should stream", other.as_u16())),
        }
        let stream = Stream { response, lines: Lines::new(self.settings.line_bytes_max) };
        match self.take_all(stream, cursor, stop, heard).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    /// Takes batch after batch. What came whole before a stream breaks is kept.
    async fn take_all(
        &self,
        mut stream: Stream,
        mut cursor: LinkCursor,
        stop: &mut watch::Receiver<bool>,
        heard: &mut bool,
    ) -> Result<std::convert::Infallible, End> {
        loop {
            let mut batch = Batch { arrived: Vec::new(), lines: 0, bytes: 0, cursor };
            let filled = self.fill(&mut batch, &mut stream, stop, heard).await;
            if batch.cursor != cursor {
                let kinds: Vec<_> = batch.arrived.iter().map(counted).collect();
                cursor = batch.cursor;
                self.sink
                    .take(batch.arrived, cursor)
                    .await
                    .map_err(|error| End::Lost(format!("what arrived could not be kept: {}", chain_of(&*error))))?;
                self.status.took(&kinds, cursor.number);
            }
            filled?;
        }
    }

    /// Waits for a first row, then adds what has arrived by now, up to the bounds; never waits to fill a batch.
    async fn fill(
        &self,
        batch: &mut Batch,
        stream: &mut Stream,
        stop: &mut watch::Receiver<bool>,
        heard: &mut bool,
    ) -> Result<(), End> {
        let first = batch.cursor;
        while batch.lines < self.settings.batch_lines.max(1) && batch.bytes < self.settings.batch_bytes.max(1) {
            match stream.lines.next()? {
                Some(line) => {
                    *heard = true;
                    let proven =
                        check(Line::decode(&line, self.settings.line_bytes_max)?, &batch.cursor, &self.peer.centre)
                            .map_err(End::Halted)?;
                    batch.lines += 1;
                    batch.bytes += line.len();
                    batch.cursor = proven.cursor;
                    batch.arrived.extend(proven.received);
                }
                None if batch.cursor == first => unless_stopped(stop, stream.wait()).await??,
                None => match stream.wait().now_or_never() {
                    Some(waited) => waited?,
                    None => return Ok(()),
                },
            }
        }
        Ok(())
    }
}

/// What one append takes.
struct Batch {
    arrived: Vec<Received>,
    lines: usize,
    bytes: usize,
    cursor: LinkCursor,
}

struct Stream {
    response: Response,
    lines: Lines,
}

impl Stream {
    /// Until more has come. Nothing is lost if it is given up.
    async fn wait(&mut self) -> Result<(), End> {
        match self.response.chunk().await {
            Ok(Some(chunk)) => {
                self.lines.push(&chunk);
                Ok(())
            }
            Ok(None) => Err(End::Lost("the partner ended its stream".to_owned())),
            Err(error) => Err(End::Lost(told(error))),
        }
    }
}

/// What `work` gives, unless `stop` turns true first.
async fn unless_stopped<T>(stop: &mut watch::Receiver<bool>, work: impl Future<Output = T>) -> Result<T, End> {
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => Err(End::Stopped),
        done = work => Ok(done),
    }
}

/// The error with its causes; its URL holds a hash that nobody reads.
fn told(error: reqwest::Error) -> String {
    format!("the partner cannot be reached: {}", chain_of(&error.without_url()))
}

fn chain_of(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
