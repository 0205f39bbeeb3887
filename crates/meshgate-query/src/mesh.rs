//! The catalog and its policies, as one thing that changes atomically.

use std::{path::Path, sync::Arc};

use meshgate_catalog::{CatalogSnapshot, Report};
use meshgate_policy::Policies;

/// A catalog revision and the policies compiled from it.
#[derive(Debug)]
pub struct Mesh {
    /// The catalog.
    pub catalog: Arc<CatalogSnapshot>,
    /// Its policies.
    pub policies: Policies,
}

/// The mesh that serves: reloaded as a whole, or left as it was.
#[derive(Debug)]
pub struct LiveMesh {}

impl LiveMesh {
    /// Loads the catalog folder. Warnings come back beside it.
    pub fn open(folder: &Path) -> std::result::Result<(Arc<Self>, Report), Report> {
        let _ = folder;
        Err(Report::default())
    }

    /// The revision that serves now.
    pub fn current(&self) -> Arc<Mesh> {
        unimplemented!()
    }

    /// Reads the folder again; on any error the last good revision goes on serving.
    pub fn reload(&self) -> std::result::Result<Report, Report> {
        Err(Report::default())
    }
}
