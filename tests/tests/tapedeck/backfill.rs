//! Months that were asked of the venue's REST are what the venue has, whatever happens on the way.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;
use tapedeck_core::api::backfill::BackfillState;
use tapedeck_core::api::desk::DeskHost;
use tapedeck_core::api::view::Deck;
use tapedeck_tests::bars::{Bar, walk};
use tapedeck_tests::exchange::{Exchange, Faults, Listing, Options};
use tapedeck_tests::figures::{DAY, HOUR, MINUTE, nanos};

use crate::support::{MINUTES, Tapedeck, assert_same_bars, number, seed};

pub(crate) const PAIR: &str = "BTC-USD";

fn at(text: &str) -> i64 {
    nanos(text).expect("a time")
}

/// The first day of March, in the middle of a minute.
fn now() -> i64 {
    at("2026-03-01T02:10:20Z")
}

/// Two days at the end of January, and after weeks without a trade the end of February until after now; a night of it is quiet.
/// Whole months would take minutes to ask for, at the pace that the venue allows.
fn past(seed: u64) -> BTreeMap<i64, Bar> {
    let january = walk(seed, at("2026-01-30T06:00:00Z"), at("2026-02-01T00:00:00Z"));
    let mut all = walk(seed + 1, at("2026-02-26T10:00:00Z"), now() + HOUR);
    all.retain(|start, _| !(at("2026-02-27T20:00:00Z")..at("2026-02-28T07:00:00Z")).contains(start));
    all.extend(january);
    all
}

pub(crate) fn venue(seed: u64, faults: Faults) -> Exchange {
    let options = Options {
        listings: vec![Listing::of(PAIR, 5_000)],
        starts_at: now(),
        past: [(PAIR.to_owned(), past(seed))].into(),
        faults,
        ..Options::new(seed)
    };
    Exchange::open(options).expect("loopback")
}

/// Of a desk that records from it.
pub(crate) fn config(exchange: &Exchange) -> String {
    let (feed, rest) = (exchange.feed_url(), exchange.rest_url());
    format!("feed = \"{feed}\"\nrest = \"{rest}\"\npairs = [\"{PAIR}\"]\narchive_every_s = 1\n")
}

/// What is closed of it since `from`.
fn closed(past: &BTreeMap<i64, Bar>, from: &str) -> BTreeMap<i64, Bar> {
    past.range(at(from)..now() / MINUTE * MINUTE).map(|(start, bar)| (*start, bar.clone())).collect()
}

fn backfill(deck: &Tapedeck, exchange: &Exchange, months: &str) -> Value {
    deck.run("backfill", [PAIR, "--months", months, "--rest", &exchange.rest_url()]).expect(0).json()
}

#[track_caller]
fn reconciled(deck: &Tapedeck) {
    let tiers = deck.run::<&str>("reconcile", []).expect(0).json();
    assert_eq!(tiers["ok"], true, "{tiers}");
}

#[test]
fn a_fetched_month_is_what_the_venue_has_and_fetching_it_again_changes_nothing() {
    let seed = seed(51);
    let exchange = venue(seed, Faults::none());
    let deck = Tapedeck::new();
    let truth = closed(&past(seed), "2026-02-01T00:00:00Z");

    let first = backfill(&deck, &exchange, "1");
    let minutes = (now() / MINUTE * MINUTE - at("2026-02-01T00:00:00Z")) / MINUTE;
    for (name, expected) in [
        ("accepted", truth.len() as u64),
        ("duplicates", 0),
        ("quarantined", 0),
        ("empty_minutes", minutes as u64 - truth.len() as u64),
    ] {
        assert_eq!(number(&first, name), expected, "{name}: {first}");
    }
    assert_eq!((&first["complete"], &first["stopped"]), (&Value::Bool(true), &Value::Null), "{first}");
    assert_eq!((&first["from"], &first["to"]), (&"2026-02-01T00:00:00Z".into(), &"2026-03-01T02:10:00Z".into()));
    // The time, an empty page, the days of trading, and five hours a page from the first of these.
    assert_eq!(number(&first, "requests"), 1 + 1 + 1 + 15 + 1, "{first}");

    let candles = deck.candles(PAIR, None);
    assert_same_bars("all months", &candles, &truth);
    assert!(candles.values().all(|(_, quality)| quality == "backfilled"));
    let february = truth.range(..at("2026-03-01T00:00:00Z")).map(|(start, bar)| (*start, bar.clone())).collect();
    assert_same_bars("February", &deck.candles(PAIR, Some("coinbase:BTC-USD:2026-02")), &february);
    let question = "SELECT source, quality, count(*) AS n FROM warm.candles GROUP BY source, quality ORDER BY source";
    let lanes = deck.run("sql", [question, "--format", "json"]).expect(0).json();
    assert_eq!(lanes[0]["source"], "coinbase:BTC-USD:2026-02", "{lanes}");
    assert_eq!((&lanes[1]["quality"], lanes.as_array().map(Vec::len)), (&"backfilled".into(), Some(2)), "{lanes}");
    let before = deck.verified();
    assert_eq!(number(&before, "candles"), truth.len() as u64);
    reconciled(&deck);

    let again = backfill(&deck, &exchange, "1");
    let march = truth.len() - february.len();
    assert_eq!((number(&again, "accepted"), number(&again, "duplicates")), (0, march as u64), "{again}");
    assert_eq!(number(&again, "requests"), 2, "a month that is over was asked for again: {again}");
    assert_eq!(again["complete"], true, "{again}");
    assert_eq!(deck.verified()["state_hash"], before["state_hash"]);
    assert!(deck.candles(PAIR, None) == candles);
    reconciled(&deck);
}

