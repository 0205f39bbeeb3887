//! What the binary carries: the catalog's files, and the source of each table as Parquet.

use std::{fs, path::Path};

use bytes::Bytes;
use include_dir::{Dir, DirEntry, include_dir};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

static CATALOG: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../catalog");

/// The source files of the tables (`examples/nycflights13`), in Parquet.
const SOURCES: [(&str, &[u8]); 5] = [
    ("flights", include_bytes!("../../../../examples/nycflights13/flights.parquet")),
    ("planes", include_bytes!("../../../../examples/nycflights13/planes.parquet")),
    ("hourly", include_bytes!("../../../../examples/nycflights13/weather.parquet")),
    ("airports", include_bytes!("../../../../examples/nycflights13/airports.parquet")),
    ("airlines", include_bytes!("../../../../examples/nycflights13/airlines.parquet")),
];

/// Counts up when the same content is laid out in another way.
const LAYOUT: u8 = 1;

/// The source rows of a table.
pub(super) fn source(table: &str) -> Option<Bytes> {
    SOURCES.iter().find(|(name, _)| *name == table).map(|(_, bytes)| Bytes::from_static(bytes))
}

/// The text of a catalog file.
pub(super) fn catalog_text(path: &str) -> Result<&'static str> {
    CATALOG
        .get_file(path)
        .and_then(|file| file.contents_utf8())
        .ok_or_else(|| Error::Demo(format!("this binary was built without `catalog/{path}`")))
}

/// Which content this is: two demos of one version are alike.
pub(super) fn version() -> String {
    let mut hash = Sha256::new();
    hash.update([LAYOUT]);
    for (path, bytes) in files_of_catalog() {
        add(&mut hash, path.as_bytes(), bytes);
    }
    for (name, bytes) in SOURCES {
        add(&mut hash, name.as_bytes(), bytes);
    }
    hex(&hash)
}

/// The catalog's files in path order.
pub(super) fn files_of_catalog() -> Vec<(&'static str, &'static [u8])> {
    files(&CATALOG)
}

/// Writes the catalog's files into `folder`.
pub(super) fn write_catalog(folder: &Path) -> Result<()> {
    for (path, bytes) in files_of_catalog() {
        let file = folder.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).map_err(Error::io(format!("create `{}`", parent.display())))?;
        }
        fs::write(&file, bytes).map_err(Error::io(format!("write `{}`", file.display())))?;
    }
    Ok(())
}

/// A hash of a catalog on disk, to tell whether a person changed it since it was written.
pub(super) fn catalog_fingerprint(folder: &Path) -> Result<String> {
    let mut files = Vec::new();
    collect(folder, folder, &mut files).map_err(Error::io(format!("read `{}`", folder.display())))?;
    files.sort();
    let mut hash = Sha256::new();
    for (path, bytes) in &files {
        add(&mut hash, path.as_bytes(), bytes);
    }
    Ok(hex(&hash))
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            files.push((relative, fs::read(&path)?));
        }
    }
    Ok(())
}

fn files(folder: &'static Dir<'static>) -> Vec<(&'static str, &'static [u8])> {
    let mut found = Vec::new();
    for entry in folder.entries() {
        match entry {
            DirEntry::Dir(inner) => found.extend(files(inner)),
            DirEntry::File(file) => found.extend(file.path().to_str().map(|path| (path, file.contents()))),
        }
    }
    found.sort_unstable_by_key(|(path, _)| *path);
    found
}

/// Lengths keep one file's end from being read as the next one's beginning.
fn add(hash: &mut Sha256, name: &[u8], bytes: &[u8]) {
    for part in [name, bytes] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
}

fn hex(hash: &Sha256) -> String {
    hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
