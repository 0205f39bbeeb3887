//! Deletes of an Iceberg snapshot: which apply to which file, and the positions that they name.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use datafusion::{
    arrow::{
        array::{Array, AsArray},
        compute::cast,
        datatypes::{DataType, Int64Type},
    },
    parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
};
use futures::{FutureExt, StreamExt, TryFutureExt, TryStreamExt, stream};
use object_store::{ObjectStoreExt, path::Path};
use roaring::RoaringTreemap;

use crate::{deletion_vector::decode, fault::Fault, mapping::FieldMapping, state::TableState};

const DELETE_FILE: &str = "a delete file";

/// So many delete files are read at a time.
const CONCURRENT_DELETES: usize = 16;

/// One equality delete file.
#[derive(Debug)]
pub(crate) struct EqualityDelete {
    pub(crate) location: Path,
    /// Columns of the layout whose values are compared.
    pub(crate) columns: Vec<usize>,
    /// How the delete file names them.
    pub(crate) mappings: Vec<FieldMapping>,
    /// It applies to files with a lower number.
    pub(crate) sequence: i64,
    /// It applies to files of that partition, or to all.
    pub(crate) partition: i64,
}

/// One file of position deletes.
#[derive(Debug)]
pub(super) struct PositionDelete {
    pub(super) location: Path,
    pub(super) sequence: i64,
    pub(super) partition: i64,
    /// The one data file that it is about, if its metadata say so.
    pub(super) about: Option<usize>,
}

/// One deletion vector.
#[derive(Debug)]
pub(super) struct Vector {
    pub(super) location: Path,
    /// Where in the Puffin file it begins.
    pub(super) offset: u64,
    /// Its bytes.
    pub(super) length: u64,
    /// How many rows it deletes.
    pub(super) cardinality: u64,
}

/// What a data file is to deletes.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) sequence: i64,
    pub(super) partition: i64,
}

/// All deletes of a snapshot.
#[derive(Debug)]
pub(crate) struct Deletes {
    pub(super) equality: Vec<EqualityDelete>,
    pub(super) files: Vec<PositionDelete>,
    /// Deletion vectors by data file. A vector stands for all position deletes of its file.
    pub(super) vectors: HashMap<usize, Vector>,
    /// The data files.
    pub(super) targets: Vec<Target>,
    /// Data files by the path that metadata and delete files give them.
    pub(super) paths: HashMap<String, usize>,
    pub(super) cache: Mutex<Read>,
}

/// What was read already.
#[derive(Debug, Default)]
pub(super) struct Read {
    vectors: HashMap<usize, Arc<RoaringTreemap>>,
    /// By delete file: what it deletes of each data file.
    files: HashMap<usize, Arc<HashMap<usize, RoaringTreemap>>>,
}

impl Deletes {
    /// The equality deletes.
    pub(crate) fn equality(&self) -> &[EqualityDelete] {
        &self.equality
    }

    /// The deleted positions of those of `files` that have any.
    pub(crate) async fn positions(
        &self,
        state: &TableState,
        files: &[usize],
    ) -> Result<HashMap<usize, Arc<RoaringTreemap>>, Fault> {
        let mut found = HashMap::new();
        if self.vectors.is_empty() && self.files.is_empty() {
            return Ok(found);
        }
        let needed = self.needed(files);
        self.read_vectors(state, files).await?;
        self.read_files(state, &needed).await?;

        let read = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        for &index in files {
            if let Some(vector) = read.vectors.get(&index) {
                found.insert(index, Arc::clone(vector));
                continue;
            }
            let mut union = RoaringTreemap::new();
            for delete in self.files.iter().enumerate().filter(|(_, delete)| self.applies(delete, index)) {
                if let Some(positions) = read.files.get(&delete.0).and_then(|file| file.get(&index)) {
                    union |= positions;
                }
            }
            if !union.is_empty() {
                found.insert(index, Arc::new(union));
            }
        }
        Ok(found)
    }

    /// Specification, "Scan Planning": a position delete applies to files of its partition that are not younger.
    fn applies(&self, delete: &PositionDelete, index: usize) -> bool {
        let target = &self.targets[index];
        delete.partition == target.partition
            && delete.sequence >= target.sequence
            && delete.about.is_none_or(|about| about == index)
    }

    /// The delete files that may be about any of `files`.
    fn needed(&self, files: &[usize]) -> BTreeSet<usize> {
        let plain: Vec<usize> = files.iter().copied().filter(|index| !self.vectors.contains_key(index)).collect();
        let partitions: HashMap<i64, Vec<usize>> = plain.iter().fold(HashMap::new(), |mut partitions, &index| {
            partitions.entry(self.targets[index].partition).or_insert_with(Vec::new).push(index);
            partitions
        });
        self.files
            .iter()
            .enumerate()
            .filter(|(_, delete)| {
                partitions
                    .get(&delete.partition)
                    .is_some_and(|files| files.iter().any(|&index| self.applies(delete, index)))
            })
            .map(|(number, _)| number)
            .collect()
    }

