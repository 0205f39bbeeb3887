//! Clauses that the engine would silently drop, and table factors that it does not plan, are refused by name.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArguments, GroupByExpr, Ident, ObjectName, ObjectNamePart, OrderByKind, Query, Select,
    SelectFlavor, SelectItem, SetExpr, Statement, TableFactor, TableWithJoins, VisitMut, VisitorMut,
    WildcardAdditionalOptions,
};

use super::{not_offered, verb};
use crate::{QueryError, Result};

/// Refuses what would not be honoured in full; spells `FROM t` out.
pub(super) fn check(query: &mut Query) -> Result<()> {
    match query.visit(&mut Check) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Check;

impl VisitorMut for Check {
    type Break = QueryError;

    fn pre_visit_statement(&mut self, statement: &mut Statement) -> ControlFlow<QueryError> {
        ControlFlow::Break(not_offered(&verb(&statement.to_string())))
    }

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<QueryError> {
        let order_by_all = query.order_by.as_ref().is_some_and(|order_by| matches!(order_by.kind, OrderByKind::All(_)));
        refuse_any(&[
            (query.fetch.is_some(), "FETCH (write LIMIT)"),
            (!query.locks.is_empty(), "FOR UPDATE or FOR SHARE"),
            (query.for_clause.is_some(), "FOR XML or FOR JSON"),
            (query.settings.is_some(), "SETTINGS"),
            (query.format_clause.is_some(), "FORMAT"),
            (order_by_all && !matches!(*query.body, SetExpr::Select(_)), "ORDER BY ALL over a set operation"),
        ])?;
        refuse_tables(&query.body)
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<QueryError> {
        let modified = select.select_modifiers.as_ref().is_some_and(|modifiers| modifiers.is_any_set());
        let grouping_modified = match &select.group_by {
            GroupByExpr::All(modifiers) | GroupByExpr::Expressions(_, modifiers) => !modifiers.is_empty(),
        };
        refuse_any(&[
            (select.into.is_some(), "SELECT … INTO"),
            (modified, "a modifier of SELECT other than DISTINCT"),
            (select.top.is_some(), "TOP (write LIMIT)"),
            (select.exclude.is_some(), "EXCLUDE after the select list (write `* EXCLUDE (…)`)"),
            (!select.lateral_views.is_empty(), "LATERAL VIEW"),
            (select.prewhere.is_some(), "PREWHERE"),
            (!select.connect_by.is_empty(), "CONNECT BY"),
            (grouping_modified, "GROUP BY … WITH"),
            (!select.cluster_by.is_empty(), "CLUSTER BY"),
            (!select.distribute_by.is_empty(), "DISTRIBUTE BY"),
            (!select.sort_by.is_empty(), "SORT BY"),
            (select.value_table_mode.is_some(), "SELECT AS VALUE or AS STRUCT"),
        ])?;
        if select.flavor == SelectFlavor::FromFirstNoSelect && select.projection.is_empty() {
            select.projection.push(SelectItem::Wildcard(WildcardAdditionalOptions::default()));
            select.flavor = SelectFlavor::FromFirst;
        }
        for TableWithJoins { joins, .. } in &select.from {
            refuse(joins.iter().any(|join| join.global), "GLOBAL JOIN")?;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<QueryError> {
        match factor {
            TableFactor::Table {
                name,
                alias: _,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
            } => {
                refuse_any(&[
                    (version.is_some(), "a table's version (FOR … AS OF)"),
                    (!with_hints.is_empty(), "WITH (…) after a table"),
                    (*with_ordinality, "WITH ORDINALITY"),
                    (!partitions.is_empty(), "PARTITION (…) after a table"),
                    (json_path.is_some(), "a JSON path after a table"),
                    (sample.is_some(), "TABLESAMPLE"),
                    (!index_hints.is_empty(), "an index hint"),
                    (args.as_ref().is_some_and(|args| args.settings.is_some()), "SETTINGS"),
                ])?;
                plain_name(name, if args.is_some() { 1 } else { 3 })
            }
            TableFactor::Function { name, with_ordinality, .. } => {
                refuse(*with_ordinality, "WITH ORDINALITY")?;
                plain_name(name, 1)
            }
            TableFactor::Derived { sample, .. } => refuse(sample.is_some(), "TABLESAMPLE"),
            TableFactor::UNNEST { with_offset, with_ordinality, .. } => {
                refuse_any(&[(*with_offset, "WITH OFFSET"), (*with_ordinality, "WITH ORDINALITY")])
            }
            TableFactor::NestedJoin { table_with_joins, .. } => {
                refuse(table_with_joins.joins.iter().any(|join| join.global), "GLOBAL JOIN")
            }
            TableFactor::Pivot { .. } => refuse(true, "PIVOT"),
            TableFactor::Unpivot { .. } => refuse(true, "UNPIVOT"),
            TableFactor::MatchRecognize { .. } => refuse(true, "MATCH_RECOGNIZE"),
            TableFactor::JsonTable { .. } => refuse(true, "JSON_TABLE"),
            TableFactor::OpenJsonTable { .. } => refuse(true, "OPENJSON"),
            TableFactor::XmlTable { .. } => refuse(true, "XMLTABLE"),
            TableFactor::SemanticView { .. } => refuse(true, "SEMANTIC_VIEW"),
            TableFactor::TableFunction { .. } => refuse(true, "TABLE(…)"),
        }
    }

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<QueryError> {
        match expression {
            Expr::Function(Function { parameters, .. }) => {
                refuse(!matches!(parameters, FunctionArguments::None), "a function with two lists of arguments")
            }
            // The engine has no variables to read; without this the message speaks of type information.
            Expr::Identifier(Ident { value, quote_style: None, .. }) if value.starts_with('@') => {
                ControlFlow::Break(QueryError::Unsupported(format!("variables like `{value}` are not offered")))
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

/// sqlparser 0.62 reads `TABLE t` by taking the two tokens after the name along: `TABLE t LIMIT 5` would lose its limit.
fn refuse_tables(body: &SetExpr) -> ControlFlow<QueryError> {
    match body {
        SetExpr::SetOperation { left, right, .. } => {
            refuse_tables(left)?;
            refuse_tables(right)
        }
        SetExpr::Table(_) => refuse(true, "TABLE (write SELECT * FROM)"),
        _ => ControlFlow::Continue(()),
    }
}

/// A name of at most `most` plain identifiers: no `IDENTIFIER(…)`, no call.
fn plain_name(name: &ObjectName, most: usize) -> ControlFlow<QueryError> {
    let plain = name.0.iter().all(|part| matches!(part, ObjectNamePart::Identifier(_)));
    if plain && (1..=most).contains(&name.0.len()) {
        return ControlFlow::Continue(());
    }
    ControlFlow::Break(QueryError::Invalid(match most {
        1 => format!("`{name}` is no table function"),
        _ => format!("`{name}` is no table: a table is named `domain.product.table`"),
    }))
}

fn refuse_any(clauses: &[(bool, &str)]) -> ControlFlow<QueryError> {
    for (given, clause) in clauses {
        refuse(*given, clause)?;
    }
    ControlFlow::Continue(())
}

fn refuse(given: bool, clause: &str) -> ControlFlow<QueryError> {
    if given {
        return ControlFlow::Break(QueryError::Unsupported(format!("{clause} is not offered")));
    }
    ControlFlow::Continue(())
}
