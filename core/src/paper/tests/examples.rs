//! Worked examples, to be checked by hand. A line is what happens, and after `=>` what comes of it; nothing after it means that nothing does.
//! Quotes and prints come a second apart, the first at second 1. Without a `set` there are no fees, no slippage
//! and no latency; the desk owns 10000 USD and 100 BTC.

use super::super::{Event, Print};
use super::desk::{Desk, order, pair};
use crate::domain::time::SECOND;
use crate::domain::{
    Amendment, Amount, BeyondQuote, Order, PairRules, Price, Quantity, Quote, Rate, Reason, Settings, Side, Source,
    TapeTime, Terms, TimeInForce, TradeId, Trail,
};

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

fn size(text: &str) -> Quantity {
    Quantity::parse(text.trim_start_matches('x')).unwrap()
}

/// `buy 2 limit 99 ioc tp 110 sl 90`.
fn read_order(id: &str, words: &[&str]) -> Order {
    let side = if words[0] == "buy" { Side::Buy } else { Side::Sell };
    let mut order = order(id, side, size(words[1]), Terms::Market);
    let mut words = words[2..].iter();
    let (mut limit, mut stop) = (None, None);
    while let Some(word) = words.next() {
        let mut value = || *words.next().unwrap();
        match *word {
            "market" => {}
            "limit" => limit = Some(price(value())),
            "stop" => stop = Some(price(value())),
            "trail" => order.terms = Terms::TrailingStop { trail: Trail::Offset(price(value())) },
            "share" => order.terms = Terms::TrailingStop { trail: Trail::Share(Rate::parse(value()).unwrap()) },
            "oco" => order.terms = Terms::OneCancelsOther { limit: price(value()), stop: price(value()) },
            "ioc" => order.time_in_force = TimeInForce::ImmediateOrCancel,
            "fok" => order.time_in_force = TimeInForce::FillOrKill,
            "until" => order.time_in_force = TimeInForce::GoodTill(second(value())),
            "post" => order.post_only = true,
            "reduce" => order.reduce_only = true,
            "tp" => order.take_profit = Some(price(value())),
            "sl" => order.stop_loss = Some(price(value())),
            other => panic!("{other}"),
        }
    }
    match (stop, limit) {
        (None, None) => {}
        (None, Some(limit)) => order.terms = Terms::Limit { limit },
        (Some(stop), None) => order.terms = Terms::Stop { stop },
        (Some(stop), Some(limit)) => order.terms = Terms::StopLimit { stop, limit },
    }
    order
}

fn second(text: &str) -> TapeTime {
    TapeTime::from_nanos(text.parse::<i64>().unwrap() * SECOND)
}

fn write(event: &Event) -> String {
    match event {
        Event::Fill(fill) => {
            let mut text = format!("{} {}@{}", fill.order, fill.quantity, fill.price);
            for (name, amount) in [("fee", fill.fee), ("slip", fill.slippage)] {
                if amount != Amount::ZERO {
                    text.push_str(&format!(" {name} {amount}"));
                }
            }
            text.push_str(if fill.maker { " maker" } else { "" });
            text.push_str(if fill.assumed { " assumed" } else { "" });
            text
        }
        Event::Report(report) => {
            let mut text =
                format!("{} {} {}/{}", report.order.id, report.state.as_str(), report.filled, report.order.quantity);
            if let Some(stop) = report.stop.filter(|_| matches!(report.order.terms, Terms::TrailingStop { .. })) {
                text.push_str(&format!(" stop {stop}"));
            }
            if let Some(reason) = report.reason {
                text.push_str(&format!(" {}", reason.code()));
            }
            text
        }
    }
}

