//! The steps from a snapshot and a query's filters to a physical scan.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    catalog::Session,
    common::config::TableParquetOptions,
    datasource::{
        listing::PartitionedFile,
        physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource, parquet::metadata::DFParquetMetadata},
        source::DataSourceExec,
        table_schema::TableSchema,
    },
    error::DataFusionError,
    logical_expr::Expr,
    physical_expr::PhysicalExpr,
    physical_plan::{ExecutionPlan, metrics::MetricBuilder},
};
use meshgate_catalog::TableName;
use roaring::RoaringTreemap;

use super::{
    adapter::MappingAdapterFactory,
    equality,
    file::{ScanFiles, Selection, object_meta},
    metrics::{FILES_CONSIDERED, FILES_PRUNED},
    prune::{predicate, surviving_files},
    reader::LakeReaderFactory,
    source::LakeSource,
};
use crate::{TableSnapshot, fault::Fault, mapping::TableMapping, state::TableState, store::TableStore};

/// What a query asks of a scan.
pub(crate) struct ScanRequest<'a> {
    /// Columns of the table's schema; all if `None`.
    pub(crate) projection: Option<&'a [usize]>,
    /// Conditions that rows must meet, for pruning.
    pub(crate) filters: &'a [Expr],
    /// How many rows are enough.
    pub(crate) limit: Option<usize>,
}

/// Why no scan could be made.
pub(crate) enum ScanError {
    /// It is the table's fault.
    Table(Fault),
    /// It is the engine's, or the query's.
    Engine(DataFusionError),
}

impl From<Fault> for ScanError {
    fn from(fault: Fault) -> Self {
        Self::Table(fault)
    }
}

impl From<DataFusionError> for ScanError {
    fn from(error: DataFusionError) -> Self {
        Self::Engine(error)
    }
}

/// Plans the scan: prune files, load their deletes, describe what is left.
pub(crate) async fn plan_scan(
    snapshot: &TableSnapshot,
    session: &dyn Session,
    request: ScanRequest<'_>,
) -> Result<Arc<dyn ExecutionPlan>, ScanError> {
    let state = snapshot.state();
    let survivors = surviving_files(state, session, request.filters)?;
    let deleted = state.deletes.positions(state, &survivors).await?;
    let rows = missing_row_counts(state, &deleted).await?;

    let projection: Vec<usize> = match request.projection {
        Some(columns) => columns.iter().map(|&column| state.positions[column]).collect(),
        None => state.positions.clone(),
    };
    let filtered = filtered_columns(state, request.filters);
    let selection =
        Selection { files: &survivors, deleted: &deleted, rows: &rows, filtered: &filtered, read: &projection };
    let files = selection.build(state)?;

    let equality = state.deletes.equality();
    let scan = FileScan {
        table: snapshot.table(),
        store: &state.root.store,
        layout: &state.layout,
        mapping: &state.mapping,
        predicate: predicate(state, session, request.filters)?,
        // Rows that a filter or a delete takes away above the scan must not count towards the limit.
        limit: request.limit.filter(|_| request.filters.is_empty() && equality.is_empty()),
        considered: state.files.len(),
    };
    if equality.is_empty() {
        return Ok(scan.build(session, files, Some(projection))?);
    }
    equality::plan(&scan, state, session, equality::Probe { files, projection }).await
}

/// Row counts of files that have deletes but whose metadata don't say how many rows they have.
async fn missing_row_counts(
    state: &TableState,
    deleted: &HashMap<usize, Arc<RoaringTreemap>>,
) -> Result<HashMap<usize, u64>, Fault> {
    let mut rows = HashMap::new();
    for &index in deleted.keys().filter(|index| state.files[**index].rows.is_none()) {
        let store = &state.root.store;
        let meta = object_meta(&state.files[index]);
        let footer = DFParquetMetadata::new(&*store.store, &meta)
            .with_file_metadata_cache(Some(Arc::clone(&store.footers)))
            .fetch_metadata()
            .await
            .map_err(|error| Fault::library("a data file", error))?;
        rows.insert(index, u64::try_from(footer.file_metadata().num_rows()).unwrap_or(0));
    }
    Ok(rows)
}

fn filtered_columns(state: &TableState, filters: &[Expr]) -> Vec<usize> {
    let schema = state.layout.table_schema();
    let mut columns: Vec<usize> =
        filters.iter().flat_map(Expr::column_refs).filter_map(|column| schema.index_of(&column.name).ok()).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// What the scans of one table share: of its data, and of its equality deletes.
pub(crate) struct FileScan<'a> {
    pub(crate) table: &'a TableName,
    pub(crate) store: &'a Arc<TableStore>,
    pub(crate) layout: &'a TableSchema,
    pub(crate) mapping: &'a Arc<TableMapping>,
    pub(crate) predicate: Option<Arc<dyn PhysicalExpr>>,
    pub(crate) limit: Option<usize>,
    /// Files of the snapshot, of which some were pruned.
    pub(crate) considered: usize,
}

impl FileScan<'_> {
    /// The scan of `files`, with the columns of the layout that `projection` names.
    pub(crate) fn build(
        &self,
        session: &dyn Session,
        files: ScanFiles,
        projection: Option<Vec<usize>>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let mut source = ParquetSource::new(self.layout.clone()).with_table_parquet_options(parquet_options(session));
        if let Some(predicate) = &self.predicate {
            source = source.with_predicate(Arc::clone(predicate));
        }
        let source = with_counters(source, self, files.files.len());
        let source = LakeSource::new(self.table.clone(), self.mapping.renamed, source);
        let groups = file_groups(files.files, session.config().target_partitions());
        let config = FileScanConfigBuilder::new(self.store.url.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(files.statistics)
            .with_limit(self.limit)
            .with_expr_adapter(Some(Arc::new(MappingAdapterFactory(Arc::clone(self.mapping)))))
            .with_projection_indices(projection)?
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

fn with_counters(source: ParquetSource, scan: &FileScan<'_>, left: usize) -> ParquetSource {
    use datafusion::datasource::physical_plan::FileSource;

    let metrics = source.metrics().clone();
    MetricBuilder::new(&metrics).global_counter(FILES_CONSIDERED).add(scan.considered);
    MetricBuilder::new(&metrics).global_counter(FILES_PRUNED).add(scan.considered.saturating_sub(left));
    let reader = LakeReaderFactory::new(scan.table.clone(), Arc::clone(scan.store), &metrics);
    source.with_parquet_file_reader_factory(Arc::new(reader))
}

/// The session's options for reading Parquet. INT96 is read at the microseconds that table formats have, for at
/// nanoseconds it overflows in the year 2262.
pub(crate) fn parquet_options(session: &dyn Session) -> TableParquetOptions {
    let mut global = session.config_options().execution.parquet.clone();
    global.coerce_int96.get_or_insert_with(|| "us".to_owned());
    TableParquetOptions { global, ..TableParquetOptions::default() }
}

/// Neighbouring files go together. A table without files is one empty group, so that its scan is still a scan.
fn file_groups(files: Vec<PartitionedFile>, partitions: usize) -> Vec<FileGroup> {
    if files.is_empty() {
        return vec![FileGroup::new(Vec::new())];
    }
    let size = files.len().div_ceil(partitions.max(1));
    let mut groups = Vec::with_capacity(partitions);
    let mut files = files.into_iter().peekable();
    while files.peek().is_some() {
        groups.push(FileGroup::new(files.by_ref().take(size).collect()));
    }
    groups
}
