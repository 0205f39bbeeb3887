//! The columns of a table as one caller sees them.

use std::{collections::HashSet, sync::Arc};

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef},
    common::Column,
    logical_expr::Expr,
};
use meshgate_policy::{ColumnAccess, Grant, Mask};

use super::{leakproof::OpenColumns, mask::Masks, reown::can_reown};
use crate::{QueryError, Result};

/// The name under which the raw table is planned below the barrier.
pub(super) const RAW: &str = "raw";

/// A reference to a raw column, for expressions below the barrier.
pub(super) fn raw_column(name: &str) -> Expr {
    Expr::Column(Column::new(Some(RAW), name))
}

/// One grant bound to one physical schema.
#[derive(Debug)]
pub(super) struct Columns {
    /// What the caller may see, in the contract's order, without metadata.
    pub(super) schema: SchemaRef,
    /// By position in `schema`: how the column is made of the raw table.
    pub(super) expressions: Vec<Expr>,
    /// By position in `schema`: the position in the raw schema.
    pub(super) raw_positions: Vec<usize>,
    /// The columns that show raw.
    pub(super) open: HashSet<String>,
    /// Columns that are denied because their mask does not fit their type.
    pub(super) unfit: Vec<(String, Mask)>,
    /// Whether every physical column shows raw.
    pub(super) are_free: bool,
}

impl Columns {
    /// Binds `grant` to the physical schema `raw`. An undeclared physical column is denied; a declared one that the
    /// caller may see and that is missing is an error.
    pub(super) fn bind(raw: &Schema, grant: &Grant, masks: &Masks) -> Result<Self> {
        let mut columns = Self {
            schema: Arc::new(Schema::empty()),
            expressions: Vec::new(),
            raw_positions: Vec::new(),
            open: HashSet::new(),
            unfit: Vec::new(),
            are_free: false,
        };
        let mut fields: Vec<FieldRef> = Vec::new();
        for column in &grant.columns {
            let name = &column.name;
            let mask = match column.access {
                ColumnAccess::Denied => continue,
                ColumnAccess::Raw => None,
                ColumnAccess::Masked(mask) => Some(mask),
            };
            let Some((position, physical)) = raw.column_with_name(name) else {
                return Err(fails(grant, format!("its contract declares column `{name}`, which it does not have")));
            };
            let expression = match mask {
                None => Some((raw_column(name), bare(physical.data_type()))),
                Some(mask) => masked(masks, mask, physical),
            };
            let Some((expression, data_type)) = expression else {
                columns.unfit.extend(mask.map(|mask| (name.clone(), mask)));
                continue;
            };
            if !can_reown(&data_type) {
                return Err(fails(grant, format!("column `{name}` is of a type that meshgate can't serve")));
            }
            if mask.is_none() {
                columns.open.insert(name.clone());
            }
            fields.push(Arc::new(Field::new(name, data_type, mask.is_some() || physical.is_nullable())));
            columns.expressions.push(expression);
            columns.raw_positions.push(position);
        }
        columns.schema = Arc::new(Schema::new(fields));
        // Metadata is not the caller's; with it the raw plan's schema would not be the one that the caller sees.
        columns.are_free = columns.open.len() == raw.fields().len()
            && raw.metadata().is_empty()
            && raw
                .fields()
                .iter()
                .all(|field| field.metadata().is_empty() && bare(field.data_type()) == *field.data_type());
        Ok(columns)
    }

    pub(super) fn open_columns(&self) -> OpenColumns<'_> {
        OpenColumns { schema: &self.schema, names: &self.open }
    }
}

fn masked(masks: &Masks, mask: Mask, physical: &Field) -> Option<(Expr, DataType)> {
    let data_type = super::mask::fits(mask, physical.data_type())?;
    let expression = masks.expression(mask, raw_column(physical.name()), physical.data_type())?;
    Some((expression.alias(physical.name()), bare(&data_type)))
}

fn fails(grant: &Grant, why: String) -> QueryError {
    let table = grant.table.clone();
    QueryError::Unavailable { message: format!("table `{table}` can't be read: {why}; ask its owner"), table }
}

/// The type without the metadata of nested fields.
fn bare(data_type: &DataType) -> DataType {
    use DataType::*;
    let strip = |field: &FieldRef| -> FieldRef {
        Arc::new(Field::new(field.name(), bare(field.data_type()), field.is_nullable()))
    };
    match data_type {
        Struct(fields) => Struct(fields.iter().map(strip).collect()),
        List(item) => List(strip(item)),
        LargeList(item) => LargeList(strip(item)),
        FixedSizeList(item, length) => FixedSizeList(strip(item), *length),
        Map(entry, sorted) => Map(strip(entry), *sorted),
        Dictionary(keys, values) => Dictionary(keys.clone(), Box::new(bare(values))),
        other => other.clone(),
    }
}
