//! Replays, forks and comparisons: what live did comes out again, a fork leaves its parent as it was, and what differs is listed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use tapedeck_core::api::desk::DeskHost;
use tapedeck_core::api::view::{Deck, Transport};
use tapedeck_tests::exchange::{Exchange, Faults, Options};

use crate::support::{MINUTES, Tapedeck, btc_day, counts, number, say, seed, walk};

fn import_day(deck: &Tapedeck) {
    let path = btc_day();
    deck.import(&["--pair".as_ref(), "BTC-USD".as_ref(), path.as_os_str()]);
}

/// The bytes of every file of a session, but where it stands.
fn bytes(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = walk(folder).into_iter().filter(|path| !path.ends_with("standing.json"));
    files.map(|path| (path.clone(), std::fs::read(&path).expect("readable"))).collect()
}

fn orders(deck: &Tapedeck, name: &str, lines: &[&str]) -> String {
    let path = deck.data.path().join(name);
    std::fs::write(&path, lines.join("\n")).expect("written");
    path.to_str().expect("a path of ASCII").to_owned()
}

fn listed<'a>(comparison: &'a Value, side: &str, what: &str) -> &'a Vec<Value> {
    comparison[side]["only"][what].as_array().unwrap_or_else(|| panic!("{side} {what}: {comparison}"))
}

#[test]
fn a_fork_leaves_its_parent_as_it_was_and_the_comparison_lists_what_is_different() {
    let deck = Tapedeck::new();
    import_day(&deck);
    let base = orders(
        &deck,
        "base.jsonl",
        &[
            r#"{"at":"2024-01-01T00:10:00Z","id":"in","pair":"BTC-USD","side":"buy","type":"market","qty":"0.2"}"#,
            r#"{"at":"2024-01-01T00:40:00Z","id":"more","pair":"BTC-USD","side":"buy","type":"limit","limit":"42000","qty":"0.1"}"#,
            r#"{"at":"2024-01-01T01:50:00Z","id":"out","pair":"BTC-USD","side":"sell","type":"market","qty":"0.2"}"#,
        ],
    );
    let replayed =
        deck.run("replay", ["--to", "2024-01-01T02:00:00Z", "--orders", &base, "--session", "base"]).expect(0).json();
    let folder = deck.data.path().join("sessions/0001");
    let before = bytes(&folder);
    assert!(before.len() >= 2, "{before:?}");

    let other = orders(
        &deck,
        "other.jsonl",
        &[r#"{"at":"2024-01-01T01:10:00Z","id":"short","pair":"BTC-USD","side":"sell","type":"market","qty":"0.15"}"#],
    );
    let fork = ["base", "--at", "2024-01-01T01:00:00Z", "--orders", &other, "--name", "What if"];
    let forked = deck.run("fork", fork).expect(0).json();
    assert_ne!(forked["ledger_hash"], replayed["ledger_hash"]);
    assert_eq!(bytes(&folder), before, "the fork changed its parent");
    // The same again is the same session, another one of that name is refused.
    assert_eq!(deck.run("fork", fork).expect(0).json()["id"], forked["id"]);
    let taken = deck.run("fork", ["base", "--at", "2024-01-01T01:05:00Z", "--name", "What if"]).expect(2);
    assert_eq!(taken.error()["code"], "session_name");

    let comparison = deck.run("compare", ["base", "What if"]).expect(0).json();
    assert_eq!(comparison["first"]["ledger_hash"], replayed["ledger_hash"], "the parent replays otherwise");
    assert_eq!(comparison["second"]["ledger_hash"], forked["ledger_hash"]);
    assert_eq!(comparison["parted_at"], "2024-01-01T01:10:00Z");
    let ids = |side: &str| -> Vec<String> {
        let commands = listed(&comparison, side, "commands").iter();
        commands.map(|told| told["action"]["Place"]["id"].as_str().expect("an order").to_owned()).collect()
    };
    assert_eq!((ids("first"), ids("second")), (vec!["out".to_owned()], vec!["short".to_owned()]));
    for (side, id) in [("first", "out"), ("second", "short")] {
        let fills = listed(&comparison, side, "fills");
        assert!(!fills.is_empty() && fills.iter().all(|fill| fill["order_id"] == id), "{side}: {fills:?}");
    }
    let curve = comparison["equity"].as_array().expect("a curve");
    let part = curve.iter().position(|point| point["first"] != point["second"]).expect("they come to different ends");
    assert!(curve[part]["at"].as_str() >= Some("2024-01-01T01:10"), "{}", curve[part]);
    assert!(curve.len() > 100, "{} points of two hours", curve.len());

    // Snapshots come and go, and more is recorded: a session is pinned where it was made.
    let later = deck.data.path().join("later.csv");
    std::fs::write(&later, "trade_id,time,price,size\n990000001,2024-01-01T01:00:00Z,1,1\n").expect("written");
    deck.import(&["--pair".as_ref(), "BTC-USD".as_ref(), later.as_os_str()]);
    let again = deck.run("compare", ["base", "What if"]).expect(0).json();
    for side in ["first", "second"] {
        assert_eq!(again[side]["ledger_hash"], comparison[side]["ledger_hash"], "{side}");
        assert_eq!(again[side]["state_hash"], comparison[side]["state_hash"], "{side}");
    }
    assert_eq!(bytes(&folder), before);

    let sessions = deck.run::<&str>("sessions", []).expect(0).json();
    let rows = sessions["sessions"].as_array().expect("a list");
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[1]["name"], &rows[1]["parent"]), (&"What if".into(), &"0001".into()));
    assert!(rows[0]["snapshot"].is_i64(), "{sessions}");
    deck.run("sessions", ["delete", "What if"]).expect(0);
    assert_eq!(deck.run("compare", ["base", "What if"]).expect(2).error()["code"], "unknown_session");
    deck.run("sessions", ["restore", "0002"]).expect(0);
    deck.run("compare", ["base", "What if"]).expect(0);
}

