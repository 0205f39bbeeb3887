//! Nothing but values in the buffers.

use datafusion::arrow::{
    array::{
        ArrayData, BinaryArray, BinaryViewArray, DictionaryArray, Int32Array, Int64Array, LargeListArray,
        LargeStringArray, ListArray, StringArray, StringViewArray, TimestampMicrosecondArray,
    },
    buffer::OffsetBuffer,
    datatypes::{Field, Fields, Int32Type},
};
use proptest::prelude::*;

use super::*;

const CANARY: &[u8] = b"CANARY";

/// Every byte of every buffer, children included, whatever offset the array has.
fn bytes(data: &ArrayData, all: &mut Vec<u8>) {
    for buffer in data.buffers() {
        all.extend_from_slice(buffer.as_slice());
        all.push(0);
    }
    if let Some(nulls) = data.nulls() {
        all.extend_from_slice(nulls.buffer().as_slice());
    }
    for child in data.child_data() {
        bytes(child, all);
    }
}

fn holds_canary(array: &ArrayRef) -> bool {
    let mut all = Vec::new();
    bytes(&array.to_data(), &mut all);
    all.windows(CANARY.len()).any(|window| window == CANARY)
}

fn texts() -> Vec<String> {
    (0..40)
        .map(|row| match row % 4 {
            0 => format!("CANARY{row}"),
            1 => format!("a long CANARY value, out of line: {row}"),
            2 => format!("s{row}"),
            _ => format!("a long value that may be seen: {row}"),
        })
        .collect()
}

/// Lays NULLs over the rows with the canary, leaving the values where they are.
fn over_canaries(array: &ArrayRef) -> ArrayRef {
    let hidden: BooleanArray = (0..40).map(|row| Some(row % 4 < 2)).collect();
    nullif(array, &hidden).unwrap()
}

fn every_kind() -> Vec<ArrayRef> {
    let texts = texts();
    let view: ArrayRef = Arc::new(StringViewArray::from_iter_values(&texts));
    let plain: ArrayRef = Arc::new(StringArray::from_iter_values(&texts));
    let lengths = || OffsetBuffer::from_lengths(vec![1; 40]);
    let item = Arc::new(Field::new("item", DataType::Utf8View, true));
    let large_lengths = OffsetBuffer::<i64>::from_lengths(vec![1; 40]);
    let fields = Fields::from(vec![Field::new("a", DataType::Utf8View, true), Field::new("b", DataType::Utf8, true)]);
    let structs = StructArray::new(fields, vec![view.clone(), plain.clone()], None);
    let entry = Fields::from(vec![Field::new("k", DataType::Utf8, false), Field::new("v", DataType::Utf8View, true)]);
    let entries = StructArray::new(entry.clone(), vec![plain.clone(), view.clone()], None);
    let entry = Arc::new(Field::new("entries", DataType::Struct(entry), false));
    let words = texts.iter().map(|text| i64::from_le_bytes(*format!("{text:8}").as_bytes().first_chunk().unwrap()));
    let fixed = texts.iter().map(|text| format!("{text:16}").as_bytes()[..16].to_vec());
    vec![
        Arc::new(LargeStringArray::from_iter_values(&texts)),
        Arc::new(BinaryArray::from_iter_values(&texts)),
        Arc::new(BinaryViewArray::from_iter_values(&texts)),
        Arc::new(texts.iter().map(|text| Some(text.as_str())).collect::<DictionaryArray<Int32Type>>()),
        Arc::new(ListArray::new(item.clone(), lengths(), view.clone(), None)),
        Arc::new(LargeListArray::new(item.clone(), large_lengths, view.clone(), None)),
        Arc::new(FixedSizeListArray::new(item, 1, view.clone(), None)),
        Arc::new(MapArray::new(entry, lengths(), entries, None, false)),
        Arc::new(structs),
        Arc::new(FixedSizeBinaryArray::try_from_iter(fixed).unwrap()),
        Arc::new(TimestampMicrosecondArray::from_iter_values(words.clone()).with_timezone("UTC")),
        Arc::new(Int64Array::from_iter_values(words)),
        view,
        plain,
    ]
}

