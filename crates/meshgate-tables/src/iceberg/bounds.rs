//! Bounds of columns from manifests: file statistics, and what hidden partitioning says of a column.

use std::{collections::HashSet, fmt};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, BooleanArray, Int32Array, UInt64Array, new_null_array},
        buffer::BooleanBuffer,
        compute::concat,
        datatypes::{DataType, TimeUnit},
        error::ArrowError,
    },
    common::ScalarValue,
};
use iceberg::{
    spec::{DataFile, Literal, PartitionSpec, PrimitiveLiteral, Transform},
    transform::{BoxedTransformFunction, create_transform_function},
};

use super::value::{bound, datum};
use crate::state::ColumnBounds;

/// So many files are gathered before their values become arrays.
const CHUNK: usize = 4096;

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// Gathers the bounds of one column.
pub(super) struct BoundsBuilder {
    id: i32,
    data_type: DataType,
    min: Vec<ScalarValue>,
    max: Vec<ScalarValue>,
    nulls: Vec<Option<u64>>,
    exact: Vec<bool>,
    chunks: Vec<(ArrayRef, ArrayRef)>,
}

impl BoundsBuilder {
    /// For a leaf column of the table.
    pub(super) fn new(id: i32, data_type: DataType) -> Self {
        Self {
            id,
            data_type,
            min: Vec::new(),
            max: Vec::new(),
            nulls: Vec::new(),
            exact: Vec::new(),
            chunks: Vec::new(),
        }
    }

    /// Takes the next file. `spec` is the one that it was written under.
    pub(super) fn add(&mut self, file: &DataFile, spec: Option<&PartitionSpec>) -> Result<(), ArrowError> {
        let (mut min, mut max) = self.statistics(file);
        if let Some(spec) = spec {
            let (from, to) = self.partition(file, spec);
            min = min.or(from);
            max = max.or(to);
        }
        let null = || ScalarValue::try_new_null(&self.data_type).unwrap_or(ScalarValue::Null);
        self.exact.push(self.is_exact(file));
        self.min.push(min.unwrap_or_else(null));
        self.max.push(max.unwrap_or_else(null));
        self.nulls.push(file.null_value_counts().get(&self.id).copied());
        if self.min.len() == CHUNK { self.close() } else { Ok(()) }
    }

    fn statistics(&self, file: &DataFile) -> (Option<ScalarValue>, Option<ScalarValue>) {
        let min = file.lower_bounds().get(&self.id).and_then(|datum| bound(datum, &self.data_type));
        let max = file.upper_bounds().get(&self.id).and_then(|datum| bound(datum, &self.data_type));
        match self.data_type {
            DataType::Float32 | DataType::Float64 => {
                // Bounds leave NaN out, which is above them all; and a zero may be of either sign.
                let has_no_nan = file.nan_value_counts().get(&self.id) == Some(&0);
                (
                    min.map(|value| signed_zero(value, -1.0)),
                    max.filter(|_| has_no_nan).map(|value| signed_zero(value, 1.0)),
                )
            }
            // How fixed-length values compare is not the same in all engines.
            DataType::FixedSizeBinary(_) => (None, None),
            _ => (min, max),
        }
    }

    /// Bounds of text may be cut off, those of floats lack NaN: neither is a value that occurs.
    fn is_exact(&self, file: &DataFile) -> bool {
        let whole = !matches!(
            self.data_type,
            DataType::Utf8View
                | DataType::BinaryView
                | DataType::FixedSizeBinary(_)
                | DataType::Float32
                | DataType::Float64
        );
        whole && file.lower_bounds().contains_key(&self.id) && file.upper_bounds().contains_key(&self.id)
    }

    /// What the file's partition says of the column.
    fn partition(&self, file: &DataFile, spec: &PartitionSpec) -> (Option<ScalarValue>, Option<ScalarValue>) {
        let values = file.partition().fields();
        for (field, value) in spec.fields().iter().zip(values) {
            if field.source_id != self.id {
                continue;
            }
            if let Some(Literal::Primitive(value)) = value
                && let Some((from, to)) = range(field.transform, value, &self.data_type)
            {
                return (Some(from), Some(to));
            }
        }
        (None, None)
    }

