use std::path::Path;

use super::{Outcome, print, tiers};
use crate::api::ApiError;
use crate::reconcile::books::Books;
use crate::reconcile::tiers::reconcile;
use crate::session::recorder::Recorder;
use crate::tiers::sql::{Sql, Tiers};

pub(super) fn run(data: &Path, json: bool) -> Result<Outcome, ApiError> {
    let (mut recorder, _) = Recorder::open(data)?;
    // What was still on its way when the last recording ended is no difference.
    tiers::carry(data, &mut recorder)?;
    let sql = Sql::new(Tiers::of(data))?;
    let runtime = tiers::runtime()?;
    let mut report = runtime.block_on(reconcile(recorder.journal(), &sql))?;
    let books = Books::of(recorder.journal(), recorder.desk().ledger())?;
    for difference in runtime.block_on(books.compare(&sql))? {
        report.find("books_differ", difference, None);
    }
    let mut lines = vec![
        format!("{} ticks and {} candles compared between journal, cold and warm", report.ticks, report.candles),
        if report.ok {
            "They agree.".to_owned()
        } else {
            format!("{} findings:", report.findings.len() as u64 + report.unlisted)
        },
    ];
    lines.extend(report.findings.iter().map(|finding| format!("  {}: {}", finding.code, finding.what)));
    if !report.ok {
        lines.push("`tapedeck rebuild` makes the warm tier again; nothing was changed.".to_owned());
    }
    print::report(json, &report, lines);
    Ok(if report.ok { Outcome::Done } else { Outcome::FoundSomethingWrong })
}
