//! Advice for the live desk, on a thread of its own: recording waits for nobody's opinion.
//!
//! What is found out is told to the desk as a command, and so recorded: a replay of what live did is never advised anew.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use tokio::runtime::Runtime;

use super::account::AccountTerms;
use super::advice;
use super::alike;
use super::analysts::{Analysts, ModelTerms, chosen, keep};
use super::live::Live;
use super::memory::{Memory, Recalled};
use super::recorder::Committed;
use crate::analyst::{Facts, MINUTES_NEEDED};
use crate::domain::{Action, Candle, Output, Quote, Seq, Source, TapeTime};
use crate::journal::JournalError;
use crate::patterns::{Answer, DEFAULT_MATCHES, Question, Window};

/// Where closed minutes are handed to it. Dropped, it takes what was handed in, and ends.
pub struct Advisor {
    candles: Option<Sender<Candle>>,
    thread: Option<JoinHandle<()>>,
}

impl Advisor {
    pub fn start(live: Arc<Live>, terms: AccountTerms, models: ModelTerms) -> std::io::Result<Self> {
        let (sender, receiver) = channel();
        let directory = live.recorder().journal().directory().to_owned();
        let analysts = Analysts::start(Arc::clone(&live), terms.clone(), models, directory.clone())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let work = move || {
            let advice = Advice { live: &live, terms: &terms, analysts: &analysts, directory, runtime };
            if let Err(error) = advice.give(&receiver) {
                live.status().journal_error = Some(error.to_string());
            }
        };
        let thread = std::thread::Builder::new().name("tapedeck-advice".to_owned()).spawn(work)?;
        Ok(Self { candles: Some(sender), thread: Some(thread) })
    }

    pub fn saw(&self, committed: &Committed) {
        let Some(candles) = &self.candles else { return };
        for output in &committed.outputs {
            if let Output::Candle(candle) = output {
                // Gone only after the journal has failed, which is said elsewhere.
                let _ = candles.send(*candle);
            }
        }
    }
}

impl Drop for Advisor {
    fn drop(&mut self) {
        self.candles = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What is known, from the first minute that was asked about on.
struct Known {
    memory: Memory,
    /// The last input whose candles were read into it.
    through: Seq,
}

impl Known {
    fn load(live: &Live) -> Result<Self, JournalError> {
        let (journal, through) = {
            let recorder = live.recorder();
            (recorder.journal().reader(), recorder.market().seq())
        };
        Ok(Self { memory: Memory::of(journal.candles_as_known(through)?), through })
    }
}

struct Advice<'l> {
    live: &'l Live,
    terms: &'l AccountTerms,
    analysts: &'l Analysts,
    directory: PathBuf,
    runtime: Runtime,
}

/// What can be said of a minute without looking into the past.
struct Minute {
    now: TapeTime,
    hour: Option<Window>,
    minutes: Vec<Candle>,
    quote: Option<Quote>,
}

impl Advice<'_> {
    fn give(&self, candles: &Receiver<Candle>) -> Result<(), JournalError> {
        let mut known = None;
        candles.iter().try_for_each(|candle| self.take(&mut known, &candle))
    }

    fn take(&self, known: &mut Option<Known>, candle: &Candle) -> Result<(), JournalError> {
        if !self.live.recorder().desk().consensus_on() {
            // What was known is read again when it is asked for again: nobody pays for it until then.
            *known = None;
            return if is_news(candle) && advice::is_due(candle) { self.note(candle) } else { Ok(()) };
        }
        let known = match known {
            Some(known) => known,
            none => none.insert(Known::load(self.live)?),
        };
        if candle.seq > known.through {
            known.memory.take(candle);
        }
        if is_news(candle) { self.advise(&known.memory, candle) } else { Ok(()) }
    }

    fn look(&self, candle: &Candle) -> Minute {
        let recorder = self.live.recorder();
        let market = recorder.market();
        let quote = market.pair(candle.source, candle.pair).and_then(|pair| pair.last_quote());
        Minute {
            now: market.tape_time(Source::Live).unwrap_or_default(),
            hour: advice::hour(market, candle),
            minutes: market.closed_to(candle.source, candle.pair, candle.window_end, MINUTES_NEEDED),
            quote: quote.map(|last| last.quote),
        }
    }

    /// To a desk that trades by consensus: the opinion, if there is one, and the recall that it decides on.
    fn advise(&self, memory: &Memory, candle: &Candle) -> Result<(), JournalError> {
        let minute = self.look(candle);
        let recalled: Option<Recalled> = advice::ask(memory, minute.hour, minute.now);
        if advice::is_due(candle) {
            self.ask(&minute, recalled.as_ref().map(|recalled| &recalled.answer))?;
        }
        let recall = advice::recall(candle, recalled.as_ref());
        self.live.recorder().command(&[Action::Recall(recall)], self.terms).map(drop)
    }

