//! The part of a desk that trades by consensus: what it was advised, and what it does about it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Desk;
use crate::consensus::votes;
use crate::domain::signal::ORDERS_BEGIN;
use crate::domain::{
    Amount, Decision, DeskOutput, Lean, Opinion, Order, OrderId, Pair, Quantity, Reason, Recall, RiskState, Side,
    Terms, Thresholds, TimeInForce, Verdict, Votes, money,
};
use crate::engine::Market;
use crate::paper::Event;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Consensus {
    on: bool,
    pub(super) thresholds: Thresholds,
    /// The newest of each pair.
    opinions: BTreeMap<Pair, Opinion>,
    /// The last of each pair, whatever it came to.
    decisions: BTreeMap<Pair, Decision>,
}

impl Consensus {
    /// An answer that comes after a newer one is old already.
    pub(super) fn heard(&mut self, opinion: Opinion) {
        let newest = self.opinions.entry(opinion.pair).or_insert(opinion);
        if opinion.as_of >= newest.as_of {
            *newest = opinion;
        }
    }
}

impl Desk {
    /// Whether it trades by consensus.
    pub fn consensus_on(&self) -> bool {
        self.consensus.on
    }

    pub fn thresholds(&self) -> &Thresholds {
        &self.consensus.thresholds
    }

    /// The last decision on each pair.
    pub fn decisions(&self) -> impl Iterator<Item = &Decision> {
        self.consensus.decisions.values()
    }

    pub fn opinion(&self, pair: Pair) -> Option<&Opinion> {
        self.consensus.opinions.get(&pair)
    }

    pub(super) fn set_consensus(&mut self, on: bool, events: &mut Vec<Event>) {
        self.consensus.on = on;
        if !on {
            let of_its_own = |order: &Order| order.side == Side::Buy && order.id.as_str().starts_with(ORDERS_BEGIN);
            self.book.cancel_where(self.now, Reason::ByTrader, events, of_its_own);
        }
    }

    /// Decides on the minute that was looked up. While it is off, nothing is decided.
    pub(super) fn recalled(
        &mut self,
        recall: Recall,
        market: &Market,
        events: &mut Vec<Event>,
        outputs: &mut Vec<DeskOutput>,
    ) {
        let (pair, minute) = (recall.pair, recall.window_end);
        let decided = self.consensus.decisions.get(&pair).is_some_and(|last| last.minute >= minute);
        if !self.consensus.on || decided {
            return;
        }
        let votes = self.votes(&recall, market);
        let verdict = match votes::together(&votes, &self.consensus.thresholds) {
            Lean::Neither => Verdict::Stay,
            // Whatever the other votes are: with it everything has grown old.
            Lean::Enter if votes::is_stale(minute, self.now, self.consensus.thresholds.max_recall_age_s) => {
                Verdict::EntryBlocked(Reason::StaleSignal)
            }
            Lean::Enter => self.enter(&recall, market, events),
            Lean::Leave => self.leave(&recall, market, events),
        };
        let decision = Decision {
            source: recall.source,
            pair,
            minute,
            at: self.now,
            votes,
            verdict,
            recall,
            opinion: self.consensus.opinions.get(&pair).copied(),
            ask: self.book.far_side(pair, Side::Buy),
            mark: self.book.mark(pair),
            equity: self.equity().total,
        };
        self.consensus.decisions.insert(pair, decision);
        outputs.push(DeskOutput::Decision(decision));
    }

    fn votes(&self, recall: &Recall, market: &Market) -> Votes {
        let thresholds = &self.consensus.thresholds;
        let minutes = 2 * usize::from(thresholds.trend_slow);
        let closes = market.pair(recall.source, recall.pair).map(|pair| pair.closes_to(recall.window_end, minutes));
        Votes {
            patterns: votes::patterns(recall, self.now, thresholds, self.book.settings()),
            analyst: votes::analyst(self.consensus.opinions.get(&recall.pair), self.now, thresholds),
            trend: votes::trend(&closes.unwrap_or_default(), thresholds),
        }
    }

    fn enter(&mut self, recall: &Recall, market: &Market, events: &mut Vec<Event>) -> Verdict {
        let pair = recall.pair;
        let held = self.positions.get(pair).is_some_and(|position| position.quantity > Quantity::ZERO);
        let entering = self.book.open_orders().any(|open| open.order.pair == pair && open.order.side == Side::Buy);
        if held || entering {
            return Verdict::Holding;
        }
        let blocked = Verdict::EntryBlocked;
        let quantity = match self.entry_size(pair) {
            Ok(quantity) => quantity,
            Err(reason) => return blocked(reason),
        };
        let order = order(recall, Side::Buy, quantity);
        self.send(&order, market, events).map_or_else(blocked, |_| Verdict::Entered(order.id))
    }

    /// A share of equity at what a buyer would pay, in whole increments of the pair.
    fn entry_size(&self, pair: Pair) -> Result<Quantity, Reason> {
        let ask = self.book.far_side(pair, Side::Buy).ok_or(Reason::NoPrice)?;
        let one = i128::from(money::ONE);
        let equity = self.equity().total.units().max(0);
        let share = i128::from(self.consensus.thresholds.position.units().max(0));
        let worth = equity.checked_mul(share).ok_or(Reason::Overflow)? / one;
        let wanted = worth.checked_mul(one).ok_or(Reason::Overflow)? / i128::from(ask.units().max(1));
        let increment = i128::from(self.book.rules(pair).quantity_increment.units().max(1));
        let whole = i64::try_from(wanted - wanted % increment).map_err(|_| Reason::Overflow)?;
        Ok(Quantity::from_units(whole))
    }

    fn leave(&mut self, recall: &Recall, market: &Market, events: &mut Vec<Event>) -> Verdict {
        let pair = recall.pair;
        let held = self.positions.get(pair).map_or(Quantity::ZERO, |position| position.quantity);
        let reserved = pair.assets().map_or(Amount::ZERO, |(base, _)| self.book.reserved(base));
        // What exits of the trader's own sell already is theirs.
        let free = i128::from(held.units()) - reserved.units();
        if free <= 0 {
            return Verdict::NothingToLeave;
        }
        if self.gate.state() == RiskState::Halted {
            return Verdict::ExitBlocked(self.gate.tripped().unwrap_or(Reason::Halted));
        }
        let quantity = Quantity::from_units(i64::try_from(free).unwrap_or(i64::MAX));
        let order = order(recall, Side::Sell, quantity);
        match self.send(&order, market, events) {
            Ok(_) => Verdict::Left(order.id),
            Err(reason) => Verdict::ExitBlocked(reason),
        }
    }
}

fn order(recall: &Recall, side: Side, quantity: Quantity) -> Order {
    let id: OrderId = Decision::order_id(recall.source, recall.pair, recall.window_end);
    Order {
        id,
        pair: recall.pair,
        side,
        quantity,
        terms: Terms::Market,
        time_in_force: TimeInForce::GoodTillCancelled,
        reduce_only: side == Side::Sell,
        post_only: false,
        take_profit: None,
        stop_loss: None,
    }
}
