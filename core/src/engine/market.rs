//! The market as the tape has shown it so far, and the one function that moves it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::candles::{Placed, Window, Windows};
use super::gaps::Gaps;
use super::{ENGINE_VERSION, WATERMARK_LAG};
use crate::domain::input::{ImportedCandle, MissingTrades};
use crate::domain::time::{DAY, MINUTE};
use crate::domain::{
    Arrival, BackfillMonth, Candle, EventTime, Input, Month, Output, Pair, Price, Quality, Quote, Seq, Source, Stamped,
    TapeTime, Tick, TickKind, Trade, TradeId,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastTrade {
    pub event_time: EventTime,
    pub trade_id: TradeId,
    pub price: Price,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastQuote {
    pub event_time: EventTime,
    pub sequence: u64,
    pub quote: Quote,
}

/// A function of tape and config alone; its checkpoints are shared by every session on the tape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Market {
    engine_version: u32,
    seq: Seq,
    /// Newest tape time of each lane.
    tape_times: BTreeMap<Source, TapeTime>,
    pairs: BTreeMap<(Source, Pair), PairMarket>,
}

/// One pair in one lane. Lanes never mix.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairMarket {
    newest: Option<EventTime>,
    watermark: Option<EventTime>,
    windows: Windows,
    gaps: Gaps,
    last_trade: Option<LastTrade>,
    last_quote: Option<LastQuote>,
    trades: u64,
    late: u64,
}

impl Default for Market {
    fn default() -> Self {
        Self {
            engine_version: ENGINE_VERSION,
            seq: Seq::default(),
            tape_times: BTreeMap::new(),
            pairs: BTreeMap::new(),
        }
    }
}

impl Market {
    /// Takes the next input of the tape and says what happened.
    ///
    /// Panics when inputs come out of order: the journal can not hold them so, and a wrong candle is worse than a stop.
    pub fn step(&mut self, stamped: &Stamped, outputs: &mut Vec<Output>) {
        assert!(stamped.seq > self.seq, "input {} came after {}", stamped.seq.0, self.seq.0);
        self.seq = stamped.seq;
        if matches!(stamped.input, Input::Command(_)) {
            // The market is what it is, whoever trades in it.
            return;
        }
        let source = stamped.input.source();
        let lane = self.tape_times.entry(source).or_insert(stamped.tape_time);
        *lane = (*lane).max(stamped.tape_time);
        let at = Moment { tape_time: stamped.tape_time, seq: stamped.seq };
        match &stamped.input {
            Input::Tick(tick) => self.pairs.entry((source, tick.pair)).or_default().tick(tick, at, outputs),
            Input::Gap { missing, .. } => {
                self.pairs.entry((source, missing.pair)).or_default().gap(source, missing, at, outputs);
            }
            Input::Candle { candle, .. } => {
                self.pairs.entry((source, candle.pair)).or_default().imported(source, candle, at, outputs);
            }
            Input::Clock { .. } => {
                let now = EventTime::from_nanos(stamped.tape_time.nanos());
                for (&(lane, pair), market) in self.lane_mut(source) {
                    market.advance(lane, pair, now, at, outputs);
                }
            }
            Input::Command(_) => {}
            Input::EndOfTape { .. } => {
                for (&(lane, pair), market) in self.lane_mut(source) {
                    market.end(lane, pair, at, outputs);
                }
                // A month that is over gets nothing more: what stays of it is its tape time, or years of months would fill the state.
                if let Source::Backfill(BackfillMonth { pair, .. }) = source {
                    self.pairs.remove(&(source, pair));
                }
            }
        }
    }

    fn lane_mut(&mut self, source: Source) -> impl Iterator<Item = (&(Source, Pair), &mut PairMarket)> {
        self.pairs.iter_mut().filter(move |((lane, _), _)| *lane == source)
    }

    /// The part of one lane, as if it had been played alone through `seq`, its last input.
    pub fn only(&self, lane: Source, seq: Seq) -> Self {
        Self {
            engine_version: self.engine_version,
            seq,
            tape_times: self.tape_times.get(&lane).map(|&at| (lane, at)).into_iter().collect(),
            pairs: self.lane(lane).map(|(key, market)| (*key, market.clone())).collect(),
        }
    }

    fn lane(&self, source: Source) -> impl Iterator<Item = (&(Source, Pair), &PairMarket)> {
        self.pairs.iter().filter(move |((lane, _), _)| *lane == source)
    }

    pub fn engine_version(&self) -> u32 {
        self.engine_version
    }

