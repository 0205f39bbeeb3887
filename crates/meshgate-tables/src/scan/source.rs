//! DataFusion's Parquet source under a table's name.

use std::{fmt, sync::Arc};

use datafusion::{
    arrow::array::RecordBatch,
    common::{Result, config::ConfigOptions, tree_node::TreeNodeRecursion},
    datasource::{
        listing::PartitionedFile,
        physical_plan::{
            FileOpener, FileScanConfig, FileSource, ParquetSource, parquet::can_expr_be_pushed_down_with_schemas,
        },
        table_schema::TableSchema,
    },
    physical_expr::{
        EquivalenceProperties, LexOrdering, PhysicalExpr, PhysicalSortExpr, projection::ProjectionExprs,
        split_conjunction, utils::collect_columns,
    },
    physical_plan::{
        DisplayFormatType, SortOrderPushdownResult,
        filter_pushdown::{FilterPushdownPropagation, PushedDown},
        metrics::ExecutionPlanMetricsSet,
    },
};
use datafusion_datasource::morsel::{Morsel, MorselPlan, MorselPlanner, Morselizer};
use futures::{StreamExt, stream::BoxStream};
use meshgate_catalog::TableName;
use object_store::ObjectStore;

use super::reader::scan_error;

/// A [`ParquetSource`] that knows which table it reads: the check on finished plans looks for it, and errors of reading
/// carry the table's name. Everything else is the Parquet source's own work.
#[derive(Clone)]
pub(crate) struct LakeSource {
    inner: Arc<dyn FileSource>,
    identity: Arc<Identity>,
}

/// What the source knows beside Parquet.
#[derive(Debug)]
struct Identity {
    table: TableName,
    /// Nested fields go by other names in files, so a filter on them can't be promised to run inside the scan.
    renames: bool,
    /// The filters that the scan was planned with are evaluated on each row, not for pruning alone.
    evaluates_filters: bool,
}

impl LakeSource {
    pub(crate) fn new(table: TableName, renames: bool, inner: ParquetSource) -> Self {
        let evaluates_filters = inner.table_parquet_options().global.pushdown_filters;
        Self { inner: Arc::new(inner), identity: Arc::new(Identity { table, renames, evaluates_filters }) }
    }

    /// The table that is read.
    pub(crate) fn table(&self) -> &TableName {
        &self.identity.table
    }

    fn wrap(&self, inner: Arc<dyn FileSource>) -> Arc<dyn FileSource> {
        Arc::new(Self { inner, identity: Arc::clone(&self.identity) })
    }

    /// The config as the wrapped source would hold it.
    fn unwrapped(&self, config: &FileScanConfig) -> FileScanConfig {
        let mut config = config.clone();
        config.file_source = Arc::clone(&self.inner);
        config
    }

    fn refers_to_nested(&self, filter: &Arc<dyn PhysicalExpr>) -> bool {
        let schema = self.inner.table_schema().table_schema();
        collect_columns(filter)
            .iter()
            .any(|column| schema.field_with_name(column.name()).is_ok_and(|field| field.data_type().is_nested()))
    }
}

