//! The tier as tables of the SQL engine.

use std::sync::Arc;

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

    /// Dealt out to as many readers as the session has.
    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let batches = match self.rows {
            Rows::Ticks => self.hot.ticks(),
            Rows::LastQuotes { as_of } => vec![self.hot.quotes(as_of)],
        };
        let readers = state.config().target_partitions().clamp(1, batches.len().max(1));
        let mut partitions = vec![Vec::new(); readers];
        for (place, batch) in batches.into_iter().enumerate() {
            partitions[place % readers].push(batch);
        }
        MemTable::try_new(self.schema(), partitions)?.scan(state, projection, filters, limit).await
    }
}
