//! Writes Delta and Iceberg tables that any engine reads: for the demo, for tests, for small tables of our own.
//!
//! Both writers take Arrow batches, put plain Parquet beside a log or metadata that carries statistics for
//! pruning, and commit each append atomically. They create and append; they never delete or rewrite.
//!
//! ```no_run
//! # async fn example(schema: datafusion::arrow::datatypes::SchemaRef, rows: datafusion::arrow::array::RecordBatch)
//! # -> Result<(), meshgate_tables::WriteError> {
//! use meshgate_tables::{DeltaTable, DeltaWriter, Destination};
//!
//! let table = DeltaTable::new(schema).partition_by(["month"]);
//! let mut writer = DeltaWriter::create(Destination::folder("/lake/operations/flights")?, table).await?;
//! writer.append(&[rows]).await?;
//! # Ok(())
//! # }
//! ```

mod delta;
mod destination;
mod error;
mod file;
mod iceberg;
mod iceberg_bounds;
mod iceberg_commit;
mod iceberg_schema;
mod partition;
mod types;

#[cfg(test)]
mod tests;

pub use delta::{DeltaTable, DeltaWriter};
pub use destination::Destination;
pub use error::WriteError;
pub use file::FileLayout;
pub use iceberg::{IcebergTable, IcebergWriter, PartitionTransform};

use crate::SnapshotVersion;

/// What one append added to a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The table's state with the new rows in it.
    pub version: SnapshotVersion,
    /// Data files written.
    pub files: usize,
    /// Rows written.
    pub rows: u64,
    /// Bytes of Parquet written.
    pub bytes: u64,
}
