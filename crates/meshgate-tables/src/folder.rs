//! A folder of Parquet files, with hive partitions.

use std::{collections::HashMap, fmt::Write as _, sync::Arc};

use datafusion::{
    arrow::{
        array::{ArrayRef, UInt64Array, new_null_array},
        buffer::BooleanBuffer,
        datatypes::{DataType, Field, FieldRef, Schema, TimeUnit},
    },
    common::{ScalarValue, Statistics, stats::Precision},
    datasource::{physical_plan::parquet::metadata::DFParquetMetadata, table_schema::TableSchema},
    parquet::file::metadata::ParquetMetaData,
};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use object_store::{ObjectMeta, path::Path};
use sha2::{Digest, Sha256};

use crate::{
    SnapshotVersion,
    fault::Fault,
    mapping::TableMapping,
    schema::logical_schema,
    state::{Bounds, ColumnBounds, DataFile, Deletes, TableState},
    store::TableRoot,
};

/// So many footers are read at a time.
const CONCURRENT_FOOTERS: usize = 32;

/// What hive writes for a partition without a value.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// What a folder held when it was listed.
#[derive(Debug)]
pub(crate) struct Listing {
    root: TableRoot,
    files: Vec<ObjectMeta>,
    /// A hash of names, sizes and times, the same at every gateway.
    pub(crate) hash: String,
}

impl Listing {
    /// Lists the folder. Names that begin with `_` or `.` are not data.
    pub(crate) async fn load(root: TableRoot) -> Result<Self, Fault> {
        let found: Vec<ObjectMeta> = root
            .store
            .store
            .list(Some(&root.prefix))
            .try_collect()
            .await
            .map_err(|error| Fault::store("its folder", error))?;
        // Its files alone would bring back what the table's log has deleted.
        if found.iter().any(|file| is_log(&root, &file.location)) {
            return Err(Fault::corrupt(
                "its folder is a Delta or Iceberg table, and its contract says `format: parquet`; \
                 write `format: delta` or `format: iceberg` in the contract's `servers`",
            ));
        }
        let mut files: Vec<ObjectMeta> = found.into_iter().filter(|file| is_data(&root, &file.location)).collect();
        files.sort_unstable_by(|one, other| one.location.cmp(&other.location));
        if files.is_empty() {
            return Err(Fault::missing("its folder, or any Parquet file in it,"));
        }
        let mut hasher = Sha256::new();
        for file in &files {
            hasher.update(file.location.as_ref().as_bytes());
            hasher.update([0]);
            hasher.update(file.size.to_le_bytes());
            hasher.update(file.last_modified.timestamp_micros().to_le_bytes());
        }
        let mut hash = String::with_capacity(32);
        for byte in hasher.finalize().iter().take(16) {
            let _ = write!(hash, "{byte:02x}");
        }
        Ok(Self { root, files, hash })
    }

