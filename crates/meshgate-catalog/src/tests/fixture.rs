//! A small catalog that is all right, to be changed by each test.

use std::{collections::BTreeMap, fs, path::Path};

use tempfile::TempDir;

use crate::{CatalogSnapshot, Report, Severity};

pub(super) const MESH: &str = "mesh.yaml";
pub(super) const DOMAIN: &str = "domains/operations/domain.yaml";
pub(super) const PRODUCT: &str = "domains/operations/departures/departures.odps.yaml";
pub(super) const CONTRACT: &str = "domains/operations/departures/flights.odcs.yaml";
pub(super) const USERS: &str = "users.yaml";

pub(super) const FILES: [(&str, &str); 6] = [
    (
        MESH,
        r##"name: airline
classifications: [public, internal, restricted]
tags: [aircraft-identity, delays]
"##,
    ),
    (
        DOMAIN,
        r##"name: operations
owner: operations-data
description: Flight operations.
support: [{channel: "#operations-data", tool: slack, url: "https://operations.example/chat"}]
"##,
    ),
    (
        PRODUCT,
        r##"apiVersion: v1.1.0
kind: DataProduct
id: urn:dataproduct:operations:departures
name: departures
version: 1.2.0
status: active
domain: operations
description: {purpose: Departures from New York.}
outputPorts:
  - {name: flights, version: 1.2.0, contractId: "urn:datacontract:flights"}
team: {name: operations-data}
"##,
    ),
    (
        CONTRACT,
        r##"apiVersion: v3.2.0
kind: DataContract
id: urn:datacontract:flights
version: 1.2.0
status: active
domain: operations
dataProduct: departures
servers:
  - {server: lake, environment: prod, type: local, format: delta, path: "../../../../lake/{model}"}
schema:
  - name: flights
    physicalType: table
    description: One row a flight.
    tags: [delays]
    customProperties: [{property: declaredRows, value: 336776}]
    properties:
      - {name: carrier, logicalType: string, required: true, classification: public, description: The airline.}
      - {name: tailnum, logicalType: string, classification: restricted, tags: [aircraft-identity], description: The plane.}
      - {name: dep_delay, logicalType: integer, classification: internal, description: Minutes.}
    quality: [{id: q1, type: library, metric: rowCount, mustBeGreaterThan: 0, severity: error}]
slaProperties: [{property: freshness, value: 24, unit: h, element: flights.time_hour}]
roles: [{role: restricted_reader, access: read, firstLevelApprovers: operations-owner}]
team: {name: operations-data, members: [{username: data-owner@operations.example, role: owner}]}
"##,
    ),
    (
        USERS,
        r##"users:
  analyst:
    password: "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b5dWRWJTmaaJObG"
    groups: [analysts]
    roles: [restricted_reader]
    attributes: {station: JFK, level: 3, external: false, regions: [EU, US]}
"##,
    ),
    ("governance/policies/global.cedar", "permit (principal, action, resource);\n"),
];

/// Files that become a catalog folder in a folder of their own.
#[derive(Debug, Clone)]
pub(super) struct Fixture {
    pub(super) files: BTreeMap<String, Vec<u8>>,
}

impl Fixture {
    /// The catalog without a fault.
    pub(super) fn sound() -> Self {
        let files = FILES.into_iter().map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).collect();
        Self { files }
    }

    /// The same with another file.
    pub(super) fn with(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.files.insert(path.to_owned(), content.as_ref().to_vec());
        self
    }

    pub(super) fn without(mut self, path: &str) -> Self {
        assert!(self.files.remove(path).is_some(), "no file {path}");
        self
    }

    /// The same with `from` replaced in a file that has it.
    pub(super) fn edit(mut self, path: &str, from: &str, to: &str) -> Self {
        let file = self.files.get_mut(path).unwrap();
        let text = String::from_utf8(file.clone()).unwrap();
        assert!(text.contains(from), "{path} has no {from}");
        *file = text.replace(from, to).into_bytes();
        self
    }

    /// The folder, named `catalog`, in a temporary one.
    pub(super) fn write(&self) -> TempDir {
        let folder = TempDir::new().unwrap();
        self.write_to(&folder.path().join("catalog"));
        folder
    }

    pub(super) fn write_to(&self, catalog: &Path) {
        for (path, content) in &self.files {
            let file = catalog.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
    }

    pub(super) fn load(&self) -> Result<(CatalogSnapshot, Report), Report> {
        let folder = self.write();
        CatalogSnapshot::load(&folder.path().join("catalog"))
    }

    /// The snapshot of a catalog that must load.
    pub(super) fn snapshot(&self) -> CatalogSnapshot {
        self.load().unwrap_or_else(|report| panic!("{report}")).0
    }

    /// What is said of the catalog: its report as text, and whether it loaded.
    pub(super) fn findings(&self) -> String {
        match self.load() {
            Ok((_, report)) => {
                assert!(!report.has_errors());
                format!("loads\n{report}")
            }
            Err(report) => {
                assert!(report.diagnostics.iter().any(|finding| finding.severity == Severity::Error));
                format!("does not load\n{report}")
            }
        }
    }
}
