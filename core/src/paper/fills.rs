//! One fill: what it costs, what it may cost, and what follows from it for the order and those linked with it.

use super::check::is_bracket;
use super::matching::Matching;
use super::reserve::difference;
use super::working::Working;
use super::{Book, Event};
use crate::domain::money::{notional, share_of};
use crate::domain::{Amount, Asset, Fill, FillId, OrderId, OrderState, Price, Quantity, Rate, Reason, Side};

/// What a print offers an order.
#[derive(Clone, Copy)]
pub(super) struct Deal {
    pub(super) price: Price,
    pub(super) quantity: Quantity,
    pub(super) maker: bool,
    pub(super) assumed: bool,
    /// Tells the two fills apart that a taker can have from one print.
    pub(super) part: u8,
}

/// Within what the quote showed; also the only part of a maker.
pub(super) const SHOWN: u8 = 0;
pub(super) const BEYOND_SHOWN: u8 = 1;

/// What a buy takes from the cash, as the ledger will.
pub(super) fn cost(price: Price, quantity: Quantity, fee: Rate) -> Result<i128, Reason> {
    let overflow = |_| Reason::Overflow;
    let notional = notional(price, quantity).map_err(overflow)?;
    let fee = share_of(price, quantity, fee).map_err(overflow)?;
    notional.checked_add(fee).map(Amount::units).map_err(overflow)
}

impl Book {
    /// Cash without what other orders have reserved.
    pub(super) fn spendable(&self, matching: &Matching<'_>, order: &Working) -> i128 {
        self.own(matching, Asset::usd(), order).saturating_add(matching.cash_moved)
    }

    /// What of the asset other orders have not reserved.
    pub(super) fn sellable(&self, matching: &Matching<'_>, order: &Working) -> i128 {
        let Some((base, _)) = order.order.pair.assets() else { return 0 };
        self.own(matching, base, order).saturating_add(matching.asset_moved)
    }

    fn own(&self, matching: &Matching<'_>, asset: Asset, order: &Working) -> i128 {
        let reserved = self.reserved(asset).units() - self.need_together(order.order.id, order.sibling).units();
        matching.funds.total(asset).units().saturating_sub(reserved)
    }

    /// The most of a quantity that cash pays for with its fee, in the pair's increments. Cost rises with the quantity, so halving finds it.
    fn affordable(&self, order: &Working, deal: &Deal, cash: i128) -> Result<Quantity, Reason> {
        let fee = self.fee(deal.maker);
        if cost(deal.price, deal.quantity, fee)? <= cash {
            return Ok(deal.quantity);
        }
        let increment = self.rules(order.order.pair).quantity_increment.units().max(1);
        let (mut enough, mut too_many) = (0, deal.quantity.units() / increment + 1);
        while too_many - enough > 1 {
            let middle = enough + (too_many - enough) / 2;
            let quantity = Quantity::from_units(middle * increment);
            if cost(deal.price, quantity, fee)? <= cash { enough = middle } else { too_many = middle }
        }
        Ok(Quantity::from_units(enough * increment))
    }

    fn fee(&self, maker: bool) -> Rate {
        if maker { self.settings.maker_fee } else { self.settings.taker_fee }
    }

    pub(super) fn fill_maker(
        &mut self,
        matching: &mut Matching<'_>,
        id: OrderId,
        quantity: Quantity,
        events: &mut Vec<Event>,
    ) {
        let limit = self.open.get(&id).and_then(|order| order.order.terms.limit());
        if let Some(price) = limit {
            self.fill(matching, id, &Deal { price, quantity, maker: true, assumed: false, part: SHOWN }, events);
        }
    }

