//! Iceberg tables, format versions 1 to 3: the `iceberg` crate parses metadata, the native scan reads the data.

mod bounds;
mod deletes;
mod locate;
mod log;
mod manifests;
mod schema;
mod state;
mod value;

pub(crate) use bounds::Bucket;
pub(crate) use deletes::{Deletes, EqualityDelete};
pub(crate) use log::{Tip, Wanted};

/// The hidden column that holds a file's data sequence number.
pub(crate) const SEQUENCE_COLUMN: &str = "\u{0}sequence";
/// The hidden column that holds a number for a file's partition.
pub(crate) const PARTITION_COLUMN: &str = "\u{0}partition";
/// The partition number of an equality delete that applies to all partitions.
pub(crate) const GLOBAL_PARTITION: i64 = -1;
