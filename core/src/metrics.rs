//! Every figure the program keeps of itself, typed.

use std::collections::VecDeque;
use std::time::Duration;

/// Samples a distribution is judged by: enough for a p99, little enough to sort each second.
const WINDOW: usize = 4_096;

/// The last few thousand durations of one kind.
#[derive(Debug, Default)]
pub struct Durations {
    samples: VecDeque<Duration>,
}

impl Durations {
    pub fn record(&mut self, duration: Duration) {
        if self.samples.len() == WINDOW {
            self.samples.pop_front();
        }
        self.samples.push_back(duration);
    }

    /// The `share` quantile (0.5 is the median), `None` before the first sample.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let mut sorted: Vec<Duration> = self.samples.iter().copied().collect();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        sorted.get((last as f64 * share).round() as usize).copied()
    }

    /// As `quantile`, in milliseconds.
    pub fn quantile_ms(&self, share: f64) -> Option<f64> {
        self.quantile(share).map(|d| d.as_secs_f64() * 1e3)
    }
}
