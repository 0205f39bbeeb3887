//! Tables as they stand on disk: what other engines read of them is their log, their metadata and their Parquet.

use std::{fs, path::Path, sync::Arc};

use datafusion::arrow::{
    array::{
        ArrayRef, AsArray, BinaryArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int8Array,
        Int16Array, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, StringViewArray, StructArray,
        TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt32Array,
    },
    datatypes::{DataType, Field, Int32Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType},
};
use iceberg::{
    io::FileIO,
    spec::{DataFile, Datum, Literal, ManifestList, PrimitiveLiteral, TableMetadata},
};
use object_store::{ObjectStoreExt, memory::InMemory};
use parquet::arrow::{PARQUET_FIELD_ID_META_KEY, arrow_reader::ParquetRecordBatchReaderBuilder};
use serde_json::Value;
use tempfile::TempDir;
use url::Url;

use super::{
    DeltaTable, DeltaWriter, Destination, FileLayout, IcebergTable, IcebergWriter, PartitionTransform, WriteError,
};
use crate::SnapshotVersion;

const DAY: i64 = 86_400_000_000;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn utc(micros: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC"))
}

fn flights() -> RecordBatch {
    batch(vec![
        ("month", Arc::new(Int32Array::from(vec![1, 2, 1, 2, 2])) as ArrayRef),
        ("carrier", Arc::new(StringArray::from(vec![Some("UA"), Some("AA"), None, Some("9E"), Some("DL")]))),
        ("delay", Arc::new(Int32Array::from(vec![Some(-3), None, Some(40), Some(7), Some(1)]))),
    ])
}

fn folder() -> (TempDir, Destination) {
    let folder = tempfile::tempdir().unwrap();
    let destination = Destination::folder(folder.path()).unwrap();
    (folder, destination)
}

/// The actions of one kind in a version of a Delta log.
fn actions(table: &Path, version: u64, kind: &str) -> Vec<Value> {
    fs::read_to_string(table.join(format!("_delta_log/{version:020}.json")))
        .unwrap()
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).unwrap().get(kind).cloned())
        .collect()
}

fn parquet(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap();
    let schema = reader.schema().clone();
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    datafusion::arrow::compute::concat_batches(&schema, &batches).unwrap()
}

