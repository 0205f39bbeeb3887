//! One domain's folder → its [`Domain`].

mod ports;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use semver::Version;

use crate::{
    Diagnostic, Domain, Support, Table,
    files::{DomainFolder, ProductFolder},
    lint,
    mesh::{DomainFile, MeshFile},
    name, rules,
    standard::{DataContract, DataProduct, Status},
    table::ContractLoader,
    yaml::{self, Mark, Node, SourceFile, Spanned},
};

/// A domain and what the whole mesh must know of it.
#[derive(Debug)]
pub(crate) struct LoadedDomain<'tree> {
    pub(crate) domain: Domain,
    pub(crate) findings: Vec<Diagnostic>,
    pub(crate) ids: Vec<Identity<'tree>>,
    /// Roles that contracts name.
    pub(crate) roles: BTreeSet<String>,
    /// Positions of the governance rules that matched.
    pub(crate) governance_used: BTreeSet<usize>,
    /// Where its tables are.
    pub(crate) places: Vec<Place<'tree>>,
    /// Whether all contracts could be read.
    pub(crate) is_complete: bool,
}

/// An id that must be the only one of the mesh.
#[derive(Debug)]
pub(crate) struct Identity<'tree> {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) source: &'tree SourceFile,
    pub(crate) mark: Mark,
}

/// Where a table is.
#[derive(Debug)]
pub(crate) struct Place<'tree> {
    pub(crate) table: Arc<Table>,
    pub(crate) source: &'tree SourceFile,
    pub(crate) mark: Mark,
}

/// Loads one domain.
#[derive(Debug)]
pub(crate) struct DomainLoader<'mesh, 'tree> {
    root: &'mesh Path,
    mesh: &'mesh MeshFile,
    name: &'tree str,
    folder: &'tree DomainFolder,
    loaded: LoadedDomain<'tree>,
}

/// A file and what it says.
struct Document<'tree, T> {
    source: &'tree SourceFile,
    content: T,
    version: Option<Version>,
    status: Option<Status>,
}

impl<T> Document<'_, T> {
    fn is_served(&self) -> bool {
        self.status.is_some_and(Status::is_served)
    }
}

/// A contract's document and its tables.
struct LoadedContract<'tree> {
    document: Document<'tree, DataContract>,
    tables: Vec<(Spanned<String>, Arc<Table>)>,
}

impl<'mesh, 'tree> DomainLoader<'mesh, 'tree> {
    pub(crate) fn new(root: &'mesh Path, mesh: &'mesh MeshFile, name: &'tree str, folder: &'tree DomainFolder) -> Self {
        let domain = Domain {
            name: name.to_owned(),
            owner: String::new(),
            description: String::new(),
            support: Vec::new(),
            products: BTreeMap::new(),
        };
        let loaded = LoadedDomain {
            domain,
            findings: Vec::new(),
            ids: Vec::new(),
            roles: BTreeSet::new(),
            governance_used: BTreeSet::new(),
            places: Vec::new(),
            is_complete: true,
        };
        Self { root, mesh, name, folder, loaded }
    }

