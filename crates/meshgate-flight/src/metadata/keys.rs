//! Keys: what contracts declare.

use std::sync::{Arc, LazyLock};

use arrow_flight::sql::CommandGetPrimaryKeys;
use datafusion::arrow::{
    array::{Int32Builder, RecordBatch, StringBuilder},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use meshgate_query::{ListedTable, ListingFilter};
use tonic::Status;

use super::{Lister, literal_pattern};
use crate::status::encoding;

/// The columns of GetPrimaryKeys (FlightSql.proto, `CommandGetPrimaryKeys`).
pub(crate) fn primary_keys_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        Arc::new(Schema::new(vec![
            Field::new("catalog_name", DataType::Utf8, true),
            Field::new("db_schema_name", DataType::Utf8, true),
            Field::new("table_name", DataType::Utf8, false),
            Field::new("column_name", DataType::Utf8, false),
            Field::new("key_sequence", DataType::Int32, false),
            Field::new("key_name", DataType::Utf8, true),
        ]))
    });
    SCHEMA.clone()
}

/// The columns of GetExportedKeys, GetImportedKeys and GetCrossReference (FlightSql.proto).
pub(crate) fn relations_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        Arc::new(Schema::new(vec![
            Field::new("pk_catalog_name", DataType::Utf8, true),
            Field::new("pk_db_schema_name", DataType::Utf8, true),
            Field::new("pk_table_name", DataType::Utf8, false),
            Field::new("pk_column_name", DataType::Utf8, false),
            Field::new("fk_catalog_name", DataType::Utf8, true),
            Field::new("fk_db_schema_name", DataType::Utf8, true),
            Field::new("fk_table_name", DataType::Utf8, false),
            Field::new("fk_column_name", DataType::Utf8, false),
            Field::new("key_sequence", DataType::Int32, false),
            Field::new("fk_key_name", DataType::Utf8, true),
            Field::new("pk_key_name", DataType::Utf8, true),
            Field::new("update_rule", DataType::UInt8, false),
            Field::new("delete_rule", DataType::UInt8, false),
        ]))
    });
    SCHEMA.clone()
}

/// The declared primary keys of the tables of that name. A key with a column that the caller does not see is left
/// out as a whole: what is left of it would not be unique.
pub(crate) async fn primary_keys(command: CommandGetPrimaryKeys, lister: Lister<'_>) -> Result<RecordBatch, Status> {
    let listing = lister
        .list(ListingFilter {
            catalog: command.catalog,
            schema_pattern: command.db_schema.as_deref().map(literal_pattern),
            table_pattern: Some(literal_pattern(&command.table)),
            with_columns: true,
        })
        .await?;
    let [mut catalogs, mut schemas, mut tables, mut columns, mut names] = [(); 5].map(|()| StringBuilder::new());
    let mut sequence = Int32Builder::new();
    for table in &listing.tables {
        for (position, column) in visible_key(table).into_iter().enumerate() {
            catalogs.append_value(&table.name.domain);
            schemas.append_value(&table.name.product);
            tables.append_value(&table.name.table);
            columns.append_value(column);
            sequence.append_value(i32::try_from(position + 1).unwrap_or(i32::MAX));
            names.append_value(format!("{}_pkey", table.name.table));
        }
    }
    RecordBatch::try_new(
        primary_keys_schema(),
        vec![
            Arc::new(catalogs.finish()),
            Arc::new(schemas.finish()),
            Arc::new(tables.finish()),
            Arc::new(columns.finish()),
            Arc::new(sequence.finish()),
            Arc::new(names.finish()),
        ],
    )
    .map_err(encoding)
}

fn visible_key(table: &ListedTable) -> Vec<&str> {
    let mut key: Vec<_> =
        table.declared.columns.iter().filter_map(|column| Some((column.primary_key?, column.name.as_str()))).collect();
    key.sort_unstable();
    let is_visible = |name: &str| table.schema.as_ref().is_some_and(|schema| schema.field_with_name(name).is_ok());
    if key.iter().all(|(_, name)| is_visible(name)) {
        key.into_iter().map(|(_, name)| name).collect()
    } else {
        Vec::new()
    }
}
