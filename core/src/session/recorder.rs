//! The one way into the journal: admit, append, sync, step, project. In that order, always.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::account::AccountTerms;
use super::engine::{Engine, LaidState};
use super::tape::{Tape, TapeError};
use crate::clock;
use crate::domain::{Action, Candle, Command, EventTime, Input, Output, Seq, Source, Stamped, TapeTime, TickKind};
use crate::engine::{Desk, Lanes, Market};
use crate::ingest::lane::Lane;
use crate::jobs::{Job, Start, start};
use crate::journal::{Checkpoint, Deed, Journal, JournalError, KeptNote, Moment, Projected, RangeDelta, Retired};

/// Inputs between two checkpoints: what a restart has to step through, at most. Well under a second.
const CHECKPOINT_EVERY: u64 = 200_000;

/// Inputs of a lane between two states that are laid for whoever plays it again. A seek steps through some of them at most.
const MOMENT_EVERY: u64 = if cfg!(test) { 64 } else { 65_536 };

/// Quotes looked at to remember which were seen before a restart: a minute of a busy feed.
const REMEMBERED_RECORDS: usize = 60_000;

/// Inputs in memory at a time while recovering.
const RECOVERY_CHUNK: usize = 16_384;

pub struct Recorder {
    journal: Journal,
    engine: Engine,
    lanes: BTreeMap<Source, Lane>,
    checkpointed: Seq,
    since_moment: BTreeMap<Source, SinceMoment>,
}

/// Of a lane, since a state of it was laid.
#[derive(Clone, Copy, Default)]
struct SinceMoment {
    inputs: u64,
    /// The newest of the lane, and the newest that whoever plays it comes by: of live, its commands too.
    last: Seq,
    place: Seq,
}

/// What a restart had to do.
#[derive(Clone, Copy, Debug)]
pub struct Recovery {
    pub from_checkpoint: Seq,
    pub stepped: u64,
    pub took: Duration,
}

/// A group that is durable and has been stepped on.
#[derive(Debug, Default)]
pub struct Committed {
    pub inputs: Vec<Stamped>,
    pub outputs: Vec<Output>,
    pub deeds: Vec<Deed>,
    /// Of the append with its sync.
    pub sync: Duration,
}

impl Recorder {
    /// Opens a data directory and catches up: the newest usable checkpoint, then every input after it, from the archive where it has left the
    /// journal.
    ///
    /// Errors: everything `Journal::open` says, and a damaged or missing record, which is never skipped.
    pub fn open(directory: &Path) -> Result<(Self, Recovery), TapeError> {
        let started = clock::monotonic();
        let journal = Journal::open(directory)?;
        let engine = journal
            .checkpoints()
            .filter(|checkpoint| checkpoint.seq <= journal.last_seq())
            .find_map(|checkpoint| Engine::of(&checkpoint.state))
            .unwrap_or_else(|| Engine::new(Lanes::One(Source::Live)));
        let from_checkpoint = engine.market.seq();
        let mut recorder = Self {
            journal,
            engine,
            lanes: BTreeMap::new(),
            checkpointed: from_checkpoint,
            since_moment: BTreeMap::new(),
        };
        let stepped = recorder.catch_up()?;
        Ok((recorder, Recovery { from_checkpoint, stepped, took: started.elapsed() }))
    }

    fn catch_up(&mut self) -> Result<u64, TapeError> {
        let projected = self.journal.projected_through()?;
        let (mut outputs, mut deeds, mut new, mut stepped) = (Vec::new(), Vec::new(), Projected::default(), 0);
        let mut tape = Tape::from(&self.journal, self.engine.market.seq().next());
        loop {
            for record in tape.by_ref().take(RECOVERY_CHUNK) {
                let record = record?;
                self.step(&record, &mut outputs, &mut deeds)?;
                stepped += 1;
                if record.seq > projected {
                    new.candles.extend(outputs.iter().filter_map(closed));
                    new.deeds.append(&mut deeds);
                }
                outputs.clear();
                deeds.clear();
            }
            let reached = self.engine.market.seq();
            if reached > projected {
                self.journal.project(&new, reached)?;
            }
            new = Projected::default();
            if reached == self.journal.last_seq() {
                return Ok(stepped);
            }
        }
    }

    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    pub fn market(&self) -> &Market {
        &self.engine.market
    }

