//! What a file holds is what the charts show.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::OnceLock;

use polars::prelude::*;
use tapedeck_tests::bars::Bar;

use crate::support::{Tapedeck, assert_frames_add_up, assert_same_bars, btc_day, number, say, shared_data};

/// The BTC day by the minute, from polars' own reader and group-by: nothing of Tapedeck's is in it.
pub(crate) fn btc_day_by_polars() -> &'static BTreeMap<i64, Bar> {
    static BARS: OnceLock<BTreeMap<i64, Bar>> = OnceLock::new();
    BARS.get_or_init(|| {
        let bars = grouped().expect("polars reads the sample");
        assert_eq!(
            (bars.len(), bars.values().map(|b| b.count).sum::<u64>()),
            (1_440, 863_403),
            "the sample is not the day it should be"
        );
        bars
    })
}

fn grouped() -> PolarsResult<BTreeMap<i64, Bar>> {
    let path = btc_day();
    let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let ticks = ParquetReader::new(file)
        .with_columns(Some(["trade_id", "time", "price", "size"].map(str::to_owned).to_vec()))
        .finish()?;
    let order = SortMultipleOptions::default();
    let minutes = ticks
        .lazy()
        .with_column(
            col("time").cast(DataType::Datetime(TimeUnit::Microseconds, None)).cast(DataType::Int64).alias("us"),
        )
        .sort(["us", "trade_id"], order)
        .with_column(((col("us") - col("us") % lit(60_000_000i64)) * lit(1_000i64)).alias("minute"))
        .group_by([col("minute")])
        .agg([
            col("price").first().alias("open"),
            col("price").max().alias("high"),
            col("price").min().alias("low"),
            col("price").last().alias("close"),
            col("size").sum().alias("volume"),
            len().alias("count"),
        ])
        .collect()?;
    let columns = ["open", "high", "low", "close", "volume"].map(|name| minutes.column(name).cloned());
    let (starts, counts) = (minutes.column("minute")?.i64()?, minutes.column("count")?.cast(&DataType::UInt64)?);
    let counts = counts.u64()?;
    let mut bars = BTreeMap::new();
    for row in 0..minutes.height() {
        let mut values = [0i128; 5];
        for (value, column) in values.iter_mut().zip(&columns) {
            let column = column.as_ref().map_err(Clone::clone)?;
            let AnyValue::Decimal(units, _, 8) = column.get(row)? else {
                panic!("{} is not a decimal at 1e-8: {:?}", column.name(), column.dtype());
            };
            *value = units;
        }
        let [open, high, low, close, volume] = values;
        let start = starts.get(row).expect("every row has its minute");
        bars.insert(
            start,
            Bar { open, high, low, close, volume, count: counts.get(row).expect("every row is counted") },
        );
    }
    Ok(bars)
}

#[test]
fn a_day_of_trades_is_not_charted_wrong_and_importing_it_again_changes_nothing() {
    let deck = Tapedeck::new();
    let path = btc_day();
    let import = || deck.import(&["--pair".as_ref(), "BTCUSDT".as_ref(), path.as_os_str()]);

    let began = std::time::Instant::now();
    let first = import();
    say(&format!("BTC day imported in {:.1} s", began.elapsed().as_secs_f64()));
    for (name, expected) in
        [("read", 863_403), ("accepted", 863_403), ("duplicates", 0), ("late", 0), ("quarantined", 0), ("gaps", 0)]
    {
        assert_eq!(number(&first, name), expected, "{name}: {first}");
    }
    let truth = btc_day_by_polars();
    let candles = deck.candles("BTCUSDT", None);
    assert_same_bars("the BTC day", &candles, truth);
    let unfinished: Vec<_> = candles.iter().filter(|(_, (_, quality))| quality != "complete").collect();
    assert!(
        unfinished.is_empty(),
        "the end of the tape closes its windows: {:?}",
        &unfinished[..unfinished.len().min(3)]
    );
    let before = deck.verified();

    let second = import();
    for (name, expected) in
        [("read", 863_403), ("accepted", 0), ("duplicates", 863_403), ("quarantined", 0), ("gaps", 0)]
    {
        assert_eq!(number(&second, name), expected, "{name} the second time: {second}");
    }
    let again = deck.candles("BTCUSDT", None);
    assert!(candles == again, "the same file twice gave other candles");
    let after = deck.verified();
    assert_eq!(before["state_hash"], after["state_hash"]);
    assert_eq!(before["candles"], after["candles"]);
}

#[test]
fn the_two_frames_of_one_trade_are_not_counted_as_two_trades() {
    let test = "the_two_frames_of_one_trade_are_not_counted_as_two_trades";
    let Some(capture) = shared_data(test, "coinbase/exchange-2021-04-17.ws.zst") else { return };
    let deck = Tapedeck::new();
    let counts = deck.import(&[capture.as_os_str()]);
    let file = &counts["files"][0];
    for (name, expected) in [
        ("frames", 9_946),
        ("trades", 97),
        ("quotes", 107),
        ("history", 10),
        ("control", 3),
        ("ignored", 9_729),
        ("duplicates", 0),
        ("quarantined", 0),
    ] {
        assert_eq!(number(file, name), expected, "{name}: {file}");
    }
    assert_frames_add_up(file);
    deck.verified();
}
