//! One test a method of the barrier that lets nothing through: each fails when its method is opened.

use async_trait::async_trait;
use datafusion::{
    arrow::compute::SortOptions,
    catalog::Session,
    common::{DataFusionError, config::ConfigOptions, internal_datafusion_err, stats::Precision},
    datasource::TableType,
    execution::TaskContext,
    logical_expr::{Expr, TableProviderFilterPushDown, cast, col, lit},
    physical_expr::{
        PhysicalExpr, PhysicalSortExpr,
        expressions::{self, Column, DynamicFilterPhysicalExpr},
    },
    physical_plan::{
        ExecutionPlanProperties, SendableRecordBatchStream, SortOrderPushdownResult,
        execution_plan::CardinalityEffect,
        filter_pushdown::{ChildFilterPushdownResult, ChildPushdownResult, FilterPushdownPhase, PushedDown},
        projection::ProjectionExec,
        statistics::{StatisticsArgs, StatisticsContext},
        stream::RecordBatchStreamAdapter,
        streaming::{PartitionStream, StreamingTableExec},
    },
};
use futures::stream;

use super::*;
use crate::{QueryError, secure::barrier::SecurityBarrierExec, secure::table_fault};

async fn barrier(raw: Arc<dyn TableProvider>, grants: Grants, setup: &Setup) -> Arc<dyn ExecutionPlan> {
    let plan = setup.govern(raw, grants).scan(&setup.plain().state(), None, &[], None).await.unwrap();
    assert!(plan.is::<SecurityBarrierExec>());
    plan
}

/// `items` in four partitions, each declared to be in the order of `id`.
fn ordered() -> Arc<dyn TableProvider> {
    let table = MemTable::try_new(items_schema(), vec![vec![batch(&Mesh::One.rows()[..3])]; 4]).unwrap();
    Arc::new(table.with_sort_order(vec![vec![col("id").sort(true, false)]]))
}

#[tokio::test]
async fn it_is_a_leaf_that_shows_its_name_alone() {
    let plan = barrier(Mesh::One.table(2), east(), &Setup::new(4)).await;
    assert!(plan.children().is_empty());
    assert_eq!(format!("{plan:?}"), "SecurityBarrierExec(sales.orders.items)");
    let child: Arc<dyn ExecutionPlan> = plan.clone();
    #[expect(deprecated)]
    let replaced = plan.with_new_children(vec![child]);
    assert!(replaced.is_err());
}

#[tokio::test]
async fn its_partitions_do_not_tell_the_number_of_files() {
    for partitions in [1, 3, 9] {
        let plan = barrier(Mesh::One.table(partitions), east(), &Setup::new(4)).await;
        assert_eq!(plan.output_partitioning().partition_count(), 4);
    }
    let setup = Setup { deterministic: true, ..Setup::new(4) };
    assert_eq!(barrier(Mesh::One.table(3), east(), &setup).await.output_partitioning().partition_count(), 1);
}

#[tokio::test]
async fn it_has_no_order_and_no_equivalences() {
    let setup = Setup::new(4);
    let plan = barrier(ordered(), east(), &setup).await;
    assert!(plan.output_ordering().is_none());
    assert!(plan.equivalence_properties().constants().is_empty());
    assert!(plan.maintains_input_order().is_empty());
    let context = setup.context(ordered(), east());
    let sorted = super::plan(&context, "SELECT id FROM items ORDER BY id").await.unwrap();
    let shown = datafusion::physical_plan::displayable(sorted.as_ref()).indent(false).to_string();
    assert!(shown.contains("SortExec"), "{shown}");
}

#[tokio::test]
async fn its_statistics_are_the_contracts() {
    for declared_rows in [None, Some(1_000)] {
        let setup = Setup { declared_rows, ..Setup::new(1) };
        for grants in [east(), masked()] {
            let plan = barrier(Mesh::One.table(1), grants, &setup).await;
            let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new()).unwrap();
            let rows = declared_rows.map_or(Precision::Absent, |rows| Precision::Inexact(rows as usize));
            assert_eq!(statistics.num_rows, rows);
            assert_eq!(statistics.total_byte_size, Precision::Absent);
            let absent = |column: &datafusion::common::ColumnStatistics| {
                column.min_value == Precision::Absent
                    && column.max_value == Precision::Absent
                    && column.null_count == Precision::Absent
            };
            assert!(statistics.column_statistics.iter().all(absent));
        }
    }
}

#[tokio::test]
async fn no_limit_enters() {
    let unmasked = Grants::new(&[("id", ColumnAccess::Raw)]).rows("region = principal.region");
    let unfiltered = Grants::new(&[("id", ColumnAccess::Raw)]);
    for grants in [east(), unmasked, unfiltered] {
        let plan = barrier(Mesh::One.table(1), grants, &Setup::new(1)).await;
        assert!(!plan.supports_limit_pushdown());
        assert!(plan.with_fetch(Some(1)).is_none());
        assert_eq!(plan.fetch(), None);
        assert!(matches!(plan.cardinality_effect(), CardinalityEffect::Unknown));
    }
}

