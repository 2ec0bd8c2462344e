//! Every hour's shape and what came after it, in LanceDB: searched exactly while it is small, by an index when it is large.
//!
//! A projection of the candles: thrown away when it can not be read, and made again from nothing. LanceDB syncs no file, so a power cut may
//! cost it.
//!
//! **Architecture Invariant:** how far it has come is a property of the table ([`LOOKED_AT`]), written after the rows. Rows of later inputs
//! are what a crash left: opening takes them away again, so that what is put after it is there once.

mod rows;
mod search;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use futures_util::TryStreamExt;
use lancedb::index::Index;
use lancedb::index::vector::IvfFlatIndexBuilder;
use lancedb::query::{ExecutableQuery, QueryBase};
use lancedb::table::OptimizeAction;
use lancedb::table::optimize::{CompactionOptions, Duration};
use lancedb::{DistanceType, ObjectStoreRegistry, Session, Table};

pub(in crate::tiers) use rows::schema;
pub use search::{Found, Reader};

use crate::domain::Seq;
use crate::failpoint::failpoint;
use crate::patterns::{Event, PatternId};
use rows::Row;

const TABLE: &str = "patterns";

/// The property of the table that says through which input candles were looked at.
const LOOKED_AT: &str = "tapedeck.through";

/// Rows from which on an index is worth more than exactness: a flat search takes some 90 ms there.
const INDEX_FROM: u64 = 200_000;

/// Rows that are not in the index yet are searched one by one, and joined to it when there are more than this.
const UNINDEXED: u64 = 20_000;

/// Ids in one condition.
const IDS: usize = 500;

/// Of what the library keeps of files it has read.
const CACHE_BYTES: usize = 64 << 20;

/// Versions a reader may still be in.
const KEPT_VERSIONS_S: i64 = 600;

#[derive(Debug, thiserror::Error)]
pub enum VectorsError {
    #[error("{} can not be used: {source}", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("{doing} failed: {source}")]
    Library { doing: &'static str, source: Box<lancedb::Error> },
    #[error("{what}. It can be made again: `tapedeck patterns build --again`")]
    Damaged { what: String },
    #[error("it holds the patterns of inputs through {}, and {} came after them", through.0, given.0)]
    Backwards { through: Seq, given: Seq },
}

fn failed(doing: &'static str) -> impl FnOnce(lancedb::Error) -> VectorsError {
    move |source| VectorsError::Library { doing, source: Box::new(source) }
}

/// How the table stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Those that a correction withdrew included.
    pub rows: u64,
    pub versions: u64,
    pub bytes: u64,
}

fn folder(data_directory: &Path) -> PathBuf {
    data_directory.join("vectors")
}

/// The one writer of a data directory's patterns. Hold the journal's lock.
pub struct Vectors {
    path: PathBuf,
    table: Table,
    through: Seq,
    index_from: u64,
}

impl Vectors {
    /// Opens or makes the table. One that can not be read is thrown away: it can be made again.
    pub async fn open(data_directory: &Path) -> Result<Self, VectorsError> {
        let path = folder(data_directory);
        let unusable = |source| VectorsError::Directory { path: path.clone(), source };
        std::fs::create_dir_all(&path).map_err(unusable)?;
        match Self::open_as_it_is(&path).await {
            Ok(vectors) => Ok(vectors),
            Err(error) => {
                tracing::warn!(%error, "the table of patterns can not be read, and is made again");
                std::fs::remove_dir_all(&path).and_then(|()| std::fs::create_dir_all(&path)).map_err(unusable)?;
                Self::open_as_it_is(&path).await
            }
        }
    }

    async fn open_as_it_is(path: &Path) -> Result<Self, VectorsError> {
        let connection = connect(path).await?;
        let names = connection.table_names().execute().await.map_err(failed("listing"))?;
        let table = if names.iter().any(|name| name == TABLE) {
            connection.open_table(TABLE).execute().await.map_err(failed("opening"))?
        } else {
            connection.create_empty_table(TABLE, schema()).execute().await.map_err(failed("making it"))?
        };
        if table.schema().await.map_err(failed("reading its columns"))?.fields() != schema().fields() {
            return Err(VectorsError::Damaged { what: "it has other columns".to_owned() });
        }
        let through = looked_at(&table).await?;
        let vectors = Self { path: path.to_owned(), table, through, index_from: INDEX_FROM };
        vectors.take_back().await?;
        Ok(vectors)
    }

