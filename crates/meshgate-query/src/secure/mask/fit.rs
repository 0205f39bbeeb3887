//! Which mask fits which type.

use datafusion::{arrow::datatypes::DataType, common::ScalarValue};
use meshgate_policy::Mask;

use super::fixed;

/// The type that a column of type `raw` has under `mask`; `None` where the mask has no meaning, which denies the
/// column.
///
/// It is the type itself, but for dictionaries, which come out plain, and for hashes of integers that Iceberg lacks:
/// they come out in the smallest Iceberg type that holds the values, since eight bits of a hash would tell little
/// apart.
pub(in crate::secure) fn fits(mask: Mask, raw: &DataType) -> Option<DataType> {
    if mask == Mask::Null {
        return ScalarValue::try_new_null(raw).is_ok().then(|| raw.clone());
    }
    if let DataType::Dictionary(_, values) = raw {
        return fits(mask, values);
    }
    match mask {
        Mask::Null => None,
        Mask::FixedValue => fixed::value(raw).map(|value| value.data_type()),
        Mask::Alphanumeric | Mask::ShowFirst4 | Mask::ShowLast4 => is_text(raw).then(|| raw.clone()),
        Mask::TruncateToYear | Mask::TruncateToMonth => {
            matches!(raw, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..)).then(|| raw.clone())
        }
        Mask::Sha256Global | Mask::Sha256QueryLocal => hashed(raw),
    }
}

fn is_text(raw: &DataType) -> bool {
    matches!(raw, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn hashed(raw: &DataType) -> Option<DataType> {
    use DataType::*;
    match raw {
        Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView | Int32 | Int64 | UInt64 => Some(raw.clone()),
        Int8 | Int16 | UInt8 | UInt16 => Some(Int32),
        UInt32 => Some(Int64),
        _ => None,
    }
}
