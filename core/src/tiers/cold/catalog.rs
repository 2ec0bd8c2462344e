//! The one row that says which metadata is the table's: a catalog in SQLite, in the standard SQL-catalog schema that pyiceberg reads.
//!
//! The library's own SQL catalog ignores a COMMIT that fails, and its transaction tries again by itself after any retryable error, on top of
//! what it may just have written. Here COMMIT is checked, and a snapshot whose `tapedeck.seq` is not above the current one is refused
//! for good (`admit`), whichever way it comes. So rows arrive once, whoever retries.

use std::collections::HashMap;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use iceberg::io::{FileIO, FileIOBuilder};
use iceberg::spec::{MAIN_BRANCH, Operation, Snapshot, TableMetadata, TableMetadataBuildResult, TableMetadataBuilder};
use iceberg::table::Table;
use iceberg::{
    Catalog, Error, ErrorKind, MetadataLocation, Namespace, NamespaceIdent, Result, Runtime, TableCommit,
    TableCreation, TableIdent, TableUpdate,
};
use sqlx::Row;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::storage::LocalFilesFactory;
use crate::domain::Seq;
use crate::failpoint::failpoint;

/// The property of a snapshot that says which inputs it holds: all through this one.
pub(super) const THROUGH: &str = "tapedeck.seq";

/// As other engines ask for it.
const NAME: &str = "tapedeck";

/// As pyiceberg's SqlCatalog makes them.
const SCHEMA: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS iceberg_tables (catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL, \
     table_name VARCHAR(255) NOT NULL, metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000), \
     iceberg_type VARCHAR(5), PRIMARY KEY (catalog_name, table_namespace, table_name))",
    "CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (catalog_name VARCHAR(255) NOT NULL, \
     namespace VARCHAR(255) NOT NULL, property_key VARCHAR(255), property_value VARCHAR(1000), \
     PRIMARY KEY (catalog_name, namespace, property_key))",
];

/// A commit that did not succeed, and what is known of it.
#[derive(Debug)]
pub(super) enum CommitError {
    /// Nothing was published, now or ever: what was written for it can be deleted.
    Refused(Error),
    /// COMMIT itself failed. The table may hold it all the same, at once or after a crash, when SQLite reads its log again.
    Unsure(Error),
}

impl From<Error> for CommitError {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Refused(error) | CommitError::Unsure(error) => error,
        }
    }
}

#[derive(Debug)]
pub(super) struct LocalCatalog {
    warehouse: String,
    pool: SqlitePool,
    files: FileIO,
    runtime: Runtime,
}

fn sql(error: sqlx::Error) -> Error {
    Error::new(ErrorKind::Unexpected, format!("the catalog: {error}")).with_source(error)
}

/// A step that failed because a test asked it to.
pub(super) fn injected(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Unexpected, error.to_string())
}

fn unsupported<T>(what: &str) -> Result<T> {
    Err(Error::new(ErrorKind::FeatureUnsupported, format!("this catalog has one table, and does not {what}")))
}

/// The inputs a table holds. A table that never had a snapshot holds none.
pub(super) fn through(metadata: &TableMetadata) -> Result<Seq> {
    metadata.current_snapshot().map_or(Ok(Seq::default()), |snapshot| through_of(snapshot))
}

pub(super) fn through_of(snapshot: &Snapshot) -> Result<Seq> {
    let text = snapshot.summary().additional_properties.get(THROUGH);
    text.and_then(|text| text.parse().ok()).map(Seq).ok_or_else(|| {
        let what =
            format!("snapshot {} does not say which inputs it holds: another program wrote it", snapshot.snapshot_id());
        Error::new(ErrorKind::DataInvalid, what)
    })
}

/// A table as it would be made, for a reader who came before the first writer.
pub(super) fn unwritten(folder: &Path, name: &TableIdent, mut creation: TableCreation) -> Result<Table> {
    creation.location = Some(format!("file://{}/{}/{}", folder.display(), name.namespace().join("/"), name.name()));
    Table::builder()
        .file_io(FileIOBuilder::new(Arc::new(LocalFilesFactory)).build())
        .identifier(name.clone())
        .metadata(TableMetadataBuilder::from_table_creation(creation)?.build()?.metadata)
        .runtime(Runtime::try_current()?)
        .build()
}

