//! A table's file as DataFusion's scan takes it: constants, statistics, the rows to leave out.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef},
        buffer::BooleanBuffer,
    },
    common::{ColumnStatistics, Result, ScalarValue, Statistics, stats::Precision},
    datasource::{listing::PartitionedFile, physical_plan::parquet::ParquetRowSelection},
    parquet::arrow::arrow_reader::{RowSelection, RowSelector},
};
use object_store::ObjectMeta;
use roaring::RoaringTreemap;

use crate::state::{ColumnBounds, DataFile, TableState};

/// Up to so many entries (files × columns) of column statistics are attached for every column that is read.
const EAGER_STATISTICS: usize = 50_000;
/// Up to so many entries for the columns of filters; an entry is some 260 bytes.
const FILTER_STATISTICS: usize = 500_000;
/// Above one deleted row in so many, a bit for each row is smaller than a list of ranges.
const DENSE_DELETES: u64 = 16;

/// The files of one scan, and what is known of all of them together.
pub(crate) struct ScanFiles {
    pub(crate) files: Vec<PartitionedFile>,
    pub(crate) statistics: Statistics,
}

/// Which files a scan reads, and which columns it asks for.
pub(crate) struct Selection<'a> {
    /// Indices of the files.
    pub(crate) files: &'a [usize],
    /// The deleted positions by file.
    pub(crate) deleted: &'a HashMap<usize, Arc<RoaringTreemap>>,
    /// Row counts that the table's metadata lack but the deletes need.
    pub(crate) rows: &'a HashMap<usize, u64>,
    /// Columns of the layout that filters name.
    pub(crate) filtered: &'a [usize],
    /// Columns of the layout that are read.
    pub(crate) read: &'a [usize],
}

impl Selection<'_> {
    fn rows(&self, state: &TableState, index: usize) -> Option<u64> {
        state.files[index].rows.or_else(|| self.rows.get(&index).copied())
    }

    fn deleted(&self, index: usize) -> u64 {
        self.deleted.get(&index).map_or(0, |positions| positions.len())
    }

    /// The columns of the layout whose statistics go with each file.
    fn described(&self, width: usize) -> Vec<usize> {
        let entries = self.files.len().saturating_mul(width);
        if entries <= EAGER_STATISTICS {
            let mut columns: Vec<usize> = self.filtered.iter().chain(self.read).copied().collect();
            columns.sort_unstable();
            columns.dedup();
            columns
        } else if entries <= FILTER_STATISTICS {
            self.filtered.to_vec()
        } else {
            Vec::new()
        }
    }

    /// Makes the scan's files.
    pub(crate) fn build(&self, state: &TableState) -> Result<ScanFiles> {
        let schema = state.layout.table_schema();
        let width = schema.fields().len();
        let described = self.described(width);
        let unknown = Arc::new(Statistics::new_unknown(schema));
        let mut total = Total::new(&described);
        let mut files = Vec::with_capacity(self.files.len());
        for &index in self.files {
            let rows = self.rows(state, index);
            let left = rows.map(|rows| rows.saturating_sub(self.deleted(index)));
            if left == Some(0) {
                continue;
            }
            let source = &state.files[index];
            let mut file = PartitionedFile::new_from_meta(object_meta(source));
            file.partition_values = state
                .constants
                .iter()
                .map(|values| ScalarValue::try_from_array(values, index))
                .collect::<Result<_>>()?;
            let columns =
                described.iter().map(|&column| self.column(state, index, column, left)).collect::<Result<Vec<_>>>()?;
            total.add(left, source.size, columns.iter());
            file.statistics = Some(if described.is_empty() {
                Arc::clone(&unknown)
            } else {
                let mut statistics = Statistics::new_unknown(schema);
                statistics.num_rows = exact(left);
                for (&column, known) in described.iter().zip(columns) {
                    statistics.column_statistics[column] = known;
                }
                Arc::new(statistics)
            });
            if let (Some(positions), Some(rows)) = (self.deleted.get(&index), rows)
                && !positions.is_empty()
            {
                file = file.with_extension(ParquetRowSelection::new(row_selection(positions, rows)));
            }
            files.push(file);
        }
        let mut statistics = Statistics::new_unknown(schema);
        total.write(&described, &mut statistics);
        Ok(ScanFiles { files, statistics })
    }

    fn column(&self, state: &TableState, index: usize, column: usize, left: Option<u64>) -> Result<ColumnStatistics> {
        let file_columns = state.layout.file_schema().fields().len();
        if let Some(values) = column.checked_sub(file_columns).and_then(|constant| state.constants.get(constant)) {
            return constant_statistics(values, index, left);
        }
        let name = state.layout.table_schema().field(column).name();
        match state.bounds.columns.get(name) {
            Some(bounds) => {
                bound_statistics(bounds, index, self.deleted(index) > 0 || !state.deletes.equality().is_empty())
            }
            None => Ok(ColumnStatistics::new_unknown()),
        }
    }
}

/// The object behind a data file.
pub(crate) fn object_meta(file: &DataFile) -> ObjectMeta {
    ObjectMeta {
        location: file.location.clone(),
        last_modified: file.modified,
        size: file.size,
        e_tag: None,
        version: None,
    }
}

