//! Why a location can't be read, before it is known which table asked.

use std::{error::Error as StdError, fmt, sync::Arc};

use meshgate_catalog::TableName;

use crate::Error;

/// A cause that several waiting callers can share.
pub(crate) type Cause = Arc<dyn StdError + Send + Sync>;

/// [`Error`] without the table's name: what loaders and caches, which know locations only, return.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Something that should be in the store is not.
    Missing { what: String, source: Option<Cause> },
    /// The store does not answer, or refuses.
    Unavailable { source: Cause },
    /// Metadata or data are not what the format says.
    Corrupt { what: String, source: Option<Cause> },
    /// A feature of the format that can't be read.
    Unsupported { feature: String },
    /// The configuration is wrong.
    Configuration(String),
}

impl Fault {
    pub(crate) fn missing(what: impl Into<String>) -> Self {
        Self::Missing { what: what.into(), source: None }
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into(), source: None }
    }

    pub(crate) fn corrupt_by(what: impl Into<String>, source: impl StdError + Send + Sync + 'static) -> Self {
        Self::Corrupt { what: what.into(), source: Some(Arc::new(source)) }
    }

    pub(crate) fn unsupported(feature: impl Into<String>) -> Self {
        Self::Unsupported { feature: feature.into() }
    }

    /// A store's error about `what`, which stands in a sentence like `{what} is missing`.
    pub(crate) fn store(what: &str, error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => {
                Self::Missing { what: what.to_owned(), source: Some(Arc::new(error)) }
            }
            error => Self::Unavailable { source: Arc::new(error) },
        }
    }

    /// What an error of a reading library says about `what`: a store's error is found in its chain of causes.
    pub(crate) fn library(what: &str, error: impl StdError + Send + Sync + 'static) -> Self {
        let found = find_store_error(&error);
        match found {
            Some(StoreError::NotFound) => Self::Missing { what: what.to_owned(), source: Some(Arc::new(error)) },
            Some(StoreError::Other) => Self::Unavailable { source: Arc::new(error) },
            None => Self::Corrupt { what: format!("{what} is damaged"), source: Some(Arc::new(error)) },
        }
    }

    /// The error that names the table.
    pub(crate) fn of(self, table: &TableName) -> Error {
        let table = table.clone();
        let boxed = |source: Cause| Box::new(source) as Box<dyn StdError + Send + Sync>;
        match self {
            Self::Missing { what, source } => Error::Missing { table, what, source: source.map(boxed) },
            Self::Unavailable { source } => Error::Unavailable { table, source: boxed(source) },
            Self::Corrupt { what, source } => Error::Corrupt { table, what, source: source.map(boxed) },
            Self::Unsupported { feature } => Error::Unsupported { table, feature },
            Self::Configuration(text) => Error::Configuration(text),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { what, .. } => write!(formatter, "{what} is missing"),
            Self::Unavailable { .. } => formatter.write_str("the store does not answer"),
            Self::Corrupt { what, .. } => formatter.write_str(what),
            Self::Unsupported { feature } => write!(formatter, "{feature} can't be read"),
            Self::Configuration(text) => formatter.write_str(text),
        }
    }
}

impl StdError for Fault {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Missing { source, .. } | Self::Corrupt { source, .. } => {
                source.as_ref().map(|source| source as &(dyn StdError + 'static))
            }
            Self::Unavailable { source } => Some(source as &(dyn StdError + 'static)),
            Self::Unsupported { .. } | Self::Configuration(_) => None,
        }
    }
}

enum StoreError {
    NotFound,
    Other,
}

fn find_store_error(error: &(dyn StdError + 'static)) -> Option<StoreError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(store) = error.downcast_ref::<object_store::Error>() {
            return Some(match store {
                object_store::Error::NotFound { .. } => StoreError::NotFound,
                _ => StoreError::Other,
            });
        }
        next = error.source();
    }
    None
}
