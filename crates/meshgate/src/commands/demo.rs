//! `meshgate demo`

use std::{
    io::{self, BufWriter, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::Args;
use etcetera::BaseStrategy;

use crate::{
    config::{DEFAULT_LISTEN, Settings},
    demo::{self, Progress},
    error::{Error, Result},
    gateway,
    logging::{self, LogFormat},
    report,
};

/// Build a real mesh of four domains and serve it on loopback.
///
/// The mesh is every flight that left New York City in 2013, with aircraft, weather and airports, as Delta and
/// Iceberg tables. It is built once, in seconds, from what the binary carries; nothing is downloaded.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  meshgate demo
  meshgate demo --once
  meshgate demo --dir /tmp/mesh --listen 127.0.0.1:4000

Users are owner, analyst, desk and newcomer; the password of each is `demo`.")]
pub(crate) struct Arguments {
    /// Where to build the mesh [default: `meshgate/demo` in the user's cache folder].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Ask the same questions as each user, print the answers, and end; nothing is served.
    #[arg(long, conflicts_with = "listen")]
    once: bool,
    /// Where to listen; loopback only, since everyone knows the passwords.
    #[arg(long, value_name = "ADDRESS", default_value_t = DEFAULT_LISTEN)]
    listen: SocketAddr,
}

/// Builds the mesh, then serves it until a signal, or gives the tour.
pub(crate) fn run(arguments: Arguments) -> Result<()> {
    if !arguments.listen.ip().is_loopback() {
        return Err(Error::Usage(format!(
            "`{}` is beyond loopback, and everyone knows the demo's passwords; listen on `{DEFAULT_LISTEN}`",
            arguments.listen
        )));
    }
    let folder = match arguments.dir {
        Some(folder) => folder,
        None => default_folder()?,
    };
    logging::start(LogFormat::Text, if arguments.once { "error" } else { "info" }).map_err(Error::Usage)?;
    let runtime = gateway::runtime()?;
    let demo = runtime.block_on(demo::build(&folder, |progress| logging::tell(&line(&progress))))?;
    if arguments.once {
        let mut output = BufWriter::new(io::stdout());
        runtime.block_on(demo::tour(&demo, &mut output))?;
        output.flush().map_err(Error::io("write the tour"))?;
        runtime.shutdown_background();
        return Ok(());
    }
    runtime.shutdown_background();

    let mut settings = Settings::of_catalog(demo.catalog());
    settings.listen = arguments.listen;
    let program = std::env::args_os().next().map_or_else(|| PathBuf::from("meshgate"), PathBuf::from);
    gateway::serve(&settings, |address| logging::tell(&demo::welcome(&demo, address, &program)))
}

fn default_folder() -> Result<PathBuf> {
    let strategy = etcetera::choose_base_strategy()
        .map_err(|error| Error::Usage(format!("there is no cache folder ({error}); name a folder with `--dir`")))?;
    Ok(strategy.cache_dir().join("meshgate").join("demo"))
}

/// A line for the person who waits.
fn line(progress: &Progress<'_>) -> String {
    let show = |folder: &Path| folder.display().to_string();
    match progress {
        Progress::Found { folder } => format!("the demo mesh is in {}\n", show(folder)),
        Progress::Building { folder } => format!("building the demo mesh in {}\n", show(folder)),
        Progress::Table { name, format, commits, files, rows, bytes, took } => format!(
            "  {:<32} {rows:>7} rows {files:>4} files {:>7.1} kB  {format}, {}  {:.1} s\n",
            name.to_string(),
            *bytes as f64 / 1e3,
            report::plural(*commits, "commit"),
            took.as_secs_f64()
        ),
        Progress::Built { took } => format!("built in {:.1} s\n", took.as_secs_f64()),
    }
}
