//! The engine inside this process, without a server: for `meshgate query` and the demo's tour.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use meshgate_catalog::{Report, UserDirectory, nearest};
use meshgate_policy::Principal;
use meshgate_query::{LiveMesh, QueryEngine, QueryRecord, QueryRequest, QueryStream, RecordSink};

use crate::{
    config::Settings,
    error::{Error, Result},
    key_file,
};

/// A mesh, its engine and its users.
#[derive(Debug)]
pub(crate) struct Embedded {
    engine: QueryEngine,
    users: Users,
    records: Arc<LastRecord>,
}

/// Where users come from.
#[derive(Debug)]
enum Users {
    /// `users.yaml` of the catalog.
    OfCatalog(PathBuf),
    /// A file of their own.
    OfFile(PathBuf, UserDirectory),
}

impl Embedded {
    /// Opens the settings' catalog. Warnings come back beside it.
    pub(crate) fn open(settings: &Settings, sink: Arc<dyn RecordSink>) -> Result<(Self, Report)> {
        let (mesh, warnings) = open_mesh(&settings.catalog)?;
        let users = match &settings.users {
            Some(file) => Users::OfFile(file.clone(), load_users(file)?),
            None => Users::OfCatalog(settings.catalog.join("users.yaml")),
        };
        let mask_key = match &settings.mask_key {
            Some(key) => key.clone(),
            None => mask_key_of(&settings.catalog)?.unwrap_or_else(key_file::random_secret),
        };
        let records = Arc::new(LastRecord { next: sink, query_id: Mutex::default() });
        let engine = QueryEngine::new(settings.engine_config(&mask_key), mesh, records.clone())
            .map_err(|error| Error::Query { error, query_id: None })?;
        Ok((Self { engine, users, records }, warnings))
    }

    /// The user of that name, as a caller.
    pub(crate) fn principal(&self, name: &str) -> Result<Principal> {
        let mesh = self.engine.mesh().current();
        let (file, directory) = match &self.users {
            Users::OfFile(file, directory) => (file, directory),
            Users::OfCatalog(file) => match mesh.catalog.users() {
                Some(directory) => (file, directory),
                None => {
                    let file = file.display();
                    return Err(Error::Usage(format!("there is no `{file}`; write one, or name one with `--users`")));
                }
            },
        };
        directory.get(name).map(Principal::from).ok_or_else(|| {
            let hint = match nearest(name, directory.iter().map(|user| user.name.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "it names the users there are".to_owned(),
            };
            Error::Usage(format!("there is no user `{name}` in `{}`; {hint}", file.display()))
        })
    }

    /// Plans and starts one statement; the query's id comes with its rows.
    pub(crate) async fn run(&self, principal: &Principal, sql: &str) -> Result<(String, QueryStream)> {
        let request = QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() };
        let planned = self.engine.plan(principal, request).await;
        let planned = planned.map_err(|error| Error::Query { error, query_id: self.records.query_id() })?;
        let query_id = planned.query_id().to_owned();
        match planned.execute().await {
            Ok(rows) => Ok((query_id, rows)),
            Err(error) => Err(Error::Query { error, query_id: Some(query_id) }),
        }
    }
}

/// Passes records on, and remembers whose the last one was: a query that does not plan tells its id there alone.
#[derive(Debug)]
struct LastRecord {
    next: Arc<dyn RecordSink>,
    query_id: Mutex<Option<String>>,
}

impl LastRecord {
    fn query_id(&self) -> Option<String> {
        self.query_id.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl RecordSink for LastRecord {
    fn record(&self, record: &QueryRecord) {
        *self.query_id.lock().unwrap_or_else(PoisonError::into_inner) = Some(record.query_id.clone());
        self.next.record(record);
    }
}

/// Opens a catalog with its policies, or says what is wrong with it.
pub(crate) fn open_mesh(catalog: &Path) -> Result<(Arc<LiveMesh>, Report)> {
    if !catalog.is_dir() {
        return Err(Error::Usage(format!("there is no folder `{}`", catalog.display())));
    }
    LiveMesh::open(catalog).map_err(|report| Error::Catalog { path: catalog.to_owned(), report })
}

/// Reads a users file.
pub(crate) fn load_users(file: &Path) -> Result<UserDirectory> {
    UserDirectory::load(file).map_err(|report| Error::Catalog { path: file.to_owned(), report })
}

/// The key of the hash masks that stands beside a catalog which was built on this machine.
pub(crate) fn mask_key_of(catalog: &Path) -> Result<Option<String>> {
    let file = key_file::mask_key_beside(catalog);
    if file.is_file() { Ok(Some(key_file::read(&file)?)) } else { Ok(None) }
}
