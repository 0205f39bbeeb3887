//! A file-based Iceberg commit: manifest, manifest list, the next `vN.metadata.json`, the version hint.
//!
//! The layout is that of Hadoop tables: a commit is the creation of `vN.metadata.json`, which fails if it exists.

use std::collections::HashMap;

use bytes::Bytes;
use chrono::Utc;
use iceberg::{
    io::FileIO,
    spec::{
        DataFile, FormatVersion, MAIN_BRANCH, ManifestFile, ManifestListWriter, ManifestWriterBuilder, Operation,
        Snapshot, Summary, TableMetadata,
    },
};
use object_store::{ObjectStore, PutMode};

use super::{Destination, WriteError};

/// The newest committed state of a table.
#[derive(Debug)]
pub(super) struct CommittedTable {
    destination: Destination,
    metadata: TableMetadata,
    version: u64,
    manifests: Vec<ManifestFile>,
    totals: Totals,
}

#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    files: u64,
    records: u64,
    bytes: u64,
}

impl CommittedTable {
    /// Commits the empty table as version 1.
    pub(super) async fn create(destination: Destination, metadata: TableMetadata) -> Result<Self, WriteError> {
        if destination.has_files("metadata").await? {
            return Err(WriteError::AlreadyExists(destination.location().to_owned()));
        }
        let table = Self { destination, metadata, version: 1, manifests: Vec::new(), totals: Totals::default() };
        table.publish(1, &table.metadata).await?;
        Ok(table)
    }

    pub(super) fn metadata(&self) -> &TableMetadata {
        &self.metadata
    }

    pub(super) fn destination(&self) -> &Destination {
        &self.destination
    }

    /// The number of the next commit, from 1.
    pub(super) fn next_commit(&self) -> u64 {
        self.version
    }

    /// Commits a snapshot with the files added, and answers its id.
    pub(super) async fn append(&mut self, files: Vec<DataFile>) -> Result<i64, WriteError> {
        let sequence = self.metadata.last_sequence_number() + 1;
        let added = Totals {
            files: files.len() as u64,
            records: files.iter().map(DataFile::record_count).sum(),
            bytes: files.iter().map(DataFile::file_size_in_bytes).sum(),
        };
        let totals = Totals {
            files: self.totals.files + added.files,
            records: self.totals.records + added.records,
            bytes: self.totals.bytes + added.bytes,
        };
        let snapshot_id = snapshot_id(sequence, &files);
        let commit = self.next_commit();

        let mut manifests = self.manifests.clone();
        if !files.is_empty() {
            manifests.push(self.write_manifest(snapshot_id, sequence, files).await?);
        }
        let list_name = format!("metadata/snap-{snapshot_id}-{commit:05}.avro");
        let first_row_id = self.metadata.next_row_id();
        let next_row_id = self.write_manifest_list(&list_name, snapshot_id, sequence, &mut manifests).await?;

        let now = Utc::now().timestamp_millis().max(self.metadata.last_updated_ms());
        let snapshot = Snapshot::builder()
            .with_snapshot_id(snapshot_id)
            .with_parent_snapshot_id(self.metadata.current_snapshot_id())
            .with_sequence_number(sequence)
            .with_timestamp_ms(now)
            .with_manifest_list(self.url(&list_name))
            .with_summary(summary(added, totals))
            .with_schema_id(self.metadata.current_schema_id());
        let snapshot = match next_row_id {
            Some(next) => snapshot.with_row_range(first_row_id, next - first_row_id).build(),
            None => snapshot.build(),
        };

        let metadata = self
            .metadata
            .clone()
            .into_builder(Some(self.url(&metadata_name(self.version))))
            .set_branch_snapshot(snapshot, MAIN_BRANCH)
            .and_then(|builder| builder.build())
            .map_err(WriteError::iceberg)?
            .metadata;
        self.publish(self.version + 1, &metadata).await?;
        self.metadata = metadata;
        self.version += 1;
        self.manifests = manifests;
        self.totals = totals;
        Ok(snapshot_id)
    }

