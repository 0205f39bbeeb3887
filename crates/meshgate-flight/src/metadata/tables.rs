//! GetTables.

use arrow_flight::sql::CommandGetTables;
use datafusion::arrow::{
    array::RecordBatch,
    datatypes::{Field, Schema},
};
use meshgate_query::{ListedTable, ListingFilter};
use tonic::Status;

use super::Lister;
use crate::{
    status::internal,
    wire::{ColumnPlace, column_metadata, wire_schema},
};

/// The kinds of table there are.
pub(crate) const TABLE_TYPES: [&str; 2] = ["TABLE", "VIEW"];

/// The tables that pass the command's filters.
pub(crate) async fn tables(command: CommandGetTables, lister: Lister<'_>) -> Result<RecordBatch, Status> {
    let broken = |_| internal("a GetTables answer could not be built");
    // The listing has filtered; the builder's own filter reads types and patterns its own way.
    let mut builder =
        CommandGetTables { include_schema: command.include_schema, ..CommandGetTables::default() }.into_builder();
    if asks_for_tables(&command.table_types) {
        let listing = lister
            .list(ListingFilter {
                catalog: command.catalog,
                schema_pattern: command.db_schema_filter_pattern,
                table_pattern: command.table_name_filter_pattern,
                with_columns: command.include_schema,
            })
            .await?;
        for table in &listing.tables {
            let name = &table.name;
            let schema = table_schema(table);
            builder.append(&name.domain, &name.product, &name.table, TABLE_TYPES[0], &schema).map_err(broken)?;
        }
    }
    builder.build().map_err(broken)
}

/// Data products hold tables alone so far. The standard's own name for them is `BASE TABLE`.
fn asks_for_tables(types: &[String]) -> bool {
    types.is_empty() || types.iter().any(|name| ["TABLE", "BASE TABLE"].iter().any(|it| name.eq_ignore_ascii_case(it)))
}

/// The table's columns as an answer would have them, with what the contract says of each.
fn table_schema(table: &ListedTable) -> Schema {
    let Some(schema) = &table.schema else {
        return Schema::empty();
    };
    let schema = wire_schema(schema);
    let fields = schema.fields().iter().map(|field| {
        let remarks = table.declared.column(field.name()).map_or("", |column| column.description.as_str());
        let place = ColumnPlace::Table {
            catalog: &table.name.domain,
            schema: &table.name.product,
            table: &table.name.table,
            remarks,
        };
        Field::clone(field).with_metadata(column_metadata(field.data_type(), place))
    });
    Schema::new(fields.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_types_are_matched_in_any_case() {
        let asks = |types: &[&str]| asks_for_tables(&types.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        assert!(asks(&[]));
        assert!(asks(&["table"]));
        assert!(asks(&["VIEW", "Base Table"]));
        assert!(!asks(&["VIEW", "SYSTEM TABLE"]));
    }
}
