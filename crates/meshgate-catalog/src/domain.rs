//! One domain's folder → its [`Domain`].

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use semver::Version;

use crate::{
    Diagnostic, Domain, Product, Severity, Support, Table,
    files::{DomainFolder, ProductFolder},
    lint,
    mesh::{DomainFile, MeshFile},
    name, rules,
    shape::{did_you_mean, listed},
    standard::{DataContract, DataProduct, OutputPort, Status},
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
        LoadedContract { document, tables }
    }

    /// Contracts that no port names.
    fn find_unused(
        &mut self,
        products: &[Document<'_, DataProduct>],
        contracts: &[LoadedContract<'_>],
        folder: &ProductFolder,
    ) {
        // A product that can't be read may name them.
        if products.is_empty() || products.len() < folder.products.len() {
            return;
        }
        for contract in contracts {
            let id = &contract.document.content.id;
            let mut ports = products.iter().flat_map(|product| &product.content.output_ports);
            if !ports.any(|port| port.contract_id.as_ref().is_some_and(|named| named.value == id.value)) {
                let finding =
                    rules::CONTRACT_UNUSED.at(contract.document.source, id.mark, "no output port names this contract");
                self.find(finding.with_hint("add an output port with this `contractId` to the product"));
            }
        }
    }

    fn find_same_majors(&mut self, products: &[Document<'tree, DataProduct>]) {
        for (position, product) in products.iter().enumerate().filter(|(_, product)| product.is_served()) {
            let major = product.version.as_ref().map(|version| version.major);
            let newer = products[..position]
                .iter()
                .find(|newer| newer.is_served() && newer.version.as_ref().map(|version| version.major) == major);
            if let (Some(newer), Some(major)) = (newer, major) {
                let message =
                    format!("`{}` describes version {major} of this product too", newer.source.path.display());
                let finding = rules::PRODUCT_DUPLICATE.at(product.source, product.content.mark, message);
                self.find(finding.with_hint("set `status: retired` in the older one, or remove it"));
            }
        }
    }

    /// Adds a product under its names.
    fn product(&mut self, name: &str, document: &Document<'_, DataProduct>, contracts: &[LoadedContract<'tree>]) {
        let product = &document.content;
        let mut tables: BTreeMap<String, Arc<Table>> = BTreeMap::new();
        let mut ports = BTreeSet::new();
        for port in &product.output_ports {
            let version = port.version.as_ref().map(|version| version.value.as_str());
            if !ports.insert((port.name.value.as_str(), version)) {
                let message = format!("output port `{}` stands twice", port.name.value);
                let finding = rules::PORT_DUPLICATE.at(document.source, port.name.mark, message);
                self.find(finding.with_hint("give the port another name or version"));
                continue;
            }
            let Some(contract) = self.contract_of(document, port, contracts) else { continue };
            for (written, table) in &contract.tables {
                if let Some(other) = tables.get(&table.name.table) {
                    let message = format!(
                        "table `{}` is in the contract `{}` of this product too",
                        table.name.table, other.contract.id
                    );
                    let finding = rules::TABLE_DUPLICATE.at(contract.document.source, written.mark, message);
                    self.find(finding.with_hint("rename one of them"));
                    continue;
                }
                tables.insert(table.name.table.clone(), table.clone());
            }
        }
        let (Some(version), Some(status)) = (&document.version, document.status) else { return };
        if !self.announce(document, status) {
            return;
        }
        // After an error the tables may be missing for that reason.
        let has_errors = self.loaded.findings.iter().any(|finding| finding.severity == Severity::Error);
        if tables.is_empty() && !has_errors {
            let finding =
                rules::PRODUCT_EMPTY.at(document.source, product.mark, format!("product `{name}` has no tables"));
            self.find(finding.with_hint("add an output port whose contract is active and has a `schema`"));
        }
        let product = Arc::new(Product {
            name: name.to_owned(),
            id: product.id.value.clone(),
            version: version.to_string(),
            status: product.status.as_ref().map(|status| status.value.clone()).unwrap_or_default(),
            description: product.description.clone(),
            tables,
        });
        let products = &mut self.loaded.domain.products;
        products.entry(format!("{name}_v{}", version.major)).or_insert_with(|| product.clone());
        // Newest first: the first active one keeps the plain name, and takes it from a deprecated one.
        let is_better = products.get(name).is_none_or(|other| other.status != "active" && product.status == "active");
        if is_better {
            products.insert(name.to_owned(), product);
        }
    }

    /// Says what a product's status means for consumers; returns whether they see it.
    fn announce(&mut self, document: &Document<'_, DataProduct>, status: Status) -> bool {
        let mark = document.content.status.as_ref().map_or(document.content.mark, |status| status.mark);
        match status {
            Status::Active | Status::Retired => {}
            Status::Deprecated => {
                let finding =
                    rules::PRODUCT_DEPRECATED.at(document.source, mark, "the product is deprecated, and still served");
                self.find(finding.with_hint("say in its description until when, and what to use instead"));
            }
            Status::Proposed | Status::Draft => {
                let finding = rules::UNPUBLISHED.at(document.source, mark, "consumers don't see the product");
                self.find(finding.with_hint("set `status: active` to publish it"));
            }
        }
        status.is_served()
    }

    /// The contract of a port, if it is one that consumers see.
    fn contract_of<'contracts>(
        &mut self,
        document: &Document<'_, DataProduct>,
        port: &OutputPort,
        contracts: &'contracts [LoadedContract<'tree>],
    ) -> Option<&'contracts LoadedContract<'tree>> {
        let source = document.source;
        let port_name = &port.name.value;
        let Some(id) = &port.contract_id else {
            let finding = rules::PORT_CONTRACT_MISSING.at(
                source,
                port.name.mark,
                format!("output port `{port_name}` names no contract"),
            );
            self.find(finding.with_hint("add `contractId: …`; without it the port has no tables"));
            return None;
        };
        let mut named: Vec<_> =
            contracts.iter().filter(|contract| contract.document.content.id.value == id.value).collect();
        named.sort_by(|one, other| other.document.version.cmp(&one.document.version));
        if named.is_empty() {
            if !self.loaded.is_complete {
                return None; // it may be the one that can't be read
            }
            let ids: BTreeSet<_> =
                contracts.iter().map(|contract| contract.document.content.id.value.as_str()).collect();
            let message =
                format!("output port `{port_name}` names the contract `{}`, which is not in this folder", id.value);
            let hint = match ids.is_empty() {
                true => "put the contract beside the product, as `….odcs.yaml`".to_owned(),
                false => did_you_mean(&id.value, &ids.into_iter().collect::<Vec<_>>()),
            };
            self.find(rules::PORT_CONTRACT_UNKNOWN.at(source, id.mark, message).with_hint(hint));
            return None;
        }
        let contract = match &port.version {
            Some(version) => {
                let found = named.iter().find(|contract| contract.document.content.version.value == version.value);
                if found.is_none() {
                    let versions: Vec<_> =
                        named.iter().map(|contract| contract.document.content.version.value.as_str()).collect();
                    let message = format!(
                        "output port `{port_name}` has version {}, but its contract has {}",
                        version.value,
                        listed(&versions)
                    );
                    let finding = rules::PORT_VERSION_MISMATCH.at(source, version.mark, message);
                    self.find(finding.with_hint("write the same version in both"));
                }
                found.copied()
            }
            None => named.iter().find(|contract| contract.document.is_served()).or(named.first()).copied(),
        }?;
        match (document.is_served(), contract.document.status?) {
            (true, Status::Proposed | Status::Draft | Status::Retired) => {
                let status = contract.document.content.status.as_ref()?;
                let message = format!(
                    "the contract of output port `{port_name}` is `{}`: consumers don't see its tables",
                    status.value
                );
                self.find(
                    rules::UNPUBLISHED
                        .at(contract.document.source, status.mark, message)
                        .with_hint("set `status: active` to publish it"),
                );
                None
            }
            (true, Status::Deprecated) if document.status == Some(Status::Active) => {
                let mark = contract.document.content.status.as_ref()?.mark;
                let message = format!("the contract of output port `{port_name}` is deprecated, and still served");
                let finding = rules::PRODUCT_DEPRECATED.at(contract.document.source, mark, message);
                self.find(finding.with_hint("say in its description until when, and what to use instead"));
                Some(contract)
            }
            _ => contract.document.is_served().then_some(contract),
        }
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
