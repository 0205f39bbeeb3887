//! The files that a log replay leaves, as the scan's columns.

use std::collections::HashMap;

use chrono::DateTime;
use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, AsArray, BinaryViewArray, Int64Array, RecordBatch, StringArray, StructArray, UInt32Array,
            UInt64Array, new_null_array,
        },
        buffer::BooleanBuffer,
        compute::{CastOptions, cast_with_options, concat, filter_record_batch, kernels::numeric::add_wrapping, take},
        datatypes::{DataType, Int32Type, Int64Type, TimeUnit},
    },
    common::cast::{as_map_array, as_string_array, as_struct_array},
};
use delta_kernel::{
    actions::deletion_vector::DeletionVectorDescriptor, engine::arrow_data::ArrowEngineData,
    engine_data::FilteredEngineData,
};

use super::{log::kernel_fault, schema::DeltaSchema};
use crate::{
    fault::Fault,
    state::{ColumnBounds, DataFile},
    store::TableRoot,
};

/// Gathers files from the batches of a log replay.
pub(super) struct FileCollector<'a> {
    root: &'a TableRoot,
    schema: &'a DeltaSchema,
    files: Vec<DataFile>,
    vectors: HashMap<usize, DeletionVectorDescriptor>,
    partitions: Vec<Vec<Option<String>>>,
    /// For each column in files the pieces of `min`, `max` and null counts.
    statistics: Vec<Pieces>,
}

#[derive(Default)]
struct Pieces {
    min: Vec<ArrayRef>,
    max: Vec<ArrayRef>,
    nulls: Vec<ArrayRef>,
}

/// What a log replay left.
pub(super) struct Collected {
    pub(super) files: Vec<DataFile>,
    pub(super) constants: Vec<ArrayRef>,
    pub(super) bounds: HashMap<String, ColumnBounds>,
    /// Deletion vectors by file.
    pub(super) vectors: HashMap<usize, DeletionVectorDescriptor>,
}

impl<'a> FileCollector<'a> {
    pub(super) fn new(root: &'a TableRoot, schema: &'a DeltaSchema) -> Self {
        Self {
            root,
            schema,
            files: Vec::new(),
            vectors: HashMap::new(),
            partitions: vec![Vec::new(); schema.partition_columns.len()],
            statistics: schema.file_columns.iter().map(|_| Pieces::default()).collect(),
        }
    }

    /// Takes the selected rows of one batch.
    pub(super) fn add(&mut self, data: FilteredEngineData) -> Result<(), Fault> {
        let (data, selection) = data.into_parts();
        let batch = ArrowEngineData::try_from_engine_data(data).map_err(kernel_fault)?;
        // A selection that is shorter than the batch selects the rest.
        let selected =
            (0..batch.record_batch().num_rows()).map(|row| Some(selection.get(row).copied().unwrap_or(true))).collect();
        let batch = filter_record_batch(batch.record_batch(), &selected)
            .map_err(|error| Fault::corrupt_by("its log is damaged", error))?;
        self.add_files(&batch)?;
        self.add_partitions(&batch)?;
        self.add_statistics(&batch)
    }

    fn add_files(&mut self, batch: &RecordBatch) -> Result<(), Fault> {
        let paths = strings(column(batch, "path")?)?;
        let sizes = longs(column(batch, "size")?)?;
        let modified = longs(column(batch, "modificationTime")?)?;
        let json = strings(column(batch, "stats")?)?;
        let rows = batch
            .column_by_name("stats_parsed")
            .and_then(|parsed| as_struct_array(parsed).ok())
            .and_then(|parsed| parsed.column_by_name("numRecords"))
            .and_then(|rows| longs(rows).ok());
        let vectors = as_struct_array(column(batch, "deletionVector")?).map_err(|_| shape())?;
        for row in 0..batch.num_rows() {
            if let Some(vector) = descriptor(vectors, row)? {
                self.vectors.insert(self.files.len(), vector);
            }
            let parsed = rows.and_then(|rows| rows.is_valid(row).then(|| rows.value(row)));
            let rows = parsed.or_else(|| json.is_valid(row).then(|| records_in_json(json.value(row))).flatten());
            self.files.push(DataFile {
                location: self.root.resolve(paths.value(row))?,
                size: u64::try_from(sizes.value(row)).map_err(|_| shape())?,
                modified: DateTime::from_timestamp_millis(modified.value(row)).unwrap_or_default(),
                rows: rows.and_then(|rows| u64::try_from(rows).ok()),
            });
        }
        Ok(())
    }

