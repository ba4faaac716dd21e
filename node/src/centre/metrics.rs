//! What the centre itself counts, read from its logs when somebody asks.

use std::sync::Arc;

use indexer::Store;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntGauge, IntGaugeVec, Opts, Registry};

use super::release::Border;
use super::rules::Rules;

/// What the log counts since it began.
const COUNTS: [&str; 6] = ["accepted", "quarantined", "refused", "withdrawn", "observations", "hits"];

/// Figures that are read from the parts of the centre.
struct Figures {
    store: Arc<Store>,
    rules: Arc<Rules>,
    border: Option<Arc<Border>>,
    log: IntGaugeVec,
    held: IntGaugeVec,
    sent: IntGauge,
    undecided: IntGauge,
}

/// Registers everything that the centre counts, and gives the counter of indicators that are not matched here.
pub(crate) fn register(
    registry: &Registry,
    store: &Arc<Store>,
    rules: &Arc<Rules>,
    border: Option<Arc<Border>>,
) -> Result<IntCounter, prometheus::Error> {
    let gauges = |name, help, label: &str| IntGaugeVec::new(Opts::new(name, help), &[label]);
    registry.register(Box::new(Figures {
        store: Arc::clone(store),
        rules: Arc::clone(rules),
        border,
        log: gauges("bridgewatch_log_entries", "What the object log holds since it began, by kind", "kind")?,
        held: gauges("bridgewatch_rules", "Rules, by where they are matched", "at")?,
        sent: IntGauge::new("bridgewatch_link_sent_number", "The last number of the link log")?,
        undecided: IntGauge::new(
            "bridgewatch_link_undecided",
            "Entries of the object log that gate out has not decided on",
        )?,
    }))?;
    let not_matched = IntCounter::new(
        "bridgewatch_indicators_not_matched_total",
        "Indicators that were taken, and are shared, but that no telemetry is matched against here",
    )?;
    registry.register(Box::new(not_matched.clone()))?;
    Ok(not_matched)
}

impl Collector for Figures {
    fn desc(&self) -> Vec<&Desc> {
        [self.log.desc(), self.held.desc(), self.sent.desc(), self.undecided.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        if let Ok(snapshot) = self.store.read() {
            for kind in COUNTS {
                self.log.with_label_values(&[kind]).set(whole(snapshot.count(kind).unwrap_or(0)));
            }
        }
        self.held.with_label_values(&["sensors"]).set(whole(self.rules.held_by_sensors()));
        self.held.with_label_values(&["centre"]).set(whole(self.rules.central().len() as u64));
        if let Some(border) = &self.border {
            self.sent.set(whole(border.log().head().number));
            self.undecided.set(whole(border.behind()));
        }
        [self.log.collect(), self.held.collect(), self.sent.collect(), self.undecided.collect()].concat()
    }
}
