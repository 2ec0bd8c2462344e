//! What comes in: the feed, the prices, the spine.

use std::collections::BTreeMap;

use super::each;
use crate::domain::{Amount, Pair, Price};
use crate::metrics::exposition::{Exposition, Value};
use crate::metrics::names;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Feed {
    pub connected: bool,
    /// Seconds since anything came.
    pub age_s: Option<f64>,
    pub reconnects: u64,
    pub frames: u64,
    /// 0 or 1.
    pub held: u64,
    pub messages: Messages,
    pub late: u64,
    pub gaps: u64,
    pub open_gaps: u64,
    pub missing_trades: u64,
}

/// frames = all of these + held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    pub trades: u64,
    pub quotes: u64,
    pub candles: u64,
    pub control: u64,
    pub history: u64,
    pub ignored: u64,
    pub duplicates: u64,
    pub quarantined: u64,
}

impl Messages {
    fn by_kind(self) -> [(&'static str, u64); 8] {
        [
            ("trade", self.trades),
            ("quote", self.quotes),
            ("candle", self.candles),
            ("control", self.control),
            ("history", self.history),
            ("ignored", self.ignored),
            ("duplicate", self.duplicates),
            ("quarantined", self.quarantined),
        ]
    }
}

impl Feed {
    pub(super) fn write(&self, out: &mut Exposition) {
        out.one(&names::FEED_CONNECTED, Some(self.connected));
        out.one(&names::FEED_AGE, self.age_s);
        out.one(&names::FEED_RECONNECTS, Some(self.reconnects));
        out.one(&names::FEED_FRAMES, Some(self.frames));
        out.one(&names::FEED_HELD, Some(self.held));
        each(out, &names::FEED_MESSAGES, self.messages.by_kind(), Some);
        out.one(&names::FEED_LATE, Some(self.late));
        out.one(&names::FEED_GAPS, Some(self.gaps));
        out.one(&names::FEED_OPEN_GAPS, Some(self.open_gaps));
        out.one(&names::FEED_MISSING, Some(self.missing_trades));
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct MarketOfPair {
    /// Trades and quotes taken since the program started.
    pub ticks: u64,
    pub price: Option<Price>,
    pub best_bid: Option<Price>,
    pub best_ask: Option<Price>,
    pub volume_24h: Option<Amount>,
    /// Seconds of tape time since its newest trade or quote.
    pub age_s: Option<f64>,
}

impl MarketOfPair {
    /// A crossed book has a negative one.
    fn spread(&self) -> Option<Value> {
        let (bid, ask) = (self.best_bid?, self.best_ask?);
        Some(Value::Exact(i128::from(ask.units()) - i128::from(bid.units())))
    }
}

pub(super) fn pairs(market: &BTreeMap<Pair, MarketOfPair>, out: &mut Exposition) {
    let rows = || market.iter().map(|(pair, row)| (pair.as_str(), row));
    each(out, &names::MARKET_TICKS, rows(), |row| Some(row.ticks));
    each(out, &names::MARKET_PRICE, rows(), |row| row.price);
    each(out, &names::MARKET_BID, rows(), |row| row.best_bid);
    each(out, &names::MARKET_ASK, rows(), |row| row.best_ask);
    each(out, &names::MARKET_SPREAD, rows(), MarketOfPair::spread);
    each(out, &names::MARKET_VOLUME, rows(), |row| row.volume_24h);
    each(out, &names::MARKET_PRICE_AGE, rows(), |row| row.age_s);
}

/// The Iggy server, where one is configured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spine {
    pub connected: bool,
    pub topics: Topics,
    /// Messages that are not acknowledged yet.
    pub waiting: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Topics {
    pub prices: Topic,
    pub quotes: Topic,
    pub orders: Topic,
    pub replay: Topic,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Topic {
    pub published: u64,
    /// Duplicates included.
    pub consumed: u64,
    pub duplicates: u64,
}

impl Spine {
    pub(super) fn write(&self, out: &mut Exposition) {
        let Topics { prices, quotes, orders, replay } = self.topics;
        let topics = [("prices", prices), ("quotes", quotes), ("orders", orders), ("replay", replay)];
        out.one(&names::SPINE_CONNECTED, Some(self.connected));
        each(out, &names::SPINE_PUBLISHED, topics, |topic| Some(topic.published));
        each(out, &names::SPINE_CONSUMED, topics, |topic| Some(topic.consumed));
        each(out, &names::SPINE_DUPLICATES, topics, |topic| Some(topic.duplicates));
        out.one(&names::SPINE_WAITING, Some(self.waiting));
    }
}
