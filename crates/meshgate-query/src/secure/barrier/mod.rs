//! The operator that nothing is seen through.

mod dynamic_filters;
mod stream;

use std::{fmt, sync::Arc};

use datafusion::{
    arrow::datatypes::SchemaRef,
    common::{Result, Statistics, config::ConfigOptions, internal_err, stats::Precision, tree_node::TreeNodeRecursion},
    execution::{SendableRecordBatchStream, TaskContext},
    physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr, PhysicalSortExpr, expressions::Column},
    physical_plan::{
        ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
        SortOrderPushdownResult,
        execution_plan::{Boundedness, EmissionType, reset_plan_states},
        filter_pushdown::{ChildPushdownResult, FilterDescription, FilterPushdownPhase, FilterPushdownPropagation},
        metrics::{ExecutionPlanMetricsSet, MetricsSet},
        statistics::{StatisticsArgs, StatisticsContext},
    },
};

use super::{fault::Witness, leakproof::is_simple};

/// What a barrier shows of itself, and how it treats what comes out of it.
#[derive(Debug)]
pub(super) struct Shape {
    /// The columns it gives.
    pub(super) schema: SchemaRef,
    /// By column: whether it shows raw.
    pub(super) open: Vec<bool>,
    /// By column: whether its buffers may carry more than its values, so that they are copied.
    pub(super) copied: Vec<bool>,
    /// Whether no row is hidden.
    pub(super) shows_every_row: bool,
    /// Whose failures are told.
    pub(super) witness: Witness,
    /// The policies that decided, by id.
    pub(super) policies: Vec<String>,
    /// How many streams it gives, whatever the number of files.
    pub(super) partitions: usize,
    /// The row count that the contract declares.
    pub(super) declared_rows: Option<usize>,
    /// Whether it gives one stream, cut every 8,192 rows.
    pub(super) deterministic: bool,
    /// What the plan below runs in, so that no setting of the caller's reaches it.
    pub(super) task: Arc<TaskContext>,
}

