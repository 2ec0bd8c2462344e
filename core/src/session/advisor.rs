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
        let mut known: Option<Known> = None;
        for candle in candles {
            if !self.live.recorder().desk().consensus_on() {
                // What was known is read again when it is asked for again: nobody pays for it until then.
                known = None;
                if is_news(&candle) && advice::is_due(&candle) {
                    self.note(&candle)?;
                }
                continue;
            }
            let known = match &mut known {
                Some(known) => known,
                none => none.insert(Known::load(self.live)?),
            };
            if candle.seq > known.through {
                known.memory.take(&candle);
            }
            if is_news(&candle) {
                self.advise(&known.memory, &candle)?;
            }
        }
        Ok(())
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
