//! What charts draw over and under their bars: averages, bands, oscillators. Pure, one bar at a time, in doubles: features, not money.
//!
//! A kernel is given each bar once, the oldest first, and answers what is known then: nothing while it has seen too few. What it holds is bounded by its
//! period, and what it answers is the same whether the bars come one by one or all at once. Definitions and first values are those of
//! Skender.Stock.Indicators 3, whose published results the tests compare with.
//!
//! `averages`, `ranges` and `oscillators` are the kernels, `text` how one is named (`sma(20)`), `study` all of them alike, `catalogue` what there is.

mod averages;
mod catalogue;
mod oscillators;
mod ranges;
mod study;
#[cfg(test)]
mod tests;
mod text;

pub use averages::{Average, Bollinger, Ema, Sma, Vwap, Wma};
pub use catalogue::{IndicatorKind, Line, LineKind, Parameter, catalogue};
pub use oscillators::{Macd, Obv, Rsi, Stochastic};
pub use ranges::{Adx, Atr, SuperTrend};
pub use study::{Study, columns};
pub use text::{Indicator, IndicatorError};

/// One bar of a chart. Prices in quote units, volume in the asset's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bar {
    /// When it starts, in ms since 1970.
    pub time_ms: f64,
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    pub volume: f64,
}
