//! Arrow types as the table formats have them, and rows converted to them.

use std::sync::Arc;

use datafusion::arrow::{
    array::{Array, ArrayData, ArrayRef, RecordBatch, RecordBatchOptions, make_array},
    compute::cast,
    datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit},
    error::ArrowError,
};

use super::WriteError;

/// A table format, for its types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Delta,
    Iceberg,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Delta => "Delta",
            Self::Iceberg => "Iceberg",
        }
    }
}

/// The schema with each type replaced by the one that the format stores without loss; field metadata is dropped.
pub(super) fn stored_schema(format: Format, schema: &Schema) -> Result<SchemaRef, WriteError> {
    let fields =
        schema.fields().iter().map(|field| stored_field(format, field, field.name())).collect::<Result<Fields, _>>()?;
    if let Some(twice) = fields
        .iter()
        .enumerate()
        .find_map(|(at, field)| fields[..at].iter().find(|other| other.name().eq_ignore_ascii_case(field.name())))
    {
        return Err(WriteError::Definition(format!("column `{}` occurs twice", twice.name())));
    }
    Ok(Arc::new(Schema::new(fields)))
}

fn stored_field(format: Format, field: &Field, path: &str) -> Result<FieldRef, WriteError> {
    Ok(Arc::new(Field::new(field.name(), stored_type(format, field.data_type(), path)?, field.is_nullable())))
}

fn renamed(format: Format, field: &Field, name: &str, path: &str) -> Result<FieldRef, WriteError> {
    let path = format!("{path}.{name}");
    Ok(Arc::new(Field::new(name, stored_type(format, field.data_type(), &path)?, field.is_nullable())))
}

fn stored_type(format: Format, data_type: &DataType, path: &str) -> Result<DataType, WriteError> {
    let refuse = |hint| {
        Err(WriteError::UnsupportedType {
            column: path.to_owned(),
            format: format.name(),
            data_type: data_type.to_string(),
            hint,
        })
    };
    Ok(match data_type {
        DataType::Boolean
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Date32 => data_type.clone(),
        DataType::Int8 | DataType::Int16 if format == Format::Delta => data_type.clone(),
        DataType::Int8 | DataType::Int16 => DataType::Int32,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        DataType::FixedSizeBinary(_) if format == Format::Delta => DataType::Binary,
        DataType::FixedSizeBinary(_) => data_type.clone(),
        DataType::Time64(TimeUnit::Microsecond) if format == Format::Iceberg => data_type.clone(),
        DataType::Timestamp(TimeUnit::Second | TimeUnit::Millisecond | TimeUnit::Microsecond, zone) => {
            DataType::Timestamp(TimeUnit::Microsecond, zone.as_ref().map(|_| "UTC".into()))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => return refuse("cast it to microseconds"),
        DataType::Decimal128(precision, scale) if *scale >= 0 && *scale as u8 <= *precision => data_type.clone(),
        DataType::Dictionary(_, values) => stored_type(format, values, path)?,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => DataType::List(renamed(format, item, "element", path)?),
        DataType::Struct(fields) => DataType::Struct(
            fields
                .iter()
                .map(|field| stored_field(format, field, &format!("{path}.{}", field.name())))
                .collect::<Result<Fields, _>>()?,
        ),
        DataType::Map(entries, _) => {
            let DataType::Struct(pair) = entries.data_type() else {
                return refuse("its entries are not key and value");
            };
            let [key, value] = pair.as_ref() else {
                return refuse("its entries are not key and value");
            };
            let pair = Fields::from(vec![renamed(format, key, "key", path)?, renamed(format, value, "value", path)?]);
            DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(pair), false)), false)
        }
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            return refuse("cast it to a signed integer that holds its values");
        }
        _ => return refuse("cast it to another type, or leave it out"),
    })
}

/// The batch with its columns in the stored schema's order and types; columns are matched by name.
pub(super) fn stored_batch(batch: &RecordBatch, stored: &SchemaRef) -> Result<RecordBatch, WriteError> {
    if let Some(stray) = batch.schema().fields().iter().find(|field| stored.index_of(field.name()).is_err()) {
        return Err(WriteError::Rows(format!("the table has no column `{}`", stray.name())));
    }
    let columns = stored
        .fields()
        .iter()
        .map(|field| {
            let column = batch
                .column_by_name(field.name())
                .ok_or_else(|| WriteError::Rows(format!("column `{}` is missing", field.name())))?;
            if !field.is_nullable() && column.null_count() > 0 {
                return Err(WriteError::Rows(format!("column `{}` is required and has a null", field.name())));
            }
            let converted = convert(column, field.data_type())?;
            if converted.null_count() > column.logical_null_count() {
                return Err(WriteError::Rows(format!(
                    "column `{}` is {} and has values that {} can't hold",
                    field.name(),
                    column.data_type(),
                    field.data_type()
                )));
            }
            Ok(converted)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(stored.clone(), columns, &options)?)
}

fn convert(column: &ArrayRef, stored: &DataType) -> Result<ArrayRef, WriteError> {
    if column.data_type() == stored {
        return Ok(column.clone());
    }
    let converted = cast(column, stored)?;
    if converted.data_type() == stored { Ok(converted) } else { Ok(relabel(&converted, stored)?) }
}

/// The columns under another schema of the same shape: names and metadata of nested fields may differ.
pub(super) fn relabel_batch(columns: &[ArrayRef], schema: &SchemaRef) -> Result<RecordBatch, WriteError> {
    let columns = columns
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| relabel(column, field.data_type()))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}

fn relabel(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == data_type {
        return Ok(array.clone());
    }
    Ok(make_array(relabel_data(array.to_data(), data_type)?))
}

fn relabel_data(data: ArrayData, data_type: &DataType) -> Result<ArrayData, ArrowError> {
    let children: Vec<&DataType> = match data_type {
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        DataType::List(field) | DataType::Map(field, _) => vec![field.data_type()],
        _ => Vec::new(),
    };
    let relabelled = data
        .child_data()
        .iter()
        .cloned()
        .zip(children)
        .map(|(child, data_type)| relabel_data(child, data_type))
        .collect::<Result<Vec<_>, _>>()?;
    data.into_builder().data_type(data_type.clone()).child_data(relabelled).build()
}
