//! Compaction: every answer stays, duplicates stay known, and what lies about stays bounded.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn compaction_changes_no_answer_and_forgets_no_commit() {
    let data = data();
    let mut warm = open(data.path(), 4).await;
    warm.put_balances("idle", &[delta("cash", "USD", 7)], 40).await.expect("stored");
    warm.put_trades("idle", &[trade(1, 1)], 40).await.expect("stored");
    let mut candles = Vec::new();
    for step in 1..=30u64 {
        let given = candle(step as i64, 0, step);
        candles.push(given);
        warm.put_candles(&[given], Seq(step)).await.expect("stored");
        warm.put_balances("live", &[delta("cash", "USD", 3)], step).await.expect("stored");
        warm.put_trades("live", &[trade(step, step % 5)], step).await.expect("stored");
        warm.put_transfers("live", &[transfer(step, 0), transfer(step, 1)], step).await.expect("stored");
    }
    for reopened in [false, true] {
        assert_eq!(warm.candles(&all()).await.expect("read"), candles);
        let live = warm.balances("live").await.expect("read");
        assert_eq!(live.into_values().collect::<Vec<_>>(), [Amount::from_units(90)]);
        let trades = warm.trades("live").await.expect("read");
        let expected: Vec<_> = [30, 26, 27, 28, 29].into_iter().map(|step| trade(step, step % 5)).collect();
        assert_eq!(trades, expected);
        let transfers = warm.transfers("live").await.expect("read");
        let expected: Vec<_> = (1..=30).flat_map(|step| [transfer(step, 0), transfer(step, 1)]).collect();
        assert_eq!(transfers, expected);
        // The snapshots that committed these are long gone.
        for (session, step) in [("idle", 40), ("live", 30)] {
            let found = warm.put_balances(session, &[delta("cash", "USD", 1)], step).await.expect("found");
            assert_eq!(found, Put::Exists, "balances of {session}, reopened: {reopened}");
            let found = warm.put_trades(session, &[trade(9, 9)], step).await.expect("found");
            assert_eq!(found, Put::Exists, "trades of {session}, reopened: {reopened}");
        }
        let refused = warm.put_balances("idle", &[delta("cash", "USD", 1)], 39).await;
        assert!(matches!(refused, Err(WarmError::Backwards { last: 40, .. })), "{refused:?}");
        warm = open(data.path(), 4).await;
    }
}

#[tokio::test]
async fn a_day_is_one_file_after_compaction_and_other_days_are_left_alone() {
    let data = data();
    let mut warm = open(data.path(), 100).await;
    let table = data.path().join("warm/market.db/ohlcv_1m");
    warm.put_candles(&[candle(0, 0, 1), candle(1_440, 0, 1)], Seq(1)).await.expect("stored");
    let untouched = files(&table.join("day=2026-03-21"));
    warm.put_candles(&[candle(1, 0, 2)], Seq(2)).await.expect("stored");
    warm.put_candles(&[candle(2, 0, 3)], Seq(3)).await.expect("stored");
    warm.compact().await.expect("compacted");
    let statistics = warm.statistics().await.expect("statistics").tables;
    assert_eq!((statistics[0].files, statistics[0].rows), (2, 4));
    assert_eq!(files(&table.join("day=2026-03-21")), untouched);
    let last = statistics[0].last.clone().expect("a commit");
    assert_eq!((last.user.as_str(), last.identifier), ("tapedeck", 3));
    let kinds: Vec<String> = warm.snapshots().await.expect("snapshots").into_iter().map(|s| s.kind).collect();
    assert_eq!(kinds, ["APPEND", "APPEND", "APPEND", "COMPACT"]);
    warm.compact().await.expect("compacted");
    assert_eq!(warm.snapshots().await.expect("snapshots").len(), 4, "there was nothing to compact");
}