impl FileSource for LakeSource {
    fn create_file_opener(
        &self,
        store: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Arc<dyn FileOpener>> {
        self.inner.create_file_opener(store, &self.unwrapped(config), partition)
    }

    fn create_morselizer(
        &self,
        store: Arc<dyn ObjectStore>,
        config: &FileScanConfig,
        partition: usize,
    ) -> Result<Box<dyn Morselizer>> {
        let inner = self.inner.create_morselizer(store, config, partition)?;
        Ok(Box::new(NamedMorselizer { inner, identity: Arc::clone(&self.identity) }))
    }

    fn table_schema(&self) -> &TableSchema {
        self.inner.table_schema()
    }

    fn with_batch_size(&self, batch_size: usize) -> Arc<dyn FileSource> {
        self.wrap(self.inner.with_batch_size(batch_size))
    }

    fn filter(&self) -> Option<Arc<dyn PhysicalExpr>> {
        self.inner.filter()
    }

    fn projection(&self) -> Option<&ProjectionExprs> {
        self.inner.projection()
    }

    fn metrics(&self) -> &ExecutionPlanMetricsSet {
        self.inner.metrics()
    }

    fn file_type(&self) -> &str {
        self.inner.file_type()
    }

    fn fmt_extra(&self, format: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_extra(format, formatter)
    }

    fn supports_repartitioning(&self) -> bool {
        self.inner.supports_repartitioning()
    }

    fn repartitioned(
        &self,
        target_partitions: usize,
        repartition_file_min_size: usize,
        output_ordering: Option<LexOrdering>,
        config: &FileScanConfig,
    ) -> Result<Option<FileScanConfig>> {
        let repartitioned = self.inner.repartitioned(
            target_partitions,
            repartition_file_min_size,
            output_ordering,
            &self.unwrapped(config),
        )?;
        Ok(repartitioned.map(|mut config| {
            config.file_source = self.wrap(Arc::clone(&config.file_source));
            config
        }))
    }

    fn try_pushdown_filters(
        &self,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn FileSource>>> {
        // The table's provider gave the scan the filters it was planned with: a second copy would be evaluated twice
        // on each row.
        let present = self.inner.filter();
        let present: Vec<_> = present.as_ref().map(split_conjunction).unwrap_or_default();
        let is_present = |filter: &Arc<dyn PhysicalExpr>| present.contains(&filter);
        let fresh: Vec<_> = filters.iter().filter(|filter| !is_present(filter)).cloned().collect();
        let pushed = self.inner.try_pushdown_filters(fresh, config)?;

        let schema = self.inner.table_schema().schema_without_virtual_columns();
        let mut fresh_results = pushed.filters.into_iter();
        let results = filters
            .iter()
            .map(|filter| {
                let handled = if is_present(filter) {
                    self.identity.evaluates_filters && can_expr_be_pushed_down_with_schemas(filter, schema)
                } else {
                    fresh_results.next().is_some_and(|result| matches!(result, PushedDown::Yes))
                };
                let promised = handled && !(self.identity.renames && self.refers_to_nested(filter));
                if promised { PushedDown::Yes } else { PushedDown::No }
            })
            .collect();
        let propagation = FilterPushdownPropagation::with_parent_pushdown_result(results);
        Ok(match pushed.updated_node {
            Some(inner) => propagation.with_updated_node(self.wrap(inner)),
            None => propagation,
        })
    }

    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
        properties: &EquivalenceProperties,
    ) -> Result<SortOrderPushdownResult<Arc<dyn FileSource>>> {
        Ok(match self.inner.try_pushdown_sort(order, properties)? {
            SortOrderPushdownResult::Exact { inner } => SortOrderPushdownResult::Exact { inner: self.wrap(inner) },
            SortOrderPushdownResult::Inexact { inner } => SortOrderPushdownResult::Inexact { inner: self.wrap(inner) },
            SortOrderPushdownResult::Unsupported => SortOrderPushdownResult::Unsupported,
        })
    }

    fn reorder_files(&self, files: Vec<PartitionedFile>) -> Vec<PartitionedFile> {
        self.inner.reorder_files(files)
    }

    fn try_pushdown_projection(&self, projection: &ProjectionExprs) -> Result<Option<Arc<dyn FileSource>>> {
        Ok(self.inner.try_pushdown_projection(projection)?.map(|inner| self.wrap(inner)))
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.inner.apply_expressions(visit)
    }
}

/// The wrapped source's work, with errors that name the table.
#[derive(Debug)]
struct NamedMorselizer {
    inner: Box<dyn Morselizer>,
    identity: Arc<Identity>,
}

impl Morselizer for NamedMorselizer {
    fn plan_file(&self, file: PartitionedFile) -> Result<Box<dyn MorselPlanner>> {
        let inner = self.inner.plan_file(file).map_err(|error| scan_error(&self.identity.table, error))?;
        Ok(Box::new(NamedPlanner { inner, identity: Arc::clone(&self.identity) }))
    }
}

#[derive(Debug)]
struct NamedPlanner {
    inner: Box<dyn MorselPlanner>,
    identity: Arc<Identity>,
}

impl MorselPlanner for NamedPlanner {
    fn plan(self: Box<Self>) -> Result<Option<MorselPlan>> {
        let Self { inner, identity } = *self;
        let Some(mut plan) = inner.plan().map_err(|error| scan_error(&identity.table, error))? else {
            return Ok(None);
        };
        let morsels = plan
            .take_morsels()
            .into_iter()
            .map(|inner| Box::new(NamedMorsel { inner, identity: Arc::clone(&identity) }) as Box<dyn Morsel>)
            .collect();
        let planners = plan
            .take_ready_planners()
            .into_iter()
            .map(|inner| Box::new(Self { inner, identity: Arc::clone(&identity) }) as Box<dyn MorselPlanner>)
            .collect();
        let mut named = MorselPlan::new().with_morsels(morsels).with_planners(planners);
        if let Some(pending) = plan.take_pending_planner() {
            let future = pending.into_future();
            named.set_pending_planner(async move {
                let inner = future.await.map_err(|error| scan_error(&identity.table, error))?;
                Ok(Box::new(Self { inner, identity }) as Box<dyn MorselPlanner>)
            });
        }
        Ok(Some(named))
    }
}

#[derive(Debug)]
struct NamedMorsel {
    inner: Box<dyn Morsel>,
    identity: Arc<Identity>,
}

impl Morsel for NamedMorsel {
    fn into_stream(self: Box<Self>) -> BoxStream<'static, Result<RecordBatch>> {
        let Self { inner, identity } = *self;
        let name = move |batch: Result<RecordBatch>| batch.map_err(|error| scan_error(&identity.table, error));
        inner.into_stream().map(name).boxed()
    }
}
