//! A file's array → the table's type: fields found, renamed, reordered, filled and widened, without a copy of values.

use std::sync::Arc;

use datafusion::{
    arrow::{
        array::{Array, ArrayRef, AsArray, FixedSizeListArray, ListArray, MapArray, StructArray, new_null_array},
        compute::{CastOptions, cast_with_options},
        datatypes::{DataType, FieldRef, Fields},
    },
    common::{Result, ScalarValue, internal_err},
};

use crate::mapping::{FieldMapping, Matching};

/// What has to be done to a file's array. Made once a file, applied to each batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Adaptation {
    /// It is as it should be.
    Keep,
    /// A leaf of another type.
    Cast(DataType),
    /// A struct: for each field of the table where it comes from.
    Struct(Fields, Vec<FieldSource>),
    /// A list.
    List(FieldRef, Box<Adaptation>),
    /// A list of fixed length.
    FixedSizeList(FieldRef, i32, Box<Adaptation>),
    /// A map: its entries' field, whether keys are sorted, key, value.
    Map(FieldRef, bool, Box<Adaptation>, Box<Adaptation>),
}

/// Where a field of a struct comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum FieldSource {
    /// The file has none.
    Missing(ScalarValue),
    /// The field of that index.
    File(usize, Adaptation),
}

/// How fields of one file are found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finder {
    pub(crate) matching: Matching,
    pub(crate) file_has_ids: bool,
}

impl Finder {
    /// The index of the mapped field among a file's.
    pub(crate) fn find(&self, fields: &Fields, mapping: &FieldMapping) -> Option<usize> {
        mapping.find(fields, self.matching, self.file_has_ids)
    }

    /// How an array of a file's type becomes one of the table's.
    pub(crate) fn adaptation(&self, file: &DataType, table: &DataType, mapping: &FieldMapping) -> Result<Adaptation> {
        if file == table {
            return Ok(Adaptation::Keep);
        }
        let child = |index: usize| mapping.children.get(index);
        match (file, table) {
            (DataType::Struct(file), DataType::Struct(table)) => {
                let sources = table
                    .iter()
                    .enumerate()
                    .map(|(index, field)| self.source(file, field, child(index)))
                    .collect::<Result<_>>()?;
                Ok(Adaptation::Struct(table.clone(), sources))
            }
            (DataType::List(file) | DataType::LargeList(file) | DataType::ListView(file), DataType::List(table)) => {
                let element = self.child(file, table, child(0))?;
                Ok(Adaptation::List(Arc::clone(table), Box::new(element)))
            }
            (DataType::FixedSizeList(file, length), DataType::FixedSizeList(table, same)) if length == same => {
                let element = self.child(file, table, child(0))?;
                Ok(Adaptation::FixedSizeList(Arc::clone(table), *length, Box::new(element)))
            }
            (DataType::Map(file, _), DataType::Map(table, sorted)) => {
                let (DataType::Struct(from), DataType::Struct(to)) = (file.data_type(), table.data_type()) else {
                    return internal_err!("a map's entries are no struct");
                };
                let (Some(file_key), Some(file_value), Some(key), Some(value)) =
                    (from.first(), from.get(1), to.first(), to.get(1))
                else {
                    return internal_err!("a map's entries are no pair");
                };
                let key = self.child(file_key, key, child(0))?;
                let value = self.child(file_value, value, child(1))?;
                Ok(Adaptation::Map(Arc::clone(table), *sorted, Box::new(key), Box::new(value)))
            }
            (_, table) => Ok(Adaptation::Cast(table.clone())),
        }
    }

    fn child(&self, file: &FieldRef, table: &FieldRef, mapping: Option<&FieldMapping>) -> Result<Adaptation> {
        match mapping {
            Some(mapping) => self.adaptation(file.data_type(), table.data_type(), mapping),
            None => internal_err!("a nested field has no mapping"),
        }
    }

    fn source(&self, file: &Fields, field: &FieldRef, mapping: Option<&FieldMapping>) -> Result<FieldSource> {
        let Some(mapping) = mapping else {
            return internal_err!("a nested field has no mapping");
        };
        match self.find(file, mapping) {
            Some(index) => {
                let adaptation = self.adaptation(file[index].data_type(), field.data_type(), mapping)?;
                Ok(FieldSource::File(index, adaptation))
            }
            None => Ok(FieldSource::Missing(default_value(mapping, field.data_type())?)),
        }
    }
}

/// What rows have whose file lacks a field.
pub(crate) fn default_value(mapping: &FieldMapping, data_type: &DataType) -> Result<ScalarValue> {
    match &mapping.default {
        Some(value) => value.cast_to(data_type),
        None => ScalarValue::try_new_null(data_type),
    }
}

impl Adaptation {
    /// The table's array.
    pub(crate) fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        match self {
            Self::Keep => Ok(Arc::clone(array)),
            Self::Cast(data_type) => {
                let options = CastOptions { safe: false, ..CastOptions::default() };
                Ok(cast_with_options(array, data_type, &options)?)
            }
            Self::Struct(fields, sources) => {
                let source = array.as_struct();
                let columns = sources
                    .iter()
                    .zip(fields)
                    .map(|(from, field)| match from {
                        FieldSource::File(index, adaptation) => adaptation.apply(source.column(*index)),
                        FieldSource::Missing(value) if value.is_null() => {
                            Ok(new_null_array(field.data_type(), source.len()))
                        }
                        FieldSource::Missing(value) => value.to_array_of_size(source.len()),
                    })
                    .collect::<Result<Vec<_>>>()?;
                let nulls = source.nulls().cloned();
                Ok(Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, source.len())?))
            }
            Self::List(field, element) => {
                let source = match array.data_type() {
                    DataType::List(_) => Arc::clone(array),
                    other => {
                        let (DataType::LargeList(inner) | DataType::ListView(inner)) = other else {
                            return internal_err!("an array that should be a list is none");
                        };
                        cast_with_options(array, &DataType::List(Arc::clone(inner)), &CastOptions::default())?
                    }
                };
                let source = source.as_list::<i32>();
                let values = element.apply(source.values())?;
                let (offsets, nulls) = (source.offsets().clone(), source.nulls().cloned());
                Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, values, nulls)?))
            }
            Self::FixedSizeList(field, length, element) => {
                let source = array.as_fixed_size_list();
                let values = element.apply(source.values())?;
                let nulls = source.nulls().cloned();
                Ok(Arc::new(FixedSizeListArray::try_new(Arc::clone(field), *length, values, nulls)?))
            }
            Self::Map(entries, sorted, key, value) => {
                let source = array.as_map();
                let DataType::Struct(fields) = entries.data_type() else {
                    return internal_err!("a map's entries are no struct");
                };
                let columns = vec![key.apply(source.keys())?, value.apply(source.values())?];
                let pairs = StructArray::try_new(fields.clone(), columns, None)?;
                let (offsets, nulls) = (source.offsets().clone(), source.nulls().cloned());
                Ok(Arc::new(MapArray::try_new(Arc::clone(entries), offsets, pairs, nulls, *sorted)?))
            }
        }
    }
}
