//! Rules of posting, one by one.

use super::super::settle;
use super::*;
use Account::{Fees, Trader, Venue, World};

fn opened() -> Ledger {
    let mut ledger = Ledger::default();
    post(&mut ledger, &settle::opening_deposit(usd(100))).expect("the deposit");
    ledger
}

#[test]
fn the_opening_deposit_is_paid_once_whoever_asks_again_and_for_whatever_amount() {
    let mut ledger = opened();
    let before = ledger.clone();
    for amount in [100, 600_000, 1] {
        assert_eq!(post(&mut ledger, &settle::opening_deposit(usd(amount))), Ok(Posted::Exists));
    }
    assert_eq!(ledger, before);
    assert_eq!(ledger.balance(Trader, Asset::usd()), usd(100));
    assert_eq!(ledger.balance(World, Asset::usd()), usd(-100));
}

#[test]
fn a_group_that_can_not_be_posted_whole_leaves_no_trace() {
    let ok = entry(World, Trader, 5, deposit(1));
    let there = entry(World, Trader, 7, Cause::OpeningDeposit);
    let most = 10i128.pow(38) - 1;
    for (group, error) in [
        (vec![], LedgerError::Empty),
        (vec![ok, there], LedgerError::PartlyThere { there: 1, of: 2 }),
        (vec![ok, ok], LedgerError::CauseTwice { cause: deposit(1) }),
        (
            vec![ok, entry(World, Trader, 0, deposit(2))],
            LedgerError::AmountNotPositive { cause: deposit(2), amount: Amount::ZERO },
        ),
        (
            vec![ok, entry(World, Trader, -5, deposit(2))],
            LedgerError::AmountNotPositive { cause: deposit(2), amount: Amount::from_units(-5) },
        ),
        (
            vec![ok, entry(Trader, Trader, 5, deposit(2))],
            LedgerError::SameAccount { cause: deposit(2), account: Trader },
        ),
        (vec![ok, entry(World, Trader, most, deposit(2))], LedgerError::Overflow),
        (vec![ok, entry(World, Venue, i128::MAX, deposit(2))], LedgerError::Overflow),
        (
            vec![ok, entry(Trader, World, usd(101).units(), deposit(2))],
            LedgerError::WouldBeNegative {
                account: Trader,
                asset: Asset::usd(),
                balance: usd(100),
                amount: Amount::from_units(usd(101).units() - 5),
            },
        ),
    ] {
        let mut ledger = opened();
        assert_eq!(post(&mut ledger, &group), Err(error.clone()));
        assert_eq!(ledger, opened(), "{error} left a trace");
        assert!(matches!(post(&mut ledger, &[ok]), Ok(Posted::Stored(_))), "{error} made a good entry impossible");
    }
}

#[test]
fn a_fee_is_paid_from_the_proceeds_of_its_own_sale() {
    let btc = pair("BTC-USD");
    let (buy, sell) = (fill(btc, Side::Buy, 1, 99 * ONE, ONE), fill(btc, Side::Sell, 2, 99 * ONE, ONE));
    let mut ledger = opened();
    post(&mut ledger, &settle::entries(&buy).expect("legs")).expect("cash for it");
    let rest = ledger.balance(Trader, Asset::usd());
    post(&mut ledger, &settle::withdrawal(name("all"), rest)).expect("what is left");
    let mut legs = settle::entries(&sell).expect("legs");
    // Fee first: the trader has no cash between the legs.
    legs.rotate_right(1);
    assert!(matches!(post(&mut ledger, &legs), Ok(Posted::Stored(_))));
    let left = usd(99).checked_sub(sell.fee).expect("a difference");
    assert_eq!(ledger.balance(Trader, Asset::usd()), left);
    assert_eq!(ledger.balance(Trader, asset("BTC")), Amount::ZERO);
    assert_eq!(ledger.balance(Fees, Asset::usd()), buy.fee.checked_add(sell.fee).expect("a sum"));
    assert_eq!(ledger.balance(Venue, Asset::usd()), Amount::ZERO);
}

