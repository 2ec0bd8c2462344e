//! One Paimon table and its one writer: exactly once by commit identifier.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use futures_util::TryStreamExt;
use paimon::spec::{BinaryRow, DataType, Predicate, Snapshot};
use paimon::table::SnapshotManager;
use paimon::{Catalog, CommitMessage, FileSystemCatalog, Table, TableCommit, TableWrite};

use super::durable::sync_up_to;
use super::schema::TableName;
use super::{Put, WarmError, compact};
use crate::failpoint::failpoint;

/// Who writes files. Commits are made in the name of their session instead.
pub(super) const WRITER: &str = "tapedeck";

pub(super) struct WarmTable {
    pub(super) name: TableName,
    pub(super) table: Table,
    /// Kept, since the first commit of a new one reads every manifest there is. `None` while what is on disk is not known to be what
    /// is remembered here: after a commit that failed or was cancelled. Only ever reached by `&mut`; the lock makes the table `Sync`,
    /// which the library's writer is not.
    write: Mutex<Option<TableWrite>>,
    /// The newest identifier committed in each name.
    last: BTreeMap<String, u64>,
    /// Commits since the last compaction.
    commits: usize,
    pub(super) commits_before_compaction: usize,
    /// Bytes. See `compact::WHOLE_FILE`.
    pub(super) whole_file: i64,
}

/// What a commit is, given the newest one of the same name.
#[derive(Debug, PartialEq, Eq)]
enum Admission {
    Next,
    Exists,
    Backwards,
}

/// The library drops what goes backwards without a word, so it is decided here.
fn admit(last: Option<u64>, given: u64) -> Admission {
    match last {
        Some(last) if given == last => Admission::Exists,
        Some(last) if given < last => Admission::Backwards,
        _ => Admission::Next,
    }
}

impl WarmTable {
    /// Creates the table when it is missing. Errors: `OtherColumns`, and `Damaged` when the newest snapshot names a file that is not there.
    pub(super) async fn open(catalog: &FileSystemCatalog, name: TableName) -> Result<Self, WarmError> {
        let folder = PathBuf::from(catalog.warehouse()).join(format!("{}.db", name.database())).join(name.table());
        let table = load(catalog, name, &folder).await?;
        forget_a_lost_snapshot(&folder)?;
        let mut opened = Self {
            name,
            table,
            write: Mutex::new(None),
            last: BTreeMap::new(),
            commits: 0,
            commits_before_compaction: name.commits_before_compaction(),
            whole_file: compact::WHOLE_FILE,
        };
        opened.check_files().await?;
        opened.recall().await?;
        Ok(opened)
    }

    pub(super) fn failed(&self, doing: &'static str) -> impl Fn(paimon::Error) -> WarmError + use<> {
        failed(self.name, doing)
    }

    /// A step of `STEPS`, at which a test may stop the program or have it fail.
    pub(super) fn step(&self, name: &'static str) -> Result<(), WarmError> {
        failpoint(name).map_err(|source| WarmError::Directory { path: self.folder().to_owned(), source })
    }

    pub(super) fn folder(&self) -> &Path {
        Path::new(self.table.location())
    }

    pub(super) fn snapshots(&self) -> SnapshotManager {
        self.table.snapshot_manager()
    }

    pub(super) async fn latest(&self) -> Result<Option<Snapshot>, WarmError> {
        self.snapshots().get_latest_snapshot().await.map_err(self.failed("reading the newest snapshot"))
    }

    /// The newest identifier committed in this name.
    pub(super) fn through(&self, user: &str) -> Option<u64> {
        self.last.get(user).copied()
    }

    /// Whether the memory of what was committed must be read again before it is relied on.
    pub(super) fn is_uncertain(&mut self) -> bool {
        self.writer().is_none()
    }

