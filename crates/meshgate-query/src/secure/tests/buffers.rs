//! 35: no byte of a hidden value in what is sent.

use datafusion::arrow::{
    array::{Array, DictionaryArray, ListArray, MapArray, StringArray, StructArray},
    buffer::OffsetBuffer,
    datatypes::{Fields, Int32Type},
    ipc::writer::StreamWriter,
};

use super::*;

/// What Arrow IPC sends of these batches.
pub(in crate::secure) fn sent(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batches[0].schema()).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    writer.into_inner().unwrap()
}

pub(in crate::secure) fn holds(bytes: &[u8], needle: &str) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
}

/// A table with every kind of buffer: rows with odd ids are hidden, and their values hold the canary.
fn nested() -> RecordBatch {
    let rows = 64;
    let secret = |row: usize| match row % 2 {
        0 => format!("a value that may be seen, {row}"),
        _ => format!("{CANARY} a value that may not be seen, {row}"),
    };
    let texts: Vec<String> = (0..rows).map(secret).collect();
    let views: ArrayRef = Arc::new(StringViewArray::from_iter_values(&texts));
    let plain: ArrayRef = Arc::new(StringArray::from_iter_values(&texts));
    let coded: ArrayRef = Arc::new(texts.iter().map(String::as_str).collect::<DictionaryArray<Int32Type>>());
    let item = Arc::new(Field::new("item", DataType::Utf8View, true));
    let lists: ArrayRef =
        Arc::new(ListArray::try_new(item, OffsetBuffer::from_lengths(vec![1; rows]), views.clone(), None).unwrap());
    let fields = Fields::from(vec![
        Field::new("text", DataType::Utf8View, true),
        Field::new("lists", lists.data_type().clone(), true),
    ]);
    let structs: ArrayRef = Arc::new(StructArray::try_new(fields, vec![views.clone(), lists.clone()], None).unwrap());
    let entry =
        Fields::from(vec![Field::new("keys", DataType::Utf8, false), Field::new("values", DataType::Utf8View, true)]);
    let entries = StructArray::try_new(entry.clone(), vec![plain.clone(), views.clone()], None).unwrap();
    let entry = Arc::new(Field::new("entries", DataType::Struct(entry), false));
    let maps: ArrayRef =
        Arc::new(MapArray::try_new(entry, OffsetBuffer::from_lengths(vec![1; rows]), entries, None, false).unwrap());
    let ids: ArrayRef = Arc::new((0..rows as i64).map(|row| row % 2).collect::<Int64Array>());
    RecordBatch::try_from_iter_with_nullable([
        ("id", ids, false),
        ("views", views, true),
        ("plain", plain, true),
        ("coded", coded, true),
        ("lists", lists, true),
        ("structs", structs, true),
        ("maps", maps, true),
    ])
    .unwrap()
}

#[tokio::test]
async fn hidden_rows_leave_no_byte() {
    for partitions in [1, 4] {
        for deterministic in [false, true] {
            let setup = Setup { deterministic, ..Setup::new(partitions) };
            let context = setup.context(Mesh::Other.table(partitions), east());
            for sql in
                ["SELECT * FROM items", "SELECT note, email FROM items LIMIT 9", "SELECT note FROM items WHERE id < 3"]
            {
                let batches = run(&context, sql).await.unwrap();
                assert!(batches.iter().any(|batch| batch.num_rows() > 0));
                assert!(!holds(&sent(&batches), CANARY), "{sql}");
            }
        }
    }
}

#[tokio::test]
async fn hidden_rows_leave_no_byte_of_nested_columns() {
    let batch = nested();
    assert!(holds(&sent(&[batch.slice(0, 1)]), CANARY), "views carry what they don't show");
    let columns: Vec<_> =
        batch.schema().fields().iter().map(|field| (field.name().clone(), ColumnAccess::Raw)).collect();
    let columns: Vec<_> = columns.iter().map(|(name, access)| (name.as_str(), *access)).collect();
    let raw = Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch.clone()]]).unwrap());
    let context = Setup::new(1).context(raw, Grants::new(&columns).rows("id = 0"));
    for sql in ["SELECT * FROM items", "SELECT * FROM items LIMIT 3", "SELECT lists, structs FROM items"] {
        let batches = run(&context, sql).await.unwrap();
        assert!(batches.iter().any(|batch| batch.num_rows() > 0));
        assert!(!holds(&sent(&batches), CANARY), "{sql}");
        assert!(holds(&sent(&batches), "may be seen"), "{sql}");
    }
}

#[tokio::test]
async fn masked_values_leave_no_byte() {
    for (mask, mesh) in Mask::ALL.into_iter().flat_map(|mask| Mesh::BOTH.map(|mesh| (mask, mesh))) {
        let grants = Grants::new(&[("id", ColumnAccess::Raw), ("ssn", ColumnAccess::Masked(mask))]);
        let setup = Setup::new(1);
        let governed = setup.govern(mesh.table(1), grants.clone());
        if !governed.unfit_masks().is_empty() {
            assert!(matches!(mask, Mask::TruncateToYear | Mask::TruncateToMonth));
            assert!(governed.schema().column_with_name("ssn").is_none(), "a mask that does not fit denies");
            continue;
        }
        let batches = run(&setup.context(mesh.table(1), grants), "SELECT * FROM items").await.unwrap();
        let bytes = sent(&batches);
        assert!(!holds(&bytes, "NARY") && !holds(&bytes, "hidden") && !holds(&bytes, "undeclared"), "{mask}");
    }
}