#[test]
fn more_than_there_is_can_not_be_spent_sold_or_withdrawn() {
    let btc = pair("BTC-USD");
    let reasons = [
        (settle::entries(&fill(btc, Side::Buy, 1, 100 * ONE, ONE)).expect("legs"), "insufficient_cash"),
        (settle::entries(&fill(btc, Side::Sell, 1, 100 * ONE, 1_000)).expect("legs"), "insufficient_asset"),
        (settle::withdrawal(name("w"), Amount::from_units(usd(100).units() + 1)), "insufficient_cash"),
        (settle::withdrawal(name("w"), Amount::ZERO), "amount_not_positive"),
    ];
    for (group, reason) in reasons {
        let mut ledger = opened();
        let error = post(&mut ledger, &group).expect_err("more than there is");
        assert_eq!(error.reason().code(), reason, "{error}");
        assert_eq!(ledger, opened());
    }
}

#[test]
fn legs_go_the_way_the_side_says_and_those_of_zero_are_left_out() {
    let btc = pair("BTC-USD");
    let legs = |fill: &Fill| {
        let entries = settle::entries(fill).expect("legs");
        entries.iter().map(|e| (e.debit, e.credit, e.asset.to_string(), e.amount.units())).collect::<Vec<_>>()
    };
    let one = i128::from(ONE);
    let (btc_, usd_) = ("BTC".to_owned(), "USD".to_owned());
    let mut buy = fill(btc, Side::Buy, 1, 50 * ONE, 2 * ONE);
    assert_eq!(
        legs(&buy),
        [
            (Venue, Trader, btc_.clone(), 2 * one),
            (Trader, Venue, usd_.clone(), 100 * one),
            (Trader, Fees, usd_.clone(), one / 10)
        ]
    );
    let sell = Fill { side: Side::Sell, ..buy };
    assert_eq!(
        legs(&sell),
        [
            (Trader, Venue, btc_.clone(), 2 * one),
            (Venue, Trader, usd_.clone(), 100 * one),
            (Trader, Fees, usd_, one / 10)
        ]
    );
    buy.fee = Amount::ZERO;
    assert_eq!(legs(&buy).len(), 2);
    let dust = fill(btc, Side::Buy, 1, ONE / 4, 1);
    assert_eq!(legs(&dust), [(Venue, Trader, btc_, 1)]);
    for impossible in [
        Fill { quantity: Quantity::ZERO, ..buy },
        Fill { fee: Amount::from_units(-1), ..buy },
        Fill { notional: Amount::from_units(-1), ..buy },
    ] {
        assert_eq!(settle::entries(&impossible), Err(LedgerError::Impossible { pair: btc }));
    }
    for name in ["ETH-BTC", "USD-USD", "BTCUSD"] {
        let other = Fill { pair: pair(name), ..buy };
        assert_eq!(settle::entries(&other), Err(LedgerError::NotTraded { pair: pair(name) }));
    }
}

#[test]
fn a_correction_moves_everything_back_once_and_the_corrected_stays() {
    let mut ledger = opened();
    let buy = settle::entries(&fill(pair("BTC-USD"), Side::Buy, 1, 7 * ONE, ONE)).expect("legs");
    let Posted::Stored(stored) = post(&mut ledger, &buy).expect("cash for it") else { panic!("it was not there") };
    let undo: Vec<Entry> = stored.iter().flat_map(settle::correction).collect();
    assert!(matches!(post(&mut ledger, &undo), Ok(Posted::Stored(_))));
    assert_eq!(post(&mut ledger, &undo), Ok(Posted::Exists));
    assert_eq!(post(&mut ledger, &buy), Ok(Posted::Exists), "what was corrected does not come back");
    assert_eq!(ledger.balance(Trader, Asset::usd()), usd(100));
    assert_eq!(ledger.balance(Trader, asset("BTC")), Amount::ZERO);
    assert!(stored.iter().all(|transfer| ledger.has(transfer.id)));
}

/// A change of what is hashed, or of how, makes every stored ledger unverifiable: it must not come by accident.
#[test]
fn the_same_deeds_have_the_same_hash_in_every_version() {
    let mut ledger = opened();
    let buy = fill(pair("BTC-USD"), Side::Buy, 1, 7 * ONE, ONE);
    let legs = settle::entries(&buy).expect("legs");
    ledger.post(Step(9), TapeTime::from_nanos(77), &legs).expect("cash for it");
    assert_eq!(ledger.head().count, 4);
    assert_eq!(ledger.head().hash.to_string(), "751f2614e80a435b984ff5214741a4486b2898d28698e89a3161b590e088ead4");
}
