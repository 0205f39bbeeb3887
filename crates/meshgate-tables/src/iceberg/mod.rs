//! Iceberg tables.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use datafusion::{arrow::array::BooleanArray, common::ScalarValue};
use object_store::path::Path;
use roaring::RoaringTreemap;

use crate::{fault::Fault, state::TableState, store::TableRoot};

/// The hidden column that holds a file's data sequence number.
pub(crate) const SEQUENCE_COLUMN: &str = "\u{0}sequence";
/// The hidden column that holds a number for a file's partition.
pub(crate) const PARTITION_COLUMN: &str = "\u{0}partition";
/// The partition number of an equality delete that applies to all partitions.
pub(crate) const GLOBAL_PARTITION: i64 = -1;

#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) column: String,
}

impl Bucket {
    pub(crate) fn contained(&self, _: &HashSet<ScalarValue>) -> BooleanArray {
        BooleanArray::from(Vec::<bool>::new())
    }
}

/// One equality delete file.
#[derive(Debug)]
pub(crate) struct EqualityDelete {
    pub(crate) location: Path,
    /// Columns of the layout.
    pub(crate) columns: Vec<usize>,
    pub(crate) sequence: i64,
    pub(crate) partition: i64,
}

#[derive(Debug)]
pub(crate) struct Deletes {}

impl Deletes {
    pub(crate) fn equality(&self) -> &[EqualityDelete] {
        &[]
    }
    pub(crate) async fn positions(
        &self,
        _: &TableState,
        _: &[usize],
    ) -> Result<HashMap<usize, Arc<RoaringTreemap>>, Fault> {
        Ok(HashMap::new())
    }
}

pub(crate) struct Tip {}
pub(crate) struct Wanted {}

impl Tip {
    pub(crate) async fn look(_: TableRoot, _: Option<&Self>) -> Result<Self, Fault> {
        Err(Fault::unsupported("Iceberg"))
    }
    pub(crate) fn newest(&self) -> Result<Wanted, Fault> {
        Ok(Wanted {})
    }
    pub(crate) fn at(&self, _: Option<i64>) -> Result<Wanted, Fault> {
        Err(Fault::unsupported("Iceberg"))
    }
}

impl Wanted {
    pub(crate) fn content(&self) -> String {
        String::new()
    }
    pub(crate) async fn load(&self) -> Result<TableState, Fault> {
        Err(Fault::unsupported("Iceberg"))
    }
}
