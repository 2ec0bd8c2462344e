//! The cold tier: every tick and clock in an Apache Iceberg table, `market.ticks`, by day.
//!
//! It becomes the only copy of old ticks, so it is truth: rows arrive exactly once (`catalog` has the guard), files are durable before they
//! have their name (`storage`), and what rewrites files reads them back first (`compact`). One writer: whoever holds the journal's lock.
//! Readers may be many, in other processes and of other makers.

mod catalog;
mod check;
mod compact;
mod error;
mod expire;
mod minutes;
mod reader;
mod relocate;
mod rows;
mod schema;
mod snapshot;
mod steps;
mod storage;
#[cfg(test)]
mod tests;
mod writer;

pub use check::{Checked, Finding};
pub use compact::Compacted;
pub use error::ColdError;
pub use expire::{Keep, Removed};
pub use minutes::{Minute, MinuteQuery, Minutes};
pub use reader::{Order, TickQuery, Ticks};
pub use relocate::{Place, Relocated};
pub use steps::{RELOCATION_STEPS, STEPS};

use std::path::{Path, PathBuf};
use std::time::Duration;

use iceberg::spec::{SnapshotRef, TableMetadata};
use iceberg::table::Table;
use iceberg::{Catalog, NamespaceIdent, TableIdent};

use crate::domain::time::MILLISECOND;
use crate::domain::{EventTime, Seq, Stamped};
use crate::failpoint::failpoint;
use catalog::{CommitError, LocalCatalog};

/// Files that nothing names are left alone for this long.
const GRACE: Duration = Duration::from_secs(86_400);

/// Inputs encoded at a time.
const BATCH: usize = 65_536;

/// What an append came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    /// This many rows are new.
    Stored(u64),
    /// All of it was there. Nothing was written.
    Exists,
    /// None of the inputs is a tick or a clock. No snapshot was made, so the table does not know of them.
    Nothing,
}

impl Appended {
    pub fn rows(self) -> u64 {
        match self {
            Self::Stored(rows) => rows,
            Self::Exists | Self::Nothing => 0,
        }
    }
}

/// A state of the table that can still be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableState {
    pub id: i64,
    /// All inputs through this one are in it.
    pub through: Seq,
    /// By the clock of the machine that wrote it.
    pub committed: EventTime,
    /// `append`, or `replace` where files were joined.
    pub operation: String,
    pub rows: u64,
    pub files: u64,
    pub bytes: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColdStatistics {
    pub snapshots: u64,
    pub rows: u64,
    pub files: u64,
    pub bytes: u64,
    /// When the newest was committed.
    pub committed: Option<EventTime>,
    /// Its id.
    pub newest: Option<i64>,
}

pub struct Cold {
    catalog: LocalCatalog,
    name: TableIdent,
    table: Table,
    through: Seq,
}

impl std::fmt::Debug for Cold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cold").field("table", &self.name).field("through", &self.through).finish_non_exhaustive()
    }
}

/// The tier's folder, as other engines are told of it: from the root, and in UTF-8.
fn folder(data_directory: &Path) -> Result<PathBuf, ColdError> {
    let folder = data_directory.join("cold");
    let unusable = |source| ColdError::Folder { folder: folder.clone(), source };
    let absolute = std::path::absolute(&folder).map_err(unusable)?;
    match absolute.to_str() {
        Some(_) => Ok(absolute),
        None => Err(unusable(std::io::Error::new(std::io::ErrorKind::InvalidInput, "its name is not UTF-8"))),
    }
}

/// Where the table lies and where it says so; `None` when there is none.
async fn place(catalog: &LocalCatalog, name: &TableIdent, folder: &Path) -> Result<Option<Place>, ColdError> {
    let Some(location) = catalog.location(name).await? else { return Ok(None) };
    let recorded = storage::local(relocate::table_of(&location));
    Ok(Some(Place { recorded, found: relocate::found(folder, name) }))
}

