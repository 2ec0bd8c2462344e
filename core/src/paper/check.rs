//! What is refused on sight. Nothing of a refused order is remembered: its name stays free.

use super::market::{rounded_against, slipped};
use super::reserve::{paid_price, reserved_asset, said_price};
use super::{Answer, Book, Funds};
use crate::domain::money::{ONE, notional};
use crate::domain::{Amount, Asset, Order, OrderId, Price, Quantity, Reason, Side, Terms, TimeInForce, Trail};

impl Book {
    /// Whether the order could be placed, before the risk gate is asked.
    ///
    /// Errors: why it is refused.
    pub fn check(&self, order: &Order, funds: &dyn Funds) -> Result<Answer, Reason> {
        if let Some(known) = self.known.get(&order.id) {
            return if *known == half_hash(order) { Ok(Answer::Exists) } else { Err(Reason::IdTaken) };
        }
        if parts(order).any(|part| self.known.contains_key(&part)) {
            return Err(Reason::IdTaken);
        }
        if order.pair.assets().is_none_or(|(_, quote)| quote != Asset::usd()) {
            return Err(Reason::WatchOnly);
        }
        if order.reduce_only && order.side == Side::Buy {
            return Err(Reason::ReduceOnlyWouldIncrease);
        }
        if contradicts(order) {
            return Err(Reason::TermsContradict);
        }
        self.check_prices(order)?;
        let cut = Order { quantity: self.quantity_now(order, funds)?, ..*order };
        // What closes a position to its last crumb is let through: every exit works.
        if !(order.reduce_only && cut.quantity == self.available_to_sell(order, funds)) {
            self.check_quantity(&cut)?;
        }
        self.check_funds(&cut, funds)?;
        Ok(Answer::New)
    }

    /// What the order would add to the pair's exposure, the fee left out: its quantity at its limit, a stop's at the stop, else at the far
    /// side.
    ///
    /// Errors: `NoPrice`, `Overflow`.
    pub fn value(&self, order: &Order) -> Result<Amount, Reason> {
        if order.side == Side::Sell {
            return Ok(Amount::ZERO);
        }
        let price = paid_price(&order.terms, self.far_side(order.pair, order.side)).ok_or(Reason::NoPrice)?;
        notional(price, order.quantity).map_err(|_| Reason::Overflow)
    }

    /// What of the order is placed: a reduce-only one is cut to what is available.
    pub(super) fn quantity_now(&self, order: &Order, funds: &dyn Funds) -> Result<Quantity, Reason> {
        if !order.reduce_only {
            return Ok(order.quantity);
        }
        let available = self.available_to_sell(order, funds);
        if available <= Quantity::ZERO { Err(Reason::NothingToReduce) } else { Ok(order.quantity.min(available)) }
    }

    fn available_to_sell(&self, order: &Order, funds: &dyn Funds) -> Quantity {
        let Some((base, _)) = order.pair.assets() else { return Quantity::ZERO };
        let available = self.available(base, funds).units().max(0);
        Quantity::from_units(i64::try_from(available).unwrap_or(i64::MAX))
    }

    /// Of an asset, what is not reserved. Negative when what was owned has gone elsewhere.
    pub fn available(&self, asset: Asset, funds: &dyn Funds) -> Amount {
        Amount::from_units(funds.total(asset).units().saturating_sub(self.reserved(asset).units()))
    }

    pub(super) fn check_prices(&self, order: &Order) -> Result<(), Reason> {
        let increment = self.rules(order.pair).price_increment.units().max(1);
        let trail = match order.terms {
            Terms::TrailingStop { trail: Trail::Offset(offset) } => Some(offset),
            _ => None,
        };
        let prices = [order.terms.limit(), order.terms.stop(), trail, order.take_profit, order.stop_loss];
        for price in prices.into_iter().flatten() {
            if price <= Price::ZERO || price.units() % increment != 0 {
                return Err(Reason::PriceIncrement);
            }
        }
        let entered = order.terms.limit().or(order.terms.stop()).or_else(|| self.far_side(order.pair, order.side));
        let wrong_way = |low: Option<Price>, high: Option<Price>| low.zip(high).is_some_and(|(low, high)| low >= high);
        let exits_wrong = wrong_way(order.stop_loss, entered) || wrong_way(entered, order.take_profit);
        if is_bracket(order) && (exits_wrong || wrong_way(order.stop_loss, order.take_profit)) {
            return Err(Reason::TermsContradict);
        }
        Ok(())
    }

