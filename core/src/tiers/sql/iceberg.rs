//! An Iceberg table as the engine's own: which files to open is decided from the manifests, and what is left is read in parallel.
//!
//! Nobody lists the table's folder: a file that no snapshot names is not there.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema as ArrowSchema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use iceberg::expr::Predicate;
use iceberg::scan::FileScanTask;
use iceberg::spec::SchemaRef as IcebergSchemaRef;
use iceberg::table::Table;

use super::SqlError;
use super::pushdown::predicate;
use crate::tiers::leaf::{Leaf, Reading};

/// A file is shared between readers in pieces of about this many bytes: a day of ticks is one file.
const PIECE: u64 = 8 << 20;

/// Where a table comes from, asked anew by each query, so that each sees the newest snapshot.
#[async_trait]
pub trait TableSource: Send + Sync {
    /// Errors are shown to the user as they are.
    async fn table(&self) -> std::result::Result<Table, Box<dyn std::error::Error + Send + Sync>>;
}

#[async_trait]
impl<F, Fut> TableSource for F
where
    F: Fn() -> Fut + Send + Sync,
    Fut: Future<Output = std::result::Result<Table, Box<dyn std::error::Error + Send + Sync>>> + Send,
{
    async fn table(&self) -> std::result::Result<Table, Box<dyn std::error::Error + Send + Sync>> {
        self().await
    }
}

/// One snapshot of a table, and of its rows those that are shown.
pub(super) struct IcebergTable {
    table: Table,
    snapshot: Option<i64>,
    columns: IcebergSchemaRef,
    schema: SchemaRef,
    shown: Option<Predicate>,
    piece: u64,
}

impl IcebergTable {
    /// The newest snapshot, or the one named. `shown` is a condition every row meets, such as being a trade or a quote.
    ///
    /// Errors: `sql_no_snapshot`, naming the newest that are kept.
    pub(super) fn new(table: Table, snapshot: Option<i64>, shown: Option<Predicate>) -> Result<Self> {
        let metadata = table.metadata();
        let columns = match snapshot {
            None => Arc::clone(metadata.current_schema()),
            Some(id) => match metadata.snapshot_by_id(id) {
                Some(found) => found.schema(metadata).map_err(external)?,
                None => return Err(no_snapshot(&table, id).through_engine()),
            },
        };
        // Pinned, so that a table named twice in one query is the same table both times.
        let snapshot = snapshot.or_else(|| metadata.current_snapshot_id());
        let schema = Arc::new(plain(&iceberg::arrow::schema_to_arrow_schema(&columns).map_err(external)?));
        Ok(Self { table, snapshot, columns, schema, shown, piece: PIECE })
    }

    #[cfg(test)]
    pub(super) fn with_piece(mut self, bytes: u64) -> Self {
        self.piece = bytes;
        self
    }

    /// The files a scan would open.
    async fn plan(&self, names: &[&str], filters: &[Expr]) -> Result<(Vec<FileScanTask>, Option<Predicate>)> {
        let Some(snapshot) = self.snapshot else { return Ok((Vec::new(), None)) };
        let pushed = filters.iter().filter_map(|filter| predicate(filter, &self.columns));
        let pushed = self.shown.iter().cloned().chain(pushed).reduce(Predicate::and);
        let mut scan = self.table.scan().snapshot_id(snapshot);
        scan = if names.is_empty() { scan.select_empty() } else { scan.select(names.iter().copied()) };
        if let Some(pushed) = &pushed {
            scan = scan.with_filter(pushed.clone());
        }
        let files = scan.build().map_err(external)?.plan_files().await.map_err(external)?;
        Ok((files.try_collect().await.map_err(external)?, pushed))
    }
}

impl fmt::Debug for IcebergTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IcebergTable")
            .field("table", self.table.identifier())
            .field("snapshot", &self.snapshot)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for IcebergTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|filter| match predicate(filter, &self.columns) {
                Some(_) => TableProviderFilterPushDown::Inexact,
                None => TableProviderFilterPushDown::Unsupported,
            })
            .collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            Some(places) => Arc::new(self.schema.project(places)?),
            None => Arc::clone(&self.schema),
        };
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let (files, pushed) = self.plan(&names, filters).await?;
        let count = files.len();
        let rows = files.iter().map(|file| file.record_count).sum();
        let groups = groups(files, state.config().target_partitions(), self.piece);
        let partitions = groups.len();
        let scan = IcebergScan { table: self.table.clone(), groups, files: count, rows, pushed, limit };
        Ok(Arc::new(Leaf::new(scan, schema, partitions)))
    }
}