/// Refuses a table whose files are said to be elsewhere, before one of them is looked for: a directory that was moved by hand could not
/// find them, and a copy of one would write into the original.
async fn in_its_place(catalog: &LocalCatalog, name: &TableIdent, folder: &Path) -> Result<(), ColdError> {
    let Some(place) = place(catalog, name, folder).await? else { return Ok(()) };
    let (right, Place { recorded, found }) = storage::blocking(move || Ok((place.is_right(), place))).await?;
    if right { Ok(()) } else { Err(ColdError::Moved { recorded, found }) }
}

fn ticks() -> TableIdent {
    TableIdent::new(NamespaceIdent::new("market".to_owned()), "ticks".to_owned())
}

impl Cold {
    /// Opens the table of a data directory for writing, and makes it when it is missing.
    pub async fn open(data_directory: &Path) -> Result<Self, ColdError> {
        let folder = folder(data_directory)?;
        let made = folder.clone();
        if let Err(source) = storage::blocking(move || Ok(storage::make_folder(&made))).await? {
            return Err(ColdError::Folder { folder, source });
        }
        let catalog = LocalCatalog::open(&folder).await?;
        let name = ticks();
        in_its_place(&catalog, &name, &folder).await?;
        if !catalog.table_exists(&name).await? {
            catalog.create_namespace(name.namespace(), std::collections::HashMap::new()).await?;
            catalog.create_table(name.namespace(), schema::creation()?).await?;
        }
        let table = catalog.load_table(&name).await?;
        let columns = table.metadata().current_schema().as_struct();
        if columns != schema::schema()?.as_struct() {
            return Err(ColdError::Damaged(
                "it has other columns than this Tapedeck's; open it with the one that wrote it".to_owned(),
            ));
        }
        let through = catalog::through(table.metadata())?;
        Ok(Self { catalog, name, table, through })
    }

    /// The table as it is now, for a reader who may be in another process than the writer. Where nothing was ever archived it is empty,
    /// and nothing is made on the disk.
    pub async fn table_of(data_directory: &Path) -> Result<Table, ColdError> {
        let folder = folder(data_directory)?;
        let name = ticks();
        if !folder.join("catalog.db").exists() {
            return Ok(catalog::unwritten(&folder, &name, schema::creation()?)?);
        }
        let catalog = LocalCatalog::open(&folder).await?;
        in_its_place(&catalog, &name, &folder).await?;
        if catalog.table_exists(&name).await? {
            Ok(catalog.load_table(&name).await?)
        } else {
            Ok(catalog::unwritten(&folder, &name, schema::creation()?)?)
        }
    }

    /// Where the table of a data directory lies, and where its files say that it does. `None` when nothing was ever archived.
    pub async fn place(data_directory: &Path) -> Result<Option<Place>, ColdError> {
        let folder = folder(data_directory)?;
        if !folder.join("catalog.db").exists() {
            return Ok(None);
        }
        let catalog = LocalCatalog::open(&folder).await?;
        let place = place(&catalog, &ticks(), &folder).await;
        catalog.close().await;
        place
    }

    /// Where the table lay before it was changed last.
    pub async fn earlier_place(data_directory: &Path) -> Result<Option<PathBuf>, ColdError> {
        let folder = folder(data_directory)?;
        if !folder.join("catalog.db").exists() {
            return Ok(None);
        }
        let catalog = LocalCatalog::open(&folder).await?;
        let before = catalog.previous_location(&ticks()).await;
        catalog.close().await;
        Ok(before?.map(|location| storage::local(relocate::table_of(&location))))
    }

    /// Has the files of a table that was moved say where it lies now. Every kept state answers as it did. Killed on the way, the table is
    /// what it was before, and the same again does it.
    pub async fn relocate(data_directory: &Path) -> Result<Relocated, ColdError> {
        let folder = folder(data_directory)?;
        let catalog = LocalCatalog::open(&folder).await?;
        let relocated = relocate::run(&catalog, &ticks(), &folder).await;
        catalog.close().await;
        relocated
    }

    /// Moves what the catalog's log holds into the catalog itself, so that one file is all of it. `false` when a reader was in the way.
    pub async fn settle(data_directory: &Path) -> Result<bool, ColdError> {
        let catalog = LocalCatalog::open(&folder(data_directory)?).await?;
        let settled = catalog.settle().await;
        catalog.close().await;
        Ok(settled?)
    }

