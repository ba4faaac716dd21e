//! What the centre itself counts, read from its logs when somebody asks.

use std::sync::Arc;

use indexer::Store;
use matching::TrackerCounts;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use super::release::Border;
use super::rules::Rules;

/// What the log counts since it began.
const COUNTS: [&str; 6] = ["accepted", "quarantined", "refused", "withdrawn", "observations", "hits"];

/// What the bounds of patterns of several observations kept the centre from doing; each is shown from the start.
#[derive(Debug)]
pub(crate) struct TrackerLimits {
    late: IntCounter,
    evicted: IntCounter,
    exhausted: IntCounter,
    restarted: IntCounter,
}

impl TrackerLimits {
    /// Registers them.
    pub(crate) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let limits = IntCounterVec::new(
            Opts::new(
                "bridgewatch_tracker_limits_hit_total",
                "Of patterns of several observations: observations that came too late or went before their time, searches \
                 without an answer, restarts after a time that had run ahead",
            ),
            &["limit"],
        )?;
        registry.register(Box::new(limits.clone()))?;
        let of = |limit: &str| limits.get_metric_with_label_values(&[limit]);
        Ok(Self {
            late: of("late")?,
            evicted: of("evicted")?,
            exhausted: of("exhausted")?,
            restarted: of("restarted")?,
        })
    }

    /// Counts what one tracker came to `after` it had stood at `before`.
    pub(crate) fn add(&self, before: TrackerCounts, after: TrackerCounts) {
        self.late.inc_by(after.late.saturating_sub(before.late));
        self.evicted.inc_by(after.evicted.saturating_sub(before.evicted));
        self.exhausted.inc_by(after.exhausted.saturating_sub(before.exhausted));
        self.restarted.inc_by(after.restarted.saturating_sub(before.restarted));
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_counted_over_all_trackers() {
        let registry = Registry::new();
        let limits = TrackerLimits::register(&registry).unwrap();
        let shown = || -> Vec<(String, f64)> {
            let families = registry.gather();
            let all = families.iter().flat_map(MetricFamily::get_metric);
            all.map(|one| (one.get_label()[0].value().to_owned(), one.get_counter().get_value())).collect()
        };
        assert_eq!(shown().len(), 4, "all of them from the start");
        let counts = TrackerCounts { late: 3, evicted: 2, exhausted: 1, restarted: 0 };
        limits.add(TrackerCounts::default(), counts); // one sensor's
        limits.add(TrackerCounts { late: 5, ..counts }, TrackerCounts { late: 6, restarted: 1, ..counts }); // another's
        let expected = [("evicted", 2.0), ("exhausted", 1.0), ("late", 4.0), ("restarted", 1.0)];
        assert_eq!(shown(), expected.map(|(limit, count)| (limit.to_owned(), count)));
    }
}
