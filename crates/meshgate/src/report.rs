//! Findings of the catalog, for a person and for a program.

use std::path::Path;

use meshgate_catalog::{Diagnostic, Report, Severity};
use serde_json::{Value, json};

/// The findings as text with the lines that they speak of, coloured if `coloured`; `folder` is the catalog's.
pub(crate) fn render(report: &Report, folder: &Path, coloured: bool) -> String {
    if coloured { report.render_coloured(folder) } else { report.render(folder) }
}

/// One finding as a JSON object; what is unknown is null.
pub(crate) fn to_json(diagnostic: &Diagnostic) -> Value {
    json!({
        "rule": diagnostic.rule,
        "severity": match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "file": diagnostic.file.to_string_lossy(),
        "line": diagnostic.span.map(|span| span.line),
        "column": diagnostic.span.map(|span| span.column),
        "offset": diagnostic.span.map(|span| span.offset),
        "length": diagnostic.span.map(|span| span.length),
        "message": diagnostic.message,
        "hint": diagnostic.hint,
    })
}

/// `1 error`, `2 errors`
pub(crate) fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
