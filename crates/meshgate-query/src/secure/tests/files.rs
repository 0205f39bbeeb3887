//! Governed Parquet files: pruning, statistics, spreading.

use datafusion::{
    datasource::{
        file_format::parquet::ParquetFormat,
        listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl},
    },
    parquet::{arrow::ArrowWriter, file::properties::WriterProperties},
    physical_plan::{ExecutionPlanProperties, displayable, metrics::MetricValue},
};

use super::*;
use crate::secure::barrier::SecurityBarrierExec;

/// Parquet files of `items` in a folder of their own.
pub(super) struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    /// One file, in the order of `id`, with so many rows a row group.
    pub(super) fn write(rows: &[Row], row_group: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut rows = rows.to_vec();
        rows.sort_by_key(|row| row.id);
        let file = std::fs::File::create(folder.path().join(format!("{CANARY}.parquet"))).unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(row_group)).build();
        let mut writer = ArrowWriter::try_new(file, items_schema(), Some(properties)).unwrap();
        writer.write(&batch(&rows)).unwrap();
        writer.close().unwrap();
        Self { folder }
    }

    pub(super) async fn provider(&self) -> Arc<dyn TableProvider> {
        let options = ListingOptions::new(Arc::new(ParquetFormat::default().with_enable_pruning(true)));
        let url = ListingTableUrl::parse(self.folder.path().to_str().unwrap()).unwrap();
        let config = ListingTableConfig::new(url).with_listing_options(options).with_schema(items_schema());
        Arc::new(ListingTable::try_new(config).unwrap())
    }
}

fn row_groups_read(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let inner = match plan.downcast_ref::<SecurityBarrierExec>() {
        Some(barrier) => row_groups_read(barrier.inner()),
        None => plan.children().into_iter().map(row_groups_read).sum(),
    };
    let own = plan.metrics().map_or(0, |metrics| {
        let pruned = metrics.iter().filter_map(|metric| match metric.value() {
            MetricValue::PruningMetrics { name, pruning_metrics } if name == "row_groups_pruned_statistics" => {
                Some(pruning_metrics.matched())
            }
            _ => None,
        });
        pruned.sum()
    });
    inner + own
}

fn many() -> Vec<Row> {
    let row = |id: i64| Row {
        id,
        region: if id % 2 == 0 { "EAST" } else { "WEST" },
        amount: Some(id),
        note: format!("{id}"),
        email: format!("{id}@mail.org"),
        ssn: format!("{CANARY}-{id}"),
    };
    (0..2_000).map(row).collect()
}

#[tokio::test]
async fn filters_and_joins_skip_row_groups_below_the_barrier() {
    let files = Files::write(&many(), 100);
    for grants in [east(), masked(), masked().rows("region = 'EAST'")] {
        let setup = Setup::new(1);
        let context = setup.context(files.provider().await, grants);
        for (sql, at_most) in [
            ("SELECT count(*) FROM items", 20),
            ("SELECT count(*) FROM items WHERE id = 100", 1),
            ("SELECT * FROM (VALUES (100), (110)) AS v(id) JOIN items i ON i.id = v.id", 1),
            ("SELECT count(*) FROM items WHERE CAST(id AS VARCHAR) = '100'", 20),
        ] {
            let plan = plan(&context, sql).await.unwrap();
            let answer = collect(plan.clone(), context.task_ctx()).await.unwrap();
            assert!(answer.iter().map(RecordBatch::num_rows).sum::<usize>() > 0, "{sql}");
            let read = row_groups_read(&plan);
            assert!(read <= at_most && (read > 0 || at_most == 20), "{sql}: {read} row groups");
        }
    }
}

