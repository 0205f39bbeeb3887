//! From the engine's errors to words for a person.

use std::error::Error as StdError;

use datafusion::{arrow::error::ArrowError, common::SchemaError, error::DataFusionError};
use meshgate_tables::Error as TableError;

use crate::{QueryError, column::missing_column, resolve::Names, secure::table_fault};

/// What the words of an error depend on.
#[derive(Debug, Clone)]
pub(crate) struct Telling {
    /// The query's id, under which the log has what a caller isn't told.
    pub(crate) query_id: String,
    /// The tables of the query.
    pub(crate) names: Names,
}

impl Telling {
    /// The words for an error of planning.
    pub(crate) fn planning(&self, error: &DataFusionError) -> QueryError {
        self.tell(error, true)
    }

    /// The words for an error of a running plan. Its text may name a value of a table: the caller may see that one,
    /// the log may not, so it gets the kind alone.
    pub(crate) fn running(&self, error: &DataFusionError) -> QueryError {
        self.tell(error, false)
    }

    fn tell(&self, error: &DataFusionError, loggable: bool) -> QueryError {
        if let Some(known) = known_source(error) {
            return known;
        }
        let root = root(error);
        match root {
            DataFusionError::SchemaError(error, _) => self.schema_error(error),
            DataFusionError::Plan(text) => QueryError::Invalid(plain(text)),
            DataFusionError::NotImplemented(text) => QueryError::Unsupported(plain(text)),
            DataFusionError::Execution(text) if !names_a_place(text) => QueryError::Invalid(plain(text)),
            DataFusionError::SQL(error, _) => QueryError::Invalid(plain(&error.to_string())),
            DataFusionError::ArrowError(error, _) => match error.as_ref() {
                ArrowError::DivideByZero => QueryError::Invalid("division by zero".to_owned()),
                ArrowError::CastError(text)
                | ArrowError::ParseError(text)
                | ArrowError::ComputeError(text)
                | ArrowError::InvalidArgumentError(text)
                | ArrowError::ArithmeticOverflow(text)
                    if !names_a_place(text) =>
                {
                    QueryError::Invalid(plain(text))
                }
                _ => self.internal(root, loggable),
            },
            DataFusionError::ResourcesExhausted(_) => QueryError::ResourcesExhausted(
                "the query needs more memory than is free now; narrow it, or try again later".to_owned(),
            ),
            DataFusionError::ParquetError(_) | DataFusionError::ObjectStore(_) => self.unreadable(root),
            _ => self.internal(root, loggable),
        }
    }

    fn schema_error(&self, error: &SchemaError) -> QueryError {
        match error {
            SchemaError::FieldNotFound { field, valid_fields } => missing_column(field, valid_fields, &self.names),
            SchemaError::AmbiguousReference { field } => QueryError::Invalid(format!(
                "column `{}` is in more than one table: write `table.{}`",
                field.name, field.name
            )),
            SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
                QueryError::Invalid(format!("column `{name}` appears twice: give one an alias"))
            }
        }
    }

    /// A store or a file failed under a scan that no barrier covers; the text would name paths.
    fn unreadable(&self, error: &DataFusionError) -> QueryError {
        match self.names.tables().as_slice() {
            [table] => {
                tracing::warn!(target: "meshgate::query", query_id = %self.query_id, table = %table.name,
                    kind = kind(error), "a table can't be read");
                QueryError::Unavailable {
                    table: table.name.clone(),
                    message: format!(
                        "table `{}` can't be read now: its files are gone or broken, or its store does not answer",
                        table.name
                    ),
                }
            }
            _ => self.internal(error, false),
        }
    }

    fn internal(&self, error: &DataFusionError, loggable: bool) -> QueryError {
        if loggable {
            tracing::error!(target: "meshgate::query", query_id = %self.query_id, %error, "internal error");
        } else {
            tracing::error!(target: "meshgate::query", query_id = %self.query_id, kind = kind(error), "internal error");
        }
        QueryError::Internal
    }
}

