//! The catalog and its policies, as one thing that changes atomically.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use arc_swap::ArcSwap;
use meshgate_catalog::{CatalogSnapshot, Report, Watch, WatchError, watch};
use meshgate_policy::Policies;

/// A catalog revision and the policies compiled from it.
#[derive(Debug)]
pub struct Mesh {
    /// The catalog.
    pub catalog: Arc<CatalogSnapshot>,
    /// Its policies.
    pub policies: Policies,
}

impl Mesh {
    /// Reads a catalog folder and compiles its policies. Warnings come back beside it.
    pub fn load(folder: &Path) -> Result<(Self, Report), Report> {
        let (catalog, mut report) = CatalogSnapshot::load(folder)?;
        let catalog = Arc::new(catalog);
        match Policies::compile(catalog.clone()) {
            Ok((policies, more)) => {
                report.diagnostics.extend(more.diagnostics);
                Ok((Self { catalog, policies }, report))
            }
            Err(more) => {
                report.diagnostics.extend(more.diagnostics);
                Err(report)
            }
        }
    }
}

/// The mesh that serves: reloaded as a whole, or left as it was.
#[derive(Debug)]
pub struct LiveMesh {
    folder: PathBuf,
    current: ArcSwap<Mesh>,
    /// Held while the folder is read, so that an older reading never replaces a newer one.
    reloading: Mutex<Option<FailedReload>>,
}

/// A reload that left the last good revision serving.
#[derive(Debug, Clone)]
pub struct FailedReload {
    /// When it was tried.
    pub at: SystemTime,
    /// What is wrong with the folder.
    pub report: Report,
}

impl LiveMesh {
    /// Loads the catalog folder. Warnings come back beside it.
    pub fn open(folder: &Path) -> Result<(Arc<Self>, Report), Report> {
        let (mesh, report) = Mesh::load(folder)?;
        let live =
            Self { folder: folder.to_owned(), current: ArcSwap::from_pointee(mesh), reloading: Mutex::new(None) };
        Ok((Arc::new(live), report))
    }

    /// The folder it is read from.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The revision that serves now.
    pub fn current(&self) -> Arc<Mesh> {
        self.current.load_full()
    }

    /// Reads the folder again; on any error the last good revision goes on serving.
    pub fn reload(&self) -> Result<Report, Report> {
        let mut failure = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        match Mesh::load(&self.folder) {
            Ok((mesh, report)) => {
                let (old, new) = (self.current().catalog.revision().to_owned(), mesh.catalog.revision().to_owned());
                if old != new {
                    self.current.store(Arc::new(mesh));
                    tracing::info!(target: "meshgate::catalog", %old, %new, "a new catalog revision serves");
                }
                *failure = None;
                Ok(report)
            }
            Err(report) => {
                let serving = self.current().catalog.revision().to_owned();
                tracing::error!(target: "meshgate::catalog", %serving, %report, "the catalog does not load; the last good revision goes on serving");
                *failure = Some(FailedReload { at: SystemTime::now(), report: report.clone() });
                Err(report)
            }
        }
    }

    /// Reloads whenever the folder's files change, until the watch is dropped. What changed since it was opened counts.
    pub fn watch(self: &Arc<Self>) -> Result<Watch, WatchError> {
        let live = Arc::downgrade(self);
        let watch = watch(&self.folder, move || {
            if let Some(live) = live.upgrade() {
                // The outcome is in the log, and in `failed_reload`.
                let _ = live.reload();
            }
        })?;
        let _ = self.reload();
        Ok(watch)
    }

    /// The last reload, if it failed: the folder is not what serves.
    pub fn failed_reload(&self) -> Option<FailedReload> {
        self.reloading.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
