//! A small mesh for tests.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use meshgate_catalog::{
    AttributeValue, CatalogParts, CatalogSnapshot, Column, Contract, Domain, Location, LogicalType, PolicyFile,
    PolicyOwner, Product, Report, Table, TableFormat, TableName, User, UserDirectory,
};

use crate::{Grant, Policies, Principal};

/// Builds a mesh: tables, policy files, users.
#[derive(Clone, Default)]
pub(crate) struct TestMesh {
    tables: Vec<Table>,
    files: Vec<PolicyFile>,
    users: Vec<User>,
    levels: Option<Vec<String>>,
}

pub(crate) fn column(name: &str, logical_type: LogicalType, classification: Option<&str>, tags: &[&str]) -> Column {
    Column {
        name: name.into(),
        description: String::new(),
        logical_type,
        physical_type: None,
        required: false,
        classification: classification.map(str::to_owned),
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        primary_key: None,
        fields: Vec::new(),
    }
}

pub(crate) fn table(name: &str, columns: Vec<Column>) -> Table {
    let parts: Vec<&str> = name.split('.').collect();
    Table {
        name: TableName::new(parts[0], parts[1], parts[2]),
        contract: Arc::new(Contract {
            id: format!("urn:{name}"),
            version: "1.0.0".into(),
            status: "active".into(),
            file: PathBuf::from(format!("domains/{}/{}/{}.odcs.yaml", parts[0], parts[1], parts[2])),
            team: "team".into(),
            support: Vec::new(),
            roles: vec!["restricted_reader".into()],
        }),
        description: String::new(),
        tags: Default::default(),
        location: Location {
            format: TableFormat::Delta,
            url: "file:///lake/".into(),
            endpoint: None,
            domain: parts[0].into(),
        },
        columns,
        declared_rows: None,
    }
}

/// The flights of the design's examples.
pub(crate) fn flights() -> Table {
    use LogicalType::{Array, Boolean, Integer, Object, String, Timestamp};
    table(
        "operations.departures.flights",
        vec![
            column("origin", String, Some("public"), &[]),
            column("carrier", String, Some("public"), &[]),
            column("tailnum", String, Some("restricted"), &["aircraft-identity"]),
            column("dep_delay", Integer, Some("internal"), &[]),
            column("time_hour", Timestamp, Some("public"), &[]),
            column("cancelled", Boolean, Some("internal"), &[]),
            column("crew", Object, Some("restricted"), &["personal"]),
            column("stops", Array, Some("internal"), &[]),
            column("Gate", String, Some("internal"), &[]),
            column("odd.name", String, Some("internal"), &[]),
            column("fresh", String, None, &[]),
        ],
    )
}

pub(crate) fn planes() -> Table {
    use LogicalType::{Integer, String};
    table(
        "fleet.aircraft.planes",
        vec![
            column("tailnum", String, Some("restricted"), &["aircraft-identity"]),
            column("manufacturer", String, Some("public"), &[]),
            column("seats", Integer, Some("public"), &[]),
        ],
    )
}

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::String(value.into())
}

pub(crate) fn principal(user: &str) -> Principal {
    Principal {
        user: user.into(),
        groups: Default::default(),
        roles: Default::default(),
        attributes: Default::default(),
        purpose: None,
    }
}

impl Principal {
    pub(crate) fn in_group(mut self, group: &str) -> Self {
        self.groups.insert(group.into());
        self
    }

    pub(crate) fn with_role(mut self, role: &str) -> Self {
        self.roles.insert(role.into());
        self
    }

    pub(crate) fn with(mut self, attribute: &str, value: AttributeValue) -> Self {
        self.attributes.insert(attribute.into(), value);
        self
    }

    pub(crate) fn for_purpose(mut self, purpose: &str) -> Self {
        self.purpose = Some(purpose.into());
        self
    }
}

impl TestMesh {
    /// Flights and planes, no policies; users that tell which attributes there are.
    pub(crate) fn new() -> Self {
        let mut mesh = Self { tables: vec![flights(), planes()], ..Self::default() };
        mesh.user(
            principal("desk")
                .in_group("station_desk")
                .with("station", text("JFK"))
                .with("level", AttributeValue::Integer(3))
                .with("contractor", AttributeValue::Boolean(false))
                .with("regions", AttributeValue::Strings(["east".to_owned()].into())),
        );
        mesh.user(principal("analyst").in_group("analysts"));
        mesh
    }

