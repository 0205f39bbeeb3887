//! Every mask over every type that it fits.

use std::sync::LazyLock;

use datafusion::{
    arrow::{
        array::{
            Array, BinaryArray, BinaryViewArray, BooleanArray, Date32Array, Date64Array, Decimal128Array,
            DictionaryArray, FixedSizeBinaryArray, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array,
            LargeBinaryArray, LargeStringArray, ListArray, NullArray, StringArray, StringViewArray, StructArray,
            TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
            UInt8Array, UInt16Array, UInt32Array, UInt64Array, new_null_array,
        },
        datatypes::{DataType, Field, Fields, Int32Type, Schema, TimeUnit},
        record_batch::RecordBatch,
        util::display::array_value_to_string,
    },
    common::DFSchema,
    execution::{SessionState, SessionStateBuilder},
    logical_expr::col,
};
use proptest::prelude::*;

use super::*;

static STATE: LazyLock<SessionState> = LazyLock::new(|| SessionStateBuilder::new().build());

fn masks() -> Masks {
    Masks::new(&MaskKey::new("a key for tests"))
}

/// The column after `mask`, as the plan below a barrier would have it.
fn mask_with(masks: &Masks, mask: Mask, array: &ArrayRef) -> Option<ArrayRef> {
    let schema = Arc::new(Schema::new(vec![Field::new("c", array.data_type().clone(), true)]));
    let expression = masks.expression(mask, col("c"), array.data_type())?;
    let columns = DFSchema::try_from(schema.as_ref().clone()).unwrap();
    let planned = STATE.create_physical_expr(expression, &columns).unwrap();
    let batch = RecordBatch::try_new(schema.clone(), vec![array.clone()]).unwrap();
    let masked = planned.evaluate(&batch).unwrap().into_array(array.len()).unwrap();
    assert_eq!(masked.data_type(), &fits(mask, array.data_type()).unwrap());
    assert_eq!(planned.data_type(&schema).unwrap(), *masked.data_type());
    assert_eq!(masked.len(), array.len());
    Some(masked)
}

fn mask(mask: Mask, array: &ArrayRef) -> Option<ArrayRef> {
    mask_with(&masks(), mask, array)
}

fn shown(array: &ArrayRef) -> Vec<String> {
    (0..array.len())
        .map(|row| match array.is_null(row) {
            true => "NULL".to_owned(),
            false => array_value_to_string(array, row).unwrap(),
        })
        .collect()
}

fn texts(values: &[Option<&str>]) -> Vec<ArrayRef> {
    let values = values.to_vec();
    vec![
        Arc::new(StringArray::from(values.clone())),
        Arc::new(LargeStringArray::from(values.clone())),
        Arc::new(StringViewArray::from(values.clone())),
        Arc::new(values.into_iter().collect::<DictionaryArray<Int32Type>>()),
    ]
}

#[test]
fn texts_are_redacted_by_character() {
    let values = [
        Some("prashant010696@gmail.com"),
        Some("4111-1111-1111-4444"),
        Some("(0) 1,2"),
        Some("Zoë9"),
        Some("日本語テキスト5"),
        Some(""),
        None,
    ];
    for array in texts(&values) {
        let redacted = |m| shown(&mask(m, &array).unwrap());
        assert_eq!(
            redacted(Mask::Alphanumeric),
            ["xxxxxxxxnnnnnn@xxxxx.xxx", "nnnn-nnnn-nnnn-nnnn", "(n)xn,n", "xxxn", "xxxxxxxn", "", "NULL"]
        );
        assert_eq!(
            redacted(Mask::ShowFirst4),
            ["prasxxxxnnnnnn@xxxxx.xxx", "4111-nnnn-nnnn-nnnn", "(0) n,n", "Zoë9", "日本語テxxxn", "", "NULL"]
        );
        assert_eq!(
            redacted(Mask::ShowLast4),
            ["xxxxxxxxnnnnnn@xxxxx.com", "nnnn-nnnn-nnnn-4444", "(n) 1,2", "Zoë9", "xxxxキスト5", "", "NULL"]
        );
    }
}

