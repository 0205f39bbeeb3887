//! The record of one query: written at its end, on error and on cancel.

use std::time::Duration;

use meshgate_catalog::TableName;
use meshgate_tables::SnapshotVersion;
use serde::Serialize;

/// Where finished records go.
pub trait RecordSink: std::fmt::Debug + Send + Sync {
    /// Takes one record; must not block.
    fn record(&self, record: &QueryRecord);
}

/// Writes each record as one structured line to the log (target `meshgate::query`).
#[derive(Debug, Default)]
pub struct TracingSink;

impl RecordSink for TracingSink {
    fn record(&self, record: &QueryRecord) {
        match serde_json::to_string(record) {
            Ok(record) => tracing::info!(target: "meshgate::query", record = %record, "query"),
            Err(error) => tracing::error!(target: "meshgate::query", %error, "query record lost"),
        }
    }
}

/// One query: who, what, which versions, by which policies, how much. Never a value of a table.
#[derive(Debug, Clone, Serialize)]
pub struct QueryRecord {
    /// The query's id, as in its errors.
    pub query_id: String,
    /// When it arrived, RFC 3339, UTC.
    pub started_at: String,
    /// The caller.
    pub user: String,
    /// The caller's purpose, if any.
    pub purpose: Option<String>,
    /// The statement as it arrived.
    pub sql: String,
    /// The catalog revision that decided.
    pub catalog_revision: String,
    /// The tables it read.
    pub tables: Vec<TableRecord>,
    /// How it ended.
    pub outcome: Outcome,
    /// The class of the error, if it failed.
    pub error_code: Option<String>,
    /// What the caller was told, if it failed.
    pub error: Option<String>,
    /// Rows sent.
    pub rows: u64,
    /// Bytes sent, as Arrow buffers.
    pub bytes: u64,
    /// Time until the plan stood.
    #[serde(rename = "planning_ms", serialize_with = "milliseconds")]
    pub planning: Duration,
    /// Time from arrival to the end.
    #[serde(rename = "total_ms", serialize_with = "milliseconds")]
    pub total: Duration,
}

/// One table of a query.
#[derive(Debug, Clone, Serialize)]
pub struct TableRecord {
    /// The table.
    pub table: String,
    /// Which state of it.
    pub version: Option<SnapshotVersion>,
    /// The columns that the plan reads for the caller.
    pub columns: Vec<String>,
    /// The policies that decided, as `file#id`.
    pub policies: Vec<String>,
    /// Files that were opened.
    pub files_read: u64,
    /// Row groups that were decoded.
    pub row_groups_read: u64,
    /// Bytes read from the store.
    pub bytes_scanned: u64,
}

/// How a query ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// To the last row.
    Finished,
    /// With an error.
    Failed,
    /// The caller went away or cancelled.
    Cancelled,
}

impl TableRecord {
    /// An empty record of that table.
    pub fn new(table: &TableName) -> Self {
        Self {
            table: table.to_string(),
            version: None,
            columns: Vec::new(),
            policies: Vec::new(),
            files_read: 0,
            row_groups_read: 0,
            bytes_scanned: 0,
        }
    }
}

fn milliseconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64() * 1e3)
}