#[tokio::test]
async fn no_projection_enters() {
    let setup = Setup::new(1);
    let plan = barrier(Mesh::One.table(1), east(), &setup).await;
    let id: Arc<dyn PhysicalExpr> = Arc::new(Column::new("id", 0));
    let projection = ProjectionExec::try_new(vec![(id, "id".to_owned())], plan.clone()).unwrap();
    assert!(plan.try_swapping_with_projection(&projection).unwrap().is_none());
    // The caller's own failing expression fails in the engine's own words, above the barrier.
    let context = setup.context(Mesh::One.table(1), east());
    let failed = outcome(&context, "SELECT 1 / (amount - amount) FROM items").await;
    assert!(failed.contains("Divide by zero"), "{failed}");
}

fn sort_by(name: &str, index: usize) -> [PhysicalSortExpr; 1] {
    [PhysicalSortExpr::new(Arc::new(Column::new(name, index)), SortOptions::default())]
}

#[tokio::test]
async fn sorts_enter_as_hints_by_open_columns() {
    let setup = Setup::new(4);
    let plan = barrier(ordered(), east(), &setup).await;
    let by_mask = plan.try_pushdown_sort(&sort_by("email", 4)).unwrap();
    assert!(matches!(by_mask, SortOrderPushdownResult::Unsupported));
    match plan.try_pushdown_sort(&sort_by("id", 0)).unwrap() {
        SortOrderPushdownResult::Exact { .. } => panic!("the barrier has no order"),
        SortOrderPushdownResult::Inexact { inner } => assert!(inner.is::<SecurityBarrierExec>()),
        SortOrderPushdownResult::Unsupported => {}
    }
    let files = files::Files::write(&Mesh::One.rows(), 8);
    let plan = barrier(files.provider().await, masked(), &setup).await;
    for (name, index) in [("email", 4), ("amount", 0)] {
        let pushed = plan.try_pushdown_sort(&sort_by(name, index)).unwrap();
        assert!(matches!(pushed, SortOrderPushdownResult::Unsupported), "{name}");
    }
    match plan.try_pushdown_sort(&sort_by("id", 0)).unwrap() {
        SortOrderPushdownResult::Inexact { inner } => assert!(inner.is::<SecurityBarrierExec>()),
        _ => panic!("a Parquet scan takes the hint"),
    }
}

fn pushed(
    plan: &Arc<dyn ExecutionPlan>,
    phase: FilterPushdownPhase,
    filter: Arc<dyn PhysicalExpr>,
) -> Option<Arc<dyn ExecutionPlan>> {
    let gathered = plan.gather_filters_for_pushdown(phase, vec![filter.clone()], &ConfigOptions::new()).unwrap();
    assert!(gathered.parent_filters().iter().flatten().all(|child| matches!(child.discriminant, PushedDown::No)));
    let result = ChildPushdownResult {
        parent_filters: vec![ChildFilterPushdownResult { filter, child_results: vec![] }],
        self_filters: vec![],
    };
    let result = plan.handle_child_pushdown_result(phase, result, &ConfigOptions::new()).unwrap();
    // Whoever made the filter must apply it still.
    assert!(result.filters.iter().all(|done| matches!(done, PushedDown::No)));
    result.updated_node
}

#[tokio::test]
async fn only_dynamic_filters_of_open_columns_enter() {
    let plan = barrier(Mesh::One.table(1), east(), &Setup::new(1)).await;
    let column = |name: &str, index| -> Arc<dyn PhysicalExpr> { Arc::new(Column::new(name, index)) };
    let dynamic = |inputs: Vec<Arc<dyn PhysicalExpr>>| -> Arc<dyn PhysicalExpr> {
        Arc::new(DynamicFilterPhysicalExpr::new(inputs, expressions::lit(true)))
    };
    let cast_note = expressions::cast(column("note", 3), &plan.schema(), DataType::Int64).unwrap();
    let open = || dynamic(vec![column("id", 0), column("region", 1)]);
    let closed = [
        expressions::lit(true),
        cast_note.clone(),
        dynamic(vec![]),
        dynamic(vec![cast_note]),
        dynamic(vec![column("email", 4)]),
        dynamic(vec![column("id", 0), column("email", 4)]),
        dynamic(vec![column("email", 0)]),
        dynamic(vec![column("ssn", 5)]),
    ];
    for filter in closed {
        assert!(pushed(&plan, FilterPushdownPhase::Post, filter.clone()).is_none(), "{filter}");
    }
    assert!(pushed(&plan, FilterPushdownPhase::Pre, open()).is_none());
    let entered = pushed(&plan, FilterPushdownPhase::Post, open()).expect("an open one enters");
    assert!(entered.is::<SecurityBarrierExec>());
    let mut shown = 0;
    let visit = &mut |_: &Arc<dyn PhysicalExpr>| {
        shown += 1;
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    };
    entered.apply_expressions(visit).unwrap();
    assert_eq!(shown, 1, "whoever made it must find it");
    let mut left = 0;
    let reset = entered.reset_state().unwrap();
    let visit = &mut |_: &Arc<dyn PhysicalExpr>| {
        left += 1;
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    };
    reset.apply_expressions(visit).unwrap();
    assert_eq!(left, 0, "a reset takes it out");
}

