//! What followed a set of windows: the whole distribution, not the mean alone.

use serde::{Deserialize, Serialize};

use super::bootstrap::{Estimate, Observation, estimate};
use super::outcome::Outcome;
use super::pattern::Past;
use crate::domain::time::HOUR;
use crate::domain::{EventTime, Pair, Source, TapeTime};

/// Shares of the outcomes below each value of [`Spread::quantiles`].
pub const QUANTILES: [f64; 5] = [0.05, 0.25, 0.50, 0.75, 0.95];

/// Of one outcome, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Of the outcomes as they were, unweighted.
    pub quantiles: [f64; 5],
    /// Weighted by similarity, where there is one, and the interval is of this mean.
    pub mean: Estimate,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Followed {
    /// Windows that were counted.
    pub n: usize,
    pub outcomes: Outcome<Spread>,
    /// Share of them after which the price was higher an hour later, 0 to 1; weighted as the means are.
    pub rose: Estimate,
}

/// A window's start, what came after it, and how much it counts.
pub(super) type Weighted = (EventTime, Outcome, f64);

/// Of windows ordered by time. None of none.
pub(super) fn followed(windows: &[Weighted]) -> Option<Followed> {
    if windows.is_empty() {
        return None;
    }
    let estimated = |value: &dyn Fn(&Outcome) -> f64, horizon| {
        let seen =
            windows.iter().map(|(at, outcome, weight)| Observation { at: *at, value: value(outcome), weight: *weight });
        estimate(&seen.collect::<Vec<_>>(), horizon).expect("not empty, and every weight is above zero")
    };
    let spread = |value: fn(&Outcome) -> f64, horizon| {
        let mut values: Vec<f64> = windows.iter().map(|(_, outcome, _)| value(outcome)).collect();
        values.sort_unstable_by(f64::total_cmp);
        Spread { quantiles: QUANTILES.map(|share| quantile(&values, share)), mean: estimated(&value, horizon) }
    };
    let rose = estimated(&|outcome| f64::from(u8::from(outcome.after_60 > 0.0)), HOUR);
    Some(Followed { n: windows.len(), outcomes: Outcome::from_each(spread), rose })
}

/// What followed every window of a pair that was usable at the cursor, like the present or not: what the matches must beat. `asked_by` is
/// the lane of the question; of `past`, other pairs are passed over.
///
/// A minute that lies in more than one lane counts once, as it was first known.
///
/// Takes 1 µs a window (release), so that a caller who asks every minute does well to keep it, as of the start of the cursor's hour: a
/// cursor in the past of the question's looks no further ahead.
pub fn base_rate(
    asked_by: Source,
    pair: Pair,
    cursor: TapeTime,
    past: impl IntoIterator<Item = Past>,
) -> Option<Followed> {
    let counts = |window: &Past| window.pair == pair && window.counts(asked_by, cursor);
    let mut windows: Vec<Past> = past.into_iter().filter(counts).collect();
    windows.sort_unstable_by_key(|window| (window.window_start, window.usable_from, window.id));
    windows.dedup_by_key(|window| window.window_start);
    followed(&windows.iter().map(|window| (window.window_start, window.outcome, 1.0)).collect::<Vec<Weighted>>())
}

/// Of numbers in order, of which there is one at least; between two of them by their distance (type 7 of Hyndman and Fan 1996).
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, part) = (place.floor() as usize, place.fract());
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * part
}
