//! Plays a finished tape: pause, speed, seek, step. The same engine as live, at another pace.
//!
//! A thread of its own runs ahead once over the whole tape and lays checkpoints; a seek loads the nearest one at or before the target
//! and steps forward, so going back and going forward give the same state, to the last byte.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::sample::{Cursor, SampleTape};
use crate::domain::time::MINUTE;
use crate::domain::{Candle, EventTime, Input, Interval, Output, Pair, Seq, Source, Stamped, TapeTime, TickKind};
use crate::engine::Market;

/// Tape time between checkpoints: what a seek steps through, at most.
const CHECKPOINT_SPACING: i64 = 10 * MINUTE;

/// Inputs the index takes between looks at its lock.
const INDEX_CHUNK: usize = 8_192;

/// How long one call may step, so that the desk draws on time.
const STEP_BUDGET: Duration = Duration::from_millis(10);

/// What the run ahead has learnt of the tape. Grows at its end only.
#[derive(Default)]
struct Index {
    checkpoints: Vec<(Cursor, Vec<u8>)>,
    candles: BTreeMap<Pair, Vec<Candle>>,
    frontier: Cursor,
    complete: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    /// Everything up to and including this moment.
    Time(TapeTime),
    Seq(Seq),
}

pub struct Player {
    tape: Arc<SampleTape>,
    index: Arc<Mutex<Index>>,
    market: Market,
    cursor: Cursor,
    playing: bool,
    /// Multiple of real time; `None` as fast as it goes.
    speed: Option<u32>,
    /// Where and when the present pace began: position = tape time + elapsed × speed, so that nothing drifts.
    anchor: (TapeTime, Instant),
    /// A seek waiting for the run ahead.
    pending: Option<Target>,
    /// Grows with every jump.
    jumps: u32,
}

impl Player {
    /// Starts the run ahead. The player stands at the start, paused.
    pub fn new(tape: Arc<SampleTape>, now: Instant) -> Self {
        let index = Arc::new(Mutex::new(Index::default()));
        let (ahead, theirs) = (Arc::clone(&tape), Arc::downgrade(&index));
        std::thread::spawn(move || run_ahead(&ahead, &theirs));
        let cursor = Cursor::default();
        let anchor = (tape.from(), now);
        Self {
            tape,
            index,
            market: Market::default(),
            cursor,
            playing: false,
            speed: Some(1),
            anchor,
            pending: None,
            jumps: 0,
        }
    }

    pub fn tape(&self) -> &SampleTape {
        &self.tape
    }

    pub fn market(&self) -> &Market {
        &self.market
    }

    pub fn playing(&self) -> bool {
        self.playing
    }

    pub fn speed(&self) -> Option<u32> {
        self.speed
    }

    pub fn ticks(&self) -> u64 {
        self.cursor.ticks()
    }

    pub fn jumps(&self) -> u32 {
        self.jumps
    }

    pub fn at_end(&self) -> bool {
        self.tape.peek(&self.cursor).is_none()
    }

    /// The session's now. While playing between two ticks it moves on with the pace.
    pub fn now(&self, at: Instant) -> TapeTime {
        let reached = self.cursor.tape_time().max(self.tape.from());
        match (self.playing, self.speed) {
            (true, Some(_)) if !self.at_end() => reached.max(self.due(at)),
            _ => reached,
        }
    }

    fn due(&self, at: Instant) -> TapeTime {
        let Some(speed) = self.speed else { return self.tape.to() };
        let elapsed = i64::try_from(at.saturating_duration_since(self.anchor.1).as_nanos()).unwrap_or(i64::MAX);
        let due = self.anchor.0.nanos().saturating_add(elapsed.saturating_mul(i64::from(speed)));
        TapeTime::from_nanos(due).min(self.tape.to())
    }

    pub fn play(&mut self, at: Instant) {
        if !self.playing && !self.at_end() {
            self.playing = true;
            self.anchor = (self.cursor.tape_time().max(self.tape.from()), at);
        }
    }

