//! Every indicator alike: a bar in, a number or nothing for each of its lines.

use super::averages::{Average, Bollinger, Ema, Sma, Vwap, Wma};
use super::oscillators::{Macd, Obv, Rsi, Stochastic};
use super::ranges::{Adx, Atr, SuperTrend};
use super::{Bar, Indicator};

/// An indicator at work.
#[derive(Clone, Debug)]
pub enum Study {
    Sma(Sma),
    Ema(Ema),
    Wma(Wma),
    Vwap(Vwap),
    Bollinger(Bollinger),
    SuperTrend(SuperTrend),
    Rsi(Rsi),
    Macd(Macd),
    Atr(Atr),
    Adx(Adx),
    Stochastic(Stochastic),
    Obv(Obv),
}

impl Study {
    pub fn new(indicator: &Indicator) -> Self {
        match *indicator {
            Indicator::Sma { period } => Self::Sma(Sma::new(period)),
            Indicator::Ema { period } => Self::Ema(Ema::new(period)),
            Indicator::Wma { period } => Self::Wma(Wma::new(period)),
            Indicator::Vwap => Self::Vwap(Vwap::by_day()),
            Indicator::Bollinger { period, width } => Self::Bollinger(Bollinger::new(period, width)),
            Indicator::SuperTrend { period, width } => Self::SuperTrend(SuperTrend::new(period, width)),
            Indicator::Rsi { period } => Self::Rsi(Rsi::new(period)),
            Indicator::Macd { fast, slow, signal } => Self::Macd(Macd::new(fast, slow, signal)),
            Indicator::Atr { period } => Self::Atr(Atr::new(period)),
            Indicator::Adx { period } => Self::Adx(Adx::new(period)),
            Indicator::Stochastic { period, signal, smoothing } => {
                Self::Stochastic(Stochastic::new(period, signal, smoothing))
            }
            Indicator::Obv => Self::Obv(Obv::default()),
        }
    }

    /// One number for each line, in the order of the catalogue. A number that is not finite is none.
    pub fn next(&mut self, bar: &Bar) -> Vec<Option<f64>> {
        let lines = match self {
            Self::Sma(sma) => vec![sma.next(bar.close)],
            Self::Ema(ema) => vec![ema.next(bar.close)],
            Self::Wma(wma) => vec![wma.next(bar.close)],
            Self::Vwap(vwap) => vec![vwap.next(bar)],
            Self::Bollinger(bands) => match bands.next(bar) {
                Some(lines) => lines.map(Some).to_vec(),
                None => vec![None; 3],
            },
            Self::SuperTrend(trend) => match trend.next(bar) {
                Some((line, true)) => vec![Some(line), None],
                Some((line, false)) => vec![None, Some(line)],
                None => vec![None; 2],
            },
            Self::Rsi(rsi) => vec![rsi.next(bar)],
            Self::Macd(macd) => macd.next(bar).to_vec(),
            Self::Atr(atr) => vec![atr.next(bar)],
            Self::Adx(adx) => adx.next(bar).to_vec(),
            Self::Stochastic(stochastic) => stochastic.next(bar).to_vec(),
            Self::Obv(obv) => vec![obv.next(bar)],
        };
        lines.into_iter().map(|line| line.filter(|number| number.is_finite())).collect()
    }
}

/// Each line of an indicator over bars, the oldest first: NaN where it has no number.
pub fn columns(indicator: &Indicator, bars: &[Bar]) -> Vec<Vec<f64>> {
    let mut study = Study::new(indicator);
    let mut columns: Vec<Vec<f64>> = Vec::new();
    for bar in bars {
        let lines = study.next(bar);
        columns.resize_with(lines.len(), || Vec::with_capacity(bars.len()));
        for (column, line) in columns.iter_mut().zip(lines) {
            column.push(line.unwrap_or(f64::NAN));
        }
    }
    columns
}
