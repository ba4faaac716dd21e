//! What the listeners count. Labels take values from our own tables alone, so that no caller can make a new series.

use http::StatusCode;
use prometheus::{Encoder, TextEncoder};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use crate::routes::Listener;

const REQUESTS: &str = "bridgewatch_http_requests_total";
const DURATION: &str = "bridgewatch_http_request_seconds";
const CONNECTIONS: &str = "bridgewatch_http_connections";
const HANDSHAKES: &str = "bridgewatch_http_handshakes_failed_total";
const LIMITS: &str = "bridgewatch_http_limits_hit_total";
const STREAMS: &str = "bridgewatch_live_streams";
const EVENTS: &str = "bridgewatch_live_events_total";

/// The counters of the HTTP layer.
#[derive(Debug)]
pub(crate) struct Metrics {
    requests: IntCounterVec,
    duration: HistogramVec,
    connections: IntGaugeVec,
    handshakes: IntCounterVec,
    limits: IntCounterVec,
    streams: IntGauge,
    events: IntCounterVec,
}

impl Metrics {
    pub(crate) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name, help, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let metrics = Self {
            requests: counter(REQUESTS, "Requests answered, by route and status", &["listener", "route", "status"])?,
            duration: HistogramVec::new(
                HistogramOpts::new(DURATION, "Time from a request's head to its answer's")
                    .buckets(vec![0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]),
                &["listener"],
            )?,
            connections: IntGaugeVec::new(Opts::new(CONNECTIONS, "Connections open"), &["listener"])?,
            handshakes: counter(HANDSHAKES, "TLS handshakes that failed", &["listener"])?,
            limits: counter(LIMITS, "How often a limit of the listeners was hit", &["limit"])?,
            streams: IntGauge::new(STREAMS, "Live streams open")?,
            events: counter(EVENTS, "Live events sent, by kind", &["kind"])?,
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.duration.clone()))?;
        registry.register(Box::new(metrics.connections.clone()))?;
        registry.register(Box::new(metrics.handshakes.clone()))?;
        registry.register(Box::new(metrics.limits.clone()))?;
        registry.register(Box::new(metrics.streams.clone()))?;
        registry.register(Box::new(metrics.events.clone()))?;
        Ok(metrics)
    }

    /// One answer.
    pub(crate) fn answered(&self, listener: Listener, route: &str, status: StatusCode, seconds: f64) {
        self.requests.with_label_values(&[listener.as_str(), route, status.as_str()]).inc();
        self.duration.with_label_values(&[listener.as_str()]).observe(seconds);
    }

    /// A limit was hit.
    pub(crate) fn limit(&self, limit: &'static str) {
        self.limits.with_label_values(&[limit]).inc();
    }

    /// A handshake failed.
    pub(crate) fn handshake_failed(&self, listener: Listener) {
        self.handshakes.with_label_values(&[listener.as_str()]).inc();
    }

    /// A live event was sent.
    pub(crate) fn event(&self, kind: &'static str) {
        self.events.with_label_values(&[kind]).inc();
    }

    /// Counts a connection while it is held.
    pub(crate) fn connection(&self, listener: Listener) -> Counted {
        Counted::new(self.connections.with_label_values(&[listener.as_str()]))
    }

    /// Counts a live stream while it is held.
    pub(crate) fn stream(&self) -> Counted {
        Counted::new(self.streams.clone())
    }
}

/// Something that is counted while this is held.
#[derive(Debug)]
pub(crate) struct Counted(IntGauge);

impl Counted {
    fn new(gauge: IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Everything that `registry` holds, in Prometheus' text form.
pub(crate) fn text(registry: &Registry) -> Result<Vec<u8>, prometheus::Error> {
    let mut text = Vec::new();
    TextEncoder::new().encode(&registry.gather(), &mut text)?;
    Ok(text)
}
