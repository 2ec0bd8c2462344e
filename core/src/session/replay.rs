//! What was recorded through the engine again, from nothing: to candles and a state hash, and with orders to an account.

use std::collections::VecDeque;

use super::account::AccountTerms;
use super::orders::Planned;
use super::tape::{Tape, TapeError};
use crate::domain::{Action, Candle, Command, Input, Output, ReceivedTime, Seq, Source, Stamped, TapeTime};
use crate::engine::{Desk, Lanes, Market};
use crate::journal::{Deed, Journal};

/// What is played.
#[derive(Clone, Debug)]
pub struct ReplayRequest {
    /// One lane alone; all of them when absent.
    pub source: Option<Source>,
    pub from: TapeTime,
    pub to: TapeTime,
    /// With it an account is traded along.
    pub trading: Option<Trading>,
}

/// What an account of a replay begins with, and what it does.
#[derive(Clone, Debug)]
pub struct Trading {
    pub terms: AccountTerms,
    /// In order of time.
    pub planned: Vec<Planned>,
}

/// What a replay did.
pub struct Replayed {
    pub market: Market,
    pub ticks: u64,
    /// Closed candles and their revisions.
    pub candles: u64,
    pub account: Option<Account>,
}

/// An account, and everything that happened in it.
pub struct Account {
    pub desk: Desk,
    pub deeds: Vec<Deed>,
    planned: VecDeque<Planned>,
}

/// Plays inputs with `from ≤ tape_time ≤ to` through a fresh engine, in tape order inside each lane. A command of a moment comes after all inputs
/// of that moment. `each` sees every candle; it may stop the replay by answering false.
pub fn replay(
    journal: &Journal,
    request: &ReplayRequest,
    mut each: impl FnMut(&Candle, &Market) -> bool,
) -> Result<Replayed, TapeError> {
    let mut played = Replayed {
        market: Market::default(),
        ticks: 0,
        candles: 0,
        account: request.trading.as_ref().map(|trading| Account::open(trading, request.source)),
    };
    let mut outputs = Vec::new();
    for record in Tape::from(journal, Seq(1)) {
        let record = record?;
        let wanted = request.source.is_none_or(|s| s == record.input.source());
        // The live desk's commands are its own; this account has others.
        let commanded = matches!(record.input, Input::Command(_));
        if !wanted || commanded || record.tape_time < request.from || record.tape_time > request.to {
            continue;
        }
        played.ticks += u64::from(matches!(record.input, Input::Tick(_)));
        if let Some(account) = &mut played.account {
            account.command_before(record.tape_time, &played.market);
        }
        played.market.step(&record, &mut outputs);
        if let Some(account) = &mut played.account {
            account.step(&record, &played.market);
        }
        for output in outputs.drain(..) {
            if let Output::Candle(candle) = output {
                played.candles += 1;
                if !each(&candle, &played.market) {
                    return Ok(played);
                }
            }
        }
    }
    if let Some(account) = &mut played.account {
        let end = TapeTime::from_nanos(request.to.nanos().saturating_add(1));
        account.command_before(end, &played.market);
    }
    Ok(played)
}

impl Account {
    fn open(trading: &Trading, source: Option<Source>) -> Self {
        let desk = Desk::new(source.map_or(Lanes::All, Lanes::One));
        let mut account = Self { desk, deeds: Vec::new(), planned: trading.planned.iter().copied().collect() };
        let opening = Action::Open { amount: trading.terms.opening_deposit };
        let rules = trading.terms.unknown_to(&account.desk);
        for action in std::iter::once(opening).chain(rules) {
            account.command(TapeTime::default(), action, &Market::default());
        }
        account
    }

    /// Gives what is planned for before a moment.
    fn command_before(&mut self, moment: TapeTime, market: &Market) {
        while let Some(planned) = self.planned.pop_front_if(|planned| planned.at < moment) {
            self.command(planned.at, planned.action, market);
        }
    }

    fn command(&mut self, at: TapeTime, action: Action, market: &Market) {
        let received = ReceivedTime::from_nanos(at.nanos());
        let input = Input::Command(Command { received, action });
        self.step(&Stamped { seq: market.seq(), tape_time: at, input }, market);
    }

    fn step(&mut self, input: &Stamped, market: &Market) {
        let mut outputs = Vec::new();
        self.desk.step(input, market, &mut outputs);
        let deed = |output| Deed { seq: input.seq, tape_time: self.desk.now(), output };
        self.deeds.extend(outputs.into_iter().map(deed));
    }
}
