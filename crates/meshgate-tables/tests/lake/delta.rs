//! Delta tables that Spark wrote.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use meshgate_tables::SnapshotVersion;

use crate::support::{Bench, delta};

#[tokio::test]
async fn partition_values_of_all_types_come_back() {
    let bench = Bench::new();
    let all = bench.query(&delta("partitions"), "SELECT * FROM t").await;
    assert_eq!(
        all.rows,
        [
            "1 | a/b=c %20 ü | -5 | 2013-01-31 | 2013-01-31T23:59:59.123456Z | 2013-01-31T23:59:59.500 | 12.30 | true | 0.5",
            "2 | null | null | null | null | null | null | null | null",
        ]
    );
    for filter in ["text LIKE 'a/b%'", "number = -5", "day = DATE '2013-01-31'", "flag", "amount > 12", "ratio = 0.5"] {
        let found = bench.query(&delta("partitions"), &format!("SELECT id FROM t WHERE {filter}")).await;
        assert_eq!(found.rows, ["1"], "{filter}");
        assert_eq!(found.counts.files_read, 1, "{filter}");
    }
    let null = bench.query(&delta("partitions"), "SELECT id FROM t WHERE flag IS NULL AND text IS NULL").await;
    assert_eq!(null.rows, ["2"]);
    assert_eq!(null.counts.files_read, 1);
}

#[tokio::test]
async fn the_schema_has_views_utc_and_no_metadata() {
    let snapshot = Bench::new().open(&delta("partitions")).await.unwrap();
    let field = |name: &str| snapshot.schema().field_with_name(name).unwrap().clone();
    assert_eq!(field("text").data_type(), &DataType::Utf8View);
    assert_eq!(field("at").data_type(), &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    assert_eq!(field("local").data_type(), &DataType::Timestamp(TimeUnit::Microsecond, None));
    let mapped = Bench::new().open(&delta("mapping_name")).await.unwrap();
    assert!(mapped.schema().metadata().is_empty());
    assert!(mapped.schema().fields().iter().all(|field| field.metadata().is_empty()));
    assert_eq!(mapped.column_id("id"), Some(1));
    assert_eq!(mapped.column_id("title"), Some(3));
    assert_eq!(mapped.column_id("gone"), None);
}

#[tokio::test]
async fn deleted_rows_stay_away() {
    let bench = Bench::new();
    let table = delta("vectors");
    let counted = bench.query(&table, "SELECT count(*) FROM t").await;
    assert_eq!(counted.rows, ["171"]);
    assert_eq!(counted.counts.files_read, 0);
    let read = bench.query(&table, "SELECT count(id), min(id), max(id), sum(id % 10) FROM t").await;
    assert_eq!(read.rows, ["171 | 0 | 189 | 798"]);
    let deleted = bench.query(&table, "SELECT id FROM t WHERE id % 10 = 3 OR name = 'name 195'").await;
    assert!(deleted.rows.is_empty(), "{:?}", deleted.rows);
    assert_eq!(bench.query(&table, "SELECT name FROM t WHERE id = 42").await.rows, ["name 42"]);
}

#[tokio::test]
async fn a_deletion_vector_in_the_log_is_read() {
    let bench = Bench::new();
    let read = bench.query(&delta("inline_vector"), "SELECT count(id), min(id), max(id) FROM t").await;
    assert_eq!(read.rows, ["197 | 2 | 198"]);
}

#[tokio::test]
async fn renamed_dropped_and_added_columns_are_found() {
    let bench = Bench::new();
    for mode in ["mapping_name", "mapping_id"] {
        let all = bench.query(&delta(mode), "SELECT id, title, place, section, name FROM t").await;
        assert_eq!(
            all.rows,
            [
                "1 | one | {town: Rome, zip: 10, land: null} | p | null",
                "2 | two | {town: Oslo, zip: 20, land: NO} | q | 22"
            ],
            "{mode}"
        );
        let nested = bench.query(&delta(mode), "SELECT place['town'] FROM t WHERE place['zip'] > 10").await;
        assert_eq!(nested.rows, ["Oslo"], "{mode}");
        let renamed = bench.query(&delta(mode), "SELECT id FROM t WHERE title = 'one'").await;
        assert_eq!((renamed.rows, renamed.counts.files_read), (vec!["1".to_owned()], 1), "{mode}");
        let section = bench.query(&delta(mode), "SELECT id FROM t WHERE section = 'q'").await;
        assert_eq!((section.rows, section.counts.files_read), (vec!["2".to_owned()], 1), "{mode}");
    }
}

#[tokio::test]
async fn filters_on_renamed_nested_fields_hold_inside_the_scan_too() {
    let bench = Bench::new();
    bench.context.sql("SET datafusion.execution.parquet.pushdown_filters = true").await.unwrap();
    for mode in ["mapping_name", "mapping_id"] {
        let found = bench.query(&delta(mode), "SELECT id FROM t WHERE place['town'] = 'Oslo'").await;
        assert_eq!(found.rows, ["2"], "{mode}");
        let found = bench.query(&delta(mode), "SELECT id FROM t WHERE title = 'one' AND name IS NULL").await;
        assert_eq!(found.rows, ["1"], "{mode}");
    }
}

#[tokio::test]
async fn widened_types_read_old_files() {
    let bench = Bench::new();
    let table = delta("widening");
    let all = bench.query(&table, "SELECT * FROM t").await;
    assert_eq!(
        all.rows,
        [
            "1 | 10 | 0.5 | 2013-01-01T00:00:00 | 1.2500",
            "70000 | 5000000000 | 0.1 | 2013-01-02T03:04:05.000006 | 12345678.1234"
        ]
    );
    for filter in ["small = 1", "whole < 100", "ratio = 0.5", "day = TIMESTAMP '2013-01-01'", "amount = 1.25"] {
        let found = bench.query(&table, &format!("SELECT small FROM t WHERE {filter}")).await;
        assert_eq!(found.rows, ["1"], "{filter}");
    }
    let late = bench.query(&table, "SELECT small FROM t WHERE day > TIMESTAMP '2013-01-02 03:04:05.000005'").await;
    assert_eq!(late.rows, ["70000"]);
}

#[tokio::test]
async fn a_v2_checkpoint_with_sidecars_stands_for_its_commits() {
    let bench = Bench::new();
    let all = bench.query(&delta("checkpoint_v2"), "SELECT id FROM t").await;
    assert_eq!(all.rows, ["1", "2", "3", "4", "5"]);
}

#[tokio::test]
async fn a_pinned_version_is_read_as_it_was() {
    let bench = Bench::new();
    let table = delta("vectors");
    let newest = bench.open(&table).await.unwrap();
    assert_eq!(newest.version(), &SnapshotVersion::Delta(2));
    let before = bench.query_at(&table, Some(SnapshotVersion::Delta(1)), "SELECT count(*) FROM t").await;
    assert_eq!(before.rows, ["200"]);
    let empty = bench.query_at(&table, Some(SnapshotVersion::Delta(0)), "SELECT count(*) FROM t").await;
    assert_eq!(empty.rows, ["0"]);
    let gone = bench.lake.open(&table, Some(&SnapshotVersion::Delta(3))).await.unwrap_err();
    assert_eq!(
        gone.to_string(),
        "table `lab.samples.t` can't be read: delta version 3 is missing; ask its owner, or check the contract's `servers`"
    );
    let cleaned = bench.lake.open(&delta("checkpoint_v2"), Some(&SnapshotVersion::Delta(1))).await.unwrap_err();
    assert!(cleaned.to_string().contains("delta version 1 is missing"), "{cleaned}");
}
