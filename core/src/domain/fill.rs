//! What became of orders.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::order::{Order, OrderId};
use super::{Amount, EventTime, Pair, Price, Quantity, Side, Source, TradeId};

macro_rules! as_hexadecimal {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::domain::fill::HexadecimalError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                crate::domain::fill::read_hexadecimal(text).map(Self)
            }
        }
    };
}
pub(super) use as_hexadecimal;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {bytes} bytes in hexadecimal digits")]
pub struct HexadecimalError {
    text: String,
    bytes: usize,
}

pub(super) fn read_hexadecimal<const BYTES: usize>(text: &str) -> Result<[u8; BYTES], HexadecimalError> {
    let wrong = || HexadecimalError { text: text.chars().take(80).collect(), bytes: BYTES };
    if text.len() != 2 * BYTES || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(wrong());
    }
    let mut bytes = [0; BYTES];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).map_err(|_| wrong())?;
    }
    Ok(bytes)
}

/// Half of a BLAKE3: of (order, lane, pair, print, part), so that the same fill has the same name in every session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FillId([u8; 16]);

impl FillId {
    /// `part` counts the fills of one order from one print.
    pub fn of(order: OrderId, source: Source, pair: Pair, print: TradeId, part: u8) -> Self {
        Self(half_hash(&format!("fill\0{order}\0{source}\0{pair}\0{}\0{part}", print.0)))
    }
}

as_hexadecimal!(FillId);

/// The first half of the BLAKE3 of a text: what ids are made of.
pub(super) fn half_hash(text: &str) -> [u8; 16] {
    let hash = blake3::hash(text.as_bytes());
    *hash.as_bytes().first_chunk().expect("a hash has thirty-two bytes")
}

/// One match of an order with (a part of) one print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    pub id: FillId,
    pub order: OrderId,
    pub pair: Pair,
    pub side: Side,
    /// The limit of the order, where it had one.
    pub asked: Option<Price>,
    pub price: Price,
    pub quantity: Quantity,
    /// Price times quantity at 1e-8, rounded half to even, once.
    pub notional: Amount,
    /// Price times quantity times the rate, rounded half to even, once.
    pub fee: Amount,
    /// What was paid (or, negative, saved) against the far side of the quote when the order arrived. Zero for a maker.
    pub slippage: Amount,
    pub maker: bool,
    /// No quote was known: the far side was taken to be the last print and the slippage setting.
    pub assumed: bool,
    /// The print it is a part of.
    pub source: Source,
    pub print: TradeId,
    pub event_time: EventTime,
}

impl Fill {
    /// What a buy cost, fee included, or what a sale brought, fee taken off.
    pub fn total_cost(&self) -> Amount {
        let fee = match self.side {
            Side::Buy => self.fee.units(),
            Side::Sell => -self.fee.units(),
        };
        Amount::from_units(self.notional.units() + fee)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// On its way to the venue.
    Sent,
    /// A stop that has not triggered, or the exit of a bracket whose entry has not filled.
    Waiting,
    /// In the market.
    Open,
    Filled,
    /// With or without a part filled.
    Cancelled,
    Expired,
    Rejected,
}

impl OrderState {
    pub fn is_over(self) -> bool {
        matches!(self, Self::Filled | Self::Cancelled | Self::Expired | Self::Rejected)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Waiting => "waiting",
            Self::Open => "open",
            Self::Filled => "filled",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
        }
    }
}

/// Why something was refused, or ended before it was filled. A code for scripts, a sentence for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    // Refused on sight.
    IdTaken,
    WatchOnly,
    QuantityIncrement,
    QuantityTooSmall,
    NotionalTooSmall,
    PriceIncrement,
    TermsContradict,
    InsufficientCash,
    InsufficientAsset,
    ReduceOnlyWouldIncrease,
    PostOnlyWouldTake,
    UnknownOrder,
    OrderIsOver,
    NothingToAmend,
    QuantityBelowFilled,
    AmountNotPositive,
    Overflow,
    // Blocked by the risk gate.
    Reducing,
    Halted,
    NoPrice,
    StalePrice,
    DeadFeed,
    MissingTrades,
    Drawdown,
    MaxPosition,
    OrderRate,
    TooManyOrders,
    BooksDiffer,
    // Ended.
    ByTrader,
    ByRisk,
    SiblingFilled,
    EntryEnded,
    ExpiredInTime,
    NotImmediate,
    NotAllAtOnce,
    CashRanOut,
    NothingToReduce,
    // Blocked by the risk gate. They are written down as numbers: new ones come last.
    StaleSignal,
}