fn set(desk: &mut Desk, words: &[&str]) {
    let mut settings = *desk.book.settings();
    match words {
        ["fee", taker, maker] => {
            (settings.taker_fee, settings.maker_fee) = (Rate::parse(taker).unwrap(), Rate::parse(maker).unwrap());
        }
        ["slippage", rate] => settings.slippage = Rate::parse(rate).unwrap(),
        ["wait"] => settings.beyond_quote = BeyondQuote::Wait,
        ["latency", ms] => settings.latency_ms = ms.parse().unwrap(),
        ["cash", amount] => desk.cash = Amount::parse(amount).unwrap(),
        ["own", amount] => desk.asset = Amount::parse(amount).unwrap(),
        ["increments", of_price, of_quantity] => {
            let rules = PairRules {
                price_increment: price(of_price),
                quantity_increment: size(of_quantity),
                ..PairRules::default()
            };
            desk.book.set_rules(pair(), rules);
        }
        other => panic!("{other:?}"),
    }
    desk.book.set_settings(settings);
}

fn run(desk: &mut Desk, words: &[&str]) -> String {
    let mut events = Vec::new();
    let funds = desk.funds();
    let mut answer = Ok(());
    match words {
        ["set", rest @ ..] => set(desk, rest),
        ["place", id, rest @ ..] => {
            let (placed, happened) = desk.place(read_order(id, rest));
            answer = placed.map(|_| ());
            events = happened;
        }
        ["cancel", "all"] => desk.book.cancel_all(desk.now, Reason::ByTrader, &mut events),
        ["cancel", "entries"] => desk.book.cancel_entries(desk.now, Reason::ByRisk, &mut events),
        ["cancel", id] => answer = desk.book.cancel(id.parse().unwrap(), desk.now, &mut events),
        ["amend", id, rest @ ..] => {
            let find = |name| rest.iter().position(|word| *word == name).map(|at| rest[at + 1]);
            let (limit, stop) = (find("limit").map(price), find("stop").map(price));
            let change = Amendment { id: id.parse().unwrap(), quantity: find("quantity").map(size), limit, stop };
            answer = desk.book.amend(&change, &funds, desk.now, &mut events);
        }
        ["at", time] => {
            desk.now = second(time);
            desk.book.advance(desk.now, &mut events);
        }
        ["quote", bid, bid_size, ask, ask_size] => {
            let known = |text: &str| (text != "x?").then(|| size(text));
            events = desk.quote(&Quote {
                best_bid: price(bid),
                best_ask: price(ask),
                bid_size: known(bid_size),
                ask_size: known(ask_size),
                volume_24h: None,
                open_24h: None,
            });
        }
        [kind @ ("print" | "again" | "early"), at, of, taker @ ..] => {
            let taker_side = taker.first().map(|side| if *side == "buy" { Side::Buy } else { Side::Sell });
            let before = desk.now;
            let mut event_time =
                if *kind == "again" { crate::domain::EventTime::from_nanos(before.nanos()) } else { desk.tick() };
            if *kind == "early" {
                event_time = event_time.plus_nanos(-SECOND * 3 / 5);
            }
            desk.last_print += u64::from(*kind != "again");
            events = desk.print(&Print {
                source: Source::Live,
                pair: pair(),
                trade_id: TradeId(desk.last_print),
                price: price(at),
                size: size(of),
                taker_side,
                event_time,
            });
        }
        ["reserved", cash, asset] => {
            let reserved = |asset: &str| desk.book.reserved(asset.parse().unwrap()).to_string();
            assert_eq!((reserved("USD"), reserved("BTC")), ((*cash).to_owned(), (*asset).to_owned()));
        }
        other => panic!("{other:?}"),
    }
    let mut said: Vec<String> = events.iter().map(write).collect();
    said.extend(answer.err().map(|reason| format!("! {}", reason.code())));
    said.join("; ")
}

