//! A lane of what was recorded, as a tape to be played: pinned where it ended when it was opened.

use std::sync::{Arc, OnceLock};

use super::engine::LaidState;
use super::memory::Memory;
use super::playable::{Inputs, LaidEngine, Place, Playable, Recorded, TapeLane, TapeRange};
use super::recorder::Recorder;
use super::tape::{Tape, TapeError};
use crate::domain::{
    BackfillMonth, Candle, DeskOutput, EventTime, Input, Interval, Month, Pair, Quality, Seq, Source, Stamped, TapeTime,
};
use crate::engine::fold::fold;
use crate::journal::{CandleQuery, Deed, JournalError, JournalReader, StoredOrder};

/// A timeline shows volume by the finest bar that gives at most so many of them.
const TIMELINE_BARS: i64 = 3_000;

/// Volume of a bar, for a timeline.
#[derive(Clone, Copy, Debug)]
pub struct Volume {
    pub start: EventTime,
    pub volume: f64,
    pub quality: Quality,
}

/// Of minutes that start in `[from, to)`.
fn volumes(minutes: Vec<Candle>, from: EventTime, to: EventTime) -> Vec<Volume> {
    let (Some(first), Some(last)) = (minutes.first(), minutes.last()) else { return Vec::new() };
    let span = last.window_end.min(to).nanos().saturating_sub(first.window_start.max(from).nanos());
    let interval = Interval::ALL.into_iter().find(|interval| span / interval.nanos() <= TIMELINE_BARS);
    let bars = fold(minutes, interval.unwrap_or(Interval::D1));
    let volume = |bar: &Candle| Volume { start: bar.window_start, volume: bar.volume.to_f64(), quality: bar.quality };
    bars.iter().map(volume).collect()
}

pub struct RecordedTape {
    journal: JournalReader,
    range: TapeRange,
    /// The lane a chart shows.
    source: Source,
    pairs: Vec<Pair>,
    /// Months that were fetched, of each pair.
    fetched: Vec<BackfillMonth>,
    from: TapeTime,
    to: TapeTime,
    through: Seq,
    trades: u64,
    memory: OnceLock<Arc<Memory>>,
}

impl RecordedTape {
    /// What there is of a lane now. None when there is nothing. `order` are the pairs of the watchlist, which come first.
    pub fn of(recorder: &Recorder, range: TapeRange, order: &[Pair]) -> Result<Option<Self>, JournalError> {
        let market = recorder.market();
        let (wanted, source) = match range.lane {
            TapeLane::One(source) => (Some(source), source),
            TapeLane::Everything => (None, Source::Live),
            TapeLane::SampleDay => return Ok(None),
        };
        let of_tape: Vec<(Source, Pair, u64)> = market
            .pairs()
            .filter(|(lane, ..)| wanted.is_none_or(|wanted| wanted == *lane))
            .map(|(lane, pair, market)| (lane, pair, market.trades()))
            .collect();
        let to = of_tape.iter().filter_map(|(lane, ..)| market.tape_time(*lane)).max();
        let Some(to) = to.or(wanted.and_then(|lane| market.tape_time(lane))) else { return Ok(None) };
        let journal = recorder.journal().reader();
        let mut pairs: Vec<Pair> = order.iter().copied().filter(|pair| of_tape.iter().any(|t| t.1 == *pair)).collect();
        for (_, pair, _) in &of_tape {
            if !pairs.contains(pair) {
                pairs.push(*pair);
            }
        }
        let mut first = Vec::new();
        for (lane, pair, _) in &of_tape {
            first.extend(journal.first_candle(*lane, *pair)?);
        }
        let from = first.into_iter().min().map_or(to, |start| TapeTime::from_nanos(start.nanos()).min(to));
        let fetched: Vec<BackfillMonth> = pairs
            .iter()
            .flat_map(|&pair| market.backfilled(pair).map(move |month| BackfillMonth { pair, month }))
            .collect();
        Ok(Some(Self {
            journal,
            range,
            source,
            pairs,
            fetched,
            from: range.from.map_or(from, |asked| asked.max(from).min(to)),
            to: range.to.map_or(to, |asked| asked.min(to)),
            through: market.seq(),
            trades: of_tape.iter().map(|(.., trades)| trades).sum(),
            memory: OnceLock::new(),
        }))
    }

    /// Nothing of what came into the journal later.
    pub fn pinned(self, through: Seq) -> Self {
        Self { through: self.through.min(through), memory: OnceLock::new(), ..self }
    }

    fn query(&self, source: Source, pair: Pair, from: EventTime, to: EventTime, as_of: TapeTime) -> CandleQuery {
        CandleQuery { source, pair, from, to, as_of }
    }
}

impl Playable for RecordedTape {
    fn name(&self) -> String {
        match self.range.lane {
            TapeLane::One(Source::Live) => "Recorded live".to_owned(),
            lane => lane.to_string(),
        }
    }

    fn range(&self) -> TapeRange {
        self.range
    }

    fn source(&self) -> Source {
        self.source
    }

    fn pairs(&self) -> Vec<Pair> {
        self.pairs.clone()
    }

    fn from(&self) -> TapeTime {
        self.from
    }

    fn to(&self) -> TapeTime {
        self.to
    }

    fn through(&self) -> Seq {
        self.through
    }

    fn trades(&self) -> u64 {
        self.trades
    }