    fn add_partitions(&mut self, batch: &RecordBatch) -> Result<(), Fault> {
        if self.partitions.is_empty() {
            return Ok(());
        }
        let constants = as_struct_array(column(batch, "fileConstantValues")?).map_err(|_| shape())?;
        let maps = constants.column_by_name("partitionValues").ok_or_else(shape)?;
        let maps = as_map_array(maps).map_err(|_| shape())?;
        for row in 0..batch.num_rows() {
            let entries = maps.value(row);
            let (names, values) = (strings(entries.column(0))?, strings(entries.column(1))?);
            for (name, column) in self.schema.partition_columns.iter().zip(&mut self.partitions) {
                let found = (0..entries.len()).find(|&entry| names.value(entry) == name);
                // An empty string is how the protocol writes null, for text too.
                let value = found
                    .filter(|&entry| values.is_valid(entry) && !values.value(entry).is_empty())
                    .map(|entry| values.value(entry).to_owned());
                column.push(value);
            }
        }
        Ok(())
    }

    fn add_statistics(&mut self, batch: &RecordBatch) -> Result<(), Fault> {
        let length = batch.num_rows();
        let parsed = batch.column_by_name("stats_parsed").and_then(|parsed| as_struct_array(parsed).ok());
        let group = |name: &str| parsed.and_then(|parsed| parsed.column_by_name(name)?.as_struct_opt());
        let (min, max, nulls) = (group("minValues"), group("maxValues"), group("nullCount"));
        for (index, name) in self.schema.file_columns.iter().enumerate() {
            let data_type = self.schema.layout.file_schema().field(index).data_type();
            let piece = |group: Option<&StructArray>, data_type: &DataType| -> ArrayRef {
                let options = CastOptions { safe: true, ..CastOptions::default() };
                group
                    .and_then(|group| group.column_by_name(name))
                    .filter(|values| !values.data_type().is_nested())
                    .and_then(|values| cast_with_options(values, data_type, &options).ok())
                    .unwrap_or_else(|| new_null_array(data_type, length))
            };
            let pieces = &mut self.statistics[index];
            pieces.min.push(piece(min, data_type));
            pieces.max.push(piece(max, data_type));
            pieces.nulls.push(piece(nulls, &DataType::UInt64));
        }
        Ok(())
    }

    /// The files in the order of their paths, whatever the log's.
    pub(super) fn finish(self) -> Result<Collected, Fault> {
        let mut order: Vec<usize> = (0..self.files.len()).collect();
        order.sort_unstable_by(|one, other| self.files[*one].location.cmp(&self.files[*other].location));
        let indices = UInt32Array::from_iter_values(order.iter().map(|&index| index as u32));
        let damaged = |error| Fault::corrupt_by("its statistics are damaged", error);

        let mut bounds = HashMap::new();
        for (pieces, field) in self.statistics.into_iter().zip(self.schema.layout.file_schema().fields()) {
            if field.data_type().is_nested() || pieces.min.is_empty() {
                continue;
            }
            let joined = |pieces: &[ArrayRef]| {
                let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
                take(&concat(&pieces)?, &indices, None)
            };
            let nulls = joined(&pieces.nulls).map_err(damaged)?;
            let column = column_bounds(
                joined(&pieces.min).map_err(damaged)?,
                joined(&pieces.max).map_err(damaged)?,
                nulls.as_primitive().clone(),
            );
            bounds.insert(field.name().clone(), column);
        }

        let mut constants = Vec::with_capacity(self.partitions.len());
        for (values, field) in self.partitions.into_iter().zip(self.schema.layout.table_partition_cols()) {
            let values: Vec<Option<&str>> = order.iter().map(|&index| values[index].as_deref()).collect();
            constants.push(partition_array(&values, field.data_type())?);
        }
        let mut vectors = self.vectors;
        let vectors =
            order.iter().enumerate().filter_map(|(new, old)| vectors.remove(old).map(|vector| (new, vector))).collect();
        let mut files: Vec<Option<DataFile>> = self.files.into_iter().map(Some).collect();
        let files = order.iter().filter_map(|&index| files[index].take()).collect();
        Ok(Collected { files, constants, bounds, vectors })
    }
}

