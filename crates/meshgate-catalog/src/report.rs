//! What is wrong with a catalog, and where.

use std::{fmt, path::PathBuf};

/// How much a finding matters: an error keeps the catalog from loading, a warning does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Warning,
    /// The catalog does not load.
    Error,
}

/// A place in a file, in bytes from its start; line and column count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub offset: usize,
    /// Length in bytes.
    pub length: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One finding.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// The stable id of the rule, for instance `classification-unknown`.
    pub rule: &'static str,
    /// Whether it keeps the catalog from loading.
    pub severity: Severity,
    /// What is wrong, the user's words in backticks.
    pub message: String,
    /// The file, relative to the catalog's folder.
    pub file: PathBuf,
    /// Where in the file, if it is one place.
    pub span: Option<Span>,
    /// What to do.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// The same finding, with what to do about it.
    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same finding, as a warning.
    pub(crate) fn softened(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }
}

impl fmt::Display for Diagnostic {
    /// `error[rule] file:line:column: message; hint`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(formatter, "{severity}[{}] {}", self.rule, self.file.display())?;
        if let Some(span) = &self.span {
            write!(formatter, ":{}:{}", span.line, span.column)?;
        }
        write!(formatter, ": {}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(formatter, "; {hint}")?;
        }
        Ok(())
    }
}

/// All findings over one catalog folder, in file and line order.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The findings.
    pub diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// The findings in file and line order.
    pub(crate) fn new(mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by(|one, other| {
            let place = |finding: &Diagnostic| finding.span.map(|span| span.offset);
            (&one.file, place(one), one.rule).cmp(&(&other.file, place(other), other.rule))
        });
        Self { diagnostics }
    }

    /// Whether any finding keeps the catalog from loading.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for diagnostic in &self.diagnostics {
            writeln!(formatter, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}
