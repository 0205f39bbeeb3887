//! Batches on their way out: cast to the wire schema, cut to size, gathered to size.

use std::sync::Arc;

use datafusion::arrow::{
    array::{
        Array, ArrayRef, AsArray, FixedSizeListArray, GenericListArray, MapArray, OffsetSizeTrait, RecordBatch,
        RecordBatchOptions, StructArray, UnionArray,
    },
    compute::{CastOptions, cast_with_options, concat_batches},
    datatypes::{BinaryViewType, ByteViewType, DataType, FieldRef, SchemaRef, StringViewType},
    error::ArrowError,
};

/// What one message aims to hold, in bytes. gRPC clients decode 4 MiB by default; half of it leaves room for rows of
/// uneven size.
pub(crate) const MESSAGE_TARGET: usize = 2 << 20;
/// From how many bytes on gathered batches are worth a message.
const MESSAGE_FLOOR: usize = 1 << 20;

/// The batch under `schema`, whose types are the wire's. Copies what is a view, so that nothing but the rows' own
/// bytes is left (arrow-ipc writes *all* buffers of a view array).
pub(crate) fn cast_to(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| cast_array(column, field.data_type()))
        .collect::<Result<_, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns, &options)
}

/// Nested types are rebuilt by hand: arrow's cast knows no unions, and does not carry a field's nullability.
fn cast_array(array: &ArrayRef, target: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == target {
        return Ok(array.clone());
    }
    Ok(match (array.data_type(), target) {
        (DataType::Dictionary(_, values), _) => cast_array(&plain_cast(array, values)?, target)?,
        (DataType::RunEndEncoded(_, values), _) => cast_array(&plain_cast(array, values.data_type())?, target)?,
        (DataType::ListView(items), DataType::List(_)) => {
            cast_array(&plain_cast(array, &DataType::List(items.clone()))?, target)?
        }
        (DataType::LargeListView(items), DataType::LargeList(_)) => {
            cast_array(&plain_cast(array, &DataType::LargeList(items.clone()))?, target)?
        }
        (DataType::List(_), DataType::List(items)) => cast_list::<i32>(array, items)?,
        (DataType::LargeList(_), DataType::LargeList(items)) => cast_list::<i64>(array, items)?,
        (DataType::FixedSizeList(..), DataType::FixedSizeList(items, size)) => {
            let list = array.as_fixed_size_list();
            let values = cast_array(list.values(), items.data_type())?;
            Arc::new(FixedSizeListArray::try_new(items.clone(), *size, values, list.nulls().cloned())?)
        }
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let group = array.as_struct();
            let columns = group
                .columns()
                .iter()
                .zip(fields)
                .map(|(column, field)| cast_array(column, field.data_type()))
                .collect::<Result<_, _>>()?;
            Arc::new(StructArray::try_new(fields.clone(), columns, group.nulls().cloned())?)
        }
        (DataType::Map(..), DataType::Map(entries, sorted)) => {
            let map = array.as_map();
            let pairs: ArrayRef = Arc::new(map.entries().clone());
            let pairs = cast_array(&pairs, entries.data_type())?.as_struct().clone();
            Arc::new(MapArray::try_new(entries.clone(), map.offsets().clone(), pairs, map.nulls().cloned(), *sorted)?)
        }
        (DataType::Union(..), DataType::Union(fields, _)) => {
            let union = array.as_union();
            let children = fields
                .iter()
                .map(|(id, field)| cast_array(union.child(id), field.data_type()))
                .collect::<Result<_, _>>()?;
            Arc::new(UnionArray::try_new(fields.clone(), union.type_ids().clone(), union.offsets().cloned(), children)?)
        }
        _ => plain_cast(array, target)?,
    })
}

fn cast_list<O: OffsetSizeTrait>(array: &ArrayRef, items: &FieldRef) -> Result<ArrayRef, ArrowError> {
    let list = array.as_list::<O>();
    let values = cast_array(list.values(), items.data_type())?;
    Ok(Arc::new(GenericListArray::<O>::try_new(items.clone(), list.offsets().clone(), values, list.nulls().cloned())?))
}

