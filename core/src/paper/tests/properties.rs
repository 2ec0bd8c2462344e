//! Laws that hold whatever comes: random orders, quotes and prints, and a shadow account beside the book.
//!
//! `TAPEDECK_SOAK=1` runs a million events and more.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::super::working::Stage;
use super::super::{Answer, Book, Event, Print};
use super::desk::{Desk, order, pair};
use super::naive::{Naive, filled};
use crate::domain::time::MILLISECOND;
use crate::domain::{
    Amendment, Amount, Asset, BeyondQuote, EventTime, Fill, Order, OrderId, OrderReport, PairRules, Price, Quantity,
    Quote, Rate, Reason, Settings, Side, Source, TapeTime, Terms, TimeInForce, TradeId, Trail,
};

const CENT: i64 = 1_000_000;

struct Dice(ChaCha8Rng);

impl Dice {
    fn below(&mut self, bound: u64) -> i64 {
        i64::try_from(self.0.next_u64() % bound).unwrap()
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    /// Between 95 and 105, in steps of a quarter, so that prices often meet.
    fn price(&mut self) -> Price {
        Price::from_units((9_500 + self.below(41) * 25) * CENT)
    }

    fn size(&mut self) -> Quantity {
        Quantity::from_units((1 + self.below(400)) * CENT)
    }

    fn maybe<T>(&mut self, value: impl Fn(&mut Self) -> T) -> Option<T> {
        self.one_in(4).then(|| value(self))
    }

    fn settings(&mut self) -> Settings {
        Settings {
            taker_fee: Rate::from_units(self.below(3) * 100_000),
            maker_fee: Rate::from_units(self.below(3) * 50_000),
            slippage: Rate::from_units(self.below(3) * 50_000),
            beyond_quote: if self.one_in(2) { BeyondQuote::Walk } else { BeyondQuote::Wait },
            latency_ms: [0, 50, 500][usize::try_from(self.below(3)).unwrap()],
            ..Settings::default()
        }
    }

    fn order(&mut self, number: u32, now: TapeTime) -> Order {
        let side = if self.one_in(2) { Side::Buy } else { Side::Sell };
        let (one, other) = (self.price(), self.price());
        let terms = match self.below(8) {
            0 => Terms::Market,
            1..=3 => Terms::Limit { limit: one },
            4 => Terms::Stop { stop: one },
            5 => Terms::StopLimit { stop: one, limit: other },
            6 if self.one_in(2) => Terms::TrailingStop { trail: Trail::Offset(Price::from_units(CENT * 40)) },
            6 => Terms::TrailingStop { trail: Trail::Share(Rate::from_units(777_777)) },
            _ => Terms::OneCancelsOther { limit: one, stop: other },
        };
        let until = TapeTime::from_nanos(now.nanos() + self.below(8_000) * MILLISECOND);
        Order {
            time_in_force: match self.below(8) {
                0 => TimeInForce::ImmediateOrCancel,
                1 => TimeInForce::FillOrKill,
                2 => TimeInForce::GoodTill(until),
                _ => TimeInForce::GoodTillCancelled,
            },
            reduce_only: side == Side::Sell && self.one_in(4),
            post_only: self.one_in(10),
            take_profit: self.maybe(Self::price),
            stop_loss: self.maybe(Self::price),
            ..order(&format!("o{number}"), side, self.size(), terms)
        }
    }
}

#[derive(Clone, Copy)]
enum Step {
    Place(Order),
    Cancel(OrderId),
    CancelEntries,
    Amend(Amendment),
    Settings(Settings),
    Wait,
    Quote(Quote),
    Print(Print),
}

fn next(dice: &mut Dice, desk: &mut Desk, number: u32) -> Step {
    desk.now = TapeTime::from_nanos(desk.now.nanos() + dice.below(3) * 100 * MILLISECOND);
    let number = number / 6;
    let someone = |dice: &mut Dice| {
        let open: Vec<OrderId> = desk.book.open_orders().map(|report| report.order.id).collect();
        let pick = usize::try_from(dice.below(1 << 30)).unwrap();
        if open.is_empty() { "nobody".parse().unwrap() } else { open[pick % open.len()] }
    };
    match dice.below(100) {
        0..20 => Step::Place(dice.order(number, desk.now)),
        20..24 => Step::Cancel(someone(dice)),
        24 if dice.one_in(4) => Step::CancelEntries,
        25..29 => {
            let quantity = dice.maybe(Dice::size);
            Step::Amend(Amendment {
                id: someone(dice),
                quantity,
                limit: dice.maybe(Dice::price),
                stop: dice.maybe(Dice::price),
            })
        }
        29 if dice.one_in(4) => Step::Settings(dice.settings()),
        30..35 => Step::Wait,
        35..60 => {
            let best_bid = dice.price();
            Step::Quote(Quote {
                best_bid,
                best_ask: Price::from_units(best_bid.units() + (1 + dice.below(4)) * 25 * CENT),
                bid_size: (!dice.one_in(4)).then(|| dice.size()),
                ask_size: (!dice.one_in(4)).then(|| dice.size()),
                volume_24h: None,
                open_24h: None,
            })
        }
        _ => {
            // Now and then one that was seen already.
            desk.last_print += u64::from(!dice.one_in(20));
            let taker_side = [None, Some(Side::Buy), Some(Side::Sell)][usize::try_from(dice.below(3)).unwrap()];
            Step::Print(Print {
                source: Source::Live,
                pair: pair(),
                trade_id: TradeId(desk.last_print),
                price: dice.price(),
                size: dice.size(),
                taker_side,
                event_time: EventTime::from_nanos(desk.now.nanos() - dice.below(2) * 60 * MILLISECOND),
            })
        }
    }
}

fn take(desk: &mut Desk, step: &Step) -> Vec<Event> {
    let (funds, mut events) = (desk.funds(), Vec::new());
    match step {
        Step::Place(order) => return desk.place(*order).1,
        Step::Print(print) => return desk.print(print),
        Step::Cancel(id) => drop(desk.book.cancel(*id, desk.now, &mut events)),
        Step::CancelEntries => desk.book.cancel_entries(desk.now, Reason::ByRisk, &mut events),
        Step::Amend(amendment) => drop(desk.book.amend(amendment, &funds, desk.now, &mut events)),
        Step::Settings(settings) => desk.book.set_settings(*settings),
        Step::Wait => desk.book.advance(desk.now, &mut events),
        Step::Quote(quote) => {
            let at = EventTime::from_nanos(desk.now.nanos());
            desk.book.quote(pair(), quote, at, desk.now, &mut events);
        }
    }
    events
}

/// What the events of a whole run said, kept to be compared with.
#[derive(Default)]
struct Said {
    reports: BTreeMap<OrderId, OrderReport>,
    filled: BTreeMap<OrderId, i64>,
    fill_ids: BTreeMap<crate::domain::FillId, Fill>,
    prints: BTreeMap<TradeId, i64>,
    ended: usize,
}

impl Said {
    fn hear(&mut self, step: &Step, events: &[Event]) {
        let mut fill_of = None;
        for event in events {
            match event {
                Event::Fill(fill) => {
                    let Step::Print(print) = step else { panic!("a fill without a print: {fill:?}") };
                    assert!(fill.quantity > Quantity::ZERO);
                    assert_eq!((fill.print, fill.event_time), (print.trade_id, print.event_time));
                    if let Some(limit) = fill.asked {
                        let better = if fill.side == Side::Buy { fill.price <= limit } else { fill.price >= limit };
                        assert!(better, "beyond its limit: {fill:?}");
                    }
                    if fill.maker {
                        assert_eq!((Some(fill.price), fill.slippage), (fill.asked, Amount::ZERO));
                    }
                    assert_eq!(self.fill_ids.insert(fill.id, *fill), None, "two fills of one name");
                    *self.filled.entry(fill.order).or_default() += fill.quantity.units();
                    *self.prints.entry(fill.print).or_default() += fill.quantity.units();
                    assert!(self.prints[&fill.print] <= print.size.units(), "more than printed: {fill:?}");
                    fill_of = Some(fill.order);
                }
                Event::Report(report) => {
                    let id = report.order.id;
                    assert!(fill_of.take().is_none_or(|filled| filled == id), "a fill without its report");
                    assert_eq!(report.filled.units(), self.filled.get(&id).copied().unwrap_or(0));
                    assert!(report.filled <= report.order.quantity, "more than ordered: {report:?}");
                    let before = self.reports.insert(id, *report);
                    assert!(before.is_none_or(|before| !before.state.is_over()), "after its end: {report:?}");
                    self.ended += usize::from(report.state.is_over());
                }
            }
        }
        assert_eq!(fill_of, None, "a fill without its report");
    }
}

/// What must hold of a book at any time.
fn check(desk: &Desk, said: &Said) {
    let book = &desk.book;
    assert!(desk.cash >= Amount::ZERO && desk.asset >= Amount::ZERO, "owes: {} {}", desk.cash, desk.asset);
    let mut afresh = book.clone();
    afresh.reserve_afresh();
    assert_eq!(afresh.reserved, book.reserved, "what is reserved has drifted");
    assert!(book.available("BTC".parse().unwrap(), &desk.funds()) >= Amount::ZERO, "sells more than there is");
    for (id, working) in &book.open {
        assert_eq!(said.reports.get(id).map(|report| report.order), Some(working.order), "changed without a word");
        if let Some(sibling) = working.sibling.map(|sibling| &book.open[&sibling]) {
            assert_eq!(sibling.sibling, Some(*id));
            assert_eq!(sibling.remaining(), working.remaining(), "linked orders of different sizes");
        }
        if let Some(entry) = working.entry {
            let sold: i64 =
                [".tp", ".sl"].map(|part| said.filled.get(&entry.part(part)).copied().unwrap_or(0)).iter().sum();
            assert!(sold + working.remaining().units() <= said.filled.get(&entry).copied().unwrap_or(0));
        }
    }
    check_lists(book);
}

/// By the name of a list: price, place and order.
type Lists = BTreeMap<&'static str, Vec<(Option<Price>, u64, OrderId)>>;

/// Every order stands in the lists its stage says, once, and nothing else does.
fn check_lists(book: &Book) {
    let mut listed: Lists = BTreeMap::new();
    for market in book.markets.values() {
        let taking = market.taking.iter().map(|(place, id)| (None, *place, *id));
        listed.entry("taking").or_default().extend(taking);
        for side in [Side::Buy, Side::Sell] {
            for (name, ladder) in [
                ("resting", &market.resting),
                ("unseen", &market.unseen),
                ("stops", &market.stops),
                ("trails", &market.trails),
            ] {
                for (price, level) in &ladder.of(side).0 {
                    let all = level.iter().map(|(place, id)| (Some(*price), *place, *id));
                    listed.entry(name).or_default().extend(all);
                }
            }
        }
    }
    let mut expected: Lists = BTreeMap::new();
    for (id, working) in &book.open {
        let mut put = |name, price| expected.entry(name).or_default().push((price, working.place, *id));
        let limit = working.order.terms.limit();
        match working.stage {
            Stage::Sent | Stage::Held => {}
            Stage::Taking => put("taking", None),
            Stage::Resting => {
                put("resting", limit);
                if working.ahead.is_none() {
                    put("unseen", limit);
                }
            }
            Stage::Stopped => {
                if working.stop.is_some() {
                    put("stops", working.stop);
                }
                if matches!(working.order.terms, Terms::TrailingStop { .. }) {
                    put("trails", Some(working.trailed()));
                }
            }
        }
    }
    listed.values_mut().chain(expected.values_mut()).for_each(|list| list.sort());
    listed.retain(|_, list| !list.is_empty());
    expected.retain(|_, list| !list.is_empty());
    assert_eq!(listed, expected, "an order stands where it is not looked for");
}

fn restored(book: &Book) -> Book {
    postcard::from_bytes(&postcard::to_allocvec(book).unwrap()).unwrap()
}

fn run(seed: u64, steps: u32) -> (usize, usize) {
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed));
    let mut desk = Desk::new(dice.settings());
    desk.cash = Amount::parse(if dice.one_in(2) { "900" } else { "100000" }).unwrap();
    desk.asset = Amount::parse("5").unwrap();
    let rules = PairRules {
        price_increment: Price::from_units(CENT),
        quantity_increment: Quantity::from_units(CENT),
        ..PairRules::default()
    };
    desk.book.set_rules(pair(), rules);
    let split = u32::try_from(dice.below(u64::from(steps))).unwrap();
    let mut twin: Option<Desk> = None;
    let mut said = Said::default();
    for number in 0..steps {
        let step = next(&mut dice, &mut desk, number);
        if number == split {
            twin = Some(Desk { book: restored(&desk.book), ..desk.clone() });
        }
        let held = desk.asset;
        let events = take(&mut desk, &step);
        if let Some(twin) = &mut twin {
            (twin.now, twin.last_print) = (desk.now, desk.last_print);
            assert_eq!(take(twin, &step), events, "seed {seed}, step {number}: a restored book goes its own way");
        }
        said.hear(&step, &events);
        let only_reduces = |fill: &&Fill| said.reports.get(&fill.order).is_some_and(|report| report.order.reduce_only);
        let reducing = events.iter().filter_map(|event| if let Event::Fill(fill) = event { Some(fill) } else { None });
        let reduced: i64 = reducing
            .filter(only_reduces)
            .map(|fill| {
                assert_eq!(fill.side, Side::Sell, "a reduce-only order bought");
                fill.quantity.units()
            })
            .sum();
        let bought: i64 = events
            .iter()
            .map(|event| match event {
                Event::Fill(fill) if fill.side == Side::Buy => fill.quantity.units(),
                _ => 0,
            })
            .sum();
        assert!(i128::from(reduced) <= held.units() + i128::from(bought));
        check(&desk, &said);
    }
    if let Some(twin) = twin {
        assert_eq!(postcard::to_allocvec(&twin.book).unwrap(), postcard::to_allocvec(&desk.book).unwrap());
    }
    desk.book.end_all(Reason::ByRisk, &mut Vec::new());
    assert_eq!(desk.book.reserved(Asset::usd()), Amount::ZERO);
    check_lists(&desk.book);
    (said.fill_ids.len(), said.ended)
}