    pub(crate) fn load(mut self) -> LoadedDomain<'tree> {
        let folder = self.folder;
        self.check_folder_name(&folder.path, "domain", self.name);
        self.domain_file();
        for (name, product) in &folder.products {
            self.product_folder(name, product);
        }
        self.loaded
    }

    fn find(&mut self, finding: Diagnostic) {
        self.loaded.findings.push(finding);
    }

    fn check_folder_name(&mut self, path: &Path, noun: &str, name: &str) {
        if let Some(reason) = name::refusal(noun, name) {
            self.find(reason.of_folder(path));
        }
    }

    fn domain_file(&mut self) {
        let Some(source) = &self.folder.domain else { return };
        let Some(root) = self.parse(source) else { return };
        let file = DomainFile::read(source, &root, &mut self.loaded.findings);
        self.same_as_folder(source, "name", file.name.as_ref(), self.name);
        if let (Some(owners), Some(owner)) = (&self.mesh.domains, &file.owner) {
            match owners.get(self.name) {
                Some(listed) if listed.value != owner.value => {
                    let message = format!("the owner is `{}`, but `mesh.yaml` names `{}`", owner.value, listed.value);
                    let finding = rules::OWNER_MISMATCH.at(source, owner.mark, message);
                    self.find(finding.with_hint("ask the governance group which one is right"));
                }
                Some(_) => {}
                None => {
                    let message = format!("`mesh.yaml` does not list the domain `{}`", self.name);
                    let finding = rules::DOMAIN_UNLISTED.at(source, root.mark, message);
                    self.find(
                        finding
                            .with_hint(format!("add `{}: {{owner: {}}}` under its `domains`", self.name, owner.value)),
                    );
                }
            }
        }
        if file.description.is_empty() {
            let message = format!("domain `{}` has no description", self.name);
            self.find(rules::DESCRIPTION_MISSING.at(source, root.mark, message).with_hint("add `description: …`"));
        }
        let domain = &mut self.loaded.domain;
        domain.owner = file.owner.map(|owner| owner.value).unwrap_or_default();
        domain.description = file.description;
        domain.support = file.support;
    }

    fn product_folder(&mut self, name: &'tree str, folder: &'tree ProductFolder) {
        if folder.products.is_empty() && folder.contracts.is_empty() {
            return;
        }
        let path = self.folder.path.join(name);
        self.check_folder_name(&path, "product", name);
        if folder.products.is_empty() {
            let finding = rules::PRODUCT_MISSING.of_file(&path, "the folder has contracts, but no product");
            self.find(finding.with_hint(format!("add `{name}.odps.yaml` with an output port for each contract")));
        }
        let mut products: Vec<_> =
            folder.products.iter().filter_map(|source| self.product_document(name, source)).collect();
        products.sort_by(|one, other| other.version.cmp(&one.version));
        let contracts: Vec<_> =
            folder.contracts.iter().filter_map(|source| self.contract_document(name, source)).collect();
        self.loaded.is_complete &= contracts.len() == folder.contracts.len();
        let fallback = products.first().map(|product| &product.content);
        let contracts: Vec<_> =
            contracts.into_iter().map(|document| self.contract_tables(name, document, fallback)).collect();
        self.find_unused(&products, &contracts, folder);
        self.find_same_majors(&products);
        for product in &products {
            self.product(name, product, &contracts);
        }
    }

    fn product_document(&mut self, folder: &str, source: &'tree SourceFile) -> Option<Document<'tree, DataProduct>> {
        let root = self.parse(source)?;
        let content = DataProduct::read(source, &root, &mut self.loaded.findings)?;
        self.same_as_folder(source, "domain", content.domain.as_ref(), self.name);
        self.same_as_folder(source, "name", content.name.as_ref(), folder);
        for key in ["version", "status"] {
            if root.get(key).is_none() {
                let finding = rules::KEY_MISSING.at(source, root.mark, format!("a data product has no `{key}`"));
                let example = if key == "version" { "version: 1.0.0" } else { "status: active" };
                self.find(finding.with_hint(format!("add `{example}`")));
            }
        }
        let version = content.version.as_ref().and_then(|version| self.version(source, version));
        let status = content.status.as_ref().and_then(|status| Status::from_name(&status.value));
        self.identify(source, &content.id, content.version.as_ref());
        if content.description.is_empty() {
            let finding =
                rules::DESCRIPTION_MISSING.at(source, root.mark, format!("product `{folder}` has no description"));
            self.find(finding.with_hint("add `description: {purpose: …}`"));
        }
        self.check_tags(source, &content.tags);
        Some(Document { source, content, version, status })
    }

    fn contract_document(&mut self, folder: &str, source: &'tree SourceFile) -> Option<Document<'tree, DataContract>> {
        let root = self.parse(source)?;
        let content = DataContract::read(source, &root, &mut self.loaded.findings)?;
        self.same_as_folder(source, "domain", content.domain.as_ref(), self.name);
        self.same_as_folder(source, "dataProduct", content.data_product.as_ref(), folder);
        if root.get("status").is_none() {
            let finding = rules::KEY_MISSING.at(source, root.mark, "a data contract has no `status`");
            self.find(finding.with_hint("add `status: active`"));
        }
        let version = self.version(source, &content.version);
        let status = content.status.as_ref().and_then(|status| Status::from_name(&status.value));
        self.identify(source, &content.id, Some(&content.version));
        self.check_tags(source, &content.tags);
        self.loaded.roles.extend(content.roles.iter().cloned());
        Some(Document { source, content, version, status })
    }

    fn contract_tables(
        &mut self,
        product: &str,
        document: Document<'tree, DataContract>,
        fallback: Option<&DataProduct>,
    ) -> LoadedContract<'tree> {
        let has_team = document.content.has_team || fallback.is_some_and(|product| product.has_team);
        if !has_team {
            let finding = rules::TEAM_MISSING.at(
                document.source,
                document.content.id.mark,
                "no team stands behind this contract",
            );
            self.find(finding.with_hint("add `team: {name: …}` here or to the product"));
        }
        let of_product = |product: &DataProduct| product.support.clone();
        let support = [
            document.content.support.clone(),
            fallback.map(of_product).unwrap_or_default(),
            self.loaded.domain.support.clone(),
        ];
        let support: Vec<Support> = support.into_iter().find(|channels| !channels.is_empty()).unwrap_or_default();
        if support.is_empty() {
            let finding = rules::SUPPORT_MISSING.at(
                document.source,
                document.content.id.mark,
                "consumers have no channel to ask",
            );
            self.find(finding.with_hint("add `support: [{channel: …, url: …}]` here, to the product or to the domain"));
        }
        let team = document.content.team.clone();
        let team = team.or_else(|| fallback?.team.clone()).unwrap_or_else(|| self.loaded.domain.owner.clone());
        let loader = ContractLoader {
            root: self.root,
            mesh: self.mesh,
            domain: self.name,
            product,
            source: document.source,
            contract: &document.content,
            status: document.status,
            findings: &mut self.loaded.findings,
            governance_used: &mut self.loaded.governance_used,
        };
        let tables = loader.load(team, support);
        let source = document.source;
        let place =
            |(name, table): &(Spanned<String>, Arc<Table>)| Place { table: table.clone(), source, mark: name.mark };
        self.loaded.places.extend(tables.iter().map(place));
        LoadedContract { document, tables }
    }

    fn parse(&mut self, source: &SourceFile) -> Option<Node> {
        let root = yaml::parse(source, &mut self.loaded.findings)?;
        lint::find_secrets(source, &root, &mut self.loaded.findings);
        Some(root)
    }

    fn same_as_folder(&mut self, source: &SourceFile, key: &str, written: Option<&Spanned<String>>, folder: &str) {
        if let Some(written) = written.filter(|written| written.value != folder) {
            let message = format!("`{key}` is `{}`, but the folder is `{folder}`", written.value);
            let finding = rules::FOLDER_MISMATCH.at(source, written.mark, message);
            self.find(finding.with_hint(format!("write `{key}: {folder}`, or move the file")));
        }
    }

    fn version(&mut self, source: &SourceFile, written: &Spanned<String>) -> Option<Version> {
        let version = Version::parse(&written.value);
        if version.is_err() {
            let message = format!("`{}` is not a semantic version", written.value);
            let digits = written.value.trim_start_matches(['v', 'V']);
            let repaired = [digits.to_owned(), format!("{digits}.0"), format!("{digits}.0.0")];
            let hint = repaired
                .iter()
                .find(|text| Version::parse(text).is_ok())
                .map_or("write major.minor.patch, for instance `1.0.0`".to_owned(), |text| format!("write `{text}`"));
            self.find(rules::VERSION_INVALID.at(source, written.mark, message).with_hint(hint));
        }
        version.ok()
    }

    fn identify(&mut self, source: &'tree SourceFile, id: &Spanned<String>, version: Option<&Spanned<String>>) {
        let version = version.map(|version| version.value.clone()).unwrap_or_default();
        self.loaded.ids.push(Identity { id: id.value.clone(), version, source, mark: id.mark });
    }

    fn check_tags(&mut self, source: &SourceFile, tags: &[Spanned<String>]) {
        lint::find_unknown_tags(source, tags, self.mesh, &mut self.loaded.findings);
    }
}
