//! The sensor: hears observations, matches each against the rules its centre gives it, spools them, and delivers them over mutual TLS.
//!
//! ```text
//! sources ─► queue ─► hearing (a thread: match, spool, one sync a batch) ─► delivery (task: batches, after the centre's cursor)
//!                        ▲ RuleSet, swapped whole
//!                     rules (task: follows the rules stream, compiles beside)
//! ```

mod centre;
mod counters;
mod delivery;
mod hearing;
mod rules;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use matching::RuleSet;
use serde::{Deserialize, Serialize};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::spool::{self, Spool, SpoolError};
use crate::wire;

pub use centre::{CentreError, Credentials};
pub use counters::{Counters, Figures};
pub use hearing::Source;

/// Bounds of a sensor.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Observations that wait for the spool; then their sources wait.
    pub queue: usize,
    /// How long a new sensor waits for its centre and its first rules before it hears without them, milliseconds.
    pub wait_ms: u64,
    /// Most rules that are held; a centre that sends more keeps the sensor at the rules it had.
    pub rules: usize,
    /// First delay before the centre is tried again, milliseconds; it doubles up to `retry_most_ms`.
    pub retry_first_ms: u64,
    /// Longest delay before the centre is tried again, milliseconds.
    pub retry_most_ms: u64,
    /// Longest time for a connection to be made, milliseconds.
    pub connect_ms: u64,
    /// Longest time for an answer, milliseconds.
    pub answer_ms: u64,
    /// Longest silence of the rules stream, milliseconds; the centre says something every 5 s.
    pub silence_ms: u64,
    /// How long a sensor that ends goes on delivering what it heard, milliseconds; the rest stays in the spool.
    pub stop_ms: u64,
    /// Bounds of what goes over the wire.
    pub wire: wire::Settings,
    /// Bounds of the spool.
    pub spool: spool::Settings,
    /// Bounds of the rule set.
    pub matching: matching::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            queue: 8_192,
            wait_ms: 30_000,
            rules: 2_000_000,
            retry_first_ms: 100,
            retry_most_ms: 5_000,
            connect_ms: 5_000,
            answer_ms: 15_000,
            silence_ms: 15_000,
            stop_ms: 5_000,
            wire: wire::Settings::default(),
            spool: spool::Settings::default(),
            matching: matching::Settings::default(),
        }
    }
}