#[tokio::test]
async fn a_single_file_is_read_by_all_partitions() {
    let files = Files::write(&many(), 100);
    let setup = Setup::new(4);
    let config = SessionConfig::new().with_target_partitions(4).with_repartition_file_min_size(0);
    let guard = Guard::new(config, Arc::new(RuntimeEnv::default()), &MaskKey::new("key"), "q-1", false);
    let columns = [("id", ColumnAccess::Raw)];
    let raw = RawTable { declared: declared(None), provider: files.provider().await };
    let governed = guard.govern(raw, Grants::new(&columns).build()).unwrap();
    let plan = governed.scan(&setup.plain().state(), None, &[], None).await.unwrap();
    let barrier = plan.downcast_ref::<SecurityBarrierExec>().unwrap();
    assert_eq!(barrier.inner().output_partitioning().partition_count(), 4);
    let batches = collect(plan, setup.plain().task_ctx()).await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 2_000);
}

#[tokio::test]
async fn a_grant_that_denies_columns_alone_keeps_visible_statistics() {
    let files = Files::write(&many(), 100);
    let setup = Setup::new(1);
    let grants = Grants::new(&[("id", ColumnAccess::Raw), ("note", ColumnAccess::Raw), ("ssn", ColumnAccess::Denied)]);
    let context = setup.context(files.provider().await, grants);
    let counted = plan(&context, "SELECT count(*) FROM items").await.unwrap();
    let shown = displayable(counted.as_ref()).indent(false).to_string();
    assert!(!shown.contains("SecurityBarrierExec"), "the count stands in the files: {shown}");
    assert!(outcome(&context, "SELECT count(*), min(id), max(id) FROM items").await.contains("2000"));
    let listed = plan(&context, "SELECT * FROM items ORDER BY id LIMIT 2").await.unwrap();
    let shown = displayable(listed.as_ref()).set_show_statistics(true).indent(true).to_string();
    assert!(shown.contains("SecurityBarrierExec") && !shown.contains(CANARY) && !shown.contains("Bytes=E"), "{shown}");
}

#[tokio::test]
async fn a_free_table_plans_what_the_raw_one_plans() {
    let files = Files::write(&many(), 100);
    let setup = Setup::new(2);
    let raw = files.provider().await;
    let columns: Vec<_> = items_schema().fields().iter().map(|field| field.name().clone()).collect();
    let in_order: Vec<_> = columns.iter().map(|name| (name.as_str(), ColumnAccess::Raw)).collect();
    let governed = setup.govern(raw.clone(), Grants::new(&in_order));
    assert!(governed.is_free());
    let free = setup.plain();
    free.register_table("items", governed).unwrap();
    let bare = setup.plain();
    bare.register_table("items", raw.clone()).unwrap();
    for sql in [
        "SELECT * FROM items",
        "SELECT count(*) FROM items",
        "SELECT region, sum(amount) FROM items WHERE CAST(note AS BIGINT) > 7 GROUP BY region",
        "SELECT note FROM items WHERE id BETWEEN 5 AND 9 LIMIT 2",
    ] {
        let [governed, raw] = [plan(&free, sql).await.unwrap(), plan(&bare, sql).await.unwrap()];
        let shown = |plan: &Arc<dyn ExecutionPlan>| displayable(plan.as_ref()).indent(true).to_string();
        assert_eq!(shown(&governed), shown(&raw), "{sql}");
    }
    // In another order than the files': the same answers.
    let reversed: Vec<_> = in_order.iter().rev().copied().collect();
    let governed = setup.govern(raw, Grants::new(&reversed));
    assert!(governed.is_free());
    assert_eq!(governed.schema().field(0).name(), "undeclared");
    let turned = setup.plain();
    turned.register_table("items", governed).unwrap();
    for sql in ["SELECT id, note FROM items WHERE id < 3 AND note > '0'", "SELECT max(ssn), count(*) FROM items"] {
        assert_eq!(outcome(&turned, sql).await, outcome(&bare, sql).await, "{sql}");
    }
    assert!(outcome(&turned, "SELECT * FROM items LIMIT 1").await.contains("undeclared"));
}