/// A leaf over a hidden plan.
///
/// It has no children, so that EXPLAIN in each format, metrics, the optimizer's rules and its error texts end here.
/// Of [`ExecutionPlan`]'s methods only those are overridden that let nothing through, or that are argued for where
/// they stand; the closed defaults of the others are part of the design (limit, projection, order, cardinality).
pub(super) struct SecurityBarrierExec {
    shape: Arc<Shape>,
    inner: Arc<dyn ExecutionPlan>,
    /// The plan below as it was before any dynamic filter came in, if one did.
    pristine: Option<Arc<dyn ExecutionPlan>>,
    dynamic_filters: Vec<Arc<dyn PhysicalExpr>>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl SecurityBarrierExec {
    /// Hides `inner`.
    pub(super) fn new(shape: Arc<Shape>, inner: Arc<dyn ExecutionPlan>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(shape.schema.clone()),
            Partitioning::UnknownPartitioning(shape.partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(inner.properties().scheduling_type);
        Self {
            shape,
            inner,
            pristine: None,
            dynamic_filters: Vec::new(),
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// The hidden plan: for the operator's record, never for the caller.
    pub(super) fn inner(&self) -> &Arc<dyn ExecutionPlan> {
        &self.inner
    }

    /// Whether `expression` is a column that shows raw, of a type that compares without failing.
    fn is_open(&self, expression: &Arc<dyn PhysicalExpr>) -> bool {
        expression.downcast_ref::<Column>().is_some_and(|column| {
            let field = self.shape.schema.fields().get(column.index());
            self.shape.open.get(column.index()) == Some(&true)
                && field.is_some_and(|field| field.name() == column.name() && is_simple(field.data_type()))
        })
    }
}

impl ExecutionPlan for SecurityBarrierExec {
    fn name(&self) -> &str {
        "SecurityBarrierExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.is_empty() {
            true => Ok(self),
            false => internal_err!("a security barrier has no children"),
        }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    /// Shows the dynamic filters that were let in: joins and sorts look for their own before they care to fill it.
    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for filter in &self.dynamic_filters {
            if visit(filter)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    /// Resets the hidden plan too, as it was before dynamic filters came in: a leaf's children are not visited, and
    /// a recursive query would run its next round under the filters of the round before.
    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        let pristine = self.pristine.as_ref().unwrap_or(&self.inner).clone();
        Ok(Arc::new(Self::new(self.shape.clone(), reset_plan_states(pristine)?)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    /// Where every row and no mask shows, counts and bounds of the columns that show are what a query would answer;
    /// sizes in bytes are not. Otherwise nothing but the count that the contract declares.
    fn statistics_from_inputs(&self, _: &[Arc<Statistics>], arguments: &StatisticsArgs) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.shape.schema);
        let is_visible = self.shape.shows_every_row && self.shape.open.iter().all(|open| *open);
        if is_visible && arguments.partition().is_none() {
            let hidden = StatisticsContext::new().compute(self.inner.as_ref(), &StatisticsArgs::new());
            if let Ok(hidden) = hidden.map_err(|error| self.shape.witness.scrub(&error, "statistics")) {
                statistics.num_rows = hidden.num_rows;
                for (column, hidden) in statistics.column_statistics.iter_mut().zip(&hidden.column_statistics) {
                    column.clone_from(hidden);
                    column.byte_size = Precision::Absent;
                }
            }
        }
        if let (Precision::Absent, Some(rows), None) =
            (&statistics.num_rows, self.shape.declared_rows, arguments.partition())
        {
            statistics.num_rows = Precision::Inexact(rows);
        }
        Ok(Arc::new(statistics))
    }

    fn gather_filters_for_pushdown(
        &self,
        _: FilterPushdownPhase,
        _: Vec<Arc<dyn PhysicalExpr>>,
        _: &ConfigOptions,
    ) -> Result<FilterDescription> {
        Ok(FilterDescription::new())
    }

    fn handle_child_pushdown_result(
        &self,
        phase: FilterPushdownPhase,
        result: ChildPushdownResult,
        config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        self.take_in_dynamic_filters(phase, &result, config)
    }

    /// By open columns alone, and only as a hint: it changes in which order files are read, hence which rows come
    /// first among equals, which is open outside of the deterministic mode anyway.
    fn try_pushdown_sort(&self, order: &[PhysicalSortExpr]) -> Result<SortOrderPushdownResult<Arc<dyn ExecutionPlan>>> {
        if self.shape.deterministic || !order.iter().all(|sort| self.is_open(&sort.expr)) {
            return Ok(SortOrderPushdownResult::Unsupported);
        }
        let pushed = self.inner.try_pushdown_sort(order);
        Ok(match pushed.map_err(|error| self.shape.witness.scrub(&error, "sort"))? {
            // The hidden streams are dealt out anew, so no order of theirs is one of the barrier's.
            SortOrderPushdownResult::Exact { inner } | SortOrderPushdownResult::Inexact { inner } => {
                SortOrderPushdownResult::Inexact {
                    inner: Arc::new(Self {
                        pristine: self.pristine.clone(),
                        dynamic_filters: self.dynamic_filters.clone(),
                        ..Self::new(self.shape.clone(), inner)
                    }),
                }
            }
            SortOrderPushdownResult::Unsupported => SortOrderPushdownResult::Unsupported,
        })
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition >= self.shape.partitions {
            return internal_err!("a security barrier has no partition {partition}");
        }
        Ok(stream::open(&self.shape, &self.inner, partition, &self.metrics))
    }
}

impl DisplayAs for SecurityBarrierExec {
    fn fmt_as(&self, format: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = &self.shape.witness.table;
        let policies = self.shape.policies.join(", ");
        match format {
            DisplayFormatType::TreeRender => {
                writeln!(formatter, "table={table}")?;
                writeln!(formatter, "policies={policies}")
            }
            _ => write!(formatter, "SecurityBarrierExec: table={table}, policies=[{policies}]"),
        }
    }
}

impl fmt::Debug for SecurityBarrierExec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SecurityBarrierExec({})", self.shape.witness.table)
    }
}
