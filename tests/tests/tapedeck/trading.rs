//! Trading on paper: what an account says is what a trader works out by hand, and nothing makes money twice.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use polars::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde_json::Value;
use tapedeck_tests::exchange::{Exchange, Options};

use crate::support::{MINUTES, Tapedeck, btc_day, counts, number, repository, say, seed};

/// A fill as the golden file writes it: order, time of day, side, price, quantity, notional, fee, slippage, maker.
type Row = [String; 9];

struct Example {
    title: String,
    from: String,
    to: String,
    orders: String,
    fills: Vec<Row>,
    usd: String,
    btc: String,
}

/// The worked examples, as a trader reads them.
fn examples() -> Vec<Example> {
    let path = repository().join("tests/golden/worked-examples.md");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.split("\n## ").skip(1).map(example).collect()
}

fn example(section: &str) -> Example {
    let after = |mark: &str| section.split_once(mark).unwrap_or_else(|| panic!("{mark:?} is in {section}")).1;
    let line = |mark: &str| after(mark).lines().next().unwrap_or_default();
    let (from, to) = line("Tape: ").split_once(" to ").expect("a tape has two ends");
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let table = |mark: &str| {
        let rows = after(mark).lines().skip_while(|line| !line.starts_with("|--"));
        rows.skip(1).take_while(|line| line.starts_with('|')).map(cells).collect::<Vec<_>>()
    };
    let times: BTreeMap<String, String> =
        table("Prints that matter:").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let fills = table("Fills:").into_iter().map(|row| {
        let mut row: Row = row.try_into().expect("nine columns");
        row[1] = times[&row[1]].clone();
        row
    });
    let (usd, rest) = line("Balances: ").split_once(" USD, ").expect("cash, then the asset");
    Example {
        title: section.lines().next().unwrap_or_default().to_owned(),
        from: from.to_owned(),
        to: to.to_owned(),
        orders: after("```jsonl\n").split_once("```").expect("the block ends").0.to_owned(),
        fills: fills.collect(),
        usd: usd.to_owned(),
        btc: rest.trim_end_matches(" BTC").to_owned(),
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("{name} is a text: {value}")).to_owned()
}

fn rows<'a>(value: &'a Value, name: &str) -> &'a Vec<Value> {
    value[name].as_array().unwrap_or_else(|| panic!("{name} is a list: {value}"))
}

fn units(text: &str) -> i128 {
    tapedeck_tests::figures::units(text).unwrap_or_else(|| panic!("{text} is a decimal"))
}

/// A trade as the golden file would write it.
fn row_of(trade: &Value) -> Row {
    let (side, total, fee) = (text(trade, "side"), units(&text(trade, "total_cost")), units(&text(trade, "fee")));
    let notional = if side == "buy" { total - fee } else { total + fee };
    let whole = 100_000_000;
    let mut written = format!("{}.{:08}", notional / whole, notional % whole);
    written.truncate(written.trim_end_matches('0').trim_end_matches('.').len());
    let time = text(trade, "event_time");
    let time = time.split_once('T').expect("a date and a time").1.trim_end_matches('Z').to_owned();
    let maker = if trade["maker"] == true { "maker" } else { "taker" };
    [
        text(trade, "order_id"),
        time,
        side,
        text(trade, "fill_price"),
        text(trade, "quantity"),
        written,
        text(trade, "fee"),
        text(trade, "slippage"),
        maker.to_owned(),
    ]
}

fn import_day(deck: &Tapedeck) {
    let path = btc_day();
    deck.import(&["--pair".as_ref(), "BTC-USD".as_ref(), path.as_os_str()]);
}

#[test]
fn every_worked_example_comes_out_to_the_last_digit() {
    let deck = Tapedeck::new();
    import_day(&deck);
    let examples = examples();
    assert!(examples.len() >= 9, "the golden file holds {} examples", examples.len());
    let mut compared = 0;
    for (place, example) in examples.iter().enumerate() {
        let (orders, session) = (deck.data.path().join("orders.jsonl"), format!("example-{place}"));
        std::fs::write(&orders, &example.orders).expect("written");
        let orders = orders.to_str().expect("a path of ASCII");
        let replay =
            ["--from", &example.from, "--to", &example.to, "--orders", orders, "--session", &session].map(String::from);
        let played = deck.run("replay", &replay).expect(0).json();
        let trades = deck.run("trades", ["--session", &session]).expect(0).json();
        let mut found: Vec<Row> = rows(&trades, "trades").iter().map(row_of).collect();
        let mut expected = example.fills.clone();
        // Trades of one moment have no order of their own in the table.
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{}", example.title);
        assert_eq!(number(&played, "fills") as usize, expected.len());
        let balances = deck.run("balances", ["--session", &session]).expect(0).json();
        let total = |asset: &str| {
            let row = rows(&balances, "balances").iter().find(|row| row["asset"] == asset);
            row.map_or("0".to_owned(), |row| text(row, "total"))
        };
        assert_eq!((total("USD"), total("BTC")), (example.usd.clone(), example.btc.clone()), "{}", example.title);
        compared += expected.len();
    }
    say(&format!("  {} examples, {compared} fills", examples.len()));
}

