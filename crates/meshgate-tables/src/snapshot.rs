//! One pinned state of one table.

use std::{fmt, sync::Arc};

use datafusion::{arrow::datatypes::SchemaRef, catalog::TableProvider, physical_plan::ExecutionPlan};
use meshgate_catalog::TableName;
use serde::{Deserialize, Serialize};

/// Which state of a table: fits in a ticket, and means the same at every gateway.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotVersion {
    /// A Delta version.
    Delta(u64),
    /// An Iceberg snapshot id; `None` = the table has no snapshot yet.
    Iceberg(Option<i64>),
    /// A hash of a Parquet folder's listing.
    Parquet(String),
}

impl fmt::Display for SnapshotVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delta(version) => write!(formatter, "delta version {version}"),
            Self::Iceberg(Some(id)) => write!(formatter, "iceberg snapshot {id}"),
            Self::Iceberg(None) => formatter.write_str("iceberg, empty"),
            Self::Parquet(listing) => write!(formatter, "parquet listing {listing}"),
        }
    }
}

/// One pinned state of one table.
#[derive(Debug)]
pub struct TableSnapshot {
    table: TableName,
    version: SnapshotVersion,
    schema: SchemaRef,
}

impl TableSnapshot {
    /// The table.
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// Which state this is.
    pub fn version(&self) -> &SnapshotVersion {
        &self.version
    }

    /// The physical schema, under logical names: strings are `Utf8View`, timestamps with a zone are `UTC`.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The ungoverned scan. Only `meshgate-query`'s secure step may ask for it.
    pub fn provider(self: &Arc<Self>) -> Arc<dyn TableProvider> {
        unimplemented!()
    }
}

/// What the check on a finished plan asks of a leaf: is it a scan of ours, and of which table?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawScan {
    /// The table that the leaf reads.
    pub table: TableName,
}

impl RawScan {
    /// The table that this operator reads, if it is a raw scan made by this crate.
    pub fn of(plan: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let _ = plan;
        None
    }
}
