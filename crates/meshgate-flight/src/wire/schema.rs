//! The one schema that Prepare, GetFlightInfo, GetSchema, GetTables and DoGet speak of.

use std::sync::Arc;

use arrow_flight::{IpcMessage, SchemaAsIpc};
use bytes::Bytes;
use datafusion::arrow::{
    datatypes::{DECIMAL128_MAX_PRECISION, DataType, Field, FieldRef, Fields, Schema, SchemaRef, UnionFields},
    error::ArrowError,
    ipc::writer::IpcWriteOptions,
};
use sha2::{Digest, Sha256};

use super::types::{ColumnPlace, column_metadata};

/// The columns of an answer as every driver can read them: views, dictionaries, run ends, list views, half floats and
/// small decimals become their plain kin, every time zone becomes `UTC` (arrow-java#807, arrow-java#787,
/// doris#67370). Metadata is ours alone.
pub(crate) fn wire_schema(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let field = wire_field(field);
        let metadata = column_metadata(field.data_type(), ColumnPlace::Answer);
        field.with_metadata(metadata)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn wire_field(field: &Field) -> Field {
    Field::new(field.name(), wire_type(field.data_type()), field.is_nullable())
}

fn wire_field_ref(field: &FieldRef) -> FieldRef {
    Arc::new(wire_field(field))
}

/// The plain kin of a type.
pub(crate) fn wire_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, values) => wire_type(values),
        DataType::RunEndEncoded(_, values) => wire_type(values.data_type()),
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128((*precision).min(DECIMAL128_MAX_PRECISION), *scale)
        }
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("UTC".into())),
        DataType::List(field) | DataType::ListView(field) => DataType::List(wire_field_ref(field)),
        DataType::LargeList(field) | DataType::LargeListView(field) => DataType::LargeList(wire_field_ref(field)),
        DataType::FixedSizeList(field, size) => DataType::FixedSizeList(wire_field_ref(field), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(wire_field_ref).collect::<Fields>()),
        DataType::Map(entries, sorted) => DataType::Map(wire_field_ref(entries), *sorted),
        DataType::Union(fields, mode) => {
            let (ids, fields): (Vec<i8>, Vec<Field>) = fields.iter().map(|(id, field)| (id, wire_field(field))).unzip();
            match UnionFields::try_new(ids, fields) {
                Ok(fields) => DataType::Union(fields, *mode),
                Err(_) => data_type.clone(),
            }
        }
        plain => plain.clone(),
    }
}

/// What a ticket remembers of the columns that were promised for it: names, types and nullability, nested ones too.
pub(crate) fn schema_digest(schema: &Schema) -> Bytes {
    let mut digest = Sha256::new();
    for field in schema.fields() {
        digest.update(format!("{:?}\0{:?}\0{}\0", field.name(), field.data_type(), field.is_nullable()));
    }
    Bytes::copy_from_slice(&digest.finalize()[..16])
}

/// An encapsulated Arrow IPC schema message.
pub(crate) fn schema_to_ipc(schema: &Schema) -> Result<Bytes, ArrowError> {
    let IpcMessage(message) = SchemaAsIpc::new(schema, &IpcWriteOptions::default()).try_into()?;
    Ok(message)
}

/// The schema of an encapsulated Arrow IPC schema message.
pub(crate) fn schema_from_ipc(message: &Bytes) -> Result<SchemaRef, ArrowError> {
    Ok(Arc::new(Schema::try_from(IpcMessage(message.clone()))?))
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
