//! The loopback exchange itself: a fault that can not be repeated proves nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tapedeck_tests::exchange::{Dice, Event, Exchange, Faults, Listing, Market, Options};
use tapedeck_tests::figures::SECOND;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

const START: i64 = 1_774_015_230_000_000_000;

fn events(seed: u64, seconds: i64) -> Vec<Event> {
    let mut market = Market::new(seed, &Listing::six(), START, 500.0);
    std::iter::from_fn(|| market.next(START + seconds * SECOND, true)).collect()
}

#[test]
fn a_failure_can_be_repeated_from_its_seed() {
    let (once, again, other) = (events(7, 60), events(7, 60), events(8, 60));
    assert!(once.len() > 20_000, "a minute at 500 trades a second has {} events", once.len());
    assert!(once == again, "one seed, two markets");
    assert!(once != other, "two seeds, one market");

    let faults = Faults::all(3);
    let decisions = |seed| {
        let mut dice = Dice::new(seed);
        (0..50_000).map(|_| dice.decide(&faults)).collect::<Vec<_>>()
    };
    assert!(decisions(3) == decisions(3));
    assert!(decisions(3) != decisions(4));
}

#[test]
fn the_first_connection_sees_the_same_frames_whenever_it_comes() {
    let listen = |wait_ms| {
        // Without delays, which are of the wall clock.
        let faults = Faults { delay: 0.0, ..Faults::that_keep_the_connection(5) };
        let exchange = Exchange::open(Options { faults, ..Options::new(5) }).expect("loopback");
        std::thread::sleep(Duration::from_millis(wait_ms));
        first_frames(&exchange, 1_000)
    };
    assert!(listen(0) == listen(150), "one seed, two feeds");
}

/// The faults are survivable, the end is shown to whoever listens, and REST has every trade: what the tests of the recorder rest on.
#[test]
fn a_client_that_reconnects_and_fetches_can_know_everything() {
    let faults = Faults { cut: 0.003, silence: 0.002, ..Faults::all(6) };
    let exchange = Exchange::open(Options { faults, messages_per_second: 800, ..Options::new(6) }).expect("loopback");
    let heard = Arc::new(Mutex::new(BTreeSet::new()));
    let (url, listener) = (exchange.feed_url(), Arc::clone(&heard));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.spawn(async move {
        loop {
            let Ok(mut socket) = subscribed(&url).await else { continue };
            // No frame for a second is silence: heartbeats alone are six a second.
            while let Ok(Some(Ok(message))) = tokio::time::timeout(Duration::from_secs(1), socket.next()).await {
                let frame: Value =
                    message.to_text().ok().and_then(|t| serde_json::from_str(t).ok()).unwrap_or_default();
                if let (Some(pair), Some(id), true) =
                    (frame["product_id"].as_str(), frame["trade_id"].as_u64(), frame["size"].is_string())
                {
                    listener.lock().expect("nobody panics").insert((pair.to_owned(), id));
                }
            }
        }
    });
    std::thread::sleep(Duration::from_secs(6));
    assert!(exchange.settle(Duration::from_secs(20)), "the end was not shown: {:?}", exchange.truth().sent);
    std::thread::sleep(Duration::from_millis(300));
    let truth = exchange.truth();
    let faults = (truth.connections, truth.cuts, truth.silences, truth.garbage.len(), truth.dropped.len());
    assert!(
        faults.0 > 2 && faults.1 > 0 && faults.2 == 1 && faults.3 > 0 && faults.4 > 0,
        "not every fault happened: {faults:?}"
    );
    let heard = heard.lock().expect("nobody panics");
    assert!(heard.is_subset(&truth.shown));
    for (pair, trades) in &truth.trades {
        let last = trades.last().expect("every pair traded").trade_id;
        assert!(heard.contains(&(pair.clone(), last)), "{pair}: the last trade, {last}, was not shown");
        let mut fetched = Vec::new();
        while let Some(page) = page(&exchange.rest_url(), pair, fetched.last().copied()) {
            assert!(page.len() <= 100);
            fetched.extend(page);
        }
        let expected: Vec<u64> = trades.iter().rev().map(|p| p.trade_id).collect();
        assert!(fetched == expected, "{pair}: REST has {} trades, newest first, of {}", fetched.len(), expected.len());
    }
}

/// Ids of one page, as `CB-AFTER` cursors lead from one to the next.
fn page(rest: &str, pair: &str, after: Option<u64>) -> Option<Vec<u64>> {
    let address = rest.strip_prefix("http://").expect("plain HTTP");
    let mut stream = TcpStream::connect(address).expect("REST listens");
    let after = after.map_or(String::new(), |id| format!("&after={id}"));
    write!(stream, "GET /products/{pair}/trades?limit=100{after} HTTP/1.1\r\nHost: here\r\n\r\n").expect("REST hears");
    stream.shutdown(std::net::Shutdown::Write).expect("the request is whole");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer is text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let rows: Vec<Value> = serde_json::from_str(body).expect("an answer is JSON");
    let ids: Vec<u64> = rows.iter().filter_map(|row| row["trade_id"].as_u64()).collect();
    let cursor = head.lines().find_map(|l| l.strip_prefix("CB-AFTER: ")).and_then(|v| v.parse().ok());
    assert_eq!(cursor, ids.last().copied());
    (!ids.is_empty()).then_some(ids)
}

#[test]
fn the_market_is_as_the_real_one_is() {
    let (mut tickers_first, mut trades) = (0, 0);
    let mut last_ids = BTreeMap::new();
    for event in events(1, 120) {
        let Event::Trade(print, frames) = event else { continue };
        trades += 1;
        if let Some(last) = last_ids.insert(print.pair.clone(), print.trade_id) {
            assert_eq!(print.trade_id, last + 1);
        }
        let [first, second] = frames.map(|f| serde_json::from_str::<Value>(&f.text).expect("a frame is JSON"));
        tickers_first += u32::from(first["type"] == "ticker");
        let (ticker, fill) = if first["type"] == "ticker" { (first, second) } else { (second, first) };
        for (of_ticker, of_match) in [
            ("sequence", "sequence"),
            ("time", "time"),
            ("last_size", "size"),
            ("price", "price"),
            ("trade_id", "trade_id"),
        ] {
            assert_eq!(ticker[of_ticker], fill[of_match]);
        }
        assert!(ticker["side"] != fill["side"], "the ticker names the taker, the match the maker");
        assert!(print.price > 0 && print.size > 0);
    }
    assert!(tickers_first > trades / 8 && tickers_first < trades / 2, "{tickers_first} of {trades} tickers came first");
}

async fn subscribed(url: &str) -> Result<Socket, Error> {
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await?;
    let pairs: Vec<String> = Listing::six().into_iter().map(|l| l.pair).collect();
    let request = json!({"type": "subscribe", "product_ids": pairs, "channels": ["matches", "ticker", "heartbeat"]});
    socket.send(Message::text(request.to_string())).await?;
    Ok(socket)
}

fn first_frames(exchange: &Exchange, count: usize) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let talk = async {
        let mut socket = subscribed(&exchange.feed_url()).await.expect("the exchange listens");
        let mut frames = Vec::new();
        while frames.len() < count {
            let frame = socket.next().await.expect("the feed goes on").expect("the connection holds");
            frames.push(format!("{frame:?}"));
        }
        frames
    };
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), talk).await.expect("frames come") })
}
