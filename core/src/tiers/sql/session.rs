//! Running a query: planned, watched, and cut off.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, ArrayData};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::record_batch::RecordBatch;
use datafusion::catalog::{CatalogProvider as _, CatalogProviderList, MemoryCatalogProviderList};
use datafusion::common::runtime::SpawnedTask;
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::TaskContext;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{
    GreedyMemoryPool, MemoryConsumer, MemoryPool, MemoryReservation, TrackConsumersPool,
};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionConfig;
use datafusion::sql::parser::Statement;
use futures_util::TryStreamExt;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use super::catalog::{CATALOG, Catalog, NO_TIER};
use super::result::{SqlResult, kind};
use super::stop::{GiveWay, Wanted, Watch};
use super::{SqlError, TableSource, read_only};
use crate::clock;
use crate::domain::TapeTime;
use crate::tiers::cold::Cold;
use crate::tiers::hot::Hot;

const TIME_LIMIT: Duration = Duration::from_secs(30);
const ROW_LIMIT: usize = 100_000;
/// For one query, its sorts and hash tables and its answer together.
const MEMORY_LIMIT: usize = 512 << 20;

/// Where the tables are.
#[derive(Clone)]
pub struct Tiers {
    pub hot: Arc<Hot>,
    /// The Paimon warehouse, `<data>/warm`.
    pub warm: PathBuf,
    pub cold: Arc<dyn TableSource>,
    /// The data directory, whose `vectors` holds the patterns.
    pub vectors: PathBuf,
}

/// The cold tier of a data directory, looked up anew for each query.
struct Archived(PathBuf);

#[async_trait::async_trait]
impl TableSource for Archived {
    async fn table(&self) -> Result<iceberg::table::Table, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Cold::table_of(&self.0).await?)
    }
}

impl Tiers {
    /// Of a data directory, for a process that holds no ticks in memory.
    pub fn of(data_directory: &Path) -> Self {
        Self {
            hot: Arc::new(Hot::default()),
            warm: data_directory.join("warm"),
            cold: Arc::new(Archived(data_directory.to_owned())),
            vectors: data_directory.to_owned(),
        }
    }
}

impl std::fmt::Debug for Tiers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tiers").field("hot", &self.hot).field("warm", &self.warm).finish_non_exhaustive()
    }
}

/// A question.
#[derive(Clone, Debug)]
pub struct SqlRequest {
    pub text: String,
    /// The cursor: of every table only rows known by then.
    pub as_of: Option<TapeTime>,
    /// Of `cold.ticks`, by its id.
    pub snapshot: Option<i64>,
    pub timeout: Duration,
    pub row_limit: usize,
}

impl SqlRequest {
    /// Of everything there is now, within 30 s, and no more than 100 000 rows.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), as_of: None, snapshot: None, timeout: TIME_LIMIT, row_limit: ROW_LIMIT }
    }
}

/// A table and its columns, for completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDescription {
    /// As in `warm.candles`.
    pub name: String,
    pub columns: Vec<ColumnDescription>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnDescription {
    pub name: String,
    /// As SQL calls it, such as `decimal(20,8)`.
    pub kind: String,
}

/// Answers questions about the tiers. Cheap to ask from several tasks at once.
pub struct Sql {
    tiers: Tiers,
    memory_limit: usize,
    /// Functions, rules and settings, which are the same for every request. Runs nothing itself: it has no memory to run with.
    base: SessionState,
    threads: Threads,
}

impl std::fmt::Debug for Sql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sql").field("tiers", &self.tiers).finish_non_exhaustive()
    }
}

impl Sql {
    /// Errors: `sql_no_threads`.
    pub fn new(tiers: Tiers) -> Result<Self, SqlError> {
        Ok(Self { tiers, memory_limit: MEMORY_LIMIT, base: base()?, threads: Threads::new()? })
    }

    #[cfg(test)]
    pub(super) fn with_memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// Tasks that have not ended.
    #[cfg(test)]
    pub(super) fn working(&self) -> usize {
        self.threads.0.as_ref().map_or(0, |runtime| runtime.metrics().num_alive_tasks())
    }

