//! A report for the terminal, with the lines that it speaks of.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    fmt, fs,
    path::Path,
};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use crate::{
    Diagnostic, Report, Severity,
    rules::{PASSWORD_HASH, SECRET},
};

/// How wide the text is, in characters.
const WIDTH: usize = 110;

impl Report {
    /// The findings with excerpts of the files in `folder` (the catalog's), as plain text. Files that can't be read
    /// any more have no excerpt, nor have those in which a secret was found: a report may end in a public log.
    pub fn render(&self, folder: &Path) -> String {
        self.render_themed(folder, GraphicalTheme::unicode_nocolor())
    }

    /// As [`Report::render`], with the colours of a terminal.
    pub fn render_coloured(&self, folder: &Path) -> String {
        self.render_themed(folder, GraphicalTheme::unicode())
    }

    fn render_themed(&self, folder: &Path, theme: GraphicalTheme) -> String {
        let handler = GraphicalReportHandler::new_themed(theme).with_width(WIDTH).with_links(false);
        let mut texts: HashMap<&Path, Option<NamedSource<String>>> = HashMap::new();
        let holds_secret = |finding: &&Diagnostic| [SECRET.id, PASSWORD_HASH.id].contains(&finding.rule);
        let secret_files: HashSet<&Path> =
            self.diagnostics.iter().filter(holds_secret).map(|finding| finding.file.as_path()).collect();
        let mut rendered = String::new();
        for diagnostic in &self.diagnostics {
            let source = texts.entry(&diagnostic.file).or_insert_with(|| {
                if secret_files.contains(diagnostic.file.as_path()) {
                    return None;
                }
                let text = fs::read_to_string(folder.join(&diagnostic.file)).ok()?;
                Some(NamedSource::new(diagnostic.file.to_string_lossy(), text))
            });
            let excerpt = Excerpt { diagnostic, source: source.as_ref() };
            if handler.render_report(&mut rendered, &excerpt).is_err() {
                rendered.push_str(&diagnostic.to_string());
            }
            rendered.push('\n');
        }
        rendered.push_str(&self.summary());
        rendered.push('\n');
        rendered
    }

    /// `2 errors, 1 warning`
    pub fn summary(&self) -> String {
        let errors = self.diagnostics.iter().filter(|finding| finding.severity == Severity::Error).count();
        let counted = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
        format!("{}, {}", counted(errors, "error"), counted(self.diagnostics.len() - errors, "warning"))
    }
}

/// One finding beside the text that it speaks of.
#[derive(Debug)]
struct Excerpt<'report> {
    diagnostic: &'report Diagnostic,
    source: Option<&'report NamedSource<String>>,
}

impl Excerpt<'_> {
    /// The finding's place, if the file still has it.
    fn span(&self) -> Option<(usize, usize)> {
        let span = self.diagnostic.span?;
        let text = self.source?.inner();
        let end = span.offset.checked_add(span.length)?;
        (text.is_char_boundary(span.offset) && text.is_char_boundary(end)).then(|| {
            // A place of more than one line shows its first.
            let length = text[span.offset..end].find('\n').unwrap_or(span.length);
            (span.offset, length)
        })
    }
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.span().is_none() && !self.diagnostic.file.as_os_str().is_empty() {
            write!(formatter, "{}", self.diagnostic.file.display())?;
            if let Some(span) = self.diagnostic.span {
                write!(formatter, ":{}:{}", span.line, span.column)?;
            }
            formatter.write_str(": ")?;
        }
        formatter.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Excerpt<'_> {}

impl miette::Diagnostic for Excerpt<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.diagnostic.rule))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic.hint.as_deref().map(|hint| Box::new(Cow::Borrowed(hint)) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.span().and(self.source).map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (offset, length) = self.span()?;
        Some(Box::new(std::iter::once(LabeledSpan::new(None, offset, length))))
    }
}
