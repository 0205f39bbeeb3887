//! Object stores, one a domain and bucket, so that no domain reads with another's credentials.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use datafusion::execution::{
    cache::{
        cache_manager::{CachedFileMetadataEntry, FileMetadataCache},
        default_cache::DefaultCache,
    },
    object_store::ObjectStoreUrl,
    runtime_env::RuntimeEnv,
};
use meshgate_catalog::{Location, TableFormat};
use object_store::{ObjectStore, aws::AmazonS3Builder, local::LocalFileSystem, path::Path};
use url::Url;

use crate::{Config, delta::KernelEngine, fault::Fault};

/// Numbers stores over all lakes of the process, so that two lakes on one runtime never share a URL.
static NEXT_STORE: AtomicU64 = AtomicU64::new(1);

/// One object store, opened with one domain's credentials.
pub(crate) struct TableStore {
    /// Under which DataFusion's runtime knows it.
    pub(crate) url: ObjectStoreUrl,
    /// The store.
    pub(crate) store: Arc<dyn ObjectStore>,
    /// Footers of its Parquet files. One cache a store, for its key is the object's path alone.
    pub(crate) footers: Arc<FileMetadataCache>,
    /// The Delta kernel's engine over it.
    pub(crate) kernel: KernelEngine,
}

impl fmt::Debug for TableStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TableStore").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

/// What makes two tables share a store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct StoreKey {
    domain: String,
    kind: StoreKind,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum StoreKind {
    Local,
    S3 { bucket: String, endpoint: Option<String> },
}

/// All stores that were opened.
#[derive(Debug, Default)]
pub(crate) struct Stores {
    open: Mutex<HashMap<StoreKey, Arc<TableStore>>>,
}

impl Stores {
    /// The root of the table at `location`, in a store that is registered with `runtime`.
    pub(crate) fn root(&self, location: &Location, config: &Config, runtime: &RuntimeEnv) -> Result<TableRoot, Fault> {
        if let TableFormat::Unsupported(what) = location.format {
            return Err(Fault::unsupported(format!("`{what}`")));
        }
        let mut url = Url::parse(&location.url)
            .map_err(|error| Fault::Configuration(format!("`{}` is not a URL: {error}", location.url)))?;
        let kind = match url.scheme() {
            "file" => StoreKind::Local,
            "s3" | "s3a" | "s3n" => {
                let bucket = url
                    .host_str()
                    .ok_or_else(|| Fault::Configuration(format!("`{}` names no bucket", location.url)))?
                    .to_owned();
                url = Url::parse(&format!("s3://{bucket}{}", url.path()))
                    .map_err(|error| Fault::Configuration(format!("`{}` is not a URL: {error}", location.url)))?;
                let configured = config.s3.get(&location.domain).and_then(|credentials| credentials.endpoint.clone());
                StoreKind::S3 { bucket, endpoint: configured.or_else(|| location.endpoint.clone()) }
            }
            other => {
                return Err(Fault::Configuration(format!(
                    "`{other}` is not a scheme of a store; use `file://` or `s3://`"
                )));
            }
        };
        let key = StoreKey { domain: location.domain.clone(), kind };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let store = match open.get(&key) {
            Some(store) => Arc::clone(store),
            None => {
                let store = Arc::new(open_store(&key, config)?);
                runtime.register_object_store(store.url.as_ref(), Arc::clone(&store.store));
                open.insert(key, Arc::clone(&store));
                store
            }
        };
        TableRoot::new(store, url)
    }
}

