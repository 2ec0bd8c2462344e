//! The names SQL knows, as one request may see them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::Result;
use iceberg::expr::Reference;
use iceberg::spec::Datum;

use super::cursor::AsOf;
use super::iceberg::{IcebergTable, TableSource};
use super::vectors::Patterns;
use super::warm::Warehouse;
use super::{SqlError, Tiers};
use crate::domain::TapeTime;
use crate::tiers::hot::{Hot, HotTable};

/// The catalog tables are looked up in when a name has no more than two parts.
pub(super) const CATALOG: &str = "tapedeck";
/// The schema of a name of one part. Holds nothing: `ticks` alone could mean two tables.
pub(super) const NO_TIER: &str = "no_tier";

/// The tiers, cut at the request's moment. Each tier is a schema; a new one is one more arm of `schema`.
#[derive(Debug)]
pub(super) struct Catalog {
    hot: Arc<HotSchema>,
    warm: Arc<WarmSchema>,
    cold: Arc<ColdSchema>,
    vectors: Arc<VectorsSchema>,
}

impl Catalog {
    pub(super) fn new(tiers: &Tiers, as_of: Option<TapeTime>, snapshot: Option<i64>) -> Self {
        Self {
            hot: Arc::new(HotSchema { hot: Arc::clone(&tiers.hot), as_of }),
            warm: Arc::new(WarmSchema { warehouse: Warehouse::new(&tiers.warm), as_of }),
            cold: Arc::new(ColdSchema {
                source: Arc::clone(&tiers.cold),
                as_of,
                snapshot,
                asked: AtomicBool::new(false),
            }),
            vectors: Arc::new(VectorsSchema { data_directory: tiers.vectors.clone(), as_of }),
        }
    }

    /// Whether `cold` was named by the query.
    pub(super) fn cold_was_asked(&self) -> bool {
        self.cold.asked.load(Ordering::Relaxed)
    }

    /// Every table there is, as `tier.table`.
    pub(super) fn names(&self) -> Vec<String> {
        let tables = |tier: &String| {
            let names = self.schema(tier).map(|schema| schema.table_names()).unwrap_or_default();
            names.into_iter().map(|table| format!("{tier}.{table}")).collect::<Vec<_>>()
        };
        self.schema_names().iter().flat_map(tables).collect()
    }
}

impl CatalogProvider for Catalog {
    fn schema_names(&self) -> Vec<String> {
        ["hot", "warm", "cold", "vectors"].map(str::to_owned).to_vec()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        match name {
            "hot" => Some(Arc::clone(&self.hot) as _),
            "warm" => Some(Arc::clone(&self.warm) as _),
            "cold" => Some(Arc::clone(&self.cold) as _),
            "vectors" => Some(Arc::clone(&self.vectors) as _),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct HotSchema {
    hot: Arc<Hot>,
    as_of: Option<TapeTime>,
}

#[async_trait]
impl SchemaProvider for HotSchema {
    fn table_names(&self) -> Vec<String> {
        ["ticks", "quotes"].map(str::to_owned).to_vec()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(match name {
            "ticks" => {
                let ticks: Arc<dyn TableProvider> = Arc::new(HotTable::ticks(Arc::clone(&self.hot)));
                Some(match self.as_of {
                    Some(as_of) => Arc::new(AsOf::new(ticks, "tape_time", as_of)?),
                    None => ticks,
                })
            }
            "quotes" => Some(Arc::new(HotTable::quotes(Arc::clone(&self.hot), self.as_of))),
            _ => None,
        })
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        Ok(self.table_exist(name).then_some(TableType::Base))
    }

    fn table_exist(&self, name: &str) -> bool {
        matches!(name, "ticks" | "quotes")
    }
}

#[derive(Debug)]
struct WarmSchema {
    warehouse: Warehouse,
    as_of: Option<TapeTime>,
}

#[async_trait]
impl SchemaProvider for WarmSchema {
    fn table_names(&self) -> Vec<String> {
        self.warehouse.names()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        self.warehouse.table(name, self.as_of).await
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        Ok(self.table_exist(name).then_some(TableType::Base))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.warehouse.names().iter().any(|known| known == name)
    }
}

struct ColdSchema {
    source: Arc<dyn TableSource>,
    as_of: Option<TapeTime>,
    snapshot: Option<i64>,
    asked: AtomicBool,
}

impl std::fmt::Debug for ColdSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ColdSchema")
            .field("as_of", &self.as_of)
            .field("snapshot", &self.snapshot)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl SchemaProvider for ColdSchema {
    fn table_names(&self) -> Vec<String> {
        vec!["ticks".to_owned()]
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if name != "ticks" {
            return Ok(None);
        }
        self.asked.store(true, Ordering::Relaxed);
        let table = self.source.table().await.map_err(|error| {
            SqlError::new(
                "sql_cold_unavailable",
                format!("the cold table can not be opened: {error}"),
                "Run `tapedeck doctor` to see what is wrong with it.",
            )
            .through_engine()
        })?;
        // Clocks are archived beside the ticks, and are nobody's market data.
        let ticks = Reference::new("kind").not_equal_to(Datum::string("clock"));
        let table: Arc<dyn TableProvider> = Arc::new(IcebergTable::new(table, self.snapshot, Some(ticks))?);
        Ok(Some(match self.as_of {
            Some(as_of) => Arc::new(AsOf::new(table, "tape_time", as_of)?),
            None => table,
        }))
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        Ok(self.table_exist(name).then_some(TableType::Base))
    }

    fn table_exist(&self, name: &str) -> bool {
        name == "ticks"
    }
}

#[derive(Debug)]
struct VectorsSchema {
    data_directory: PathBuf,
    as_of: Option<TapeTime>,
}

#[async_trait]
impl SchemaProvider for VectorsSchema {
    fn table_names(&self) -> Vec<String> {
        vec!["patterns".to_owned()]
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if name != "patterns" {
            return Ok(None);
        }
        Ok(Some(Arc::new(Patterns::open(&self.data_directory, self.as_of).await?)))
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        Ok(self.table_exist(name).then_some(TableType::Base))
    }

    fn table_exist(&self, name: &str) -> bool {
        name == "patterns"
    }
}
