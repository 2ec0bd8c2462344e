//! Returns of an equity curve, and how much a Sharpe ratio of them means.
//!
//! Returns are simple, over periods of one length that begin at whole multiples of it since 1970 UTC. Nothing is said of fewer than
//! [`LEAST`] of them. A year has 365 days: this market never closes.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::domain::time::DAY;
use crate::domain::{Amount, TapeTime};

/// Returns, at least, that anything is said of.
pub const LEAST: usize = 30;

const YEAR: i64 = 365 * DAY;

/// Euler and Mascheroni's constant.
const GAMMA: f64 = 0.577_215_664_901_532_9;

/// Of each whole period of the curve from its first value on: equity at its end ÷ equity at its start − 1. `period` in nanoseconds.
pub fn returns(equity: &[(TapeTime, Amount)], period: i64) -> Vec<f64> {
    let mut ends: Vec<(i64, f64)> = Vec::new();
    for (at, equity) in equity {
        let (number, value) = (at.nanos().div_euclid(period), equity.to_f64());
        match ends.last_mut() {
            Some(last) if last.0 == number => last.1 = value,
            _ => ends.push((number, value)),
        }
    }
    // A period without a value of its own ended as the one before.
    let mut found = Vec::new();
    for pair in ends.windows(2) {
        let [(before, from), (number, to)] = pair else { continue };
        found.extend(std::iter::repeat_n(0.0, usize::try_from(number - before - 1).unwrap_or(0)));
        found.push(if *from > 0.0 { to / from - 1.0 } else { 0.0 });
    }
    found
}

/// Of a sample of returns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    pub count: usize,
    pub mean: f64,
    /// Sample standard deviation, n − 1.
    pub deviation: f64,
    /// Third and fourth standardised moments, of the sample as it is (divided by n); 0 and 3 of a normal distribution.
    pub skewness: f64,
    pub kurtosis: f64,
}

impl Moments {
    /// None of too few returns, and of returns that are all the same.
    pub fn of(returns: &[f64]) -> Option<Self> {
        let count = returns.len();
        if count < LEAST {
            return None;
        }
        let n = count as f64;
        let mean = returns.iter().sum::<f64>() / n;
        let central = |power: i32| returns.iter().map(|r| (r - mean).powi(power)).sum::<f64>() / n;
        let variance = central(2);
        if variance <= 0.0 {
            return None;
        }
        Some(Self {
            count,
            mean,
            deviation: (variance * n / (n - 1.0)).sqrt(),
            skewness: central(3) / variance.powf(1.5),
            kurtosis: central(4) / (variance * variance),
        })
    }

    /// Mean ÷ standard deviation, of one period; the riskless rate is nought, as idle cash on paper earns nothing.
    pub fn sharpe(&self) -> f64 {
        self.mean / self.deviation
    }

    /// Times the root of the periods of a year (Sharpe 1994).
    pub fn annual_sharpe(&self, period: i64) -> f64 {
        self.sharpe() * (YEAR as f64 / period as f64).sqrt()
    }

    /// The probability that the true ratio of one period is above `benchmark`, by these returns with their skew and tails (Bailey and López de
    /// Prado, *The Sharpe Ratio Efficient Frontier*, 2012, eq. 10).
    pub fn probabilistic_sharpe(&self, benchmark: f64) -> f64 {
        let sharpe = self.sharpe();
        let spread = 1.0 - self.skewness * sharpe + (self.kurtosis - 1.0) / 4.0 * sharpe * sharpe;
        normal().cdf((sharpe - benchmark) * (self.count as f64 - 1.0).sqrt() / spread.max(f64::MIN_POSITIVE).sqrt())
    }
}

/// What the best of so many ratios without any skill is expected to be, by how much they vary (Bailey and López de Prado, *The Deflated Sharpe
/// Ratio*, 2014, eq. 1). `ratios` are of one period, one for each that was tried.
pub fn best_by_chance(ratios: &[f64]) -> f64 {
    let n = ratios.len() as f64;
    if ratios.len() < 2 {
        return 0.0;
    }
    let mean = ratios.iter().sum::<f64>() / n;
    let variance = ratios.iter().map(|ratio| (ratio - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let quantile = |share: f64| normal().inverse_cdf(share);
    let expected = (1.0 - GAMMA) * quantile(1.0 - 1.0 / n) + GAMMA * quantile(1.0 - 1.0 / (n * std::f64::consts::E));
    variance.sqrt() * expected
}

fn normal() -> Normal {
    Normal::new(0.0, 1.0).expect("a deviation of one is above nought")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::ONE;
    use crate::domain::time::{HOUR, MINUTE};

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{a} is not {b}");
    }

    #[test]
    fn returns_are_those_of_whole_periods() {
        let at = |minute: i64, dollars: i128| {
            (TapeTime::from_nanos(minute * MINUTE), Amount::from_units(dollars * i128::from(ONE)))
        };
        let curve = [at(10, 100), at(59, 110), at(61, 120), at(119, 121), at(300, 121), at(310, 60)];
        assert_eq!(returns(&curve, HOUR), [121.0 / 110.0 - 1.0, 0.0, 0.0, 0.0, 60.0 / 121.0 - 1.0]);
        assert_eq!(returns(&curve[..1], HOUR), [0.0; 0]);
    }

    /// As numpy 2 and scipy 1.17 give them for the same forty numbers.
    #[test]
    fn moments_and_probabilities_are_those_of_an_independent_computation() {
        let returns: Vec<f64> =
            (0..40).map(|n| f64::from((n * 37) % 41 - 18) / 1_000.0 + f64::from(n % 3) / 500.0).collect();
        let moments = Moments::of(&returns).expect("enough");
        near(moments.mean, MEAN);
        near(moments.deviation, DEVIATION);
        near(moments.skewness, SKEWNESS);
        near(moments.kurtosis, KURTOSIS);
        near(moments.probabilistic_sharpe(0.1), PROBABILITY);
        let ratios: Vec<f64> = (0..100).map(|n| f64::from(n % 13) / 50.0 - 0.1).collect();
        near(best_by_chance(&ratios), BEST_BY_CHANCE);
    }

    #[test]
    fn too_little_says_nothing() {
        assert_eq!(Moments::of(&[0.01; LEAST - 1]), None);
        assert_eq!(Moments::of(&[0.0; 100]), None, "an account that never traded has no ratio");
        assert_eq!(best_by_chance(&[0.3]), 0.0, "one try is not the best of many");
    }

    const MEAN: f64 = 0.004_35;
    const DEVIATION: f64 = 0.012_101_176_039_479_036;
    const SKEWNESS: f64 = -0.063_427_081_286_826_61;
    const KURTOSIS: f64 = 1.906_119_518_410_418;
    const PROBABILITY: f64 = 0.942_920_869_886_152_4;
    const BEST_BY_CHANCE: f64 = 0.188_053_979_709_895_54;
}
