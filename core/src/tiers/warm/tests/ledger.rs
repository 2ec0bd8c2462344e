//! Balances, trades and transfers: sums that are right, rows that replace, chains that keep their order.

use proptest::prelude::*;

use super::*;

fn balance(warm: &Balances, account: &str, asset: &str) -> i128 {
    warm.get(&(account.to_owned(), asset.to_owned())).copied().unwrap_or_default().units()
}

#[tokio::test]
async fn a_retried_deposit_is_paid_once() {
    let data = data();
    let mut warm = open(data.path(), 64).await;
    let deposit = [delta("cash", "USD", 10_000_000_000_000), delta("world", "USD", -10_000_000_000_000)];
    assert_eq!(warm.put_balances("live", &deposit, 1).await.expect("stored"), Put::Stored);
    assert_eq!(warm.put_balances("live", &deposit, 1).await.expect("found"), Put::Exists);
    drop(warm);
    let mut warm = open(data.path(), 64).await;
    assert_eq!(warm.put_balances("live", &deposit, 1).await.expect("found"), Put::Exists);
    let refused = warm.put_balances("live", &deposit, 0).await;
    assert!(matches!(refused, Err(WarmError::Backwards { table: "ledger.balance", last: 1, given: 0 })), "{refused:?}");
    assert_eq!(warm.put_balances("replay", &deposit, 1).await.expect("another account"), Put::Stored);
    for session in ["live", "replay"] {
        let balances = warm.balances(session).await.expect("read");
        assert_eq!(balance(&balances, "cash", "USD"), 10_000_000_000_000, "{session}");
        assert_eq!(warm.balances_through(session).expect("a name"), 1);
    }
}

#[tokio::test]
async fn a_balance_that_does_not_fit_is_refused_and_not_forgotten() {
    let data = data();
    let mut warm = open(data.path(), 64).await;
    warm.put_balances("live", &[delta("cash", "SHIB", schema::LARGEST - 5)], 1).await.expect("stored");
    let before = files(data.path());
    for (what, deltas) in [
        ("over the top", vec![delta("cash", "SHIB", 6)]),
        ("over the top and back", vec![delta("cash", "SHIB", 6), delta("cash", "SHIB", -6)]),
        (
            "a sum of changes that does not fit",
            vec![delta("cash", "SHIB", -schema::LARGEST), delta("cash", "SHIB", -6)],
        ),
        ("beyond i128", vec![delta("cash", "USD", i128::MAX)]),
        ("one of several", vec![delta("cash", "USD", 1), delta("cash", "SHIB", 6)]),
    ] {
        let refused = warm.put_balances("live", &deltas, 2).await;
        assert!(matches!(refused, Err(WarmError::Overflow { .. })), "{what}: {refused:?}");
        assert_eq!(files(data.path()), before, "{what}");
    }
    let message = warm.put_balances("live", &[delta("cash", "SHIB", 6)], 2).await.expect_err("refused").to_string();
    for part in ["`cash`", "`live`", "SHIB", "0.00000006", "999999999999999999999999999999.99999994"] {
        assert!(message.contains(part), "{message:?} does not name {part}");
    }
    warm.put_balances("live", &[delta("cash", "SHIB", 5), delta("cash", "SHIB", -7)], 2).await.expect("it fits");
    drop(warm);
    let mut warm = open(data.path(), 64).await;
    assert_eq!(balance(&warm.balances("live").await.expect("read"), "cash", "SHIB"), schema::LARGEST - 7);
    let refused = warm.put_balances("live", &[delta("cash", "SHIB", 8)], 3).await;
    assert!(matches!(refused, Err(WarmError::Overflow { .. })), "after reopening: {refused:?}");
}

#[tokio::test]
async fn a_duplicate_is_a_duplicate_even_where_it_would_not_fit_again() {
    let data = data();
    let mut warm = open(data.path(), 64).await;
    let most = [delta("cash", "USD", schema::LARGEST)];
    warm.put_balances("live", &most, 1).await.expect("stored");
    assert_eq!(warm.put_balances("live", &most, 1).await.expect("found"), Put::Exists);
}

