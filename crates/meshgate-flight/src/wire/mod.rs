//! What goes over the wire: one schema function, the columns' SQL types, batches cast, cut and encoded.

mod batch;
mod schema;
mod stream;
mod types;

pub(crate) use batch::wire_size;
pub(crate) use schema::{schema_digest, schema_from_ipc, schema_to_ipc, wire_schema, wire_type};
pub(crate) use stream::{Answer, Batches, flight_data};
pub(crate) use types::{ColumnPlace, SqlType, column_metadata};
