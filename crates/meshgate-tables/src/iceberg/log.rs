//! The newest metadata file of an Iceberg table, and the states that it knows.

use std::sync::Arc;

use futures::TryStreamExt;
use iceberg::{
    io::FileIO,
    spec::{DEFAULT_SCHEMA_NAME_MAPPING, SchemaRef, SnapshotRef, TableMetadata},
};
use object_store::{ObjectMeta, ObjectStoreExt};
use url::Url;

use super::{locate::Locator, state};
use crate::{fault::Fault, state::TableState, store::TableRoot};

const METADATA: &str = "its metadata";

/// The newest metadata of an Iceberg table.
pub(crate) struct Tip {
    root: TableRoot,
    file: ObjectMeta,
    metadata: Arc<TableMetadata>,
}

/// One state of an Iceberg table that can be loaded.
pub(crate) struct Wanted {
    pub(super) locator: Locator,
    pub(super) metadata: Arc<TableMetadata>,
    /// `None` = the table without rows.
    pub(super) snapshot: Option<SnapshotRef>,
    pub(super) schema: SchemaRef,
}

impl Tip {
    /// The newest metadata. The file is read only if it is another than the one `before`.
    pub(crate) async fn look(root: TableRoot, before: Option<&Self>) -> Result<Self, Fault> {
        let (root, candidates) = candidates(root).await?;
        let Some(newest) = candidates.files.first() else {
            return Err(Fault::missing("its folder, or a metadata file in it,"));
        };
        if let Some(before) = before
            && &before.file == newest
        {
            return Ok(Self { root, file: before.file.clone(), metadata: Arc::clone(&before.metadata) });
        }
        match read(&root, newest).await {
            Ok(metadata) => Ok(Self { root, file: newest.clone(), metadata: Arc::new(metadata) }),
            Err(fault @ Fault::Corrupt { .. }) => {
                // The hint is written last: a newer file that can't be read is one that is still being written.
                let Some(file) = candidates.hinted.filter(|file| file != newest) else { return Err(fault) };
                tracing::warn!("an Iceberg metadata file is half-written; the one before it is read");
                let metadata = read(&root, &file).await?;
                Ok(Self { root, file, metadata: Arc::new(metadata) })
            }
            Err(fault) => Err(fault),
        }
    }

    /// The newest state, with the table's schema of today.
    pub(crate) fn newest(&self) -> Result<Wanted, Fault> {
        let snapshot = self.metadata.current_snapshot().cloned();
        Ok(self.wanted(snapshot, self.metadata.current_schema().clone()))
    }

    /// The state of the snapshot `id`, with that snapshot's schema.
    pub(crate) fn at(&self, id: Option<i64>) -> Result<Wanted, Fault> {
        let Some(id) = id else { return Ok(self.wanted(None, self.metadata.current_schema().clone())) };
        let Some(snapshot) = self.metadata.snapshot_by_id(id) else {
            return Err(Fault::missing(format!("iceberg snapshot {id}")));
        };
        let schema = snapshot
            .schema(&self.metadata)
            .map_err(|error| Fault::corrupt_by("the schema of a snapshot is missing from its metadata", error))?;
        Ok(self.wanted(Some(snapshot.clone()), schema))
    }

    fn wanted(&self, snapshot: Option<SnapshotRef>, schema: SchemaRef) -> Wanted {
        let locator = Locator::new(self.root.clone(), &self.metadata);
        Wanted { locator, metadata: Arc::clone(&self.metadata), snapshot, schema }
    }
}

impl Wanted {
    /// What distinguishes this state from any other that its location ever had.
    pub(crate) fn content(&self) -> String {
        let snapshot = self.snapshot.as_ref().map(|snapshot| snapshot.snapshot_id());
        let names = self.metadata.properties().get(DEFAULT_SCHEMA_NAME_MAPPING);
        format!("{} {snapshot:?} {} {names:?}", self.metadata.uuid(), self.schema.schema_id())
    }

    /// Reads the snapshot's manifests.
    pub(crate) async fn load(&self) -> Result<TableState, Fault> {
        state::load(self).await
    }
}

/// The metadata files of a table, newest first.
struct Candidates {
    files: Vec<ObjectMeta>,
    /// The one that `version-hint.text` names.
    hinted: Option<ObjectMeta>,
}

/// The table's folder and its metadata files, from the folder or from one metadata file.
async fn candidates(root: TableRoot) -> Result<(TableRoot, Candidates), Fault> {
    let path = root.url.path();
    if path.ends_with(".metadata.json") {
        let file =
            root.store.store.head(&root.prefix).await.map_err(|error| Fault::store("its metadata file", error))?;
        let folder = table_folder(&root.url)?;
        return Ok((root.at(folder)?, Candidates { files: vec![file], hinted: None }));
    }
    let folder = root.prefix.clone().join("metadata");
    let listed: Vec<ObjectMeta> =
        root.store.store.list(Some(&folder)).try_collect().await.map_err(|error| Fault::store(METADATA, error))?;
    let hint = match listed.iter().find(|file| file.location.filename() == Some("version-hint.text")) {
        Some(file) => {
            let read = async { root.store.store.get(&file.location).await?.bytes().await };
            let text = read.await.map_err(|error| Fault::store(METADATA, error))?;
            String::from_utf8_lossy(&text).trim().to_owned()
        }
        None => String::new(),
    };
    let mut numbered: Vec<(u64, ObjectMeta)> =
        listed.into_iter().filter_map(|file| Some((version(file.location.filename()?)?, file))).collect();
    // Two writers may have raced for a number; without a catalog the later file is the better guess.
    numbered.sort_by(|(one, one_file), (other, other_file)| {
        (other, other_file.last_modified).cmp(&(one, one_file.last_modified))
    });
    let named = |number: u64, file: &ObjectMeta| {
        hint.parse() == Ok(number)
            || file.location.filename().is_some_and(|name| !hint.is_empty() && name.starts_with(&hint))
    };
    let hinted = numbered.iter().find(|(number, file)| named(*number, file)).map(|(_, file)| file.clone());
    let files = numbered.into_iter().map(|(_, file)| file).collect();
    Ok((root, Candidates { files, hinted }))
}

