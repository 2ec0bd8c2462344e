//! One source's admission: what is new, what came twice, what is missing, what can not be true. No I/O, no clock.

use std::collections::BTreeMap;
use std::fmt;

use super::counts::Counts;
use super::horizon::{AHEAD, Judgement, judge, judge_at_the_end};
use super::message::Message;
use super::quarantine::{Place, Quarantined};
use super::recent::RecentSequences;
use super::sequence::{RangeChange, SeenTrades};
use super::trades::{PairTrades, Taken};
use crate::domain::input::{ImportedCandle, MissingTrades};
use crate::domain::time::MINUTE;
use crate::domain::{Arrival, EventTime, Input, Pair, Price, Quantity, Source, Tick, TickKind, TradeId};

/// Details kept for `drain_quarantined`; beyond it only the count grows.
const DETAILS: usize = 1_024;

/// Why a message that could be read is put aside all the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    #[error("ahead of the venue's own newest time")]
    AheadOfVenue,
    #[error("the best bid {bid} is above the best ask {ask}")]
    Crossed { bid: Price, ask: Price },
    #[error("a price or a size is not above zero")]
    NotPositive,
    #[error("its minute has no time that can be kept")]
    NoSuchMinute,
    #[error("this file's trade ids are so scattered that it can no longer be told whether this one was seen")]
    Forgotten,
}

#[derive(Debug)]
struct PairLane {
    trades: PairTrades,
    quotes: RecentSequences,
}

/// Judges everything of one source, in the order it came.
///
/// Bars of a file are told apart by their minute, counted since 1970, kept in the same ranges as trade ids: a file holds the one
/// or the other.
#[derive(Debug)]
pub struct Lane {
    source: Source,
    pairs: BTreeMap<Pair, PairLane>,
    newest: Option<EventTime>,
    held: Option<Message>,
    /// Of the file being read; 0 for a feed.
    line: u64,
    held_line: u64,
    /// Its own pair went on from before it, so that the end of the file does not prove it.
    contradicted: bool,
    counts: Counts,
    quarantined: Vec<Quarantined>,
}

impl Lane {
    pub fn new(source: Source) -> Self {
        Self {
            source,
            pairs: BTreeMap::new(),
            newest: None,
            held: None,
            line: 0,
            held_line: 0,
            contradicted: false,
            counts: Counts::default(),
            quarantined: Vec::new(),
        }
    }

    /// As it was: the ranges from `drain_range_changes`, the lane's newest time, the last quotes (oldest first). Counts start anew.
    pub fn resume(
        source: Source,
        seen: Vec<(Pair, u64, u64)>,
        newest: Option<EventTime>,
        recent_quotes: Vec<(Pair, u64)>,
    ) -> Self {
        let mut lane = Self { newest, ..Self::new(source) };
        let mut ranges: BTreeMap<Pair, Vec<(u64, u64)>> = BTreeMap::new();
        for (pair, first, last) in seen {
            ranges.entry(pair).or_default().push((first, last));
        }
        for (pair, ranges) in ranges {
            lane.pair(pair).trades = PairTrades::new(SeenTrades::from_ranges(ranges), newest, lane.may_be_scattered());
        }
        for (pair, sequence) in recent_quotes {
            lane.pair(pair).quotes.insert(sequence);
        }
        lane
    }

    /// After `resume`: when the pair's last trade was, so that a gap found next begins there and not at the lane's newest time.
    pub fn know_last_trade(&mut self, pair: Pair, at: EventTime) {
        self.pair(pair).trades.know_last_time(at);
    }

    /// After `resume`: up to where missing trades have been told, which a heartbeat may have done beyond the last one seen.
    pub fn know_told(&mut self, pair: Pair, last: TradeId) {
        self.pair(pair).trades.know_told(last);
    }

    /// Which line of a file comes next, so that one put aside later is still named by its own.
    pub fn at_line(&mut self, line: u64) {
        self.line = line;
    }

    pub fn source(&self) -> Source {
        self.source
    }

    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The newest venue time accepted: the lane's tape time.
    pub fn newest(&self) -> Option<EventTime> {
        self.newest
    }

