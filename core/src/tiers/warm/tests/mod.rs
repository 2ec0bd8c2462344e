//! What the warm tier promises, on real tables in a temporary directory.

mod candles;
mod faults;
mod ledger;
mod upkeep;

use std::path::{Path, PathBuf};

use super::*;
use crate::domain::time::MINUTE;
use crate::domain::{Amount, EventTime, Price, Quality, Quantity, Side, Source, TapeTime};

/// Compacts so often that a short test crosses it many times.
async fn open(directory: &Path, commits_before_compaction: usize) -> Warm {
    let mut warm = Warm::open(directory).await.expect("the tier opens");
    for table in warm.tables_mut() {
        table.commits_before_compaction = commits_before_compaction;
    }
    warm
}

fn data() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// 2026-03-20, and so many minutes.
fn minute(number: i64) -> EventTime {
    EventTime::from_nanos(1_773_964_800_000_000_000 + number * MINUTE)
}

fn candle(number: i64, revision: u32, seq: u64) -> Candle {
    let start = minute(number);
    Candle {
        source: Source::Live,
        pair: "BTC-USD".parse().expect("a pair"),
        window_start: start,
        window_end: start.plus_nanos(MINUTE),
        open: Price::from_units(7_000_000_000_000 + number),
        high: Price::from_units(i64::MAX),
        low: Price::from_units(1),
        close: Price::from_units(7_000_000_000_007 + i64::from(revision)),
        volume: Amount::from_units(schema::LARGEST),
        tick_count: u32::MAX - revision,
        quality: if revision > 0 { Quality::Late } else { Quality::Complete },
        revision,
        // Late revisions become known two hours after; with nanoseconds, which TIMESTAMP(6) does not hold.
        tape_time: TapeTime::from_nanos(start.nanos() + MINUTE + 999 + i64::from(revision) * 120 * MINUTE),
        seq: Seq(seq),
    }
}

/// Everything of the lane that is known at the cursor.
fn all_as_of(as_of: TapeTime) -> CandleQuery {
    CandleQuery {
        source: Source::Live,
        pair: "BTC-USD".parse().expect("a pair"),
        from: EventTime::from_nanos(i64::MIN),
        to: EventTime::from_nanos(i64::MAX),
        as_of,
    }
}

fn all() -> CandleQuery {
    all_as_of(TapeTime::from_nanos(i64::MAX))
}

fn delta(account: &str, asset: &str, units: i128) -> BalanceDelta {
    BalanceDelta { account: account.to_owned(), asset: asset.to_owned(), amount: Amount::from_units(units) }
}

fn transfer(step: u64, leg: u32) -> TransferRow {
    TransferRow {
        step,
        tape_time: TapeTime::from_nanos(minute(step as i64).nanos() + 123_456_789),
        transfer_id: format!("{step:016x}-{leg}"),
        debit: "world".to_owned(),
        credit: "cash".to_owned(),
        asset: "USD".to_owned(),
        amount: Amount::from_units(i128::from(step) * 100_000_000),
        cause: "deposit".to_owned(),
        hash: format!("{:064x}", u64::from(leg) + step * 10),
    }
}

fn trade(step: u64, trade_id: u64) -> TradeRow {
    let known = step.is_multiple_of(2);
    TradeRow {
        trade_id: format!("t{trade_id:06}"),
        order_id: format!("o{trade_id}"),
        pair: "ETH-USD".parse().expect("a pair"),
        side: if known { Side::Buy } else { Side::Sell },
        price: known.then_some(Price::from_units(350_000_000_000)),
        fill_price: Price::from_units(350_000_000_001),
        quantity: Quantity::from_units(12_345_678),
        fee: Amount::from_units(-5),
        slippage: Amount::from_units(17),
        total_cost: Amount::from_units(i128::from(step)),
        maker: !known,
        signal_similarity: known.then_some(0.25),
        signal_sentiment: known.then(|| "bullish".to_owned()),
        source: Source::Live,
        event_time: EventTime::from_nanos(minute(trade_id as i64).nanos() + 1),
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder that can be read") {
        let entry = entry.expect("an entry");
        if entry.path().is_dir() { found.extend(files(&entry.path())) } else { found.push(entry.path()) }
    }
    found.sort();
    found
}
