//! One immutable state of the mesh.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{Domain, Report, Table, UserDirectory, load};

/// The whole mesh at one revision. Cheap to share, never changed.
#[derive(Debug, Clone)]
pub struct CatalogSnapshot {
    pub(crate) name: String,
    pub(crate) revision: String,
    pub(crate) classifications: Vec<String>,
    pub(crate) domains: BTreeMap<String, Domain>,
    pub(crate) policy_files: Vec<PolicyFile>,
    pub(crate) users: Option<UserDirectory>,
}

/// Whose policy file it is: governance may speak of everything, a domain of itself alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyOwner {
    /// `governance/policies/*.cedar`
    Governance,
    /// `domains/<domain>/policies/*.cedar`
    Domain(String),
}

/// The text of one policy file; `meshgate-policy` compiles it.
#[derive(Debug, Clone)]
pub struct PolicyFile {
    /// Relative to the catalog's folder.
    pub path: PathBuf,
    /// Whose it is.
    pub owner: PolicyOwner,
    /// Cedar.
    pub text: String,
}

impl CatalogSnapshot {
    /// Reads a catalog folder. Warnings come back beside the snapshot; any error gives the report alone.
    pub fn load(folder: &Path) -> Result<(Self, Report), Report> {
        load::load(folder)
    }

    /// The mesh's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A hash of the content of all files that were read, in hexadecimal.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The levels of classification, the least strict first.
    pub fn classifications(&self) -> &[String] {
        &self.classifications
    }

    /// The domains by name.
    pub fn domains(&self) -> &BTreeMap<String, Domain> {
        &self.domains
    }

    /// The table that a three-part SQL name stands for (`product` or `product_v1`).
    pub fn resolve(&self, domain: &str, product: &str, table: &str) -> Option<&Arc<Table>> {
        self.domains.get(domain)?.products.get(product)?.tables.get(table)
    }

    /// The policy files, governance's first, in path order.
    pub fn policy_files(&self) -> &[PolicyFile] {
        &self.policy_files
    }

    /// `users.yaml` of the catalog folder, if it has one.
    pub fn users(&self) -> Option<&UserDirectory> {
        self.users.as_ref()
    }
}