#[test]
fn a_fetch_that_is_killed_or_refused_goes_on_where_it_was() {
    let seed = seed(52);
    let faults = Faults { rest_refusal: 0.15, ..Faults { seed, ..Faults::none() } };
    let (exchange, quiet) = (venue(seed, faults), venue(seed, Faults::none()));
    let (deck, unbroken) = (Tapedeck::new(), Tapedeck::new());
    let rest = exchange.rest_url();
    let start = || deck.start("backfill", [PAIR, "--months", "1", "--rest", &rest]);

    for (kill, answers) in [(true, 10), (false, 8), (true, 6)] {
        let enough = exchange.truth().rest_answers + answers;
        let running = start();
        let deadline = Instant::now() + MINUTES;
        while exchange.truth().rest_answers < enough && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        if kill {
            running.kill();
        } else {
            // Ctrl C, or the end of the session.
            let told = running.terminate(MINUTES).expect(1).json();
            assert_eq!((&told["complete"], told["stopped"].is_string()), (&Value::Bool(false), true), "{told}");
            assert!(number(&told, "accepted") > 0, "{told}");
        }
        deck.verified();
    }
    let last = start().finish(5 * MINUTES).expect(0).json();
    assert_eq!(last["complete"], true, "{last}");
    assert!(number(&last, "duplicates") > 0, "it did not look at the page that was under way: {last}");
    assert!(exchange.truth().rest_refusals > 0, "nothing was refused");
    assert_same_bars("interrupted", &deck.candles(PAIR, None), &closed(&past(seed), "2026-02-01T00:00:00Z"));
    backfill(&unbroken, &quiet, "1");
    assert_eq!(deck.verified()["state_hash"], unbroken.verified()["state_hash"]);
    reconciled(&deck);
}

#[test]
fn an_older_month_fetched_later_is_known_in_its_own_days() {
    let seed = seed(53);
    let exchange = venue(seed, Faults::none());
    let deck = Tapedeck::new();
    backfill(&deck, &exchange, "1");
    let older = backfill(&deck, &exchange, "2");
    let past = past(seed);
    let january: BTreeMap<i64, Bar> =
        past.range(..at("2026-02-01T00:00:00Z")).map(|(start, bar)| (*start, bar.clone())).collect();
    assert_eq!(number(&older, "accepted"), january.len() as u64, "{older}");
    assert_same_bars("both months", &deck.candles(PAIR, None), &closed(&past, "2026-01-01T00:00:00Z"));

    let moment = "2026-01-31T00:00:00Z";
    let known = past.range(..at(moment)).count();
    let as_of = deck.run("candles", [PAIR, "--as-of", moment, "--format", "json"]).expect(0).json();
    assert_eq!(as_of.as_array().map(Vec::len), Some(known), "as of {moment}");
    let question = format!("SELECT count(*) AS n, max(window_end) AS last FROM warm.candles WHERE pair = '{PAIR}'");
    let rows = deck.run("sql", [question.as_str(), "--as-of", moment, "--format", "json"]).expect(0).json();
    assert_eq!(rows[0]["n"], known, "{rows}");
    deck.verified();
    reconciled(&deck);
}

