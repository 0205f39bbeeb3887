//! What can go wrong between a location and a scan.

use meshgate_catalog::TableName;

/// A [`std::result::Result`] of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a table can't be read. Every message names the table; paths and causes are in the source, for the operator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store answered that there is no such table, or files that its log names are gone.
    #[error("table `{table}` can't be read: {what} is missing; ask its owner, or check the contract's `servers`")]
    Missing {
        /// The table.
        table: TableName,
        /// What is missing, without a path.
        what: String,
        /// The cause.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The store can't be reached, or refuses the credentials.
    #[error("table `{table}` can't be read now: its store does not answer; try again, or ask its owner")]
    Unavailable {
        /// The table.
        table: TableName,
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The table's metadata or data is not what its format says.
    #[error("table `{table}` can't be read: {what}")]
    Corrupt {
        /// The table.
        table: TableName,
        /// What is wrong, without a path or a value.
        what: String,
        /// The cause.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The table uses a feature of its format that is not supported.
    #[error("table `{table}` needs {feature}, which meshgate can't read")]
    Unsupported {
        /// The table.
        table: TableName,
        /// The feature by its name in the format's specification.
        feature: String,
    },
    /// The configuration is wrong.
    #[error("{0}")]
    Configuration(String),
}
