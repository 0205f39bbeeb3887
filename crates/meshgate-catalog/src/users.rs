//! The embedded default for identity: `users.yaml`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::Report;

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
    /// Reads a users file.
    pub fn load(file: &Path) -> Result<Self, Report> {
        let _ = file;
        Err(Report::default())
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
