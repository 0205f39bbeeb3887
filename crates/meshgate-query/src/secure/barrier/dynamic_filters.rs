//! The one kind of filter that may enter a finished barrier: those that joins, aggregates and sorts fill as they run.

use std::{fmt, sync::Arc};

use datafusion::{
    common::{Result, config::ConfigOptions, internal_err, tree_node::TreeNodeRecursion},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::{PhysicalExpr, expressions::DynamicFilterPhysicalExpr},
    physical_optimizer::{PhysicalOptimizerRule, filter_pushdown::FilterPushdown},
    physical_plan::{
        ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
        filter_pushdown::{
            ChildFilterDescription, ChildPushdownResult, FilterDescription, FilterPushdownPhase,
            FilterPushdownPropagation, PushedDown,
        },
    },
};

use super::SecurityBarrierExec;

impl SecurityBarrierExec {
    /// Hands the admitted ones of `result`'s filters to the hidden plan, and answers that none is done: whoever made
    /// them must still apply them.
    pub(super) fn take_in_dynamic_filters(
        &self,
        phase: FilterPushdownPhase,
        result: &ChildPushdownResult,
        config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let undone =
            FilterPushdownPropagation::with_parent_pushdown_result(vec![PushedDown::No; result.parent_filters.len()]);
        let admitted: Vec<_> = result
            .parent_filters
            .iter()
            .map(|filter| &filter.filter)
            .filter(|filter| phase == FilterPushdownPhase::Post && self.admits(filter))
            .cloned()
            .collect();
        if admitted.is_empty() {
            return Ok(undone);
        }
        let root = Arc::new(Injector { inner: self.inner.clone(), filters: admitted.clone() });
        let root = FilterPushdown::new_post_optimization()
            .optimize(root, config)
            .map_err(|error| self.shape.witness.scrub(&error, "filter"))?;
        let Some(injector) = root.downcast_ref::<Injector>() else { return Ok(undone) };
        let barrier = Self {
            pristine: Some(self.pristine.as_ref().unwrap_or(&self.inner).clone()),
            dynamic_filters: self.dynamic_filters.iter().cloned().chain(admitted).collect(),
            ..Self::new(self.shape.clone(), injector.inner.clone())
        };
        Ok(undone.with_updated_node(Arc::new(barrier)))
    }

    /// Whether `filter` is made by an engine's operator and reads open columns, bare, alone. A caller's own filter
    /// could fail on a hidden row; one over an expression could too.
    fn admits(&self, filter: &Arc<dyn PhysicalExpr>) -> bool {
        filter.downcast_ref::<DynamicFilterPhysicalExpr>().is_some_and(|dynamic| {
            let inputs = dynamic.children();
            !inputs.is_empty() && inputs.into_iter().all(|input| self.is_open(input))
        })
    }
}

/// A root that owns the filters, so that the optimizer's own rule carries them into the plan below it.
#[derive(Debug)]
struct Injector {
    inner: Arc<dyn ExecutionPlan>,
    filters: Vec<Arc<dyn PhysicalExpr>>,
}

impl ExecutionPlan for Injector {
    fn name(&self) -> &str {
        "Injector"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.inner.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.inner]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match <[_; 1]>::try_from(children) {
            Ok([inner]) => Ok(Arc::new(Self { inner, filters: self.filters.clone() })),
            Err(_) => internal_err!("an injector has one child"),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        _: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        let child = ChildFilterDescription::from_child(&[], &self.inner)?;
        Ok(FilterDescription::new().with_child(child.with_self_filters(self.filters.clone())))
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        internal_err!("an injector is not executed")
    }
}

impl DisplayAs for Injector {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Injector")
    }
}
