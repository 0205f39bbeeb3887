//! The way of one query.

use std::{collections::BTreeMap, sync::Arc};

use datafusion::arrow::datatypes::{FieldRef, SchemaRef};
use meshgate_catalog::TableName;
use meshgate_policy::Principal;
use meshgate_tables::SnapshotVersion;

use crate::{Listing, ListingFilter, LiveMesh, MaskKey, QueryError, QueryRequest, QueryStream, RecordSink, Result};

/// How the engine runs. The binary fills it.
#[derive(Debug, Clone)]
pub struct Config {
    /// Partitions that a scan is split into.
    pub target_partitions: usize,
    /// Threads of the runtime that executes plans.
    pub cpu_threads: usize,
    /// Bytes that all queries together may hold; `None` = no limit.
    pub memory_limit: Option<usize>,
    /// Queries that run at once; more wait.
    pub concurrent_queries: usize,
    /// Whether Parquet decodes filtered columns first and the others for the rows that are left.
    pub pushdown_filters: bool,
    /// The key of the keyed hash masks.
    pub mask_key: MaskKey,
    /// The stores.
    pub lake: meshgate_tables::Config,
}

/// Plans and runs queries over one mesh.
#[derive(Debug)]
pub struct QueryEngine {
    mesh: Arc<LiveMesh>,
}

impl QueryEngine {
    /// An engine over `mesh` that hands the record of each query to `sink`.
    pub fn new(config: Config, mesh: Arc<LiveMesh>, sink: Arc<dyn RecordSink>) -> Result<Self> {
        let _ = (config, sink);
        Ok(Self { mesh })
    }

    /// The mesh it serves.
    pub fn mesh(&self) -> &Arc<LiveMesh> {
        &self.mesh
    }

    /// What a statement would answer and which parameters it takes, without running it.
    pub async fn prepare(&self, principal: &Principal, request: &QueryRequest) -> Result<PreparedQuery> {
        let _ = (principal, request);
        Err(QueryError::Internal)
    }

    /// Plans a statement down to a verified physical plan.
    pub async fn plan(&self, principal: &Principal, request: QueryRequest) -> Result<PlannedQuery> {
        let _ = (principal, request);
        Err(QueryError::Internal)
    }

    /// What `principal` may see of the mesh's names.
    pub async fn list(&self, principal: &Principal, filter: &ListingFilter) -> Result<Listing> {
        let _ = (principal, filter);
        Err(QueryError::Internal)
    }
}

/// A statement's shape.
#[derive(Debug, Clone)]
pub struct PreparedQuery {
    /// The columns it answers.
    pub schema: SchemaRef,
    /// The parameters, `$1` first: nullable, typed where the statement tells, else `Utf8`.
    pub parameters: Vec<FieldRef>,
    /// The table versions it would read.
    pub pinned: BTreeMap<TableName, SnapshotVersion>,
}

/// A verified physical plan, ready to run.
#[derive(Debug)]
pub struct PlannedQuery {
    schema: SchemaRef,
    query_id: String,
}

impl PlannedQuery {
    /// The columns it answers.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// The id in its errors and its record.
    pub fn query_id(&self) -> &str {
        &self.query_id
    }

    /// Admits and runs it.
    pub async fn execute(self) -> Result<QueryStream> {
        Err(QueryError::Internal)
    }
}
