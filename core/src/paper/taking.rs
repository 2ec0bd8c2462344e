//! Orders that take: market orders, triggered stops, limits the market was within when they arrived.
//!
//! A buy pays the ask, or the price of the print where that is worse: a print beyond the quote says that the quote is gone. What the quote still
//! shows fills without slippage and is used up by it, until the next quote.

use super::fills::{BEYOND_SHOWN, Deal, SHOWN};
use super::market::slipped;
use super::matching::Matching;
use super::working::{Stage, within};
use super::{Book, Event};
use crate::domain::{BeyondQuote, OrderId, OrderState, Price, Quantity, Reason, Side, TimeInForce};

/// How a print would fill a taker.
struct Plan {
    /// At the far side, and with slippage.
    shown: (Price, Quantity),
    beyond: (Option<Price>, Quantity),
    assumed: bool,
    /// The rest would trade beyond its limit.
    stopped_by_limit: bool,
}

impl Plan {
    fn quantity(&self) -> i64 {
        self.shown.1.units() + self.beyond.1.units()
    }
}

impl Book {
    pub(super) fn fill_taking(&mut self, matching: &mut Matching<'_>, events: &mut Vec<Event>) {
        let Some(market) = self.markets.get(&matching.print.pair) else { return };
        let ids: Vec<OrderId> = market.taking.values().copied().collect();
        for id in ids {
            if self.open.get(&id).is_some_and(|order| order.stage == Stage::Taking && matching.is_for(order)) {
                self.take(matching, id, events);
            }
        }
    }

    fn take(&mut self, matching: &mut Matching<'_>, id: OrderId, events: &mut Vec<Event>) {
        let Some(order) = self.open.get(&id) else { return };
        let time_in_force = order.order.time_in_force;
        let Some(plan) = self.plan(matching, id) else { return };
        if time_in_force == TimeInForce::FillOrKill
            && let Err(reason) = self.all_at_once(matching, id, &plan)
        {
            return self.end(id, OrderState::Cancelled, Some(reason), events);
        }
        let (price, quantity) = plan.shown;
        let deal = Deal { price, quantity, maker: false, assumed: plan.assumed, part: SHOWN };
        self.fill(matching, id, &deal, events);
        match plan.beyond {
            (Some(price), quantity) => {
                self.fill(matching, id, &Deal { price, quantity, part: BEYOND_SHOWN, ..deal }, events);
            }
            (None, Quantity::ZERO) => {}
            // A price too large to count in.
            (None, _) => self.end(id, OrderState::Cancelled, Some(Reason::Overflow), events),
        }
        if time_in_force == TimeInForce::ImmediateOrCancel {
            // Has no effect on one that is over.
            self.end(id, OrderState::Cancelled, Some(Reason::NotImmediate), events);
        } else if plan.stopped_by_limit {
            matching.to_rest.push(id);
        }
    }

    /// What the print would fill, limit and quote obeyed. None when the order is gone.
    fn plan(&self, matching: &Matching<'_>, id: OrderId) -> Option<Plan> {
        let order = self.open.get(&id)?;
        let side = order.order.side;
        let market = self.markets.get(&matching.print.pair)?;
        let quote = market.best(side.opposite());
        let printed = matching.print.price;
        let price = match (quote, side) {
            (None, _) => printed,
            (Some(quote), Side::Buy) => quote.price.max(printed),
            (Some(quote), Side::Sell) => quote.price.min(printed),
        };
        let obeys = |price: Price| order.order.terms.limit().is_none_or(|limit| within(side, price, limit));
        let most = order.remaining().min(matching.left);
        // Without a size the depth is unknown: all of it slips, and there is no better quote to wait for.
        let left = quote.and_then(|quote| quote.left);
        let shown = most.min(left.unwrap_or_default());
        let waits = left.is_some() && self.settings.beyond_quote == BeyondQuote::Wait;
        let rest = if waits { Quantity::ZERO } else { Quantity::from_units(most.units() - shown.units()) };
        let worse = slipped(price, side, &self.settings, &self.rules(matching.print.pair));
        let shown_obeys = obeys(price);
        let rest_obeys = shown_obeys && worse.is_none_or(obeys);
        Some(Plan {
            shown: (price, if shown_obeys { shown } else { Quantity::ZERO }),
            beyond: (worse, if rest_obeys { rest } else { Quantity::ZERO }),
            assumed: quote.is_none(),
            stopped_by_limit: !shown_obeys || (rest > Quantity::ZERO && !rest_obeys),
        })
    }

    fn all_at_once(&self, matching: &Matching<'_>, id: OrderId, plan: &Plan) -> Result<(), Reason> {
        let order = self.open.get(&id).ok_or(Reason::UnknownOrder)?;
        if plan.quantity() < order.remaining().units() {
            return Err(Reason::NotAllAtOnce);
        }
        if order.order.side == Side::Sell {
            let held = self.sellable(matching, order);
            return if held >= i128::from(plan.quantity()) { Ok(()) } else { Err(Reason::NothingToReduce) };
        }
        let fee = self.settings.taker_fee;
        let shown = super::fills::cost(plan.shown.0, plan.shown.1, fee)?;
        let beyond = plan.beyond.0.map_or(Ok(0), |price| super::fills::cost(price, plan.beyond.1, fee))?;
        let cost = shown.checked_add(beyond).ok_or(Reason::Overflow)?;
        if cost <= self.spendable(matching, order) { Ok(()) } else { Err(Reason::CashRanOut) }
    }

    /// What a print would have filled beyond its taker's limit rests from here on, behind all that rests already. It takes no more.
    pub(super) fn rest_takers(&mut self, matching: &mut Matching<'_>) {
        for id in std::mem::take(&mut matching.to_rest) {
            if self.open.get(&id).is_some_and(|order| order.stage == Stage::Taking) {
                self.leave(id);
                let place = self.next_place();
                if let Some(order) = self.open.get_mut(&id) {
                    order.place = place;
                }
                self.rest(id);
            }
        }
    }
}