fn iceberg_metadata(table: &Path) -> TableMetadata {
    let version = fs::read_to_string(table.join("metadata/version-hint.text")).unwrap();
    let text = fs::read_to_string(table.join(format!("metadata/v{version}.metadata.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The live data files of the current snapshot with their sequence numbers.
async fn iceberg_files(table: &Path) -> Vec<(i64, DataFile)> {
    let metadata = iceberg_metadata(table);
    let io = FileIO::new_with_fs();
    let list = fs::read(metadata.current_snapshot().unwrap().manifest_list().strip_prefix("file://").unwrap()).unwrap();
    let list = ManifestList::parse_with_version(&list, metadata.format_version()).unwrap();
    let mut files = Vec::new();
    for manifest in list.entries() {
        for entry in manifest.load_manifest(&io).await.unwrap().entries() {
            files.push((entry.sequence_number().unwrap(), entry.data_file().clone()));
        }
    }
    files
}

#[tokio::test]
async fn a_delta_table_has_a_version_an_append_and_statistics_a_file() {
    let (folder, destination) = folder();
    let table = DeltaTable::new(flights().schema()).partition_by(["month"]);
    let mut writer = DeltaWriter::create(destination, table).await.unwrap();
    let first = writer.append(&[flights()]).await.unwrap();
    let second = writer.append(&[flights().slice(1, 1), flights().slice(3, 1)]).await.unwrap();
    assert_eq!((first.version, first.files, first.rows), (SnapshotVersion::Delta(1), 2, 5));
    assert_eq!((second.version, second.files, second.rows), (SnapshotVersion::Delta(2), 1, 2));

    assert_eq!(actions(folder.path(), 0, "metaData")[0]["partitionColumns"], serde_json::json!(["month"]));
    let adds = actions(folder.path(), 1, "add");
    let february = adds.iter().find(|add| add["partitionValues"]["month"] == "2").unwrap();
    let path = february["path"].as_str().unwrap();
    assert!(path.starts_with("month=2/part-00001-0000"), "{path}");
    let stats: Value = serde_json::from_str(february["stats"].as_str().unwrap()).unwrap();
    assert_eq!(stats["numRecords"], 3);
    assert_eq!(stats["nullCount"], serde_json::json!({"carrier": 0, "delay": 1}));
    assert_eq!(stats["minValues"], serde_json::json!({"carrier": "9E", "delay": 1}));
    assert_eq!(stats["maxValues"], serde_json::json!({"carrier": "DL", "delay": 7}));

    let rows = parquet(&folder.path().join(path));
    assert_eq!(
        rows.schema().fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(),
        ["carrier", "delay"]
    );
    assert_eq!(rows.column(0).as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["AA", "9E", "DL"]);
}

#[tokio::test]
async fn the_same_rows_give_the_same_files() {
    let mut listings = Vec::new();
    for _ in 0..2 {
        let (folder, destination) = folder();
        let table = DeltaTable::new(flights().schema()).partition_by(["month"]);
        let mut writer = DeltaWriter::create(destination, table).await.unwrap();
        writer.append(&[flights()]).await.unwrap();
        let files: Vec<_> = actions(folder.path(), 1, "add")
            .iter()
            .map(|add| {
                let path = add["path"].as_str().unwrap().to_owned();
                let bytes = fs::read(folder.path().join(&path)).unwrap();
                (path, bytes)
            })
            .collect();
        listings.push(files);
    }
    assert_eq!(listings[0], listings[1]);
}

#[tokio::test]
async fn files_and_row_groups_keep_to_the_layout() {
    let (folder, destination) = folder();
    let rows = batch(vec![("n", Arc::new(Int64Array::from_iter_values(0..25)) as ArrayRef)]);
    let layout = FileLayout { rows_per_file: 10, rows_per_row_group: 4 };
    let mut writer = DeltaWriter::create(destination, DeltaTable::new(rows.schema()).layout(layout)).await.unwrap();
    assert_eq!(writer.append(&[rows]).await.unwrap().files, 3);
    let adds = actions(folder.path(), 1, "add");
    let groups = |add: &Value| {
        let file = fs::File::open(folder.path().join(add["path"].as_str().unwrap())).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect::<Vec<_>>()
    };
    assert_eq!(adds.iter().map(groups).collect::<Vec<_>>(), [vec![4, 4, 2], vec![4, 4, 2], vec![4, 1]]);
}

#[tokio::test]
async fn partition_values_that_no_path_holds_are_escaped_once() {
    let (folder, destination) = folder();
    let rows = batch(vec![
        ("place", Arc::new(StringArray::from(vec![Some("a/b c%"), None, Some("ü")])) as ArrayRef),
        ("n", Arc::new(Int32Array::from(vec![1, 2, 3]))),
    ]);
    let table = DeltaTable::new(rows.schema()).partition_by(["place"]);
    DeltaWriter::create(destination, table).await.unwrap().append(&[rows]).await.unwrap();
    for add in actions(folder.path(), 1, "add") {
        let relative = Url::parse("file:///").unwrap().join(add["path"].as_str().unwrap()).unwrap();
        let path = relative.to_file_path().unwrap();
        let rows = parquet(&folder.path().join(path.strip_prefix("/").unwrap()));
        let expected = match add["partitionValues"]["place"].as_str() {
            Some("a/b c%") => 1,
            None => 2,
            Some("ü") => 3,
            Some(other) => panic!("{other}"),
        };
        assert_eq!(rows.column(0).as_primitive::<Int32Type>().value(0), expected);
    }
}

#[tokio::test]
async fn column_mapping_writes_physical_names_and_field_ids() {
    let (folder, destination) = folder();
    let table = DeltaTable::new(flights().schema()).property("delta.columnMapping.mode", "name");
    DeltaWriter::create(destination, table).await.unwrap().append(&[flights()]).await.unwrap();
    let rows = parquet(&folder.path().join(actions(folder.path(), 1, "add")[0]["path"].as_str().unwrap()));
    assert!(rows.schema().fields().iter().all(|field| field.name().starts_with("col-")), "{:?}", rows.schema());
    assert_eq!(rows.schema().field(2).metadata()[PARQUET_FIELD_ID_META_KEY], "3");
}

#[tokio::test]
async fn a_table_in_any_store_reads_back() {
    let store = Arc::new(InMemory::new());
    let url = Url::parse("s3://lake/fleet/planes").unwrap();
    let destination = Destination::store(store.clone(), "fleet/planes".into(), url);
    let mut writer = IcebergWriter::create(destination.clone(), IcebergTable::new(flights().schema())).await.unwrap();
    writer.append(&[flights()]).await.unwrap();
    let metadata = store.get(&"fleet/planes/metadata/v2.metadata.json".into()).await.unwrap().bytes().await.unwrap();
    let metadata: TableMetadata = serde_json::from_slice(&metadata).unwrap();
    assert_eq!(metadata.location(), "s3://lake/fleet/planes");
    let list = metadata.current_snapshot().unwrap().manifest_list().strip_prefix("s3://lake/").unwrap().to_owned();
    store.head(&list.into()).await.unwrap();

    let destination =
        Destination::store(store.clone(), "ops/flights".into(), Url::parse("s3://lake/ops/flights").unwrap());
    let mut writer = DeltaWriter::create(destination, DeltaTable::new(flights().schema())).await.unwrap();
    writer.append(&[flights()]).await.unwrap();
    store.head(&"ops/flights/_delta_log/00000000000000000001.json".into()).await.unwrap();
}

#[tokio::test]
async fn iceberg_days_are_utc_and_before_1970_too() {
    let (folder, destination) = folder();
    let rows = batch(vec![
        ("at", utc(vec![Some(0), Some(DAY - 1), Some(DAY), Some(-1), None, Some(-DAY), Some(-DAY - 1)])),
        ("n", Arc::new(Int32Array::from_iter_values(0..7))),
    ]);
    let table = IcebergTable::new(rows.schema()).partition_by("at", PartitionTransform::Day);
    let mut writer = IcebergWriter::create(destination, table).await.unwrap();
    assert_eq!(writer.append(&[rows]).await.unwrap().files, 5);

    let metadata = iceberg_metadata(folder.path());
    assert_eq!(metadata.default_partition_spec().fields()[0].name, "at_day");
    let mut found = Vec::new();
    for (_, file) in iceberg_files(folder.path()).await {
        let path = file.file_path().strip_prefix("file://").unwrap().to_owned();
        let numbers: Vec<_> = parquet(Path::new(&path)).column(1).as_primitive::<Int32Type>().values().to_vec();
        found.push((file.partition().fields()[0].clone(), numbers));
    }
    let day = |day| Some(Literal::date(day));
    let expected =
        [(None, vec![4]), (day(-2), vec![6]), (day(-1), vec![3, 5]), (day(0), vec![0, 1]), (day(1), vec![2])];
    assert_eq!(found, expected);
    assert!(folder.path().join("data/at_day=1969-12-31").is_dir());
}

#[tokio::test]
async fn iceberg_manifests_hold_counts_and_bounds() {
    let (folder, destination) = folder();
    let rows = batch(vec![
        ("name", Arc::new(StringArray::from(vec![Some("a long name of many letters"), None, Some("b")])) as ArrayRef),
        ("wind", Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(-0.5), Some(12.0)]))),
        ("empty", Arc::new(Int32Array::from(vec![None, None, None]))),
        ("price", Arc::new(Decimal128Array::from(vec![150, -25, 7]).with_precision_and_scale(9, 2).unwrap())),
    ]);
    let mut writer = IcebergWriter::create(destination, IcebergTable::new(rows.schema())).await.unwrap();
    writer.append(&[rows]).await.unwrap();
    let (_, file) = iceberg_files(folder.path()).await.remove(0);
    assert_eq!(file.record_count(), 3);
    assert_eq!([1, 2, 3, 4].map(|id| file.null_value_counts()[&id]), [1, 0, 3, 0]);
    assert_eq!(file.nan_value_counts()[&2], 1);
    let bounds = |id| (file.lower_bounds().get(&id).cloned(), file.upper_bounds().get(&id).cloned());
    assert_eq!(bounds(1), (Some(Datum::string("a long name of m")), Some(Datum::string("b"))));
    assert_eq!(bounds(2), (Some(Datum::double(-0.5)), Some(Datum::double(12.0))));
    assert_eq!(bounds(3), (None, None));
    assert_eq!(bounds(4).0.unwrap().to_string(), "-0.25");
    assert_eq!(bounds(4).1.unwrap().to_string(), "1.50");
    assert_eq!(file.split_offsets(), Some(&[4][..]));
    assert!(file.column_sizes().values().all(|size| *size > 0));
}

#[tokio::test]
async fn iceberg_snapshots_follow_one_another() {
    for version_3 in [false, true] {
        let (folder, destination) = folder();
        let table = IcebergTable::new(flights().schema());
        let table = if version_3 { table.format_version_3() } else { table };
        let mut writer = IcebergWriter::create(destination, table).await.unwrap();
        assert_eq!(iceberg_metadata(folder.path()).current_snapshot(), None);
        let first = writer.append(&[flights()]).await.unwrap();
        let second = writer.append(&[flights().slice(0, 2)]).await.unwrap();

        let metadata = iceberg_metadata(folder.path());
        let snapshot = metadata.current_snapshot().unwrap();
        assert_eq!(second.version, SnapshotVersion::Iceberg(Some(snapshot.snapshot_id())));
        assert_eq!(first.version, SnapshotVersion::Iceberg(snapshot.parent_snapshot_id()));
        assert_eq!(snapshot.summary().additional_properties["total-records"], "7");
        assert_eq!(snapshot.row_range(), version_3.then_some((5, 2)));
        let files = iceberg_files(folder.path()).await;
        assert_eq!(
            files.iter().map(|(sequence, file)| (*sequence, file.record_count())).collect::<Vec<_>>(),
            [(1, 5), (2, 2)]
        );
        assert_eq!(metadata.metadata_log().len(), 2);
    }
}

#[tokio::test]
async fn every_partition_transform_sorts_rows_as_the_library_does() {
    let (folder, destination) = folder();
    let rows = batch(vec![
        ("year", utc(vec![Some(0), Some(400 * DAY)])),
        ("month", utc(vec![Some(0), Some(400 * DAY)])),
        ("hour", utc(vec![Some(0), Some(400 * DAY)])),
        ("name", Arc::new(StringArray::from(vec!["departures", "arrivals"]))),
    ]);
    let table = IcebergTable::new(rows.schema())
        .partition_by("year", PartitionTransform::Year)
        .partition_by("month", PartitionTransform::Month)
        .partition_by("hour", PartitionTransform::Hour)
        .partition_by("name", PartitionTransform::Identity)
        .partition_by("name", PartitionTransform::Bucket(16))
        .partition_by("name", PartitionTransform::Truncate(3));
    let mut writer = IcebergWriter::create(destination, table).await.unwrap();
    writer.append(&[rows]).await.unwrap();
    let files = iceberg_files(folder.path()).await;
    let fields = files[1].1.partition().fields().to_vec();
    let expected = [1, 13, 400 * 24].map(|value| Some(Literal::int(value)));
    assert_eq!(fields[..3], expected);
    assert_eq!((&fields[3], &fields[5]), (&Some(Literal::string("arrivals")), &Some(Literal::string("arr"))));
    assert!(matches!(&fields[4], Some(Literal::Primitive(PrimitiveLiteral::Int(0..16)))));
}

/// Types that the formats store under another Arrow type, nested ones too.
fn manifold() -> RecordBatch {
    let inner: ArrayRef = Arc::new(StructArray::from(vec![(
        Arc::new(Field::new("small", DataType::Int8, true)),
        Arc::new(Int8Array::from(vec![1, 2])) as ArrayRef,
    )]));
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]);
    batch(vec![
        ("short", Arc::new(Int16Array::from(vec![3, 4])) as ArrayRef),
        ("view", Arc::new(StringViewArray::from(vec!["x", "y"]))),
        ("dictionary", Arc::new(DictionaryArray::<Int32Type>::from_iter(["u", "v"]))),
        ("bytes", Arc::new(BinaryArray::from(vec![&b"\xff\xfe"[..], b""]))),
        ("date", Arc::new(Date32Array::from(vec![-1, 1]))),
        ("local", Arc::new(TimestampMillisecondArray::from(vec![5, 6]))),
        ("zoned", Arc::new(TimestampMillisecondArray::from(vec![5, 6]).with_timezone("+02:00"))),
        ("inner", inner),
        ("list", Arc::new(list)),
    ])
}