    pub fn pause(&mut self, at: Instant) {
        self.advance(at);
        self.playing = false;
    }

    pub fn set_speed(&mut self, speed: Option<u32>, at: Instant) {
        self.advance(at);
        self.anchor = (self.now(at), at);
        self.speed = speed.map(|s| s.max(1));
    }

    /// Steps what has come due. Call it often; one call is bounded in time.
    pub fn advance(&mut self, at: Instant) {
        if let Some(target) = self.pending {
            if self.covers(target) {
                self.pending = None;
                self.jump(target, at);
            }
            return;
        }
        if !self.playing {
            return;
        }
        let due = self.due(at);
        let frontier = lock(&self.index).frontier.seq();
        let started = Instant::now();
        let mut outputs = Vec::new();
        for count in 1.. {
            if self.cursor.seq() >= frontier || self.tape.peek(&self.cursor).is_none_or(|next| next > due) {
                break;
            }
            self.step(&mut outputs);
            outputs.clear();
            if count % 256 == 0 && started.elapsed() > STEP_BUDGET {
                break;
            }
        }
        if self.at_end() {
            self.playing = false;
        }
    }

    fn step(&mut self, outputs: &mut Vec<Output>) -> Option<Stamped> {
        let input = self.tape.next(&mut self.cursor)?;
        self.market.step(&input, outputs);
        Some(input)
    }

    /// Goes to a moment, both ways. It may take a while on a tape that was just opened; see `progress`.
    pub fn seek(&mut self, to: TapeTime, at: Instant) {
        let to = to.max(self.tape.from()).min(self.tape.to());
        self.go(Target::Time(to), at);
    }

    fn go(&mut self, target: Target, at: Instant) {
        if self.covers(target) {
            self.pending = None;
            self.jump(target, at);
        } else {
            self.pending = Some(target);
        }
    }

    fn covers(&self, target: Target) -> bool {
        let index = lock(&self.index);
        index.complete
            || match target {
                Target::Time(time) => index.frontier.tape_time() > time,
                Target::Seq(seq) => index.frontier.seq() >= seq,
            }
    }

    /// Share of a waiting seek that is done.
    pub fn progress(&self) -> Option<f64> {
        let target = self.pending?;
        let index = lock(&self.index);
        let (from, reached) = (self.tape.from().nanos(), index.frontier.tape_time().nanos());
        let to = match target {
            Target::Time(time) => time.nanos(),
            Target::Seq(_) => self.tape.to().nanos(),
        };
        Some(((reached - from) as f64 / (to - from).max(1) as f64).clamp(0.0, 1.0))
    }

    fn jump(&mut self, target: Target, at: Instant) {
        self.rewind_before(target);
        let mut outputs = Vec::new();
        while let Some(next) = self.tape.peek(&self.cursor) {
            let there = match target {
                Target::Time(time) => next > time,
                Target::Seq(seq) => self.cursor.seq() >= seq,
            };
            if there {
                break;
            }
            self.step(&mut outputs);
            outputs.clear();
        }
        let landed = match target {
            Target::Time(time) => time,
            Target::Seq(_) => self.cursor.tape_time(),
        };
        self.anchor = (landed, at);
        self.jumps += 1;
        if self.at_end() {
            self.playing = false;
        }
    }

    /// Loads the nearest checkpoint at or before the target, unless going on from here is as good.
    fn rewind_before(&mut self, target: Target) {
        let before = |cursor: &Cursor| match target {
            Target::Time(time) => cursor.tape_time() <= time,
            Target::Seq(seq) => cursor.seq() <= seq,
        };
        let index = lock(&self.index);
        let nearest = index.checkpoints.iter().rev().find(|(cursor, _)| before(cursor));
        if before(&self.cursor) && nearest.is_none_or(|(cursor, _)| cursor.seq() <= self.cursor.seq()) {
            return;
        }
        let (cursor, market) = match nearest {
            Some((cursor, state)) => {
                (cursor.clone(), Market::from_bytes(state).expect("a checkpoint of this very process"))
            }
            None => (Cursor::default(), Market::default()),
        };
        drop(index);
        (self.cursor, self.market) = (cursor, market);
    }