    pub fn desk(&self) -> &Desk {
        &self.engine.desk
    }

    /// The admission of a lane, remembering what it has seen in earlier runs.
    pub fn lane(&mut self, source: Source) -> Result<&mut Lane, JournalError> {
        if !self.lanes.contains_key(&source) {
            let seen = self.journal.seen_ranges(source)?;
            let newest = self.engine.market.tape_time(source).map(|t| EventTime::from_nanos(t.nanos()));
            let mut quotes = Vec::new();
            // A back-fill has no quotes to remember.
            if newest.is_some() && !matches!(source, Source::Backfill(_)) {
                for record in self.journal.newest_records().take(REMEMBERED_RECORDS) {
                    if let Input::Tick(tick) = record?.input
                        && tick.source == source
                        && matches!(tick.kind, TickKind::Quote(_))
                    {
                        quotes.push((tick.pair, tick.sequence));
                    }
                }
                quotes.reverse();
            }
            let mut lane = Lane::resume(source, seen, newest, quotes);
            for (_, pair, market) in self.engine.market.pairs().filter(|(known, ..)| *known == source) {
                if let Some(last) = market.last_trade() {
                    lane.know_last_trade(pair, last.event_time);
                }
                if let Some(told) = market.missing().map(|missing| missing.last).max() {
                    lane.know_told(pair, told);
                }
            }
            self.lanes.insert(source, lane);
        }
        Ok(self.lanes.get_mut(&source).expect("inserted above"))
    }

    /// The lane if it has been used in this run.
    pub fn known_lane(&self, source: Source) -> Option<&Lane> {
        self.lanes.get(&source)
    }

    /// Forgets the admission of a lane that gets nothing more. What it has seen is durable.
    pub fn forget_lane(&mut self, source: Source) {
        self.lanes.remove(&source);
    }

    /// Gives the live desk commands. The first that trades opens the account and tells it the rules; others only tell what has changed of them.
    ///
    /// A command has the tape time of the newest live input, or the first of all times where there is none.
    pub fn command(&mut self, actions: &[Action], terms: &AccountTerms) -> Result<Committed, JournalError> {
        let mut completed = Vec::new();
        let mut all = Vec::new();
        if start(Job::OpeningDeposit, self.journal.completion(Job::OpeningDeposit)?) == Start::Run {
            all.push(Action::Open { amount: terms.opening_deposit });
            completed.push(Job::OpeningDeposit);
        }
        all.extend(terms.unknown_to(&self.engine.desk));
        all.extend(actions);
        let at = self.market().tape_time(Source::Live).unwrap_or_default();
        let at = EventTime::from_nanos(at.nanos());
        let received = clock::received_now();
        let command = |action| (at, Input::Command(Command { received, action }));
        self.append(&mut all.into_iter().map(command).collect(), &completed)
    }

    /// Makes admitted inputs durable, then steps on them. `inputs` is left empty, and must hold all that their lanes have admitted.
    ///
    /// After an error this recorder must be dropped: its lanes are ahead of its journal.
    pub fn commit(&mut self, inputs: &mut Vec<(EventTime, Input)>) -> Result<Committed, JournalError> {
        self.append(inputs, &[])
    }

    /// As `commit`, and with these inputs a one-shot job is done.
    pub fn complete(&mut self, inputs: &mut Vec<(EventTime, Input)>, job: Job) -> Result<Committed, JournalError> {
        self.append(inputs, &[job])
    }

    fn append(&mut self, inputs: &mut Vec<(EventTime, Input)>, completed: &[Job]) -> Result<Committed, JournalError> {
        if inputs.is_empty() {
            return Ok(Committed::default());
        }
        let sources: BTreeSet<Source> = inputs.iter().map(|(_, input)| input.source()).collect();
        let ranges = self.drain_ranges(&sources);
        let stamped: Vec<(TapeTime, Input)> =
            inputs.drain(..).map(|(at, input)| (TapeTime::from_nanos(at.nanos()), input)).collect();
        let started = clock::monotonic();
        let inputs = self.journal.append(&stamped, &ranges, completed)?;
        let sync = started.elapsed();
        let (mut outputs, mut deeds) = (Vec::new(), Vec::new());
        for input in &inputs {
            self.step(input, &mut outputs, &mut deeds)?;
        }
        let projected = Projected { candles: outputs.iter().filter_map(closed).collect(), deeds };
        if !projected.candles.is_empty() || !projected.deeds.is_empty() {
            self.journal.project(&projected, self.market().seq())?;
        }
        if self.engine.market.seq().0 - self.checkpointed.0 >= CHECKPOINT_EVERY {
            self.checkpoint()?;
        }
        Ok(Committed { inputs, outputs, deeds: projected.deeds, sync })
    }

