//! How far prices go.

use super::Bar;
use super::averages::{Average, Wilder};

/// The largest of high − low, high − close before, close before − low.
fn true_range(bar: &Bar, before: &Bar) -> f64 {
    (bar.high - bar.low).max((bar.high - before.close).abs()).max((bar.low - before.close).abs())
}

/// Average true range, by Wilder's smoothing. The first bar has none before it, and so no range.
#[derive(Clone, Debug)]
pub struct Atr {
    before: Option<Bar>,
    average: Wilder,
}

impl Atr {
    pub fn new(period: usize) -> Self {
        Self { before: None, average: Wilder::new(period) }
    }

    pub fn next(&mut self, bar: &Bar) -> Option<f64> {
        let before = self.before.replace(*bar)?;
        self.average.next(true_range(bar, &before))
    }
}

/// Wilder's average directional index, with the two directions it is made of: smoothed up and down movement in percent of the smoothed range, and
/// the smoothed share by which they differ.
#[derive(Clone, Debug)]
pub struct Adx {
    before: Option<Bar>,
    range: Wilder,
    up: Wilder,
    down: Wilder,
    index: Wilder,
}

impl Adx {
    pub fn new(period: usize) -> Self {
        let wilder = || Wilder::new(period);
        Self { before: None, range: wilder(), up: wilder(), down: wilder(), index: wilder() }
    }

    /// Index, +DI, −DI. None while nothing moves.
    pub fn next(&mut self, bar: &Bar) -> [Option<f64>; 3] {
        let Some(before) = self.before.replace(*bar) else { return [None; 3] };
        let (rise, fall) = (bar.high - before.high, before.low - bar.low);
        let up = if rise > fall { rise.max(0.0) } else { 0.0 };
        let down = if fall > rise { fall.max(0.0) } else { 0.0 };
        let (range, up, down) = (self.range.next(true_range(bar, &before)), self.up.next(up), self.down.next(down));
        let (Some(range), Some(up), Some(down)) = (range, up, down) else { return [None; 3] };
        if range == 0.0 {
            return [None; 3];
        }
        let (up, down) = (100.0 * up / range, 100.0 * down / range);
        let apart = if up + down == 0.0 { 0.0 } else { 100.0 * (up - down).abs() / (up + down) };
        [self.index.next(apart), Some(up), Some(down)]
    }
}

/// Olivier Seban's SuperTrend: the band of `width` average ranges around the middle of the bar that the close has not crossed; a band only moves towards
/// the price.
#[derive(Clone, Debug)]
pub struct SuperTrend {
    range: Atr,
    width: f64,
    state: Option<Bands>,
    before: Option<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Bands {
    upper: f64,
    lower: f64,
    rising: bool,
}

impl SuperTrend {
    pub fn new(period: usize, width: f64) -> Self {
        Self { range: Atr::new(period), width, state: None, before: None }
    }

    /// The line, and whether it runs below the price.
    pub fn next(&mut self, bar: &Bar) -> Option<(f64, bool)> {
        let before = self.before.replace(bar.close);
        let range = self.range.next(bar)?;
        let middle = (bar.high + bar.low) / 2.0;
        let (upper, lower) = (middle + self.width * range, middle - self.width * range);
        let mut bands = match (self.state, before) {
            (Some(bands), Some(before)) => Bands {
                upper: if upper < bands.upper || before > bands.upper { upper } else { bands.upper },
                lower: if lower > bands.lower || before < bands.lower { lower } else { bands.lower },
                rising: bands.rising,
            },
            _ => Bands { upper, lower, rising: bar.close >= middle },
        };
        bands.rising = bar.close > if bands.rising { bands.lower } else { bands.upper };
        self.state = Some(bands);
        Some(if bands.rising { (bands.lower, true) } else { (bands.upper, false) })
    }
}
