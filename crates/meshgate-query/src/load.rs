//! Opens the tables of a query, all at once, each at one state for the whole of it.

use std::{collections::BTreeMap, sync::Arc};

use futures::{FutureExt, future::try_join_all};
use meshgate_catalog::TableName;
use meshgate_tables::{Lake, SnapshotVersion, TableSnapshot};

use crate::{Result, message::unopened, resolve::DecidedTable};

/// A table of the query at the state that the query reads.
pub(crate) struct LoadedTable {
    pub(crate) decided: Arc<DecidedTable>,
    pub(crate) snapshot: Arc<TableSnapshot>,
}

/// Opens `tables`: those in `pinned` at that state, the others as they are now. The first that fails is named.
pub(crate) async fn load(
    lake: &Lake,
    tables: Vec<Arc<DecidedTable>>,
    pinned: &BTreeMap<TableName, SnapshotVersion>,
    query_id: &str,
) -> Result<Vec<LoadedTable>> {
    let opening = tables.into_iter().map(|decided| {
        async move {
            let snapshot = lake
                .open(&decided.declared, pinned.get(&decided.name))
                .await
                .map_err(|error| unopened(&decided.name, &error, query_id))?;
            Ok(LoadedTable { decided, snapshot })
        }
        .boxed()
    });
    try_join_all(opening).await
}