    /// Of the last input taken.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    pub fn tape_time(&self, source: Source) -> Option<TapeTime> {
        self.tape_times.get(&source).copied()
    }

    /// Months of a pair that were asked of the venue, oldest first.
    pub fn backfilled(&self, pair: Pair) -> impl Iterator<Item = Month> + '_ {
        let lane = |month| Source::Backfill(BackfillMonth { pair, month });
        self.tape_times.range(lane(Month::FIRST)..=lane(Month::LAST)).filter_map(|(source, _)| match source {
            Source::Backfill(lane) => Some(lane.month),
            _ => None,
        })
    }

    pub fn pair(&self, source: Source, pair: Pair) -> Option<&PairMarket> {
        self.pairs.get(&(source, pair))
    }

    pub fn pairs(&self) -> impl Iterator<Item = (Source, Pair, &PairMarket)> {
        self.pairs.iter().map(|(&(source, pair), market)| (source, pair, market))
    }

    /// Windows that have not closed, oldest first, as they stand now.
    pub fn forming(&self, source: Source, pair: Pair) -> Vec<Candle> {
        let Some(market) = self.pair(source, pair) else { return Vec::new() };
        let tape_time = self.tape_time(source).unwrap_or_default();
        market.windows.open_windows().iter().map(|w| w.candle(source, pair, tape_time, self.seq)).collect()
    }

    /// Closed minutes that end at `end` or up to `minutes` before it, oldest first, as they stand now.
    pub fn closed_to(&self, source: Source, pair: Pair, end: EventTime, minutes: usize) -> Vec<Candle> {
        let Some(market) = self.pair(source, pair) else { return Vec::new() };
        let tape_time = self.tape_time(source).unwrap_or_default();
        market.closed_to(end, minutes).map(|window| window.candle(source, pair, tape_time, self.seq)).collect()
    }

    /// Canonical bytes: the same state is the same bytes in any process.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("a market has only sized fields, and memory is all postcard needs")
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    /// BLAKE3 of `to_bytes`, the first 32 hexadecimal digits.
    pub fn hash(&self) -> String {
        blake3::hash(&self.to_bytes()).to_hex()[..32].to_owned()
    }
}

/// Where on the tape something became known.
#[derive(Clone, Copy)]
struct Moment {
    tape_time: TapeTime,
    seq: Seq,
}

impl PairMarket {
    fn tick(&mut self, tick: &Tick, at: Moment, outputs: &mut Vec<Output>) {
        match &tick.kind {
            TickKind::Trade(trade) => self.trade(tick, trade, at, outputs),
            TickKind::Quote(quote) => {
                if self
                    .last_quote
                    .is_none_or(|last| (last.event_time, last.sequence) <= (tick.event_time, tick.sequence))
                {
                    self.last_quote =
                        Some(LastQuote { event_time: tick.event_time, sequence: tick.sequence, quote: *quote });
                }
            }
        }
        self.advance(tick.source, tick.pair, tick.event_time, at, outputs);
    }

    fn trade(&mut self, tick: &Tick, trade: &Trade, at: Moment, outputs: &mut Vec<Output>) {
        let (source, pair) = (tick.source, tick.pair);
        // What the venue traded before the first print we saw of a running feed is unknown, and the bar says so.
        let joined_midway = self.trades == 0 && (source == Source::Live || trade.arrival == Arrival::History);
        self.trades += 1;
        if self.last_trade.is_none_or(|last| (last.event_time, last.trade_id) < (tick.event_time, trade.trade_id)) {
            self.last_trade =
                Some(LastTrade { event_time: tick.event_time, trade_id: trade.trade_id, price: trade.price });
        }
        let closed_gap = if self.gaps.is_empty() { None } else { self.gaps.fill(trade.trade_id) };
        let watermark = self.watermark.unwrap_or(EventTime::from_nanos(i64::MIN));
        let placed = self.windows.place(tick.event_time, trade, watermark, joined_midway);
        match placed {
            Placed::Open => {}
            Placed::Lost => {
                self.late += 1;
                outputs.push(Output::Late { source, pair, event_time: tick.event_time, window_lost: true });
            }
            Placed::Closed(index) => {
                self.late += 1;
                outputs.push(Output::Late { source, pair, event_time: tick.event_time, window_lost: false });
                self.revise(source, pair, index, at, outputs);
            }
        }
        if let Some(missing) = closed_gap {
            outputs.push(Output::GapClosed { source, missing });
            for index in self.windows.closed_between(missing.after, missing.before) {
                if self.windows.closed_at(index).quality == Quality::Gap && placed != Placed::Closed(index) {
                    self.revise(source, pair, index, at, outputs);
                }
            }
        }
    }

    fn gap(&mut self, source: Source, missing: &MissingTrades, at: Moment, outputs: &mut Vec<Output>) {
        self.gaps.open(*missing);
        outputs.push(Output::GapOpened { source, missing: *missing });
        for index in self.windows.closed_between(missing.after, missing.before) {
            if self.windows.closed_at(index).quality != Quality::Gap {
                self.revise(source, missing.pair, index, at, outputs);
            }
        }
    }

