//! The configuration file of `meshgate serve`: every setting, its default, its check.
//!
//! `examples/meshgate.yaml` documents them for the reader; a test keeps it complete.

mod error;
mod units;
mod values;

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde::Deserialize;
use serde_saphyr::Spanned;

pub(crate) use self::error::Error;
use self::{
    error::Place,
    units::{parse_bytes, parse_duration},
    values::{Environment, optional_secret, plain_path, secret},
};
use crate::{key_file, logging::LogFormat};

/// The port of Flight SQL servers.
pub(crate) const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 32010);

/// The settings of a gateway, checked; paths are relative to the working folder.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where Flight SQL listens.
    pub(crate) listen: SocketAddr,
    /// Whether passwords and rows may cross the network in the clear.
    pub(crate) insecure_listen_beyond_loopback: bool,
    /// The catalog's folder.
    pub(crate) catalog: PathBuf,
    /// Whether a change of the catalog's files is read by itself.
    pub(crate) watch_catalog: bool,
    /// The users' file; absent = the catalog's `users.yaml`.
    pub(crate) users: Option<PathBuf>,
    /// Seals tokens, tickets and handles; absent = one of this process alone.
    pub(crate) seal_secret: Option<String>,
    /// The key of the hash masks; absent = one of this process alone.
    pub(crate) mask_key: Option<String>,
    /// How long a login is good for.
    pub(crate) token_lifetime: Duration,
    /// How long a ticket or prepared statement is good for.
    pub(crate) ticket_lifetime: Duration,
    /// The engine's measures.
    pub(crate) engine: EngineSettings,
    /// The stores: credentials by domain, caches.
    pub(crate) lake: meshgate_tables::Config,
    /// How the log looks.
    pub(crate) log_format: LogFormat,
    /// What the log tells.
    pub(crate) log_level: String,
}

/// The engine's measures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EngineSettings {
    /// Threads that execute plans.
    pub(crate) cpu_threads: usize,
    /// Partitions that a scan is split into.
    pub(crate) partitions: usize,
    /// Bytes that all queries together may hold; `None` = no limit.
    pub(crate) memory_limit: Option<usize>,
    /// Queries that run at once.
    pub(crate) concurrent_queries: usize,
    /// Whether Parquet decodes filtered columns first.
    pub(crate) pushdown_filters: bool,
}

impl Default for EngineSettings {
    fn default() -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Self {
            cpu_threads: threads,
            partitions: threads,
            memory_limit: None,
            concurrent_queries: (2 * threads).max(8),
            pushdown_filters: false,
        }
    }
}

impl Settings {
    /// The defaults, over that catalog.
    pub(crate) fn of_catalog(catalog: impl Into<PathBuf>) -> Self {
        Self {
            listen: DEFAULT_LISTEN,
            insecure_listen_beyond_loopback: false,
            catalog: catalog.into(),
            watch_catalog: true,
            users: None,
            seal_secret: None,
            mask_key: None,
            token_lifetime: Duration::from_secs(12 * 60 * 60),
            ticket_lifetime: Duration::from_secs(60 * 60),
            engine: EngineSettings::default(),
            lake: meshgate_tables::Config::default(),
            log_format: LogFormat::default(),
            log_level: "info".to_owned(),
        }
    }

    /// Reads a configuration file. `${VAR}` in it is looked up in the process's environment.
    pub(crate) fn load(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
        Self::parse(path, &text, &|name| std::env::var(name).ok())
    }

    fn parse(path: &Path, text: &str, environment: &Environment<'_>) -> Result<Self, Error> {
        let file: File = serde_saphyr::from_str(text).map_err(|error| Error::yaml(path, &error))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let place = |spanned: &Spanned<String>| Place::new(path, spanned);
        let mut settings = Self::of_catalog(plain_path(folder, &file.catalog, place)?);

        if let Some(listen) = &file.listen {
            settings.listen = listen.value.parse().map_err(|_| {
                place(listen).error(format!(
                    "`{}` is no address to listen on; write an IP address and a port, for instance `127.0.0.1:32010`",
                    listen.value
                ))
            })?;
        }
        settings.insecure_listen_beyond_loopback = file.insecure_listen_beyond_loopback;
        settings.watch_catalog = file.watch_catalog.unwrap_or(settings.watch_catalog);
        settings.users = file.users.as_ref().map(|users| plain_path(folder, users, place)).transpose()?;
        settings.seal_secret = key(folder, &file.seal_secret, &file.seal_secret_file, place, environment)?;
        settings.mask_key = key(folder, &file.mask_key, &file.mask_key_file, place, environment)?;
        for (given, setting) in [
            (&file.token_lifetime, &mut settings.token_lifetime),
            (&file.ticket_lifetime, &mut settings.ticket_lifetime),
        ] {
            if let Some(lifetime) = given {
                *setting = parse_duration(&lifetime.value).map_err(|text| place(lifetime).error(text))?;
                if setting.is_zero() {
                    return Err(place(lifetime).error("a lifetime of nothing ends at once; write for instance `12h`"));
                }
            }
        }
        settings.engine = file.engine.unwrap_or_default().settings(path)?;
        file.tables.unwrap_or_default().apply(path, &mut settings.lake)?;
        for (domain, credentials) in &file.s3 {
            settings.lake.s3.insert(domain.clone(), credentials.resolve(place, environment)?);
        }
        let log = file.log.unwrap_or_default();
        settings.log_format = log.format;
        if let Some(level) = log.level {
            settings.log_level = level;
        }
        Ok(settings)
    }

