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

/// Why settings can not be traded by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {why}")]
pub struct SettingsError {
    pub key: &'static str,
    pub why: &'static str,
}

/// Errors: naming the key, where the rate is not at least nought and below one.
pub(super) fn share(key: &'static str, rate: Rate) -> Result<(), SettingsError> {
    let within = Rate::ZERO <= rate && rate < Rate::from_units(super::money::ONE);
    if within { Ok(()) } else { Err(SettingsError { key, why: "has to be at least 0 and less than 1" }) }
}

impl Settings {
    /// A rebate, a fee of all there is, or a slippage in the trader's favour would be money from nowhere.
    pub fn check(&self) -> Result<(), SettingsError> {
        share("taker_fee", self.taker_fee)?;
        share("maker_fee", self.maker_fee)?;
        share("slippage", self.slippage)?;
        share("max_daily_drawdown", self.max_daily_drawdown)?;
        if self.max_position < Rate::ZERO {
            return Err(SettingsError { key: "max_position", why: "can not be below 0" });
        }
        Ok(())
    }
}

impl PairRules {
    pub fn check(&self) -> Result<(), SettingsError> {
        let of = [
            ("price_increment", i128::from(self.price_increment.units())),
            ("quantity_increment", i128::from(self.quantity_increment.units())),
            ("min_quantity", i128::from(self.min_quantity.units())),
            ("min_notional", self.min_notional.units()),
        ];
        match of.into_iter().find(|(_, units)| *units < 0) {
            Some((key, _)) => Err(SettingsError { key, why: "can not be below 0" }),
            None => Ok(()),
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
