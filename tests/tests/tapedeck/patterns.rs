//! The table of patterns, beside a brute force over the same candles that shares nothing with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;
use std::time::Instant;

use polars::prelude::*;
use serde_json::Value;
use tapedeck_tests::bars::Bar;
use tapedeck_tests::figures::{self, MINUTE, decimal};

use crate::import::btc_day_by_polars;
use crate::support::{Tapedeck, counts, say, shared_data};

/// Of one pair: by the minute's start, in nanoseconds, its close, high and low at 1e-8.
type Minutes = BTreeMap<i64, [i64; 3]>;

/// One hour that may be matched.
struct Known {
    start: i64,
    shape: Vec<f64>,
    after_60_pct: f64,
}

/// z-scores of sixty closes by their population deviation; none where the price hardly moved.
fn shape(closes: &[f64]) -> Option<Vec<f64>> {
    let mean = closes.iter().sum::<f64>() / 60.0;
    let deviation = (closes.iter().map(|close| (close - mean).powi(2)).sum::<f64>() / 60.0).sqrt();
    (deviation / mean >= 0.000_5).then(|| closes.iter().map(|close| (close - mean) / deviation).collect())
}

fn closes(minutes: &Minutes, start: i64, count: i64) -> Option<Vec<f64>> {
    (0..count).map(|minute| minutes.get(&(start + minute * MINUTE)).map(|row| row[0] as f64)).collect()
}

fn known(minutes: &Minutes) -> Vec<Known> {
    let known = |(&start, _): (&i64, _)| {
        let closes = closes(minutes, start, 120)?;
        let shape = shape(&closes[..60])?;
        Some(Known { start, shape, after_60_pct: (closes[119] / closes[59] - 1.0) * 100.0 })
    };
    minutes.iter().filter_map(known).collect()
}

/// The twenty nearest hours that do not overlap, of those whose following hour was over at the cursor: (start, similarity, outcome).
fn brute_force(known: &[Known], minutes: &Minutes, end: i64) -> Vec<(i64, f64, f64)> {
    let asked = end - 60 * MINUTE;
    let shape = shape(&closes(minutes, asked, 60).expect("a whole hour")).expect("it moves");
    let mut near: Vec<(f64, &Known)> = known
        .iter()
        .filter(|known| known.start + 120 * MINUTE <= end)
        .map(|known| (known.shape.iter().zip(&shape).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / 5.0, known))
        .collect();
    near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.start.cmp(&b.1.start)));
    let mut kept: Vec<(i64, f64, f64)> = Vec::new();
    for (distance, known) in near {
        let overlaps = |start: i64| (start - known.start).abs() < 60 * MINUTE;
        if kept.len() < 20 && !overlaps(asked) && !kept.iter().any(|(start, ..)| overlaps(*start)) {
            kept.push((known.start, 1.0 / (1.0 + distance), known.after_60_pct));
        }
    }
    kept
}

fn nanos(text: &Value) -> i64 {
    let text = text.as_str().expect("a time");
    figures::nanos(text).unwrap_or_else(|| panic!("{text} is no time"))
}

fn asked(desk: &Tapedeck, pair: &str, end: i64) -> Value {
    desk.run("patterns", ["match", pair, "--at", &figures::venue_time(end)]).expect(0).json()
}

#[track_caller]
fn assert_as_brute_force(desk: &Tapedeck, pair: &str, minutes: &Minutes, ends: &[i64]) {
    let known = known(minutes);
    for &end in ends {
        let answer = asked(desk, pair, end);
        assert_eq!(answer["searched"], "exact");
        let truth = brute_force(&known, minutes, end);
        let found: Vec<&Value> = answer["matches"].as_array().expect("matches").iter().collect();
        assert_eq!(found.len(), truth.len(), "{pair} at {end}");
        for (found, (start, similarity, after_60)) in found.iter().zip(&truth) {
            assert_eq!(nanos(&found["window_start"]), *start, "{pair} at {end}");
            let close = |name: &str, truth: f64| (found[name].as_f64().expect("a number") - truth).abs() < 1e-6;
            assert!(close("similarity", *similarity) && close("outcome_60_pct", *after_60), "{found} {similarity}");
        }
    }
}

fn write_csv(path: &Path, minutes: &BTreeMap<i64, Bar>) {
    let mut text = "time,open,high,low,close,volume\n".to_owned();
    for (start, bar) in minutes {
        let [open, high, low, close, volume] = [bar.open, bar.high, bar.low, bar.close, bar.volume].map(decimal);
        writeln!(text, "{start},{open},{high},{low},{close},{volume}").expect("a string takes all");
    }
    std::fs::write(path, text).expect("written");
}