/// Why a sensor cannot start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum SensorError {
    /// The spool cannot be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The centre's address, or a certificate, is not one.
    #[error(transparent)]
    Centre(#[from] CentreError),
    /// The system gives no thread.
    #[error("the system gives no thread for hearing: end other programs")]
    Thread(#[source] std::io::Error),
}

/// How the hearing thread ended; none while it runs.
type Ended = Option<Result<(), Arc<SpoolError>>>;

/// A running sensor.
#[derive(Debug)]
pub struct Sensor {
    shared: Arc<Shared>,
    source: Source,
    ended: watch::Receiver<Ended>,
    tasks: Vec<JoinHandle<()>>,
    /// Ends once nobody holds the spool any more.
    released: Option<oneshot::Receiver<()>>,
}

/// What thread and tasks share.
#[derive(Debug)]
struct Shared {
    settings: Settings,
    rules: ArcSwap<RuleSet>,
    spool: Mutex<Spool>,
    counters: Arc<Counters>,
    /// The last spool sequence that is durable.
    durable: watch::Sender<u64>,
    /// The last that the centre acknowledged.
    acknowledged: watch::Sender<u64>,
    ready: watch::Sender<Ready>,
    /// Dropped with the spool, after it.
    _held: oneshot::Sender<()>,
}

/// What a new sensor waits for.
#[derive(Debug, Clone, Copy, Default)]
struct Ready {
    rules: bool,
    settled: bool,
}

impl Sensor {
    /// Starts a sensor of the centre at `url` (`https://host:port`) with its spool in `spool`. Wants a tokio runtime around it.
    pub fn start(url: &str, credentials: &Credentials, spool: &Path, settings: Settings) -> Result<Self, SensorError> {
        let centre = Arc::new(centre::Centre::new(url, credentials, settings)?);
        let spool = Spool::open(spool, settings.spool)?;
        let (held, released) = oneshot::channel();
        let shared = Arc::new(Shared {
            settings,
            rules: ArcSwap::default(),
            durable: watch::Sender::new(spool.last()),
            acknowledged: watch::Sender::new(spool.acknowledged()),
            ready: watch::Sender::new(Ready::default()),
            counters: Arc::default(),
            spool: Mutex::new(spool),
            _held: held,
        });
        let (source, queue) = Source::channel(settings.queue);
        let (report, ended) = watch::channel(None);
        let hearing = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("hearing".to_owned())
            .spawn(move || {
                let outcome = hearing::run(queue, &hearing).map_err(Arc::new);
                drop(hearing);
                report.send_replace(Some(outcome));
            })
            .map_err(SensorError::Thread)?;
        let tasks = vec![
            tokio::spawn(rules::follow(Arc::clone(&shared), Arc::clone(&centre))),
            tokio::spawn(delivery::run(Arc::clone(&shared), centre)),
        ];
        Ok(Self { shared, source, ended, tasks, released: Some(released) })
    }

    /// Where observations go in. Waits until the centre's cursor is known and its first rules apply, for a bounded time: what is heard
    /// before would be held against no rule.
    pub async fn source(&self) -> Source {
        let mut ready = self.shared.ready.subscribe();
        let deadline = Instant::now() + Duration::from_millis(self.shared.settings.wait_ms);
        loop {
            tokio::select! {
                _ = ready.wait_for(|ready| ready.rules && ready.settled) => break,
                () = tokio::time::sleep_until(deadline) => {
                    tracing::warn!("the centre gave no rules in time: the sensor hears without them until it does");
                    break;
                }
                () = tokio::time::sleep(WORD_EVERY) => tracing::info!("waiting for the centre and its rules"),
            }
        }
        self.source.clone()
    }

    /// What it heard, matched, sent and dropped.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.shared.counters)
    }

    /// Ends only if the sensor cannot go on hearing: its spool's disk failed.
    pub async fn failed(&self) -> Arc<SpoolError> {
        let mut ended = self.ended.clone();
        match ended.wait_for(|ended| matches!(ended, Some(Err(_)))).await.as_deref() {
            Ok(Some(Err(error))) => Arc::clone(error),
            _ => std::future::pending().await,
        }
    }

    /// Hears no more, spools what waits, and delivers it for a bounded time; what the centre did not take then stays in the spool.
    pub async fn stop(mut self) -> Result<(), Arc<SpoolError>> {
        self.source.stop().await;
        let outcome = match self.ended.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(Err(error))) => Err(Arc::clone(error)),
            _ => Ok(()),
        };
        let last = *self.shared.durable.borrow();
        let mut acknowledged = self.shared.acknowledged.subscribe();
        let bound = Duration::from_millis(self.shared.settings.stop_ms);
        let delivered = tokio::time::timeout(bound, acknowledged.wait_for(|acknowledged| *acknowledged >= last)).await;
        if delivered.is_err() {
            tracing::warn!("the centre did not take all that was heard: the rest stays in the spool");
        }
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            let _ = task.await;
        }
        // The spool is free for the next sensor when this returns: what a task had begun on a thread of its own may still hold it.
        let released = self.released.take();
        drop(self);
        if let Some(released) = released {
            let _ = released.await;
        }
        outcome
    }
}

impl Drop for Sensor {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// While it waits, how often it says so.
const WORD_EVERY: Duration = Duration::from_secs(5);

impl Shared {
    /// Does something with the spool, which blocks, and tells everyone what came of it.
    fn spool<T>(&self, work: impl FnOnce(&mut Spool) -> T) -> T {
        let mut spool: MutexGuard<'_, Spool> = self.spool.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = work(&mut spool);
        self.counters.spool(&spool);
        publish(&self.durable, spool.last());
        publish(&self.acknowledged, spool.acknowledged());
        outcome
    }

    /// The same from a task, on a thread that may block.
    async fn spool_aside<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Spool) -> Result<T, SpoolError> + Send + 'static,
    ) -> Result<T, CentreError> {
        let shared = Arc::clone(self);
        match tokio::task::spawn_blocking(move || shared.spool(work)).await {
            Ok(outcome) => Ok(outcome?),
            Err(_) => Err(CentreError::Ending),
        }
    }
}

fn publish(to: &watch::Sender<u64>, value: u64) {
    to.send_if_modified(|held| std::mem::replace(held, value) != value);
}

/// Delays that double from one failure to the next.
#[derive(Debug)]
struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    fn new(settings: &Settings) -> Self {
        let first = Duration::from_millis(settings.retry_first_ms.max(1));
        Self { first, most: Duration::from_millis(settings.retry_most_ms).max(first), next: first }
    }

    fn succeeded(&mut self) {
        self.next = self.first;
    }

    async fn wait(&mut self) {
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(self.most);
    }
}

#[cfg(test)]
mod tests;