#[test]
fn dates_and_timestamps_are_cut_to_year_and_month() {
    // 2013-07-19, 2012-02-29, 1969-12-31, 1970-01-01, 0000-03-01, 2000-12-31
    let days = [15_905, 15_399, -1, 0, -719_468, 11_322];
    let years = [15_706, 15_340, -365, 0, -719_528, 10_957];
    let months = [15_887, 15_371, -31, 0, -719_468, 11_292];
    for (m, cut) in [(Mask::TruncateToYear, years), (Mask::TruncateToMonth, months)] {
        let dates: ArrayRef = Arc::new(Date32Array::from_iter(days.map(Some).into_iter().chain([None])));
        let expected: ArrayRef = Arc::new(Date32Array::from_iter(cut.map(Some).into_iter().chain([None])));
        assert_eq!(&mask(m, &dates).unwrap(), &expected);
        // The last instant of each day.
        let at = |units_a_second: i64| days.map(|day| Some((i64::from(day) + 1) * 86_400 * units_a_second - 1));
        let from = |units_a_second: i64| cut.map(|day| Some(i64::from(day) * 86_400 * units_a_second));
        let zone = Some("America/New_York");
        let cases: Vec<(ArrayRef, ArrayRef)> = vec![
            (Arc::new(Date64Array::from_iter(at(1_000))), Arc::new(Date64Array::from_iter(from(1_000)))),
            (Arc::new(TimestampSecondArray::from_iter(at(1))), Arc::new(TimestampSecondArray::from_iter(from(1)))),
            (
                Arc::new(TimestampMillisecondArray::from_iter(at(1_000)).with_timezone_opt(zone)),
                Arc::new(TimestampMillisecondArray::from_iter(from(1_000)).with_timezone_opt(zone)),
            ),
            (
                Arc::new(TimestampMicrosecondArray::from_iter(at(1_000_000)).with_timezone_opt(Some("UTC"))),
                Arc::new(TimestampMicrosecondArray::from_iter(from(1_000_000)).with_timezone_opt(Some("UTC"))),
            ),
        ];
        for (array, expected) in cases {
            assert_eq!(&mask(m, &array).unwrap(), &expected, "{m} {}", array.data_type());
        }
    }
    let instants: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![Some(1_374_244_215_123_456_789), None]));
    let expected: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![Some(1_356_998_400_000_000_000), None]));
    assert_eq!(&mask(Mask::TruncateToYear, &instants).unwrap(), &expected);
}

#[test]
fn the_ends_of_time_are_cut_too() {
    for m in [Mask::TruncateToYear, Mask::TruncateToMonth] {
        let ends: Vec<ArrayRef> = vec![
            Arc::new(Date32Array::from(vec![i32::MIN, i32::MAX])),
            Arc::new(Date64Array::from(vec![i64::MIN, i64::MAX])),
            Arc::new(TimestampSecondArray::from(vec![i64::MIN, i64::MAX])),
            Arc::new(TimestampMillisecondArray::from(vec![i64::MIN, i64::MAX])),
            Arc::new(TimestampMicrosecondArray::from(vec![i64::MIN, i64::MAX])),
            Arc::new(TimestampNanosecondArray::from(vec![i64::MIN, i64::MAX])),
        ];
        for array in ends {
            assert_eq!(mask(m, &array).unwrap().null_count(), 0, "{}", array.data_type());
        }
    }
    let least: ArrayRef = Arc::new(Date32Array::from(vec![i32::MIN]));
    assert_eq!(&mask(Mask::TruncateToYear, &least).unwrap(), &least);
}