#[test]
fn nothing_is_left_under_nulls() {
    for array in every_kind() {
        let nulled = over_canaries(&array);
        assert!(holds_canary(&nulled), "{}: the test would prove nothing", array.data_type());
        let owned = reown(&nulled).unwrap();
        assert!(!holds_canary(&owned), "{}", array.data_type());
        assert_eq!(&owned, &nulled);
        owned.to_data().validate_full().unwrap();
    }
}

#[test]
fn nothing_is_left_beside_a_slice() {
    for array in every_kind() {
        let slice = array.slice(2, 2);
        let owned = reown(&slice).unwrap();
        assert!(!holds_canary(&owned), "{}", array.data_type());
        assert_eq!(&owned, &slice);
        let empty = reown(&array.slice(3, 0)).unwrap();
        assert_eq!((empty.len(), holds_canary(&empty)), (0, false), "{}", array.data_type());
    }
}

#[test]
fn nothing_is_left_under_null_parents() {
    for array in every_kind() {
        let hidden: NullBuffer = (0..40).map(|row| row % 4 >= 2).collect();
        let fields = Fields::from(vec![Field::new("inner", array.data_type().clone(), false)]);
        let parent: ArrayRef = Arc::new(StructArray::new(fields, vec![array.clone()], Some(hidden.clone())));
        assert!(holds_canary(&parent));
        let owned = reown(&parent).unwrap();
        assert!(!holds_canary(&owned), "a struct of {}", array.data_type());
        assert_eq!(&owned, &parent);
        let item = Arc::new(Field::new("item", parent.data_type().clone(), true));
        let list: ArrayRef = Arc::new(ListArray::new(item, OffsetBuffer::from_lengths([10; 4]), parent, None));
        let owned = reown(&list.slice(1, 2)).unwrap();
        assert!(!holds_canary(&owned), "a list of structs of {}", array.data_type());
        assert_eq!(&owned, &list.slice(1, 2));
    }
}

#[test]
fn bits_beside_the_last_one_are_no_neighbours() {
    let bits: ArrayRef = Arc::new(BooleanArray::from(vec![true; 64]));
    let owned = reown(&bits.slice(3, 5)).unwrap();
    let values = owned.as_boolean().values();
    assert_eq!((values.offset(), values.inner().as_slice()[0]), (0, 0b1_1111));
    let nulls: ArrayRef = Arc::new(Int32Array::from((0..64).map(|row| (row < 8).then_some(row)).collect::<Vec<_>>()));
    let owned = reown(&nulls.slice(6, 4)).unwrap();
    assert_eq!(owned.nulls().unwrap().buffer().as_slice()[0], 0b0011);
    assert_eq!(owned.as_primitive::<Int32Type>().values(), &[6, 7, 0, 0]);
}

#[test]
fn the_order_of_a_dictionary_is_of_the_rows_that_are_here() {
    let array: ArrayRef = Arc::new(["hidden", "b", "a", "b"].into_iter().collect::<DictionaryArray<Int32Type>>());
    let owned = reown(&array.slice(2, 2)).unwrap();
    let values = owned.as_any_dictionary().values().clone();
    assert_eq!(values.as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["a", "b"]);
}

proptest! {
    #[test]
    fn values_stay(
        values in proptest::collection::vec(proptest::option::of(".{0,20}"), 1..200),
        cut in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let (one, other) = (cut.0.index(values.len()), cut.1.index(values.len()));
        let (from, to) = (one.min(other), one.max(other));
        let numbers: Int64Array = values.iter().map(|value| value.as_ref().map(|value| value.len() as i64)).collect();
        let flags: BooleanArray = values.iter().map(|value| value.as_ref().map(String::is_empty)).collect();
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(StringViewArray::from_iter(&values)),
            Arc::new(StringArray::from_iter(&values)),
            Arc::new(numbers),
            Arc::new(flags),
        ];
        for array in arrays {
            let slice = array.slice(from, to - from);
            let owned = reown(&slice).unwrap();
            prop_assert_eq!(&owned, &slice);
        }
    }
}
