//! The way of one query.

use std::{collections::BTreeMap, sync::Arc, thread::available_parallelism, time::Instant};

use datafusion::{
    arrow::datatypes::{FieldRef, SchemaRef},
    execution::TaskContext,
};
use meshgate_catalog::TableName;
use meshgate_policy::Principal;
use meshgate_tables::SnapshotVersion;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use crate::{
    Listing, ListingFilter, LiveMesh, MaskKey, QueryError, QueryRequest, QueryStream, RecordSink, Result,
    arrival::{Arrival, Ready},
    core::Core,
    recording::{OpenRecord, Planning, Running},
    runtime::contained,
    stream::{Execution, Work},
};

/// How the engine runs. The binary fills it.
#[derive(Debug, Clone)]
pub struct Config {
    /// Partitions that a scan is split into.
    pub target_partitions: usize,
    /// Threads of the runtime that plans and executes.
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

impl Config {
    /// As many partitions and threads as this machine has, twice as many queries at once, no limit of memory.
    pub fn for_machine(mask_key: MaskKey) -> Self {
        let threads = available_parallelism().map_or(1, usize::from);
        Self {
            target_partitions: threads,
            cpu_threads: threads,
            memory_limit: None,
            concurrent_queries: threads * 2,
            pushdown_filters: false,
            mask_key,
            lake: meshgate_tables::Config::default(),
        }
    }
}

/// Plans and runs queries over one mesh.
///
/// Everything but the protocol happens on threads of its own; dropping any of its futures or streams ends what they
/// wait for.
pub struct QueryEngine {
    core: Arc<Core>,
}

impl QueryEngine {
    /// An engine over `mesh` that hands the record of each query to `sink`.
    pub fn new(config: Config, mesh: Arc<LiveMesh>, sink: Arc<dyn RecordSink>) -> Result<Self> {
        Ok(Self { core: Arc::new(Core::new(config, mesh, sink)?) })
    }

    /// The mesh it serves.
    pub fn mesh(&self) -> &Arc<LiveMesh> {
        &self.core.mesh
    }

    /// What a statement would answer and which parameters it takes, without running it. Recorded only if it fails.
    pub async fn prepare(&self, principal: &Principal, request: &QueryRequest) -> Result<PreparedQuery> {
        let (arrival, mut record) = self.receive(principal, request.clone());
        let work = Box::pin(async move {
            let prepared = in_time(arrival.request.deadline, arrival.prepare(&mut record)).await;
            match prepared {
                Ok(prepared) => {
                    record.discard();
                    Ok(prepared)
                }
                Err(error) => Err(failed(record, error, &arrival.query_id)),
            }
        });
        self.core.cpu.run(work).await
    }

    /// Plans a statement down to a verified physical plan.
    pub async fn plan(&self, principal: &Principal, request: QueryRequest) -> Result<PlannedQuery> {
        let (arrival, mut record) = self.receive(principal, request);
        let work = Box::pin(async move {
            let planned = in_time(arrival.request.deadline, arrival.plan(&mut record)).await;
            match planned {
                Ok(ready) => Ok(PlannedQuery::new(arrival, ready, record)),
                Err(error) => Err(failed(record, error, &arrival.query_id)),
            }
        });
        self.core.cpu.run(work).await
    }

    /// What `principal` may see of the mesh's names.
    pub async fn list(&self, principal: &Principal, filter: &ListingFilter) -> Result<Listing> {
        let (core, principal, filter) = (self.core.clone(), principal.clone(), filter.clone());
        let work = Box::pin(async move { Ok(core.list(&core.mesh.current(), &principal, &filter).await) });
        self.core.cpu.run(work).await
    }

    /// Tasks of planning and running that have not ended: a gauge. None is left soon after the last stream is gone.
    pub fn running_tasks(&self) -> usize {
        self.core.cpu.alive_tasks()
    }

    /// Opens the record of a request, which is decided by the revision that serves now.
    fn receive(&self, principal: &Principal, request: QueryRequest) -> (Arrival, OpenRecord<Planning>) {
        let query_id = Uuid::now_v7().to_string();
        let record = OpenRecord::receive(&query_id, principal, &request, self.core.sink.clone());
        let (core, mesh) = (self.core.clone(), self.core.mesh.current());
        (Arrival { core, mesh, principal: principal.clone(), request, query_id }, record)
    }
}

impl std::fmt::Debug for QueryEngine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("QueryEngine").field("config", &self.core.config).finish_non_exhaustive()
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

/// A verified physical plan, ready to run. Dropping it cancels the query.
pub struct PlannedQuery {
    ready: Ready,
    query_id: String,
    deadline: Option<Instant>,
    record: OpenRecord<Running>,
    core: Arc<Core>,
}

impl PlannedQuery {
    fn new(arrival: Arrival, ready: Ready, record: OpenRecord<Planning>) -> Self {
        let plan = match &ready.work {
            Work::Plan(plan) | Work::Analyze(plan, _) => Some(plan.clone()),
            Work::Batch(_) => None,
        };
        Self {
            ready,
            query_id: arrival.query_id,
            deadline: arrival.request.deadline,
            record: record.planned(plan),
            core: arrival.core,
        }
    }

    /// The columns it answers.
    pub fn schema(&self) -> SchemaRef {
        self.ready.schema.clone()
    }

    /// The id in its errors and its record.
    pub fn query_id(&self) -> &str {
        &self.query_id
    }

    /// Admits and runs it. Waits while as many queries run as may.
    pub async fn execute(mut self) -> Result<QueryStream> {
        let place = match in_time(self.deadline, self.admit()).await {
            Ok(place) => place,
            Err(error) => {
                self.record.fail(&error);
                return Err(error.identified(&self.query_id));
            }
        };
        let execution = Execution {
            work: self.ready.work,
            schema: self.ready.schema,
            context: Arc::new(TaskContext::from(self.ready.context.state())),
            telling: self.ready.telling,
            place,
            deadline: self.deadline,
            record: self.record,
        };
        Ok(execution.start(&self.core.cpu, self.core.clone()))
    }

    /// A place among the running; rows that are there already need none.
    async fn admit(&self) -> Result<Option<OwnedSemaphorePermit>> {
        match self.ready.work {
            Work::Batch(_) => Ok(None),
            Work::Plan(_) | Work::Analyze(..) => {
                self.core.places.clone().acquire_owned().await.map(Some).map_err(|_| QueryError::Internal)
            }
        }
    }
}

impl std::fmt::Debug for PlannedQuery {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PlannedQuery").field("query_id", &self.query_id).finish_non_exhaustive()
    }
}

/// Records a failure and gives it the query's id.
fn failed(mut record: OpenRecord<Planning>, error: QueryError, query_id: &str) -> QueryError {
    record.fail(&error);
    error.identified(query_id)
}

/// `work`, unless the deadline passes first. A panic becomes an internal error.
async fn in_time<T>(deadline: Option<Instant>, work: impl Future<Output = Result<T>>) -> Result<T> {
    let work = contained(work);
    match deadline {
        None => work.await,
        Some(deadline) if deadline <= Instant::now() => Err(QueryError::DeadlineExceeded),
        Some(deadline) => {
            tokio::time::timeout_at(deadline.into(), work).await.unwrap_or(Err(QueryError::DeadlineExceeded))
        }
    }
}
