//! The table of patterns: made anew, and asked what looked like an hour.

use std::path::Path;

use clap::Subcommand;
use serde_json::json;

use super::{EventTimeArgument, Outcome, print, tiers};
use crate::api::patterns::{AlikeView, EstimateView, alike_at};
use crate::api::{ApiError, patterns};
use crate::domain::{EventTime, Pair, Source, TapeTime};
use crate::session::archive::ArchiveError;
use crate::session::recorder::Recorder;
use crate::tiers::vectors::{Reader, Vectors};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Make the patterns of all candles that have none yet
    Build {
        /// Throw the table away first
        #[arg(long)]
        again: bool,
    },
    /// Say what followed the hours that looked like the last one
    Match {
        /// Such as BTC-USD
        pair: Pair,
        /// Of the hour that ended by this moment of the tape, by what was known then
        #[arg(long, value_name = "T")]
        at: Option<EventTimeArgument>,
        /// The lane the hour is taken from [default: live, else the import that has the newest minutes]
        #[arg(long, value_name = "SOURCE")]
        source: Option<Source>,
        /// Hours of other pairs too
        #[arg(long)]
        across: bool,
    },
}

pub(super) fn run(data: &Path, action: &Action, json: bool) -> Result<Outcome, ApiError> {
    match action {
        Action::Build { again } => build(data, *again, json),
        Action::Match { pair, at, source, across } => ask(data, *pair, at.map(|at| at.0), *source, *across, json),
    }
}

fn build(data: &Path, again: bool, json: bool) -> Result<Outcome, ApiError> {
    let (mut recorder, _) = Recorder::open(data)?;
    if again {
        Vectors::remove(data).map_err(ArchiveError::from)?;
    }
    let carried = tiers::carry(data, &mut recorder)?;
    let total = tiers::runtime()?
        .block_on(async { Reader::open(data).await?.statistics().await })
        .map_err(ArchiveError::from)?
        .rows;
    let report = json!({ "total": total, "added": carried.patterns });
    print::report(json, &report, [format!("{total} patterns, {} of them new", carried.patterns)]);
    Ok(Outcome::Done)
}

fn ask(
    data: &Path,
    pair: Pair,
    moment: Option<EventTime>,
    source: Option<Source>,
    across: bool,
    json: bool,
) -> Result<Outcome, ApiError> {
    let (mut recorder, _) = Recorder::open(data)?;
    // What was recorded since is asked too.
    tiers::carry(data, &mut recorder)?;
    let cursor = moment.map(|at| TapeTime::from_nanos(at.nanos()));
    let view = tiers::runtime()?.block_on(alike_at(
        data,
        &recorder,
        &patterns::AlikeRequest { pair, at: cursor, source, across },
    ))?;
    let report = json!({
        "pair": view.pair,
        "window_end": at(view.window_end_ms),
        "refused": view.refused,
        "searched": view.searched,
        "known": view.known as u64,
        "n": view.followed.as_ref().map_or(0, |followed| followed.n),
        "outcome_60_pct": view.followed.as_ref().map(|followed| followed.after_60.mean.mean),
        "interval": view.followed.as_ref().map(|followed| interval(&followed.after_60.mean)),
        "base_rate": view.base_rate.as_ref().map(|base| base.after_60.mean.mean),
        "base_n": view.base_rate.as_ref().map(|base| base.n),
        "matches": view.matches.iter().map(|found| json!({
            "id": found.id,
            "source": found.source,
            "pair": found.pair,
            "window_start": at(found.window_start_ms),
            "window_end": at(found.window_end_ms),
            "similarity": found.similarity,
            "outcome_15_pct": found.after_15_pct,
            "outcome_30_pct": found.after_30_pct,
            "outcome_60_pct": found.after_60_pct,
            "outcome_max_pct": found.max_pct,
            "outcome_min_pct": found.min_pct,
        })).collect::<Vec<_>>(),
    });
    print::report(json, &report, lines(&view));
    Ok(Outcome::Done)
}

fn at(ms: f64) -> EventTime {
    EventTime::from_nanos((ms * 1e6) as i64)
}

fn interval(estimate: &EstimateView) -> Option<[f64; 2]> {
    estimate.low.zip(estimate.high).map(|(low, high)| [low, high])
}

fn lines(view: &AlikeView) -> Vec<String> {
    let end = at(view.window_end_ms);
    if let Some(why) = &view.refused {
        return vec![why.clone()];
    }
    let mut lines = vec![format!("{}, the hour to {end}, beside {} ({})", view.pair, view.known, view.searched)];
    let sentence = |estimate: &EstimateView| match interval(estimate) {
        Some([low, high]) => format!("{:+.3} % ({low:+.3} to {high:+.3})", estimate.mean),
        None => format!("{:+.3} % (too few to say how sure)", estimate.mean),
    };
    match &view.followed {
        Some(followed) => {
            lines.push(format!("{} hours alike: an hour later {}", followed.n, sentence(&followed.after_60.mean)))
        }
        None => lines.push("No hour that looked like it was known then.".to_owned()),
    }
    if let Some(base) = &view.base_rate {
        lines.push(format!("any of {} hours: {}", base.n, sentence(&base.after_60.mean)));
    }
    for found in &view.matches {
        lines.push(format!(
            "  {:.3}  {} {}  {:+.2} %  (up to {:+.2}, down to {:+.2})",
            found.similarity,
            found.pair,
            at(found.window_start_ms),
            found.after_60_pct,
            found.max_pct,
            found.min_pct
        ));
    }
    lines
}
