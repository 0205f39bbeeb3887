//! A Delta schema as the scan's: logical names outside, physical names or ids for files.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    arrow::datatypes::{Field, FieldRef, Schema, SchemaRef},
    datasource::table_schema::TableSchema,
};
use delta_kernel::{Snapshot, engine::arrow_conversion::TryIntoArrow, table_features::ColumnMappingMode};

use crate::{
    fault::Fault,
    mapping::{FieldMapping, Matching, TableMapping, child_fields},
    schema::logical_field,
};

const PHYSICAL_NAME: &str = "delta.columnMapping.physicalName";
const COLUMN_ID: &str = "delta.columnMapping.id";

/// What the schema and partitioning of a Delta table mean for the scan.
pub(super) struct DeltaSchema {
    pub(super) schema: SchemaRef,
    pub(super) layout: TableSchema,
    pub(super) positions: Vec<usize>,
    pub(super) mapping: Arc<TableMapping>,
    pub(super) column_ids: HashMap<String, i64>,
    /// Of each column in files its physical name, under which the log keeps its statistics.
    pub(super) file_columns: Vec<String>,
    /// Of each partition column its physical name, under which the log keeps its values.
    pub(super) partition_columns: Vec<String>,
}

impl DeltaSchema {
    pub(super) fn of(snapshot: &Snapshot) -> Result<Self, Fault> {
        let arrow: Schema = snapshot
            .schema()
            .as_ref()
            .try_into_arrow()
            .map_err(|error| Fault::corrupt_by("its schema has a type that does not exist in Arrow", error))?;
        let configuration = snapshot.table_configuration();
        let mode = configuration.column_mapping_mode();
        let partitions = configuration.metadata().partition_columns();

        let mut file_fields: Vec<FieldRef> = Vec::new();
        let mut constants: Vec<(usize, FieldRef)> = Vec::new();
        let mut columns = Vec::new();
        let mut file_columns = Vec::new();
        let mut partition_columns = vec![String::new(); partitions.len()];
        let mut column_ids = HashMap::new();
        let mut renamed = false;
        for field in arrow.fields() {
            if let Some(id) = column_id(field) {
                column_ids.insert(field.name().clone(), i64::from(id));
            }
            let logical = logical_field(field);
            match partitions.iter().position(|name| name == field.name()) {
                Some(index) => {
                    partition_columns[index] = physical_name(field, mode);
                    constants.push((index, Arc::new(logical.as_ref().clone().with_nullable(true))));
                }
                None => {
                    let mapping = field_mapping(field, mode);
                    renamed |= is_renamed(field, &mapping);
                    columns.push(mapping);
                    file_columns.push(physical_name(field, mode));
                    file_fields.push(logical);
                }
            }
        }
        constants.sort_by_key(|(index, _)| *index);
        let constants: Vec<FieldRef> = constants.into_iter().map(|(_, field)| field).collect();
        let layout =
            TableSchema::builder(Arc::new(Schema::new(file_fields))).with_table_partition_cols(constants).build();

        let table = layout.table_schema();
        let positions: Vec<usize> = arrow
            .fields()
            .iter()
            .map(|field| table.index_of(field.name()))
            .collect::<Result<_, _>>()
            .map_err(|error| Fault::corrupt_by("its schema names a column twice", error))?;
        let schema =
            Arc::new(table.project(&positions).map_err(|error| Fault::corrupt_by("its schema is damaged", error))?);
        let matching = match mode {
            ColumnMappingMode::Id => Matching::FieldId,
            ColumnMappingMode::None | ColumnMappingMode::Name => Matching::Name,
        };
        Ok(Self {
            schema,
            positions,
            mapping: Arc::new(TableMapping { matching, renamed, columns }),
            column_ids,
            file_columns,
            partition_columns,
            layout,
        })
    }
}

fn physical_name(field: &Field, mode: ColumnMappingMode) -> String {
    let mapped = (mode != ColumnMappingMode::None).then(|| field.metadata().get(PHYSICAL_NAME)).flatten();
    mapped.map_or_else(|| field.name().clone(), |name| unquoted(name).to_owned())
}

fn column_id(field: &Field) -> Option<i32> {
    unquoted(field.metadata().get(COLUMN_ID)?).parse().ok()
}

fn unquoted(value: &str) -> &str {
    value.trim_matches('"')
}

fn field_mapping(field: &Field, mode: ColumnMappingMode) -> FieldMapping {
    FieldMapping {
        id: column_id(field),
        names: vec![physical_name(field, mode)],
        default: None,
        children: child_fields(field.data_type()).iter().map(|child| field_mapping(child, mode)).collect(),
    }
}

fn is_renamed(field: &Field, mapping: &FieldMapping) -> bool {
    let children = child_fields(field.data_type());
    mapping.names.iter().any(|name| name != field.name())
        || children.iter().zip(&mapping.children).any(|(field, mapping)| is_renamed(field, mapping))
}
