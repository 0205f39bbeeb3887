//! The types that callers see: string views (but for keys of maps), UTC, no metadata.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema};

/// A field's logical form: views for strings and binary, zone `UTC`, no metadata. A nested field may be null, whatever
/// the table says, for some writers mark nested fields optional that the table calls required.
pub(crate) fn logical_field(field: &Field) -> FieldRef {
    Arc::new(Field::new(field.name(), logical_type(field.data_type()), field.is_nullable()))
}

/// [`logical_field`] of each field.
pub(crate) fn logical_schema(schema: &Schema) -> Schema {
    Schema::new(schema.fields().iter().map(|field| logical_field(field)).collect::<Vec<_>>())
}

/// The logical form of a type.
pub(crate) fn logical_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => DataType::BinaryView,
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("UTC".into())),
        DataType::Dictionary(_, value) => logical_type(value),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| nested(field)).collect()),
        DataType::List(element) | DataType::LargeList(element) | DataType::ListView(element) => {
            DataType::List(nested(element))
        }
        DataType::FixedSizeList(element, length) => DataType::FixedSizeList(nested(element), *length),
        DataType::Map(entries, sorted) => DataType::Map(map_entries(entries), *sorted),
        other => other.clone(),
    }
}

fn nested(field: &Field) -> FieldRef {
    Arc::new(Field::new(field.name(), logical_type(field.data_type()), true))
}

/// The type of a map's key. It is no view, for the engine's look-up of a key by a literal compares without coercion.
pub(crate) fn key_type(data_type: &DataType) -> DataType {
    match logical_type(data_type) {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        other => other,
    }
}

/// The entries of a map: the struct and its key are never null.
fn map_entries(entries: &Field) -> FieldRef {
    let DataType::Struct(fields) = entries.data_type() else {
        return Arc::new(entries.clone());
    };
    let fields = fields
        .iter()
        .enumerate()
        .map(|(index, field)| {
            let is_key = index == 0;
            let data_type = if is_key { key_type(field.data_type()) } else { logical_type(field.data_type()) };
            Arc::new(Field::new(field.name(), data_type, !is_key)) as FieldRef
        })
        .collect();
    Arc::new(Field::new(entries.name(), DataType::Struct(fields), false))
}
