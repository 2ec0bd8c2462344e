//! The tier as tables of the SQL engine.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{filter_record_batch, prep_null_mask_filter};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::Hot;
use super::batch::{Shown, TICKS};
use super::quotes::QUOTES;
use crate::domain::TapeTime;
use crate::tiers::leaf::{Leaf, Reading};

/// A table of the tier, read anew by each scan.
#[derive(Debug)]
pub struct HotTable {
    hot: Arc<Hot>,
    rows: Rows,
}

#[derive(Debug)]
enum Rows {
    Ticks,
    LastQuotes { as_of: Option<TapeTime> },
}

impl HotTable {
    /// `hot.ticks`: the recent trades and quotes of every lane.
    pub fn ticks(hot: Arc<Hot>) -> Self {
        Self { hot, rows: Rows::Ticks }
    }

    /// `hot.quotes`: the last quote of every pair of every lane, known at the cursor.
    pub fn quotes(hot: Arc<Hot>, as_of: Option<TapeTime>) -> Self {
        Self { hot, rows: Rows::LastQuotes { as_of } }
    }
}

#[async_trait]
impl TableProvider for HotTable {
    fn schema(&self) -> SchemaRef {
        match self.rows {
            Rows::Ticks => Arc::clone(&TICKS),
            Rows::LastQuotes { .. } => Arc::clone(&QUOTES),
        }
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Dealt out to as many readers as the session has, the newest rows first: the last of something is what is mostly asked for here.
    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = self.schema();
        let every: Vec<usize> = (0..all.fields().len()).collect();
        let places = projection.unwrap_or(&every);
        let schema = Arc::new(all.project(places)?);
        let batches = match self.rows {
            Rows::Ticks => self.hot.ticks_of(&Shown::of(places)),
            Rows::LastQuotes { as_of } => vec![self.hot.quotes(as_of).project(places)?],
        };
        let readers = state.config().target_partitions().clamp(1, batches.len().max(1));
        let mut partitions = vec![Vec::new(); readers];
        for (place, batch) in batches.into_iter().rev().enumerate() {
            partitions[place % readers].push(batch);
        }
        let scan = HotScan { partitions: partitions.into(), filters: Vec::new() };
        Ok(Arc::new(Leaf::new(scan, schema, readers)))
    }
}

/// Batches by reader, and what their rows must be.
struct HotScan {
    partitions: Arc<[Vec<RecordBatch>]>,
    filters: Vec<Arc<dyn PhysicalExpr>>,
}

impl fmt::Display for HotScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let filters: Vec<String> = self.filters.iter().map(ToString::to_string).collect();
        write!(f, "batches={}, filters=[{}]", self.partitions.iter().map(Vec::len).sum::<usize>(), filters.join(", "))
    }
}

impl Reading for HotScan {
    const NAME: &'static str = "HotScan";

    fn open(
        &self,
        partition: usize,
        _: &SchemaRef,
        _: Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let (partitions, filters) = (Arc::clone(&self.partitions), self.filters.clone());
        let places = 0..partitions[partition].len();
        let kept = stream::iter(places).map(move |place| keep(&partitions[partition][place], &filters));
        let some = |batch: &Result<RecordBatch>| batch.as_ref().map_or(true, |batch| batch.num_rows() > 0);
        Ok(kept.filter(move |batch| std::future::ready(some(batch))).boxed())
    }

    fn rows(&self) -> Option<u64> {
        Some(self.partitions.iter().flatten().map(|batch| batch.num_rows() as u64).sum())
    }

    fn filtered(&self, filters: Vec<Arc<dyn PhysicalExpr>>) -> Option<Self> {
        // The newest condition first: the one that grows stricter leaves least.
        let filters = filters.into_iter().chain(self.filters.iter().cloned()).collect();
        Some(Self { partitions: Arc::clone(&self.partitions), filters })
    }
}

/// The rows that meet every condition. A batch of which all rows do is not copied.
fn keep(batch: &RecordBatch, filters: &[Arc<dyn PhysicalExpr>]) -> Result<RecordBatch> {
    let mut kept = batch.clone();
    for filter in filters {
        if kept.num_rows() == 0 {
            break;
        }
        let met = filter.evaluate(&kept)?.into_array(kept.num_rows())?;
        let met = met.as_boolean();
        let met = if met.null_count() > 0 { prep_null_mask_filter(met) } else { met.clone() };
        if met.true_count() < kept.num_rows() {
            kept = filter_record_batch(&kept, &met)?;
        }
    }
    Ok(kept)
}
