//! What the governed tables of one request share.

use std::sync::Arc;

use datafusion::{catalog::TableProvider, execution::runtime_env::RuntimeEnv, prelude::SessionConfig};
use meshgate_catalog::Table;
use meshgate_policy::Grant;

use super::{GovernedTable, MaskKey};
use crate::Result;

/// An ungoverned table on its way into [`Guard::govern`].
#[derive(Debug)]
pub(crate) struct RawTable {
    /// Its declaration.
    pub(crate) declared: Arc<Table>,
    /// Its scan.
    pub(crate) provider: Arc<dyn TableProvider>,
}

/// One request's guard: it turns raw tables into governed ones, and owns the session state on which everything
/// below a barrier is planned, so that nothing a caller sets reaches there.
#[derive(Debug)]
pub(crate) struct Guard {
    query_id: String,
}

impl Guard {
    /// A guard for the query of that id. `deterministic` makes one ordered stream of each barrier.
    pub(crate) fn new(
        config: SessionConfig,
        runtime: Arc<RuntimeEnv>,
        mask_key: &MaskKey,
        query_id: &str,
        deterministic: bool,
    ) -> Self {
        let _ = (config, runtime, mask_key, deterministic);
        Self { query_id: query_id.to_owned() }
    }

    /// Puts a table under its grant. A row filter or mask that can't be total over the table's types fails here.
    pub(crate) fn govern(&self, raw: RawTable, grant: Arc<Grant>) -> Result<Arc<GovernedTable>> {
        let _ = (raw, grant, &self.query_id);
        Err(crate::QueryError::Internal)
    }
}
