//! Means of closes, and bands around them.

use std::collections::VecDeque;

use super::Bar;

const DAY_MS: f64 = 86_400_000.0;

/// The last `period` numbers. Sums are taken anew each time: a running one would remember a spike for ever.
#[derive(Clone, Debug)]
pub(super) struct Last {
    period: usize,
    values: VecDeque<f64>,
}

impl Last {
    pub(super) fn new(period: usize) -> Self {
        Self { period, values: VecDeque::with_capacity(period) }
    }

    /// All of them, the oldest first, once there are enough.
    pub(super) fn next(&mut self, value: f64) -> Option<&VecDeque<f64>> {
        if self.values.len() == self.period {
            self.values.pop_front();
        }
        self.values.push_back(value);
        (self.values.len() == self.period).then_some(&self.values)
    }
}

/// A mean of the last numbers, of whatever kind.
pub trait Average {
    fn next(&mut self, value: f64) -> Option<f64>;
}

/// Simple moving average: Σ value ÷ n.
#[derive(Clone, Debug)]
pub struct Sma(Last);

impl Sma {
    pub fn new(period: usize) -> Self {
        Self(Last::new(period))
    }
}

impl Average for Sma {
    fn next(&mut self, value: f64) -> Option<f64> {
        self.0.next(value).map(|values| values.iter().sum::<f64>() / values.len() as f64)
    }
}

/// Weighted moving average: the newest weighs n, the oldest 1; Σ weight × value ÷ (n (n + 1) ÷ 2).
#[derive(Clone, Debug)]
pub struct Wma(Last);

impl Wma {
    pub fn new(period: usize) -> Self {
        Self(Last::new(period))
    }
}

impl Average for Wma {
    fn next(&mut self, value: f64) -> Option<f64> {
        self.0.next(value).map(|values| {
            let n = values.len() as f64;
            let weighted: f64 = values.iter().zip(1..).map(|(value, weight)| value * f64::from(weight)).sum();
            weighted / (n * (n + 1.0) / 2.0)
        })
    }
}

/// Exponential moving average: before + (value − before) × 2 ÷ (n + 1), begun with the simple average of the first n.
#[derive(Clone, Debug)]
pub struct Ema {
    first: Sma,
    weight: f64,
    value: Option<f64>,
}

impl Ema {
    pub fn new(period: usize) -> Self {
        Self { first: Sma::new(period), weight: 2.0 / (period as f64 + 1.0), value: None }
    }
}

impl Average for Ema {
    fn next(&mut self, value: f64) -> Option<f64> {
        self.value = match self.value {
            Some(before) => Some(before + (value - before) * self.weight),
            None => self.first.next(value),
        };
        self.value
    }
}

/// Welles Wilder's smoothing: before + (value − before) ÷ n, begun with the simple average of the first n (*New Concepts in Technical Trading
/// Systems*, 1978).
#[derive(Clone, Debug)]
pub(super) struct Wilder {
    first: Sma,
    period: f64,
    value: Option<f64>,
}

impl Wilder {
    pub(super) fn new(period: usize) -> Self {
        Self { first: Sma::new(period), period: period as f64, value: None }
    }
}

impl Average for Wilder {
    fn next(&mut self, value: f64) -> Option<f64> {
        self.value = match self.value {
            Some(before) => Some((before * (self.period - 1.0) + value) / self.period),
            None => self.first.next(value),
        };
        self.value
    }
}

/// John Bollinger's bands: the simple average, and `width` population deviations above and below it.
#[derive(Clone, Debug)]
pub struct Bollinger {
    closes: Last,
    width: f64,
}

impl Bollinger {
    pub fn new(period: usize, width: f64) -> Self {
        Self { closes: Last::new(period), width }
    }

    /// Middle, upper, lower.
    pub fn next(&mut self, bar: &Bar) -> Option<[f64; 3]> {
        let closes = self.closes.next(bar.close)?;
        let n = closes.len() as f64;
        let mean = closes.iter().sum::<f64>() / n;
        let deviation = (closes.iter().map(|close| (close - mean).powi(2)).sum::<f64>() / n).sqrt();
        Some([mean, mean + self.width * deviation, mean - self.width * deviation])
    }
}

/// Volume-weighted average price, Σ (high + low + close) ÷ 3 × volume ÷ Σ volume, since the start of the UTC day, or since the first bar.
#[derive(Clone, Debug)]
pub struct Vwap {
    by_day: bool,
    day: Option<f64>,
    value: f64,
    volume: f64,
}

impl Vwap {
    pub fn by_day() -> Self {
        Self { by_day: true, day: None, value: 0.0, volume: 0.0 }
    }

    pub fn since_first() -> Self {
        Self { by_day: false, ..Self::by_day() }
    }

    /// None before anything was traded.
    pub fn next(&mut self, bar: &Bar) -> Option<f64> {
        let day = (bar.time_ms / DAY_MS).floor();
        if self.by_day && self.day.is_some_and(|before| before != day) {
            (self.value, self.volume) = (0.0, 0.0);
        }
        self.day = Some(day);
        self.value += (bar.high + bar.low + bar.close) / 3.0 * bar.volume;
        self.volume += bar.volume;
        (self.volume > 0.0).then(|| self.value / self.volume)
    }
}
