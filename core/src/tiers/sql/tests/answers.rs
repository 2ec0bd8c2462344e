//! What comes back: values as text, order, files, names, and errors with their place.

use std::path::Path;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::tables::{Archive, Warm, tape, ticks};
use super::{Fixed, boundless, count, empty_sql, one, rows, sql};
use crate::domain::{Input, TickKind};
use crate::tiers::sql::{Existing, ExportFormat, Sql, SqlRequest, SqlResult};

async fn answer(text: &str) -> SqlResult {
    empty_sql().query(&SqlRequest::new(text)).await.expect(text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_shown_in_full_and_money_is_no_float() {
    for (expression, expected) in [
        ("CAST('77572.87' AS DECIMAL(20,8))", Some("77572.87000000")),
        ("CAST('-0.00000009' AS DECIMAL(20,8))", Some("-0.00000009")),
        (
            "CAST('999999999999999999999999999999.12345678' AS DECIMAL(38,8))",
            Some("999999999999999999999999999999.12345678"),
        ),
        ("0.1 + 0.2", Some("0.3")),
        ("9223372036854775807", Some("9223372036854775807")),
        ("TIMESTAMP '2026-11-20T01:02:03.5Z'", Some("2026-11-20T01:02:03.500Z")),
        ("to_timestamp_micros(1795132800123456)", Some("2026-11-20T00:00:00.123456Z")),
        ("to_timestamp_seconds(-1)", Some("1969-12-31T23:59:59Z")),
        ("to_timestamp_seconds(33000000000)", Some("3015-09-24T10:40:00Z")),
        ("CAST('2026-11-20' AS DATE)", Some("2026-11-20")),
        ("''", Some("")),
        ("'a\nb'", Some("a\nb")),
        ("true", Some("true")),
        ("NULL", None),
        ("CAST(NULL AS DECIMAL(20,8))", None),
        ("1.5e0", Some("1.5")),
        ("[1, 2]", Some("[1, 2]")),
    ] {
        let result = answer(&format!("SELECT {expression} AS x")).await;
        assert_eq!(result.cells(0, 1), [[expected.map(str::to_owned)]], "{expression}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_functions_and_the_limit_a_query_has_can_be_looked_up() {
    for (text, expected) in [
        ("SELECT DISTINCT routine_name FROM information_schema.routines WHERE routine_name = 'abs'", "abs"),
        ("SELECT value FROM information_schema.df_settings WHERE name = 'datafusion.runtime.memory_limit'", "512M"),
    ] {
        assert_eq!(answer(text).await.cells(0, 2), [[Some(expected.to_owned())]], "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_the_rows_it_names_wherever_the_batches_end() {
    let result = answer("SELECT value FROM generate_series(0, 20000) ORDER BY value").await;
    assert!(result.batches.len() > 1);
    for (from, wanted) in [(0, 3), (8_190, 5), (19_999, 10), (20_001, 1), (5, 0)] {
        let expected: Vec<_> =
            (from..from + wanted).filter(|n| *n <= 20_000).map(|n| vec![Some(n.to_string())]).collect();
        assert_eq!(result.cells(from, wanted), expected, "{wanted} rows from {from}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sorting_keeps_equal_rows_in_order_and_puts_nothing_last() {
    let result =
        answer("SELECT * FROM (VALUES (2, 'a'), (NULL, 'b'), (1, 'c'), (2, 'd'), (10, 'e')) AS t(n, name)").await;
    let names =
        |result: &SqlResult| result.cells(0, 9).into_iter().filter_map(|mut row| row.pop()?).collect::<String>();
    assert_eq!(names(&result.sorted(0, false).expect("sorted")), "cadeb");
    assert_eq!(names(&result.sorted(0, true).expect("sorted")), "eadcb");
    assert_eq!(names(&result.sorted(1, true).expect("sorted")), "edcba");
    assert_eq!(result.sorted(2, true).expect_err("no such column").code, "sql_unknown_column");
    let nothing = answer("SELECT 1 AS a WHERE false").await.sorted(0, false).expect("sorted");
    assert_eq!(nothing.rows, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_becomes_a_file_that_reads_back_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    let result = answer(
        "SELECT a.n, b.n, b.text, b.nothing, b.at FROM (VALUES (1), (2)) AS a(n) JOIN (
         SELECT CAST('0.10' AS DECIMAL(20,8)) AS n, 'say \"hi\", you' AS text, NULL AS nothing, 1 AS m,
         TIMESTAMP '2026-11-20T00:00:00Z' AS at UNION ALL SELECT 3, '', NULL, 2, NULL) AS b ON a.n = b.m ORDER BY a.n",
    )
    .await;
    let file = |name: &str| directory.path().join(name);
    for (name, format) in
        [("a.csv", ExportFormat::Csv), ("a.json", ExportFormat::Json), ("a.parquet", ExportFormat::Parquet)]
    {
        result.to_file(&file(name), format, Existing::Refuse).expect(name);
    }
    let read = |name: &str| std::fs::read_to_string(file(name)).expect(name);
    assert_eq!(
        read("a.csv"),
        "n,n_2,text,nothing,at\n1,0.10000000,\"say \"\"hi\"\", you\",,2026-11-20T00:00:00Z\n2,3.00000000,,,\n"
    );
    let json: serde_json::Value = serde_json::from_str(&read("a.json")).expect("JSON");
    let expected = serde_json::json!([
        { "n": 1, "n_2": "0.10000000", "text": "say \"hi\", you", "nothing": null, "at": "2026-11-20T00:00:00Z" },
        { "n": 2, "n_2": "3.00000000", "text": "", "nothing": null, "at": null },
    ]);
    assert_eq!(json, expected);
    let parquet = std::fs::File::open(file("a.parquet")).expect("a file");
    let reader = ParquetRecordBatchReaderBuilder::try_new(parquet).expect("Parquet").build().expect("a reader");
    let batches = reader.collect::<Result<Vec<_>, _>>().expect("batches");
    let back = SqlResult { schema: batches[0].schema(), rows: count(&batches), batches, ..result.clone() };
    assert_eq!(back.cells(0, 9), result.cells(0, 9));
    assert_eq!(back.columns(), ["n", "n_2", "text", "nothing", "at"]);
    let mut nothing = Vec::new();
    answer("SELECT 1 AS a WHERE false").await.to_writer(&mut nothing, ExportFormat::Json).expect("written");
    assert_eq!(nothing, b"[]\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_replaced_only_when_asked_and_never_left_half_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("a.csv");
    let result = answer("SELECT 1 AS a").await;
    std::fs::write(&file, "mine").expect("written");
    let error = result.to_file(&file, ExportFormat::Csv, Existing::Refuse).expect_err("it is there");
    assert_eq!(error.code, "sql_file_exists");
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), "mine");
    result.to_file(&file, ExportFormat::Csv, Existing::Replace).expect("replaced");
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), "a\n1\n");
    let nowhere = directory.path().join("no").join("a.csv");
    let error = result.to_file(&nowhere, ExportFormat::Csv, Existing::Refuse).expect_err("no folder");
    assert_eq!(error.code, "sql_export_failed");
    assert_eq!(std::fs::read_dir(directory.path()).expect("a folder").count(), 1, "something was left behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_says_where_it_is_and_what_was_meant() {
    let directory = tempfile::tempdir().expect("a directory");
    Warm::new(directory.path()).await;
    let sql = sql(boundless(), directory.path(), super::no_cold());
    for (text, code, place, what_to_do) in [
        ("SELECT *\nFORM warm.candles", "sql_syntax", Some((2, 1)), ""),
        ("SELECT 1 +", "sql_syntax", Some((1, 11)), ""),
        ("SELECT (\n 1 + \n", "sql_syntax", Some((2, 5)), ""),
        ("SELECT pricee FROM hot.ticks", "sql_unknown_column", Some((1, 8)), "Did you mean `price`?"),
        ("SELECT t.pair,\n  t.closs\nFROM warm.candles t", "sql_unknown_column", Some((2, 3)), "Did you mean `close`?"),
        (
            "SELECT 1 FROM hot.ticks WHERE bid = 1",
            "sql_unknown_column",
            Some((1, 31)),
            "Did you mean `best_bid`, `bid_size`?",
        ),
        ("SELECT *\nFROM warm.candels", "sql_unknown_table", Some((2, 6)), "Did you mean `warm.candles`?"),
        ("SELECT * FROM ticks", "sql_unknown_table", Some((1, 15)), "Did you mean `cold.ticks`, `hot.ticks`?"),
        ("SELECT * FROM warm.\"ohlcv_1m$files\"", "sql_unknown_table", Some((1, 15)), ""),
        ("SELECT summ(price) FROM hot.ticks", "sql_invalid", Some((1, 8)), "Possible function 'sum'."),
        ("SELECT pair FROM hot.ticks a, hot.quotes b", "sql_ambiguous_column", Some((1, 8)), ""),
        ("SELECT pair, count(*) FROM hot.ticks", "sql_invalid", Some((1, 8)), ""),
        ("SELECT 1 / 0", "sql_failed", None, ""),
        ("SELECT * FROM cold.ticks", "sql_cold_unavailable", None, ""),
        ("SELECT * FROM hot.ticks WHERE seq > 'x'", "sql_failed", None, ""),
    ] {
        let error = rows(&sql, text).await.expect_err(text);
        println!("{text:?} → {error:?}");
        assert_eq!(error.code, code, "{text}: {error:?}");
        assert!(error.r#do.starts_with(what_to_do) && !error.r#do.is_empty(), "{text}: {error:?}");
        assert!(
            !error.message.is_empty() && !error.message.contains('\n') && !error.message.contains("DataFusion"),
            "{error:?}"
        );
        if let Some(place) = place {
            assert_eq!((error.line, error.column), (Some(place.0), Some(place.1)), "{text}: {error:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_is_listed_with_its_columns_once_it_is_made() {
    let directory = tempfile::tempdir().expect("a directory");
    let archive = Archive::new(&directory.path().join("cold")).await;
    let warehouse = directory.path().join("warm");
    let sql = sql(boundless(), &warehouse, Fixed(archive.table));
    let names = async |sql: &Sql| sql.schema().await.into_iter().map(|table| table.name).collect::<Vec<_>>();
    assert_eq!(names(&sql).await, ["hot.ticks", "hot.quotes", "cold.ticks", "vectors.patterns"]);
    let error = rows(&sql, "SELECT * FROM warm.candles").await.expect_err("not made yet");
    assert_eq!(error.code, "sql_table_not_made");
    Warm::new(&warehouse).await;
    let tables = sql.schema().await;
    assert_eq!(
        tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(),
        [
            "hot.ticks",
            "hot.quotes",
            "warm.candles",
            "warm.ohlcv_1m",
            "warm.replay_ohlcv_1m",
            "warm.balance",
            "warm.trades",
            "warm.transfers",
            "cold.ticks",
            "vectors.patterns"
        ]
    );
    let kind = |table: &str, column: &str| {
        let table = tables.iter().find(|known| known.name == table).expect(table);
        table.columns.iter().find(|known| known.name == column).expect(column).kind.clone()
    };
    assert_eq!(kind("cold.ticks", "price"), "decimal(20,8)");
    assert_eq!(kind("warm.candles", "pair"), "string");
    assert_eq!(kind("warm.candles", "window_start"), "timestamp");
    // Hot and cold can be put together: the same columns in the same order and of the same types.
    let columns = |name: &str| tables.iter().find(|table| table.name == name).map(|table| &table.columns);
    assert_eq!(columns("hot.ticks"), columns("cold.ticks"));
    assert_eq!(one(&sql, "SELECT count(*) FROM warm.candles").await, "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_query_joins_the_tiers_and_a_tick_reads_the_same_in_both() {
    let directory = tempfile::tempdir().expect("a directory");
    let tape = tape(0..300);
    let mut archive = Archive::new(&directory.path().join("cold")).await;
    archive.append(&ticks(&tape)).await;
    let hot = boundless();
    hot.push(&tape);
    let mut warm = Warm::new(&directory.path().join("warm")).await;
    let bar = super::tables::Bar { pair: "BTC-USD", minute: 0, close: 1, revision: 0, known: 0 };
    warm.bars(&[bar]).await;
    let sql = sql(hot, &directory.path().join("warm"), Fixed(archive.table));
    let joined = "SELECT count(*) FROM hot.ticks t JOIN warm.candles c ON t.pair = c.pair
                  AND date_trunc('minute', t.event_time) >= c.window_start - INTERVAL '1 minute'";
    assert_eq!(one(&sql, joined).await, "150");
    assert_eq!(one(&sql, "SELECT count(*) FROM (SELECT * FROM hot.ticks EXCEPT SELECT * FROM cold.ticks)").await, "0");
    assert_eq!(one(&sql, "SELECT count(*) FROM (SELECT * FROM hot.ticks UNION SELECT * FROM cold.ticks)").await, "300");
    // Σ price × size, to the last digit.
    let total: i128 = tape
        .iter()
        .filter_map(|stamped| match &stamped.input {
            Input::Tick(tick) => match &tick.kind {
                TickKind::Trade(trade) => Some(i128::from(trade.price.units()) * i128::from(trade.size.units())),
                TickKind::Quote(_) => None,
            },
            _ => None,
        })
        .sum();
    let (whole, part) = (total / 10i128.pow(16), total % 10i128.pow(16));
    assert_eq!(one(&sql, "SELECT sum(price * size) FROM cold.ticks").await, format!("{whole}.{part:016}"));
    let plan =
        rows(&sql, "EXPLAIN SELECT seq FROM cold.ticks WHERE pair = 'BTC-USD' AND seq > 5").await.expect("a plan");
    let plan = plan.concat().into_iter().flatten().collect::<String>();
    assert!(plan.contains("IcebergScan: columns=[seq, pair], files=1"), "{plan}");
}

#[test]
fn a_directory_of_which_nothing_is_known_has_empty_tables() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    let sql = Sql::new(super::Tiers::of(Path::new("/nowhere"))).expect("threads");
    for table in ["hot.ticks", "cold.ticks"] {
        assert_eq!(runtime.block_on(one(&sql, &format!("SELECT count(*) FROM {table}"))), "0", "{table}");
    }
}
