//! What is stepped on every input: a market, and an account in it.

use serde::{Deserialize, Serialize};

use crate::domain::{Action, Command, DeskOutput, Input, Output, ReceivedTime, Seq, Stamped, TapeTime};
use crate::engine::{Desk, ENGINE_VERSION, Lanes, Market};
use crate::journal::Deed;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Engine {
    pub(super) market: Market,
    pub(super) desk: Desk,
}

/// A command of a replayed account, and the input of the tape it came after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    pub after: Seq,
    pub at: TapeTime,
    pub action: Action,
}

/// A lane in the middle of its tape: see [`crate::journal::Moment`]. The desk goes with the live lane.
#[derive(Serialize, Deserialize)]
pub(super) struct LaidState {
    pub(super) market: Market,
    pub(super) desk: Option<Desk>,
}

impl LaidState {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("a state has only sized fields, and memory is all postcard needs")
    }

    /// None of another version of the engine.
    pub(super) fn of(state: &[u8]) -> Option<Self> {
        let laid: Self = postcard::from_bytes(state).ok()?;
        (laid.market.engine_version() == ENGINE_VERSION).then_some(laid)
    }
}

impl Engine {
    pub(super) fn new(lanes: Lanes) -> Self {
        Self { market: Market::default(), desk: Desk::new(lanes) }
    }

    pub(super) fn step(&mut self, input: &Stamped, outputs: &mut Vec<Output>, deeds: &mut Vec<Deed>) {
        self.market.step(input, outputs);
        self.step_desk(input, deeds);
    }

    /// Gives the account a command that is not on the tape: the market sees nothing of it.
    pub(super) fn command(&mut self, command: &Ordered, deeds: &mut Vec<Deed>) {
        let Ordered { after, at, action } = *command;
        let received = ReceivedTime::from_nanos(at.nanos());
        let input = Input::Command(Command { received, action });
        self.step_desk(&Stamped { seq: after, tape_time: at, input }, deeds);
    }

    /// Gives the account a command that lies on the tape.
    pub(super) fn recorded_command(&mut self, input: &Stamped, deeds: &mut Vec<Deed>) {
        self.step_desk(input, deeds);
    }

    fn step_desk(&mut self, input: &Stamped, deeds: &mut Vec<Deed>) {
        let mut done: Vec<DeskOutput> = Vec::new();
        self.desk.step(input, &self.market, &mut done);
        let deed = |output| Deed { seq: input.seq, tape_time: self.desk.now(), output };
        deeds.extend(done.into_iter().map(deed));
    }

    /// None of another version of the engine.
    pub(super) fn of(state: &[u8]) -> Option<Self> {
        let engine: Self = postcard::from_bytes(state).ok()?;
        (engine.market.engine_version() == ENGINE_VERSION).then_some(engine)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("an engine has only sized fields, and memory is all postcard needs")
    }
}
