//! How many files and row groups are read, for both formats and for each kind of pruning.

use std::sync::Arc;

use datafusion::arrow::{
    array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    datatypes::SchemaRef,
};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use meshgate_catalog::{Table, TableFormat};
use meshgate_tables::{
    DeltaTable, DeltaWriter, Destination, FileLayout, IcebergTable, IcebergWriter, PartitionTransform, RawScan,
};

use crate::support::{Bench, iceberg, table};

const DAY: i64 = 24 * 3_600 * 1_000_000;

/// Thirty days of ten rows each from `first`, ids ascending.
fn month(first: i64) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(first * 300..(first + 1) * 300));
    let at = TimestampMicrosecondArray::from_iter_values((0..300).map(|row| (first * 30 + row / 10) * DAY));
    let at: ArrayRef = Arc::new(at.with_timezone("UTC"));
    let kind: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..300).map(|row| format!("kind {}", (row + first) % 3))));
    let part: ArrayRef = Arc::new(StringArray::from_iter_values((0..300).map(|_| format!("part {first}"))));
    RecordBatch::try_from_iter([("id", ids), ("at", at), ("kind", kind), ("part", part)]).unwrap()
}

fn layout() -> FileLayout {
    FileLayout { rows_per_row_group: 100, ..FileLayout::default() }
}

async fn delta_table(folder: &std::path::Path) -> Table {
    let schema: SchemaRef = month(0).schema();
    let description = DeltaTable::new(schema).partition_by(["part"]).layout(layout());
    let mut writer = DeltaWriter::create(Destination::folder(folder).unwrap(), description).await.unwrap();
    for first in 0..4 {
        writer.append(&[month(first)]).await.unwrap();
    }
    table(TableFormat::Delta, folder)
}

async fn iceberg_table(folder: &std::path::Path) -> Table {
    let schema: SchemaRef = month(0).schema();
    let description = IcebergTable::new(schema).partition_by("part", PartitionTransform::Identity).layout(layout());
    let mut writer = IcebergWriter::create(Destination::folder(folder).unwrap(), description).await.unwrap();
    for first in 0..4 {
        writer.append(&[month(first)]).await.unwrap();
    }
    table(TableFormat::Iceberg, folder)
}

async fn check(bench: &Bench, table: &Table) {
    let count = async |condition: &str| {
        let answer = bench.query(table, &format!("SELECT count(id) FROM t WHERE {condition}")).await;
        let counts = answer.counts;
        if counts.files_considered == 0 {
            // No file is left, so that the optimiser answers from the statistics of none.
            return (answer.rows[0].parse::<u64>().unwrap(), 0, 0);
        }
        assert_eq!(counts.files_considered, 4, "{condition}");
        assert_eq!(counts.files_pruned + counts.files_read, 4, "{condition}: {counts:?}");
        (answer.rows[0].parse::<u64>().unwrap(), counts.files_read, counts.row_groups_read)
    };
    // By partition value, exactly and through a function.
    assert_eq!(count("part = 'part 2'").await, (300, 1, 3));
    assert_eq!(count("substr(part, 6) IN ('1', '3')").await, (600, 2, 6));
    // By file statistics, then by those of row groups.
    assert_eq!(count("id >= 550 AND id < 650").await, (100, 2, 2));
    assert_eq!(count("id = 1150").await, (1, 1, 1));
    assert_eq!(count("at = TIMESTAMP '1970-01-01T00:00:00Z'").await, (10, 1, 1));
    // Nothing is left.
    assert_eq!(count("id < 0").await, (0, 0, 0));
    assert_eq!(count("part = 'part 9'").await, (0, 0, 0));
    // Nothing is known.
    assert_eq!(count("kind = 'kind 1'").await, (400, 4, 12));
    assert_eq!(count("id % 300 = 7").await, (4, 4, 12));
}

#[tokio::test]
async fn files_and_row_groups_of_delta_are_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let table = delta_table(folder.path()).await;
    check(&Bench::new(), &table).await;
}

#[tokio::test]
async fn files_and_row_groups_of_iceberg_are_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let table = iceberg_table(folder.path()).await;
    check(&Bench::new(), &table).await;
}

