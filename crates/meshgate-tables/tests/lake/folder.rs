//! Folders of Parquet.

use std::{fs::File, path::Path, sync::Arc};

use datafusion::{
    arrow::{
        array::{ArrayRef, Float64Array, Int32Array, RecordBatch, StringArray},
        datatypes::DataType,
    },
    parquet::arrow::ArrowWriter,
};
use meshgate_catalog::{TableFormat, TableName};
use meshgate_tables::SnapshotVersion;

use crate::support::{Bench, table, tables};

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)));
    let batch = batch.unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn ints(values: &[i32]) -> ArrayRef {
    Arc::new(Int32Array::from(values.to_vec()))
}

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

#[tokio::test]
async fn a_folder_with_hive_partitions_is_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    write(&at("year=2012/city=a%2Fb/one.parquet"), vec![("id", ints(&[1, 2])), ("name", texts(&["x", "y"]))]);
    write(&at("year=2013/city=__HIVE_DEFAULT_PARTITION__/two.parquet"), vec![("id", ints(&[3]))]);
    write(&at("_temporary/broken.parquet"), vec![("other", ints(&[9]))]);
    std::fs::write(at("_SUCCESS"), "").unwrap();
    std::fs::write(at("year=2013/.hidden.parquet"), "not Parquet").unwrap();

    let bench = Bench::new();
    let table = table(TableFormat::Parquet, folder.path());
    let snapshot = bench.open(&table).await.unwrap();
    let columns: Vec<_> =
        snapshot.schema().fields().iter().map(|field| (field.name().as_str(), field.data_type().clone())).collect();
    assert_eq!(
        columns,
        [
            ("id", DataType::Int32),
            ("name", DataType::Utf8View),
            ("year", DataType::Int64),
            ("city", DataType::Utf8View)
        ]
    );
    let all = bench.query(&table, "SELECT id, name, year, city FROM t").await;
    assert_eq!(all.rows, ["1 | x | 2012 | a/b", "2 | y | 2012 | a/b", "3 | null | 2013 | null"]);
    assert_eq!(tables(&all.plan), [TableName::new("lab", "samples", "t")]);

    let pruned = bench.query(&table, "SELECT id FROM t WHERE year % 2 = 1").await;
    assert_eq!(pruned.rows, ["3"]);
    assert_eq!((pruned.counts.files_considered, pruned.counts.files_pruned, pruned.counts.files_read), (2, 1, 1));
}

#[tokio::test]
async fn counting_rows_reads_no_file() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("one.parquet"), vec![("id", ints(&[1, 2, 3]))]);
    let bench = Bench::new();
    let counted = bench.query(&table(TableFormat::Parquet, folder.path()), "SELECT count(*) FROM t").await;
    assert_eq!(counted.rows, ["3"]);
    assert_eq!(counted.counts.files_read, 0);
}

#[tokio::test]
async fn a_greatest_value_is_not_folded_from_statistics_that_leave_out_nan() {
    let folder = tempfile::tempdir().unwrap();
    let ratio: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), Some(f64::NAN), None, Some(-0.0)]));
    write(&folder.path().join("one.parquet"), vec![("ratio", ratio)]);
    let bench = Bench::new();
    let table = table(TableFormat::Parquet, folder.path());
    assert_eq!(bench.query(&table, "SELECT max(ratio), min(ratio) FROM t").await.rows, ["NaN | -0.0"]);
}

#[tokio::test]
async fn a_folder_that_changed_has_another_version() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("one.parquet"), vec![("id", ints(&[1]))]);
    let bench = Bench::new();
    let table = table(TableFormat::Parquet, folder.path());
    let first = bench.open(&table).await.unwrap();
    let SnapshotVersion::Parquet(_) = first.version() else { panic!("{:?}", first.version()) };
    let again = bench.lake.open(&table, Some(first.version())).await.unwrap();
    assert_eq!(again.version(), first.version());

    write(&folder.path().join("two.parquet"), vec![("id", ints(&[2]))]);
    assert_eq!(bench.query(&table, "SELECT id FROM t").await.rows, ["1", "2"]);
    let gone = bench.lake.open(&table, Some(first.version())).await.unwrap_err();
    assert_eq!(
        gone.to_string(),
        "table `lab.samples.t` can't be read: the version that was asked for (its files have changed since) is missing; \
         ask its owner, or check the contract's `servers`"
    );
}

/// Its bare files still hold the rows that its log has deleted.
#[tokio::test]
async fn the_folder_of_a_table_format_is_no_folder_of_parquet() {
    for log in ["_delta_log/00000000000000000000.json", "metadata/v1.metadata.json"] {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("part.parquet"), vec![("id", ints(&[1]))]);
        let log = folder.path().join(log);
        std::fs::create_dir_all(log.parent().unwrap()).unwrap();
        std::fs::write(log, "{}").unwrap();
        let error = Bench::new().open(&table(TableFormat::Parquet, folder.path())).await.unwrap_err();
        assert!(error.to_string().contains("write `format: delta` or `format: iceberg`"), "{error}");
    }
}
