//! How the link does, for the border view, readiness, metrics and the log.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use model::time::{Clock, Timestamp};
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use tokio::sync::{Notify, watch};
use tracing::{error, info, warn};

use super::check::{Halt, Received};

/// Whether lines come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The partner's stream is open.
    Up,
    /// It is not; the follower tries again by itself.
    Down,
    /// Something does not hold: nothing is taken until an operator has looked.
    Halted,
}

impl State {
    /// As border view and metrics write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Halted => "halted",
        }
    }
}

/// The state, why, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The state.
    pub state: State,
    /// Why, where it is not up.
    pub reason: Option<String>,
    /// Since when it is in this state.
    pub since: Timestamp,
}

/// From the origin's row to durable here, over the last of what came; milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Latency {
    /// Half are below.
    pub p50: f64,
    /// All but one in a hundred are below.
    pub p99: f64,
    /// How many there are.
    pub n: u64,
}

/// How one link does.
pub struct LinkStatus {
    standing: watch::Sender<Standing>,
    operator: Notify,
    clock: Arc<dyn Clock>,
    latencies: Mutex<VecDeque<i64>>,
    latencies_max: usize,
    state: IntGaugeVec,
    halts: IntCounter,
    received: IntCounterVec,
    number: IntGauge,
    latency: Histogram,
}

impl std::fmt::Debug for LinkStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkStatus").field("standing", &self.standing()).finish_non_exhaustive()
    }
}

impl LinkStatus {
    /// A link that has not been up yet; it remembers the last `latencies_max` latencies and counts into `registry`.
    pub fn new(latencies_max: usize, clock: Arc<dyn Clock>, registry: &Registry) -> Result<Self, prometheus::Error> {
        let since = clock.now();
        let reason = Some("not connected yet".to_owned());
        let status = Self {
            standing: watch::Sender::new(Standing { state: State::Down, reason, since }),
            operator: Notify::new(),
            clock,
            latencies: Mutex::default(),
            latencies_max,
            state: IntGaugeVec::new(
                Opts::new("bridgewatch_link_state", "1 for the state that the partner link is in"),
                &["state"],
            )?,
            halts: IntCounter::new("bridgewatch_link_halts_total", "How often the partner link halted")?,
            received: IntCounterVec::new(
                Opts::new("bridgewatch_link_received_total", "What arrived over the partner link"),
                &["kind"],
            )?,
            number: IntGauge::new(
                "bridgewatch_link_received_number",
                "The last number held of the partner's link log",
            )?,
            latency: Histogram::with_opts(
                HistogramOpts::new("bridgewatch_link_seconds", "From the origin's row to durable here")
                    .buckets(vec![0.003, 0.01, 0.03, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0, 3600.0]),
            )?,
        };
        registry.register(Box::new(status.state.clone()))?;
        registry.register(Box::new(status.halts.clone()))?;
        registry.register(Box::new(status.received.clone()))?;
        registry.register(Box::new(status.number.clone()))?;
        registry.register(Box::new(status.latency.clone()))?;
        status.show(State::Down);
        Ok(status)
    }

    /// The state, why, and since when.
    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// Changes of it.
    pub fn changes(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Releases that arrived since start.
    pub fn releases(&self) -> u64 {
        self.received.with_label_values(&["release"]).get()
    }

    /// Withdrawals that arrived since start.
    pub fn withdrawals(&self) -> u64 {
        self.received.with_label_values(&["withdrawal"]).get()
    }

    /// From the origin's row to durable here.
    pub fn latency(&self) -> Latency {
        let mut sorted: Vec<i64> =
            self.latencies.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        sorted.sort_unstable();
        let at = |hundredths: usize| {
            let place = (sorted.len() * hundredths).div_ceil(100).saturating_sub(1);
            sorted.get(place).map_or(0.0, |micros| *micros as f64 / 1000.0)
        };
        Latency { p50: at(50), p99: at(99), n: sorted.len() as u64 }
    }

    /// An operator has looked: a halted link tries again from what is held. False if it is not halted. What is wrong at the
    /// partner, and still is, halts it again.
    pub fn resume(&self) -> bool {
        let halted = self.standing.borrow().state == State::Halted;
        if halted {
            self.operator.notify_one();
        }
        halted
    }

    pub(crate) async fn resumed(&self) {
        self.operator.notified().await;
        info!("an operator resumes the partner link");
        self.set(State::Down, Some("resumed by an operator, not connected yet".to_owned()));
    }

    pub(crate) fn up(&self) {
        info!("the partner link is up");
        self.set(State::Up, None);
    }

    pub(crate) fn down(&self, reason: String) {
        if self.standing.borrow().state == State::Up {
            warn!(%reason, "the partner link is down");
        }
        self.set(State::Down, Some(reason));
    }

    pub(crate) fn halted(&self, halt: &Halt) {
        error!(reason = %halt, "the partner link is halted until an operator acts");
        self.halts.inc();
        self.set(State::Halted, Some(halt.to_string()));
    }

    /// What has become durable here, up to `number`.
    pub(crate) fn took(&self, kinds: &[(&'static str, Timestamp)], number: u64) {
        let now = self.clock.now();
        let mut latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        for (kind, time) in kinds {
            self.received.with_label_values(&[kind]).inc();
            let micros = now.micros().saturating_sub(time.micros()).max(0); // two clocks: never less than nothing
            self.latency.observe(micros as f64 / 1e6);
            latencies.push_back(micros);
        }
        let surplus = latencies.len().saturating_sub(self.latencies_max);
        latencies.drain(..surplus);
        self.stands(number);
    }

    pub(crate) fn stands(&self, number: u64) {
        self.number.set(i64::try_from(number).unwrap_or(i64::MAX));
    }

    fn set(&self, state: State, reason: Option<String>) {
        let now = self.clock.now();
        self.standing.send_if_modified(|standing| {
            let since = if standing.state == state { standing.since } else { now };
            let new = Standing { state, reason, since };
            let changed = *standing != new;
            *standing = new;
            changed
        });
        self.show(state);
    }

    fn show(&self, state: State) {
        for each in [State::Up, State::Down, State::Halted] {
            self.state.with_label_values(&[each.as_str()]).set(i64::from(each == state));
        }
    }
}

/// How a kind of what arrived is counted, and when its row was written.
pub(crate) fn counted(received: &Received) -> (&'static str, Timestamp) {
    let kind = match received {
        Received::Release { .. } => "release",
        Received::Withdrawal { .. } => "withdrawal",
    };
    (kind, received.time())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct At(i64);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(self.0)
        }
    }

    #[test]
    fn latencies_are_of_the_last_alone() {
        let status = LinkStatus::new(100, Arc::new(At(1_000_000)), &Registry::new()).unwrap();
        assert_eq!(status.latency(), Latency::default());
        let kinds: Vec<_> = (1..=200).map(|ms| ("release", Timestamp::from_micros(1_000_000 - ms * 1000))).collect();
        status.took(&kinds, 200);
        assert_eq!(status.latency(), Latency { p50: 150.0, p99: 199.0, n: 100 });
        assert_eq!((status.releases(), status.withdrawals()), (200, 0));
    }

    #[test]
    fn only_a_halted_link_is_resumed() {
        let status = LinkStatus::new(1, Arc::new(At(0)), &Registry::new()).unwrap();
        assert!(!status.resume());
        status.halted(&Halt::Leaf(7));
        assert_eq!(status.standing().state, State::Halted);
        assert!(status.standing().reason.unwrap().contains('7'));
        assert!(status.resume());
    }
}