fn check(example: &str) {
    let none = Rate::ZERO;
    let settings = Settings { taker_fee: none, maker_fee: none, slippage: none, latency_ms: 0, ..Settings::default() };
    let mut desk = Desk::new(settings);
    let mut wrong = String::new();
    for line in example.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (what, expected) = line.split_once("=>").unwrap_or((line, ""));
        let words: Vec<&str> = what.split_whitespace().collect();
        let said = run(&mut desk, &words);
        if said != expected.trim() {
            wrong.push_str(&format!("\n{}\n    expected {}\n    happened {said}", what.trim(), expected.trim()));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_market_buy_pays_the_ask_and_no_more_than_was_shown_without_slippage() {
    check(
        "set fee 0.001 0
         set slippage 0.01
         quote 99 x5 100 x2
         place a buy 5 market => a sent 0/5; a open 0/5
         reserved 505.505 0
         print 100 x4 => a 2@100 fee 0.2; a open 2/5; a 2@101 fee 0.202 slip 2; a open 4/5
         print 100 x1 => a 1@101 fee 0.101 slip 1; a filled 5/5
         reserved 0 0",
    );
}

#[test]
fn a_print_beyond_the_quote_says_that_the_quote_is_gone() {
    check(
        "quote 99 x5 100 x5
         place a buy 1 market => a sent 0/1; a open 0/1
         print 103 x1 => a 1@103 slip 3; a filled 1/1
         place b sell 1 market => b sent 0/1; b open 0/1
         print 97 x1 => b 1@97 slip 2; b filled 1/1
         place c sell 1 market => c sent 0/1; c open 0/1
         print 104 x1 => c 1@99; c filled 1/1",
    );
}

#[test]
fn what_is_beyond_the_quote_waits_for_the_next_one_where_the_desk_says_so() {
    check(
        "set wait
         set slippage 0.01
         quote 99 x5 100 x2
         place a buy 5 market => a sent 0/5; a open 0/5
         print 100 x4 => a 2@100; a open 2/5
         print 100 x4
         quote 99 x5 101 x2
         print 100 x9 => a 2@101 slip 2; a open 4/5
         quote 99 x5 101 x?
         print 101 x9 => a 1@102.01 slip 2.01; a filled 5/5",
    );
}

#[test]
fn without_a_quote_the_price_is_assumed_and_said_to_be() {
    check(
        "set slippage 0.001
         set increments 0.01 0.001
         place a buy 1 market => ! no_price
         place b sell 1 market => b sent 0/1; b open 0/1
         print 99.99 x1 => b 1@99.89 slip 0.1 assumed; b filled 1/1
         place c buy 1 market => c sent 0/1; c open 0/1
         print 100.01 x2 => c 1@100.12 slip 0.13 assumed; c filled 1/1",
    );
}

#[test]
fn an_order_is_not_filled_by_what_printed_before_it_arrived() {
    check(
        "set latency 1500
         quote 99 x5 100 x5
         place a buy 1 market => a sent 0/1
         reserved 100 0
         print 100 x1
         early 100 x1 => a open 0/1
         print 100 x1 => a 1@100; a filled 1/1
         again 100 x1",
    );
    check(
        "quote 99 x5 100 x5
         place a buy 3 market => a sent 0/3; a open 0/3
         print 100 x1 => a 1@100; a open 1/3
         again 100 x1",
    );
}

#[test]
fn a_resting_limit_waits_for_the_queue_ahead_or_a_trade_through_it() {
    check(
        "set fee 0.001 0.0005
         quote 99 x5 100 x5
         place a buy 2 limit 99 => a sent 0/2; a open 0/2
         place b buy 2 limit 98 => b sent 0/2; b open 0/2
         print 99 x4 sell
         print 99 x4 buy
         print 99 x2 sell => a 1@99 fee 0.0495 maker; a open 1/2
         print 98 x9 => a 1@99 fee 0.0495 maker; a filled 2/2
         print 97 x1 => b 1@98 fee 0.049 maker; b open 1/2
         print 98 x1 sell => b 1@98 fee 0.049 maker; b filled 2/2",
    );
    check(
        "quote 99 x5 100 x5
         place a buy 1 limit 98 => a sent 0/1; a open 0/1
         place b sell 1 limit 99.5 => b sent 0/1; b open 0/1
         place c buy 1 limit 99.2 => c sent 0/1; c open 0/1
         print 99.5 x1 buy => b 1@99.5 maker; b filled 1/1
         quote 98 x2 99 x1
         print 99.2 x1 sell => c 1@99.2 maker; c filled 1/1
         print 98 x3 sell => a 1@98 maker; a filled 1/1",
    );
}

#[test]
fn a_limit_takes_within_its_limit_and_rests_beyond_it() {
    check(
        "set slippage 0.01
         quote 99 x5 100 x2
         place a buy 3 limit 100 => a sent 0/3; a open 0/3
         print 100 x9 => a 2@100; a open 2/3
         print 99.9 x9 => a 1@100 maker; a filled 3/3
         quote 99 x5 100 x2
         place b buy 3 limit 100 ioc => b sent 0/3; b open 0/3
         print 100 x9 => b 2@100; b open 2/3; b cancelled 2/3 not_immediate
         quote 99 x5 100 x2
         place c buy 3 limit 100 fok => c sent 0/3; c open 0/3
         print 100 x9 => c cancelled 0/3 not_all_at_once
         place d buy 2 limit 100 fok => d sent 0/2; d open 0/2
         print 100 x9 => d 2@100; d filled 2/2
         place e buy 1 limit 98 ioc => e sent 0/1; e open 0/1
         print 97 x9 => e cancelled 0/1 not_immediate",
    );
}

#[test]
fn one_print_is_shared_by_takers_first_then_price_then_arrival() {
    check(
        "quote 90 x5 100 x50
         place a buy 1 limit 99 => a sent 0/1; a open 0/1
         place b buy 1 limit 99.5 => b sent 0/1; b open 0/1
         place c buy 1 limit 99 => c sent 0/1; c open 0/1
         place d buy 1 market => d sent 0/1; d open 0/1
         print 98 x3 => d 1@100; d filled 1/1; b 1@99.5 maker; b filled 1/1; a 1@99 maker; a filled 1/1
         print 98 x0.5 => c 0.5@99 maker; c open 0.5/1",
    );
}

#[test]
fn a_stop_is_filled_by_the_print_after_the_one_that_triggered_it() {
    check(
        "quote 99 x5 100 x5
         place a sell 1 stop 95 => a sent 0/1; a waiting 0/1
         place b buy 1 stop 101 => b sent 0/1; b waiting 0/1
         place c sell 1 stop 95 limit 99.5 => c sent 0/1; c waiting 0/1
         print 95.01 x1
         print 95 x9 => a open 0/1; c open 0/1
         print 95 x9 => a 1@95 slip 4; a filled 1/1
         print 101 x9 => c 1@99.5 maker; c filled 1/1; b open 0/1
         print 99 x9 => b 1@100; b filled 1/1",
    );
}

#[test]
fn a_trailing_stop_follows_and_never_moves_back() {
    check(
        "set increments 0.1 0.001
         print 100 x1
         place a sell 1 trail 2 => a sent 0/1; a waiting 0/1
         place b buy 1 share 0.0125 => b sent 0/1; b waiting 0/1
         print 100 x1 => b waiting 0/1 stop 101.3; a waiting 0/1 stop 98
         print 101 x1 => a waiting 0/1 stop 99
         print 99.1 x1 => b waiting 0/1 stop 100.4
         print 99 x1 => a open 0/1 stop 99; b waiting 0/1 stop 100.3
         print 100.3 x1 => a 1@100.3 slip -1.3 assumed; a filled 1/1 stop 99; b open 0/1 stop 100.3
         print 100 x1 => b 1@100 slip -0.3 assumed; b filled 1/1 stop 100.3",
    );
}

#[test]
fn a_bracket_sells_what_its_entry_bought_and_once() {
    check(
        "quote 99 x0 100 x50
         place a buy 3 market tp 110 sl 90 => a sent 0/3; a.tp waiting 0/0; a.sl waiting 0/0; a open 0/3
         print 100 x2 => a 2@100; a open 2/3; a.tp open 0/2; a.sl waiting 0/2
         reserved 100 2
         print 100 x1 => a 1@100; a filled 3/3; a.tp open 0/3; a.sl waiting 0/3
         reserved 0 3
         print 111 x1 => a.tp 1@110 maker; a.tp open 1/3; a.sl waiting 0/2
         print 89 x9 => a.sl open 0/2
         print 111 x1 => a.sl 1@99; a.sl open 1/2; a.tp open 1/2
         print 111 x3 => a.sl 1@99; a.sl filled 2/2; a.tp cancelled 1/1 sibling_filled
         reserved 0 0",
    );
    check(
        "quote 99 x5 100 x50
         place a buy 3 limit 99.5 tp 110 sl 90 => a sent 0/3; a.tp waiting 0/0; a.sl waiting 0/0; a open 0/3
         print 99 x1 => a 1@99.5 maker; a open 1/3; a.tp open 0/1; a.sl waiting 0/1
         print 111 x1 => a.tp 1@110 maker; a.tp filled 1/1; a.sl cancelled 0/0 sibling_filled; a cancelled 1/3 sibling_filled
         place g buy 3 market tp 110 sl 90 => g sent 0/3; g.tp waiting 0/0; g.sl waiting 0/0; g open 0/3
         print 100 x1 => g 1@100; g open 1/3; g.tp open 0/1; g.sl waiting 0/1
         print 111 x5 => g 2@111 slip 22; g filled 3/3; g.tp 1@110 maker; g.tp open 1/1; g.sl waiting 0/0; g.tp open 1/3; g.sl waiting 0/2
         cancel g.tp => g.tp cancelled 1/3 by_trader
         cancel g.sl => g.sl cancelled 0/2 by_trader
         place b buy 3 limit 99.5 sl 90 => b sent 0/3; b.sl waiting 0/0; b open 0/3
         cancel b => b cancelled 0/3 by_trader; b.sl cancelled 0/0 entry_ended
         place c buy 3 limit 99.5 sl 90 => c sent 0/3; c.sl waiting 0/0; c open 0/3
         print 99 x1 => c 1@99.5 maker; c open 1/3; c.sl waiting 0/1
         cancel entries => c cancelled 1/3 by_risk
         reserved 0 1
         cancel c.sl => c.sl cancelled 0/1 by_trader
         place d buy 1 market sl 101 => ! terms_contradict
         place e buy 1 limit 99 tp 99 => ! terms_contradict
         place f sell 1 limit 99 tp 90 => ! terms_contradict",
    );
}

#[test]
fn two_linked_orders_reserve_once_and_fill_once() {
    check(
        "set own 2
         quote 99 x5 100 x5
         place a sell 2 oco 105 95 => a.tp sent 0/2; a.sl sent 0/2; a.tp open 0/2; a.sl waiting 0/2
         reserved 0 2
         place b sell 1 limit 120 => ! insufficient_asset
         print 106 x1 => a.tp 1@105 maker; a.tp open 1/2; a.sl waiting 0/1
         reserved 0 1
         print 94 x9 => a.sl open 0/1
         print 106 x9 => a.sl 1@99; a.sl filled 1/1; a.tp cancelled 1/1 sibling_filled
         reserved 0 0
         set own 2
         place c sell 2 oco 105 95 => c.tp sent 0/2; c.sl sent 0/2; c.tp open 0/2; c.sl waiting 0/2
         amend c.tp quantity 1 => ! nothing_to_amend
         amend c.sl stop 105 => ! terms_contradict
         amend c.sl stop 96 => c.sl waiting 0/2
         cancel c => c.tp cancelled 0/2 by_trader; c.sl cancelled 0/2 by_trader
         cancel c => ! order_is_over
         place d sell 2 oco 95 105 => ! terms_contradict",
    );
}

#[test]
fn an_amend_keeps_the_name_and_loses_the_place() {
    check(
        "quote 90 x5 100 x50
         place a buy 1 limit 99 => a sent 0/1; a open 0/1
         place b buy 1 limit 99 => b sent 0/1; b open 0/1
         amend a quantity 2 => a open 0/2
         print 98 x1 => b 1@99 maker; b filled 1/1
         print 98 x1 => a 1@99 maker; a open 1/2
         amend a quantity 0.5 => ! quantity_below_filled
         amend a stop 3 => ! nothing_to_amend
         amend a quantity 1000 => ! insufficient_cash
         amend b limit 98 => ! order_is_over
         amend z limit 98 => ! unknown_order
         set latency 1500
         amend a limit 97
         reserved 99 0
         print 99.5 x1
         print 98 x1 => a open 1/2
         reserved 97 0
         amend a limit 98
         reserved 98 0
         amend a quantity 1
         at 9 => a open 1/2; a filled 1/1
         reserved 0 0",
    );
}

#[test]
fn time_ends_an_order_and_latency_delays_its_cancel() {
    check(
        "set latency 1500
         quote 90 x5 100 x50
         place a buy 1 limit 99 until 5 => a sent 0/1
         place b buy 1 limit 98 => b sent 0/1
         at 3 => a open 0/1; b open 0/1
         cancel b
         print 97 x9 => a 1@99 maker; a filled 1/1; b 1@98 maker; b filled 1/1
         place c buy 1 limit 98 until 5 => c sent 0/1
         at 6 => c expired 0/1 expired
         place d buy 1 limit 98 => d sent 0/1
         cancel all
         cancel d
         at 8 => d open 0/1; d cancelled 0/1 by_trader
         set latency 1000
         place e buy 1 limit 98 until 9 => e sent 0/1
         at 9 => e expired 0/1 expired",
    );
}

#[test]
fn cash_is_never_overdrawn_and_the_rest_is_cancelled() {
    check(
        "set cash 1000
         set fee 0.01 0
         set increments 0.01 0.1
         quote 99 x50 100 x50
         place a buy 10 market => ! insufficient_cash
         place a buy 9 market => a sent 0/9; a open 0/9
         reserved 909 0
         place b buy 1 limit 50 => b sent 0/1; b open 0/1
         reserved 959.5 0
         print 120 x20 => a 7.8@120 fee 9.36 slip 156; a open 7.8/9; a cancelled 7.8/9 cash_ran_out
         reserved 50.5 0",
    );
}

#[test]
fn two_buys_of_one_print_do_not_spend_the_same_cash() {
    check(
        "set cash 1000
         set increments 0.01 0.1
         quote 99 x50 100 x50
         place a buy 5 market => a sent 0/5; a open 0/5
         place b buy 5 market => b sent 0/5; b open 0/5
         print 120 x20 => a 4.1@120 slip 82; a open 4.1/5; a cancelled 4.1/5 cash_ran_out; b 4.2@120 slip 84; b open 4.2/5; b cancelled 4.2/5 cash_ran_out",
    );
}

#[test]
fn what_is_wrong_with_an_order_is_said_on_sight() {
    check(
        "set increments 0.01 0.1
         quote 99 x50 100 x50
         place a buy 1 limit 99.001 => ! price_increment
         place a buy 1.05 limit 99 => ! quantity_increment
         place a buy 0 limit 99 => ! quantity_too_small
         place a sell 101 limit 120 => ! insufficient_asset
         place a buy 1 market post => ! terms_contradict
         place a buy 1 limit 99 reduce => ! reduce_only_would_increase
         place a buy 1 limit 100 post => a sent 0/1; a rejected 0/1 post_only_would_take
         reserved 0 0
         place b buy 1 limit 99 post => b sent 0/1; b open 0/1
         place b buy 1 limit 99 post
         place b buy 1 limit 98 post => ! id_taken
         place b.tp buy 1 limit 98 => b.tp sent 0/1; b.tp open 0/1
         cancel b => b cancelled 0/1 by_trader
         place b buy 1 limit 99 post",
    );
}

#[test]
fn a_reduce_only_order_is_cut_to_what_is_there_and_leaves_no_crumb() {
    check(
        "set own 2.55
         set increments 0.01 0.1
         quote 99 x50 100 x50
         place a sell 1 limit 120 => a sent 0/1; a open 0/1
         place b sell 5 market reduce => b sent 0/1.55; b open 0/1.55
         place b sell 5 market reduce
         place c sell 5 market reduce => ! nothing_to_reduce
         print 99 x9 => b 1.55@99; b filled 1.55/1.55",
    );
}
