//! Plays a finished tape: pause, speed, seek, step. The same engine as live, at another pace.
//!
//! A seek loads the nearest state at or before the target and steps forward, so going back and going forward give the same state, to the last
//! byte. States were laid while the tape was recorded, and are laid by a thread that runs ahead of the player.
//!
//! An account trades along, and goes back and forth with the market: the commands it was given are kept with the input they came after.
//! Whoever goes back and then does something else has gone another way; the one that was left is kept as it was.

mod ahead;
pub(super) mod reading;
#[cfg(test)]
mod tests;
mod ways;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::account::AccountTerms;
use super::engine::{Engine, Ordered};
use super::playable::{Place, Playable};
use super::recorded::is_trade;
use super::tape::TapeError;
use crate::domain::{Action, Candle, DeskOutput, EventTime, Interval, Output, Pair, Seq, Stamped, TapeTime};
use crate::engine::{Desk, Market};
use crate::journal::{Deed, JournalError};
use ahead::{HORIZON, Index, lock};
use reading::{Reading, Target};
pub use ways::{Reached, Way};

/// How long one call may step, so that the desk draws on time.
const STEP_BUDGET: Duration = Duration::from_millis(10);

/// How long a seek may hold up whoever asked for it; what takes longer goes on in the background, with its progress shown.
const SEEK_BUDGET: Duration = Duration::from_millis(60);

pub struct Player {
    tape: Arc<dyn Playable>,
    index: Arc<Mutex<Index>>,
    reading: Reading,
    ways: Vec<Way>,
    /// The one that is gone, of `ways`.
    way: usize,
    playing: bool,
    /// Multiple of real time; `None` as fast as it goes.
    speed: Option<u32>,
    /// Where and when the present pace began: position = tape time + elapsed × speed, so that nothing drifts.
    anchor: (TapeTime, Instant),
    pending: Option<Pending>,
    /// Played again and again.
    repeats: Option<(TapeTime, TapeTime)>,
    /// Grows with every jump.
    jumps: u32,
    /// The tape could not be read on.
    failed: Option<String>,
}

/// What is not there yet.
enum Pending {
    Seek(Box<Seek>),
    /// The next trade of a pair.
    Trade(Pair),
}

struct Seek {
    target: Target,
    /// Where it began, for its progress.
    began: TapeTime,
    reading: Reading,
}

/// A command that was not given yet, and whether it leaves the way that is gone.
#[derive(Clone, Debug)]
pub struct Plan {
    pub leaves: bool,
    pub commands: Vec<Ordered>,
}

impl Player {
    /// Stands at the start of the tape, paused, on the way of the account that was recorded along, or else of a new one by these terms.
    pub fn new(tape: Arc<dyn Playable>, terms: &AccountTerms, now: Instant) -> Result<Self, TapeError> {
        let root = match tape.recorded().is_some_and(super::playable::Recorded::has_account) {
            true => Way::recorded(tape.through()),
            false => Way::told_alone(opening_of(tape.as_ref(), terms)),
        };
        let (engine, deeds) = fresh(tape.as_ref(), &root);
        let mut index = Index::before(deeds);
        index.part(Place::default(), &engine);
        let reading = Reading::after(&tape, Place::default(), engine)?;
        let anchor = (tape.from(), now);
        let mut player = Self {
            tape,
            index: Arc::new(Mutex::new(index)),
            reading,
            ways: vec![root],
            way: 0,
            playing: false,
            speed: Some(1),
            anchor,
            pending: None,
            repeats: None,
            jumps: 0,
            failed: None,
        };
        player.run_ahead(TapeTime::default());
        Ok(player)
    }

    /// So far at least, and some way beyond the player. On a way that was recorded to its end there is nothing to learn.
    fn run_ahead(&mut self, through: TapeTime) {
        let way = &self.ways[self.way];
        if way.told().follows(self.tape.through()) {
            return;
        }
        let here = self.reading.place().at.max(self.tape.from()).nanos();
        let wanted = TapeTime::from_nanos(here.saturating_add(HORIZON)).max(through);
        let mut index = lock(&self.index);
        index.wanted = index.wanted.max(wanted);
        if let Some(failed) = &index.failed {
            self.failed = Some(failed.clone());
        }
        drop(index);
        ahead::run(&self.tape, &self.ways[self.way], &self.index);
    }

