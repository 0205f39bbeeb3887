//! What a caller is told when a query fails.

use meshgate_catalog::TableName;

/// A [`std::result::Result`] of this crate.
pub type Result<T, E = QueryError> = std::result::Result<T, E>;

/// A query's failure, in words for the person at their desk. Nothing in it was read below a security barrier.
#[derive(Debug, Clone, thiserror::Error)]
pub enum QueryError {
    /// The text is not SQL that meshgate reads, or does not plan.
    #[error("{0}")]
    Invalid(String),
    /// A domain, product, table or column that does not exist, or that the caller may not discover.
    #[error("{0}")]
    NotFound(String),
    /// A discoverable thing that the caller may not read.
    #[error("{0}")]
    Denied(String),
    /// A statement or feature that is not offered.
    #[error("{0}")]
    Unsupported(String),
    /// The query exceeded its budget, or there was no place for it.
    #[error("{0}")]
    ResourcesExhausted(String),
    /// A store does not answer, or a table's files are gone or broken; the rest of the mesh works.
    #[error("{message}")]
    Unavailable {
        /// The table.
        table: TableName,
        /// What to tell the caller.
        message: String,
    },
    /// The caller cancelled.
    #[error("the query was cancelled")]
    Cancelled,
    /// The caller's deadline passed.
    #[error("the query ran longer than its deadline")]
    DeadlineExceeded,
    /// A fault of meshgate, outside of any query.
    #[error("internal error; ask the platform team")]
    Internal,
    /// A fault of meshgate; the log has the text under this query's id.
    #[error("internal error; ask the platform team, naming query {query_id}")]
    InternalIn {
        /// The query's id.
        query_id: String,
    },
}

/// The class of a failure, one to one with a gRPC code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Code {
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unimplemented,
    ResourceExhausted,
    Unavailable,
    Cancelled,
    DeadlineExceeded,
    Internal,
}

impl QueryError {
    /// The class of this failure.
    pub fn code(&self) -> Code {
        match self {
            Self::Invalid(_) => Code::InvalidArgument,
            Self::NotFound(_) => Code::NotFound,
            Self::Denied(_) => Code::PermissionDenied,
            Self::Unsupported(_) => Code::Unimplemented,
            Self::ResourcesExhausted(_) => Code::ResourceExhausted,
            Self::Unavailable { .. } => Code::Unavailable,
            Self::Cancelled => Code::Cancelled,
            Self::DeadlineExceeded => Code::DeadlineExceeded,
            Self::Internal | Self::InternalIn { .. } => Code::Internal,
        }
    }

    /// The same failure; an internal one names the query that it happened in.
    pub(crate) fn identified(self, query_id: &str) -> Self {
        match self {
            Self::Internal => Self::InternalIn { query_id: query_id.to_owned() },
            error => error,
        }
    }
}
