//! The SQL type of a column: its name, precision and scale, and the metadata keys under which drivers look for them.

use std::collections::HashMap;

use arrow_flight::sql::XdbcDataType;
use datafusion::arrow::datatypes::{DataType, IntervalUnit, TimeUnit};

/// A type by the name that SQL casts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SqlType {
    /// For instance `BIGINT`.
    pub(crate) name: &'static str,
    /// The ODBC and JDBC type code nearest to it.
    pub(crate) code: XdbcDataType,
    /// Decimal digits, or characters of a date or time.
    pub(crate) precision: Option<i32>,
    /// Digits after the point.
    pub(crate) scale: Option<i32>,
}

impl SqlType {
    /// The SQL type of a wire type.
    pub(crate) fn of(data_type: &DataType) -> Self {
        use XdbcDataType::*;
        let plain = |name, code| Self { name, code, precision: None, scale: None };
        let digits = |name, code, precision| Self { name, code, precision: Some(precision), scale: Some(0) };
        match data_type {
            DataType::Null => plain("NULL", XdbcUnknownType),
            DataType::Boolean => digits("BOOLEAN", XdbcBit, 1),
            DataType::Int8 => digits("TINYINT", XdbcTinyint, 3),
            DataType::Int16 => digits("SMALLINT", XdbcSmallint, 5),
            DataType::Int32 => digits("INTEGER", XdbcInteger, 10),
            DataType::Int64 => digits("BIGINT", XdbcBigint, 19),
            DataType::UInt8 => digits("TINYINT UNSIGNED", XdbcTinyint, 3),
            DataType::UInt16 => digits("SMALLINT UNSIGNED", XdbcSmallint, 5),
            DataType::UInt32 => digits("INTEGER UNSIGNED", XdbcInteger, 10),
            DataType::UInt64 => digits("BIGINT UNSIGNED", XdbcBigint, 20),
            DataType::Float16 | DataType::Float32 => Self { precision: Some(7), ..plain("REAL", XdbcReal) },
            DataType::Float64 => Self { precision: Some(15), ..plain("DOUBLE", XdbcDouble) },
            DataType::Decimal32(precision, scale)
            | DataType::Decimal64(precision, scale)
            | DataType::Decimal128(precision, scale)
            | DataType::Decimal256(precision, scale) => Self {
                name: "DECIMAL",
                code: XdbcDecimal,
                precision: Some(i32::from(*precision)),
                scale: Some(i32::from(*scale)),
            },
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => plain("VARCHAR", XdbcVarchar),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => plain("VARBINARY", XdbcVarbinary),
            DataType::FixedSizeBinary(size) => Self { precision: Some(*size), ..plain("BINARY", XdbcBinary) },
            DataType::Date32 | DataType::Date64 => Self { precision: Some(10), ..plain("DATE", XdbcDate) },
            DataType::Time32(unit) | DataType::Time64(unit) => moment("TIME", XdbcTime, 8, *unit),
            DataType::Timestamp(unit, None) => moment("TIMESTAMP", XdbcTimestamp, 19, *unit),
            DataType::Timestamp(unit, Some(_)) => moment("TIMESTAMP WITH TIME ZONE", XdbcTimestamp, 19, *unit),
            DataType::Duration(_) => plain("DURATION", XdbcInterval),
            DataType::Interval(IntervalUnit::YearMonth) => plain("INTERVAL YEAR TO MONTH", XdbcInterval),
            DataType::Interval(IntervalUnit::DayTime) => plain("INTERVAL DAY TO SECOND", XdbcInterval),
            DataType::Interval(IntervalUnit::MonthDayNano) => plain("INTERVAL", XdbcInterval),
            DataType::List(_)
            | DataType::LargeList(_)
            | DataType::FixedSizeList(..)
            | DataType::ListView(_)
            | DataType::LargeListView(_) => plain("ARRAY", XdbcUnknownType),
            DataType::Struct(_) => plain("STRUCT", XdbcUnknownType),
            DataType::Map(..) => plain("MAP", XdbcUnknownType),
            DataType::Union(..) => plain("UNION", XdbcUnknownType),
            DataType::Dictionary(_, values) => Self::of(values),
            DataType::RunEndEncoded(_, values) => Self::of(values.data_type()),
        }
    }
}

/// A time of day or a timestamp: `length` characters, and a point with the unit's digits.
fn moment(name: &'static str, code: XdbcDataType, length: i32, unit: TimeUnit) -> SqlType {
    let scale = match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    };
    let precision = if scale == 0 { length } else { length + 1 + scale };
    SqlType { name, code, precision: Some(precision), scale: Some(scale) }
}

/// Where a column stands, which decides what is told of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ColumnPlace<'a> {
    /// In the answer of a query, which does not say whence it came.
    Answer,
    /// In a table.
    Table {
        /// The domain.
        catalog: &'a str,
        /// The product.
        schema: &'a str,
        /// The table.
        table: &'a str,
        /// What the contract says of the column. In an answer it would become the column's label in JDBC.
        remarks: &'a str,
    },
}

/// The keys of Flight SQL's column metadata
/// (https://arrow.apache.org/docs/format/FlightSql.html#flight-sql-metadata). Drivers differ in the key of the
/// schema's name: both are there.
pub(crate) fn column_metadata(data_type: &DataType, place: ColumnPlace<'_>) -> HashMap<String, String> {
    let sql_type = SqlType::of(data_type);
    let text = matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let mut metadata = HashMap::new();
    let mut tell = |key: &str, value: &str| metadata.insert(format!("ARROW:FLIGHT:SQL:{key}"), value.to_owned());
    tell("TYPE_NAME", sql_type.name);
    if let Some(precision) = sql_type.precision {
        tell("PRECISION", &precision.to_string());
    }
    if let Some(scale) = sql_type.scale {
        tell("SCALE", &scale.to_string());
    }
    tell("IS_AUTO_INCREMENT", "0");
    tell("IS_CASE_SENSITIVE", if text { "1" } else { "0" });
    tell("IS_READ_ONLY", "1");
    tell("IS_SEARCHABLE", "1");
    if let ColumnPlace::Table { catalog, schema, table, remarks } = place {
        tell("CATALOG_NAME", catalog);
        tell("DB_SCHEMA_NAME", schema);
        tell("SCHEMA_NAME", schema);
        tell("TABLE_NAME", table);
        if !remarks.is_empty() {
            tell("REMARKS", remarks);
        }
    }
    metadata
}
