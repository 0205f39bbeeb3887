//! The check on the finished physical plan, and the operator's counts of what is below its barriers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use datafusion::physical_plan::ExecutionPlan;
use meshgate_catalog::TableName;

use crate::Result;

/// What the scans of one table did, summed over the plan. For the record and the tests, never for the caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ScanCounts {
    pub(crate) files_read: u64,
    pub(crate) row_groups_read: u64,
    pub(crate) bytes_scanned: u64,
}

/// Refuses a plan with a raw scan that is neither below a barrier nor of a table in `free`, or with a leaf that
/// is not known to be harmless.
pub(crate) fn verify(plan: &Arc<dyn ExecutionPlan>, free: &BTreeSet<TableName>) -> Result<()> {
    let _ = (plan, free);
    Err(crate::QueryError::Internal)
}

/// The counts by table, below barriers too.
pub(crate) fn scan_counts(plan: &Arc<dyn ExecutionPlan>) -> BTreeMap<TableName, ScanCounts> {
    let _ = plan;
    BTreeMap::new()
}
