//! No look-ahead: a table as of T is the table that was cut at T.

use std::path::Path;

use super::tables::{Archive, Bar, DAY0, Warm, clock, stamped, tape, ticks};
use super::{Fixed, boundless, no_cold, one, rows, rows_as_of, sql};
use crate::domain::time::{DAY, SECOND};
use crate::domain::{Stamped, TapeTime};
use crate::tiers::hot::Hot;
use crate::tiers::sql::{Sql, SqlRequest};

const ROWS: u64 = 600;

/// Moments between rows, on a row, a nanosecond before one, before all and after all.
fn moments() -> Vec<TapeTime> {
    let on = stamped(301).tape_time.nanos();
    let moments = [on, on - 1, on + 1, DAY0 - 1, DAY0, DAY0 + DAY / 3, DAY0 + 9 * DAY];
    moments.map(TapeTime::from_nanos).to_vec()
}

fn known(stamped: &[Stamped], as_of: TapeTime) -> Vec<Stamped> {
    stamped.iter().filter(|stamped| stamped.tape_time <= as_of).copied().collect()
}

fn hot(stamped: &[Stamped]) -> Hot {
    let hot = boundless();
    hot.push(stamped);
    hot
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ticks_as_of_a_moment_are_the_ticks_recorded_until_then() {
    let directory = tempfile::tempdir().expect("a directory");
    let everything = tape(0..ROWS);
    let mut archive = Archive::new(directory.path()).await;
    archive.append(&ticks(&everything)).await;
    archive.append(&[clock(ROWS)]).await;
    let whole = sql(hot(&everything), Path::new("nowhere"), Fixed(archive.table));
    for as_of in moments() {
        let until = known(&everything, as_of);
        let directory = tempfile::tempdir().expect("a directory");
        let mut archive = Archive::new(directory.path()).await;
        if !until.is_empty() {
            archive.append(&ticks(&until)).await;
        }
        let cut = sql(hot(&until), Path::new("nowhere"), Fixed(archive.table));
        for text in [
            "SELECT * FROM cold.ticks ORDER BY seq",
            "SELECT * FROM hot.ticks ORDER BY seq",
            "SELECT * FROM hot.quotes ORDER BY source, pair",
            "SELECT count(*) FROM cold.ticks",
            "SELECT count(*) FROM hot.ticks",
            "SELECT max(seq), min(event_time), sum(price) FROM cold.ticks",
            "SELECT pair, max(tape_time) FROM hot.ticks GROUP BY pair ORDER BY pair",
            "SELECT seq FROM cold.ticks ORDER BY seq DESC LIMIT 3",
            "SELECT seq FROM cold.ticks WHERE pair = 'BTC-USD' AND event_time > '2026-11-20T06:00:00Z' ORDER BY seq",
            "SELECT count(*) FROM (SELECT * FROM cold.ticks LIMIT 5)",
            "SELECT q.pair, count(*) FROM hot.quotes q JOIN cold.ticks t ON q.pair = t.pair GROUP BY q.pair ORDER BY q.pair",
        ] {
            let seen = rows_as_of(&whole, text, Some(as_of)).await.expect(text);
            assert_eq!(seen, rows(&cut, text).await.expect(text), "{text} as of {as_of}");
        }
    }
}

fn bars() -> Vec<Bar> {
    let minute = 60 * SECOND;
    let bar = |pair, minute, close, revision, known| Bar { pair, minute, close, revision, known };
    (0..30)
        .flat_map(|n| {
            // Known five seconds and some nanoseconds after the window; every third is corrected an hour later, every sixth once more.
            let closed = (n + 1) * minute + 5 * SECOND + n;
            let first = bar("BTC-USD", n, 1_000 + i128::from(n), 0, closed);
            let late = (n % 3 == 0).then(|| bar("BTC-USD", n, 2_000 + i128::from(n), 1, closed + 60 * minute));
            let later = (n % 6 == 0).then(|| bar("BTC-USD", n, 3_000 + i128::from(n), 2, closed + 120 * minute));
            [Some(first), late, later, Some(bar("ETH-USD", n, 7, 0, closed))]
        })
        .flatten()
        .collect()
}

async fn warm(bars: &[Bar], ledger: &[i64]) -> (Sql, tempfile::TempDir) {
    let directory = tempfile::tempdir().expect("a directory");
    let mut warm = Warm::new(directory.path()).await;
    // Two commits, so that a correction can lie in another file than what it corrects.
    let (first, later): (Vec<Bar>, Vec<Bar>) = bars.iter().partition(|bar| bar.revision == 0);
    for part in [first, later] {
        if !part.is_empty() {
            warm.bars(&part).await;
        }
    }
    if !ledger.is_empty() {
        warm.ledger(ledger).await;
    }
    (sql(boundless(), directory.path(), no_cold()), directory)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_warm_tables_as_of_a_moment_are_the_tables_written_until_then() {
    let (bars, seconds) = (bars(), [10, 60, 3_700, 9_000]);
    let (whole, _directory) = warm(&bars, &seconds).await;
    for after in [0, 65 * SECOND, 65 * SECOND + 1, 305 * SECOND + 4, 305 * SECOND + 3, 3_700 * SECOND, DAY] {
        let as_of = TapeTime::from_nanos(DAY0 + after);
        let until: Vec<Bar> = bars.iter().filter(|bar| bar.known <= after).copied().collect();
        let earlier: Vec<i64> = seconds.into_iter().filter(|at| at * SECOND <= after).collect();
        let (cut, _directory) = warm(&until, &earlier).await;
        for text in [
            "SELECT * EXCEPT (seq) FROM warm.ohlcv_1m ORDER BY pair, window_start, revision",
            "SELECT * EXCEPT (seq) FROM warm.replay_ohlcv_1m ORDER BY pair, window_start, revision",
            "SELECT * EXCEPT (seq) FROM warm.candles ORDER BY pair, window_start",
            "SELECT close FROM warm.candles WHERE pair = 'BTC-USD' AND window_start >= '2026-11-20T00:03:00Z' ORDER BY 1",
            "SELECT count(*), max(revision) FROM warm.candles",
            "SELECT * FROM warm.trades ORDER BY event_time",
            "SELECT * FROM warm.transfers ORDER BY tape_time",
            "SELECT sum(amount) FROM warm.transfers",
        ] {
            let seen = rows_as_of(&whole, text, Some(as_of)).await.expect(text);
            assert_eq!(seen, rows(&cut, text).await.expect(text), "{text} as of {as_of}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_candle_is_its_last_correction_and_as_of_an_earlier_moment_the_one_before() {
    let (sql, _directory) = warm(&bars(), &[]).await;
    let text =
        "SELECT close, revision FROM warm.candles WHERE pair = 'BTC-USD' AND window_start = '2026-11-20T00:06:00Z'";
    let at = |minutes: i64| Some(TapeTime::from_nanos(DAY0 + minutes * 60 * SECOND));
    for (as_of, expected) in [
        (None, Some(["0.00003006", "2"])),
        (at(7), None),
        (at(8), Some(["0.00001006", "0"])),
        (at(68), Some(["0.00002006", "1"])),
        (at(128), Some(["0.00003006", "2"])),
    ] {
        let expected: Vec<Vec<Option<String>>> =
            expected.into_iter().map(|row| row.map(|cell| Some(cell.to_owned())).to_vec()).collect();
        assert_eq!(rows_as_of(&sql, text, as_of).await.expect(text), expected, "{as_of:?}");
    }
    assert_eq!(one(&sql, "SELECT count(*) FROM warm.candles").await, "60");
    let once = "SELECT max(n) FROM (SELECT count(*) AS n FROM warm.candles GROUP BY source, pair, window_start)";
    assert_eq!(one(&sql, once).await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balance_is_not_shown_as_of_a_moment_it_can_not_know() {
    let (sql, _directory) = warm(&[], &[10, 20]).await;
    assert_eq!(one(&sql, "SELECT amount FROM warm.balance").await, "2.00000000");
    let as_of = Some(TapeTime::from_nanos(DAY0));
    let error = rows_as_of(&sql, "SELECT amount FROM warm.balance", as_of).await.expect_err("no earlier balance");
    assert_eq!(error.code, "sql_as_of_unsupported");
    assert!(error.message.contains("2026-11-20T00:00:00Z"), "{error:?}");
    // It is there all the same: listing the tables is not refused.
    assert!(rows_as_of(&sql, "DESCRIBE warm.balance", as_of).await.is_ok());
    let listed = rows_as_of(&sql, "SHOW TABLES", as_of).await.expect("a list");
    assert!(listed.concat().contains(&Some("balance".to_owned())), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_sees_around_the_cursor() {
    let directory = tempfile::tempdir().expect("a directory");
    let everything = tape(0..ROWS);
    let mut archive = Archive::new(directory.path()).await;
    archive.append(&ticks(&everything)).await;
    let sql = sql(hot(&everything), Path::new("nowhere"), Fixed(archive.table));
    let last = stamped(99);
    for text in [
        "SELECT max(seq) FROM cold.ticks",
        "SELECT max(seq) FROM tapedeck.cold.ticks",
        "SELECT max(seq) FROM hot.ticks",
        "SELECT (SELECT max(seq) FROM cold.ticks)",
        "WITH t AS (SELECT * FROM cold.ticks) SELECT max(seq) FROM t",
        "SELECT max(seq) FROM (SELECT seq FROM cold.ticks UNION ALL SELECT seq FROM hot.ticks)",
        "SELECT max(seq) FROM cold.ticks WHERE tape_time > '2000-01-01' OR true",
        // Were this looked at before the cut, a later row would divide by zero.
        "SELECT max(seq) FROM cold.ticks WHERE 1 / (CASE WHEN seq > 99 THEN 0 ELSE 1 END) = 1",
        "SELECT max(seq) FROM hot.ticks WHERE 1 / (CASE WHEN seq > 99 THEN 0 ELSE 1 END) = 1",
    ] {
        let seen = rows_as_of(&sql, text, Some(last.tape_time)).await.expect(text);
        assert_eq!(seen, [[Some("99".to_owned())]], "{text}");
    }
    let request = SqlRequest {
        as_of: Some(last.tape_time),
        ..SqlRequest::new("EXPLAIN ANALYZE SELECT count(*) FROM cold.ticks")
    };
    let plan = sql.query(&request).await.expect("a plan").cells(0, 10);
    let plan = plan.concat().into_iter().flatten().collect::<String>();
    assert!(plan.contains("AsOfScan") && !plan.contains("IcebergScan"), "{plan}");
}
