//! The jobs of Flink beside the tables the program writes: the same columns, in the same order, of the same types.

use super::{folder, read};
use crate::support::repository;

/// Name, type, and whether it may be null.
type Column = (String, String, bool);

fn column(name: &str, kind: &str, nullable: bool) -> Column {
    (name.to_owned(), kind.to_owned(), nullable)
}

/// The columns and the rest of a CREATE TABLE.
fn table(sql: &str, name: &str) -> (Vec<Column>, String) {
    let start = format!("CREATE TABLE IF NOT EXISTS {name} (\n");
    let behind = sql.split_once(&start).unwrap_or_else(|| panic!("there is no {name}")).1;
    let (columns, rest) = behind.split_once("\n)").expect("an end of the columns");
    let rest = rest.split_once(';').expect("an end of the statement").0;
    let (mut found, mut keys) = (Vec::new(), String::new());
    for line in columns.lines().map(|line| line.trim().trim_end_matches(',')) {
        if line.starts_with("PRIMARY KEY") {
            keys = line.to_owned();
            continue;
        }
        let (name, kind) = line.split_once(' ').expect("a name and a type");
        let required = kind.strip_suffix(" NOT NULL");
        let kind = required.unwrap_or(kind).replace(", ", ",");
        found.push(column(name.trim_matches('`'), &kind, required.is_none()));
    }
    (found, keys + rest)
}

/// What stands in quotes, in its order.
fn quoted(text: &str) -> Vec<&str> {
    text.split('"').skip(1).step_by(2).collect()
}

/// A part of a source file, from one text to the next after it.
fn part<'a>(source: &'a str, from: &str, to: &str) -> &'a str {
    let behind = source.split_once(from).unwrap_or_else(|| panic!("there is no `{from}`")).1;
    behind.split_once(to).unwrap_or_else(|| panic!("there is no `{to}` after `{from}`")).0
}

