//! Parameters of prepared statements: what is advertised, and what becomes of what clients bind.

use std::{io::Cursor, sync::Arc};

use arrow_flight::FlightData;
use bytes::Bytes;
use datafusion::{
    arrow::{
        array::{Array, ArrayRef, RecordBatch, RecordBatchOptions},
        compute::{CastOptions, cast_with_options, kernels::cmp::not_distinct},
        datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit},
        ipc::{reader::StreamReader, root_as_message, writer::StreamWriter},
    },
    common::ScalarValue,
};
use tonic::Status;

use crate::{
    status::{encoding, internal},
    wire::{SqlType, wire_size, wire_type},
};

/// Bound rows travel in the handle and in tickets, and clients decode 4 MiB.
const LONGEST_PARAMETERS: usize = 3 << 20;
/// Each row is a run of the statement. Arrow also says "a billion NULLs" in a few bytes.
const MOST_ROWS: usize = 10_000;

/// The types that the statement's parameters have for the engine.
pub(crate) fn parameter_types(parameters: &[FieldRef]) -> SchemaRef {
    Arc::new(Schema::new(parameters.iter().map(|field| field.as_ref().clone().with_nullable(true)).collect::<Vec<_>>()))
}

/// What drivers are told of the parameters: nullable, of types that every driver writes. Times are milliseconds:
/// JDBC puts its milliseconds into whatever unit it finds, unscaled.
pub(crate) fn advertised(types: &Schema) -> Schema {
    let fields = types.fields().iter().map(|field| {
        let data_type = match wire_type(field.data_type()) {
            DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Millisecond, zone),
            DataType::Time32(_) | DataType::Time64(_) => DataType::Time32(TimeUnit::Millisecond),
            DataType::Null => DataType::Utf8,
            other => other,
        };
        Field::new(field.name(), data_type, true)
    });
    Schema::new(fields.collect::<Vec<_>>())
}

/// Lets a message of bound rows through to Arrow's decoder, which allocates what a compressed buffer claims to hold.
pub(crate) fn admit(message: FlightData, size: &mut usize) -> Result<FlightData, Status> {
    *size += message.data_body.len();
    if *size > 2 * LONGEST_PARAMETERS {
        return Err(too_long());
    }
    let header = root_as_message(&message.data_header).ok();
    let rows = header.and_then(|header| {
        header.header_as_record_batch().or_else(|| header.header_as_dictionary_batch().and_then(|batch| batch.data()))
    });
    if rows.is_some_and(|rows| rows.compression().is_some()) {
        return Err(Status::invalid_argument("the bound parameters are compressed; send them as they are"));
    }
    Ok(message)
}

/// Bound rows, by position, as the engine's types, ready for a handle.
pub(crate) fn bind(batches: &[RecordBatch], types: &SchemaRef) -> Result<Bytes, Status> {
    let mut writer = StreamWriter::try_new(Vec::new(), types).map_err(encoding)?;
    if batches.iter().fold(0, |rows: usize, batch| rows.saturating_add(batch.num_rows())) > MOST_ROWS {
        return Err(Status::resource_exhausted(format!("more than {MOST_ROWS} rows are bound; bind fewer at once")));
    }
    // Before anything is converted: views of one long text may each become a text of their own.
    if batches.iter().map(wire_size).sum::<usize>() > LONGEST_PARAMETERS {
        return Err(too_long());
    }
    for batch in batches {
        if batch.num_columns() != types.fields().len() {
            return Err(wrong_count(types.fields().len(), batch.num_columns()));
        }
        let columns = batch
            .columns()
            .iter()
            .zip(types.fields())
            .enumerate()
            .map(|(position, (column, field))| convert(column, field.data_type(), position + 1))
            .collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let bound = RecordBatch::try_new_with_options(types.clone(), columns, &options).map_err(encoding)?;
        writer.write(&bound).map_err(encoding)?;
    }
    let bound = writer.into_inner().map_err(encoding)?;
    if bound.len() > LONGEST_PARAMETERS {
        return Err(too_long());
    }
    Ok(bound.into())
}

/// The rows of bound parameters, each as the engine takes it.
pub(crate) fn rows(bound: &Bytes) -> Result<Vec<Vec<ScalarValue>>, Status> {
    let unreadable = || internal("sealed parameters do not read");
    let mut rows = Vec::new();
    for batch in StreamReader::try_new(Cursor::new(bound), None).map_err(|_| unreadable())? {
        let batch = batch.map_err(|_| unreadable())?;
        for row in 0..batch.num_rows() {
            let values = batch.columns().iter().map(|column| ScalarValue::try_from_array(column, row));
            rows.push(values.collect::<Result<_, _>>().map_err(|_| unreadable())?);
        }
    }
    Ok(rows)
}

