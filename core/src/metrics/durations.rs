//! How long things took: quantiles for the desk, buckets for a scrape.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::Distribution;

/// A longer wait than this counts as this long.
const LONGEST: Duration = Duration::from_secs(60);

/// Samples after which the recent past is a new one.
const RECENT: u64 = 50_000;

/// Durations of one kind: all of a run, and the recent ones apart. Quantiles are right to three digits.
#[derive(Debug)]
pub struct Durations {
    all: Histogram<u64>,
    /// The part being filled, and the full one before it.
    recent: [Histogram<u64>; 2],
    /// Of all, in nanoseconds.
    sum: u128,
}

impl Default for Durations {
    fn default() -> Self {
        let empty = || {
            Histogram::new_with_bounds(1_000, LONGEST.as_nanos() as u64, 3)
                .expect("from a microsecond to a minute, three digits")
        };
        Self { all: empty(), recent: [empty(), empty()], sum: 0 }
    }
}

impl Durations {
    pub fn record(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.all.saturating_record(nanos);
        self.sum += u128::from(nanos);
        if self.recent[0].len() >= RECENT {
            self.recent.swap(0, 1);
            self.recent[0].clear();
        }
        self.recent[0].saturating_record(nanos);
    }

    /// The `share` quantile of all (0.5 is the median) in milliseconds, `None` before the first sample.
    pub fn quantile_ms(&self, share: f64) -> Option<f64> {
        (!self.all.is_empty()).then(|| self.all.value_at_quantile(share) as f64 / 1e6)
    }

    /// The median of the newest 25 000 to 50 000, in milliseconds.
    pub fn recent_median_ms(&self) -> Option<f64> {
        let newest = if self.recent[1].is_empty() || self.recent[0].len() > RECENT / 2 { 0 } else { 1 };
        let part = &self.recent[newest];
        (!part.is_empty()).then(|| part.value_at_quantile(0.5) as f64 / 1e6)
    }

    /// All of the run in buckets that end at `bounds` (seconds, rising). A sample within a thousandth of a bound may count below it.
    pub fn distribution(&self, bounds: &'static [f64]) -> Distribution {
        let within = |bound: &f64| {
            let nanos = (bound * 1e9) as u64;
            // The largest bucket also holds what took longer than it can say.
            if nanos < LONGEST.as_nanos() as u64 { self.all.count_between(0, nanos) } else { self.all.len() }
        };
        Distribution::of_cumulative(bounds, bounds.iter().map(within), self.all.len(), self.sum as f64 / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_run_counts_and_the_desk_sees_the_recent_part() {
        let mut waits = Durations::default();
        assert_eq!((waits.quantile_ms(0.5), waits.recent_median_ms()), (None, None));
        for _ in 0..3 * RECENT {
            waits.record(Duration::from_millis(2));
        }
        for _ in 0..RECENT * 2 {
            waits.record(Duration::from_millis(9));
        }
        let near = |found: Option<f64>, wanted: f64| assert!((found.expect("samples") - wanted).abs() < wanted / 500.0);
        near(waits.quantile_ms(0.5), 2.0);
        near(waits.quantile_ms(0.99), 9.0);
        near(waits.recent_median_ms(), 9.0);
        waits.record(Duration::from_secs(3_600));
        near(waits.quantile_ms(1.0), 60_000.0);
    }

    #[test]
    fn a_scrape_counts_every_wait_in_the_bucket_it_belongs_to() {
        static BOUNDS: [f64; 3] = [0.001, 0.01, 0.1];
        let mut waits = Durations::default();
        assert_eq!(waits.distribution(&BOUNDS), Distribution::new(&BOUNDS));
        let mut wanted = Distribution::new(&BOUNDS);
        // More than the recent past holds.
        for _ in 0..RECENT / 4 {
            for micros in [200, 900, 1_500, 9_000, 11_000, 99_000, 150_000, 90_000_000] {
                waits.record(Duration::from_micros(micros));
                wanted.record(micros as f64 / 1e6);
            }
        }
        let found = waits.distribution(&BOUNDS);
        assert_eq!(found.buckets().collect::<Vec<_>>(), wanted.buckets().collect::<Vec<_>>());
        assert_eq!(
            found.buckets().map(|(_, count)| count).collect::<Vec<_>>(),
            [2, 4, 6].map(|of_eight| of_eight * RECENT / 4)
        );
        assert_eq!(found.count(), 2 * RECENT);
        assert!((found.sum() - wanted.sum()).abs() < 1e-3, "the sum is that of the samples, not of their buckets");
    }
}