/// As the program has it, from `warm/schema.rs`.
fn warm(arm: &str) -> (Vec<Column>, Vec<(String, String)>, Vec<String>) {
    let source = read(&repository().join("core/src/tiers/warm/schema.rs"));
    let schema = part(&source, "pub(super) fn schema(self)", "\n}\n");
    let shared = part(&source, "fn candles(columns: SchemaBuilder)", "\n}\n");
    let common = part(schema, "Schema::builder()", ";");
    let own = part(
        schema,
        &format!("Self::{arm} => "),
        if arm == "Trades" { "\n        }\n" } else { "\n            Self::" },
    );
    let (mut columns, mut options, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    let text =
        if own.contains("candles(columns") { format!("{common}{own}{shared}") } else { format!("{common}{own}") };
    let own_keys = own;
    for call in text
        .split("\n            .")
        .flat_map(|line| line.split("\n        ."))
        .flat_map(|line| line.split("\n                ."))
    {
        let words = quoted(call);
        if call.starts_with("column(") {
            let kind = call.rsplit_once(", ").expect("a name and a type").1;
            let sql = [
                ("text", "STRING"),
                ("bigint", "BIGINT"),
                ("time", "TIMESTAMP_LTZ(6)"),
                ("decimal", "DECIMAL(38,8)"),
                ("nanos", "INT"),
                ("DataType::Int(", "INT"),
                ("DataType::Date(", "DATE"),
                ("DataType::Boolean(", "BOOLEAN"),
                ("DataType::Double(", "DOUBLE"),
            ];
            let sql =
                sql.iter().find(|(rust, _)| kind.starts_with(rust)).unwrap_or_else(|| panic!("a new type: {call}"));
            columns.push(column(words[0], sql.1, true));
        } else if call.starts_with("option(") {
            options.push((words[0].to_owned(), words[1].to_owned()));
        }
    }
    for call in ["partition_keys([", "primary_key(["] {
        if own_keys.contains(call) {
            keys.push(quoted(part(own_keys, call, "]")).join(", "));
        }
    }
    (columns, options, keys)
}

/// As the program has it, from `cold/schema.rs`.
fn cold() -> Vec<Column> {
    let source = read(&repository().join("core/src/tiers/cold/schema.rs"));
    let columns = part(&source, "let columns = [", "];");
    let types = [
        ("long", "BIGINT"),
        ("time", "TIMESTAMP_LTZ(6)"),
        ("text", "STRING"),
        ("int", "INT"),
        ("price", "DECIMAL(20,8)"),
        ("volume", "DECIMAL(38,8)"),
    ];
    let read = |line: &str| {
        let mut words = line.trim().trim_start_matches('(').trim_end_matches("),").split(", ");
        let name = words.next()?.trim_matches('"').to_owned();
        let required = words.next()? == "true";
        let kind = words.next()?.trim_end_matches(".clone()");
        let kind = types.iter().find(|(rust, _)| *rust == kind).unwrap_or_else(|| panic!("a new type: {line}")).1;
        Some((name, kind.to_owned(), !required))
    };
    columns.lines().filter(|line| line.contains('"')).filter_map(read).collect()
}

/// As the program has it, from `hot/batch.rs`.
fn hot() -> Vec<Column> {
    let source = read(&repository().join("core/src/tiers/hot/batch.rs"));
    let columns = part(&source, "Schema::new(vec![", "]))");
    let types = [
        ("DataType::Int64", "BIGINT"),
        ("DataType::Int32", "INT"),
        ("DataType::Utf8", "STRING"),
        ("DataType::Decimal128(WIDE", "DECIMAL(38,8)"),
        ("decimal()", "DECIMAL(20,8)"),
        ("time()", "TIMESTAMP_LTZ(6)"),
    ];
    let read = |line: &str| {
        let (null, rest) = line.trim().split_once('(').expect("required or optional");
        let (name, kind) = rest.split_once(", ").expect("a name and a type");
        let kind =
            types.iter().find(|(rust, _)| kind.starts_with(rust)).unwrap_or_else(|| panic!("a new type: {line}"));
        (name.trim_matches('"').to_owned(), kind.1.to_owned(), null == "optional")
    };
    columns.lines().filter(|line| line.contains('"')).map(read).collect()
}

fn job(name: &str) -> String {
    read(&folder().join("flink").join(name))
}

#[track_caller]
fn same_as_warm(sql: &str, name: &str, arm: &str) {
    let (wanted, options, keys) = warm(arm);
    let (found, rest) = table(sql, name);
    let bare =
        |columns: &[Column]| columns.iter().map(|(name, kind, _)| (name.clone(), kind.clone())).collect::<Vec<_>>();
    assert!(wanted.len() > 3, "{wanted:?}");
    assert_eq!(bare(&found), bare(&wanted), "{name}");
    for (key, value) in &options {
        assert!(rest.contains(&format!("'{key}' = '{value}'")), "{name} lacks {key} = {value}: {rest}");
    }
    assert_eq!(rest.matches("' = '").count(), options.len(), "{name} has an option of its own: {rest}");
    let plain = rest.replace('`', "");
    for key in &keys {
        assert!(plain.contains(&format!("({key})")), "{name} has other keys than ({key}): {rest}");
    }
    assert_eq!(plain.matches("PARTITIONED BY").count() + plain.matches("PRIMARY KEY").count(), keys.len(), "{name}");
}

#[test]
fn tables_that_flink_writes_to_paimon_are_those_a_desk_writes() {
    same_as_warm(&job("lakehouse.sql"), "warm.market.ohlcv_1m", "Candles");
    same_as_warm(&job("clearing_house.sql"), "warm.ledger.trades", "Trades");
    same_as_warm(&job("clearing_house.sql"), "warm.ledger.balance", "Balance");
}

/// What a SELECT calls its columns.
fn selected(view: &str) -> Vec<String> {
    let columns = part(view, "SELECT\n", "\nFROM");
    let name = |line: &str| {
        let line = line.trim().trim_end_matches(',');
        line.rsplit_once(" AS ").map_or(line, |(_, name)| name).trim_matches('`').to_owned()
    };
    columns.lines().map(name).collect()
}

#[test]
fn ticks_that_flink_writes_to_iceberg_are_those_a_desk_writes() {
    let names: Vec<String> = cold().into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names.len(), 22);
    let sources = job("sources.sql");
    let view = part(&sources, "CREATE TEMPORARY VIEW ticks AS\n", ";");
    let (trades, quotes) = view.split_once("UNION ALL").expect("trades and quotes");
    assert_eq!(selected(trades), names);
    assert_eq!(selected(quotes), names);
    assert!(job("lakehouse.sql").contains("INSERT INTO cold.market.ticks\nSELECT * FROM ticks;"));

    let script = read(&folder().join("iceberg/create_ticks.py"));
    let types = [
        ("LONG", "BIGINT"),
        ("TIME", "TIMESTAMP_LTZ(6)"),
        ("TEXT", "STRING"),
        ("INT", "INT"),
        ("PRICE", "DECIMAL(20,8)"),
        ("VOLUME", "DECIMAL(38,8)"),
    ];
    let made: Vec<Column> = part(&script, "COLUMNS = [\n", "\n]")
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.trim().trim_matches(['(', ')', ',']).split(", ").collect();
            let kind = types.iter().find(|(python, _)| *python == words[2]).expect("a type").1;
            column(words[0].trim_matches('"'), kind, words[1] == "False")
        })
        .collect();
    assert_eq!(made, cold());
    assert!(script.contains("PRICE, VOLUME = DecimalType(20, 8), DecimalType(38, 8)"));
}

#[test]
fn ticks_in_fluss_are_those_of_the_hot_tier() {
    let (ticks, _) = table(&job("hot.sql"), "hot.market.ticks");
    assert_eq!(ticks.len(), 22);
    // The hot tier has no clocks, so that every row has a pair.
    assert_eq!(ticks, hot());
    let (quotes, keys) = table(&job("hot.sql"), "hot.market.quotes");
    let source = read(&repository().join("core/src/tiers/hot/quotes.rs"));
    let places = part(&source, "const COLUMNS: [usize; 15] = [", "]");
    let wanted: Vec<Column> =
        places.split(", ").map(|place| ticks[place.parse::<usize>().expect("a place")].clone()).collect();
    assert_eq!(quotes, wanted);
    assert!(keys.starts_with("PRIMARY KEY (source, pair) NOT ENFORCED"), "{keys}");
}

#[test]
fn money_is_never_a_double_in_sql() {
    for name in ["sources.sql", "lakehouse.sql", "hot.sql", "clearing_house.sql"] {
        let sql = job(name);
        for line in sql.lines().filter(|line| line.contains("DOUBLE") || line.contains("FLOAT")) {
            assert_eq!(line.trim().trim_end_matches(','), "signal_similarity DOUBLE", "{name}");
        }
    }
}
