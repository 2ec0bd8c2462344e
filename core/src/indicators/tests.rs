//! Beside published results, beside other libraries, and against one's own batch.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde_json::Value;
use ta::Next;

use super::*;

fn close_to(found: f64, expected: f64, within: f64) -> bool {
    (found - expected).abs() <= within * expected.abs().max(1.0)
}

fn column(text: &str, line: usize, bars: &[Bar]) -> Vec<f64> {
    columns(&text.parse().expect("an indicator"), bars).swap_remove(line)
}

/// A walk with a day to every bar.
fn walk(count: usize, seed: u64) -> Vec<Bar> {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let mut share = move || dice.next_u64() as f64 / u64::MAX as f64;
    let mut close = 100.0;
    let bar = |day: usize| {
        let open = close;
        close *= 1.0 + (share() - 0.5) * 0.04;
        let (high, low) =
            (f64::max(open, close) * (1.0 + share() * 0.01), f64::min(open, close) * (1.0 - share() * 0.01));
        Bar { time_ms: day as f64 * 3.6e6, open, high, low, close, volume: 1.0 + share() * 9.0 }
    };
    (0..count).map(bar).collect()
}

fn shared(path: &str) -> Option<PathBuf> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/indicators").join(path);
    if !file.exists() {
        let skip = format!("published_results: {} is not on this machine", file.display());
        let _ = writeln!(std::io::stderr(), "SKIPPED: {skip}");
        if let Some(list) = std::env::var_os("TAPEDECK_SKIPS")
            && let Ok(mut list) = std::fs::OpenOptions::new().create(true).append(true).open(list)
        {
            let _ = writeln!(list, "{skip}");
        }
        return None;
    }
    Some(file)
}

#[test]
fn published_results_are_met_to_a_billionth() {
    let Some(quotes) = shared("quotes.csv") else { return };
    let mut rows = csv::Reader::from_path(quotes).expect("readable");
    let bars: Vec<Bar> = rows
        .records()
        .enumerate()
        .map(|(day, row)| {
            let row = row.expect("a row");
            let number = |place: usize| row[place].parse::<f64>().expect("a number");
            // One day, so that the average by volume begins with the first as the published one does.
            let time_ms = day as f64;
            Bar { time_ms, open: number(1), high: number(2), low: number(3), close: number(4), volume: number(5) }
        })
        .collect();
    assert_eq!(bars.len(), 502);
    let cases = [
        ("sma(20)", "sma", vec!["sma"]),
        ("ema(20)", "ema", vec!["ema"]),
        ("wma(14)", "wma", vec!["wma"]),
        ("vwap", "vwap", vec!["vwap"]),
        ("bollinger(20, 2)", "bb", vec!["sma", "upperBand", "lowerBand"]),
        ("supertrend(10, 3)", "supertrend", vec!["lowerBand", "upperBand"]),
        ("rsi(14)", "rsi", vec!["rsi"]),
        ("macd(12, 26, 9)", "macd", vec!["macd", "signal", "histogram"]),
        ("atr(14)", "atr", vec!["atr"]),
        ("adx(14)", "adx", vec!["adx", "pdi", "mdi"]),
        ("stochastic(14, 3, 3)", "stoch", vec!["k", "d"]),
        ("obv", "obv", vec!["obv"]),
    ];
    let (mut compared, mut worst) = (0, 0.0f64);
    for (text, file, lines) in cases {
        let file = shared(&format!("expected/{file}.standard.json")).expect("beside the quotes");
        let expected: Value = serde_json::from_slice(&std::fs::read(file).expect("read")).expect("JSON");
        for (line, name) in lines.into_iter().enumerate() {
            let found = column(text, line, &bars);
            for (at, row) in expected.as_array().expect("rows").iter().enumerate() {
                match row[name].as_f64() {
                    None => assert!(found[at].is_nan(), "{text} {name} at {at}: {} where none is published", found[at]),
                    Some(published) => {
                        let apart = (found[at] - published).abs() / published.abs().max(1.0);
                        assert!(apart <= 1e-9, "{text} {name} at {at}: {} and not {published}", found[at]);
                        (compared, worst) = (compared + 1, worst.max(apart));
                    }
                }
            }
        }
    }
    let _ = writeln!(std::io::stderr(), "{compared} published numbers met, the worst to {worst:.1e}");
    assert!(compared > 9_000);
}

