//! Iceberg tables: plain folders with `metadata/vN.metadata.json` and a version hint.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use datafusion::arrow::{
    array::{Array, ArrayRef, RecordBatch},
    compute::concat_batches,
    datatypes::SchemaRef,
};
use iceberg::{
    spec::{
        DataContentType, DataFile, DataFileBuilder, DataFileFormat, Datum, FormatVersion, Literal, PartitionSpec,
        Schema, SortOrder, Struct, TableMetadataBuilder, Transform, UnboundPartitionSpec,
    },
    transform::{BoxedTransformFunction, create_transform_function},
};
use object_store::ObjectStoreExt;

use super::{
    Appended, Destination, FileLayout, WriteError,
    file::EncodedFile,
    iceberg_bounds::{ColumnMetrics, column_sizes, datum, split_offsets},
    iceberg_commit::CommittedTable,
    iceberg_schema::{iceberg_schema, with_field_ids},
    partition::{Group, group_rows},
    types::{Format, relabel_batch, stored_batch, stored_schema},
};
use crate::SnapshotVersion;

/// How a column's values become partition values (Iceberg specification, "Partition Transforms").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionTransform {
    /// The value itself.
    Identity,
    /// The year of a date or timestamp.
    Year,
    /// The month of a date or timestamp.
    Month,
    /// The day of a date or timestamp, UTC.
    Day,
    /// The hour of a timestamp, UTC.
    Hour,
    /// A hash in so many buckets.
    Bucket(u32),
    /// The value cut to a width.
    Truncate(u32),
}

impl PartitionTransform {
    fn transform(self) -> Transform {
        match self {
            Self::Identity => Transform::Identity,
            Self::Year => Transform::Year,
            Self::Month => Transform::Month,
            Self::Day => Transform::Day,
            Self::Hour => Transform::Hour,
            Self::Bucket(buckets) => Transform::Bucket(buckets),
            Self::Truncate(width) => Transform::Truncate(width),
        }
    }

    /// The partition field's name, as other writers call it.
    fn field_name(self, column: &str) -> String {
        let suffix = match self {
            Self::Identity => return column.to_owned(),
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Bucket(_) => "bucket",
            Self::Truncate(_) => "trunc",
        };
        format!("{column}_{suffix}")
    }
}

/// What a new Iceberg table is to be.
#[derive(Debug, Clone)]
pub struct IcebergTable {
    schema: SchemaRef,
    partition_by: Vec<(String, PartitionTransform)>,
    properties: BTreeMap<String, String>,
    row_lineage: bool,
    layout: FileLayout,
}

impl IcebergTable {
    /// A table of format version 2 with these columns, not partitioned.
    pub fn new(schema: SchemaRef) -> Self {
        Self {
            schema,
            partition_by: Vec::new(),
            properties: BTreeMap::new(),
            row_lineage: false,
            layout: FileLayout::default(),
        }
    }

    /// Adds a partition field over a top-level column.
    pub fn partition_by(mut self, column: impl Into<String>, transform: PartitionTransform) -> Self {
        self.partition_by.push((column.into(), transform));
        self
    }

    /// Sets a table property.
    pub fn property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.insert(name.into(), value.into());
        self
    }

    /// Makes it a table of format version 3, whose rows have ids.
    pub fn format_version_3(mut self) -> Self {
        self.row_lineage = true;
        self
    }

    /// Lays rows out in files so.
    pub fn layout(mut self, layout: FileLayout) -> Self {
        self.layout = layout;
        self
    }
}

/// Appends to an Iceberg table that it created; each append is one snapshot.
#[derive(Debug)]
pub struct IcebergWriter {
    table: CommittedTable,
    stored: SchemaRef,
    file_schema: SchemaRef,
    partition_by: Vec<(usize, PartitionTransform)>,
    layout: FileLayout,
}

impl IcebergWriter {
    /// Creates the table, without a snapshot.
    ///
    /// # Errors
    /// A type that Iceberg lacks, a partition column that is missing or that its transform doesn't fit, a table
    /// that is there already.
    pub async fn create(destination: Destination, table: IcebergTable) -> Result<Self, WriteError> {
        let stored = stored_schema(Format::Iceberg, &table.schema)?;
        let schema = iceberg_schema(&stored)?;
        let mut spec = UnboundPartitionSpec::builder();
        let mut partition_by = Vec::new();
        for (column, transform) in &table.partition_by {
            let (Ok(at), Some(id)) = (stored.index_of(column), schema.field_id_by_name(column)) else {
                return Err(WriteError::Definition(format!("there is no column `{column}` to partition by")));
            };
            spec = spec
                .add_partition_field(id, transform.field_name(column), transform.transform())
                .map_err(WriteError::iceberg)?;
            partition_by.push((at, *transform));
        }
        let metadata = TableMetadataBuilder::new(
            schema,
            spec.build(),
            SortOrder::unsorted_order(),
            destination.location().to_owned(),
            if table.row_lineage { FormatVersion::V3 } else { FormatVersion::V2 },
            table.properties.into_iter().collect::<HashMap<_, _>>(),
        )
        .and_then(|builder| builder.build())
        .map_err(WriteError::iceberg)?
        .metadata;
        let file_schema = with_field_ids(&stored, metadata.current_schema())?;
        let table_layout = table.layout;
        let table = CommittedTable::create(destination, metadata).await?;
        Ok(Self { table, stored, file_schema, partition_by, layout: table_layout })
    }

