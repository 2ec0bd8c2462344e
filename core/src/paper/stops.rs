//! Stops: what a print sets off, and how trailing ones follow.
//!
//! A stop rests at the venue, so that it triggers without latency; the print that triggers it never fills it. A trailing stop begins at the
//! first print after its arrival and is rounded away from the price, so that no rounding triggers it early.

use super::check::trailed_exact;
use super::market::rounded_against;
use super::matching::Matching;
use super::working::{Stage, Working};
use super::{Book, Event};
use crate::domain::{OrderId, OrderState, Price, Side, TapeTime, Terms};

impl Working {
    /// The best price since it arrived; before the first print one that any print is better than.
    pub(super) fn trailed(&self) -> Price {
        self.best.unwrap_or(Price::from_units(match self.order.side {
            Side::Buy => i64::MAX,
            Side::Sell => 0,
        }))
    }
}

impl Book {
    /// Puts a stop where prints find it.
    pub(super) fn watch(&mut self, id: OrderId) {
        let Some(order) = self.open.get(&id) else { return };
        let market = self.markets.entry(order.order.pair).or_default();
        if let Some(stop) = order.stop {
            market.stops.of_mut(order.order.side).insert(stop, order.place, id);
        }
        if matches!(order.order.terms, Terms::TrailingStop { .. }) {
            market.trails.of_mut(order.order.side).insert(order.trailed(), order.place, id);
        }
    }

    /// Those nearest to the market go first, then those that came first.
    pub(super) fn trigger_stops(&mut self, matching: &Matching<'_>, events: &mut Vec<Event>) {
        let print = matching.print;
        let at = TapeTime::from_nanos(print.event_time.nanos());
        for side in [Side::Buy, Side::Sell] {
            let Some(stops) = self.markets.get(&print.pair).map(|market| market.stops.of(side)) else { return };
            let reached: Vec<OrderId> = match side {
                Side::Buy => stops.at_or_below(print.price).collect(),
                Side::Sell => stops.at_or_above(print.price).collect(),
            };
            for id in reached {
                if !self.open.get(&id).is_some_and(|order| order.stage == Stage::Stopped && matching.is_for(order)) {
                    continue;
                }
                self.leave(id);
                let place = self.next_place();
                if let Some(order) = self.open.get_mut(&id) {
                    order.triggered = true;
                    order.place = place;
                    order.arrived = at;
                }
                self.enter_market(id, OrderState::Cancelled, events);
            }
        }
    }

    /// Moves the trailing stops for which this is the best price so far.
    pub(super) fn follow(&mut self, matching: &Matching<'_>, events: &mut Vec<Event>) {
        let print = matching.print;
        let increment = self.rules(print.pair).price_increment;
        for side in [Side::Buy, Side::Sell] {
            let Some(trails) = self.markets.get(&print.pair).map(|market| market.trails.of(side)) else { return };
            let behind: Vec<OrderId> = match side {
                Side::Buy => trails.at_or_above(print.price).collect(),
                Side::Sell => trails.at_or_below(print.price).collect(),
            };
            for id in behind {
                let Some(order) = self.open.get(&id).filter(|order| matching.is_for(order)) else { continue };
                let Terms::TrailingStop { trail } = order.order.terms else { continue };
                if order.best == Some(print.price) {
                    continue;
                }
                let stop =
                    trailed_exact(print.price, side, trail).and_then(|exact| rounded_against(exact, side, increment));
                let stop = stop.map(|stop| match (side, order.stop) {
                    (Side::Buy, Some(before)) => stop.min(before),
                    (Side::Sell, Some(before)) => stop.max(before),
                    (_, None) => stop,
                });
                self.leave(id);
                let Some(order) = self.open.get_mut(&id) else { continue };
                let moved = order.stop != stop.or(order.stop);
                order.best = Some(print.price);
                order.stop = stop.or(order.stop);
                self.watch(id);
                if moved {
                    self.say(id, events);
                }
            }
        }
    }
}
