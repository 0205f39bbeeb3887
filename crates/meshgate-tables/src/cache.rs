//! Snapshots that were loaded, and what was last seen of each table's log.

use std::{
    fmt,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use datafusion::arrow::array::Array;
use futures::FutureExt;
use meshgate_catalog::{Location, TableFormat};
use moka::{future::Cache, ops::compute::Op};

use crate::{Config, SnapshotVersion, delta, fault::Fault, folder, iceberg, state::TableState, store::TableRoot};

/// Of so many tables the log's tip is remembered.
const TIPS: u64 = 100_000;

/// The cache. Loading is single flight: callers that want the same thing wait for the first.
pub(crate) struct Snapshots {
    tips: Cache<TableKey, Arc<Tip>>,
    states: Cache<StateKey, Arc<TableState>>,
    staleness: Duration,
}

impl fmt::Debug for Snapshots {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Snapshots").field("states", &self.states.entry_count()).finish_non_exhaustive()
    }
}

/// One table, as one domain's credentials see it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct TableKey {
    location: String,
    domain: String,
    endpoint: Option<String>,
    format: TableFormat,
}

/// One state of one table. `content` differs for any two states that a location ever had, so that a table that was
/// deleted and made anew under the same name is another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct StateKey {
    table: TableKey,
    content: String,
}

/// What was last seen of a table's log.
struct Tip {
    /// When the look began.
    looked: Instant,
    log: Log,
}

/// The log of each format.
enum Log {
    Delta(delta::Tip),
    Iceberg(iceberg::Tip),
    Parquet(folder::Listing),
}

impl Snapshots {
    pub(crate) fn new(config: &Config) -> Self {
        let states = Cache::builder()
            .max_capacity(config.snapshot_cache_bytes)
            .weigher(|_: &StateKey, state: &Arc<TableState>| u32::try_from(state_bytes(state)).unwrap_or(u32::MAX))
            .build();
        Self { tips: Cache::new(TIPS), states, staleness: config.snapshot_staleness }
    }

    /// The newest state of the table, or the pinned one.
    pub(crate) async fn open(
        &self,
        location: &Location,
        root: TableRoot,
        pinned: Option<&SnapshotVersion>,
    ) -> Result<Arc<TableState>, Fault> {
        let table = TableKey {
            location: location.url.clone(),
            domain: location.domain.clone(),
            endpoint: location.endpoint.clone(),
            format: location.format,
        };
        let tip = self.tip(&table, root).await?;
        let wanted = tip.log.find(pinned).await?;
        let key = StateKey { table, content: wanted.content() };
        let load = guarded(async { wanted.load().await.map(Arc::new) });
        self.states.try_get_with(key, load).await.map_err(|fault: Arc<Fault>| Fault::clone(&fault))
    }

    async fn tip(&self, table: &TableKey, root: TableRoot) -> Result<Arc<Tip>, Fault> {
        let asked = Instant::now();
        // A look that began after this caller asked is as good as its own.
        let fresh = |tip: &Tip| tip.looked >= asked || asked.duration_since(tip.looked) < self.staleness;
        if let Some(tip) = self.tips.get(table).await
            && fresh(&tip)
        {
            return Ok(tip);
        }
        let outcome = self
            .tips
            .entry_by_ref(table)
            .and_try_compute_with(|entry| {
                guarded(async {
                    let before = entry.map(moka::Entry::into_value);
                    if before.as_deref().is_some_and(fresh) {
                        return Ok(Op::Nop);
                    }
                    let looked = Instant::now();
                    let log = Log::look(table.format, root, before.as_deref().map(|tip| &tip.log)).await?;
                    Ok(Op::Put(Arc::new(Tip { looked, log })))
                })
            })
            .await?;
        let tip = outcome.into_entry().map(moka::Entry::into_value);
        tip.ok_or_else(|| Fault::missing("its log"))
    }
}

impl Log {
    async fn look(format: TableFormat, root: TableRoot, before: Option<&Self>) -> Result<Self, Fault> {
        match format {
            TableFormat::Parquet => folder::Listing::load(root).await.map(Self::Parquet),
            TableFormat::Unsupported(what) => Err(Fault::unsupported(format!("`{what}`"))),
            TableFormat::Delta => {
                let before = match before {
                    Some(Self::Delta(tip)) => Some(tip),
                    _ => None,
                };
                delta::Tip::look(root, before).await.map(Self::Delta)
            }
            TableFormat::Iceberg => {
                let before = match before {
                    Some(Self::Iceberg(tip)) => Some(tip),
                    _ => None,
                };
                iceberg::Tip::look(root, before).await.map(Self::Iceberg)
            }
        }
    }

    async fn find(&self, pinned: Option<&SnapshotVersion>) -> Result<Wanted<'_>, Fault> {
        match (self, pinned) {
            (Self::Delta(tip), None) => Ok(Wanted::Delta(tip.newest())),
            (Self::Delta(tip), Some(SnapshotVersion::Delta(version))) => tip.at(*version).await.map(Wanted::Delta),
            (Self::Iceberg(tip), None) => tip.newest().map(Wanted::Iceberg),
            (Self::Iceberg(tip), Some(SnapshotVersion::Iceberg(id))) => tip.at(*id).map(Wanted::Iceberg),
            (Self::Parquet(listing), None) => Ok(Wanted::Parquet(listing)),
            (Self::Parquet(listing), Some(SnapshotVersion::Parquet(hash))) => {
                if &listing.hash == hash {
                    Ok(Wanted::Parquet(listing))
                } else {
                    Err(Fault::missing("the version that was asked for (its files have changed since)"))
                }
            }
            (_, Some(version)) => Err(Fault::missing(format!("{version} (the table has another format now)"))),
        }
    }
}

/// A state that is about to be loaded, unless it is there.
enum Wanted<'a> {
    Delta(delta::Wanted),
    Iceberg(iceberg::Wanted),
    Parquet(&'a folder::Listing),
}

impl Wanted<'_> {
    fn content(&self) -> String {
        match self {
            Self::Delta(wanted) => wanted.content(),
            Self::Iceberg(wanted) => wanted.content(),
            Self::Parquet(listing) => listing.hash.clone(),
        }
    }

    async fn load(&self) -> Result<TableState, Fault> {
        match self {
            Self::Delta(wanted) => wanted.load().await,
            Self::Iceberg(wanted) => wanted.load().await,
            Self::Parquet(listing) => listing.state().await,
        }
    }
}

/// A panic of a reading library on bad input is that table's fault alone.
async fn guarded<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(result) => result,
        Err(_) => Err(Fault::corrupt("its metadata are damaged: the reader of its format gave up on them")),
    }
}

/// Roughly what a state holds on the heap.
fn state_bytes(state: &TableState) -> usize {
    let files: usize = state.files.iter().map(|file| size_of_val(file) + file.location.as_ref().len()).sum();
    let constants: usize = state.constants.iter().map(|values| values.get_array_memory_size()).sum();
    let bounds: usize = state
        .bounds
        .columns
        .values()
        .map(|bounds| {
            bounds.min.get_array_memory_size()
                + bounds.max.get_array_memory_size()
                + bounds.nulls.get_array_memory_size()
        })
        .sum();
    files + constants + bounds + 4096
}
