//! What is known of one pair, and where its orders stand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::money::ONE;
use crate::domain::{EventTime, OrderId, PairRules, Price, Quantity, Quote, Settings, Side, TradeId};

/// Orders by price and then by place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ladder(pub(super) BTreeMap<Price, BTreeMap<u64, OrderId>>);

impl Ladder {
    pub(super) fn insert(&mut self, price: Price, place: u64, id: OrderId) {
        self.0.entry(price).or_default().insert(place, id);
    }

    pub(super) fn remove(&mut self, price: Price, place: u64) {
        if let Some(level) = self.0.get_mut(&price) {
            level.remove(&place);
            if level.is_empty() {
                self.0.remove(&price);
            }
        }
    }

    /// Those at `price` or above, highest first.
    pub(super) fn at_or_above(&self, price: Price) -> impl Iterator<Item = OrderId> {
        self.0.range(price..).rev().flat_map(|(_, level)| level.values().copied())
    }

    /// Those at `price` or below, lowest first.
    pub(super) fn at_or_below(&self, price: Price) -> impl Iterator<Item = OrderId> {
        self.0.range(..=price).flat_map(|(_, level)| level.values().copied())
    }
}

/// One of each for the two sides of orders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sided<T> {
    buy: T,
    sell: T,
}

impl<T> Sided<T> {
    pub(super) fn of(&self, side: Side) -> &T {
        match side {
            Side::Buy => &self.buy,
            Side::Sell => &self.sell,
        }
    }

    pub(super) fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::Buy => &mut self.buy,
            Side::Sell => &mut self.sell,
        }
    }
}

/// A side of the quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shown {
    pub(super) price: Price,
    pub(super) size: Option<Quantity>,
    /// Of the size, what this desk has not taken.
    pub(super) left: Option<Quantity>,
}

impl Shown {
    fn new(price: Price, size: Option<Quantity>) -> Self {
        Self { price, size, left: size }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Market {
    /// By the side of the orders that rest there: `Buy` is the bid.
    best: Option<Sided<Shown>>,
    /// When that was shown, by its source.
    shown_at: EventTime,
    last: Option<(EventTime, TradeId, Price)>,
    pub(super) taking: BTreeMap<u64, OrderId>,
    pub(super) resting: Sided<Ladder>,
    /// Of those resting, the ones of which the queue ahead is unknown.
    pub(super) unseen: Sided<Ladder>,
    /// Stops by the price that triggers them.
    pub(super) stops: Sided<Ladder>,
    /// Trailing stops by the best price since they arrived.
    pub(super) trails: Sided<Ladder>,
}

impl Market {
    /// Notes a quote, which is the market for so many nanoseconds. False when it is older than what is known.
    pub(super) fn quote(&mut self, quote: &Quote, event_time: EventTime, lasts: i64) -> bool {
        let outlived = self.last.is_some_and(|(printed, ..)| is_over(event_time, printed, lasts));
        if event_time < self.shown_at || outlived {
            return false;
        }
        self.shown_at = event_time;
        self.best = Some(Sided {
            buy: Shown::new(quote.best_bid, quote.bid_size),
            sell: Shown::new(quote.best_ask, quote.ask_size),
        });
        true
    }

    /// Notes a print. False when it is not newer than the last one, or the same one told with another time: a print counts once.
    ///
    /// A quote that trading has gone on without for `lasts` nanoseconds is not the market any more.
    pub(super) fn print(&mut self, event_time: EventTime, trade_id: TradeId, price: Price, lasts: i64) -> bool {
        let newer = self.last.is_none_or(|(time, id, _)| trade_id != id && (event_time, trade_id) > (time, id));
        if newer {
            if is_over(self.shown_at, event_time, lasts) {
                self.best = None;
            }
            self.last = Some((event_time, trade_id, price));
        }
        newer
    }

    pub(super) fn last_price(&self) -> Option<Price> {
        self.last.map(|(_, _, price)| price)
    }

    /// The best that rests on a side.
    pub(super) fn best(&self, side: Side) -> Option<&Shown> {
        self.best.as_ref().map(|best| best.of(side))
    }

    /// What a taker of this side trades at, where a quote is known.
    pub(super) fn far_side(&self, taker: Side) -> Option<Price> {
        self.best(taker.opposite()).map(|shown| shown.price)
    }

    /// Takes from what the far side of the quote still shows.
    pub(super) fn consume(&mut self, taker: Side, quantity: Quantity) {
        let shown = self.best.as_mut().map(|best| best.of_mut(taker.opposite()));
        if let Some(left) = shown.and_then(|shown| shown.left.as_mut()) {
            *left = Quantity::from_units(left.units().saturating_sub(quantity.units()).max(0));
        }
    }

    pub(super) fn has_orders(&self) -> bool {
        let any = |sided: &Sided<Ladder>| !sided.buy.0.is_empty() || !sided.sell.0.is_empty();
        !self.taking.is_empty() || any(&self.resting) || any(&self.stops) || any(&self.trails)
    }
}

fn is_over(shown: EventTime, printed: EventTime, lasts: i64) -> bool {
    printed.nanos().saturating_sub(shown.nanos()) > lasts
}

/// A price moved by the slippage setting against a taker, and to the next increment against him. A sale brings at least one increment.
/// None when it is too large a number for a price.
pub(super) fn slipped(price: Price, taker: Side, settings: &Settings, rules: &PairRules) -> Option<Price> {
    let rate = i128::from(settings.slippage.units());
    let share = match taker {
        Side::Buy => i128::from(ONE).checked_add(rate)?,
        Side::Sell => i128::from(ONE).checked_sub(rate)?,
    };
    let exact = i128::from(price.units()).checked_mul(share)?;
    rounded_against(exact, taker, rules.price_increment)
}

/// A price in units of 1e-16, to the increment above for a buyer and below for a seller.
pub(super) fn rounded_against(exact: i128, taker: Side, increment: Price) -> Option<Price> {
    let increment = i128::from(increment.units()).max(1);
    let step = i128::from(ONE).checked_mul(increment)?;
    let steps = match taker {
        Side::Buy => exact.div_euclid(step).checked_add(i128::from(exact.rem_euclid(step) != 0))?,
        Side::Sell => exact.div_euclid(step),
    };
    let units = steps.max(1).checked_mul(increment)?;
    i64::try_from(units).ok().map(Price::from_units)
}
