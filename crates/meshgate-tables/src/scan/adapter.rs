//! Expressions over the table's columns → expressions over one file's columns.

use std::{
    collections::HashMap,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use datafusion::{
    arrow::{
        array::RecordBatch,
        datatypes::{DataType, FieldRef, Fields, Schema, SchemaRef},
    },
    common::{
        Result, ScalarValue,
        tree_node::{Transformed, TransformedResult, TreeNode},
    },
    functions::core::getfield::GetFieldFunc,
    logical_expr::ColumnarValue,
    physical_expr::{
        PhysicalExpr, ScalarFunctionExpr,
        expressions::{CastExpr, Column, Literal},
    },
    physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory},
};

use super::adapt::{Adaptation, Finder, default_value};
use crate::mapping::{FieldMapping, TableMapping, has_ids};

/// Makes the adapter of each file from the table's mapping.
#[derive(Debug)]
pub(crate) struct MappingAdapterFactory(pub(crate) Arc<TableMapping>);

impl PhysicalExprAdapterFactory for MappingAdapterFactory {
    fn create(&self, table: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let finder = Finder { matching: self.0.matching, file_has_ids: has_ids(file.fields()) };
        let mut columns = HashMap::with_capacity(table.fields().len());
        for (field, mapping) in table.fields().iter().zip(&self.0.columns) {
            columns.insert(field.name().clone(), resolve(finder, field, mapping, &file)?);
        }
        Ok(Arc::new(MappingAdapter { columns, finder, file }))
    }
}

/// What stands for a column of the table in one file.
#[derive(Debug, Clone)]
enum Replacement {
    /// The file lacks it.
    Missing(Literal),
    /// It is there, and of the same type.
    Column(Column),
    /// A leaf of another type.
    Cast(Column, FieldRef),
    /// A nested column that has to be rebuilt.
    Nested(Column, FieldRef, FieldMapping),
}

fn resolve(finder: Finder, field: &FieldRef, mapping: &FieldMapping, file: &Schema) -> Result<Replacement> {
    let Some(index) = finder.find(file.fields(), mapping) else {
        return Ok(Replacement::Missing(Literal::new(default_value(mapping, field.data_type())?)));
    };
    let found = file.field(index);
    let column = Column::new(found.name(), index);
    if found.data_type() == field.data_type() {
        Ok(Replacement::Column(column))
    } else if field.data_type().is_nested() {
        Ok(Replacement::Nested(column, Arc::clone(field), mapping.clone()))
    } else {
        Ok(Replacement::Cast(column, Arc::clone(field)))
    }
}

#[derive(Debug)]
struct MappingAdapter {
    columns: HashMap<String, Replacement>,
    finder: Finder,
    file: SchemaRef,
}

impl PhysicalExprAdapter for MappingAdapter {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        // Bottom up, so that a column that was put in place is not taken for one of the table's.
        expr.transform_up(|node| {
            if let Some(column) = node.downcast_ref::<Column>() {
                return self.replace(column);
            }
            match self.narrow(&node)? {
                Some(narrowed) => Ok(Transformed::yes(narrowed)),
                None => Ok(Transformed::no(node)),
            }
        })
        .data()
    }
}

impl MappingAdapter {
    fn replace(&self, column: &Column) -> Result<Transformed<Arc<dyn PhysicalExpr>>> {
        let replaced: Arc<dyn PhysicalExpr> = match self.columns.get(column.name()) {
            Some(Replacement::Missing(value)) => Arc::new(value.clone()),
            Some(Replacement::Column(found)) => Arc::new(found.clone()),
            Some(Replacement::Cast(found, field)) => {
                Arc::new(CastExpr::new_with_target_field(Arc::new(found.clone()), Arc::clone(field), None))
            }
            Some(Replacement::Nested(found, field, mapping)) => {
                let from = self.file.field(found.index()).data_type();
                self.nested(Arc::new(found.clone()), from, field, mapping)?
            }
            // A column that the reader itself makes, such as the row's number.
            None => Arc::new(Column::new_with_schema(column.name(), &self.file)?),
        };
        Ok(Transformed::yes(replaced))
    }