    /// To a trader who only looks. The past is asked of the table, which costs no memory.
    fn note(&self, candle: &Candle) -> Result<(), JournalError> {
        let minute = self.look(candle);
        // After a silence many minutes close at once, and of those long gone nobody asks.
        if minute.now.nanos() - candle.window_end.nanos() > advice::OPINION_EVERY {
            return Ok(());
        }
        let question = minute.hour.map(|window| Question { window, cursor: minute.now, most: DEFAULT_MATCHES });
        let answer = question.and_then(|question| {
            let found = self.runtime.block_on(alike::in_table(&self.directory, &question, false, None));
            found.inspect_err(|error| tracing::warn!(%error, "a note goes without the past")).ok()
        });
        self.ask(&minute, answer.as_ref().map(|alike| &alike.answer))
    }

    /// The model answers when it can. The rules answer at once, of what a replay could know too.
    fn ask(&self, minute: &Minute, answer: Option<&Answer>) -> Result<(), JournalError> {
        let has_model = chosen(&self.directory).is_some();
        let quote = minute.quote.as_ref().filter(|_| has_model);
        let Some(facts) = Facts::of(&minute.minutes, quote, answer) else { return Ok(()) };
        let facts = match has_model {
            true => self.analysts.ask(facts),
            false => Err(facts),
        };
        match facts {
            Ok(()) => Ok(()),
            Err(facts) => keep(self.live, self.terms, vec![advice::by_rules(facts)]),
        }
    }
}

