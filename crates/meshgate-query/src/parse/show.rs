//! SHOW statements, as queries of `information_schema`.

use datafusion::sql::sqlparser::ast::{
    Ident, ObjectName, Query, ShowStatementFilter, ShowStatementFilterPosition, ShowStatementIn, ShowStatementOptions,
    Statement,
};

use super::{Answer, not_offered, query_of};
use crate::{QueryError, Result};

/// The query that a SHOW statement stands for; `None` = it is no SHOW of names.
pub(super) fn read(statement: &Statement) -> Result<Option<(Box<Query>, Answer)>> {
    let sql = match statement {
        Statement::ShowTables { terse: false, history: false, external: false, show_options, .. } => {
            select("table_catalog, table_schema, table_name, table_type", "tables", "table_name", show_options)?
        }
        Statement::ShowSchemas { terse: false, history: false, show_options } => {
            select("catalog_name, schema_name", "schemata", "schema_name", show_options)?
        }
        Statement::ShowDatabases { terse: false, history: false, show_options }
        | Statement::ShowCatalogs { terse: false, history: false, show_options } => {
            select("DISTINCT catalog_name", "schemata", "catalog_name", show_options)?
        }
        Statement::ShowColumns { show_options, .. } => {
            let options = Options::of("SHOW COLUMNS", show_options)?;
            return match (options.within, options.like) {
                (Some(table), None) => Ok(Some((query_of(&format!("SELECT * FROM {table}"))?, Answer::TableColumns))),
                _ => Err(QueryError::Invalid("write `SHOW COLUMNS FROM domain.product.table`".to_owned())),
            };
        }
        Statement::ShowVariable { variable } => {
            let name = variable.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".");
            return Err(not_offered(&format!("SHOW of the engine's options (`{name}`)")));
        }
        _ => return Ok(None),
    };
    Ok(Some((query_of(&sql)?, Answer::Rows)))
}

fn select(columns: &str, view: &str, name: &str, options: &ShowStatementOptions) -> Result<String> {
    let options = Options::of("SHOW", options)?;
    let (catalog, schema) = match view {
        "tables" => ("table_catalog", "table_schema"),
        _ => ("catalog_name", "schema_name"),
    };
    let mut conditions = Vec::new();
    if let Some(within) = options.within {
        let parts: Vec<String> = within.0.iter().filter_map(|part| part.as_ident().map(literal)).collect();
        match parts.as_slice() {
            [only] => conditions.push(format!("{catalog} = {only}")),
            [first, second] if view == "tables" => {
                conditions.push(format!("{catalog} = {first} AND {schema} = {second}"));
            }
            _ => return Err(QueryError::Invalid(format!("`{within}` is no domain or `domain.product`"))),
        }
    }
    if let Some((operator, pattern)) = options.like {
        conditions.push(format!("{name} {operator} {}", quoted(pattern)));
    }
    let condition = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    let order = columns.trim_start_matches("DISTINCT ");
    Ok(format!("SELECT {columns} FROM information_schema.{view}{condition} ORDER BY {order}"))
}

/// An identifier as the text that it names.
fn literal(part: &Ident) -> String {
    let name = if part.quote_style.is_some() { part.value.clone() } else { part.value.to_lowercase() };
    quoted(&name)
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

struct Options<'a> {
    within: Option<&'a ObjectName>,
    like: Option<(&'static str, &'a str)>,
}

impl<'a> Options<'a> {
    fn of(what: &str, options: &'a ShowStatementOptions) -> Result<Self> {
        let refused = || QueryError::Unsupported(format!("{what} takes `FROM …` and `LIKE '…'` alone"));
        if options.starts_with.is_some() || options.limit.is_some() || options.limit_from.is_some() {
            return Err(refused());
        }
        let within = match &options.show_in {
            None => None,
            Some(ShowStatementIn { parent_name: Some(name), .. }) => Some(name),
            Some(_) => return Err(refused()),
        };
        let like = match &options.filter_position {
            None => None,
            Some(ShowStatementFilterPosition::Infix(filter) | ShowStatementFilterPosition::Suffix(filter)) => {
                match filter {
                    ShowStatementFilter::Like(pattern) | ShowStatementFilter::NoKeyword(pattern) => {
                        Some(("LIKE", pattern.as_str()))
                    }
                    ShowStatementFilter::ILike(pattern) => Some(("ILIKE", pattern.as_str())),
                    ShowStatementFilter::Where(_) => return Err(refused()),
                }
            }
        };
        Ok(Self { within, like })
    }
}
