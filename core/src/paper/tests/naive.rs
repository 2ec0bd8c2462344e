//! The rules of matching once more, in straight loops over one list, without indexes, money or linked orders. Written from the contract and not
//! from the code, so that the two can be held against each other fill for fill.

use super::super::Print;
use crate::domain::time::MILLISECOND;
use crate::domain::{
    BeyondQuote, Fill, Order, OrderId, Quote, Settings, Side, TapeTime, Terms, TimeInForce, TradeId, Trail,
};

const ONE: i128 = 100_000_000;

/// Of one fill: the order, price, quantity, and whether it was a maker's.
pub(super) type Filled = (OrderId, i64, i64, bool);

pub(super) fn filled(fill: &Fill) -> Filled {
    (fill.order, fill.price.units(), fill.quantity.units(), fill.maker)
}

#[derive(Clone, Copy, PartialEq)]
enum Is {
    Coming,
    Waiting,
    Taking,
    Resting,
    Over,
}

struct Known {
    order: Order,
    is: Is,
    left: i64,
    place: u32,
    arrived: i64,
    triggered: bool,
    stop: Option<i64>,
    best: Option<i64>,
    ahead: Option<i64>,
}

#[derive(Clone, Copy)]
enum Due {
    Arrival(OrderId),
    Cancel(OrderId),
}

pub(super) struct Naive {
    settings: Settings,
    increment: i64,
    known: Vec<Known>,
    due: Vec<(i64, Due)>,
    quote: Option<Quote>,
    /// What the bid and the ask still show.
    left: (Option<i64>, Option<i64>),
    last: Option<(i64, TradeId, i64)>,
    places: u32,
}

impl Naive {
    pub(super) fn new(settings: Settings, increment: i64) -> Self {
        let (known, due) = (Vec::new(), Vec::new());
        Self { settings, increment, known, due, quote: None, left: (None, None), last: None, places: 0 }
    }

    pub(super) fn place(&mut self, order: Order, now: TapeTime) {
        self.known.push(Known {
            order,
            is: Is::Coming,
            left: order.quantity.units(),
            place: 0,
            arrived: 0,
            triggered: false,
            stop: order.terms.stop().map(|stop| stop.units()),
            best: None,
            ahead: None,
        });
        self.send(Due::Arrival(order.id), now);
    }

    pub(super) fn cancel(&mut self, id: OrderId, now: TapeTime) {
        self.send(Due::Cancel(id), now);
    }

    fn send(&mut self, due: Due, now: TapeTime) {
        let at = now.nanos() + i64::from(self.settings.latency_ms) * MILLISECOND;
        if self.settings.latency_ms == 0 { self.happen(at, due) } else { self.due.push((at, due)) }
    }

    pub(super) fn advance(&mut self, now: TapeTime) {
        // Nothing that falls due makes anything else fall due, so that a stable sort by time says the order.
        let (mut ripe, later): (Vec<_>, Vec<_>) = self.due.drain(..).partition(|(at, _)| *at <= now.nanos());
        self.due = later;
        ripe.sort_by_key(|(at, _)| *at);
        for (at, due) in ripe {
            self.expire(at);
            self.happen(at, due);
        }
        self.expire(now.nanos());
    }

    fn expire(&mut self, now: i64) {
        for known in &mut self.known {
            if let TimeInForce::GoodTill(until) = known.order.time_in_force
                && until.nanos() <= now
            {
                known.is = Is::Over;
            }
        }
    }

    fn happen(&mut self, at: i64, due: Due) {
        let (Due::Arrival(id) | Due::Cancel(id)) = due;
        let Some(index) = self.known.iter().position(|known| known.order.id == id && known.is != Is::Over) else {
            return;
        };
        if matches!(due, Due::Cancel(_)) {
            self.known[index].is = Is::Over;
            return;
        }
        self.known[index].arrived = at;
        let waits = matches!(
            self.known[index].order.terms,
            Terms::Stop { .. } | Terms::StopLimit { .. } | Terms::TrailingStop { .. }
        );
        if waits { self.wait(index) } else { self.meet_market(index) }
    }

    fn wait(&mut self, index: usize) {
        self.places += 1;
        self.known[index].place = self.places;
        self.known[index].is = Is::Waiting;
    }

