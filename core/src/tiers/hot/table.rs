//! The tier as tables of the SQL engine.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{MemTable, Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;

use super::Hot;
use super::batch::TICKS;
use super::quotes::QUOTES;
use crate::domain::TapeTime;

/// `hot.ticks`: the recent trades and quotes of every lane.
#[derive(Debug)]
pub struct HotTicks {
    hot: Arc<Hot>,
}

impl HotTicks {
    pub fn new(hot: Arc<Hot>) -> Self {
        Self { hot }
    }
}

#[async_trait]
impl TableProvider for HotTicks {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&TICKS)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        scan(&TICKS, self.hot.ticks(), state, projection, filters, limit).await
    }
}

/// `hot.quotes`: the last quote of every pair of every lane, known at the cursor.
#[derive(Debug)]
pub struct HotQuotes {
    hot: Arc<Hot>,
    as_of: Option<TapeTime>,
}

impl HotQuotes {
    pub fn new(hot: Arc<Hot>, as_of: Option<TapeTime>) -> Self {
        Self { hot, as_of }
    }
}

#[async_trait]
impl TableProvider for HotQuotes {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&QUOTES)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        scan(&QUOTES, vec![self.hot.quotes(self.as_of)], state, projection, filters, limit).await
    }
}

/// Dealt out to as many readers as the session has.
async fn scan(
    schema: &SchemaRef,
    batches: Vec<RecordBatch>,
    state: &dyn Session,
    projection: Option<&Vec<usize>>,
    filters: &[Expr],
    limit: Option<usize>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let readers = state.config().target_partitions().clamp(1, batches.len().max(1));
    let mut partitions = vec![Vec::new(); readers];
    for (place, batch) in batches.into_iter().enumerate() {
        partitions[place % readers].push(batch);
    }
    MemTable::try_new(Arc::clone(schema), partitions)?.scan(state, projection, filters, limit).await
}