#[test]
fn small_cases_come_out_as_by_hand() {
    let closes = [1.0, 2.0, 3.0, 4.0, 10.0];
    let bars: Vec<Bar> = closes
        .iter()
        .map(|close| Bar {
            time_ms: 0.0,
            open: *close,
            high: close + 1.0,
            low: close - 1.0,
            close: *close,
            volume: 2.0,
        })
        .collect();
    let nan = f64::NAN;
    let cases: [(&str, usize, [f64; 5]); 11] = [
        ("sma(3)", 0, [nan, nan, 2.0, 3.0, 17.0 / 3.0]),
        ("ema(3)", 0, [nan, nan, 2.0, 3.0, 6.5]),
        ("wma(2)", 0, [nan, 5.0 / 3.0, 8.0 / 3.0, 11.0 / 3.0, 8.0]),
        ("vwap", 0, [1.0, 1.5, 2.0, 2.5, 4.0]),
        ("bollinger(2, 2)", 1, [nan, 2.5, 3.5, 4.5, 13.0]),
        ("rsi(2)", 0, [nan, nan, 100.0, 100.0, 100.0]),
        ("atr(2)", 0, [nan, nan, 2.0, 2.0, 4.5]),
        ("stochastic(2, 1, 1)", 0, [nan, 200.0 / 3.0, 200.0 / 3.0, 200.0 / 3.0, 87.5]),
        ("obv", 0, [0.0, 2.0, 4.0, 6.0, 8.0]),
        ("macd(1, 2, 1)", 0, [nan, 0.5, 0.5, 0.5, 13.0 / 6.0]),
        ("supertrend(2, 1)", 0, [nan, nan, 1.0, 2.0, 5.5]),
    ];
    for (text, line, expected) in cases {
        let found = column(text, line, &bars);
        for (found, expected) in found.iter().zip(expected) {
            let same = found.is_nan() && expected.is_nan() || close_to(*found, expected, 1e-12);
            assert!(same, "{text}: {found} {expected}");
        }
    }
}

#[test]
fn the_average_by_volume_begins_with_each_day() {
    let bar = |time_ms: f64, close: f64| Bar { time_ms, open: close, high: close, low: close, close, volume: 1.0 };
    let bars = [bar(0.0, 1.0), bar(86_399_999.0, 3.0), bar(86_400_000.0, 7.0), bar(172_800_000.0, 9.0)];
    assert_eq!(column("vwap", 0, &bars), [1.0, 2.0, 7.0, 9.0]);
    let mut all = Vwap::since_first();
    let since: Vec<f64> = bars.iter().filter_map(|bar| all.next(bar)).collect();
    assert_eq!(since, [1.0, 2.0, 11.0 / 3.0, 5.0]);
}

#[test]
fn two_other_libraries_say_the_same() {
    let bars = walk(400, 1);
    let closes: Vec<f64> = bars.iter().map(|bar| bar.close).collect();
    let mut out = vec![0.0; closes.len()];
    kand::ta::ohlcv::sma::sma(&closes, 20, &mut out).expect("enough bars");
    let ours = column("sma(20)", 0, &bars);
    assert!(ours.iter().zip(&out).skip(19).all(|(a, b)| close_to(*a, *b, 1e-9)));
    kand::ta::ohlcv::wma::wma(&closes, 20, &mut out).expect("enough bars");
    let ours = column("wma(20)", 0, &bars);
    assert!(ours.iter().zip(&out).skip(19).all(|(a, b)| close_to(*a, *b, 1e-9)));
    let mut simple = ta::indicators::SimpleMovingAverage::new(7).expect("a period");
    let ours = column("sma(7)", 0, &bars);
    for (at, close) in closes.iter().enumerate() {
        let theirs = simple.next(*close);
        assert!(at < 6 || close_to(ours[at], theirs, 1e-9));
    }
    // Begun with the first close, it forgets that after some hundred bars.
    let mut exponential = ta::indicators::ExponentialMovingAverage::new(10).expect("a period");
    let ours = column("ema(10)", 0, &bars);
    for (at, close) in closes.iter().enumerate() {
        let theirs = exponential.next(*close);
        assert!(at < 200 || close_to(ours[at], theirs, 1e-9));
    }
}

