//! What a caller may see of the mesh's names: the source of every metadata answer.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use meshgate_catalog::{Table, TableName};

/// Which part of the mesh to list. Patterns are SQL `LIKE` patterns.
#[derive(Debug, Clone, Default)]
pub struct ListingFilter {
    /// The domain, exactly; absent = all.
    pub catalog: Option<String>,
    /// A pattern for the product.
    pub schema_pattern: Option<String>,
    /// A pattern for the table.
    pub table_pattern: Option<String>,
    /// Whether to open the tables for their columns.
    pub with_columns: bool,
}

/// What is visible, in name order.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Tables with at least one readable column (raw or masked); a table that fails to open is left out.
    pub tables: Vec<ListedTable>,
}

/// One visible table.
#[derive(Debug, Clone)]
pub struct ListedTable {
    /// The name by which SQL reaches it.
    pub name: TableName,
    /// Its declaration: descriptions, keys. Columns that `schema` lacks are not for the caller.
    pub declared: Arc<Table>,
    /// The caller's columns with the types that they would read, if asked for.
    pub schema: Option<SchemaRef>,
}