#[tokio::test]
async fn types_are_stored_without_loss() {
    let (delta, destination) = folder();
    let mut writer = DeltaWriter::create(destination, DeltaTable::new(manifold().schema())).await.unwrap();
    writer.append(&[manifold()]).await.unwrap();
    let (iceberg, destination) = folder();
    let mut writer = IcebergWriter::create(destination, IcebergTable::new(manifold().schema())).await.unwrap();
    writer.append(&[manifold()]).await.unwrap();

    let of_delta = parquet(&delta.path().join(actions(delta.path(), 1, "add")[0]["path"].as_str().unwrap()));
    let file = iceberg_files(iceberg.path()).await.remove(0).1;
    let of_iceberg = parquet(Path::new(file.file_path().strip_prefix("file://").unwrap()));
    for rows in [&of_delta, &of_iceberg] {
        let zone = |rows: &RecordBatch| rows.column(6).as_primitive::<TimestampMicrosecondType>().value(1);
        assert_eq!(zone(rows), 6_000);
        assert_eq!(rows.column(6).data_type(), &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
        assert_eq!(rows.column(5).data_type(), &DataType::Timestamp(TimeUnit::Microsecond, None));
        assert_eq!(rows.column(2).as_string::<i32>().value(1), "v");
        assert_eq!(rows.column(3).as_binary::<i32>().value(0), b"\xff\xfe");
        let numbers = rows.column(8).as_list::<i32>().value(0);
        assert_eq!(numbers.as_primitive::<Int32Type>().iter().collect::<Vec<_>>(), [Some(1), None]);
    }
    assert_eq!(of_delta.column(0).data_type(), &DataType::Int16);
    assert_eq!(of_iceberg.column(0).data_type(), &DataType::Int32);
    let DataType::Struct(inner) = of_iceberg.column(7).data_type().clone() else { panic!() };
    assert_eq!(inner[0].metadata()[PARQUET_FIELD_ID_META_KEY], "10");
}

fn schema_of(column: ArrayRef) -> SchemaRef {
    batch(vec![("c", column)]).schema()
}

#[tokio::test]
async fn what_a_format_lacks_is_refused_with_a_way_out() {
    let unsigned = schema_of(Arc::new(UInt32Array::from(vec![1])));
    let error = DeltaWriter::create(folder().1, DeltaTable::new(unsigned.clone())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "column `c` can't be written: Delta has no type for UInt32; cast it to a signed integer that holds its values"
    );
    assert!(IcebergWriter::create(folder().1, IcebergTable::new(unsigned)).await.is_err());

    let nanoseconds = schema_of(Arc::new(TimestampNanosecondArray::from(vec![1])));
    let error = IcebergWriter::create(folder().1, IcebergTable::new(nanoseconds)).await.unwrap_err();
    assert!(error.to_string().ends_with("cast it to microseconds"), "{error}");
}

#[tokio::test]
async fn contradictory_definitions_are_refused() {
    let schema = flights().schema();
    let unknown = DeltaTable::new(schema.clone()).partition_by(["year"]);
    let error = DeltaWriter::create(folder().1, unknown).await.unwrap_err();
    assert_eq!(error.to_string(), "the table can't be created: there is no column `year` to partition by");
    let all = DeltaTable::new(schema.clone()).partition_by(["month", "carrier", "delay"]);
    assert!(matches!(DeltaWriter::create(folder().1, all).await, Err(WriteError::Definition(_))));
    let unfit = IcebergTable::new(schema).partition_by("carrier", PartitionTransform::Day);
    assert!(IcebergWriter::create(folder().1, unfit).await.is_err());
    let twice = Schema::new(vec![Field::new("a", DataType::Int32, true), Field::new("A", DataType::Int32, true)]);
    assert!(matches!(
        IcebergWriter::create(folder().1, IcebergTable::new(Arc::new(twice))).await,
        Err(WriteError::Definition(_))
    ));
}

#[tokio::test]
async fn rows_that_do_not_fit_are_refused_before_anything_is_written() {
    let (folder, destination) = folder();
    let mut writer = DeltaWriter::create(destination, DeltaTable::new(flights().schema())).await.unwrap();
    let error = writer.append(&[flights().project(&[0, 1]).unwrap()]).await.unwrap_err();
    assert_eq!(error.to_string(), "the rows don't fit the table: column `delay` is missing");
    let with_null = batch(vec![
        ("month", Arc::new(Int32Array::from(vec![None])) as ArrayRef),
        ("carrier", Arc::new(StringArray::from(vec!["UA"]))),
        ("delay", Arc::new(Int32Array::from(vec![1]))),
    ]);
    let error = writer.append(&[with_null]).await.unwrap_err();
    assert_eq!(error.to_string(), "the rows don't fit the table: column `month` is required and has a null");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "only the log");
}