    /// Runs one query, on threads of its own. Dropping the future stops the work.
    ///
    /// Errors: the code says which; `sql_time_limit` and `sql_memory_limit` among them. More rows than asked for are no error:
    /// the result says that it is cut.
    pub async fn query(&self, request: &SqlRequest) -> Result<SqlResult, SqlError> {
        let started = clock::monotonic();
        let statement = read_only::statement(&request.text)?;
        let catalog = Arc::new(Catalog::new(&self.tiers, request.as_of, request.snapshot));
        let wanted = Wanted::default();
        let run = Run {
            state: self.state(&catalog),
            task: self.task()?,
            watch: wanted.watch(),
            memory_limit: self.memory_limit,
            catalog,
            snapshot: request.snapshot,
            row_limit: request.row_limit,
        };
        // Ends when it is dropped.
        let task = self.threads.spawn(run.answer(statement));
        let mut result = match tokio::time::timeout(request.timeout, task).await {
            Ok(Ok(answer)) => answer?,
            Ok(Err(error)) => {
                let message = format!("the query broke off: {error}");
                return Err(SqlError::new("sql_failed", message, "Please report the query that did it."));
            }
            Err(_) => {
                let seconds = request.timeout.as_secs_f64();
                return Err(SqlError::new(
                    "sql_time_limit",
                    format!("the query was stopped after {seconds} s"),
                    "Narrow it with WHERE on pair or event_time.",
                ));
            }
        };
        result.took = started.elapsed();
        Ok(result)
    }

    /// As `query`, until `cancelled` turns true.
    ///
    /// Errors: also `sql_cancelled`.
    pub async fn query_until(
        &self,
        request: &SqlRequest,
        mut cancelled: watch::Receiver<bool>,
    ) -> Result<SqlResult, SqlError> {
        tokio::select! {
            result = self.query(request) => result,
            // A sender that has gone away will not cancel any more.
            Ok(_) = cancelled.wait_for(|cancelled| *cancelled) => {
                Err(SqlError::new("sql_cancelled", "the query was cancelled", "Run it again when you want its answer."))
            }
        }
    }

    /// Every table that can be opened now, with its columns.
    pub async fn schema(&self) -> Vec<TableDescription> {
        let catalog = Catalog::new(&self.tiers, None, None);
        let mut tables = Vec::new();
        for tier in catalog.schema_names() {
            let Some(schema) = catalog.schema(&tier) else { continue };
            for table in schema.table_names() {
                let Ok(Some(found)) = schema.table(&table).await else { continue };
                let fields = found.schema();
                let columns = fields
                    .fields()
                    .iter()
                    .map(|field| ColumnDescription { name: field.name().clone(), kind: kind(field.data_type()) });
                tables.push(TableDescription { name: format!("{tier}.{table}"), columns: columns.collect() });
            }
        }
        tables
    }

    /// What one request is planned with. A copy, since to build a state is to register hundreds of functions.
    fn state(&self, catalog: &Arc<Catalog>) -> SessionState {
        let catalogs = MemoryCatalogProviderList::new();
        catalogs.register_catalog(CATALOG.to_owned(), Arc::clone(catalog) as _);
        let mut state = self.base.clone();
        state.register_catalog_list(Arc::new(catalogs));
        state
    }

    /// What one request runs with: memory of its own.
    fn task(&self) -> Result<Arc<TaskContext>, SqlError> {
        let top = NonZeroUsize::new(3).expect("three is not zero");
        let pool = TrackConsumersPool::new(GreedyMemoryPool::new(self.memory_limit), top);
        Ok(Arc::new(TaskContext::from(&self.base).with_runtime(runtime(pool)?)))
    }
}

/// Threads of queries alone: one that is in the middle of a long step holds up neither the clock that ends it nor a recording.
struct Threads(Option<Runtime>);

impl Threads {
    fn new() -> Result<Self, SqlError> {
        let runtime = Builder::new_multi_thread().thread_name("sql").enable_all().build().map_err(|error| {
            let message = format!("no threads could be started for queries: {error}");
            SqlError::new("sql_no_threads", message, "Close other programs and start again.")
        })?;
        Ok(Self(Some(runtime)))
    }