/// The day once more, a day later, with ids that follow.
fn shifted_day(path: &Path) {
    let file = File::open(btc_day()).expect("the sample is there");
    let ticks = ParquetReader::new(file).finish().expect("polars reads the sample");
    let mut shifted = ticks
        .lazy()
        .with_columns([
            (col("time").cast(DataType::Int64) + lit(86_400_000i64))
                .cast(DataType::Datetime(TimeUnit::Milliseconds, None))
                .alias("time"),
            (col("trade_id") + lit(10_000_000i64)).alias("trade_id"),
        ])
        .select([col("trade_id"), col("time"), col("price"), col("size"), col("taker_side")])
        .collect()
        .expect("a day later");
    let mut file = File::create(path).expect("a file can be made");
    CsvWriter::new(&mut file).finish(&mut shifted).expect("written");
}

/// Orders of every kind at random over two days.
fn random_orders(count: usize, dice: &mut ChaCha8Rng) -> String {
    let start = 1_704_067_200_000u64;
    let mut lines = String::new();
    for place in 0..count {
        let at = start + 60_000 + dice.next_u64() % (2 * 86_400_000 - 120_000);
        let price = 41_900 + dice.next_u32() % 1_500;
        let side = if dice.next_u32().is_multiple_of(3) { "sell" } else { "buy" };
        let qty = f64::from(1 + dice.next_u32() % 400) / 10_000.0;
        let other = if side == "buy" { price + 40 } else { price - 40 };
        let terms = match dice.next_u32() % 7 {
            0 => r#""type":"market""#.to_owned(),
            1 => r#""type":"market","tif":"ioc""#.to_owned(),
            2 => format!(r#""type":"limit","limit":{price}"#),
            3 => format!(r#""type":"stop","stop":{price}"#),
            4 => format!(r#""type":"stop_limit","stop":{price},"limit":{other}"#),
            5 => r#""type":"trailing_stop","trail":"0.4%""#.to_owned(),
            _ if side == "buy" => {
                format!(r#""type":"limit","limit":{price},"take_profit":{},"stop_loss":{}"#, price + 90, price - 120)
            }
            _ => r#""type":"market","reduce_only":true"#.to_owned(),
        };
        let until = (dice.next_u32().is_multiple_of(4) && !terms.contains("tif"))
            .then(|| format!(r#","tif":"gtd","until":{}"#, at + 3_600_000));
        let _ = writeln!(
            lines,
            r#"{{"at":{at},"id":"o{place}","pair":"BTC-USD","side":"{side}","qty":{qty},{terms}{}}}"#,
            until.unwrap_or_default()
        );
        if dice.next_u32().is_multiple_of(11) {
            let _ = writeln!(lines, r#"{{"at":{},"action":"cancel","id":"o{place}"}}"#, at + 600_000);
        }
    }
    lines
}

#[test]
fn the_same_orders_on_the_same_tape_come_to_the_same_books_in_any_process_at_any_speed() {
    let seed = seed(61);
    let deck = Tapedeck::new();
    import_day(&deck);
    let second = deck.data.path().join("second.csv");
    shifted_day(&second);
    deck.import(&["--pair".as_ref(), "BTC-USD".as_ref(), second.as_os_str()]);
    let orders = deck.data.path().join("orders.jsonl");
    let count = counts(1_000, 10_000);
    std::fs::write(&orders, random_orders(count, &mut ChaCha8Rng::seed_from_u64(seed))).expect("written");
    // As many as a script would send.
    std::fs::write(
        deck.data.path().join("tapedeck.toml"),
        "[paper]\nmax_orders_per_minute = 100000\nmax_open_orders = 100000\nmax_daily_drawdown = \"0.9\"\n",
    )
    .expect("written");
    let orders = orders.to_str().expect("a path of ASCII").to_owned();
    let replay = |more: &[&str]| {
        let mut arguments = vec!["--orders", &orders];
        arguments.extend(more);
        deck.run("replay", arguments).expect(0).json()
    };
    let first = replay(&["--session", "first"]);
    assert!(number(&first, "fills") as usize > count / 4, "too few fills to prove anything: {first}");
    for _ in 0..2 {
        let again = replay(&[]);
        for same in ["ticks", "candles", "fills", "state_hash", "ledger_hash"] {
            assert_eq!(again[same], first[same], "{same}");
        }
    }
    // One hour in a minute less than it, by event time, and at once.
    let hour = ["--from", "2024-01-01T00:00:00Z", "--to", "2024-01-01T01:00:00Z"];
    let paced = replay(&[hour.as_slice(), &["--speed", "600", "--session", "paced"]].concat());
    let at_once = replay(&hour);
    assert_eq!(paced["ledger_hash"], at_once["ledger_hash"]);
    let took = paced["wall_s"].as_f64().unwrap_or_default();
    assert!(took > 5.0, "an hour at 600 times takes six seconds, and this took {took}");
    let transfers = |session: &str| {
        let query = format!(
            "SELECT step, transfer_id, amount, hash FROM warm.transfers WHERE session_id = '{session}' ORDER BY step, transfer_id"
        );
        rows_of_sql(&deck.run("sql", [&query]).expect(0).json())
    };
    let (whole, part) = (transfers("first"), transfers("paced"));
    assert!(part.len() > 1 && whole.len() > part.len(), "{} and {}", whole.len(), part.len());
    assert_eq!(whole[..part.len()], part[..], "the hour is not the beginning of the two days");
    say(&format!("  {count} orders, {} fills, the same in three processes", first["fills"]));
}

fn rows_of_sql(answer: &Value) -> Vec<Value> {
    answer.as_array().cloned().unwrap_or_else(|| panic!("rows are a list: {answer}"))
}

/// Asks until it is so.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < MINUTES, "{what} did not happen within a minute");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn total(deck: &Tapedeck, asset: &str) -> i128 {
    let balances = deck.run::<&str>("balances", []).expect(0).json();
    let row = rows(&balances, "balances").iter().find(|row| row["asset"] == asset);
    row.map_or(0, |row| units(&text(row, "total")))
}

#[test]
fn a_trader_trades_through_a_running_recorder_and_kill_9_takes_nothing() {
    let seed = seed(62);
    let exchange =
        Exchange::open(Options { messages_per_second: 600, time_scale: 5, ..Options::new(seed) }).expect("loopback");
    let deck = Tapedeck::new();
    std::fs::write(deck.data.path().join("tapedeck.toml"), "archive_every_s = 1\n").expect("written");
    let feed = exchange.feed_url();
    let start = || deck.start("record", ["--feed", &feed, "--pairs", "BTC-USD,ETH-USD", "--acknowledge"]);
    let running = start();
    for _ in 0..20 {
        running.line(MINUTES).expect("trades are acknowledged");
    }
    let order = |arguments: &[&str]| deck.run("order", arguments);
    // The same order sent twice is one.
    order(&["buy", "BTC-USD", "0.01", "--id", "first"]).expect(0);
    let again = order(&["buy", "BTC-USD", "0.01", "--id", "first"]).expect(0).json();
    assert_eq!(again["existed"], true, "{again}");
    let other = order(&["buy", "BTC-USD", "0.02", "--id", "first"]).expect(1).json();
    assert_eq!(other["refused"]["code"], "id_taken", "{other}");
    until("the fill", || total(&deck, "BTC") == 1_000_000);
    deck.run("deposit", ["250", "--id", "gift"]).expect(0);
    assert_eq!(deck.run("deposit", ["250", "--id", "gift"]).expect(0).json()["existed"], true);

    // Halted: no entries, and exits all the same.
    deck.run("risk", ["halted"]).expect(0);
    let entry = order(&["buy", "BTC-USD", "0.01"]).expect(1).json();
    assert_eq!(entry["refused"]["code"], "halted", "{entry}");
    order(&["sell", "BTC-USD", "0.004"]).expect(0);
    until("the exit", || total(&deck, "BTC") == 600_000);

    let before = (total(&deck, "USD"), total(&deck, "BTC"));
    drop(running.kill());
    // Nobody runs: the command opens the directory itself.
    assert_eq!((total(&deck, "USD"), total(&deck, "BTC")), before, "kill -9 changed the account");
    let account = deck.run::<&str>("account", []).expect(0).json();
    assert_eq!(account["account"]["risk_state"], "halted", "a restart lifted the halt");
    let refused = order(&["buy", "BTC-USD", "0.01"]).expect(1).json();
    assert_eq!(refused["refused"]["code"], "halted");

    // A restart opens no second account.
    let running = start();
    running.line(MINUTES).expect("trades are acknowledged");
    deck.run("risk", ["active"]).expect(0);
    let flatten = deck.run("risk", ["flatten"]).expect(0);
    assert!(flatten.code == Some(0));
    until("flat", || total(&deck, "BTC") == 0);
    running.terminate(MINUTES).expect(0);
    let ledger = deck.run::<&str>("ledger", []).expect(0).json();
    let caused = |cause: &str| rows(&ledger, "transfers").iter().filter(|row| row["cause"] == cause).count();
    assert_eq!((caused("opening deposit"), caused("deposit gift")), (1, 1), "{ledger}");
    let sum: i128 = rows(&ledger, "transfers")
        .iter()
        .filter(|row| row["asset"] == "USD")
        .map(|row| match (row["credit"] == "trader", row["debit"] == "trader") {
            (true, false) => units(&text(row, "amount")),
            (false, true) => -units(&text(row, "amount")),
            _ => 0,
        })
        .sum();
    assert_eq!(sum, total(&deck, "USD"), "the balance is not the sum of the transfers");
    let verdict = deck.verified();
    assert!(number(&verdict, "transfers") >= 8, "{verdict}");
    deck.run::<&str>("reconcile", []).expect(0);
    // Everything but the records can be thrown away.
    deck.run::<&str>("rebuild", []).expect(0);
    assert_eq!(deck.verified()["ledger_hash"], verdict["ledger_hash"]);
    assert_eq!(total(&deck, "USD"), sum);
}