    /// The engine's configuration; `mask_key` is the one that was settled on.
    pub(crate) fn engine_config(&self, mask_key: &str) -> meshgate_query::Config {
        meshgate_query::Config {
            target_partitions: self.engine.partitions,
            cpu_threads: self.engine.cpu_threads,
            memory_limit: self.engine.memory_limit,
            concurrent_queries: self.engine.concurrent_queries,
            pushdown_filters: self.engine.pushdown_filters,
            mask_key: meshgate_query::MaskKey::new(mask_key),
            lake: self.lake.clone(),
        }
    }
}

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<Spanned<String>>,
    #[serde(default)]
    insecure_listen_beyond_loopback: bool,
    catalog: Spanned<String>,
    watch_catalog: Option<bool>,
    users: Option<Spanned<String>>,
    seal_secret: Option<Spanned<String>>,
    seal_secret_file: Option<Spanned<String>>,
    mask_key: Option<Spanned<String>>,
    mask_key_file: Option<Spanned<String>>,
    token_lifetime: Option<Spanned<String>>,
    ticket_lifetime: Option<Spanned<String>>,
    engine: Option<EngineSection>,
    tables: Option<TablesSection>,
    #[serde(default)]
    s3: BTreeMap<String, S3Section>,
    log: Option<LogSection>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct EngineSection {
    cpu_threads: Option<Spanned<usize>>,
    partitions: Option<Spanned<usize>>,
    memory_limit: Option<Spanned<String>>,
    concurrent_queries: Option<Spanned<usize>>,
    pushdown_filters: Option<bool>,
}

impl EngineSection {
    fn settings(&self, path: &Path) -> Result<EngineSettings, Error> {
        let mut settings = EngineSettings::default();
        for (given, setting) in [
            (&self.cpu_threads, &mut settings.cpu_threads),
            (&self.partitions, &mut settings.partitions),
            (&self.concurrent_queries, &mut settings.concurrent_queries),
        ] {
            if let Some(given) = given {
                if given.value == 0 {
                    return Err(Place::new(path, given).error("`0` is too few; leave the setting out for its default"));
                }
                *setting = given.value;
            }
        }
        if let Some(limit) = &self.memory_limit {
            let bytes = parse_bytes(&limit.value).map_err(|text| Place::new(path, limit).error(text))?;
            settings.memory_limit = Some(bytes);
        }
        settings.pushdown_filters = self.pushdown_filters.unwrap_or(settings.pushdown_filters);
        Ok(settings)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TablesSection {
    snapshot_staleness: Option<Spanned<String>>,
    snapshot_cache: Option<Spanned<String>>,
    footer_cache: Option<Spanned<String>>,
}

impl TablesSection {
    fn apply(&self, path: &Path, lake: &mut meshgate_tables::Config) -> Result<(), Error> {
        let bytes =
            |given: &Spanned<String>| parse_bytes(&given.value).map_err(|text| Place::new(path, given).error(text));
        if let Some(staleness) = &self.snapshot_staleness {
            lake.snapshot_staleness =
                parse_duration(&staleness.value).map_err(|text| Place::new(path, staleness).error(text))?;
        }
        if let Some(cache) = &self.snapshot_cache {
            lake.snapshot_cache_bytes = bytes(cache)? as u64;
        }
        if let Some(cache) = &self.footer_cache {
            lake.footer_cache_bytes = bytes(cache)?;
        }
        Ok(())
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct S3Section {
    access_key_id: Spanned<String>,
    secret_access_key: Spanned<String>,
    session_token: Option<Spanned<String>>,
    region: Option<String>,
    endpoint: Option<String>,
    #[serde(default)]
    allow_http: bool,
}

impl S3Section {
    fn resolve<'a>(
        &self,
        place: impl Fn(&Spanned<String>) -> Place<'a>,
        environment: &Environment<'_>,
    ) -> Result<meshgate_tables::S3Credentials, Error> {
        Ok(meshgate_tables::S3Credentials {
            access_key_id: secret(&self.access_key_id, &place, environment)?,
            secret_access_key: secret(&self.secret_access_key, &place, environment)?,
            session_token: optional_secret(self.session_token.as_ref(), &place, environment)?,
            region: self.region.clone(),
            endpoint: self.endpoint.clone(),
            allow_http: self.allow_http,
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogSection {
    #[serde(default)]
    format: LogFormat,
    level: Option<String>,
}

/// A secret from the environment or from a file of its own.
fn key<'a>(
    folder: &Path,
    value: &Option<Spanned<String>>,
    file: &Option<Spanned<String>>,
    place: impl Fn(&Spanned<String>) -> Place<'a>,
    environment: &Environment<'_>,
) -> Result<Option<String>, Error> {
    match (value, file) {
        (Some(_), Some(file)) => Err(place(file).error("both the secret and its file are given; keep one")),
        (value, None) => optional_secret(value.as_ref(), &place, environment),
        (None, Some(file)) => Ok(Some(key_file::read(&plain_path(folder, file, &place)?)?)),
    }
}

#[cfg(test)]
mod tests;
