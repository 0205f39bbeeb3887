//! The only provider that a request's context holds.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use datafusion::{
    arrow::datatypes::SchemaRef,
    catalog::{Session, TableProvider},
    common::{
        Column, DFSchema, Result,
        tree_node::{Transformed, TransformedResult, TreeNode},
    },
    datasource::{TableType, provider_as_source},
    logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown},
    physical_expr::expressions::Column as PhysicalColumn,
    physical_plan::{
        ExecutionPlan, ExecutionPlanProperties, coalesce_partitions::CoalescePartitionsExec, filter::FilterExec,
        limit::GlobalLimitExec, projection::ProjectionExec, projection::ProjectionExpr,
    },
};
use meshgate_catalog::TableName;
use meshgate_policy::{Grant, Mask};

use super::{
    RawTable,
    barrier::{SecurityBarrierExec, Shape},
    columns::{Columns, RAW, raw_column},
    fault::Witness,
    guard::Below,
    row_filter::RowFilter,
};

/// A grant, bound to the physical schema of its table.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) columns: Columns,
    pub(super) row_filter: RowFilter,
    pub(super) grant: Arc<Grant>,
    pub(super) below: Arc<Below>,
}

/// A table as one caller sees it.
pub(crate) struct GovernedTable {
    table: TableName,
    raw: Arc<dyn TableProvider>,
    declared_rows: Option<usize>,
    bound: Bound,
}

impl GovernedTable {
    pub(super) fn new(raw: RawTable, bound: Bound) -> Self {
        let declared_rows = raw.declared.declared_rows.and_then(|rows| usize::try_from(rows).ok());
        Self { table: bound.grant.table.clone(), raw: raw.provider, declared_rows, bound }
    }

    /// Whether nothing is restricted, physical columns included: it then plans exactly what the raw table plans.
    pub(crate) fn is_free(&self) -> bool {
        self.bound.row_filter.is_none() && self.bound.columns.are_free
    }

    /// Columns that the grant masks in a way that does not fit their type: they are denied, with this as the reason.
    pub(crate) fn unfit_masks(&self) -> &[(String, Mask)] {
        &self.bound.columns.unfit
    }

    /// The raw table's own plan; its columns may stand in another order than the contract's.
    async fn scan_free(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let positions = &self.bound.columns.raw_positions;
        if positions.is_sorted() {
            return self.raw.scan(state, projection, filters, limit).await;
        }
        let mapped = match projection {
            Some(projection) => projection.iter().map(|index| positions[*index]).collect(),
            None => positions.clone(),
        };
        self.raw.scan(state, Some(&mapped), filters, limit).await
    }

    /// The plan below the barrier: raw scan, row filter and leakproof filters, masks, limit.
    fn below(&self, output: &[usize], filters: &[&Expr], limit: Option<usize>) -> Result<LogicalPlan> {
        let mut plan = LogicalPlanBuilder::scan(RAW, provider_as_source(self.raw.clone()), None)?;
        if let Some(filter) = &self.bound.row_filter {
            plan = plan.filter(filter.clone())?;
        }
        for filter in filters {
            plan = plan.filter(on_raw_columns(filter)?)?;
        }
        plan = plan.project(output.iter().map(|index| self.bound.columns.expressions[*index].clone()))?;
        if limit.is_some() {
            plan = plan.limit(0, limit)?;
        }
        plan.build()
    }

