//! A backtest of the BTC day: ours beside NautilusTrader's, with the same orders on the same trades; and a sweep beside as many single runs.

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Float64Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;

use super::{ApiError, Figure, bitcoin_day, failed, peers_python, temporary};
use crate::domain::time::{MINUTE, SECOND};
use crate::domain::{Demand, EventTime, Input, Source, Stamped, Thresholds, TickKind};
use crate::session::account::AccountTerms;
use crate::session::orders::{self, Planned};
use crate::session::playable::{Playable, TapeLane, TapeRange};
use crate::session::player::{Way, opening_by_consensus, opening_of};
use crate::session::recorded::RecordedTape;
use crate::session::recorder::Recorder;
use crate::session::run::run;
use crate::session::sweep::{Set, sweep};

const PEER: &str = include_str!("backtest/nautilus.py");

const RUNS: usize = 5;
const GROUP: usize = 16_384;

pub(super) fn backtest() -> Result<Vec<Figure>, ApiError> {
    let directory = temporary()?;
    let terms = crate::api::config::Config::load(directory.path())?.terms();
    let day = bitcoin_day()?;
    let (mut recorder, _) = Recorder::open(directory.path())?;
    for group in day.chunks(GROUP) {
        let mut inputs: Vec<(EventTime, Input)> = group.iter().filter_map(super::seek::live).collect();
        recorder.commit(&mut inputs)?;
    }
    let tape = RecordedTape::of(&recorder, TapeRange::whole(TapeLane::One(Source::Live)), &[])?;
    let tape: Arc<dyn Playable> = Arc::new(tape.ok_or_else(|| failed(&"nothing was recorded"))?);
    let path = directory.path().join("orders.jsonl");
    std::fs::write(&path, orders_of(&day)).map_err(|error| failed(&error))?;
    let planned = orders::read(&path)?;
    let mut figures = beside_the_peer(&day, &tape, &planned, &terms, directory.path(), &path)?;
    figures.extend(swept(&tape, &terms)?);
    Ok(figures)
}

fn figure(what: impl Into<String>, value: f64, unit: &'static str) -> Figure {
    Figure::told("backtest", what, value, unit)
}

