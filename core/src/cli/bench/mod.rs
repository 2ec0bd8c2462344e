//! `tapedeck bench`: what it does on this machine, measured here and now. Losses are printed too.

mod backtest;
mod feed;
mod ledger;
mod patterns;
mod seek;
mod start;
mod tiers;

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::{Outcome, print};
use crate::api::ApiError;
use crate::domain::{Input, Pair, ReceivedTime, Source, Stamped, TapeTime};
use crate::engine::Market;
use crate::ingest::coinbase::wire;
use crate::journal::Journal;
use crate::metrics::Durations;
use crate::session::sample::{Cursor, SampleTape};

const NAMES: [&str; 11] =
    ["wire", "append", "acknowledge", "replay", "ledger", "tiers", "patterns", "seek", "backtest", "live", "start"];

/// One figure, and what it is held against.
#[derive(Clone, Debug, Serialize)]
struct Figure {
    name: &'static str,
    what: String,
    value: f64,
    unit: &'static str,
    /// The number in the design, and whether it was reached: `None` where there is none.
    target: Option<f64>,
    reached: Option<bool>,
}

impl Figure {
    fn at_least(name: &'static str, what: impl Into<String>, value: f64, unit: &'static str, target: f64) -> Self {
        Self { name, what: what.into(), value, unit, target: Some(target), reached: Some(value >= target) }
    }

    fn at_most(name: &'static str, what: impl Into<String>, value: f64, unit: &'static str, target: f64) -> Self {
        Self { name, what: what.into(), value, unit, target: Some(target), reached: Some(value <= target) }
    }

    fn told(name: &'static str, what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name, what: what.into(), value, unit, target: None, reached: None }
    }

    fn line(&self) -> String {
        let value = match self.value {
            v if v >= 1_000.0 => format!("{v:.0}"),
            v if v >= 10.0 => format!("{v:.1}"),
            v => format!("{v:.2}"),
        };
        let verdict = match (self.target, self.reached) {
            (Some(target), Some(true)) => format!("reached ({target})"),
            (Some(target), _) => format!("FALLS SHORT of {target}"),
            _ => String::new(),
        };
        format!("{:12} {:>12} {:14} {:58} {verdict}", self.name, value, self.unit, self.what)
    }
}

pub(super) fn run(data: &Path, name: Option<&str>, json: bool) -> Result<Outcome, ApiError> {
    if let Some(part) = name.filter(|name| tiers::PARTS.contains(name)) {
        return tiers::scan(data, part).map(|()| Outcome::Done);
    }
    if let Some(name) = name
        && !NAMES.contains(&name)
    {
        return Err(ApiError::refused(
            "unknown_bench",
            format!("There is no bench `{name}`."),
            &format!("Choose one of: {}.", NAMES.join(", ")),
        ));
    }
    let machine = machine();
    if !json {
        print::line_out(&machine);
    }
    let mut figures = Vec::new();
    for bench in NAMES.into_iter().filter(|bench| name.is_none_or(|name| name == *bench)) {
        let measured = match bench {
            "wire" => wire_decode(),
            "append" => append()?,
            "acknowledge" => acknowledge()?,
            "replay" => replay()?,
            "ledger" => ledger::ledger()?,
            "tiers" => tiers::tiers()?,
            "patterns" => patterns::patterns()?,
            "seek" => seek::seek()?,
            "backtest" => backtest::backtest()?,
            "live" => feed::live()?,
            _ => start::start()?,
        };
        if !json {
            measured.iter().for_each(|figure| print::line_out(&figure.line()));
        }
        figures.extend(measured);
    }
    if json {
        print::json_line(&serde_json::json!({ "machine": machine, "figures": figures }));
    }
    Ok(Outcome::Done)
}

fn failed(error: &dyn std::fmt::Display) -> ApiError {
    ApiError::refused("bench_failed", error, "Run it again when the machine is idle.")
}

