//! What came after a window.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};

use super::window::{Refusal, unbroken};
use crate::domain::time::MINUTE;
use crate::domain::{Candle, Price};

pub const OUTCOME_MINUTES: usize = 60;

/// One thing for each way to look at the hour after a window. Of numbers: percent of the window's last close (1.5 is up by 1.5 %).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome<T = f64> {
    /// To the close fifteen minutes later.
    pub after_15: T,
    pub after_30: T,
    pub after_60: T,
    /// To the highest price of the hour.
    pub max: T,
    /// To the lowest price of the hour.
    pub min: T,
}

impl Outcome {
    /// `after` are the sixty minutes that follow the one that closed at `last_close`.
    ///
    /// No outcome crosses a gap: what happened inside is not known, and the price beyond it is of another hour.
    pub fn of<C: Borrow<Candle>>(last_close: Price, after: &[C]) -> Result<Self, Refusal> {
        unbroken(after, OUTCOME_MINUTES)?;
        let from = last_close.units();
        let percent = |to: Price| (i128::from(to.units()) - i128::from(from)) as f64 / from as f64 * 100.0;
        let close_after = |minutes: usize| percent(after[minutes - 1].borrow().close);
        let high = after.iter().map(|candle| candle.borrow().high).max().expect("sixty candles");
        let low = after.iter().map(|candle| candle.borrow().low).min().expect("sixty candles");
        Ok(Self {
            after_15: close_after(15),
            after_30: close_after(30),
            after_60: close_after(60),
            max: percent(high),
            min: percent(low),
        })
    }
}

impl<T> Outcome<T> {
    /// The same of each, told how long after the window it was decided, in nanoseconds.
    pub(super) fn from_each(mut of: impl FnMut(fn(&Outcome) -> f64, i64) -> T) -> Self {
        Self {
            after_15: of(|outcome| outcome.after_15, 15 * MINUTE),
            after_30: of(|outcome| outcome.after_30, 30 * MINUTE),
            after_60: of(|outcome| outcome.after_60, 60 * MINUTE),
            max: of(|outcome| outcome.max, 60 * MINUTE),
            min: of(|outcome| outcome.min, 60 * MINUTE),
        }
    }
}
