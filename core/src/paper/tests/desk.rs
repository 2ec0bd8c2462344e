//! A book with a shadow account: cash and one asset, moved by its fills as the ledger would move them.

use super::super::{Answer, Book, Event, Print};
use crate::consensus::risk::{Approved, Gate, View};
use crate::domain::time::SECOND;
use crate::domain::{
    Amount, Asset, EventTime, Order, Pair, Quantity, Quote, Rate, Reason, Settings, Side, TapeTime, Terms, TimeInForce,
};

#[derive(Clone)]
pub(super) struct Desk {
    pub(super) book: Book,
    pub(super) cash: Amount,
    pub(super) asset: Amount,
    pub(super) now: TapeTime,
    pub(super) last_print: u64,
}

pub(super) fn pair() -> Pair {
    "BTC-USD".parse().unwrap()
}

/// A gate that lets everything through: what it blocks is its own tests' business.
pub(super) fn approved(order: Order) -> Approved<Order> {
    let view = View {
        now: TapeTime::default(),
        price_age: Some(0),
        feed_silence: 0,
        missing_trades: false,
        equity: Amount::from_units(10i128.pow(28)),
        exposure: Amount::ZERO,
        open_orders: 0,
    };
    let settings = Settings { max_position: Rate::from_units(100_000_000), ..Settings::default() };
    Gate::default().approve(order, Amount::ZERO, &view, &settings).unwrap()
}

pub(super) fn order(id: &str, side: Side, quantity: Quantity, terms: Terms) -> Order {
    Order {
        id: id.parse().unwrap(),
        pair: pair(),
        side,
        quantity,
        terms,
        time_in_force: TimeInForce::GoodTillCancelled,
        reduce_only: false,
        post_only: false,
        take_profit: None,
        stop_loss: None,
    }
}

impl Desk {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            book: Book::new(settings),
            cash: Amount::parse("10000").unwrap(),
            asset: Amount::parse("100").unwrap(),
            now: TapeTime::default(),
            last_print: 0,
        }
    }

    pub(super) fn funds(&self) -> impl Fn(Asset) -> Amount + use<> {
        let (cash, asset) = (self.cash, self.asset);
        move |of| if of == Asset::usd() { cash } else { asset }
    }

    fn settle(&mut self, events: &[Event]) {
        for event in events {
            if let Event::Fill(fill) = event {
                let (cost, size) = (fill.total_cost(), Amount::ZERO.plus(fill.quantity).unwrap());
                (self.cash, self.asset) = match fill.side {
                    Side::Buy => (self.cash.checked_sub(cost).unwrap(), self.asset.checked_add(size).unwrap()),
                    Side::Sell => (self.cash.checked_add(cost).unwrap(), self.asset.checked_sub(size).unwrap()),
                };
            }
        }
    }

    pub(super) fn place(&mut self, order: Order) -> (Result<Answer, Reason>, Vec<Event>) {
        let (funds, mut events) = (self.funds(), Vec::new());
        let answer = self.book.place(approved(order), &funds, self.now, &mut events);
        self.settle(&events);
        (answer, events)
    }

    /// One second later.
    pub(super) fn quote(&mut self, quote: &Quote) -> Vec<Event> {
        let mut events = Vec::new();
        let at = self.tick();
        self.book.quote(pair(), quote, at, self.now, &mut events);
        self.settle(&events);
        events
    }

    pub(super) fn tick(&mut self) -> EventTime {
        self.now = TapeTime::from_nanos(self.now.nanos() + SECOND);
        EventTime::from_nanos(self.now.nanos())
    }

    pub(super) fn print(&mut self, print: &Print) -> Vec<Event> {
        let (funds, mut events) = (self.funds(), Vec::new());
        self.book.print(print, &funds, self.now, &mut events);
        self.settle(&events);
        events
    }
}
