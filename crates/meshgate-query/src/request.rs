//! What a protocol adapter hands over.

use std::{collections::BTreeMap, time::Instant};

use datafusion::common::ScalarValue;
use meshgate_catalog::TableName;
use meshgate_tables::SnapshotVersion;

/// One query as it arrived.
#[derive(Debug, Clone, Default)]
pub struct QueryRequest {
    /// One SQL statement.
    pub sql: String,
    /// Values of `$1`, `$2`, …; `?` counts from the left.
    pub parameters: Vec<ScalarValue>,
    /// Settings of the caller's session.
    pub session: SessionSettings,
    /// Table versions that an earlier step of the same query pinned; tables not in it are read as they are now.
    pub pinned: BTreeMap<TableName, SnapshotVersion>,
    /// When the caller no longer waits for an answer, planning and the whole of the stream included.
    pub deadline: Option<Instant>,
}

/// What a caller may set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionSettings {
    /// The domain of names with fewer than three parts.
    pub catalog: Option<String>,
    /// The product of names with one part.
    pub schema: Option<String>,
    /// `SELECT *` over a table with a denied column is an error, not the columns that are left.
    pub strict_star: bool,
    /// Row order, batch cuts and errors independent of the layout of files below a barrier, at about half the speed.
    pub deterministic: bool,
}
