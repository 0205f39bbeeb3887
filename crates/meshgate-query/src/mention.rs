//! The tables that a query names, as it names them.

use std::ops::ControlFlow;

use datafusion::{
    common::TableReference,
    sql::{
        planner::object_name_to_table_reference,
        sqlparser::ast::{Ident, Query, TableFactor, Visit, Visitor},
    },
};

use crate::{QueryError, Result};

/// A table factor: the name of a table that is no common table expression, and the alias it goes by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Mention {
    pub(crate) reference: TableReference,
    pub(crate) alias: Option<String>,
}

impl Mention {
    /// Whether `qualifier`, in front of a column, means this table.
    pub(crate) fn is_called(&self, qualifier: &TableReference) -> bool {
        match &self.alias {
            Some(alias) => matches!(qualifier, TableReference::Bare { table } if **table == **alias),
            None => self.reference.resolved_eq(qualifier),
        }
    }
}

/// Every table that `query` and its subqueries name, in the order of their first mention.
pub(crate) fn mentions(query: &Query) -> Result<Vec<Mention>> {
    let mut visitor = Mentions::default();
    match query.visit(&mut visitor) {
        ControlFlow::Continue(()) => Ok(visitor.found),
        ControlFlow::Break(error) => Err(error),
    }
}

/// An identifier under the engine's rule of case: folded to lower case unless quoted.
pub(crate) fn normalized(identifier: &Ident) -> String {
    match identifier.quote_style {
        Some(_) => identifier.value.clone(),
        None => identifier.value.to_ascii_lowercase(),
    }
}

#[derive(Default)]
struct Mentions {
    found: Vec<Mention>,
    scopes: Vec<Scope>,
}

/// The common table expressions of one query. A name is in scope after its own definition, or, under RECURSIVE, from
/// the beginning of it.
struct Scope {
    recursive: bool,
    /// Where the defining query is in memory, for that is how the walk recognises it; its name; whether in scope.
    expressions: Vec<(usize, String, bool)>,
}

fn address(query: &Query) -> usize {
    std::ptr::from_ref(query).addr()
}

impl Mentions {
    /// Brings the expression that `query` defines, if it does, into the innermost scope.
    fn define(&mut self, query: &Query, entering: bool) {
        let Some(scope) = self.scopes.last_mut() else { return };
        if scope.recursive == entering {
            let address = address(query);
            for (_, _, in_scope) in scope.expressions.iter_mut().filter(|(defining, ..)| *defining == address) {
                *in_scope = true;
            }
        }
    }

    /// The planner looks expressions up by the reference's text.
    fn is_expression(&self, reference: &TableReference) -> bool {
        let text = reference.to_string();
        self.scopes.iter().flat_map(|scope| &scope.expressions).any(|(_, name, in_scope)| *in_scope && *name == text)
    }
}

impl Visitor for Mentions {
    type Break = QueryError;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<QueryError> {
        self.define(query, true);
        let with = query.with.as_ref();
        self.scopes.push(Scope {
            recursive: with.is_some_and(|with| with.recursive),
            expressions: with
                .iter()
                .flat_map(|with| &with.cte_tables)
                .map(|expression| (address(&expression.query), normalized(&expression.alias.name), false))
                .collect(),
        });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<QueryError> {
        self.scopes.pop();
        self.define(query, false);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<QueryError> {
        let TableFactor::Table { name, alias, args: None, .. } = factor else { return ControlFlow::Continue(()) };
        match object_name_to_table_reference(name.clone(), true) {
            Ok(reference) => {
                let mention = Mention { reference, alias: alias.as_ref().map(|alias| normalized(&alias.name)) };
                if !self.is_expression(&mention.reference) && !self.found.contains(&mention) {
                    self.found.push(mention);
                }
                ControlFlow::Continue(())
            }
            Err(_) => ControlFlow::Break(QueryError::Invalid(format!("`{name}` is no table"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;

    fn named(sql: &str) -> String {
        let parsed = parse(sql).unwrap();
        let names = mentions(&parsed.query).unwrap();
        let shown = |mention: &Mention| match &mention.alias {
            Some(alias) => format!("{} as {alias}", mention.reference),
            None => mention.reference.to_string(),
        };
        names.iter().map(shown).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn tables_are_found_wherever_they_stand() {
        for (sql, tables) in [
            ("SELECT (SELECT max(x) FROM a.b.c) FROM d AS e WHERE EXISTS (SELECT 1 FROM F)", "d as e, a.b.c, f"),
            ("SELECT * FROM a, LATERAL (SELECT * FROM b) AS x JOIN (c CROSS JOIN d) ON true", "a, b, c, d"),
            ("SELECT 1 FROM a UNION SELECT 2 FROM (VALUES (1)) AS v ORDER BY (SELECT 1 FROM b)", "a, b"),
            ("SELECT * FROM a JOIN b ON a.x IN (SELECT x FROM c)", "a, b, c"),
            ("SELECT * FROM generate_series(1, 3), \"Quoted\".\"T\"", "Quoted.T"),
        ] {
            let mut found: Vec<_> = named(sql).split(", ").map(str::to_owned).collect();
            let mut expected: Vec<_> = tables.split(", ").map(str::to_owned).collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{sql}");
        }
    }

    #[test]
    fn a_common_table_expression_hides_a_table_in_its_scope_alone() {
        for (sql, tables) in [
            ("WITH t AS (SELECT * FROM t) SELECT * FROM t", "t"),
            ("WITH t AS (SELECT 1) SELECT * FROM t", ""),
            ("(WITH t AS (SELECT 1) SELECT * FROM t) UNION (SELECT * FROM t)", "t"),
            ("WITH a AS (SELECT * FROM b), b AS (SELECT * FROM a) SELECT * FROM a, b", "b"),
            ("WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n) SELECT * FROM n", ""),
            ("WITH t AS (SELECT 1) SELECT * FROM (SELECT * FROM (SELECT * FROM T))", ""),
            ("WITH t AS (SELECT 1) SELECT * FROM \"T\"", "T"),
        ] {
            assert_eq!(named(sql), tables, "{sql}");
        }
    }

    #[test]
    fn many_nested_expressions_do_not_take_for_ever() {
        let mut sql = "SELECT * FROM bottom".to_owned();
        for _ in 0..15 {
            sql = format!("WITH w AS ({sql}) SELECT * FROM w");
        }
        assert_eq!(named(&sql), "bottom");
    }
}
