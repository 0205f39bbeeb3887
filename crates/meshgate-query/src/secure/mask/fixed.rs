//! `mask-to-fixed-value`.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, FixedSizeBinaryArray, LargeListArray, ListArray, MapArray, StructArray, new_empty_array,
        },
        buffer::{Buffer, OffsetBuffer},
        datatypes::DataType,
    },
    common::ScalarValue,
};

/// What every text becomes: not the empty one, so that it can be told from a text that is empty.
const TEXT: &str = "XXXXXXXX";

/// The value that every value of that type becomes, NULL too; `None` where the standard knows none.
///
/// `false`, zero, `XXXXXXXX`, 1970-01-01, midnight, no bytes (zero bytes where the length is fixed), an empty list or
/// map, and a struct of the fixed values of its fields.
pub(super) fn value(data_type: &DataType) -> Option<ScalarValue> {
    ScalarValue::try_from_array(&row(data_type)?, 0).ok()
}

/// The value as the one row of an array.
fn row(data_type: &DataType) -> Option<ArrayRef> {
    use DataType::*;
    Some(match data_type {
        Utf8 => ScalarValue::Utf8(Some(TEXT.to_owned())).to_array().ok()?,
        LargeUtf8 => ScalarValue::LargeUtf8(Some(TEXT.to_owned())).to_array().ok()?,
        Utf8View => ScalarValue::Utf8View(Some(TEXT.to_owned())).to_array().ok()?,
        Boolean | Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 | Float16 | Float32 | Float64
        | Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..) | Date32 | Date64 | Time32(_) | Time64(_)
        | Timestamp(..) | Binary | LargeBinary | BinaryView => {
            ScalarValue::new_default(data_type).ok()?.to_array().ok()?
        }
        FixedSizeBinary(length) => {
            let zeroes = Buffer::from(vec![0; usize::try_from(*length).ok()?]);
            Arc::new(FixedSizeBinaryArray::try_new(*length, zeroes, None).ok()?)
        }
        List(item) => {
            let items = new_empty_array(item.data_type());
            Arc::new(ListArray::try_new(item.clone(), OffsetBuffer::from_lengths([0]), items, None).ok()?)
        }
        LargeList(item) => {
            let items = new_empty_array(item.data_type());
            Arc::new(LargeListArray::try_new(item.clone(), OffsetBuffer::from_lengths([0]), items, None).ok()?)
        }
        Map(entry, sorted) => {
            let entries = new_empty_array(entry.data_type());
            let entries = entries.as_any().downcast_ref::<StructArray>()?.clone();
            Arc::new(MapArray::try_new(entry.clone(), OffsetBuffer::from_lengths([0]), entries, None, *sorted).ok()?)
        }
        Struct(fields) if !fields.is_empty() => {
            let columns = fields.iter().map(|field| row(field.data_type())).collect::<Option<Vec<_>>>()?;
            Arc::new(StructArray::try_new(fields.clone(), columns, None).ok()?)
        }
        _ => return None,
    })
}
