//! The verbs.

mod hash_password;
mod lint;
mod query;
mod serve;

use clap::Subcommand;

use crate::error::Result;

/// What meshgate is asked to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve a catalog over Arrow Flight SQL.
    Serve(serve::Arguments),
    /// Run one query as a user of the catalog, without a server.
    Query(query::Arguments),
    /// Check a catalog: contracts, products, names, policies.
    Lint(lint::Arguments),
    /// Make the hash of a password, for `users.yaml`.
    HashPassword(hash_password::Arguments),
}

impl Command {
    /// Runs it to its end.
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::Serve(arguments) => serve::run(arguments),
            Self::Query(arguments) => query::run(arguments),
            Self::Lint(arguments) => lint::run(arguments),
            Self::HashPassword(arguments) => hash_password::run(arguments),
        }
    }
}