    /// Takes one frame or row. Appends what follows from it, each with the lane's newest time after it (the tape time).
    pub fn admit(&mut self, message: Message, into: &mut Vec<(EventTime, Input)>) {
        self.counts.frames += 1;
        let Some(at) = message.time() else {
            match message {
                Message::Ignored { .. } => self.counts.ignored += 1,
                _ => self.counts.control += 1,
            }
            return;
        };
        if let Some(doubt) = doubt(&message) {
            return self.put_aside(&message, &doubt);
        }
        self.contradict(&message, at);
        if self.was_seen(&message) {
            // Told again, it has the time it had; with a later one than anything told, it is no repetition but damage.
            if self.newest.is_some_and(|newest| at > newest.plus_nanos(AHEAD)) {
                return self.put_aside(&message, &Doubt::AheadOfVenue);
            }
            self.counts.duplicates += 1;
            return;
        }
        if self.held.as_ref().is_some_and(|held| held.echoes(&message)) {
            match message {
                Message::Heartbeat { .. } => self.counts.control += 1,
                _ => self.counts.duplicates += 1,
            }
            return;
        }
        loop {
            match judge(self.newest, self.held.as_ref().and_then(Message::time), at) {
                Judgement::Take => return self.take(message, at, into),
                Judgement::Hold => {
                    self.held = Some(message);
                    self.held_line = self.line;
                    self.contradicted = false;
                    self.counts.held = 1;
                    return;
                }
                Judgement::HeldIsTrue => self.release(true, into),
                Judgement::HeldIsAhead => self.release(false, into),
            }
        }
    }

    /// A frame or row that could not be read: counted, and shown.
    pub fn refuse(&mut self, raw: &[u8], reason: impl fmt::Display, place: Option<Place>) -> Quarantined {
        self.counts.frames += 1;
        self.counts.quarantined += 1;
        Quarantined::new(raw, reason, place)
    }

    /// A trade fetched to fill a gap. Not a frame.
    pub fn admit_fetched(&mut self, mut tick: Tick, into: &mut Vec<(EventTime, Input)>) {
        let TickKind::Trade(trade) = &mut tick.kind else {
            self.counts.fetched_quarantined += 1;
            return;
        };
        trade.arrival = Arrival::Fetched;
        let (id, at) = (trade.trade_id, tick.event_time);
        let message = Message::Trade { tick, rounded: false };
        let ahead = judge(self.newest.or(Some(at)), None, at) != Judgement::Take;
        let doubt = if ahead { Some(Doubt::AheadOfVenue) } else { doubt(&message) };
        if let Some(doubt) = doubt {
            self.counts.fetched_quarantined += 1;
            self.keep_detail(&message, &doubt);
            return;
        }
        let (taken, missing) = self.pair(tick.pair).trades.take(tick.pair, id, at);
        if !matches!(taken, Taken::News | Taken::Belated) {
            self.counts.fetched_duplicates += 1;
            return;
        }
        self.counts.fetched += 1;
        self.emit(at, missing, Input::Tick(tick), into);
    }

    /// A candle of a minute that was asked for. Its time was in the question, and so is not doubted.
    pub fn admit_asked(&mut self, candle: ImportedCandle, rounded: bool, into: &mut Vec<(EventTime, Input)>) {
        self.counts.frames += 1;
        let message = Message::Candle { candle, rounded };
        if let Some(doubt) = doubt(&message) {
            self.put_aside(&message, &doubt);
        } else if self.was_seen(&message) {
            self.counts.duplicates += 1;
        } else {
            self.take(message, candle.window_start.plus_nanos(MINUTE), into);
        }
    }

    /// The feed was lost or the file has ended: a held item is decided, since nothing follows that could.
    pub fn finish(&mut self, into: &mut Vec<(EventTime, Input)>) {
        if let Some(at) = self.held.as_ref().and_then(Message::time) {
            // A feed that is lost can be asked again; a file says all it has.
            let believed = match self.source {
                Source::Live => self.newest.is_none(),
                _ => !self.contradicted && judge_at_the_end(self.newest, at),
            };
            self.release(believed, into);
        }
    }

