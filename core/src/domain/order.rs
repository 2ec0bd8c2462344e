//! What a trader asks for: orders, and the other commands of a desk.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::instrument::as_text;
use super::name::{self, Name};
use super::settings::{PairRules, Settings};
use super::signal::{Opinion, Recall, Thresholds};
use super::{Amount, Pair, Price, Quantity, Rate, ReceivedTime, Side, TapeTime};

/// The name of an order or of another command, chosen by whoever sends it: sent again under the same name it is the same command. 1 to 27 of
/// `A-Z a-z 0-9 - _ .`; the parts of a linked order have a suffix of four more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(Name<31>);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an order's name: expected 1 to 27 letters, digits, `-`, `_` or `.`")]
pub struct OrderIdError(String);

/// Longest name a user may give: a part of it takes four more.
const GIVEN: usize = 27;

impl OrderId {
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Of the part of a linked order: `.tp` takes a profit, `.sl` stops a loss.
    pub fn part(self, suffix: &str) -> Self {
        Self(Name::new(&format!("{}{suffix}", self.as_str()), |_| true).expect("a given name leaves room for a suffix"))
    }

    /// As `parse`, and short enough that its parts can be named. What comes from outside is read by this.
    pub fn given(text: &str) -> Result<Self, OrderIdError> {
        if text.len() > GIVEN {
            return Err(OrderIdError(text.chars().take(40).collect()));
        }
        text.parse()
    }
}

impl FromStr for OrderId {
    type Err = OrderIdError;

    fn from_str(text: &str) -> Result<Self, OrderIdError> {
        Name::new(text, |b| matches!(b, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'))
            .map(Self)
            .ok_or_else(|| OrderIdError(text.chars().take(40).collect()))
    }
}

as_text!(OrderId, "an order's name");

/// How far behind the best price since it was placed a trailing stop follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trail {
    /// In the quote asset.
    Offset(Price),
    /// A share of the best price.
    Share(Rate),
}

/// What makes an order fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Terms {
    /// At the far side of the quote.
    Market,
    /// At this price or better.
    Limit { limit: Price },
    /// A market order once a trade prints at or beyond `stop`.
    Stop { stop: Price },
    /// A limit order once a trade prints at or beyond `stop`.
    StopLimit { stop: Price, limit: Price },
    /// A stop that follows the price while it moves in favour.
    TrailingStop { trail: Trail },
    /// Two orders of which one takes what the other leaves: a limit and a stop.
    OneCancelsOther { limit: Price, stop: Price },
}

impl Terms {
    pub fn limit(&self) -> Option<Price> {
        match *self {
            Self::Limit { limit } | Self::StopLimit { limit, .. } | Self::OneCancelsOther { limit, .. } => Some(limit),
            Self::Market | Self::Stop { .. } | Self::TrailingStop { .. } => None,
        }
    }

    pub fn stop(&self) -> Option<Price> {
        match *self {
            Self::Stop { stop } | Self::StopLimit { stop, .. } | Self::OneCancelsOther { stop, .. } => Some(stop),
            Self::Market | Self::Limit { .. } | Self::TrailingStop { .. } => None,
        }
    }

    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Market => "market",
            Self::Limit { .. } => "limit",
            Self::Stop { .. } => "stop",
            Self::StopLimit { .. } => "stop_limit",
            Self::TrailingStop { .. } => "trailing_stop",
            Self::OneCancelsOther { .. } => "oco",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeInForce {
    /// Until it is cancelled.
    #[default]
    GoodTillCancelled,
    /// What the first print after its arrival does not fill is cancelled.
    ImmediateOrCancel,
    /// The first print after its arrival fills all of it, or it is cancelled.
    FillOrKill,
    /// Until a moment of the tape.
    GoodTill(TapeTime),
}

impl TimeInForce {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GoodTillCancelled => "gtc",
            Self::ImmediateOrCancel => "ioc",
            Self::FillOrKill => "fok",
            Self::GoodTill(_) => "gtd",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub id: OrderId,
    pub pair: Pair,
    pub side: Side,
    /// Of the base asset, above zero.
    pub quantity: Quantity,
    pub terms: Terms,
    pub time_in_force: TimeInForce,
    /// Never makes a position larger; it is cut to what is held.
    pub reduce_only: bool,
    /// Never takes: refused if it would on arrival.
    pub post_only: bool,
    /// With either of the two the order is the entry of a bracket: what of it has filled is sold again there.
    pub take_profit: Option<Price>,
    pub stop_loss: Option<Price>,
}

/// A change of an open order. It keeps its name and loses its place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amendment {
    pub id: OrderId,
    /// Of the whole order, what has filled included.
    pub quantity: Option<Quantity>,
    pub limit: Option<Price>,
    pub stop: Option<Price>,
}

/// What new risk may be taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskState {
    #[default]
    Active,
    /// Orders may make positions smaller. Entries are refused, and open ones are cancelled.
    Reducing,
    /// As `Reducing`, and nothing but the trader's own hand trades.
    Halted,
}

impl RiskState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Reducing => "reducing",
            Self::Halted => "halted",
        }
    }
}

/// What can be told to a desk. Each is an input: recorded, and done again by a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// The opening deposit: once in the life of an account, whatever asks for it.
    Open {
        amount: Amount,
    },
    Place(Order),
    Cancel(OrderId),
    CancelAll,
    Amend(Amendment),
    /// Cash put in from outside. The name is that of the deposit.
    Deposit {
        id: OrderId,
        amount: Amount,
    },
    /// Cash taken out, at most what is available.
    Withdraw {
        id: OrderId,
        amount: Amount,
    },
    Risk(RiskState),
    /// Cancels every order and sells every position.
    Flatten {
        id: OrderId,
    },
    /// The reconciler found that the books and the tables differ: no entries until somebody has looked.
    BooksDiffer,
    /// The rules this desk trades by, from here on.
    Settings(Settings),
    /// What the venue allows of a pair, from here on.
    Rules {
        pair: Pair,
        rules: PairRules,
    },
    // Written down as numbers: new ones come last.
    /// Trades by consensus, or no more. Off, entries of its own that are open are cancelled, and its exits stay.
    Consensus(bool),
    /// What it enters and leaves by, from here on.
    Thresholds(Thresholds),
    /// The past was asked about a minute that has closed: it is decided on.
    Recall(Recall),
    /// An analyst has spoken.
    Opinion(Opinion),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// When it was given, by this machine's wall clock. Orders nothing.
    pub received: ReceivedTime,
    pub action: Action,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_orders_name_leaves_room_for_its_parts() {
        let longest = "A".repeat(GIVEN);
        assert_eq!(OrderId::given(&longest).expect("a name").part(".tp").as_str().len(), GIVEN + 3);
        assert!(OrderId::given(&"A".repeat(GIVEN + 1)).is_err());
        for text in ["", "a b", "a/b", "ä", "a\n"] {
            assert!(OrderId::given(text).is_err(), "{text:?} was taken for a name");
        }
    }
}
