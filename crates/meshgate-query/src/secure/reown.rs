//! Buffers that hold an array's values and nothing else.
//!
//! Arrow arrays are views over buffers: a slice, a filter or a mask leaves behind what it cut away, a NULL may lie over
//! a value, a bit beside the last one may be a neighbour's; and Arrow IPC sends it all. What crosses a barrier is made
//! anew here where it may carry such a thing.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{
            Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, FixedSizeBinaryArray, FixedSizeListArray,
            GenericByteViewArray, GenericByteViewBuilder, GenericListArray, MapArray, OffsetSizeTrait, PrimitiveArray,
            StructArray, UInt32Array, downcast_primitive_array, types::ByteViewType,
        },
        buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer},
        compute::{cast, nullif, take},
        datatypes::{BinaryViewType, DataType, StringViewType},
    },
    common::{Result, exec_err},
};

/// Whether [`reown`] knows the type.
pub(super) fn can_reown(data_type: &DataType) -> bool {
    use DataType::*;
    match data_type {
        Null | Boolean | Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView | FixedSizeBinary(_) => true,
        Dictionary(_, values) => can_reown(values),
        List(item) | LargeList(item) | FixedSizeList(item, _) | Map(item, _) => can_reown(item.data_type()),
        Struct(fields) => fields.iter().all(|field| can_reown(field.data_type())),
        other => other.is_primitive(),
    }
}

/// The same values in buffers of their own: no byte or bit in them belongs to a row that is not in `array`, or lies
/// under a NULL. Buffers that are all values already are shared.
pub(super) fn reown(array: &ArrayRef) -> Result<ArrayRef> {
    use DataType::*;
    downcast_primitive_array! {
        array => Ok(primitive(array)),
        Null => Ok(array.clone()),
        Boolean => Ok(boolean(array.as_boolean())),
        Utf8View => Ok(byte_view::<StringViewType>(array.as_byte_view())),
        BinaryView => Ok(byte_view::<BinaryViewType>(array.as_byte_view())),
        Utf8 | LargeUtf8 | Binary | LargeBinary => {
            let copied = take(array, &rows(array.len())?, None)?;
            Ok(with_fresh_nulls(&copied)?)
        }
        FixedSizeBinary(width) => fixed_size_binary(array.as_fixed_size_binary(), *width),
        // The order of a dictionary's values tells the order of rows: it is built anew from the rows that are here.
        Dictionary(_, values) => Ok(cast(&reown(&cast(array, values)?)?, array.data_type())?),
        Struct(_) => structure(array.as_struct()),
        List(_) => list::<i32>(array),
        LargeList(_) => list::<i64>(array),
        FixedSizeList(..) => fixed_size_list(array.as_fixed_size_list()),
        Map(..) => map(array),
        other => exec_err!("no safe copy of {other}"),
    }
}

/// What lies under a NULL becomes zero.
fn primitive<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>) -> ArrayRef {
    let Some(nulls) = array.nulls() else { return Arc::new(array.clone()) };
    let mut values = array.values().to_vec();
    for index in (!nulls.inner()).set_indices() {
        values[index] = T::Native::default();
    }
    let fresh = PrimitiveArray::<T>::new(ScalarBuffer::from(values), Some(fresh_nulls(nulls)));
    Arc::new(fresh.with_data_type(array.data_type().clone()))
}

fn boolean(array: &BooleanArray) -> ArrayRef {
    let Some(nulls) = array.nulls() else { return Arc::new(BooleanArray::new(fresh_bits(array.values()), None)) };
    let valid = nulls.inner().bit_chunks();
    let words: Vec<u64> = array
        .values()
        .bit_chunks()
        .iter_padded()
        .zip(valid.iter_padded())
        .map(|(value, valid)| value & valid)
        .collect();
    let values = BooleanBuffer::new(Buffer::from_vec(words), 0, array.len());
    Arc::new(BooleanArray::new(values, Some(fresh_nulls(nulls))))
}

fn byte_view<T: ByteViewType>(array: &GenericByteViewArray<T>) -> ArrayRef {
    if array.null_count() == 0 {
        return Arc::new(array.gc());
    }
    // A view under a NULL may hold a short value itself.
    let mut fresh = GenericByteViewBuilder::<T>::with_capacity(array.len());
    for value in array {
        fresh.append_option(value);
    }
    Arc::new(fresh.finish())
}

