//! Trades and quotes as they arrived.

use serde::{Deserialize, Serialize};

use super::{Amount, EventTime, Pair, Price, Quantity, ReceivedTime, Source, TradeId};

/// Who crossed the spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Buy,
    Sell,
}

impl Side {
    /// Coinbase's `match.side` is the maker's; `ticker.side` is the taker's.
    pub fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// How a trade came to be known, which decides what it may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// Newer than everything seen of its pair: the only kind that reaches live matching, marks and votes.
    News,
    /// `last_match`, sent once on subscribing: archive and candles only.
    History,
    /// Arrived by the feed after a newer one: fills a gap.
    Belated,
    /// Fetched afterwards to fill a gap.
    Fetched,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trade {
    pub trade_id: TradeId,
    pub price: Price,
    pub size: Quantity,
    /// Absent where a file does not say.
    pub taker_side: Option<Side>,
    pub arrival: Arrival,
}

/// Best bid and ask, each recorded as it arrived; a field the venue left out is absent, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    pub best_bid: Price,
    pub best_ask: Price,
    pub bid_size: Option<Quantity>,
    pub ask_size: Option<Quantity>,
    pub volume_24h: Option<Amount>,
    pub open_24h: Option<Price>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TickKind {
    Trade(Trade),
    Quote(Quote),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    pub source: Source,
    pub pair: Pair,
    /// The venue's message number; 0 where a file has none. Rises within a pair and is not contiguous.
    pub sequence: u64,
    pub event_time: EventTime,
    pub received_time: ReceivedTime,
    pub kind: TickKind,
}

impl Tick {
    pub fn trade(&self) -> Option<&Trade> {
        match &self.kind {
            TickKind::Trade(trade) => Some(trade),
            TickKind::Quote(_) => None,
        }
    }
}
