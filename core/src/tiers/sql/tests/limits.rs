//! What a query may not do, and may not take too much of.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::{empty_sql, one, rows};
use crate::tiers::sql::{Sql, SqlRequest};

/// Would run for years: joins that throw away what they make, or make more than they read, and a common table without an end.
const ENDLESS: [&str; 5] = [
    "SELECT count(*) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b WHERE a.value + b.value = 7",
    "SELECT count(*) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b",
    "SELECT max(a.value * b.value) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b WHERE a.value % 2 = b.value % 2",
    "SELECT count(*) FROM generate_series(1, 10000000) a JOIN generate_series(1, 10000000) b ON a.value % 2 = b.value % 2 AND a.value + b.value < 0",
    "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
];

async fn tasks_end(sql: &Sql) -> bool {
    for _ in 0..200 {
        if sql.working() == 0 {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_write_is_refused_before_anything_runs() {
    let sql = empty_sql();
    for text in [
        "CREATE TABLE t AS SELECT 1",
        "COPY (SELECT 1) TO 'x.csv'",
        "SELECT * FROM '/etc/passwd'",
        "SELECT 1; SELECT 2",
    ] {
        assert_eq!(rows(&sql, text).await.expect_err(text).code, "sql_read_only", "{text}");
    }
    for text in ["SELECT 1", "VALUES (1)", "WITH t AS (SELECT 1) SELECT * FROM t", "EXPLAIN SELECT 1", "SHOW TABLES"] {
        assert!(rows(&sql, text).await.is_ok(), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_takes_too_long_is_stopped() {
    let sql = empty_sql();
    for text in ENDLESS {
        let started = Instant::now();
        let request = SqlRequest { timeout: Duration::from_millis(300), ..SqlRequest::new(text) };
        assert_eq!(sql.query(&request).await.expect_err("endless").code, "sql_time_limit", "{text}");
        assert!(started.elapsed() < Duration::from_secs(10), "{text}: {:?}", started.elapsed());
        assert!(tasks_end(&sql).await, "the work went on: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_query_ends_and_so_does_one_nobody_waits_for() {
    let sql = empty_sql();
    let (cancel, cancelled) = watch::channel(false);
    let request = SqlRequest::new(ENDLESS[0]);
    let running = async { sql.query_until(&request, cancelled).await };
    let cancelling = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        cancel.send(true).expect("someone listens");
    };
    let (answer, ()) = tokio::join!(running, cancelling);
    assert_eq!(answer.expect_err("cancelled").code, "sql_cancelled");
    assert!(tasks_end(&sql).await, "the work went on after a cancel");

    let unwanted = tokio::time::timeout(Duration::from_millis(200), sql.query(&request)).await;
    assert!(unwanted.is_err());
    assert!(tasks_end(&sql).await, "the work went on though nobody waits");
    let (sender, receiver) = watch::channel(false);
    drop(sender);
    assert!(sql.query_until(&SqlRequest::new("SELECT 1"), receiver).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_cut_where_it_is_longer_than_asked_for_and_says_so() {
    let sql = empty_sql();
    for (rows, limit, expected, truncated) in
        [(10, 10, 10, false), (11, 10, 10, true), (30_000, 20_000, 20_000, true), (0, 10, 0, false), (5, 0, 0, true)]
    {
        let text = format!("SELECT value FROM generate_series(1, {rows}) ORDER BY value");
        let result = sql.query(&SqlRequest { row_limit: limit, ..SqlRequest::new(text) }).await.expect("an answer");
        assert_eq!((result.rows, result.truncated), (expected, truncated), "{rows} rows, {limit} asked for");
        assert_eq!(result.cells(0, usize::MAX).len(), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_needs_too_much_memory_is_stopped_and_the_next_one_runs() {
    let sql = empty_sql().with_memory_limit(8 << 20);
    for text in [
        "SELECT count(*) FROM (SELECT count(*) FROM generate_series(1, 3000000) GROUP BY value * 7919 % 3000017)",
        "SELECT value, repeat('x', 1000) FROM generate_series(1, 50000)",
    ] {
        let error = rows(&sql, text).await.expect_err(text);
        assert_eq!(error.code, "sql_memory_limit", "{text}: {error:?}");
        assert!(error.message.contains("8 MiB"), "{error:?}");
    }
    assert_eq!(one(&sql, "SELECT count(*) FROM generate_series(1, 1000)").await, "1000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sorted_answer_counts_as_much_memory_as_it_takes() {
    // Three megabytes, which the sort hands on in fifty slices, and some twenty more while it is at work.
    let sql = empty_sql().with_memory_limit(96 << 20);
    let text = "SELECT value FROM generate_series(1, 400000) ORDER BY value DESC";
    let result = sql.query(&SqlRequest { row_limit: 400_000, ..SqlRequest::new(text) }).await.expect("an answer");
    assert_eq!((result.rows, result.truncated), (400_000, false));
}
