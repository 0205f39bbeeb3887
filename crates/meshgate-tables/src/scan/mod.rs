//! The native scan: DataFusion's Parquet source over a table's files.

mod adapt;
mod adapter;
mod equality;
mod file;
mod metrics;
mod plan;
mod provider;
mod prune;
mod reader;
mod source;

pub use metrics::{RawScan, ScanMetrics};
pub(crate) use provider::LakeTable;
