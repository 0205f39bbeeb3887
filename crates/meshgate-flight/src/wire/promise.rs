//! The promise of an answer's columns: made when a query is described, kept or broken aloud when it is read.

use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, UnionFields};
use sha2::{Digest, Sha256};

use crate::payload::Promise;

/// The promise of a wire schema.
pub(crate) fn promise(schema: &Schema) -> Promise {
    let mut nullability = Vec::new();
    for field in schema.fields() {
        read_nullability(field, &mut nullability);
    }
    Promise { digest: digest(schema), nullability: nullability.into() }
}

/// Whether an answer of that wire schema is what was promised, but for nullability, in which a physical plan may
/// differ from its statement.
pub(crate) fn is_kept(promise: &Promise, schema: &Schema) -> bool {
    promise.digest == digest(schema)
}

/// The schema with the promised nullability.
pub(crate) fn with_nullability(schema: &Schema, promise: &Promise) -> SchemaRef {
    let mut flags = promise.nullability.iter().map(|flag| *flag != 0);
    let fields: Vec<FieldRef> = schema.fields().iter().map(|field| write_nullability(field, &mut flags)).collect();
    Arc::new(Schema::new(fields))
}

fn digest(schema: &Schema) -> Bytes {
    let mut digest = Sha256::new();
    for field in schema.fields() {
        // Every field nullable: what is left of the text are names and types, nested ones too.
        let field = write_nullability(field, &mut std::iter::repeat(true));
        digest.update(format!("{:?}\0{:?}\0", field.name(), field.data_type()));
    }
    Bytes::copy_from_slice(&digest.finalize()[..16])
}

fn read_nullability(field: &Field, flags: &mut Vec<u8>) {
    flags.push(u8::from(field.is_nullable()));
    match field.data_type() {
        DataType::List(inner)
        | DataType::LargeList(inner)
        | DataType::FixedSizeList(inner, _)
        | DataType::Map(inner, _) => read_nullability(inner, flags),
        DataType::Struct(fields) => fields.iter().for_each(|field| read_nullability(field, flags)),
        DataType::Union(fields, _) => fields.iter().for_each(|(_, field)| read_nullability(field, flags)),
        _ => {}
    }
}

fn write_nullability(field: &FieldRef, flags: &mut dyn Iterator<Item = bool>) -> FieldRef {
    let nullable = flags.next().unwrap_or(true);
    let data_type = match field.data_type() {
        DataType::List(inner) => DataType::List(write_nullability(inner, flags)),
        DataType::LargeList(inner) => DataType::LargeList(write_nullability(inner, flags)),
        DataType::FixedSizeList(inner, size) => DataType::FixedSizeList(write_nullability(inner, flags), *size),
        DataType::Map(inner, sorted) => DataType::Map(write_nullability(inner, flags), *sorted),
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|field| write_nullability(field, flags)).collect::<Fields>())
        }
        DataType::Union(fields, mode) => {
            let (ids, fields): (Vec<i8>, Vec<FieldRef>) =
                fields.iter().map(|(id, field)| (id, write_nullability(field, flags))).unzip();
            match UnionFields::try_new(ids, fields) {
                Ok(fields) => DataType::Union(fields, *mode),
                Err(_) => field.data_type().clone(),
            }
        }
        plain => plain.clone(),
    };
    Arc::new(Field::new(field.name(), data_type, nullable).with_metadata(field.metadata().clone()))
}
