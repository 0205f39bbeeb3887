//! The tip of a Delta log, and the state at one of its versions.

use std::sync::{Arc, OnceLock};

use delta_kernel::{Engine, KernelError, Snapshot, SnapshotRef, scan::StatsOptions};
use delta_kernel_default_engine::DefaultEngineBuilder;
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStoreExt, path::Path};

use super::{features, files::FileCollector, schema::DeltaSchema};
use crate::{
    SnapshotVersion,
    fault::Fault,
    state::{Bounds, Deletes, TableState},
    store::{TableRoot, TableStore},
};

const LOG: &str = "its log";

/// With which a whole Parquet file ends.
const PARQUET_END: &[u8] = b"PAR1";

/// The kernel's way into one store. Its I/O runs on a thread of its own, so that it can block on it from anywhere.
#[derive(Default)]
pub(crate) struct KernelEngine(OnceLock<Arc<dyn Engine>>);

impl KernelEngine {
    pub(super) fn of(store: &TableStore) -> Arc<dyn Engine> {
        let make = || Arc::new(DefaultEngineBuilder::new(Arc::clone(&store.store)).build()) as Arc<dyn Engine>;
        Arc::clone(store.kernel.0.get_or_init(make))
    }
}

/// The newest version of a Delta table.
pub(crate) struct Tip {
    root: TableRoot,
    snapshot: SnapshotRef,
    /// The commit of that version, if it is still in the log.
    commit: Option<Commit>,
}

/// A commit file as a listing shows it: another table under the same name has another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Commit {
    version: u64,
    size: u64,
    modified: i64,
    tag: Option<String>,
}

impl Commit {
    fn of(file: &ObjectMeta) -> Option<Self> {
        let version = file.location.filename()?.strip_suffix(".json")?;
        let is_version = version.len() == 20 && version.bytes().all(|digit| digit.is_ascii_digit());
        is_version.then_some(())?;
        Some(Self {
            version: version.parse().ok()?,
            size: file.size,
            modified: file.last_modified.timestamp_micros(),
            tag: file.e_tag.clone(),
        })
    }
}

/// One state of a Delta table that can be loaded.
pub(crate) struct Wanted {
    root: TableRoot,
    version: u64,
    table_id: String,
    commit: Option<Commit>,
    /// The kernel's snapshot, if it was built already.
    snapshot: Option<SnapshotRef>,
}

impl Tip {
    /// The log's newest version. With an earlier look at it, what is new since is all that is read.
    pub(crate) async fn look(root: TableRoot, before: Option<&Self>) -> Result<Self, Fault> {
        let Some(before) = before else { return Self::fresh(root).await };
        let commits = commits_from(&root, before.snapshot.version()).await?;
        let newest = commits.last();
        let same = before.commit.is_some() && commits.first() == before.commit.as_ref();
        if !same {
            // The log was cleaned up, or is another table's.
            return Self::fresh(root).await;
        }
        if newest == before.commit.as_ref() {
            let snapshot = Arc::clone(&before.snapshot);
            return Ok(Self { root, snapshot, commit: before.commit.clone() });
        }
        let (known, engine) = (Arc::clone(&before.snapshot), KernelEngine::of(&root.store));
        let advanced = blocking(move || Snapshot::builder_from(known).build(engine.as_ref())).await;
        match advanced {
            Ok(snapshot) if table_id(&snapshot) == table_id(&before.snapshot) => {
                Self::checked(root, snapshot, &commits)
            }
            _ => Self::fresh(root).await,
        }
    }

    async fn fresh(root: TableRoot) -> Result<Self, Fault> {
        let (url, engine) = (root.url.clone(), KernelEngine::of(&root.store));
        let built = blocking(move || Snapshot::builder_for(url.as_str()).build(engine.as_ref())).await;
        let snapshot = match built {
            Ok(snapshot) => snapshot,
            Err(fault) => match last_complete(&root).await? {
                Some(version) => at_version(&root, version).await?,
                None => return Err(explained(&root, fault).await),
            },
        };
        let commits = commits_from(&root, snapshot.version()).await?;
        if let Some(half) = commits.iter().find(|commit| commit.version == snapshot.version() && commit.size == 0) {
            // A commit appears whole, says the protocol, so a file without content is not one yet.
            let before = half.version.checked_sub(1).ok_or_else(half_written)?;
            let snapshot = at_version(&root, before).await?;
            let commits = commits_from(&root, before).await?;
            return Self::checked(root, snapshot, &commits);
        }
        Self::checked(root, snapshot, &commits)
    }

