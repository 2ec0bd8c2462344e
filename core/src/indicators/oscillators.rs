//! What swings about a middle, or adds up.

use super::Bar;
use super::averages::{Average, Ema, Last, Sma, Wilder};

/// Wilder's relative strength index: 100 − 100 ÷ (1 + smoothed gains ÷ smoothed losses), 0 to 100.
#[derive(Clone, Debug)]
pub struct Rsi {
    before: Option<f64>,
    gains: Wilder,
    losses: Wilder,
}

impl Rsi {
    pub fn new(period: usize) -> Self {
        Self { before: None, gains: Wilder::new(period), losses: Wilder::new(period) }
    }

    /// None while the price has not moved.
    pub fn next(&mut self, bar: &Bar) -> Option<f64> {
        let change = bar.close - self.before.replace(bar.close)?;
        let (gains, losses) = (self.gains.next(change.max(0.0)), self.losses.next((-change).max(0.0)));
        let (gains, losses) = (gains?, losses?);
        (gains + losses > 0.0).then(|| 100.0 * gains / (gains + losses))
    }
}

/// Gerald Appel's MACD: the quick exponential average less the slow one, and the exponential average of that.
#[derive(Clone, Debug)]
pub struct Macd {
    fast: Ema,
    slow: Ema,
    signal: Ema,
}

impl Macd {
    pub fn new(fast: usize, slow: usize, signal: usize) -> Self {
        Self { fast: Ema::new(fast), slow: Ema::new(slow), signal: Ema::new(signal) }
    }

    /// MACD, signal, and the first less the second.
    pub fn next(&mut self, bar: &Bar) -> [Option<f64>; 3] {
        let (fast, slow) = (self.fast.next(bar.close), self.slow.next(bar.close));
        let Some(macd) = fast.zip(slow).map(|(fast, slow)| fast - slow) else { return [None; 3] };
        let signal = self.signal.next(macd);
        [Some(macd), signal, signal.map(|signal| macd - signal)]
    }
}

/// George Lane's stochastic: where the close lies between the lowest low and the highest high, in percent, smoothed, and smoothed again.
#[derive(Clone, Debug)]
pub struct Stochastic {
    highs: Last,
    lows: Last,
    smoothed: Sma,
    signal: Sma,
}

impl Stochastic {
    pub fn new(period: usize, signal: usize, smoothing: usize) -> Self {
        Self {
            highs: Last::new(period),
            lows: Last::new(period),
            smoothed: Sma::new(smoothing),
            signal: Sma::new(signal),
        }
    }

    /// %K and %D. A range of nothing has its close in the middle.
    pub fn next(&mut self, bar: &Bar) -> [Option<f64>; 2] {
        let (highs, lows) = (self.highs.next(bar.high), self.lows.next(bar.low));
        let Some((highs, lows)) = highs.zip(lows) else { return [None; 2] };
        let high = highs.iter().copied().fold(f64::MIN, f64::max);
        let low = lows.iter().copied().fold(f64::MAX, f64::min);
        let place = if high > low { 100.0 * (bar.close - low) / (high - low) } else { 50.0 };
        let Some(smoothed) = self.smoothed.next(place) else { return [None; 2] };
        [Some(smoothed), self.signal.next(smoothed)]
    }
}

/// Joseph Granville's on-balance volume: what was traded in bars that closed higher, less what was traded in those that closed lower, since the
/// first bar.
#[derive(Clone, Debug, Default)]
pub struct Obv {
    before: Option<f64>,
    value: f64,
}

impl Obv {
    pub fn next(&mut self, bar: &Bar) -> Option<f64> {
        if let Some(before) = self.before.replace(bar.close) {
            if bar.close > before {
                self.value += bar.volume;
            } else if bar.close < before {
                self.value -= bar.volume;
            }
        }
        Some(self.value)
    }
}
