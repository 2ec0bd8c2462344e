//! Archive to one-minute candles in batch, beside polars and DuckDB on the same files; and what a tick takes on the disk.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Instant;

use tokio::runtime::Runtime;

use super::super::median;
use super::peers::{Checksum, Peers};
use super::{ApiError, Figure, archive, failed, figure, print, sample, temporary};
use crate::domain::{Input, Output, Stamped};
use crate::engine::Market;
use crate::tiers::cold::{Cold, Minute, MinuteQuery, Minutes};

/// What the targets are stated for.
const THREADS: NonZeroUsize = NonZeroUsize::new(2).expect("two is not zero");
const WARM_UP: usize = 2;
const REPETITIONS: usize = 11;

pub(super) fn batch(runtime: &Runtime, day: &[Stamped]) -> Result<Vec<Figure>, ApiError> {
    let directory = temporary()?;
    let mut cold = archive(runtime, directory.path(), day)?;
    let mut figures = size(runtime, &mut cold, "the BTC day, compacted", day.len())?;
    figures.extend(candles(runtime, &cold, day)?);
    drop(cold);

    let all = sample()?;
    let directory = temporary()?;
    let mut cold = archive(runtime, directory.path(), &all)?;
    let ticks = all.iter().filter(|input| matches!(input.input, Input::Tick(_))).count();
    figures.extend(size(
        runtime,
        &mut cold,
        "the whole sample, compacted: made-up pairs, quotes and clocks too",
        ticks,
    )?);
    let ours = (0..REPETITIONS).map(|_| ours(runtime, &cold).map(|(_, seconds)| ticks as f64 / seconds));
    let what = format!("the whole sample ({ticks} trades and quotes of 6 pairs) to candles, 2 threads");
    figures.push(figure(what, median(ours.collect::<Result<_, _>>()?), "ticks/s"));
    Ok(figures)
}

fn size(runtime: &Runtime, cold: &mut Cold, what: &str, ticks: usize) -> Result<Vec<Figure>, ApiError> {
    runtime.block_on(cold.compact()).map_err(|e| failed(&e))?;
    let bytes = cold.statistics().map_err(|e| failed(&e))?.bytes;
    Ok(vec![Figure::at_most("tiers", format!("on disk, {what}"), bytes as f64 / ticks as f64, "bytes/tick", 25.0)])
}

fn plan(runtime: &Runtime, cold: &Cold) -> Result<Minutes, ApiError> {
    let query = MinuteQuery { threads: Some(THREADS), ..MinuteQuery::all() };
    runtime.block_on(cold.minutes(query)).map_err(|e| failed(&e))
}

/// From finding the table's files to the candles.
fn ours(runtime: &Runtime, cold: &Cold) -> Result<(Vec<Minute>, f64), ApiError> {
    let started = Instant::now();
    let minutes = plan(runtime, cold)?;
    let minutes = runtime.block_on(minutes.collect()).map_err(|e| failed(&e))?;
    Ok((minutes, started.elapsed().as_secs_f64()))
}

fn candles(runtime: &Runtime, cold: &Cold, day: &[Stamped]) -> Result<Vec<Figure>, ApiError> {
    let (minutes, _) = ours(runtime, cold)?;
    let checksum = Checksum::of(&minutes);
    if checksum != Checksum::of(&by_the_engine(day)) {
        return Err(failed(&"the candles of the archive are not the engine's"));
    }
    let files: Vec<PathBuf> = plan(runtime, cold)?.files().map(PathBuf::from).collect();
    let mut peers = match Peers::start(&files, THREADS.get()) {
        Ok(peers) => Some(peers),
        Err(why) => {
            print::line_err(&format!(
                "NOT MEASURED: polars and DuckDB. {why}. Run scripts/readers.sh, or set TAPEDECK_READERS."
            ));
            None
        }
    };
    let engines = peers.as_ref().map(|peers| peers.engines.clone()).unwrap_or_default();
    let mut theirs: BTreeMap<&str, Vec<f64>> = engines.iter().map(|engine| (engine.as_str(), Vec::new())).collect();
    let mut rates = Vec::new();
    // In turns, so that what else the machine does hits all alike.
    for round in 0..WARM_UP + REPETITIONS {
        let (found, seconds) = ours(runtime, cold)?;
        if Checksum::of(&found) != checksum {
            return Err(failed(&"the same files gave other candles"));
        }
        if round >= WARM_UP {
            rates.push(day.len() as f64 / seconds);
        }
        for (engine, rates) in &mut theirs {
            let Some(peers) = &mut peers else { continue };
            let answer = peers.run(engine)?;
            if answer.checksum != checksum {
                return Err(failed(&format!("{engine} found {:?}, and not {checksum:?}", answer.checksum)));
            }
            if round >= WARM_UP {
                rates.push(day.len() as f64 / answer.seconds);
            }
        }
    }
    let rate = median(rates);
    let what = format!("archive to candles, the BTC day ({} ticks in {} files), 2 threads", day.len(), files.len());
    let mut figures = vec![Figure::at_least("tiers", what, rate, "ticks/s", 8e6)];
    let theirs: Vec<(&str, f64)> = theirs.into_iter().map(|(engine, rates)| (engine, median(rates))).collect();
    let versions = peers.as_ref().map(|peers| peers.versions.as_str()).unwrap_or_default();
    for (engine, rate) in &theirs {
        figures.push(figure(
            format!("the same files by {engine} (peer; {versions}), the same candles"),
            *rate,
            "ticks/s",
        ));
    }
    let polars =
        theirs.iter().filter(|(engine, _)| engine.starts_with("polars")).map(|(_, rate)| *rate).reduce(f64::max);
    if let Some(polars) = polars {
        figures.push(Figure::at_least(
            "tiers",
            "ours against the quicker of polars' two engines",
            rate / polars,
            "times",
            1.5,
        ));
    }
    Ok(figures)
}

/// Of each minute what the engine says last.
fn by_the_engine(day: &[Stamped]) -> Vec<Minute> {
    let (mut market, mut outputs) = (Market::default(), Vec::new());
    day.iter().for_each(|input| market.step(input, &mut outputs));
    let Some(last) = day.last() else { return Vec::new() };
    let input = Input::EndOfTape { source: last.input.source() };
    market.step(&Stamped { seq: last.seq.next(), tape_time: last.tape_time, input }, &mut outputs);
    let mut minutes = BTreeMap::new();
    for output in outputs {
        if let Output::Candle(candle) = output {
            minutes.insert((candle.source, candle.pair, candle.window_start), Minute::from(&candle));
        }
    }
    minutes.into_values().collect()
}
