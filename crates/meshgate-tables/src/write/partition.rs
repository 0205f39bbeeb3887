//! Rows grouped by the values of some columns.

use std::collections::BTreeMap;

use datafusion::arrow::{
    array::{ArrayRef, UInt64Array},
    compute::take,
    row::{OwnedRow, RowConverter, SortField},
};

use super::WriteError;

/// Rows that share the values of the grouping columns.
#[derive(Debug)]
pub(super) struct Group {
    /// The rows, in their order.
    pub(super) rows: Vec<u64>,
}

impl Group {
    /// One of its rows; any will do to read the shared values.
    pub(super) fn representative(&self) -> usize {
        self.rows.first().map_or(0, |row| *row as usize)
    }

    /// Its part of the columns.
    pub(super) fn take(&self, columns: &[ArrayRef]) -> Result<Vec<ArrayRef>, WriteError> {
        let rows = UInt64Array::from_iter_values(self.rows.iter().copied());
        Ok(columns.iter().map(|column| take(column, &rows, None)).collect::<Result<Vec<_>, _>>()?)
    }
}

/// The groups in the order of their values, nulls first. Without columns, one group of all rows.
pub(super) fn group_rows(columns: &[ArrayRef], rows: usize) -> Result<Vec<Group>, WriteError> {
    if columns.is_empty() {
        return Ok(vec![Group { rows: (0..rows as u64).collect() }]);
    }
    let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
    let converter = RowConverter::new(fields)?;
    let keys = converter.convert_columns(columns)?;
    let mut groups: BTreeMap<OwnedRow, Vec<u64>> = BTreeMap::new();
    for (row, key) in keys.iter().enumerate() {
        groups.entry(key.owned()).or_default().push(row as u64);
    }
    Ok(groups.into_values().map(|rows| Group { rows }).collect())
}