    pub fn tape(&self) -> &dyn Playable {
        self.tape.as_ref()
    }

    /// To be read while the player goes on.
    pub fn shared_tape(&self) -> Arc<dyn Playable> {
        Arc::clone(&self.tape)
    }

    pub fn market(&self) -> &Market {
        &self.reading.engine.market
    }

    pub fn desk(&self) -> &Desk {
        &self.reading.engine.desk
    }

    pub fn place(&self) -> Place {
        self.reading.place()
    }

    /// Everything of this moment, and of those before it, is known here.
    pub fn known_through(&self) -> TapeTime {
        let here = self.moment();
        match self.reading.peek() {
            Some(next) if next.at <= here => TapeTime::from_nanos(next.at.nanos().saturating_sub(1)),
            _ => here,
        }
    }

    /// Why the tape is not read on.
    pub fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// What the account did until here, in order.
    pub fn deeds(&self) -> Result<Vec<Deed>, JournalError> {
        let here = self.place().seq;
        let own: Vec<Deed> = {
            let index = lock(&self.index);
            let until = index.deeds.partition_point(|deed| deed.seq <= here);
            index.deeds[..until].to_vec()
        };
        let (Some(recorded), Some(follows)) = (self.tape.recorded(), self.ways[self.way].follows) else {
            return Ok(own);
        };
        let through = here.min(follows);
        let transfers = own.iter().filter(|deed| matches!(deed.output, DeskOutput::Transfer(_))).count() as u64;
        let mut deeds = Vec::new();
        for order in recorded.orders(through)? {
            let id = order.report.order.id;
            if order.changed <= through {
                let output = DeskOutput::Order(order.report);
                deeds.push(Deed { seq: order.placed, tape_time: order.placed_at, output });
                deeds.push(Deed { seq: order.changed, tape_time: order.changed_at, output });
                continue;
            }
            // It changed after this place. Here it stands as the account says, or has ended as this way says.
            let open = self.desk().book().open_orders().find(|open| open.order.id == id);
            let ended = || {
                own.iter().find_map(|deed| match deed.output {
                    DeskOutput::Order(report) if report.order.id == id => Some(report),
                    _ => None,
                })
            };
            let report = open.or_else(ended).unwrap_or(order.report);
            deeds.push(Deed { seq: order.placed, tape_time: order.placed_at, output: DeskOutput::Order(report) });
        }
        deeds.extend(recorded.deeds(through, self.desk().ledger().head().count.saturating_sub(transfers))?);
        deeds.extend(own);
        Ok(deeds)
    }