/// A market order a minute, at its half, buying and selling in turn.
fn orders_of(day: &[Stamped]) -> String {
    let first = day.first().map_or(0, |input| input.tape_time.nanos()).div_euclid(MINUTE);
    let mut lines = String::new();
    for minute in 0..1_440 {
        let at = EventTime::from_nanos((first + minute) * MINUTE + 30 * SECOND);
        let side = if minute % 2 == 0 { "buy" } else { "sell" };
        let order = format!(
            r#"{{"at":"{at}","id":"o{minute}","pair":"BTC-USD","side":"{side}","type":"market","qty":"0.01"}}"#
        );
        writeln!(lines, "{order}").expect("a text takes any line");
    }
    lines
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn beside_the_peer(
    day: &[Stamped],
    tape: &Arc<dyn Playable>,
    planned: &[Planned],
    terms: &AccountTerms,
    directory: &Path,
    orders: &Path,
) -> Result<Vec<Figure>, ApiError> {
    let way = Way::told_alone(opening_of(tape.as_ref(), terms));
    let (mut seconds, mut ticks, mut fills) = (Vec::new(), 0, 0);
    for _ in 0..RUNS {
        let started = Instant::now();
        let outcome = run(tape, &way, planned, terms, None, |_| true)?.ok_or_else(|| failed(&"it was stopped"))?;
        seconds.push(started.elapsed().as_secs_f64());
        ticks = outcome.ticks;
        let filled = |deed: &&crate::journal::Deed| matches!(deed.output, crate::domain::DeskOutput::Fill(_));
        fills = outcome.deeds.iter().filter(filled).count();
    }
    let ours = median(seconds);
    let what = format!("the BTC day from the journal, {} orders, {fills} fills", planned.len());
    let mut figures = vec![figure(what, ticks as f64 / ours, "ticks/s")];
    match peer(day, directory, orders) {
        Ok(answer) => {
            // Its runs after a reset are slower: the quickest counts.
            let best = answer.seconds.iter().copied().fold(f64::MAX, f64::min);
            let rate = answer.ticks as f64 / best;
            let what = format!("the same in memory by nautilus_trader {}, {} fills", answer.version, answer.fills);
            figures.push(figure(what, rate, "ticks/s"));
            figures.push(figure("ours, reading included, against its best run alone", best / ours, "times"));
        }
        Err(why) => figures.push(figure(format!("NOT MEASURED: nautilus_trader. {why}"), 0.0, "")),
    }
    Ok(figures)
}

#[derive(serde::Deserialize)]
struct Answer {
    version: String,
    ticks: u64,
    fills: u64,
    seconds: Vec<f64>,
}

/// Errors: why it can not be asked here.
fn peer(day: &[Stamped], directory: &Path, orders: &Path) -> Result<Answer, String> {
    let python = peers_python().ok_or("TAPEDECK_PEERS names no Python, and scripts/peers.sh has made none")?;
    let ticks = directory.join("ticks.parquet");
    write_ticks(day, &ticks).map_err(|error| error.to_string())?;
    let output = Command::new(&python).arg("-c").arg(PEER).arg(&ticks).arg(orders).output();
    let output = output.map_err(|error| format!("{} does not start: {error}", python.display()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&said).map_err(|_| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        format!("It said `{}` {}", said.trim(), complaint.trim())
    })
}

fn write_ticks(day: &[Stamped], path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let (mut ids, mut times, mut prices, mut sizes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for input in day {
        let Input::Tick(tick) = &input.input else { continue };
        let TickKind::Trade(trade) = &tick.kind else { continue };
        ids.push(i64::try_from(trade.trade_id.0)?);
        times.push(tick.event_time.nanos());
        prices.push(trade.price.to_f64());
        sizes.push(trade.size.to_f64());
    }
    let field = |name: &str, of: DataType| Field::new(name, of, false);
    let schema = Arc::new(Schema::new(vec![
        field("trade_id", DataType::Int64),
        field("time", DataType::Int64),
        field("price", DataType::Float64),
        field("size", DataType::Float64),
    ]));
    let batch = RecordBatch::try_new(
        Arc::clone(&schema),
        vec![
            Arc::new(Int64Array::from(ids)),
            Arc::new(Int64Array::from(times)),
            Arc::new(Float64Array::from(prices)),
            Arc::new(Float64Array::from(sizes)),
        ],
    )?;
    let mut writer = ArrowWriter::try_new(File::create(path)?, schema, None)?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(())
}

/// A hundred sets in one reading, beside a hundred times what one takes alone.
fn swept(tape: &Arc<dyn Playable>, terms: &AccountTerms) -> Result<Vec<Figure>, ApiError> {
    let sets: Vec<Set> = (0..100u16)
        .map(|number| Set {
            settings: terms.settings,
            thresholds: Thresholds {
                patterns: Demand::Ignored,
                analyst: Demand::Ignored,
                trend: Demand::For,
                trend_fast: 3 + number % 10,
                trend_slow: 20 + 10 * (number / 10),
                ..Thresholds::default()
            },
        })
        .collect();
    // Made once for the tape, whoever asks first.
    tape.memory()?;
    let mut alone = Vec::new();
    for set in sets.iter().step_by(20) {
        let terms = AccountTerms { thresholds: set.thresholds, ..terms.clone() };
        let way = Way::told_alone(opening_by_consensus(&terms, &crate::engine::Desk::new(tape.lanes())));
        let started = Instant::now();
        run(tape, &way, &[], &terms, None, |_| true)?;
        alone.push(started.elapsed().as_secs_f64());
    }
    let alone = median(alone);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let started = Instant::now();
    let swept = sweep(tape, terms, &sets, workers, |_| true)?.ok_or_else(|| failed(&"it was stopped"))?;
    let together = started.elapsed().as_secs_f64();
    let ticks = swept.ticks as f64 * sets.len() as f64 / together;
    Ok(vec![
        figure("one account that trades by consensus, the BTC day", alone * 1e3, "ms"),
        figure(format!("a hundred in one reading, {workers} workers"), together * 1e3, "ms"),
        figure("against a hundred times one", alone * sets.len() as f64 / together, "times"),
        figure("ticks times accounts", ticks, "ticks/s"),
    ])
}
