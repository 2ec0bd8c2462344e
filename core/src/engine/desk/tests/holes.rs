//! Ways around the gate and the books that were once open.

use super::*;
use crate::domain::{Amendment, Rate};

fn limit(id: &str, hundredths: i64, dollars: i64) -> Order {
    Order { terms: Terms::Limit { limit: Price::from_units(dollars * ONE) }, ..order(id, Side::Buy, hundredths) }
}

fn to(id: &str, quantity: Option<i64>, dollars: Option<i64>) -> Action {
    Action::Amend(Amendment {
        id: id.parse().expect("a name"),
        quantity: quantity.map(|hundredths| Quantity::from_units(hundredths * ONE / 100)),
        limit: dollars.map(|dollars| Price::from_units(dollars * ONE)),
        stop: None,
    })
}

fn held(floor: &Floor) -> i64 {
    floor.desk.position(pair()).map_or(0, |position| position.quantity.units())
}

#[test]
fn an_order_does_not_grow_past_what_an_entry_may_be() {
    let mut floor = Floor::new();
    floor.print(1_000);
    floor.act(Action::Place(limit("a", 1, 990)));
    assert_eq!(rejected(&floor.act(to("a", Some(9_900), None))), Some(Reason::MaxPosition));
    assert_eq!(rejected(&floor.act(to("a", Some(4_000), None))), None, "to 40 % of equity");
    assert_eq!(rejected(&floor.act(to("a", Some(3_000), None))), None, "smaller is no entry");
    floor.at += 3_600 * SECOND;
    floor.clock(floor.at);
    assert_eq!(rejected(&floor.act(to("a", Some(4_000), None))), Some(Reason::DeadFeed));
    assert_eq!(rejected(&floor.act(to("a", None, Some(980)))), None, "lower is no entry either");
    floor.print(1_000);
    floor.act(Action::BooksDiffer);
    assert_eq!(rejected(&floor.act(to("a", None, Some(985)))), Some(Reason::BooksDiffer));
}

#[test]
fn an_order_does_not_grow_past_what_a_position_can_count() {
    let mut floor = Floor::new();
    floor.act(Action::Settings(Settings { latency_ms: 0, max_position: Rate::from_units(ONE), ..Settings::default() }));
    let cents = |units| Order {
        quantity: Quantity::from_units(units),
        terms: Terms::Limit { limit: Price::from_units(50) },
        ..order("a", Side::Buy, 1)
    };
    floor.print(1);
    floor.act(Action::Place(cents(i64::MAX / 2)));
    floor.act(Action::Place(Order { id: "b".parse().expect("a name"), ..cents(1_000 * ONE) }));
    let amendment = Amendment {
        id: "b".parse().expect("a name"),
        quantity: Some(Quantity::from_units(i64::MAX - 7)),
        limit: None,
        stop: None,
    };
    assert_eq!(rejected(&floor.act(Action::Amend(amendment))), Some(Reason::Overflow));
}

#[test]
fn amends_that_are_under_way_together_are_reserved_for_together() {
    let mut floor = Floor::new();
    let settings = Settings {
        latency_ms: 1_000,
        max_position: Rate::from_units(ONE),
        max_orders_per_minute: 100,
        ..Settings::default()
    };
    floor.act(Action::Settings(settings));
    floor.print(1_000);
    floor.act(Action::Place(limit("a", 1_000, 100)));
    floor.print(1_000);
    floor.print(1_000);
    assert_eq!(rejected(&floor.act(to("a", Some(89_000), None))), None, "890 at 100");
    assert_eq!(rejected(&floor.act(to("a", None, Some(995)))), Some(Reason::MaxPosition), "890 at 995 are not there");
    let reserved = floor.desk.book().reserved(Asset::usd());
    assert!(reserved <= floor.cash(), "{reserved}");
}

#[test]
fn a_buy_stop_the_market_has_passed_is_worth_the_market() {
    let mut floor = Floor::new();
    floor.print(1_000);
    let stop = |id: &str, hundredths, dollars: i64| {
        Action::Place(Order {
            terms: Terms::Stop { stop: Price::from_units(dollars * ONE) },
            ..order(id, Side::Buy, hundredths)
        })
    };
    assert_eq!(rejected(&floor.act(stop("a", 9_900, 1))), Some(Reason::MaxPosition));
    assert_eq!(rejected(&floor.act(stop("b", 1_000, 1))), None);
    let reserved = floor.desk.book().reserved(Asset::usd());
    assert!(reserved >= usd(10_000), "{reserved} for ten at a thousand");
}

