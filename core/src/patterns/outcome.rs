//! What came after an hour.

use super::shape::MINUTES;

/// Changes from the window's last close, as shares of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    pub after_15: f64,
    pub after_30: f64,
    pub after_60: f64,
    /// The highest and the lowest close of the hour after.
    pub best: f64,
    pub worst: f64,
}

impl Outcome {
    /// From the last close of the window, and the sixty after it.
    pub fn of(last: f64, after: &[f64; MINUTES]) -> Self {
        let change = |close: f64| close / last - 1.0;
        Self {
            after_15: change(after[14]),
            after_30: change(after[29]),
            after_60: change(after[59]),
            best: change(after.iter().copied().fold(f64::MIN, f64::max)),
            worst: change(after.iter().copied().fold(f64::MAX, f64::min)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_counted_from_the_last_close_of_the_window() {
        let after = std::array::from_fn(|minute| 100.0 + if minute == 40 { 9.0 } else { minute as f64 / 10.0 });
        let outcome = Outcome::of(100.0, &after);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(near(outcome.after_15, 0.014) && near(outcome.after_30, 0.029) && near(outcome.after_60, 0.059));
        assert!(near(outcome.best, 0.09) && near(outcome.worst, 0.0));
    }
}