fn open_store(key: &StoreKey, config: &Config) -> Result<TableStore, Fault> {
    let store: Arc<dyn ObjectStore> = match &key.kind {
        StoreKind::Local => Arc::new(LocalFileSystem::new()),
        StoreKind::S3 { bucket, endpoint } => {
            let credentials = config.s3.get(&key.domain);
            let mut builder = AmazonS3Builder::new().with_bucket_name(bucket);
            builder = match credentials {
                Some(credentials) => {
                    let mut builder = builder
                        .with_access_key_id(&credentials.access_key_id)
                        .with_secret_access_key(&credentials.secret_access_key)
                        .with_allow_http(credentials.allow_http);
                    if let Some(token) = &credentials.session_token {
                        builder = builder.with_token(token);
                    }
                    builder
                }
                None => builder.with_skip_signature(true),
            };
            let region = credentials.and_then(|credentials| credentials.region.as_deref()).unwrap_or("us-east-1");
            builder = builder.with_region(region);
            if let Some(endpoint) = endpoint {
                builder = builder.with_endpoint(endpoint);
            }
            let store = builder.build().map_err(|error| {
                Fault::Configuration(format!("the S3 store of domain `{}` can't be opened: {error}", key.domain))
            })?;
            Arc::new(store)
        }
    };
    let number = NEXT_STORE.fetch_add(1, Ordering::Relaxed);
    let host: String =
        key.domain.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    let url = ObjectStoreUrl::parse(format!("meshgate://{host}-{number}"))
        .map_err(|error| Fault::Configuration(format!("domain `{}` can't name a store: {error}", key.domain)))?;
    let cache: DefaultCache<Path, CachedFileMetadataEntry> = DefaultCache::new(config.footer_cache_bytes);
    Ok(TableStore {
        url,
        store,
        footers: Arc::new(cache.with_name(format!("footers of {host}-{number}"))),
        kernel: KernelEngine::default(),
    })
}

/// A table's folder in its store: every path that metadata name is resolved here, and must stay inside.
#[derive(Debug, Clone)]
pub(crate) struct TableRoot {
    /// The store.
    pub(crate) store: Arc<TableStore>,
    /// The folder as a URL with a trailing slash, or one metadata file.
    pub(crate) url: Url,
    /// The same as a path in the store.
    pub(crate) prefix: Path,
}

impl TableRoot {
    fn new(store: Arc<TableStore>, url: Url) -> Result<Self, Fault> {
        let prefix = Path::from_url_path(url.path())
            .map_err(|error| Fault::Configuration(format!("`{url}` is not a path: {error}")))?;
        Ok(Self { store, url, prefix })
    }

    /// Another folder in the same store.
    pub(crate) fn at(&self, url: Url) -> Result<Self, Fault> {
        Self::new(Arc::clone(&self.store), url)
    }

    /// The object under a percent-encoded relative reference or an absolute URL, as a Delta log writes them.
    pub(crate) fn resolve(&self, reference: &str) -> Result<Path, Fault> {
        let url = match Url::parse(reference) {
            Ok(url) => url,
            Err(url::ParseError::RelativeUrlWithoutBase) => self
                .url
                .join(reference)
                .map_err(|error| Fault::corrupt_by("its log names an impossible path", error))?,
            Err(error) => return Err(Fault::corrupt_by("its log names an impossible path", error)),
        };
        if !same_store(&self.url, &url) {
            return Err(outside());
        }
        let path = Path::from_url_path(url.path())
            .map_err(|error| Fault::corrupt_by("its log names an impossible path", error))?;
        self.inside(path)
    }

    /// The object at a plain, not encoded, path in the store, as Iceberg's metadata write them.
    pub(crate) fn resolve_plain(&self, path: &str) -> Result<Path, Fault> {
        let trimmed = path.trim_start_matches('/');
        let path =
            Path::parse(trimmed).map_err(|error| Fault::corrupt_by("its metadata name an impossible path", error))?;
        self.inside(path)
    }

    fn inside(&self, path: Path) -> Result<Path, Fault> {
        if path.prefix_matches(&self.prefix) { Ok(path) } else { Err(outside()) }
    }
}

fn outside() -> Fault {
    Fault::unsupported("files outside the table's own folder (a shallow clone, or a path that climbs out)")
}

fn same_store(root: &Url, other: &Url) -> bool {
    let scheme = |url: &Url| match url.scheme() {
        "s3a" | "s3n" => "s3".to_owned(),
        other => other.to_owned(),
    };
    scheme(root) == scheme(other) && root.host_str().unwrap_or("") == other.host_str().unwrap_or("")
}