    fn nested(
        &self,
        child: Arc<dyn PhysicalExpr>,
        from: &DataType,
        field: &FieldRef,
        mapping: &FieldMapping,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let adaptation = self.finder.adaptation(from, field.data_type(), mapping)?;
        Ok(Arc::new(AdaptExpr { child, field: Arc::clone(field), mapping: mapping.clone(), adaptation }))
    }

    /// `get_field(adapt(s), 'a')` → `adapt(get_field(s, 'a as the file names it'))`, so that one field of a struct costs one
    /// field's pages, and its filter is seen by the pruning.
    fn narrow(&self, node: &Arc<dyn PhysicalExpr>) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        let Some(access) = ScalarFunctionExpr::try_downcast_func::<GetFieldFunc>(node.as_ref()) else {
            return Ok(None);
        };
        let Some((adapted, keys)) = access.args().split_first() else { return Ok(None) };
        let Some(adapted) = adapted.downcast_ref::<AdaptExpr>() else { return Ok(None) };
        let keys: Option<Vec<&str>> = keys
            .iter()
            .map(|key| key.downcast_ref::<Literal>().and_then(|literal| literal.value().try_as_str().flatten()))
            .collect();
        let Some(keys) = keys else { return Ok(None) };

        let mut file_type = adapted.child.data_type(&self.file)?;
        let mut field = Arc::clone(&adapted.field);
        let mut mapping = &adapted.mapping;
        let mut args = vec![Arc::clone(&adapted.child)];
        for key in keys {
            let (DataType::Struct(file_fields), DataType::Struct(fields)) = (&file_type, field.data_type()) else {
                return Ok(None);
            };
            let Some((index, next)) = fields.iter().enumerate().find(|(_, next)| next.name() == key) else {
                return Ok(None);
            };
            let Some(next_mapping) = mapping.children.get(index) else { return Ok(None) };
            let Some(found) = self.finder.find(file_fields, next_mapping) else { return Ok(None) };
            if !unambiguous(file_fields, found) {
                return Ok(None);
            }
            args.push(Arc::new(Literal::new(ScalarValue::Utf8(Some(file_fields[found].name().clone())))));
            let next = Arc::clone(next);
            file_type = file_fields[found].data_type().clone();
            field = next;
            mapping = next_mapping;
        }
        let fun = Arc::new(access.fun().clone());
        let options = Arc::new(access.config_options().clone());
        let narrowed = Arc::new(ScalarFunctionExpr::try_new(fun, args, &self.file, options)?) as Arc<dyn PhysicalExpr>;
        if &file_type == field.data_type() {
            Ok(Some(narrowed))
        } else if field.data_type().is_nested() {
            self.nested(narrowed, &file_type, &field, mapping).map(Some)
        } else {
            Ok(Some(Arc::new(CastExpr::new_with_target_field(narrowed, field, None))))
        }
    }
}

fn unambiguous(fields: &Fields, index: usize) -> bool {
    fields.iter().filter(|field| field.name() == fields[index].name()).count() == 1
}

/// A nested column of a file in the table's shape.
#[derive(Debug, Clone)]
struct AdaptExpr {
    child: Arc<dyn PhysicalExpr>,
    field: FieldRef,
    mapping: FieldMapping,
    adaptation: Adaptation,
}

impl PartialEq for AdaptExpr {
    fn eq(&self, other: &Self) -> bool {
        self.child.eq(&other.child) && self.field == other.field && self.adaptation == other.adaptation
    }
}

impl Eq for AdaptExpr {}

impl Hash for AdaptExpr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.child.hash(state);
        self.field.hash(state);
        self.adaptation.hash(state);
    }
}

impl fmt::Display for AdaptExpr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} as {}", self.child, self.field.name())
    }
}

impl PhysicalExpr for AdaptExpr {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(self.field.data_type().clone())
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.child.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let array = self.child.evaluate(batch)?.into_array(batch.num_rows())?;
        Ok(ColumnarValue::Array(self.adaptation.apply(&array)?))
    }

    fn return_field(&self, _: &Schema) -> Result<FieldRef> {
        Ok(Arc::clone(&self.field))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.child]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let child = children.pop().unwrap_or_else(|| Arc::clone(&self.child));
        Ok(Arc::new(Self { child, ..self.as_ref().clone() }))
    }

    fn fmt_sql(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.child.fmt_sql(formatter)
    }
}
