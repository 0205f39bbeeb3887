//! What is said of a column that the plan lacks, and of a `*` that leaves columns out.

use std::ops::ControlFlow;

use datafusion::{
    common::{Column, TableReference},
    sql::{
        planner::object_name_to_table_reference,
        sqlparser::ast::{
            Query, Select, SelectItem, SelectItemQualifiedWildcardKind, TableFactor, TableWithJoins, Visit, Visitor,
        },
    },
};
use meshgate_catalog::nearest;

use crate::{
    QueryError, Result,
    denial::{denied_column, denied_columns},
    mention::{Mention, normalized},
    resolve::{DecidedTable, Names},
};

/// `field` is no column of the plan: either the caller may know of it and is denied, or it does not exist. A column
/// that may not be discovered gets the very words of one that does not exist.
pub(crate) fn missing_column(field: &Column, visible: &[Column], names: &Names) -> QueryError {
    let called = |mention: &Mention| field.relation.as_ref().is_some_and(|qualifier| mention.is_called(qualifier));
    let mut candidates: Vec<&DecidedTable> =
        names.mentioned_tables().filter(|(mention, _)| called(mention)).map(|(_, table)| table.as_ref()).collect();
    if candidates.is_empty() {
        candidates = names.mentioned_tables().map(|(_, table)| table.as_ref()).collect();
    }
    let denied = candidates.iter().find_map(|table| {
        let column = denied_columns(&table.grant).find(|column| column.name == field.name)?;
        Some(denied_column(&table.declared, column))
    });
    denied.unwrap_or_else(|| unknown_column(field, visible))
}

fn unknown_column(field: &Column, visible: &[Column]) -> QueryError {
    let within: Vec<&Column> = match &field.relation {
        None => visible.iter().collect(),
        Some(qualifier) => visible
            .iter()
            .filter(|column| column.relation.as_ref().is_some_and(|relation| relation.resolved_eq(qualifier)))
            .collect(),
    };
    let named = || within.iter().map(|column| column.name.as_str());
    let candidate =
        named().find(|name| name.eq_ignore_ascii_case(&field.name)).or_else(|| nearest(&field.name, named()));
    let hint = match candidate {
        Some(candidate) if candidate.chars().any(char::is_uppercase) => {
            format!("; did you mean `\"{candidate}\"`? (without quotes a name is read in lower case)")
        }
        Some(candidate) => format!("; did you mean `{candidate}`?"),
        None => String::new(),
    };
    let place = match &field.relation {
        Some(qualifier) => format!(" in `{qualifier}`"),
        None => {
            let mut relations: Vec<String> =
                visible.iter().filter_map(|column| column.relation.as_ref()).map(TableReference::to_string).collect();
            relations.dedup();
            match relations.as_slice() {
                [only] => format!(" in `{only}`"),
                _ => String::new(),
            }
        }
    };
    QueryError::NotFound(format!("column `{}` does not exist{place}{hint}", field.name))
}

/// Under `strict_star`: refuses a `*` over a table of which the caller is denied a column that they may know of.
pub(crate) fn refuse_partial_stars(query: &Query, names: &Names) -> Result<()> {
    match query.visit(&mut Stars { names }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Stars<'a> {
    names: &'a Names,
}

impl Stars<'_> {
    /// A `*` reaches the tables that stand in the FROM of its own SELECT; those of a derived table have a SELECT of
    /// their own.
    fn check(&self, from: &[TableWithJoins], qualifier: Option<&TableReference>) -> ControlFlow<QueryError> {
        for joined in from {
            for factor in std::iter::once(&joined.relation).chain(joined.joins.iter().map(|join| &join.relation)) {
                match factor {
                    TableFactor::NestedJoin { table_with_joins, .. } => {
                        self.check(std::slice::from_ref(table_with_joins), qualifier)?;
                    }
                    TableFactor::Table { name, alias, args: None, .. } => {
                        let Ok(reference) = object_name_to_table_reference(name.clone(), true) else { continue };
                        let mention = Mention { reference, alias: alias.as_ref().map(|alias| normalized(&alias.name)) };
                        if qualifier.is_none_or(|qualifier| mention.is_called(qualifier)) {
                            self.check_table(&mention)?;
                        }
                    }
                    _ => {}
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn check_table(&self, mention: &Mention) -> ControlFlow<QueryError> {
        let table = self.names.mentioned_tables().find(|(known, _)| *known == mention);
        let denied = table.and_then(|(_, table)| Some((table, denied_columns(&table.grant).next()?)));
        match denied {
            Some((table, column)) => ControlFlow::Break(QueryError::Denied(format!(
                "`*` would leave columns out (the session is strict about that): {}",
                denied_column(&table.declared, column)
            ))),
            None => ControlFlow::Continue(()),
        }
    }
}

impl Visitor for Stars<'_> {
    type Break = QueryError;

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<QueryError> {
        for item in &select.projection {
            match item {
                SelectItem::Wildcard(_) => self.check(&select.from, None)?,
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    match object_name_to_table_reference(name.clone(), true) {
                        Ok(qualifier) => self.check(&select.from, Some(&qualifier))?,
                        Err(_) => continue,
                    }
                }
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }
}
