//! Iceberg tables that Spark wrote.

use meshgate_catalog::TableFormat;
use meshgate_tables::SnapshotVersion;

use crate::support::{Bench, fixture, iceberg, table};

#[tokio::test]
async fn position_deletes_take_older_rows_alone() {
    let bench = Bench::new();
    let all = bench.query(&iceberg("positions"), "SELECT id, city FROM t").await;
    assert_eq!(all.rows, ["1 | Rome", "2 | Rome", "3 | Oslo", "5 | null"]);
    let counted = bench.query(&iceberg("positions"), "SELECT count(*) FROM t").await;
    assert_eq!((counted.rows, counted.counts.files_read), (vec!["4".to_owned()], 0));
    let oslo = bench.query(&iceberg("positions"), "SELECT id FROM t WHERE city = 'Oslo'").await;
    assert_eq!((oslo.rows, oslo.counts.files_read), (vec!["3".to_owned()], 1));
    let null = bench.query(&iceberg("positions"), "SELECT id FROM t WHERE city IS NULL").await;
    assert_eq!((null.rows, null.counts.files_read), (vec!["5".to_owned()], 1));
}

#[tokio::test]
async fn deletion_vectors_and_initial_defaults_of_version_3() {
    let bench = Bench::new();
    let table = iceberg("vectors");
    let read = bench.query(&table, "SELECT count(id), min(id), max(id), sum(grade) FROM t").await;
    // The even numbers to 90, at the default grade of 7, and the late one.
    assert_eq!(read.rows, ["47 | 0 | 1000 | 331"]);
    let grades = bench.query(&table, "SELECT id, name, grade FROM t WHERE id IN (1, 2, 92, 1000)").await;
    assert_eq!(grades.rows, ["1000 | late | 9", "2 | name 2 | 7"]);
    let default = bench.query(&table, "SELECT count(*) FROM t WHERE grade = 7").await;
    assert_eq!(default.rows, ["46"]);
    bench.context.sql("SET datafusion.execution.parquet.pushdown_filters = true").await.unwrap();
    assert_eq!(bench.query(&table, "SELECT id FROM t WHERE grade = 7 AND id > 85").await.rows, ["86", "88", "90"]);
}

#[tokio::test]
async fn schema_and_partitioning_may_change_between_files() {
    let bench = Bench::new();
    let table = iceberg("evolution");
    let all = bench.query(&table, "SELECT * FROM t").await;
    assert_eq!(
        all.rows,
        [
            "1 | one | 2013-01-01T10:00:00Z | {town: Rome, zip: 10} | [{k: Rome}] | {Rome: 10} | null",
            "3 | three | 2013-01-03T10:00:00Z | {town: Kyiv, zip: 30} | [{k: Kyiv}] | {Kyiv: 30} | 33",
            "5000000000 | two | 2013-01-02T10:00:00Z | {town: Oslo, zip: 20} | [{k: Oslo}] | {Oslo: 20} | 22",
        ]
    );
    let by_day =
        "SELECT title FROM t WHERE at >= TIMESTAMP '2013-01-02T00:00:00Z' AND at < TIMESTAMP '2013-01-03T00:00:00Z'";
    let day = bench.query(&table, by_day).await;
    assert_eq!((day.rows, day.counts.files_read), (vec!["two".to_owned()], 1));
    let nested = bench.query(&table, "SELECT id, tags[1]['k'], m['Kyiv'] FROM t WHERE place['town'] = 'Kyiv'").await;
    assert_eq!(nested.rows, ["3 | Kyiv | 30"]);
    let wide = bench.query(&table, "SELECT title FROM t WHERE id = 5000000000").await;
    assert_eq!(wide.rows, ["two"]);
}

