//! What open orders may need, kept as a running sum.
//!
//! A buy reserves its price times what remains, and the fee at the dearer rate, each rounded up; a sale reserves what remains of the asset.
//! Two linked orders reserve the larger of both, once, since what one fills the other loses.

use super::{Book, Working};
use crate::domain::money::{ONE, divide_half_even};
use crate::domain::{Amendment, Amount, Asset, Order, OrderId, Price, Quantity, Reason, Side, Terms};

/// The quotient rounded up. `divisor` is positive.
fn divide_up(numerator: i128, divisor: i128) -> i128 {
    numerator.div_euclid(divisor) + i128::from(numerator.rem_euclid(divisor) != 0)
}

/// What reservations of a pair are counted in. None of a pair that can only be watched.
pub(super) fn reserved_asset(order: &Order) -> Option<Asset> {
    let (base, quote) = order.pair.assets()?;
    Some(if order.side == Side::Buy { quote } else { base })
}

/// What an order says it pays at most. A stop pays what it finds.
pub(super) fn said_price(terms: &Terms) -> Option<Price> {
    match *terms {
        Terms::Limit { limit } | Terms::StopLimit { limit, .. } => Some(limit),
        Terms::Stop { stop } => Some(stop),
        Terms::OneCancelsOther { limit, stop } => Some(limit.max(stop)),
        Terms::Market | Terms::TrailingStop { .. } => None,
    }
}

/// What a buy pays at most by what it says and by what was seen when it was placed: a stop that the market has passed pays the market.
pub(super) fn paid_price(terms: &Terms, seen: Option<Price>) -> Option<Price> {
    match terms {
        Terms::Stop { .. } | Terms::OneCancelsOther { .. } => said_price(terms).max(seen),
        _ => said_price(terms).or(seen),
    }
}

impl Book {
    /// The cash a buy of this much at this price needs.
    pub(super) fn cost_at_most(&self, price: Price, quantity: Quantity) -> Result<Amount, Reason> {
        let rate = self.settings.taker_fee.max(self.settings.maker_fee).units().max(0);
        let product = i128::from(price.units()).checked_mul(i128::from(quantity.units())).ok_or(Reason::Overflow)?;
        let fee = product.checked_mul(i128::from(rate)).ok_or(Reason::Overflow)?;
        let notional = Amount::from_units(divide_up(product, i128::from(ONE)));
        let fee = Amount::from_units(divide_up(fee, i128::from(ONE) * i128::from(ONE)));
        notional.checked_add(fee).map_err(|_| Reason::Overflow)
    }

    /// What an order needs by itself. One too large to count was refused when it came; should the fees have made it so since, nothing
    /// more is taken beside it.
    fn need(&self, order: &Order, remaining: Quantity, reserve_price: Option<Price>) -> Amount {
        if order.side == Side::Sell {
            return Amount::from_units(i128::from(remaining.units()));
        }
        let Some(price) = paid_price(&order.terms, reserve_price) else { return Amount::ZERO };
        self.cost_at_most(price, remaining).unwrap_or(Amount::from_units(10i128.pow(37)))
    }

    /// What an order needs now, or after any of the amends that are on their way.
    pub(super) fn need_of(&self, working: &Working) -> Amount {
        let mut order = working.order;
        let mut most = self.need_as(working, &order);
        for amendment in &working.amending {
            order = amended(&order, amendment);
            most = most.max(self.need_as(working, &order));
        }
        most
    }

    /// What it would need if it were this.
    pub(super) fn need_as(&self, working: &Working, order: &Order) -> Amount {
        let remaining = Quantity::from_units((order.quantity.units() - working.filled.units()).max(0));
        self.need(order, remaining, working.reserve_price)
    }

    /// What an order and the one it is linked with need together.
    pub(super) fn need_together(&self, id: OrderId, sibling: Option<OrderId>) -> Amount {
        let needs = [Some(id), sibling].into_iter().flatten().filter_map(|id| self.open.get(&id));
        needs.map(|working| self.need_of(working)).max().unwrap_or_default()
    }

    /// Changes an order, its sibling, or both, and with them what is reserved.
    pub(super) fn changing<T>(&mut self, id: OrderId, change: impl FnOnce(&mut Self) -> T) -> T {
        let known = |book: &Self| book.open.get(&id).map(|working| (working.sibling, reserved_asset(&working.order)));
        let before = known(self);
        let sibling = before.and_then(|(sibling, _)| sibling);
        let held = self.need_together(id, sibling);
        let result = change(self);
        let after = known(self);
        let sibling = sibling.or(after.and_then(|(sibling, _)| sibling));
        let needed = self.need_together(id, sibling);
        if let Some(asset) = before.or(after).and_then(|(_, asset)| asset) {
            self.move_reserved(asset, needed.units() - held.units());
        }
        result
    }

    fn move_reserved(&mut self, asset: Asset, by: i128) {
        let sum = self.reserved(asset).units().saturating_add(by);
        if sum == 0 {
            self.reserved.remove(&asset);
        } else {
            self.reserved.insert(asset, Amount::from_units(sum));
        }
    }

    /// The running sum, counted again from the orders.
    pub(super) fn reserve_afresh(&mut self) {
        self.reserved.clear();
        let needs: Vec<(Asset, Amount)> = self
            .open
            .values()
            // Of two linked orders the first by name speaks for both.
            .filter(|working| working.sibling.is_none_or(|sibling| working.order.id < sibling))
            .filter_map(|w| Some((reserved_asset(&w.order)?, self.need_together(w.order.id, w.sibling))))
            .collect();
        for (asset, need) in needs {
            self.move_reserved(asset, need.units());
        }
    }
}

/// An order as an amend would have it.
pub(super) fn amended(order: &Order, amendment: &Amendment) -> Order {
    let mut order = *order;
    order.quantity = amendment.quantity.unwrap_or(order.quantity);
    match &mut order.terms {
        Terms::Limit { limit } => *limit = amendment.limit.unwrap_or(*limit),
        Terms::Stop { stop } => *stop = amendment.stop.unwrap_or(*stop),
        Terms::StopLimit { stop, limit } | Terms::OneCancelsOther { limit, stop } => {
            *limit = amendment.limit.unwrap_or(*limit);
            *stop = amendment.stop.unwrap_or(*stop);
        }
        Terms::Market | Terms::TrailingStop { .. } => {}
    }
    order
}

/// `difference × quantity`, rounded half to even, once. May be negative.
pub(super) fn difference(paid: Price, reference: Price, quantity: Quantity) -> Option<Amount> {
    let each = i128::from(paid.units()) - i128::from(reference.units());
    let product = each.checked_mul(i128::from(quantity.units()))?;
    Some(Amount::from_units(divide_half_even(product, i128::from(ONE))))
}