    /// Appends the rows as one snapshot. The batches' columns are matched by name.
    ///
    /// # Errors
    /// Rows that don't fit the table, a store that refuses, another writer's commit.
    pub async fn append(&mut self, batches: &[RecordBatch]) -> Result<Appended, WriteError> {
        let batches = batches.iter().map(|batch| stored_batch(batch, &self.stored)).collect::<Result<Vec<_>, _>>()?;
        let rows = concat_batches(&self.stored, &batches)?;
        let mut files = Vec::new();
        for (partition, part) in self.partitions(&rows)? {
            for slice in self.layout.files(&part) {
                files.push(self.write_file(&slice, &partition, files.len()).await?);
            }
        }
        let (count, bytes) = (files.len(), files.iter().map(DataFile::file_size_in_bytes).sum());
        let snapshot = self.table.append(files).await?;
        Ok(Appended {
            version: SnapshotVersion::Iceberg(Some(snapshot)),
            files: count,
            rows: rows.num_rows() as u64,
            bytes,
        })
    }

    async fn write_file(&self, rows: &RecordBatch, partition: &Struct, number: usize) -> Result<DataFile, WriteError> {
        let (metadata, destination) = (self.table.metadata(), self.table.destination());
        let (schema, spec) = (metadata.current_schema(), metadata.default_partition_spec());
        let encoded = EncodedFile::encode(rows, &self.layout)?;
        let mut name = "data/".to_owned();
        if !spec.is_unpartitioned() {
            name.push_str(&plain(&spec.partition_to_path(partition, schema.clone())));
            name.push('/');
        }
        name.push_str(&encoded.name(self.table.next_commit(), number));
        let metrics = ColumnMetrics::of(rows, schema)?;
        let file = DataFileBuilder::default()
            .content(DataContentType::Data)
            .file_path(format!("{}/{name}", destination.location()))
            .file_format(DataFileFormat::Parquet)
            .partition(partition.clone())
            .partition_spec_id(spec.spec_id())
            .record_count(rows.num_rows() as u64)
            .file_size_in_bytes(encoded.bytes.len() as u64)
            .column_sizes(column_sizes(&encoded.footer))
            .value_counts(metrics.values)
            .null_value_counts(metrics.nulls)
            .nan_value_counts(metrics.nans)
            .lower_bounds(metrics.lower)
            .upper_bounds(metrics.upper)
            .split_offsets(Some(split_offsets(&encoded.footer)))
            .build()
            .map_err(WriteError::iceberg)?;
        destination.object_store().put(&destination.path(&name), encoded.bytes.into()).await?;
        Ok(file)
    }

    /// The rows of each partition under the schema of data files, in the order of their source values.
    fn partitions(&self, rows: &RecordBatch) -> Result<Vec<(Struct, RecordBatch)>, WriteError> {
        if rows.num_rows() == 0 {
            return Ok(Vec::new());
        }
        let metadata = self.table.metadata();
        let functions = PartitionFunctions::new(metadata.default_partition_spec(), metadata.current_schema())?;
        let sources: Vec<ArrayRef> = self.partition_by.iter().map(|(at, _)| rows.column(*at).clone()).collect();
        // Rows of one source value share their partition, so the transforms run once a value.
        let mut partitions: Vec<(Struct, Group)> = Vec::new();
        let mut known: HashMap<Struct, usize> = HashMap::new();
        for group in group_rows(&sources, rows.num_rows())? {
            let partition = functions.partition(&sources, group.representative())?;
            match known.get(&partition) {
                Some(at) => partitions[*at].1.rows.extend(group.rows),
                None => {
                    known.insert(partition.clone(), partitions.len());
                    partitions.push((partition, group));
                }
            }
        }
        partitions
            .into_iter()
            .map(|(partition, mut group)| {
                group.rows.sort_unstable();
                Ok((partition, relabel_batch(&group.take(rows.columns())?, &self.file_schema)?))
            })
            .collect()
    }
}

/// The transforms of a partition spec with the types of their source columns.
struct PartitionFunctions {
    fields: Vec<(BoxedTransformFunction, iceberg::spec::PrimitiveType)>,
}

impl PartitionFunctions {
    fn new(spec: &PartitionSpec, schema: &Arc<Schema>) -> Result<Self, WriteError> {
        let fields = spec
            .fields()
            .iter()
            .map(|field| {
                let source = schema
                    .field_by_id(field.source_id)
                    .and_then(|source| source.field_type.as_primitive_type())
                    .ok_or_else(|| WriteError::Definition(format!("`{}` partitions by a nested column", field.name)))?;
                Ok((create_transform_function(&field.transform).map_err(WriteError::iceberg)?, source.clone()))
            })
            .collect::<Result<Vec<_>, WriteError>>()?;
        Ok(Self { fields })
    }

    fn partition(&self, sources: &[ArrayRef], row: usize) -> Result<Struct, WriteError> {
        self.fields
            .iter()
            .zip(sources)
            .map(|((function, source), column)| {
                if column.is_null(row) {
                    return Ok(None);
                }
                let value: Option<Datum> =
                    function.transform_literal(&datum(column, row, source)?).map_err(WriteError::iceberg)?;
                Ok(value.map(Literal::from))
            })
            .collect::<Result<Vec<_>, WriteError>>()
            .map(Struct::from_iter)
    }
}

/// A partition path of characters that mean the same in a path and in a URL. The values stand in the manifest.
fn plain(path: &str) -> String {
    path.chars()
        .map(|character| match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '.' | '=' | '/' => character,
            _ => '_',
        })
        .collect()
}
