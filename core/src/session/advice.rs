//! What a desk that trades by consensus is advised on its way through a tape: what could be known at each place, and nothing later.

use crate::domain::{Candle, Matches, Output, Rate, Recall, Source, TapeTime, money};
use crate::engine::{Desk, Market, PairMarket};
use crate::patterns::{Answer, Asked, Builder, MINUTES, Past, Shape};

/// The patterns of candles that come in the order they became known.
pub(super) fn past_of<'a>(candles: impl Iterator<Item = &'a Candle>) -> Past {
    let (mut builder, mut past, mut changes) = (Builder::default(), Past::default(), Vec::new());
    for candle in candles {
        builder.take(candle, &mut changes);
        changes.drain(..).for_each(|change| past.take(&change));
    }
    past
}

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
pub(super) fn recall(past: &Past, market: &Market, candle: &Candle, now: TapeTime) -> Recall {
    let Candle { source, pair, window_end, .. } = *candle;
    let found = market.pair(source, pair).and_then(|market| shape(market, candle)).and_then(|shape| {
        past.ask(&Asked { source, pair, window_end, shape: &shape, cursor: now, across_pairs: false })
    });
    Recall { source, pair, window_end, found: found.map(|answer| matches(&answer)) }
}

fn shape(market: &PairMarket, candle: &Candle) -> Option<Shape> {
    let closes = market.whole_closes_to(candle.window_end, MINUTES)?;
    Shape::of(closes.as_slice().try_into().ok()?)
}

fn matches(answer: &Answer) -> Matches {
    Matches {
        count: u32::try_from(answer.matches.len()).unwrap_or(u32::MAX),
        similarity: rate(answer.matches.first().map_or(0.0, |nearest| nearest.similarity)),
        outcome: rate(answer.mean_60),
        best: rate(answer.mean_best),
        low: rate(answer.interval.map_or(-1.0, |interval| interval.low)),
        high: rate(answer.interval.map_or(1.0, |interval| interval.high)),
        base: rate(answer.base.mean_60),
    }
}

/// At 1e-8, half to even.
fn rate(share: f64) -> Rate {
    let units = (share * money::ONE as f64).round_ties_even();
    Rate::from_units(units.clamp(i64::MIN as f64, i64::MAX as f64) as i64)
}
