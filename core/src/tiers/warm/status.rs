//! What the tables hold, for whoever watches them.

use paimon::spec::Snapshot;

use super::WarmError;
use super::table::WarmTable;
use crate::domain::ReceivedTime;
use crate::domain::time::MILLISECOND;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarmStatistics {
    /// Of all tables together.
    pub snapshots: u64,
    pub bytes: u64,
    pub tables: Vec<TableStatistics>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableStatistics {
    /// As in SQL: `ledger.balance`.
    pub table: &'static str,
    /// As stored: of a table that merges, the parts a row is merged from on reading count each.
    pub rows: u64,
    /// Data files of the newest snapshot, and their size.
    pub files: u64,
    pub bytes: u64,
    pub snapshots: u64,
    pub last: Option<LastCommit>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastCommit {
    /// `tapedeck`, or `tapedeck/` and a session.
    pub user: String,
    /// The `Seq` or step it holds everything through.
    pub identifier: u64,
    /// By the wall clock.
    pub at: ReceivedTime,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSnapshot {
    pub table: &'static str,
    pub id: u64,
    /// `APPEND` or `COMPACT`.
    pub kind: String,
    pub commit: LastCommit,
    /// As stored.
    pub rows: u64,
}

pub(super) async fn statistics(table: &WarmTable) -> Result<TableStatistics, WarmError> {
    let reading = table.failed("counting its files");
    let plan = table.table.new_read_builder().new_scan().plan().await.map_err(&reading)?;
    let files = || plan.splits().iter().flat_map(|split| split.data_files());
    Ok(TableStatistics {
        table: table.name.as_str(),
        rows: files().map(|file| unsigned(file.row_count)).sum(),
        files: files().count() as u64,
        bytes: files().map(|file| unsigned(file.file_size)).sum(),
        snapshots: table.snapshots().list_all_ids().await.map_err(&reading)?.len() as u64,
        last: table.latest().await?.as_ref().map(commit),
    })
}

pub(super) async fn snapshots(table: &WarmTable) -> Result<Vec<TableSnapshot>, WarmError> {
    let all = table.snapshots().list_all().await.map_err(table.failed("reading its snapshots"))?;
    Ok(all
        .iter()
        .map(|snapshot| TableSnapshot {
            table: table.name.as_str(),
            id: unsigned(snapshot.id()),
            kind: snapshot.commit_kind().to_string(),
            commit: commit(snapshot),
            rows: unsigned(snapshot.total_record_count().unwrap_or_default()),
        })
        .collect())
}

fn commit(snapshot: &Snapshot) -> LastCommit {
    let millis = i64::try_from(snapshot.time_millis()).unwrap_or(i64::MAX);
    LastCommit {
        user: snapshot.commit_user().to_owned(),
        identifier: unsigned(snapshot.commit_identifier()),
        at: ReceivedTime::from_nanos(millis.saturating_mul(MILLISECOND)),
    }
}

/// The library counts in signed numbers what is never negative.
fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}
