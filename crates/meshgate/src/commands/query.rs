//! `meshgate query`

use std::{
    io::{self, BufWriter, Read},
    path::PathBuf,
    sync::Arc,
};

use clap::Args;
use futures::StreamExt;
use meshgate_query::{QueryStream, TracingSink};

use crate::{
    config::Settings,
    embedded::Embedded,
    error::{Error, Result},
    gateway, key_file,
    logging::{self, LogFormat},
    output::{Format, Printer, Progress},
};

/// Run one query as a user of the catalog, without a server.
///
/// No password is asked: whoever can read the catalog and the data on this machine may say who they are. The policies
/// of that user hold all the same, so that a domain team sees what a consumer will see.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  meshgate query --catalog catalog --as analyst 'SELECT carrier, count(*) FROM operations.departures.flights GROUP BY 1'
  meshgate query --catalog catalog --as analyst --format csv - < query.sql > rows.csv
  meshgate query --catalog catalog --as analyst 'EXPLAIN SELECT tailnum FROM operations.departures.flights'

Exit codes: 0 all rows are printed, 1 the query failed, 2 the command line is wrong.")]
pub(crate) struct Arguments {
    /// The statement: SELECT, EXPLAIN, SHOW or DESCRIBE; `-` reads it from standard input.
    #[arg(value_name = "SQL")]
    sql: String,
    /// The catalog's folder.
    #[arg(long, value_name = "DIR")]
    catalog: PathBuf,
    /// The user who asks.
    #[arg(long = "as", value_name = "USER")]
    user: String,
    /// Users, groups, roles and attributes, instead of the catalog's `users.yaml`.
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// The key of the hash masks (mode 600); by default `../secrets/mask.key` seen from the catalog if it is there, else
    /// a random one.
    #[arg(long, value_name = "FILE")]
    mask_key_file: Option<PathBuf>,
    /// How rows are printed.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// The most rows that a table shows; 0 = all. JSON and CSV have all rows.
    #[arg(long, value_name = "N", default_value_t = 100)]
    max_rows: usize,
    /// What to log on standard error: `info` shows the query's record, too.
    #[arg(long, value_name = "LEVEL", default_value = "error")]
    log_level: String,
}

/// Runs the statement and prints its rows.
pub(crate) fn run(arguments: Arguments) -> Result<()> {
    logging::start(LogFormat::Text, &arguments.log_level).map_err(Error::Usage)?;
    let sql = statement(&arguments.sql)?;
    let mut settings = Settings::of_catalog(&arguments.catalog);
    settings.users = arguments.users.clone();
    settings.mask_key = arguments.mask_key_file.as_deref().map(key_file::read).transpose()?;

    let runtime = gateway::runtime()?;
    let (embedded, warnings) = Embedded::open(&settings, Arc::new(TracingSink))?;
    if !warnings.diagnostics.is_empty() {
        tracing::warn!("the catalog has {}; `meshgate lint` shows them", warnings.summary());
    }
    let principal = embedded.principal(&arguments.user)?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = async {
                let (query_id, rows) = embedded.run(&principal, &sql).await?;
                print(&arguments, &query_id, rows).await
            } => outcome,
            _ = tokio::signal::ctrl_c() => Err(Error::Interrupted),
        }
    });
    // Whatever a store still does in the background is of no use any more.
    runtime.shutdown_background();
    outcome
}

/// The statement itself, or what standard input says.
fn statement(argument: &str) -> Result<String> {
    if argument != "-" {
        return Ok(argument.to_owned());
    }
    let mut sql = String::new();
    io::stdin().lock().read_to_string(&mut sql).map_err(Error::io("read the statement from standard input"))?;
    Ok(sql)
}

async fn print(arguments: &Arguments, query_id: &str, mut rows: QueryStream) -> Result<()> {
    let most = if arguments.max_rows == 0 { usize::MAX } else { arguments.max_rows };
    let output = BufWriter::new(io::stdout());
    let mut printer = Printer::new(arguments.format, &rows.schema(), most, output)?;
    let mut more = false;
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(|error| Error::Query { error, query_id: Some(query_id.to_owned()) })?;
        if printer.write(&batch)? == Progress::Full {
            more = true;
            break;
        }
    }
    drop(rows);
    printer.finish()?;
    if more {
        logging::tell(&format!("the first {most} rows; `--max-rows 0` shows all\n"));
    }
    Ok(())
}
