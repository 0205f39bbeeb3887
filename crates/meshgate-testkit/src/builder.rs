//! From a compact description to a catalog folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use datafusion::arrow::{
    datatypes::{DataType, Field, SchemaRef},
    record_batch::RecordBatch,
};
use serde_json::{Value, json};

use crate::{
    TestMesh,
    files::{Format, write},
};

/// Describes a mesh. What is not said is the simplest that lint accepts.
#[derive(Debug, Default)]
pub struct MeshBuilder {
    tables: Vec<TableBuilder>,
    users: Vec<UserBuilder>,
    /// By file, relative to the catalog's folder.
    policies: BTreeMap<String, String>,
    roles: BTreeSet<String>,
}

/// Describes a table by its name and data.
#[derive(Debug, Clone)]
pub struct TableBuilder {
    domain: String,
    product: String,
    table: String,
    major: u32,
    batches: Vec<RecordBatch>,
    declared: SchemaRef,
    format: Format,
    partition: Option<String>,
    classifications: BTreeMap<String, String>,
    tags: BTreeMap<String, Vec<String>>,
    primary_key: Vec<String>,
}

/// Describes a user.
#[derive(Debug, Clone)]
pub struct UserBuilder {
    name: String,
    groups: Vec<String>,
    roles: Vec<String>,
    attributes: BTreeMap<String, Value>,
    password: Option<String>,
}

impl UserBuilder {
    /// A user in `groups`.
    pub fn new(name: &str, groups: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            roles: Vec::new(),
            attributes: BTreeMap::new(),
            password: None,
        }
    }

    /// Who holds `role`.
    pub fn role(mut self, role: &str) -> Self {
        self.roles.push(role.to_owned());
        self
    }

    /// With an attribute that row filters may speak of.
    pub fn attribute(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.attributes.insert(name.to_owned(), value.into());
        self
    }

    /// With a password, as an argon2 hash in PHC format.
    pub fn password_hash(mut self, hash: &str) -> Self {
        self.password = Some(hash.to_owned());
        self
    }
}

impl TableBuilder {
    /// The table `domain.product.table` of these rows, a file a batch. Every column is declared and `public`.
    pub fn new(name: &str, batches: Vec<RecordBatch>) -> Self {
        let parts: Vec<&str> = name.split('.').collect();
        let [domain, product, table] = parts[..] else { panic!("`{name}` is not domain.product.table") };
        Self {
            domain: domain.to_owned(),
            product: product.to_owned(),
            table: table.to_owned(),
            major: 1,
            declared: batches.first().expect("at least one batch").schema(),
            batches,
            format: Format::Parquet,
            partition: None,
            classifications: BTreeMap::new(),
            tags: BTreeMap::new(),
            primary_key: Vec::new(),
        }
    }

    /// In the product's major version `major`; 1 otherwise.
    pub fn major(mut self, major: u32) -> Self {
        self.major = major;
        self
    }

    /// Declares other columns than the data has.
    pub fn declared(mut self, schema: SchemaRef) -> Self {
        self.declared = schema;
        self
    }

    /// In another format than Parquet.
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Puts the rows of each value of a column into files of their own, under a path that names it.
    pub fn partitioned_by(mut self, column: &str) -> Self {
        self.partition = Some(column.to_owned());
        self
    }

    /// Classifies a column.
    pub fn classified(mut self, column: &str, classification: &str) -> Self {
        self.classifications.insert(column.to_owned(), classification.to_owned());
        self
    }

    /// Tags a column.
    pub fn tagged(mut self, column: &str, tag: &str) -> Self {
        self.tags.entry(column.to_owned()).or_default().push(tag.to_owned());
        self
    }

    /// Declares the primary key.
    pub fn primary_key(mut self, columns: &[&str]) -> Self {
        self.primary_key = columns.iter().map(|column| (*column).to_owned()).collect();
        self
    }

    fn folder(&self) -> String {
        format!("{}/{}_v{}/{}", self.domain, self.product, self.major, self.table)
    }

    fn contract_id(&self) -> String {
        format!("urn:datacontract:{}:{}:{}:v{}", self.domain, self.product, self.table, self.major)
    }

    fn contract(&self) -> Value {
        let properties: Vec<Value> = self.declared.fields().iter().map(|field| self.property(field)).collect();
        json!({
            "apiVersion": "v3.2.0",
            "kind": "DataContract",
            "id": self.contract_id(),
            "version": format!("{}.0.0", self.major),
            "status": "active",
            "domain": self.domain,
            "dataProduct": self.product,
            "description": {"purpose": format!("The {} of {}.", self.table, self.product)},
            "servers": [{
                "server": "lake", "environment": "prod", "type": "local", "format": self.format.name(),
                "path": format!("../../../../data/{}", self.folder()),
            }],
            "schema": [{
                "name": self.table,
                "physicalType": "table",
                "description": format!("One row is one of {}.", self.table),
                "dataGranularityDescription": "one row each",
                "properties": properties,
            }],
            "team": {"name": format!("{}-data", self.domain), "members": [{"username": format!("owner@{}.example", self.domain), "role": "owner"}]},
            "support": support(&self.domain),
        })
    }

    fn property(&self, field: &Field) -> Value {
        let name = field.name();
        let classification = self.classifications.get(name).map_or("public", String::as_str);
        let mut property = declared_type(name, field.data_type());
        property["description"] = json!(format!("The {name}."));
        property["classification"] = json!(classification);
        property["required"] = json!(!field.is_nullable());
        if let Some(tags) = self.tags.get(name) {
            property["tags"] = json!(tags);
        }
        if let Some(position) = self.primary_key.iter().position(|key| key == name) {
            property["primaryKey"] = json!(true);
            property["primaryKeyPosition"] = json!(position + 1);
        }
        property
    }
}

