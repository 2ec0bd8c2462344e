//! A year of days, read through from end to end: how quickly, and in how much memory.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use super::super::feed::Usage;
use super::{ApiError, COLD_BATCH, Figure, failed, figure, print, shifted, temporary};
use crate::domain::{Seq, Stamped};
use crate::tiers::cold::{Cold, MinuteQuery, TickQuery};

const DAYS: usize = 365;
const TICKS_A_DAY: usize = 20_000;
/// What a reader may grow by, whatever the length of the archive.
const GROWTH_MB: f64 = 256.0;

/// The parts a process of its own runs, by the name this program is started with. They are not for people.
pub(in crate::cli::bench) const PARTS: [&str; 2] = ["year-ticks", "year-minutes"];

#[derive(Serialize, Deserialize)]
struct Scanned {
    rows: u64,
    seconds: f64,
    growth_mb: f64,
}

pub(super) fn year(runtime: &Runtime, day: &[Stamped]) -> Result<Vec<Figure>, ApiError> {
    let directory = temporary()?;
    let every = (day.len() / TICKS_A_DAY).max(1);
    let thinned: Vec<&Stamped> = day.iter().step_by(every).take(TICKS_A_DAY).collect();
    let (rows, files) = runtime.block_on(async {
        let mut cold = Cold::open(directory.path()).await.map_err(|e| failed(&e))?;
        let days: Vec<usize> = (0..DAYS).collect();
        for some in days.chunks((COLD_BATCH / TICKS_A_DAY).max(1)) {
            let at = |(of, place): (usize, usize)| {
                shifted(thinned[place], Seq((of * thinned.len() + place) as u64 + 1), of as i64)
            };
            let places = some.iter().flat_map(|&of| (0..thinned.len()).map(move |place| (of, place)));
            let inputs: Vec<Stamped> = places.map(at).collect();
            let through = inputs.last().map_or(Seq::default(), |input| input.seq);
            cold.append(&inputs, through).await.map_err(|e| failed(&e))?;
        }
        let statistics = cold.statistics().map_err(|e| failed(&e))?;
        Ok::<_, ApiError>((statistics.rows, statistics.files))
    })?;
    let mut figures = Vec::new();
    for (part, what) in PARTS.into_iter().zip(["in the order of the tape", "folded to minutes"]) {
        let Some(scanned) = scan_apart(directory.path(), part)? else { continue };
        if scanned.rows != rows {
            return Err(failed(&format!("{} of {rows} rows were read {what}", scanned.rows)));
        }
        let table = format!("a year ({rows} ticks in {files} files) {what}");
        figures.push(figure(table.clone(), rows as f64 / scanned.seconds, "ticks/s"));
        figures.push(Figure::at_most(
            "tiers",
            format!("{table}: memory it grew by"),
            scanned.growth_mb,
            "MB",
            GROWTH_MB,
        ));
    }
    Ok(figures)
}

/// Runs a part in a process of its own: this one has held a day of ticks, and its memory says nothing any more.
fn scan_apart(directory: &Path, part: &str) -> Result<Option<Scanned>, ApiError> {
    let program = std::env::current_exe().map_err(|e| failed(&e))?;
    let output = Command::new(program).arg("--data").arg(directory).args(["--json", "bench", part]).output();
    let output = output.map_err(|e| failed(&e))?;
    if !output.status.success() {
        return Err(failed(&String::from_utf8_lossy(&output.stderr)));
    }
    let scanned: Option<Scanned> = serde_json::from_slice(&output.stdout).map_err(|e| failed(&e))?;
    if scanned.is_none() {
        print::line_err("NOT MEASURED: the memory of a year's scan. This system has no /proc.");
    }
    Ok(scanned)
}

/// One of `PARTS`, of the archive of a data directory.
pub(in crate::cli::bench) fn scan(directory: &Path, part: &str) -> Result<(), ApiError> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(|e| failed(&e))?;
    let scanned = runtime.block_on(async {
        let cold = Cold::open(directory).await.map_err(|e| failed(&e))?;
        let before = Usage::of(std::process::id());
        let started = Instant::now();
        let mut rows = 0;
        if part == PARTS[0] {
            let mut ticks = cold.ticks(TickQuery::all()).await.map_err(|e| failed(&e))?;
            loop {
                let next = ticks.next().await.map_err(|e| failed(&e))?;
                if next.is_empty() {
                    break;
                }
                rows += next.len() as u64;
            }
        } else {
            let mut minutes = cold.minutes(MinuteQuery::all()).await.map_err(|e| failed(&e))?;
            while let Some(next) = minutes.next().await.map_err(|e| failed(&e))? {
                rows += next.iter().map(|minute| minute.tick_count).sum::<u64>();
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        let growth = before.zip(Usage::of(std::process::id())).map(|(before, after)| after.peak_mb - before.peak_mb);
        Ok::<_, ApiError>(growth.map(|growth_mb| Scanned { rows, seconds, growth_mb }))
    })?;
    print::json_line(&scanned);
    Ok(())
}