    /// Reads the footers.
    pub(crate) async fn state(&self) -> Result<TableState, Fault> {
        let footers: Vec<Arc<ParquetMetaData>> =
            stream::iter(self.files.iter().map(|file| self.footer(file).boxed()).collect::<Vec<_>>())
                .buffered(CONCURRENT_FOOTERS)
                .try_collect()
                .await?;
        let mut schemas = Vec::with_capacity(self.files.len());
        for file in &self.files {
            let schema = DFParquetMetadata::new(&*self.root.store.store, file)
                .with_file_metadata_cache(Some(Arc::clone(&self.root.store.footers)))
                .with_coerce_int96(Some(TimeUnit::Microsecond))
                .fetch_schema()
                .await
                .map_err(|error| Fault::library("a data file", error))?;
            schemas.push(logical_schema(&schema));
        }
        let merged = Schema::try_merge(schemas).map_err(|error| {
            Fault::corrupt_by("its files disagree on the type of a column; give them one schema", error)
        })?;
        // A column that some file lacks is null there.
        let in_all = |name: &str| footers.iter().all(|footer| has_column(footer, name));
        let partitions = Partitions::of(&self.root, &self.files);
        let fields: Vec<FieldRef> = merged
            .fields()
            .iter()
            .filter(|field| !partitions.names.contains(field.name()))
            .map(|field| {
                let nullable = field.is_nullable() || !in_all(field.name());
                Arc::new(field.as_ref().clone().with_nullable(nullable)) as FieldRef
            })
            .collect();
        let file_schema = Arc::new(Schema::new(fields));
        let (constant_fields, constants) = partitions.columns()?;
        let layout = TableSchema::builder(Arc::clone(&file_schema)).with_table_partition_cols(constant_fields).build();

        let statistics = footers
            .iter()
            .map(|footer| DFParquetMetadata::statistics_from_parquet_metadata(footer, &file_schema))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Fault::library("a data file", error))?;
        let files = self
            .files
            .iter()
            .zip(&footers)
            .map(|(file, footer)| DataFile {
                location: file.location.clone(),
                size: file.size,
                modified: file.last_modified,
                rows: u64::try_from(footer.file_metadata().num_rows()).ok(),
            })
            .collect();
        Ok(TableState {
            version: SnapshotVersion::Parquet(self.hash.clone()),
            schema: Arc::clone(layout.table_schema()),
            column_ids: HashMap::new(),
            positions: (0..layout.table_schema().fields().len()).collect(),
            mapping: Arc::new(TableMapping::by_name(&file_schema)),
            bounds: Bounds { columns: bounds(&file_schema, &statistics), buckets: Vec::new() },
            layout,
            files,
            constants,
            deletes: Deletes::None,
            root: self.root.clone(),
        })
    }

    async fn footer(&self, file: &ObjectMeta) -> Result<Arc<ParquetMetaData>, Fault> {
        DFParquetMetadata::new(&*self.root.store.store, file)
            .with_file_metadata_cache(Some(Arc::clone(&self.root.store.footers)))
            .fetch_metadata()
            .await
            .map_err(|error| Fault::library("a data file", error))
    }
}

fn is_data(root: &TableRoot, location: &Path) -> bool {
    let Some(mut parts) = location.prefix_match(&root.prefix) else { return false };
    if location == &root.prefix {
        return true;
    }
    let hidden = parts.any(|part| {
        let name = part.as_ref();
        (name.starts_with('_') && !name.contains('=')) || name.starts_with('.')
    });
    !hidden && location.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
}

/// Whether it is a part of a table format's metadata.
fn is_log(root: &TableRoot, location: &Path) -> bool {
    let Some(mut parts) = location.prefix_match(&root.prefix) else { return false };
    let first = parts.next();
    let first = first.as_ref().map(AsRef::as_ref);
    first == Some("_delta_log")
        || (first == Some("metadata") && location.filename().is_some_and(|name| name.ends_with(".metadata.json")))
}

fn has_column(footer: &ParquetMetaData, name: &str) -> bool {
    footer.file_metadata().schema().get_fields().iter().any(|field| field.name() == name)
}

/// The values of hive partitions (`year=2024/`), which every file of the table has, or none.
struct Partitions {
    names: Vec<String>,
    /// One row a file.
    values: Vec<Vec<Option<String>>>,
}

impl Partitions {
    fn of(root: &TableRoot, files: &[ObjectMeta]) -> Self {
        let pairs: Vec<Vec<(String, Option<String>)>> =
            files.iter().map(|file| partition_pairs(root, &file.location)).collect();
        let names: Vec<String> =
            pairs.first().map(|row| row.iter().map(|(name, _)| name.clone()).collect()).unwrap_or_default();
        let same = |row: &[(String, Option<String>)]| row.iter().map(|(name, _)| name).eq(names.iter());
        if !pairs.iter().all(|row| same(row)) {
            return Self { names: Vec::new(), values: vec![Vec::new(); files.len()] };
        }
        let values = pairs.into_iter().map(|row| row.into_iter().map(|(_, value)| value).collect()).collect();
        Self { names, values }
    }

    fn columns(&self) -> Result<(Vec<FieldRef>, Vec<ArrayRef>), Fault> {
        let mut fields = Vec::new();
        let mut arrays = Vec::new();
        for (index, name) in self.names.iter().enumerate() {
            let values: Vec<Option<&str>> = self.values.iter().map(|row| row[index].as_deref()).collect();
            let data_type = partition_type(&values);
            let scalars = values.iter().map(|value| match value {
                Some(value) => ScalarValue::try_from_string((*value).to_owned(), &data_type),
                None => ScalarValue::try_new_null(&data_type),
            });
            let scalars = scalars.collect::<Result<Vec<_>, _>>();
            let array = scalars
                .and_then(ScalarValue::iter_to_array)
                .map_err(|error| Fault::corrupt_by("a partition value is not of its column's type", error))?;
            fields.push(Arc::new(Field::new(name, data_type, true)) as FieldRef);
            arrays.push(array);
        }
        Ok((fields, arrays))
    }
}

