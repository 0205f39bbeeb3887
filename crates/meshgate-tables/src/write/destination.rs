//! Where a table is written, and where its readers will find it.

use std::{path::Path as FilePath, sync::Arc};

use futures::TryStreamExt;
use object_store::{ObjectStore, local::LocalFileSystem, path::Path};
use url::Url;

use super::WriteError;

/// A table's root in an object store, and the URL by which its metadata names it.
///
/// The two differ for a table that is built in one folder and then moved: Iceberg's metadata holds absolute
/// locations, so they must be the final ones from the start ([`Destination::published_at`]).
#[derive(Debug, Clone)]
pub struct Destination {
    store: Arc<dyn ObjectStore>,
    root: Path,
    published: Url,
    local: bool,
}

impl Destination {
    /// A local folder, made if it is missing.
    pub fn folder(folder: impl AsRef<FilePath>) -> Result<Self, WriteError> {
        let refuse =
            |reason: String| WriteError::Destination { destination: folder.as_ref().display().to_string(), reason };
        std::fs::create_dir_all(&folder).map_err(|error| refuse(error.to_string()))?;
        let folder = std::fs::canonicalize(&folder).map_err(|error| refuse(error.to_string()))?;
        let root = Path::from_absolute_path(&folder).map_err(|error| refuse(error.to_string()))?;
        let published = folder_url(&folder)?;
        Ok(Self { store: Arc::new(LocalFileSystem::new()), root, published, local: true })
    }

    /// `root` inside any store; `published` is the same place as a URL (`s3://bucket/flights/`).
    pub fn store(store: Arc<dyn ObjectStore>, root: Path, published: Url) -> Self {
        let mut published = published;
        if !published.path().ends_with('/') {
            published.set_path(&format!("{}/", published.path()));
        }
        Self { store, root, published, local: false }
    }

    /// The same place, under the absolute path that its folder will be moved to.
    pub fn published_at(mut self, folder: impl AsRef<FilePath>) -> Result<Self, WriteError> {
        self.published = folder_url(folder.as_ref())?;
        Ok(self)
    }

    pub(super) fn object_store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The path in the store of a file whose path below the table's root is `relative`.
    pub(super) fn path(&self, relative: &str) -> Path {
        relative.split('/').fold(self.root.clone(), |path, part| path.join(part))
    }

    /// Whether anything lies below the root's `folder`.
    pub(super) async fn has_files(&self, folder: &str) -> Result<bool, WriteError> {
        Ok(self.store.list(Some(&self.path(folder))).try_next().await?.is_some())
    }

    /// The published location, without a trailing slash.
    pub(super) fn location(&self) -> &str {
        self.published.as_str().trim_end_matches('/')
    }

    /// The root as a URL whose path is the path in the store. The scheme tells a Delta kernel whether the store
    /// lists in order, which local folders don't.
    pub(super) fn kernel_url(&self) -> Result<Url, WriteError> {
        let scheme = if self.local { "file" } else { "store" };
        let mut url = Url::parse(&format!("{scheme}:///")).map_err(|error| WriteError::Destination {
            destination: self.published.to_string(),
            reason: error.to_string(),
        })?;
        url.set_path(&format!("/{}/", self.root));
        Ok(url)
    }
}

fn folder_url(folder: &FilePath) -> Result<Url, WriteError> {
    Url::from_directory_path(folder).map_err(|()| WriteError::Destination {
        destination: folder.display().to_string(),
        reason: "it is not an absolute path".to_owned(),
    })
}
