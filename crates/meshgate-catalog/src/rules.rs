//! The rules that a catalog is held to, each with a stable id.

use std::path::Path;

use crate::{
    Diagnostic, Severity,
    yaml::{Mark, SourceFile},
};

/// A rule of the catalog. Its id never changes; `lint:` in `mesh.yaml` may raise or silence a warning by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The stable id, for instance `classification-unknown`.
    pub id: &'static str,
    /// What a finding of it does, unless `mesh.yaml` says otherwise.
    pub severity: Severity,
    /// What the rule asks for, in one sentence.
    pub summary: &'static str,
}

impl Rule {
    /// A finding at one place in a file.
    pub(crate) fn at(&self, source: &SourceFile, mark: Mark, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            rule: self.id,
            severity: self.severity,
            message: message.into(),
            file: source.path.clone(),
            span: Some(source.span(mark)),
            hint: None,
        }
    }

    /// A finding about a whole file or folder.
    pub(crate) fn of_file(&self, file: &Path, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            rule: self.id,
            severity: self.severity,
            message: message.into(),
            file: file.to_path_buf(),
            span: None,
            hint: None,
        }
    }
}

macro_rules! rules {
    ($($constant:ident $id:literal $severity:ident $summary:literal;)*) => {
        $(pub(crate) const $constant: Rule = Rule { id: $id, severity: Severity::$severity, summary: $summary };)*

        /// Every rule, in the order in which a reader would meet them.
        pub const RULES: &[Rule] = &[$($constant),*];
    };
}

rules! {
    FILE_MISSING "file-missing" Error "a file that the catalog's layout asks for exists";
    FILE_UNREADABLE "file-unreadable" Error "every file of the catalog can be read";
    FILE_KIND "file-kind" Error "a name that ends like a catalog file is a file, not a folder or a device";
    FILE_OUTSIDE "file-outside" Error "no link leads from a catalog file out of the catalog's folder";
    FILE_NAME "file-name" Error "file names are UTF-8";
    FILE_ENCODING "file-encoding" Error "files are UTF-8 text";
    FILE_TOO_LARGE "file-too-large" Error "no file is larger than 8 MiB";
    FILE_IGNORED "file-ignored" Warning "YAML files have a name under which the catalog reads them";
    YAML_SYNTAX "yaml-syntax" Error "YAML files parse";
    YAML_LIMIT "yaml-limit" Error "YAML stays small once its anchors are expanded";
    KEY_DUPLICATE "key-duplicate" Error "a key stands once in its mapping";
    KEY_UNKNOWN "key-unknown" Error "keys are those of the standard";
    KEY_MISSING "key-missing" Error "required keys are there";
    TYPE_MISMATCH "type-mismatch" Error "values have the type that the standard gives them";
    VALUE_UNKNOWN "value-unknown" Error "values come from the standard's list, where it has one";
    SECRET "secret" Error "no file holds a secret; `${VAR}` names one";
    NAME_INVALID "name-invalid" Error "domains, products and tables are called `^[a-z][a-z0-9_]{0,62}$`";
    NAME_RESERVED "name-reserved" Error "no name is one that meshgate or SQL keeps for itself";
    COLUMN_NAME "column-name" Warning "columns can be written in SQL without quotes";
    FOLDER_MISMATCH "folder-mismatch" Error "`domain`, `dataProduct` and `name` say what the folder says";
    ID_DUPLICATE "id-duplicate" Error "an id (with its version) names one product or contract";
    VERSION_INVALID "version-invalid" Error "versions are semantic: major.minor.patch";
    DOMAIN_UNLISTED "domain-unlisted" Error "`mesh.yaml` lists every domain, if it lists any";
    OWNER_MISMATCH "owner-mismatch" Error "a domain's owner is the one that `mesh.yaml` names";
    PRODUCT_MISSING "product-missing" Error "a folder with contracts has a product";
    PRODUCT_DUPLICATE "product-duplicate" Error "one file describes one major version of a product";
    PRODUCT_EMPTY "product-empty" Warning "a published product has a table";
    PRODUCT_DEPRECATED "product-deprecated" Warning "products and contracts in use are not deprecated";
    UNPUBLISHED "unpublished" Warning "products and contracts are `active`, or consumers don't see them";
    PORT_DUPLICATE "port-duplicate" Error "an output port is one by its name and version";
    PORT_CONTRACT_MISSING "port-contract-missing" Warning "an output port names its contract";
    PORT_CONTRACT_UNKNOWN "port-contract-unknown" Error "the contract that an output port names exists in the product's folder";
    PORT_VERSION_MISMATCH "port-version-mismatch" Error "an output port and its contract have the same version";
    CONTRACT_UNUSED "contract-unused" Warning "a contract is the contract of an output port";
    TABLE_DUPLICATE "table-duplicate" Error "a table's name is unique in its product";
    COLUMN_DUPLICATE "column-duplicate" Error "a column's name is unique in its table";
    COLUMNS_MISSING "columns-missing" Error "a table declares its columns";
    LOGICAL_TYPE_MISSING "logical-type-missing" Error "a column declares its `logicalType`";
    PHYSICAL_NAME_IGNORED "physical-name-ignored" Warning "a column is called what its data calls it";
    CLASSIFICATION_MISSING "classification-missing" Error "every column of an active contract is classified";
    CLASSIFICATION_UNKNOWN "classification-unknown" Error "classifications are levels of `mesh.yaml`";
    CLASSIFICATIONS_DEFAULT "classifications-default" Warning "`mesh.yaml` lists the levels of classification";
    TAG_UNKNOWN "tag-unknown" Warning "tags are those of `mesh.yaml`, if it lists them";
    GOVERNANCE_ADDRESS "governance-address" Error "a governance rule's address has the parts of a table or column";
    GOVERNANCE_UNUSED "governance-unused" Warning "a governance rule matches something";
    LINT_RULE_UNKNOWN "lint-rule-unknown" Error "`lint:` of `mesh.yaml` speaks of rules that exist and are warnings";
    LOCATION_MISSING "location-missing" Error "a contract says where its data is";
    LOCATION_INVALID "location-invalid" Error "a location is a path or URL that its server type can have";
    LOCATION_SHARED "location-shared" Error "two tables don't share one location";
    LOCATION_FOREIGN "location-foreign" Error "a domain's tables are not in the data of another domain's tables";
    LOCATION_UNSUPPORTED "location-unsupported" Warning "tables are in a store and format that meshgate reads";
    FORMAT_UNKNOWN "format-unknown" Error "a server's `format` is delta, iceberg or parquet";
    TEAM_MISSING "team-missing" Warning "a contract or its product names its team";
    SUPPORT_MISSING "support-missing" Warning "consumers find a support channel";
    DESCRIPTION_MISSING "description-missing" Warning "products, tables and columns are described";
    PASSWORD_HASH "password-hash" Error "passwords are argon2 hashes in PHC format";
    ROLE_UNKNOWN "role-unknown" Warning "users hold roles that a contract or `mesh.yaml` names";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::RULES;

    #[test]
    fn ids_are_unique_and_kebab_case() {
        let ids: BTreeSet<_> = RULES.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), RULES.len());
        for id in ids {
            assert!(id.chars().all(|character| character.is_ascii_lowercase() || character == '-'), "{id}");
        }
    }
}