#[tokio::test]
async fn pruning_holds_when_filters_run_inside_the_scan() {
    let folder = tempfile::tempdir().unwrap();
    let table = delta_table(folder.path()).await;
    let bench = Bench::new();
    bench.context.sql("SET datafusion.execution.parquet.pushdown_filters = true").await.unwrap();
    check(&bench, &table).await;
}

#[tokio::test]
async fn hidden_partitioning_prunes_without_column_statistics() {
    let bench = Bench::new();
    let table = iceberg("hidden");
    let all = bench.query(&table, "SELECT count(id) FROM t").await;
    assert_eq!(all.rows, ["24"]);
    assert_eq!(all.counts.files_read, 10);
    let february = "at >= TIMESTAMP '2013-02-01T00:00:00Z' AND at < TIMESTAMP '2013-03-01T00:00:00Z'";
    let month = bench.query(&table, &format!("SELECT count(id) FROM t WHERE {february}")).await;
    assert_eq!(month.rows, ["8"]);
    assert_eq!(month.counts.files_read, 4);
    let one = bench.query(&table, "SELECT id FROM t WHERE id = 17").await;
    assert_eq!(one.rows, ["17"]);
    assert!(one.counts.files_read <= 3, "{:?}", one.counts);
}

#[tokio::test]
async fn a_join_prunes_files_by_what_its_other_side_holds() {
    let folder = tempfile::tempdir().unwrap();
    let table = delta_table(folder.path()).await;
    let bench = Bench::new();
    let joined = "SELECT count(t.id) FROM t JOIN (VALUES (610), (620)) AS wanted(id) ON t.id = wanted.id";
    let answer = bench.query(&table, joined).await;
    assert_eq!(answer.rows, ["2"]);
    assert_eq!(answer.counts.files_read, 1, "{:?}", answer.counts);
}

#[tokio::test]
async fn one_large_file_is_read_by_all_partitions() {
    let folder = tempfile::tempdir().unwrap();
    let description = DeltaTable::new(month(0).schema()).layout(layout());
    let mut writer = DeltaWriter::create(Destination::folder(folder.path()).unwrap(), description).await.unwrap();
    writer.append(&[month(0)]).await.unwrap();
    let bench = Bench::new();
    for option in ["optimizer.repartition_file_min_size = 1", "execution.batch_size = 64"] {
        bench.context.sql(&format!("SET datafusion.{option}")).await.unwrap();
    }
    let answer = bench.query(&table(TableFormat::Delta, folder.path()), "SELECT count(id % 2), sum(id) FROM t").await;
    assert_eq!(answer.rows, ["300 | 44850"]);
    assert_eq!((answer.counts.files_read, answer.counts.row_groups_read), (1, 3));
    assert_eq!(scan_partitions(&answer.plan), Some(2));
}

fn scan_partitions(plan: &Arc<dyn ExecutionPlan>) -> Option<usize> {
    match RawScan::of(plan) {
        Some(_) => Some(plan.output_partitioning().partition_count()),
        None => plan.children().into_iter().find_map(scan_partitions),
    }
}

#[tokio::test]
async fn a_table_that_grew_is_seen_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let schema = month(0).schema();
    let mut writer =
        DeltaWriter::create(Destination::folder(folder.path()).unwrap(), DeltaTable::new(schema)).await.unwrap();
    let table = table(TableFormat::Delta, folder.path());
    let bench = Bench::new();
    for number in 0..4 {
        let expected = (number * 300).to_string();
        assert_eq!(bench.query(&table, "SELECT count(*) FROM t").await.rows, [expected]);
        writer.append(&[month(number)]).await.unwrap();
    }
}

#[tokio::test]
async fn a_table_made_anew_under_its_old_name_is_another() {
    let folder = tempfile::tempdir().unwrap();
    let table = table(TableFormat::Delta, folder.path());
    let bench = Bench::new();
    for number in 0..2 {
        let _ = std::fs::remove_dir_all(folder.path());
        std::fs::create_dir_all(folder.path()).unwrap();
        let description = DeltaTable::new(month(0).schema());
        let mut writer = DeltaWriter::create(Destination::folder(folder.path()).unwrap(), description).await.unwrap();
        writer.append(&[month(number)]).await.unwrap();
        let first = (number * 300).to_string();
        assert_eq!(bench.query(&table, "SELECT min(id) FROM t").await.rows, [first]);
    }
}
