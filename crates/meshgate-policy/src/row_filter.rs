//! Row filters: a small, *total* part of SQL.
//!
//! A filter that can fail on a row is an oracle for that row, however well its error text is scrubbed. So a filter
//! consists of columns, literals, the caller's attributes (`principal.station`), comparisons of one type, `AND`,
//! `OR`, `NOT`, `IS …`, `IN`, `BETWEEN`, `LIKE` of a literal pattern, `CASE WHEN`, `try_cast` and a few functions
//! that have an answer for every value. No cast, arithmetic, subquery or other function. `meshgate-query` judges
//! again by Arrow types, after coercion.

mod check;
mod date;
mod functions;

use std::collections::BTreeSet;

use meshgate_catalog::Table;
use sqlparser::{
    ast::Expr,
    dialect::GenericDialect,
    parser::Parser,
    tokenizer::{Token, Tokenizer, Whitespace},
};

use crate::attributes::AttributeTypes;

use check::Checker;

/// The longest filter, in bytes: it bounds the depth of the expression.
const MAX_BYTES: usize = 4096;

/// How deep parentheses may nest.
const MAX_NESTING: usize = 50;

/// A row filter that parses and cannot fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFilter {
    sql: String,
    expr: Expr,
    columns: BTreeSet<String>,
    attributes: BTreeSet<String>,
}

/// Why a condition is no row filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RowFilterError {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl RowFilter {
    /// Parses a filter as the engine does (an unquoted column folds to lower case, an attribute is named as written)
    /// and refuses whatever can fail.
    /// Columns and attributes are looked up when a policy is compiled, for each table in its scope.
    pub fn parse(sql: &str) -> Result<Self, RowFilterError> {
        if sql.len() > MAX_BYTES {
            let message = format!("the row filter has {} bytes, {MAX_BYTES} are allowed", sql.len());
            return Err(RowFilterError { message, hint: Some("split it over several policies".into()) });
        }
        let unparsable = |message: String| RowFilterError {
            message: format!("the row filter does not parse: {message}"),
            hint: Some("write one SQL condition, for instance `origin = principal.station`".into()),
        };
        let dialect = GenericDialect {};
        let tokens =
            Tokenizer::new(&dialect, sql).tokenize_with_location().map_err(|error| unparsable(error.to_string()))?;
        let is_comment = |token: &Token| {
            use Whitespace::{MultiLineComment, SingleLineComment};
            matches!(token, Token::Whitespace(SingleLineComment { .. } | MultiLineComment(_)))
        };
        if tokens.iter().any(|token| is_comment(&token.token)) {
            let hint = Some("write it beside the policy, after `//`".into());
            return Err(RowFilterError { message: "a row filter can't hold a comment".into(), hint });
        }
        let mut parser = Parser::new(&dialect).with_recursion_limit(MAX_NESTING).with_tokens_with_locations(tokens);
        let expr = parser.parse_expr().map_err(|error| unparsable(error.to_string()))?;
        let rest = parser.peek_token().token;
        if rest != Token::EOF {
            return Err(unparsable(format!("nothing can follow the condition, found `{rest}`")));
        }
        let mut checker = Checker::default();
        checker.check(&expr)?;
        let Checker { columns, attributes, .. } = checker;
        Ok(Self { sql: sql.to_owned(), expr, columns, attributes })
    }

    /// As it was written.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The parsed condition; an attribute is the two-part identifier `principal.<attribute>`.
    pub fn expr(&self) -> &Expr {
        &self.expr
    }

    /// The columns it reads, by their name in the contract.
    pub fn columns(&self) -> &BTreeSet<String> {
        &self.columns
    }

    /// The attributes of the caller that it reads.
    pub fn attributes(&self) -> &BTreeSet<String> {
        &self.attributes
    }

    /// Whether its attributes are known, and its values of comparable types as far as that shows without a table.
    pub(crate) fn check_attributes(&self, attributes: &AttributeTypes) -> Result<(), RowFilterError> {
        Checker { known_attributes: Some(attributes), ..Checker::default() }.check(&self.expr)
    }

    /// Whether it can be evaluated on that table: its columns exist, and what is compared is of one type.
    pub(crate) fn check_table(&self, table: &Table, attributes: &AttributeTypes) -> Result<(), RowFilterError> {
        Checker { known_attributes: Some(attributes), table: Some(table), ..Checker::default() }.check(&self.expr)
    }
}

#[cfg(test)]
mod tests;
