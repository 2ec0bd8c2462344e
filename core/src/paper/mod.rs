//! Matching on paper: orders and the market in, fills out. The same code trades live, in a replay and in a backtest.
//!
//! `Book` holds the open orders of one desk and all it knows of the market. It is told of quotes, prints and the time, and answers with events.
//! It keeps no money: what is owned is asked of `Funds`, and what its fills move is settled by the ledger.
//!
//! What a print does, in this order: taking orders by arrival; resting ones, bids before asks, by price and then by arrival; what goes beyond a
//! taker's limit begins to rest; stops trigger; the exits of brackets grow. Nothing that this print placed, triggered or grew is filled by it.
//!
//! Architecture invariants: no clock, no I/O, no randomness, no floats. The same calls give the same events and the same bytes of state.
//! A fill happens at a print only, and all the fills of one print together are never larger than it.

mod check;
mod commands;
mod due;
mod fills;
mod linked;
mod market;
mod matching;
mod reserve;
mod resting;
mod stops;
mod taking;
#[cfg(test)]
mod tests;
mod working;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::time::SECOND;
use crate::domain::{
    Amount, Asset, EventTime, Fill, OrderId, OrderReport, Pair, PairRules, Price, Quantity, Quote, Settings, Side,
    Source, TapeTime, TradeId,
};
use due::Message;
use market::Market;
use working::Working;

/// A trade that reaches matching: newer than all that was seen of its pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Print {
    pub source: Source,
    pub pair: Pair,
    pub trade_id: TradeId,
    pub price: Price,
    pub size: Quantity,
    pub taker_side: Option<Side>,
    pub event_time: EventTime,
}

/// What the desk owns, what is reserved included. Fills of earlier calls have been settled; those of one print are counted here meanwhile.
pub trait Funds {
    fn total(&self, asset: Asset) -> Amount;
}

impl<F: Fn(Asset) -> Amount> Funds for F {
    fn total(&self, asset: Asset) -> Amount {
        self(asset)
    }
}

/// What happened, in the order it happened. A fill is followed by the report of its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    Report(OrderReport),
    Fill(Fill),
}

/// Whether a command is news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    New,
    /// The same order was taken before, whatever has become of it. Nothing happens.
    Exists,
}

/// The open orders of one desk, and all it knows of the market.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    settings: Settings,
    rules: BTreeMap<Pair, PairRules>,
    markets: BTreeMap<Pair, Market>,
    open: BTreeMap<OrderId, Working>,
    /// Half a hash of every order ever taken, as it was sent. The parts of linked orders have zeros, which no order hashes to.
    known: BTreeMap<OrderId, [u8; 16]>,
    /// On their way to the venue, by when they reach it and then by when they were sent.
    under_way: BTreeMap<(TapeTime, u64), Message>,
    /// See `set_lag`.
    lag: i64,
    expiries: BTreeSet<(TapeTime, OrderId)>,
    reserved: BTreeMap<Asset, Amount>,
    /// Counts whatever takes a place in a queue.
    places: u64,
}

impl Book {
    pub fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Open orders reserve by the new fees at once. What is under way arrives when it would have.
    pub fn set_settings(&mut self, settings: Settings) {
        self.settings = settings;
        self.reserve_afresh();
    }

    pub fn rules(&self, pair: Pair) -> PairRules {
        self.rules.get(&pair).copied().unwrap_or_default()
    }

    /// Orders that are open keep what they were taken with.
    pub fn set_rules(&mut self, pair: Pair, rules: PairRules) {
        self.rules.insert(pair, rules);
    }

    /// Reserved by open orders and not to be spent or withdrawn.
    pub fn reserved(&self, asset: Asset) -> Amount {
        self.reserved.get(&asset).copied().unwrap_or_default()
    }

    /// The orders that are not over, by name. Those of `OneCancelsOther` are listed as their two parts.
    pub fn open_orders(&self) -> impl Iterator<Item = OrderReport> {
        self.open.values().map(Working::report)
    }

    pub fn open_count(&self) -> usize {
        self.open.len()
    }

    /// An order that is not over.
    pub fn order(&self, id: OrderId) -> Option<OrderReport> {
        self.open.get(&id).map(Working::report)
    }

    /// Whether an order or a part of one was ever taken under this name.
    pub fn knows(&self, id: OrderId) -> bool {
        self.known.contains_key(&id)
    }

    /// What a taker of this side would trade at: the other side of the quote, or without one the last print and the slippage setting.
    pub fn far_side(&self, pair: Pair, side: Side) -> Option<Price> {
        let market = self.markets.get(&pair)?;
        market.far_side(side).or_else(|| market::slipped(market.last_price()?, side, &self.settings, &self.rules(pair)))
    }

    /// What an exit would get: the best bid, or without a quote the last print.
    pub fn mark(&self, pair: Pair) -> Option<Price> {
        let market = self.markets.get(&pair)?;
        market.far_side(Side::Sell).or_else(|| market.last_price())
    }

    /// A new best bid and ask. What was consumed of the one before is forgotten with it. One that is older than what is known, and one that
    /// prints have outlived, is not taken.
    pub fn quote(&mut self, pair: Pair, quote: &Quote, event_time: EventTime, now: TapeTime, events: &mut Vec<Event>) {
        self.advance(now, events);
        let lasts = i64::from(self.settings.max_price_age_s).saturating_mul(SECOND);
        if self.markets.entry(pair).or_default().quote(quote, event_time, lasts) {
            self.see_queues(pair);
        }
    }

    fn next_place(&mut self) -> u64 {
        self.places += 1;
        self.places
    }
}
