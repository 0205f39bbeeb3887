//! Metadata: what a caller may see of the mesh, in Flight SQL's tables. Every name comes from the engine's listing.

mod keys;
mod sql_info;
mod tables;
mod type_info;

use std::time::Duration;

use arrow_flight::sql::{Command, CommandGetDbSchemas};
use datafusion::arrow::{array::RecordBatch, datatypes::SchemaRef};
use meshgate_query::{Listing, ListingFilter, QueryEngine};
use tonic::Status;

use crate::{
    identity::Caller,
    status::{internal, query_status},
};

/// The columns of the answer to a metadata command; `None` = it is not one.
pub(crate) fn metadata_schema(command: &Command) -> Result<Option<SchemaRef>, Status> {
    Ok(Some(match command.clone() {
        Command::CommandGetCatalogs(command) => command.into_builder().schema(),
        Command::CommandGetDbSchemas(command) => command.into_builder().schema(),
        Command::CommandGetTables(command) => command.into_builder().schema(),
        Command::CommandGetTableTypes(command) => command.into_builder().schema(),
        Command::CommandGetPrimaryKeys(_) => keys::primary_keys_schema(),
        Command::CommandGetExportedKeys(_)
        | Command::CommandGetImportedKeys(_)
        | Command::CommandGetCrossReference(_) => keys::relations_schema(),
        Command::CommandGetSqlInfo(_) => sql_info::data(Duration::ZERO)?.schema(),
        Command::CommandGetXdbcTypeInfo(_) => type_info::data()?.schema(),
        _ => return Ok(None),
    }))
}

/// The answer to a metadata command; `None` = it is not one.
pub(crate) async fn metadata_answer(lister: Lister<'_>, command: Command) -> Result<Option<RecordBatch>, Status> {
    let built = match command {
        Command::CommandGetCatalogs(command) => {
            let mut builder = command.into_builder();
            let mut names: Vec<_> = lister
                .list(ListingFilter::default())
                .await?
                .tables
                .into_iter()
                .map(|table| table.name.domain)
                .collect();
            names.dedup();
            names.into_iter().for_each(|name| builder.append(name));
            builder.build()
        }
        Command::CommandGetDbSchemas(command) => {
            let filter = ListingFilter {
                catalog: command.catalog.clone(),
                schema_pattern: command.db_schema_filter_pattern.clone(),
                ..ListingFilter::default()
            };
            let mut names: Vec<_> = lister
                .list(filter)
                .await?
                .tables
                .into_iter()
                .map(|table| (table.name.domain, table.name.product))
                .collect();
            names.dedup();
            // The listing has filtered; the builder's own filter reads patterns its own way.
            let mut builder = CommandGetDbSchemas::default().into_builder();
            names.into_iter().for_each(|(catalog, schema)| builder.append(catalog, schema));
            builder.build()
        }
        Command::CommandGetTables(command) => return tables::tables(command, lister).await.map(Some),
        Command::CommandGetTableTypes(command) => {
            let mut builder = command.into_builder();
            tables::TABLE_TYPES.iter().for_each(|name| builder.append(name));
            builder.build()
        }
        Command::CommandGetPrimaryKeys(command) => return keys::primary_keys(command, lister).await.map(Some),
        Command::CommandGetExportedKeys(_)
        | Command::CommandGetImportedKeys(_)
        | Command::CommandGetCrossReference(_) => return Ok(Some(RecordBatch::new_empty(keys::relations_schema()))),
        Command::CommandGetSqlInfo(command) => {
            let data = sql_info::data(lister.handle_lifetime)?;
            return sql_info::answer(&data, &command.info).map(Some);
        }
        Command::CommandGetXdbcTypeInfo(command) => command.into_builder(type_info::data()?).build(),
        _ => return Ok(None),
    };
    built.map(Some).map_err(|_| internal("a metadata answer could not be built"))
}

/// A `LIKE` pattern that matches that name alone.
pub(crate) fn literal_pattern(name: &str) -> String {
    name.chars().flat_map(|c| matches!(c, '%' | '_' | '\\').then_some('\\').into_iter().chain([c])).collect()
}

/// The mesh as one caller may list it.
#[derive(Clone, Copy)]
pub(crate) struct Lister<'a> {
    pub(crate) engine: &'a QueryEngine,
    pub(crate) caller: &'a Caller,
    /// How long a prepared statement is good for.
    pub(crate) handle_lifetime: Duration,
}

impl Lister<'_> {
    async fn list(&self, filter: ListingFilter) -> Result<Listing, Status> {
        self.engine.list(&self.caller.principal, &filter).await.map_err(|error| query_status(&error, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_pattern() {
        assert_eq!(literal_pattern(r"plane_types%\"), r"plane\_types\%\\");
    }
}
