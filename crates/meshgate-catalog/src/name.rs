//! Names: `domain.product.table`, and the nearest one to a mistyped word.

use std::{fmt, path::Path};

use crate::{
    Diagnostic,
    rules::{self, Rule},
    yaml::{Mark, SourceFile},
};

/// The three-part name of a table: SQL catalog = domain, SQL schema = product, SQL table = contract schema object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The domain, the SQL catalog.
    pub domain: String,
    /// The product, the SQL schema; `product_v1` pins a major version.
    pub product: String,
    /// The table, the contract's schema object.
    pub table: String,
}

impl TableName {
    /// Joins the three parts.
    pub fn new(domain: impl Into<String>, product: impl Into<String>, table: impl Into<String>) -> Self {
        Self { domain: domain.into(), product: product.into(), table: table.into() }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.domain, self.product, self.table)
    }
}

/// The candidate nearest to `word`, if one is near enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

/// Names that meshgate, the engine or SQL keeps for itself.
const RESERVED: &[(&str, &[&str])] = &[
    ("domain", &["system", "information_schema", "datafusion"]),
    ("product", &["information_schema", "policies", "pg_catalog"]),
    ("table", &["information_schema"]),
];

/// Why a name can't be given to a domain, product or table.
#[derive(Debug)]
pub(crate) struct Refusal {
    rule: Rule,
    message: String,
    hint: String,
}

impl Refusal {
    pub(crate) fn at(self, source: &SourceFile, mark: Mark) -> Diagnostic {
        self.rule.at(source, mark, self.message).with_hint(self.hint)
    }

    pub(crate) fn of_folder(self, folder: &Path) -> Diagnostic {
        self.rule.of_file(folder, self.message).with_hint(self.hint)
    }
}

/// Why `name` can't be the name of a `noun` (`domain`, `product`, `table`), if it can't.
pub(crate) fn refusal(noun: &str, name: &str) -> Option<Refusal> {
    if !is_identifier(name) {
        return Some(Refusal {
            rule: rules::NAME_INVALID,
            message: format!("`{name}` can't be the name of a {noun}"),
            hint: match suggestion(name) {
                Some(suggestion) => format!("call it `{suggestion}`"),
                None => {
                    "begin with a lower-case letter; go on with at most 62 lower-case letters, digits or `_`".to_owned()
                }
            },
        });
    }
    let is_reserved = RESERVED.iter().any(|(of, names)| *of == noun && names.contains(&name));
    let is_pinned = noun == "product" && pinned_major(name).is_some();
    (is_reserved || is_pinned).then(|| Refusal {
        rule: rules::NAME_RESERVED,
        message: match is_pinned {
            true => format!("`{name}` is how consumers pin a major version of a product"),
            false => format!("the name `{name}` is reserved"),
        },
        hint: match is_pinned {
            true => "leave the version out of the folder's name: all versions of a product share one folder".to_owned(),
            false => "choose another".to_owned(),
        },
    })
}

/// `^[a-z][a-z0-9_]{0,62}$`
fn is_identifier(name: &str) -> bool {
    name.len() <= 63 && name.starts_with(|first: char| first.is_ascii_lowercase()) && is_plain_column(name)
}

/// Whether a column's name can stand in SQL without quotes and mean itself.
pub(crate) fn is_plain_column(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The major version that `product_v<major>` pins.
fn pinned_major(name: &str) -> Option<u64> {
    name.rsplit_once("_v")?.1.parse().ok()
}

/// The name with what can't be in it replaced, if that makes a name.
fn suggestion(name: &str) -> Option<String> {
    let replaced =
        |character: char| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '_' };
    let name: String = name.trim().chars().map(replaced).collect();
    Some(name.trim_matches('_').to_owned()).filter(|name| is_identifier(name))
}
