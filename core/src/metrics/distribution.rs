//! Samples in buckets with fixed bounds, as Prometheus wants a histogram.

/// Bounds of the wait for a sync, in seconds. It is to stay below 3 ms at the median.
pub const ACKNOWLEDGED: &[f64] =
    &[0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];
/// Of a commit to a tier, in seconds.
pub const COMMITTED: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// Of a look for hours like this one, in seconds.
pub const SEARCHED: &[f64] = &[0.001, 0.002, 0.004, 0.006, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0];
/// Of an answer of the analyst, in seconds. A small model on a processor needs seconds, a large one minutes.
pub const ANSWERED: &[f64] = &[0.01, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

/// Counts of samples at or below each bound, their sum and their number.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// Rising.
    bounds: &'static [f64],
    /// At or below each bound, those of lower ones included.
    cumulative: Vec<u64>,
    count: u64,
    sum: f64,
}

impl Distribution {
    pub fn new(bounds: &'static [f64]) -> Self {
        Self::of_cumulative(bounds, bounds.iter().map(|_| 0), 0, 0.0)
    }

    pub(super) fn of_cumulative(
        bounds: &'static [f64],
        cumulative: impl Iterator<Item = u64>,
        count: u64,
        sum: f64,
    ) -> Self {
        debug_assert!(bounds.is_sorted_by(|a, b| a < b), "bounds rise");
        Self { bounds, cumulative: cumulative.collect(), count, sum }
    }

    /// What is no number is not counted: it would make the sum one that is no number for ever.
    pub fn record(&mut self, sample: f64) {
        if !sample.is_finite() {
            return;
        }
        let first = self.bounds.partition_point(|bound| *bound < sample);
        for count in &mut self.cumulative[first..] {
            *count += 1;
        }
        self.count += 1;
        self.sum += sample;
    }

    /// Each bound, and the samples at or below it.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        self.bounds.iter().copied().zip(self.cumulative.iter().copied())
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn sum(&self) -> f64 {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_at_a_bound_is_below_it_and_one_beyond_all_is_in_the_count_alone() {
        let mut samples = Distribution::new(&[1.0, 2.0]);
        for sample in [1.0, 1.5, 2.0, 7.0, f64::NAN, f64::INFINITY] {
            samples.record(sample);
        }
        assert_eq!(samples.buckets().collect::<Vec<_>>(), [(1.0, 1), (2.0, 3)]);
        assert_eq!((samples.count(), samples.sum()), (4, 11.5));
    }
}