#[tokio::test]
async fn only_leakproof_filters_are_taken() {
    let governed = Setup::new(1).govern(Mesh::One.table(1), east());
    let taken = |filter: Expr| governed.supports_filters_pushdown(&[&filter]).unwrap()[0].clone();
    for filter in [
        col("id").eq(lit(1_i64)),
        col("region").in_list(vec![lit("EAST")], false).and(col("amount").is_not_null()),
        col("id").between(lit(1_i64), lit(2_i64)).or(col("region").eq(col("note"))),
    ] {
        assert_eq!(taken(filter.clone()), TableProviderFilterPushDown::Inexact, "{filter}");
    }
    for filter in [
        col("email").eq(lit("a")),
        col("email").is_null(),
        cast(col("note"), DataType::Int64).eq(lit(1_i64)),
        (col("amount") + lit(1_i64)).eq(lit(1_i64)),
        col("region").like(lit("E%")),
        col("id").eq(lit(1_i32)),
        col("ssn").eq(lit("a")),
        col("id").in_list(vec![col("amount")], false),
        col("id").eq(lit(1_i64)).or(col("email").eq(lit("a"))),
    ] {
        assert_eq!(taken(filter.clone()), TableProviderFilterPushDown::Unsupported, "{filter}");
    }
}

/// A raw table whose streams fail, each in its way.
#[derive(Debug, Clone, Copy)]
pub(super) enum Failing {
    AtPlanning,
    WithText,
    WithPanic,
    WithMissingFile,
}

impl Failing {
    pub(super) const ALL: [Self; 4] = [Self::AtPlanning, Self::WithText, Self::WithPanic, Self::WithMissingFile];
}

#[async_trait]
impl TableProvider for Failing {
    fn schema(&self) -> SchemaRef {
        items_schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        if matches!(self, Failing::AtPlanning) {
            return Err(internal_datafusion_err!("{CANARY} while planning"));
        }
        let streams: Vec<Arc<dyn PartitionStream>> = vec![Arc::new(FailingStream(*self, items_schema()))];
        let plan = StreamingTableExec::try_new(items_schema(), streams, projection, None, false, None)?;
        Ok(Arc::new(plan))
    }
}

#[derive(Debug)]
struct FailingStream(Failing, SchemaRef);

impl PartitionStream for FailingStream {
    fn schema(&self) -> &SchemaRef {
        &self.1
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let failing = self.0;
        let batches = stream::once(async move {
            Err(match failing {
                Failing::WithPanic => panic!("{CANARY} in a panic"),
                Failing::WithMissingFile => DataFusionError::External(Box::new(meshgate_tables::Error::Missing {
                    table: name(),
                    what: "a data file".into(),
                    source: Some(format!("{CANARY}/path.parquet").into()),
                }))
                .context("reading"),
                _ => DataFusionError::Execution(format!("Cannot cast '{CANARY}' to Int64")),
            })
        });
        Box::pin(RecordBatchStreamAdapter::new(self.1.clone(), batches))
    }
}

#[tokio::test]
async fn failures_below_tell_the_table_and_the_query_alone() {
    for partitions in [1, 4] {
        for failing in Failing::ALL {
            let context = Setup::new(partitions).context(Arc::new(failing), east());
            let error = run(&context, "SELECT count(*) FROM items").await.unwrap_err();
            assert!(!format!("{error} {error:?}").contains(CANARY), "{failing:?}: {error:?}");
            let Some(QueryError::Unavailable { table, message }) = table_fault(&error) else {
                panic!("{failing:?}: {error:?}")
            };
            assert_eq!(table, name());
            match failing {
                Failing::WithMissingFile => assert_eq!(
                    message,
                    "table `sales.orders.items` can't be read: a data file is missing; ask its owner, or check the \
                     contract's `servers`"
                ),
                _ => assert_eq!(
                    message,
                    "error while reading `sales.orders.items` (query q-1); ask the table's owner, naming the query"
                ),
            }
        }
    }
}
