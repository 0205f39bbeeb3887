//! Why a command ends without success, and the exit code that says so.

use std::{io, net::SocketAddr, path::PathBuf, process::ExitCode};

use meshgate_catalog::Report;
use meshgate_query::QueryError;

use crate::{logging, report};

/// A [`std::result::Result`] of the command line.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a command ended without success.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line is wrong in a way that its grammar can't tell.
    #[error("{0}")]
    Usage(String),
    /// The configuration file is wrong.
    #[error(transparent)]
    Configuration(#[from] crate::config::Error),
    /// A secret's file is wrong.
    #[error(transparent)]
    KeyFile(#[from] crate::key_file::Error),
    /// The catalog or the users file does not load.
    #[error("`{}` does not load", .path.display())]
    Catalog {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong in it.
        report: Report,
    },
    /// `meshgate lint` found errors; they are printed already.
    #[error("the catalog has errors")]
    Lint,
    /// A query failed.
    #[error("{error}")]
    Query {
        /// What to tell the caller.
        error: QueryError,
        /// The id in the log, once the query has one.
        query_id: Option<String>,
    },
    /// The address can't be listened on.
    #[error("can't listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// The endpoint failed.
    #[error(transparent)]
    Server(#[from] meshgate_flight::Error),
    /// Something of the operating system failed.
    #[error("{doing}")]
    Io {
        /// What was being done, with its object.
        doing: String,
        /// The cause.
        source: io::Error,
    },
    /// Rows can't be printed in the format asked for.
    #[error("the rows can't be printed: {0}")]
    Output(#[from] datafusion::arrow::error::ArrowError),
    /// The demo can't be built.
    #[error("{0}")]
    Demo(String),
    /// Interrupted from the keyboard.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// An [`Error::Io`] with what was being done.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// Tells it on standard error; the exit code to end with.
    pub(crate) fn report(&self) -> ExitCode {
        if self.is_closed_pipe() {
            return ExitCode::SUCCESS;
        }
        let mut text = format!("error: {self}\n");
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(&format!("  because: {error}\n"));
            cause = error.source();
        }
        match self {
            Self::Catalog { report, path } => {
                text.push_str(&report::render(report, path, logging::may_colour(&std::io::stderr())))
            }
            Self::Query { query_id: Some(query_id), .. } => text.push_str(&format!("query id: {query_id}\n")),
            _ => {}
        }
        logging::tell(&text);
        ExitCode::from(self.exit_code())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Configuration(_) | Self::KeyFile(_) => 2,
            Self::Interrupted => 130,
            _ => 1,
        }
    }

    /// Whether the reader of standard output went away (`meshgate query … | head`), which is no failure.
    fn is_closed_pipe(&self) -> bool {
        use datafusion::arrow::error::ArrowError;
        match self {
            Self::Io { source, .. } => source.kind() == io::ErrorKind::BrokenPipe,
            Self::Output(ArrowError::IoError(_, source)) => source.kind() == io::ErrorKind::BrokenPipe,
            Self::Output(ArrowError::CsvError(text)) => text.contains("Broken pipe"),
            _ => false,
        }
    }
}
