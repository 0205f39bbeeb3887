//! meshgate: one governed SQL endpoint over the data products of many domains.
//!
//! This crate is the command line: it reads configuration and environment, and wires the other crates, which take
//! plain `Config`s. Begin at [`commands`]: one file a verb.

mod commands;
mod config;
mod demo;
mod embedded;
mod error;
mod gateway;
mod key_file;
mod logging;
mod output;
mod report;

use std::process::ExitCode;

use clap::Parser;

use crate::commands::Command;

/// One governed SQL endpoint over the data products of many domains.
///
/// Names are `domain.product.table`; what the caller may not see never leaves the plan.
#[derive(Debug, Parser)]
#[command(
    name = "meshgate",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "\
Exit codes: 0 it worked, 1 it failed (a query, a lint, a server), 2 the command line or the configuration is wrong.
Data goes to standard output, everything else to standard error."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    logging::withhold_panic_texts();
    match Arguments::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}
