//! A session from its start to its end, without a window: what its account came to, minute by minute.

use std::collections::VecDeque;
use std::sync::Arc;

use super::engine::{Engine, Ordered};
use super::orders::Planned;
use super::playable::{Place, Playable};
use super::player::Way;
use super::player::reading::Reading;
use super::player::{fresh, opening};
use super::tape::TapeError;
use crate::domain::time::MINUTE;
use crate::domain::{Action, Amount, Input, Output, TapeTime};
use crate::engine::{Desk, Market};
use crate::journal::Deed;
use crate::session::account::AccountTerms;

/// What a session came to.
pub struct Outcome {
    engine: Engine,
    pub deeds: Vec<Deed>,
    /// Everything its account was told, in order; of what was recorded live too.
    pub told: Vec<Ordered>,
    /// Of it, what was planned, with what opened the account for it.
    pub planned: Vec<Ordered>,
    /// Equity at the end of each minute of the tape that something came in, and at the end.
    pub equity: Vec<(TapeTime, Amount)>,
    pub ticks: u64,
    pub candles: u64,
    /// The last place.
    pub place: Place,
}

impl Outcome {
    pub fn desk(&self) -> &Desk {
        &self.engine.desk
    }

    pub fn market(&self) -> &Market {
        &self.engine.market
    }
}

/// Plays a way through its tape. What is `planned` is told on top of it: a command of a moment comes after all inputs of that moment; the first
/// opens the account by these terms where it is not open. What lies beyond `until` is not looked at. `each` is told how far it is, and may
/// stop it.
///
/// Answers none when it was stopped.
pub fn run(
    tape: &Arc<dyn Playable>,
    way: &Way,
    planned: &[Planned],
    terms: &AccountTerms,
    until: Option<TapeTime>,
    mut each: impl FnMut(TapeTime) -> bool,
) -> Result<Option<Outcome>, TapeError> {
    let (engine, mut deeds) = fresh(tape.as_ref(), way);
    let mut reading = Reading::after(tape, Place::default(), engine)?;
    let mut told: Vec<Ordered> = way.told().after(reading.place().seq).to_vec();
    let mut planned: VecDeque<Planned> = planned.iter().copied().collect();
    let mut outputs = Vec::new();
    let (mut ticks, mut candles, mut equity, mut given) = (0, 0, Vec::new(), Vec::new());
    loop {
        let place = reading.place();
        let next = reading.peek().filter(|next| until.is_none_or(|until| next.at <= until));
        // Of a moment that is over.
        let is_over = |at: TapeTime| next.map_or(until.is_none_or(|until| at <= until), |next| at < next.at);
        while let Some(command) = planned.pop_front_if(|command| is_over(command.at)) {
            let mut actions = vec![command.action];
            if reading.engine.desk.ledger().head().count == 0 && !matches!(command.action, Action::Open { .. }) {
                let opening = opening(terms, &reading.engine.desk, place).into_iter().map(|ordered| ordered.action);
                actions.splice(0..0, opening);
            }
            for action in actions {
                let ordered = Ordered { after: place.seq, at: command.at, action };
                told.push(ordered);
                given.push(ordered);
                reading.engine.command(&ordered, &mut deeds);
            }
        }
        let Some(next) = next else { break };
        if next.at.nanos().div_euclid(MINUTE) != place.at.nanos().div_euclid(MINUTE) && place != Place::default() {
            equity.push((place.at, reading.engine.desk.equity().total));
            if !each(place.at) {
                return Ok(None);
            }
        }
        let Some(input) = reading.step(way.told(), &mut outputs, &mut deeds)? else { break };
        ticks += u64::from(matches!(input.input, Input::Tick(_)));
        candles += outputs.drain(..).filter(|output| matches!(output, Output::Candle(_))).count() as u64;
        if let Input::Command(command) = input.input
            && way.told().follows(input.seq)
        {
            told.push(Ordered { after: place.seq, at: input.tape_time, action: command.action });
        }
        told.extend(way.told().after(input.seq));
    }
    let place = reading.place();
    equity.push((place.at, reading.engine.desk.equity().total));
    Ok(Some(Outcome { engine: reading.engine, deeds, told, planned: given, equity, ticks, candles, place }))
}
