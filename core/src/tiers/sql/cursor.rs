//! A table as it could be known at a moment of the tape.
//!
//! The cut is made where the rows come in. Nothing a query says is looked at on the far side of it: a plan shows this node as a leaf, other
//! filters stay above it or go below it only as plain comparisons, so that neither an error, nor a count, nor a statistic of a later row comes
//! through.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Int32Type, SchemaRef, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Column;
use datafusion::datasource::TableType;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, lit};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use datafusion::scalar::ScalarValue;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;

use super::SqlError;
use crate::domain::TapeTime;
use crate::tiers::leaf::{Leaf, Reading};

/// The columns that say when a row could be known: microseconds, and what is below them where the table has it.
#[derive(Clone, Copy, Debug)]
struct Known {
    micros: usize,
    nanos: Option<usize>,
}

/// `inner`, without the rows whose time is after the cursor, and without those that have none.
#[derive(Debug)]
pub(super) struct AsOf {
    inner: Arc<dyn TableProvider>,
    time: &'static str,
    known: Known,
    as_of: TapeTime,
}

impl AsOf {
    /// `time` names the column of microseconds; `<time>_ns`, where there is one, holds the nanoseconds below it.
    pub(super) fn new(inner: Arc<dyn TableProvider>, time: &'static str, as_of: TapeTime) -> Result<Self> {
        let schema = inner.schema();
        let usable =
            |at: &usize| matches!(schema.field(*at).data_type(), DataType::Timestamp(TimeUnit::Microsecond, _));
        let Some(micros) = schema.index_of(time).ok().filter(usable) else {
            let error = SqlError::new(
                "sql_as_of_unsupported",
                format!("the table has no {time} in microseconds, so what was known at a moment can not be told"),
                "Ask without a moment.",
            );
            return Err(error.through_engine());
        };
        let below = |at: &usize| schema.field(*at).data_type() == &DataType::Int32;
        let nanos = schema.index_of(&format!("{time}_ns")).ok().filter(below);
        Ok(Self { inner, time, known: Known { micros, nanos }, as_of })
    }

    /// What the files can be chosen by; the cut itself is made row by row.
    fn bound(&self) -> Expr {
        let zone = match self.inner.schema().field(self.known.micros).data_type() {
            DataType::Timestamp(_, zone) => zone.clone(),
            _ => None,
        };
        let last = ScalarValue::TimestampMicrosecond(Some(self.as_of.nanos().div_euclid(1_000)), zone);
        Expr::Column(Column::from_name(self.time)).lt_eq(lit(last))
    }
}

#[async_trait]
impl TableProvider for AsOf {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn table_type(&self) -> TableType {
        self.inner.table_type()
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        self.inner.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        // A limit counts what is left after the cut, so it is not for the table below.
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut read = match projection {
            Some(places) => places.clone(),
            None => (0..self.schema().fields().len()).collect(),
        };
        let shown = read.len();
        let mut place = |column: usize| {
            read.iter().position(|read| *read == column).unwrap_or_else(|| {
                read.push(column);
                read.len() - 1
            })
        };
        let known = Known { micros: place(self.known.micros), nanos: self.known.nanos.map(&mut place) };
        let filters: Vec<Expr> = filters.iter().cloned().chain([self.bound()]).collect();
        let inner = self.inner.scan(state, Some(&read), &filters, None).await?;
        AsOfScan::over(inner, known, shown, self.as_of)
    }
}

/// The cut. The columns it needs beyond the shown ones are dropped after it.
struct AsOfScan {
    inner: Arc<dyn ExecutionPlan>,
    known: Known,
    shown: Vec<usize>,
    as_of: TapeTime,
}

impl AsOfScan {
    /// Shows the first `shown` columns.
    fn over(
        inner: Arc<dyn ExecutionPlan>,
        known: Known,
        shown: usize,
        as_of: TapeTime,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let shown: Vec<usize> = (0..shown).collect();
        let schema = Arc::new(inner.schema().project(&shown)?);
        let partitions = inner.output_partitioning().partition_count();
        Ok(Arc::new(Leaf::new(Self { inner, known, shown, as_of }, schema, partitions)))
    }
}

impl fmt::Display for AsOfScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "as_of={}", self.as_of)
    }
}

impl Reading for AsOfScan {
    const NAME: &'static str = "AsOfScan";

    fn open(
        &self,
        partition: usize,
        _: &SchemaRef,
        context: Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let (known, shown, as_of) = (self.known, self.shown.clone(), self.as_of);
        let batches = self.inner.execute(partition, context)?;
        Ok(batches.map(move |batch| cut(&batch?, known, &shown, as_of)).boxed())
    }
}

fn cut(batch: &RecordBatch, known: Known, shown: &[usize], as_of: TapeTime) -> Result<RecordBatch> {
    let micros = batch.column(known.micros).as_primitive::<TimestampMicrosecondType>();
    let nanos = known.nanos.map(|at| batch.column(at).as_primitive::<Int32Type>());
    let last = (as_of.nanos().div_euclid(1_000), as_of.nanos().rem_euclid(1_000));
    let kept: BooleanArray = (0..batch.num_rows())
        .map(|row| {
            let below = nanos.map_or(0, |nanos| i64::from(nanos.value(row)));
            Some(micros.is_valid(row) && (micros.value(row), below) <= last)
        })
        .collect();
    let kept = if kept.true_count() == batch.num_rows() { batch.clone() } else { filter_record_batch(batch, &kept)? };
    Ok(kept.project(shown)?)
}

/// A table that is there and can not be read as it was at an earlier moment: it lists its columns, and refuses to be scanned.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) schema: SchemaRef,
    pub(super) why: SqlError,
}

#[async_trait]
impl TableProvider for Refused {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        _: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Err(self.why.clone().through_engine())
    }
}

/// A table without its way to be written to.
#[derive(Debug)]
pub(super) struct ReadOnly(pub(super) Arc<dyn TableProvider>);

#[async_trait]
impl TableProvider for ReadOnly {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    fn table_type(&self) -> TableType {
        self.0.table_type()
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        self.0.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.0.scan(state, projection, filters, limit).await
    }
}
