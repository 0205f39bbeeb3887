//! One statement of text becomes one query that may be planned, or a refusal that says what is not offered.
//!
//! Everything here is an allow-list: a statement, a clause or a table factor that is not known to be a read that the
//! engine honours in full is refused by name. The dialect is DataFusion's own default, sqlparser's *generic* one: it
//! is what the engine documents, and the only one in which a bare `?` is a placeholder *and* arrays, `EXCLUDE` and
//! PostgreSQL's operators parse.

mod bounds;
mod placeholders;
mod show;
mod syntax;

use datafusion::{
    common::format::ExplainFormat,
    error::DataFusionError,
    sql::{
        parser::{DFParserBuilder, ExplainStatement, Statement},
        sqlparser::{
            ast::{DescribeAlias, Query, Statement as SqlStatement},
            parser::ParserError,
        },
    },
};

use crate::{QueryError, Result};

/// A statement that may be planned.
#[derive(Debug, Clone)]
pub(crate) struct Parsed {
    /// What to plan.
    pub(crate) query: Box<Query>,
    /// What to answer of it.
    pub(crate) answer: Answer,
    /// How many parameters it takes: the highest `$n`.
    pub(crate) parameters: usize,
}

/// What a statement asks to know of its query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Its rows.
    Rows,
    /// Its plan.
    Plan(Explain),
    /// Its columns: `DESCRIBE`.
    Columns,
    /// The columns of the one table in it, with the table's name: `SHOW COLUMNS`.
    TableColumns,
}

/// The options of an EXPLAIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explain {
    pub(crate) analyze: bool,
    pub(crate) verbose: bool,
    pub(crate) format: ExplainFormat,
}

/// Parses the one statement of `sql`.
pub(crate) fn parse(sql: &str) -> Result<Parsed> {
    bounds::check(sql)?;
    let (mut query, answer) = read(one_statement(sql)?)?;
    syntax::check(&mut query)?;
    let parameters = placeholders::number(&mut query)?;
    Ok(Parsed { query, answer, parameters })
}

fn one_statement(sql: &str) -> Result<Statement> {
    let mut statements = DFParserBuilder::new(sql)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| syntax_error(&error))?;
    match (statements.pop_front(), statements.len()) {
        (None, _) => Err(QueryError::Invalid("the statement is empty".to_owned())),
        (Some(statement), 0) => Ok(statement),
        (Some(_), more) => Err(QueryError::Invalid(format!(
            "one statement at a time: this text holds {}; send them one by one",
            more + 1
        ))),
    }
}

/// The query behind a statement, and what to answer of it.
fn read(statement: Statement) -> Result<(Box<Query>, Answer)> {
    match statement {
        Statement::Statement(statement) => read_sql(*statement),
        Statement::Explain(explain) => read_explain(explain),
        Statement::CreateExternalTable(_) => Err(not_offered("CREATE EXTERNAL TABLE")),
        Statement::CopyTo(_) => Err(not_offered("COPY")),
        Statement::Reset(_) => Err(not_offered("RESET")),
    }
}

fn read_sql(statement: SqlStatement) -> Result<(Box<Query>, Answer)> {
    match statement {
        SqlStatement::Query(query) => Ok((query, Answer::Rows)),
        SqlStatement::ExplainTable {
            describe_alias: DescribeAlias::Describe | DescribeAlias::Desc,
            table_name,
            ..
        } => Ok((query_of(&format!("SELECT * FROM {table_name}"))?, Answer::Columns)),
        SqlStatement::Explain {
            describe_alias: DescribeAlias::Describe | DescribeAlias::Desc,
            statement,
            analyze: false,
            verbose: false,
            format: None,
            ..
        } => match read_sql(*statement)? {
            (query, Answer::Rows) => Ok((query, Answer::Columns)),
            _ => Err(QueryError::Invalid("DESCRIBE takes a table or a query".to_owned())),
        },
        statement => show::read(&statement)?.ok_or_else(|| not_offered(&verb(&statement.to_string()))),
    }
}

