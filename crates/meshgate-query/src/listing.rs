//! What a caller may see of the mesh's names: the source of every metadata answer.

use std::sync::Arc;

use datafusion::{arrow::datatypes::SchemaRef, catalog::TableProvider};
use futures::{StreamExt, stream};
use meshgate_catalog::{Domain, Product, Table, TableName};
use meshgate_policy::{ColumnAccess, Grant};

use crate::{
    pattern::Pattern,
    resolve::{VisibleMesh, sql_name},
};

/// Tables that one listing opens at a time.
const OPENED_AT_ONCE: usize = 16;

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

/// A table to list, not opened yet.
pub(crate) struct Candidate {
    name: TableName,
    declared: Arc<Table>,
    grant: Arc<Grant>,
}

/// The tables that `filter` means and the caller may read something of. A major version that goes by the unpinned
/// name is listed under its pinned one (`departures_v1`) only if the filter asks for exactly that.
pub(crate) fn candidates(visible: VisibleMesh<'_>, filter: &ListingFilter) -> Vec<Candidate> {
    let schema = Pattern::new(filter.schema_pattern.as_deref());
    let table = Pattern::new(filter.table_pattern.as_deref());
    let domains = visible.mesh.catalog.domains();
    let mut candidates = Vec::new();
    for domain in domains.values().filter(|domain| filter.catalog.as_ref().is_none_or(|only| *only == domain.name)) {
        for (name, product) in &domain.products {
            if !schema.matches(name) || (is_alias(domain, name, product) && !schema.is_exactly(name)) {
                continue;
            }
            for declared in product.tables.values().filter(|declared| table.matches(&declared.name.table)) {
                let grant = visible.grant(declared);
                let readable = grant.columns.iter().any(|column| column.access != ColumnAccess::Denied);
                if grant.is_discoverable() && readable {
                    let name = match is_alias(domain, name, product) {
                        true => TableName::new(&domain.name, name, &declared.name.table),
                        false => sql_name(domain, name, declared),
                    };
                    candidates.push(Candidate { name, declared: declared.clone(), grant });
                }
            }
        }
    }
    candidates
}

/// Whether `name` is the pinned name of the product that the unpinned name means.
fn is_alias(domain: &Domain, name: &str, product: &Arc<Product>) -> bool {
    name != product.name && domain.products.get(&product.name).is_some_and(|unpinned| Arc::ptr_eq(unpinned, product))
}

/// Opens the candidates, a few at a time, if their columns are asked for.
pub(crate) async fn list<Opening>(
    candidates: Vec<Candidate>,
    with_columns: bool,
    open: impl Fn(Arc<Table>, Arc<Grant>) -> Opening,
) -> Listing
where
    Opening: Future<Output = Option<Arc<dyn TableProvider>>>,
{
    if !with_columns {
        let listed =
            |candidate: Candidate| ListedTable { name: candidate.name, declared: candidate.declared, schema: None };
        return Listing { tables: candidates.into_iter().map(listed).collect() };
    }
    let tables = stream::iter(candidates)
        .map(|candidate| {
            let opening = open(candidate.declared.clone(), candidate.grant);
            async move {
                let schema = Some(opening.await?.schema());
                Some(ListedTable { name: candidate.name, declared: candidate.declared, schema })
            }
        })
        .buffered(OPENED_AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    Listing { tables }
}