#[test]
fn a_hash_is_the_same_in_every_encoding_and_query() {
    let values = [Some("N14228"), Some("N24211"), Some("N14228"), Some(""), None];
    let (one, other) = (masks(), masks());
    let hashes: Vec<Vec<String>> = texts(&values)
        .iter()
        .flat_map(|array| [&one, &other].map(|masks| shown(&mask_with(masks, Mask::Sha256Global, array).unwrap())))
        .collect();
    assert!(hashes.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(hashes[0][0], hashes[0][2]);
    assert_ne!(hashes[0][0], hashes[0][1]);
    assert_eq!((hashes[0][0].len(), hashes[0][4].as_str()), (64, "NULL"));
    assert!(hashes[0][0].bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')));
    let array = &texts(&values)[2];
    let local = |masks| shown(&mask_with(masks, Mask::Sha256QueryLocal, array).unwrap());
    assert_eq!(local(&one), local(&one), "one query, one key");
    assert_ne!(local(&one)[0], local(&other)[0], "another query, another key");
    let foreign = Masks::new(&MaskKey::new("another key"));
    assert_ne!(shown(&mask_with(&foreign, Mask::Sha256Global, array).unwrap())[0], hashes[0][0]);
    // Not the plain SHA-256, which anyone could compute.
    assert_ne!(hashes[0][0], hex::encode(<sha2::Sha256 as sha2::Digest>::digest("N14228")));
}

#[test]
fn no_key_shows() {
    let secret = "a key for tests";
    let masks = Masks::new(&MaskKey::new(secret));
    let bytes = format!("{:?}", secret.as_bytes());
    let bytes = bytes.trim_matches(['[', ']']);
    let mut shown = format!("{masks:?}");
    for m in Mask::ALL {
        let Some(expression) = masks.expression(m, col("c"), &DataType::Utf8View) else { continue };
        shown += &format!("{expression} {expression:?} {}", expression.schema_name());
    }
    assert!(shown.contains("sha-256-global"));
    assert!(!shown.contains(secret) && !shown.contains(bytes) && !shown.contains(&hex::encode(secret)), "{shown}");
}

#[test]
fn hashes_of_binaries_and_integers_have_their_types() {
    let bytes: Vec<Option<&[u8]>> = vec![Some(b"N14228"), None];
    let binaries: Vec<ArrayRef> = vec![
        Arc::new(BinaryArray::from(bytes.clone())),
        Arc::new(LargeBinaryArray::from(bytes.clone())),
        Arc::new(BinaryViewArray::from(bytes)),
    ];
    let of_text = &shown(&mask(Mask::Sha256Global, &texts(&[Some("N14228")])[0]).unwrap())[0].clone();
    for array in binaries {
        assert_eq!(&shown(&mask(Mask::Sha256Global, &array).unwrap()), &[of_text.as_str(), "NULL"]);
    }
    let small: Vec<ArrayRef> = vec![
        Arc::new(Int8Array::from(vec![Some(7), None])),
        Arc::new(Int16Array::from(vec![Some(7), None])),
        Arc::new(Int32Array::from(vec![Some(7), None])),
        Arc::new(UInt8Array::from(vec![Some(7), None])),
        Arc::new(UInt16Array::from(vec![Some(7), None])),
    ];
    let large: Vec<ArrayRef> =
        vec![Arc::new(Int64Array::from(vec![Some(7), None])), Arc::new(UInt32Array::from(vec![Some(7), None]))];
    for (arrays, data_type) in [(small, DataType::Int32), (large, DataType::Int64)] {
        let hashes: Vec<ArrayRef> = arrays.iter().map(|array| mask(Mask::Sha256Global, array).unwrap()).collect();
        assert!(hashes.iter().all(|hash| hash.data_type() == &data_type && hash.is_null(1) && hash == &hashes[0]));
        assert_ne!(shown(&hashes[0])[0], "7");
    }
    let unsigned: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
    assert_eq!(mask(Mask::Sha256Global, &unsigned).unwrap().data_type(), &DataType::UInt64);
}

/// A value and a NULL of each type.
fn every_type() -> Vec<ArrayRef> {
    let mut arrays = texts(&[Some("secret"), None]);
    let item = Field::new("item", DataType::Int32, true);
    let fields = Fields::from(vec![Field::new("a", DataType::Int32, true), Field::new("b", DataType::Utf8View, true)]);
    let parts: Vec<ArrayRef> =
        vec![Arc::new(Int32Array::from(vec![1, 2])), Arc::new(StringViewArray::from(vec!["x", "y"]))];
    let instants = vec![Some(1_374_244_215_123), None];
    arrays.extend::<Vec<ArrayRef>>(vec![
        Arc::new(BinaryArray::from_opt_vec(vec![Some(b"secret".as_slice()), None])),
        Arc::new(LargeBinaryArray::from_opt_vec(vec![Some(b"secret".as_slice()), None])),
        Arc::new(BinaryViewArray::from_iter([Some(b"secret".as_slice()), None])),
        Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size([Some([7; 16]), None].into_iter(), 16).unwrap()),
        Arc::new(BooleanArray::from(vec![Some(true), None])),
        Arc::new(Int8Array::from(vec![Some(7), None])),
        Arc::new(Int16Array::from(vec![Some(7), None])),
        Arc::new(Int32Array::from(vec![Some(7), None])),
        Arc::new(Int64Array::from(vec![Some(7), None])),
        Arc::new(UInt8Array::from(vec![Some(7), None])),
        Arc::new(UInt16Array::from(vec![Some(7), None])),
        Arc::new(UInt32Array::from(vec![Some(7), None])),
        Arc::new(UInt64Array::from(vec![Some(7), None])),
        Arc::new(Float64Array::from(vec![Some(7.5), None])),
        Arc::new(Decimal128Array::from(vec![Some(750), None]).with_precision_and_scale(10, 2).unwrap()),
        Arc::new(Date32Array::from(vec![Some(15_905), None])),
        Arc::new(Date64Array::from(instants.clone())),
        Arc::new(TimestampSecondArray::from(instants.clone())),
        Arc::new(TimestampMillisecondArray::from(instants.clone()).with_timezone("+02:00")),
        Arc::new(TimestampMicrosecondArray::from(instants.clone()).with_timezone("UTC")),
        Arc::new(TimestampNanosecondArray::from(instants)),
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)]), None])),
        Arc::new(StructArray::new(fields, parts, Some(vec![true, false].into()))),
        Arc::new(NullArray::new(2)),
    ]);
    let entry =
        Fields::from(vec![Field::new("keys", DataType::Utf8, false), Field::new("values", DataType::Int32, true)]);
    let map = DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entry), false)), false);
    arrays.push(new_null_array(&map, 2));
    arrays.push(new_null_array(&DataType::LargeList(Arc::new(item)), 2));
    arrays.push(new_null_array(&DataType::Time64(TimeUnit::Microsecond), 2));
    arrays.push(new_null_array(&DataType::Decimal256(40, 3), 2));
    arrays
}