/// Of the peers that are not among the readers; none where `scripts/peers.sh` has not run.
fn peers_python() -> Option<PathBuf> {
    let named = std::env::var_os("TAPEDECK_PEERS").map(PathBuf::from);
    let usual = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/tapedeck/peers/bin/python"));
    named.or_else(usual).filter(|python| python.exists())
}

fn machine() -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|l| l.strip_prefix("model name"))
        .and_then(|l| l.split_once(": "))
        .map_or("unknown", |m| m.1);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let build = if cfg!(debug_assertions) { "a development build: figures mean little" } else { "release" };
    format!("{cores} cores, {model}; {build}; medians of repeated runs, both cores possibly busy elsewhere")
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Two real frames of one trade.
const FRAMES: [&str; 2] = [
    r#"{"type":"ticker","sequence":135437581854,"product_id":"BTC-USD","price":"77572.87","open_24h":"78609.92","volume_24h":"7336.73471395","low_24h":"76366.12","high_24h":"78635.01","volume_30d":"209162.21626191","best_bid":"77572.87","best_bid_size":"0.00009686","best_ask":"77575.85","best_ask_size":"0.04350000","side":"sell","time":"2026-09-02T07:44:10.104422Z","trade_id":1087540758,"last_size":"0.00000009"}"#,
    r#"{"type":"match","trade_id":1087540758,"maker_order_id":"5b268d37-0000-0000-0000-000000000000","taker_order_id":"b281704b-0000-0000-0000-000000000000","side":"buy","size":"0.00000009","price":"77572.87","product_id":"BTC-USD","sequence":135437581854,"time":"2026-09-02T07:44:10.104422Z"}"#,
];

/// The peer: serde_json alone into a struct of borrowed text, with nothing parsed further.
#[derive(Deserialize)]
#[expect(dead_code, reason = "filled so that the peer does its work")]
struct Plain<'a> {
    r#type: &'a str,
    product_id: &'a str,
    sequence: u64,
    trade_id: u64,
    price: &'a str,
    size: Option<&'a str>,
    best_bid: Option<&'a str>,
    best_ask: Option<&'a str>,
    side: &'a str,
    time: &'a str,
}

fn wire_decode() -> Vec<Figure> {
    const ROUNDS: usize = 20;
    const EACH: usize = 20_000;
    let time = |decode: &dyn Fn(&[u8])| {
        let started = Instant::now();
        for _ in 0..EACH {
            for frame in FRAMES {
                decode(black_box(frame.as_bytes()));
            }
        }
        started.elapsed().as_nanos() as f64 / (EACH * FRAMES.len()) as f64
    };
    let received = ReceivedTime::from_nanos(0);
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(time(&|frame| {
            let _ = black_box(wire::decode(frame, Source::Live, received));
        }));
        plain.push(time(&|frame| {
            let _ = black_box(serde_json::from_slice::<Plain<'_>>(frame));
        }));
    }
    let (ours, plain) = (median(ours), median(plain));
    vec![
        Figure::at_most("wire", "frame to tick, half tickers and half matches", ours, "ns", 700.0),
        Figure::told("wire", "serde_json into a struct of texts, the same frames (peer)", plain, "ns"),
    ]
}

fn temporary() -> Result<tempdir::Directory, ApiError> {
    tempdir::Directory::new().map_err(|error| {
        ApiError::refused("no_temporary_directory", error, "Set TMPDIR to a directory that can be written.")
    })
}

/// A directory that goes with its value.
mod tempdir {
    use std::path::{Path, PathBuf};

    pub(super) struct Directory(PathBuf);

    impl Directory {
        pub(super) fn new() -> std::io::Result<Self> {
            let nanos = crate::clock::received_now().nanos();
            let path = std::env::temp_dir().join(format!("tapedeck-bench-{}-{nanos}", std::process::id()));
            std::fs::create_dir_all(&path)?;
            Ok(Self(path))
        }

