//! XdbcTypeInfo: the types that a statement may cast to, by ODBC's and JDBC's codes.

use std::sync::LazyLock;

use arrow_flight::sql::{
    Nullable, Searchable, XdbcDataType, XdbcDatetimeSubcode,
    metadata::{XdbcTypeInfo, XdbcTypeInfoData, XdbcTypeInfoDataBuilder},
};
use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, IntervalUnit, TimeUnit};
use tonic::Status;

use crate::{status::internal, wire::SqlType};

/// The types.
pub(crate) fn data() -> Result<&'static XdbcTypeInfoData, Status> {
    static DATA: LazyLock<Option<XdbcTypeInfoData>> = LazyLock::new(|| {
        let mut builder = XdbcTypeInfoDataBuilder::new();
        types().iter().map(describe).for_each(|info| builder.append(info));
        builder.build().ok()
    });
    DATA.as_ref().ok_or_else(|| internal("XdbcTypeInfo could not be built"))
}

fn types() -> Vec<DataType> {
    let precision = DECIMAL128_MAX_PRECISION;
    vec![
        DataType::Boolean,
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
        DataType::Float32,
        DataType::Float64,
        DataType::Decimal128(precision, 0),
        DataType::Utf8,
        DataType::Binary,
        DataType::Date32,
        DataType::Time64(TimeUnit::Nanosecond),
        DataType::Timestamp(TimeUnit::Nanosecond, None),
        DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        DataType::Interval(IntervalUnit::MonthDayNano),
    ]
}

fn describe(data_type: &DataType) -> XdbcTypeInfo {
    let sql_type = SqlType::of(data_type);
    let exact = data_type.is_integer() || data_type.is_decimal();
    let numeric = exact || data_type.is_floating();
    let (sql_data_type, datetime_subcode) = match data_type {
        DataType::Time64(_) => (XdbcDataType::XdbcDatetime, Some(XdbcDatetimeSubcode::XdbcSubcodeTime)),
        DataType::Timestamp(_, None) => (XdbcDataType::XdbcDatetime, Some(XdbcDatetimeSubcode::XdbcSubcodeTimestamp)),
        DataType::Timestamp(_, Some(_)) => {
            (XdbcDataType::XdbcDatetime, Some(XdbcDatetimeSubcode::XdbcSubcodeTimestampWithTimezone))
        }
        // ODBC's SQL_CODE_DATE and SQL_CODE_YEAR share the number 1.
        DataType::Date32 => (XdbcDataType::XdbcDatetime, Some(XdbcDatetimeSubcode::XdbcSubcodeYear)),
        _ => (sql_type.code, None),
    };
    let quoted = matches!(data_type, DataType::Utf8) || data_type.is_temporal();
    let (prefix, suffix) = match data_type {
        DataType::Binary => (Some("X'"), Some("'")),
        _ if quoted => (Some("'"), Some("'")),
        _ => (None, None),
    };
    XdbcTypeInfo {
        type_name: sql_type.name.to_owned(),
        data_type: sql_type.code,
        column_size: sql_type.precision.or(matches!(data_type, DataType::Utf8 | DataType::Binary).then_some(i32::MAX)),
        literal_prefix: prefix.map(str::to_owned),
        literal_suffix: suffix.map(str::to_owned),
        create_params: data_type.is_decimal().then(|| vec!["precision".to_owned(), "scale".to_owned()]),
        nullable: Nullable::NullabilityNullable,
        case_sensitive: matches!(data_type, DataType::Utf8),
        searchable: if matches!(data_type, DataType::Utf8) { Searchable::Full } else { Searchable::Basic },
        unsigned_attribute: numeric.then(|| data_type.is_unsigned_integer()),
        fixed_prec_scale: false,
        auto_increment: numeric.then_some(false),
        local_type_name: Some(sql_type.name.to_owned()),
        minimum_scale: (exact || sql_type.scale.is_some()).then_some(0),
        maximum_scale: if data_type.is_decimal() { sql_type.precision } else { sql_type.scale },
        sql_data_type,
        datetime_subcode,
        num_prec_radix: numeric.then_some(10),
        interval_precision: None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::{array::AsArray, datatypes::Int32Type};

    use super::*;

    #[test]
    fn all_types_or_those_of_one_code() {
        let all = data().unwrap().record_batch(None).unwrap();
        assert_eq!(all.num_rows(), types().len());
        let codes = all.column(1).as_primitive::<Int32Type>();
        assert!(codes.values().is_sorted());
        let bigints = data().unwrap().record_batch(XdbcDataType::XdbcBigint as i32).unwrap();
        let names: Vec<_> = bigints.column(0).as_string::<i32>().iter().flatten().collect();
        assert_eq!(names, ["BIGINT", "BIGINT UNSIGNED"]);
        assert_eq!(data().unwrap().record_batch(4711).unwrap().num_rows(), 0);
    }
}
