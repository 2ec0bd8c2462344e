//! Candles: exactly once, every revision kept, nothing known too early.

use super::*;

#[tokio::test]
async fn a_candle_comes_back_as_it_was_to_the_last_digit() {
    let data = data();
    let mut warm = open(data.path(), 64).await;
    let mut given = vec![candle(0, 0, 1), candle(1, 0, 2), candle(1_440, 0, 3), candle(-1, 0, 4)];
    given[1].source = Source::Import(crate::domain::ImportId(0xfeed));
    given[2].quality = Quality::Gap;
    given[3].low = Price::from_units(i64::MIN);
    assert_eq!(warm.put_candles(&given, Seq(4)).await.expect("stored"), Put::Stored);
    let live = [given[3], given[0], given[2]];
    assert_eq!(warm.candles(&all()).await.expect("read"), live);
    let imported = CandleQuery { source: given[1].source, ..all() };
    assert_eq!(warm.candles(&imported).await.expect("read"), [given[1]]);
    let one = CandleQuery { from: minute(0), to: minute(1), ..all() };
    assert_eq!(warm.candles(&one).await.expect("read"), [given[0]]);
    let none = CandleQuery { from: minute(5), to: minute(5), ..all() };
    assert_eq!(warm.candles(&none).await.expect("read"), []);
    assert_eq!(warm.compact().await.map_err(|e| e.to_string()), Ok(()));
    assert_eq!(warm.candles(&all()).await.expect("read"), live, "after a compaction");
}

#[tokio::test]
async fn a_restart_stores_nothing_twice() {
    let data = data();
    let mut warm = open(data.path(), 64).await;
    assert_eq!(warm.candles_through(), Seq(0));
    assert_eq!(warm.put_candles(&[candle(0, 0, 7)], Seq(9)).await.expect("stored"), Put::Stored);
    assert_eq!(warm.put_candles(&[candle(0, 0, 7)], Seq(9)).await.expect("found"), Put::Exists);
    drop(warm);
    let mut warm = open(data.path(), 64).await;
    assert_eq!(warm.candles_through(), Seq(9));
    assert_eq!(warm.put_candles(&[candle(0, 0, 7)], Seq(9)).await.expect("found"), Put::Exists);
    assert_eq!(warm.candles(&all()).await.expect("read"), [candle(0, 0, 7)]);
    let rows: Vec<u64> = warm.statistics().await.expect("statistics").tables.iter().map(|table| table.rows).collect();
    assert_eq!(rows, [1, 0, 0, 0, 0]);
}

#[tokio::test]
async fn what_goes_backwards_is_refused_and_leaves_nothing() {
    let data = data();
    let mut warm = open(data.path(), 64).await;
    warm.put_candles(&[candle(0, 0, 7)], Seq(9)).await.expect("stored");
    let before = files(data.path());
    let refused = warm.put_candles(&[candle(1, 0, 8)], Seq(8)).await;
    assert!(
        matches!(refused, Err(WarmError::Backwards { table: "market.ohlcv_1m", last: 9, given: 8 })),
        "{refused:?}"
    );
    assert_eq!(files(data.path()), before);
}

#[tokio::test]
async fn no_candles_are_no_commit() {
    let data = data();
    let mut warm = open(data.path(), 64).await;
    assert_eq!(warm.put_candles(&[], Seq(5)).await.expect("nothing to store"), Put::Stored);
    assert_eq!(warm.candles_through(), Seq(0));
    assert!(warm.snapshots().await.expect("snapshots").is_empty());
}

#[tokio::test]
async fn a_corrected_minute_shows_what_was_known_then() {
    let data = data();
    let mut warm = open(data.path(), 3).await;
    for (seq, given) in [candle(0, 0, 1), candle(1, 0, 2), candle(0, 2, 3), candle(0, 1, 4)].into_iter().enumerate() {
        warm.put_candles(&[given], Seq(seq as u64 + 1)).await.expect("stored");
    }
    assert_eq!(warm.candles(&all()).await.expect("read"), [candle(0, 2, 3), candle(1, 0, 2)]);
    for (cursor, known) in [
        (candle(0, 1, 4).tape_time, vec![candle(0, 1, 4), candle(1, 0, 2)]),
        (candle(1, 0, 2).tape_time, vec![candle(0, 0, 1), candle(1, 0, 2)]),
        (candle(0, 0, 1).tape_time, vec![candle(0, 0, 1)]),
        // A nanosecond earlier, and TIMESTAMP(6) alone would show it.
        (TapeTime::from_nanos(candle(0, 0, 1).tape_time.nanos() - 1), vec![]),
    ] {
        assert_eq!(warm.candles(&all_as_of(cursor)).await.expect("read"), known, "as of {cursor}");
    }
}

#[tokio::test]
async fn a_replay_sees_its_own_candles_alone() {
    let data = data();
    let mut warm = open(data.path(), 64).await;
    warm.put_replay_candles("first", &[candle(0, 0, 1)], Seq(1)).await.expect("stored");
    warm.put_replay_candles("second", &[candle(0, 1, 1), candle(9, 0, 1)], Seq(3)).await.expect("stored");
    assert_eq!(warm.replay_candles("first", &all()).await.expect("read"), [candle(0, 0, 1)]);
    assert_eq!(warm.replay_candles("second", &all()).await.expect("read"), [candle(0, 1, 1), candle(9, 0, 1)]);
    assert_eq!(warm.candles(&all()).await.expect("read"), []);
    assert_eq!(warm.replay_candles_through("second").expect("a name"), Seq(3));
    assert_eq!(warm.replay_candles_through("third").expect("a name"), Seq(0));
}

#[tokio::test]
async fn a_candle_that_would_lose_a_digit_is_refused() {
    let data = data();
    let mut warm = open(data.path(), 64).await;
    let whole = candle(0, 0, 1);
    for (what, given) in [
        ("a volume of 10^30", Candle { volume: Amount::from_units(schema::LARGEST + 1), ..whole }),
        ("a window within a microsecond", Candle { window_start: whole.window_start.plus_nanos(1), ..whole }),
        ("a seq beyond BIGINT", Candle { seq: Seq(u64::MAX), ..whole }),
    ] {
        let refused = warm.put_candles(&[given], Seq(1)).await;
        assert!(matches!(refused, Err(WarmError::Unstorable { .. })), "{what}: {refused:?}");
    }
    let refused = warm.put_candles(&[whole], Seq(u64::MAX)).await;
    assert!(matches!(refused, Err(WarmError::Unstorable { .. })), "{refused:?}");
    assert_eq!(warm.candles(&all()).await.expect("read"), []);
}
