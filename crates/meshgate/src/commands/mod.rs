//! The verbs.

mod demo;
mod hash_password;
mod lint;
mod query;
mod serve;

use clap::Subcommand;

use crate::error::Result;

/// What meshgate is asked to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Build a real mesh of four domains and serve it on loopback.
    Demo(demo::Arguments),
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
            Self::Demo(arguments) => demo::run(arguments),
            Self::Serve(arguments) => serve::run(arguments),
            Self::Query(arguments) => query::run(arguments),
            Self::Lint(arguments) => lint::run(arguments),
            Self::HashPassword(arguments) => hash_password::run(arguments),
        }
    }
}
