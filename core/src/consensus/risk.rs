//! The risk gate: what blocks new risk, and why. It fails closed, and lets every exit through.
//!
//! An *entry* makes a position larger, which on a spot account is a buy; everything else is an exit.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::domain::time::{DAY, MINUTE, SECOND};
use crate::domain::{Amount, OnBreaker, Order, Rate, Reason, RiskState, Settings, Side, TapeTime};

/// An order that passed the gate. Only the gate makes one, so that matching never asks again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Approved<T>(T);

impl<T> Approved<T> {
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// What the gate looks at, all of it as of now on the tape.
#[derive(Clone, Copy, Debug)]
pub struct View {
    pub now: TapeTime,
    /// Since the pair's newest print or quote, by its source, in nanoseconds. None when there was none.
    pub price_age: Option<i64>,
    /// Since anything came by the feed, between two clocks of this machine, in nanoseconds.
    pub feed_silence: i64,
    /// Trades of the pair are known to be missing from the last minute.
    pub missing_trades: bool,
    /// Cash and positions at their marks.
    pub equity: Amount,
    /// Of the pair: its position at its mark, and entries that are open.
    pub exposure: Amount,
    pub open_orders: usize,
}

/// What the gate remembers. Part of a desk's state, and so of its checkpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    state: RiskState,
    /// Why it is not active, where the gate itself decided that.
    tripped: Option<Reason>,
    /// Days since 1970 UTC of the risk day.
    day: Option<i64>,
    /// The highest marked equity of the risk day, without what was put in or taken out.
    peak: Amount,
    /// The entries of the last minute.
    entries: VecDeque<TapeTime>,
    /// The reconciler found a difference that nobody has looked at.
    books_differ: bool,
}

/// What is to be done after the breaker tripped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaker {
    CancelEntries,
    Flatten,
}

impl Gate {
    pub fn state(&self) -> RiskState {
        self.state
    }

    pub fn tripped(&self) -> Option<Reason> {
        self.tripped
    }

    pub fn peak(&self) -> Amount {
        self.peak
    }

    /// Set by the trader. Becoming active forgives what tripped: the day's highest equity is taken from here on.
    pub fn set(&mut self, state: RiskState, equity: Amount) {
        self.state = state;
        if state == RiskState::Active {
            self.tripped = None;
            self.peak = equity;
            self.books_differ = false;
        }
    }

    pub fn books_differ(&mut self) {
        self.books_differ = true;
    }

    /// Money put in or taken out is neither gain nor loss: what was lost of the day's highest stays the same share of it.
    pub fn moved(&mut self, amount: Amount, equity_before: Amount) {
        let (peak, before) = (self.peak.units(), equity_before.units());
        let after = before.saturating_add(amount.units());
        let scaled =
            if before > 0 && peak > 0 { peak.checked_mul(after).map(|product| product / before) } else { None };
        // Of an account that had nothing there is no share.
        self.peak = Amount::from_units(scaled.unwrap_or(peak.saturating_add(amount.units())));
    }

    /// Marks equity. Answers what to do when this has tripped the breaker.
    pub fn mark(&mut self, now: TapeTime, equity: Amount, settings: &Settings) -> Option<Breaker> {
        let day = now.nanos().div_euclid(DAY);
        if self.day != Some(day) {
            self.day = Some(day);
            self.peak = equity;
        }
        self.peak = self.peak.max(equity);
        if self.tripped.is_some() || self.drawdown(equity) < settings.max_daily_drawdown || self.peak <= Amount::ZERO {
            return None;
        }
        self.tripped = Some(Reason::Drawdown);
        self.state = RiskState::Halted;
        Some(match settings.on_breaker {
            OnBreaker::Hold => Breaker::CancelEntries,
            OnBreaker::Flatten => Breaker::Flatten,
        })
    }

    /// Loss since the day's highest marked equity, as a share of it, rounded down.
    pub fn drawdown(&self, equity: Amount) -> Rate {
        if self.peak <= Amount::ZERO {
            return Rate::ZERO;
        }
        let lost = (self.peak.units() - equity.units()).max(0);
        let share = lost.saturating_mul(i128::from(crate::domain::money::ONE)) / self.peak.units();
        Rate::from_units(i64::try_from(share).unwrap_or(i64::MAX))
    }

