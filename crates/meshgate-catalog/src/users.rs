//! The embedded default for identity: `users.yaml`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{
    Diagnostic, Report, files, rules,
    shape::{
        Checker, ObjectShape, ROOT,
        Shape::{self, Boolean, Either, Integer, List, Object, Text},
        optional, required,
    },
    yaml::{self, Mark, Node, SourceFile, Value},
};

/// The value of a user's attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// `true`, `false`
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    String(String),
    /// A list of texts.
    Strings(BTreeSet<String>),
}

/// A user of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name they log in with.
    pub name: String,
    /// An argon2 hash in PHC format; without one nobody can log in as this user by password.
    pub password_hash: Option<String>,
    /// The groups they are in.
    pub groups: BTreeSet<String>,
    /// The roles they hold.
    pub roles: BTreeSet<String>,
    /// Attributes that row filters may speak of.
    pub attributes: BTreeMap<String, AttributeValue>,
}

/// The users by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserDirectory {
    pub(crate) users: BTreeMap<String, User>,
}

impl UserDirectory {
    /// Reads a users file (its format: the crate's documentation). The report's paths are `file` as given.
    pub fn load(file: &Path) -> Result<Self, Report> {
        let mut findings = Vec::new();
        let directory = files::read_file(file, &mut findings).and_then(|source| Self::read(&source, &mut findings));
        let report = Report::new(findings);
        directory.map(|(directory, _)| directory).filter(|_| !report.has_errors()).ok_or(report)
    }

    /// The users of a file, and where it names roles.
    pub(crate) fn read(source: &SourceFile, findings: &mut Vec<Diagnostic>) -> Option<(Self, Vec<(String, Mark)>)> {
        let root = yaml::parse(source, findings)?;
        Checker::new(source, findings).check(&root, &Object(&USERS), ROOT);
        let mut roles = Vec::new();
        let mut users = BTreeMap::new();
        for entry in root.get("users").map_or(&[][..], Node::entries) {
            let name = entry.key.value.clone();
            if name.trim().is_empty() {
                let finding = rules::NAME_INVALID.at(source, entry.key.mark, "a user has no name");
                findings.push(finding.with_hint("write the name that they log in with"));
            }
            roles.extend(
                entry.value.list("roles").iter().filter_map(|role| Some((role.as_text()?.to_owned(), role.mark))),
            );
            let user = user_of(source, name.clone(), &entry.value, findings);
            users.insert(name, user);
        }
        Some((Self { users }, roles))
    }

    /// The user of that name.
    pub fn get(&self, name: &str) -> Option<&User> {
        self.users.get(name)
    }

    /// All users, by name.
    pub fn iter(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }
}

fn user_of(source: &SourceFile, name: String, node: &Node, findings: &mut Vec<Diagnostic>) -> User {
    let password_hash = node.text("password");
    if let Some(hash) = password_hash.as_ref().filter(|hash| !is_argon2_hash(&hash.value)) {
        let message = format!("the password of `{name}` is not an argon2 hash");
        let hint = "write the hash that `meshgate hash-password` prints, in quotes: `\"$argon2id$v=19$…\"`";
        findings.push(rules::PASSWORD_HASH.at(source, hash.mark, message).with_hint(hint));
    }
    let texts = |key| node.texts(key).into_iter().map(|text| text.value).collect();
    let attributes = node.get("attributes").map_or(&[][..], Node::entries).iter();
    User {
        password_hash: password_hash.map(|hash| hash.value),
        groups: texts("groups"),
        roles: texts("roles"),
        attributes: attributes
            .filter_map(|entry| Some((entry.key.value.clone(), attribute_of(&entry.value)?)))
            .collect(),
        name,
    }
}

fn attribute_of(node: &Node) -> Option<AttributeValue> {
    Some(match &node.value {
        Value::Boolean(boolean) => AttributeValue::Boolean(*boolean),
        Value::Integer(integer) => AttributeValue::Integer(*integer),
        Value::Text(text) => AttributeValue::String(text.clone()),
        Value::List(items) => {
            AttributeValue::Strings(items.iter().filter_map(|item| item.as_text().map(str::to_owned)).collect())
        }
        Value::Null | Value::Number(_) | Value::Mapping(_) => return None,
    })
}

/// Whether text looks like `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`, the PHC string format of argon2
/// (<https://github.com/P-H-C/phc-string-format>).
fn is_argon2_hash(text: &str) -> bool {
    let parts: Vec<_> = text.split('$').collect();
    let ["", "argon2id" | "argon2i" | "argon2d", parts @ ..] = parts.as_slice() else { return false };
    let parts = match parts {
        [version, rest @ ..] if version.strip_prefix("v=").is_some_and(is_number) => rest,
        all => all,
    };
    let [parameters, salt, hash] = parts else { return false };
    let has = |name: &str| {
        parameters.split(',').any(|parameter| {
            parameter.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')).is_some_and(is_number)
        })
    };
    let is_base64 = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
    ["m", "t", "p"].into_iter().all(has) && salt.len() >= 8 && hash.len() >= 16 && is_base64(salt) && is_base64(hash)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

static USERS: ObjectShape =
    ObjectShape { noun: "a users file", keys: &[required("users", Shape::Map(&Object(&USER)))] };

static USER: ObjectShape = ObjectShape {
    noun: "a user",
    keys: &[
        optional("password", Text),
        optional("groups", List(&Text)),
        optional("roles", List(&Text)),
        optional("attributes", Shape::Map(&Either(&[Boolean, Integer, Text, List(&Text)]))),
    ],
};
