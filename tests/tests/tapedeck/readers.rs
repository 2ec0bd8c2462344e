//! Other people's engines beside the writer, and on tables no command writes to yet.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tapedeck_core::domain::{
    Amount, Arrival, EventTime, Input, Price, Quantity, ReceivedTime, Seq, Side, Source, Stamped, TapeTime, Tick,
    TickKind, Trade, TradeId,
};
use tapedeck_core::tiers::cold::{Cold, Keep};
use tapedeck_core::tiers::warm::{BalanceDelta, TradeRow, TransferRow, Warm};
use tapedeck_tests::figures::units;

use crate::lake::{read_by_others, readers};
use crate::support::{MINUTES, Running, counts, number, repository, say};

/// 2026-03-20.
const START: i64 = 1_773_964_800_000_000_000;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime")
}

fn trade(seq: u64) -> Stamped {
    let at = START + seq as i64 * 10_000_000;
    let kind = TickKind::Trade(Trade {
        trade_id: TradeId(seq),
        price: Price::from_units(7_000_000_000_000 + seq as i64),
        size: Quantity::from_units(1_000_000),
        taker_side: Some(Side::Buy),
        arrival: Arrival::News,
    });
    let input = Input::Tick(Tick {
        source: Source::Live,
        pair: "BTC-USD".parse().expect("a pair"),
        sequence: seq,
        event_time: EventTime::from_nanos(at),
        received_time: ReceivedTime::from_nanos(at),
        kind,
    });
    Stamped { seq: Seq(seq), tape_time: TapeTime::from_nanos(at), input }
}

/// Rows of one commit.
const ROWS: u64 = 100;
/// States that are kept: some seconds of them, in which any reader is done.
const KEPT: usize = 48;

