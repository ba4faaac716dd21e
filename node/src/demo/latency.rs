//! What took how long, seen from outside: from the acknowledgement at the origin (or the packet) to the stream on the
//! other side, first versions only.

use std::collections::HashMap;

use serde::Serialize;

/// Percentiles of a set of durations.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Percentiles {
    /// Half were at most this, milliseconds.
    pub(crate) p50: f64,
    /// 99 in a hundred were at most this, milliseconds.
    pub(crate) p99: f64,
    /// How many there were.
    pub(crate) n: usize,
}

/// Percentiles by nearest rank.
pub(crate) fn percentiles(mut durations_us: Vec<i64>) -> Percentiles {
    durations_us.sort_unstable();
    let n = durations_us.len();
    let rank = |share: usize| {
        let place = (n * share).div_ceil(100).saturating_sub(1);
        durations_us.get(place).map_or(0.0, |us| *us as f64 / 1000.0)
    };
    Percentiles { p50: rank(50), p99: rank(99), n }
}

/// First arrivals beside the moments they are measured from. Either may be known first: the other side's stream can
/// outrun the acknowledgement.
#[derive(Debug, Default)]
pub(crate) struct Border {
    left: HashMap<String, i64>,
    arrived: HashMap<String, i64>,
}

impl Border {
    /// The origin acknowledged `id` at `at_us`; only the first counts.
    pub(crate) fn left(&mut self, id: &str, at_us: i64) {
        self.left.entry(id.to_owned()).or_insert(at_us);
    }

    /// `id` stood on the other side's stream at `at_us`; only the first counts. True if it was the first.
    pub(crate) fn arrived(&mut self, id: &str, at_us: i64) -> bool {
        let mut first = false;
        self.arrived.entry(id.to_owned()).or_insert_with(|| {
            first = true;
            at_us
        });
        first
    }

    /// The durations of what both left and arrived, microseconds; an arrival before the acknowledgement took none.
    pub(crate) fn durations_us(&self) -> Vec<i64> {
        self.left.iter().filter_map(|(id, left)| self.arrived.get(id).map(|arrived| (arrived - left).max(0))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let found = percentiles((1..=100).map(|ms| ms * 1000).collect());
        assert_eq!((found.p50, found.p99, found.n), (50.0, 99.0, 100));
        assert_eq!(percentiles(vec![7000]).p99, 7.0);
        assert_eq!(percentiles(vec![]).n, 0);
    }

    #[test]
    fn only_first_versions_count() {
        let mut border = Border::default();
        assert!(border.arrived("a", 30));
        assert!(!border.arrived("a", 90));
        border.left("a", 10);
        border.left("a", 50);
        border.left("never-crossed", 1);
        assert_eq!(border.durations_us(), vec![20]);
    }
}