    /// Steps on a durable input, and lays the state before it now and then.
    fn step(&mut self, input: &Stamped, outputs: &mut Vec<Output>, deeds: &mut Vec<Deed>) -> Result<(), JournalError> {
        match input.input.source() {
            Source::Desk => self.since_moment.entry(Source::Live).or_default().place = input.seq,
            // Its candles are not played.
            Source::Backfill(_) => {}
            lane => {
                let since = self.since_moment.entry(lane).or_default();
                let due = (since.inputs >= MOMENT_EVERY).then_some(*since);
                let inputs = if due.is_some() { 1 } else { since.inputs + 1 };
                *since = SinceMoment { inputs, last: input.seq, place: input.seq };
                if let Some(since) = due {
                    self.lay_moment(lane, since)?;
                }
            }
        }
        self.engine.step(input, outputs, deeds);
        Ok(())
    }

    fn lay_moment(&mut self, lane: Source, since: SinceMoment) -> Result<(), JournalError> {
        let market = self.engine.market.only(lane, since.last);
        let Some(at) = market.tape_time(lane) else { return Ok(()) };
        let desk = (lane == Source::Live).then(|| self.engine.desk.clone());
        self.journal.lay_moment(lane, Moment { seq: since.place, at }, &LaidState { market, desk }.to_bytes())
    }

    /// Of these lanes alone: another's trades may still be on their way here, and their ids must not be durable before them.
    fn drain_ranges(&mut self, sources: &BTreeSet<Source>) -> Vec<RangeDelta> {
        self.lanes
            .iter_mut()
            .filter(|(source, _)| sources.contains(source))
            .flat_map(|(&source, lane)| {
                lane.drain_range_changes().into_iter().map(move |(pair, change)| RangeDelta {
                    source,
                    pair,
                    removed: change.removed,
                    put: change.put,
                })
            })
            .collect()
    }

    /// See [`Journal::keep_note`].
    pub fn keep_note(&mut self, note: &KeptNote) -> Result<bool, JournalError> {
        self.journal.keep_note(note)
    }

    /// See [`Journal::forget_logged`].
    pub fn forget_logged(&mut self, through: Seq) -> Result<(), JournalError> {
        self.journal.forget_logged(through)
    }

    /// Of the newest checkpoint: what came before it is not needed to start.
    pub fn checkpointed(&self) -> Seq {
        self.checkpointed
    }

    /// See [`Journal::retire`].
    pub fn retire(&mut self, records: &[Seq], retired: Retired) -> Result<(), JournalError> {
        self.journal.retire(records, retired)
    }

    /// See [`Journal::log_candles_after`].
    pub fn log_candles_after(&mut self, held: Seq) -> Result<(), JournalError> {
        self.journal.log_candles_after(held)
    }

    /// Lays a checkpoint here, so that the next start is quick.
    pub fn checkpoint(&mut self) -> Result<(), JournalError> {
        if self.engine.market.seq() > self.checkpointed {
            let seq = self.engine.market.seq();
            self.journal.project(&Projected::default(), seq)?;
            self.journal.put_checkpoint(&Checkpoint { seq, state: self.engine.to_bytes() })?;
            self.checkpointed = seq;
        }
        Ok(())
    }
}