fn plain_cast(array: &ArrayRef, target: &DataType) -> Result<ArrayRef, ArrowError> {
    cast_with_options(array, target, &CastOptions { safe: false, ..CastOptions::default() })
}

/// The batch in pieces of about [`MESSAGE_TARGET`] bytes on the wire, by rows and without a copy.
pub(crate) fn pieces(batch: &RecordBatch) -> impl Iterator<Item = RecordBatch> + Send + use<> {
    let count = wire_size(batch).div_ceil(MESSAGE_TARGET).clamp(1, batch.num_rows().max(1));
    let rows = batch.num_rows().div_ceil(count).max(1);
    let batch = batch.clone();
    (0..batch.num_rows()).step_by(rows).map(move |start| batch.slice(start, rows.min(batch.num_rows() - start)))
}

/// About how many bytes the batch takes on the wire.
pub(crate) fn wire_size(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(array_size).sum()
}

fn array_size(array: &ArrayRef) -> usize {
    match array.data_type() {
        DataType::Utf8View => view_size::<StringViewType>(array),
        DataType::BinaryView => view_size::<BinaryViewType>(array),
        DataType::Struct(_) => array.as_struct().columns().iter().map(array_size).sum(),
        DataType::List(_) => list_size::<i32>(array),
        DataType::LargeList(_) => list_size::<i64>(array),
        DataType::Map(..) => {
            let map = array.as_map();
            let (start, end) = ends(map.offsets());
            let entries: ArrayRef = Arc::new(map.entries().slice(start, end - start));
            array_size(&entries) + 4 * array.len()
        }
        DataType::Dictionary(..) => {
            let values = array.as_any_dictionary().values();
            array.len() * (8 + array_size(values) / values.len().max(1))
        }
        _ => array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size()),
    }
}

fn view_size<V: ByteViewType>(array: &ArrayRef) -> usize {
    // The low half of a view's first word is the value's length.
    let bytes: usize = array.as_byte_view::<V>().views().iter().map(|view| (*view & 0xffff_ffff) as usize).sum();
    bytes + 4 * array.len()
}

fn list_size<O: OffsetSizeTrait>(array: &ArrayRef) -> usize {
    let list = array.as_list::<O>();
    let (start, end) = ends(list.offsets());
    array_size(&list.values().slice(start, end - start)) + size_of::<O>() * array.len()
}

fn ends<O: OffsetSizeTrait>(offsets: &[O]) -> (usize, usize) {
    match (offsets.first(), offsets.last()) {
        (Some(first), Some(last)) => (first.as_usize(), last.as_usize()),
        _ => (0, 0),
    }
}

/// Gathers small batches of one schema until they are worth a message.
pub(crate) struct Gathering {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    size: usize,
}

impl Gathering {
    pub(crate) fn new(schema: SchemaRef) -> Self {
        Self { schema, batches: Vec::new(), size: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Takes a batch; answers what is worth sending now.
    pub(crate) fn push(&mut self, batch: RecordBatch) -> Result<Option<RecordBatch>, ArrowError> {
        let size = wire_size(&batch);
        if self.size + size > MESSAGE_TARGET && !self.is_empty() {
            let gathered = self.take()?;
            self.keep(batch, size);
            return Ok(gathered);
        }
        self.keep(batch, size);
        if self.size >= MESSAGE_FLOOR { self.take() } else { Ok(None) }
    }

    /// What was gathered.
    pub(crate) fn take(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        self.size = 0;
        let mut batches = std::mem::take(&mut self.batches);
        if batches.len() > 1 {
            return concat_batches(&self.schema, &batches).map(Some);
        }
        Ok(batches.pop())
    }

    fn keep(&mut self, batch: RecordBatch, size: usize) {
        if batch.num_rows() > 0 {
            self.size += size;
            self.batches.push(batch);
        }
    }
}
