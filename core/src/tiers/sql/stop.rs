//! Making sure that a stopped query stops.
//!
//! The engine gives way between the batches it *reads*. A join can make millions of rows out of two batches before it reads the next one, so
//! here the batches it *makes* count as well; and a join that throws away what it makes, by a condition, looks up at each try.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::exec_err;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, LogicalPlan, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;

/// That somebody waits for the answer. When this goes, so does the work.
#[derive(Debug, Default)]
pub(super) struct Wanted(Arc<AtomicBool>);

impl Wanted {
    pub(super) fn watch(&self) -> Watch {
        Watch { gone: Arc::clone(&self.0), signature: Signature::any(1, Volatility::Volatile) }
    }
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A function that gives back what it is given, for as long as somebody waits for the answer.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    gone: Arc<AtomicBool>,
    signature: Signature,
}

impl Watch {
    /// The plan, with a look-up in the condition of every join. To be done when nothing rearranges conditions any more.
    pub(super) fn over(self, plan: LogicalPlan) -> Result<LogicalPlan> {
        if matches!(plan, LogicalPlan::Explain(_)) {
            return Ok(plan);
        }
        let look_up = ScalarUDF::new_from_impl(self);
        let watched = plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Join(mut join) if join.filter.is_some() => {
                join.filter = join.filter.map(|condition| look_up.call(vec![condition]));
                Ok(Transformed::yes(LogicalPlan::Join(join)))
            }
            other => Ok(Transformed::no(other)),
        });
        watched.map(|watched| watched.data)
    }
}

impl PartialEq for Watch {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.gone, &other.gone)
    }
}

impl Eq for Watch {}

impl Hash for Watch {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.gone).hash(state);
    }
}

impl ScalarUDFImpl for Watch {
    fn name(&self) -> &str {
        "while_wanted"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        Ok(given.first().cloned().unwrap_or(DataType::Null))
    }

    fn invoke_with_args(&self, mut given: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if self.gone.load(Ordering::Relaxed) {
            return exec_err!("nobody waits for the answer any more");
        }
        Ok(given.args.swap_remove(0))
    }
}

/// Lets others run after every few batches of an operator that makes more than it reads.
#[derive(Debug)]
pub(super) struct GiveWay;

impl PhysicalOptimizerRule for GiveWay {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let giving = plan.transform_up(|node| {
            let makes_more =
                node.name().ends_with("JoinExec") || ["UnnestExec", "RecursiveQueryExec"].contains(&node.name());
            Ok(if makes_more {
                Transformed::yes(Arc::new(CooperativeExec::new(node)) as _)
            } else {
                Transformed::no(node)
            })
        });
        giving.map(|giving| giving.data)
    }

    fn name(&self) -> &str {
        "give_way"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