    fn checked(root: TableRoot, snapshot: SnapshotRef, commits: &[Commit]) -> Result<Self, Fault> {
        features::check(&snapshot)?;
        let commit = commits.iter().find(|commit| commit.version == snapshot.version()).cloned();
        Ok(Self { root, snapshot, commit })
    }

    /// The newest state.
    pub(crate) fn newest(&self) -> Wanted {
        Wanted {
            root: self.root.clone(),
            version: self.snapshot.version(),
            table_id: table_id(&self.snapshot).to_owned(),
            commit: self.commit.clone(),
            snapshot: Some(Arc::clone(&self.snapshot)),
        }
    }

    /// The state at `version`.
    pub(crate) async fn at(&self, version: u64) -> Result<Wanted, Fault> {
        if version == self.snapshot.version() {
            return Ok(self.newest());
        }
        if version > self.snapshot.version() {
            return Err(gone(version));
        }
        let path = log_folder(&self.root).join(format!("{version:020}.json"));
        let commit = match self.root.store.store.head(&path).await {
            Ok(file) => Commit::of(&file),
            Err(object_store::Error::NotFound { .. }) => None,
            Err(error) => return Err(Fault::store(LOG, error)),
        };
        let table_id = table_id(&self.snapshot).to_owned();
        Ok(Wanted { root: self.root.clone(), version, table_id, commit, snapshot: None })
    }
}

impl Wanted {
    /// What distinguishes this state from any other that its location ever had.
    pub(crate) fn content(&self) -> String {
        format!("{} {} {:?}", self.table_id, self.version, self.commit)
    }

    /// Replays the log.
    pub(crate) async fn load(&self) -> Result<TableState, Fault> {
        let snapshot = match &self.snapshot {
            Some(snapshot) => Arc::clone(snapshot),
            None => {
                let snapshot = at_version(&self.root, self.version).await.map_err(|fault| match fault {
                    Fault::Unavailable { .. } | Fault::Unsupported { .. } => fault,
                    _ => gone(self.version),
                })?;
                if table_id(&snapshot) != self.table_id {
                    return Err(gone(self.version));
                }
                features::check(&snapshot)?;
                snapshot
            }
        };
        let schema = DeltaSchema::of(&snapshot)?;
        let (root, engine) = (self.root.clone(), KernelEngine::of(&self.root.store));
        blocking_fault(move || {
            let version = snapshot.version();
            let collected = replay(snapshot, engine.as_ref(), FileCollector::new(&root, &schema))?;
            let deletes = if collected.vectors.is_empty() {
                Deletes::None
            } else {
                Deletes::Delta(super::Vectors::new(collected.vectors))
            };
            Ok(TableState {
                version: SnapshotVersion::Delta(version),
                schema: schema.schema,
                column_ids: schema.column_ids,
                layout: schema.layout,
                positions: schema.positions,
                mapping: schema.mapping,
                files: collected.files,
                constants: collected.constants,
                bounds: Bounds { columns: collected.bounds, buckets: Vec::new() },
                deletes,
                root,
            })
        })
        .await
    }
}

fn replay(
    snapshot: SnapshotRef,
    engine: &dyn Engine,
    mut collector: FileCollector<'_>,
) -> Result<super::files::Collected, Fault> {
    let scan = snapshot
        .scan_builder()
        .with_stats(StatsOptions::all_struct())
        .without_row_transforms()
        .build()
        .map_err(kernel_fault)?;
    for batch in scan.scan_metadata(engine).map_err(kernel_fault)? {
        collector.add(batch.map_err(kernel_fault)?.scan_files)?;
    }
    collector.finish()
}

fn table_id(snapshot: &Snapshot) -> &str {
    snapshot.table_configuration().metadata().id()
}

fn log_folder(root: &TableRoot) -> Path {
    root.prefix.clone().join("_delta_log")
}

fn gone(version: u64) -> Fault {
    Fault::missing(format!("delta version {version}"))
}

