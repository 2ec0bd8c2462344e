//! The tables are open: other people's engines read what ours wrote, and what lies beside the tables changes no answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tapedeck_tests::bars::Bar;
use tapedeck_tests::figures::{nanos, units};

use crate::import::btc_day_by_polars;
use crate::support::{Tapedeck, btc_day, number, repository, say, skipped, walk};

/// Python with pyiceberg, DuckDB and pypaimon, or `None` after saying that it is not here.
pub(crate) fn readers(test: &str) -> Option<PathBuf> {
    let python = std::env::var_os("TAPEDECK_READERS").map(PathBuf::from);
    match python {
        Some(python) if python.exists() => Some(python),
        _ => {
            skipped(test, "TAPEDECK_READERS names no Python with pyiceberg, DuckDB and pypaimon (scripts/readers.sh)");
            None
        }
    }
}

/// What they see of a data directory, as one document.
#[track_caller]
pub(crate) fn read_by_others(python: &Path, data: &Path, more: &[&str]) -> Value {
    let script = repository().join("tests/readers/read.py");
    let output = Command::new(python).arg(script).arg(data).args(more).output().expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

fn imported_day() -> Tapedeck {
    let deck = Tapedeck::new();
    let path = btc_day();
    let report = deck.import(&["--pair".as_ref(), "BTCUSDT".as_ref(), path.as_os_str()]);
    assert_eq!(number(&report, "accepted"), 863_403);
    deck
}

fn sql(deck: &Tapedeck, query: &str, more: &[&str]) -> Value {
    let arguments = [query, "--format", "json"].into_iter().chain(more.iter().copied());
    deck.run("sql", arguments).expect(0).json()
}

/// What must not change, whatever lies in the folders: rows and turnover of the cold tier, and every candle of the warm one.
fn answers(deck: &Tapedeck) -> (Value, Value) {
    let cold = sql(deck, "SELECT count(*) AS trades, sum(price * size) AS turnover FROM cold.ticks", &[]);
    let warm =
        sql(deck, "SELECT count(*) AS n, sum(volume) AS volume, sum(tick_count) AS ticks FROM warm.candles", &[]);
    (cold, warm)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[test]
fn other_peoples_engines_read_the_same_day() {
    let Some(python) = readers("other_peoples_engines_read_the_same_day") else { return };
    let deck = imported_day();
    let read = read_by_others(&python, deck.data.path(), &[]);

    let (ours, _) = answers(&deck);
    let turnover = text(&ours[0]["turnover"]);
    say(&format!(
        "Σ price·size: ours {turnover}, pyiceberg {}, DuckDB {}",
        read["pyiceberg"]["turnover"], read["duckdb"]["turnover"]
    ));
    for engine in ["pyiceberg", "duckdb"] {
        assert_eq!(number(&read[engine], "trades"), 863_403, "{engine}");
        assert_eq!(text(&read[engine]["turnover"]), turnover, "{engine}");
    }
    assert_eq!(number(&read["pyiceberg"], "distinct_seq"), 863_403, "a row lies there twice");

    let truth = btc_day_by_polars();
    let rows = read["pypaimon"]["candles"].as_array().expect("rows");
    let found: BTreeMap<i64, Bar> = rows.iter().map(bar_of_row).collect();
    assert_eq!((rows.len(), found.len()), (1_440, 1_440));
    for (start, bar) in truth {
        assert_eq!(found.get(start), Some(bar), "pypaimon reads another candle at {start}");
    }
}

/// source, pair, window_start, open, high, low, close, volume, tick_count, quality, revision: as texts.
fn bar_of_row(row: &Value) -> (i64, Bar) {
    let cell = |index: usize| row[index].as_str().expect("a text");
    let units = |index: usize| units(cell(index)).expect("a decimal");
    let start = cell(2).replace("+00:00", "");
    let bar = Bar {
        open: units(3),
        high: units(4),
        low: units(5),
        close: units(6),
        volume: units(7),
        count: cell(8).parse().expect("a count"),
    };
    (nanos(&format!("{start}Z")).expect("a time"), bar)
}

/// Files that look like a table's own and are not: a copy of a real one, one cut in half, one of another table, and rubbish.
fn plant(folder: &Path, donor: &Path) -> usize {
    let mut planted = 0;
    for entry in walk(folder) {
        let name = entry.file_name().expect("a file").to_string_lossy().into_owned();
        if !name.ends_with(".parquet") {
            continue;
        }
        let whole = std::fs::read(&entry).expect("readable");
        let beside = |prefix: &str| entry.with_file_name(format!("{prefix}-{name}"));
        std::fs::write(beside("stale"), &whole).expect("written");
        std::fs::write(beside("half"), &whole[..whole.len() / 2]).expect("written");
        std::fs::copy(donor, beside("foreign")).expect("copied");
        std::fs::write(beside("rubbish"), b"not a table").expect("written");
        planted += 4;
    }
    planted
}

#[test]
fn a_file_that_lies_in_a_tables_folder_is_not_thereby_in_the_table() {
    let deck = imported_day();
    let before = answers(&deck);
    let planted = plant(&deck.data.path().join("cold"), &btc_day()) + plant(&deck.data.path().join("warm"), &btc_day());
    assert!(planted >= 8, "nothing was planted: {planted}");
    assert_eq!(answers(&deck), before);

    // Nor for the next writer: the same file again adds nothing, and the tiers still agree with the journal.
    let path = btc_day();
    let again = deck.import(&["--pair".as_ref(), "BTCUSDT".as_ref(), path.as_os_str()]);
    assert_eq!(number(&again, "accepted"), 0);
    assert_eq!(answers(&deck), before);
    deck.run::<&str>("reconcile", []).expect(0);
    if let Some(python) = readers("a_file_that_lies_in_a_tables_folder (other engines)") {
        let read = read_by_others(&python, deck.data.path(), &[]);
        assert_eq!(number(&read["pyiceberg"], "trades"), 863_403);
        assert_eq!(number(&read["duckdb"], "trades"), 863_403);
        assert_eq!(read["pypaimon"]["candles"].as_array().map(Vec::len), Some(1_440));
    }
}

#[test]
fn what_was_not_known_at_noon_is_in_no_answer_as_of_noon() {
    let whole = imported_day();
    let noon = "2024-01-01T12:00:00Z";
    // The same file cut at noon, as a lane of its own: written from the whole day's own table.
    let cut = Tapedeck::new();
    let file = cut.data.path().join("morning.csv");
    let columns = "trade_id, event_time AS time, price, size, side AS taker_side";
    let query = format!("SELECT {columns} FROM cold.ticks WHERE event_time <= TIMESTAMP '{noon}' ORDER BY seq");
    whole
        .run("sql", [query.as_str(), "--format", "csv", "--out", &file.to_string_lossy(), "--rows", "1000000"])
        .expect(0);
    cut.import(&["--pair".as_ref(), "BTCUSDT".as_ref(), file.as_os_str()]);

    // The end of the cut file closes its last minute at once; in the whole day that takes the watermark's five seconds more.
    let settled = "window_end <= TIMESTAMP '2024-01-01T11:59:55Z'";
    // All rows of one answer would need more memory than a query may have: a twelfth at a time.
    let ticks = (0..12).map(|part| {
        let condition = format!("trade_id % 12 = {part} ORDER BY trade_id");
        ("cold.ticks", "trade_id, price, size, side, event_time", condition)
    });
    let candles = (
        "warm.candles",
        "pair, window_start, open, high, low, close, volume, tick_count, revision",
        format!("{settled} ORDER BY window_start"),
    );
    for (table, columns, order) in ticks.chain([candles]) {
        let digest = |deck: &Tapedeck, as_of: &str| {
            let query = format!("SELECT {columns} FROM {table} WHERE {order}");
            sql(deck, &query, &["--as-of", as_of, "--rows", "1000000"])
        };
        let (of_whole, of_cut) = (digest(&whole, noon), digest(&cut, noon));
        assert!(of_whole.as_array().is_some_and(|rows| rows.len() >= 700), "{table} as of noon is empty");
        assert_eq!(of_whole, of_cut, "{table} knows at noon what came later");
        let earlier = digest(&whole, "2024-01-01T11:30:00Z");
        assert_ne!(of_whole, earlier, "{table} as of another moment is the same: the cursor does nothing");
    }
}