fn support(domain: &str) -> Value {
    json!([{"channel": format!("#{domain}-data"), "tool": "slack", "url": format!("https://chat.example/{domain}-data")}])
}

/// The ODCS property of a column or nested field, with its type alone.
fn declared_type(name: &str, data_type: &DataType) -> Value {
    let mut property = json!({"name": name, "logicalType": logical_type(data_type)});
    match data_type {
        DataType::Struct(fields) => {
            property["properties"] =
                fields.iter().map(|field| declared_type(field.name(), field.data_type())).collect();
        }
        DataType::List(item) | DataType::LargeList(item) => {
            property["items"] = declared_type("item", item.data_type());
        }
        _ => {}
    }
    property
}

fn logical_type(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "boolean",
        data_type if data_type.is_integer() => "integer",
        data_type if data_type.is_floating() || data_type.is_decimal() => "number",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Timestamp(_, _) => "timestamp",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::List(_) | DataType::LargeList(_) => "array",
        DataType::Struct(_) | DataType::Map(_, _) => "object",
        _ => "string",
    }
}

impl MeshBuilder {
    /// An empty mesh of the classifications `public`, `internal` and `restricted`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a table, and the domain and product that it needs.
    pub fn table(mut self, table: TableBuilder) -> Self {
        self.tables.push(table);
        self
    }

    /// Adds a user in `groups`.
    pub fn user(self, name: &str, groups: &[&str]) -> Self {
        self.with_user(UserBuilder::new(name, groups))
    }

    /// Adds a user.
    pub fn with_user(mut self, user: UserBuilder) -> Self {
        self.roles.extend(user.roles.iter().cloned());
        self.users.push(user);
        self
    }

    /// Adds Cedar to governance's policies.
    pub fn governance_policy(self, cedar: &str) -> Self {
        self.policy("governance/policies/governance.cedar", cedar)
    }

    /// Adds Cedar to a domain's policies.
    pub fn domain_policy(self, domain: &str, cedar: &str) -> Self {
        self.policy(&format!("domains/{domain}/policies/{domain}.cedar"), cedar)
    }

    fn policy(mut self, file: &str, cedar: &str) -> Self {
        let text = self.policies.entry(file.to_owned()).or_default();
        text.push_str(cedar);
        text.push('\n');
        self
    }

    /// Writes the catalog and the data, and loads them. Panics with the report if the catalog does not load.
    pub async fn build(self) -> TestMesh {
        let folder = tempfile::tempdir().expect("a temporary folder");
        self.write(folder.path()).await;
        TestMesh::open(folder)
    }

    /// Writes `catalog` and `data` into `root`.
    pub async fn write(&self, root: &Path) {
        let catalog = root.join("catalog");
        let mut files: BTreeMap<String, Value> = BTreeMap::new();
        let mut tags: BTreeSet<&String> = BTreeSet::new();
        files.insert("users.yaml".to_owned(), json!({"users": self.users()}));
        for table in &self.tables {
            let TableBuilder { domain, product, table: name, major, .. } = table;
            tags.extend(table.tags.values().flatten());
            files.insert(
                format!("domains/{domain}/domain.yaml"),
                json!({
                    "name": domain, "owner": format!("{domain}-data"), "description": format!("The {domain} domain."),
                    "support": support(domain),
                }),
            );
            files.insert(format!("domains/{domain}/{product}/{name}_v{major}.odcs.yaml"), table.contract());
            let ports: Vec<Value> = self
                .tables
                .iter()
                .filter(|other| (&other.domain, &other.product, other.major) == (domain, product, *major))
                .map(|port| {
                    json!({
                        "name": port.table, "version": format!("{major}.0.0"), "type": "tables",
                        "description": format!("The {}.", port.table), "contractId": port.contract_id(),
                    })
                })
                .collect();
            files.insert(
                format!("domains/{domain}/{product}/{product}_v{major}.odps.yaml"),
                json!({
                    "apiVersion": "v1.1.0", "kind": "DataProduct", "id": format!("urn:dataproduct:{domain}:{product}:v{major}"),
                    "name": product, "version": format!("{major}.0.0"), "status": "active", "domain": domain,
                    "description": {"purpose": format!("The {product} of {domain}.")},
                    "outputPorts": ports,
                    "team": {"name": format!("{domain}-data"), "members": [{"username": format!("owner@{domain}.example"), "role": "owner"}]},
                    "support": support(domain),
                }),
            );
            write(&root.join("data").join(table.folder()), table.format, table.partition.as_deref(), &table.batches)
                .await;
        }
        files.insert(
            "mesh.yaml".to_owned(),
            json!({
                "name": "test", "classifications": ["public", "internal", "restricted"],
                "tags": tags.into_iter().collect::<Vec<_>>(), "roles": self.roles,
            }),
        );
        // JSON is YAML.
        let documents = files.into_iter().map(|(file, value)| (file, format!("{value:#}\n")));
        for (file, text) in documents.chain(self.policies.clone()) {
            let path = catalog.join(file);
            std::fs::create_dir_all(path.parent().expect("a file's folder")).expect("a catalog folder");
            std::fs::write(path, text).expect("a catalog file");
        }
    }

    fn users(&self) -> Value {
        self.users
            .iter()
            .map(|user| {
                let mut value = json!({"groups": user.groups, "roles": user.roles, "attributes": user.attributes});
                if let Some(password) = &user.password {
                    value["password"] = json!(password);
                }
                (user.name.clone(), value)
            })
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}
