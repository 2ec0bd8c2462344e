//! The hours that looked like the last one on the deck, as the page draws them.

use std::path::Path;

use serde::{Deserialize, Serialize};
use specta::Type;

use super::ApiError;
use crate::domain::time::MINUTE;
use crate::domain::{Candle, EventTime, Pair, Quality, Seq, Source, TapeTime};
use crate::journal::{CandleQuery, JournalError, JournalReader};
use crate::patterns::{
    self, DEFAULT_MATCHES, Estimate, Followed, Match, OUTCOME_MINUTES, Question, Spread, WINDOW_MINUTES, Window,
};
use crate::session::alike::{Alike, in_table};
use crate::session::recorder::Recorder;

/// What followed the hours that looked like the last one. Nothing known after `at_ms` has a part in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct AlikeView {
    pub pair: String,
    pub at_ms: f64,
    /// End of the hour that was looked up.
    pub window_end_ms: f64,
    /// Its closes; fewer than sixty where minutes are missing.
    pub closes: Vec<f64>,
    /// Why nothing could be looked up, in a sentence.
    pub refused: Option<String>,
    /// `exact`, or `index` where a near one may have been passed over.
    pub searched: String,
    /// Patterns that were looked at.
    pub known: f64,
    /// Those of other pairs too.
    pub across: bool,
    /// The nearest first.
    pub matches: Vec<MatchView>,
    pub followed: Option<FollowedView>,
    /// After every hour of the pair that was known.
    pub base_rate: Option<FollowedView>,
}

/// Changes are in percent of the window's last close.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct MatchView {
    pub id: String,
    pub source: String,
    pub pair: String,
    pub window_start_ms: f64,
    pub window_end_ms: f64,
    /// 1 ÷ (1 + distance).
    pub similarity: f64,
    pub distance: f64,
    pub after_15_pct: f64,
    pub after_30_pct: f64,
    pub after_60_pct: f64,
    pub max_pct: f64,
    pub min_pct: f64,
    /// Of its sixty minutes and the sixty after them: index 59 is 0.
    pub closes_pct: Vec<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct FollowedView {
    pub n: u32,
    /// Share after which the price was higher an hour later, 0 to 1.
    pub rose: EstimateView,
    pub after_15: SpreadView,
    pub after_30: SpreadView,
    pub after_60: SpreadView,
    pub max: SpreadView,
    pub min: SpreadView,
}

/// In percent; the quantiles are 5, 25, 50, 75 and 95 %.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct SpreadView {
    pub quantiles: Vec<f64>,
    pub mean: EstimateView,
}

/// With its interval of 95 %, which fewer than five hours do not have.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Type)]
pub struct EstimateView {
    pub mean: f64,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

impl From<&Followed> for FollowedView {
    fn from(followed: &Followed) -> Self {
        let estimate = |estimate: &Estimate| EstimateView {
            mean: estimate.mean,
            low: estimate.confidence.map(|confidence| confidence.low),
            high: estimate.confidence.map(|confidence| confidence.high),
        };
        let spread =
            |spread: &Spread| SpreadView { quantiles: spread.quantiles.to_vec(), mean: estimate(&spread.mean) };
        let after = &followed.outcomes;
        Self {
            n: u32::try_from(followed.n).unwrap_or(u32::MAX),
            rose: estimate(&followed.rose),
            after_15: spread(&after.after_15),
            after_30: spread(&after.after_30),
            after_60: spread(&after.after_60),
            max: spread(&after.max),
            min: spread(&after.min),
        }
    }
}

/// The last hour of the minutes that are known at a cursor, to be looked up.
pub(super) struct Asked {
    pub(super) pair: Pair,
    pub(super) cursor: TapeTime,
    pub(super) end: EventTime,
    closes: Vec<f64>,
    window: Result<Window, patterns::Refusal>,
}

impl Asked {
    /// Of the newest minutes of a pair, oldest first; one that is forming is not looked at.
    pub(super) fn of(pair: Pair, cursor: TapeTime, minutes: Vec<Candle>) -> Self {
        let mut closed: Vec<Candle> = minutes.into_iter().filter(|candle| candle.quality != Quality::Forming).collect();
        // A back-fill of the same minutes is another lane, and no shape is made of two.
        if let Some(newest) = closed.last().copied() {
            closed.retain(|candle| candle.source == newest.source);
        }
        closed.drain(..closed.len().saturating_sub(WINDOW_MINUTES));
        let end = closed.last().map_or(EventTime::from_nanos(cursor.nanos()), |candle| candle.window_end);
        let from = end.plus_nanos(-(WINDOW_MINUTES as i64) * MINUTE);
        let closes = closed.iter().filter(|candle| candle.window_start >= from).map(|c| c.close.to_f64()).collect();
        Self { pair, cursor, end, closes, window: Window::of(&closed) }
    }

    pub(super) fn question(&self) -> Option<Question> {
        let window = *self.window.as_ref().ok()?;
        Some(Question { window, cursor: self.cursor, most: DEFAULT_MATCHES })
    }