#[test]
fn a_spike_that_has_passed_leaves_nothing_behind() {
    let mut bars = walk(1_200, 2);
    let clean = bars.clone();
    bars[100].close = 1e15;
    bars[100].high = 1e15;
    for text in ["sma(20)", "wma(20)", "bollinger(20, 2)", "stochastic(14, 3, 3)"] {
        let (with, without) = (column(text, 0, &bars), column(text, 0, &clean));
        assert_eq!(with[140..], without[140..], "{text}");
    }
}

#[test]
fn nothing_is_drawn_where_nothing_can_be_said() {
    let flat = vec![Bar { open: 5.0, high: 5.0, low: 5.0, close: 5.0, ..Bar::default() }; 200];
    for kind in catalogue() {
        let indicator: Indicator = kind.name.parse().expect("its own name");
        let found = columns(&indicator, &flat);
        assert_eq!(found.len(), kind.lines.len(), "{}", kind.name);
        assert!(found.iter().flatten().all(|number| !number.is_infinite()));
        let hostile =
            [f64::NAN, f64::INFINITY, f64::MAX, -1.0, 0.0].map(|number| Bar { close: number, high: number, ..flat[0] });
        assert!(columns(&indicator, &hostile.repeat(80)).iter().flatten().all(|number| !number.is_infinite()));
    }
    assert!(column("rsi(14)", 0, &flat).iter().all(|number| number.is_nan()), "nothing moved");
    assert!(column("vwap", 0, &flat).iter().all(|number| number.is_nan()), "nothing was traded");
}

#[test]
fn a_page_begins_with_the_values_it_would_have_had() {
    let bars = walk(4_000, 3);
    for kind in catalogue() {
        let indicator: Indicator = kind.name.parse().expect("its own name");
        if matches!(indicator, Indicator::Obv) {
            // Counted from the first bar that is there: its shape is the same, its height is not.
            continue;
        }
        let (whole, page) = (columns(&indicator, &bars), columns(&indicator, &bars[3_900 - indicator.warm_up()..]));
        for (whole, page) in whole.iter().zip(&page) {
            for back in 1..=100 {
                let (long, short) = (whole[whole.len() - back], page[page.len() - back]);
                assert!(long.is_nan() && short.is_nan() || close_to(short, long, 1e-6), "{indicator}: {short} {long}");
            }
        }
    }
}

#[test]
fn a_name_is_read_as_it_is_written_and_refused_with_what_is_allowed() {
    for kind in catalogue() {
        let indicator: Indicator = kind.name.parse().expect("its own name");
        assert_eq!(indicator.to_string().parse(), Ok(indicator));
        let json = serde_json::to_string(&indicator).expect("text");
        assert_eq!(serde_json::from_str::<Indicator>(&json).expect("text"), indicator);
    }
    for (text, read) in [
        (" SMA( 7 ) ", "sma(7)"),
        ("bollinger", "bollinger(20, 2)"),
        ("bollinger(30)", "bollinger(30, 2)"),
        ("supertrend(10, 2.5)", "supertrend(10, 2.5)"),
        ("vwap()", "vwap"),
    ] {
        assert_eq!(text.parse::<Indicator>().map(|indicator| indicator.to_string()).as_deref(), Ok(read));
    }
    for (text, why) in [
        ("sma(0)", "`0` is no bars of `sma`: expected a whole number from 1 to 5000"),
        ("sma(5001)", "1 to 5000"),
        ("sma(2.5)", "whole"),
        ("sma(NaN)", "whole"),
        ("sma(1, 2)", "takes bars, and 2 were given"),
        ("obv(3)", "takes no number"),
        ("bollinger(20, 0)", "0.1 to 100"),
        ("macd(26, 12, 9)", "quick"),
        ("fibonacci", "there are sma, ema"),
        ("", "no indicator"),
    ] {
        let error = text.parse::<Indicator>().expect_err(text).to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}