    fn imported(&mut self, source: Source, bar: &ImportedCandle, at: Moment, outputs: &mut Vec<Output>) {
        let window_end = bar.window_start.plus_nanos(MINUTE);
        if self.last_trade.is_none_or(|last| last.event_time < window_end) {
            self.last_trade = Some(LastTrade { event_time: window_end, trade_id: TradeId(0), price: bar.close });
        }
        self.newest = self.newest.max(Some(window_end));
        outputs.push(Output::Candle(Candle {
            source,
            pair: bar.pair,
            window_start: bar.window_start,
            window_end,
            open: bar.open,
            high: bar.high,
            low: bar.low,
            close: bar.close,
            volume: bar.volume,
            tick_count: 0,
            quality: if matches!(source, Source::Backfill(_)) { Quality::Backfilled } else { Quality::Complete },
            revision: 0,
            tape_time: TapeTime::from_nanos(window_end.nanos()),
            seq: at.seq,
        }));
    }

    fn revise(&mut self, source: Source, pair: Pair, index: usize, at: Moment, outputs: &mut Vec<Output>) {
        let window = self.windows.closed_at(index);
        let gap = self.gaps.touch(window.start, window.end());
        let window = self.windows.revise(index, gap, source.simulates(pair));
        outputs.push(Output::Candle(window.candle(source, pair, at.tape_time, at.seq)));
    }

    /// Moves the watermark to 5 s behind `event_time` and closes what it has passed.
    fn advance(&mut self, source: Source, pair: Pair, event_time: EventTime, at: Moment, outputs: &mut Vec<Output>) {
        self.newest = self.newest.max(Some(event_time));
        self.watermark = self.watermark.max(Some(event_time.plus_nanos(-WATERMARK_LAG)));
        let watermark = self.watermark.expect("set on the line above");
        while self.windows.oldest_open_end().is_some_and(|end| end <= watermark) {
            self.close(source, pair, at, outputs);
        }
    }

    fn end(&mut self, source: Source, pair: Pair, at: Moment, outputs: &mut Vec<Output>) {
        while let Some(end) = self.windows.oldest_open_end() {
            self.watermark = self.watermark.max(Some(end));
            self.close(source, pair, at, outputs);
        }
    }

    fn close(&mut self, source: Source, pair: Pair, at: Moment, outputs: &mut Vec<Output>) {
        let gaps = &self.gaps;
        let window = self.windows.close_oldest(|w| gaps.touch(w.start, w.end()), source.simulates(pair));
        outputs.push(Output::Candle(window.candle(source, pair, at.tape_time, at.seq)));
    }

    pub fn last_trade(&self) -> Option<LastTrade> {
        self.last_trade
    }

    pub fn last_quote(&self) -> Option<LastQuote> {
        self.last_quote
    }

    /// Newest event of any kind.
    pub fn newest(&self) -> Option<EventTime> {
        self.newest
    }

    /// Accepted trades.
    pub fn trades(&self) -> u64 {
        self.trades
    }

    /// Accepted trades whose minute had already closed.
    pub fn late(&self) -> u64 {
        self.late
    }

    pub fn gaps_found(&self) -> u64 {
        self.gaps.found
    }

    pub fn gaps_filled(&self) -> u64 {
        self.gaps.filled
    }

    /// Runs of trades still missing.
    pub fn missing(&self) -> impl Iterator<Item = MissingTrades> + '_ {
        self.gaps.remaining()
    }

    /// The price a day before `now`, from the venue where it says so, else the first open within the last day.
    pub fn day_open(&self, now: EventTime) -> Option<Price> {
        if let Some(open) = self.last_quote.and_then(|last| last.quote.open_24h) {
            return Some(open);
        }
        self.windows.since(now.plus_nanos(-DAY).minute()).next().map(|w| w.open_price())
    }

    fn closed_to(&self, end: EventTime, minutes: usize) -> impl Iterator<Item = &Window> {
        let from = end.plus_nanos(-(minutes as i64).saturating_mul(MINUTE));
        let closed = self.windows.closed_between(from, end.plus_nanos(-MINUTE));
        closed.map(|index| self.windows.closed_at(index))
    }

    /// Their closes. Minutes without a trade have none.
    pub fn closes_to(&self, end: EventTime, minutes: usize) -> Vec<f64> {
        self.closed_to(end, minutes).map(|window| window.close_price().to_f64()).collect()
    }

    /// Up to `count` last closes, oldest first, the forming one included.
    pub fn recent_closes(&self, count: i64) -> Vec<f64> {
        let Some(newest) = self.newest else { return Vec::new() };
        self.windows.since(newest.plus_nanos(-count * MINUTE).minute()).map(|w| w.close_price().to_f64()).collect()
    }
}
