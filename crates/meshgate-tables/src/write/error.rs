//! Why a table can't be written.

use datafusion::arrow::error::ArrowError;
use parquet::errors::ParquetError;

/// Why a table can't be created or appended to.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The format has no such type.
    #[error("column `{column}` can't be written: {format} has no type for {data_type}; {hint}")]
    UnsupportedType {
        /// The column, dotted for nested fields.
        column: String,
        /// `Delta` or `Iceberg`.
        format: &'static str,
        /// The Arrow type.
        data_type: String,
        /// What to do.
        hint: &'static str,
    },
    /// The table's definition contradicts itself.
    #[error("the table can't be created: {0}")]
    Definition(String),
    /// The rows are not of the table's schema.
    #[error("the rows don't fit the table: {0}")]
    Rows(String),
    /// Something is there already.
    #[error("`{0}` already holds a table; choose another folder, or remove it first")]
    AlreadyExists(String),
    /// Another writer committed in between.
    #[error("another writer committed to `{0}` in between; create the writer again and repeat the append")]
    Conflict(String),
    /// The destination is not a place to write to.
    #[error("`{destination}` is not a place for a table: {reason}")]
    Destination {
        /// What was given.
        destination: String,
        /// Why it won't do.
        reason: String,
    },
    /// The store refused.
    #[error("the store refused")]
    Store(#[from] object_store::Error),
    /// Rows could not be rearranged or converted.
    #[error("the rows can't be converted")]
    Arrow(#[from] ArrowError),
    /// A Parquet file could not be encoded.
    #[error("a data file can't be encoded")]
    Parquet(#[from] ParquetError),
    /// The format's library refused.
    #[error("the {format} library refused the table or the commit")]
    Format {
        /// `Delta` or `Iceberg`.
        format: &'static str,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl WriteError {
    pub(super) fn delta(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Format { format: "Delta", source: source.into() }
    }

    pub(super) fn iceberg(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Format { format: "Iceberg", source: source.into() }
    }
}