/// The number of `v3.metadata.json`, `v3.gz.metadata.json` or `00003-<uuid>.metadata.json`.
fn version(name: &str) -> Option<u64> {
    let stem = name.strip_suffix(".metadata.json")?;
    let stem = stem.strip_suffix(".gz").unwrap_or(stem);
    match stem.strip_prefix('v') {
        Some(number) => number.parse().ok(),
        None => stem.split_once('-')?.0.parse().ok(),
    }
}

/// `…/table/metadata/x.metadata.json` → `…/table/`.
fn table_folder(file: &Url) -> Result<Url, Fault> {
    let impossible = |error| Fault::corrupt_by("its metadata file has an impossible path", error);
    let folder = file.join(".").map_err(impossible)?;
    if folder.path().ends_with("/metadata/") { folder.join("..").map_err(impossible) } else { Ok(folder) }
}

async fn read(root: &TableRoot, file: &ObjectMeta) -> Result<TableMetadata, Fault> {
    let read = async { root.store.store.get(&file.location).await?.bytes().await };
    let content = read.await.map_err(|error| Fault::store("its metadata file", error))?;
    // The crate undoes compression only for what it reads itself, so the bytes go through a file of its own.
    let memory = FileIO::new_with_memory();
    let damaged = |error: iceberg::Error| Fault::corrupt_by("its newest metadata file is damaged", error);
    let name = "memory:///metadata.json";
    memory.new_output(name).map_err(damaged)?.write(content.clone()).await.map_err(damaged)?;
    match TableMetadata::read_from(&memory, name).await {
        Ok(metadata) => Ok(metadata),
        Err(error) => Err(beyond(&content).unwrap_or_else(|| damaged(error))),
    }
}

/// If metadata can't be parsed because they are of a later specification: what of it they use.
fn beyond(content: &[u8]) -> Option<Fault> {
    let metadata: serde_json::Value = serde_json::from_slice(content).ok()?;
    let version = metadata.get("format-version")?.as_u64()?;
    if version > 3 {
        return Some(Fault::unsupported(format!("Iceberg format version {version}")));
    }
    let later = ["variant", "geometry", "geography", "unknown"];
    let found = find_type(metadata.get("schemas")?, &later)?;
    Some(Fault::unsupported(format!("the Iceberg type `{found}`")))
}

fn find_type<'a>(value: &serde_json::Value, names: &[&'a str]) -> Option<&'a str> {
    match value {
        serde_json::Value::Object(entries) => entries.iter().find_map(|(key, value)| {
            let text = value.as_str().filter(|_| ["type", "element", "key", "value"].contains(&key.as_str()));
            let named = text.and_then(|text| names.iter().find(|name| text.split('(').next() == Some(**name)));
            named.copied().or_else(|| find_type(value, names))
        }),
        serde_json::Value::Array(values) => values.iter().find_map(|value| find_type(value, names)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_files_are_numbered() {
        assert_eq!(version("v12.metadata.json"), Some(12));
        assert_eq!(version("v12.gz.metadata.json"), Some(12));
        assert_eq!(version("00003-0b2c1f8e-aaaa-4bbb-8ccc-000000000000.metadata.json"), Some(3));
        assert_eq!(version("00003-0b2c1f8e-aaaa-4bbb-8ccc-000000000000.gz.metadata.json"), Some(3));
        assert_eq!(version("snap-1.avro"), None);
        assert_eq!(version("version-hint.text"), None);
    }

    #[test]
    fn a_metadata_file_leads_to_its_table() {
        let folder = |text: &str| table_folder(&Url::parse(text).unwrap()).unwrap().to_string();
        assert_eq!(folder("file:///lake/t/metadata/v1.metadata.json"), "file:///lake/t/");
        assert_eq!(folder("s3://bucket/t/v1.metadata.json"), "s3://bucket/t/");
    }

    #[test]
    fn a_later_specification_is_named() {
        let fault = beyond(br#"{"format-version": 4}"#).unwrap();
        assert_eq!(fault.to_string(), "Iceberg format version 4 can't be read");
        let variant = br#"{"format-version": 3, "schemas": [{"fields": [{"id": 1, "type": "variant"}]}]}"#;
        assert_eq!(beyond(variant).unwrap().to_string(), "the Iceberg type `variant` can't be read");
        assert!(beyond(b"{\"format-version\": 2, \"sch").is_none());
    }
}
