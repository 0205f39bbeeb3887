//! A table's location → a pinned [`TableSnapshot`] → a DataFusion scan.
//!
//! The format's library reads metadata (delta_kernel, iceberg); DataFusion's own Parquet source reads data.

mod cache;
mod deletion_vector;
mod delta;
mod error;
mod fault;
mod folder;
mod iceberg;
mod lake;
mod mapping;
mod scan;
mod schema;
mod snapshot;
mod state;
mod store;
mod write;

pub use error::{Error, Result};
pub use lake::{Config, Lake, S3Credentials};
pub use scan::{RawScan, ScanMetrics};
pub use snapshot::{SnapshotVersion, TableSnapshot};
pub use write::{
    Appended, DeltaTable, DeltaWriter, Destination, FileLayout, IcebergTable, IcebergWriter, PartitionTransform,
    WriteError,
};
