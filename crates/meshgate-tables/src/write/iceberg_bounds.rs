//! What a manifest says of a data file's columns: counts, and bounds for pruning.

use std::collections::HashMap;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch},
        compute::{SortOptions, filter, sort_to_indices},
        datatypes::{DataType, Float32Type, Float64Type},
    },
    common::ScalarValue,
};
use iceberg::spec::{Datum, PrimitiveType, Schema, Type};
use parquet::file::metadata::ParquetMetaData;

use super::WriteError;

/// Characters of a string, or bytes of a binary, that a bound keeps; the same as other writers' default.
const BOUND_LENGTH: usize = 16;

/// Counts and bounds by field id, of top-level columns with a primitive type.
#[derive(Debug, Default)]
pub(super) struct ColumnMetrics {
    pub(super) values: HashMap<i32, u64>,
    pub(super) nulls: HashMap<i32, u64>,
    pub(super) nans: HashMap<i32, u64>,
    pub(super) lower: HashMap<i32, Datum>,
    pub(super) upper: HashMap<i32, Datum>,
}

impl ColumnMetrics {
    pub(super) fn of(rows: &RecordBatch, schema: &Schema) -> Result<Self, WriteError> {
        let mut metrics = Self::default();
        for (field, column) in schema.as_struct().fields().iter().zip(rows.columns()) {
            let Type::Primitive(primitive) = field.field_type.as_ref() else { continue };
            metrics.values.insert(field.id, column.len() as u64);
            metrics.nulls.insert(field.id, column.null_count() as u64);
            let (numbers, nans) = without_nan(column)?;
            if let Some(nans) = nans {
                metrics.nans.insert(field.id, nans);
            }
            if let Some(least) = extreme(&numbers, false)?
                && let Some(bound) = lower_bound(datum(&numbers, least, primitive)?)
            {
                metrics.lower.insert(field.id, bound);
            }
            if let Some(greatest) = extreme(&numbers, true)?
                && let Some(bound) = upper_bound(datum(&numbers, greatest, primitive)?)
            {
                metrics.upper.insert(field.id, bound);
            }
        }
        Ok(metrics)
    }
}

/// Compressed bytes by field id, leaves of nested columns included.
pub(super) fn column_sizes(footer: &ParquetMetaData) -> HashMap<i32, u64> {
    let mut sizes = HashMap::new();
    for column in footer.row_groups().iter().flat_map(|group| group.columns()) {
        let leaf = column.column_descr().self_type().get_basic_info();
        if leaf.has_id() {
            *sizes.entry(leaf.id()).or_default() += column.compressed_size().unsigned_abs();
        }
    }
    sizes
}

/// Where each row group begins.
pub(super) fn split_offsets(footer: &ParquetMetaData) -> Vec<i64> {
    let first = |group: &parquet::file::metadata::RowGroupMetaData| {
        let column = group.columns().first()?;
        Some(column.dictionary_page_offset().unwrap_or(column.data_page_offset()))
    };
    footer.row_groups().iter().filter_map(first).collect()
}

/// The values that bounds speak of, and the number of NaNs if the type has them.
fn without_nan(column: &ArrayRef) -> Result<(ArrayRef, Option<u64>), WriteError> {
    let nan: BooleanArray = match column.data_type() {
        DataType::Float32 => column.as_primitive::<Float32Type>().iter().map(|value| Some(value?.is_nan())).collect(),
        DataType::Float64 => column.as_primitive::<Float64Type>().iter().map(|value| Some(value?.is_nan())).collect(),
        _ => return Ok((column.clone(), None)),
    };
    let count = nan.true_count() as u64;
    if count == 0 {
        return Ok((column.clone(), Some(0)));
    }
    let keep: BooleanArray = nan.iter().map(|nan| Some(nan == Some(false))).collect();
    Ok((filter(column, &keep)?, Some(count)))
}

/// The row of the least or greatest value that is not null.
fn extreme(column: &ArrayRef, greatest: bool) -> Result<Option<usize>, WriteError> {
    if column.null_count() == column.len() {
        return Ok(None);
    }
    let order = SortOptions { descending: greatest, nulls_first: false };
    let rows = sort_to_indices(column, Some(order), Some(1))?;
    Ok(rows.iter().next().flatten().map(|row| row as usize))
}

