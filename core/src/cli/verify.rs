use std::path::Path;

use serde_json::json;

use super::{Outcome, print, tiers};
use crate::api::ApiError;
use crate::domain::Seq;
use crate::journal::Journal;
use crate::reconcile::{books, verify};
use crate::session::archive::ArchiveError;
use crate::session::recorder::Recorder;
use crate::session::tape::Tape;
use crate::tiers::sql::{Sql, Tiers};
use crate::tiers::vectors::Vectors;
use crate::tiers::warm::Warm;

pub(super) fn run(data: &Path, json: bool) -> Result<Outcome, ApiError> {
    let journal = Journal::open(data)?;
    let (mut report, expected) = verify::verify_all(&journal)?;
    if Warm::is_there(data) {
        let sql = Sql::new(Tiers::of(data))?;
        let wrong = tiers::runtime()?.block_on(async {
            let warm = Warm::open(data).await.map_err(ArchiveError::from)?;
            let read = books::asked(&sql, "live").await?;
            Ok::<_, ApiError>(expected.compare_tables(&warm, &read).await.map_err(ArchiveError::from)?)
        })?;
        for (code, what) in wrong {
            report.find(code, what, None);
        }
    }
    let mut lines = vec![
        format!("{} transfers, ledger {}", report.transfers, report.ledger_hash),
        format!(
            "{} records ({} of them from the cold tier), {} candles, state {}",
            report.records, report.archived, report.candles, report.state_hash
        ),
        if report.ok {
            "Nothing is wrong.".to_owned()
        } else {
            format!("{} findings:", report.findings.len() as u64 + report.unlisted)
        },
    ];
    lines.extend(report.findings.iter().map(|f| format!("  {}: {}", f.code, f.what)));
    print::report(json, &report, lines);
    Ok(if report.ok { Outcome::Done } else { Outcome::FoundSomethingWrong })
}

pub(super) fn rebuild(data: &Path, json: bool) -> Result<Outcome, ApiError> {
    let mut journal = Journal::open(data)?;
    // Nothing is thrown away before what it is made from has been read once.
    if journal.retired().through > Seq(0) {
        Tape::from(&journal, Seq(1)).try_for_each(|record| record.map(drop))?;
    }
    journal.forget_projections()?;
    journal.forget_checkpoints()?;
    journal.forget_moments()?;
    drop(journal);
    let (mut recorder, recovery) = Recorder::open(data)?;
    recorder.checkpoint()?;
    Warm::throw_away(data).map_err(ArchiveError::from)?;
    Vectors::remove(data).map_err(ArchiveError::from)?;
    let carried = tiers::carry(data, &mut recorder)?;
    let hash = recorder.market().hash();
    let report = json!({ "records": recovery.stepped, "state_hash": hash, "candles": carried.candles, "patterns": carried.patterns });
    print::report(
        json,
        &report,
        [format!(
            "{} candles, {} patterns, and checkpoints, made again from {} records; state {hash}",
            carried.candles, carried.patterns, recovery.stepped
        )],
    );
    Ok(Outcome::Done)
}
