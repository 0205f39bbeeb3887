//! One contract → its tables.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use crate::{
    Column, Contract, Diagnostic, Location, LogicalType, Support, Table, TableFormat, TableName, lint,
    location::Locator,
    mesh::{GovernanceRule, MeshFile},
    name, rules,
    shape::did_you_mean,
    standard::{DataContract, LOGICAL_TYPES, Property, SchemaObject, Server, Status},
    yaml::{SourceFile, Spanned},
};

/// Makes the tables of one contract. It also checks those of contracts that consumers don't see, more mildly.
#[derive(Debug)]
pub(crate) struct ContractLoader<'mesh> {
    /// The catalog's folder, absolute.
    pub(crate) root: &'mesh Path,
    pub(crate) mesh: &'mesh MeshFile,
    pub(crate) domain: &'mesh str,
    pub(crate) product: &'mesh str,
    pub(crate) source: &'mesh SourceFile,
    pub(crate) contract: &'mesh DataContract,
    pub(crate) status: Option<Status>,
    pub(crate) findings: &'mesh mut Vec<Diagnostic>,
    pub(crate) governance_used: &'mesh mut BTreeSet<usize>,
}

/// The governance rules of one table, with their positions in `mesh.yaml`.
type Governance<'mesh> = Vec<(usize, &'mesh GovernanceRule)>;

impl<'mesh> ContractLoader<'mesh> {
    /// The tables, each with its name as written.
    pub(crate) fn load(mut self, team: String, support: Vec<Support>) -> Vec<(Spanned<String>, Arc<Table>)> {
        let contract = Arc::new(Contract {
            id: self.contract.id.value.clone(),
            version: self.contract.version.value.clone(),
            status: self.contract.status.as_ref().map(|status| status.value.clone()).unwrap_or_default(),
            file: self.source.path.clone(),
            team,
            support,
            roles: self.contract.roles.clone(),
        });
        let locations = self.locations();
        let mut tables: Vec<(Spanned<String>, Arc<Table>)> = Vec::new();
        for (object, location) in self.contract.schema.iter().zip(locations) {
            let name = &object.name;
            if let Some(refusal) = name::refusal("table", &name.value) {
                self.findings.push(refusal.at(self.source, name.mark));
            }
            if let Some((earlier, _)) = tables.iter().find(|(_, table)| table.name.table == name.value) {
                let line = self.source.span(earlier.mark).line;
                let message = format!("table `{}` stands twice", name.value);
                let finding = rules::TABLE_DUPLICATE.at(self.source, name.mark, message);
                self.findings.push(finding.with_hint(format!("rename this one or the one in line {line}")));
                continue;
            }
            tables.push((name.clone(), Arc::new(self.table(&contract, object, location))));
        }
        tables
    }

    /// Reports a finding that keeps a contract from being served, and is a warning while it isn't.
    fn find_incomplete(&mut self, finding: Diagnostic) {
        let is_served = self.status.is_none_or(Status::is_served);
        self.findings.push(if is_served { finding } else { finding.softened() });
    }

    /// Where each of the tables is. What is wrong with the server is said once.
    fn locations(&mut self) -> Vec<Location> {
        let nowhere = Location {
            format: TableFormat::Unsupported("unknown"),
            url: String::new(),
            endpoint: None,
            domain: self.domain.to_owned(),
        };
        let locator = Locator { root: self.root, source: self.source, domain: self.domain, contract: self.contract };
        let mut locations = Vec::with_capacity(self.contract.schema.len());
        let Some(server) = locator.server() else {
            if !self.contract.schema.is_empty() && !self.contract.has_servers {
                let finding = rules::LOCATION_MISSING.at(
                    self.source,
                    self.contract.id.mark,
                    "the contract has no `servers`: nobody knows where its data is",
                );
                self.find_incomplete(
                    finding.with_hint("add `servers: [{server: lake, type: local, path: …, format: delta}]`"),
                );
            }
            return vec![nowhere; self.contract.schema.len()];
        };
        let mut problem = None;
        for object in &self.contract.schema {
            locations.push(locator.locate(server, object).unwrap_or_else(|finding| {
                problem.get_or_insert(finding);
                nowhere.clone()
            }));
        }
        match (problem, locations.first()) {
            (Some(problem), _) => self.find_incomplete(*problem),
            (None, Some(Location { format: TableFormat::Unsupported(what), .. })) => {
                let what = *what;
                self.find_unsupported(server, what);
            }
            _ => self.find_shared(server, &locations),
        }
        locations
    }

    fn find_unsupported(&mut self, server: &Server, what: &str) {
        let (mark, message) = match &server.format {
            Some(format) if format.value == what => {
                (format.mark, format!("tables in the format `{what}` can't be queried yet"))
            }
            _ => (server.kind_mark, format!("tables on a server of type `{what}` can't be queried yet")),
        };
        let finding = rules::LOCATION_UNSUPPORTED.at(self.source, mark, message);
        self.findings.push(
            finding.with_hint(
                "they are listed and fail when queried; `local` and `s3` with delta, iceberg or parquet work",
            ),
        );
    }

