//! A mesh under test: its engines, its users, their answers.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use datafusion::arrow::{record_batch::RecordBatch, util::pretty::pretty_format_batches};
use futures::TryStreamExt;
use meshgate_policy::Principal;
use meshgate_query::{Config, LiveMesh, MaskKey, QueryEngine, QueryError, QueryRecord, QueryRequest, RecordSink};
use tempfile::TempDir;

/// Keeps the records of all queries.
#[derive(Debug, Default)]
pub struct MemorySink(Mutex<Vec<QueryRecord>>);

impl MemorySink {
    /// The records so far.
    pub fn records(&self) -> Vec<QueryRecord> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl RecordSink for MemorySink {
    fn record(&self, record: &QueryRecord) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(record.clone());
    }
}

/// How an engine is set up, where the answer must not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// Partitions of a scan.
    pub partitions: usize,
    /// Whether Parquet filters while it decodes.
    pub pushdown: bool,
}

impl Variant {
    /// One and four partitions, with and without filters in Parquet.
    pub const ALL: [Self; 4] = [
        Self { partitions: 1, pushdown: false },
        Self { partitions: 1, pushdown: true },
        Self { partitions: 4, pushdown: false },
        Self { partitions: 4, pushdown: true },
    ];

    /// The configuration of such an engine.
    pub fn config(self) -> Config {
        Config {
            target_partitions: self.partitions,
            cpu_threads: 2,
            concurrent_queries: 8,
            pushdown_filters: self.pushdown,
            ..Config::for_machine(MaskKey::new("a key for tests alone"))
        }
    }
}

/// A mesh in a temporary folder, and an engine over it. The folder goes with it.
#[derive(Debug)]
pub struct TestMesh {
    folder: TempDir,
    live: Arc<LiveMesh>,
    engine: Arc<QueryEngine>,
    records: Arc<MemorySink>,
}

impl TestMesh {
    /// Loads what [`MeshBuilder::write`](crate::MeshBuilder::write) wrote. Panics with the report if it does not load.
    pub fn open(folder: TempDir) -> Self {
        let (live, _) = LiveMesh::open(&folder.path().join("catalog")).unwrap_or_else(|report| panic!("{report}"));
        let records = Arc::new(MemorySink::default());
        let engine = QueryEngine::new(Variant::ALL[0].config(), live.clone(), records.clone()).expect("an engine");
        Self { folder, live, engine: Arc::new(engine), records }
    }

    /// The catalog's folder.
    pub fn catalog(&self) -> PathBuf {
        self.folder.path().join("catalog")
    }

    /// The folder of the tables' data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The folder that holds both.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The mesh that serves.
    pub fn live(&self) -> &Arc<LiveMesh> {
        &self.live
    }

    /// The engine: one partition, no filters in Parquet.
    pub fn engine(&self) -> &Arc<QueryEngine> {
        &self.engine
    }

    /// Another engine over the same mesh, with records of its own.
    pub fn engine_with(&self, config: Config) -> (Arc<QueryEngine>, Arc<MemorySink>) {
        let records = Arc::new(MemorySink::default());
        let engine = QueryEngine::new(config, self.live.clone(), records.clone()).expect("an engine");
        (Arc::new(engine), records)
    }

    /// The records of [`Self::engine`].
    pub fn records(&self) -> Vec<QueryRecord> {
        self.records.records()
    }

    /// The record of the last query of [`Self::engine`].
    pub fn last_record(&self) -> QueryRecord {
        self.records().pop().expect("a record")
    }

    /// Writes a file of the catalog and loads it. Panics with the report if it does not load.
    pub fn change(&self, file: &str, text: &str) {
        std::fs::write(self.catalog().join(file), text).expect("a catalog file");
        self.live.reload().unwrap_or_else(|report| panic!("{report}"));
    }

    /// The user of that name, as they would log in.
    pub fn principal(&self, name: &str) -> Principal {
        let mesh = self.live.current();
        let users = mesh.catalog.users().expect("users.yaml");
        users.get(name).map(Principal::from).unwrap_or_else(|| panic!("no user `{name}`"))
    }

    /// The rows that `user` gets: at least one batch, perhaps an empty one.
    pub async fn query(&self, user: &str, sql: &str) -> Result<Vec<RecordBatch>, QueryError> {
        self.run(&self.engine, user, QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() }).await
    }

    /// The rows that `user` gets of `engine`.
    pub async fn run(
        &self,
        engine: &QueryEngine,
        user: &str,
        request: QueryRequest,
    ) -> Result<Vec<RecordBatch>, QueryError> {
        let stream = engine.plan(&self.principal(user), request).await?.execute().await?;
        let schema = stream.schema();
        let mut batches: Vec<RecordBatch> = stream.try_collect().await?;
        if batches.is_empty() {
            batches.push(RecordBatch::new_empty(schema));
        }
        Ok(batches)
    }

    /// What `user` reads: a table of rows, or `error` with its class and text.
    pub async fn answer(&self, user: &str, sql: &str) -> String {
        shown(self.query(user, sql).await)
    }

    /// What `user` reads of each kind of engine. Panics unless all say the same: ask for an order.
    pub async fn answer_everywhere(&self, user: &str, sql: &str) -> String {
        let mut answers = Vec::new();
        for variant in Variant::ALL {
            let (engine, _) = self.engine_with(variant.config());
            let request = QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() };
            answers.push((variant, shown(self.run(&engine, user, request).await)));
        }
        let (_, first) = &answers[0];
        for (variant, answer) in &answers {
            assert_eq!(first, answer, "{variant:?} answers `{sql}` in its own way");
        }
        first.clone()
    }
}

/// A person's view of an answer.
pub fn shown(answer: Result<Vec<RecordBatch>, QueryError>) -> String {
    match answer {
        Ok(batches) => pretty_format_batches(&batches).expect("printable rows").to_string(),
        Err(error) => format!("error {:?}: {error}", error.code()),
    }
}
