//! The project's own commands: `cargo xtask test` runs every test there is, real clients included.
//!
//! The standard library alone, so that it is there in a second.

mod clients;
mod junit;
mod process;
mod publish;
mod server;
mod suite;
mod tally;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask test [--require-clients] [--all] [--only STEP]...

Runs the Rust tests, the README's steps, and the real clients (Python with ADBC, Java with JDBC) against a demo mesh
that it starts and stops itself. Ends with one line: `N passed, N failed, N skipped`.

  --require-clients   a missing Python or Java is an error, not a skip
  --all               the slow Rust tests (`#[ignore]`) too
  --only STEP         that step alone: rust, publish, python, jdbc, contracts, examples";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match suite::Options::parse(&arguments) {
        Ok(Some(options)) => suite::run(&options),
        Ok(None) => {
            process::say(HELP);
            ExitCode::SUCCESS
        }
        Err(message) => {
            process::complain(&format!("error: {message}\n\n{HELP}"));
            ExitCode::from(2)
        }
    }
}
