//! What a principal may see of one table.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc};

use meshgate_catalog::{AttributeValue, TableName};

use crate::Mask;

/// The decision about one principal and one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The table.
    pub table: TableName,
    /// One entry a declared column, in the contract's order.
    pub columns: Vec<ColumnGrant>,
    /// Which rows.
    pub rows: RowAccess,
    /// Every policy that decided something here, by file and id.
    pub policies: Vec<PolicyReference>,
}

impl Grant {
    /// Whether every declared column is raw and every row shows. (An undeclared physical column is denied, so
    /// whether the *table* is free of restriction is known only beside its schema.)
    pub fn is_free(&self) -> bool {
        self.rows == RowAccess::All && self.columns.iter().all(|column| column.access == ColumnAccess::Raw)
    }

    /// Whether the caller may know that the table exists.
    pub fn is_discoverable(&self) -> bool {
        self.columns.iter().any(|column| column.discoverable)
    }

    /// The decision about the column of that name.
    pub fn column(&self, name: &str) -> Option<&ColumnGrant> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// The decision about one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnGrant {
    /// The declared column.
    pub name: String,
    /// Raw, masked or denied. Without `discover` it is denied.
    pub access: ColumnAccess,
    /// Whether the caller may know that the column exists.
    pub discoverable: bool,
    /// Why it is denied; `None` when it is raw or masked.
    pub denial: Option<Denial>,
    /// The policies that decided, shared by columns that were decided alike; empty when the default denied.
    pub policies: Arc<[PolicyReference]>,
}

/// Why a column is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Denial {
    /// No policy permits it: the default.
    NotPermitted,
    /// A policy forbids it.
    Forbidden,
    /// It has no classification, in a mesh that has levels of classification.
    Unclassified,
    /// It would be masked, with a mask that does not fit its declared type.
    MaskUnfit,
    /// A policy could not be evaluated, or the caller's attributes are not of the declared types.
    PolicyError,
}

impl fmt::Display for Denial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Denial::NotPermitted => "no policy permits it",
            Denial::Forbidden => "forbidden",
            Denial::Unclassified => "unclassified",
            Denial::MaskUnfit => "the mask does not fit the column's type",
            Denial::PolicyError => "a policy could not be evaluated",
        })
    }
}

/// How a column shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnAccess {
    /// As it is.
    Raw,
    /// Through a mask.
    Masked(Mask),
    /// Not at all.
    Denied,
}

/// Which rows show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowAccess {
    /// All.
    All,
    /// None.
    Nothing,
    /// Those for which any of `any_of` is true (empty = all rows) and none of `none_of` is: NULL counts as
    /// not true in `any_of` and as hiding in `none_of`.
    Filtered {
        /// Filters of the permits that apply.
        any_of: Vec<FilterSource>,
        /// Filters of the forbids that apply.
        none_of: Vec<FilterSource>,
        /// The values that `principal.x` in these filters stands for. Complete: a permit whose filter names an
        /// attribute that the caller lacks is left out, such a forbid makes it [`RowAccess::Nothing`].
        attributes: BTreeMap<String, AttributeValue>,
    },
}

/// A row filter as its policy wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterSource {
    /// A SQL condition over the table's raw columns and `principal.<attribute>`.
    pub sql: String,
    /// Whose it is.
    pub policy: PolicyReference,
}

/// A policy, by the file it stands in and its `@id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyReference {
    /// The `@id`, or `policy<n>` by position in its file.
    pub id: String,
    /// Relative to the catalog's folder.
    pub file: PathBuf,
}

impl fmt::Display for PolicyReference {
    /// `id (file)`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.id, self.file.display())
    }
}