    async fn read_vectors(&self, state: &TableState, files: &[usize]) -> Result<(), Fault> {
        let missing: Vec<(usize, &Vector)> = {
            let read = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            let vectors = files.iter().filter_map(|&index| self.vectors.get(&index).map(|vector| (index, vector)));
            vectors.filter(|(index, _)| !read.vectors.contains_key(index)).collect()
        };
        let fetches = missing
            .into_iter()
            .map(|(index, vector)| fetch_vector(state, vector).map_ok(move |positions| (index, positions)).boxed());
        let fetches: Vec<_> = fetches.collect();
        let fetched: Vec<(usize, RoaringTreemap)> =
            stream::iter(fetches).buffer_unordered(CONCURRENT_DELETES).try_collect().await?;
        let mut read = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        read.vectors.extend(fetched.into_iter().map(|(index, positions)| (index, Arc::new(positions))));
        Ok(())
    }

    async fn read_files(&self, state: &TableState, needed: &BTreeSet<usize>) -> Result<(), Fault> {
        let missing: Vec<usize> = {
            let read = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            needed.iter().copied().filter(|number| !read.files.contains_key(number)).collect()
        };
        let fetches = missing
            .into_iter()
            .map(|number| fetch_file(state, &self.files[number]).map_ok(move |deleted| (number, deleted)).boxed());
        let fetches: Vec<_> = fetches.collect();
        let fetched: Vec<(usize, HashMap<String, RoaringTreemap>)> =
            stream::iter(fetches).buffer_unordered(CONCURRENT_DELETES).try_collect().await?;
        let mut read = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        for (number, by_path) in fetched {
            let by_file = by_path
                .into_iter()
                .filter_map(|(path, positions)| self.paths.get(&path).map(|&index| (index, positions)))
                .collect();
            read.files.insert(number, Arc::new(by_file));
        }
        Ok(())
    }
}

async fn fetch_vector(state: &TableState, vector: &Vector) -> Result<RoaringTreemap, Fault> {
    let range = vector.offset..vector.offset + vector.length;
    let framed = state.root.store.store.get_range(&vector.location, range).await;
    let positions = decode(&framed.map_err(|error| Fault::store("a deletion vector", error))?)?;
    if positions.len() == vector.cardinality {
        Ok(positions)
    } else {
        Err(Fault::corrupt("a deletion vector does not delete as many rows as its metadata say"))
    }
}

async fn fetch_file(state: &TableState, delete: &PositionDelete) -> Result<HashMap<String, RoaringTreemap>, Fault> {
    let read = async { state.root.store.store.get(&delete.location).await?.bytes().await };
    let content = read.await.map_err(|error| Fault::store(DELETE_FILE, error))?;
    let parsed = tokio::task::spawn_blocking(move || parse(content)).await;
    parsed.unwrap_or_else(|error| Err(Fault::corrupt_by("a delete file is damaged", error)))
}

/// Specification, "Position Delete Files": the columns `file_path` and `pos`.
fn parse(content: Bytes) -> Result<HashMap<String, RoaringTreemap>, Fault> {
    let damaged = || Fault::corrupt("a delete file is damaged");
    let reader = ParquetRecordBatchReaderBuilder::try_new(content)
        .and_then(|builder| builder.build())
        .map_err(|error| Fault::library(DELETE_FILE, error))?;
    let mut deleted: HashMap<String, RoaringTreemap> = HashMap::new();
    for batch in reader {
        let batch = batch.map_err(|error| Fault::library(DELETE_FILE, error))?;
        let paths = batch.column_by_name("file_path").ok_or_else(damaged)?;
        let paths = cast(paths, &DataType::Utf8).map_err(|error| Fault::library(DELETE_FILE, error))?;
        let paths = paths.as_string::<i32>();
        let positions = batch.column_by_name("pos").ok_or_else(damaged)?;
        let positions = positions.as_primitive_opt::<Int64Type>().ok_or_else(damaged)?;
        let mut row = 0;
        while row < batch.num_rows() {
            // Rows are sorted by path, so that a run of them is one look-up.
            let path = paths.value(row);
            let of_path = deleted.entry(path.to_owned()).or_default();
            while row < batch.num_rows() && paths.value(row) == path {
                if positions.is_null(row) {
                    return Err(damaged());
                }
                of_path.insert(u64::try_from(positions.value(row)).map_err(|_| damaged())?);
                row += 1;
            }
        }
    }
    Ok(deleted)
}