#[tokio::test]
async fn a_pinned_snapshot_has_its_own_schema() {
    let bench = Bench::new();
    let table = iceberg("evolution");
    let metadata: serde_json::Value =
        serde_json::from_slice(&std::fs::read(newest_metadata("evolution")).unwrap()).unwrap();
    let first = metadata["snapshots"][0]["snapshot-id"].as_i64().unwrap();
    let answer = bench.query_at(&table, Some(SnapshotVersion::Iceberg(Some(first))), "SELECT * FROM t").await;
    assert_eq!(answer.rows, ["1 | one | x | 2013-01-01T10:00:00Z | {city: Rome, zip: 10} | [{k: Rome}] | {Rome: 10}"]);
    let gone = bench.lake.open(&table, Some(&SnapshotVersion::Iceberg(Some(7)))).await.unwrap_err();
    assert!(gone.to_string().contains("iceberg snapshot 7 is missing"), "{gone}");
}

#[tokio::test]
async fn equality_deletes_take_older_rows_of_their_partition() {
    let bench = Bench::new();
    let table = iceberg("equality");
    let all = bench.query(&table, "SELECT id, city FROM t").await;
    // Of the first insert: 1 of Rome, null, and 3 by its dropped code are gone; 1 of Oslo and what came later stay.
    assert_eq!(all.rows, ["1 | Oslo", "1 | Rome", "2 | Rome", "3 | Oslo"]);
    assert_eq!(bench.query(&table, "SELECT count(*) FROM t").await.rows, ["4"]);
    assert_eq!(bench.query(&table, "SELECT city FROM t WHERE id = 1").await.rows, ["Oslo", "Rome"]);
    let limited = bench.query(&table, "SELECT id FROM t LIMIT 4").await;
    assert_eq!(limited.rows.len(), 4);
}

#[tokio::test]
async fn files_without_ids_are_read_through_the_name_mapping() {
    let bench = Bench::new();
    let all = bench.query(&iceberg("mapped"), "SELECT id, title, city FROM t").await;
    assert_eq!(all.rows, ["1 | one | Rome", "2 | two | Rome", "3 | three | Oslo"]);
    let rome = bench.query(&iceberg("mapped"), "SELECT title FROM t WHERE city = 'Rome' AND id > 1").await;
    assert_eq!((rome.rows, rome.counts.files_read), (vec!["two".to_owned()], 1));
}

#[tokio::test]
async fn a_table_of_version_1_is_read_after_its_upgrade() {
    let bench = Bench::new();
    assert_eq!(bench.query(&iceberg("upgraded"), "SELECT id, city FROM t").await.rows, ["1 | Rome", "2 | Oslo"]);
    let oslo = bench.query(&iceberg("upgraded"), "SELECT id FROM t WHERE city = 'Oslo'").await;
    assert_eq!((oslo.rows, oslo.counts.files_read), (vec!["2".to_owned()], 1));
}

#[tokio::test]
async fn a_table_without_rows_is_empty() {
    let bench = Bench::new();
    let snapshot = bench.open(&iceberg("empty")).await.unwrap();
    assert_eq!(snapshot.version(), &SnapshotVersion::Iceberg(None));
    assert!(bench.query(&iceberg("empty"), "SELECT * FROM t").await.rows.is_empty());
    assert_eq!(bench.query(&iceberg("empty"), "SELECT count(*) FROM t").await.rows, ["0"]);
}

#[tokio::test]
async fn a_metadata_file_is_a_table_too() {
    let bench = Bench::new();
    let table = table(TableFormat::Iceberg, &newest_metadata("positions"));
    assert_eq!(bench.query(&table, "SELECT count(id) FROM t").await.rows, ["4"]);
}

fn newest_metadata(name: &str) -> std::path::PathBuf {
    let folder = fixture(&format!("iceberg/{name}/metadata"));
    let number = |path: &std::path::Path| -> Option<u32> {
        path.file_name()?.to_str()?.strip_prefix('v')?.strip_suffix(".metadata.json")?.parse().ok()
    };
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| number(path).is_some()).max_by_key(|path| number(path)).unwrap()
}