    async fn barrier(
        &self,
        output: &[usize],
        filters: &[&Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Bound { columns, row_filter, grant, below } = &self.bound;
        let witness = Witness { table: self.table.clone(), query_id: below.query_id.clone() };
        let inner = match self.below(output, filters, limit) {
            Ok(plan) => below.planner.create_physical_plan(&plan).await.and_then(|inner| spread(inner, below)),
            Err(error) => Err(error),
        }
        .map_err(|error| witness.scrub(&error, "planning"))?;
        let schema = Arc::new(columns.schema.project(output)?);
        let open: Vec<bool> = schema.fields().iter().map(|field| columns.open.contains(field.name())).collect();
        let shape = Shape {
            // Without a row filter every row shows: what is left behind in the buffers of a raw column are values of
            // that column which the caller may read as well (or which were deleted from the table, and travel with a
            // free grant's scan just the same). With one, every column may carry values of hidden rows; and a masked
            // column may carry what it was made of.
            copied: open.iter().map(|open| row_filter.is_some() || !open).collect(),
            shows_every_row: row_filter.is_none(),
            open,
            schema,
            witness,
            policies: grant.policies.iter().map(|policy| policy.id.clone()).collect(),
            partitions: below.planner.config().target_partitions().max(1),
            declared_rows: self.declared_rows,
            deterministic: below.deterministic,
            task: below.task.clone(),
        };
        Ok(Arc::new(SecurityBarrierExec::new(Arc::new(shape), inner)))
    }

    /// Applies what may not run below the barrier above it, exactly; then the projection and the limit.
    fn above(&self, plan: Arc<dyn ExecutionPlan>, rest: Rest<'_>) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = plan.schema();
        let columns = DFSchema::try_from(schema.as_ref().clone())?;
        let mut plan = plan;
        for filter in rest.filters {
            let filter = rest.state.create_physical_expr(unqualified(filter)?, &columns)?;
            plan = Arc::new(FilterExec::try_new(filter, plan)?);
        }
        if rest.width < schema.fields().len() {
            let kept = schema.fields().iter().take(rest.width).enumerate().map(|(index, field)| {
                ProjectionExpr::new(Arc::new(PhysicalColumn::new(field.name(), index)), field.name().clone())
            });
            plan = Arc::new(ProjectionExec::try_new(kept, plan)?);
        }
        if rest.limit.is_some() {
            if plan.output_partitioning().partition_count() > 1 {
                plan = Arc::new(CoalescePartitionsExec::new(plan));
            }
            plan = Arc::new(GlobalLimitExec::new(plan, 0, rest.limit));
        }
        Ok(plan)
    }
}

/// What stays above a barrier.
struct Rest<'a> {
    state: &'a dyn Session,
    filters: &'a [&'a Expr],
    /// How many of the barrier's columns were asked for; the filters alone read those after them.
    width: usize,
    limit: Option<usize>,
}

#[async_trait]
impl TableProvider for GovernedTable {
    fn schema(&self) -> SchemaRef {
        self.bound.columns.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        if self.is_free() {
            return self.raw.supports_filters_pushdown(filters);
        }
        let open = self.bound.columns.open_columns();
        Ok(filters
            .iter()
            .map(|filter| match open.admit(filter) {
                true => TableProviderFilterPushDown::Inexact,
                false => TableProviderFilterPushDown::Unsupported,
            })
            .collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if self.is_free() {
            return self.scan_free(state, projection, filters, limit).await;
        }
        // Decided again: a plan that did not come through the optimizer brings whatever filters it likes.
        let open = self.bound.columns.open_columns();
        let (below, above): (Vec<&Expr>, Vec<&Expr>) = filters.iter().partition(|filter| open.admit(filter));
        let schema = &self.bound.columns.schema;
        let mut output = projection.cloned().unwrap_or_else(|| (0..schema.fields().len()).collect());
        let width = output.len();
        for column in above.iter().flat_map(|filter| filter.column_refs()) {
            let index = schema.index_of(&column.name)?;
            if !output.contains(&index) {
                output.push(index);
            }
        }
        if above.is_empty() {
            return self.barrier(&output, &below, limit).await;
        }
        let barrier = self.barrier(&output, &below, None).await?;
        self.above(barrier, Rest { state, filters: &above, width, limit })
    }
}

impl fmt::Debug for GovernedTable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "GovernedTable({})", self.table)
    }
}

/// Splits a bare scan over as many partitions as the barrier has, as the optimizer would under an operator that
/// gains by it: below the barrier a bare scan stands alone.
fn spread(inner: Arc<dyn ExecutionPlan>, below: &Below) -> Result<Arc<dyn ExecutionPlan>> {
    let options = below.planner.config_options();
    let target = below.planner.config().target_partitions();
    if !options.optimizer.repartition_file_scans || inner.output_partitioning().partition_count() >= target {
        return Ok(inner);
    }
    Ok(inner.repartitioned(target, options)?.unwrap_or(inner))
}

fn on_raw_columns(filter: &Expr) -> Result<Expr> {
    rename(filter, |column| raw_column(&column.name))
}

fn unqualified(filter: &Expr) -> Result<Expr> {
    rename(filter, |column| Expr::Column(Column::new_unqualified(column.name)))
}

fn rename(filter: &Expr, name: impl Fn(Column) -> Expr) -> Result<Expr> {
    filter
        .clone()
        .transform(|expression| {
            Ok(match expression {
                Expr::Column(column) => Transformed::yes(name(column)),
                other => Transformed::no(other),
            })
        })
        .data()
}
