//! Our Iceberg scan against the plain reading of the same rows.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, collect};
use datafusion::prelude::{Expr, SessionConfig, SessionContext, col, lit};
use datafusion::scalar::ScalarValue;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::tables::{Archive, DAY0, clock, tape, ticks};
use super::{Fixed, boundless, count, one, rows, sql};
use crate::domain::time::{DAY, format_rfc3339};
use crate::tiers::leaf::Leaf;
use crate::tiers::sql::SqlRequest;
use crate::tiers::sql::iceberg::{IcebergScan, IcebergTable};

const ROWS: u64 = 3_000;

/// Three days, in three snapshots whose rows overlap in time: nine files.
async fn archive(directory: &std::path::Path) -> Archive {
    let mut archive = Archive::new(directory).await.with_row_groups_of(100);
    for part in 0..3 {
        archive.append(&ticks(&tape((0..ROWS).filter(|n| n % 3 == part)))).await;
    }
    archive
}

async fn scanned(
    table: &IcebergTable,
    projection: Option<Vec<usize>>,
    filters: &[Expr],
    limit: Option<usize>,
    partitions: usize,
) -> (Arc<dyn ExecutionPlan>, Vec<RecordBatch>) {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(partitions));
    let plan = table.scan(&context.state(), projection.as_ref(), filters, limit).await.expect("a scan");
    let batches = collect(Arc::clone(&plan), context.task_ctx()).await.expect("rows");
    (plan, batches)
}

fn files(plan: &Arc<dyn ExecutionPlan>) -> usize {
    plan.downcast_ref::<Leaf<IcebergScan>>().expect("our scan").reading.files()
}