impl LocalCatalog {
    /// Opens or creates the catalog in `folder`, which must be there. Tables lie under it.
    pub(super) async fn open(folder: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(folder.join("catalog.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(sql)?;
        for statement in SCHEMA {
            sqlx::query(statement).execute(&pool).await.map_err(sql)?;
        }
        Ok(Self {
            warehouse: format!("file://{}", folder.display()),
            pool,
            files: FileIOBuilder::new(Arc::new(LocalFilesFactory)).build(),
            runtime: Runtime::try_current()?,
        })
    }

    /// Returns when SQLite has let go of its files. Dropped, it does so a moment later.
    pub(super) async fn close(self) {
        // Once is not enough: a connection that is just being given back is waited for, and then left to be dropped.
        while self.pool.size() > 0 {
            self.pool.close().await;
        }
    }

    fn table(&self, name: &TableIdent, location: String, metadata: impl Into<Arc<TableMetadata>>) -> Result<Table> {
        Table::builder()
            .file_io(self.files.clone())
            .identifier(name.clone())
            .metadata_location(location)
            .metadata(metadata.into())
            .runtime(self.runtime.clone())
            .build()
    }

    /// Where the table's metadata is, by the catalog's row.
    pub(super) async fn location(&self, name: &TableIdent) -> Result<Option<String>> {
        self.column(name, "metadata_location").await
    }

    async fn column(&self, name: &TableIdent, column: &'static str) -> Result<Option<String>> {
        let row = sqlx::query(&format!(
            "SELECT {column} FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?"
        ))
        .bind(NAME)
        .bind(name.namespace().join("."))
        .bind(name.name())
        .fetch_optional(&self.pool)
        .await
        .map_err(sql)?;
        Ok(row.map(|row| row.try_get(0).map_err(sql)).transpose()?.flatten())
    }

    /// Where it was before the last change, by the row.
    pub(super) async fn previous_location(&self, name: &TableIdent) -> Result<Option<String>> {
        self.column(name, "previous_metadata_location").await
    }

    /// Compare and swap. Errors: a conflict when the row has moved on.
    async fn swap(&self, name: &TableIdent, from: &str, to: &str) -> std::result::Result<(), CommitError> {
        failpoint("cold.commit.begin").map_err(injected)?;
        let mut transaction = self.pool.begin().await.map_err(sql)?;
        let changed = sqlx::query(
            "UPDATE iceberg_tables SET metadata_location = ?, previous_metadata_location = ? \
             WHERE catalog_name = ? AND table_namespace = ? AND table_name = ? AND metadata_location = ?",
        )
        .bind(to)
        .bind(from)
        .bind(NAME)
        .bind(name.namespace().join("."))
        .bind(name.name())
        .bind(from)
        .execute(&mut *transaction)
        .await
        .map_err(sql)?
        .rows_affected();
        if changed != 1 {
            let what = format!("{name} was changed by another writer");
            return Err(Error::new(ErrorKind::CatalogCommitConflicts, what).into());
        }
        failpoint("cold.commit.swapped").map_err(injected)?;
        transaction.commit().await.map_err(|error| CommitError::Unsure(sql(error)))?;
        failpoint("cold.commit.done").map_err(|error| CommitError::Unsure(injected(error)))
    }

    /// Has the row say where the metadata is from now on, under a name that was never used before.
    pub(super) async fn point(&self, name: &TableIdent, from: &str, to: &str) -> std::result::Result<(), CommitError> {
        match self.swap(name, from, to).await {
            // If the row has it, it is published, whatever was said.
            Err(CommitError::Unsure(error))
                if self.location(name).await.is_ok_and(|now| now.as_deref() == Some(to)) =>
            {
                tracing::warn!(%error, "a commit said that it failed, and had succeeded");
                Ok(())
            }
            other => other,
        }
    }

    /// Publishes metadata that was built on `base`.
    async fn publish(&self, base: &Table, built: TableMetadataBuildResult) -> std::result::Result<Table, CommitError> {
        let metadata = built.metadata;
        let from = base.metadata_location_result()?.to_owned();
        let to = MetadataLocation::from_str(&from)?.with_next_version().with_new_metadata(&metadata);
        metadata.write_to(&self.files, &to).await?;
        failpoint("cold.commit.metadata").map_err(injected)?;
        self.point(base.identifier(), &from, &to.to_string()).await?;
        // Each tells of every snapshot: one a minute, kept for a day, would be gigabytes.
        for old in built.expired_metadata_logs {
            if let Err(error) = self.files.delete(&old.metadata_file).await {
                tracing::warn!(file = old.metadata_file, %error, "old metadata stays behind");
            }
        }
        Ok(self.table(base.identifier(), to.to_string(), metadata)?)
    }

    /// Publishes a snapshot that was built on `base`. Errors: see `CommitError`, and `admit` for what is refused.
    pub(super) async fn commit(&self, base: &Table, snapshot: Snapshot) -> std::result::Result<Table, CommitError> {
        admit(through(base.metadata())?, &snapshot)?;
        let built = builder(base)?.set_branch_snapshot(snapshot, MAIN_BRANCH)?.build()?;
        self.publish(base, built).await
    }

    /// Publishes the table without these snapshots.
    pub(super) async fn forget(&self, base: &Table, snapshots: &[i64]) -> std::result::Result<Table, CommitError> {
        let built = builder(base)?.remove_snapshots(snapshots).build()?;
        self.publish(base, built).await
    }

    /// Moves SQLite's log into the database, after which no commit that failed can come back out of it. `false` when a reader was in the way.
    pub(super) async fn settle(&self) -> Result<bool> {
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&self.pool).await.map_err(sql)?;
        Ok(row.try_get::<i64, _>(0).map_err(sql)? == 0)
    }
}

fn builder(base: &Table) -> Result<TableMetadataBuilder> {
    Ok(base.metadata().clone().into_builder(Some(base.metadata_location_result()?.to_owned())))
}

/// Whether a snapshot may stand on a table that holds inputs through `held`: one with rows brings later inputs, and one with the same rows in
/// other files brings none. No retry makes it right, so the refusal does not ask for one.
fn admit(held: Seq, snapshot: &Snapshot) -> Result<()> {
    let given = through_of(snapshot)?;
    let (right, what) = match snapshot.summary().operation {
        Operation::Append => (given > held, "the table holds inputs through"),
        Operation::Replace => (given == held, "joining files may not change that the table holds inputs through"),
        Operation::Overwrite | Operation::Delete => {
            (false, "nothing is taken out of a table that holds inputs through")
        }
    };
    if right {
        return Ok(());
    }
    Err(Error::new(ErrorKind::PreconditionFailed, format!("{what} {}, and {} was given", held.0, given.0)))
}

#[async_trait]
impl Catalog for LocalCatalog {
    async fn update_table(&self, mut commit: TableCommit) -> Result<Table> {
        let current = self.load_table(commit.identifier()).await?;
        for requirement in commit.take_requirements() {
            requirement.check(Some(current.metadata()))?;
        }
        let held = through(current.metadata())?;
        let mut builder = builder(&current)?;
        for update in commit.take_updates() {
            if let TableUpdate::AddSnapshot { snapshot } = &update {
                admit(held, snapshot)?;
            }
            builder = update.apply(builder)?;
        }
        Ok(self.publish(&current, builder.build()?).await?)
    }

