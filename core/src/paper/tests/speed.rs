//! What a print costs. Run by hand: `cargo test --release speed -- --ignored --nocapture`.

use std::time::Instant;

use super::super::Print;
use super::desk::{Desk, order, pair};
use crate::domain::time::MILLISECOND;
use crate::domain::{Amount, EventTime, Price, Quantity, Quote, Settings, Side, Source, TapeTime, Terms, TradeId};

const COUNT: u64 = 1_000_000;

/// Prints a second that touch nothing, with this many orders resting and as many stops waiting, each beside one quote.
fn pace(orders: i64) -> f64 {
    let mut desk = Desk::new(Settings { latency_ms: 0, ..Settings::default() });
    (desk.cash, desk.asset) = (Amount::parse("1e9").unwrap(), Amount::parse("1e9").unwrap());
    let dollars = |dollars: i64| Price::from_units(dollars * 100_000_000);
    let one = Quantity::from_units(100_000_000);
    for number in 0..orders {
        let buy = order(&format!("b{number}"), Side::Buy, one, Terms::Limit { limit: dollars(500 + number % 400) });
        let sell = order(&format!("s{number}"), Side::Sell, one, Terms::Stop { stop: dollars(100 + number % 300) });
        desk.place(buy).0.unwrap();
        desk.place(sell).0.unwrap();
    }
    let quote = Quote {
        best_bid: dollars(999),
        best_ask: dollars(1_001),
        bid_size: Some(one),
        ask_size: Some(one),
        volume_24h: None,
        open_24h: None,
    };
    let (funds, mut events) = (desk.funds(), Vec::new());
    let started = Instant::now();
    for number in 1..=COUNT {
        let at = i64::try_from(number).unwrap() * MILLISECOND;
        let (now, event_time) = (TapeTime::from_nanos(at), EventTime::from_nanos(at));
        let (trade_id, taker_side, price) = (TradeId(number), Some(Side::Sell), dollars(1_000));
        desk.book.quote(pair(), &quote, event_time, now, &mut events);
        let print = Print { source: Source::Live, pair: pair(), trade_id, price, size: one, taker_side, event_time };
        desk.book.print(&print, &funds, now, &mut events);
    }
    assert!(events.is_empty());
    COUNT as f64 / started.elapsed().as_secs_f64()
}

#[test]
#[ignore = "a measurement"]
fn speed_of_prints() {
    for orders in [0, 1_000] {
        println!("{orders} resting and {orders} stops: {:.1} M quotes and prints a second", pace(orders) / 1e6);
    }
}
