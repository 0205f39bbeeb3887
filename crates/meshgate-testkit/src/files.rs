//! The data of a test's tables.

use std::{fs::File, path::Path};

use datafusion::arrow::{array::ArrayRef, record_batch::RecordBatch};
use parquet::arrow::ArrowWriter;

/// The format a test's table is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A folder of Parquet files, one a batch.
    Parquet,
}

impl Format {
    /// The contract's word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
        }
    }
}

/// A batch of these columns, each nullable.
pub fn batch(columns: impl IntoIterator<Item = (&'static str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .expect("the columns have one length")
}

/// Writes `batches` as a table in `folder`, a file each.
pub(crate) fn write(folder: &Path, format: Format, batches: &[RecordBatch]) {
    std::fs::create_dir_all(folder).expect("a table's folder");
    match format {
        Format::Parquet => {
            for (index, batch) in batches.iter().enumerate() {
                let file = File::create(folder.join(format!("part-{index:05}.parquet"))).expect("a data file");
                let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a Parquet writer");
                writer.write(batch).expect("rows in a data file");
                writer.close().expect("a data file's end");
            }
        }
    }
}