#[tokio::test]
async fn a_file_that_is_large_is_not_written_again() {
    let data = data();
    let mut warm = open(data.path(), 100).await;
    let folder = data.path().join("warm/ledger.db/transfers/session_id=live");
    let many: Vec<_> = (0..500).map(|leg| transfer(1, leg)).collect();
    warm.put_transfers("live", &many, 1).await.expect("stored");
    let large = files(&folder);
    warm.transfers.whole_file = std::fs::metadata(&large[0]).expect("a file").len() as i64;
    // An earlier step, in a file that will be written again and so after the large one.
    warm.put_transfers("live", &[transfer(0, 0)], 2).await.expect("stored");
    for step in 3..=4 {
        warm.put_transfers("live", &[transfer(step, 0)], step).await.expect("stored");
    }
    warm.compact().await.expect("compacted");
    // A second compaction, so that the first one's leavings are gone.
    warm.put_transfers("live", &[transfer(5, 0)], 5).await.expect("stored");
    warm.compact().await.expect("compacted");
    assert!(files(&folder).contains(&large[0]), "the large file was replaced");
    assert_eq!(warm.statistics().await.expect("statistics").tables[2].files, 2);
    let later = (3..=5).map(|step| transfer(step, 0));
    let expected: Vec<_> = [transfer(0, 0)].into_iter().chain(many).chain(later).collect();
    assert_eq!(warm.transfers("live").await.expect("read"), expected);
}

#[tokio::test]
async fn a_reader_of_the_snapshot_before_a_compaction_goes_on_reading_it() {
    let data = data();
    let mut warm = open(data.path(), 100).await;
    for step in 1..=5 {
        warm.put_balances("live", &[delta("cash", "USD", 1)], step).await.expect("stored");
    }
    let table = warm.balance.table.clone();
    let builder = table.new_read_builder();
    let plan = builder.new_scan().plan().await.expect("a plan");
    for step in 6..=20 {
        warm.put_balances("live", &[delta("cash", "USD", 1)], step).await.expect("stored");
        if step == 8 {
            warm.compact().await.expect("compacted");
        }
    }
    let rows = builder.new_read().expect("a reader").to_arrow(plan.splits()).expect("a stream");
    let rows: Vec<_> = futures_util::TryStreamExt::try_collect(rows).await.expect("its files are still there");
    let sessions = crate::tiers::warm::ledger::decode_balances(&rows).expect("rows");
    assert_eq!(sessions["live"].values().copied().collect::<Vec<_>>(), [Amount::from_units(5)]);
}

#[tokio::test]
async fn a_put_that_is_dropped_on_the_way_is_stored_once_when_given_again() {
    let data = data();
    let mut warm = open(data.path(), 3).await;
    let mut dropped = 0;
    for step in 1..=24u64 {
        let deltas = [delta("cash", "USD", 1)];
        let patience = Duration::from_micros(step * 700);
        dropped += u32::from(tokio::time::timeout(patience, warm.put_balances("live", &deltas, step)).await.is_err());
        warm.put_balances("live", &deltas, step).await.expect("stored or found");
    }
    assert!(dropped > 0, "every put was quicker than its patience");
    let live = warm.balances("live").await.expect("read");
    assert_eq!(live.into_values().collect::<Vec<_>>(), [Amount::from_units(24)]);
    // What is remembered for the bound is what is stored.
    let refused = warm.put_balances("live", &[delta("cash", "USD", schema::LARGEST - 23)], 25).await;
    assert!(matches!(refused, Err(WarmError::Overflow { .. })), "{refused:?}");
    warm.put_balances("live", &[delta("cash", "USD", schema::LARGEST - 24)], 25).await.expect("it fits");
}