    /// What was begun after the last input that counts.
    async fn take_back(&self) -> Result<(), VectorsError> {
        let through = self.through.0;
        let later = format!("seq > {through}");
        if self.count(Some(later.clone())).await? > 0 {
            self.table.delete(later.as_str()).await.map_err(failed("taking back"))?;
        }
        let withdrawn = format!("superseded_seq > {through}");
        if self.count(Some(withdrawn.clone())).await? > 0 {
            let update = self.table.update().only_if(withdrawn);
            let update = rows::SUPERSEDED.into_iter().fold(update, |update, column| update.column(column, "NULL"));
            update.execute().await.map_err(failed("taking back"))?;
        }
        Ok(())
    }

    /// Throws the table away.
    pub fn remove(data_directory: &Path) -> Result<(), VectorsError> {
        let path = folder(data_directory);
        match std::fs::remove_dir_all(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(VectorsError::Directory { path, source }),
            _ => Ok(()),
        }
    }

    /// The last input whose candles were looked at.
    pub fn through(&self) -> Seq {
        self.through
    }

    /// What the candles of every input through this one did to the patterns, in order, with the input each came by.
    ///
    /// Errors: `Backwards` when later ones are stored. After any other the table has to be opened again.
    pub async fn put(&mut self, events: &[(Seq, Event)], through: Seq) -> Result<(), VectorsError> {
        if through < self.through {
            return Err(VectorsError::Backwards { through: self.through, given: through });
        }
        self.write(events).await?;
        self.note(through).await
    }

    async fn write(&self, events: &[(Seq, Event)]) -> Result<(), VectorsError> {
        let mut added: BTreeMap<PatternId, Row> = BTreeMap::new();
        let mut withdrawn = BTreeMap::new();
        for (seq, event) in events {
            match event {
                Event::Add(pattern) => {
                    added.insert(pattern.id, Row::of(pattern, *seq));
                }
                Event::Supersede { id, at } => match added.get_mut(id) {
                    Some(row) => row.supersede(*at, *seq),
                    None => {
                        withdrawn.insert(*id, (*at, *seq));
                    }
                },
            }
        }
        let rows: Vec<Row> = added.into_values().collect();
        if !rows.is_empty() {
            self.table.add(rows::encode(&rows)?).execute().await.map_err(failed("adding"))?;
        }
        self.may_stop("vectors.added")?;
        if !withdrawn.is_empty() {
            let mut changed = self.rows_of(&withdrawn.keys().copied().collect::<Vec<_>>()).await?;
            for row in &mut changed {
                if let Some((at, seq)) = withdrawn.get(&row.id()) {
                    row.supersede(*at, *seq);
                }
            }
            self.replace(&changed).await?;
        }
        self.may_stop("vectors.superseded")
    }

    /// Where a test may have it fail, or kill the process.
    fn may_stop(&self, step: &'static str) -> Result<(), VectorsError> {
        failpoint(step).map_err(|source| VectorsError::Directory { path: self.path.clone(), source })
    }

    async fn rows_of(&self, ids: &[PatternId]) -> Result<Vec<Row>, VectorsError> {
        let mut found = Vec::new();
        for ids in ids.chunks(IDS) {
            let ids: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
            let query = self.table.query().only_if(format!("id IN ({})", ids.join(", ")));
            let batches = query.execute().await.map_err(failed("reading"))?;
            for batch in batches.try_collect::<Vec<RecordBatch>>().await.map_err(failed("reading"))? {
                found.extend(rows::decode(&batch)?);
            }
        }
        Ok(found)
    }

    async fn replace(&self, rows: &[Row]) -> Result<(), VectorsError> {
        if rows.is_empty() {
            return Ok(());
        }
        let batch = rows::encode(rows)?;
        let schema = batch.schema();
        let mut merge = self.table.merge_insert(&["id"]);
        merge.when_matched_update_all(None);
        let reader = arrow::record_batch::RecordBatchIterator::new([Ok(batch)], schema);
        merge.execute(Box::new(reader)).await.map_err(failed("withdrawing"))?;
        Ok(())
    }

