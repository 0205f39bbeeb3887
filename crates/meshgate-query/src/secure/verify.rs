//! The check on the finished physical plan, and the operator's counts of what is below its barriers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use datafusion::{
    catalog::memory::{DataSourceExec, MemorySourceConfig},
    physical_plan::{
        ExecutionPlan, empty::EmptyExec, explain::ExplainExec, memory::LazyMemoryExec,
        placeholder_row::PlaceholderRowExec, work_table::WorkTableExec,
    },
};
use meshgate_catalog::TableName;
use meshgate_tables::RawScan;

use super::barrier::SecurityBarrierExec;
use crate::{QueryError, Result};

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
    if plan.is::<SecurityBarrierExec>() {
        return Ok(());
    }
    let children = plan.children();
    if children.is_empty() && !is_harmless(plan, free) {
        tracing::error!(target: "meshgate::audit", leaf = plan.name(), "a plan reads beside its grants: refused");
        return Err(QueryError::Internal);
    }
    children.into_iter().try_for_each(|child| verify(child, free))
}

/// An allow-list: what a future version of the engine adds is refused until it is looked at.
fn is_harmless(leaf: &Arc<dyn ExecutionPlan>, free: &BTreeSet<TableName>) -> bool {
    if let Some(scan) = RawScan::of(leaf) {
        return free.contains(&scan.table);
    }
    if let Some(source) = leaf.downcast_ref::<DataSourceExec>() {
        return source.data_source().is::<MemorySourceConfig>();
    }
    // What makes its rows itself; the lazy one is `generate_series` and `range`.
    leaf.is::<EmptyExec>()
        || leaf.is::<PlaceholderRowExec>()
        || leaf.is::<WorkTableExec>()
        || leaf.is::<ExplainExec>()
        || leaf.is::<LazyMemoryExec>()
}

/// The counts by table, below barriers too.
pub(crate) fn scan_counts(plan: &Arc<dyn ExecutionPlan>) -> BTreeMap<TableName, ScanCounts> {
    let mut counts = BTreeMap::new();
    count(plan, &mut counts);
    counts
}

fn count(plan: &Arc<dyn ExecutionPlan>, counts: &mut BTreeMap<TableName, ScanCounts>) {
    if let Some(barrier) = plan.downcast_ref::<SecurityBarrierExec>() {
        return count(barrier.inner(), counts);
    }
    if let (Some(scan), Some(read)) = (RawScan::of(plan), RawScan::counts(plan)) {
        let counts = counts.entry(scan.table).or_default();
        counts.files_read += read.files_read;
        counts.row_groups_read += read.row_groups_read;
        counts.bytes_scanned += read.bytes_scanned;
    }
    for child in plan.children() {
        count(child, counts);
    }
}