#[test]
fn another_process_that_reads_while_files_come_are_joined_and_go_sees_only_what_was_committed() {
    let test = "another_process_that_reads_while_files_come_are_joined_and_go";
    let Some(python) = readers(test) else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stop = directory.path().join("stop");
    let (runtime, data) = (runtime(), directory.path().join("data"));
    let mut cold = runtime.block_on(Cold::open(&data)).expect("a table");
    let mut committed = 0;
    let mut commit = |cold: &mut Cold| {
        let (from, through) = (committed + 1, committed + ROWS);
        let rows: Vec<Stamped> = (from..=through).map(trade).collect();
        runtime.block_on(cold.append(&rows, Seq(through))).expect("stored");
        committed = through;
        committed
    };
    commit(&mut cold);
    let reader = Running::start({
        let mut command = Command::new(&python);
        command.arg(repository().join("tests/readers/read.py")).arg(&data).arg("watch").arg(&stop);
        command
    });

    let (mut seen, mut reads) = (0, BTreeMap::<String, u64>::new());
    let (mut joined, mut expired, mut commits) = (0, 0, 1);
    let wanted = counts(12, 150);
    let deadline = Instant::now() + 5 * MINUTES;
    let mut check = |line: &str, committed: u64| {
        let read: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let rows = number(&read, "rows");
        assert!(rows.is_multiple_of(ROWS), "half a commit was read: {read}");
        assert!((seen..=committed).contains(&rows), "{read} after {seen} rows were seen, and {committed} committed");
        assert_eq!((number(&read, "distinct"), number(&read, "last")), (rows, rows), "{read}");
        seen = rows;
        *reads.entry(read["engine"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        reads.values().min().copied().filter(|_| reads.len() == 2).unwrap_or_default()
    };
    let mut least = 0;
    while least < wanted || expired == 0 {
        assert!(Instant::now() < deadline, "{least} reads of each engine and {expired} states let go in five minutes");
        let now = commit(&mut cold);
        commits += 1;
        if commits % 7 == 0 {
            joined += runtime.block_on(cold.compact()).expect("joined").files_before;
            let removed = runtime.block_on(cold.expire(&Keep::only(KEPT))).expect("expired");
            expired += removed.snapshots;
        }
        while let Some(line) = reader.line(Duration::from_millis(100)) {
            least = check(&line, now);
        }
    }
    std::fs::write(&stop, b"").expect("written");
    let outcome = reader.finish(MINUTES);
    assert_eq!(outcome.code, Some(0), "a reader failed: {}", outcome.stderr);
    assert!(joined > 0 && expired > 0);
    say(&format!(
        "{commits} commits, {joined} files joined, {expired} states let go beside {reads:?} reads: each saw a committed state"
    ));
}

fn delta(account: &str, asset: &str, units: i128) -> BalanceDelta {
    BalanceDelta { account: account.to_owned(), asset: asset.to_owned(), amount: Amount::from_units(units) }
}

fn fill(step: u64, id: u64) -> TradeRow {
    TradeRow {
        trade_id: format!("t{id:04}"),
        order_id: format!("o{id}"),
        pair: "BTC-USD".parse().expect("a pair"),
        side: if step.is_multiple_of(2) { Side::Buy } else { Side::Sell },
        price: None,
        fill_price: Price::from_units(7_000_000_000_000 + step as i64),
        quantity: Quantity::from_units(12_345_678),
        fee: Amount::from_units(5),
        slippage: Amount::from_units(-3),
        total_cost: Amount::from_units(i128::from(step)),
        maker: false,
        signal_similarity: Some(0.25),
        signal_sentiment: None,
        source: Source::Live,
        event_time: EventTime::from_nanos(START + id as i64),
    }
}

/// Steps of a session: more than two compactions of its tables.
const STEPS: u64 = 60;

#[test]
fn the_ledger_reads_the_same_in_pypaimon() {
    let Some(python) = readers("the_ledger_reads_the_same_in_pypaimon") else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut balances = BTreeMap::<[String; 3], i128>::new();
    let mut trades = BTreeMap::<[String; 2], [String; 3]>::new();
    let mut transfers = 0;
    runtime().block_on(async {
        let mut warm = Warm::open(directory.path()).await.expect("the tier opens");
        for step in 1..=STEPS {
            for (session, sign) in [("live", 1), ("replay-1", -1)] {
                let amount = sign * i128::from(step) * 123_456_789;
                let deltas = [delta("cash", "USD", -amount), delta("cash", "BTC", amount), delta("fees", "USD", 5)];
                warm.put_balances(session, &deltas, step).await.expect("stored");
                for delta in &deltas {
                    let key = [session.to_owned(), delta.account.clone(), delta.asset.clone()];
                    *balances.entry(key).or_default() += delta.amount.units();
                }
                // The same trade again and again: its newest row is the one.
                let row = fill(step, step % 7);
                warm.put_trades(session, std::slice::from_ref(&row), step).await.expect("stored");
                let side = if row.side == Side::Buy { "buy" } else { "sell" }.to_owned();
                let cells = [side, row.fill_price.units().to_string(), row.total_cost.units().to_string()];
                trades.insert([session.to_owned(), row.trade_id], cells);
                let leg = TransferRow {
                    step,
                    tape_time: TapeTime::from_nanos(START + step as i64),
                    transfer_id: format!("{step:016x}-0"),
                    debit: "world".to_owned(),
                    credit: "cash".to_owned(),
                    asset: "USD".to_owned(),
                    amount: Amount::from_units(i128::from(step) * 100_000_000),
                    cause: "deposit".to_owned(),
                    hash: format!("{step:064x}"),
                };
                warm.put_transfers(session, &[leg], step).await.expect("stored");
                transfers += 1;
            }
        }
    });
    let read = read_by_others(&python, directory.path(), &["ledger"]);
    let rows = |name: &str| read[name].as_array().unwrap_or_else(|| panic!("no {name}: {read}")).clone();
    let cell = |row: &Value, at: usize| row[at].as_str().unwrap_or_else(|| panic!("a text: {row}")).to_owned();
    let decimal = |row: &Value, at: usize| units(&cell(row, at)).unwrap_or_else(|| panic!("a decimal: {row}"));

    let found = rows("balance");
    assert_eq!(found.len(), balances.len(), "{found:?}");
    for row in &found {
        let key = [cell(row, 0), cell(row, 1), cell(row, 2)];
        assert_eq!(Some(&decimal(row, 3)), balances.get(&key), "{row}");
    }
    let found = rows("trades");
    assert_eq!(found.len(), trades.len(), "a trade lies there twice: {found:?}");
    for row in &found {
        let cells = [cell(row, 2), decimal(row, 3).to_string(), decimal(row, 4).to_string()];
        assert_eq!(Some(&cells), trades.get(&[cell(row, 0), cell(row, 1)]), "{row}");
    }
    let found = rows("transfers");
    assert_eq!(found.len(), transfers, "a transfer is missing or doubled");
    let sum: i128 = found.iter().map(|row| decimal(row, 5)).sum();
    assert_eq!(sum, i128::from(2 * STEPS * (STEPS + 1) / 2) * 100_000_000);
}
