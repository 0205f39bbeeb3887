//! Delta tables, through the Delta kernel's transactions.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::Utc;
use datafusion::{
    arrow::{
        array::{ArrayRef, RecordBatch},
        compute::concat_batches,
        datatypes::{Schema, SchemaRef},
    },
    common::ScalarValue,
};
use delta_kernel::{
    FileMeta, KernelError, Snapshot, SnapshotRef,
    committer::FileSystemCommitter,
    engine::arrow_conversion::{TryFromArrow, TryIntoArrow},
    expressions::{DecimalData, Scalar},
    schema::{DecimalType, StructType},
    transaction::{
        BoundWriteContext, CommitResult, CommittedTransaction, UpdateTableOperation, WriteState,
        create_table::create_table, data_layout::DataLayout,
    },
};
use delta_kernel_default_engine::{
    DefaultEngine, DefaultEngineBuilder, build_add_file_metadata, executor::tokio::TokioBackgroundExecutor,
    parquet::DataFileMetadata, stats::collect_stats,
};
use object_store::{ObjectStoreExt, path::Path};

use super::{
    Appended, Destination, FileLayout, WriteError,
    file::EncodedFile,
    partition::group_rows,
    types::{Format, relabel_batch, stored_batch, stored_schema},
};
use crate::SnapshotVersion;

const ENGINE: &str = concat!("meshgate/", env!("CARGO_PKG_VERSION"));

/// What a new Delta table is to be.
#[derive(Debug, Clone)]
pub struct DeltaTable {
    schema: SchemaRef,
    partition_by: Vec<String>,
    properties: BTreeMap<String, String>,
    layout: FileLayout,
}

impl DeltaTable {
    /// A table of these columns, not partitioned.
    pub fn new(schema: SchemaRef) -> Self {
        Self { schema, partition_by: Vec::new(), properties: BTreeMap::new(), layout: FileLayout::default() }
    }

    /// Partitions it by the values of top-level columns.
    pub fn partition_by(mut self, columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.partition_by = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Sets a table property, for instance `delta.columnMapping.mode` = `name`.
    pub fn property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.insert(name.into(), value.into());
        self
    }

    /// Lays rows out in files so.
    pub fn layout(mut self, layout: FileLayout) -> Self {
        self.layout = layout;
        self
    }
}

/// Appends to a Delta table that it created. Version 0 is the empty table; each append is one version.
#[derive(Debug)]
pub struct DeltaWriter {
    destination: Destination,
    engine: Arc<DefaultEngine<TokioBackgroundExecutor>>,
    snapshot: SnapshotRef,
    schema: SchemaRef,
    partition_by: Vec<String>,
    layout: FileLayout,
}

impl DeltaWriter {
    /// Creates the table.
    ///
    /// # Errors
    /// A type that Delta lacks, a partition column that is missing or the only one, a property that the kernel
    /// does not support, a table that is there already.
    pub async fn create(destination: Destination, table: DeltaTable) -> Result<Self, WriteError> {
        let schema = stored_schema(Format::Delta, &table.schema)?;
        if let Some(missing) = table.partition_by.iter().find(|column| schema.index_of(column).is_err()) {
            return Err(WriteError::Definition(format!("there is no column `{missing}` to partition by")));
        }
        if !table.partition_by.is_empty() && table.partition_by.len() >= schema.fields().len() {
            return Err(WriteError::Definition(
                "a partitioned table needs a column that does not partition it".to_owned(),
            ));
        }
        let url = destination.kernel_url()?;
        if destination.has_files("_delta_log").await? {
            return Err(WriteError::AlreadyExists(destination.location().to_owned()));
        }
        let engine = Arc::new(DefaultEngineBuilder::new(destination.object_store().clone()).build());
        let snapshot = {
            let (engine, schema) = (engine.clone(), schema.clone());
            let (partition_by, properties) = (table.partition_by.clone(), table.properties);
            blocking(move || {
                let logical = StructType::try_from_arrow(schema.as_ref()).map_err(KernelError::from)?;
                let layout = match partition_by.is_empty() {
                    true => DataLayout::None,
                    false => DataLayout::partitioned(partition_by),
                };
                let result = create_table(&url, Arc::new(logical), ENGINE, true)
                    .with_table_properties(properties)
                    .with_data_layout(layout)
                    .build(engine.as_ref(), Box::new(FileSystemCommitter::new()))?
                    .commit(engine.as_ref())?;
                match result {
                    CommitResult::Committed(committed) => {
                        snapshot_after(&committed, || Snapshot::builder_for(url).build(engine.as_ref())).map(Some)
                    }
                    CommitResult::Conflicted(_) | CommitResult::Retryable(_) => Ok(None),
                }
            })
            .await?
            .ok_or_else(|| WriteError::Conflict(destination.location().to_owned()))?
        };
        Ok(Self { destination, engine, snapshot, schema, partition_by: table.partition_by, layout: table.layout })
    }

