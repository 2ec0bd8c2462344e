//! Three tapes in one directory: none is taken for another.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tapedeck_tests::bars::{Print, minutes};
use tapedeck_tests::exchange::{Event, Exchange, Listing, Market, Options};
use tapedeck_tests::figures::{HOUR, decimal, venue_time};

use crate::import::btc_day_by_polars;
use crate::support::{MINUTES, Tapedeck, assert_nothing_lost_or_doubled, assert_same_bars, number};

/// 2024-06-01 00:00 UTC.
pub(crate) const JUNE: i64 = 1_717_200_000_000_000_000;

/// Trades of one pair from a seed, an hour of them.
pub(crate) fn prints(seed: u64, pair: &str, first_trade_id: u64, hours: i64) -> Vec<Print> {
    let mut market = Market::new(seed, &[Listing::of(pair, first_trade_id)], JUNE, 3.0);
    let until = JUNE + hours * HOUR;
    std::iter::from_fn(|| market.next(until, true))
        .filter_map(|event| match event {
            Event::Trade(print, _) => Some(print),
            Event::Heartbeat(_) => None,
        })
        .collect()
}

pub(crate) fn csv(prints: &[Print]) -> String {
    let mut text = "trade_id,time,price,size,taker_side\n".to_owned();
    for print in prints {
        let side = if print.taker_buys { "buy" } else { "sell" };
        let (price, size) = (decimal(i128::from(print.price)), decimal(i128::from(print.size)));
        writeln!(text, "{},{},{price},{size},{side}", print.trade_id, venue_time(print.time))
            .expect("a String takes all");
    }
    text
}

/// Written beside the data, under this name.
pub(crate) fn file(directory: &tempfile::TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = directory.path().join(name);
    std::fs::write(&path, bytes).expect("a temporary file can be written");
    path
}

#[test]
fn a_trade_is_not_taken_for_a_duplicate_of_another_venues() {
    let deck = Tapedeck::new();
    let files = tempfile::tempdir().expect("a temporary directory");
    let pair = "BTC-USD";

    let sample = deck.run("import", ["--sample"]).expect(0).json();
    assert_eq!(number(&sample, "duplicates"), 0, "{sample}");
    assert!(number(&sample, "accepted") >= 863_403, "{sample}");

    // The import's ids are below the sample's, the live ones below both; some of the import's are the live ones.
    let imported = prints(31, pair, 5_000, 2);
    let path = file(&files, "june.csv", csv(&imported));
    let import = deck.import(&["--pair".as_ref(), pair.as_ref(), path.as_os_str()]);
    assert_eq!(number(&import, "accepted"), imported.len() as u64, "{import}");
    assert_eq!(number(&import, "duplicates"), 0, "{import}");
    assert_eq!(number(&import, "gaps"), 0, "{import}");
    let import_lane = import["files"][0]["source"].as_str().expect("a file's source is named").to_owned();

    let options = Options {
        listings: vec![Listing::of(pair, 4_900)],
        messages_per_second: 300,
        time_scale: 10,
        ..Options::new(32)
    };
    let exchange = Exchange::open(options).expect("loopback");
    let feed = exchange.feed_url();
    let recorder = deck.start("record", ["--feed", &feed, "--pairs", pair]);
    // Until the live ids overlap the import's, however long the start takes.
    let overlaps =
        || exchange.truth().trades.get(pair).and_then(|t| t.last().cloned()).is_some_and(|p| p.trade_id > 5_500);
    let deadline = Instant::now() + MINUTES;
    while !overlaps() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
    }
    let settled = exchange.settle(MINUTES);
    std::thread::sleep(Duration::from_secs(1));
    let last_word = recorder.terminate(MINUTES).expect(0).json();
    assert!(settled, "nobody listened: {last_word}");
    let truth = exchange.truth();
    assert!(
        truth.trades[pair].last().is_some_and(|p| p.trade_id > 5_000),
        "the live ids did not come to overlap the import's"
    );
    assert_eq!(number(&last_word, "duplicates"), 0, "{last_word}");

    assert_same_bars("the sample", &deck.candles(pair, Some("sample")), btc_day_by_polars());
    assert_same_bars("the import", &deck.candles(pair, Some(&import_lane)), &minutes(&imported));
    assert_nothing_lost_or_doubled(&deck, &truth, &last_word, Some("live"));
    deck.verified();
}

#[test]
fn one_file_under_two_names_is_one_tape() {
    let deck = Tapedeck::new();
    let files = tempfile::tempdir().expect("a temporary directory");
    let trades = prints(33, "ETH-USD", 77, 1);
    let (one, two) = (file(&files, "one.csv", csv(&trades)), file(&files, "two.csv", csv(&trades)));
    let import = |path: &PathBuf| deck.import(&["--pair".as_ref(), "ETH-USD".as_ref(), path.as_os_str()]);
    assert_eq!(number(&import(&one), "accepted"), trades.len() as u64);
    let again = import(&two);
    assert_eq!((number(&again, "accepted"), number(&again, "duplicates")), (0, trades.len() as u64), "{again}");
    assert_same_bars("the file", &deck.candles("ETH-USD", None), &minutes(&trades));
}
