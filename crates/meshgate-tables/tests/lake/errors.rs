//! Bad tables: the error names the table, says what to do, and is of that table alone.

use std::fs;

use meshgate_catalog::TableFormat;
use meshgate_tables::{Error, SnapshotVersion};

use crate::support::{Bench, causes, copy, delta, fixture, table, table_at};

#[tokio::test]
async fn a_table_that_is_not_there_is_missing() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    for format in [TableFormat::Delta, TableFormat::Iceberg, TableFormat::Parquet] {
        for path in [folder.path().to_owned(), folder.path().join("nothing")] {
            let error = bench.open(&table(format, &path)).await.unwrap_err();
            let Error::Missing { .. } = error else { panic!("{format:?}: {error:?}") };
            assert!(error.to_string().starts_with("table `lab.samples.t` can't be read: "), "{error}");
            assert!(!error.to_string().contains("nothing"), "{error}");
        }
    }
    assert!(bench.open(&delta("vectors")).await.is_ok());
}

#[tokio::test]
async fn a_data_file_that_is_gone_is_named_by_its_table_when_it_is_read() {
    let bench = Bench::new();
    for (format, name) in [(TableFormat::Delta, "delta/vectors"), (TableFormat::Iceberg, "iceberg/positions")] {
        let folder = copy(&fixture(name));
        for file in data_files(folder.path()) {
            fs::remove_file(file).unwrap();
        }
        let snapshot = bench.open(&table(format, folder.path())).await.unwrap();
        let error = bench.run(&snapshot, "SELECT max(id % 7) FROM t").await.map(|_| ()).unwrap_err();
        let error = error.find_root();
        let datafusion::error::DataFusionError::External(inner) = error else { panic!("{error:?}") };
        let error = inner.downcast_ref::<Error>().unwrap();
        let Error::Missing { what, .. } = error else { panic!("{error:?}") };
        assert!(what.ends_with("file"), "{what}");
        assert!(!error.to_string().contains("parquet"), "{error}");
    }
}

#[tokio::test]
async fn a_damaged_data_file_is_named_by_its_table() {
    let bench = Bench::new();
    let folder = copy(&fixture("delta/vectors"));
    for file in data_files(folder.path()) {
        let mut content = fs::read(&file).unwrap();
        let end = content.len();
        content[end - 40..end - 8].fill(0xFF);
        fs::write(&file, content).unwrap();
    }
    let snapshot = bench.open(&table(TableFormat::Delta, folder.path())).await.unwrap();
    let error = bench.run(&snapshot, "SELECT max(id % 7) FROM t").await.map(|_| ()).unwrap_err();
    let datafusion::error::DataFusionError::External(inner) = error.find_root() else { panic!("{error:?}") };
    let error = inner.downcast_ref::<Error>().unwrap();
    assert_eq!(error.to_string(), "table `lab.samples.t` can't be read: a data file is damaged");
}

#[tokio::test]
async fn a_callers_own_error_is_not_the_tables() {
    let bench = Bench::new();
    bench.context.sql("SET datafusion.execution.parquet.pushdown_filters = true").await.unwrap();
    let snapshot = bench.open(&delta("vectors")).await.unwrap();
    let error = bench.run(&snapshot, "SELECT name FROM t WHERE 1 / (id - 42) > 0").await.map(|_| ()).unwrap_err();
    assert!(causes(&error).contains("DivideByZero"), "{error}");
    assert!(!error.to_string().contains("lab.samples.t"), "{error}");
}

#[tokio::test]
async fn a_half_written_commit_is_not_there_yet() {
    let bench = Bench::new();
    let folder = copy(&fixture("delta/vectors"));
    let table = table(TableFormat::Delta, folder.path());
    let commit = folder.path().join("_delta_log/00000000000000000003.json");
    for half in ["", "{\"commitInfo\":{\"timestamp\":1}}\n{\"add\":{\"path\":\"part-0"] {
        fs::write(&commit, half).unwrap();
        let snapshot = bench.open(&table).await.unwrap();
        assert_eq!(snapshot.version(), &SnapshotVersion::Delta(2), "{half}");
        assert_eq!(bench.query(&table, "SELECT count(*) FROM t").await.rows, ["171"]);
    }
    fs::write(&commit, "{\"commitInfo\":{\"timestamp\":1}}\n").unwrap();
    assert_eq!(bench.open(&table).await.unwrap().version(), &SnapshotVersion::Delta(3));
}