    /// Ways that were gone before, after those that are known.
    pub fn know_ways(&mut self, ways: Vec<Way>) {
        self.ways.extend(ways);
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

    /// Whether something is not there yet.
    pub fn is_seeking(&self) -> bool {
        self.pending.is_some()
    }

    /// Notes how far this way was played. Before whatever goes elsewhere.
    fn note_reached(&mut self) {
        let Place { seq, at } = self.place();
        if seq > self.ways[self.way].reached.seq {
            let equity = self.desk().equity().total;
            self.ways[self.way].reached = Reached { seq, at, equity };
        }
    }

    /// What telling the account this here and now comes to. The first command opens it.
    pub fn plan(&self, action: Action, terms: &AccountTerms) -> Plan {
        let place = self.place();
        let way = &self.ways[self.way];
        let is_recorded = way.follows.is_some() && way.left.is_none();
        let follows_on = way.follows.is_some_and(|through| through > place.seq);
        let told_later = way.commands.last().is_some_and(|last| last.after > place.seq);
        let at = place.at.max(self.tape.from());
        let unopened = self.desk().ledger().head().count == 0;
        let mut commands = if unopened { opening(terms, self.desk(), place) } else { Vec::new() };
        commands.push(Ordered { after: place.seq, at, action });
        Plan { leaves: is_recorded || follows_on || told_later, commands }
    }

    /// Tells the account, here and now. What it was told for later, on the way so far, is left with that way.
    pub fn act(&mut self, plan: &Plan) -> Vec<Deed> {
        self.note_reached();
        let place = self.place();
        let at = place.at.max(self.tape.from());
        if plan.leaves {
            let way = self.ways[self.way].until(place.seq);
            self.ways.push(Way { left: Some((self.way, at)), ..way });
            self.way = self.ways.len() - 1;
        }
        let mut done = Vec::new();
        for command in &plan.commands {
            self.ways[self.way].commands.push(*command);
            self.reading.engine.command(command, &mut done);
        }
        let mut index = lock(&self.index);
        index.part(place, &self.reading.engine);
        index.deeds.extend(done.iter().copied());
        index.states.push((place, self.reading.engine.clone()));
        drop(index);
        self.run_ahead(place.at);
        done
    }

    /// Goes a way that was left, from the same moment of the tape.
    ///
    /// Panics when there is no such way.
    pub fn take_way(&mut self, way: usize, at: Instant) -> Result<(), TapeError> {
        self.note_reached();
        let parting = self.ways[self.way].parts_from(&self.ways[way]);
        self.way = way;
        let Some(parting) = parting else { return Ok(()) };
        let moment = self.moment();
        lock(&self.index).states.retain(|(place, _)| place.seq < parting);
        // The last place at which both were told the same.
        let (place, engine) = self.nearest(Target::Seq(Seq(parting.0.saturating_sub(1))))?;
        let mut index = lock(&self.index);
        index.part(place, &engine);
        if place == Place::default() {
            index.deeds = fresh(self.tape.as_ref(), &self.ways[way]).1;
        }
        index.states.push((place, engine.clone()));
        drop(index);
        self.reading = Reading::after(&self.tape, place, engine)?;
        self.pending = None;
        self.seek(moment, at);
        Ok(())
    }

    pub fn playing(&self) -> bool {
        self.playing
    }

    pub fn speed(&self) -> Option<u32> {
        self.speed
    }

    /// Trades played so far.
    pub fn trades(&self) -> u64 {
        self.market().pairs().map(|(.., pair)| pair.trades()).sum()
    }

    pub fn jumps(&self) -> u32 {
        self.jumps
    }

    pub fn at_end(&self) -> bool {
        self.reading.peek().is_none()
    }

    /// The session's now. While playing between two ticks it moves on with the pace.
    pub fn now(&self, at: Instant) -> TapeTime {
        let reached = self.moment();
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
            self.anchor = (self.moment(), at);
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
        self.run_ahead(TapeTime::default());
        if self.pending.is_some() {
            self.work(at, STEP_BUDGET);
            return;
        }
        if !self.playing {
            return;
        }
        if let Some((from, to)) = self.repeats
            && (self.now(at) >= to || self.at_end())
        {
            return self.seek(from, at);
        }
        let due = self.due(at);
        let known = self.known();
        let started = Instant::now();
        let mut outputs = Vec::new();
        for count in 1.. {
            if self.reading.peek().is_none_or(|next| next.seq > known || next.at > due) {
                break;
            }
            self.step(&mut outputs);
            outputs.clear();
            if count % 256 == 0 && started.elapsed() > STEP_BUDGET {
                break;
            }
        }
        if self.at_end() && self.repeats.is_none() {
            self.playing = false;
        }
    }

    /// Plays a range again and again, from its start; none plays on. A range that is empty is none.
    pub fn repeat(&mut self, range: Option<(TapeTime, TapeTime)>, at: Instant) {
        let (first, last) = (self.tape.from(), self.tape.to());
        let within = |(from, to): (TapeTime, TapeTime)| (from.max(first), to.min(last));
        self.repeats = range.map(within).filter(|(from, to)| from < to);
        if let Some((from, to)) = self.repeats
            && !(from..to).contains(&self.now(at))
        {
            self.seek(from, at);
        }
    }

    pub fn repeats(&self) -> Option<(TapeTime, TapeTime)> {
        self.repeats
    }

    /// To the next or the previous fill of the account. Playing stops.
    pub fn step_fill(&mut self, back: bool, at: Instant) -> Result<(), JournalError> {
        self.pause(at);
        let here = self.place().seq;
        let mut fills: Vec<Seq> = {
            let index = lock(&self.index);
            let fill = |deed: &&Deed| matches!(deed.output, DeskOutput::Fill(_));
            index.deeds.iter().filter(fill).map(|deed| deed.seq).collect()
        };
        if let (Some(recorded), Some(follows)) = (self.tape.recorded(), self.ways[self.way].follows) {
            fills.extend(recorded.deeds(follows, 0)?.iter().map(|deed| deed.seq));
        }
        let to = if back {
            fills.into_iter().filter(|seq| *seq < here).max()
        } else {
            fills.into_iter().filter(|seq| *seq > here).min()
        };
        if let Some(to) = to {
            self.go(Target::Seq(to), at);
        }
        Ok(())
    }

    /// Through here it is known what the account does.
    fn known(&self) -> Seq {
        let index = lock(&self.index);
        let follows = self.ways[self.way].follows.unwrap_or_default();
        if index.complete { Seq(u64::MAX) } else { index.frontier.seq.max(follows) }
    }

    fn step(&mut self, outputs: &mut Vec<Output>) -> Option<Stamped> {
        // What the account does here is known already.
        let mut deeds = Vec::new();
        let stepped = self.reading.step(self.ways[self.way].told(), outputs, &mut deeds);
        stepped.unwrap_or_else(|error| self.fail(&error))
    }

    fn fail<T>(&mut self, error: &TapeError) -> Option<T> {
        self.failed = Some(error.to_string());
        self.playing = false;
        None
    }

    /// Goes to a moment, both ways. What takes long goes on while the player stands where it was; see `progress`.
    pub fn seek(&mut self, to: TapeTime, at: Instant) {
        let to = to.max(self.tape.from()).min(self.tape.to());
        self.go(Target::Time(to), at);
    }

    fn go(&mut self, target: Target, at: Instant) {
        self.note_reached();
        if let Target::Time(time) = target {
            self.run_ahead(time);
        }
        let began = self.nearest(target).and_then(|(place, engine)| {
            Ok(Seek { target, began: place.at, reading: Reading::after(&self.tape, place, engine)? })
        });
        match began {
            Ok(seek) => self.pending = Some(Pending::Seek(Box::new(seek))),
            Err(error) => return self.fail(&error).unwrap_or_default(),
        }
        self.work(at, SEEK_BUDGET);
    }

    /// Where a run to the target best begins: the nearest state that was laid, or where the player stands.
    fn nearest(&self, target: Target) -> Result<(Place, Engine), TapeError> {
        let way = &self.ways[self.way];
        let mut best = (Place::default(), None);
        if let (Some(recorded), Some(follows)) = (self.tape.recorded(), way.follows) {
            let own = way.commands.first().map_or(Seq(u64::MAX), |first| first.after);
            let beyond = |place: Place| target.is_beyond(place) || place.seq > follows || place.seq >= own;
            if let Some(laid) = recorded.state_before(&beyond)?
                && let Some(desk) = laid.desk
            {
                best = (laid.place, Some(Engine { market: laid.market, desk }));
            }
        }
        let index = lock(&self.index);
        if let Some((place, engine)) = index.states.iter().rev().find(|(place, _)| !target.is_beyond(*place))
            && place.seq >= best.0.seq
        {
            best = (*place, Some(engine.clone()));
        }
        drop(index);
        let here = self.place();
        if !target.is_beyond(here) && here.seq >= best.0.seq && here.seq > Seq(0) {
            best = (here, Some(self.reading.engine.clone()));
        }
        let (place, engine) = best;
        Ok((place, engine.unwrap_or_else(|| fresh(self.tape.as_ref(), way).0)))
    }

    /// Goes on with what is not there yet.
    fn work(&mut self, at: Instant, budget: Duration) {
        let started = Instant::now();
        let known = self.known();
        let mut outputs = Vec::new();
        match self.pending.take() {
            None => {}
            Some(Pending::Trade(pair)) => {
                for count in 1.. {
                    match self.reading.peek() {
                        None => break,
                        Some(next) if next.seq > known => {
                            self.pending = Some(Pending::Trade(pair));
                            break;
                        }
                        Some(_) => {}
                    }
                    let Some(input) = self.step(&mut outputs) else { break };
                    if is_trade(&input.input, pair) {
                        break;
                    }
                    outputs.clear();
                    if count % 256 == 0 && started.elapsed() > budget {
                        self.pending = Some(Pending::Trade(pair));
                        break;
                    }
                }
                self.anchor = (self.place().at, at);
            }
            Some(Pending::Seek(seek)) => self.work_on(seek, known, at, started + budget),
        }
    }

    fn work_on(&mut self, mut seek: Box<Seek>, known: Seq, at: Instant, until: Instant) {
        let nearer = {
            let index = lock(&self.index);
            let nearest = index.states.iter().rev().find(|(place, _)| !seek.target.is_beyond(*place));
            nearest.filter(|(place, _)| place.seq > seek.reading.place().seq).map(|(place, e)| (*place, e.clone()))
        };
        if let Some((place, engine)) = nearer {
            match Reading::after(&self.tape, place, engine) {
                Ok(reading) => seek.reading = reading,
                Err(error) => return self.fail(&error).unwrap_or_default(),
            }
        }
        let (mut outputs, mut deeds) = (Vec::new(), Vec::new());
        for count in 1.. {
            match seek.reading.peek() {
                Some(next) if !seek.target.is_beyond(next) => {
                    if next.seq > known || (count % 256 == 0 && Instant::now() > until) {
                        self.pending = Some(Pending::Seek(seek));
                        return;
                    }
                }
                _ => break,
            }
            if let Err(error) = seek.reading.step(self.ways[self.way].told(), &mut outputs, &mut deeds) {
                return self.fail(&error).unwrap_or_default();
            }
            outputs.clear();
            deeds.clear();
        }
        self.reading = seek.reading;
        let landed = match seek.target {
            Target::Time(time) => time,
            Target::Seq(_) => self.place().at,
        };
        self.anchor = (landed, at);
        self.jumps += 1;
        if self.at_end() && self.repeats.is_none() {
            self.playing = false;
        }
    }

    /// Share of a waiting seek that is done.
    pub fn progress(&self) -> Option<f64> {
        let Pending::Seek(seek) = self.pending.as_ref()? else { return Some(0.0) };
        let reached = seek.reading.place().at.max(lock(&self.index).frontier.at).nanos();
        let to = match seek.target {
            Target::Time(time) => time.nanos(),
            Target::Seq(_) => self.place().at.nanos(),
        };
        let from = seek.began.max(self.tape.from()).nanos();
        Some(((reached - from) as f64 / (to - from).max(1) as f64).clamp(0.0, 1.0))
    }

    /// Stays where it was.
    pub fn cancel_seek(&mut self) {
        self.pending = None;
    }

    /// One trade of the pair, forward or back. Playing stops.
    pub fn step_tick(&mut self, pair: Pair, back: bool, at: Instant) {
        self.pause(at);
        if !back {
            self.pending = Some(Pending::Trade(pair));
            return self.work(at, SEEK_BUDGET);
        }
        match self.previous_trade(pair) {
            Ok(Some(seq)) => self.go(Target::Seq(seq), at),
            Ok(None) => {}
            Err(error) => self.fail(&error).unwrap_or_default(),
        }
    }

    /// The trade before the newest one shown: its seq is where a step back lands.
    fn previous_trade(&self, pair: Pair) -> Result<Option<Seq>, TapeError> {
        let here = self.place().seq;
        let mut before = here;
        // One stretch between two states nearly always holds two trades; a quiet pair may need more.
        while before > Seq(0) {
            let start = self.laid_before(before)?;
            let (mut last, mut before_last) = (None, None);
            for input in self.tape.read(start)? {
                let input = input?;
                if input.seq > here {
                    break;
                }
                if is_trade(&input.input, pair) {
                    before_last = last.replace(input.seq);
                }
            }
            if before_last.is_some() {
                return Ok(before_last);
            }
            before = start;
        }
        Ok(None)
    }

    fn laid_before(&self, seq: Seq) -> Result<Seq, TapeError> {
        let beyond = |place: Place| place.seq >= seq;
        let recorded = match self.tape.recorded() {
            Some(recorded) => recorded.state_before(&beyond)?.map(|laid| laid.place.seq),
            None => None,
        };
        let index = lock(&self.index);
        let own = index.states.iter().rev().find(|(place, _)| !beyond(*place)).map(|(place, _)| place.seq);
        Ok(recorded.max(own).unwrap_or_default())
    }

    /// To the next or the previous start of a bar. Playing stops.
    pub fn step_bar(&mut self, interval: Interval, back: bool, at: Instant) {
        self.pause(at);
        let here = EventTime::from_nanos(self.moment().nanos());
        let to = if back {
            interval.start_of(here.plus_nanos(-1))
        } else {
            interval.start_of(here).plus_nanos(interval.nanos())
        };
        self.seek(TapeTime::from_nanos(to.nanos()), at);
    }

    /// Where the trader is: after a seek that is where he asked to be, which may be between two inputs.
    pub fn moment(&self) -> TapeTime {
        self.anchor.0.max(self.place().at).max(self.tape.from())
    }

    /// Minutes of a pair that start in `[from, to)` as they are known here and now, the forming ones last.
    pub fn minutes(&self, pair: Pair, from: EventTime, to: EventTime) -> Result<Vec<Candle>, JournalError> {
        let mut known: BTreeMap<EventTime, Candle> = BTreeMap::new();
        let in_range = |candle: &Candle| candle.window_start >= from && candle.window_start < to;
        if let Some(recorded) = self.tape.recorded() {
            let minutes = recorded.minutes(pair, from, to, self.place())?;
            known.extend(minutes.into_iter().map(|candle| (candle.window_start, candle)));
        } else {
            let index = lock(&self.index);
            let candles = index.candles.get(&pair).map(Vec::as_slice).unwrap_or_default();
            let until = candles.partition_point(|c| c.seq <= self.place().seq);
            for candle in candles[..until].iter().filter(|c| in_range(c)) {
                known.insert(candle.window_start, *candle);
            }
        }
        for candle in self.market().forming(self.tape.source(), pair).into_iter().filter(in_range) {
            known.insert(candle.window_start, candle);
        }
        Ok(known.into_values().collect())
    }
}

fn new_engine(tape: &dyn Playable) -> Engine {
    Engine::new(tape.lanes())
}

/// What opens an account by these terms before the first input of a tape.
pub fn opening_of(tape: &dyn Playable, terms: &AccountTerms) -> Vec<Ordered> {
    opening(terms, &new_engine(tape).desk, Place::default())
}

/// What opens an account that trades by consensus from the first input on.
pub fn opening_by_consensus(terms: &AccountTerms, desk: &Desk) -> Vec<Ordered> {
    let place = Place::default();
    let mut all = opening(terms, desk, place);
    all.push(Ordered { after: place.seq, at: place.at, action: Action::Consensus(true) });
    all
}

/// What opens an account by these terms.
pub(super) fn opening(terms: &AccountTerms, desk: &Desk, place: Place) -> Vec<Ordered> {
    let opening = Action::Open { amount: terms.opening_deposit };
    let tell = |action| Ordered { after: place.seq, at: place.at, action };
    std::iter::once(opening).chain(terms.unknown_to(desk)).map(tell).collect()
}

/// Before the first input.
pub(super) fn fresh(tape: &dyn Playable, way: &Way) -> (Engine, Vec<Deed>) {
    let (mut engine, mut deeds) = (new_engine(tape), Vec::new());
    for command in way.told().after(Seq::default()) {
        engine.command(command, &mut deeds);
    }
    (engine, deeds)
}
