use std::path::{Path, PathBuf};

use super::{Outcome, print, tiers};
use crate::api::ApiError;
use crate::domain::Pair;
use crate::ingest::tape::ReadOptions;
use crate::session::import::{self, Imported};
use crate::session::recorder::Recorder;

pub(super) struct Request<'a> {
    pub(super) files: &'a [PathBuf],
    pub(super) format: Option<&'a str>,
    pub(super) pair: Option<Pair>,
    pub(super) sample: bool,
}

pub(super) fn run(data: &Path, request: &Request<'_>, json: bool) -> Result<Outcome, ApiError> {
    let format = request
        .format
        .map(str::parse)
        .transpose()
        .map_err(|error| ApiError::refused("unknown_format", error, "Leave --format out to have it found out."))?;
    let options = ReadOptions { format, pair: request.pair };
    let (mut recorder, _) = Recorder::open(data)?;
    let mut all = Vec::new();
    if request.sample {
        all.push(import::sample(&mut recorder)?);
    }
    let mut failed = None;
    for file in request.files {
        match import::file(&mut recorder, file, &options) {
            Ok(imported) => all.push(imported),
            Err(error) => {
                failed.get_or_insert(error);
            }
        }
    }
    recorder.checkpoint()?;
    tiers::carry(data, &mut recorder)?;
    let report = import::Report::of(&all);
    if failed.is_none() || !all.is_empty() {
        print::report(json, &report, all.iter().flat_map(lines));
    }
    match failed {
        Some(error) => Err(error.into()),
        None if report.totals.quarantined > 0 || all.iter().any(|imported| imported.broken.is_some()) => {
            Ok(Outcome::FoundSomethingWrong)
        }
        None => Ok(Outcome::Done),
    }
}

fn lines(imported: &Imported) -> Vec<String> {
    let t = &imported.totals;
    let mut lines = vec![format!(
        "{} as {}: {} read, {} accepted, {} duplicates, {} late, {} quarantined, {} gaps",
        imported.file, imported.source, t.read, t.accepted, t.duplicates, t.late, t.quarantined, t.gaps
    )];
    if !imported.gaps_unknown.is_empty() {
        let pairs = imported.gaps_unknown.join(", ");
        lines.push(format!("  trade ids of {pairs} do not step by one: whether trades are missing can not be told"));
    }
    lines.extend(imported.problems.iter().map(|p| format!("  line {}: {}", p.line, p.reason)));
    if t.quarantined > imported.problems.len() as u64 {
        lines.push(format!(
            "  and {} more; all are kept in quarantine.jsonl",
            t.quarantined - imported.problems.len() as u64
        ));
    }
    lines
}