    pub(crate) fn of(tables: Vec<Table>) -> Self {
        Self { tables, ..Self::new() }
    }

    pub(crate) fn user(&mut self, principal: Principal) {
        self.users.push(User {
            name: principal.user,
            password_hash: None,
            groups: principal.groups,
            roles: principal.roles,
            attributes: principal.attributes,
        });
    }

    pub(crate) fn levels(mut self, levels: &[&str]) -> Self {
        self.levels = Some(levels.iter().map(|&level| level.to_owned()).collect());
        self
    }

    pub(crate) fn governance(mut self, text: &str) -> Self {
        let path = match self.files.iter().filter(|file| file.owner == PolicyOwner::Governance).count() {
            0 => PathBuf::from("governance/policies/global.cedar"),
            count => PathBuf::from(format!("governance/policies/global{count}.cedar")),
        };
        self.files.push(PolicyFile { path, owner: PolicyOwner::Governance, text: text.into() });
        self
    }

    pub(crate) fn domain(mut self, domain: &str, text: &str) -> Self {
        let owner = PolicyOwner::Domain(domain.into());
        let path = match self.files.iter().filter(|file| file.owner == owner).count() {
            0 => PathBuf::from(format!("domains/{domain}/policies/access.cedar")),
            count => PathBuf::from(format!("domains/{domain}/policies/access{count}.cedar")),
        };
        self.files.push(PolicyFile { path, owner, text: text.into() });
        self
    }

    pub(crate) fn with_files_reversed(mut self) -> Self {
        self.files.reverse();
        self
    }

    pub(crate) fn snapshot(&self) -> Arc<CatalogSnapshot> {
        let mut domains: BTreeMap<String, Domain> = BTreeMap::new();
        let mut products: BTreeMap<(String, String), Product> = BTreeMap::new();
        for table in &self.tables {
            let TableName { domain, product, .. } = &table.name;
            // A second table of one name is another major's.
            let key = products
                .get(&(domain.clone(), product.clone()))
                .is_some_and(|known| known.tables.contains_key(&table.name.table));
            let key = if key { format!("{product}_v1") } else { product.clone() };
            products
                .entry((domain.clone(), key))
                .or_insert_with(|| Product {
                    name: product.clone(),
                    id: product.clone(),
                    version: "1.0.0".into(),
                    status: "active".into(),
                    description: String::new(),
                    tables: BTreeMap::new(),
                })
                .tables
                .insert(table.name.table.clone(), Arc::new(table.clone()));
        }
        for ((domain, key), product) in products {
            domains
                .entry(domain.clone())
                .or_insert_with(|| Domain {
                    name: domain.clone(),
                    owner: "team".into(),
                    description: String::new(),
                    support: Vec::new(),
                    products: BTreeMap::new(),
                })
                .products
                .insert(key, Arc::new(product));
        }
        let levels = self.levels.clone();
        Arc::new(CatalogSnapshot::from_parts(CatalogParts {
            name: "test".into(),
            revision: "1".into(),
            classifications: levels
                .unwrap_or_else(|| ["public", "internal", "confidential", "restricted"].map(str::to_owned).to_vec()),
            domains,
            policy_files: self.files.clone(),
            users: Some(self.users.iter().cloned().collect::<UserDirectory>()),
        }))
    }

    pub(crate) fn compile(&self) -> Result<(Policies, Report), Report> {
        Policies::compile(self.snapshot())
    }

    /// The policies, which must be without findings.
    pub(crate) fn policies(&self) -> Policies {
        match self.compile() {
            Ok((policies, report)) if report.diagnostics.is_empty() => policies,
            Ok((_, report)) | Err(report) => panic!("findings:\n{report}"),
        }
    }

    /// What lint would print.
    pub(crate) fn findings(&self) -> String {
        match self.compile() {
            Ok((_, report)) | Err(report) => report.to_string(),
        }
    }
}

impl Policies {
    /// The decision about a table by its name.
    pub(crate) fn grant(&self, principal: &Principal, table: &str) -> Arc<Grant> {
        let parts: Vec<&str> = table.split('.').collect();
        let table = self.snapshot().resolve(parts[0], parts[1], parts[2]).expect("a table of the mesh");
        self.decide(principal, table)
    }

    pub(crate) fn flights(&self, principal: &Principal) -> Arc<Grant> {
        self.grant(principal, "operations.departures.flights")
    }
}
