//! YAML text → a tree whose every node knows its place, so that one pass over a file can report all that is wrong.
//!
//! Scalars follow the core schema of YAML 1.2 (`yes` is text). Anchors and aliases work within limits; merge keys,
//! own tags and second documents do not.

use std::{collections::HashMap, path::PathBuf};

use serde_saphyr::granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span as ParserSpan, Tag};

use crate::{Diagnostic, Span, rules};

/// The most nodes that a file may have, aliases expanded.
const MAX_NODES: usize = 2_000_000;
/// How deep a file may nest, aliases expanded.
const MAX_DEPTH: usize = 64;

/// A file's path and text.
#[derive(Debug, Clone)]
pub(crate) struct SourceFile {
    /// Relative to the catalog's folder.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl SourceFile {
    /// The place of `mark` for people: line and column.
    pub(crate) fn span(&self, mark: Mark) -> Span {
        let offset = self.text.floor_char_boundary(mark.start as usize);
        let end = self.text.ceil_char_boundary(mark.end as usize).max(offset);
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Span {
            offset,
            length: end - offset,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().filter(|character| *character != '\u{feff}').count() + 1,
        }
    }
}

/// A range of bytes in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) mark: Mark,
}

/// A YAML node. A list's or mapping's mark is that of its first item or key.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) value: Value,
}

#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// A key of a mapping and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Spanned<String>,
    pub(crate) value: Node,
}

impl Node {
    /// The entries of a mapping; none of anything else.
    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key.value == key).map(|entry| &entry.value)
    }

    /// The items of the list under `key`; none if it isn't one.
    pub(crate) fn list(&self, key: &str) -> &[Node] {
        self.get(key).map_or(&[], Node::items)
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn spanned_text(&self) -> Option<Spanned<String>> {
        self.as_text().map(|text| Spanned { value: text.to_owned(), mark: self.mark })
    }

    /// The text under `key`, if it is text and not blank.
    pub(crate) fn text(&self, key: &str) -> Option<Spanned<String>> {
        self.get(key)?.spanned_text().filter(|text| !text.value.trim().is_empty())
    }

    /// The texts of the list under `key`.
    pub(crate) fn texts(&self, key: &str) -> Vec<Spanned<String>> {
        self.list(key).iter().filter_map(Node::spanned_text).collect()
    }

    /// The truth value under `key`; false if it isn't one.
    pub(crate) fn is_true(&self, key: &str) -> bool {
        matches!(self.get(key), Some(Node { value: Value::Boolean(true), .. }))
    }

    pub(crate) fn integer(&self, key: &str) -> Option<i64> {
        match self.get(key)?.value {
            Value::Integer(integer) => Some(integer),
            _ => None,
        }
    }

    /// Calls `visit` with every scalar text and the key that it stands under.
    pub(crate) fn visit_texts<'node>(
        &'node self,
        key: Option<&'node str>,
        visit: &mut impl FnMut(Option<&'node str>, &'node str, Mark),
    ) {
        match &self.value {
            Value::Text(text) => visit(key, text, self.mark),
            Value::List(items) => items.iter().for_each(|item| item.visit_texts(key, visit)),
            Value::Mapping(entries) => {
                entries.iter().for_each(|entry| entry.value.visit_texts(Some(&entry.key.value), visit));
            }
            _ => {}
        }
    }
}

/// Parses the one document of a file. Duplicate keys are reported and the first one kept; anything else that is
/// wrong ends the parse with `None`.
pub(crate) fn parse(source: &SourceFile, findings: &mut Vec<Diagnostic>) -> Option<Node> {
    let mut composer = Composer { source, findings, open: Vec::new(), anchors: HashMap::new(), nodes: 0, root: None };
    match composer.run() {
        Ok(()) => {}
        Err(diagnostic) => {
            findings.push(*diagnostic);
            return None;
        }
    }
    let root = composer.root;
    if root.as_ref().is_none_or(|root| matches!(root.value, Value::Null)) {
        findings.push(rules::YAML_SYNTAX.of_file(&source.path, "the file is empty"));
        return None;
    }
    root
}

struct Composer<'source, 'findings> {
    source: &'source SourceFile,
    findings: &'findings mut Vec<Diagnostic>,
    open: Vec<Open>,
    /// Complete anchored nodes, with their size and depth.
    anchors: HashMap<usize, (Node, usize, usize)>,
    nodes: usize,
    root: Option<Node>,
}

/// A list or mapping whose end has not come yet.
struct Open {
    anchor: usize,
    mark: Mark,
    /// How many nodes there were when it began.
    nodes_before: usize,
    /// The greatest depth of a node within it, it being 1.
    depth: usize,
    content: OpenContent,
}