    fn writer(&mut self) -> &mut Option<TableWrite> {
        self.write.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this identifier is new. Errors: `Backwards`.
    pub(super) async fn is_new(&mut self, user: &str, identifier: u64) -> Result<bool, WarmError> {
        if self.is_uncertain() {
            self.recall().await?;
        }
        let last = self.through(user);
        match admit(last, identifier) {
            Admission::Next => Ok(true),
            Admission::Exists => Ok(false),
            Admission::Backwards => Err(WarmError::Backwards {
                table: self.name.as_str(),
                last: last.unwrap_or_default(),
                given: identifier,
            }),
        }
    }

    /// Commits the batch under this identifier, unless it is there. Nothing is committed for an empty batch.
    ///
    /// After an error, or when dropped on the way, the commit may or may not have been made; given again, it is made or found. (Given again
    /// first: of a dropped future the last rename may still be on its way for an instant.)
    pub(super) async fn put(&mut self, user: &str, identifier: u64, batch: &RecordBatch) -> Result<Put, WarmError> {
        if !self.is_new(user, identifier).await? {
            return Ok(Put::Exists);
        }
        if batch.num_rows() == 0 {
            return Ok(Put::Stored);
        }
        let mut write = match self.writer().take() {
            Some(write) => write,
            None => self.new_write()?,
        };
        self.commit(&mut write, user, identifier, batch).await?;
        *self.writer() = Some(write);
        self.last.insert(user.to_owned(), identifier);
        self.commits += 1;
        if self.commits >= self.commits_before_compaction {
            self.compact_or_warn().await;
        }
        Ok(Put::Stored)
    }

    async fn commit(
        &self,
        write: &mut TableWrite,
        user: &str,
        identifier: u64,
        batch: &RecordBatch,
    ) -> Result<(), WarmError> {
        // The largest identifier is the library's own, for commits that have none.
        let identifier = i64::try_from(identifier).ok().filter(|i| *i < i64::MAX).ok_or_else(|| {
            WarmError::Unstorable { table: self.name.as_str(), what: format!("the commit identifier {identifier}") }
        })?;
        write.write_arrow_batch(batch).await.map_err(self.failed("writing rows"))?;
        let messages = write.prepare_commit().await.map_err(self.failed("writing rows"))?;
        sync_up_to(self.folder(), self.bucket_folders(&messages)?).await?;
        self.step("warm.put.prepared")?;
        let commit = TableCommit::new(self.table.clone(), user.to_owned()).with_ignore_empty_commit(false);
        let committed =
            commit.filter_and_commit(vec![(identifier, messages.clone())]).await.map_err(self.failed("committing"))?;
        if committed == 0 {
            // Filtered before anything was published, so nobody reads these files.
            commit.abort(&messages).await.map_err(self.failed("taking files back"))?;
            return Err(WarmError::AnotherWriter { table: self.name.as_str() });
        }
        self.step("warm.put.committed")?;
        sync_up_to(self.folder(), [self.folder().join("manifest"), self.folder().join("snapshot")]).await
    }

    /// Rows are safe by now, so what goes wrong here costs speed until the next commit tries again, and no caller is told that its put failed.
    async fn compact_or_warn(&mut self) {
        if let Err(error) = self.compact().await {
            tracing::warn!(table = self.name.as_str(), %error, "the table was not compacted");
        }
    }

    /// Merges what was committed since the last time, and deletes what no snapshot that is kept can reach. See `compact`.
    pub(super) async fn compact(&mut self) -> Result<(), WarmError> {
        // The rewrite numbers rows on its own; a writer from before it would give later rows lower numbers.
        if let Some(mut write) = self.writer().take() {
            write.close().await;
        }
        compact::run(self).await?;
        self.recall().await
    }

    /// Reads from disk what was committed, and in whose name.
    async fn recall(&mut self) -> Result<(), WarmError> {
        let (last, commits) = compact::progress(self).await?;
        (self.last, self.commits) = (last, commits);
        *self.writer() = Some(self.new_write()?);
        Ok(())
    }

    pub(super) fn new_write(&self) -> Result<TableWrite, WarmError> {
        let builder = self.table.new_write_builder().with_commit_user(WRITER).map_err(self.failed("writing rows"))?;
        builder.new_write().map_err(self.failed("writing rows"))
    }

    /// The rows of the newest snapshot, merged where the table merges. What the predicate can not exclude by itself is returned too.
    pub(super) async fn read(&self, predicate: Option<Predicate>) -> Result<Vec<RecordBatch>, WarmError> {
        let reading = self.failed("reading");
        let mut builder = self.table.new_read_builder();
        if let Some(predicate) = predicate {
            builder.with_filter(predicate);
        }
        let plan = builder.new_scan().plan().await.map_err(&reading)?;
        let rows = builder.new_read().and_then(|read| read.to_arrow(plan.splits())).map_err(&reading)?;
        rows.try_collect().await.map_err(reading)
    }

    /// A snapshot whose files are gone would fail at some later read; it is better known at once.
    async fn check_files(&self) -> Result<(), WarmError> {
        let reading = self.failed("checking its files");
        let plan = self.table.new_read_builder().new_scan().plan().await.map_err(&reading)?;
        for split in plan.splits() {
            for file in split.data_files() {
                let path = split.data_file_path(file);
                if !self.table.file_io().exists(&path).await.map_err(&reading)? {
                    return Err(WarmError::Damaged { table: self.name.as_str(), what: format!("{path} is missing") });
                }
            }
        }
        Ok(())
    }

    /// Where the library put the files of these messages: `name=value` for each partition column, then the bucket.
    fn bucket_folders(&self, messages: &[CommitMessage]) -> Result<Vec<PathBuf>, WarmError> {
        let fields = self.table.schema().partition_fields();
        messages
            .iter()
            .map(|message| {
                let partition = BinaryRow::from_serialized_bytes(&message.partition)?;
                let mut folder = self.folder().to_owned();
                for (at, field) in fields.iter().enumerate() {
                    let value = match field.data_type() {
                        DataType::Date(_) => {
                            let day = partition.get_int(at)?;
                            let date = jiff::civil::date(1970, 1, 1).saturating_add(jiff::Span::new().days(day));
                            date.to_string()
                        }
                        _ => partition.get_string(at)?.to_owned(),
                    };
                    folder.push(format!("{}={value}", field.name()));
                }
                folder.push(format!("bucket-{}", message.bucket));
                Ok(folder)
            })
            .collect::<Result<_, paimon::Error>>()
            .map_err(self.failed("finding its folders"))
    }
}

pub(super) fn failed(name: TableName, doing: &'static str) -> impl Fn(paimon::Error) -> WarmError {
    move |source| WarmError::Library { table: name.as_str(), doing, source: Box::new(source) }
}

/// The table, created when it is missing. A table that died while it was created has no snapshot, and is created again.
async fn load(catalog: &FileSystemCatalog, name: TableName, folder: &Path) -> Result<Table, WarmError> {
    let creating = failed(name, "creating it");
    let schema = name.schema().map_err(&creating)?;
    if !folder.join("snapshot").exists() && catalog.get_table(&name.identifier()).await.is_err() && folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|source| WarmError::Directory { path: folder.to_owned(), source })?;
    }
    catalog.create_database(name.database(), true, Default::default()).await.map_err(&creating)?;
    catalog.create_table(&name.identifier(), schema.clone(), true).await.map_err(&creating)?;
    let table = catalog.get_table(&name.identifier()).await.map_err(failed(name, "opening it"))?;
    let columns = |fields: &[paimon::spec::DataField]| -> Vec<(String, DataType)> {
        fields.iter().map(|field| (field.name().to_owned(), field.data_type().clone())).collect()
    };
    if columns(table.schema().fields()) != columns(schema.fields())
        || table.schema().partition_keys() != schema.partition_keys()
    {
        return Err(WarmError::OtherColumns { table: name.as_str() });
    }
    Ok(table)
}

/// The library writes down the newest snapshot's number after publishing it. A power cut may keep the number and lose the snapshot, and
/// then no reader would find any.
fn forget_a_lost_snapshot(folder: &Path) -> Result<(), WarmError> {
    let hint = folder.join("snapshot").join("LATEST");
    let named = std::fs::read_to_string(&hint).ok().and_then(|text| text.trim().parse::<i64>().ok());
    if named.is_some_and(|id| !folder.join("snapshot").join(format!("snapshot-{id}")).exists()) {
        std::fs::remove_file(&hint).map_err(|source| WarmError::Directory { path: hint, source })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Admission, admit};

    #[test]
    fn a_commit_is_made_once_and_never_backwards() {
        for (last, given, expected) in [
            (None, 0, Admission::Next),
            (None, 7, Admission::Next),
            (Some(7), 8, Admission::Next),
            (Some(7), 7, Admission::Exists),
            (Some(7), 6, Admission::Backwards),
        ] {
            assert_eq!(admit(last, given), expected, "{given} after {last:?}");
        }
    }
}
