//! One Parquet data file.

use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use parquet::{
    arrow::{ArrowWriter, arrow_writer::ArrowWriterOptions},
    basic::{Compression, ZstdLevel},
    file::{metadata::ParquetMetaData, properties::WriterProperties},
};

use super::WriteError;

/// How rows are laid out in data files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLayout {
    /// Rows of a file at most.
    pub rows_per_file: usize,
    /// Rows of a row group at most.
    pub rows_per_row_group: usize,
}

impl Default for FileLayout {
    /// A million rows a file, 128 Ki rows a row group.
    fn default() -> Self {
        Self { rows_per_file: 1_000_000, rows_per_row_group: 128 * 1024 }
    }
}

impl FileLayout {
    /// The batch in slices of at most [`Self::rows_per_file`] rows.
    pub(super) fn files(&self, batch: &RecordBatch) -> Vec<RecordBatch> {
        let rows = self.rows_per_file.max(1);
        (0..batch.num_rows()).step_by(rows).map(|from| batch.slice(from, rows.min(batch.num_rows() - from))).collect()
    }
}

/// An encoded data file.
#[derive(Debug)]
pub(super) struct EncodedFile {
    pub(super) bytes: Bytes,
    pub(super) footer: ParquetMetaData,
}

impl EncodedFile {
    /// The batch as zstd Parquet with statistics for row groups and pages. The same rows give the same bytes.
    pub(super) fn encode(batch: &RecordBatch, layout: &FileLayout) -> Result<Self, WriteError> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(layout.rows_per_row_group.max(1)))
            .set_created_by(concat!("meshgate version ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        // Readers of the formats go by the table's schema and the Parquet types alone.
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new_with_options(&mut bytes, batch.schema(), options)?;
        writer.write(batch)?;
        let footer = writer.close()?;
        Ok(Self { bytes: bytes.into(), footer })
    }

    /// A name that is unique in its table: `commit` and `number` tell the table's files apart, the checksum those
    /// of two writers that race for one commit.
    pub(super) fn name(&self, commit: u64, number: usize) -> String {
        format!("{commit:05}-{number:05}-{:08x}.zstd.parquet", crc32fast::hash(&self.bytes))
    }
}