fn closed(output: &Output) -> Option<Candle> {
    match output {
        Output::Candle(candle) => Some(*candle),
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::time::SECOND;
    use crate::domain::{Arrival, BackfillMonth, Month, Pair, Price, Quantity, ReceivedTime, Tick, Trade, TradeId};
    use crate::ingest::Message;
    use crate::reconcile::verify::verify;

    fn trade(id: u64) -> Message {
        let at = id as i64 * 3 * SECOND;
        let tick = Tick {
            source: Source::Live,
            pair: "BTC-USD".parse::<Pair>().expect("a pair"),
            sequence: id,
            event_time: EventTime::from_nanos(at),
            // Later than it is: a command is never given after a silence.
            received_time: ReceivedTime::from_nanos(at + 4_000_000_000 * SECOND),
            kind: TickKind::Trade(Trade {
                trade_id: TradeId(id),
                price: Price::from_units(100 + (id as i64 * 37) % 60),
                size: Quantity::from_units(5),
                taker_side: None,
                arrival: Arrival::News,
            }),
        };
        Message::Trade { tick, rounded: false }
    }

    pub(in crate::session) fn record(recorder: &mut Recorder, ids: std::ops::Range<u64>) {
        let mut inputs = Vec::new();
        for id in ids {
            recorder.lane(Source::Live).expect("a lane").admit(trade(id), &mut inputs);
            if id % 16 == 0 {
                recorder.commit(&mut inputs).expect("durable");
            }
        }
        recorder.lane(Source::Live).expect("a lane").finish(&mut inputs);
        recorder.commit(&mut inputs).expect("durable");
    }

    #[test]
    fn a_restart_knows_what_it_knew_and_takes_nothing_twice() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut recorder, _) = Recorder::open(directory.path()).expect("new");
        record(&mut recorder, 1..300);
        recorder.checkpoint().expect("laid");
        record(&mut recorder, 300..420);
        let (hash, last) = (recorder.market().hash(), recorder.journal().last_seq());
        drop(recorder);

        let (mut recorder, recovery) = Recorder::open(directory.path()).expect("again");
        assert!(recovery.from_checkpoint > Seq(0) && recovery.stepped < last.0, "the checkpoint was not used");
        assert_eq!(recorder.market().hash(), hash);
        record(&mut recorder, 1..420);
        assert_eq!(recorder.journal().last_seq(), last, "a trade was taken twice");
        assert_eq!(recorder.known_lane(Source::Live).map(|l| l.counts().duplicates), Some(419));
        assert!(verify(recorder.journal()).expect("readable").ok);
    }

    /// Two threads record into one journal: the feed's, and that of a back-fill.
    #[test]
    fn a_trade_on_its_way_is_not_taken_for_a_duplicate_after_a_crash() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut recorder, _) = Recorder::open(directory.path()).expect("new");
        record(&mut recorder, 1..20);
        let mut admitted = Vec::new();
        recorder.lane(Source::Live).expect("a lane").admit(trade(20), &mut admitted);
        let month = Month::of(EventTime::from_nanos(0));
        let source = Source::Backfill(BackfillMonth { pair: "BTC-USD".parse().expect("a pair"), month });
        let mut others = vec![(month.end(), Input::EndOfTape { source })];
        recorder.commit(&mut others).expect("durable");
        drop(recorder);

        let (mut recorder, _) = Recorder::open(directory.path()).expect("again");
        let mut inputs = Vec::new();
        recorder.lane(Source::Live).expect("a lane").admit(trade(20), &mut inputs);
        assert_eq!(inputs.len(), 1, "the trade was never durable, and is refused as a duplicate");
    }

    #[test]
    fn everything_but_the_journal_can_be_thrown_away() {
        let directory = tempfile::tempdir().expect("a directory");
        let (mut recorder, _) = Recorder::open(directory.path()).expect("new");
        record(&mut recorder, 1..500);
        recorder.checkpoint().expect("laid");
        let hash = recorder.market().hash();
        drop(recorder);
        let mut journal = Journal::open(directory.path()).expect("free");
        journal.forget_projections().expect("gone");
        journal.forget_checkpoints().expect("gone");
        // As if they had been stored all the same.
        journal.project(&Projected::default(), journal.last_seq()).expect("noted");
        let report = verify(&journal).expect("readable");
        assert!(!report.ok && report.findings.iter().all(|f| f.code == "candle_missing"), "verify can not fail");
        journal.forget_projections().expect("gone");
        drop(journal);
        let (recorder, recovery) = Recorder::open(directory.path()).expect("rebuilt");
        assert_eq!((recovery.from_checkpoint, recorder.market().hash()), (Seq(0), hash));
        assert!(verify(recorder.journal()).expect("readable").ok);
    }

    #[test]
    fn a_second_writer_is_refused_and_told_who_has_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let _first = Recorder::open(directory.path()).expect("new");
        let second = Recorder::open(directory.path()).err().expect("refused");
        assert!(second.to_string().contains(&std::process::id().to_string()), "{second}");
    }
}
