//! One pinned state of one table.

use std::{fmt, sync::Arc};

use datafusion::{arrow::datatypes::SchemaRef, catalog::TableProvider};
use meshgate_catalog::TableName;
use serde::{Deserialize, Serialize};

use crate::{scan::LakeTable, state::TableState};

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
    state: Arc<TableState>,
}

impl TableSnapshot {
    pub(crate) fn new(table: TableName, state: Arc<TableState>) -> Self {
        Self { table, state }
    }

    pub(crate) fn state(&self) -> &TableState {
        &self.state
    }

    /// The table.
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// Which state this is.
    pub fn version(&self) -> &SnapshotVersion {
        &self.state.version
    }

    /// The physical schema, under logical names: strings are `Utf8View`, binary is `BinaryView`, timestamps with a zone are
    /// `UTC`; no field carries metadata.
    pub fn schema(&self) -> &SchemaRef {
        &self.state.schema
    }

    /// The id that the table's format gives the top-level column `name`, which survives a rename. `None` if there is no
    /// such column, or the format or table has no ids.
    pub fn column_id(&self, name: &str) -> Option<i64> {
        self.state.column_ids.get(name).copied()
    }

    /// How many data files the snapshot has.
    pub fn file_count(&self) -> usize {
        self.state.files.len()
    }

    /// The ungoverned scan. Only `meshgate-query`'s secure step may ask for it. It plans in sessions whose runtime is the
    /// one that the [`Lake`](crate::Lake) was made with, for its stores are registered there.
    pub fn provider(self: &Arc<Self>) -> Arc<dyn TableProvider> {
        Arc::new(LakeTable(Arc::clone(self)))
    }
}
