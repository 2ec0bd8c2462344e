//! Sixty closed minutes, as a shape that does not know the price.

use std::borrow::Borrow;

use crate::domain::time::MINUTE;
use crate::domain::{Candle, EventTime, Pair, Quality, Source};

pub const WINDOW_MINUTES: usize = 60;

/// Numbers in a stored vector: a multiple of sixteen, so that sixteen lanes of SIMD leave no remainder.
pub const SHAPE_WIDTH: usize = 64;

/// Standard deviation of the closes over their mean, below which a window has no shape: 0.05 %, as in the system this grew from.
///
/// Scaling to one standard deviation blows up whatever there is, so below some floor it is the venue's price grain that is compared.
/// A grain of two basis points (coarse, among pairs worth trading) makes rounding noise of 2 / √12 = 0.6 basis points: at the floor an
/// eighth of the shape, and less above. It is also a sixth of a round trip's default cost, so nothing tradable is refused. As a ratio it
/// is the same for every price. It refuses 0.02 % of BTC's windows in April 2021, 7 % in May 2025, and next to none of the other pairs'.
pub const VOLATILITY_FLOOR: f64 = 0.000_5;

/// Sixty z-scored closes, the oldest first, then four zeros: (close − mean) ÷ standard deviation, with the deviation of all sixty
/// (÷ 60). So the numbers sum to 0 and their squares to 60, and the zeros add nothing to a distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape([f32; SHAPE_WIDTH]);

impl Shape {
    /// A vector as it was stored. None when it has another width.
    pub fn from_stored(vector: &[f32]) -> Option<Self> {
        vector.try_into().ok().map(Self)
    }

    /// As it is stored: with its padding.
    pub fn as_stored(&self) -> &[f32] {
        &self.0
    }

    pub fn points(&self) -> &[f32] {
        &self.0[..WINDOW_MINUTES]
    }
}

/// Why minutes are no window, or no outcome.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    #[error("{found} candles instead of {expected}")]
    Length { found: usize, expected: usize },
    #[error("the candles are of more than one source or pair")]
    Mixed,
    #[error("the minute {0} is missing")]
    Missing(EventTime),
    #[error("trades are missing from the minute {0}")]
    Gap(EventTime),
    #[error("the minute {0} has not closed")]
    Forming(EventTime),
    #[error("the price hardly moved: {:.4} %, where a shape needs {:.2} %", .volatility * 100.0, VOLATILITY_FLOOR * 100.0)]
    Flat { volatility: f64 },
}

/// What is searched for, or remembered: the shape of one hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    pub source: Source,
    pub pair: Pair,
    pub start: EventTime,
    pub shape: Shape,
    /// Of the closes, in quote units. A feature, not money.
    pub mean_price: f64,
    /// Standard deviation of the closes over their mean: a fraction.
    pub volatility: f64,
}

impl Window {
    /// Of sixty consecutive closed minutes of one (source, pair), the oldest first.
    ///
    /// The closes are centred as integers, so that a constant added to every price, or a factor, changes nothing before the last bits.
    pub fn of<C: Borrow<Candle>>(candles: &[C]) -> Result<Self, Refusal> {
        unbroken(candles, WINDOW_MINUTES)?;
        let count = WINDOW_MINUTES as i128;
        let closes = || candles.iter().map(|candle| i128::from(candle.borrow().close.units()));
        let sum: i128 = closes().sum();
        // Sixty times each deviation. Below 6e20, and so exact.
        let deviations = || closes().map(|close| (count * close - sum) as f64);
        let scale = (deviations().map(|deviation| deviation * deviation).sum::<f64>() / count as f64).sqrt();
        let volatility = scale / sum as f64;
        if volatility < VOLATILITY_FLOOR {
            return Err(Refusal::Flat { volatility });
        }
        let mut shape = [0.0; SHAPE_WIDTH];
        for (point, deviation) in shape.iter_mut().zip(deviations()) {
            *point = (deviation / scale) as f32;
        }
        let first = candles[0].borrow();
        Ok(Self {
            source: first.source,
            pair: first.pair,
            start: first.window_start,
            shape: Shape(shape),
            mean_price: sum as f64 / count as f64 / crate::domain::money::ONE as f64,
            volatility,
        })
    }

    pub fn end(&self) -> EventTime {
        end_of_window(self.start)
    }
}

pub(super) fn end_of_window(start: EventTime) -> EventTime {
    start.plus_nanos(WINDOW_MINUTES as i64 * MINUTE)
}

/// Whether two windows of one pair share a minute. Their outcomes do too then, and they are one observation, not two.
pub(super) fn overlap(one: EventTime, other: EventTime) -> bool {
    one.nanos().abs_diff(other.nanos()) < WINDOW_MINUTES as u64 * MINUTE.unsigned_abs()
}

/// That `candles` are `expected` closed minutes of one (source, pair), one after the other, with no trade known to be missing.
pub(super) fn unbroken<C: Borrow<Candle>>(candles: &[C], expected: usize) -> Result<(), Refusal> {
    if candles.len() != expected {
        return Err(Refusal::Length { found: candles.len(), expected });
    }
    let first = candles[0].borrow();
    for (minute, candle) in (0..).zip(candles) {
        let candle = candle.borrow();
        let due = first.window_start.plus_nanos(minute * MINUTE);
        if (candle.source, candle.pair) != (first.source, first.pair) {
            return Err(Refusal::Mixed);
        }
        if candle.window_start != due {
            return Err(Refusal::Missing(due));
        }
        match candle.quality {
            Quality::Gap => return Err(Refusal::Gap(due)),
            Quality::Forming => return Err(Refusal::Forming(due)),
            Quality::Complete | Quality::Backfilled | Quality::Synthetic | Quality::Late => {}
        }
    }
    Ok(())
}
