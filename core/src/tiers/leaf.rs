//! Where rows come in: a plan's leaf, which shows nothing of what is below it.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::stats::Precision;
use datafusion::common::{Statistics, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation, PushedDown,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, SendableRecordBatchStream,
};
use futures_util::stream::BoxStream;

/// What a leaf reads, and how that is told in a plan.
pub(in crate::tiers) trait Reading: fmt::Display + Send + Sync + 'static {
    const NAME: &'static str;

    /// The rows of one partition, under the schema of the leaf.
    fn open(
        &self,
        partition: usize,
        schema: &SchemaRef,
        context: Arc<TaskContext>,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>>;

    /// How many rows there are at most. The planner builds its joins on the smaller side by it.
    fn rows(&self) -> Option<u64> {
        None
    }

    /// The same with conditions every row must meet, on the columns of the leaf; none where they are better tested above. One of them may grow stricter while
    /// rows are read: the last place of a `LIMIT` that is sorted for.
    fn filtered(&self, filters: Vec<Arc<dyn PhysicalExpr>>) -> Option<Self>
    where
        Self: Sized,
    {
        let _ = filters;
        None
    }
}

pub(in crate::tiers) struct Leaf<R> {
    pub(in crate::tiers) reading: R,
    properties: Arc<PlanProperties>,
}

impl<R> Leaf<R> {
    pub(in crate::tiers) fn new(reading: R, schema: SchemaRef, partitions: usize) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { reading, properties: Arc::new(properties) }
    }
}

impl<R: Reading> fmt::Debug for Leaf<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as(DisplayFormatType::Default, f)
    }
}

impl<R: Reading> DisplayAs for Leaf<R> {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.properties.eq_properties.schema();
        let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "{}: columns=[{}], {}", R::NAME, names.join(", "), self.reading)
    }
}

impl<R: Reading> ExecutionPlan for Leaf<R> {
    fn name(&self) -> &str {
        R::NAME
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { internal_err!("a {} has no children", R::NAME) }
    }

    fn handle_child_pushdown_result(
        &self,
        _: FilterPushdownPhase,
        asked: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let filters: Vec<_> = asked.parent_filters.iter().map(|asked| Arc::clone(&asked.filter)).collect();
        if filters.is_empty() {
            return Ok(FilterPushdownPropagation::if_all(asked));
        }
        let Some(reading) = self.reading.filtered(filters) else {
            return Ok(FilterPushdownPropagation::if_all(asked));
        };
        let taken = vec![PushedDown::Yes; asked.parent_filters.len()];
        let leaf = Self { reading, properties: Arc::clone(&self.properties) };
        Ok(FilterPushdownPropagation::with_parent_pushdown_result(taken).with_updated_node(Arc::new(leaf)))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let schema = self.schema();
        let batches = self.reading.open(partition, &schema, context)?;
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema());
        if let (None, Some(rows)) = (partition, self.reading.rows()) {
            statistics.num_rows = Precision::Inexact(usize::try_from(rows).unwrap_or(usize::MAX));
        }
        Ok(Arc::new(statistics))
    }
}
