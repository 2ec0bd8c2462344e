//! What a desk tells its book: place, cancel, amend.

use super::check::{half_hash, is_bracket, parts};
use super::due::Message;
use super::reserve::{amended, paid_price, reserved_asset};
use super::working::{Stage, Working};
use super::{Answer, Book, Event, Funds};
use crate::consensus::risk::Approved;
use crate::domain::{Amendment, Order, OrderId, OrderState, Quantity, Reason, Side, TapeTime, Terms, TimeInForce};

/// As amends would have it, those that are on their way first.
fn after_all(working: &Working, amendment: &Amendment) -> Order {
    amended(&working.amending.iter().fold(working.order, |order, waiting| amended(&order, waiting)), amendment)
}

impl Book {
    /// Sends an order on its way. What it needs is reserved at once; it can be filled once it has arrived.
    ///
    /// It checks again, so that the book is right whoever calls it. Errors: as `check`.
    pub fn place(
        &mut self,
        order: Approved<Order>,
        funds: &dyn Funds,
        now: TapeTime,
        events: &mut Vec<Event>,
    ) -> Result<Answer, Reason> {
        let asked = order.into_inner();
        if self.check(&asked, funds)? == Answer::Exists {
            return Ok(Answer::Exists);
        }
        self.known.insert(asked.id, half_hash(&asked));
        self.known.extend(parts(&asked).map(|part| (part, [0; 16])));
        let order = Order { quantity: self.quantity_now(&asked, funds)?, ..asked };
        let sent = self.admit(&order);
        for id in &sent {
            self.say(*id, events);
        }
        for id in sent {
            if self.open.get(&id).is_some_and(|order| order.stage == Stage::Sent) {
                self.send(Message::Place(id), now, events);
            }
        }
        Ok(Answer::New)
    }

    /// Puts an order and its parts in the book. Answers their names.
    fn admit(&mut self, order: &Order) -> Vec<OrderId> {
        let reserve_price = if order.side == Side::Buy { self.reserve_price(order).ok() } else { None };
        let linked = match order.terms {
            Terms::OneCancelsOther { limit, stop } => Self::two_of(order, limit, stop),
            _ => {
                let mut all = vec![Working::new(*order, reserve_price)];
                all.extend(Self::exits_of(order));
                all
            }
        };
        let ids: Vec<OrderId> = linked.iter().map(|working| working.order.id).collect();
        // Exits reserve nothing yet, so that what the first one reserves is all there is.
        let Some(first) = ids.first().copied() else { return ids };
        self.changing(first, |book| {
            for working in linked {
                let id = working.order.id;
                if let TimeInForce::GoodTill(until) = working.order.time_in_force {
                    book.expiries.insert((until, id));
                }
                book.open.insert(id, working);
            }
        });
        ids
    }

    /// Asks the venue to cancel an order; of `OneCancelsOther`, both its parts.
    ///
    /// Errors: `UnknownOrder`, `OrderIsOver`.
    pub fn cancel(&mut self, id: OrderId, now: TapeTime, events: &mut Vec<Event>) -> Result<(), Reason> {
        let open = self.open_under(id);
        if open.is_empty() {
            return Err(if self.knows(id) { Reason::OrderIsOver } else { Reason::UnknownOrder });
        }
        for id in open {
            self.send(Message::Cancel(id, Reason::ByTrader), now, events);
        }
        Ok(())
    }

    /// Asks the venue to cancel every order.
    pub fn cancel_all(&mut self, now: TapeTime, reason: Reason, events: &mut Vec<Event>) {
        self.cancel_where(now, reason, events, |_| true);
    }

    /// Asks the venue to cancel every buy. Exits stay.
    pub fn cancel_entries(&mut self, now: TapeTime, reason: Reason, events: &mut Vec<Event>) {
        self.cancel_where(now, reason, events, |order| order.side == Side::Buy);
    }

    /// Asks the venue to cancel every order of a kind.
    pub fn cancel_where(
        &mut self,
        now: TapeTime,
        reason: Reason,
        events: &mut Vec<Event>,
        which: impl Fn(&Order) -> bool,
    ) {
        let ids: Vec<OrderId> = self.open.values().filter(|w| which(&w.order)).map(|w| w.order.id).collect();
        for id in ids {
            self.send(Message::Cancel(id, reason), now, events);
        }
    }

    /// Ends every order here and now. For flattening: what is sold next needs what they had reserved, and an exit can not wait.
    pub fn end_all(&mut self, reason: Reason, events: &mut Vec<Event>) {
        while let Some(id) = self.open.keys().next().copied() {
            self.end(id, OrderState::Cancelled, Some(reason), events);
        }
    }

    /// Asks the venue to change an order. The dearer of what it is and what it will be is reserved until the change arrives.
    ///
    /// Errors: why it is refused; the order stays as it is.
    pub fn amend(
        &mut self,
        amendment: &Amendment,
        funds: &dyn Funds,
        now: TapeTime,
        events: &mut Vec<Event>,
    ) -> Result<(), Reason> {
        self.check_amendment(amendment, funds)?;
        let id = amendment.id;
        self.changing(id, |book| {
            if let Some(working) = book.open.get_mut(&id) {
                working.amending.push(*amendment);
            }
        });
        self.send(Message::Amend(*amendment), now, events);
        Ok(())
    }