    fn close(&mut self) -> Result<(), ArrowError> {
        let array = |values: Vec<ScalarValue>| {
            ScalarValue::iter_to_array(values).map_err(|error| ArrowError::ExternalError(Box::new(error)))
        };
        let min = array(std::mem::take(&mut self.min))?;
        let max = array(std::mem::take(&mut self.max))?;
        self.chunks.push((min, max));
        Ok(())
    }

    /// The bounds of all files.
    pub(super) fn finish(mut self) -> Result<ColumnBounds, ArrowError> {
        if !self.min.is_empty() {
            self.close()?;
        }
        let joined = |pieces: Vec<&dyn Array>| {
            if pieces.is_empty() { Ok(new_null_array(&self.data_type, 0)) } else { concat(&pieces) }
        };
        Ok(ColumnBounds {
            min: joined(self.chunks.iter().map(|(min, _)| min.as_ref()).collect())?,
            max: joined(self.chunks.iter().map(|(_, max)| max.as_ref()).collect())?,
            nulls: UInt64Array::from(self.nulls),
            exact: BooleanBuffer::from(self.exact),
        })
    }
}

fn signed_zero(value: ScalarValue, sign: f64) -> ScalarValue {
    match value {
        ScalarValue::Float32(Some(0.0)) => ScalarValue::Float32(Some(0.0_f32.copysign(sign as f32))),
        ScalarValue::Float64(Some(0.0)) => ScalarValue::Float64(Some(0.0_f64.copysign(sign))),
        other => other,
    }
}

/// The least and the greatest value that a transform turns into `value` (specification, "Partition Transforms").
/// `None` where the values are no range, or not one that can be written down.
fn range(transform: Transform, value: &PrimitiveLiteral, data_type: &DataType) -> Option<(ScalarValue, ScalarValue)> {
    let number = match value {
        PrimitiveLiteral::Int(value) => i64::from(*value),
        PrimitiveLiteral::Long(value) => *value,
        _ => return None,
    };
    let (first, next) = match transform {
        Transform::Truncate(width) if data_type.is_integer() => {
            let last = number.checked_add(i64::from(width))?.checked_sub(1)?;
            return Some((integer(number, data_type)?, integer(last, data_type)?));
        }
        Transform::Year => {
            (first_of_month(number.checked_mul(12)?)?, first_of_month(number.checked_add(1)?.checked_mul(12)?)?)
        }
        Transform::Month => (first_of_month(number)?, first_of_month(number.checked_add(1)?)?),
        Transform::Day => {
            (number.checked_mul(24 * MICROS_PER_HOUR)?, number.checked_add(1)?.checked_mul(24 * MICROS_PER_HOUR)?)
        }
        Transform::Hour => (number.checked_mul(MICROS_PER_HOUR)?, number.checked_add(1)?.checked_mul(MICROS_PER_HOUR)?),
        _ => return None,
    };
    let last = next - 1;
    match data_type {
        DataType::Date32 => {
            let day = |micros: i64| i32::try_from(micros.div_euclid(24 * MICROS_PER_HOUR)).ok();
            Some((ScalarValue::Date32(Some(day(first)?)), ScalarValue::Date32(Some(day(last)?))))
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => Some((
            ScalarValue::TimestampMicrosecond(Some(first), zone.clone()),
            ScalarValue::TimestampMicrosecond(Some(last), zone.clone()),
        )),
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => Some((
            ScalarValue::TimestampNanosecond(Some(first.checked_mul(1000)?), zone.clone()),
            ScalarValue::TimestampNanosecond(Some(next.checked_mul(1000)?.checked_sub(1)?), zone.clone()),
        )),
        _ => None,
    }
}

fn integer(number: i64, data_type: &DataType) -> Option<ScalarValue> {
    ScalarValue::Int64(Some(number)).cast_to(data_type).ok().filter(|value| !value.is_null())
}

/// Microseconds since the epoch at the first moment of a month, counted from January 1970.
fn first_of_month(month: i64) -> Option<i64> {
    let year = i32::try_from(month.div_euclid(12) + 1970).ok()?;
    let month = u32::try_from(month.rem_euclid(12) + 1).ok()?;
    let date = chrono::NaiveDate::from_ymd_opt(year, month, 1)?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros())
}

