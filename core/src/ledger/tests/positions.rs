//! Profit and loss by hand.

use super::super::lots::cost_share;
use super::super::{Positions, equity, settle};
use super::*;

fn held(fills: &[(Side, i64, i64)]) -> Positions {
    let mut positions = Positions::default();
    for (print, &(side, price, quantity)) in (1..).zip(fills) {
        positions.apply(&fill(pair("BTC-USD"), side, print, price * ONE, quantity * ONE)).expect("a fill");
    }
    positions
}

#[test]
fn profit_by_average_cost_and_by_lots_is_what_a_tax_form_says() {
    let positions = held(&[(Side::Buy, 10, 2), (Side::Buy, 20, 2), (Side::Sell, 30, 3)]);
    let position = positions.get(pair("BTC-USD")).expect("it filled");
    assert_eq!(position.realised_average, usd(45), "three at 30 for an average of 15");
    assert_eq!(position.realised_fifo, usd(50), "two that cost 10, and one that cost 20");
    assert_eq!((position.cost, position.fifo_cost), (usd(15), usd(20)));
    assert_eq!(position.average_price(), Some(usd(15)));
    assert_eq!(position.turnover, usd(150));
    assert_eq!((position.bought, position.sold), (usd(4), usd(3)));
    assert_eq!(position.fees, Amount::from_units(usd(150).units() / 1_000));
    assert_eq!(position.net_average().expect("a difference").units(), usd(45).units() - position.fees.units());
    assert_eq!(position.net_fifo().expect("a difference").units(), usd(50).units() - position.fees.units());
    let marked = positions.mark(pair("BTC-USD"), Price::from_units(12 * ONE)).expect("a value");
    assert_eq!(marked.value, usd(12));
    assert_eq!((marked.unrealised_average, marked.unrealised_fifo), (usd(-3), usd(-8)));
    let lots: Vec<_> = position.lots.iter().map(|lot| (lot.quantity.units(), lot.cost, lot.event_time)).collect();
    assert_eq!(lots, [(ONE, usd(20), EventTime::from_nanos(2))]);
}

#[test]
fn what_is_sold_to_the_last_leaves_no_cost_behind() {
    let btc = pair("BTC-USD");
    let mut positions = Positions::default();
    positions.apply(&fill(btc, Side::Buy, 1, ONE / 3, 7)).expect("a buy");
    for print in 2..9 {
        positions.apply(&fill(btc, Side::Sell, print, ONE, 1)).expect("a sale");
    }
    let position = positions.get(btc).expect("it filled");
    assert_eq!((position.quantity, position.cost, position.fifo_cost), (Quantity::ZERO, Amount::ZERO, Amount::ZERO));
    assert_eq!(position.realised_average.units(), 7 - 2, "seven at 1, which cost 2 in all");
    assert_eq!(position.average_price(), None);
}

#[test]
fn slippage_that_was_saved_makes_good_for_what_was_paid() {
    let mut positions = Positions::default();
    for (print, slippage) in [(1, 5), (2, -8)] {
        let slippage = Amount::from_units(slippage);
        positions.apply(&Fill { slippage, ..fill(pair("BTC-USD"), Side::Buy, print, ONE, 1) }).expect("a buy");
    }
    assert_eq!(positions.get(pair("BTC-USD")).expect("it filled").slippage, Amount::from_units(-3));
}

#[test]
fn nothing_can_be_sold_that_is_not_held() {
    let positions = held(&[(Side::Buy, 10, 2)]);
    let btc = pair("BTC-USD");
    for (pair_, quantity, held) in [(btc, 3 * ONE, 2 * ONE), (pair("ETH-USD"), 1, 0)] {
        let mut after = positions.clone();
        let (held, sold) = (Quantity::from_units(held), Quantity::from_units(quantity));
        let refused = after.apply(&fill(pair_, Side::Sell, 9, ONE, quantity));
        assert_eq!(refused, Err(LedgerError::MoreThanHeld { pair: pair_, held, sold }));
        assert_eq!(after, positions);
    }
}

