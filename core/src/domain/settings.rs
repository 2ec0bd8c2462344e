//! The rules a desk trades by. Recorded with its session, so that a replay trades by the same.

use serde::{Deserialize, Serialize};

use super::{Amount, Price, Quantity, Rate};

/// What becomes of the part of a taking order that is larger than what the quote showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BeyondQuote {
    /// It waits for the next quote.
    Wait,
    /// It fills at the far side and `slippage` beyond.
    #[default]
    Walk,
}

/// What happens when the daily drawdown trips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBreaker {
    /// Positions stay.
    #[default]
    Hold,
    /// Positions are sold.
    Flatten,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Of the notional of a fill that took, such as 0.001 for 0.10 %.
    pub taker_fee: Rate,
    /// Of the notional of a fill that rested.
    pub maker_fee: Rate,
    /// Of the price, added against a taker where no depth is known and where it goes beyond what the quote showed.
    pub slippage: Rate,
    pub beyond_quote: BeyondQuote,
    /// Between a command and the moment the venue has it, in tape time.
    pub latency_ms: u32,
    /// A price older than this, by its source, blocks entries.
    pub max_price_age_s: u32,
    /// Loss from the day's highest marked equity, as a share of it, that trips the breaker.
    pub max_daily_drawdown: Rate,
    pub on_breaker: OnBreaker,
    /// Value of a position after an entry, as a share of equity.
    pub max_position: Rate,
    pub max_orders_per_minute: u32,
    pub max_open_orders: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            taker_fee: Rate::from_units(100_000),
            maker_fee: Rate::from_units(50_000),
            slippage: Rate::from_units(50_000),
            beyond_quote: BeyondQuote::Walk,
            latency_ms: 50,
            max_price_age_s: 30,
            max_daily_drawdown: Rate::from_units(2_000_000),
            on_breaker: OnBreaker::Hold,
            max_position: Rate::from_units(50_000_000),
            max_orders_per_minute: 60,
            max_open_orders: 200,
        }
    }
}

/// What the venue allows of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairRules {
    pub price_increment: Price,
    pub quantity_increment: Quantity,
    pub min_quantity: Quantity,
    /// Price times quantity, at least.
    pub min_notional: Amount,
}

impl Default for PairRules {
    /// The finest there is: what is not known forbids nothing.
    fn default() -> Self {
        Self {
            price_increment: Price::from_units(1),
            quantity_increment: Quantity::from_units(1),
            min_quantity: Quantity::from_units(1),
            min_notional: Amount::ZERO,
        }
    }
}