    /// Appends the rows as one version. The batches' columns are matched by name.
    ///
    /// # Errors
    /// Rows that don't fit the table, a store that refuses, another writer's commit.
    pub async fn append(&mut self, batches: &[RecordBatch]) -> Result<Appended, WriteError> {
        let batches = batches.iter().map(|batch| stored_batch(batch, &self.schema)).collect::<Result<Vec<_>, _>>()?;
        let rows = concat_batches(&self.schema, &batches)?;
        let version = self.snapshot.version() + 1;
        let (snapshot, engine) = (self.snapshot.clone(), self.engine.clone());
        let mut transaction = blocking(move || {
            snapshot
                .update_table(UpdateTableOperation::Write, ENGINE, true)
                .with_blind_append()
                .build(engine.as_ref(), Box::new(FileSystemCommitter::new()))
        })
        .await?;
        let state = transaction.write_state().map_err(WriteError::delta)?;

        let mut appended =
            Appended { version: SnapshotVersion::Delta(version), files: 0, rows: rows.num_rows() as u64, bytes: 0 };
        for (context, part) in self.partitions(&state, &rows)? {
            for file in self.layout.files(&part) {
                let encoded = EncodedFile::encode(&file, &self.layout)?;
                let url = context.write_dir().join(&format!("part-{}", encoded.name(version, appended.files)));
                let url = url.map_err(WriteError::delta)?;
                let path = Path::from_url_path(url.path()).map_err(WriteError::delta)?;
                let size = encoded.bytes.len() as u64;
                self.destination.object_store().put(&path, encoded.bytes.into()).await?;
                let stats = collect_stats(&file, context.stats_columns(), context.physical_data_schema());
                let stats = stats.map_err(WriteError::delta)?;
                let added = DataFileMetadata::new(FileMeta::new(url, Utc::now().timestamp_millis(), size), stats);
                transaction.add_files(build_add_file_metadata(added, &context).map_err(WriteError::delta)?);
                appended.files += 1;
                appended.bytes += size;
            }
        }

        let engine = self.engine.clone();
        let url = self.destination.kernel_url()?;
        self.snapshot = blocking(move || match transaction.commit(engine.as_ref())? {
            CommitResult::Committed(committed) => {
                snapshot_after(&committed, || Snapshot::builder_for(url).build(engine.as_ref())).map(Some)
            }
            CommitResult::Conflicted(_) | CommitResult::Retryable(_) => Ok(None),
        })
        .await?
        .ok_or_else(|| WriteError::Conflict(self.destination.location().to_owned()))?;
        Ok(appended)
    }

    /// The rows of each partition under the physical schema of its files.
    fn partitions(
        &self,
        state: &Arc<WriteState>,
        rows: &RecordBatch,
    ) -> Result<Vec<(BoundWriteContext, RecordBatch)>, WriteError> {
        let is_partition = |name: &String| self.partition_by.contains(name);
        let by: Vec<ArrayRef> =
            self.partition_by.iter().filter_map(|name| rows.column_by_name(name).cloned()).collect();
        let data: Vec<ArrayRef> = rows
            .columns()
            .iter()
            .zip(self.schema.fields())
            .filter(|(_, field)| !is_partition(field.name()))
            .map(|(column, _)| column.clone())
            .collect();
        if rows.num_rows() == 0 {
            return Ok(Vec::new());
        }
        group_rows(&by, rows.num_rows())?
            .into_iter()
            .map(|group| {
                let mut builder = state.write_context_builder();
                if !self.partition_by.is_empty() {
                    let values = self
                        .partition_by
                        .iter()
                        .zip(&by)
                        .map(|(name, column)| Ok((name.clone(), scalar(column, group.representative())?)))
                        .collect::<Result<HashMap<_, _>, WriteError>>()?;
                    builder = builder.with_partition_values(values);
                }
                let context = builder.build().map_err(WriteError::delta)?;
                let physical: Schema =
                    context.physical_data_schema().as_ref().try_into_arrow().map_err(WriteError::delta)?;
                let part = relabel_batch(&group.take(&data)?, &Arc::new(physical))?;
                Ok((context, part))
            })
            .collect()
    }
}

/// The snapshot that a commit made; some commits don't hand it out.
fn snapshot_after(
    committed: &CommittedTransaction,
    load: impl FnOnce() -> Result<SnapshotRef, KernelError>,
) -> Result<SnapshotRef, KernelError> {
    committed.post_commit_snapshot().cloned().map_or_else(load, Ok)
}

/// Runs a kernel call, which blocks on its own runtime, off the async threads.
async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, KernelError> + Send + 'static,
) -> Result<T, WriteError> {
    tokio::task::spawn_blocking(call).await.map_err(WriteError::delta)?.map_err(WriteError::delta)
}

/// A value as the kernel has it.
fn scalar(column: &ArrayRef, row: usize) -> Result<Scalar, WriteError> {
    let value = ScalarValue::try_from_array(column, row).map_err(WriteError::delta)?;
    let unfit = || WriteError::Definition(format!("a table can't be partitioned by {}", column.data_type()));
    if value.is_null() {
        let data_type =
            delta_kernel::schema::DataType::try_from_arrow(column.data_type()).map_err(WriteError::delta)?;
        return Ok(Scalar::Null(data_type));
    }
    Ok(match value {
        ScalarValue::Boolean(Some(value)) => Scalar::Boolean(value),
        ScalarValue::Int8(Some(value)) => Scalar::Byte(value),
        ScalarValue::Int16(Some(value)) => Scalar::Short(value),
        ScalarValue::Int32(Some(value)) => Scalar::Integer(value),
        ScalarValue::Int64(Some(value)) => Scalar::Long(value),
        ScalarValue::Float32(Some(value)) => Scalar::Float(value),
        ScalarValue::Float64(Some(value)) => Scalar::Double(value),
        ScalarValue::Utf8(Some(value)) => Scalar::String(value),
        ScalarValue::Binary(Some(value)) => Scalar::Binary(value),
        ScalarValue::Date32(Some(value)) => Scalar::Date(value),
        ScalarValue::TimestampMicrosecond(Some(value), Some(_)) => Scalar::Timestamp(value),
        ScalarValue::TimestampMicrosecond(Some(value), None) => Scalar::TimestampNtz(value),
        ScalarValue::Decimal128(Some(value), precision, scale) => {
            let decimal = DecimalType::try_new(precision, scale as u8).map_err(WriteError::delta)?;
            Scalar::Decimal(DecimalData::try_new(value, decimal).map_err(WriteError::delta)?)
        }
        _ => return Err(unfit()),
    })
}