    fn meet_market(&mut self, index: usize) {
        self.places += 1;
        let far = match (self.quote, self.last, self.known[index].order.side) {
            (Some(quote), _, Side::Buy) => Some(quote.best_ask.units()),
            (Some(quote), _, Side::Sell) => Some(quote.best_bid.units()),
            (None, Some((_, _, price)), side) => Some(self.slip(price, side)),
            (None, None, _) => None,
        };
        let known = &mut self.known[index];
        known.place = self.places;
        let obeys = known.obeys_at(far);
        known.is = match known.order.time_in_force {
            _ if obeys && known.order.post_only => Is::Over,
            _ if obeys => Is::Taking,
            TimeInForce::ImmediateOrCancel | TimeInForce::FillOrKill => Is::Taking,
            _ => Is::Resting,
        };
        if known.is == Is::Resting {
            known.ahead = None;
            self.look_ahead(index);
        }
    }

    fn look_ahead(&mut self, index: usize) {
        let Some(quote) = self.quote else { return };
        let known = &mut self.known[index];
        let limit = known.order.terms.limit().unwrap();
        let (best, size) = match known.order.side {
            Side::Buy => (quote.best_bid, quote.bid_size),
            Side::Sell => (quote.best_ask, quote.ask_size),
        };
        let better = if known.order.side == Side::Buy { limit > best } else { limit < best };
        if better {
            known.ahead = Some(0);
        } else if limit == best {
            known.ahead = size.map(|size| size.units());
        }
    }

    pub(super) fn quote(&mut self, quote: &Quote, now: TapeTime) {
        self.advance(now);
        self.quote = Some(*quote);
        self.left = (quote.bid_size.map(|size| size.units()), quote.ask_size.map(|size| size.units()));
        for index in 0..self.known.len() {
            if self.known[index].is == Is::Resting && self.known[index].ahead.is_none() {
                self.look_ahead(index);
            }
        }
    }

    pub(super) fn print(&mut self, print: &Print, now: TapeTime) -> Vec<Filled> {
        self.advance(now);
        let (time, price) = (print.event_time.nanos(), print.price.units());
        if self.last.is_some_and(|(last, id, _)| id == print.trade_id || (time, print.trade_id) <= (last, id)) {
            return Vec::new();
        }
        self.last = Some((time, print.trade_id, price));
        let (mut left, mut fills, mut beyond) = (print.size.units(), Vec::new(), Vec::new());
        for index in self.in_order(Is::Taking, time, |known| (0, known.place)) {
            if self.take(index, price, &mut left, &mut fills) {
                beyond.push(index);
            }
        }
        for index in self.in_order(Is::Resting, time, |known| {
            let limit = known.order.terms.limit().unwrap().units();
            // All bids before all asks, each best price first.
            (if known.order.side == Side::Buy { -limit } else { limit }, known.place)
        }) {
            self.fill_maker(index, print, &mut left, &mut fills);
        }
        for index in beyond {
            self.places += 1;
            let known = &mut self.known[index];
            (known.is, known.ahead, known.place) = (Is::Resting, None, self.places);
            self.look_ahead(index);
        }
        self.set_off(time, price);
        fills
    }

    fn in_order(&self, is: Is, time: i64, key: impl Fn(&Known) -> (i64, u32)) -> Vec<usize> {
        let ripe = |index: &usize| self.known[*index].is == is && self.known[*index].arrived <= time;
        let mut indexes: Vec<usize> = (0..self.known.len()).filter(ripe).collect();
        indexes.sort_by_key(|index| key(&self.known[*index]));
        indexes
    }

