//! The demo's tables: the source rows, laid out as their domains would.

use std::{path::Path, sync::Arc};

use datafusion::arrow::{
    array::{ArrayRef, Int32Array, RecordBatch, Scalar},
    compute::{concat_batches, filter_record_batch, kernels::cmp},
    datatypes::{Field, Schema, SchemaRef},
};
use meshgate_catalog::{Table, TableFormat};
use meshgate_tables::{
    Appended, DeltaTable, DeltaWriter, Destination, FileLayout, IcebergTable, IcebergWriter, PartitionTransform,
    WriteError,
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::content;
use crate::error::{Error, Result};

/// Small row groups: a demo's month or day is small, and a filter is to find something to leave out.
const LAYOUT: FileLayout = FileLayout { rows_per_file: 1_000_000, rows_per_row_group: 8_192 };

/// What was written of one table.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Written {
    pub(super) commits: usize,
    pub(super) files: usize,
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

impl Written {
    fn add(&mut self, appended: &Appended) {
        self.commits += 1;
        self.files += appended.files;
        self.rows += appended.rows;
        self.bytes += appended.bytes;
    }
}

/// Writes one table of the catalog into `folder`; its readers will find it at `published`.
pub(super) async fn write(table: &Table, folder: &Path, published: &Path) -> Result<Written> {
    let rows = source_rows(table)?;
    let destination = Destination::folder(folder).and_then(|to| to.published_at(published));
    let destination = destination.map_err(|error| failed(table, &error))?;
    let written = match table.location.format {
        TableFormat::Delta => write_delta(&table.name.table, rows, destination).await,
        TableFormat::Iceberg => write_iceberg(&table.name.table, rows, destination).await,
        _ => return Err(Error::Demo(format!("`{}` is in a format that the demo does not write", table.name))),
    };
    written.map_err(|error| failed(table, &error))
}

/// Flights arrive month by month, as their domain published them; reference data at once.
async fn write_delta(name: &str, rows: RecordBatch, destination: Destination) -> Result<Written, WriteError> {
    let by_month = name == "flights";
    let mut definition = DeltaTable::new(rows.schema()).layout(LAYOUT);
    if by_month {
        definition = definition.partition_by(["month"]);
    }
    let mut writer = DeltaWriter::create(destination, definition).await?;
    let mut written = Written::default();
    for part in if by_month { months(&rows, 1)? } else { vec![rows] } {
        written.add(&writer.append(&[part]).await?);
    }
    Ok(written)
}

/// Weather arrives by the quarter, a file a day; the aircraft register at once.
async fn write_iceberg(name: &str, rows: RecordBatch, destination: Destination) -> Result<Written, WriteError> {
    let by_day = name == "hourly";
    let mut definition = IcebergTable::new(rows.schema()).layout(LAYOUT);
    if by_day {
        definition = definition.partition_by("time_hour", PartitionTransform::Day);
    }
    let mut writer = IcebergWriter::create(destination, definition).await?;
    let mut written = Written::default();
    for part in if by_day { months(&rows, 3)? } else { vec![rows] } {
        written.add(&writer.append(&[part]).await?);
    }
    Ok(written)
}

/// The rows in parts of so many months each.
fn months(rows: &RecordBatch, months: i32) -> Result<Vec<RecordBatch>, WriteError> {
    let month = rows.column_by_name("month").ok_or_else(|| WriteError::Rows("column `month` is missing".to_owned()))?;
    let at_least = |least: i32| cmp::gt_eq(month, &Scalar::new(Int32Array::from(vec![least])));
    (1..=12)
        .step_by(months.unsigned_abs() as usize)
        .map(|first| {
            let chosen = datafusion::arrow::compute::and_not(&at_least(first)?, &at_least(first + months)?)?;
            Ok(filter_record_batch(rows, &chosen)?)
        })
        .collect()
}

/// The source rows with the columns that the contract requires marked so.
fn source_rows(table: &Table) -> Result<RecordBatch> {
    let missing = || Error::Demo(format!("this binary was built without the rows of `{}`", table.name));
    let bytes = content::source(&table.name.table).ok_or_else(missing)?;
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(bytes).and_then(|reader| reader.with_batch_size(65_536).build());
    let reader = reader.map_err(|error| failed(table, &error))?;
    let batches = reader.collect::<Result<Vec<_>, _>>().map_err(|error| failed(table, &error))?;
    let schema = batches.first().map(|batch| batch.schema()).ok_or_else(missing)?;
    let rows = concat_batches(&schema, &batches)?;
    let columns: Vec<ArrayRef> = rows.columns().to_vec();
    Ok(RecordBatch::try_new(required(&schema, table), columns)?)
}

fn required(schema: &Schema, table: &Table) -> SchemaRef {
    let is_required = |name: &str| table.column(name).is_some_and(|column| column.required);
    let field = |field: &Arc<Field>| Field::new(field.name(), field.data_type().clone(), !is_required(field.name()));
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}

fn failed(table: &Table, error: &dyn std::error::Error) -> Error {
    let mut text = format!("`{}` can't be written: {error}", table.name);
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    Error::Demo(text)
}