fn read_explain(explain: ExplainStatement) -> Result<(Box<Query>, Answer)> {
    let options = explain.options;
    for (given, name) in [
        (options.analyze_level.is_some(), "LEVEL"),
        (options.analyze_categories.is_some(), "METRICS"),
        (options.show_statistics.is_some(), "COSTS"),
    ] {
        if given {
            return Err(QueryError::Unsupported(format!("EXPLAIN's option {name} is not offered")));
        }
    }
    let format = options.format.unwrap_or(ExplainFormat::Indent);
    if options.verbose && format != ExplainFormat::Indent {
        return Err(QueryError::Invalid("EXPLAIN VERBOSE answers in FORMAT indent alone".to_owned()));
    }
    if options.analyze && matches!(format, ExplainFormat::Tree | ExplainFormat::Graphviz) {
        return Err(QueryError::Invalid("EXPLAIN ANALYZE answers in FORMAT indent or pgjson".to_owned()));
    }
    match read(*explain.statement)? {
        (query, Answer::Rows) => {
            let explain = Explain { analyze: options.analyze, verbose: options.verbose, format };
            Ok((query, Answer::Plan(explain)))
        }
        _ => Err(QueryError::Invalid("EXPLAIN takes a query".to_owned())),
    }
}

/// The query that `sql`, text of our own, says.
fn query_of(sql: &str) -> Result<Box<Query>> {
    match one_statement(sql)? {
        Statement::Statement(statement) => match *statement {
            SqlStatement::Query(query) => Ok(query),
            _ => Err(QueryError::Internal),
        },
        _ => Err(QueryError::Internal),
    }
}

fn not_offered(verb: &str) -> QueryError {
    QueryError::Unsupported(format!("meshgate only reads: {verb} is not offered"))
}

/// The words at the head of a statement that say what it does: `INSERT`, `CREATE TABLE`.
fn verb(statement: &str) -> String {
    const OBJECTS: [&str; 18] = [
        "CATALOG",
        "DATABASE",
        "EXTENSION",
        "EXTERNAL",
        "FUNCTION",
        "INDEX",
        "MATERIALIZED",
        "OR",
        "POLICY",
        "PROCEDURE",
        "REPLACE",
        "ROLE",
        "SCHEMA",
        "SEQUENCE",
        "TABLE",
        "TEMPORARY",
        "TRANSACTION",
        "VIEW",
    ];
    let mut words = statement.split_whitespace();
    let mut verb = words.next().unwrap_or_default().trim_end_matches(';').to_uppercase();
    for word in words.take_while(|word| OBJECTS.contains(word)) {
        verb.push(' ');
        verb.push_str(word);
    }
    verb
}

/// `syntax error at line 1, column 8: expected …` of the parser's own text.
fn syntax_error(error: &DataFusionError) -> QueryError {
    let text = match error.find_root() {
        DataFusionError::SQL(error, _) => match error.as_ref() {
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.clone(),
            ParserError::RecursionLimitExceeded => {
                return QueryError::Invalid("the statement nests too deeply".to_owned());
            }
        },
        other => other.strip_backtrace(),
    };
    let (what, place) = match text.rsplit_once(" at Line: ") {
        Some((what, place)) => (what, place.split_once(", Column: ")),
        None => (text.as_str(), None),
    };
    let what = what.strip_prefix("Expected: ").map_or_else(|| what.to_owned(), expected);
    QueryError::Invalid(match place {
        Some((line, column)) => format!("syntax error at line {line}, column {}: {what}", column.trim()),
        None => format!("syntax error: {what}"),
    })
}

/// `an expression, found: FROM` in our words.
fn expected(text: &str) -> String {
    match text.split_once(", found: ") {
        Some((expected, "EOF")) => format!("expected {expected}, but the text ends"),
        Some((expected, found)) => format!("expected {expected}, found `{found}`"),
        None => format!("expected {text}"),
    }
}

#[cfg(test)]
mod tests;
