//! One-minute candles, and what they fold into.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::time::MINUTE;
use super::{Amount, EventTime, Pair, Price, Seq, Source, TapeTime};

/// What a bar is worth. Carried into every chart, fill and report that uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    Complete,
    /// Trades are known to be missing from it.
    Gap,
    /// Was a gap, and the missing trades were fetched; or the whole candle was, from the venue's REST.
    Backfilled,
    /// Made by the generator or assumed, not by a market.
    Synthetic,
    /// Changed after it had closed, by a tick that came late.
    Late,
    /// Not closed yet.
    Forming,
}

impl Quality {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Gap => "gap",
            Self::Backfilled => "backfilled",
            Self::Synthetic => "synthetic",
            Self::Late => "late",
            Self::Forming => "forming",
        }
    }

    /// The quality of a bar folded from others: the one a user would most want to be warned of.
    pub fn worse(self, other: Self) -> Self {
        let rank = |q| match q {
            Self::Complete => 0,
            Self::Late => 1,
            Self::Backfilled => 2,
            Self::Synthetic => 3,
            Self::Gap => 4,
            Self::Forming => 5,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// A window of one minute (or of a fold), `[window_start, window_end)` in event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candle {
    pub source: Source,
    pub pair: Pair,
    pub window_start: EventTime,
    pub window_end: EventTime,
    /// Of the first trade by (event_time, trade_id).
    pub open: Price,
    pub high: Price,
    pub low: Price,
    /// Of the last trade by (event_time, trade_id).
    pub close: Price,
    pub volume: Amount,
    /// Trades in the window; 0 for an imported candle, which does not say.
    pub tick_count: u32,
    pub quality: Quality,
    /// 0 when first closed, one more for each correction.
    pub revision: u32,
    /// Of the input that closed or corrected it: the moment it could be known.
    pub tape_time: TapeTime,
    pub seq: Seq,
}

/// Intervals the desk offers. Everything above a minute is folded from minutes, aligned to 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Interval {
    M1,
    M5,
    M15,
    H1,
    H4,
    D1,
}

impl Interval {
    pub const ALL: [Self; 6] = [Self::M1, Self::M5, Self::M15, Self::H1, Self::H4, Self::D1];

    pub fn minutes(self) -> i64 {
        match self {
            Self::M1 => 1,
            Self::M5 => 5,
            Self::M15 => 15,
            Self::H1 => 60,
            Self::H4 => 240,
            Self::D1 => 1_440,
        }
    }

    pub fn nanos(self) -> i64 {
        self.minutes() * MINUTE
    }

    /// Start of the window that holds `at`.
    pub fn start_of(self, at: EventTime) -> EventTime {
        EventTime::from_nanos(at.nanos().div_euclid(self.nanos()).saturating_mul(self.nanos()))
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::M1 => "1m",
            Self::M5 => "5m",
            Self::M15 => "15m",
            Self::H1 => "1h",
            Self::H4 => "4h",
            Self::D1 => "1d",
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an interval: expected one of 1m 5m 15m 1h 4h 1d")]
pub struct IntervalError(String);

impl FromStr for Interval {
    type Err = IntervalError;

    fn from_str(text: &str) -> Result<Self, IntervalError> {
        Self::ALL.into_iter().find(|i| i.as_str() == text).ok_or_else(|| IntervalError(text.to_owned()))
    }
}