/// A bucket transform: files in another bucket than a value's don't hold it.
pub(crate) struct Bucket {
    /// The column that it is over.
    pub(crate) column: String,
    function: BoxedTransformFunction,
    /// The bucket of each file; null where it is unknown.
    files: Int32Array,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Bucket").field("column", &self.column).finish_non_exhaustive()
    }
}

impl Bucket {
    /// `None` if the transform is no bucket.
    pub(super) fn new(column: String, transform: Transform, files: Int32Array) -> Option<Self> {
        let Transform::Bucket(_) = transform else { return None };
        let function = create_transform_function(&transform).ok()?;
        Some(Self { column, function, files })
    }

    /// For each file `false` if it can't hold any of `values`, null if it may.
    pub(crate) fn contained(&self, values: &HashSet<ScalarValue>) -> BooleanArray {
        let buckets: Option<HashSet<i32>> = values.iter().map(|value| self.bucket(value)).collect();
        self.files
            .iter()
            .map(|file| match (&buckets, file) {
                (Some(buckets), Some(file)) if !buckets.contains(&file) => Some(false),
                _ => None,
            })
            .collect()
    }

    fn bucket(&self, value: &ScalarValue) -> Option<i32> {
        let transformed = self.function.transform_literal(&datum(value)?).ok()??;
        match transformed.literal() {
            PrimitiveLiteral::Int(bucket) => Some(*bucket),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> i32 {
        let date: chrono::NaiveDate = text.parse().unwrap();
        i32::try_from(date.signed_duration_since(chrono::NaiveDate::default()).num_days()).unwrap()
    }

    #[test]
    fn a_month_is_a_range_of_days() {
        let (first, last) = range(Transform::Month, &PrimitiveLiteral::Int(517), &DataType::Date32).unwrap();
        assert_eq!(first, ScalarValue::Date32(Some(day("2013-02-01"))));
        assert_eq!(last, ScalarValue::Date32(Some(day("2013-02-28"))));
        let (first, last) = range(Transform::Month, &PrimitiveLiteral::Int(-1), &DataType::Date32).unwrap();
        assert_eq!(first, ScalarValue::Date32(Some(day("1969-12-01"))));
        assert_eq!(last, ScalarValue::Date32(Some(day("1969-12-31"))));
    }

    #[test]
    fn an_hour_is_a_range_of_timestamps() {
        let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let (first, last) = range(Transform::Hour, &PrimitiveLiteral::Int(1), &zoned).unwrap();
        assert_eq!(first, ScalarValue::TimestampMicrosecond(Some(MICROS_PER_HOUR), Some("UTC".into())));
        assert_eq!(last, ScalarValue::TimestampMicrosecond(Some(2 * MICROS_PER_HOUR - 1), Some("UTC".into())));
    }

    #[test]
    fn a_truncated_number_is_a_range_of_its_width() {
        let (first, last) = range(Transform::Truncate(10), &PrimitiveLiteral::Int(-20), &DataType::Int32).unwrap();
        assert_eq!((first, last), (ScalarValue::Int32(Some(-20)), ScalarValue::Int32(Some(-11))));
        assert!(range(Transform::Truncate(3), &PrimitiveLiteral::String("abc".into()), &DataType::Utf8View).is_none());
    }

    #[test]
    fn a_file_in_another_bucket_does_not_hold_a_value() {
        // Specification, Appendix B: the 32-bit hash of the int 34 is 2017239379.
        let hash = 2_017_239_379 % 16;
        let files = Int32Array::from(vec![Some(hash), Some((hash + 1) % 16), None]);
        let bucket = Bucket::new("id".to_owned(), Transform::Bucket(16), files).unwrap();
        let values = HashSet::from([ScalarValue::Int32(Some(34))]);
        assert_eq!(bucket.contained(&values), BooleanArray::from(vec![None, Some(false), None]));
    }
}
