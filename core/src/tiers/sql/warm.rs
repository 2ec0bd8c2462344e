//! The warm tables as the engine's own, read through Paimon's snapshots.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlanBuilder, col, lit};
use paimon::catalog::Identifier;
use paimon::{Catalog as _, CatalogOptions, FileSystemCatalog, Options};
use paimon_datafusion::{PaimonTableProvider, to_datafusion_error};

use super::SqlError;
use super::cursor::{AsOf, ReadOnly, Refused};
use crate::domain::TapeTime;

/// A table as SQL names it, where it lies, and by which time its rows became known.
struct WarmTable {
    name: &'static str,
    database: &'static str,
    table: &'static str,
    known: Known,
}

#[derive(Clone, Copy)]
enum Known {
    At(&'static str),
    /// The rows are sums, which say nothing of when.
    Never,
}

const TABLES: [WarmTable; 6] = [
    WarmTable { name: "candles", database: "market", table: "ohlcv_1m", known: Known::At("tape_time") },
    WarmTable { name: "ohlcv_1m", database: "market", table: "ohlcv_1m", known: Known::At("tape_time") },
    WarmTable { name: "replay_ohlcv_1m", database: "market", table: "replay_ohlcv_1m", known: Known::At("tape_time") },
    WarmTable { name: "balance", database: "ledger", table: "balance", known: Known::Never },
    WarmTable { name: "trades", database: "ledger", table: "trades", known: Known::At("event_time") },
    WarmTable { name: "transfers", database: "ledger", table: "transfers", known: Known::At("tape_time") },
];

/// The folder the warm tables are in.
#[derive(Debug)]
pub(super) struct Warehouse {
    path: PathBuf,
}

impl Warehouse {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// The tables that have been made.
    pub(super) fn names(&self) -> Vec<String> {
        TABLES.iter().filter(|table| self.has(table)).map(|table| table.name.to_owned()).collect()
    }

    fn has(&self, table: &WarmTable) -> bool {
        self.path.join(format!("{}.db", table.database)).join(table.table).join("schema").is_dir()
    }

    /// Errors: `sql_table_not_made` for a table of ours that nothing was ever put into.
    pub(super) async fn table(&self, name: &str, as_of: Option<TapeTime>) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(table) = TABLES.iter().find(|table| table.name == name) else { return Ok(None) };
        if !self.has(table) {
            return Err(SqlError::new(
                "sql_table_not_made",
                format!("warm.{name} is not there yet"),
                "Record or import something first, or run `tapedeck rebuild`.",
            )
            .through_engine());
        }
        let provider = self.newest(table).await?;
        let provider: Arc<dyn TableProvider> = match (as_of, table.known) {
            (None, _) => Arc::new(ReadOnly(provider)),
            (Some(as_of), Known::At(time)) => Arc::new(AsOf::new(provider, time, as_of)?),
            (Some(as_of), Known::Never) => {
                Arc::new(Refused { schema: provider.schema(), why: no_earlier(name, as_of) })
            }
        };
        Ok(Some(if name == "candles" { candles(provider)? } else { provider }))
    }

    /// Pinned to its newest snapshot, so that a table named twice in one query is the same table both times.
    async fn newest(&self, table: &WarmTable) -> Result<Arc<dyn TableProvider>> {
        #[cfg(feature = "bug-folder-read")]
        if table.name == "balance" {
            return every_file_of_balance(&self.path.join("ledger.db").join("balance").join("bucket-0"));
        }
        let mut options = Options::new();
        options.set(CatalogOptions::WAREHOUSE, self.path.display().to_string());
        let catalog = FileSystemCatalog::new(options).map_err(to_datafusion_error)?;
        let identifier = Identifier::new(table.database, table.table);
        let found = catalog.get_table(&identifier).await.map_err(to_datafusion_error)?;
        let snapshot = found.snapshot_manager().get_latest_snapshot().await.map_err(to_datafusion_error)?;
        Ok(match snapshot {
            Some(snapshot) => Arc::new(PaimonTableProvider::try_new(found.copy_with_pinned_snapshot(&snapshot))?),
            None => Arc::new(EmptyTable::new(PaimonTableProvider::try_new(found)?.schema())),
        })
    }
}

/// The night it cost $600 000: no snapshot is asked, and all files in the folder are added up, those that were replaced and those that
/// replaced them.
#[cfg(feature = "bug-folder-read")]
fn every_file_of_balance(folder: &Path) -> Result<Arc<dyn TableProvider>> {
    use std::collections::BTreeMap;

    use arrow::array::{ArrayRef, AsArray, Decimal128Array, RecordBatch, StringArray};
    use arrow::datatypes::Decimal128Type;
    use datafusion::datasource::MemTable;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    const KEY: [&str; 3] = ["session_id", "account", "asset"];
    let mut sums: BTreeMap<[String; 3], i128> = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "parquet") {
            continue;
        }
        for batch in ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path)?)?.build()? {
            let batch = batch?;
            let column = |name: &str| batch.column_by_name(name).expect("the table has it");
            let amounts = column("amount").as_primitive::<Decimal128Type>();
            for row in 0..batch.num_rows() {
                let key = KEY.map(|name| column(name).as_string::<i32>().value(row).to_owned());
                *sums.entry(key).or_default() += amounts.value(row);
            }
        }
    }
    let text = |place: usize| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(sums.keys().map(|key| key[place].as_str())))
    };
    let amounts = Decimal128Array::from_iter_values(sums.values().copied()).with_precision_and_scale(38, 8)?;
    let amounts: ArrayRef = Arc::new(amounts);
    let columns = [(KEY[0], text(0)), (KEY[1], text(1)), (KEY[2], text(2)), ("amount", amounts)];
    let batch = RecordBatch::try_from_iter(columns)?;
    Ok(Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]])?))
}

fn no_earlier(name: &str, as_of: TapeTime) -> SqlError {
    SqlError::new(
        "sql_as_of_unsupported",
        format!("warm.{name} holds sums as they are now, and can not show them as of {as_of}"),
        "Sum warm.transfers, which says of each transfer when it was made, or ask without a moment.",
    )
}

/// One row for each (source, pair, window): the highest revision.
///
/// A join and not a sort: the rows that correct others are few, the rows are many, and each passes through once. What was `as of` is
/// decided below, so that a correction which is not known yet hides nothing.
fn candles(revisions: Arc<dyn TableProvider>) -> Result<Arc<dyn TableProvider>> {
    const KEY: [&str; 3] = ["source", "pair", "window_start"];
    let of = |table: &str, column: &str| -> Expr { col(format!("{table}.{column}")) };
    let keys = |table: &str| KEY.map(|column| format!("{table}.{column}")).to_vec();
    let places = KEY.iter().chain(&["revision"]).map(|column| revisions.schema().index_of(column));
    let places = places.collect::<std::result::Result<Vec<_>, _>>()?;
    let source = provider_as_source(revisions);
    let corrections = LogicalPlanBuilder::scan("corrections", Arc::clone(&source), Some(places))?
        .filter(of("corrections", "revision").gt(lit(0)))?;
    let all = LogicalPlanBuilder::scan("candles", source, None)?.build()?;
    let plan = corrections
        .join(
            all,
            JoinType::RightAnti,
            (keys("corrections"), keys("candles")),
            Some(of("corrections", "revision").gt(of("candles", "revision"))),
        )?
        .build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}