    /// An order as it will be after what is on its way, and as this would make it then. None of one that is not open.
    pub fn amended(&self, amendment: &Amendment) -> Option<(Order, Order)> {
        let working = self.open.get(&amendment.id)?;
        let before = working.amending.iter().fold(working.order, |order, waiting| amended(&order, waiting));
        Some((before, after_all(working, amendment)))
    }

    fn check_amendment(&self, amendment: &Amendment, funds: &dyn Funds) -> Result<(), Reason> {
        let Some(working) = self.open.get(&amendment.id) else {
            let over = !self.open_under(amendment.id).is_empty();
            return Err(match (over, self.knows(amendment.id)) {
                // The name of both parts together: each is amended by its own.
                (true, _) => Reason::NothingToAmend,
                (false, true) => Reason::OrderIsOver,
                (false, false) => Reason::UnknownOrder,
            });
        };
        let Amendment { quantity, limit, stop, .. } = *amendment;
        let no_stop = working.triggered || working.order.terms.stop().is_none();
        let linked = working.sibling.is_some() || working.entry.is_some();
        if (quantity.is_none() && limit.is_none() && stop.is_none())
            || (limit.is_some() && working.order.terms.limit().is_none())
            || (stop.is_some() && no_stop)
            // How much a linked order is of follows from the other one.
            || (quantity.is_some() && linked)
        {
            return Err(Reason::NothingToAmend);
        }
        let order = after_all(working, amendment);
        self.check_prices(&order)?;
        if let Some(sibling) = working.sibling.and_then(|sibling| self.open.get(&sibling)) {
            let (one, other) = (order.terms, sibling.order.terms);
            let pair = one.limit().or(other.limit()).zip(one.stop().or(other.stop()));
            let crossed = |(limit, stop)| if order.side == Side::Sell { limit <= stop } else { limit >= stop };
            if pair.is_some_and(crossed) {
                return Err(Reason::TermsContradict);
            }
        }
        if quantity.is_some() {
            if order.quantity < working.filled {
                return Err(Reason::QuantityBelowFilled);
            }
            self.check_quantity(&order)?;
        }
        self.check_amended_funds(working, amendment, funds)
    }

    fn check_amended_funds(&self, working: &Working, amendment: &Amendment, funds: &dyn Funds) -> Result<(), Reason> {
        let order = after_all(working, amendment);
        let asset = reserved_asset(&order).ok_or(Reason::WatchOnly)?;
        if order.side == Side::Buy
            && let Some(price) = paid_price(&order.terms, working.reserve_price)
        {
            // Only to refuse what could not be counted.
            self.cost_at_most(price, order.quantity)?;
        }
        let held = self.need_together(order.id, working.sibling);
        let more = self.need_as(working, &order).units().saturating_sub(held.units());
        if more <= 0 || more <= self.available(asset, funds).units() {
            return Ok(());
        }
        Err(if order.side == Side::Buy { Reason::InsufficientCash } else { Reason::InsufficientAsset })
    }

    /// What is open of an order: itself, or of `OneCancelsOther` its parts.
    fn open_under(&self, id: OrderId) -> Vec<OrderId> {
        if self.open.contains_key(&id) {
            return vec![id];
        }
        if !self.knows(id) || OrderId::given(id.as_str()).is_err() {
            return Vec::new();
        }
        // The exits of a bracket are orders of their own: cancelling an entry that is over does not touch them.
        let part = |suffix| Some(id.part(suffix)).filter(|id| self.open.get(id).is_some_and(|w| w.entry.is_none()));
        // A part that was placed under its own name belongs to nobody.
        let ours = |id: &OrderId| self.known.get(id) == Some(&[0; 16]);
        [".tp", ".sl"].into_iter().filter_map(part).filter(ours).collect()
    }

    /// A change has arrived. What has filled meanwhile stays filled.
    pub(super) fn apply(&mut self, amendment: &Amendment, at: TapeTime, events: &mut Vec<Event>) {
        let id = amendment.id;
        self.leave(id);
        let stage = self.changing(id, |book| {
            let working = book.open.get_mut(&id)?;
            if let Some(index) = working.amending.iter().position(|waiting| waiting == amendment) {
                working.amending.remove(index);
            }
            working.order = amended(&working.order, amendment);
            working.order.quantity = working.order.quantity.max(working.filled);
            if !working.triggered {
                working.stop = working.order.terms.stop().or(working.stop);
            }
            Some((working.stage, working.remaining()))
        });
        match stage {
            None => {}
            Some((Stage::Sent | Stage::Held, _)) => self.say(id, events),
            Some((_, Quantity::ZERO)) => self.end(id, OrderState::Filled, None, events),
            Some(_) => self.arrive(id, at, OrderState::Cancelled, events),
        }
    }

    /// Whether the order is the entry of a bracket that may still fill.
    pub(super) fn is_entry(&self, id: OrderId) -> bool {
        self.open.get(&id).is_some_and(|working| is_bracket(&working.order))
    }
}
