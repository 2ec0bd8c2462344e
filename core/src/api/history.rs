//! Candles of the archive, as of a moment.

use super::ApiError;
use crate::domain::{Candle, EventTime, Interval, Pair, Source, TapeTime};
use crate::engine::{Market, fold};
use crate::journal::{CandleQuery, Journal};

#[derive(Clone, Copy, Debug)]
pub struct CandleRequest {
    pub pair: Pair,
    pub interval: Interval,
    /// `[from, to)` on the start of the window.
    pub from: EventTime,
    pub to: EventTime,
    pub as_of: TapeTime,
    /// One lane, or the best of all that know the pair.
    pub source: Option<Source>,
}

/// Candles of a pair, oldest first. Windows still open are given as `forming` when the cursor is at or after the tape's end.
///
/// Without a source, each minute is taken from the first lane that has it: live, then imports (by id), then what was
/// back-filled.
/// The sample is shown only when asked for, or when nothing else knows the pair.
pub fn candles(journal: &Journal, market: &Market, request: &CandleRequest) -> Result<Vec<Candle>, ApiError> {
    let mut sources: Vec<Source> =
        journal.candle_sources()?.into_iter().filter(|(_, pair)| *pair == request.pair).map(|(s, _)| s).collect();
    sources.extend(market.pairs().filter(|(_, pair, _)| *pair == request.pair).map(|(s, _, _)| s));
    sources.sort_unstable();
    sources.dedup();
    match request.source {
        Some(wanted) => sources.retain(|s| *s == wanted),
        None => {
            if sources.iter().any(|s| *s != Source::Sample) {
                sources.retain(|s| *s != Source::Sample);
            }
        }
    }
    if sources.is_empty() {
        return Err(ApiError::refused(
            "nothing_recorded",
            format!(
                "Nothing is recorded of {}{}.",
                request.pair,
                request.source.map(|s| format!(" from {s}")).unwrap_or_default()
            ),
            "Record it with `tapedeck record`, import a file with `tapedeck import`, or fetch it with `tapedeck backfill`.",
        ));
    }
    // Later sources give way to earlier ones: `Source` sorts live, imports, months of a back-fill, sample.
    let mut minutes = std::collections::BTreeMap::new();
    let (from, to) = (request.interval.start_of(request.from), request.to);
    for source in sources.into_iter().rev() {
        let query = CandleQuery { source, pair: request.pair, from, to, as_of: request.as_of };
        for candle in journal.candles(&query)? {
            minutes.insert(candle.window_start, candle);
        }
        if market.tape_time(source).is_some_and(|now| now <= request.as_of) {
            for candle in market.forming(source, request.pair) {
                if candle.window_start >= from && candle.window_start < to {
                    minutes.insert(candle.window_start, candle);
                }
            }
        }
    }
    let mut bars = fold::fold(minutes.into_values(), request.interval);
    bars.retain(|bar| bar.window_start >= request.from);
    Ok(bars)
}
