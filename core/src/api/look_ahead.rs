//! Two recordings that are alike until a moment, and not after it: at that moment every read of the desk is the same, to the byte.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::config::Config;
use super::desk::DeskHost;
use super::sql::SqlAsk;
use super::studies::StudiesRequest;
use super::trading::{OrderRequest, Request};
use super::view::{Range, SessionCommand, Transport, Watch};
use crate::domain::time::SECOND;
use crate::domain::{
    Arrival, EventTime, Input, Interval, Pair, Price, Quantity, Quote, ReceivedTime, Side, Source, Tick, TickKind,
    Trade, TradeId, money,
};
use crate::ingest::Message;
use crate::session::recorder::Recorder;

/// What this machine's clock says at second 0 of the tape, in nanoseconds: later than it really is, so that a command is never given after a
/// silence.
const HERE: i64 = 4_000_000_000 * SECOND;

const PAIRS: [&str; 2] = ["BTC-USD", "ETH-USD"];

/// Seconds of tape, and after which of them two recordings differ.
const LENGTH: i64 = 3 * 3_600;
const MOMENT: i64 = 2 * 3_600 + 61;

fn tick(pair: Pair, second: i64, kind: TickKind) -> Tick {
    let at = second * SECOND;
    let (event_time, received_time) = (EventTime::from_nanos(at), ReceivedTime::from_nanos(at + HERE));
    Tick { source: Source::Live, pair, sequence: second as u64 + 1, event_time, received_time, kind }
}

fn order(id: &str, pair: &str, side: &str, quantity: &str, limit: Option<&str>) -> Request {
    let kind = if limit.is_some() { "limit" } else { "market" };
    Request::Place(OrderRequest {
        id: id.to_owned(),
        pair: pair.to_owned(),
        side: side.to_owned(),
        r#type: kind.to_owned(),
        qty: quantity.to_owned(),
        limit: limit.map(str::to_owned),
        ..OrderRequest::default()
    })
}

/// A trade a second of one pair, a quote of the other, and an account that trades in it. `future` decides what comes after the moment.
fn record(directory: &Path, future: u64) {
    let config = "feed = \"ws://127.0.0.1:9\"\npairs = [\"BTC-USD\", \"ETH-USD\"]\narchive_every_s = 1\n";
    std::fs::write(directory.join("tapedeck.toml"), config).expect("written");
    let terms = Config::load(directory).expect("ours").terms();
    let (mut recorder, _) = Recorder::open(directory).expect("new");
    let (mut past, mut later) = (ChaCha8Rng::seed_from_u64(1), ChaCha8Rng::seed_from_u64(future));
    let mut inputs = Vec::new();
    for second in 0..LENGTH {
        let dice = if second <= MOMENT { &mut past } else { &mut later };
        let (pair, other): (Pair, Pair) = (PAIRS[0].parse().expect("a pair"), PAIRS[1].parse().expect("a pair"));
        let (pair, other) = if second % 2 == 0 { (pair, other) } else { (other, pair) };
        let price = (1_000 + i64::from(dice.next_u32() % 90)) * money::ONE;
        let trade = TickKind::Trade(Trade {
            trade_id: TradeId(second as u64 / 2 + 1),
            price: Price::from_units(price),
            size: Quantity::from_units(i64::from(1 + dice.next_u32() % 1_000) * 1_000_000),
            taker_side: Some(if dice.next_u32().is_multiple_of(2) { Side::Buy } else { Side::Sell }),
            arrival: Arrival::News,
        });
        let quote = TickKind::Quote(Quote {
            best_bid: Price::from_units(price - money::ONE),
            best_ask: Price::from_units(price + money::ONE),
            bid_size: None,
            ask_size: None,
            volume_24h: None,
            open_24h: None,
        });
        let lane = recorder.lane(Source::Live).expect("a lane");
        lane.admit(Message::Trade { tick: tick(pair, second, trade), rounded: false }, &mut inputs);
        lane.admit(Message::Quote { tick: tick(other, second, quote), last_trade: None, rounded: false }, &mut inputs);
        let at = EventTime::from_nanos(second * SECOND);
        inputs.push((
            at,
            Input::Clock { source: Source::Live, received: ReceivedTime::from_nanos(second * SECOND + HERE) },
        ));
        let told = match second {
            300 => Some(order("first", PAIRS[0], "buy", "1", None)),
            4_000 => Some(order("waits", PAIRS[1], "buy", "2", Some("900"))),
            7_000 => Some(order("part", PAIRS[0], "sell", "0.4", None)),
            // After the moment each has its own.
            9_000 if future.is_multiple_of(2) => Some(order("late", PAIRS[0], "sell", "0.2", None)),
            9_100 => Some(Request::Cancel { id: "waits".to_owned() }),
            _ => None,
        };
        if second % 50 == 0 || told.is_some() {
            recorder.commit(&mut inputs).expect("durable");
        }
        if let Some(action) = told.and_then(|told| told.action().expect("an order")) {
            recorder.command(&[action], &terms).expect("durable");
        }
    }
    recorder.lane(Source::Live).expect("a lane").finish(&mut inputs);
    recorder.commit(&mut inputs).expect("durable");
    recorder.checkpoint().expect("laid");
}