/// Some texts of the exchange's own time.
fn venue_time(seconds: i64) -> String {
    (1_774_015_230_000 + seconds * 1_000).to_string()
}

#[test]
fn a_live_session_on_a_bad_day_is_replayed_to_the_last_hash() {
    let seed = seed(71);
    let options = Options {
        faults: Faults::that_keep_the_connection(seed),
        messages_per_second: 600,
        time_scale: 5,
        ..Options::new(seed)
    };
    let exchange = Exchange::open(options).expect("loopback");
    let deck = Tapedeck::new();
    std::fs::write(deck.data.path().join("tapedeck.toml"), "archive_every_s = 1\nkeep_records = 1000\n")
        .expect("written");
    let (feed, rest) = (exchange.feed_url(), exchange.rest_url());
    let record = |pairs: &str| {
        let running = deck.start("record", ["--feed", &feed, "--rest", &rest, "--pairs", pairs, "--acknowledge"]);
        for _ in 0..20 {
            running.line(MINUTES).expect("trades are acknowledged");
        }
        running
    };
    let order = |arguments: &[&str]| deck.run("order", arguments);
    // On a bad day trades are missing now and then, and entries wait for them.
    let insist = |arguments: &[&str]| {
        let began = Instant::now();
        loop {
            let answer = order(arguments);
            if answer.code == Some(0) {
                return;
            }
            assert!(began.elapsed() < 2 * MINUTES, "{answer:#?}");
            std::thread::sleep(Duration::from_millis(300));
        }
    };
    let part = Duration::from_secs(counts(6, 60));

    let running = record("BTC-USD,ETH-USD,SOL-USD");
    insist(&["buy", "BTC-USD", "0.05", "--id", "first"]);
    insist(&["buy", "SOL-USD", "2", "--id", "third"]);
    // Far from the market, until a moment that comes soon.
    let until = venue_time(60);
    insist(&["buy", "ETH-USD", "0.5", "--limit", "3", "--tif", "gtd", "--until", &until, "--id", "expires"]);
    let blocked = order(&["buy", "LINK-USD", "1", "--id", "blocked"]).expect(1).json();
    say(&format!("  blocked: {}", blocked["refused"]["code"]));
    std::thread::sleep(part);
    insist(&["sell", "BTC-USD", "0.02", "--id", "second"]);
    drop(running.kill());

    // Half way, while nobody records: an import into the same journal.
    let part_of_a_day = deck.data.path().join("part.csv");
    let rows: String = (1..2_000).map(|id| format!("{id},{},42000,0.1\n", venue_time(id / 100))).collect();
    std::fs::write(&part_of_a_day, format!("trade_id,time,price,size\n{rows}")).expect("written");
    deck.import(&["--pair".as_ref(), "BTC-USD".as_ref(), part_of_a_day.as_os_str()]);
    // From here on without a pair: its price gets old, and blocks entries.
    let running = record("BTC-USD,ETH-USD");
    insist(&["buy", "ETH-USD", "0.1", "--bracket", "9000,100", "--id", "bracket"]);
    std::thread::sleep(part);
    let stale = order(&["buy", "SOL-USD", "1", "--id", "stale"]).expect(1).json();
    assert_eq!(stale["refused"]["code"], "stale_price", "{stale}");
    insist(&["sell", "SOL-USD", "1", "--id", "exit"]);
    deck.run("risk", ["flatten"]).expect(0);
    std::thread::sleep(Duration::from_secs(2));
    running.terminate(2 * MINUTES).expect(0);

    let verdict = deck.verified();
    let trades = deck.run::<&str>("trades", []).expect(0).json();
    let orders = deck.run("orders", ["--all"]).expect(0).json();
    let rows = |value: &Value, name: &str| value[name].as_array().expect("a list").clone();
    let state = |id: &str| {
        let all = rows(&orders, "orders");
        let row = all.iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("{id} is an order: {orders}"));
        row["state"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(state("expires"), "expired", "{orders}");
    assert_eq!(state("blocked"), "rejected");
    assert!(rows(&trades, "trades").len() >= 4, "{trades}");

    let replays: Vec<Value> = (0..2).map(|_| deck.run("replay", ["--source", "live"]).expect(0).json()).collect();
    for replay in &replays {
        assert_eq!(replay["ledger_hash"], verdict["ledger_hash"], "the replay's ledger is another");
        assert_eq!(number(replay, "fills") as usize, rows(&trades, "trades").len());
        assert_eq!(replay["state_hash"], replays[0]["state_hash"]);
    }
    // A copy of the live account, made at the end of it and in the middle, tells the same.
    let end = deck.run("fork", ["live", "--at", "2030-01-01", "--name", "copy"]).expect(0).json();
    assert_eq!(end["ledger_hash"], verdict["ledger_hash"]);
    let same = deck.run("compare", ["live", "copy"]).expect(0).json();
    assert_eq!(same["parted_at"], Value::Null, "{same}");
    assert!(listed(&same, "first", "fills").is_empty() && listed(&same, "second", "fills").is_empty());
    let half = deck.run("fork", ["live", "--at", &venue_time(20), "--name", "half"]).expect(0).json();
    assert_ne!(half["ledger_hash"], verdict["ledger_hash"]);
    let parted = deck.run("compare", ["live", "half"]).expect(0).json();
    assert!(parted["parted_at"].is_string() && listed(&parted, "second", "commands").is_empty(), "{parted}");
    assert_eq!(deck.verified()["ledger_hash"], verdict["ledger_hash"], "live was changed by who replayed it");
    let late = replays[0]["candles"].as_u64().unwrap_or_default();
    say(&format!(
        "  {} ticks, {late} candles, {} fills, replayed in two processes",
        replays[0]["ticks"], replays[0]["fills"]
    ));
}

#[test]
fn recording_goes_on_without_a_gap_while_the_past_is_played_at_max() {
    let seed = seed(72);
    let mut options = Options { messages_per_second: 800, time_scale: 20, ..Options::new(seed) };
    options.listings.retain(|listing| ["BTC-USD", "ETH-USD"].contains(&listing.pair.as_str()));
    let exchange = Exchange::open(options).expect("loopback");
    let deck = Tapedeck::new();
    // Nothing is fetched: what is missed stays missing, and shows.
    let config = format!(
        "feed = \"{}\"\nrest = \"\"\npairs = [\"BTC-USD\", \"ETH-USD\"]\narchive_every_s = 1\n",
        exchange.feed_url()
    );
    std::fs::write(deck.data.path().join("tapedeck.toml"), config).expect("written");
    let desk = DeskHost::open(deck.data.path()).expect("a desk");
    desk.choose_deck(Deck::Live).expect("live");
    let frames = || desk.frame().health.counts.trades;
    let began = Instant::now();
    while frames() < 2_000 {
        assert!(began.elapsed() < 2 * MINUTES, "the venue does not print");
        std::thread::sleep(Duration::from_millis(50));
    }
    let (mut rounds, mut played) = (0, 0);
    let until = Instant::now() + Duration::from_secs(counts(8, 60));
    while Instant::now() < until {
        let from = desk.frame().tape.from_ms;
        desk.replay(from + 86_400_000.0 * f64::from(rounds % 2)).expect("recorded");
        desk.transport(&Transport::Seek { at_ms: from }).expect("there");
        desk.transport(&Transport::Speed { times: None }).expect("max");
        desk.transport(&Transport::Play).expect("plays");
        for _ in 0..100 {
            desk.advance();
            let frame = desk.frame();
            played = played.max(frame.tape.trade);
            if frame.transport.at_end {
                break;
            }
            std::thread::sleep(Duration::from_millis(4));
        }
        desk.choose_deck(Deck::Live).expect("live");
        rounds += 1;
    }
    let settled = exchange.settle(Duration::from_secs(60));
    assert!(settled, "nobody listened in the end: {:?}", desk.frame().health);
    std::thread::sleep(Duration::from_secs(2));
    drop(desk);
    deck.verified();
    let query = "SELECT pair, max(trade_id) - min(trade_id) + 1 - count(*) AS missing, count(*) AS trades \
        FROM cold.ticks WHERE kind = 'trade' GROUP BY pair";
    let rows = deck.run("sql", [query]).expect(0).json();
    let rows = rows.as_array().expect("rows");
    assert_eq!(rows.len(), 2, "{rows:?}");
    for row in rows {
        assert_eq!(row["missing"].to_string().trim_matches('"'), "0", "{row}");
    }
    assert!(rounds > 3 && played > 1_000, "{rounds} rounds, {played} trades played");
    say(&format!("  played {rounds} times at max, {played} trades, while these were recorded: {rows:?}"));
}
