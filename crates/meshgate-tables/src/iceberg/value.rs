//! Iceberg values as the engine's.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit},
    common::ScalarValue,
};
use iceberg::spec::{Datum, Literal, NestedField, PrimitiveLiteral, PrimitiveType, Type};

use crate::schema::key_type;

/// The Arrow type of an Iceberg type (specification, "Primitive Types", and Appendix A for Arrow's choice of units).
pub(super) fn arrow_type(data_type: &Type) -> DataType {
    match data_type {
        Type::Primitive(primitive) => primitive_type(primitive),
        Type::Struct(fields) => DataType::Struct(fields.fields().iter().map(|field| nested(field)).collect()),
        Type::List(list) => DataType::List(nested(&list.element_field)),
        Type::Map(map) => {
            let key = Field::new(&map.key_field.name, key_type(&arrow_type(&map.key_field.field_type)), false);
            let entries = Fields::from(vec![Arc::new(key), nested(&map.value_field)]);
            DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entries), false)), false)
        }
    }
}

/// A nested field may be null, whatever the table says: some writers mark nested fields optional that it calls required.
fn nested(field: &NestedField) -> FieldRef {
    Arc::new(Field::new(&field.name, arrow_type(&field.field_type), true))
}

fn primitive_type(primitive: &PrimitiveType) -> DataType {
    let utc = || Some("UTC".into());
    match primitive {
        PrimitiveType::Boolean => DataType::Boolean,
        PrimitiveType::Int => DataType::Int32,
        PrimitiveType::Long => DataType::Int64,
        PrimitiveType::Float => DataType::Float32,
        PrimitiveType::Double => DataType::Float64,
        PrimitiveType::Decimal { precision, scale } => {
            DataType::Decimal128(u8::try_from(*precision).unwrap_or(38), i8::try_from(*scale).unwrap_or(0))
        }
        PrimitiveType::Date => DataType::Date32,
        PrimitiveType::Time => DataType::Time64(TimeUnit::Microsecond),
        PrimitiveType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        PrimitiveType::Timestamptz => DataType::Timestamp(TimeUnit::Microsecond, utc()),
        PrimitiveType::TimestampNs => DataType::Timestamp(TimeUnit::Nanosecond, None),
        PrimitiveType::TimestamptzNs => DataType::Timestamp(TimeUnit::Nanosecond, utc()),
        PrimitiveType::String => DataType::Utf8View,
        PrimitiveType::Uuid => DataType::FixedSizeBinary(16),
        PrimitiveType::Fixed(length) => DataType::FixedSizeBinary(i32::try_from(*length).unwrap_or(i32::MAX)),
        PrimitiveType::Binary => DataType::BinaryView,
    }
}

/// A bound, as a value of the column's type today.
pub(super) fn bound(datum: &Datum, data_type: &DataType) -> Option<ScalarValue> {
    value(datum.literal(), datum.data_type(), data_type)
}

/// A literal of the Iceberg type `written`, as a value of the column's type today. `None` if there is no such value.
pub(super) fn literal(literal: &Literal, written: &PrimitiveType, data_type: &DataType) -> Option<ScalarValue> {
    match literal {
        Literal::Primitive(primitive) => value(primitive, written, data_type),
        Literal::Struct(_) | Literal::List(_) | Literal::Map(_) => None,
    }
}

fn value(literal: &PrimitiveLiteral, written: &PrimitiveType, data_type: &DataType) -> Option<ScalarValue> {
    let zone = || Some(Arc::from("UTC"));
    let value = match (literal, written) {
        (PrimitiveLiteral::Boolean(value), _) => ScalarValue::Boolean(Some(*value)),
        (PrimitiveLiteral::Int(days), PrimitiveType::Date) => ScalarValue::Date32(Some(*days)),
        (PrimitiveLiteral::Int(value), _) => ScalarValue::Int32(Some(*value)),
        (PrimitiveLiteral::Long(value), PrimitiveType::Time) => ScalarValue::Time64Microsecond(Some(*value)),
        (PrimitiveLiteral::Long(value), PrimitiveType::Timestamp) => {
            ScalarValue::TimestampMicrosecond(Some(*value), None)
        }
        (PrimitiveLiteral::Long(value), PrimitiveType::Timestamptz) => {
            ScalarValue::TimestampMicrosecond(Some(*value), zone())
        }
        (PrimitiveLiteral::Long(value), PrimitiveType::TimestampNs) => {
            ScalarValue::TimestampNanosecond(Some(*value), None)
        }
        (PrimitiveLiteral::Long(value), PrimitiveType::TimestamptzNs) => {
            ScalarValue::TimestampNanosecond(Some(*value), zone())
        }
        (PrimitiveLiteral::Long(value), _) => ScalarValue::Int64(Some(*value)),
        (PrimitiveLiteral::Float(value), _) => ScalarValue::Float32(Some(value.0)),
        (PrimitiveLiteral::Double(value), _) => ScalarValue::Float64(Some(value.0)),
        (PrimitiveLiteral::String(value), _) => ScalarValue::Utf8View(Some(value.clone())),
        (PrimitiveLiteral::Binary(value), PrimitiveType::Fixed(length)) => {
            ScalarValue::FixedSizeBinary(i32::try_from(*length).ok()?, Some(value.clone()))
        }
        (PrimitiveLiteral::Binary(value), _) => ScalarValue::BinaryView(Some(value.clone())),
        (PrimitiveLiteral::Int128(value), PrimitiveType::Decimal { precision, scale }) => {
            ScalarValue::Decimal128(Some(*value), u8::try_from(*precision).ok()?, i8::try_from(*scale).ok()?)
        }
        (PrimitiveLiteral::UInt128(value), _) => ScalarValue::FixedSizeBinary(16, Some(value.to_be_bytes().to_vec())),
        (PrimitiveLiteral::Int128(_) | PrimitiveLiteral::AboveMax | PrimitiveLiteral::BelowMin, _) => return None,
    };
    if &value.data_type() == data_type { Some(value) } else { value.cast_to(data_type).ok() }
}

/// The engine's value as Iceberg's, of the type that a transform takes.
pub(super) fn datum(value: &ScalarValue) -> Option<Datum> {
    Some(match value {
        ScalarValue::Int32(Some(value)) => Datum::int(*value),
        ScalarValue::Int64(Some(value)) => Datum::long(*value),
        ScalarValue::Date32(Some(days)) => Datum::date(*days),
        ScalarValue::TimestampMicrosecond(Some(value), None) => Datum::timestamp_micros(*value),
        ScalarValue::TimestampMicrosecond(Some(value), Some(_)) => Datum::timestamptz_micros(*value),
        ScalarValue::TimestampNanosecond(Some(value), None) => Datum::timestamp_nanos(*value),
        ScalarValue::TimestampNanosecond(Some(value), Some(_)) => Datum::timestamptz_nanos(*value),
        ScalarValue::Utf8(Some(value)) | ScalarValue::Utf8View(Some(value)) | ScalarValue::LargeUtf8(Some(value)) => {
            Datum::string(value)
        }
        ScalarValue::Binary(Some(value)) | ScalarValue::BinaryView(Some(value)) => Datum::binary(value.iter().copied()),
        _ => return None,
    })
}