fn at(nanos: i64) -> Expr {
    lit(ScalarValue::TimestampMicrosecond(Some(nanos / 1_000), Some("+00:00".into())))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_opens_only_the_files_that_can_hold_an_answer() {
    let directory = tempfile::tempdir().expect("a directory");
    let archive = archive(directory.path()).await;
    let table = IcebergTable::new(archive.table, None, None).expect("a table");
    for (filter, expected) in [
        (None, 9),
        // By the partition: one day of three snapshots.
        (Some(col("event_time").gt_eq(at(DAY0 + 2 * DAY))), 3),
        (Some(col("event_time").lt(at(DAY0 - DAY))), 0),
        // By the bounds of the files: nearly all of the first day is before this.
        (Some(col("tape_time").lt(at(DAY0 + DAY / 2))), 3),
        (Some(col("seq").gt(lit(2_990i64))), 3),
        (Some(col("seq").eq(lit(1_001i64)).and(col("pair").eq(lit("ETH-USD")))), 2),
        (Some(col("trade_id").gt(lit(1_000_000i64))), 0),
        (Some(col("kind").eq(lit("candle"))), 0),
        (Some(col("source").in_list(vec![lit("nobody")], false)), 0),
        // Not for the manifests to decide.
        (Some(col("price").gt(lit(1i64))), 9),
    ] {
        let filters: Vec<Expr> = filter.clone().into_iter().collect();
        let (plan, batches) = scanned(&table, Some(vec![0]), &filters, None, 2).await;
        assert_eq!(files(&plan), expected, "{filter:?}");
        if expected == 0 {
            assert_eq!(count(&batches), 0, "{filter:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projection_reads_its_columns_in_its_order_and_a_count_reads_none() {
    let directory = tempfile::tempdir().expect("a directory");
    let archive = archive(directory.path()).await;
    let table = IcebergTable::new(archive.table, None, None).expect("a table");
    let (_, batches) = scanned(&table, Some(vec![7, 4, 0]), &[], None, 2).await;
    let schema = batches[0].schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["price", "pair", "seq"]);
    let (_, batches) = scanned(&table, Some(vec![]), &[], None, 2).await;
    assert_eq!((count(&batches), batches[0].num_columns()), (ROWS as usize, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_read_it_each_row_is_read_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let archive = archive(directory.path()).await;
    for (partitions, piece) in [(1, 1 << 30), (2, 1 << 30), (4, 1 << 30), (20, 1 << 30), (4, 4_096), (3, 1_000)] {
        let table = IcebergTable::new(archive.table.clone(), None, None).expect("a table").with_piece(piece);
        let (plan, batches) = scanned(&table, Some(vec![0]), &[], None, partitions).await;
        let readers = plan.output_partitioning().partition_count();
        assert!(readers <= partitions && readers >= partitions.min(9), "{readers} of {partitions}, pieces of {piece}");
        let mut seqs: Vec<i64> = batches.iter().flat_map(|batch| int64s(batch, 0)).collect();
        seqs.sort_unstable();
        assert_eq!(seqs, (0..ROWS as i64).collect::<Vec<_>>(), "{partitions} readers, pieces of {piece}");
    }
}

fn int64s(batch: &RecordBatch, column: usize) -> Vec<i64> {
    use arrow::array::AsArray;
    batch.column(column).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_ends_each_reader_early() {
    let directory = tempfile::tempdir().expect("a directory");
    let archive = archive(directory.path()).await;
    let table = IcebergTable::new(archive.table, None, None).expect("a table");
    for limit in [0, 1, 99, 100, 101, 5_000] {
        let (_, batches) = scanned(&table, Some(vec![0]), &[], Some(limit), 2).await;
        let found = count(&batches);
        assert!(found >= limit.min(ROWS as usize) && found <= limit * 2, "{found} rows for a limit of {limit}");
    }
}

/// Conditions as a person would write them, on columns with and without nulls.
fn condition() -> impl Strategy<Value = String> {
    let time = (0..3_000i64).prop_map(|n| format!("'{}'", format_rfc3339(DAY0 + n * (3 * DAY / 3_000))));
    let operator = prop::sample::select(vec!["=", "<>", "<", "<=", ">", ">="]);
    let number = |low: i64, high: i64| (low..high).prop_map(|n| n.to_string());
    let text = prop::sample::select(vec!["'BTC-USD'", "'ETH-USD'", "'A'"]).prop_map(str::to_owned);
    let side = prop::sample::select(vec!["'buy'", "'sell'", "'x'"]).prop_map(str::to_owned);
    let compare = |column: &'static str, value: BoxedStrategy<String>| {
        (operator.clone(), value, any::<bool>()).prop_map(move |(operator, value, literal_first)| {
            if literal_first { format!("{value} {operator} {column}") } else { format!("{column} {operator} {value}") }
        })
    };
    let leaf = prop_oneof![
        compare("seq", number(-10, 3_100).boxed()),
        compare("trade_id", number(900, 4_100).boxed()),
        compare("sequence", number(0, 9_100).boxed()),
        compare("pair", text.clone().boxed()),
        compare("kind", prop::sample::select(vec!["'trade'", "'quote'"]).prop_map(str::to_owned).boxed()),
        compare(
            "source",
            prop::sample::select(vec!["'live'", "'import:0000000000000007'"]).prop_map(str::to_owned).boxed()
        ),
        compare("side", side.boxed()),
        compare("event_time", time.clone().boxed()),
        compare("tape_time", time.clone().boxed()),
        compare("tape_time_ns", number(0, 1_000).boxed()),
        compare("price", (0..1_000_000i64).prop_map(|n| format!("77572.{:02}", n % 100)).boxed()),
        (number(0, 3_000), number(0, 3_000)).prop_map(|(a, b)| format!("seq BETWEEN {a} AND {b}")),
        (number(1_000, 4_000), number(1_000, 4_000), any::<bool>())
            .prop_map(|(a, b, not)| format!("trade_id {}IN ({a}, {b}, 2001)", if not { "NOT " } else { "" })),
        (time.clone(), time).prop_map(|(a, b)| format!("event_time BETWEEN {a} AND {b}")),
        prop::sample::select(vec!["side", "trade_id", "best_bid", "pair", "open_24h"])
            .prop_map(|column| format!("{column} IS NULL")),
        prop::sample::select(vec!["side", "trade_id", "best_bid", "pair", "open_24h"])
            .prop_map(|column| format!("{column} IS NOT NULL")),
        prop::sample::select(vec!["'BTC%'", "'%USD'", "'x%'"]).prop_map(|like| format!("pair LIKE {like}")),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} AND {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} OR {b})")),
            inner.prop_map(|a| format!("NOT ({a})")),
        ]
    })
}

#[test]
fn any_filter_and_limit_give_what_reading_everything_gives() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let directory = tempfile::tempdir().expect("a directory");
    let archive = runtime.block_on(archive(directory.path()));
    let ours = sql(boundless(), directory.path(), Fixed(archive.table));
    let plain = SessionContext::new();
    let everything = ticks(&tape(0..ROWS));
    let memory = MemTable::try_new(everything[0].schema(), vec![everything]).expect("a table");
    plain.register_table("ticks", Arc::new(memory)).expect("registered");

    let mut runner = TestRunner::new(Config::with_cases(120));
    let cases = (condition(), proptest::option::of(0..200usize));
    let law = runner.run(&cases, |(condition, limit)| {
        runtime.block_on(async {
            let expected = plain.sql(&format!("SELECT seq FROM ticks WHERE {condition}")).await;
            let expected = expected.expect(&condition).collect().await.expect(&condition);
            let mut expected: Vec<i64> = expected.iter().flat_map(|batch| int64s(batch, 0)).collect();
            expected.sort_unstable();
            let cut = limit.map_or_else(String::new, |limit| format!("LIMIT {limit}"));
            let text = format!("SELECT seq FROM cold.ticks WHERE {condition} {cut}");
            let found = ours.query(&SqlRequest::new(&text)).await.expect(&text);
            let mut found: Vec<i64> = found.batches.iter().flat_map(|batch| int64s(batch, 0)).collect();
            found.sort_unstable();
            match limit {
                None => prop_assert_eq!(found, expected),
                Some(limit) => {
                    prop_assert_eq!(found.len(), limit.min(expected.len()));
                    prop_assert!(found.iter().all(|seq| expected.binary_search(seq).is_ok()));
                    prop_assert!(found.windows(2).all(|pair| pair[0] < pair[1]));
                }
            }
            Ok(())
        })
    });
    if let Err(broken) = law {
        panic!("{broken}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_are_in_the_archive_and_not_in_the_ticks() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut archive = Archive::new(directory.path()).await;
    archive.append(&ticks(&tape(0..10))).await;
    archive.append(&[clock(11), clock(12)]).await;
    let sql = sql(boundless(), directory.path(), Fixed(archive.table));
    assert_eq!(one(&sql, "SELECT count(*) FROM cold.ticks").await, "10");
    assert_eq!(one(&sql, "SELECT count(*) FROM cold.ticks WHERE kind = 'clock' OR pair IS NULL").await, "0");
    assert_eq!(one(&sql, "SELECT count(*) FROM cold.ticks WHERE seq > 10 OR seq = 3").await, "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_no_snapshot_names_changes_no_answer() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut archive = Archive::new(directory.path()).await;
    archive.append(&ticks(&tape(0..100))).await;
    let mut planted = 0;
    let mut folders = vec![directory.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "parquet") {
                std::fs::copy(&path, path.with_file_name("stale.parquet")).expect("copied");
                std::fs::write(path.with_file_name("half.parquet"), b"PAR1").expect("written");
                planted += 1;
            }
        }
    }
    assert!(planted > 0);
    let sql = sql(boundless(), directory.path(), Fixed(archive.table));
    assert_eq!(one(&sql, "SELECT count(*) FROM cold.ticks").await, "100");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_earlier_snapshot_gives_its_old_answer_and_an_unknown_one_says_which_are_kept() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut archive = Archive::new(directory.path()).await;
    let early = archive.append(&ticks(&tape(0..100))).await;
    let late = archive.append(&ticks(&tape(100..150))).await;
    let sql = sql(boundless(), directory.path(), Fixed(archive.table));
    let ask = async |text: &str, snapshot| sql.query(&SqlRequest { snapshot, ..SqlRequest::new(text) }).await;
    for (snapshot, expected) in [(Some(early), "100"), (Some(late), "150"), (None, "150")] {
        let result = ask("SELECT count(*) FROM cold.ticks", snapshot).await.expect("a count");
        assert_eq!(result.cells(0, 1), [[Some(expected.to_owned())]]);
    }
    let error = ask("SELECT count(*) FROM cold.ticks", Some(42)).await.expect_err("no such snapshot");
    assert_eq!(error.code, "sql_no_snapshot");
    assert!(error.r#do.contains(&early.to_string()) && error.r#do.contains(&late.to_string()), "{error:?}");
    let error = ask("SELECT count(*) FROM hot.ticks", Some(early)).await.expect_err("not of the cold tier");
    assert_eq!(error.code, "sql_snapshot_unused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_without_a_snapshot_is_empty() {
    let directory = tempfile::tempdir().expect("a directory");
    let archive = Archive::new(directory.path()).await;
    let sql = sql(boundless(), directory.path(), Fixed(archive.table));
    assert!(rows(&sql, "SELECT * FROM cold.ticks").await.expect("an answer").is_empty());
    assert_eq!(one(&sql, "SELECT count(*) FROM cold.ticks WHERE pair = 'BTC-USD'").await, "0");
}
