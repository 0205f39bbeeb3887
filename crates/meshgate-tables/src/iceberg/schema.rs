//! An Iceberg schema as the scan's: names outside, field ids for files.

use std::{collections::HashMap, sync::Arc};

use datafusion::arrow::datatypes::{Field, FieldRef};
use iceberg::spec::{DEFAULT_SCHEMA_NAME_MAPPING, MappedField, NameMapping, NestedField, TableMetadata, Type};

use super::value::{arrow_type, literal};
use crate::{
    fault::Fault,
    mapping::{FieldMapping, Matching},
};

/// How the table finds columns in files, and what they are called in files without ids.
pub(super) struct Names {
    pub(super) matching: Matching,
    names: HashMap<i32, Vec<String>>,
}

impl Names {
    pub(super) fn of(metadata: &TableMetadata) -> Result<Self, Fault> {
        let Some(text) = metadata.properties().get(DEFAULT_SCHEMA_NAME_MAPPING) else {
            return Ok(Self { matching: Matching::FieldIdOrPosition, names: HashMap::new() });
        };
        let mapping: NameMapping =
            serde_json::from_str(text).map_err(|error| Fault::corrupt_by("its name mapping is damaged", error))?;
        let mut names = HashMap::new();
        for field in mapping.fields() {
            collect(field, &mut names);
        }
        Ok(Self { matching: Matching::FieldId, names })
    }

    /// How one column of the table is found.
    pub(super) fn column(&self, field: &NestedField) -> FieldMapping {
        FieldMapping { names: self.names.get(&field.id).cloned().unwrap_or_default(), ..self.field(field) }
    }

    fn field(&self, field: &NestedField) -> FieldMapping {
        let children = match field.field_type.as_ref() {
            Type::Primitive(_) => Vec::new(),
            Type::Struct(fields) => fields.fields().iter().map(|field| self.field(field)).collect(),
            Type::List(list) => vec![self.field(&list.element_field)],
            Type::Map(map) => vec![self.field(&map.key_field), self.field(&map.value_field)],
        };
        let default = match (field.field_type.as_ref(), &field.initial_default) {
            (Type::Primitive(primitive), Some(value)) => literal(value, primitive, &arrow_type(&field.field_type)),
            _ => None,
        };
        // A file without ids, of a table without a name mapping, has at least its own names for nested fields.
        let names = match (self.matching, self.names.get(&field.id)) {
            (_, Some(names)) => names.clone(),
            (Matching::FieldIdOrPosition, None) => vec![field.name.clone()],
            (_, None) => Vec::new(),
        };
        FieldMapping { id: Some(field.id), names, default, children }
    }
}

fn collect(field: &MappedField, names: &mut HashMap<i32, Vec<String>>) {
    if let Some(id) = field.field_id() {
        names.insert(id, field.names().to_vec());
    }
    for field in field.fields() {
        collect(field, names);
    }
}

/// A column of the table under `name`.
pub(super) fn arrow_field(field: &NestedField, name: &str) -> FieldRef {
    Arc::new(Field::new(name, arrow_type(&field.field_type), !field.required))
}
