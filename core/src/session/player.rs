//! Plays a finished tape: pause, speed, seek, step. The same engine as live, at another pace.
//!
//! A thread of its own runs ahead over the whole tape and lays checkpoints; a seek loads the nearest one at or before the target
//! and steps forward, so going back and going forward give the same state, to the last byte.
//!
//! An account trades along, and goes back and forth with the market: the commands it was given are kept with the input they came after.
//! Whoever goes back and then does something else has gone another way; the one that was left is kept as it was.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::account::AccountTerms;
use super::engine::{Engine, Ordered};
use super::sample::{Cursor, SampleTape};
use crate::domain::time::MINUTE;
use crate::domain::{
    Action, Amount, Candle, EventTime, Input, Interval, Output, Pair, Seq, Source, Stamped, TapeTime, TickKind,
};
use crate::engine::{Desk, Lanes, Market};
use crate::journal::Deed;

/// Tape time between checkpoints: what a seek steps through, at most.
const CHECKPOINT_SPACING: i64 = 10 * MINUTE;

/// Inputs the index takes between looks at its lock.
const INDEX_CHUNK: usize = 8_192;

/// How long one call may step, so that the desk draws on time.
const STEP_BUDGET: Duration = Duration::from_millis(10);

/// What the run ahead has learnt of the tape, and of the account on it. Grows at its end, until the account goes another way.
#[derive(Default)]
struct Index {
    checkpoints: Vec<(Cursor, Vec<u8>)>,
    /// They owe nothing to the account, and stay when it goes another way.
    candles: BTreeMap<Pair, Vec<Candle>>,
    candles_through: Seq,
    deeds: Vec<Deed>,
    frontier: Cursor,
    complete: bool,
    /// Of the way: a run ahead on another one ends.
    way: u32,
}

