//! The tiers: how quickly they are written, read and asked, and what they hold.

mod batch;
mod commits;
mod peers;
mod queries;
mod year;

pub(super) use year::{PARTS, scan};

use std::path::Path;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::{ApiError, Figure, bitcoin_day, failed, print, temporary};
use crate::domain::time::DAY;
use crate::domain::{EventTime, Input, ReceivedTime, Seq, Stamped, TapeTime};
use crate::session::sample::{Cursor, SampleTape};
use crate::tiers::cold::Cold;

/// As many inputs as the archive commits at once.
const COLD_BATCH: usize = 262_144;

pub(super) fn tiers() -> Result<Vec<Figure>, ApiError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|e| failed(&e))?;
    let day = bitcoin_day()?;
    let mut figures = batch::batch(&runtime, &day)?;
    figures.extend(commits::commits(&runtime, &day)?);
    figures.extend(queries::queries(&runtime, &day)?);
    figures.extend(year::year(&runtime, &day)?);
    Ok(figures)
}

fn figure(what: impl Into<String>, value: f64, unit: &'static str) -> Figure {
    Figure::told("tiers", what, value, unit)
}

/// How long each of a number of repetitions took.
#[derive(Default)]
struct Waits(Vec<Duration>);

impl Waits {
    fn time<T>(&mut self, work: impl FnOnce() -> Result<T, ApiError>) -> Result<T, ApiError> {
        let started = Instant::now();
        let done = work()?;
        self.0.push(started.elapsed());
        Ok(done)
    }

    /// The wait that this share of all is not longer than, in milliseconds.
    fn ms(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
        sorted.get(place).map_or(f64::NAN, |wait| wait.as_secs_f64() * 1e3)
    }

    /// Median, p99 and worst.
    fn figures(&self, what: &str, at_most: Option<f64>) -> Vec<Figure> {
        let counted = format!("{what}, median of {}", self.0.len());
        let median = match at_most {
            Some(target) => Figure::at_most("tiers", counted, self.ms(0.5), "ms", target),
            None => figure(counted, self.ms(0.5), "ms"),
        };
        vec![
            median,
            figure(format!("{what}, p99"), self.ms(0.99), "ms"),
            figure(format!("{what}, worst"), self.ms(1.0), "ms"),
        ]
    }
}

/// A tape of any length, which is the BTC day again and again, each a day after the one before: inputs `from` and `count` more.
fn tape(day: &[Stamped], from: u64, count: usize) -> Vec<Stamped> {
    let length = day.len() as u64;
    let input = |place: u64| shifted(&day[(place % length) as usize], Seq(place + 1), (place / length) as i64);
    (from..from + count as u64).map(input).collect()
}

/// The input so many days later, at another place of the journal.
fn shifted(input: &Stamped, seq: Seq, days: i64) -> Stamped {
    let mut input = *input;
    let by = days * DAY;
    input.seq = seq;
    input.tape_time = TapeTime::from_nanos(input.tape_time.nanos() + by);
    if let Input::Tick(tick) = &mut input.input {
        tick.event_time = EventTime::from_nanos(tick.event_time.nanos() + by);
        tick.received_time = ReceivedTime::from_nanos(tick.received_time.nanos() + by);
    }
    input
}

/// All of the sample: the real pair, those made up beside it with their quotes, and a clock a second.
fn sample() -> Result<Vec<Stamped>, ApiError> {
    let tape = SampleTape::load()?;
    let mut cursor = Cursor::default();
    Ok(std::iter::from_fn(|| tape.next(&mut cursor)).collect())
}

/// An archive of these inputs.
fn archive(runtime: &Runtime, directory: &Path, inputs: &[Stamped]) -> Result<Cold, ApiError> {
    runtime.block_on(async {
        let mut cold = Cold::open(directory).await.map_err(|e| failed(&e))?;
        for batch in inputs.chunks(COLD_BATCH) {
            let through = batch.last().map_or(Seq::default(), |input| input.seq);
            cold.append(batch, through).await.map_err(|e| failed(&e))?;
        }
        Ok(cold)
    })
}
