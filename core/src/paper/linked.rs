//! Orders that live by one another: the exits of a bracket, and two orders of which one takes what the other leaves.
//!
//! The exits of an entry wait without a quantity and grow with each of its fills, at the end of the print. The first fill of an exit ends what
//! of the entry is still open: the trade is over, and what it bought later nobody would sell.

use super::matching::Matching;
use super::working::{Stage, Working};
use super::{Book, Event};
use crate::domain::{Order, OrderState, Price, Quantity, Reason, Side, TapeTime, Terms, TimeInForce};

impl Book {
    /// The limit and the stop that `OneCancelsOther` stands for.
    pub(super) fn two_of(order: &Order, limit: Price, stop: Price) -> Vec<Working> {
        let (one, other) = (order.id.part(".tp"), order.id.part(".sl"));
        let mut rests = Working::new(Order { id: one, terms: Terms::Limit { limit }, ..*order }, None);
        let mut waits = Working::new(Order { id: other, terms: Terms::Stop { stop }, ..*order }, None);
        rests.sibling = Some(other);
        waits.sibling = Some(one);
        vec![rests, waits]
    }

    /// The exits of an entry, of nothing yet.
    pub(super) fn exits_of(entry: &Order) -> Vec<Working> {
        let exit = |suffix, terms| {
            let order = Order {
                id: entry.id.part(suffix),
                pair: entry.pair,
                side: Side::Sell,
                quantity: Quantity::ZERO,
                terms,
                time_in_force: TimeInForce::GoodTillCancelled,
                reduce_only: true,
                post_only: false,
                take_profit: None,
                stop_loss: None,
            };
            Working { stage: Stage::Held, entry: Some(entry.id), ..Working::new(order, None) }
        };
        let mut exits = Vec::new();
        exits.extend(entry.take_profit.map(|limit| exit(".tp", Terms::Limit { limit })));
        exits.extend(entry.stop_loss.map(|stop| exit(".sl", Terms::Stop { stop })));
        if let [one, other] = exits.as_mut_slice() {
            one.sibling = Some(other.order.id);
            other.sibling = Some(one.order.id);
        }
        exits
    }

    /// An entry ended with nothing filled.
    pub(super) fn end_exits(&mut self, entry: &Order, events: &mut Vec<Event>) {
        for id in super::check::parts(entry) {
            if self.open.get(&id).is_some_and(|exit| exit.entry == Some(entry.id)) {
                self.end(id, OrderState::Cancelled, Some(Reason::EntryEnded), events);
            }
        }
    }

    /// The exits take over what this print has bought. One that was there already keeps its place.
    pub(super) fn grow_exits(&mut self, matching: &Matching<'_>, events: &mut Vec<Event>) {
        let at = TapeTime::from_nanos(matching.print.event_time.nanos());
        for (entry, bought) in &matching.bought {
            for id in [".tp", ".sl"].map(|suffix| entry.part(suffix)) {
                if self.open.get(&id).is_none_or(|exit| exit.entry != Some(*entry)) {
                    continue;
                }
                self.changing(id, |book| {
                    if let Some(exit) = book.open.get_mut(&id) {
                        let units = exit.order.quantity.units().saturating_add(bought.units());
                        exit.order.quantity = Quantity::from_units(units);
                    }
                });
                match self.open.get(&id).map(|exit| exit.stage) {
                    Some(Stage::Held) => self.arrive(id, at, OrderState::Cancelled, events),
                    _ => self.say(id, events),
                }
            }
        }
    }
}