#[test]
fn no_order_of_things_overfills_overdraws_or_loses_an_order() {
    let runs = if std::env::var_os("TAPEDECK_SOAK").is_some() { 3_000 } else { 60 };
    let (mut fills, mut ended) = (0, 0);
    for seed in 0..runs {
        let (filled, over) = run(seed, 400);
        (fills, ended) = (fills + filled, ended + over);
    }
    println!("{} events, {fills} fills, {ended} orders ended", runs * 400);
    // A run in which nothing happens proves nothing.
    assert!(fills > usize::try_from(runs).unwrap() * 15 && ended > usize::try_from(runs).unwrap() * 15);
}

/// One run without linked orders and with money for all of it, beside the naive matcher.
fn agree(seed: u64, steps: u32) -> usize {
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed));
    let settings = dice.settings();
    let mut desk = Desk::new(settings);
    (desk.cash, desk.asset) = (Amount::parse("1e12").unwrap(), Amount::parse("1e9").unwrap());
    let price_increment = Price::from_units(CENT);
    desk.book.set_rules(pair(), PairRules { price_increment, ..PairRules::default() });
    let mut naive = Naive::new(settings, CENT);
    let mut fills = 0;
    for number in 0..steps {
        let step = match next(&mut dice, &mut desk, number) {
            Step::Place(order) if matches!(order.terms, Terms::OneCancelsOther { .. }) => continue,
            Step::Place(order) => {
                Step::Place(Order { take_profit: None, stop_loss: None, reduce_only: false, ..order })
            }
            Step::Amend(_) | Step::CancelEntries | Step::Settings(_) => continue,
            step => step,
        };
        let mut expected = Vec::new();
        let events = match step {
            Step::Place(order) => {
                let (answer, events) = desk.place(order);
                if answer == Ok(Answer::New) {
                    naive.place(order, desk.now);
                }
                events
            }
            _ => take(&mut desk, &step),
        };
        match &step {
            Step::Cancel(id) => naive.cancel(*id, desk.now),
            Step::Wait => naive.advance(desk.now),
            Step::Quote(quote) => naive.quote(quote, desk.now),
            Step::Print(print) => expected = naive.print(print, desk.now),
            _ => {}
        }
        let happened: Vec<_> =
            events.iter().filter_map(|e| if let Event::Fill(fill) = e { Some(filled(fill)) } else { None }).collect();
        assert_eq!(happened, expected, "seed {seed}, step {number}");
        fills += happened.len();
    }
    fills
}

#[test]
fn the_indexes_change_no_fill() {
    let runs = if std::env::var_os("TAPEDECK_SOAK").is_some() { 3_000 } else { 100 };
    let fills: usize = (0..runs).map(|seed| agree(seed, 400)).sum();
    println!("{} events, {fills} fills, the same by both", runs * 400);
    assert!(fills > usize::try_from(runs).unwrap() * 30);
}