    /// One trade of the pair, forward or back. Playing stops.
    pub fn step_tick(&mut self, pair: Pair, back: bool, at: Instant) {
        self.pause(at);
        if back {
            if let Some(seq) = self.previous_trade(pair) {
                self.go(Target::Seq(seq), at);
            }
            return;
        }
        let frontier = lock(&self.index).frontier.seq();
        let mut outputs = Vec::new();
        while self.cursor.seq() < frontier {
            let Some(input) = self.step(&mut outputs) else { break };
            if is_trade(&input, pair) {
                break;
            }
            outputs.clear();
        }
        self.anchor = (self.cursor.tape_time(), at);
    }

    /// The trade before the newest one shown: its seq is where a step back lands.
    fn previous_trade(&self, pair: Pair) -> Option<Seq> {
        let checkpoints: Vec<Cursor> = {
            let index = lock(&self.index);
            let before = index.checkpoints.iter().map(|(cursor, _)| cursor).filter(|c| c.seq() < self.cursor.seq());
            std::iter::once(Cursor::default()).chain(before.cloned()).collect()
        };
        // One stretch between checkpoints nearly always holds two trades; a quiet pair may need more.
        for start in checkpoints.into_iter().rev() {
            let (mut cursor, mut last, mut before_last) = (start, None, None);
            while cursor.seq() < self.cursor.seq() {
                let Some(input) = self.tape.next(&mut cursor) else { break };
                if is_trade(&input, pair) {
                    before_last = last.replace(input.seq);
                }
            }
            if before_last.is_some() {
                return before_last;
            }
        }
        None
    }

    /// To the next or the previous start of a bar. Playing stops.
    pub fn step_bar(&mut self, interval: Interval, back: bool, at: Instant) {
        self.pause(at);
        let here = EventTime::from_nanos(self.anchor_or_cursor().nanos());
        let to = if back {
            interval.start_of(here.plus_nanos(-1))
        } else {
            interval.start_of(here).plus_nanos(interval.nanos())
        };
        self.seek(TapeTime::from_nanos(to.nanos()), at);
    }

    /// After a seek the anchor says where the user asked to be, which may be between two ticks.
    fn anchor_or_cursor(&self) -> TapeTime {
        self.anchor.0.max(self.cursor.tape_time())
    }

    /// Minutes of a pair that start in `[from, to)` as they are known here and now, the forming ones last.
    pub fn minutes(&self, pair: Pair, from: EventTime, to: EventTime) -> Vec<Candle> {
        let mut known: BTreeMap<EventTime, Candle> = BTreeMap::new();
        let in_range = |candle: &Candle| candle.window_start >= from && candle.window_start < to;
        {
            let index = lock(&self.index);
            let candles = index.candles.get(&pair).map(Vec::as_slice).unwrap_or_default();
            let until = candles.partition_point(|c| c.seq <= self.cursor.seq());
            for candle in candles[..until].iter().filter(|c| in_range(c)) {
                known.insert(candle.window_start, *candle);
            }
        }
        for candle in self.market.forming(Source::Sample, pair).into_iter().filter(in_range) {
            known.insert(candle.window_start, candle);
        }
        known.into_values().collect()
    }
}

fn is_trade(input: &Stamped, pair: Pair) -> bool {
    matches!(&input.input, Input::Tick(tick) if tick.pair == pair && matches!(tick.kind, TickKind::Trade(_)))
}

