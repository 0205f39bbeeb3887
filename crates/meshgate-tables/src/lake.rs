//! The stores of all domains, and the snapshots of their tables.

use std::{collections::BTreeMap, sync::Arc};

use datafusion::execution::runtime_env::RuntimeEnv;
use meshgate_catalog::Table;

use crate::{Result, SnapshotVersion, TableSnapshot};

/// How the stores are opened. The binary fills it; this crate reads no environment.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// S3 credentials by domain.
    pub s3: BTreeMap<String, S3Credentials>,
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
}

impl Lake {
    /// A lake whose stores are registered with `runtime` (one `ObjectStoreUrl` a domain and store).
    pub fn new(config: Config, runtime: Arc<RuntimeEnv>) -> Self {
        Self { config, runtime }
    }

    /// The table's newest snapshot, or the one that `pinned` names.
    pub async fn open(&self, table: &Table, pinned: Option<&SnapshotVersion>) -> Result<Arc<TableSnapshot>> {
        let _ = (&self.config, &self.runtime, pinned);
        Err(crate::Error::Missing { table: table.name.clone(), what: "the table".to_owned(), source: None })
    }
}
