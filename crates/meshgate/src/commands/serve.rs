//! `meshgate serve`

use std::{net::SocketAddr, path::PathBuf};

use clap::{ArgGroup, Args};

use crate::{
    config::{DEFAULT_LISTEN, Settings},
    error::{Error, Result},
    gateway, key_file,
    logging::{self, LogFormat},
};

/// Serve a catalog over Arrow Flight SQL.
///
/// SIGTERM or SIGINT lets running queries end (a second one does not), SIGHUP reads the catalog again. The log goes to
/// standard error; each query is one line of it at its end.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  meshgate serve --catalog catalog
  meshgate serve --config meshgate.yaml
  meshgate serve --config meshgate.yaml --listen 127.0.0.1:4000

Every setting of the configuration file is explained in `examples/meshgate.yaml`.")]
#[group(skip)]
#[command(group(ArgGroup::new("source").required(true).args(["config", "catalog"])))]
pub(crate) struct Arguments {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The catalog's folder, with the default of every other setting.
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
    /// Where to listen [default: 127.0.0.1:32010, or what the configuration says].
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Users, groups, roles and attributes, instead of the catalog's `users.yaml`.
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// The key of the hash masks (mode 600).
    #[arg(long, value_name = "FILE")]
    mask_key_file: Option<PathBuf>,
    /// Listen beyond loopback although passwords and rows then cross the network in the clear.
    #[arg(long)]
    insecure_listen_beyond_loopback: bool,
    /// How the log looks.
    #[arg(long, value_enum, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// What the log tells: `error`, `warn`, `info`, `debug`, `trace`.
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

/// Serves until a signal ends it.
pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let settings = settings(arguments)?;
    logging::start(settings.log_format, &settings.log_level).map_err(Error::Usage)?;
    gateway::serve(&settings, |address| tracing::info!(%address, "listening for Flight SQL"))
}

/// The configuration, with what the command line says over it.
fn settings(arguments: Arguments) -> Result<Settings> {
    let mut settings = match (&arguments.config, arguments.catalog) {
        (Some(file), _) => Settings::load(file)?,
        (None, Some(catalog)) => Settings::of_catalog(catalog),
        (None, None) => return Err(Error::Usage("name a catalog, or a configuration".to_owned())),
    };
    settings.listen = arguments.listen.unwrap_or(settings.listen);
    settings.users = arguments.users.or(settings.users);
    if let Some(file) = &arguments.mask_key_file {
        settings.mask_key = Some(key_file::read(file)?);
    }
    settings.insecure_listen_beyond_loopback |= arguments.insecure_listen_beyond_loopback;
    settings.log_format = arguments.log_format.unwrap_or(settings.log_format);
    settings.log_level = arguments.log_level.unwrap_or(settings.log_level);
    if !settings.listen.ip().is_loopback() && !settings.insecure_listen_beyond_loopback {
        let address = settings.listen;
        return Err(Error::Usage(format!(
            "`{address}` is beyond loopback, where passwords and rows would cross the network in the clear; listen on \
             `{DEFAULT_LISTEN}` behind a proxy that speaks TLS, or say `--insecure-listen-beyond-loopback`"
        )));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn settings_of(line: &[&str]) -> Result<Settings> {
        settings(Line::try_parse_from([&["serve"], line].concat()).unwrap().arguments)
    }

    #[test]
    fn beyond_loopback_needs_the_explicit_words() {
        for address in ["0.0.0.0:32010", "[::]:32010", "192.168.1.4:32010"] {
            let error = settings_of(&["--catalog", "mesh", "--listen", address]).unwrap_err();
            assert!(error.to_string().contains("--insecure-listen-beyond-loopback"), "{error}");
            let words = ["--catalog", "mesh", "--listen", address, "--insecure-listen-beyond-loopback"];
            assert_eq!(settings_of(&words).unwrap().listen.to_string(), address);
        }
        for address in ["127.0.0.1:0", "127.8.8.8:1", "[::1]:32010"] {
            assert!(settings_of(&["--catalog", "mesh", "--listen", address]).is_ok(), "{address}");
        }
    }

    #[test]
    fn a_catalog_or_a_configuration_is_needed_and_not_both() {
        assert!(Line::try_parse_from(["serve"]).is_err());
        assert!(Line::try_parse_from(["serve", "--catalog", "a", "--config", "b"]).is_err());
    }

    #[test]
    fn the_command_line_stands_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("meshgate.yaml");
        std::fs::write(&file, "catalog: mesh\nlisten: 127.0.0.1:1\nusers: people.yaml\nlog: {format: json}\n").unwrap();
        let file = file.to_str().unwrap();
        let settings = settings_of(&["--config", file, "--listen", "127.0.0.1:2", "--log-level", "warn"]).unwrap();
        assert_eq!(settings.listen.port(), 2);
        assert_eq!(settings.users, Some(folder.path().join("people.yaml")));
        assert_eq!((settings.log_format, settings.log_level.as_str()), (LogFormat::Json, "warn"));
    }
}