#[test]
fn hours_alike_are_those_a_brute_force_finds_and_making_them_again_changes_nothing() {
    let desk = Tapedeck::new();
    let bars = btc_day_by_polars();
    let file = desk.data.path().join("day.csv");
    write_csv(&file, bars);
    desk.import(&["--pair".as_ref(), "BTC-USD".as_ref(), file.as_ref()]);
    let minutes: Minutes =
        bars.iter().map(|(at, bar)| (*at, [bar.close, bar.high, bar.low].map(|units| units as i64))).collect();

    let built = desk.run("patterns", ["build"]).expect(0).json();
    assert_eq!(built["total"], known(&minutes).len(), "{built}");
    assert_eq!(built["added"], 0, "an import has made them already");

    let first = *minutes.keys().next().expect("a day");
    let ends = [600, 900, 1_200, 1_440].map(|minute| first + minute * MINUTE);
    assert_as_brute_force(&desk, "BTC-USD", &minutes, &ends);

    let before: Vec<Value> = ends.iter().map(|end| asked(&desk, "BTC-USD", *end)).collect();
    let again = desk.run("patterns", ["build", "--again"]).expect(0).json();
    assert_eq!((&again["total"], &again["added"]), (&built["total"], &built["total"]));
    let after: Vec<Value> = ends.iter().map(|end| asked(&desk, "BTC-USD", *end)).collect();
    assert_eq!(before, after, "made again they are others");
    desk.run::<&str>("rebuild", []).expect(0);
    assert_eq!(asked(&desk, "BTC-USD", ends[3]), before[3]);

    let rows = desk.run("sql", ["SELECT id, usable_from FROM vectors.patterns", "--format", "json"]).expect(0).json();
    let ids: BTreeSet<&str> =
        rows.as_array().expect("rows").iter().map(|row| row["id"].as_str().expect("an id")).collect();
    assert_eq!(ids.len() as u64, built["total"].as_u64().expect("a count"), "an hour is there twice");
}

/// At its full count six pairs over six weeks: more than 300 000 patterns, searched by an index.
#[test]
fn weeks_of_hours_are_made_once_and_found_again() {
    let Some(file) = shared_data("weeks_of_hours", "candles/1m-2021-04-six-pairs-binance.parquet") else { return };
    let desk = Tapedeck::new();
    let all = counts(false, true);
    let file_of_some = desk.data.path().join("some.csv");
    let some = counts(20_000, usize::MAX);
    let pairs: &[&str] = counts(&["BTC-USD"], &["BTC-USD", "DOGE-USD"]);
    let by_pair: Vec<Minutes> =
        pairs.iter().map(|pair| minutes_of(&file, pair, some).expect("polars reads it")).collect();
    let started = Instant::now();
    if all {
        assert_eq!(desk.import(&[file.as_ref()])["accepted"], 367_651);
    } else {
        write_csv(&file_of_some, &bars(&by_pair[0]));
        assert_eq!(desk.import(&["--pair".as_ref(), "BTC-USD".as_ref(), file_of_some.as_ref()])["accepted"], 20_000);
    }
    let imported = started.elapsed();
    let built = desk.run("patterns", ["build"]).expect(0).json();
    assert_eq!(built["added"], 0, "an import has made them already");
    let started = Instant::now();
    let again = desk.run("patterns", ["build", "--again"]).expect(0).json();
    say(&format!("imported with its patterns in {imported:?}; {again} made again in {:?}", started.elapsed()));
    assert_eq!(again["total"], built["total"]);
    assert!(built["total"].as_u64().is_some_and(|total| total > counts(18_000, 300_000)), "{built}");

    let (mut wanted, mut there) = (0, 0);
    for (pair, minutes) in pairs.iter().zip(&by_pair) {
        let known = known(minutes);
        let newest = *minutes.keys().next_back().expect("weeks");
        for back in 1..=5 {
            let end = newest + MINUTE - back * 1_777 * MINUTE;
            if closes(minutes, end - 60 * MINUTE, 60).is_none_or(|closes| shape(&closes).is_none()) {
                continue;
            }
            let answer = asked(&desk, pair, end);
            assert_eq!(answer["searched"], counts("exact", "index"));
            let found: BTreeSet<i64> =
                answer["matches"].as_array().expect("matches").iter().map(|m| nanos(&m["window_start"])).collect();
            let truth = brute_force(&known, minutes, end);
            wanted += 10;
            there += truth.iter().take(10).filter(|(start, ..)| found.contains(start)).count();
        }
    }
    say(&format!("recall at 10: {there} of {wanted}"));
    assert!(wanted >= 30 && there * 100 >= wanted * counts(100, 95));
}

/// As far as a candle needs them.
fn bars(minutes: &Minutes) -> BTreeMap<i64, Bar> {
    let bar = |[close, high, low]: [i64; 3]| {
        let [close, high, low] = [close, high, low].map(i128::from);
        Bar { open: close, high, low, close, volume: 100_000_000, count: 1 }
    };
    minutes.iter().map(|(at, row)| (*at, bar(*row))).collect()
}

/// The first so many.
fn minutes_of(file: &Path, pair: &str, most: usize) -> PolarsResult<Minutes> {
    let rows = ParquetReader::new(File::open(file)?).finish()?;
    let name = pair.replace("-USD", "USDT");
    let rows = rows.lazy().filter(col("pair").eq(lit(pair)).or(col("pair").eq(lit(name)))).collect()?;
    let times = rows.column("time")?.cast(&DataType::Int64)?;
    let scale = match times.i64()?.get(0) {
        Some(first) if first > 1_000_000_000_000_000_000 => 1,
        Some(first) if first > 1_000_000_000_000_000 => 1_000,
        Some(first) if first > 1_000_000_000_000 => 1_000_000,
        _ => 1_000_000_000,
    };
    let units = |name: &str| -> PolarsResult<Vec<i64>> {
        let column = rows.column(name)?.cast(&DataType::Float64)?;
        Ok(column.f64()?.into_no_null_iter().map(|value| (value * 1e8).round() as i64).collect())
    };
    let (close, high, low) = (units("close")?, units("high")?, units("low")?);
    let starts = times.i64()?.into_no_null_iter().map(|time| time * scale);
    let all: Minutes = starts.enumerate().map(|(row, start)| (start, [close[row], high[row], low[row]])).collect();
    Ok(all.into_iter().take(most).collect())
}