#[test]
fn what_was_recorded_is_not_replaced_by_what_was_fetched() {
    let seed = seed(54);
    let options = Options {
        listings: vec![Listing::of(PAIR, 5_000)],
        starts_at: now(),
        messages_per_second: 400,
        time_scale: 60,
        past: [(PAIR.to_owned(), walk(seed, now() / MINUTE * MINUTE - DAY, now() / MINUTE * MINUTE))].into(),
        ..Options::new(seed)
    };
    let before: BTreeMap<i64, Bar> = options.past[PAIR].clone();
    let exchange = Exchange::open(options).expect("loopback");
    let deck = Tapedeck::new();
    let (feed, rest) = (exchange.feed_url(), exchange.rest_url());
    let recorder = deck.start("record", ["--feed", &feed, "--rest", &rest, "--pairs", PAIR]);
    std::thread::sleep(Duration::from_secs(5));
    let settled = exchange.settle(MINUTES);
    recorder.terminate(MINUTES).expect(0);
    assert!(settled, "nobody listened");
    let live = deck.candles(PAIR, Some("live"));
    assert!(live.len() > 3 && live.values().all(|(bar, _)| bar.count > 0), "{live:?}");

    backfill(&deck, &exchange, "1");
    let all = deck.candles(PAIR, None);
    for (start, bar) in &live {
        assert_eq!(all.get(start), Some(bar), "the live candle of {start} was replaced");
    }
    let first = *live.keys().next().expect("several");
    let fetched: BTreeMap<_, _> = all.range(..first).map(|(start, bar)| (*start, bar.clone())).collect();
    assert_same_bars("before the recording", &fetched, &before.range(..first).map(|(s, b)| (*s, b.clone())).collect());
    deck.verified();
    reconciled(&deck);
}

#[test]
fn a_pair_nobody_knows_and_a_venue_nobody_reaches_are_told_apart() {
    let exchange = venue(1, Faults::none());
    let deck = Tapedeck::new();
    let ask = |pair: &str, rest: &str| deck.run("backfill", [pair, "--months", "1", "--rest", rest]).expect(2).error();
    assert_eq!(ask("NO-SUCH", &exchange.rest_url())["code"], "unknown_product");
    assert_eq!(ask(PAIR, "http://127.0.0.1:1")["code"], "venue_unreachable");
    deck.run("backfill", [PAIR, "--months", "0"]).expect(2);
    deck.verified();
}

/// The desk's button, without its window: beside a live recording, and what was loaded is in the chart's history.
#[test]
fn earlier_history_is_loaded_while_the_desk_records() {
    let seed = seed(55);
    let exchange = venue(seed, Faults::none());
    let data = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(data.path().join("tapedeck.toml"), config(&exchange)).expect("written");
    let desk = DeskHost::open(data.path()).expect("a desk");
    assert!(desk.desk().earlier_history);
    desk.choose_deck(Deck::Live).expect("live");
    let until = |what: &str, mut seen: Box<dyn FnMut() -> bool + '_>| {
        let deadline = Instant::now() + MINUTES;
        while !seen() {
            assert!(Instant::now() < deadline, "{what} does not come: {:?}", desk.frame().backfill);
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let state = || desk.frame().backfill.map(|backfill| backfill.state);
    let bars =
        || u32::from_le_bytes(desk.history(PAIR, "1m", None, 5_000).expect("bars")[4..8].try_into().expect("rows"));
    until("the first live candle", Box::new(|| bars() > 0));
    assert!(bars() < 5);

    // Cancelled half-way: what was loaded stays.
    desk.backfill(PAIR, 1).expect("it starts");
    let refused = desk.backfill(PAIR, 1).expect_err("one at a time");
    assert_eq!(refused.code, "backfill_running");
    until("a page", Box::new(|| desk.frame().backfill.is_some_and(|backfill| backfill.accepted > 0)));
    desk.cancel_backfill();
    until("the end", Box::new(|| state() == Some(BackfillState::Cancelled)));
    let generation = desk.frame().generation;
    assert!(bars() > 200);

    desk.backfill(PAIR, 1).expect("it starts again");
    until("the end", Box::new(|| state() == Some(BackfillState::Done)));
    let done = desk.frame();
    assert!(done.generation > generation, "the chart is not told of what was loaded");
    assert_eq!(done.backfill.map(|backfill| (backfill.run, backfill.share)), Some((2, 1.0)));
    let fetched = closed(&past(seed), "2026-02-01T00:00:00Z");
    assert!(bars() as usize >= fetched.len().min(5_000), "{} bars of {}", bars(), fetched.len());
    assert_eq!(desk.backfill("NO-SUCH", 1).expect_err("not listed").code, "unknown_pair");
    assert_eq!(desk.backfill(PAIR, 0).expect_err("none").code, "months_out_of_range");
    drop(desk);

    let deck = Tapedeck { data };
    let all = deck.candles(PAIR, None);
    let fetched: BTreeMap<i64, Bar> =
        fetched.into_iter().filter(|(start, _)| *start < now() / MINUTE * MINUTE).collect();
    let found = all.range(..now() / MINUTE * MINUTE).map(|(start, bar)| (*start, bar.clone())).collect();
    assert_same_bars("loaded", &found, &fetched);
    deck.verified();
    reconciled(&deck);
}