/// The words of a table that did not open. Its causes, which name paths, go to the log.
pub(crate) fn unopened(table: &meshgate_catalog::TableName, error: &TableError, query_id: &str) -> QueryError {
    let cause = error.source().map(|cause| cause.to_string()).unwrap_or_default();
    tracing::warn!(target: "meshgate::query", query_id, %table, %error, cause, "a table can't be opened");
    match error {
        TableError::Unsupported { .. } => QueryError::Unsupported(error.to_string()),
        _ => QueryError::Unavailable { table: table.clone(), message: error.to_string() },
    }
}

/// An error of ours, anywhere in the chain of causes.
fn known_source(error: &DataFusionError) -> Option<QueryError> {
    if let Some(fault) = table_fault(error) {
        return Some(fault);
    }
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<QueryError>() {
            return Some(error.clone());
        }
        cause = error.source();
    }
    None
}

/// The error below its contexts, diagnostics and collections.
fn root(error: &DataFusionError) -> &DataFusionError {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => root(inner),
        DataFusionError::Shared(inner) => root(inner),
        DataFusionError::Collection(errors) => errors.first().map_or(error, root),
        DataFusionError::ArrowError(inner, _) => match inner.as_ref() {
            ArrowError::ExternalError(inner) => inner.downcast_ref::<DataFusionError>().map_or(error, root),
            _ => error,
        },
        DataFusionError::External(inner) => inner.downcast_ref::<DataFusionError>().map_or(error, root),
        _ => error,
    }
}

/// Whether a text speaks of a file or a store.
fn names_a_place(text: &str) -> bool {
    text.contains("://") || text.contains(".parquet") || text.contains("object store")
}

/// The engine's text without its prefixes, notes to developers and line breaks.
fn plain(text: &str) -> String {
    if let Some(told) = unknown_function(text).or_else(|| unfit_arguments(text)).or_else(|| ungrouped(text)) {
        return told;
    }
    let text = text.split("\n\nbacktrace:").next().unwrap_or(text);
    let text = text.split("This was likely caused by a bug").next().unwrap_or(text);
    let mut text = text.trim();
    for prefix in ["Error during planning: ", "Execution error: ", "type_coercion caused by ", "Arrow error: "] {
        text = text.strip_prefix(prefix).unwrap_or(text);
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.trim_end_matches(['.', ' ']);
    let mut characters = text.chars();
    match (characters.next(), characters.clone().next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => text.to_owned(),
    }
}

/// `Invalid function 'x'.\nDid you mean 'y'?` in our words.
fn unknown_function(text: &str) -> Option<String> {
    let (name, rest) = text.strip_prefix("Invalid function '")?.split_once('\'')?;
    let candidate = rest.split('\'').nth(1);
    let hint = candidate.map(|candidate| format!("; did you mean `{candidate}`?")).unwrap_or_default();
    Some(format!("function `{name}` does not exist{hint}"))
}

/// What is left of the engine's list of every signature that it tried.
fn unfit_arguments(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("No function matches the given name and argument types '")?;
    let (call, rest) = rest.split_once('\'')?;
    let (_, candidates) = rest.split_once("Candidate functions:")?;
    let candidates: Vec<&str> = candidates.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Some(format!("no function fits `{call}`; there are {}", candidates.join(", ")))
}

/// A column beside aggregates that is not grouped by.
fn ungrouped(text: &str) -> Option<String> {
    let rest = text.strip_prefix("Column in SELECT must be in GROUP BY")?;
    let (_, rest) = rest.split_once("olumn \"")?;
    let (column, _) = rest.split_once('"')?;
    Some(format!("column `{column}` must be in GROUP BY, or inside an aggregate function"))
}

fn kind(error: &DataFusionError) -> &'static str {
    match error {
        DataFusionError::ArrowError(..) => "arrow",
        DataFusionError::ParquetError(_) => "parquet",
        DataFusionError::ObjectStore(_) => "object store",
        DataFusionError::IoError(_) => "input or output",
        DataFusionError::Internal(_) => "engine invariant",
        DataFusionError::Execution(_) => "execution",
        DataFusionError::ExecutionJoin(_) => "task",
        DataFusionError::External(_) => "external",
        _ => "other",
    }
}