fn fixed_size_binary(array: &FixedSizeBinaryArray, width: i32) -> Result<ArrayRef> {
    let Some(nulls) = array.nulls() else { return Ok(Arc::new(array.clone())) };
    let mut values = Vec::with_capacity(array.len() * usize::try_from(width).unwrap_or_default());
    for index in 0..array.len() {
        match array.is_valid(index) {
            true => values.extend_from_slice(array.value(index)),
            false => values.resize(values.len() + usize::try_from(width).unwrap_or_default(), 0),
        }
    }
    Ok(Arc::new(FixedSizeBinaryArray::try_new(width, Buffer::from_vec(values), Some(fresh_nulls(nulls)))?))
}

/// A field's value under a NULL struct is hidden as well.
fn structure(array: &StructArray) -> Result<ArrayRef> {
    if array.columns().is_empty() {
        let nulls = array.nulls().map(fresh_nulls);
        return Ok(Arc::new(StructArray::new_empty_fields(array.len(), nulls)));
    }
    let columns = match array.nulls() {
        None => array.columns().iter().map(reown).collect::<Result<_>>()?,
        Some(nulls) => {
            let hidden = BooleanArray::new(!nulls.inner(), None);
            let hide = |column: &ArrayRef| reown(&nullif(column, &hidden)?);
            array.columns().iter().map(hide).collect::<Result<_>>()?
        }
    };
    Ok(Arc::new(StructArray::try_new(array.fields().clone(), columns, array.nulls().map(fresh_nulls))?))
}

fn list<O: OffsetSizeTrait>(array: &ArrayRef) -> Result<ArrayRef> {
    let copied = take(array, &rows(array.len())?, None)?;
    let copied = copied.as_list::<O>();
    let field = match array.data_type() {
        DataType::List(field) | DataType::LargeList(field) => field.clone(),
        other => return exec_err!("no items in {other}"),
    };
    let items = reown(copied.values())?;
    let nulls = copied.nulls().map(fresh_nulls);
    Ok(Arc::new(GenericListArray::<O>::try_new(field, copied.offsets().clone(), items, nulls)?))
}

fn fixed_size_list(array: &FixedSizeListArray) -> Result<ArrayRef> {
    let DataType::FixedSizeList(field, width) = array.data_type() else {
        return exec_err!("no items in {}", array.data_type());
    };
    let mut items = array.values().clone();
    if let Some(nulls) = array.nulls() {
        let width = usize::try_from(*width).unwrap_or_default();
        let hidden: BooleanBuffer = nulls.iter().flat_map(|valid| std::iter::repeat_n(!valid, width)).collect();
        items = nullif(&items, &BooleanArray::new(hidden, None))?;
    }
    let items = reown(&items)?;
    let nulls = array.nulls().map(fresh_nulls);
    Ok(Arc::new(FixedSizeListArray::try_new_with_length(field.clone(), *width, items, nulls, array.len())?))
}

fn map(array: &ArrayRef) -> Result<ArrayRef> {
    let DataType::Map(entry, sorted) = array.data_type() else {
        return exec_err!("no entries in {}", array.data_type());
    };
    let copied = take(array, &rows(array.len())?, None)?;
    let copied: &MapArray = copied.as_map();
    let entries = structure(copied.entries())?;
    let nulls = copied.nulls().map(fresh_nulls);
    let entries = entries.as_struct().clone();
    Ok(Arc::new(MapArray::try_new(entry.clone(), copied.offsets().clone(), entries, nulls, *sorted)?))
}

fn rows(length: usize) -> Result<UInt32Array> {
    match u32::try_from(length) {
        Ok(length) => Ok(UInt32Array::from_iter_values(0..length)),
        Err(_) => exec_err!("a batch of {length} rows is too long"),
    }
}

fn with_fresh_nulls(array: &ArrayRef) -> Result<ArrayRef> {
    match array.nulls() {
        None => Ok(array.clone()),
        // `nullif` makes the bits anew, whole words with nothing beyond the last row.
        Some(nulls) => Ok(nullif(array, &BooleanArray::new(!&fresh_bits(nulls.inner()), None))?),
    }
}

fn fresh_nulls(nulls: &NullBuffer) -> NullBuffer {
    NullBuffer::new(fresh_bits(nulls.inner()))
}

fn fresh_bits(bits: &BooleanBuffer) -> BooleanBuffer {
    let words: Vec<u64> = bits.bit_chunks().iter_padded().collect();
    BooleanBuffer::new(Buffer::from_vec(words), 0, bits.len())
}

#[cfg(test)]
mod tests;
