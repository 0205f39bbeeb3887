//! Findings in a policy file, by line and column.

use std::fmt::Display;

use meshgate_catalog::{Diagnostic, PolicyFile, Severity, Span};

/// A policy file and what was found in it.
pub(super) struct Source<'a> {
    pub(super) file: &'a PolicyFile,
    line_starts: Vec<usize>,
    pub(super) findings: Vec<Diagnostic>,
}

/// What is wrong, in words.
pub(super) struct Finding {
    pub(super) rule: &'static str,
    pub(super) severity: Severity,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Finding {
    pub(super) fn error(rule: &'static str, message: impl Into<String>) -> Self {
        Self { rule, severity: Severity::Error, message: message.into(), hint: None }
    }

    pub(super) fn warning(rule: &'static str, message: impl Into<String>) -> Self {
        Self { rule, severity: Severity::Warning, message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn maybe_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &'a PolicyFile) -> Self {
        let newlines = file.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(newlines.map(|(offset, _)| offset + 1)).collect();
        Self { file, line_starts, findings: Vec::new() }
    }

    /// Adds a finding at `(offset, length)` in bytes.
    pub(super) fn add(&mut self, finding: Finding, place: Option<(usize, usize)>) {
        let Finding { rule, severity, message, hint } = finding;
        let span = place.map(|(offset, length)| self.span(offset, length));
        self.findings.push(Diagnostic { rule, severity, message, file: self.file.path.clone(), span, hint });
    }

    /// Adds what Cedar found, in its own words but for the policy's name.
    pub(super) fn add_foreign(
        &mut self,
        mut finding: Finding,
        error: &dyn miette::Diagnostic,
        default: Option<(usize, usize)>,
    ) {
        if finding.hint.is_none() {
            finding.hint = error.help().map(|help| sentence(&help));
        }
        self.add(finding, label_of(error).or(default));
    }

    fn span(&self, offset: usize, length: usize) -> Span {
        let offset = offset.min(self.file.text.len());
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = self.line_starts[line - 1];
        let column = self.file.text.get(start..offset).map_or(offset - start, |before| before.chars().count()) + 1;
        Span { offset, length, line, column }
    }
}

/// Where Cedar's error points.
pub(super) fn label_of(error: &dyn miette::Diagnostic) -> Option<(usize, usize)> {
    let label = error.labels()?.next()?;
    Some((label.offset(), label.len()))
}

/// A foreign text without the full stop, and without the name that Cedar gives a policy by its position.
pub(super) fn sentence(text: &dyn Display) -> String {
    let text = text.to_string();
    let text = text.trim_end().trim_end_matches('.');
    match text.strip_prefix("for policy `").and_then(|rest| rest.split_once("`, ")) {
        Some((_, rest)) => rest.to_owned(),
        None => text.to_owned(),
    }
}