#[test]
fn what_the_market_was_half_an_hour_ago_is_not_what_a_position_is_worth() {
    let mut floor = Floor::new();
    let quote = |floor: &mut Floor, bid: i64, at: i64| {
        let quote = crate::domain::Quote {
            best_bid: Price::from_units(bid * ONE),
            best_ask: Price::from_units((bid + 1) * ONE),
            bid_size: None,
            ask_size: None,
            volume_24h: None,
            open_24h: None,
        };
        let tick = Tick {
            source: Source::Live,
            pair: pair(),
            sequence: 1,
            event_time: EventTime::from_nanos(at),
            received_time: ReceivedTime::from_nanos(floor.at),
            kind: TickKind::Quote(quote),
        };
        floor.put(Input::Tick(tick));
    };
    let at = floor.at;
    quote(&mut floor, 1_000, at);
    floor.print(1_000);
    floor.market_order("a", Side::Buy, 500);
    floor.print(1_000);
    assert_eq!(held(&floor), 5 * ONE);
    let mark = |floor: &Floor| floor.desk.mark_of(pair()).map(|mark| mark.units() / ONE);
    let older = at - 5 * SECOND;
    quote(&mut floor, 900, older);
    assert_eq!(mark(&floor), Some(1_000), "an older quote is no news");
    for second in 0..40 {
        floor.print(1_000 - second);
    }
    assert_eq!(mark(&floor), Some(961), "trading went on without it");
    let long_ago = at - 864_000 * SECOND;
    quote(&mut floor, 100, long_ago);
    assert_eq!(mark(&floor), Some(961), "nor is one of ten days before");
    let now = floor.at;
    quote(&mut floor, 950, now);
    assert_eq!(mark(&floor), Some(950));
}

#[test]
fn flatten_told_again_leaves_its_exits_alone() {
    let mut floor = Floor::new();
    floor.act(Action::Settings(Settings { latency_ms: 1_000, ..Settings::default() }));
    floor.print(1_000);
    floor.market_order("f.0", Side::Buy, 500);
    floor.print(1_000);
    floor.print(1_000);
    assert_eq!(held(&floor), 5 * ONE);
    let id = "f".parse().expect("a name");
    floor.act(Action::Flatten { id });
    assert_eq!(floor.act(Action::Flatten { id }), [DeskOutput::Exists { id }], "told again, it is the same");
    floor.print(1_000);
    floor.print(1_000);
    assert_eq!(held(&floor), 0, "an order that has its exit's name is not in the way");
}

#[test]
fn a_withdrawal_sent_again_is_the_same_and_a_deposit_can_be_counted() {
    let mut floor = Floor::new();
    let id = "w".parse().expect("a name");
    let withdraw = Action::Withdraw { id, amount: usd(60_000) };
    floor.act(withdraw);
    assert_eq!(floor.act(withdraw), [DeskOutput::Exists { id }]);
    let too_much = Action::Deposit { id: "d".parse().expect("a name"), amount: Amount::from_units(10i128.pow(38)) };
    assert_eq!(rejected(&floor.act(too_much)), Some(Reason::Overflow));
    assert_eq!(floor.cash(), usd(40_000));
}

#[test]
fn a_command_that_comes_after_a_silence_is_of_its_own_time() {
    let mut floor = Floor::new();
    floor.print(1_000);
    let given = |floor: &mut Floor, seconds: i64, id: &str| {
        let received = ReceivedTime::from_nanos(floor.at + seconds * SECOND);
        let action = Action::Place(order(id, Side::Buy, 100));
        let before = floor.deeds.len();
        floor.put(Input::Command(Command { received, action }));
        rejected(&floor.deeds[before..])
    };
    // Nothing has come for twenty seconds: what is on its way here was printed before it was given.
    assert_eq!(given(&mut floor, 20, "a"), None);
    for _ in 0..19 {
        floor.print(1_000);
    }
    assert_eq!(held(&floor), 0);
    floor.print(1_000);
    floor.print(1_000);
    assert_eq!(held(&floor), ONE);
    assert_eq!(given(&mut floor, 31, "b"), Some(Reason::DeadFeed), "nobody trades on a price of half a minute ago");
}
