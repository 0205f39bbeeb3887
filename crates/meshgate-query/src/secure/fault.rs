//! What a caller is told of a failure below a barrier: which table, which query, nothing else.

use std::{any::Any, error::Error, sync::Arc};

use datafusion::common::DataFusionError;
use meshgate_catalog::TableName;

use crate::QueryError;

/// A table could not be read. The cause stayed below the barrier: its text may hold a value.
#[derive(Debug, Clone, thiserror::Error)]
#[error("error while reading `{table}` (query {query_id}); ask the table's owner, naming the query")]
struct ReadFault {
    table: TableName,
    query_id: Arc<str>,
}

/// Whose failures are told, and under which id.
#[derive(Debug, Clone)]
pub(super) struct Witness {
    pub(super) table: TableName,
    pub(super) query_id: Arc<str>,
}

impl Witness {
    /// Replaces an error from below a barrier.
    ///
    /// What the table layer says of its store and files passes in its own words, which name the table and no value.
    /// All else becomes generic; the log keeps the kind, the operator, the table and the query.
    pub(super) fn scrub(&self, error: &DataFusionError, operator: &str) -> DataFusionError {
        let kind = kind(error);
        tracing::warn!(
            target: "meshgate::audit", kind, operator, table = %self.table, query_id = %self.query_id,
            "error below a security barrier"
        );
        match sources(error).find_map(|source| source.downcast_ref::<meshgate_tables::Error>()).and_then(retold) {
            Some(error) => DataFusionError::External(Box::new(error)),
            None => self.fault(),
        }
    }

    /// Replaces a panic from below a barrier. Its payload is dropped unread.
    pub(super) fn scrub_panic(&self, _: Box<dyn Any + Send>, operator: &str) -> DataFusionError {
        tracing::error!(
            target: "meshgate::audit", kind = "panic", operator, table = %self.table, query_id = %self.query_id,
            "panic below a security barrier"
        );
        self.fault()
    }

    fn fault(&self) -> DataFusionError {
        DataFusionError::External(Box::new(ReadFault { table: self.table.clone(), query_id: self.query_id.clone() }))
    }
}

/// The failure of a table that `error` tells of, if it does: of one under a barrier, or of a free one whose store or
/// files fail.
pub(crate) fn table_fault(error: &DataFusionError) -> Option<QueryError> {
    sources(error).find_map(|source| {
        if let Some(fault) = source.downcast_ref::<ReadFault>() {
            return Some(QueryError::Unavailable { table: fault.table.clone(), message: fault.to_string() });
        }
        let error = source.downcast_ref::<meshgate_tables::Error>()?;
        let table = table_of(error)?.clone();
        Some(QueryError::Unavailable { table, message: error.to_string() })
    })
}

fn sources<'a>(error: &'a DataFusionError) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let first: &'a (dyn Error + 'static) = error;
    std::iter::successors(Some(first), |error: &&'a (dyn Error + 'static)| (**error).source())
}

fn table_of(error: &meshgate_tables::Error) -> Option<&TableName> {
    use meshgate_tables::Error::*;
    match error {
        Missing { table, .. } | Unavailable { table, .. } | Corrupt { table, .. } | Unsupported { table, .. } => {
            Some(table)
        }
        _ => None,
    }
}

/// The same error without its cause, whose text may hold a path.
fn retold(error: &meshgate_tables::Error) -> Option<meshgate_tables::Error> {
    use meshgate_tables::Error::*;
    Some(match error {
        Missing { table, what, .. } => Missing { table: table.clone(), what: what.clone(), source: None },
        Unavailable { table, .. } => Unavailable { table: table.clone(), source: "withheld".into() },
        Corrupt { table, what, .. } => Corrupt { table: table.clone(), what: what.clone(), source: None },
        Unsupported { table, feature } => Unsupported { table: table.clone(), feature: feature.clone() },
        _ => return None,
    })
}

fn kind(error: &DataFusionError) -> &'static str {
    use DataFusionError::*;
    match error.find_root() {
        ArrowError(..) => "arrow",
        ParquetError(_) => "parquet",
        ObjectStore(_) => "object-store",
        IoError(_) => "io",
        NotImplemented(_) => "not-implemented",
        Internal(_) => "internal",
        Plan(_) => "plan",
        Configuration(_) => "configuration",
        SchemaError(..) => "schema",
        Execution(_) => "execution",
        ExecutionJoin(_) => "join",
        ResourcesExhausted(_) => "resources-exhausted",
        External(_) => "external",
        _ => "other",
    }
}
