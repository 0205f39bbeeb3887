//! What all requests of an engine share.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    catalog::TableProvider,
    common::TableReference,
    execution::{SessionState, runtime_env::RuntimeEnv},
    logical_expr::TableSource,
    prelude::SessionConfig,
};
use meshgate_policy::Principal;
use meshgate_tables::Lake;
use tokio::sync::Semaphore;

use crate::{
    Config, Listing, ListingFilter, LiveMesh, Mesh, RecordSink, Result,
    context::{RequestContext, session_state},
    listing,
    message::unopened,
    resolve::VisibleMesh,
    runtime::{CpuRuntime, runtime_env},
    secure::{Guard, RawTable},
};

/// The engine behind its handle.
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) mesh: Arc<LiveMesh>,
    pub(crate) sink: Arc<dyn RecordSink>,
    pub(crate) lake: Arc<Lake>,
    pub(crate) cpu: CpuRuntime,
    /// A permit for each query that may run now.
    pub(crate) places: Arc<Semaphore>,
    session: SessionConfig,
    runtime: Arc<RuntimeEnv>,
    /// The state that each request copies; building one from nothing costs milliseconds.
    state: SessionState,
    /// The same on one partition.
    deterministic_state: SessionState,
}

impl Core {
    pub(crate) fn new(config: Config, mesh: Arc<LiveMesh>, sink: Arc<dyn RecordSink>) -> Result<Self> {
        let runtime = runtime_env(&config)?;
        let session = session_config(&config);
        let deterministic = session.clone().with_target_partitions(1);
        Ok(Self {
            mesh,
            sink,
            lake: Arc::new(Lake::new(config.lake.clone(), runtime.clone())),
            cpu: CpuRuntime::start(config.cpu_threads)?,
            places: Arc::new(Semaphore::new(config.concurrent_queries.clamp(1, Semaphore::MAX_PERMITS))),
            state: session_state(session.clone(), runtime.clone()),
            deterministic_state: session_state(deterministic, runtime.clone()),
            session,
            runtime,
            config,
        })
    }

    /// A context that reaches `tables` and nothing else.
    pub(crate) fn context(
        &self,
        tables: HashMap<TableReference, Arc<dyn TableSource>>,
        deterministic: bool,
    ) -> RequestContext {
        RequestContext::new(if deterministic { &self.deterministic_state } else { &self.state }, tables)
    }

    /// What puts the tables of one request under their grants.
    pub(crate) fn guard(&self, query_id: &str, deterministic: bool) -> Guard {
        Guard::new(self.session.clone(), self.runtime.clone(), &self.config.mask_key, query_id, deterministic)
    }

    /// What `principal` may see of the names of `mesh`.
    pub(crate) async fn list(&self, mesh: &Mesh, principal: &Principal, filter: &ListingFilter) -> Listing {
        let candidates = listing::candidates(VisibleMesh { mesh, principal }, filter);
        let guard = self.guard("listing", false);
        let guard = &guard;
        let open = async |declared: Arc<meshgate_catalog::Table>, grant| {
            let opened = self.lake.open(&declared, None).await;
            let snapshot = opened.map_err(|error| unopened(&declared.name, &error, "listing")).ok()?;
            let raw = RawTable { declared: declared.clone(), provider: snapshot.provider() };
            let governed = guard.govern(raw, grant);
            if let Err(error) = &governed {
                tracing::warn!(target: "meshgate::query", table = %declared.name, %error, "a table is left out of a listing");
            }
            Some(governed.ok()? as Arc<dyn TableProvider>)
        };
        listing::list(candidates, filter.with_columns, open).await
    }
}

fn session_config(config: &Config) -> SessionConfig {
    let mut session = SessionConfig::new().with_target_partitions(config.target_partitions.max(1));
    // As the tables' own: what SQL says is with a time zone has one.
    session.options_mut().execution.time_zone = Some("UTC".to_owned());
    let parquet = &mut session.options_mut().execution.parquet;
    parquet.pushdown_filters = config.pushdown_filters;
    parquet.reorder_filters = config.pushdown_filters;
    session
}