    /// Why no entry of a pair is taken now; none when one would be.
    pub fn blocks(&self, view: &View, settings: &Settings) -> Option<Reason> {
        let limit = i64::from(settings.max_price_age_s) * SECOND;
        match self.state {
            RiskState::Halted => return Some(self.tripped.unwrap_or(Reason::Halted)),
            RiskState::Reducing => return Some(Reason::Reducing),
            RiskState::Active => {}
        }
        if self.books_differ {
            return Some(Reason::BooksDiffer);
        }
        let Some(age) = view.price_age else { return Some(Reason::NoPrice) };
        if view.feed_silence > limit {
            return Some(Reason::DeadFeed);
        }
        if age > limit {
            return Some(Reason::StalePrice);
        }
        view.missing_trades.then_some(Reason::MissingTrades)
    }

    /// The one way to an `Approved` order. `value` is what the order would add to the pair's exposure, fee left out.
    ///
    /// Errors: why it is refused. Exits never are.
    pub fn approve(
        &mut self,
        order: Order,
        value: Amount,
        view: &View,
        settings: &Settings,
    ) -> Result<Approved<Order>, Reason> {
        if order.side == Side::Sell {
            return Ok(Approved(order));
        }
        if let Some(reason) = self.blocks(view, settings) {
            return Err(reason);
        }
        while self.entries.front().is_some_and(|at| view.now.nanos().saturating_sub(at.nanos()) >= MINUTE) {
            self.entries.pop_front();
        }
        if self.entries.len() >= settings.max_orders_per_minute as usize {
            return Err(Reason::OrderRate);
        }
        if view.open_orders >= settings.max_open_orders as usize {
            return Err(Reason::TooManyOrders);
        }
        let after = view.exposure.checked_add(value).map_err(|_| Reason::Overflow)?;
        let share = i128::from(settings.max_position.units());
        let allowed = view.equity.units().checked_mul(share).ok_or(Reason::Overflow)?;
        let wanted = after.units().checked_mul(i128::from(crate::domain::money::ONE)).ok_or(Reason::Overflow)?;
        if wanted > allowed {
            return Err(Reason::MaxPosition);
        }
        self.entries.push_back(view.now);
        Ok(Approved(order))
    }

