//! A tape being read, from some place on, with the commands that an account was given in between.

use std::sync::Arc;

use crate::domain::{Action, Candle, Input, Output, Seq, Stamped, TapeTime};
use crate::journal::Deed;
use crate::session::advice;
use crate::session::engine::{Engine, Ordered};
use crate::session::playable::{Inputs, Place, Playable};
use crate::session::tape::TapeError;

use super::ways::Told;

/// A market with an account in it, and what comes next.
pub(in crate::session) struct Reading {
    tape: Arc<dyn Playable>,
    pub(in crate::session) engine: Engine,
    place: Place,
    inputs: Inputs,
    next: Option<Stamped>,
}

impl Reading {
    pub(in crate::session) fn after(tape: &Arc<dyn Playable>, place: Place, engine: Engine) -> Result<Self, TapeError> {
        let inputs = tape.read(place.seq)?;
        let mut reading = Self { tape: Arc::clone(tape), engine, place, inputs, next: None };
        reading.look()?;
        Ok(reading)
    }

    /// After a long rest the files it was reading may have been joined into others, and are gone: it is read on from where it stands.
    fn look(&mut self) -> Result<(), TapeError> {
        self.next = match self.inputs.next().transpose() {
            Ok(next) => next,
            Err(_) => {
                self.inputs = self.tape.read(self.place.seq)?;
                self.inputs.next().transpose()?
            }
        };
        Ok(())
    }

    pub(in crate::session) fn place(&self) -> Place {
        self.place
    }

    /// The place after the next input; none at the end.
    pub(in crate::session) fn peek(&self) -> Option<Place> {
        let next = self.next.as_ref()?;
        Some(Place { seq: next.seq, at: next.tape_time.max(self.place.at) })
    }

    /// Takes the next input, and the commands that came after it. None at the end.
    pub(in crate::session) fn step(
        &mut self,
        told: Told<'_>,
        outputs: &mut Vec<Output>,
        deeds: &mut Vec<Deed>,
    ) -> Result<Option<Stamped>, TapeError> {
        let (Some(place), Some(input)) = (self.peek(), self.next.take()) else { return Ok(None) };
        let before = outputs.len();
        match input.input {
            // The market is what it is, whoever trades in it.
            Input::Command(_) if told.follows(input.seq) => self.engine.recorded_command(&input, deeds),
            Input::Command(_) => {}
            _ => self.engine.step(&input, outputs, deeds),
        }
        // What was recorded along was advised then, and that is recorded too.
        if self.engine.desk.consensus_on() && !told.follows(input.seq) {
            self.advise(&outputs[before..], input.seq, place.at, deeds)?;
        }
        for command in told.after(input.seq) {
            self.engine.command(command, deeds);
        }
        self.place = place;
        self.look()?;
        Ok(Some(input))
    }
}

impl Reading {
    /// Advice on the minutes that an input has closed comes right after it, before anything else.
    fn advise(&mut self, outputs: &[Output], after: Seq, at: TapeTime, deeds: &mut Vec<Deed>) -> Result<(), TapeError> {
        let Engine { market, desk } = &self.engine;
        let closed: Vec<&Candle> = advice::closed(outputs, desk).collect();
        if closed.is_empty() {
            return Ok(());
        }
        let memory = self.tape.memory()?;
        let told: Vec<Action> = closed.into_iter().flat_map(|candle| advice::on(&memory, market, candle, at)).collect();
        for action in told {
            self.engine.command(&Ordered { after, at, action }, deeds);
        }
        Ok(())
    }
}

/// Everything up to and including a moment, or a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Target {
    Time(TapeTime),
    Seq(Seq),
}

impl Target {
    pub(in crate::session) fn is_beyond(self, place: Place) -> bool {
        match self {
            Self::Time(time) => place.at > time,
            Self::Seq(seq) => place.seq > seq,
        }
    }
}