    /// Whether its rest is to rest.
    fn take(&mut self, index: usize, printed: i64, left: &mut i64, fills: &mut Vec<Filled>) -> bool {
        let side = self.known[index].order.side;
        let (price, shows) = match (self.quote, side) {
            (None, _) => (printed, None),
            (Some(quote), Side::Buy) => (printed.max(quote.best_ask.units()), self.left.1),
            (Some(quote), Side::Sell) => (printed.min(quote.best_bid.units()), self.left.0),
        };
        let worse = self.slip(price, side);
        let known = &mut self.known[index];
        let most = known.left.min(*left);
        let mut one = most.min(shows.unwrap_or(0));
        let mut two = most - one;
        if shows.is_some() && self.settings.beyond_quote == BeyondQuote::Wait {
            two = 0;
        }
        let mut rests = false;
        if !known.obeys_at(Some(price)) {
            (one, two, rests) = (0, 0, true);
        } else if two > 0 && !known.obeys_at(Some(worse)) {
            (two, rests) = (0, true);
        }
        if known.order.time_in_force == TimeInForce::FillOrKill && one + two < known.left {
            (one, two, rests, known.is) = (0, 0, false, Is::Over);
        }
        for (price, quantity) in [(price, one), (worse, two)] {
            if quantity > 0 {
                fills.push((known.order.id, price, quantity, false));
            }
        }
        known.left -= one + two;
        *left -= one + two;
        let shown = if side == Side::Buy { &mut self.left.1 } else { &mut self.left.0 };
        *shown = shown.map(|shown| shown - one);
        if known.left == 0 || known.order.time_in_force == TimeInForce::ImmediateOrCancel {
            known.is = Is::Over;
        }
        rests && known.is == Is::Taking
    }

    fn fill_maker(&mut self, index: usize, print: &Print, left: &mut i64, fills: &mut Vec<Filled>) {
        let known = &mut self.known[index];
        let (limit, price) = (known.order.terms.limit().unwrap().units(), print.price.units());
        let (through, hits) = match known.order.side {
            Side::Buy => (price < limit, print.taker_side != Some(Side::Buy)),
            Side::Sell => (price > limit, print.taker_side != Some(Side::Sell)),
        };
        let mut reach = 0;
        if through {
            (reach, known.ahead) = (known.left, Some(0));
        } else if let Some(ahead) = known.ahead.filter(|_| price == limit && hits) {
            reach = (print.size.units() - ahead).max(0);
            known.ahead = Some((ahead - print.size.units()).max(0));
        }
        let quantity = reach.min(*left).min(known.left);
        if quantity > 0 {
            fills.push((known.order.id, limit, quantity, true));
            known.left -= quantity;
            *left -= quantity;
        }
        if known.left == 0 {
            known.is = Is::Over;
        }
    }

    fn set_off(&mut self, time: i64, price: i64) {
        let stop_of = |known: &Known| known.stop.unwrap_or(0);
        for side in [Side::Buy, Side::Sell] {
            // Nearest to the market first.
            let key = |known: &Known| (if side == Side::Buy { stop_of(known) } else { -stop_of(known) }, known.place);
            for index in self.in_order(Is::Waiting, time, key) {
                let known = &mut self.known[index];
                let reached =
                    known.stop.is_some_and(|stop| if side == Side::Buy { price >= stop } else { price <= stop });
                if known.order.side == side && reached {
                    (known.triggered, known.arrived) = (true, time);
                    self.meet_market(index);
                }
            }
        }
        for index in self.in_order(Is::Waiting, time, |known| (0, known.place)) {
            let increment = i128::from(self.increment);
            let known = &mut self.known[index];
            let Terms::TrailingStop { trail } = known.order.terms else { continue };
            let buys = known.order.side == Side::Buy;
            if known.best.is_some_and(|best| if buys { price >= best } else { price <= best }) {
                continue;
            }
            known.best = Some(price);
            let distance = match trail {
                Trail::Offset(offset) => i128::from(offset.units()) * ONE,
                Trail::Share(share) => i128::from(price) * i128::from(share.units()),
            };
            let step = ONE * increment;
            let exact = i128::from(price) * ONE + if buys { distance } else { -distance };
            let steps = if buys { (exact + step - 1) / step } else { exact / step };
            known.stop = i64::try_from(steps * increment).ok();
        }
    }

    fn slip(&self, price: i64, side: Side) -> i64 {
        let (rate, step) = (i128::from(self.settings.slippage.units()), ONE * i128::from(self.increment));
        let steps = match side {
            Side::Buy => (i128::from(price) * (ONE + rate) + step - 1) / step,
            Side::Sell => i128::from(price) * (ONE - rate) / step,
        };
        i64::try_from(steps * i128::from(self.increment)).unwrap()
    }
}

impl Known {
    /// Whether its limit allows it to trade at the price. Market orders obey any, even one that is not known.
    fn obeys_at(&self, price: Option<i64>) -> bool {
        let Some(limit) = self.order.terms.limit() else { return true };
        price.is_some_and(|price| match self.order.side {
            Side::Buy => price <= limit.units(),
            Side::Sell => price >= limit.units(),
        })
    }
}
