//! What a file of a standard may hold, as data, and the check of a YAML tree against it.

use crate::{
    Diagnostic, nearest, rules,
    yaml::{Node, SourceFile, Value},
};

/// After so many findings in one file its check ends: the rest follow from the first.
const MAX_FINDINGS: usize = 200;

/// What the root of a file is called in messages.
pub(crate) const ROOT: &str = "the file";

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// Anything.
    Any,
    /// Text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// One value: text, a number, a truth value or nothing.
    Scalar,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of such.
    List(&'static Shape),
    /// A mapping with known keys.
    Object(&'static ObjectShape),
    /// A list of such mappings.
    Objects(&'static ObjectShape),
    /// A mapping with free keys and such values.
    Map(&'static Shape),
    /// The first shape of the same kind (text, list, mapping) as the value.
    Either(&'static [Shape]),
    /// A mapping whose keys depend on its content.
    Dependent(fn(&Node, &mut Checker<'_>)),
}

/// A mapping with known keys.
#[derive(Debug)]
pub(crate) struct ObjectShape {
    /// What it is to its writer, with an article: `a column`.
    pub(crate) noun: &'static str,
    /// Its keys.
    pub(crate) keys: &'static [Key],
}

/// A key of a mapping.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) required: bool,
}

/// A key that may be absent.
pub(crate) const fn optional(name: &'static str, shape: Shape) -> Key {
    Key { name, shape, required: false }
}

/// A key that must be there.
pub(crate) const fn required(name: &'static str, shape: Shape) -> Key {
    Key { name, shape, required: true }
}

/// Checks one file.
#[derive(Debug)]
pub(crate) struct Checker<'file> {
    pub(crate) source: &'file SourceFile,
    pub(crate) findings: &'file mut Vec<Diagnostic>,
    pub(crate) first_finding: usize,
}

impl<'file> Checker<'file> {
    pub(crate) fn new(source: &'file SourceFile, findings: &'file mut Vec<Diagnostic>) -> Self {
        let first_finding = findings.len();
        Self { source, findings, first_finding }
    }

    /// Reports one finding, up to the limit of a file.
    pub(crate) fn report(&mut self, finding: Diagnostic) {
        let count = self.findings.len() - self.first_finding;
        if count < MAX_FINDINGS {
            self.findings.push(finding);
        } else if count == MAX_FINDINGS {
            let message = format!("the file has more than {MAX_FINDINGS} findings; the rest is not shown");
            self.findings.push(rules::YAML_LIMIT.of_file(&self.source.path, message));
        }
    }

    /// Checks `node`, the value of `key` (for messages).
    pub(crate) fn check(&mut self, node: &Node, shape: &Shape, key: &str) {
        match (shape, &node.value) {
            (Shape::Any, _)
            | (Shape::Text, Value::Text(_))
            | (Shape::Boolean, Value::Boolean(_))
            | (Shape::Integer, Value::Integer(_))
            | (Shape::Number, Value::Integer(_) | Value::Number(_))
            | (
                Shape::Scalar,
                Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Number(_) | Value::Text(_),
            ) => {}
            (Shape::Word(words), Value::Text(text)) if words.contains(&text.as_str()) => {}
            (Shape::Word(words), Value::Text(text)) => {
                let finding = rules::VALUE_UNKNOWN.at(self.source, node.mark, format!("`{key}` can't be `{text}`"));
                self.report(finding.with_hint(did_you_mean(text, words)));
            }
            (Shape::List(items), Value::List(nodes)) => nodes.iter().for_each(|node| self.check(node, items, key)),
            (Shape::Objects(object), Value::List(nodes)) => {
                nodes.iter().for_each(|node| self.check(node, &Shape::Object(object), key));
            }
            (Shape::Map(values), Value::Mapping(entries)) => {
                entries.iter().for_each(|entry| self.check(&entry.value, values, &entry.key.value));
            }
            (Shape::Object(object), Value::Mapping(_)) => self.check_keys(node, object.noun, object.keys),
            (Shape::Dependent(check), Value::Mapping(_)) => check(node, self),
            (Shape::Either(shapes), _) => match shapes.iter().find(|shape| shape.is_kind_of(&node.value)) {
                Some(shape) => self.check(node, shape, key),
                None => self.mismatch(node, shape, key),
            },
            _ => self.mismatch(node, shape, key),
        }
    }

    /// Checks a mapping whose keys are `keys`.
    pub(crate) fn check_keys(&mut self, node: &Node, noun: &str, keys: &[Key]) {
        for entry in node.entries() {
            let name = entry.key.value.as_str();
            if let Some(key) = keys.iter().find(|key| key.name == name) {
                self.check(&entry.value, &key.shape, name);
                continue;
            }
            let finding =
                rules::KEY_UNKNOWN.at(self.source, entry.key.mark, format!("`{name}` is not a key of {noun}"));
            let names: Vec<_> = keys.iter().map(|key| key.name).collect();
            self.report(match nearest(name, names.iter().copied()) {
                _ if name == "<<" => finding.with_hint("merge keys are not supported: write the keys out"),
                Some(near) => finding.with_hint(format!("did you mean `{near}`?")),
                None if names.contains(&"customProperties") => {
                    finding.with_hint("remove it, or write it as an item of `customProperties`")
                }
                None => finding.with_hint(format!("its keys are {}", listed(&names))),
            });
        }
        for key in keys.iter().filter(|key| key.required && node.get(key.name).is_none()) {
            self.missing(node, noun, key.name);
        }
    }

    /// Reports that a mapping lacks a key.
    pub(crate) fn missing(&mut self, node: &Node, noun: &str, key: &str) {
        let finding = rules::KEY_MISSING.at(self.source, node.mark, format!("{noun} has no `{key}`"));
        self.report(finding.with_hint(format!("add `{key}: …`")));
    }

    fn mismatch(&mut self, node: &Node, shape: &Shape, key: &str) {
        let expected = shape.describe();
        let message = match &node.value {
            Value::Null => format!("`{key}` is empty, but must be {expected}"),
            other if key == ROOT => format!("{ROOT} is {}, but must be {expected}", describe(other)),
            other => format!("`{key}` is {}, but must be {expected}", describe(other)),
        };
        let finding = rules::TYPE_MISMATCH.at(self.source, node.mark, message);
        let hint = match (shape, &node.value) {
            (_, Value::Null) => Some(format!("give `{key}` a value, or remove it")),
            (Shape::Text | Shape::Word(_), Value::Boolean(_) | Value::Integer(_) | Value::Number(_)) => {
                Some("put it in quotes".to_owned())
            }
            (Shape::Boolean, _) => Some("write `true` or `false`".to_owned()),
            (Shape::Integer | Shape::Number, Value::Text(_)) => Some("write digits without quotes".to_owned()),
            (Shape::List(_) | Shape::Objects(_), _) => Some("begin each item with `- `".to_owned()),
            (Shape::Text | Shape::Word(_), _) => Some("write one text behind the colon".to_owned()),
            (Shape::Object(_) | Shape::Dependent(_), Value::List(_)) => Some("remove the `- `".to_owned()),
            _ => None,
        };
        self.report(Diagnostic { hint, ..finding });
    }
}

impl Shape {
    fn is_kind_of(&self, value: &Value) -> bool {
        match self {
            Shape::Any => true,
            Shape::Text | Shape::Word(_) => matches!(value, Value::Text(_)),
            Shape::Boolean => matches!(value, Value::Boolean(_)),
            Shape::Integer => matches!(value, Value::Integer(_)),
            Shape::Number => matches!(value, Value::Integer(_) | Value::Number(_)),
            Shape::Scalar => !matches!(value, Value::List(_) | Value::Mapping(_)),
            Shape::List(_) | Shape::Objects(_) => matches!(value, Value::List(_)),
            Shape::Object(_) | Shape::Map(_) | Shape::Dependent(_) => matches!(value, Value::Mapping(_)),
            Shape::Either(shapes) => shapes.iter().any(|shape| shape.is_kind_of(value)),
        }
    }

    fn describe(&self) -> String {
        match self {
            Shape::Any => "anything".to_owned(),
            Shape::Text => "text".to_owned(),
            Shape::Boolean => "`true` or `false`".to_owned(),
            Shape::Integer => "a whole number".to_owned(),
            Shape::Number => "a number".to_owned(),
            Shape::Scalar => "one value".to_owned(),
            Shape::Word(words) => listed_or(words),
            Shape::List(_) | Shape::Objects(_) => "a list".to_owned(),
            Shape::Object(_) | Shape::Map(_) | Shape::Dependent(_) => "a mapping (`key: value` lines)".to_owned(),
            Shape::Either(shapes) => shapes.iter().map(Shape::describe).collect::<Vec<_>>().join(" or "),
        }
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::Boolean(boolean) => format!("`{boolean}`"),
        Value::Integer(integer) => format!("the number `{integer}`"),
        Value::Number(number) => format!("the number `{number}`"),
        Value::Text(_) => "text".to_owned(),
        Value::List(_) => "a list".to_owned(),
        Value::Mapping(_) => "a mapping".to_owned(),
    }
}

/// `did you mean …?`, or all that it may be.
pub(crate) fn did_you_mean<S: AsRef<str>>(word: &str, candidates: &[S]) -> String {
    match nearest(word, candidates.iter().map(AsRef::as_ref)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("use {}", listed_or(candidates)),
    }
}

/// `` `a`, `b` and `c` ``
pub(crate) fn listed<S: AsRef<str>>(words: &[S]) -> String {
    joined(words, "and")
}

/// `` `a`, `b` or `c` ``
pub(crate) fn listed_or<S: AsRef<str>>(words: &[S]) -> String {
    joined(words, "or")
}

fn joined<S: AsRef<str>>(words: &[S], last: &str) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{}`", word.as_ref())).collect();
    match quoted.split_last() {
        Some((end, rest)) if !rest.is_empty() => format!("{} {last} {end}", rest.join(", ")),
        _ => quoted.join(""),
    }
}