fn partition_pairs(root: &TableRoot, location: &Path) -> Vec<(String, Option<String>)> {
    let Some(parts) = location.prefix_match(&root.prefix) else { return Vec::new() };
    parts
        .filter_map(|part| {
            let (name, value) =
                part.as_ref().split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))?;
            let value = unescape(&value);
            Some((name, (value != HIVE_NULL).then_some(value)))
        })
        .collect()
}

/// Undoes hive's percent escapes.
fn unescape(value: &str) -> String {
    let bytes = value.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let escaped = (bytes[index] == b'%')
            .then(|| value.get(index + 1..index + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(byte) => {
                plain.push(byte);
                index += 3;
            }
            None => {
                plain.push(bytes[index]);
                index += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// Whole numbers and dates are what they look like; anything else is text.
fn partition_type(values: &[Option<&str>]) -> DataType {
    let all =
        |is: fn(&str) -> bool| values.iter().any(Option::is_some) && values.iter().flatten().all(|value| is(value));
    let plain_number = |value: &str| value.parse::<i64>().is_ok_and(|number| number.to_string() == value);
    let date = |value: &str| chrono::NaiveDate::parse_from_str(value, "%Y-%m-%d").is_ok();
    if all(plain_number) {
        DataType::Int64
    } else if all(date) {
        DataType::Date32
    } else {
        DataType::Utf8View
    }
}

fn bounds(schema: &Schema, statistics: &[Statistics]) -> HashMap<String, ColumnBounds> {
    let mut columns = HashMap::new();
    for (index, field) in schema.fields().iter().enumerate() {
        if field.data_type().is_nested() {
            continue;
        }
        let float = matches!(field.data_type(), DataType::Float16 | DataType::Float32 | DataType::Float64);
        let known = |value: &Precision<ScalarValue>| value.get_value().filter(|value| !value.is_null()).cloned();
        let null = || ScalarValue::try_new_null(field.data_type()).unwrap_or(ScalarValue::Null);
        let mut exact = Vec::with_capacity(statistics.len());
        let (mut min, mut max, mut nulls) = (Vec::new(), Vec::new(), Vec::new());
        for file in statistics {
            let column = &file.column_statistics[index];
            let value = |value: &Precision<ScalarValue>| {
                known(value).and_then(|value| value.cast_to(field.data_type()).ok()).unwrap_or_else(null)
            };
            // NaN is in no bound but above them all when compared, so a float's greatest value is not known.
            min.push(if float { null() } else { value(&column.min_value) });
            max.push(if float { null() } else { value(&column.max_value) });
            let is_exact = column.min_value.is_exact() == Some(true) && column.max_value.is_exact() == Some(true);
            exact.push(!float && !is_text(field.data_type()) && is_exact);
            nulls.push(match column.null_count {
                Precision::Exact(count) => Some(count as u64),
                _ => None,
            });
        }
        let array = |values: Vec<ScalarValue>| {
            ScalarValue::iter_to_array(values).unwrap_or_else(|_| new_null_array(field.data_type(), statistics.len()))
        };
        columns.insert(
            field.name().clone(),
            ColumnBounds {
                min: array(min),
                max: array(max),
                nulls: UInt64Array::from(nulls),
                exact: BooleanBuffer::from(exact),
            },
        );
    }
    columns
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8View | DataType::BinaryView | DataType::FixedSizeBinary(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partition_values_are_numbers_dates_or_text() {
        assert_eq!(partition_type(&[Some("1"), None, Some("-20")]), DataType::Int64);
        assert_eq!(partition_type(&[Some("01"), Some("2")]), DataType::Utf8View);
        assert_eq!(partition_type(&[Some("2013-01-31")]), DataType::Date32);
        assert_eq!(partition_type(&[None, None]), DataType::Utf8View);
    }

    #[test]
    fn escapes_in_partition_values_are_undone() {
        assert_eq!(unescape("a%2Fb%20c"), "a/b c");
        assert_eq!(unescape("100%"), "100%");
        assert_eq!(unescape("%C3%BC"), "ü");
    }
}