    async fn load_table(&self, name: &TableIdent) -> Result<Table> {
        let location = self.location(name).await?;
        let location =
            location.ok_or_else(|| Error::new(ErrorKind::TableNotFound, format!("there is no table {name}")))?;
        let metadata = TableMetadata::read_from(&self.files, &location).await?;
        self.table(name, location, metadata)
    }

    async fn create_table(&self, namespace: &NamespaceIdent, mut creation: TableCreation) -> Result<Table> {
        let name = TableIdent::new(namespace.clone(), creation.name.clone());
        let usual = || format!("{}/{}/{}", self.warehouse, namespace.join("/"), name.name());
        let base = creation.location.get_or_insert_with(usual).clone();
        let metadata = TableMetadataBuilder::from_table_creation(creation)?.build()?.metadata;
        let location = MetadataLocation::new_with_metadata(base, &metadata);
        metadata.write_to(&self.files, &location).await?;
        sqlx::query(
            "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location, iceberg_type) \
             VALUES (?, ?, ?, ?, 'TABLE')",
        )
        .bind(NAME)
        .bind(namespace.join("."))
        .bind(name.name())
        .bind(location.to_string())
        .execute(&self.pool)
        .await
        .map_err(sql)?;
        self.table(&name, location.to_string(), metadata)
    }

    async fn create_namespace(
        &self,
        namespace: &NamespaceIdent,
        properties: HashMap<String, String>,
    ) -> Result<Namespace> {
        sqlx::query("INSERT OR IGNORE INTO iceberg_namespace_properties VALUES (?, ?, 'exists', 'true')")
            .bind(NAME)
            .bind(namespace.join("."))
            .execute(&self.pool)
            .await
            .map_err(sql)?;
        Ok(Namespace::with_properties(namespace.clone(), properties))
    }

    async fn table_exists(&self, name: &TableIdent) -> Result<bool> {
        Ok(self.location(name).await?.is_some())
    }

    async fn list_namespaces(&self, _: Option<&NamespaceIdent>) -> Result<Vec<NamespaceIdent>> {
        unsupported("list namespaces")
    }

    async fn get_namespace(&self, _: &NamespaceIdent) -> Result<Namespace> {
        unsupported("describe namespaces")
    }

    async fn namespace_exists(&self, _: &NamespaceIdent) -> Result<bool> {
        unsupported("look for namespaces")
    }

    async fn update_namespace(&self, _: &NamespaceIdent, _: HashMap<String, String>) -> Result<()> {
        unsupported("change namespaces")
    }

    async fn drop_namespace(&self, _: &NamespaceIdent) -> Result<()> {
        unsupported("drop namespaces")
    }

    async fn list_tables(&self, _: &NamespaceIdent) -> Result<Vec<TableIdent>> {
        unsupported("list tables")
    }

    async fn drop_table(&self, _: &TableIdent) -> Result<()> {
        unsupported("drop tables")
    }

    async fn purge_table(&self, _: &TableIdent) -> Result<()> {
        unsupported("purge tables")
    }

    async fn rename_table(&self, _: &TableIdent, _: &TableIdent) -> Result<()> {
        unsupported("rename tables")
    }

    async fn register_table(&self, _: &TableIdent, _: String) -> Result<Table> {
        unsupported("register tables")
    }
}