/// Of the live market, for the first time.
fn is_news(candle: &Candle) -> bool {
    candle.source == Source::Live && candle.revision == 0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::domain::time::{HOUR, MINUTE, SECOND};
    use crate::domain::{
        Amount, Decision, Demand, DeskOutput, Fill, Input, NoteId, Opinion, Rate, ReceivedTime, Settings, Stamped,
        Stance, Thresholds, Tick, money,
    };
    use crate::engine::{Desk, Market};
    use crate::journal::Deed;
    use crate::reconcile::verify::verify;
    use crate::session::playable::{Playable, TapeLane, TapeRange};
    use crate::session::player::{Way, opening_by_consensus};
    use crate::session::recorded::RecordedTape;
    use crate::session::recorder::Recorder;
    use crate::session::run::run;
    use crate::session::sample::{Cursor, SampleTape};
    use crate::session::sweep::{Set, sweep};

    const HOURS: i64 = 4;
    const PAIRS: [&str; 2] = ["BTC-USD", "SOL-USD"];

    fn terms() -> AccountTerms {
        let thresholds = Thresholds {
            patterns: Demand::Ignored,
            analyst: Demand::For,
            trend: Demand::For,
            trend_fast: 5,
            ..Thresholds::default()
        };
        let deposit = Amount::from_units(100_000 * i128::from(money::ONE));
        AccountTerms::new(deposit, Settings::default(), &BTreeMap::new(), thresholds)
    }

    /// The first hours of the sample as the live feed would have brought them.
    fn inputs() -> Vec<(crate::domain::EventTime, Input)> {
        let (tape, mut cursor) = (SampleTape::load().expect("shipped"), Cursor::default());
        let from = tape.peek(&cursor).expect("not empty").nanos();
        let mut found = Vec::new();
        while let Some(Stamped { tape_time, input, .. }) = tape.next(&mut cursor) {
            if tape_time.nanos() - from > HOURS * HOUR {
                break;
            }
            // Later than it is: a command is never given after a silence.
            let received_time = ReceivedTime::from_nanos(tape_time.nanos() + 4_000_000_000 * SECOND);
            let input = match input {
                Input::Tick(tick) if PAIRS.contains(&tick.pair.to_string().as_str()) => {
                    Input::Tick(Tick { source: Source::Live, received_time, ..tick })
                }
                Input::Clock { .. } => Input::Clock { source: Source::Live, received: received_time },
                _ => continue,
            };
            found.push((crate::domain::EventTime::from_nanos(tape_time.nanos()), input));
        }
        found
    }

    fn decisions(deeds: &[Deed]) -> Vec<Decision> {
        let decision = |deed: &Deed| match deed.output {
            DeskOutput::Decision(decision) => Some(decision),
            _ => None,
        };
        deeds.iter().filter_map(decision).collect()
    }

    fn fills(deeds: &[Deed]) -> Vec<Fill> {
        let fill = |deed: &Deed| match deed.output {
            DeskOutput::Fill(fill) => Some(fill),
            _ => None,
        };
        deeds.iter().filter_map(fill).collect()
    }

    /// What is advised at once is decided alike by the live desk, by its replay, by a backtest and in a sweep, and each opinion has its note.
    #[test]
    fn live_replay_backtest_and_sweep_decide_the_same() {
        let directory = tempfile::tempdir().expect("a directory");
        let (recorder, _) = Recorder::open(directory.path()).expect("new");
        let live = Live::new(recorder);
        let (terms, nowhere) = (terms(), "http://127.0.0.1:9".to_owned());
        let models = ModelTerms { url: nowhere, deadline: Duration::from_secs(1) };
        let directory = directory.path().to_owned();
        let analysts = Analysts::start(Arc::clone(&live), terms.clone(), models, directory.clone()).expect("a thread");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let advice = Advice { live: &live, terms: &terms, analysts: &analysts, directory: directory.clone(), runtime };
        live.recorder().command(&[Action::Consensus(true)], &terms).expect("told");

        // Each group ends where a minute closes, so that advice comes right after it.
        let (mut group, mut ahead, mut closed, mut known) = (Vec::new(), Market::default(), Vec::new(), None);
        for (at, input) in inputs() {
            group.push((at, input));
            let tape_time = TapeTime::from_nanos(at.nanos());
            ahead.step(&Stamped { seq: ahead.seq().next(), tape_time, input }, &mut closed);
            if closed.drain(..).any(|output| matches!(output, Output::Candle(_))) {
                let committed = live.recorder().commit(&mut group).expect("durable");
                for output in &committed.outputs {
                    if let Output::Candle(candle) = output {
                        advice.take(&mut known, candle).expect("told");
                    }
                }
            }
        }
        live.recorder().commit(&mut group).expect("durable");

        let recorder = live.recorder();
        let last = recorder.journal().last_seq();
        let reader = recorder.journal().reader();
        let stored = reader.decisions_to(last).collect::<Result<Vec<_>, _>>().expect("readable");
        let stored: Vec<Decision> = stored.into_iter().rev().map(|stored| stored.decision).collect();
        let filled: Vec<Fill> =
            reader.fills_to(last).expect("readable").into_iter().map(|stored| stored.fill).collect();
        let tape = RecordedTape::of(&recorder, TapeRange::whole(TapeLane::One(Source::Live)), &[]).expect("readable");
        let tape: Arc<dyn Playable> = Arc::new(tape.expect("something"));
        let verified = verify(recorder.journal()).expect("readable");
        drop(recorder);

        let replayed = run(&tape, &Way::recorded(last), &[], &terms, None, |_| true).expect("a tape").expect("its end");
        let opening = opening_by_consensus(&terms, &Desk::new(tape.lanes()));
        let tested =
            run(&tape, &Way::told_alone(opening), &[], &terms, None, |_| true).expect("a tape").expect("its end");
        let set = Set { settings: terms.settings, thresholds: terms.thresholds };
        let swept = sweep(&tape, &terms, &[set], 1, |_| true).expect("a tape").expect("its end");

        let mut verdicts = BTreeMap::<String, usize>::new();
        for decision in &stored {
            let verdict = format!("{:?}", decision.verdict);
            *verdicts.entry(verdict.split("(O").next().unwrap_or_default().to_owned()).or_default() += 1;
        }
        eprintln!("{} decisions, {} fills, {} notes: {verdicts:?}", stored.len(), filled.len(), verified.notes);
        assert!(stored.len() > 400 && filled.len() >= 4, "{} decisions, {} fills", stored.len(), filled.len());
        assert!(stored.iter().any(|decision| decision.opinion.is_some_and(|o| o.stance == Stance::Bullish)));
        assert_eq!(decisions(&replayed.deeds), stored);
        assert_eq!(fills(&replayed.deeds), filled);
        assert_eq!(decisions(&tested.deeds), stored);
        assert_eq!(fills(&tested.deeds), filled);
        assert_eq!(swept.tried[0].ledger_hash, tested.desk().ledger().head().hash);

        assert!(verified.ok, "{:?}", verified.findings);
        let every_five = PAIRS.len() as u64 * (HOURS * 60 / 5) as u64;
        assert!(
            verified.notes <= every_five && verified.notes + 2 * PAIRS.len() as u64 >= every_five,
            "{}",
            verified.notes
        );
        let half = TapeTime::from_nanos(stored[stored.len() / 2].at.nanos());
        let known = reader.notes(Source::Live, half).collect::<Result<Vec<_>, _>>().expect("readable");
        assert_eq!(known.len(), reader.count_notes(Source::Live, half));
        assert!(
            !known.is_empty() && known.iter().all(|kept| kept.at <= half && kept.note.as_of().nanos() <= half.nanos())
        );

        // After a restart they are there; an opinion without its note is found.
        drop(advice);
        drop((analysts, reader, tape));
        let live = Arc::into_inner(live).expect("nobody else has it");
        drop(live);
        let (mut recorder, _) = Recorder::open(&directory).expect("again");
        assert_eq!(recorder.journal().reader().count_notes(Source::Live, half), known.len());
        let pair = PAIRS[0].parse().expect("a pair");
        let as_of = crate::domain::EventTime::from_nanos(half.nanos() / MINUTE * MINUTE);
        let (stance, confidence, note) = (Stance::Bullish, Rate::from_units(money::ONE), NoteId::of("from nowhere"));
        let opinion = Opinion { pair, as_of, stance, confidence, note };
        recorder.command(&[Action::Opinion(opinion)], &terms).expect("told");
        let verified = verify(recorder.journal()).expect("readable");
        assert_eq!(verified.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["opinion_unfounded"]);
    }
}
