//! Who asks.

use std::collections::{BTreeMap, BTreeSet};

use meshgate_catalog::{AttributeValue, User};

/// An authenticated caller: everything that a decision may depend on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal {
    /// The name they logged in with.
    pub user: String,
    /// Verified groups.
    pub groups: BTreeSet<String>,
    /// Verified roles.
    pub roles: BTreeSet<String>,
    /// Verified attributes.
    pub attributes: BTreeMap<String, AttributeValue>,
    /// The purpose that the credentials grant, if any.
    pub purpose: Option<String>,
}

impl From<&User> for Principal {
    fn from(user: &User) -> Self {
        Self {
            user: user.name.clone(),
            groups: user.groups.clone(),
            roles: user.roles.clone(),
            attributes: user.attributes.clone(),
            purpose: None,
        }
    }
}