fn lock(index: &Mutex<Index>) -> MutexGuard<'_, Index> {
    // The index grows by whole chunks under one lock: even after a panic elsewhere what it holds is true.
    index.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run_ahead(tape: &SampleTape, index: &std::sync::Weak<Mutex<Index>>) {
    let (mut market, mut cursor, mut outputs) = (Market::default(), Cursor::default(), Vec::new());
    let mut next_checkpoint = tape.from().nanos() + CHECKPOINT_SPACING;
    loop {
        let mut checkpoint = None;
        let mut complete = false;
        for _ in 0..INDEX_CHUNK {
            let Some(input) = tape.next(&mut cursor) else {
                complete = true;
                break;
            };
            market.step(&input, &mut outputs);
            if cursor.tape_time().nanos() >= next_checkpoint {
                next_checkpoint += CHECKPOINT_SPACING;
                checkpoint = Some((cursor.clone(), market.to_bytes()));
                break;
            }
        }
        let Some(index) = index.upgrade() else { return };
        let mut index = lock(&index);
        for output in outputs.drain(..) {
            if let Output::Candle(candle) = output {
                index.candles.entry(candle.pair).or_default().push(candle);
            }
        }
        index.checkpoints.extend(checkpoint);
        index.frontier = cursor.clone();
        index.complete = complete;
        if complete {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::SECOND;

    fn wait_for_index(player: &mut Player) {
        while !lock(&player.index).complete {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn going_back_and_forward_again_gives_the_same_market() {
        let tape = Arc::new(SampleTape::load().expect("shipped"));
        let at = Instant::now();
        let mut player = Player::new(Arc::clone(&tape), at);
        wait_for_index(&mut player);
        let moment = |minutes: i64| TapeTime::from_nanos(tape.from().nanos() + minutes * MINUTE + 7 * SECOND);
        player.seek(moment(700), at);
        let (hash, ticks) = (player.market.hash(), player.ticks());
        for minutes in [3, 1_439, 699, 701, 0] {
            player.seek(moment(minutes), at);
        }
        player.seek(moment(700), at);
        assert_eq!((player.market.hash(), player.ticks()), (hash.clone(), ticks));

        let mut straight = (Market::default(), Cursor::default(), Vec::new());
        while tape.peek(&straight.1).is_some_and(|next| next <= moment(700)) {
            let input = tape.next(&mut straight.1).expect("peeked");
            straight.0.step(&input, &mut straight.2);
        }
        assert_eq!(straight.0.hash(), hash, "a seek and a straight run differ");
    }

    #[test]
    fn nothing_after_the_cursor_is_shown() {
        let tape = Arc::new(SampleTape::load().expect("shipped"));
        let at = Instant::now();
        let mut player = Player::new(Arc::clone(&tape), at);
        wait_for_index(&mut player);
        let pair = "BTC-USD".parse().expect("a pair");
        player.seek(TapeTime::from_nanos(tape.from().nanos() + 90 * MINUTE), at);
        let shown = player.minutes(pair, EventTime::from_nanos(0), EventTime::from_nanos(i64::MAX));
        let last = shown.last().expect("an hour and a half of candles");
        assert!(last.window_start.nanos() <= tape.from().nanos() + 90 * MINUTE);
        assert!(shown.len() >= 90);
    }

    #[test]
    fn a_step_back_undoes_a_step_forward_and_a_pause_holds_the_clock() {
        let tape = Arc::new(SampleTape::load().expect("shipped"));
        let at = Instant::now();
        let mut player = Player::new(Arc::clone(&tape), at);
        wait_for_index(&mut player);
        let pair: Pair = "LINK-USD".parse().expect("a pair");
        player.seek(TapeTime::from_nanos(tape.from().nanos() + 300 * MINUTE), at);
        player.step_tick(pair, false, at);
        let first = player.market.hash();
        player.step_tick(pair, false, at);
        assert_ne!(player.market.hash(), first);
        player.step_tick(pair, true, at);
        assert_eq!(player.market.hash(), first);
        let paused = player.now(at + Duration::from_secs(5));
        assert_eq!(paused, player.now(at));
        player.set_speed(Some(600), at);
        player.play(at);
        player.advance(at + Duration::from_secs(1));
        let moved = player.now(at + Duration::from_secs(1)).nanos() - paused.nanos();
        assert_eq!(moved, 600 * SECOND, "600 × moves ten minutes a second");
    }
}
