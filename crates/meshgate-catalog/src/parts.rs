//! A snapshot from its parts, for whoever builds a mesh without a folder of files.

use std::collections::BTreeMap;

use crate::{CatalogSnapshot, Domain, PolicyFile, User, UserDirectory};

/// What a [`CatalogSnapshot`] consists of.
#[derive(Debug, Clone, Default)]
pub struct CatalogParts {
    /// The mesh's name.
    pub name: String,
    /// Two snapshots of one revision must be equal.
    pub revision: String,
    /// The levels of classification, the least strict first.
    pub classifications: Vec<String>,
    /// The domains by name.
    pub domains: BTreeMap<String, Domain>,
    /// The policy files, governance's first.
    pub policy_files: Vec<PolicyFile>,
    /// The users, if the mesh brings its own.
    pub users: Option<UserDirectory>,
}

impl CatalogSnapshot {
    /// A snapshot of these parts, taken as they are: nothing is validated.
    pub fn from_parts(parts: CatalogParts) -> Self {
        let CatalogParts { name, revision, classifications, domains, policy_files, users } = parts;
        Self { name, revision, classifications, domains, policy_files, users }
    }
}

impl FromIterator<User> for UserDirectory {
    fn from_iter<I: IntoIterator<Item = User>>(users: I) -> Self {
        Self { users: users.into_iter().map(|user| (user.name.clone(), user)).collect() }
    }
}
