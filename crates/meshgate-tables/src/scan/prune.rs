//! Which files can hold a row that the filters keep.

use std::{collections::HashSet, sync::Arc};

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, UInt64Array},
        compute::prep_null_mask_filter,
        datatypes::Schema,
    },
    catalog::Session,
    common::{Column, DFSchema, Result, ScalarValue, pruning::PruningStatistics},
    logical_expr::{Expr, utils::conjunction},
    physical_expr::PhysicalExpr,
    physical_optimizer::pruning::PruningPredicateBuilder,
};

use crate::state::TableState;

/// The indices of the files that may hold rows which `filters` keep.
///
/// A filter over a file's constants alone is evaluated as it is; all of them are evaluated on bounds. Neither needs to be
/// possible: a filter that can't be used here is evaluated above the scan.
pub(crate) fn surviving_files(state: &TableState, session: &dyn Session, filters: &[Expr]) -> Result<Vec<usize>> {
    let mut keep = vec![true; state.files.len()];
    if !filters.is_empty() && !keep.is_empty() {
        let (constant, _): (Vec<_>, Vec<_>) =
            filters.iter().partition(|filter| over_constants(state, filter) && !filter.is_volatile());
        by_constants(state, session, &constant, &mut keep);
        by_bounds(state, session, filters, &mut keep);
    }
    Ok(keep.iter().enumerate().filter_map(|(index, keep)| keep.then_some(index)).collect())
}

/// The filters as one predicate over the scan's schema.
pub(crate) fn predicate(
    state: &TableState,
    session: &dyn Session,
    filters: &[Expr],
) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let Some(filter) = conjunction(filters.iter().cloned()) else { return Ok(None) };
    let schema = DFSchema::try_from(state.layout.table_schema().as_ref().clone())?;
    session.create_physical_expr(filter, &schema).map(Some)
}

fn over_constants(state: &TableState, filter: &Expr) -> bool {
    let constants = state.layout.table_partition_cols();
    let columns = filter.column_refs();
    !columns.is_empty() && columns.iter().all(|column| constants.iter().any(|field| field.name() == &column.name))
}

fn by_constants(state: &TableState, session: &dyn Session, filters: &[&Expr], keep: &mut [bool]) {
    let schema = Arc::new(Schema::new(state.layout.table_partition_cols().clone()));
    let options = RecordBatchOptions::new().with_row_count(Some(keep.len()));
    let Ok(batch) = RecordBatch::try_new_with_options(Arc::clone(&schema), state.constants.clone(), &options) else {
        return;
    };
    let Ok(schema) = DFSchema::try_from(schema.as_ref().clone()) else { return };
    for filter in filters {
        let evaluated = session
            .create_physical_expr((*filter).clone(), &schema)
            .and_then(|expr| expr.evaluate(&batch))
            .and_then(|value| value.into_array(keep.len()));
        let Ok(evaluated) = evaluated else { continue };
        let Some(matches) = evaluated.as_any().downcast_ref::<BooleanArray>() else { continue };
        // The kernel panics on a mask without nulls.
        match matches.null_count() {
            0 => intersect(keep, matches),
            _ => intersect(keep, &prep_null_mask_filter(matches)),
        }
    }
}

fn by_bounds(state: &TableState, session: &dyn Session, filters: &[Expr], keep: &mut [bool]) {
    let Ok(Some(expr)) = predicate(state, session, filters) else { return };
    let schema = Arc::clone(state.layout.table_schema());
    let Some(pruning) = PruningPredicateBuilder::new().with_file_schema(schema).build(expr) else { return };
    if let Ok(matches) = pruning.prune(&FileBounds(state)) {
        intersect(keep, &BooleanArray::from(matches));
    }
}

fn intersect(keep: &mut [bool], matches: &BooleanArray) {
    for (keep, matches) in keep.iter_mut().zip(matches.values().iter()) {
        *keep &= matches;
    }
}

/// The table's bounds as the pruning predicate reads them.
struct FileBounds<'a>(&'a TableState);

impl FileBounds<'_> {
    fn constant(&self, column: &Column) -> Option<&ArrayRef> {
        let index = self.0.layout.table_partition_cols().iter().position(|field| field.name() == &column.name)?;
        self.0.constants.get(index)
    }
}

impl PruningStatistics for FileBounds<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        let bounds = || self.0.bounds.columns.get(&column.name).map(|bounds| Arc::clone(&bounds.min));
        self.constant(column).cloned().or_else(bounds)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        let bounds = || self.0.bounds.columns.get(&column.name).map(|bounds| Arc::clone(&bounds.max));
        self.constant(column).cloned().or_else(bounds)
    }

    fn num_containers(&self) -> usize {
        self.0.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        if let Some(constant) = self.constant(column) {
            let counts: UInt64Array = self
                .0
                .files
                .iter()
                .enumerate()
                .map(|(index, file)| if constant.is_null(index) { file.rows } else { Some(0) })
                .collect();
            return Some(Arc::new(counts));
        }
        self.0.bounds.columns.get(&column.name).map(|bounds| Arc::new(bounds.nulls.clone()) as ArrayRef)
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(self.0.files.iter().map(|file| file.rows).collect::<UInt64Array>()))
    }

    fn contained(&self, column: &Column, values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        if let Some(constant) = self.constant(column) {
            let found = (0..constant.len()).map(|index| {
                let value = ScalarValue::try_from_array(constant, index).ok()?;
                (!value.is_null()).then(|| values.contains(&value))
            });
            return Some(found.collect());
        }
        let buckets = self.0.bounds.buckets.iter().find(|bucket| bucket.column == column.name)?;
        Some(buckets.contained(values))
    }
}
