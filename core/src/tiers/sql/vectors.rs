//! The patterns as the engine's own table, without their shapes.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::compute::{filter_record_batch, nullif};
use arrow::datatypes::{Int64Type, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::TableType;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use lancedb::Table;
use lancedb::query::{ExecutableQuery, QueryBase, Select};

use super::SqlError;
use crate::domain::TapeTime;
use crate::tiers::leaf::{Leaf, Reading};
use crate::tiers::vectors::{Reader, schema};

/// What SQL does not show: sixty numbers to a row, and times that stand in others.
const HIDDEN: [&str; 3] = ["vector", "usable_from_ns", "superseded_at_ns"];

/// The table of patterns, cut at a moment: later ones are not there, and a withdrawal that came later is none.
#[derive(Clone)]
pub(super) struct Patterns {
    table: Option<Table>,
    schema: SchemaRef,
    as_of: Option<TapeTime>,
}

impl Patterns {
    /// Where nothing was ever put into it, it has no rows.
    pub(super) async fn open(data_directory: &Path, as_of: Option<TapeTime>) -> Result<Self> {
        let failed = |error| {
            SqlError::new(
                "sql_patterns_unavailable",
                format!("the table of patterns can not be opened: {error}"),
                "Make it again with `tapedeck patterns build --again`.",
            )
            .through_engine()
        };
        let table = Reader::open(data_directory).await.map_err(failed)?.into_table();
        let schema = schema();
        let shown = schema.fields().iter().filter(|field| !HIDDEN.contains(&field.name().as_str()));
        let schema = Arc::new(Schema::new(shown.cloned().collect::<Vec<_>>()));
        Ok(Self { table, schema, as_of })
    }

    /// Rows that were known, as they were known, with all the columns that are asked for.
    fn cut(&self, batch: &RecordBatch, shown: &SchemaRef) -> Result<RecordBatch> {
        let batch = match self.as_of {
            None => batch.clone(),
            Some(as_of) => {
                let usable = column(batch, "usable_from_ns").as_primitive::<Int64Type>();
                let known: BooleanArray = usable.iter().map(|at| at.map(|at| at <= as_of.nanos())).collect();
                filter_record_batch(batch, &known)?
            }
        };
        let later: BooleanArray = match self.as_of {
            None => BooleanArray::from(vec![false; batch.num_rows()]),
            Some(as_of) => {
                let superseded = column(&batch, "superseded_at_ns").as_primitive::<Int64Type>();
                superseded.iter().map(|at| Some(at.is_some_and(|at| at > as_of.nanos()))).collect()
            }
        };
        let columns: Vec<ArrayRef> = shown
            .fields()
            .iter()
            .map(|field| {
                let found = column(&batch, field.name());
                match field.name().starts_with("superseded") {
                    true => nullif(found, &later),
                    false => Ok(Arc::clone(found)),
                }
            })
            .collect::<std::result::Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(shown), columns, &options)?)
    }
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> &'a ArrayRef {
    batch.column_by_name(name).expect("the query named it")
}

impl fmt::Debug for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patterns").field("as_of", &self.as_of).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for Patterns {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        // Nothing of a query is looked at below the cut.
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            Some(places) => Arc::new(self.schema.project(places)?),
            None => Arc::clone(&self.schema),
        };
        Ok(Arc::new(Leaf::new(PatternScan(self.clone()), schema, 1)))
    }
}

struct PatternScan(Patterns);

impl fmt::Display for PatternScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_of {
            Some(as_of) => write!(f, "as_of={as_of}"),
            None => f.write_str("all"),
        }
    }
}

impl Reading for PatternScan {
    const NAME: &'static str = "PatternScan";

    fn open(
        &self,
        _: usize,
        schema: &SchemaRef,
        _: Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let (patterns, shown) = (self.0.clone(), Arc::clone(schema));
        let Some(table) = patterns.table.clone() else { return Ok(stream::empty().boxed()) };
        let mut names: Vec<String> = shown.fields().iter().map(|field| field.name().clone()).collect();
        for needed in ["usable_from_ns", "superseded_at_ns"] {
            names.push(needed.to_owned());
        }
        let rows = async move {
            let found = table.query().select(Select::columns(&names)).execute().await.map_err(external)?;
            Ok::<_, DataFusionError>(found.map_err(external).map(move |batch| patterns.cut(&batch?, &shown)))
        };
        Ok(stream::once(rows).try_flatten().boxed())
    }
}

fn external(error: lancedb::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