/// All that an account was told, in order: the tape does the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    pub commands: Vec<Ordered>,
    /// Where it left another way, and which.
    pub left: Option<(usize, TapeTime)>,
    /// The farthest that was played of it, and the equity there.
    pub reached: Reached,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    seq: Seq,
    pub at: TapeTime,
    pub equity: Amount,
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
    engine: Engine,
    cursor: Cursor,
    ways: Vec<Way>,
    /// The one that is gone, of `ways`.
    way: usize,
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
    /// Starts the run ahead. The player stands at the start, paused, and an account by these terms with it.
    pub fn new(tape: Arc<SampleTape>, terms: &AccountTerms, now: Instant) -> Self {
        let opening = Action::Open { amount: terms.opening_deposit };
        let rules = terms.unknown_to(&Desk::new(LANES));
        let first = |action| Ordered { after: Seq::default(), at: TapeTime::default(), action };
        let commands: Vec<Ordered> = std::iter::once(opening).chain(rules).map(first).collect();
        let (engine, deeds) = fresh(&commands);
        let index = Arc::new(Mutex::new(Index { deeds, ..Index::default() }));
        let anchor = (tape.from(), now);
        let player = Self {
            tape,
            index,
            engine,
            cursor: Cursor::default(),
            ways: vec![Way { commands, left: None, reached: Reached::default() }],
            way: 0,
            playing: false,
            speed: Some(1),
            anchor,
            pending: None,
            jumps: 0,
        };
        player.run_ahead();
        player
    }

    /// From here on, on the way that is gone.
    fn run_ahead(&self) {
        let ahead = Ahead {
            tape: Arc::clone(&self.tape),
            commands: self.ways[self.way].commands.clone(),
            engine: self.engine.clone(),
            cursor: self.cursor.clone(),
            way: lock(&self.index).way,
        };
        let index = Arc::downgrade(&self.index);
        std::thread::spawn(move || ahead.run(&index));
    }

    pub fn tape(&self) -> &SampleTape {
        &self.tape
    }

    pub fn market(&self) -> &Market {
        &self.engine.market
    }

    pub fn desk(&self) -> &Desk {
        &self.engine.desk
    }

    /// What the account did until here, in order.
    pub fn deeds(&self) -> Vec<Deed> {
        let index = lock(&self.index);
        let until = index.deeds.partition_point(|deed| deed.seq <= self.cursor.seq());
        index.deeds[..until].to_vec()
    }

    /// With how far this one has come by now.
    pub fn ways(&mut self) -> &[Way] {
        self.note_reached();
        &self.ways
    }

    /// The one that is gone, of `ways`.
    pub fn way(&self) -> usize {
        self.way
    }

    /// Whether a seek waits for the run ahead.
    pub fn is_seeking(&self) -> bool {
        self.pending.is_some()
    }

    /// Notes how far this way was played. Before whatever goes elsewhere.
    fn note_reached(&mut self) {
        let seq = self.cursor.seq();
        if seq > self.ways[self.way].reached.seq {
            let (at, equity) = (self.cursor.tape_time(), self.engine.desk.equity().total);
            self.ways[self.way].reached = Reached { seq, at, equity };
        }
    }

    /// Tells the account something, here and now. What it was told for later, on the way so far, is left with that way.
    pub fn act(&mut self, action: Action) -> Vec<Deed> {
        self.note_reached();
        let here = self.cursor.seq();
        let at = self.cursor.tape_time().max(self.tape.from());
        let told = &self.ways[self.way].commands;
        let until = told.partition_point(|command| command.after <= here);
        if until < told.len() {
            let commands = told[..until].to_vec();
            self.ways.push(Way { commands, left: Some((self.way, at)), reached: Reached::default() });
            self.way = self.ways.len() - 1;
        }
        let command = Ordered { after: here, at, action };
        self.ways[self.way].commands.push(command);
        let mut done = Vec::new();
        self.engine.command(&command, &mut done);

        let mut index = lock(&self.index);
        let kept = index.deeds.partition_point(|deed| deed.seq <= here);
        index.deeds.truncate(kept);
        index.deeds.extend(done.iter().copied());
        index.checkpoints.retain(|(cursor, _)| cursor.seq() < here);
        index.checkpoints.push((self.cursor.clone(), self.engine.to_bytes()));
        index.frontier = self.cursor.clone();
        index.complete = false;
        index.way += 1;
        drop(index);
        self.run_ahead();
        done
    }

    /// Goes a way that was left, from the same moment of the tape.
    ///
    /// Panics when there is no such way.
    pub fn take_way(&mut self, way: usize, at: Instant) {
        self.note_reached();
        let (now, then) = (&self.ways[self.way].commands, &self.ways[way].commands);
        let alike = now.iter().zip(then).take_while(|(a, b)| a == b).count();
        let parting = now.get(alike).into_iter().chain(then.get(alike)).map(|command| command.after).min();
        self.way = way;
        let Some(parting) = parting else { return };
        let moment = self.anchor_or_cursor();
        let mut index = lock(&self.index);
        index.checkpoints.retain(|(cursor, _)| cursor.seq() < parting);
        (self.cursor, self.engine) = match index.checkpoints.last() {
            Some((cursor, state)) => (cursor.clone(), Engine::of(state).expect("a checkpoint of this very process")),
            None => {
                let (engine, deeds) = fresh(&self.ways[way].commands);
                index.deeds = deeds;
                (Cursor::default(), engine)
            }
        };
        let kept = index.deeds.partition_point(|deed| deed.seq <= self.cursor.seq());
        index.deeds.truncate(kept);
        index.frontier = self.cursor.clone();
        index.complete = false;
        index.way += 1;
        drop(index);
        self.run_ahead();
        self.seek(moment, at);
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
        // The run ahead has told what the account does.
        let mut deeds = Vec::new();
        step(&self.tape, &mut self.cursor, &mut self.engine, &self.ways[self.way].commands, outputs, &mut deeds)
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
        self.note_reached();
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
        let (cursor, engine) = match nearest {
            Some((cursor, state)) => (cursor.clone(), Engine::of(state).expect("a checkpoint of this very process")),
            None => (Cursor::default(), fresh(&self.ways[self.way].commands).0),
        };
        drop(index);
        (self.cursor, self.engine) = (cursor, engine);
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
        for candle in self.engine.market.forming(Source::Sample, pair).into_iter().filter(in_range) {
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

/// The account plays the sample alone.
const LANES: Lanes = Lanes::One(Source::Sample);

/// Before the first input.
fn fresh(commands: &[Ordered]) -> (Engine, Vec<Deed>) {
    let (mut engine, mut deeds) = (Engine::new(LANES), Vec::new());
    for command in told_after(commands, Seq::default()) {
        engine.command(command, &mut deeds);
    }
    (engine, deeds)
}

fn told_after(commands: &[Ordered], seq: Seq) -> &[Ordered] {
    let from = commands.partition_point(|command| command.after < seq);
    let until = commands.partition_point(|command| command.after <= seq);
    &commands[from..until]
}

/// The next input of the tape, and the commands that came after it.
fn step(
    tape: &SampleTape,
    cursor: &mut Cursor,
    engine: &mut Engine,
    commands: &[Ordered],
    outputs: &mut Vec<Output>,
    deeds: &mut Vec<Deed>,
) -> Option<Stamped> {
    let input = tape.next(cursor)?;
    engine.step(&input, outputs, deeds);
    for command in told_after(commands, input.seq) {
        engine.command(command, deeds);
    }
    Some(input)
}

/// A run to the end of the tape, from where the player stood when the account was last told something.
struct Ahead {
    tape: Arc<SampleTape>,
    commands: Vec<Ordered>,
    engine: Engine,
    cursor: Cursor,
    way: u32,
}

impl Ahead {
    fn run(mut self, index: &Weak<Mutex<Index>>) {
        let (mut outputs, mut deeds) = (Vec::new(), Vec::new());
        let mut next_checkpoint = self.cursor.tape_time().max(self.tape.from()).nanos() + CHECKPOINT_SPACING;
        loop {
            let mut checkpoint = None;
            let mut complete = false;
            for _ in 0..INDEX_CHUNK {
                let Self { tape, commands, engine, cursor, .. } = &mut self;
                if step(tape, cursor, engine, commands, &mut outputs, &mut deeds).is_none() {
                    complete = true;
                    break;
                }
                if cursor.tape_time().nanos() >= next_checkpoint {
                    next_checkpoint += CHECKPOINT_SPACING;
                    checkpoint = Some((cursor.clone(), engine.to_bytes()));
                    break;
                }
            }
            let Some(index) = index.upgrade() else { return };
            let mut index = lock(&index);
            if index.way != self.way {
                return;
            }
            let known = index.candles_through;
            for output in outputs.drain(..) {
                if let Output::Candle(candle) = output
                    && candle.seq > known
                {
                    index.candles.entry(candle.pair).or_default().push(candle);
                }
            }
            index.candles_through = known.max(self.cursor.seq());
            index.deeds.append(&mut deeds);
            index.checkpoints.extend(checkpoint);
            index.frontier = self.cursor.clone();
            index.complete = complete;
            if complete {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::SECOND;

    fn terms() -> AccountTerms {
        let opening_deposit = Amount::from_units(100_000 * i128::from(crate::domain::money::ONE));
        AccountTerms::new(opening_deposit, crate::domain::Settings::default(), &BTreeMap::new())
    }

    fn wait_for_index(player: &mut Player) {
        while !lock(&player.index).complete {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn going_back_and_forward_again_gives_the_same_market() {
        let tape = Arc::new(SampleTape::load().expect("shipped"));
        let at = Instant::now();
        let mut player = Player::new(Arc::clone(&tape), &terms(), at);
        wait_for_index(&mut player);
        let moment = |minutes: i64| TapeTime::from_nanos(tape.from().nanos() + minutes * MINUTE + 7 * SECOND);
        player.seek(moment(700), at);
        let (hash, ticks) = (player.market().hash(), player.ticks());
        for minutes in [3, 1_439, 699, 701, 0] {
            player.seek(moment(minutes), at);
        }
        player.seek(moment(700), at);
        assert_eq!((player.market().hash(), player.ticks()), (hash.clone(), ticks));

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
        let mut player = Player::new(Arc::clone(&tape), &terms(), at);
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
        let mut player = Player::new(Arc::clone(&tape), &terms(), at);
        wait_for_index(&mut player);
        let pair: Pair = "LINK-USD".parse().expect("a pair");
        player.seek(TapeTime::from_nanos(tape.from().nanos() + 300 * MINUTE), at);
        player.step_tick(pair, false, at);
        let first = player.market().hash();
        player.step_tick(pair, false, at);
        assert_ne!(player.market().hash(), first);
        player.step_tick(pair, true, at);
        assert_eq!(player.market().hash(), first);
        let paused = player.now(at + Duration::from_secs(5));
        assert_eq!(paused, player.now(at));
        player.set_speed(Some(600), at);
        player.play(at);
        player.advance(at + Duration::from_secs(1));
        let moved = player.now(at + Duration::from_secs(1)).nanos() - paused.nanos();
        assert_eq!(moved, 600 * SECOND, "600 × moves ten minutes a second");
    }

    fn buy(id: &str) -> Action {
        let pair = "BTC-USD".parse().expect("a pair");
        Action::Place(crate::domain::Order {
            id: id.parse().expect("a name"),
            pair,
            side: crate::domain::Side::Buy,
            quantity: crate::domain::Quantity::from_units(1_000_000),
            terms: crate::domain::Terms::Market,
            time_in_force: crate::domain::TimeInForce::GoodTillCancelled,
            reduce_only: false,
            post_only: false,
            take_profit: None,
            stop_loss: None,
        })
    }

    /// Straight from the start to where the player stands, without a checkpoint.
    fn straight(player: &Player) -> (Vec<u8>, Vec<Deed>) {
        let commands = &player.ways[player.way].commands;
        let (mut engine, mut deeds) = fresh(commands);
        let (mut cursor, mut outputs) = (Cursor::default(), Vec::new());
        while cursor.seq() < player.cursor.seq() {
            step(&player.tape, &mut cursor, &mut engine, commands, &mut outputs, &mut deeds).expect("the tape");
            outputs.clear();
        }
        (engine.to_bytes(), deeds)
    }

    #[test]
    fn an_account_goes_back_and_forth_with_the_market_and_what_was_left_is_kept() {
        let tape = Arc::new(SampleTape::load().expect("shipped"));
        let at = Instant::now();
        let mut player = Player::new(Arc::clone(&tape), &terms(), at);
        wait_for_index(&mut player);
        let moment = |minutes: i64| TapeTime::from_nanos(tape.from().nanos() + minutes * MINUTE + 7 * SECOND);
        let held = |player: &Player| player.desk().positions().iter().any(|(_, held)| held.quantity.units() > 0);

        player.seek(moment(60), at);
        player.act(buy("first"));
        assert!(!held(&player), "nothing has printed since");
        wait_for_index(&mut player);
        player.seek(moment(61), at);
        assert!(held(&player), "a print fills it");
        let (bytes, deeds) = (player.engine.to_bytes(), player.deeds());
        player.seek(moment(59), at);
        assert!(!held(&player) && player.desk().book().open_count() == 0, "before the order there was none");
        player.seek(moment(61), at);
        assert_eq!((player.engine.to_bytes(), player.deeds()), (bytes.clone(), deeds), "the same future");

        // Another way from a moment before it, and back to the first.
        player.seek(moment(59), at);
        player.act(buy("other"));
        assert_eq!((player.ways().len(), player.way()), (2, 1));
        wait_for_index(&mut player);
        player.seek(moment(61), at);
        assert_ne!(player.engine.to_bytes(), bytes);
        player.take_way(0, at);
        wait_for_index(&mut player);
        player.advance(at);
        assert_eq!(player.engine.to_bytes(), bytes, "the way that was left is as it was");
        assert_eq!(player.deeds(), straight(&player).1);
    }

    #[test]
    fn any_way_to_a_moment_comes_to_the_same_account() {
        use rand_chacha::ChaCha8Rng;
        use rand_chacha::rand_core::{RngCore, SeedableRng};
        let tape = Arc::new(SampleTape::load().expect("shipped"));
        let at = Instant::now();
        let mut dice = ChaCha8Rng::seed_from_u64(5);
        let mut player = Player::new(Arc::clone(&tape), &terms(), at);
        let pair: Pair = "ETH-USD".parse().expect("a pair");
        let looks = if std::env::var_os("TAPEDECK_SOAK").is_some() { 1_000 } else { 60 };
        for number in 0..looks {
            match dice.next_u32() % 6 {
                0 => {
                    player.act(buy(&format!("b{number}")));
                }
                1 => {
                    player.act(Action::CancelAll);
                }
                2 => player.step_tick(pair, dice.next_u32().is_multiple_of(2), at),
                3 => player.step_bar(Interval::M1, dice.next_u32().is_multiple_of(2), at),
                4 => {
                    let way = dice.next_u32() as usize % player.ways().len();
                    player.take_way(way, at);
                }
                _ => {
                    let minutes = i64::from(dice.next_u32() % 240);
                    player.seek(TapeTime::from_nanos(tape.from().nanos() + minutes * MINUTE), at);
                }
            }
            while player.is_seeking() {
                std::thread::sleep(Duration::from_millis(1));
                player.advance(at);
            }
            assert_eq!((player.engine.to_bytes(), player.deeds()), straight(&player), "after {number}");
        }
        assert!(player.ways().len() > 2, "nobody went another way");
    }
}
