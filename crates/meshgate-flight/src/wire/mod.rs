//! What goes over the wire: one schema function, the columns' SQL types, batches cast, cut and encoded.

mod batch;
mod promise;
mod schema;
mod stream;
mod types;

pub(crate) use batch::cast_to;
pub(crate) use promise::{is_kept, promise, with_nullability};
pub(crate) use schema::{schema_from_ipc, schema_to_ipc, wire_schema, wire_type};
pub(crate) use stream::{Answer, flight_data};
pub(crate) use types::{ColumnPlace, SqlType, column_metadata};
