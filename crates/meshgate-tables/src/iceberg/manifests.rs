//! The live entries of a snapshot's manifests.

use futures::{StreamExt, TryStreamExt, stream};
use iceberg::spec::{
    DataFile, DataFileFormat, FormatVersion, Manifest, ManifestContentType, ManifestFile, ManifestList, Struct,
};

use super::log::Wanted;
use crate::fault::Fault;

/// So many manifests are read at a time.
const CONCURRENT_MANIFESTS: usize = 16;

/// A live file of a snapshot.
pub(super) struct Entry {
    pub(super) file: DataFile,
    /// The data sequence number; zero in format version 1.
    pub(super) sequence: i64,
    pub(super) spec: i32,
}

impl Entry {
    /// The partition that the file belongs to; files of different specs never share one.
    pub(super) fn partition(&self) -> (i32, &Struct) {
        (self.spec, self.file.partition())
    }
}

/// Reads all manifests and hands over the live entries of each: first those of deletes, then those of data.
pub(super) async fn read(wanted: &Wanted, mut take: impl FnMut(Entry) -> Result<(), Fault>) -> Result<(), Fault> {
    let Some(snapshot) = &wanted.snapshot else { return Ok(()) };
    if snapshot.encryption_key_id().is_some() {
        return Err(encrypted());
    }
    let content = wanted.locator.read(snapshot.manifest_list(), "its manifest list").await?;
    let mut manifests: Vec<ManifestFile> = manifest_list(&content, wanted.metadata.format_version())?;
    manifests.sort_by_key(|manifest| manifest.content == ManifestContentType::Data);
    let mut read = stream::iter(manifests).map(|manifest| live(wanted, manifest)).buffered(CONCURRENT_MANIFESTS);
    while let Some(entries) = read.try_next().await? {
        for entry in entries {
            take(entry)?;
        }
    }
    Ok(())
}

/// The list may have been written before the table was upgraded to its format version of today.
fn manifest_list(content: &[u8], version: FormatVersion) -> Result<Vec<ManifestFile>, Fault> {
    let older = [FormatVersion::V3, FormatVersion::V2, FormatVersion::V1];
    let mut first = None;
    for version in older.into_iter().filter(|older| *older <= version) {
        match ManifestList::parse_with_version(content, version) {
            Ok(list) => return Ok(list.consume_entries().into_iter().collect()),
            Err(error) => {
                first.get_or_insert(error);
            }
        }
    }
    let what = "its manifest list is damaged";
    Err(first.map_or_else(|| Fault::corrupt(what), |error| Fault::corrupt_by(what, error)))
}

async fn live(wanted: &Wanted, manifest: ManifestFile) -> Result<Vec<Entry>, Fault> {
    if manifest.key_metadata.is_some() {
        return Err(encrypted());
    }
    let content = wanted.locator.read(&manifest.manifest_path, "a manifest").await?;
    // Avro is decoded on a thread that may work for long.
    let parsed = tokio::task::spawn_blocking(move || parse(&content, &manifest)).await;
    parsed.unwrap_or_else(|error| Err(Fault::corrupt_by("a manifest is damaged", error)))
}

fn parse(content: &[u8], manifest: &ManifestFile) -> Result<Vec<Entry>, Fault> {
    let parsed = Manifest::parse_avro(content).map_err(|error| Fault::corrupt_by("a manifest is damaged", error))?;
    let live = parsed.entries().iter().filter(|entry| entry.is_alive());
    live.map(|entry| {
        let file = entry.data_file().clone();
        if file.key_metadata().is_some() {
            return Err(encrypted());
        }
        if !matches!(file.file_format(), DataFileFormat::Parquet | DataFileFormat::Puffin) {
            return Err(Fault::unsupported(format!("files of format {}", file.file_format())));
        }
        // An entry that was added with its manifest inherits the manifest's number.
        let sequence = entry.sequence_number().unwrap_or(manifest.sequence_number);
        Ok(Entry { file, sequence, spec: manifest.partition_spec_id })
    })
    .collect()
}

fn encrypted() -> Fault {
    Fault::unsupported("table encryption")
}
