//! What a plan's raw scans are, and what they did.

use std::sync::Arc;

use datafusion::{
    datasource::{physical_plan::FileScanConfig, source::DataSourceExec},
    physical_plan::{
        ExecutionPlan,
        metrics::{MetricValue, MetricsSet},
    },
};
use meshgate_catalog::TableName;

use super::source::LakeSource;

pub(crate) const FILES_CONSIDERED: &str = "files_considered";
pub(crate) const FILES_PRUNED: &str = "files_pruned";
pub(crate) const FILES_READ: &str = "files_read";
pub(crate) const ROW_GROUPS_READ: &str = "row_groups_read";

/// What the check on a finished plan asks of a leaf: is it a scan of ours, and of which table?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawScan {
    /// The table that the leaf reads.
    pub table: TableName,
}

/// What one raw scan did. Complete once its streams have ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanMetrics {
    /// Files of the snapshot.
    pub files_considered: u64,
    /// Files left out while planning, by partition values and file statistics, or before opening, by a dynamic filter.
    pub files_pruned: u64,
    /// Files whose footer was looked at.
    pub files_read: u64,
    /// Row groups of which at least one page was fetched.
    pub row_groups_read: u64,
    /// Row groups left out by statistics, bloom filters, a limit or a dynamic filter.
    pub row_groups_pruned: u64,
    /// Bytes fetched from data files, footers aside.
    pub bytes_scanned: u64,
}

impl RawScan {
    /// The table that this operator reads, if it is a raw scan made by this crate.
    pub fn of(plan: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let source = lake_source(plan)?;
        Some(Self { table: source.table().clone() })
    }

    /// What this operator did, if it is a raw scan made by this crate.
    pub fn counts(plan: &Arc<dyn ExecutionPlan>) -> Option<ScanMetrics> {
        lake_source(plan)?;
        let metrics = plan.metrics()?;
        let count = |name: &str| sum(&metrics, name, |value| value.as_usize());
        let pruned = |name: &str| {
            sum(&metrics, name, |value| match value {
                MetricValue::PruningMetrics { pruning_metrics, .. } => pruning_metrics.pruned(),
                other => other.as_usize(),
            })
        };
        let files_considered = count(FILES_CONSIDERED);
        let files_read = count(FILES_READ);
        Some(ScanMetrics {
            files_considered,
            files_pruned: (count(FILES_PRUNED) + pruned("files_ranges_pruned_statistics"))
                .min(files_considered.saturating_sub(files_read)),
            files_read,
            row_groups_read: count(ROW_GROUPS_READ),
            row_groups_pruned: [
                "row_groups_pruned_statistics",
                "row_groups_pruned_bloom_filter",
                "limit_pruned_row_groups",
                "row_groups_pruned_dynamic_filter",
            ]
            .into_iter()
            .map(pruned)
            .sum(),
            bytes_scanned: count("bytes_scanned"),
        })
    }
}

impl std::ops::AddAssign for ScanMetrics {
    fn add_assign(&mut self, other: Self) {
        self.files_considered += other.files_considered;
        self.files_pruned += other.files_pruned;
        self.files_read += other.files_read;
        self.row_groups_read += other.row_groups_read;
        self.row_groups_pruned += other.row_groups_pruned;
        self.bytes_scanned += other.bytes_scanned;
    }
}

fn lake_source(plan: &Arc<dyn ExecutionPlan>) -> Option<&LakeSource> {
    let scan = plan.downcast_ref::<DataSourceExec>()?;
    let config = scan.data_source().downcast_ref::<FileScanConfig>()?;
    config.file_source().downcast_ref::<LakeSource>()
}

fn sum(metrics: &MetricsSet, name: &str, value: impl Fn(&MetricValue) -> usize) -> u64 {
    metrics.iter().filter(|metric| metric.value().name() == name).map(|metric| value(metric.value()) as u64).sum()
}