    fn spawn<F>(&self, work: F) -> SpawnedTask<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let runtime = self.0.as_ref().expect("it is taken only when dropped");
        let _inside = runtime.enter();
        SpawnedTask::spawn(work)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Not waited for: whoever drops this may be on a thread that must not wait.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn runtime(pool: impl MemoryPool + 'static) -> Result<Arc<RuntimeEnv>, SqlError> {
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        // What does not fit into memory is refused, not written to some disk.
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
        .build_arc()
        .map_err(|error| SqlError::of(&error, &[]))
}

fn base() -> Result<SessionState, SqlError> {
    let mut config = SessionConfig::new()
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(CATALOG, NO_TIER)
        .with_information_schema(true);
    let parser = &mut config.options_mut().sql_parser;
    // For the place of an error.
    parser.collect_spans = true;
    // `price > 0.1` compares decimals: money does not pass through a float.
    parser.parse_float_as_decimal = true;
    // No file formats and no table factories: there is nothing here a file could be opened or written with.
    Ok(SessionStateBuilder::new()
        .with_default_features()
        .with_file_formats(Vec::new())
        .with_table_factories(HashMap::new())
        .with_physical_optimizer_rule(Arc::new(GiveWay))
        .with_config(config)
        .with_runtime_env(runtime(GreedyMemoryPool::new(0))?)
        .build())
}

/// The memory of an answer, each buffer counted once: what sorts hands on slices of one large batch, and each of them holds all of it.
struct Held {
    memory: MemoryReservation,
    /// By where they lie. None is freed while the answer is held, so no other buffer comes to lie there.
    counted: HashSet<usize>,
}

impl Held {
    fn take(&mut self, batch: &RecordBatch) -> EngineResult<()> {
        let new = batch.columns().iter().map(|column| self.count(&column.to_data())).sum();
        self.memory.try_grow(new)
    }

    fn count(&mut self, data: &ArrayData) -> usize {
        let buffers = data.buffers().iter().chain(data.nulls().map(NullBuffer::buffer));
        let new = buffers.filter(|buffer| self.counted.insert(buffer.data_ptr().as_ptr() as usize));
        let bytes: usize = new.map(Buffer::capacity).sum();
        bytes + data.child_data().iter().map(|child| self.count(child)).sum::<usize>()
    }
}

/// One query, with all it needs, so that it can run by itself.
struct Run {
    state: SessionState,
    task: Arc<TaskContext>,
    watch: Watch,
    memory_limit: usize,
    catalog: Arc<Catalog>,
    snapshot: Option<i64>,
    row_limit: usize,
}

impl Run {
    async fn answer(self, statement: Statement) -> Result<SqlResult, SqlError> {
        let plan = match self.state.statement_to_plan(statement).await {
            Ok(plan) => plan,
            Err(error) => return Err(self.explained(&error)),
        };
        // The second lock: whatever the text looked like, a plan that writes does not run.
        let locked = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        if let Err(error) = locked.verify_plan(&plan) {
            return Err(SqlError::read_only(error.strip_backtrace().trim_start_matches("Error during planning: ")));
        }
        if self.snapshot.is_some() && !self.catalog.cold_was_asked() {
            return Err(SqlError::new(
                "sql_snapshot_unused",
                "a snapshot is of cold.ticks, which this query does not read",
                "Leave the snapshot out, or ask cold.ticks.",
            ));
        }
        self.collect(plan).await.map_err(|error| self.explained(&error))
    }

    async fn collect(&self, plan: LogicalPlan) -> EngineResult<SqlResult> {
        // One more than wanted tells whether there were more; a sort below keeps no more than that.
        let plan = match plan {
            plan @ (LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) | LogicalPlan::DescribeTable(_)) => plan,
            plan => LogicalPlanBuilder::from(plan).limit(0, Some(self.row_limit.saturating_add(1)))?.build()?,
        };
        let plan = self.watch.clone().over(self.state.optimize(&plan)?)?;
        let plan = self.state.query_planner().create_physical_plan(&plan, &self.state).await?;
        let memory = MemoryConsumer::new("answer").register(self.task.memory_pool());
        let mut held = Held { memory, counted: HashSet::new() };
        let schema = plan.schema();
        let mut batches = execute_stream(plan, Arc::clone(&self.task))?;
        let (mut kept, mut rows, mut truncated) = (Vec::new(), 0, false);
        while let Some(batch) = batches.try_next().await? {
            held.take(&batch)?;
            let room = self.row_limit - rows;
            truncated = batch.num_rows() > room;
            let batch = if truncated { batch.slice(0, room) } else { batch };
            rows += batch.num_rows();
            if batch.num_rows() > 0 {
                kept.push(batch);
            }
            if truncated {
                break;
            }
        }
        Ok(SqlResult { schema, batches: kept, rows, truncated, took: Duration::ZERO })
    }

    fn explained(&self, error: &DataFusionError) -> SqlError {
        let mut error = SqlError::of(error, &self.catalog.names());
        if error.code == "sql_memory_limit" {
            error.message = format!("this query needs more than the {} MiB a query may have", self.memory_limit >> 20);
        }
        error
    }
}
