//! What a pinned table consists of, whatever its format: files, constants, bounds, deletes.

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, Utc};
use datafusion::{
    arrow::{
        array::{ArrayRef, UInt64Array},
        buffer::BooleanBuffer,
        datatypes::SchemaRef,
    },
    datasource::table_schema::TableSchema,
};
use object_store::path::Path;
use roaring::RoaringTreemap;

use crate::{SnapshotVersion, delta, fault::Fault, iceberg, mapping::TableMapping, store::TableRoot};

/// One immutable state of one table.
#[derive(Debug)]
pub(crate) struct TableState {
    /// Which state.
    pub(crate) version: SnapshotVersion,
    /// The schema that callers see, in the table's own column order.
    pub(crate) schema: SchemaRef,
    /// Column ids by top-level name, for formats that have them.
    pub(crate) column_ids: HashMap<String, i64>,
    /// The scan's schema: columns read from files, then constants of a file.
    pub(crate) layout: TableSchema,
    /// For each column of `schema` its index in `layout`.
    pub(crate) positions: Vec<usize>,
    /// How a file's columns are found.
    pub(crate) mapping: Arc<TableMapping>,
    /// The data files.
    pub(crate) files: Vec<DataFile>,
    /// For each constant column of `layout` one array with a value a file.
    pub(crate) constants: Vec<ArrayRef>,
    /// Bounds of columns, one entry a file.
    pub(crate) bounds: Bounds,
    /// Rows that must not come back.
    pub(crate) deletes: Deletes,
    /// Where it is.
    pub(crate) root: TableRoot,
}

/// One Parquet file of a table.
#[derive(Debug, Clone)]
pub(crate) struct DataFile {
    /// In the table's store.
    pub(crate) location: Path,
    /// Bytes.
    pub(crate) size: u64,
    /// When it was written, as far as metadata say. Together with the size it validates a cached footer.
    pub(crate) modified: DateTime<Utc>,
    /// Rows in the file, deleted ones included.
    pub(crate) rows: Option<u64>,
}

/// Bounds by top-level column name; a column that is absent has none.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    pub(crate) columns: HashMap<String, ColumnBounds>,
    /// Bucket transforms, which bounds can't express.
    pub(crate) buckets: Vec<iceberg::Bucket>,
}

/// Bounds of one column, one entry a file; null = unknown.
#[derive(Debug, Clone)]
pub(crate) struct ColumnBounds {
    /// A value that no value of the file is below.
    pub(crate) min: ArrayRef,
    /// A value that no value of the file is above.
    pub(crate) max: ArrayRef,
    /// Nulls in the file, deleted rows included.
    pub(crate) nulls: UInt64Array,
    /// Whether `min` and `max` are values that occur, so that they may answer `min()` and `max()`.
    pub(crate) exact: BooleanBuffer,
}

/// Rows that are in the files but not in the table.
#[derive(Debug)]
pub(crate) enum Deletes {
    /// None at all.
    None,
    /// Delta deletion vectors.
    Delta(delta::Vectors),
    /// Iceberg position deletes, deletion vectors and equality deletes.
    Iceberg(iceberg::Deletes),
}

impl Deletes {
    /// The deleted positions of those of `files` that have any. Read once, then kept.
    pub(crate) async fn positions(
        &self,
        state: &TableState,
        files: &[usize],
    ) -> Result<HashMap<usize, Arc<RoaringTreemap>>, Fault> {
        match self {
            Self::None => Ok(HashMap::new()),
            Self::Delta(vectors) => vectors.positions(state, files).await,
            Self::Iceberg(deletes) => deletes.positions(state, files).await,
        }
    }

    /// The equality deletes, which become joins.
    pub(crate) fn equality(&self) -> &[iceberg::EqualityDelete] {
        match self {
            Self::Iceberg(deletes) => deletes.equality(),
            Self::None | Self::Delta(_) => &[],
        }
    }
}
