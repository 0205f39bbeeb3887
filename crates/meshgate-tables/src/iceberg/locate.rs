//! Paths in Iceberg metadata → objects of the table's store.

use bytes::Bytes;
use iceberg::spec::TableMetadata;
use object_store::{ObjectStoreExt, path::Path};

use crate::{fault::Fault, store::TableRoot};

/// Resolves the absolute paths that metadata hold. A table whose folder was copied or mounted elsewhere is read where it is
/// now: what lies under the location that its metadata declare is looked for under the folder that was opened.
#[derive(Debug, Clone)]
pub(super) struct Locator {
    root: TableRoot,
    declared: String,
}

impl Locator {
    pub(super) fn new(root: TableRoot, metadata: &TableMetadata) -> Self {
        let declared = plain(metadata.location()).trim_end_matches('/').to_owned();
        Self { root, declared }
    }

    /// The table's folder.
    pub(super) fn root(&self) -> &TableRoot {
        &self.root
    }

    /// The object at `path`.
    pub(super) fn locate(&self, path: &str) -> Result<Path, Fault> {
        let path = plain(path);
        match path.strip_prefix(&self.declared) {
            Some(rest) if rest.starts_with('/') => {
                let root = self.root.prefix.as_ref();
                self.root.resolve_plain(&format!("{root}/{}", rest.trim_start_matches('/')))
            }
            _ => self.root.resolve_plain(&self.in_store(&path)?),
        }
    }

    /// The content of the object at `path`; `what` stands in a sentence like `{what} is missing`.
    pub(super) async fn read(&self, path: &str, what: &str) -> Result<Bytes, Fault> {
        let location = self.locate(path)?;
        let read = async { self.root.store.store.get(&location).await?.bytes().await };
        read.await.map_err(|error| Fault::store(what, error))
    }

    /// A path without its bucket, if the bucket is the one that was opened.
    fn in_store(&self, path: &str) -> Result<String, Fault> {
        match (path.strip_prefix("s3://"), self.root.url.host_str().filter(|host| !host.is_empty())) {
            (Some(rest), Some(bucket)) => match rest.split_once('/') {
                Some((named, key)) if named == bucket => Ok(key.to_owned()),
                _ => Err(Fault::unsupported("files in another bucket than the table's own")),
            },
            (None, None) => Ok(path.to_owned()),
            _ => Err(Fault::unsupported("files in another store than the table's own")),
        }
    }
}

/// One spelling of a path: `s3a:` and `s3n:` are `s3:`, a local path has no scheme.
fn plain(path: &str) -> String {
    if let Some(rest) = path.strip_prefix("s3a://").or_else(|| path.strip_prefix("s3n://")) {
        return format!("s3://{rest}");
    }
    match path.strip_prefix("file:") {
        Some(rest) => format!("/{}", rest.trim_start_matches('/')),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn spellings_of_one_path_are_one() {
        assert_eq!(plain("file:///data/t"), "/data/t");
        assert_eq!(plain("file:/data/t"), "/data/t");
        assert_eq!(plain("/data/t"), "/data/t");
        assert_eq!(plain("s3a://bucket/t"), "s3://bucket/t");
    }
}
