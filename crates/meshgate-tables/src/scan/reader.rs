//! Reads Parquet files with cached footers, counts what was read, and says which table it was for when it fails.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    error::Error as StdError,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use datafusion::{
    common::{DataFusionError, Result},
    datasource::{
        listing::PartitionedFile,
        physical_plan::{
            ParquetFileReaderFactory,
            parquet::{CachedParquetFileReaderFactory, metadata::DFParquetMetadata},
        },
    },
    parquet::{
        arrow::{arrow_reader::ArrowReaderOptions, async_reader::AsyncFileReader},
        errors::{ParquetError, Result as ParquetResult},
        file::metadata::ParquetMetaData,
    },
    physical_plan::metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder},
};
use futures::{FutureExt, TryFutureExt, future::BoxFuture};
use meshgate_catalog::TableName;
use object_store::{ObjectMeta, path::Path};

use super::metrics::{FILES_READ, ROW_GROUPS_READ};
use crate::{Error, fault::Fault, store::TableStore};

/// What a user reads when a data file is at fault.
const DATA_FILE: &str = "a data file";

/// Opens the files of one scan.
#[derive(Debug)]
pub(crate) struct LakeReaderFactory {
    table: TableName,
    store: Arc<TableStore>,
    inner: CachedParquetFileReaderFactory,
    progress: Arc<Progress>,
}

/// What one scan has touched so far. A file is opened more than once and read in several ranges, but counts once.
#[derive(Debug)]
struct Progress {
    opened: Mutex<HashMap<Path, Opened>>,
    files: Count,
    row_groups: Count,
}

/// One file that was opened.
#[derive(Debug)]
struct Opened {
    footer: Arc<ParquetMetaData>,
    row_groups: HashSet<usize>,
}

impl Progress {
    fn opened(&self) -> MutexGuard<'_, HashMap<Path, Opened>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a file, the first time.
    fn open(&self, location: &Path, footer: &Arc<ParquetMetaData>) {
        if let Entry::Vacant(entry) = self.opened().entry(location.clone()) {
            entry.insert(Opened { footer: Arc::clone(footer), row_groups: HashSet::new() });
            self.files.add(1);
        }
    }

    /// Counts the row groups whose column chunks `ranges` begin in.
    fn read(&self, location: &Path, ranges: &[Range<u64>]) {
        let mut opened = self.opened();
        let Some(file) = opened.get_mut(location) else { return };
        for range in ranges {
            let found = file.footer.row_groups().iter().position(|group| {
                group.columns().iter().any(|chunk| {
                    let (start, length) = chunk.byte_range();
                    (start..start + length).contains(&range.start)
                })
            });
            if found.is_some_and(|index| file.row_groups.insert(index)) {
                self.row_groups.add(1);
            }
        }
    }
}

impl LakeReaderFactory {
    /// A factory that counts into `metrics`.
    pub(crate) fn new(table: TableName, store: Arc<TableStore>, metrics: &ExecutionPlanMetricsSet) -> Self {
        let inner = CachedParquetFileReaderFactory::new(Arc::clone(&store.store), Arc::clone(&store.footers));
        let progress = Progress {
            opened: Mutex::default(),
            files: MetricBuilder::new(metrics).global_counter(FILES_READ),
            row_groups: MetricBuilder::new(metrics).global_counter(ROW_GROUPS_READ),
        };
        Self { table, store, inner, progress: Arc::new(progress) }
    }
}

impl ParquetFileReaderFactory for LakeReaderFactory {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        footer_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let inner = self.inner.create_reader(partition, file.clone(), footer_hint, metrics)?;
        Ok(Box::new(LakeReader {
            table: self.table.clone(),
            store: Arc::clone(&self.store),
            inner,
            file: file.object_meta,
            footer_hint,
            progress: Arc::clone(&self.progress),
        }))
    }
}

struct LakeReader {
    table: TableName,
    store: Arc<TableStore>,
    inner: Box<dyn AsyncFileReader + Send>,
    file: ObjectMeta,
    footer_hint: Option<usize>,
    progress: Arc<Progress>,
}

impl AsyncFileReader for LakeReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        self.progress.read(&self.file.location, std::slice::from_ref(&range));
        let table = self.table.clone();
        self.inner.get_bytes(range).map_err(move |error| name_table(&table, error)).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        self.progress.read(&self.file.location, &ranges);
        let table = self.table.clone();
        self.inner.get_byte_ranges(ranges).map_err(move |error| name_table(&table, error)).boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        // The wrapped reader would turn the store's error into text, so that a missing file looks like a damaged one.
        async move {
            let footer = DFParquetMetadata::new(&*self.store.store, &self.file)
                .with_file_metadata_cache(Some(Arc::clone(&self.store.footers)))
                .with_metadata_size_hint(self.footer_hint)
                .with_page_index_policy(options.map(ArrowReaderOptions::column_index_policy))
                .fetch_metadata()
                .await
                .map_err(|error| {
                    let error = Fault::library(DATA_FILE, error).of(&self.table);
                    ParquetError::External(Box::new(error))
                })?;
            self.progress.open(&self.file.location, &footer);
            Ok(footer)
        }
        .boxed()
    }
}

fn name_table(table: &TableName, error: ParquetError) -> ParquetError {
    ParquetError::External(Box::new(Fault::library(DATA_FILE, error).of(table)))
}

/// An error of a scan with the table's name in front, if it is about the table. What is not (memory, a caller's own
/// expression that was pushed into the scan) stays as it is.
pub(crate) fn scan_error(table: &TableName, error: DataFusionError) -> DataFusionError {
    if find::<Error>(&error).is_some() {
        return match lift(error) {
            Ok(named) => DataFusionError::External(named),
            Err(error) => error,
        };
    }
    let fault = match find::<ParquetError>(&error) {
        Some(ParquetError::General(_) | ParquetError::EOF(_) | ParquetError::IndexOutOfBound(..)) => true,
        Some(_) | None => find::<object_store::Error>(&error).is_some(),
    };
    if fault { DataFusionError::External(Box::new(Fault::library(DATA_FILE, error).of(table))) } else { error }
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// Takes this crate's error out of what the Parquet reader and the engine put around it.
fn lift(error: DataFusionError) -> Result<Box<dyn StdError + Send + Sync>, DataFusionError> {
    match error {
        DataFusionError::ParquetError(parquet) => match *parquet {
            ParquetError::External(inner) if inner.is::<Error>() => Ok(inner),
            other => Err(DataFusionError::ParquetError(Box::new(other))),
        },
        DataFusionError::External(inner) if inner.is::<Error>() => Ok(inner),
        DataFusionError::External(inner) => match inner.downcast::<ParquetError>() {
            Ok(parquet) => match *parquet {
                ParquetError::External(inner) if inner.is::<Error>() => Ok(inner),
                other => Err(DataFusionError::External(Box::new(other))),
            },
            Err(inner) => Err(DataFusionError::External(inner)),
        },
        DataFusionError::Context(_, inner) => lift(*inner),
        other => Err(other),
    }
}