#[tokio::test]
async fn a_half_written_checkpoint_says_what_to_do() {
    let folder = copy(&fixture("delta/vectors"));
    let checkpoint = folder.path().join("_delta_log/00000000000000000002.checkpoint.parquet");
    fs::write(&checkpoint, b"PAR1").unwrap();
    let bench = Bench::new();
    let table = table(TableFormat::Delta, folder.path());
    let error = bench.open(&table).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "table `lab.samples.t` can't be read: a checkpoint of its log is half-written; write it again, or remove it if \
         all commits are there"
    );
    fs::remove_file(&checkpoint).unwrap();
    assert_eq!(bench.open(&table).await.unwrap().version(), &SnapshotVersion::Delta(2));
}

#[tokio::test]
async fn garbage_in_the_log_is_an_error_and_no_panic() {
    let bench = Bench::new();
    for garbage in ["not json\n", "{\"add\": 5}\n", "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"]
    {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("_delta_log")).unwrap();
        fs::write(folder.path().join("_delta_log/00000000000000000000.json"), garbage).unwrap();
        let error = bench.open(&table(TableFormat::Delta, folder.path())).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. } | Error::Missing { .. }), "{garbage}: {error:?}");
    }
    for garbage in ["", "{", "[]", "{\"format-version\": 2}"] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("metadata")).unwrap();
        fs::write(folder.path().join("metadata/v1.metadata.json"), garbage).unwrap();
        let error = bench.open(&table(TableFormat::Iceberg, folder.path())).await.unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{garbage}: {error:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("one.parquet"), "garbage").unwrap();
    let error = bench.open(&table(TableFormat::Parquet, folder.path())).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn a_feature_that_is_not_on_the_list_is_refused_by_its_name() {
    let bench = Bench::new();
    for feature in ["variantType", "someFutureFeature"] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("_delta_log")).unwrap();
        let schema = r#"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"integer\",\"nullable\":true,\"metadata\":{}}]}"#;
        let log = format!(
            r#"{{"protocol":{{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["{feature}"],"writerFeatures":["{feature}"]}}}}
{{"metaData":{{"id":"1","format":{{"provider":"parquet","options":{{}}}},"schemaString":"{schema}","partitionColumns":[],"configuration":{{}},"createdTime":1}}}}
"#
        );
        fs::write(folder.path().join("_delta_log/00000000000000000000.json"), log).unwrap();
        let error = bench.open(&table(TableFormat::Delta, folder.path())).await.unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{feature}: {}", causes(&error));
        assert!(error.to_string().contains(&format!("`{feature}`")), "{error}");
    }
}

#[tokio::test]
async fn paths_that_leave_the_tables_folder_are_refused() {
    let bench = Bench::new();
    for path in ["../elsewhere.parquet", "%2e%2e/elsewhere.parquet", "file:///etc/passwd", "s3://bucket/x.parquet"] {
        let folder = copy(&fixture("delta/vectors"));
        let log = folder.path().join("_delta_log");
        let add = format!(
            r#"{{"add":{{"path":"{path}","partitionValues":{{}},"size":1,"modificationTime":1,"dataChange":true}}}}"#
        );
        fs::write(log.join("00000000000000000003.json"), add + "\n").unwrap();
        let error = bench.open(&table(TableFormat::Delta, folder.path())).await.unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. } | Error::Corrupt { .. }), "{path}: {error:?}");
        assert!(!error.to_string().contains("elsewhere"), "{error}");
    }
}

#[tokio::test]
async fn a_location_of_an_unknown_scheme_is_a_configuration_error() {
    let error = Bench::new().open(&table_at(TableFormat::Delta, "gopher://x/y/")).await.unwrap_err();
    assert_eq!(error.to_string(), "`gopher` is not a scheme of a store; use `file://` or `s3://`");
}

fn data_files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("_delta_log") {
            found.extend(data_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            found.push(path);
        }
    }
    found
}