fn constant_statistics(values: &ArrayRef, index: usize, left: Option<u64>) -> Result<ColumnStatistics> {
    let mut statistics = ColumnStatistics::new_unknown();
    if values.is_null(index) {
        statistics.null_count = exact(left);
    } else {
        let value = ScalarValue::try_from_array(values, index)?;
        statistics.null_count = Precision::Exact(0);
        statistics.min_value = Precision::Exact(value.clone());
        statistics.max_value = Precision::Exact(value);
    }
    Ok(statistics)
}

fn bound_statistics(bounds: &ColumnBounds, index: usize, deletes: bool) -> Result<ColumnStatistics> {
    let exact = bounds.exact.value(index) && !deletes;
    let value = |values: &ArrayRef| -> Result<Precision<ScalarValue>> {
        if values.is_null(index) {
            return Ok(Precision::Absent);
        }
        let value = ScalarValue::try_from_array(values, index)?;
        Ok(if exact { Precision::Exact(value) } else { Precision::Inexact(value) })
    };
    let mut statistics = ColumnStatistics::new_unknown();
    statistics.min_value = value(&bounds.min)?;
    statistics.max_value = value(&bounds.max)?;
    if bounds.nulls.is_valid(index) {
        let nulls = usize::try_from(bounds.nulls.value(index)).unwrap_or(usize::MAX);
        statistics.null_count = if deletes { Precision::Inexact(nulls) } else { Precision::Exact(nulls) };
    }
    Ok(statistics)
}

fn exact(count: Option<u64>) -> Precision<usize> {
    count.and_then(|count| usize::try_from(count).ok()).map_or(Precision::Absent, Precision::Exact)
}

/// Statistics of all files together.
struct Total {
    rows: Option<u64>,
    bytes: u64,
    columns: Vec<Option<ColumnStatistics>>,
}

impl Total {
    fn new(described: &[usize]) -> Self {
        Self { rows: Some(0), bytes: 0, columns: vec![None; described.len()] }
    }

    fn add<'a>(&mut self, rows: Option<u64>, bytes: u64, columns: impl Iterator<Item = &'a ColumnStatistics>) {
        let before = self.rows;
        self.rows = self.rows.zip(rows).map(|(sum, rows)| sum + rows);
        self.bytes += bytes;
        for (total, column) in self.columns.iter_mut().zip(columns) {
            let Some(total) = total else {
                *total = Some(column.clone());
                continue;
            };
            // Files of nulls alone have no bounds to add; any other file without bounds makes the total's unknown.
            if only_nulls(total, before) {
                total.min_value = column.min_value.clone();
                total.max_value = column.max_value.clone();
            } else if !only_nulls(column, rows) {
                total.min_value = total.min_value.min(&column.min_value);
                total.max_value = total.max_value.max(&column.max_value);
            }
            total.null_count = total.null_count.add(&column.null_count);
        }
    }

    fn write(self, described: &[usize], statistics: &mut Statistics) {
        statistics.num_rows = exact(self.rows);
        statistics.total_byte_size = Precision::Inexact(usize::try_from(self.bytes).unwrap_or(usize::MAX));
        for (&index, column) in described.iter().zip(self.columns) {
            if let Some(column) = column {
                statistics.column_statistics[index] = column;
            }
        }
    }
}

fn only_nulls(column: &ColumnStatistics, rows: Option<u64>) -> bool {
    rows.is_some() && column.null_count == exact(rows)
}

/// The rows of a file that are not deleted. Must total the file's row count.
fn row_selection(deleted: &RoaringTreemap, rows: u64) -> RowSelection {
    let total = usize::try_from(rows).unwrap_or(usize::MAX);
    if deleted.len().saturating_mul(DENSE_DELETES) > rows {
        let keep = BooleanBuffer::collect_bool(total, |row| !deleted.contains(row as u64));
        return RowSelection::from_boolean_buffer(keep);
    }
    let mut selectors = Vec::new();
    let mut next = 0_u64;
    for row in deleted.iter().take_while(|row| *row < rows) {
        if row > next {
            selectors.push(RowSelector::select((row - next) as usize));
        }
        selectors.push(RowSelector::skip(1));
        next = row + 1;
    }
    if rows > next {
        selectors.push(RowSelector::select((rows - next) as usize));
    }
    RowSelection::from(selectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(deleted: &[u64], rows: u64) -> Vec<u64> {
        let selection = row_selection(&deleted.iter().copied().collect(), rows);
        let selectors: Vec<RowSelector> = selection.into();
        assert_eq!(selectors.iter().map(|selector| selector.row_count as u64).sum::<u64>(), rows);
        let mut row = 0;
        let mut kept = Vec::new();
        for selector in selectors {
            if !selector.skip {
                kept.extend(row..row + selector.row_count as u64);
            }
            row += selector.row_count as u64;
        }
        kept
    }

    #[test]
    fn a_selection_totals_the_file_and_leaves_out_the_deleted() {
        assert_eq!(selected(&[0, 3, 4], 6), [1, 2, 5]);
        assert_eq!(selected(&[5], 6), [0, 1, 2, 3, 4]);
        let sparse: Vec<u64> = (0..100).filter(|row| *row != 7 && *row != 99).collect();
        assert_eq!(selected(&[7, 99], 100), sparse);
    }

    #[test]
    fn a_position_past_the_end_is_no_row() {
        assert_eq!(selected(&[2, 900], 40).len(), 39);
    }
}