    fn find_shared(&mut self, server: &Server, locations: &[Location]) {
        let mut first_of = BTreeMap::new();
        for (object, location) in self.contract.schema.iter().zip(locations) {
            let Some(first) = first_of.insert(&location.url, &object.name.value) else { continue };
            let message = format!("tables `{first}` and `{}` have the same location", object.name.value);
            let finding = rules::LOCATION_SHARED.at(
                self.source,
                server.path.as_ref().or(server.location.as_ref()).map_or(server.mark, |text| text.mark),
                message,
            );
            self.findings.push(finding.with_hint("write `{model}` where the table's name belongs"));
            return;
        }
    }

    fn table(&mut self, contract: &Arc<Contract>, object: &SchemaObject, location: Location) -> Table {
        let name = TableName::new(self.domain, self.product, &object.name.value);
        let governance = self.governance_of(&name);
        let mut tags: BTreeSet<String> =
            self.contract.tags.iter().chain(&object.tags).map(|tag| tag.value.clone()).collect();
        lint::find_unknown_tags(self.source, &object.tags, self.mesh, self.findings);
        for (position, rule) in governance.iter().filter(|(_, rule)| column_pattern(rule).is_none()) {
            self.governance_used.insert(*position);
            tags.extend(rule.tags.iter().cloned());
        }
        if object.description.is_empty() {
            let finding = rules::DESCRIPTION_MISSING.at(
                self.source,
                object.name.mark,
                format!("table `{}` has no description", object.name.value),
            );
            self.findings.push(finding.with_hint("add `description: …`"));
        }
        if object.properties.is_empty() {
            let finding = rules::COLUMNS_MISSING.at(
                self.source,
                object.name.mark,
                format!("table `{}` declares no columns", object.name.value),
            );
            self.find_incomplete(finding.with_hint("list them under `properties`: consumers see no others"));
        }
        let mut columns: Vec<Column> = Vec::with_capacity(object.properties.len());
        let mut seen = BTreeMap::new();
        for property in &object.properties {
            if let Some(first) = seen.insert(property.name.as_str(), property.mark) {
                let line = self.source.span(first).line;
                let message = format!("column `{}` stands twice in table `{}`", property.name, object.name.value);
                let finding = rules::COLUMN_DUPLICATE.at(self.source, property.mark, message);
                self.findings.push(finding.with_hint(format!("remove this one or the one in line {line}")));
                continue;
            }
            columns.push(self.column(property, &governance));
        }
        number_primary_key(&mut columns, &object.properties);
        let description =
            if object.description.is_empty() { self.contract.description.clone() } else { object.description.clone() };
        Table {
            name,
            contract: contract.clone(),
            description,
            tags,
            location,
            columns,
            declared_rows: object.declared_rows,
        }
    }

    /// A top-level column, with all that a table asks of one.
    fn column(&mut self, property: &Property, governance: &Governance<'_>) -> Column {
        let column = self.field(property, &property.name, governance);
        if !name::is_plain_column(&property.name) {
            let message = format!("column `{}` needs quotes in SQL", property.name);
            let finding = rules::COLUMN_NAME.at(self.source, property.mark, message);
            self.findings.push(finding.with_hint("use lower-case letters, digits and `_`, if the data can be renamed"));
        }
        if let Some(physical) = property.physical_name.as_ref().filter(|physical| physical.value != property.name) {
            let message = format!(
                "column `{}` is called `{}` in the data, and is looked for under its `name`",
                property.name, physical.value
            );
            let finding = rules::PHYSICAL_NAME_IGNORED.at(self.source, physical.mark, message);
            self.findings.push(finding.with_hint("give both the same name"));
        }
        if property.description.is_empty() {
            let finding = rules::DESCRIPTION_MISSING.at(
                self.source,
                property.mark,
                format!("column `{}` has no description", property.name),
            );
            self.findings.push(finding.with_hint("add `description: …`"));
        }
        if column.classification.is_none() && property.classification.is_none() && !self.mesh.classifications.is_empty()
        {
            let message = format!("column `{}` has no classification", property.name);
            let finding = rules::CLASSIFICATION_MISSING.at(self.source, property.mark, message).with_hint(format!(
                "add `classification:` with {}",
                crate::shape::listed_or(&self.mesh.classifications)
            ));
            let is_error = self.mesh.has_classifications && self.status == Some(Status::Active);
            self.findings.push(if is_error { finding } else { finding.softened() });
        }
        column
    }