    pub(super) fn check_quantity(&self, order: &Order) -> Result<(), Reason> {
        let rules = self.rules(order.pair);
        if order.quantity <= Quantity::ZERO || order.quantity < rules.min_quantity {
            return Err(Reason::QuantityTooSmall);
        }
        if order.quantity.units() % rules.quantity_increment.units().max(1) != 0 {
            return Err(Reason::QuantityIncrement);
        }
        let price = said_price(&order.terms).or_else(|| self.far_side(order.pair, order.side));
        let Some(price) = price else { return Ok(()) };
        let value = notional(price, order.quantity).map_err(|_| Reason::Overflow)?;
        if value < rules.min_notional { Err(Reason::NotionalTooSmall) } else { Ok(()) }
    }

    fn check_funds(&self, order: &Order, funds: &dyn Funds) -> Result<(), Reason> {
        let asset = reserved_asset(order).ok_or(Reason::WatchOnly)?;
        let available = self.available(asset, funds);
        if order.side == Side::Sell {
            let enough = i128::from(order.quantity.units()) <= available.units();
            return if enough { Ok(()) } else { Err(Reason::InsufficientAsset) };
        }
        let seen = self.reserve_price(order);
        let price = paid_price(&order.terms, seen.ok()).map_or(seen, Ok)?;
        if self.cost_at_most(price, order.quantity)? > available { Err(Reason::InsufficientCash) } else { Ok(()) }
    }

    /// What a buy that says no price reserves by: the far side and slippage, and for a trailing stop its distance beyond.
    pub(super) fn reserve_price(&self, order: &Order) -> Result<Price, Reason> {
        let rules = self.rules(order.pair);
        let market = self.markets.get(&order.pair).ok_or(Reason::NoPrice)?;
        let seen = market.far_side(order.side).or_else(|| market.last_price()).ok_or(Reason::NoPrice)?;
        let seen = match order.terms {
            Terms::TrailingStop { trail } => rounded_against(
                trailed_exact(seen, order.side, trail).ok_or(Reason::Overflow)?,
                Side::Buy,
                rules.price_increment,
            )
            .ok_or(Reason::Overflow)?,
            _ => seen,
        };
        slipped(seen, order.side, &self.settings, &rules).ok_or(Reason::Overflow)
    }
}

/// Where a trailing stop stands behind the best price, in units of 1e-16.
pub(super) fn trailed_exact(best: Price, side: Side, trail: Trail) -> Option<i128> {
    let best = i128::from(best.units());
    let one = i128::from(ONE);
    let distance = match trail {
        Trail::Offset(offset) => i128::from(offset.units()).checked_mul(one)?,
        Trail::Share(share) => best.checked_mul(i128::from(share.units()))?,
    };
    match side {
        Side::Buy => best.checked_mul(one)?.checked_add(distance),
        Side::Sell => best.checked_mul(one)?.checked_sub(distance),
    }
}

pub(super) fn is_bracket(order: &Order) -> bool {
    order.take_profit.is_some() || order.stop_loss.is_some()
}

/// The names an order takes beside its own.
pub(super) fn parts(order: &Order) -> impl Iterator<Item = OrderId> {
    let linked = matches!(order.terms, Terms::OneCancelsOther { .. });
    let has = [linked || order.take_profit.is_some(), linked || order.stop_loss.is_some()];
    let fits = OrderId::given(order.id.as_str()).is_ok();
    let id = order.id;
    [".tp", ".sl"].into_iter().zip(has).filter(move |(_, has)| *has && fits).map(move |(suffix, _)| id.part(suffix))
}

/// Terms that no market could do at once.
fn contradicts(order: &Order) -> bool {
    let immediate = matches!(order.time_in_force, TimeInForce::ImmediateOrCancel | TimeInForce::FillOrKill);
    let only_rests = order.post_only && (immediate || !matches!(order.terms, Terms::Limit { .. }));
    let linked = matches!(order.terms, Terms::OneCancelsOther { .. });
    // The exits of a bracket sell what its entry bought: on a spot account there is no other way round.
    let bracket = is_bracket(order) && (order.side == Side::Sell || linked);
    let nameless = (is_bracket(order) || linked) && OrderId::given(order.id.as_str()).is_err();
    let crossed = match order.terms {
        Terms::OneCancelsOther { limit, stop } => {
            immediate || if order.side == Side::Sell { limit <= stop } else { limit >= stop }
        }
        Terms::TrailingStop { trail: Trail::Share(share) } => share.units() <= 0 || share.units() >= ONE,
        _ => false,
    };
    only_rests || bracket || nameless || crossed
}

/// Tells an order sent again from another one under its name.
pub(super) fn half_hash(order: &Order) -> [u8; 16] {
    let bytes = postcard::to_allocvec(order).expect("an order is plain data");
    *blake3::hash(&bytes).as_bytes().first_chunk().expect("a hash has thirty-two bytes")
}
