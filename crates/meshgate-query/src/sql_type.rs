//! Arrow types under the names that SQL has for them.

use datafusion::arrow::datatypes::{DataType, TimeUnit};

/// A type as `information_schema.columns` describes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SqlType {
    /// A name that CAST takes, where there is one.
    pub(crate) name: String,
    /// Digits, or bits of a binary number.
    pub(crate) precision: Option<i32>,
    /// 10 for digits, 2 for bits.
    pub(crate) radix: Option<i32>,
    /// Digits after the point.
    pub(crate) scale: Option<i32>,
    /// Digits of a second's fraction.
    pub(crate) datetime_precision: Option<i32>,
}

impl SqlType {
    /// The SQL side of `data_type`.
    pub(crate) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::plain("BOOLEAN"),
            DataType::Int8 => Self::number("TINYINT", 8),
            DataType::Int16 => Self::number("SMALLINT", 16),
            DataType::Int32 => Self::number("INTEGER", 32),
            DataType::Int64 => Self::number("BIGINT", 64),
            DataType::UInt8 => Self::number("TINYINT UNSIGNED", 8),
            DataType::UInt16 => Self::number("SMALLINT UNSIGNED", 16),
            DataType::UInt32 => Self::number("INTEGER UNSIGNED", 32),
            DataType::UInt64 => Self::number("BIGINT UNSIGNED", 64),
            DataType::Float16 | DataType::Float32 => Self::number("REAL", 24),
            DataType::Float64 => Self::number("DOUBLE", 53),
            DataType::Decimal32(precision, scale)
            | DataType::Decimal64(precision, scale)
            | DataType::Decimal128(precision, scale)
            | DataType::Decimal256(precision, scale) => Self {
                precision: Some(i32::from(*precision)),
                radix: Some(10),
                scale: Some(i32::from(*scale)),
                ..Self::plain(&format!("DECIMAL({precision},{scale})"))
            },
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::plain("VARCHAR"),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                Self::plain("VARBINARY")
            }
            DataType::Date32 | DataType::Date64 => Self { datetime_precision: Some(0), ..Self::plain("DATE") },
            DataType::Time32(unit) | DataType::Time64(unit) => Self::time("TIME", *unit),
            DataType::Timestamp(unit, None) => Self::time("TIMESTAMP", *unit),
            DataType::Timestamp(unit, Some(_)) => Self::time("TIMESTAMP WITH TIME ZONE", *unit),
            DataType::Interval(_) | DataType::Duration(_) => Self::plain("INTERVAL"),
            DataType::Dictionary(_, values) => Self::of(values),
            DataType::RunEndEncoded(_, values) => Self::of(values.data_type()),
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::LargeListView(item)
            | DataType::FixedSizeList(item, _) => Self::plain(&format!("{} ARRAY", Self::of(item.data_type()).name)),
            DataType::Struct(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|field| format!("{} {}", field.name(), Self::of(field.data_type()).name))
                    .collect();
                Self::plain(&format!("STRUCT({})", fields.join(", ")))
            }
            DataType::Map(_, _) => Self::plain("MAP"),
            DataType::Null => Self::plain("NULL"),
            DataType::Union(_, _) => Self::plain("UNION"),
        }
    }

    fn plain(name: &str) -> Self {
        Self { name: name.to_owned(), precision: None, radix: None, scale: None, datetime_precision: None }
    }

    fn number(name: &str, bits: i32) -> Self {
        Self { precision: Some(bits), radix: Some(2), ..Self::plain(name) }
    }

    fn time(name: &str, unit: TimeUnit) -> Self {
        let digits = match unit {
            TimeUnit::Second => 0,
            TimeUnit::Millisecond => 3,
            TimeUnit::Microsecond => 6,
            TimeUnit::Nanosecond => 9,
        };
        Self { datetime_precision: Some(digits), ..Self::plain(name) }
    }
}
