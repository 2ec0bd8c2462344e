//! Advice for the live desk, on a thread of its own: recording waits for nobody's opinion.
//!
//! What is found out is told to the desk as a command, and so recorded: a replay of what live did is never advised anew.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::account::AccountTerms;
use super::advice;
use super::live::Live;
use super::memory::Memory;
use super::recorder::Committed;
use crate::domain::{Action, Candle, Output, Seq, Source};
use crate::journal::JournalError;

/// Where closed minutes are handed to it. Dropped, it takes what was handed in, and ends.
pub struct Advisor {
    candles: Option<Sender<Candle>>,
    thread: Option<JoinHandle<()>>,
}

impl Advisor {
    pub fn start(live: Arc<Live>, terms: AccountTerms) -> std::io::Result<Self> {
        let (sender, receiver) = channel();
        let work = move || {
            if let Err(error) = advise(&live, &terms, &receiver) {
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

fn advise(live: &Live, terms: &AccountTerms, candles: &Receiver<Candle>) -> Result<(), JournalError> {
    let mut known: Option<Known> = None;
    for candle in candles {
        if !live.recorder().desk().consensus_on() {
            // What was known is read again when it is asked for again: nobody pays for it until then.
            known = None;
            continue;
        }
        let known = match &mut known {
            Some(known) => known,
            none => none.insert(Known::load(live)?),
        };
        if candle.seq > known.through {
            known.memory.take(&candle);
        }
        if candle.source != Source::Live || candle.revision > 0 {
            continue;
        }
        let (asked, now) = {
            let recorder = live.recorder();
            let now = recorder.market().tape_time(Source::Live).unwrap_or_default();
            (advice::hour(recorder.market(), &candle), now)
        };
        let recall = advice::ask(&known.memory, asked, &candle, now);
        live.recorder().command(&[Action::Recall(recall)], terms)?;
    }
    Ok(())
}