enum OpenContent {
    List(Vec<Node>),
    Mapping { entries: Vec<Entry>, key: Option<Spanned<String>> },
}

type Stop = Box<Diagnostic>;

impl Composer<'_, '_> {
    fn run(&mut self) -> Result<(), Stop> {
        let source = self.source;
        let mut documents = 0;
        for event in Parser::new_from_str(&source.text) {
            let (event, span) = event.map_err(|error| Box::new(syntax_error(source, &error)))?;
            let mark = mark_of(&span);
            match event {
                Event::DocumentStart(..) => {
                    documents += 1;
                    if documents > 1 {
                        return Err(self.stop(
                            mark,
                            "the file has a second YAML document",
                            "keep one document in a file",
                        ));
                    }
                }
                Event::Scalar(text, style, anchor, tag) => {
                    let value = self.scalar(&text, style, tag.as_deref(), mark)?;
                    self.nodes += 1;
                    self.finish(Node { mark, value }, anchor, (1, 1))?;
                }
                Event::SequenceStart(_, anchor, tag) => {
                    self.refuse_tag(tag.as_deref(), mark)?;
                    self.begin(anchor, mark, OpenContent::List(Vec::new()))?;
                }
                Event::MappingStart(_, anchor, tag) => {
                    self.refuse_tag(tag.as_deref(), mark)?;
                    self.begin(anchor, mark, OpenContent::Mapping { entries: Vec::new(), key: None })?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.end()?,
                Event::Alias(anchor) => {
                    // A node that is still open has no entry yet: it would contain itself.
                    let Some((node, size, depth)) = self.anchors.get(&anchor) else {
                        return Err(self.stop(mark, "an alias stands inside its own anchor", "write the value out"));
                    };
                    let (size, depth) = (*size, *depth);
                    if self.nodes + size > MAX_NODES {
                        return Err(self.limit(mark));
                    }
                    let node = node.clone();
                    self.nodes += size;
                    self.finish(node, 0, (size, depth))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn begin(&mut self, anchor: usize, mark: Mark, content: OpenContent) -> Result<(), Stop> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.limit(mark));
        }
        let nodes_before = self.nodes;
        self.nodes += 1;
        self.open.push(Open { anchor, mark, nodes_before, depth: 1, content });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Stop> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let (mark, value) = match open.content {
            OpenContent::List(items) => (items.first().map_or(open.mark, |item| item.mark), Value::List(items)),
            OpenContent::Mapping { entries, .. } => {
                let entries = self.without_duplicates(entries);
                (entries.first().map_or(open.mark, |entry| entry.key.mark), Value::Mapping(entries))
            }
        };
        let size = self.nodes - open.nodes_before;
        self.finish(Node { mark, value }, open.anchor, (size, open.depth))
    }

    /// Puts a complete node where it belongs.
    fn finish(&mut self, node: Node, anchor: usize, (size, depth): (usize, usize)) -> Result<(), Stop> {
        if self.nodes > MAX_NODES || self.open.len() + depth > MAX_DEPTH {
            return Err(self.limit(node.mark));
        }
        if anchor != 0 {
            self.nodes += size;
            self.anchors.insert(anchor, (node.clone(), size, depth));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.depth = open.depth.max(depth + 1);
        match &mut open.content {
            OpenContent::List(items) => items.push(node),
            OpenContent::Mapping { entries, key } => match key.take() {
                None => *key = Some(key_of(self.source, node)?),
                Some(key) => entries.push(Entry { key, value: node }),
            },
        }
        Ok(())
    }

    fn without_duplicates(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        let mut first_of: HashMap<&str, Mark> = HashMap::with_capacity(entries.len());
        let mut repeated = Vec::new();
        for (position, entry) in entries.iter().enumerate() {
            match first_of.get(entry.key.value.as_str()) {
                Some(first) => repeated.push((position, *first)),
                None => _ = first_of.insert(&entry.key.value, entry.key.mark),
            }
        }
        if repeated.is_empty() {
            return entries;
        }
        for (position, first) in repeated.iter().take(20) {
            let key = &entries[*position].key;
            let line = self.source.span(*first).line;
            self.findings.push(
                rules::KEY_DUPLICATE
                    .at(self.source, key.mark, format!("key `{}` stands twice", key.value))
                    .with_hint(format!("keep this one or the one in line {line}")),
            );
        }
        let mut repeated = repeated.into_iter().map(|(position, _)| position).peekable();
        let unique = entries.into_iter().enumerate().filter(|(position, _)| repeated.next_if_eq(position).is_none());
        unique.map(|(_, entry)| entry).collect()
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>, mark: Mark) -> Result<Value, Stop> {
        let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
        if !is_text {
            self.refuse_tag(tag, mark)?;
        }
        Ok(if is_text || style != ScalarStyle::Plain { Value::Text(text.to_owned()) } else { plain_scalar(text) })
    }

    fn refuse_tag(&self, tag: Option<&Tag>, mark: Mark) -> Result<(), Stop> {
        match tag {
            Some(tag) if !tag.is_yaml_core_schema() => {
                Err(self.stop(mark, &format!("the tag `{}` has no meaning here", tag.original()), "remove it"))
            }
            _ => Ok(()),
        }
    }

    fn stop(&self, mark: Mark, message: &str, hint: &str) -> Stop {
        Box::new(rules::YAML_SYNTAX.at(self.source, mark, message).with_hint(hint))
    }

    fn limit(&self, mark: Mark) -> Stop {
        let message = format!(
            "the file is too large once its anchors are expanded: at most {MAX_NODES} values, nested {MAX_DEPTH} deep"
        );
        Box::new(
            rules::YAML_LIMIT.at(self.source, mark, message).with_hint("write less into one file, or use no anchors"),
        )
    }
}

fn key_of(source: &SourceFile, node: Node) -> Result<Spanned<String>, Stop> {
    let mark = node.mark;
    let value = match node.value {
        Value::Text(text) => text,
        Value::Null => "null".to_owned(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Integer(integer) => integer.to_string(),
        Value::Number(number) => number.to_string(),
        Value::List(_) | Value::Mapping(_) => {
            let finding = rules::YAML_SYNTAX.at(source, mark, "a key is a list or a mapping");
            return Err(Box::new(finding.with_hint("write a word before the colon; put `{…}` in quotes")));
        }
    };
    Ok(Spanned { value, mark })
}

/// The core schema of YAML 1.2, chapter 10.3.2, without octal and hexadecimal numbers.
fn plain_scalar(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Boolean(true),
        "false" | "False" | "FALSE" => return Value::Boolean(false),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(integer) = text.parse()
    {
        return Value::Integer(integer);
    }
    let is_numeric = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && unsigned.contains(|character: char| character.is_ascii_digit())
        && unsigned.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    match text.parse() {
        Ok(number) if is_numeric => Value::Number(number),
        _ => Value::Text(text.to_owned()),
    }
}

fn mark_of(span: &ParserSpan) -> Mark {
    let range = span.byte_range().unwrap_or(0..0);
    let position = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    Mark { start: position(range.start), end: position(range.end) }
}

fn syntax_error(source: &SourceFile, error: &ScanError) -> Diagnostic {
    let offset = error.marker().byte_offset().unwrap_or(source.text.len());
    let start = u32::try_from(offset).unwrap_or(u32::MAX);
    let end = if source.text[source.text.floor_char_boundary(offset)..].starts_with(['\n', '\r']) {
        start
    } else {
        start + 1
    };
    let (message, hint) = match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => {
            ("a tab stands where YAML wants spaces".to_owned(), "replace tabs by spaces, here or in the next line")
        }
        ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::InvalidIndentation => (
            "the line is not indented like any that it could belong to".to_owned(),
            "indent it exactly like the other keys or items beside it",
        ),
        ErrorKind::ExpectedFlowMappingSeparator => {
            ("a `,` or `}` is missing".to_owned(), "close the braces, and put text that has a colon or comma in quotes")
        }
        ErrorKind::ExpectedFlowSequenceSeparator => {
            ("a `,` or `]` is missing".to_owned(), "close the brackets, and put text that has a comma in quotes")
        }
        ErrorKind::UnclosedFlowCollection { open } => {
            (format!("the `{open}` is never closed"), "close it, or put the text in quotes")
        }
        ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent => {
            ("a quote before this place is not closed".to_owned(), "close the quote, or indent the text's next lines")
        }
        ErrorKind::UnknownAnchor => {
            ("the alias names an anchor that does not exist".to_owned(), "put text that begins with `*` in quotes")
        }
        ErrorKind::UnexpectedCharacter { character } => {
            (format!("the character `{}` can't begin a value", character.escape_debug()), "put the value in quotes")
        }
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => (
            "a `: ` stands where no key can be".to_owned(),
            "check the indentation, close brackets above, or put text that has a colon in quotes",
        ),
        ErrorKind::RecursionLimitExceeded => ("the file nests too deep".to_owned(), "nest less"),
        kind => (
            format!("not valid YAML: {}", lower_first(&kind.to_string())),
            "check the indentation and quotes here and in the line above",
        ),
    };
    rules::YAML_SYNTAX.at(source, Mark { start, end }, message).with_hint(hint)
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}
