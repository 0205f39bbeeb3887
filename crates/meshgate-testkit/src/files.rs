//! The data of a test's tables.

use std::{collections::BTreeMap, fs::File, path::Path};

use datafusion::arrow::{
    array::{ArrayRef, AsArray, BooleanArray},
    compute::{cast, filter_record_batch},
    datatypes::DataType,
    record_batch::RecordBatch,
};
use meshgate_tables::{DeltaTable, DeltaWriter, Destination, IcebergTable, IcebergWriter, PartitionTransform};
use parquet::arrow::ArrowWriter;

/// The format a test's table is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A folder of Parquet files, one a batch.
    Parquet,
    /// A Delta table, a commit a batch.
    Delta,
    /// An Iceberg table, a snapshot a batch.
    Iceberg,
}

impl Format {
    /// The contract's word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Delta => "delta",
            Self::Iceberg => "iceberg",
        }
    }
}

/// A batch of these columns, each nullable.
pub fn batch(columns: impl IntoIterator<Item = (&'static str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .expect("the columns have one length")
}

/// Writes `batches` as a table in `folder`, partitioned by the values of that column.
pub(crate) async fn write(folder: &Path, format: Format, partition: Option<&str>, batches: &[RecordBatch]) {
    let schema = batches.first().expect("at least one batch").schema();
    let destination = || Destination::folder(folder).expect("a table's folder");
    match format {
        Format::Delta => {
            let table = DeltaTable::new(schema).partition_by(partition);
            let mut writer = DeltaWriter::create(destination(), table).await.expect("a Delta table");
            for batch in batches {
                writer.append(std::slice::from_ref(batch)).await.expect("a commit");
            }
        }
        Format::Iceberg => {
            let table = IcebergTable::new(schema);
            let table = match partition {
                Some(column) => table.partition_by(column, PartitionTransform::Identity),
                None => table,
            };
            let mut writer = IcebergWriter::create(destination(), table).await.expect("an Iceberg table");
            for batch in batches {
                writer.append(std::slice::from_ref(batch)).await.expect("a snapshot");
            }
        }
        Format::Parquet => {
            for (index, batch) in batches.iter().enumerate() {
                let name = format!("part-{index:05}.parquet");
                match partition {
                    None => write_file(&folder.join(name), batch),
                    Some(column) => {
                        for (value, batch) in split(batch, column) {
                            write_file(&folder.join(format!("{column}={value}")).join(&name), &batch);
                        }
                    }
                }
            }
        }
    }
}

/// The rows of each value of `column`, without it.
fn split(batch: &RecordBatch, column: &str) -> BTreeMap<String, RecordBatch> {
    let index = batch.schema().index_of(column).expect("the partition column");
    let values = cast(batch.column(index), &DataType::Utf8).expect("a value of a path");
    let values = values.as_string::<i32>();
    let mut rows = batch.clone();
    rows.remove_column(index);
    let mut parts = BTreeMap::new();
    for value in values.iter().flatten() {
        let chosen: BooleanArray = values.iter().map(|other| Some(other == Some(value))).collect();
        parts.insert(value.to_owned(), filter_record_batch(&rows, &chosen).expect("rows of one value"));
    }
    parts
}

fn write_file(path: &Path, batch: &RecordBatch) {
    std::fs::create_dir_all(path.parent().expect("a file's folder")).expect("a table's folder");
    let file = File::create(path).expect("a data file");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a Parquet writer");
    writer.write(batch).expect("rows in a data file");
    writer.close().expect("a data file's end");
}
