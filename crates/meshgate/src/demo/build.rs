//! Builds the demo mesh in a folder of its own, or finds that it is there already.
//!
//! The mesh is built beside its folder and moved there when it is whole, so that a build that broke off leaves
//! nothing half. A folder that the demo did not make is never touched.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use meshgate_catalog::{CatalogSnapshot, TableName};
use serde::{Deserialize, Serialize};

use super::{content, lake};
use crate::{
    error::{Error, Result},
    key_file,
};

/// Says that a folder is the demo's, and of which content.
pub(super) const MARKER: &str = ".meshgate-demo.json";

/// The demo mesh on disk.
#[derive(Debug, Clone)]
pub(crate) struct Demo {
    /// Its folder: `catalog`, `lake` and `secrets` are in it.
    pub(crate) folder: PathBuf,
}

impl Demo {
    /// The catalog's folder, for `serve` and `query` too.
    pub(crate) fn catalog(&self) -> PathBuf {
        self.folder.join("catalog")
    }
}

/// What a build tells while it goes on.
#[derive(Debug)]
pub(crate) enum Progress<'a> {
    /// The mesh is there, and whole.
    Found {
        /// Its folder.
        folder: &'a Path,
    },
    /// It is being built.
    Building {
        /// Its folder.
        folder: &'a Path,
    },
    /// A table is written.
    Table {
        /// Its name.
        name: &'a TableName,
        /// `Delta` or `Iceberg`.
        format: &'static str,
        /// Versions or snapshots.
        commits: usize,
        /// Data files.
        files: usize,
        /// Rows.
        rows: u64,
        /// Bytes of data files.
        bytes: u64,
        /// How long it took.
        took: Duration,
    },
    /// All is written.
    Built {
        /// How long it took.
        took: Duration,
    },
}

#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    /// [`content::version`] of what is in the folder.
    content: String,
    /// [`content::catalog_fingerprint`] as it was written.
    catalog: String,
    /// Where the mesh was built for: Iceberg's metadata holds absolute locations.
    folder: PathBuf,
}

