//! The two decks seen alike: what is known of a pair, here and now.

use std::sync::MutexGuard;
use std::time::Instant;

use super::ApiError;
use super::series;
use super::view::{Bar, Quality as QualityView, Row, Tape};
use crate::domain::time::{DAY, MINUTE};
use crate::domain::{BackfillMonth, Candle, EventTime, Interval, Month, Pair, Quality, Source, TapeTime};
use crate::engine::{Market, PairMarket, fold};
use crate::journal::CandleQuery;
use crate::session::live::Live;
use crate::session::player::Player;
use crate::session::recorded::Volume;
use crate::session::recorder::Recorder;

/// Points of a sparkline.
const SPARK_POINTS: i64 = 60;

pub(super) struct PlayedDeck<'a>(pub(super) &'a Player);

pub(super) struct LiveDeck<'a> {
    recorder: MutexGuard<'a, Recorder>,
}

impl<'a> LiveDeck<'a> {
    pub(super) fn new(live: &'a Live) -> Self {
        Self { recorder: live.recorder() }
    }

    fn pairs(&self) -> impl Iterator<Item = Pair> + '_ {
        self.recorder.market().pairs().filter(|(source, ..)| *source == Source::Live).map(|(_, pair, _)| pair)
    }
}

/// A row of the watchlist, its sparkline apart, and the newest minute that line was drawn from.
pub(super) type WatchRow = (Row, Option<Vec<f64>>, EventTime);

pub(super) trait TapeView {
    fn source(&self) -> Source;
    fn market(&self) -> &Market;
    fn now(&self, at: Instant) -> TapeTime;
    fn tape(&self) -> Tape;
    /// Minutes that start in `[from, to)` as known here and now, oldest first; forming ones are the last. Where the live feed has
    /// none, those of a back-fill.
    fn minutes(&self, pair: Pair, from: EventTime, to: EventTime) -> Result<Vec<Candle>, ApiError>;
    /// Nothing of the pair is on the tape before this.
    fn first(&self, pair: Pair) -> Result<EventTime, ApiError>;

    /// The newest `limit` bars strictly before a moment, oldest first. Looks further back while the tape is thin.
    fn bars_before(
        &self,
        pair: Pair,
        interval: Interval,
        before: EventTime,
        limit: usize,
    ) -> Result<Vec<Candle>, ApiError> {
        let newest = self.market().pair(self.source(), pair).and_then(PairMarket::newest);
        let end = newest.map_or(before, |newest| before.min(newest.plus_nanos(MINUTE)));
        let first = self.first(pair)?;
        let mut span = interval.nanos().saturating_mul(limit as i64 + 1);
        loop {
            let from = interval.start_of(end.plus_nanos(-span)).max(first);
            let mut bars = fold::fold(self.minutes(pair, from, before)?, interval);
            if bars.len() > limit {
                bars.drain(..bars.len() - limit);
            }
            if bars.len() == limit || from <= first {
                return Ok(bars);
            }
            span = span.saturating_mul(8);
        }
    }

    fn row(&self, pair: Pair, at: Instant) -> WatchRow {
        let now = EventTime::from_nanos(self.now(at).nanos());
        let Some(market) = self.market().pair(self.source(), pair) else {
            let row = Row {
                pair: pair.to_string(),
                simulated: self.source().simulates(pair),
                last: None,
                change_pct: None,
                spread_bp: None,
                age_s: None,
                spark: None,
            };
            return (row, None, EventTime::default());
        };
        let last = market.last_trade().map(|last| last.price);
        let change_pct = last.zip(market.day_open(now)).map(|(last, open)| {
            let change = (last.to_f64() / open.to_f64() - 1.0) * 100.0;
            // A change that rounds to nothing has no sign.
            if change.abs() < 0.005 { "0.00".to_owned() } else { format!("{change:+.2}") }
        });
        let spread_bp = market.last_quote().map(|last| {
            let (bid, ask) = (last.quote.best_bid.to_f64(), last.quote.best_ask.to_f64());
            format!("{:.1}", (ask - bid) / ((ask + bid) / 2.0) * 1e4)
        });
        let newest = market.newest().unwrap_or_default();
        let row = Row {
            pair: pair.to_string(),
            simulated: self.source().simulates(pair),
            last: last.map(|price| price.to_string()),
            change_pct,
            spread_bp,
            age_s: Some(((now.nanos() - newest.nanos()).max(0) as f64 / 1e9).floor()),
            spark: None,
        };
        (row, Some(market.recent_closes(SPARK_POINTS)), newest.minute())
    }
}

