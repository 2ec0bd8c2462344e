use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{Outcome, print, record, tiers};
use crate::api::ApiError;
use crate::api::config::Config;
use crate::clock;
use crate::domain::Pair;
use crate::session::backfill::{self, BackfillRequest, Backfilled};
use crate::session::live::Live;
use crate::session::recorder::Recorder;

/// Between two lines of progress.
const TELL_EVERY: Duration = Duration::from_secs(2);

pub(super) fn run(data: &Path, pair: Pair, months: u32, rest: Option<&str>, json: bool) -> Result<Outcome, ApiError> {
    let config = Config::load(data)?;
    let rest = rest.map(str::to_owned).or_else(|| config.rest()).ok_or_else(|| {
        ApiError::refused(
            "no_rest",
            "There is no REST address to ask for earlier candles.",
            "Give one with --rest, or set `rest` in tapedeck.toml.",
        )
    })?;
    let (recorder, _) = Recorder::open(data)?;
    let live = Live::new(recorder);
    let cancelled = Arc::new(AtomicBool::new(false));
    let runtime = tiers::runtime()?;
    let asked_to_end = Arc::clone(&cancelled);
    runtime.spawn(async move {
        record::ended(None).await;
        asked_to_end.store(true, Ordering::Relaxed);
    });
    let request = BackfillRequest { rest, pair, months };
    let mut told = clock::monotonic();
    let report = backfill::run(&live, &request, &cancelled, |report| tell(report, &mut told))?;
    let mut recorder = live.recorder();
    recorder.checkpoint()?;
    tiers::carry(data, &mut recorder)?;
    print::report(json, &report, lines(&report));
    Ok(if report.complete && report.quarantined == 0 { Outcome::Done } else { Outcome::FoundSomethingWrong })
}

fn tell(report: &Backfilled, told: &mut Instant) {
    let now = clock::monotonic();
    if now.duration_since(*told) >= TELL_EVERY {
        *told = now;
        let percent = report.share() * 100.0;
        print::line_err(&format!("{} to {}: {percent:.0} %, {} candles", report.pair, report.to, report.accepted));
    }
}

fn lines(report: &Backfilled) -> Vec<String> {
    let mut lines = vec![
        format!(
            "{} from {} to {}: {} requests, {} candles accepted, {} duplicates, {} quarantined",
            report.pair,
            report.from,
            report.to,
            report.requests,
            report.accepted,
            report.duplicates,
            report.quarantined
        ),
        format!("{} of the minutes asked for had no trade", report.empty_minutes),
    ];
    if report.quarantined > 0 {
        lines.push("What was quarantined is kept in quarantine.jsonl.".to_owned());
    }
    if let Some(why) = &report.stopped {
        lines.push(format!(
            "Stopped before {}: {why}. Everything up to {} is kept; the same command goes on from there.",
            report.until, report.to
        ));
    }
    lines
}