    /// A column or nested field. `path` is its address below the table.
    fn field(&mut self, property: &Property, path: &str, governance: &Governance<'_>) -> Column {
        let mut level = property.classification.as_ref().and_then(|written| self.strictness(written));
        let mut tags: BTreeSet<String> = property.tags.iter().map(|tag| tag.value.clone()).collect();
        lint::find_unknown_tags(self.source, &property.tags, self.mesh, self.findings);
        for (position, rule) in governance {
            let is_top_level = !path.contains('.');
            let matches = match column_pattern(rule) {
                Some(pattern) => matches_address(pattern, path),
                None => is_top_level,
            };
            if matches {
                self.governance_used.insert(*position);
                let of_rule = rule.classification.as_ref().and_then(|level| self.mesh.strictness(level));
                level = level.max(of_rule);
                if column_pattern(rule).is_some() {
                    tags.extend(rule.tags.iter().cloned());
                }
            }
        }
        if property.logical_type.is_none() && !property.has_logical_type {
            let finding =
                rules::LOGICAL_TYPE_MISSING.at(self.source, property.mark, format!("`{path}` has no `logicalType`"));
            self.find_incomplete(finding.with_hint(format!("add one of {}", crate::shape::listed_or(LOGICAL_TYPES))));
        }
        let mut within = Vec::new();
        let mut seen = BTreeSet::new();
        for nested in property.nested() {
            let field = self.field(nested, &format!("{path}.{}", nested.name), governance);
            level = level.max(field.classification.as_ref().and_then(|level| self.mesh.strictness(level)));
            tags.extend(field.tags.iter().cloned());
            if !seen.insert(nested.name.as_str()) {
                let message = format!("field `{}` stands twice in `{path}`", nested.name);
                self.findings.push(
                    rules::COLUMN_DUPLICATE.at(self.source, nested.mark, message).with_hint("remove one of them"),
                );
            }
            within.push(field);
        }
        Column {
            name: property.name.clone(),
            description: property.description.clone(),
            logical_type: property.logical_type.unwrap_or(LogicalType::String),
            physical_type: property.physical_type.clone(),
            required: property.required,
            classification: level.map(|level| self.mesh.classifications[level].clone()),
            tags,
            primary_key: None,
            fields: fields_of(property, within),
        }
    }

    fn strictness(&mut self, written: &Spanned<String>) -> Option<usize> {
        let level = self.mesh.strictness(&written.value);
        if level.is_none() && !self.mesh.classifications.is_empty() {
            let message = format!("`{}` is not a level of classification", written.value);
            let finding = rules::CLASSIFICATION_UNKNOWN.at(self.source, written.mark, message);
            self.findings.push(finding.with_hint(did_you_mean(&written.value, &self.mesh.classifications)));
        }
        level
    }

    fn governance_of(&self, table: &TableName) -> Governance<'mesh> {
        let address = table.to_string();
        let speaks_of_table = |rule: &GovernanceRule| {
            let parts: Vec<_> = rule.address.splitn(4, '.').take(3).collect();
            matches_address(&parts.join("."), &address)
        };
        self.mesh.governance.iter().enumerate().filter(|(_, rule)| speaks_of_table(rule)).collect()
    }
}

/// The part of a rule's address that names columns; `None` = the rule is about tables.
fn column_pattern(rule: &GovernanceRule) -> Option<&str> {
    rule.address.splitn(4, '.').nth(3)
}

/// Whether each part of `address` matches that of `pattern`, `*` standing for any characters.
fn matches_address(pattern: &str, address: &str) -> bool {
    let (mut patterns, mut parts) = (pattern.split('.'), address.split('.'));
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(pattern), Some(part)) if matches_part(pattern, part) => {}
            _ => return false,
        }
    }
}

fn matches_part(pattern: &str, part: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == part };
    let Some(rest) = part.strip_prefix(before) else { return false };
    rest.char_indices().map(|(start, _)| start).chain([rest.len()]).any(|start| matches_part(after, &rest[start..]))
}

/// The named fields within a column: an object's own, an array's items', a map's key and value.
fn fields_of(property: &Property, within: Vec<Column>) -> Vec<Column> {
    if property.items.is_none() {
        return within;
    }
    let count = property.properties.len();
    within.into_iter().skip(count).flat_map(|items| items.fields).collect()
}

/// Positions in the primary key, as `primaryKeyPosition` says or in the contract's order.
fn number_primary_key(columns: &mut [Column], properties: &[Property]) {
    let mut keys: Vec<_> = properties.iter().filter(|property| property.primary_key).collect();
    keys.sort_by_key(|property| property.primary_key_position.filter(|position| *position > 0).unwrap_or(u32::MAX));
    for (position, key) in (1..).zip(keys) {
        if let Some(column) = columns.iter_mut().find(|column| column.name == key.name) {
            column.primary_key = Some(position);
        }
    }
}
