//! A table's location → a pinned [`TableSnapshot`] → a DataFusion scan.
//!
//! The format's library reads metadata (delta_kernel, iceberg); DataFusion's own Parquet source reads data.

mod error;
mod lake;
mod snapshot;

pub use error::{Error, Result};
pub use lake::{Config, Lake, S3Credentials};
pub use snapshot::{RawScan, SnapshotVersion, TableSnapshot};
