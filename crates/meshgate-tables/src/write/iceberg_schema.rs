//! Arrow schemas as Iceberg schemas, and the Arrow schema of a data file with Iceberg's field ids.

use std::{collections::HashMap, sync::Arc};

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema as ArrowSchema, SchemaRef, TimeUnit};
use iceberg::spec::{ListType, MapType, NestedField, NestedFieldRef, PrimitiveType, Schema, StructType, Type};
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;

use super::WriteError;

/// The Iceberg schema of a stored Arrow schema; creating a table gives its fields their final ids.
pub(super) fn iceberg_schema(stored: &ArrowSchema) -> Result<Schema, WriteError> {
    let mut ids = 0;
    let fields = stored.fields().iter().map(|field| nested_field(field, &mut ids)).collect::<Result<Vec<_>, _>>()?;
    Schema::builder().with_fields(fields).build().map_err(WriteError::iceberg)
}

fn nested_field(field: &Field, ids: &mut i32) -> Result<NestedFieldRef, WriteError> {
    *ids += 1;
    let id = *ids;
    Ok(Arc::new(NestedField::new(id, field.name(), iceberg_type(field, ids)?, !field.is_nullable())))
}

fn iceberg_type(field: &Field, ids: &mut i32) -> Result<Type, WriteError> {
    let primitive = match field.data_type() {
        DataType::Boolean => PrimitiveType::Boolean,
        DataType::Int32 => PrimitiveType::Int,
        DataType::Int64 => PrimitiveType::Long,
        DataType::Float32 => PrimitiveType::Float,
        DataType::Float64 => PrimitiveType::Double,
        DataType::Decimal128(precision, scale) => {
            PrimitiveType::Decimal { precision: u32::from(*precision), scale: scale.unsigned_abs().into() }
        }
        DataType::Date32 => PrimitiveType::Date,
        DataType::Time64(TimeUnit::Microsecond) => PrimitiveType::Time,
        DataType::Timestamp(TimeUnit::Microsecond, None) => PrimitiveType::Timestamp,
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => PrimitiveType::Timestamptz,
        DataType::Utf8 => PrimitiveType::String,
        DataType::Binary => PrimitiveType::Binary,
        DataType::FixedSizeBinary(width) => PrimitiveType::Fixed(width.unsigned_abs().into()),
        DataType::List(element) => {
            return Ok(Type::List(ListType::new(nested_field(element, ids)?)));
        }
        DataType::Struct(fields) => {
            let fields = fields.iter().map(|field| nested_field(field, ids)).collect::<Result<Vec<_>, _>>()?;
            return Ok(Type::Struct(StructType::new(fields)));
        }
        DataType::Map(entries, _) => {
            if let DataType::Struct(pair) = entries.data_type()
                && let [key, value] = pair.as_ref()
            {
                return Ok(Type::Map(MapType::new(nested_field(key, ids)?, nested_field(value, ids)?)));
            }
            return Err(unsupported(field));
        }
        _ => return Err(unsupported(field)),
    };
    Ok(Type::Primitive(primitive))
}

fn unsupported(field: &Field) -> WriteError {
    WriteError::UnsupportedType {
        column: field.name().clone(),
        format: "Iceberg",
        data_type: field.data_type().to_string(),
        hint: "cast it to another type, or leave it out",
    }
}

/// The stored Arrow schema with the field ids of the Iceberg schema that it became.
pub(super) fn with_field_ids(stored: &ArrowSchema, schema: &Schema) -> Result<SchemaRef, WriteError> {
    Ok(Arc::new(ArrowSchema::new(fields_with_ids(stored.fields(), schema.as_struct().fields())?)))
}

fn fields_with_ids(stored: &Fields, fields: &[NestedFieldRef]) -> Result<Fields, WriteError> {
    stored.iter().zip(fields).map(|(stored, field)| field_with_id(stored, field)).collect()
}

fn field_with_id(stored: &Field, field: &NestedField) -> Result<FieldRef, WriteError> {
    let data_type = match (stored.data_type(), field.field_type.as_ref()) {
        (DataType::Struct(inner), Type::Struct(of)) => DataType::Struct(fields_with_ids(inner, of.fields())?),
        (DataType::List(element), Type::List(of)) => DataType::List(field_with_id(element, &of.element_field)?),
        (DataType::Map(entries, sorted), Type::Map(of)) => {
            let DataType::Struct(pair) = entries.data_type() else { return Err(unsupported(stored)) };
            let pair = fields_with_ids(pair, &[of.key_field.clone(), of.value_field.clone()])?;
            let entries = Field::new(entries.name(), DataType::Struct(pair), false);
            DataType::Map(Arc::new(entries), *sorted)
        }
        (primitive, Type::Primitive(_)) => primitive.clone(),
        _ => return Err(unsupported(stored)),
    };
    let id = HashMap::from([(PARQUET_FIELD_ID_META_KEY.to_owned(), field.id.to_string())]);
    Ok(Arc::new(Field::new(stored.name(), data_type, stored.is_nullable()).with_metadata(id)))
}
