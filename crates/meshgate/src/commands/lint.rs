//! `meshgate lint`

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
};

use clap::{Args, ValueEnum};
use meshgate_catalog::{CatalogSnapshot, Report};
use meshgate_policy::Policies;

use crate::{
    error::{Error, Result},
    logging, report,
};

/// Check a catalog: contracts, products, names, policies.
///
/// Each finding names the file, the line and what to do. Errors keep the catalog from loading, warnings don't.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  meshgate lint catalog
  meshgate lint catalog --format json | jq -r .rule

Exit codes: 0 no errors, 1 errors, 2 the folder does not exist.")]
pub(crate) struct Arguments {
    /// The catalog's folder.
    #[arg(value_name = "DIR")]
    catalog: PathBuf,
    /// How findings are printed; json is one object a line.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Prints the findings; an error if any keeps the catalog from loading.
pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let folder = &arguments.catalog;
    if !folder.is_dir() {
        return Err(Error::Usage(format!("there is no folder `{}`", folder.display())));
    }
    let (report, snapshot) = check(folder);
    let findings = match arguments.format {
        Format::Text => report::render(&report, folder, logging::may_colour(&io::stdout())),
        Format::Json => {
            report.diagnostics.iter().map(|diagnostic| format!("{}\n", report::to_json(diagnostic))).collect()
        }
    };
    io::stdout().lock().write_all(findings.as_bytes()).map_err(Error::io("write the findings"))?;
    let snapshot = snapshot.ok_or(Error::Lint)?;
    logging::tell(&format!("{}\n", contents(&snapshot)));
    Ok(())
}

/// All findings; the snapshot too if there is no error among them.
fn check(folder: &std::path::Path) -> (Report, Option<Arc<CatalogSnapshot>>) {
    let (snapshot, mut report) = match CatalogSnapshot::load(folder) {
        Ok((snapshot, warnings)) => (Arc::new(snapshot), warnings),
        Err(report) => return (report, None),
    };
    match Policies::compile(snapshot.clone()) {
        Ok((_, warnings)) => {
            report.diagnostics.extend(warnings.diagnostics);
            (report, Some(snapshot))
        }
        Err(errors) => {
            report.diagnostics.extend(errors.diagnostics);
            (report, None)
        }
    }
}

/// `mesh at revision 1a2b3c4d: 4 domains, 5 tables`
fn contents(snapshot: &CatalogSnapshot) -> String {
    let products = || snapshot.domains().values().flat_map(|domain| domain.products.values());
    let mut tables: Vec<_> = products().flat_map(|product| product.tables.values().map(|table| &table.name)).collect();
    tables.sort();
    tables.dedup();
    let revision: String = snapshot.revision().chars().take(12).collect();
    format!(
        "{} at revision {revision}, {}, {}",
        snapshot.name(),
        report::plural(snapshot.domains().len(), "domain"),
        report::plural(tables.len(), "table")
    )
}
