//! What a desk that trades by consensus is advised on its way through a tape: what could be known at each place, and nothing later.

use super::memory::{Memory, Recalled};
use crate::domain::{Candle, Matches, Output, Rate, Recall, Source, TapeTime, money};
use crate::engine::{Desk, Market};
use crate::patterns::{DEFAULT_MATCHES, Question, WINDOW_MINUTES, Window};

/// The minutes that have closed of those a desk trades on. What is corrected later, or was fetched, is not decided on again.
pub(super) fn closed<'a>(outputs: &'a [Output], desk: &'a Desk) -> impl Iterator<Item = &'a Candle> {
    outputs.iter().filter_map(move |output| match output {
        Output::Candle(candle) if candle.revision == 0 && !matches!(candle.source, Source::Backfill(_)) => {
            desk.plays(candle.source).then_some(candle)
        }
        _ => None,
    })
}

/// What the past says about the hour that ended with a candle.
pub(super) fn recall(memory: &Memory, market: &Market, candle: &Candle, now: TapeTime) -> Recall {
    ask(memory, hour(market, candle), candle, now)
}

/// The hour that ended with a candle. None of one with a gap in it, or a flat one.
pub(super) fn hour(market: &Market, candle: &Candle) -> Option<Window> {
    Window::of(&market.closed_to(candle.source, candle.pair, candle.window_end, WINDOW_MINUTES)).ok()
}

pub(super) fn ask(memory: &Memory, hour: Option<Window>, candle: &Candle, now: TapeTime) -> Recall {
    let Candle { source, pair, window_end, .. } = *candle;
    let recalled = hour.and_then(|window| memory.ask(&Question { window, cursor: now, most: DEFAULT_MATCHES }));
    Recall { source, pair, window_end, found: recalled.map(|recalled| matches(&recalled)) }
}

fn matches(recalled: &Recalled) -> Matches {
    let after = &recalled.followed.outcomes;
    let confidence = after.after_60.mean.confidence;
    Matches {
        count: u32::try_from(recalled.followed.n).unwrap_or(u32::MAX),
        similarity: rate(recalled.similarity),
        outcome: percent(after.after_60.mean.mean),
        best: percent(after.max.mean.mean),
        // Of so few that nothing is known of how they vary, anything may be the mean.
        low: confidence.map_or(Rate::from_units(-money::ONE), |confidence| percent(confidence.low)),
        high: confidence.map_or(Rate::from_units(money::ONE), |confidence| percent(confidence.high)),
        base: percent(recalled.base),
    }
}

fn percent(percent: f64) -> Rate {
    rate(percent / 100.0)
}

/// At 1e-8, half to even.
fn rate(share: f64) -> Rate {
    let units = (share * money::ONE as f64).round_ties_even();
    Rate::from_units(units.clamp(i64::MIN as f64, i64::MAX as f64) as i64)
}
