//! Limits that rest, and the queue ahead of them.
//!
//! The queue is known at the best price only: what the quote shows there when the limit arrives, or when the best first comes to it. A limit
//! better than the best has nothing ahead. Elsewhere nothing is known, and only a trade through the limit fills it. Once known, the queue is
//! shortened by what trades and by nothing else: who cancels ahead is not seen.

use super::market::Market;
use super::matching::Matching;
use super::working::{Stage, beyond};
use super::{Book, Event};
use crate::domain::{OrderId, Pair, Price, Quantity, Side};

/// What was seen ahead of a limit on its side.
fn seen_ahead(market: &Market, side: Side, limit: Price) -> Option<Quantity> {
    let best = market.best(side)?;
    if beyond(side, best.price, limit) {
        return Some(Quantity::ZERO);
    }
    if best.price == limit { best.size } else { None }
}

/// Those of a side that trade at this price or better for the other one.
fn reached(market: &Market, side: Side, price: Price) -> Vec<OrderId> {
    let ladder = market.resting.of(side);
    match side {
        Side::Buy => ladder.at_or_above(price).collect(),
        Side::Sell => ladder.at_or_below(price).collect(),
    }
}

impl Book {
    pub(super) fn rest(&mut self, id: OrderId) {
        let Some(order) = self.open.get_mut(&id) else { return };
        let Some(limit) = order.order.terms.limit() else { return };
        let side = order.order.side;
        let market = self.markets.entry(order.order.pair).or_default();
        order.stage = Stage::Resting;
        order.ahead = seen_ahead(market, side, limit);
        market.resting.of_mut(side).insert(limit, order.place, id);
        if order.ahead.is_none() {
            market.unseen.of_mut(side).insert(limit, order.place, id);
        }
    }

    /// A new quote may show the queue of orders of which nothing was known.
    pub(super) fn see_queues(&mut self, pair: Pair) {
        let Some(market) = self.markets.get_mut(&pair) else { return };
        for side in [Side::Buy, Side::Sell] {
            let Some(best) = market.best(side).map(|best| best.price) else { continue };
            let shown: Vec<OrderId> = match side {
                Side::Buy => market.unseen.of(side).at_or_above(best).collect(),
                Side::Sell => market.unseen.of(side).at_or_below(best).collect(),
            };
            for id in shown {
                let Some(order) = self.open.get_mut(&id) else { continue };
                let Some(limit) = order.order.terms.limit() else { continue };
                order.ahead = seen_ahead(market, side, limit);
                if order.ahead.is_some() {
                    market.unseen.of_mut(side).remove(limit, order.place);
                }
            }
        }
    }

    pub(super) fn fill_resting(&mut self, matching: &mut Matching<'_>, events: &mut Vec<Event>) {
        for side in [Side::Buy, Side::Sell] {
            let Some(market) = self.markets.get(&matching.print.pair) else { return };
            for id in reached(market, side, matching.print.price) {
                let wanted = self.reach(id, matching);
                self.fill_maker(matching, id, wanted, events);
            }
        }
    }

    /// What the print would fill of a resting order, were it alone. Counts down the queue ahead of it.
    fn reach(&mut self, id: OrderId, matching: &Matching<'_>) -> Quantity {
        let print = matching.print;
        let Some(order) = self.open.get_mut(&id) else { return Quantity::ZERO };
        let (side, place) = (order.order.side, order.place);
        let Some(limit) = order.order.terms.limit() else { return Quantity::ZERO };
        if order.stage != Stage::Resting || !matching.is_for(order) {
            return Quantity::ZERO;
        }
        if beyond(side, print.price, limit) {
            // Whatever was ahead has traded, or is gone.
            if order.ahead.replace(Quantity::ZERO).is_none()
                && let Some(market) = self.markets.get_mut(&print.pair)
            {
                market.unseen.of_mut(side).remove(limit, place);
            }
            return order.remaining();
        }
        // A buyer lifts asks: at this price he trades with nobody who bids.
        let hits = print.taker_side.is_none_or(|taker| taker == side.opposite());
        let Some(ahead) = order.ahead.filter(|_| hits) else { return Quantity::ZERO };
        let traded = ahead.min(print.size);
        order.ahead = Some(Quantity::from_units(ahead.units() - traded.units()));
        Quantity::from_units(print.size.units() - traded.units())
    }
}