/// Too many bytes of parameters.
fn too_long() -> Status {
    Status::resource_exhausted("the bound parameters take more than 3 MiB; bind fewer rows at once")
}

/// A statement's parameters and the values given are not as many.
pub(crate) fn wrong_count(wanted: usize, given: usize) -> Status {
    let parameters = if wanted == 1 { "parameter" } else { "parameters" };
    Status::invalid_argument(format!("the statement takes {wanted} {parameters}, and {given} are bound"))
}

/// A bound column as its parameter's type. A number or time that would lose digits is refused, not rounded.
fn convert(column: &ArrayRef, target: &DataType, number: usize) -> Result<ArrayRef, Status> {
    if column.data_type() == target {
        return Ok(column.clone());
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let name = |data_type: &DataType| SqlType::of(data_type).name;
    let unfit = || {
        Status::invalid_argument(format!(
            "parameter ${number} takes {}, and the bound {} does not convert to it",
            name(target),
            name(column.data_type())
        ))
    };
    // Runs and dictionaries say much in little, and lists would become their texts.
    let compact = matches!(column.data_type(), DataType::Dictionary(..) | DataType::RunEndEncoded(..));
    if compact || (column.data_type().is_nested() && *column.data_type() != wire_type(target)) {
        return Err(unfit());
    }
    let converted = cast_with_options(column, target, &options).map_err(|_| unfit())?;
    let exact = target.is_integer() || target.is_decimal() || target.is_temporal();
    if exact && (column.data_type().is_numeric() || column.data_type().is_temporal()) {
        let back = cast_with_options(&converted, column.data_type(), &options).ok();
        let same = back.and_then(|back| not_distinct(&back, column).ok());
        if same.is_none_or(|same| same.true_count() < column.len()) {
            return Err(Status::invalid_argument(format!(
                "parameter ${number} takes {}, and the bound {} would lose digits; write `CAST(${number} AS …)` in the \
                 statement to give it another type",
                name(target),
                name(column.data_type())
            )));
        }
    }
    Ok(converted)
}

#[cfg(test)]
mod tests {
    use arrow_flight::encode::FlightDataEncoderBuilder;
    use datafusion::arrow::{
        array::{
            DictionaryArray, Float64Array, Int32Array, Int64Array, ListArray, NullArray, StringArray, StringViewArray,
            TimestampMicrosecondArray, TimestampMillisecondArray,
        },
        datatypes::Int32Type,
        ipc::{CompressionType, writer::IpcWriteOptions},
    };
    use futures::TryStreamExt;
    use proptest::prelude::*;

    use super::*;

    fn types(of: &[DataType]) -> SchemaRef {
        let fields: Vec<_> =
            of.iter().enumerate().map(|(i, t)| Arc::new(Field::new(format!("${}", i + 1), t.clone(), true))).collect();
        parameter_types(&fields)
    }

    fn batch(columns: Vec<ArrayRef>) -> RecordBatch {
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|column| ("", column, true))).unwrap()
    }

    fn bound(column: ArrayRef, target: DataType) -> Result<Vec<Vec<ScalarValue>>, Status> {
        rows(&bind(&[batch(vec![column])], &types(&[target]))?)
    }

    #[test]
    fn values_arrive_as_the_statements_types() {
        let bound = bind(
            &[batch(vec![
                Arc::new(Int64Array::from(vec![Some(7), None])),
                Arc::new(StringArray::from(vec!["2013-01-05", "2013-01-06"])),
                Arc::new(NullArray::new(2)),
            ])],
            &types(&[DataType::Int32, DataType::Date32, DataType::Utf8]),
        )
        .unwrap();
        assert_eq!(
            rows(&bound).unwrap(),
            vec![
                vec![ScalarValue::Int32(Some(7)), ScalarValue::Date32(Some(15710)), ScalarValue::Utf8(None)],
                vec![ScalarValue::Int32(None), ScalarValue::Date32(Some(15711)), ScalarValue::Utf8(None)],
            ]
        );
    }

    #[test]
    fn milliseconds_are_advertised_and_scaled_back() {
        let types = types(&[DataType::Timestamp(TimeUnit::Microsecond, None), DataType::Utf8View]);
        let told = advertised(&types);
        assert_eq!(told.field(0).data_type(), &DataType::Timestamp(TimeUnit::Millisecond, None));
        assert_eq!(told.field(1).data_type(), &DataType::Utf8);
        let rows = bound(
            Arc::new(TimestampMillisecondArray::from(vec![1_357_000_000_123])),
            DataType::Timestamp(TimeUnit::Microsecond, None),
        );
        assert_eq!(rows.unwrap(), vec![vec![ScalarValue::TimestampMicrosecond(Some(1_357_000_000_123_000), None)]]);
    }

    #[test]
    fn what_does_not_convert_is_refused_with_its_number() {
        let text = bound(Arc::new(StringArray::from(vec!["abc"])), DataType::Int32).unwrap_err();
        insta::assert_snapshot!(text.message(), @"parameter $1 takes INTEGER, and the bound VARCHAR does not convert to it");
        let half = bound(Arc::new(Float64Array::from(vec![1.5])), DataType::Int32).unwrap_err();
        insta::assert_snapshot!(half.message(), @"parameter $1 takes INTEGER, and the bound DOUBLE would lose digits; write `CAST($1 AS …)` in the statement to give it another type");
        assert!(bound(Arc::new(Float64Array::from(vec![2.0])), DataType::Int32).is_ok());
        assert!(bound(Arc::new(Int64Array::from(vec![i64::MAX])), DataType::Int32).is_err());
        let finer = Arc::new(TimestampMicrosecondArray::from(vec![1]));
        assert!(bound(finer, DataType::Timestamp(TimeUnit::Millisecond, None)).is_err());
        let count = bind(&[batch(vec![Arc::new(Int32Array::from(vec![1]))])], &types(&[])).unwrap_err();
        insta::assert_snapshot!(count.message(), @"the statement takes 0 parameters, and 1 are bound");
    }

    #[test]
    fn few_bytes_that_say_much_are_refused() {
        let nulls: ArrayRef = Arc::new(NullArray::new(1 << 60));
        assert_eq!(bound(nulls, DataType::Utf8).unwrap_err().code(), tonic::Code::ResourceExhausted);
        let long = "x".repeat(1 << 20);
        let same = StringViewArray::from_iter_values([long.as_str()]);
        let copies = StringViewArray::new(vec![same.views()[0]; 1_000].into(), same.data_buffers().to_vec(), None);
        assert_eq!(bound(Arc::new(copies), DataType::Utf8).unwrap_err().code(), tonic::Code::ResourceExhausted);
        let keys = DictionaryArray::<Int32Type>::from_iter(vec!["a"; 3]);
        assert_eq!(bound(Arc::new(keys), DataType::Utf8).unwrap_err().code(), tonic::Code::InvalidArgument);
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]);
        assert_eq!(bound(Arc::new(lists.clone()), DataType::Utf8).unwrap_err().code(), tonic::Code::InvalidArgument);
        assert!(bound(Arc::new(lists.clone()), lists.data_type().clone()).is_ok());
    }

    #[test]
    fn compressed_rows_are_refused_before_they_are_decoded() {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![7; 1_000]));
        let rows = batch(vec![column]);
        for (compression, admitted) in [(None, true), (Some(CompressionType::LZ4_FRAME), false)] {
            let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
            let stream = futures::stream::iter([Ok(rows.clone())]);
            let messages = FlightDataEncoderBuilder::new().with_options(options).build(stream);
            let messages: Vec<FlightData> = futures::executor::block_on(messages.try_collect()).unwrap();
            let mut size = 0;
            let outcome: Result<Vec<_>, _> = messages.into_iter().map(|message| admit(message, &mut size)).collect();
            assert_eq!(outcome.is_ok(), admitted);
        }
    }

    #[test]
    fn too_many_bytes_are_refused() {
        let long = Arc::new(StringArray::from(vec!["x".repeat(LONGEST_PARAMETERS + 1)]));
        assert_eq!(bound(long, DataType::Utf8).unwrap_err().code(), tonic::Code::ResourceExhausted);
    }

    proptest! {
        #[test]
        fn whole_numbers_survive_the_way_through_a_handle(values: Vec<Option<i64>>) {
            let read = bound(Arc::new(Int64Array::from(values.clone())), DataType::Int64).unwrap();
            let expected: Vec<_> = values.into_iter().map(|value| vec![ScalarValue::Int64(value)]).collect();
            prop_assert_eq!(read, expected);
        }
    }
}