#[test]
fn what_each_mask_fits() {
    let mut table = String::new();
    for array in every_type() {
        let fitting: Vec<String> = Mask::ALL
            .into_iter()
            .filter_map(|m| {
                let masked = mask(m, &array)?;
                if m != Mask::FixedValue {
                    assert!(
                        masked.logical_nulls().is_some_and(|nulls| nulls.is_null(1)),
                        "{m} shows a NULL of {}",
                        array.data_type()
                    );
                }
                assert_ne!(shown(&masked)[0], "7", "{m} {}", array.data_type());
                Some(match m {
                    Mask::Alphanumeric => "text".to_owned(),
                    Mask::FixedValue => format!("fixed={}", shown(&masked)[1]),
                    Mask::Null => "null".to_owned(),
                    Mask::TruncateToYear => "year".to_owned(),
                    Mask::Sha256Global => "hash".to_owned(),
                    _ => return None,
                })
            })
            .collect();
        for (m, like) in [
            (Mask::ShowFirst4, Mask::Alphanumeric),
            (Mask::ShowLast4, Mask::Alphanumeric),
            (Mask::TruncateToMonth, Mask::TruncateToYear),
            (Mask::Sha256QueryLocal, Mask::Sha256Global),
        ] {
            assert_eq!(fits(m, array.data_type()), fits(like, array.data_type()));
        }
        table += &format!("{}: {}\n", array.data_type(), fitting.join(" "));
    }
    insta::assert_snapshot!(table, @r#"
    Utf8: text fixed=XXXXXXXX null hash
    LargeUtf8: text fixed=XXXXXXXX null hash
    Utf8View: text fixed=XXXXXXXX null hash
    Dictionary(Int32, Utf8): text fixed=XXXXXXXX null hash
    Binary: fixed= null hash
    LargeBinary: fixed= null hash
    BinaryView: fixed= null hash
    FixedSizeBinary(16): fixed=00000000000000000000000000000000 null
    Boolean: fixed=false null
    Int8: fixed=0 null hash
    Int16: fixed=0 null hash
    Int32: fixed=0 null hash
    Int64: fixed=0 null hash
    UInt8: fixed=0 null hash
    UInt16: fixed=0 null hash
    UInt32: fixed=0 null hash
    UInt64: fixed=0 null hash
    Float64: fixed=0.0 null
    Decimal128(10, 2): fixed=0.00 null
    Date32: fixed=1970-01-01 null year
    Date64: fixed=1970-01-01T00:00:00 null year
    Timestamp(s): fixed=1970-01-01T00:00:00 null year
    Timestamp(ms, "+02:00"): fixed=1970-01-01T02:00:00+02:00 null year
    Timestamp(µs, "UTC"): fixed=1970-01-01T00:00:00Z null year
    Timestamp(ns): fixed=1970-01-01T00:00:00 null year
    List(Int32): fixed=[] null
    Struct("a": Int32, "b": Utf8View): fixed={a: 0, b: XXXXXXXX} null
    Null: null
    Map("entries": non-null Struct("keys": non-null Utf8, "values": Int32), unsorted): fixed={} null
    LargeList(Int32): fixed=[] null
    Time64(µs): fixed=00:00:00 null
    Decimal256(40, 3): fixed=0.000 null
    "#);
}

proptest! {
    #[test]
    fn texts_keep_their_length(values in proptest::collection::vec(proptest::option::of("\\PC{0,12}"), 0..20)) {
        let values: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
        for array in texts(&values) {
            for m in [Mask::Alphanumeric, Mask::ShowFirst4, Mask::ShowLast4] {
                let masked = shown(&mask(m, &array).unwrap());
                for (value, masked) in values.iter().zip(&masked) {
                    match value {
                        Some(value) => prop_assert_eq!(value.chars().count(), masked.chars().count()),
                        None => prop_assert_eq!(masked, "NULL"),
                    }
                }
            }
        }
    }

    #[test]
    fn no_mask_fails(values in proptest::collection::vec(proptest::option::of(any::<i64>()), 0..20)) {
        let small = values.iter().map(|value| value.map(|value| value as i32));
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(values.clone())),
            Arc::new(small.clone().collect::<Int32Array>()),
            Arc::new(small.collect::<Date32Array>()),
            Arc::new(Date64Array::from(values.clone())),
            Arc::new(TimestampSecondArray::from(values.clone())),
            Arc::new(TimestampNanosecondArray::from(values.clone()).with_timezone("Asia/Tokyo")),
            Arc::new(values.iter().map(|value| value.map(|value| value.to_le_bytes())).collect::<BinaryViewArray>()),
        ];
        for (array, m) in arrays.iter().flat_map(|array| Mask::ALL.map(|m| (array, m))) {
            if let Some(masked) = mask(m, array) {
                prop_assert_eq!(masked.len(), array.len());
                if !matches!(m, Mask::Null | Mask::FixedValue) {
                    prop_assert_eq!(masked.null_count(), array.null_count());
                }
            }
        }
    }

    /// The calendar against chrono's.
    #[test]
    fn truncation_is_the_calendars(day in -700_000_i32..2_000_000) {
        use chrono::{Datelike, Days, NaiveDate};
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        let date = match u64::try_from(day) {
            Ok(days) => epoch + Days::new(days),
            Err(_) => epoch - Days::new(u64::from(day.unsigned_abs())),
        };
        let array: ArrayRef = Arc::new(Date32Array::from(vec![day]));
        for (m, first) in [
            (Mask::TruncateToYear, date.with_day(1).unwrap().with_month(1).unwrap()),
            (Mask::TruncateToMonth, date.with_day(1).unwrap()),
        ] {
            let expected: ArrayRef = Arc::new(Date32Array::from(vec![(first - epoch).num_days() as i32]));
            prop_assert_eq!(&mask(m, &array).unwrap(), &expected);
        }
    }
}