    async fn note(&mut self, through: Seq) -> Result<(), VectorsError> {
        let native = self.table.as_native().expect("a table in a folder");
        let entry = [(LOOKED_AT.to_owned(), through.0.to_string())];
        native.update_config(entry).await.map_err(failed("noting how far it is"))?;
        self.through = through;
        Ok(())
    }

    async fn count(&self, filter: Option<String>) -> Result<u64, VectorsError> {
        Ok(self.table.count_rows(filter).await.map_err(failed("counting"))? as u64)
    }

    /// Joins small files, lets old versions go, and makes or carries on the index where one is due.
    pub async fn maintain(&mut self) -> Result<(), VectorsError> {
        let compact = OptimizeAction::Compact { options: CompactionOptions::default(), remap_options: None };
        self.table.optimize(compact).await.map_err(failed("joining files"))?;
        self.index().await?;
        let prune = OptimizeAction::Prune {
            older_than: Duration::try_seconds(KEPT_VERSIONS_S),
            // Nobody else writes here.
            delete_unverified: Some(true),
            error_if_tagged_old_versions: None,
        };
        self.table.optimize(prune).await.map_err(failed("letting old versions go"))?;
        Ok(())
    }

    async fn index(&self) -> Result<(), VectorsError> {
        let rows = self.count(None).await?;
        if rows < self.index_from {
            return Ok(());
        }
        let indices = self.table.list_indices().await.map_err(failed("looking at the index"))?;
        match indices.first() {
            None => {
                let partitions = search::partitions(rows);
                let index = IvfFlatIndexBuilder::default().distance_type(DistanceType::L2).num_partitions(partitions);
                self.table
                    .create_index(&["vector"], Index::IvfFlat(index))
                    .execute()
                    .await
                    .map_err(failed("making the index"))
            }
            Some(index) => {
                let stats = self.table.index_stats(&index.name).await.map_err(failed("looking at the index"))?;
                if stats.is_some_and(|stats| stats.num_unindexed_rows as u64 > UNINDEXED) {
                    let carry_on = OptimizeAction::Index(Default::default());
                    self.table.optimize(carry_on).await.map_err(failed("carrying on the index"))?;
                }
                Ok(())
            }
        }
    }

    pub async fn statistics(&self) -> Result<Statistics, VectorsError> {
        statistics(&self.table, &self.path).await
    }
}

async fn connect(path: &Path) -> Result<lancedb::Connection, VectorsError> {
    let not_utf8 = || io::Error::other("its name is not UTF-8");
    let unusable = || VectorsError::Directory { path: path.to_owned(), source: not_utf8() };
    let session = Session::new(CACHE_BYTES, CACHE_BYTES, Arc::new(ObjectStoreRegistry::default()));
    let connect = lancedb::connect(path.to_str().ok_or_else(unusable)?).session(Arc::new(session));
    connect.execute().await.map_err(failed("opening"))
}

async fn looked_at(table: &Table) -> Result<Seq, VectorsError> {
    let native = table.as_native().expect("a table in a folder");
    let manifest = native.manifest().await.map_err(failed("reading how far it is"))?;
    let Some(text) = manifest.config.get(LOOKED_AT) else { return Ok(Seq::default()) };
    text.parse().map(Seq).map_err(|_| VectorsError::Damaged { what: format!("`{text}` is no place in a journal") })
}

async fn statistics(table: &Table, path: &Path) -> Result<Statistics, VectorsError> {
    let rows = table.count_rows(None).await.map_err(failed("counting"))? as u64;
    let versions = table.list_versions().await.map_err(failed("counting versions"))?.len() as u64;
    Ok(Statistics { rows, versions, bytes: bytes_in(path) })
}

/// Of all files under a folder; what vanishes meanwhile counts nothing.
fn bytes_in(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let size = |entry: io::Result<std::fs::DirEntry>| -> u64 {
        let Ok(entry) = entry else { return 0 };
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_in(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        }
    };
    entries.map(size).sum()
}