    /// Whether every file of a data directory's table is there, for a reader. `None` when nothing was ever archived. Errors: `Moved`.
    pub async fn check_of(data_directory: &Path) -> Result<Option<Checked>, ColdError> {
        if Self::place(data_directory).await?.is_none() {
            return Ok(None);
        }
        Ok(Some(check::run(&Self::table_of(data_directory).await?).await?))
    }

    /// All inputs through this one are in the table.
    pub fn archived_through(&self) -> Seq {
        self.through
    }

    /// Adds the ticks and clocks among the inputs, all of the journal after `archived_through` and through `through`, in one snapshot.
    /// Inputs that are there already are passed over, however the journal was cut into pieces.
    ///
    /// After an error the table holds all of them or none; `archived_through` says which, and giving them again is right either way.
    pub async fn append(&mut self, inputs: &[Stamped], through: Seq) -> Result<Appended, ColdError> {
        self.refresh().await?;
        if through <= self.through {
            return Ok(Appended::Exists);
        }
        let rows = rows::kept(inputs, self.through, through);
        if rows.is_empty() {
            return Ok(Appended::Nothing);
        }
        let mut writer = writer::FilesWriter::new(&self.table)?;
        for batch in rows.chunks(BATCH) {
            writer.write(batch).await?;
        }
        let files = writer.close().await?;
        let drafted = async {
            failpoint("cold.append.written").map_err(catalog::injected)?;
            snapshot::with_added(&self.table, &files, through).await
        };
        let outcome = match drafted.await {
            Ok(snapshot) => self.catalog.commit(&self.table, snapshot).await,
            Err(error) => {
                writer::take_back(&self.table, &files).await;
                return Err(error);
            }
        };
        match outcome {
            Ok(table) => self.table = table,
            Err(error) => {
                // Files of a commit that may yet turn out to have succeeded are left to the clean-up of orphans.
                if let CommitError::Refused(_) = error {
                    writer::take_back(&self.table, &files).await;
                }
                self.refresh().await?;
                return Err(iceberg::Error::from(error).into());
            }
        }
        self.through = through;
        Ok(Appended::Stored(rows.len() as u64))
    }

    async fn refresh(&mut self) -> Result<(), ColdError> {
        self.table = self.catalog.load_table(&self.name).await?;
        self.through = catalog::through(self.table.metadata())?;
        Ok(())
    }

    /// The archive in order, a few thousand inputs at a time, for a reader who may be in another process than the writer.
    pub async fn read(data_directory: &Path, query: TickQuery) -> Result<Ticks, ColdError> {
        Ticks::plan(Self::table_of(data_directory).await?, query).await
    }

    /// The archive in order, a few thousand inputs at a time. Errors: `NoSnapshot`.
    pub async fn ticks(&self, query: TickQuery) -> Result<Ticks, ColdError> {
        Ticks::plan(self.catalog.load_table(&self.name).await?, query).await
    }

    /// One-minute candles of the archive, folded in batch by all the processor's cores. Errors: `NoSnapshot`.
    pub async fn minutes(&self, query: MinuteQuery) -> Result<Minutes, ColdError> {
        Minutes::plan(&self.catalog.load_table(&self.name).await?, query).await
    }

    /// Joins the small files of days that have many of them. Nothing that can be asked changes.
    pub async fn compact(&mut self) -> Result<Compacted, ColdError> {
        self.refresh().await?;
        let Some((table, compacted)) = compact::run(&self.catalog, &self.table).await? else {
            return Ok(Compacted::default());
        };
        self.table = table;
        Ok(compacted)
    }

    /// Lets old snapshots go, and deletes the files that only they named.
    pub async fn expire(&mut self, keep: &Keep) -> Result<Removed, ColdError> {
        self.refresh().await?;
        let Some((table, removed)) = expire::run(&self.catalog, &self.table, keep).await? else {
            return Ok(Removed::default());
        };
        self.table = table;
        Ok(removed)
    }

    /// Deletes files in the table's folder that nothing names, older than a day: what a crash left behind.
    pub async fn remove_orphans(&mut self) -> Result<Removed, ColdError> {
        self.remove_orphans_older_than(GRACE).await
    }