impl Reason {
    /// Stable, for scripts.
    pub fn code(self) -> &'static str {
        match self {
            Self::IdTaken => "id_taken",
            Self::WatchOnly => "watch_only",
            Self::QuantityIncrement => "quantity_increment",
            Self::QuantityTooSmall => "quantity_too_small",
            Self::NotionalTooSmall => "notional_too_small",
            Self::PriceIncrement => "price_increment",
            Self::TermsContradict => "terms_contradict",
            Self::InsufficientCash => "insufficient_cash",
            Self::InsufficientAsset => "insufficient_asset",
            Self::ReduceOnlyWouldIncrease => "reduce_only_would_increase",
            Self::PostOnlyWouldTake => "post_only_would_take",
            Self::UnknownOrder => "unknown_order",
            Self::OrderIsOver => "order_is_over",
            Self::NothingToAmend => "nothing_to_amend",
            Self::QuantityBelowFilled => "quantity_below_filled",
            Self::AmountNotPositive => "amount_not_positive",
            Self::Overflow => "overflow",
            Self::Reducing => "reducing",
            Self::Halted => "halted",
            Self::NoPrice => "no_price",
            Self::StalePrice => "stale_price",
            Self::DeadFeed => "dead_feed",
            Self::MissingTrades => "missing_trades",
            Self::Drawdown => "drawdown",
            Self::MaxPosition => "max_position",
            Self::OrderRate => "order_rate",
            Self::TooManyOrders => "too_many_orders",
            Self::BooksDiffer => "books_differ",
            Self::ByTrader => "by_trader",
            Self::ByRisk => "by_risk",
            Self::SiblingFilled => "sibling_filled",
            Self::EntryEnded => "entry_ended",
            Self::ExpiredInTime => "expired",
            Self::NotImmediate => "not_immediate",
            Self::NotAllAtOnce => "not_all_at_once",
            Self::CashRanOut => "cash_ran_out",
            Self::NothingToReduce => "nothing_to_reduce",
            Self::StaleSignal => "stale_signal",
        }
    }

    pub fn sentence(self) -> &'static str {
        match self {
            Self::IdTaken => "Another order has this name; nothing was placed.",
            Self::WatchOnly => "This pair is not quoted in USD: it can be watched and not traded.",
            Self::QuantityIncrement => "The quantity is not a multiple of the pair's increment.",
            Self::QuantityTooSmall => "The quantity is below the pair's smallest.",
            Self::NotionalTooSmall => "Price times quantity is below the pair's smallest.",
            Self::PriceIncrement => "A price is not a multiple of the pair's increment.",
            Self::TermsContradict => "The terms contradict each other.",
            Self::InsufficientCash => "There is not enough available cash for it and its fee.",
            Self::InsufficientAsset => "There is not enough of the asset available to sell.",
            Self::ReduceOnlyWouldIncrease => "It may only reduce a position, and would open or enlarge one.",
            Self::PostOnlyWouldTake => "It may only rest, and would have been filled on arrival.",
            Self::UnknownOrder => "There is no order with this name.",
            Self::OrderIsOver => "The order has already ended.",
            Self::NothingToAmend => "This order has no such price or quantity to change.",
            Self::QuantityBelowFilled => "More than that has filled already.",
            Self::AmountNotPositive => "The amount is not above zero.",
            Self::Overflow => "The number is too large to keep books in.",
            Self::Reducing => "Only orders that reduce a position are taken now.",
            Self::Halted => "Trading is halted. Exits still work.",
            Self::NoPrice => "No price of this pair is known yet.",
            Self::StalePrice => "The last price of this pair is too old.",
            Self::DeadFeed => "Nothing has come from the feed for too long.",
            Self::MissingTrades => "Trades of this pair are missing from the last minute.",
            Self::Drawdown => "The day's loss has reached its limit.",
            Self::MaxPosition => "The position would be larger than its limit.",
            Self::OrderRate => "Too many orders within a minute.",
            Self::TooManyOrders => "Too many orders are open.",
            Self::BooksDiffer => "The books and the tables differ; see `tapedeck reconcile`.",
            Self::ByTrader => "Cancelled by the trader.",
            Self::ByRisk => "Cancelled by the risk gate.",
            Self::SiblingFilled => "The order linked to it has filled.",
            Self::EntryEnded => "Its entry ended without filling.",
            Self::ExpiredInTime => "Its time was over.",
            Self::NotImmediate => "The first print after its arrival did not fill the rest.",
            Self::NotAllAtOnce => "The first print after its arrival could not fill all of it.",
            Self::CashRanOut => "The price moved, and the cash did not suffice for the rest.",
            Self::NothingToReduce => "Nothing is left to reduce.",
            Self::StaleSignal => "What advises it is too old.",
        }
    }
}

/// How an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderReport {
    pub order: Order,
    pub state: OrderState,
    pub filled: Quantity,
    /// Where a stop stands now; a trailing one moves.
    pub stop: Option<Price>,
    pub reason: Option<Reason>,
}
