//! Opens tables and runs SQL on them.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::RecordBatch,
        util::display::{ArrayFormatter, FormatOptions},
    },
    physical_plan::{ExecutionPlan, collect},
    prelude::{SessionConfig, SessionContext},
};
use meshgate_catalog::{Contract, Location, Table, TableFormat, TableName};
use meshgate_tables::{Config, Error, Lake, RawScan, ScanMetrics, SnapshotVersion, TableSnapshot};

/// A lake and a session over one runtime.
pub(crate) struct Bench {
    pub(crate) lake: Lake,
    pub(crate) context: SessionContext,
}

/// What a query answered and what its scans did.
pub(crate) struct Answer {
    /// A row a line, values separated by ` | `, sorted.
    pub(crate) rows: Vec<String>,
    pub(crate) counts: ScanMetrics,
    pub(crate) plan: Arc<dyn ExecutionPlan>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(crate) fn with(config: Config) -> Self {
        let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
        let lake = Lake::new(config, context.runtime_env());
        Self { lake, context }
    }

    pub(crate) async fn open(&self, table: &Table) -> Result<Arc<TableSnapshot>, Error> {
        self.lake.open(table, None).await
    }

    /// Opens `table`, calls it `t`, and runs `sql`.
    pub(crate) async fn query(&self, table: &Table, sql: &str) -> Answer {
        self.query_at(table, None, sql).await
    }

    pub(crate) async fn query_at(&self, table: &Table, version: Option<SnapshotVersion>, sql: &str) -> Answer {
        let snapshot = self.lake.open(table, version.as_ref()).await.unwrap();
        self.run(&snapshot, sql).await.unwrap()
    }

    /// Runs `sql` over a snapshot that is called `t`.
    pub(crate) async fn run(
        &self,
        snapshot: &Arc<TableSnapshot>,
        sql: &str,
    ) -> Result<Answer, datafusion::error::DataFusionError> {
        let _ = self.context.deregister_table("t");
        self.context.register_table("t", snapshot.provider())?;
        let plan = self.context.sql(sql).await?.create_physical_plan().await?;
        let batches = collect(Arc::clone(&plan), self.context.task_ctx()).await?;
        let mut counts = ScanMetrics::default();
        add_counts(&plan, &mut counts);
        Ok(Answer { rows: lines(&batches), counts, plan })
    }
}

fn add_counts(plan: &Arc<dyn ExecutionPlan>, total: &mut ScanMetrics) {
    if let Some(counts) = RawScan::counts(plan) {
        *total += counts;
    }
    for child in plan.children() {
        add_counts(child, total);
    }
}

/// The tables that a plan's leaves read.
pub(crate) fn tables(plan: &Arc<dyn ExecutionPlan>) -> Vec<TableName> {
    let mut found: Vec<TableName> = RawScan::of(plan).map(|scan| scan.table).into_iter().collect();
    for child in plan.children() {
        found.extend(tables(child));
    }
    found
}

fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("null");
    let mut lines = Vec::new();
    for batch in batches {
        let columns: Vec<ArrayFormatter<'_>> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let values: Vec<String> = columns.iter().map(|column| column.value(row).to_string()).collect();
            lines.push(values.join(" | "));
        }
    }
    lines.sort();
    lines
}

pub(crate) fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

pub(crate) fn table(format: TableFormat, folder: &Path) -> Table {
    let url = if folder.extension().is_some_and(|extension| extension == "json") {
        url::Url::from_file_path(folder).unwrap()
    } else {
        url::Url::from_directory_path(folder).unwrap()
    };
    table_at(format, url.as_str())
}

pub(crate) fn table_at(format: TableFormat, url: &str) -> Table {
    let contract = Contract {
        id: "urn:test".to_owned(),
        version: "1.0.0".to_owned(),
        status: "active".to_owned(),
        file: PathBuf::from("contract.yaml"),
        team: "testers".to_owned(),
        support: Vec::new(),
        roles: Vec::new(),
    };
    Table {
        name: TableName::new("lab", "samples", "t"),
        contract: Arc::new(contract),
        description: String::new(),
        tags: BTreeSet::new(),
        location: Location { format, url: url.to_owned(), endpoint: None, domain: "lab".to_owned() },
        columns: Vec::new(),
        declared_rows: None,
    }
}

pub(crate) fn delta(name: &str) -> Table {
    table(TableFormat::Delta, &fixture(&format!("delta/{name}")))
}

pub(crate) fn iceberg(name: &str) -> Table {
    table(TableFormat::Iceberg, &fixture(&format!("iceberg/{name}")))
}

/// A copy of a folder that a test may spoil.
pub(crate) fn copy(from: &Path) -> tempfile::TempDir {
    let target = tempfile::tempdir().unwrap();
    copy_into(from, target.path());
    target
}

fn copy_into(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_into(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// An error with all its causes.
pub(crate) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