    async fn write_manifest(
        &self,
        snapshot_id: i64,
        sequence: i64,
        files: Vec<DataFile>,
    ) -> Result<ManifestFile, WriteError> {
        // The library writes to its own storage; a memory one hands the bytes over without a second adapter.
        let memory = FileIO::new_with_memory();
        let name = format!("metadata/{snapshot_id}-{:05}-m0.avro", self.next_commit());
        let url = self.url(&name);
        let builder = ManifestWriterBuilder::new(
            memory.new_output(&url).map_err(WriteError::iceberg)?,
            Some(snapshot_id),
            self.metadata.current_schema().clone(),
            self.metadata.default_partition_spec().as_ref().clone(),
        );
        let mut writer = match self.metadata.format_version() {
            FormatVersion::V1 => builder.build_v1(),
            FormatVersion::V2 => builder.build_v2_data(),
            FormatVersion::V3 => builder.build_v3_data(),
        };
        for file in files {
            writer.add_file(file, sequence).map_err(WriteError::iceberg)?;
        }
        let mut manifest = writer.write_manifest_file().await.map_err(WriteError::iceberg)?;
        manifest.sequence_number = sequence;
        manifest.min_sequence_number = sequence;
        self.put(&name, written(&memory, &url).await?, PutMode::Overwrite).await?;
        Ok(manifest)
    }

    /// Writes the list; row ids that it assigns (format version 3) are kept in the manifests.
    async fn write_manifest_list(
        &self,
        name: &str,
        snapshot_id: i64,
        sequence: i64,
        manifests: &mut [ManifestFile],
    ) -> Result<Option<u64>, WriteError> {
        let memory = FileIO::new_with_memory();
        let url = self.url(name);
        let output =
            memory.new_output(&url).map_err(WriteError::iceberg)?.writer().await.map_err(WriteError::iceberg)?;
        let parent = self.metadata.current_snapshot_id();
        let mut writer = match self.metadata.format_version() {
            FormatVersion::V1 => ManifestListWriter::v1(output, snapshot_id, parent),
            FormatVersion::V2 => ManifestListWriter::v2(output, snapshot_id, parent, sequence),
            FormatVersion::V3 => {
                ManifestListWriter::v3(output, snapshot_id, parent, sequence, Some(self.metadata.next_row_id()))
            }
        };
        writer.add_manifests(manifests.iter().cloned()).map_err(WriteError::iceberg)?;
        let next_row_id = writer.next_row_id();
        if next_row_id.is_some() {
            // The writer numbers its own copies; these go into the next list as they are.
            let mut next = self.metadata.next_row_id();
            for manifest in manifests.iter_mut().filter(|manifest| manifest.first_row_id.is_none()) {
                manifest.first_row_id = Some(next);
                next += manifest.added_rows_count.unwrap_or_default();
            }
        }
        writer.close().await.map_err(WriteError::iceberg)?;
        self.put(name, written(&memory, &url).await?, PutMode::Overwrite).await?;
        Ok(next_row_id)
    }

    /// Makes `metadata` the table's version `version`. The hint comes after: readers may find it one behind.
    async fn publish(&self, version: u64, metadata: &TableMetadata) -> Result<(), WriteError> {
        let json = serde_json::to_vec_pretty(metadata).map_err(WriteError::iceberg)?;
        match self.put(&metadata_name(version), json.into(), PutMode::Create).await {
            Err(WriteError::Store(object_store::Error::AlreadyExists { .. })) => {
                return Err(WriteError::Conflict(self.destination.location().to_owned()));
            }
            result => result?,
        }
        self.put("metadata/version-hint.text", version.to_string().into(), PutMode::Overwrite).await
    }

    async fn put(&self, name: &str, bytes: Bytes, mode: PutMode) -> Result<(), WriteError> {
        let path = self.destination.path(name);
        self.destination.object_store().put_opts(&path, bytes.into(), mode.into()).await?;
        Ok(())
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.destination.location())
    }
}

fn metadata_name(version: u64) -> String {
    format!("metadata/v{version}.metadata.json")
}

async fn written(memory: &FileIO, url: &str) -> Result<Bytes, WriteError> {
    memory.new_input(url).map_err(WriteError::iceberg)?.read().await.map_err(WriteError::iceberg)
}

/// An id that is unique in the table, positive, and the same for the same files in the same commit.
fn snapshot_id(sequence: i64, files: &[DataFile]) -> i64 {
    let mut hasher = crc32fast::Hasher::new();
    for file in files {
        hasher.update(file.file_path().as_bytes());
    }
    (i64::from(hasher.finalize()) << 24) | (sequence & 0xff_ffff)
}

fn summary(added: Totals, totals: Totals) -> Summary {
    let properties = [
        ("added-data-files", added.files),
        ("added-records", added.records),
        ("added-files-size", added.bytes),
        ("total-data-files", totals.files),
        ("total-records", totals.records),
        ("total-files-size", totals.bytes),
        ("total-delete-files", 0),
        ("total-position-deletes", 0),
        ("total-equality-deletes", 0),
    ];
    let additional_properties: HashMap<String, String> =
        properties.into_iter().map(|(name, value)| (name.to_owned(), value.to_string())).collect();
    Summary { operation: Operation::Append, additional_properties }
}
