//! What the governed tables of one request share.

use std::{fmt, sync::Arc};

use datafusion::{
    catalog::TableProvider,
    execution::{SessionState, SessionStateBuilder, TaskContext, runtime_env::RuntimeEnv},
    prelude::SessionConfig,
};
use meshgate_catalog::Table;
use meshgate_policy::Grant;

use super::{
    GovernedTable, MaskKey,
    columns::Columns,
    governed::Bound,
    mask::Masks,
    row_filter::{self, RowFilter},
};
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
pub(crate) struct Guard {
    masks: Masks,
    below: Arc<Below>,
}

/// Where the plans below the barriers of one request are made and run.
pub(super) struct Below {
    pub(super) planner: SessionState,
    pub(super) task: Arc<TaskContext>,
    pub(super) query_id: Arc<str>,
    /// Whether each barrier gives one stream, recut.
    pub(super) deterministic: bool,
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
        let planner = planner(config, runtime, deterministic);
        let task = planner.task_ctx();
        let below = Arc::new(Below { planner, task, query_id: query_id.into(), deterministic });
        Self { masks: Masks::new(mask_key), below }
    }

    /// Puts a table under its grant. A row filter or mask that can't be total over the table's types fails here.
    pub(crate) fn govern(&self, raw: RawTable, grant: Arc<Grant>) -> Result<Arc<GovernedTable>> {
        let schema = raw.provider.schema();
        let columns = Columns::bind(&schema, &grant, &self.masks)?;
        let row_filter: RowFilter = row_filter::bind(&self.below.planner, &schema, &grant)?;
        let bound = Bound { columns, row_filter, grant, below: self.below.clone() };
        Ok(Arc::new(GovernedTable::new(raw, bound)))
    }
}

/// The one place that makes a session state for below the barriers: the engine's rules, and no function but those
/// that a row filter may call.
fn planner(config: SessionConfig, runtime: Arc<RuntimeEnv>, deterministic: bool) -> SessionState {
    let config = config.with_create_default_catalog_and_schema(false).with_information_schema(false);
    let config = if deterministic { config.with_target_partitions(1) } else { config };
    SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_scalar_functions(row_filter::functions())
        .with_expr_planners(row_filter::expression_planners())
        .build()
}

impl fmt::Debug for Guard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Guard").field("query_id", &self.below.query_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Below {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Below").field("query_id", &self.query_id).finish_non_exhaustive()
    }
}
