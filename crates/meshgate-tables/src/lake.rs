//! The stores of all domains, and the snapshots of their tables.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use datafusion::execution::runtime_env::RuntimeEnv;
use meshgate_catalog::Table;

use crate::{Result, SnapshotVersion, TableSnapshot, cache::Snapshots, store::Stores};

/// How the stores are opened, and how much of their tables is kept. The binary fills it; this crate reads no environment.
#[derive(Debug, Clone)]
pub struct Config {
    /// S3 credentials by domain. A domain without them reads public buckets only.
    pub s3: BTreeMap<String, S3Credentials>,
    /// How old a snapshot may be before the table's log is looked at again. Zero, the default: it is looked at for every
    /// query, with one listing.
    pub snapshot_staleness: Duration,
    /// Bytes of snapshots (files, bounds, deletes) kept over all tables. Default 1 GiB.
    pub snapshot_cache_bytes: u64,
    /// Bytes of Parquet footers kept for each store. Default 256 MiB.
    pub footer_cache_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            s3: BTreeMap::new(),
            snapshot_staleness: Duration::ZERO,
            snapshot_cache_bytes: 1 << 30,
            footer_cache_bytes: 256 << 20,
        }
    }
}

/// The credentials with which one domain's buckets are opened.
#[derive(Clone, Default)]
pub struct S3Credentials {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
    /// The session token of temporary credentials.
    pub session_token: Option<String>,
    /// For instance `eu-central-1`.
    pub region: Option<String>,
    /// The endpoint of an S3-compatible store; the contract's `endpointUrl` otherwise.
    pub endpoint: Option<String>,
    /// Whether an endpoint without TLS may be used.
    pub allow_http: bool,
}

impl std::fmt::Debug for S3Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("S3Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Opens tables.
#[derive(Debug)]
pub struct Lake {
    config: Config,
    runtime: Arc<RuntimeEnv>,
    stores: Stores,
    snapshots: Snapshots,
}

impl Lake {
    /// A lake whose stores are registered with `runtime` (one `ObjectStoreUrl` a domain and store).
    pub fn new(config: Config, runtime: Arc<RuntimeEnv>) -> Self {
        let snapshots = Snapshots::new(&config);
        Self { config, runtime, stores: Stores::default(), snapshots }
    }

    /// The table's newest snapshot, or the one that `pinned` names.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`](crate::Error::Missing) if the table, or the pinned version, is not there (any more);
    /// the other variants as they say. The error is of this table alone.
    pub async fn open(&self, table: &Table, pinned: Option<&SnapshotVersion>) -> Result<Arc<TableSnapshot>> {
        let opened = async {
            let root = self.stores.root(&table.location, &self.config, &self.runtime)?;
            self.snapshots.open(&table.location, root, pinned).await
        };
        let state = opened.await.map_err(|fault| fault.of(&table.name))?;
        Ok(Arc::new(TableSnapshot::new(table.name.clone(), state)))
    }
}
