//! What can go wrong in the cold tier.

use std::path::{Path, PathBuf};

use crate::domain::{EventTime, Seq};

#[derive(Debug, thiserror::Error)]
pub enum ColdError {
    #[error("market.ticks: {0}")]
    Table(#[from] iceberg::Error),
    #[error("market.ticks: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    #[error("market.ticks can not hold input {}: {column} {why}", seq.0)]
    Unstorable { seq: Seq, column: &'static str, why: String },
    #[error("market.ticks: a row has no usable {column}: {why}")]
    Unreadable { column: &'static str, why: String },
    #[error("market.ticks: {} can not be read: {why}", file.display())]
    File { file: PathBuf, why: String },
    #[error("market.ticks: snapshot {id} is not kept{}", told(.kept))]
    NoSnapshot { id: i64, kept: Vec<i64> },
    #[error("market.ticks: of {at} no state is kept{}", told_since(.since))]
    NoSnapshotAt { at: EventTime, since: Option<EventTime> },
    #[error(
        "market.ticks says it lies in {}, and was found in {}: the data directory was moved or copied by hand. {}",
        recorded.display(), found.display(), mended(found)
    )]
    Moved { recorded: PathBuf, found: PathBuf },
    #[error("market.ticks: {} can not be its folder: {source}", folder.display())]
    Folder { folder: PathBuf, source: std::io::Error },
    #[error("market.ticks: files that were joined do not hold what they did: {0}. Nothing was replaced")]
    Rewrite(String),
    #[error("market.ticks: {0}")]
    Damaged(String),
}

/// What writes down where a table is that was found elsewhere.
fn mended(found: &Path) -> String {
    // `<data>/cold/market/ticks`
    let data = found.ancestors().nth(3).unwrap_or(found).display();
    format!("`tapedeck --data {data} move {data}` has it say where it is")
}

fn told(kept: &[i64]) -> String {
    match kept {
        [] => "; none is yet".to_owned(),
        kept => format!("; kept are {}", kept.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")),
    }
}

fn told_since(since: &Option<EventTime>) -> String {
    since.map_or_else(
        || "; none is yet".to_owned(),
        |since| {
            format!(
                "; each one is from {since} on, and single ones of the time before (`tapedeck snapshots` lists them)"
            )
        },
    )
}