    /// Ranges of seen ids that changed since the last call, for a durable copy.
    pub fn drain_range_changes(&mut self) -> Vec<(Pair, RangeChange)> {
        let mut changes = Vec::new();
        for (pair, lane) in &mut self.pairs {
            lane.trades.drain_changes(*pair, &mut changes);
        }
        changes
    }

    /// What `admit` put aside since the last call; of a flood, the first 1 024.
    pub fn drain_quarantined(&mut self) -> Vec<Quarantined> {
        std::mem::take(&mut self.quarantined)
    }

    /// Trades that are missing now, both ends included, oldest first within a pair.
    pub fn open_gaps(&self) -> Vec<(Pair, TradeId, TradeId)> {
        let gaps = |(pair, lane): (&Pair, &PairLane)| {
            let pair = *pair;
            lane.trades.open_gaps().into_iter().map(move |(first, last)| (pair, first, last))
        };
        if self.counts.candles > 0 { Vec::new() } else { self.pairs.iter().flat_map(gaps).collect() }
    }

    /// Pairs of a file whose trade ids do not step by one, so that gaps can not be told.
    pub fn scattered_pairs(&self) -> Vec<Pair> {
        self.pairs.iter().filter(|(_, lane)| lane.trades.scattered()).map(|(pair, _)| *pair).collect()
    }

    fn may_be_scattered(&self) -> bool {
        matches!(self.source, Source::Import(_))
    }

    fn pair(&mut self, pair: Pair) -> &mut PairLane {
        let may_be_scattered = self.may_be_scattered();
        self.pairs.entry(pair).or_insert_with(|| PairLane {
            trades: PairTrades::new(SeenTrades::default(), None, may_be_scattered),
            quotes: RecentSequences::default(),
        })
    }

    fn was_seen(&self, message: &Message) -> bool {
        let seen = |pair: &Pair, id: u64| self.pairs.get(pair).is_some_and(|lane| lane.trades.contains(TradeId(id)));
        match message {
            Message::Trade { tick, .. } | Message::History { tick, .. } | Message::Quote { tick, .. } => {
                match &tick.kind {
                    TickKind::Trade(trade) => seen(&tick.pair, trade.trade_id.0),
                    // Files without venue sequences write 0.
                    TickKind::Quote(_) => {
                        tick.sequence != 0
                            && self.pairs.get(&tick.pair).is_some_and(|lane| lane.quotes.contains(tick.sequence))
                    }
                }
            }
            Message::Candle { candle, .. } => minute_of(candle).is_some_and(|minute| seen(&candle.pair, minute)),
            _ => false,
        }
    }

    /// Notes what follows a held item in its own pair. Another pair's past says nothing: files may be sorted by pair.
    fn contradict(&mut self, message: &Message, at: EventTime) {
        if let Some(held) = &self.held
            && held.pair() == message.pair()
            && held.time().is_some_and(|held| at < held.plus_nanos(-AHEAD))
        {
            self.contradicted = true;
        }
    }

    fn release(&mut self, believed: bool, into: &mut Vec<(EventTime, Input)>) {
        let Some(held) = self.held.take() else { return };
        self.counts.held = 0;
        match held.time() {
            // It may have come again, with another time, while it waited.
            Some(_) if believed && self.was_seen(&held) => self.counts.duplicates += 1,
            Some(at) if believed => self.take(held, at, into),
            _ => {
                let line = std::mem::replace(&mut self.line, self.held_line);
                self.put_aside(&held, &Doubt::AheadOfVenue);
                self.line = line;
            }
        }
    }