    /// What the gate itself sells, when it flattens.
    pub fn exit(order: Order) -> Option<Approved<Order>> {
        (order.side == Side::Sell).then_some(Approved(order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Quantity, Terms, TimeInForce};

    fn order(side: Side) -> Order {
        Order {
            id: "a".parse().expect("a name"),
            pair: "BTC-USD".parse().expect("a pair"),
            side,
            quantity: Quantity::from_units(1),
            terms: Terms::Market,
            time_in_force: TimeInForce::GoodTillCancelled,
            reduce_only: false,
            post_only: false,
            take_profit: None,
            stop_loss: None,
        }
    }

    fn at(seconds: i64) -> TapeTime {
        TapeTime::from_nanos(seconds * SECOND)
    }

    fn usd(dollars: i128) -> Amount {
        Amount::from_units(dollars * i128::from(crate::domain::money::ONE))
    }

    fn fine() -> View {
        View {
            now: at(1_000),
            price_age: Some(SECOND),
            feed_silence: SECOND,
            missing_trades: false,
            equity: usd(100_000),
            exposure: Amount::ZERO,
            open_orders: 0,
        }
    }

    #[test]
    fn each_reason_blocks_an_entry_by_itself_and_no_exit() {
        let settings = Settings::default();
        let halted = Gate { state: RiskState::Halted, ..Gate::default() };
        let reducing = Gate { state: RiskState::Reducing, ..Gate::default() };
        let differ = Gate { books_differ: true, ..Gate::default() };
        let busy = Gate { entries: vec![at(990); 60].into(), ..Gate::default() };
        let calm = Gate::default();
        for (gate, view, value, reason) in [
            (&halted, fine(), 1, Reason::Halted),
            (&reducing, fine(), 1, Reason::Reducing),
            (&differ, fine(), 1, Reason::BooksDiffer),
            (&busy, fine(), 1, Reason::OrderRate),
            (&calm, View { price_age: None, ..fine() }, 1, Reason::NoPrice),
            (&calm, View { price_age: Some(30 * SECOND + 1), ..fine() }, 1, Reason::StalePrice),
            (&calm, View { feed_silence: 30 * SECOND + 1, ..fine() }, 1, Reason::DeadFeed),
            (&calm, View { missing_trades: true, ..fine() }, 1, Reason::MissingTrades),
            (&calm, View { open_orders: 200, ..fine() }, 1, Reason::TooManyOrders),
            (&calm, fine(), 50_001, Reason::MaxPosition),
            (&calm, View { exposure: usd(40_000), ..fine() }, 10_001, Reason::MaxPosition),
        ] {
            let refused = gate.clone().approve(order(Side::Buy), usd(value), &view, &settings);
            assert_eq!(refused, Err(reason));
            let exit = gate.clone().approve(order(Side::Sell), usd(value), &view, &settings);
            assert!(exit.is_ok(), "an exit was refused where an entry is for {reason:?}");
        }
        let settings = Settings { max_price_age_s: 30, ..settings };
        let border = View { price_age: Some(30 * SECOND), feed_silence: 30 * SECOND, ..fine() };
        assert!(calm.clone().approve(order(Side::Buy), usd(50_000), &border, &settings).is_ok());
    }

    #[test]
    fn a_minute_later_orders_are_taken_again() {
        let settings = Settings { max_orders_per_minute: 2, ..Settings::default() };
        let mut gate = Gate::default();
        let mut place = |second| {
            let view = View { now: at(second), ..fine() };
            gate.approve(order(Side::Buy), usd(1), &view, &settings).map(|_| ())
        };
        assert_eq!(place(0), Ok(()));
        assert_eq!(place(30), Ok(()));
        assert_eq!(place(59), Err(Reason::OrderRate));
        assert_eq!(place(60), Ok(()));
        assert_eq!(place(61), Err(Reason::OrderRate));
    }

    #[test]
    fn cash_that_comes_or_goes_after_a_loss_neither_trips_the_breaker_nor_disarms_it() {
        let settings = Settings::default();
        let down_by = |lost: i128| {
            let mut gate = Gate::default();
            gate.mark(at(0), usd(100_000), &settings);
            assert_eq!(gate.mark(at(1), usd(100_000 - lost), &settings), None);
            gate
        };
        let mut gate = down_by(1_500);
        gate.moved(usd(-90_000), usd(98_500));
        assert_eq!(gate.mark(at(2), usd(8_500), &settings), None, "still 1.5 % below");
        assert!(gate.mark(at(3), usd(8_456), &settings).is_some(), "2.01 %");
        let mut gate = down_by(1_500);
        gate.moved(usd(900_000), usd(98_500));
        assert_eq!(gate.mark(at(2), usd(998_500), &settings), None);
        assert!(gate.mark(at(3), usd(993_000), &settings).is_some(), "half a percent more is 2 %");
    }

    #[test]
    fn the_switch_does_not_trip_the_breaker_again() {
        let settings = Settings::default();
        for state in [RiskState::Reducing, RiskState::Halted] {
            let mut gate = Gate::default();
            gate.mark(at(0), usd(100_000), &settings);
            assert_eq!(gate.mark(at(1), usd(97_000), &settings), Some(Breaker::CancelEntries));
            gate.set(state, usd(97_000));
            assert_eq!(gate.mark(at(2), usd(97_000), &Settings { on_breaker: OnBreaker::Flatten, ..settings }), None);
            assert_eq!(gate.state(), state);
        }
    }

    #[test]
    fn an_open_loss_trips_the_breaker_and_a_withdrawal_does_not() {
        let settings = Settings::default();
        let mut gate = Gate::default();
        assert_eq!(gate.mark(at(0), usd(100_000), &settings), None);
        assert_eq!(gate.mark(at(1), usd(103_000), &settings), None);
        gate.moved(usd(-50_000), usd(103_000));
        assert_eq!(gate.mark(at(2), usd(53_000), &settings), None);
        assert_eq!(gate.mark(at(3), usd(51_941), &settings), None, "a loss of just less than 2 % of the day's highest");
        assert_eq!(gate.mark(at(4), usd(51_940), &settings), Some(Breaker::CancelEntries));
        assert_eq!((gate.state(), gate.tripped()), (RiskState::Halted, Some(Reason::Drawdown)));
        assert_eq!(gate.mark(at(5), usd(40_000), &settings), None, "it trips once");
        // The next day does not lift it: somebody is to look first.
        gate.mark(at(86_400), usd(40_000), &settings);
        assert_eq!(gate.state(), RiskState::Halted);
        gate.set(RiskState::Active, usd(40_000));
        assert_eq!(gate.blocks(&fine(), &settings), None);
        assert_eq!(gate.mark(at(86_401), usd(39_500), &settings), None);
        let flatten = Settings { on_breaker: OnBreaker::Flatten, ..settings };
        assert_eq!(gate.mark(at(86_402), usd(39_000), &flatten), Some(Breaker::Flatten));
    }
}
