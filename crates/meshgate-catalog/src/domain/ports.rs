//! A product's output ports → its tables, under the names that consumers use.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Document, DomainLoader, LoadedContract};
use crate::{
    Product, Severity, Table,
    files::ProductFolder,
    rules,
    shape::{did_you_mean, listed},
    standard::{DataProduct, OutputPort, Status},
};

impl<'tree> DomainLoader<'_, 'tree> {
    /// Contracts that no port names.
    pub(super) fn find_unused(
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

    pub(super) fn find_same_majors(&mut self, products: &[Document<'tree, DataProduct>]) {
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
    pub(super) fn product(
        &mut self,
        name: &str,
        document: &Document<'_, DataProduct>,
        contracts: &[LoadedContract<'tree>],
    ) {
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
}