    fn take(&mut self, message: Message, at: EventTime, into: &mut Vec<(EventTime, Input)>) {
        match message {
            Message::Trade { tick, rounded } => self.take_print(tick, false, rounded, into),
            Message::History { tick, rounded } => self.take_print(tick, true, rounded, into),
            Message::Quote { tick, rounded, .. } => {
                self.counts.quotes += 1;
                self.counts.rounded += u64::from(rounded);
                if tick.sequence != 0 {
                    self.pair(tick.pair).quotes.insert(tick.sequence);
                }
                self.emit(at, None, Input::Tick(tick), into);
            }
            Message::Heartbeat { pair, last_trade_id, .. } => {
                self.counts.control += 1;
                let newest = self.advance(at);
                let missing = self.pairs.get_mut(&pair).and_then(|lane| lane.trades.hear(pair, last_trade_id, at));
                if let Some(missing) = missing {
                    into.push((newest, Input::Gap { source: self.source, missing }));
                }
            }
            Message::Candle { candle, rounded } => {
                let minute = TradeId(minute_of(&candle).expect("a candle without a minute was put aside"));
                // Minutes without a trade have no bar; that is no gap.
                self.pair(candle.pair).trades.take(candle.pair, minute, at);
                self.counts.candles += 1;
                self.counts.rounded += u64::from(rounded);
                self.emit(at, None, Input::Candle { source: self.source, candle }, into);
            }
            Message::Control { .. } | Message::VenueError { .. } | Message::Ignored { .. } => {
                unreachable!("a message without a time is counted on arrival")
            }
        }
    }

    fn take_print(&mut self, mut tick: Tick, history: bool, rounded: bool, into: &mut Vec<(EventTime, Input)>) {
        let (pair, at) = (tick.pair, tick.event_time);
        let TickKind::Trade(trade) = &mut tick.kind else {
            return self.put_aside(&Message::Trade { tick, rounded }, &Doubt::NotPositive);
        };
        let (taken, missing) = self.pair(pair).trades.take(pair, trade.trade_id, at);
        trade.arrival = match taken {
            _ if history => Arrival::History,
            Taken::News => Arrival::News,
            _ => Arrival::Belated,
        };
        match taken {
            Taken::Duplicate => {
                self.counts.duplicates += 1;
                return;
            }
            Taken::Forgotten => return self.put_aside(&Message::Trade { tick, rounded }, &Doubt::Forgotten),
            Taken::News | Taken::Belated if history => self.counts.history += 1,
            Taken::News | Taken::Belated => self.counts.trades += 1,
        }
        self.counts.rounded += u64::from(rounded);
        self.emit(at, missing, Input::Tick(tick), into);
    }

    fn emit(
        &mut self,
        at: EventTime,
        missing: Option<MissingTrades>,
        input: Input,
        into: &mut Vec<(EventTime, Input)>,
    ) {
        let newest = self.advance(at);
        if let Some(missing) = missing {
            into.push((newest, Input::Gap { source: self.source, missing }));
        }
        into.push((newest, input));
    }

    fn advance(&mut self, at: EventTime) -> EventTime {
        let newest = self.newest.map_or(at, |newest| newest.max(at));
        self.newest = Some(newest);
        newest
    }

    fn put_aside(&mut self, message: &Message, doubt: &Doubt) {
        self.counts.quarantined += 1;
        self.keep_detail(message, doubt);
    }

    fn keep_detail(&mut self, message: &Message, doubt: &Doubt) {
        if self.quarantined.len() < DETAILS {
            // The reader of the file adds its name.
            let place = (self.line > 0).then(|| Place { file: String::new(), line: self.line });
            self.quarantined.push(Quarantined::new(message.describe().as_bytes(), doubt, place));
        }
    }
}

/// Minutes since 1970. `None` before that.
fn minute_of(candle: &ImportedCandle) -> Option<u64> {
    u64::try_from(candle.window_start.nanos().div_euclid(MINUTE)).ok()
}

/// What needs no other message to be seen as wrong.
fn doubt(message: &Message) -> Option<Doubt> {
    let positive = |price: Price| price > Price::ZERO;
    match message {
        Message::Trade { tick, .. } | Message::History { tick, .. } | Message::Quote { tick, .. } => match &tick.kind {
            TickKind::Trade(trade) if !positive(trade.price) || trade.size <= Quantity::ZERO => {
                Some(Doubt::NotPositive)
            }
            TickKind::Quote(quote) if !positive(quote.best_bid) || !positive(quote.best_ask) => {
                Some(Doubt::NotPositive)
            }
            TickKind::Quote(quote) if quote.best_bid > quote.best_ask => {
                Some(Doubt::Crossed { bid: quote.best_bid, ask: quote.best_ask })
            }
            _ => None,
        },
        Message::Candle { candle, .. } if minute_of(candle).is_none() => Some(Doubt::NoSuchMinute),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