    fn read(&self, after: Seq) -> Result<Inputs, TapeError> {
        let (range, through) = (self.range, self.through);
        let of_tape = move |source: Source| match range.lane {
            TapeLane::One(lane) => source == lane || (lane == Source::Live && source == Source::Desk),
            TapeLane::Everything => source != Source::Desk,
            TapeLane::SampleDay => false,
        };
        let wanted = move |input: &Stamped| of_tape(input.input.source()) && range.holds(input.tape_time);
        // In a lane time does not go back. Beside others it does, and all of them have to be looked at.
        let ends = move |input: &Stamped| match range.lane {
            TapeLane::One(lane) => lane == input.input.source() && range.to.is_some_and(|to| input.tape_time > to),
            TapeLane::Everything | TapeLane::SampleDay => false,
        };
        let inputs = Tape::beside(&self.journal, after.next())?
            .take_while(move |input| input.as_ref().map_or(true, |input| input.seq <= through && !ends(input)))
            .filter(move |input| input.as_ref().map_or(true, wanted));
        Ok(Box::new(inputs))
    }

    fn volumes(&self, pair: Pair, from: EventTime, to: EventTime) -> Result<Vec<Volume>, JournalError> {
        let minutes = self.minutes(pair, from, to, Place { seq: self.through, at: self.to })?;
        Ok(volumes(minutes, from, to))
    }

    fn memory(&self) -> Result<Arc<Memory>, TapeError> {
        if let Some(memory) = self.memory.get() {
            return Ok(Arc::clone(memory));
        }
        let memory = Arc::new(Memory::of(self.journal.candles_as_known(self.through)?));
        Ok(Arc::clone(self.memory.get_or_init(|| memory)))
    }

    fn recorded(&self) -> Option<&dyn Recorded> {
        Some(self)
    }
}

impl Recorded for RecordedTape {
    fn state_before(&self, beyond: &dyn Fn(Place) -> bool) -> Result<Option<LaidEngine>, JournalError> {
        let TapeRange { lane: TapeLane::One(lane), from: None, .. } = self.range else { return Ok(None) };
        let moments = self.journal.moments(lane)?;
        let place = |moment: &crate::journal::Moment| Place { seq: moment.seq, at: moment.at };
        let until = moments.partition_point(|moment| !beyond(place(moment)) && moment.seq <= self.through);
        for moment in moments[..until].iter().rev() {
            let state = self.journal.moment(lane, *moment)?;
            if let Some(LaidState { market, desk }) = state.as_deref().and_then(LaidState::of) {
                return Ok(Some(LaidEngine { place: place(moment), market, desk }));
            }
        }
        Ok(None)
    }

    fn minutes(&self, pair: Pair, from: EventTime, to: EventTime, known: Place) -> Result<Vec<Candle>, JournalError> {
        // No minute is known before it has begun; what came later would all be read and passed over.
        let to = to.min(EventTime::from_nanos(known.at.nanos().saturating_add(1)));
        let mut minutes = self.journal.candles(&self.query(self.source, pair, from, to, known.at), known.seq)?;
        let recorded = minutes.len();
        // What was fetched later about that time is known in its own days.
        let months = self.fetched.iter().filter(|lane| lane.pair == pair && self.source == Source::Live);
        for lane in months.filter(|lane| lane.month.start() < to && lane.month.end() > from) {
            let query = self.query(Source::Backfill(*lane), pair, from, to, known.at);
            let fetched = self.journal.candles(&query, self.through)?;
            let own = &minutes[..recorded];
            let lacks =
                |candle: &Candle| own.binary_search_by_key(&candle.window_start, |own| own.window_start).is_err();
            let lacking: Vec<Candle> = fetched.into_iter().filter(lacks).collect();
            minutes.extend(lacking);
        }
        minutes.sort_by_key(|candle| candle.window_start);
        Ok(minutes)
    }

    fn first_minute(&self, pair: Pair) -> Result<Option<EventTime>, JournalError> {
        let recorded = self.journal.first_candle(self.source, pair)?;
        let fetched = self.fetched.iter().filter(|lane| lane.pair == pair).map(|lane| Month::start(lane.month));
        Ok(recorded.into_iter().chain(fetched).min())
    }

    fn has_account(&self) -> bool {
        // From the middle on it would be another account.
        self.range == TapeRange { to: self.range.to, ..TapeRange::whole(TapeLane::One(Source::Live)) }
    }

    fn deeds(&self, through: Seq, transfers: u64) -> Result<Vec<Deed>, JournalError> {
        let mut deeds = Vec::new();
        for transfer in self.journal.transfers_to(transfers)? {
            let output = DeskOutput::Transfer(transfer);
            deeds.push(Deed { seq: Seq::default(), tape_time: transfer.tape_time, output });
        }
        for stored in self.journal.fills_to(through)? {
            let output = DeskOutput::Fill(stored.fill);
            deeds.push(Deed { seq: stored.seq, tape_time: stored.tape_time, output });
        }
        Ok(deeds)
    }

    fn orders(&self, placed_by: Seq) -> Result<Vec<StoredOrder>, JournalError> {
        let mut orders: Vec<StoredOrder> = self.journal.orders()?;
        orders.retain(|order| order.placed <= placed_by);
        orders.sort_by_key(|order| order.placed);
        Ok(orders)
    }
}

/// Whether an input is a trade of a pair.
pub(super) fn is_trade(input: &Input, pair: Pair) -> bool {
    matches!(input, Input::Tick(tick) if tick.pair == pair && matches!(tick.kind, crate::domain::TickKind::Trade(_)))
}