fn half_written() -> Fault {
    Fault::corrupt("its newest commit is half-written, and there is none before it; write the table again")
}

async fn at_version(root: &TableRoot, version: u64) -> Result<SnapshotRef, Fault> {
    let (url, engine) = (root.url.clone(), KernelEngine::of(&root.store));
    blocking(move || Snapshot::builder_for(url.as_str()).at_version(version).build(engine.as_ref())).await
}

/// The commits from `version` on, in order.
async fn commits_from(root: &TableRoot, version: u64) -> Result<Vec<Commit>, Fault> {
    let folder = log_folder(root);
    let offset = folder.clone().join(format!("{version:020}"));
    let files: Vec<ObjectMeta> = root
        .store
        .store
        .list_with_offset(Some(&folder), &offset)
        .try_collect()
        .await
        .map_err(|error| Fault::store(LOG, error))?;
    let mut commits: Vec<Commit> = files.iter().filter_map(Commit::of).collect();
    commits.sort_unstable_by_key(|commit| commit.version);
    Ok(commits)
}

/// If the newest commit is half-written: the version before it. The protocol wants a commit to appear whole, so a file
/// that breaks off in the middle of a line is not one yet.
async fn last_complete(root: &TableRoot) -> Result<Option<u64>, Fault> {
    let Some(newest) = commits_from(root, 0).await?.pop() else { return Ok(None) };
    let path = log_folder(root).join(format!("{:020}.json", newest.version));
    let read = async { root.store.store.get(&path).await?.bytes().await };
    let content = read.await.map_err(|error| Fault::store(LOG, error))?;
    let last = content.split(|byte| *byte == b'\n').rfind(|line| !line.trim_ascii().is_empty());
    let complete = last.is_some_and(|line| serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok());
    if complete {
        return Ok(None);
    }
    tracing::warn!(version = newest.version, "a Delta commit is half-written; the version before it is read");
    newest.version.checked_sub(1).map(Some).ok_or_else(half_written)
}

/// If a checkpoint is what can't be read: what to do about it.
async fn explained(root: &TableRoot, fault: Fault) -> Fault {
    let store = &root.store.store;
    let Ok(files) = store.list(Some(&log_folder(root))).try_collect::<Vec<ObjectMeta>>().await else { return fault };
    let is_checkpoint = |file: &&ObjectMeta| {
        file.location.filename().is_some_and(|name| name.contains(".checkpoint.") && name.ends_with(".parquet"))
    };
    for file in files.iter().filter(is_checkpoint) {
        let end = file.size.saturating_sub(PARQUET_END.len() as u64)..file.size;
        // The shortest Parquet file has its magic number at both ends and the length of a footer between.
        let whole = file.size >= 12 && store.get_range(&file.location, end).await.is_ok_and(|end| end == PARQUET_END);
        if !whole {
            return Fault::Corrupt {
                what: "a checkpoint of its log is half-written; write it again, or remove it if all commits are there"
                    .to_owned(),
                source: Some(Arc::new(fault)),
            };
        }
    }
    fault
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, KernelError> + Send + 'static,
) -> Result<T, Fault> {
    blocking_fault(move || work().map_err(kernel_fault)).await
}

/// Runs the synchronous kernel on a thread that may block. A panic of it is this table's fault alone.
async fn blocking_fault<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let joined = tokio::task::spawn_blocking(work).await;
    joined.unwrap_or_else(|error| Err(Fault::corrupt_by("its log is damaged: the Delta kernel gave up on it", error)))
}

/// The kernel's error in this crate's words.
pub(super) fn kernel_fault(error: KernelError) -> Fault {
    if let Some(fault) = features::unsupported(&error) {
        return fault;
    }
    match error {
        KernelError::EmptyLog | KernelError::InvalidTableLocation(_) | KernelError::MissingVersion(_) => {
            Fault::Missing { what: "its folder, or the `_delta_log` in it,".to_owned(), source: Some(Arc::new(error)) }
        }
        KernelError::FileNotFound(_) => {
            Fault::Missing { what: "a file of its log".to_owned(), source: Some(Arc::new(error)) }
        }
        KernelError::ObjectStore(error) => Fault::store("a file of its log", error),
        error => Fault::library(LOG, error),
    }
}