#[tokio::test]
async fn a_table_that_is_there_is_not_written_over() {
    let (_folder, destination) = folder();
    DeltaWriter::create(destination.clone(), DeltaTable::new(flights().schema())).await.unwrap();
    let again = DeltaWriter::create(destination.clone(), DeltaTable::new(flights().schema())).await;
    assert!(matches!(again, Err(WriteError::AlreadyExists(_))));
    IcebergWriter::create(destination.clone(), IcebergTable::new(flights().schema())).await.unwrap();
    let again = IcebergWriter::create(destination, IcebergTable::new(flights().schema())).await;
    assert!(matches!(again, Err(WriteError::AlreadyExists(_))));
}

#[tokio::test]
async fn another_writer_s_commit_is_a_conflict() {
    let (folder, destination) = folder();
    let mut delta = DeltaWriter::create(destination.clone(), DeltaTable::new(flights().schema())).await.unwrap();
    let log = folder.path().join("_delta_log");
    fs::copy(log.join("00000000000000000000.json"), log.join("00000000000000000001.json")).unwrap();
    assert!(matches!(delta.append(&[flights()]).await, Err(WriteError::Conflict(_))));

    let mut iceberg = IcebergWriter::create(destination, IcebergTable::new(flights().schema())).await.unwrap();
    let metadata = folder.path().join("metadata");
    fs::copy(metadata.join("v1.metadata.json"), metadata.join("v2.metadata.json")).unwrap();
    assert!(matches!(iceberg.append(&[flights()]).await, Err(WriteError::Conflict(_))));
}

#[tokio::test]
async fn metadata_names_the_place_that_the_table_will_be_moved_to() {
    let (folder, destination) = folder();
    let destination = destination.published_at("/srv/mesh/lake/planes").unwrap();
    let mut writer = IcebergWriter::create(destination, IcebergTable::new(flights().schema())).await.unwrap();
    writer.append(&[flights()]).await.unwrap();
    let metadata = iceberg_metadata(folder.path());
    assert_eq!(metadata.location(), "file:///srv/mesh/lake/planes");
    assert!(metadata.current_snapshot().unwrap().manifest_list().starts_with("file:///srv/mesh/lake/planes/metadata/"));
}