#[tokio::test]
async fn trades_and_transfers_come_back_as_they_were() {
    let data = data();
    let mut warm = open(data.path(), 64).await;
    let legs = [transfer(3, 0), transfer(3, 1), transfer(3, 2)];
    warm.put_transfers("live", &[transfer(1, 0)], 1).await.expect("stored");
    warm.put_transfers("live", &legs, 3).await.expect("stored");
    assert_eq!(warm.put_transfers("live", &legs, 3).await.expect("found"), Put::Exists);
    warm.put_trades("live", &[trade(1, 7), trade(2, 5)], 2).await.expect("stored");
    warm.put_trades("live", &[trade(4, 7)], 4).await.expect("stored");
    warm.put_trades("other", &[trade(9, 7)], 2).await.expect("stored");
    for round in ["at once", "after a compaction", "after two"] {
        let transfers = warm.transfers("live").await.expect("read");
        assert_eq!(transfers, [transfer(1, 0), transfer(3, 0), transfer(3, 1), transfer(3, 2)], "{round}");
        assert_eq!(warm.trades("live").await.expect("read"), [trade(2, 5), trade(4, 7)], "{round}");
        assert_eq!(warm.trades("other").await.expect("read"), [trade(9, 7)], "{round}");
        warm.compact().await.expect("compacted");
    }
    assert_eq!(warm.trades_through("live").expect("a name"), 4);
    assert_eq!(warm.transfers_through("live").expect("a name"), 3);
}

#[tokio::test]
async fn a_session_is_a_name_and_not_a_path() {
    let data = data();
    let mut warm = open(data.path(), 64).await;
    let long = "x".repeat(65);
    for name in ["", "..", ".hidden", "a/b", "a\\b", "a b", "a=b", "ü", long.as_str()] {
        let refused = warm.put_balances(name, &[delta("cash", "USD", 1)], 1).await;
        assert!(matches!(refused, Err(WarmError::SessionName(_))), "{name:?}: {refused:?}");
    }
}

/// What is put, and whether the tier is closed and opened first.
#[derive(Clone, Debug)]
struct Move {
    session: usize,
    deltas: Vec<(usize, i64)>,
    trades: Vec<u64>,
    reopen: bool,
    /// Put twice, as after an error.
    again: bool,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = (0..2usize, prop::collection::vec((0..3usize, any::<i64>()), 0..4), prop::collection::vec(0..6u64, 0..3));
    let one = (one, prop::bool::weighted(0.15), prop::bool::weighted(0.2));
    let one =
        one.prop_map(|((session, deltas, trades), reopen, again)| Move { session, deltas, trades, reopen, again });
    prop::collection::vec(one, 1..14)
}

proptest! {
    // A commit takes tens of milliseconds.
    #![proptest_config(ProptestConfig { cases: if std::env::var_os("TAPEDECK_SOAK").is_some() { 200 } else { 8 }, ..ProptestConfig::default() })]

    #[test]
    fn sums_and_replacements_are_those_of_a_map(moves in moves()) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let data = data();
            let mut warm = open(data.path(), 3).await;
            let sessions = ["live", "replay-1"];
            let mut sums = [Balances::new(), Balances::new()];
            let mut newest: [BTreeMap<String, TradeRow>; 2] = Default::default();
            for (at, step) in moves.iter().zip(1u64..) {
                if at.reopen {
                    drop(warm);
                    warm = open(data.path(), 3).await;
                }
                let accounts = ["cash", "fees", "position"];
                let deltas: Vec<_> =
                    at.deltas.iter().map(|(account, units)| delta(accounts[*account], "USD", (*units).into())).collect();
                let trades: Vec<_> = at.trades.iter().map(|id| trade(step, *id)).collect();
                for _ in 0..=usize::from(at.again) {
                    warm.put_balances(sessions[at.session], &deltas, step).await.expect("stored or found");
                    warm.put_trades(sessions[at.session], &trades, step).await.expect("stored or found");
                }
                for delta in deltas {
                    let sum = sums[at.session].entry((delta.account, delta.asset)).or_default();
                    *sum = Amount::from_units(sum.units() + delta.amount.units());
                }
                newest[at.session].extend(trades.into_iter().map(|trade| (trade.trade_id.clone(), trade)));
            }
            for ((session, sums), newest) in sessions.into_iter().zip(sums).zip(newest) {
                prop_assert_eq!(warm.balances(session).await.expect("read"), sums);
                let newest: Vec<_> = newest.into_values().collect();
                prop_assert_eq!(warm.trades(session).await.expect("read"), newest);
            }
            Ok(())
        })?;
    }
}