        pub(super) fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            // What can not be removed is in the system's own temporary directory.
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// The real BTC day as inputs.
fn bitcoin_day() -> Result<Vec<Stamped>, ApiError> {
    let tape = SampleTape::load()?;
    let pair: Pair = "BTC-USD".parse().expect("a pair");
    let mut cursor = Cursor::default();
    let mut inputs = Vec::with_capacity(900_000);
    while let Some(input) = tape.next(&mut cursor) {
        if matches!(&input.input, Input::Tick(tick) if tick.pair == pair) {
            inputs.push(input);
        }
    }
    Ok(inputs)
}

fn append() -> Result<Vec<Figure>, ApiError> {
    const RECORDS: usize = 262_144;
    let day = bitcoin_day()?;
    let inputs: Vec<(TapeTime, Input)> = day.iter().take(RECORDS).map(|s| (s.tape_time, s.input)).collect();
    let mut figures = Vec::new();
    for group in [64, 512, 4_096, 16_384] {
        let repetitions = if group == 64 { 1 } else { 5 };
        let mut rates = Vec::new();
        for _ in 0..repetitions {
            let directory = temporary()?;
            let mut journal = Journal::open(directory.path())?;
            let share = if group == 64 { &inputs[..RECORDS / 8] } else { &inputs[..] };
            let started = Instant::now();
            for chunk in share.chunks(group) {
                journal.append(chunk, &[], &[])?;
            }
            rates.push(share.len() as f64 / started.elapsed().as_secs_f64());
        }
        let what = format!("durable append, groups of {group}, one sync each");
        let rate = median(rates);
        figures.push(if group >= 4_096 {
            Figure::at_least("append", what, rate, "records/s", 500_000.0)
        } else {
            Figure::told("append", what, rate, "records/s")
        });
    }
    Ok(figures)
}

/// Records come at a steady 12 000 a second; each is acknowledged after the sync of the group it fell into.
fn acknowledge() -> Result<Vec<Figure>, ApiError> {
    const RATE: f64 = 12_000.0;
    const LENGTH: Duration = Duration::from_secs(8);
    let day = bitcoin_day()?;
    let directory = temporary()?;
    let mut journal = Journal::open(directory.path())?;
    let mut waits = Durations::default();
    let (started, mut sent) = (Instant::now(), 0usize);
    while started.elapsed() < LENGTH {
        let due = ((started.elapsed().as_secs_f64() * RATE) as usize).min(day.len());
        if due == sent {
            std::thread::sleep(Duration::from_micros(200));
            continue;
        }
        let group: Vec<_> = day[sent..due].iter().map(|s| (s.tape_time, s.input)).collect();
        journal.append(&group, &[], &[])?;
        for index in sent..due {
            waits.record(started.elapsed().saturating_sub(Duration::from_secs_f64(index as f64 / RATE)));
        }
        sent = due;
    }
    let ms = |share| waits.quantile_ms(share).unwrap_or(f64::NAN);
    Ok(vec![
        Figure::at_most("acknowledge", "arrival to synced at 12 000 records/s, median", ms(0.5), "ms", 3.0),
        Figure::told("acknowledge", "the same, p99", ms(0.99), "ms"),
    ])
}

fn replay() -> Result<Vec<Figure>, ApiError> {
    let day = bitcoin_day()?;
    let (mut rates, mut hashes) = (Vec::new(), Vec::new());
    for _ in 0..7 {
        let (mut market, mut outputs, mut candles) = (Market::default(), Vec::new(), 0usize);
        let started = Instant::now();
        for input in &day {
            market.step(input, &mut outputs);
            candles += outputs.len();
            outputs.clear();
        }
        black_box(candles);
        rates.push(day.len() as f64 / started.elapsed().as_secs_f64());
        hashes.push(market.hash());
    }
    hashes.dedup();
    assert_eq!(hashes.len(), 1, "the same tape gave two states");
    Ok(vec![Figure::at_least(
        "replay",
        format!("the BTC day ({} ticks) through the engine", day.len()),
        median(rates),
        "ticks/s",
        1e6,
    )])
}