/// What a log's statistics say for sure.
fn column_bounds(min: ArrayRef, max: ArrayRef, nulls: UInt64Array) -> ColumnBounds {
    let length = min.len();
    match min.data_type() {
        // Some writers leave NaN out of the statistics, and it is above every bound. Zeros may be of either sign.
        DataType::Float32 | DataType::Float64 => ColumnBounds {
            max: new_null_array(max.data_type(), length),
            min: new_null_array(min.data_type(), length),
            nulls,
            exact: BooleanBuffer::new_unset(length),
        },
        // Statistics have milliseconds, cut off; the values have microseconds.
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            ColumnBounds { max: add_millisecond(&max), min, nulls, exact: BooleanBuffer::new_unset(length) }
        }
        // Long text is cut off.
        DataType::Utf8View | DataType::BinaryView => {
            ColumnBounds { min, max, nulls, exact: BooleanBuffer::new_unset(length) }
        }
        _ => ColumnBounds { min, max, nulls, exact: BooleanBuffer::new_set(length) },
    }
}

fn add_millisecond(values: &ArrayRef) -> ArrayRef {
    let data_type = values.data_type();
    let shifted = || {
        let micros = cast_with_options(values, &DataType::Int64, &CastOptions::default())?;
        let sum = add_wrapping(&micros, &Int64Array::new_scalar(999))?;
        cast_with_options(&sum, data_type, &CastOptions::default())
    };
    shifted().unwrap_or_else(|_| new_null_array(data_type, values.len()))
}

/// Partition values are text in the log (protocol, "Partition Value Serialization").
fn partition_array(values: &[Option<&str>], data_type: &DataType) -> Result<ArrayRef, Fault> {
    if data_type == &DataType::BinaryView {
        let bytes = values.iter().map(|value| value.map(str::as_bytes));
        return Ok(std::sync::Arc::new(bytes.collect::<BinaryViewArray>()));
    }
    let text = std::sync::Arc::new(values.iter().copied().collect::<StringArray>()) as ArrayRef;
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(&text, data_type, &options)
        .map_err(|error| Fault::corrupt_by("a partition value is not of its column's type", error))
}

fn descriptor(vectors: &StructArray, row: usize) -> Result<Option<DeletionVectorDescriptor>, Fault> {
    if vectors.is_null(row) {
        return Ok(None);
    }
    let field = |name: &str| vectors.column_by_name(name).ok_or_else(shape);
    let kinds = strings(field("storageType")?)?;
    if kinds.is_null(row) {
        return Ok(None);
    }
    let paths = strings(field("pathOrInlineDv")?)?;
    let offsets = field("offset")?.as_primitive_opt::<Int32Type>().ok_or_else(shape)?;
    let sizes = field("sizeInBytes")?.as_primitive_opt::<Int32Type>().ok_or_else(shape)?;
    let cardinalities = field("cardinality")?.as_primitive_opt::<Int64Type>().ok_or_else(shape)?;
    let kind = kinds.value(row).parse().map_err(kernel_fault)?;
    let offset = offsets.is_valid(row).then(|| offsets.value(row));
    DeletionVectorDescriptor::try_new(kind, paths.value(row), offset, sizes.value(row), cardinalities.value(row))
        .map(Some)
        .map_err(kernel_fault)
}

/// The row count of statistics that were not understood as a whole, say because of a `NaN` among them.
fn records_in_json(statistics: &str) -> Option<i64> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Records {
        num_records: Option<i64>,
    }
    serde_json::from_str::<Records>(statistics).ok()?.num_records
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, Fault> {
    batch.column_by_name(name).ok_or_else(shape)
}

fn strings(array: &ArrayRef) -> Result<&StringArray, Fault> {
    as_string_array(array).map_err(|_| shape())
}

fn longs(array: &ArrayRef) -> Result<&Int64Array, Fault> {
    array.as_primitive_opt::<Int64Type>().ok_or_else(shape)
}

fn shape() -> Fault {
    Fault::corrupt("its log has an action of an unknown shape")
}