/// A value that is not null, as Iceberg has it.
pub(super) fn datum(column: &ArrayRef, row: usize, primitive: &PrimitiveType) -> Result<Datum, WriteError> {
    let value = ScalarValue::try_from_array(column, row).map_err(WriteError::iceberg)?;
    let bytes = match &value {
        ScalarValue::Boolean(Some(value)) => vec![u8::from(*value)],
        ScalarValue::Int32(Some(value)) | ScalarValue::Date32(Some(value)) => value.to_le_bytes().to_vec(),
        ScalarValue::Int64(Some(value))
        | ScalarValue::Time64Microsecond(Some(value))
        | ScalarValue::TimestampMicrosecond(Some(value), _) => value.to_le_bytes().to_vec(),
        ScalarValue::Float32(Some(value)) => value.to_le_bytes().to_vec(),
        ScalarValue::Float64(Some(value)) => value.to_le_bytes().to_vec(),
        ScalarValue::Decimal128(Some(value), ..) => value.to_be_bytes().to_vec(),
        ScalarValue::Utf8(Some(value)) => value.as_bytes().to_vec(),
        ScalarValue::Binary(Some(value)) | ScalarValue::FixedSizeBinary(_, Some(value)) => value.clone(),
        _ => return Err(WriteError::Rows(format!("`{}` has no Iceberg form", column.data_type()))),
    };
    Datum::try_from_bytes(&bytes, primitive.clone()).map_err(WriteError::iceberg)
}

/// The datum, cut short if it is long.
fn lower_bound(datum: Datum) -> Option<Datum> {
    match long_value(&datum)? {
        Long::No => Some(datum),
        Long::Text(text) => Some(Datum::string(text.chars().take(BOUND_LENGTH).collect::<String>())),
        Long::Bytes(bytes) => Some(Datum::binary(bytes.into_iter().take(BOUND_LENGTH))),
    }
}

/// The datum, or if it is long the least short one above it; none if there is none.
fn upper_bound(datum: Datum) -> Option<Datum> {
    match long_value(&datum)? {
        Long::No => Some(datum),
        Long::Text(text) => {
            let mut kept: Vec<char> = text.chars().take(BOUND_LENGTH).collect();
            while let Some(last) = kept.pop() {
                // The code points after U+D7FF are surrogates, which no string holds.
                let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
                if let Some(next) = next {
                    kept.push(next);
                    return Some(Datum::string(kept.into_iter().collect::<String>()));
                }
            }
            None
        }
        Long::Bytes(mut bytes) => {
            bytes.truncate(BOUND_LENGTH);
            while let Some(last) = bytes.pop() {
                if let Some(next) = last.checked_add(1) {
                    bytes.push(next);
                    return Some(Datum::binary(bytes));
                }
            }
            None
        }
    }
}

enum Long {
    No,
    Text(String),
    Bytes(Vec<u8>),
}

fn long_value(datum: &Datum) -> Option<Long> {
    Some(match datum.data_type() {
        PrimitiveType::String => {
            let text = String::from_utf8(datum.to_bytes().ok()?.into_vec()).ok()?;
            if text.chars().nth(BOUND_LENGTH).is_some() { Long::Text(text) } else { Long::No }
        }
        PrimitiveType::Binary => {
            let bytes = datum.to_bytes().ok()?.into_vec();
            if bytes.len() > BOUND_LENGTH { Long::Bytes(bytes) } else { Long::No }
        }
        _ => Long::No,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_s_upper_bound_is_short_and_not_below_it() {
        for text in [
            "exactly 16 chars",
            "a longer one than that",
            "zzzzzzzzzzzzzzzzzzzz",
            "\u{d7ff}\u{d7ff}aaaaaaaaaaaaaaaaaaaa",
        ] {
            let bound = upper_bound(Datum::string(text)).unwrap();
            let bound = String::from_utf8(bound.to_bytes().unwrap().into_vec()).unwrap();
            assert!(bound.as_str() >= text && bound.chars().count() <= BOUND_LENGTH, "{text} {bound}");
        }
        let surrogate = format!("{}\u{d7ff}x", "a".repeat(BOUND_LENGTH - 1));
        assert_eq!(
            upper_bound(Datum::string(surrogate)),
            Some(Datum::string(format!("{}\u{e000}", "a".repeat(BOUND_LENGTH - 1))))
        );
        assert_eq!(upper_bound(Datum::string("\u{10ffff}".repeat(20))), None, "nothing short is above");
        assert_eq!(upper_bound(Datum::binary([0xff; 20])), None);
        let carried = [&[1][..], &[0xff; 20]].concat();
        assert_eq!(upper_bound(Datum::binary(carried)), Some(Datum::binary([2])));
    }
}