#[test]
fn a_position_larger_than_a_number_can_be_is_refused_and_an_exit_never_is() {
    let btc = pair("BTC-USD");
    let mut positions = Positions::default();
    let (price, quantity) = (Price::from_units(i64::MAX), Quantity::from_units(i64::MAX));
    let notional = notional(price, quantity).expect("a notional");
    let largest = Fill { price, quantity, notional, ..fill(btc, Side::Buy, 1, 1, 1) };
    positions.apply(&largest).expect("the largest there is");
    let before = positions.clone();
    assert_eq!(positions.apply(&fill(btc, Side::Buy, 2, 1, 1)), Err(LedgerError::Overflow));
    assert_eq!(positions, before);
    let dear = Fill { notional: Amount::from_units(10i128.pow(38) - 1), ..fill(btc, Side::Sell, 2, 1, 1) };
    assert_eq!(positions.apply(&dear), Err(LedgerError::Overflow));
    assert_eq!(positions, before);
    positions.apply(&fill(btc, Side::Sell, 3, 1, i64::MAX / 2)).expect("an exit");
    positions.apply(&fill(btc, Side::Sell, 4, 1, i64::MAX / 2 + 1)).expect("an exit");
    assert_eq!(positions.get(btc).expect("it filled").cost, Amount::ZERO);
}

#[test]
fn a_share_of_cost_is_rounded_once_and_half_to_even() {
    for (cost, part, whole, share) in [
        (5, 1, 2, 2),
        (7, 1, 2, 4),
        (3, 1, 2, 2),
        (1, 1, 2, 0),
        (10, 1, 3, 3),
        (20, 1, 3, 7),
        (9, 3, 6, 4),
        (11, 3, 6, 6),
    ] {
        let (part, whole) = (Quantity::from_units(part), Quantity::from_units(whole));
        assert_eq!(cost_share(Amount::from_units(cost), part, whole).units(), share, "{cost} * {part} / {whole}");
    }
}

proptest::proptest! {
    #[test]
    fn a_share_of_cost_is_that_of_the_plain_product(cost in 0i128..1 << 60, part in 0i64..1 << 62, more in 1i64..1 << 62) {
        let product = cost * i128::from(part);
        let plain = crate::domain::money::divide_half_even(product, i128::from(part) + i128::from(more));
        let whole = Quantity::from_units(part + more);
        proptest::prop_assert_eq!(cost_share(Amount::from_units(cost), Quantity::from_units(part), whole).units(), plain);
    }
}

#[test]
fn an_open_loss_is_in_equity_and_an_unknown_price_is_not_guessed() {
    let mut ledger = Ledger::default();
    post(&mut ledger, &settle::opening_deposit(usd(1_000))).expect("the deposit");
    let mut positions = Positions::default();
    for (name, print) in [("BTC-USD", 1), ("ETH-USD", 2)] {
        let mut fill = fill(pair(name), Side::Buy, print, 100 * ONE, 2 * ONE);
        fill.fee = Amount::ZERO;
        post(&mut ledger, &settle::entries(&fill).expect("legs")).expect("cash for it");
        positions.apply(&fill).expect("the ledger took it");
    }
    let fallen = |of: Pair| Some(Price::from_units(if of == pair("BTC-USD") { 40 * ONE } else { 100 * ONE }));
    let found = equity(&ledger, &positions, fallen).expect("marks");
    assert_eq!((found.cash, found.positions, found.total), (usd(600), usd(280), usd(880)));
    assert_eq!(found.exposure[&pair("BTC-USD")], usd(80));
    let one = equity(&ledger, &positions, |of| fallen(of).filter(|_| of == pair("BTC-USD")));
    assert_eq!(one, Err(LedgerError::Unmarked { pair: pair("ETH-USD") }));
    positions.apply(&fill(pair("ETH-USD"), Side::Sell, 3, ONE, 2 * ONE)).expect("a sale");
    assert!(equity(&ledger, &positions, |of| fallen(of).filter(|_| of == pair("BTC-USD"))).is_ok(), "nothing is held");
}