impl TapeView for PlayedDeck<'_> {
    fn source(&self) -> Source {
        self.0.tape().source()
    }

    fn market(&self) -> &Market {
        self.0.market()
    }

    fn now(&self, at: Instant) -> TapeTime {
        self.0.now(at)
    }

    fn first(&self, pair: Pair) -> Result<EventTime, ApiError> {
        let tape = self.0.tape();
        let recorded = tape.recorded().map(|recorded| recorded.first_minute(pair)).transpose()?;
        Ok(recorded.flatten().unwrap_or(EventTime::from_nanos(tape.from().nanos())))
    }

    fn tape(&self) -> Tape {
        let tape = self.0.tape();
        Tape {
            name: tape.name(),
            from_ms: tape.from().to_ms(),
            to_ms: tape.to().to_ms(),
            trade: u32::try_from(self.0.trades()).unwrap_or(u32::MAX),
            trades: u32::try_from(tape.trades()).unwrap_or(u32::MAX),
        }
    }

    fn minutes(&self, pair: Pair, from: EventTime, to: EventTime) -> Result<Vec<Candle>, ApiError> {
        Ok(self.0.minutes(pair, from, to)?)
    }
}

impl TapeView for LiveDeck<'_> {
    fn source(&self) -> Source {
        Source::Live
    }

    fn market(&self) -> &Market {
        self.recorder.market()
    }

    fn now(&self, _: Instant) -> TapeTime {
        self.market().tape_time(Source::Live).unwrap_or_default()
    }

    fn first(&self, pair: Pair) -> Result<EventTime, ApiError> {
        let recorded = self.recorder.journal().reader().first_candle(Source::Live, pair)?;
        let fetched = self.market().backfilled(pair).next().map(Month::start);
        Ok(recorded.into_iter().chain(fetched).min().unwrap_or_default())
    }

    fn tape(&self) -> Tape {
        let to = self.market().tape_time(Source::Live).unwrap_or_default();
        let trades = self.market().pairs().filter(|(s, ..)| *s == Source::Live).map(|(.., m)| m.trades()).sum::<u64>();
        let trades = u32::try_from(trades).unwrap_or(u32::MAX);
        let first = self.pairs().filter_map(|pair| self.first(pair).ok()).filter(|first| first.nanos() > 0).min();
        // A day is shown at least, so that the first minute does not fill the deck.
        let day = to.to_ms() - DAY as f64 / 1e6;
        let from = first.map_or(day, |first| day.min(first.to_ms()));
        Tape { name: "Live".to_owned(), from_ms: from.max(0.0), to_ms: to.to_ms(), trade: trades, trades }
    }

    fn minutes(&self, pair: Pair, from: EventTime, to: EventTime) -> Result<Vec<Candle>, ApiError> {
        let as_of = TapeTime::from_nanos(i64::MAX);
        let closed = |source| self.recorder.journal().candles(&CandleQuery { source, pair, from, to, as_of });
        let mut minutes = closed(Source::Live)?;
        let forming = self.market().forming(Source::Live, pair);
        minutes.extend(forming.into_iter().filter(|c| c.window_start >= from && c.window_start < to));
        let recorded = minutes.len();
        for month in self.market().backfilled(pair).filter(|month| month.start() < to && month.end() > from) {
            let fetched = closed(Source::Backfill(BackfillMonth { pair, month }))?;
            let live = &minutes[..recorded];
            let lacking: Vec<Candle> = fetched
                .into_iter()
                .filter(|candle| live.binary_search_by_key(&candle.window_start, |live| live.window_start).is_err())
                .collect();
            minutes.extend(lacking);
        }
        minutes.sort_by_key(|candle| candle.window_start);
        Ok(minutes)
    }
}

pub(super) fn bucket(volume: &Volume) -> series::Row {
    let Volume { start, volume, quality } = *volume;
    let time_ms = start.to_ms();
    series::Row { time_ms, open: 0.0, high: 0.0, low: 0.0, close: 0.0, volume, tick_count: 0, quality }
}

pub(super) fn bar(candle: &Candle) -> Bar {
    Bar {
        time_ms: candle.window_start.to_ms(),
        open: candle.open.to_string(),
        high: candle.high.to_string(),
        low: candle.low.to_string(),
        close: candle.close.to_string(),
        volume: candle.volume.to_string(),
        tick_count: candle.tick_count,
        quality: match candle.quality {
            Quality::Complete => QualityView::Complete,
            Quality::Gap => QualityView::Gap,
            Quality::Backfilled => QualityView::Backfilled,
            Quality::Synthetic => QualityView::Synthetic,
            Quality::Late => QualityView::Late,
            Quality::Forming => QualityView::Forming,
        },
    }
}