fn settle(desk: &DeskHost) {
    for _ in 0..5_000 {
        desk.advance();
        if desk.frame().transport.progress.is_none() {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("the deck does not come to rest");
}

/// Every read of the desk that is about the market or the account, by its name. The Pipeline tab is about the recording that goes on, and what the
/// Sessions tab says of each is how far the trader has played it.
fn reads(desk: &DeskHost) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut put = |name: String, text: String| {
        assert!(found.insert(name.clone(), text).is_none(), "{name} twice");
    };
    for pair in PAIRS {
        desk.watch(&Watch { pair: pair.to_owned(), interval: "1m".to_owned() }).expect("listed");
        let frame = desk.frame();
        put(format!("frame {pair}"), format!("{:?}", (frame.clock, frame.bars, frame.rows, frame.trading)));
        put(format!("timeline {pair}"), format!("{:?}", desk.timeline(None, false).expect("read")));
        let range = Range { from_ms: 0.0, to_ms: (LENGTH * 1_000) as f64 };
        put(format!("part of the timeline {pair}"), format!("{:?}", desk.timeline(Some(range), false).expect("read")));
        for interval in Interval::ALL {
            let bars = desk.history(pair, interval.as_str(), None, 5_000).expect("read");
            put(format!("history {pair} {}", interval.as_str()), format!("{bars:?}"));
        }
        for request in [
            Request::Estimate(OrderRequest {
                id: "e".to_owned(),
                ..match order("e", pair, "buy", "1", None) {
                    Request::Place(order) => order,
                    _ => unreachable!("an order"),
                }
            }),
            Request::CanTrade { pair: pair.to_owned() },
        ] {
            put(format!("{request:?}"), format!("{:?}", desk.trade(&request)));
        }
    }
    for request in [
        Request::Account,
        Request::Balances,
        Request::Positions,
        Request::Orders { all: true },
        Request::Orders { all: false },
        Request::Trades { limit: 1_000 },
        Request::Transfers { limit: 1_000 },
    ] {
        put(format!("{request:?}"), format!("{:?}", desk.trade(&request).expect("answered")));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    for pair in PAIRS {
        for across in [false, true] {
            let alike = runtime.block_on(desk.alike(pair, across)).expect("asked");
            put(format!("alike {pair} {across}"), format!("{alike:?}"));
        }
        let indicators = ["sma(20)", "macd", "vwap", "supertrend"].map(str::to_owned).to_vec();
        let request = StudiesRequest {
            pair: pair.to_owned(),
            interval: "1m".to_owned(),
            before_ms: None,
            limit: 5_000,
            indicators,
        };
        put(format!("studies {pair}"), format!("{:?}", desk.studies(&request).expect("drawn")));
    }
    for table in [
        "hot.ticks",
        "hot.quotes",
        "cold.ticks",
        "warm.ohlcv_1m",
        "warm.candles",
        "warm.transfers",
        "warm.trades",
        "vectors.patterns",
    ] {
        let text = format!("SELECT * FROM {table}");
        // Whatever time is asked for.
        for as_of_ms in [None, Some(1e15)] {
            let asked = SqlAsk { text: text.clone(), as_of_ms, snapshot: None };
            let answer = runtime.block_on(desk.sql().run(asked, desk.cursor())).expect("answered");
            let mut rows = Vec::new();
            while (rows.len() as u32) < answer.rows {
                let page = desk.sql().rows(answer.id, rows.len() as u32, 1_000).expect("rows");
                assert!(!page.is_empty(), "{table} ends early");
                rows.extend(page);
            }
            rows.sort();
            put(format!("{table} {as_of_ms:?}"), format!("{rows:?}"));
        }
    }
    found
}

#[test]
fn nothing_after_the_cursor_changes_anything_that_is_read() {
    let looks: Vec<BTreeMap<String, String>> = [2, 3]
        .into_iter()
        .map(|future| {
            let directory = tempfile::tempdir().expect("a directory");
            record(directory.path(), future);
            let desk = DeskHost::open(directory.path()).expect("a desk");
            // The tables are carried on beside it.
            for _ in 0..600 {
                if desk.archived_through() >= desk.recorded_through() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            assert_eq!(desk.archived_through(), desk.recorded_through(), "the tables are behind");
            // Looked at from the end first: what was seen there must not stay.
            desk.replay((LENGTH * 1_000) as f64).expect("recorded");
            settle(&desk);
            let end = reads(&desk);
            desk.replay((MOMENT * 1_000) as f64).expect("recorded");
            settle(&desk);
            let look = reads(&desk);
            for name in [
                "frame BTC-USD",
                "Account",
                "cold.ticks None",
                "warm.candles None",
                "vectors.patterns None",
                "history ETH-USD 5m",
                "alike BTC-USD true",
                "studies ETH-USD",
            ] {
                assert_ne!(look[name], end[name], "{name} is the same at the end: it proves nothing");
            }
            desk.session(&SessionCommand::Take { number: 0, resume: false }).expect("the live account");
            desk.transport(&Transport::Seek { at_ms: (MOMENT * 1_000) as f64 }).expect("there");
            settle(&desk);
            look
        })
        .collect();
    for (name, read) in &looks[0] {
        assert!(looks[1][name] == *read, "{name} knows what comes later:\n{read}\n{}", looks[1][name]);
    }
    assert!(looks[0].len() > 40, "{} reads", looks[0].len());
}