    /// As `remove_orphans`, for another age. Whatever is being written elsewhere must be younger.
    pub async fn remove_orphans_older_than(&mut self, grace: Duration) -> Result<Removed, ColdError> {
        // Of a commit whose end is unknown, a crash could bring the row back until SQLite's log is empty.
        if !self.catalog.settle().await? {
            return Ok(Removed::default());
        }
        self.refresh().await?;
        expire::remove_orphans(&self.table, grace).await
    }

    /// The state that was current at a time, by the clock of the machine that wrote it. Errors: `NoSnapshotAt`, also when there was one and it
    /// is not kept any more.
    pub async fn snapshot_at(&self, at: EventTime) -> Result<TableState, ColdError> {
        let table = self.catalog.load_table(&self.name).await?;
        let metadata = table.metadata();
        let ms = at.nanos().div_euclid(MILLISECOND);
        // The history is cut where a state in it was let go: what is left of it has no holes. Older states that are kept are asked by their
        // ids; until when they were the current ones, nobody knows any more.
        let current = metadata.history().iter().rev().find(|entry| entry.timestamp_ms() <= ms);
        let state = current.and_then(|entry| metadata.snapshot_by_id(entry.snapshot_id));
        let since = metadata.history().first().map(|entry| committed(entry.timestamp_ms()));
        state.map(state_of).unwrap_or(Err(ColdError::NoSnapshotAt { at, since }))
    }

    /// Whether every file of the current state is there and whole, and its counts add up.
    pub async fn check(&self) -> Result<Checked, ColdError> {
        check::run(&self.catalog.load_table(&self.name).await?).await
    }

    /// States that are kept, oldest first.
    pub async fn snapshots(&self) -> Result<Vec<TableState>, ColdError> {
        states(self.catalog.load_table(&self.name).await?.metadata())
    }

    pub fn statistics(&self) -> Result<ColdStatistics, ColdError> {
        let states = states(self.table.metadata())?;
        let snapshots = states.len() as u64;
        Ok(states.last().map_or(ColdStatistics::default(), |newest| ColdStatistics {
            snapshots,
            rows: newest.rows,
            files: newest.files,
            bytes: newest.bytes,
            committed: Some(newest.committed),
            newest: Some(newest.id),
        }))
    }
}

/// The states a table keeps, oldest first.
pub fn states(metadata: &TableMetadata) -> Result<Vec<TableState>, ColdError> {
    let mut snapshots: Vec<_> = metadata.snapshots().collect();
    snapshots.sort_by_key(|snapshot| snapshot.sequence_number());
    snapshots.into_iter().map(state_of).collect()
}

fn state_of(snapshot: &SnapshotRef) -> Result<TableState, ColdError> {
    let summary = snapshot.summary();
    let number = |name| summary.additional_properties.get(name).and_then(|n| n.parse().ok()).unwrap_or_default();
    Ok(TableState {
        id: snapshot.snapshot_id(),
        through: catalog::through_of(snapshot)?,
        committed: committed(snapshot.timestamp_ms()),
        operation: summary.operation.as_str().to_owned(),
        rows: number("total-records"),
        files: number("total-data-files"),
        bytes: number("total-files-size"),
    })
}

fn committed(ms: i64) -> EventTime {
    EventTime::from_nanos(ms.saturating_mul(MILLISECOND))
}

/// The state that is meant: the newest unless one is named. Errors: `NoSnapshot`.
fn state(metadata: &TableMetadata, id: Option<i64>) -> Result<Option<&SnapshotRef>, ColdError> {
    match id {
        None => Ok(metadata.current_snapshot()),
        Some(id) => metadata.snapshot_by_id(id).map(Some).ok_or_else(|| no_snapshot(metadata, id)),
    }
}

fn no_snapshot(metadata: &TableMetadata, id: i64) -> ColdError {
    let mut kept: Vec<_> = metadata.snapshots().map(|kept| (kept.sequence_number(), kept.snapshot_id())).collect();
    kept.sort_unstable();
    ColdError::NoSnapshot { id, kept: kept.into_iter().map(|(_, id)| id).collect() }
}