#[tokio::test]
async fn sql_reads_what_was_compacted_and_skips_what_it_may() {
    let data = data();
    let mut warm = open(data.path(), 3).await;
    for step in 1..=7u64 {
        let session = if step < 4 { "first" } else { "second" };
        warm.put_candles(&[candle(step as i64 * 720, 0, step)], Seq(step)).await.expect("stored");
        warm.put_balances(session, &[delta("cash", "USD", 5)], step).await.expect("stored");
        warm.put_trades(session, &[trade(step, step % 2)], step).await.expect("stored");
        warm.put_transfers(session, &[transfer(step, 0)], step).await.expect("stored");
    }
    let mut options = Options::new();
    options.set(CatalogOptions::WAREHOUSE, data.path().join("warm").display().to_string());
    let catalog = FileSystemCatalog::new(options).expect("a catalog");
    let mut sql = paimon_datafusion::SQLContext::new();
    sql.register_catalog("warm", std::sync::Arc::new(catalog)).await.expect("registered");
    for (query, expected) in [
        ("select sum(amount) from warm.ledger.balance where session_id = 'second'", "0.00000020"),
        ("select count(*) from warm.ledger.balance", "2"),
        ("select count(*) from warm.ledger.trades where session_id = 'first'", "2"),
        ("select sum(total_cost) from warm.ledger.trades where session_id = 'second'", "0.00000013"),
        ("select sum(step) from warm.ledger.transfers where session_id = 'first'", "6"),
        ("select sum(seq) from warm.market.ohlcv_1m where day = date '2026-03-22'", "9"),
        ("select sum(seq) from warm.market.ohlcv_1m where tape_time >= '2026-03-22T00:00:00Z'", "22"),
        ("select max(window_end) from warm.market.ohlcv_1m", "2026-03-23T12:01:00Z"),
    ] {
        let batches = sql.sql(query).await.expect(query).collect().await.expect(query);
        let answer = arrow::util::display::array_value_to_string(batches[0].column(0), 0).expect("a value");
        assert_eq!(answer, expected, "{query}");
    }
}

/// A year has 525 600 minutes. A few thousand commits cross hundreds of compactions, and each leaves as much as the one before.
#[tokio::test]
async fn what_lies_about_stays_bounded() {
    let commits = if std::env::var_os("TAPEDECK_SOAK").is_some() { 5_000u64 } else { 150 };
    let data = data();
    let mut warm = open(data.path(), 8).await;
    let folder = data.path().join("warm/ledger.db/balance");
    for step in 1..=commits {
        let account = format!("account-{}", step % 50);
        warm.put_balances("live", &[delta(&account, "USD", 1), delta("world", "USD", -1)], step).await.expect("stored");
        // Two rounds of eight commits and a compaction: four files each with its data, and what is listed once.
        assert!(files(&folder).len() <= 2 * 9 * 5 + 5, "{} files after {step} commits", files(&folder).len());
    }
    let snapshots = warm.snapshots().await.expect("snapshots");
    assert!(snapshots.len() <= 18);
    let earliest = std::fs::read_to_string(folder.join("snapshot/EARLIEST")).expect("a note for other engines");
    assert_eq!(earliest, snapshots[0].id.to_string());
    let balances = warm.balances("live").await.expect("read");
    assert_eq!(balances[&("world".to_owned(), "USD".to_owned())].units(), -i128::from(commits));
}

#[tokio::test]
async fn puts_can_be_awaited_on_any_thread() {
    fn sendable<T: Send>(future: T) -> T {
        future
    }
    let data = data();
    let mut warm = sendable(Warm::open(data.path())).await.expect("opened");
    sendable(warm.put_candles(&[candle(0, 0, 1)], Seq(1))).await.expect("stored");
    sendable(warm.put_balances("live", &[delta("cash", "USD", 1)], 1)).await.expect("stored");
    sendable(warm.compact()).await.expect("compacted");
    sendable(warm.candles(&all())).await.expect("read");
}

#[tokio::test]
async fn a_tier_that_was_thrown_away_begins_anew() {
    let data = data();
    Warm::throw_away(data.path()).expect("there was none");
    let mut warm = open(data.path(), 8).await;
    warm.put_candles(&[candle(0, 0, 1)], Seq(1)).await.expect("stored");
    drop(warm);
    Warm::throw_away(data.path()).expect("thrown away");
    assert_eq!(open(data.path(), 8).await.candles_through(), Seq(0));
}
