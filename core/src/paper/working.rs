//! An order that is not over, and its way through the book.

use serde::{Deserialize, Serialize};

use super::{Book, Event};
use crate::domain::{
    Amendment, Order, OrderId, OrderReport, OrderState, Price, Quantity, Reason, Side, TapeTime, Terms, TimeInForce,
};

/// Where an order is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// On its way.
    Sent,
    /// The exit of a bracket whose entry has filled nothing.
    Held,
    /// A stop that has not triggered.
    Stopped,
    Taking,
    Resting,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Working {
    /// As it is now: an amend changes its prices, a linked order its quantity.
    pub(super) order: Order,
    pub(super) filled: Quantity,
    pub(super) stage: Stage,
    pub(super) triggered: bool,
    /// Among orders of the same price the lower one goes first.
    pub(super) place: u64,
    /// No print of before is for it.
    pub(super) arrived: TapeTime,
    /// Where a stop stands. A trailing one has none before the first print.
    pub(super) stop: Option<Price>,
    /// The best price since a trailing stop arrived.
    pub(super) best: Option<Price>,
    /// Seen ahead of it at its price and not traded yet. None when nothing is known of it.
    pub(super) ahead: Option<Quantity>,
    /// The far side when it came to the market; without a quote the last print.
    pub(super) reference: Option<Price>,
    /// What a buy that says no price reserves by.
    pub(super) reserve_price: Option<Price>,
    /// Of the two, one takes what the other leaves.
    pub(super) sibling: Option<OrderId>,
    /// It is the exit of this order.
    pub(super) entry: Option<OrderId>,
    /// Amends on their way; what they will need is reserved.
    pub(super) amending: Vec<Amendment>,
}

impl Working {
    pub(super) fn new(order: Order, reserve_price: Option<Price>) -> Self {
        Self {
            order,
            filled: Quantity::ZERO,
            stage: Stage::Sent,
            triggered: false,
            place: 0,
            arrived: TapeTime::default(),
            stop: order.terms.stop(),
            best: None,
            ahead: None,
            reference: None,
            reserve_price,
            sibling: None,
            entry: None,
            amending: Vec::new(),
        }
    }

    pub(super) fn remaining(&self) -> Quantity {
        Quantity::from_units((self.order.quantity.units() - self.filled.units()).max(0))
    }

    pub(super) fn is_stop(&self) -> bool {
        let stop =
            matches!(self.order.terms, Terms::Stop { .. } | Terms::StopLimit { .. } | Terms::TrailingStop { .. });
        stop && !self.triggered
    }

    pub(super) fn is_immediate(&self) -> bool {
        matches!(self.order.time_in_force, TimeInForce::ImmediateOrCancel | TimeInForce::FillOrKill)
    }

    pub(super) fn report(&self) -> OrderReport {
        self.with(
            match self.stage {
                Stage::Sent => OrderState::Sent,
                Stage::Held | Stage::Stopped => OrderState::Waiting,
                Stage::Taking | Stage::Resting => OrderState::Open,
            },
            None,
        )
    }

    pub(super) fn with(&self, state: OrderState, reason: Option<Reason>) -> OrderReport {
        OrderReport { order: self.order, state, filled: self.filled, stop: self.stop, reason }
    }
}

/// Whether `price` is at `limit` or better for an order of this side.
pub(super) fn within(side: Side, price: Price, limit: Price) -> bool {
    match side {
        Side::Buy => price <= limit,
        Side::Sell => price >= limit,
    }
}

/// Whether `price` is strictly better than `limit` for an order of this side: trading there trades through the limit.
pub(super) fn beyond(side: Side, price: Price, limit: Price) -> bool {
    price != limit && within(side, price, limit)
}

impl Book {
    pub(super) fn say(&self, id: OrderId, events: &mut Vec<Event>) {
        if let Some(order) = self.open.get(&id) {
            events.push(Event::Report(order.report()));
        }
    }

    /// An order has reached the venue, has changed there, or is the exit of an entry that has begun to fill. It takes the last place.
    pub(super) fn arrive(&mut self, id: OrderId, at: TapeTime, refused: OrderState, events: &mut Vec<Event>) {
        let place = self.next_place();
        let Some(order) = self.open.get_mut(&id) else { return };
        order.place = place;
        order.arrived = at;
        if !order.is_stop() {
            return self.enter_market(id, refused, events);
        }
        order.stage = Stage::Stopped;
        self.watch(id);
        self.say(id, events);
    }

    /// Takes when it can, else rests. Orders that are judged at the next print never rest.
    pub(super) fn enter_market(&mut self, id: OrderId, refused: OrderState, events: &mut Vec<Event>) {
        let Some(order) = self.open.get(&id) else { return };
        let (asked, place) = (order.order, order.place);
        let far = self.far_side(asked.pair, asked.side);
        let takes = match asked.terms.limit() {
            None => true,
            Some(limit) => far.is_some_and(|far| within(asked.side, far, limit)),
        };
        if takes && asked.post_only {
            return self.end(id, refused, Some(Reason::PostOnlyWouldTake), events);
        }
        let takes = takes || order.is_immediate();
        let market = self.markets.entry(asked.pair).or_default();
        let reference = market.far_side(asked.side).or_else(|| market.last_price());
        let Some(order) = self.open.get_mut(&id) else { return };
        order.reference = reference;
        if takes {
            order.stage = Stage::Taking;
            market.taking.insert(place, id);
        } else {
            self.rest(id);
        }
        self.say(id, events);
    }

    /// Takes an order out of every list it is looked for in.
    pub(super) fn leave(&mut self, id: OrderId) {
        let Some(order) = self.open.get(&id) else { return };
        let (side, place) = (order.order.side, order.place);
        let Some(market) = self.markets.get_mut(&order.order.pair) else { return };
        match order.stage {
            Stage::Sent | Stage::Held => {}
            Stage::Taking => {
                market.taking.remove(&place);
            }
            Stage::Resting => {
                if let Some(limit) = order.order.terms.limit() {
                    market.resting.of_mut(side).remove(limit, place);
                    market.unseen.of_mut(side).remove(limit, place);
                }
            }
            Stage::Stopped => {
                if let Some(stop) = order.stop {
                    market.stops.of_mut(side).remove(stop, place);
                }
                if matches!(order.order.terms, Terms::TrailingStop { .. }) {
                    market.trails.of_mut(side).remove(order.trailed(), place);
                }
            }
        }
    }

    /// The one way out of the book.
    pub(super) fn end(&mut self, id: OrderId, state: OrderState, reason: Option<Reason>, events: &mut Vec<Event>) {
        self.leave(id);
        let Some(ended) = self.changing(id, |book| book.open.remove(&id)) else { return };
        if let TimeInForce::GoodTill(until) = ended.order.time_in_force {
            self.expiries.remove(&(until, id));
        }
        events.push(Event::Report(ended.with(state, reason)));
        if let Some(sibling) = ended.sibling.and_then(|sibling| self.open.get_mut(&sibling)) {
            sibling.sibling = None;
        }
        if ended.filled == Quantity::ZERO {
            self.end_exits(&ended.order, events);
        }
    }
}