/// Makes sure that the demo mesh is in `folder`, and tells `progress` what it does.
///
/// # Errors
/// The folder holds something else, or a demo whose catalog was changed by hand and that another version made.
pub(crate) async fn build(folder: &Path, mut progress: impl FnMut(Progress<'_>)) -> Result<Demo> {
    let folder = absolute(folder)?;
    let beside = |suffix: &str| sibling(&folder, suffix);
    // Nothing is written beside a folder that is not the demo's.
    state(&folder)?;
    // Two demos that start at once: the second waits, and finds what the first built.
    let lock = open_lock(&beside("lock")?)?;
    lock.lock().map_err(Error::io("wait for another build of the demo"))?;

    let content = content::version();
    let catalog = folder.join("catalog");
    if let State::Ours(marker) = state(&folder)? {
        let is_whole = catalog.is_dir() && folder.join("lake").is_dir();
        if is_whole && marker.content == content && marker.folder == folder {
            key_file::read_or_create(&key_file::mask_key_beside(&catalog))?;
            progress(Progress::Found { folder: &folder });
            return Ok(Demo { folder });
        }
        if catalog.is_dir() && content::catalog_fingerprint(&catalog)? != marker.catalog {
            return Err(Error::Demo(format!(
                "the demo in `{0}` is of another version, and its catalog was changed by hand; move `{0}` away, or choose \
                 another folder with `--dir`",
                folder.display()
            )));
        }
    }

    let started = Instant::now();
    progress(Progress::Building { folder: &folder });
    let building = beside("building")?;
    remove_ours(&building)?;
    build_in(&building, &folder, &content, &mut progress).await?;
    replace(&building, &folder, &beside("old")?)?;
    key_file::read_or_create(&key_file::mask_key_beside(&catalog))?;
    progress(Progress::Built { took: started.elapsed() });
    Ok(Demo { folder })
}

/// Builds the mesh in `building`, to be found at `folder`.
async fn build_in(
    building: &Path,
    folder: &Path,
    content: &str,
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<()> {
    fs::create_dir_all(building).map_err(Error::io(format!("create `{}`", building.display())))?;
    // The marker comes first: what a build that broke off left is known as the demo's own.
    write_marker(building, &Marker { content: String::new(), catalog: String::new(), folder: folder.to_owned() })?;
    let catalog = building.join("catalog");
    content::write_catalog(&catalog)?;
    let (snapshot, _) =
        CatalogSnapshot::load(&catalog).map_err(|report| Error::Catalog { path: catalog.clone(), report })?;
    let tables = snapshot.domains().values().flat_map(|domain| {
        // A product has a second name with its major version; its tables are the same.
        domain
            .products
            .iter()
            .filter(|(name, product)| **name == product.name)
            .flat_map(|(_, product)| product.tables.values())
    });
    for table in tables {
        let started = Instant::now();
        let place = Path::new("lake").join(&table.name.domain).join(&table.name.table);
        let written = lake::write(table, &building.join(&place), &folder.join(&place)).await?;
        progress(Progress::Table {
            name: &table.name,
            format: if table.location.format == meshgate_catalog::TableFormat::Delta { "Delta" } else { "Iceberg" },
            commits: written.commits,
            files: written.files,
            rows: written.rows,
            bytes: written.bytes,
            took: started.elapsed(),
        });
    }
    let catalog = content::catalog_fingerprint(&catalog)?;
    write_marker(building, &Marker { content: content.to_owned(), catalog, folder: folder.to_owned() })
}

/// Moves the new mesh into its place. The key of an older one stays: hashes that someone noted keep their meaning.
fn replace(building: &Path, folder: &Path, old: &Path) -> Result<()> {
    let moving = |from: &Path, to: &Path| {
        fs::rename(from, to).map_err(Error::io(format!("move `{}` to `{}`", from.display(), to.display())))
    };
    remove_ours(old)?;
    if let State::Ours(_) = state(folder)? {
        moving(folder, old)?;
        let secrets = old.join("secrets");
        if secrets.is_dir() {
            moving(&secrets, &building.join("secrets"))?;
        }
    }
    moving(building, folder)?;
    remove_ours(old)
}

/// What a folder is.
enum State {
    /// Not there, or empty.
    Free,
    /// The demo's.
    Ours(Marker),
}

fn state(folder: &Path) -> Result<State> {
    let marker = folder.join(MARKER);
    match fs::read(&marker) {
        Ok(text) => serde_json::from_slice(&text).map(State::Ours).map_err(|_| taken(folder)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_dir(folder) {
            Ok(mut entries) => {
                if entries.next().is_none() {
                    Ok(State::Free)
                } else {
                    Err(taken(folder))
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(State::Free),
            Err(error) => Err(Error::io(format!("read `{}`", folder.display()))(error)),
        },
        Err(error) => Err(Error::io(format!("read `{}`", marker.display()))(error)),
    }
}

fn taken(folder: &Path) -> Error {
    Error::Demo(format!("`{}` holds something else than a demo; choose a new folder with `--dir`", folder.display()))
}

/// Removes a folder that the demo made; one that it did not make is an error.
fn remove_ours(folder: &Path) -> Result<()> {
    match state(folder)? {
        State::Ours(_) => fs::remove_dir_all(folder).map_err(Error::io(format!("remove `{}`", folder.display()))),
        State::Free => Ok(()),
    }
}

fn write_marker(folder: &Path, marker: &Marker) -> Result<()> {
    let file = folder.join(MARKER);
    let text = serde_json::to_vec_pretty(marker).map_err(|error| Error::Demo(error.to_string()))?;
    fs::write(&file, text).map_err(Error::io(format!("write `{}`", file.display())))
}

/// The folder's path without links, made as far as its parent.
fn absolute(folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        return fs::canonicalize(folder).map_err(Error::io(format!("find `{}`", folder.display())));
    }
    let folder = std::path::absolute(folder).map_err(Error::io(format!("find `{}`", folder.display())))?;
    let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else {
        return Err(taken(&folder));
    };
    fs::create_dir_all(parent).map_err(Error::io(format!("create `{}`", parent.display())))?;
    let parent = fs::canonicalize(parent).map_err(Error::io(format!("find `{}`", parent.display())))?;
    Ok(parent.join(name))
}

/// `…/.demo.building` for `…/demo`: on the same file system, so that moving is one step.
fn sibling(folder: &Path, suffix: &str) -> Result<PathBuf> {
    let name = folder.file_name().ok_or_else(|| taken(folder))?.to_string_lossy();
    Ok(folder.with_file_name(format!(".{name}.{suffix}")))
}

fn open_lock(path: &Path) -> Result<File> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    options.open(path).map_err(Error::io(format!("write `{}`", path.display())))
}
