//! The cold tier: every tick and clock in an Apache Iceberg table, `market.ticks`, by day.
//!
//! It becomes the only copy of old ticks, so it is truth: rows arrive exactly once (`catalog` has the guard), files are durable before they
//! have their name (`storage`), and what rewrites files reads them back first (`compact`). One writer: whoever holds the journal's lock.
//! Readers may be many, in other processes and of other makers.

mod catalog;
mod compact;
mod error;
mod expire;
mod reader;
mod rows;
mod schema;
mod storage;
#[cfg(test)]
mod tests;
mod writer;

pub use compact::Compacted;
pub use error::ColdError;
pub use expire::{Keep, Removed};
pub use reader::{TickQuery, Ticks};

use std::path::{Path, PathBuf};
use std::time::Duration;

use iceberg::spec::TableMetadata;
use iceberg::table::Table;
use iceberg::{Catalog, Error, ErrorKind, NamespaceIdent, TableIdent};

use crate::domain::time::MILLISECOND;
use crate::domain::{EventTime, Seq, Stamped};
use catalog::LocalCatalog;

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

fn folder(data_directory: &Path) -> PathBuf {
    data_directory.join("cold")
}

fn ticks() -> TableIdent {
    TableIdent::new(NamespaceIdent::new("market".to_owned()), "ticks".to_owned())
}

impl Cold {
    /// Opens the table of a data directory for writing, and makes it when it is missing.
    pub async fn open(data_directory: &Path) -> Result<Self, ColdError> {
        let folder = folder(data_directory);
        let made = folder.clone();
        storage::blocking(move || {
            let failed = |error| Error::new(ErrorKind::Unexpected, format!("{}: {error}", made.display()));
            storage::make_folder(&made).map_err(failed)
        })
        .await?;
        let catalog = LocalCatalog::open(&folder).await?;
        let name = ticks();
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
        let folder = folder(data_directory);
        let name = ticks();
        if !folder.join("catalog.db").exists() {
            return Ok(catalog::unwritten(&folder, &name, schema::creation()?)?);
        }
        let catalog = LocalCatalog::open(&folder).await?;
        if catalog.table_exists(&name).await? {
            Ok(catalog.load_table(&name).await?)
        } else {
            Ok(catalog::unwritten(&folder, &name, schema::creation()?)?)
        }
    }

    /// All inputs through this one are in the table.
    pub fn archived_through(&self) -> Seq {
        self.through
    }

    /// Adds the ticks and clocks among the inputs, all of the journal after `archived_through` and through `through`, in one snapshot.
    ///
    /// After an error the table holds all of them or none; `archived_through` says which, and giving them again is right either way.
    pub async fn append(&mut self, inputs: &[Stamped], through: Seq) -> Result<Appended, ColdError> {
        self.refresh().await?;
        if through <= self.through {
            return Ok(Appended::Exists);
        }
        let rows = rows::kept(inputs);
        if rows.is_empty() {
            return Ok(Appended::Nothing);
        }
        let mut writer = writer::FilesWriter::new(&self.table)?;
        for batch in rows.chunks(BATCH) {
            writer.write(batch).await?;
        }
        let files = writer.close().await?;
        match writer::append(&self.catalog, &self.table, files.clone(), through).await {
            Ok(table) => self.table = table,
            Err(error) => {
                self.refresh().await?;
                if self.through != through {
                    writer::take_back(&self.table, &files).await;
                    return Err(error);
                }
                tracing::warn!(%error, "a commit said that it failed, and had succeeded");
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

    /// The archive in the order of the tape, a few thousand inputs at a time. Errors: `NoSnapshot`.
    pub async fn ticks(&self, query: TickQuery) -> Result<Ticks, ColdError> {
        Ticks::plan(self.catalog.load_table(&self.name).await?, query).await
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

    async fn remove_orphans_older_than(&mut self, grace: Duration) -> Result<Removed, ColdError> {
        self.refresh().await?;
        expire::remove_orphans(&self.table, grace).await
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
        }))
    }
}

/// The states a table keeps, oldest first.
pub fn states(metadata: &TableMetadata) -> Result<Vec<TableState>, ColdError> {
    let mut snapshots: Vec<_> = metadata.snapshots().collect();
    snapshots.sort_by_key(|snapshot| snapshot.sequence_number());
    let state = |snapshot: &&iceberg::spec::SnapshotRef| {
        let summary = snapshot.summary();
        let number = |name| summary.additional_properties.get(name).and_then(|n| n.parse().ok()).unwrap_or_default();
        Ok(TableState {
            id: snapshot.snapshot_id(),
            through: catalog::through_of(snapshot)?,
            committed: EventTime::from_nanos(snapshot.timestamp_ms().saturating_mul(MILLISECOND)),
            operation: summary.operation.as_str().to_owned(),
            rows: number("total-records"),
            files: number("total-data-files"),
            bytes: number("total-files-size"),
        })
    };
    snapshots.iter().map(state).collect()
}

fn no_snapshot(metadata: &TableMetadata, id: i64) -> ColdError {
    let mut kept: Vec<_> = metadata.snapshots().map(|kept| (kept.sequence_number(), kept.snapshot_id())).collect();
    kept.sort_unstable();
    ColdError::NoSnapshot { id, kept: kept.into_iter().map(|(_, id)| id).collect() }
}