    /// Fills what it can: at most what the print has left, what remains of the order, and what there is to pay with. Where there is too
    /// little to pay with, the order ends, so that nothing is ever owed.
    pub(super) fn fill(&mut self, matching: &mut Matching<'_>, id: OrderId, deal: &Deal, events: &mut Vec<Event>) {
        let Some(order) = self.open.get(&id) else { return };
        let wanted = deal.quantity.min(matching.left).min(order.remaining());
        if wanted <= Quantity::ZERO {
            return;
        }
        let deal = Deal { quantity: wanted, ..*deal };
        let paid_for = match order.order.side {
            Side::Buy => {
                self.affordable(order, &deal, self.spendable(matching, order)).map(|q| (q, Reason::CashRanOut))
            }
            Side::Sell => {
                let held = self.sellable(matching, order).clamp(0, i128::from(wanted.units()));
                Ok((Quantity::from_units(i64::try_from(held).unwrap_or(0)), Reason::NothingToReduce))
            }
        };
        let outcome = paid_for.and_then(|(quantity, short)| {
            let fill = self.make_fill(matching, order, &Deal { quantity, ..deal })?;
            Ok((fill, short))
        });
        match outcome {
            Err(reason) => self.end(id, OrderState::Cancelled, Some(reason), events),
            Ok((fill, short)) => {
                if fill.quantity > Quantity::ZERO {
                    self.book_fill(matching, &fill, &deal, events);
                }
                if fill.quantity < wanted {
                    self.end(id, OrderState::Cancelled, Some(short), events);
                }
            }
        }
    }

    fn make_fill(&self, matching: &Matching<'_>, order: &Working, deal: &Deal) -> Result<Fill, Reason> {
        let Deal { price, quantity, maker, assumed, part } = *deal;
        let print = matching.print;
        let reference = if maker { price } else { order.reference.unwrap_or(print.price) };
        let slippage = match order.order.side {
            Side::Buy => difference(price, reference, quantity),
            Side::Sell => difference(reference, price, quantity),
        };
        Ok(Fill {
            id: FillId::of(order.order.id, print.source, print.pair, print.trade_id, part),
            order: order.order.id,
            pair: print.pair,
            side: order.order.side,
            asked: order.order.terms.limit(),
            price,
            quantity,
            notional: notional(price, quantity).map_err(|_| Reason::Overflow)?,
            fee: share_of(price, quantity, self.fee(maker)).map_err(|_| Reason::Overflow)?,
            slippage: slippage.ok_or(Reason::Overflow)?,
            maker,
            assumed,
            source: print.source,
            print: print.trade_id,
            event_time: print.event_time,
        })
    }

    fn book_fill(&mut self, matching: &mut Matching<'_>, fill: &Fill, deal: &Deal, events: &mut Vec<Event>) {
        let (id, units) = (fill.order, fill.quantity.units());
        let Some(order) = self.open.get(&id) else { return };
        let (sibling, entry, bracket) = (order.sibling, order.entry, is_bracket(&order.order));
        self.changing(id, |book| {
            if let Some(order) = book.open.get_mut(&id) {
                order.filled = Quantity::from_units(order.filled.units() + units);
            }
            // What one fills the other loses at once, before the same print could fill both.
            if let Some(other) = sibling.and_then(|sibling| book.open.get_mut(&sibling)) {
                other.order.quantity = Quantity::from_units((other.order.quantity.units() - units).max(0));
            }
        });
        matching.left = Quantity::from_units(matching.left.units() - units);
        match fill.side {
            Side::Buy => {
                matching.cash_moved -= fill.total_cost().units();
                matching.asset_moved += i128::from(units);
            }
            Side::Sell => {
                matching.cash_moved += fill.total_cost().units();
                matching.asset_moved -= i128::from(units);
            }
        }
        if deal.part == SHOWN
            && !deal.maker
            && let Some(market) = self.markets.get_mut(&fill.pair)
        {
            market.consume(fill.side, fill.quantity);
        }
        events.push(Event::Fill(*fill));
        if bracket {
            let bought = matching.bought.entry(id).or_default();
            *bought = Quantity::from_units(bought.units().saturating_add(units));
        }
        // An exit that is to grow by what this print has bought is not over yet.
        let grows = entry.is_some_and(|entry| matching.bought.contains_key(&entry));
        self.settle(id, OrderState::Filled, None, grows, events);
        if let Some(sibling) = sibling {
            self.settle(sibling, OrderState::Cancelled, Some(Reason::SiblingFilled), grows, events);
        }
        if let Some(entry) = entry.filter(|entry| self.is_entry(*entry)) {
            self.end(entry, OrderState::Cancelled, Some(Reason::SiblingFilled), events);
        }
    }

    /// Reports an order, or ends it when nothing remains of it.
    fn settle(&mut self, id: OrderId, over: OrderState, reason: Option<Reason>, grows: bool, events: &mut Vec<Event>) {
        let done = self.open.get(&id).is_some_and(|order| order.remaining() == Quantity::ZERO);
        if done && !grows { self.end(id, over, reason, events) } else { self.say(id, events) }
    }
}