    /// `minutes` are those of each match and of the hour after it.
    pub(super) fn view(
        &self,
        across: bool,
        alike: Option<&Alike>,
        mut minutes: impl FnMut(&Match) -> Result<Vec<Candle>, ApiError>,
    ) -> Result<AlikeView, ApiError> {
        let answer = alike.map(|alike| &alike.answer);
        let mut matches = Vec::new();
        for found in answer.map(|answer| answer.matches.as_slice()).unwrap_or_default() {
            matches.push(view(found, &minutes(found)?));
        }
        Ok(AlikeView {
            pair: self.pair.to_string(),
            at_ms: self.cursor.to_ms(),
            window_end_ms: self.end.to_ms(),
            closes: self.closes.clone(),
            refused: self.window.as_ref().err().map(|why| format!("The last hour can not be looked up: {why}.")),
            searched: if alike.is_none_or(|alike| alike.exact) { "exact" } else { "index" }.to_owned(),
            known: alike.map_or(0.0, |alike| alike.known as f64),
            across,
            matches,
            followed: answer.and_then(|answer| answer.followed.as_ref()).map(FollowedView::from),
            base_rate: answer.and_then(|answer| answer.base_rate.as_ref()).map(FollowedView::from),
        })
    }
}

fn view(found: &Match, minutes: &[Candle]) -> MatchView {
    let before = |candle: &&Candle| candle.window_end <= found.window_end;
    let base = minutes.iter().rfind(before).map_or(f64::NAN, |candle| candle.close.to_f64());
    let closes = minutes.iter().map(|candle| (candle.close.to_f64() / base - 1.0) * 100.0);
    MatchView {
        id: found.id.to_string(),
        source: found.source.to_string(),
        pair: found.pair.to_string(),
        window_start_ms: found.window_start.to_ms(),
        window_end_ms: found.window_end.to_ms(),
        similarity: found.similarity,
        distance: found.distance,
        after_15_pct: found.outcome.after_15,
        after_30_pct: found.outcome.after_30,
        after_60_pct: found.outcome.after_60,
        max_pct: found.outcome.max,
        min_pct: found.outcome.min,
        closes_pct: closes.filter(|percent| percent.is_finite()).collect(),
    }
}

/// An hour of what was recorded or imported, to be looked up.
#[derive(Clone, Copy, Debug)]
pub struct AlikeRequest {
    pub pair: Pair,
    /// What was known at this moment of the tape; none is now.
    pub at: Option<TapeTime>,
    /// None is live, else the lane that has the newest minutes of the pair.
    pub source: Option<Source>,
    pub across: bool,
}

/// Asks the table of patterns, which holds what was carried there.
///
/// Errors: `nothing_recorded` of a pair that has no candles.
pub async fn alike_at(directory: &Path, recorder: &Recorder, request: &AlikeRequest) -> Result<AlikeView, ApiError> {
    let journal = recorder.journal().reader();
    let cursor = request.at.unwrap_or(TapeTime::from_nanos(i64::MAX));
    let minutes = newest_minutes(&journal, request, cursor, WINDOW_MINUTES)?;
    let Some(newest) = minutes.last() else { return Err(nothing_recorded(request.pair)) };
    // Without a moment it is asked as of the newest that is known of the lane.
    let cursor = request.at.unwrap_or(newest.tape_time);
    let asked = Asked::of(request.pair, cursor, minutes);
    let alike = match asked.question() {
        Some(question) => Some(in_table(directory, &question, request.across, None).await?),
        None => None,
    };
    asked.view(request.across, alike.as_ref(), |found| Ok(minutes_of(&journal, found, cursor)?))
}

pub(super) fn nothing_recorded(pair: Pair) -> ApiError {
    let what = format!("Nothing is recorded of {pair} by then.");
    ApiError::refused("nothing_recorded", what, "Record it, import a file, or ask for a later moment.")
}

/// The newest minutes of the lane that is asked for, the oldest first.
pub(super) fn newest_minutes(
    journal: &JournalReader,
    request: &AlikeRequest,
    cursor: TapeTime,
    count: usize,
) -> Result<Vec<Candle>, JournalError> {
    let mut best: Vec<Candle> = Vec::new();
    for (source, pair) in journal.candle_sources()? {
        if pair != request.pair || request.source.is_some_and(|wanted| wanted != source) {
            continue;
        }
        let to = EventTime::from_nanos(cursor.nanos());
        let Some(end) = newest_minute(journal, source, pair, to, cursor)? else { continue };
        let from = end.plus_nanos(-(count as i64) * MINUTE);
        let minutes = journal.candles(&CandleQuery { source, pair, from, to: end, as_of: cursor }, Seq(u64::MAX))?;
        let newer = |best: &Candle| minutes.last().is_some_and(|newest| newest.window_start > best.window_start);
        let wins = match best.last() {
            None => true,
            Some(kept) if request.source.is_none() && kept.source == Source::Live => false,
            Some(kept) => newer(kept),
        };
        if wins {
            best = minutes;
        }
    }
    Ok(best)
}

/// End of the newest minute that was known, looked for backwards and ever farther.
fn newest_minute(
    journal: &JournalReader,
    source: Source,
    pair: Pair,
    to: EventTime,
    as_of: TapeTime,
) -> Result<Option<EventTime>, JournalError> {
    let Some(first) = journal.first_candle(source, pair)? else { return Ok(None) };
    let to = to.min(journal.newest_candle(source, pair)?.map_or(to, |newest| newest.plus_nanos(MINUTE)));
    let mut span = 4 * 60 * MINUTE;
    loop {
        let from = to.plus_nanos(-span).max(first);
        let minutes = journal.candles(&CandleQuery { source, pair, from, to, as_of }, Seq(u64::MAX))?;
        if let Some(newest) = minutes.last() {
            return Ok(Some(newest.window_end));
        }
        if from <= first {
            return Ok(None);
        }
        span = span.saturating_mul(8);
    }
}

/// Of a match and of the hour after it, as they were known.
pub(super) fn minutes_of(
    journal: &JournalReader,
    found: &Match,
    cursor: TapeTime,
) -> Result<Vec<Candle>, JournalError> {
    let to = found.window_end.plus_nanos(OUTCOME_MINUTES as i64 * MINUTE);
    let query = CandleQuery { source: found.source, pair: found.pair, from: found.window_start, to, as_of: cursor };
    journal.candles(&query, Seq(u64::MAX))
}
