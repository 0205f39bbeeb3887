//! Why a configuration file is refused, and in which line.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde_saphyr::{Location, Spanned};

/// Why a configuration file is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It can't be read.
    #[error("the configuration `{}` can't be read", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It says something that is wrong.
    #[error("{}:{line}:{column}: {message}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
        /// What is wrong, and what to do.
        message: String,
    },
    /// A secret's file is wrong.
    #[error(transparent)]
    KeyFile(#[from] crate::key_file::Error),
}

impl Error {
    /// What the YAML reader found.
    pub(super) fn yaml(path: &Path, error: &serde_saphyr::Error) -> Self {
        let location = error.location().unwrap_or(Location::UNKNOWN);
        let text = error.without_snippet().to_string();
        // The reader ends its text with the place, which stands before it here.
        let message = match text.rfind(" at line ") {
            Some(end) => text[..end].to_owned(),
            None => text,
        };
        Self::Invalid { path: path.to_owned(), line: location.line(), column: location.column(), message }
    }
}

/// A place in the file, to which an error is tied.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    path: &'a Path,
    location: Location,
}

impl<'a> Place<'a> {
    pub(super) fn new<T>(path: &'a Path, value: &Spanned<T>) -> Self {
        Self { path, location: value.referenced }
    }

    pub(super) fn error(self, message: impl Into<String>) -> Error {
        Error::Invalid {
            path: self.path.to_owned(),
            line: self.location.line(),
            column: self.location.column(),
            message: message.into(),
        }
    }
}
