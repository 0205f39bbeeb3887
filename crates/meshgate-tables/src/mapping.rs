//! How the columns of a table are found in a file: by name, by physical name, or by field id.

use datafusion::{
    arrow::datatypes::{DataType, Field, Fields, Schema},
    common::ScalarValue,
    parquet::arrow::PARQUET_FIELD_ID_META_KEY,
};

/// The mapping of a whole table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TableMapping {
    /// By what columns are found.
    pub(crate) matching: Matching,
    /// Whether any field may have another name in a file than in the table.
    pub(crate) renamed: bool,
    /// One entry for each column that is read from files, in the order of the scan's file schema.
    pub(crate) columns: Vec<FieldMapping>,
}

/// By what a file's columns are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Matching {
    /// By the names of [`FieldMapping::names`]; another case is taken if it is the only one.
    Name,
    /// By field id; in a file that has no ids by [`FieldMapping::names`].
    FieldId,
    /// By field id; in a file that has no ids by position, which is the order of ids in a file that was
    /// written for a table that did not evolve.
    FieldIdOrPosition,
}

/// The mapping of one field.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct FieldMapping {
    /// Its id in files.
    pub(crate) id: Option<i32>,
    /// Its names in files.
    pub(crate) names: Vec<String>,
    /// What a row has whose file lacks the field; null otherwise.
    pub(crate) default: Option<ScalarValue>,
    /// Of a struct its fields, of a list its element, of a map its key and value.
    pub(crate) children: Vec<FieldMapping>,
}

impl TableMapping {
    /// A mapping by the names of the schema itself.
    pub(crate) fn by_name(schema: &Schema) -> Self {
        let columns = schema.fields().iter().map(|field| FieldMapping::by_name(field)).collect();
        Self { matching: Matching::Name, renamed: false, columns }
    }
}

impl FieldMapping {
    fn by_name(field: &Field) -> Self {
        Self {
            names: vec![field.name().clone()],
            children: child_fields(field.data_type()).iter().map(|child| Self::by_name(child)).collect(),
            ..Self::default()
        }
    }

    /// Where among a file's fields this one is.
    pub(crate) fn find(&self, fields: &Fields, matching: Matching, file_has_ids: bool) -> Option<usize> {
        match (matching, file_has_ids) {
            (Matching::FieldId | Matching::FieldIdOrPosition, true) => {
                let id = self.id?;
                fields.iter().position(|field| field_id(field) == Some(id))
            }
            (Matching::FieldIdOrPosition, false) if self.names.is_empty() => {
                let index = usize::try_from(self.id?.checked_sub(1)?).ok()?;
                (index < fields.len()).then_some(index)
            }
            _ => self.find_by_name(fields),
        }
    }

    fn find_by_name(&self, fields: &Fields) -> Option<usize> {
        let exact = self.names.iter().find_map(|name| fields.iter().position(|field| field.name() == name));
        exact.or_else(|| {
            let mut found = fields
                .iter()
                .enumerate()
                .filter(|(_, field)| self.names.iter().any(|name| field.name().to_lowercase() == name.to_lowercase()));
            match (found.next(), found.next()) {
                (Some((index, _)), None) => Some(index),
                _ => None,
            }
        })
    }
}

/// The fields that a nested type consists of; empty for a leaf.
pub(crate) fn child_fields(data_type: &DataType) -> Fields {
    match data_type {
        DataType::Struct(fields) => fields.clone(),
        DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
            Fields::from(vec![element.clone()])
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => fields.clone(),
            _ => Fields::empty(),
        },
        _ => Fields::empty(),
    }
}

/// The Parquet field id that the reader left in a field's metadata.
pub(crate) fn field_id(field: &Field) -> Option<i32> {
    field.metadata().get(PARQUET_FIELD_ID_META_KEY)?.parse().ok()
}

/// Whether any field of a file, nested ones included, has an id.
pub(crate) fn has_ids(fields: &Fields) -> bool {
    fields.iter().any(|field| field_id(field).is_some() || has_ids(&child_fields(field.data_type())))
}