/// The reading of chosen files, in groups of about the same size, one for each partition of the plan.
pub(super) struct IcebergScan {
    table: Table,
    groups: Vec<Vec<FileScanTask>>,
    files: usize,
    rows: Option<u64>,
    pushed: Option<Predicate>,
    limit: Option<usize>,
}

#[cfg(test)]
impl IcebergScan {
    /// How many files will be opened.
    pub(super) fn files(&self) -> usize {
        self.files
    }
}

impl fmt::Display for IcebergScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "files={}", self.files)?;
        if let Some(pushed) = &self.pushed {
            write!(f, ", filter={pushed}")?;
        }
        if let Some(limit) = self.limit {
            write!(f, ", limit={limit}")?;
        }
        Ok(())
    }
}

impl Reading for IcebergScan {
    const NAME: &'static str = "IcebergScan";

    fn open(
        &self,
        partition: usize,
        schema: &SchemaRef,
        context: Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let files = self.groups[partition].clone();
        let reader = self
            .table
            .reader_builder()
            .with_data_file_concurrency_limit(1)
            .with_batch_size(context.session_config().batch_size())
            .build();
        let batches = reader.read(stream::iter(files.into_iter().map(Ok)).boxed()).map_err(external)?.stream();
        let shape = Arc::clone(schema);
        let batches = batches.map(move |batch| shaped(&batch.map_err(external)?, &shape)).boxed();
        Ok(match self.limit {
            Some(limit) => first(batches, limit),
            None => batches,
        })
    }

    /// Filters take rows away.
    fn rows(&self) -> Option<u64> {
        self.rows
    }
}

/// Files cut into pieces and dealt out, the largest first, each to the group that has the least.
fn groups(files: Vec<FileScanTask>, partitions: usize, piece: u64) -> Vec<Vec<FileScanTask>> {
    let mut parts: Vec<FileScanTask> = match partitions {
        0 | 1 => files,
        _ => files.into_iter().flat_map(|file| pieces(file, piece)).collect(),
    };
    parts.sort_by_key(|part| std::cmp::Reverse(part.length));
    let mut groups: Vec<(u64, Vec<FileScanTask>)> = vec![(0, Vec::new()); partitions.min(parts.len()).max(1)];
    for part in parts {
        let (bytes, group) = groups.iter_mut().min_by_key(|(bytes, _)| *bytes).expect("there is at least one group");
        *bytes += part.length;
        group.push(part);
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// A row group is read by the piece that its middle falls into, so that each is read once however a file is cut.
fn pieces(file: FileScanTask, piece: u64) -> Vec<FileScanTask> {
    let size = file.file_size_in_bytes;
    let count = size / piece;
    if count < 2 || !file.deletes.is_empty() {
        return vec![file];
    }
    (0..count)
        .map(|place| {
            let (start, end) = (place * piece, if place + 1 == count { size } else { (place + 1) * piece });
            FileScanTask { start, length: end - start, record_count: None, ..file.clone() }
        })
        .collect()
}

/// The batch under our schema: the file's own carries field ids.
fn shaped(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), batch.columns().to_vec(), &options)?)
}

/// No more than `limit` rows, and no read after the last of them.
fn first(batches: BoxStream<'static, Result<RecordBatch>>, limit: usize) -> BoxStream<'static, Result<RecordBatch>> {
    stream::try_unfold((batches, limit), |(mut batches, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let Some(batch) = batches.try_next().await? else { return Ok(None) };
        let batch = batch.slice(0, batch.num_rows().min(left));
        let left = left - batch.num_rows();
        Ok(Some((batch, (batches, left))))
    })
    .boxed()
}

/// Without the field ids, so that a column has the same type here as in the other tiers.
fn plain(schema: &ArrowSchema) -> ArrowSchema {
    let fields = schema.fields().iter();
    ArrowSchema::new(
        fields
            .map(|field| Field::new(field.name(), field.data_type().clone(), field.is_nullable()))
            .collect::<Vec<_>>(),
    )
}

fn no_snapshot(table: &Table, id: i64) -> SqlError {
    let mut kept: Vec<_> =
        table.metadata().snapshots().map(|kept| (kept.sequence_number(), kept.snapshot_id())).collect();
    kept.sort_unstable();
    let newest: Vec<_> = kept.iter().rev().take(5).map(|(_, id)| id.to_string()).collect();
    let what_to_do = match newest.is_empty() {
        true => "None is kept yet.".to_owned(),
        false => {
            format!("The newest of {} kept: {}; `tapedeck snapshots` lists them all.", kept.len(), newest.join(", "))
        }
    };
    SqlError::new("sql_no_snapshot", format!("there is no snapshot {id}, or it is not kept any more"), what_to_do)
}

fn external(error: iceberg::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
