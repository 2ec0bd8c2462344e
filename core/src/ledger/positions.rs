//! What is held of each pair, what it cost, and what was made or lost with it: by average cost and by first in, first out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lots::{Lot, Lots, cost_share};
use super::{LedgerError, settle};
use crate::domain::{Amount, Fill, Pair, Price, Quantity, Side, money};

/// Of one pair. Profit and loss are without fees, and with slippage, which is in the price; `net_*` takes the fees off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Never below zero: spot, long only.
    pub quantity: Quantity,
    /// Of what is held, by average cost. Kept as a total, so that a buy rounds nothing; a sale rounds its share half to even, once.
    pub cost: Amount,
    /// Of what is held, by first in, first out: the sum over the lots.
    pub fifo_cost: Amount,
    pub lots: Lots,
    pub realised_average: Amount,
    pub realised_fifo: Amount,
    pub fees: Amount,
    /// Less than zero when more was saved than paid.
    pub slippage: Amount,
    /// Notional of all buys and sales.
    pub turnover: Amount,
    /// Base units; a sum of quantities can be larger than one can be.
    pub bought: Amount,
    pub sold: Amount,
}

/// A position at a price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    pub value: Amount,
    pub unrealised_average: Amount,
    pub unrealised_fifo: Amount,
}

impl Position {
    /// Takes a fill whole, or changes nothing.
    fn apply(&mut self, fill: &Fill) -> Result<(), LedgerError> {
        let fees = self.fees.checked_add(fill.fee)?;
        let slippage = self.slippage.checked_add(fill.slippage)?;
        let turnover = self.turnover.checked_add(fill.notional)?;
        match fill.side {
            Side::Buy => self.buy(fill)?,
            Side::Sell => self.sell(fill)?,
        }
        (self.fees, self.slippage, self.turnover) = (fees, slippage, turnover);

        assert!(self.quantity >= Quantity::ZERO && self.cost >= Amount::ZERO && self.fifo_cost >= Amount::ZERO);
        let nothing = self.quantity == Quantity::ZERO;
        assert_eq!(nothing, self.lots.is_empty(), "lots are what is held");
        assert!(!nothing || (self.cost == Amount::ZERO && self.fifo_cost == Amount::ZERO), "nothing costs nothing");
        assert_eq!(
            self.realised_average.units().checked_sub(self.cost.units()),
            self.realised_fifo.units().checked_sub(self.fifo_cost.units()),
            "what was made is the same at any price, however cost is shared out",
        );
        Ok(())
    }

    fn buy(&mut self, fill: &Fill) -> Result<(), LedgerError> {
        let quantity = self.quantity.units().checked_add(fill.quantity.units()).ok_or(LedgerError::Overflow)?;
        let bought = within(self.bought.plus(fill.quantity)?)?;
        let cost = self.cost.checked_add(fill.notional)?;
        let fifo_cost = self.fifo_cost.checked_add(fill.notional)?;
        let Fill { id, quantity: lot, notional, event_time, .. } = *fill;
        self.lots.add(Lot { fill: id, quantity: lot, cost: notional, event_time });
        (self.quantity, self.bought) = (Quantity::from_units(quantity), bought);
        (self.cost, self.fifo_cost) = (cost, fifo_cost);
        Ok(())
    }

    fn sell(&mut self, fill: &Fill) -> Result<(), LedgerError> {
        let more = LedgerError::MoreThanHeld { pair: fill.pair, held: self.quantity, sold: fill.quantity };
        let taken = self.lots.taking(fill.quantity).ok_or(more)?;
        let share = cost_share(self.cost, fill.quantity, self.quantity);
        let sold = within(self.sold.plus(fill.quantity)?)?;
        let realised_average = self.realised_average.checked_add(fill.notional.checked_sub(share)?)?;
        let realised_fifo = self.realised_fifo.checked_add(fill.notional.checked_sub(taken.cost)?)?;
        let (cost, fifo_cost) = (self.cost.checked_sub(share)?, self.fifo_cost.checked_sub(taken.cost)?);
        self.lots.take(taken);
        self.quantity = Quantity::from_units(self.quantity.units() - fill.quantity.units());
        (self.cost, self.fifo_cost, self.sold) = (cost, fifo_cost, sold);
        (self.realised_average, self.realised_fifo) = (realised_average, realised_fifo);
        Ok(())
    }

    /// At a price, such as what an exit would get for one unit.
    ///
    /// Errors: `Overflow`.
    pub fn mark(&self, price: Price) -> Result<Marked, LedgerError> {
        let value = money::notional(price, self.quantity)?;
        Ok(Marked {
            value,
            unrealised_average: value.checked_sub(self.cost)?,
            unrealised_fifo: value.checked_sub(self.fifo_cost)?,
        })
    }

    /// For show: cost of one unit, rounded half to even. None when nothing is held.
    pub fn average_price(&self) -> Option<Amount> {
        if self.quantity == Quantity::ZERO {
            return None;
        }
        let scaled = self.cost.units().checked_mul(i128::from(money::ONE))?;
        Some(Amount::from_units(money::divide_half_even(scaled, i128::from(self.quantity.units()))))
    }

    /// Errors: `Overflow`.
    pub fn net_average(&self) -> Result<Amount, LedgerError> {
        Ok(self.realised_average.checked_sub(self.fees)?)
    }

    /// Errors: `Overflow`.
    pub fn net_fifo(&self) -> Result<Amount, LedgerError> {
        Ok(self.realised_fifo.checked_sub(self.fees)?)
    }
}

/// What a table can hold, which `Amount::plus` does not ask.
fn within(amount: Amount) -> Result<Amount, LedgerError> {
    Ok(amount.checked_add(Amount::ZERO)?)
}

/// Of every pair that ever filled. Part of a desk's state, and so of its checkpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Positions {
    pairs: BTreeMap<Pair, Position>,
}

impl Positions {
    /// Takes a fill that the ledger has stored. Which fills came before is known there: one that is given twice counts twice here.
    ///
    /// Errors: `MoreThanHeld`, `NotTraded`, `Impossible`, `Overflow`; nothing was changed.
    pub fn apply(&mut self, fill: &Fill) -> Result<(), LedgerError> {
        settle::entries(fill)?;
        match self.pairs.get_mut(&fill.pair) {
            Some(position) => position.apply(fill),
            None => {
                let mut position = Position::default();
                position.apply(fill)?;
                self.pairs.insert(fill.pair, position);
                Ok(())
            }
        }
    }

    /// None for a pair that never filled.
    pub fn get(&self, pair: Pair) -> Option<&Position> {
        self.pairs.get(&pair)
    }

    /// By pair; what has been sold again is among them, with a quantity of zero.
    pub fn iter(&self) -> impl Iterator<Item = (Pair, &Position)> {
        self.pairs.iter().map(|(&pair, position)| (pair, position))
    }

    /// All zero for a pair that never filled.
    ///
    /// Errors: `Overflow`.
    pub fn mark(&self, pair: Pair, price: Price) -> Result<Marked, LedgerError> {
        self.get(pair).map_or(Ok(Marked::default()), |position| position.mark(price))
    }
}
