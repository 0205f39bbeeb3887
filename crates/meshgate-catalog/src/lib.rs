//! The mesh catalog: files in open standards (ODCS contracts, ODPS products) become one immutable,
//! revisioned [`CatalogSnapshot`], or a [`Report`] that says in which file and line what is wrong.
//!
//! This crate knows neither Arrow nor DataFusion.
//!
//! # The folder
//!
//! ```text
//! mesh.yaml                                    the mesh and what governance says of it
//! users.yaml                                   optional: users, groups, roles, attributes
//! governance/policies/*.cedar                  policies that no domain can loosen
//! domains/<domain>/domain.yaml                 the domain and its owner
//! domains/<domain>/policies/*.cedar            the domain's own policies
//! domains/<domain>/<product>/*.odps.yaml       ODPS 1.0 or 1.1, one file a major version
//! domains/<domain>/<product>/*.odcs.yaml       ODCS 3.0 to 3.2, the contracts of the output ports
//! ```
//!
//! Other files (`README.md`, `samples/*.sql`) are not read. A file has at most 8 MiB; links may not lead out of the
//! folder; YAML is that of the core schema of YAML 1.2 (`yes` is text), without merge keys (`<<`). The folders' names are the SQL names:
//! `domains/operations/departures/` with a contract's schema object `flights` is `operations.departures.flights`.
//! `name`, `domain` and `dataProduct` in the files say the same as the folders.
//!
//! # `mesh.yaml`
//!
//! ```yaml
//! name: airline
//! description: What the airline's domains share.           # optional, as all that follows
//! classifications: [public, internal, restricted]           # the least strict first
//! tags: [aircraft-identity]                                 # if given, other tags are warned of
//! roles: [auditor]                                          # roles that no contract names
//! domains:                                                  # if given, no other domain loads
//!   operations: {owner: operations-data}                    # must be the owner in domain.yaml
//! governance:                                               # adds to what contracts say; no domain can take it away
//!   - {address: "*.*.*.tailnum", classification: restricted, tags: [aircraft-identity]}
//!   - {address: fleet.aircraft.planes, classification: internal}
//! lint: {description-missing: error, column-name: "off"}    # off, warning or error, for rules that are warnings
//! ```
//!
//! An address of three parts is a table: its classification holds for every column, its tags are the table's. With a
//! fourth part it is a column, with more a nested field. `*` stands for any characters of one part. The strictest
//! classification wins: a column's own, its nested fields', governance's. Tags are the union of all.
//!
//! # `domain.yaml`
//!
//! ```yaml
//! name: operations                                          # optional
//! owner: operations-data                                    # a team, not a person
//! description: Flight operations.
//! support: [{channel: "#operations-data", tool: slack, url: "https://…"}]
//! ```
//!
//! # Products and contracts
//!
//! An output port names its contract by `contractId`, and by `version`, which the two share; the contract is in the
//! same folder. Each item of the contract's `schema` is a table. `active` and `deprecated` products and contracts are
//! served, others only checked. The newest active major version of `departures` is `departures`, version 1 is also
//! `departures_v1`.
//!
//! Data is where the contract's `servers` say: one whose `environment` is `prod` before one without, before others.
//!
//! | server | location | notes |
//! | --- | --- | --- |
//! | `type: local` | `path` | relative to the contract's file, absolute, or `file:///…` |
//! | `type: s3` | `location: s3://bucket/…` | `endpointUrl` for stores other than AWS's |
//!
//! `format` is `delta`, `iceberg` (the table's folder or a `.metadata.json`) or `parquet`. `{model}` stands for the
//! table's `physicalName`, else its `name`. Tables on other servers are listed, and fail when they are queried
//! ([`TableFormat::Unsupported`]).
//!
//! A `local` path may lead anywhere, but not into the data of another domain's table: who publishes data has policies
//! of their own over it.
//!
//! A table's custom property `declaredRows` is a row count for planning:
//! `customProperties: [{property: declaredRows, value: 336776}]`.
//!
//! # `users.yaml`
//!
//! ```yaml
//! users:
//!   analyst:                                                # the name to log in with
//!     password: "$argon2id$v=19$m=19456,t=2,p=1$…$…"        # without one nobody logs in by password
//!     groups: [analysts]
//!     roles: [restricted_reader]
//!     attributes: {station: JFK, level: 3, external: false, regions: [EU, US]}
//! ```
//!
//! # Rules
//!
//! [`RULES`] lists every rule with its stable id. Errors keep the catalog from loading; warnings come back with it.
//!
//! # Use
//!
//! ```no_run
//! use std::path::Path;
//!
//! use meshgate_catalog::CatalogSnapshot;
//!
//! let folder = Path::new("catalog");
//! match CatalogSnapshot::load(folder) {
//!     Ok((snapshot, warnings)) => {
//!         eprint!("{warnings}");
//!         let table = snapshot.resolve("operations", "departures", "flights");
//!         println!("{}", table.map_or("no such table", |table| table.location.url.as_str()));
//!     }
//!     Err(errors) => eprint!("{}", errors.render(folder)),
//! }
//! ```

mod model;
mod name;
mod parts;
mod render;
mod report;
mod rules;
mod snapshot;
mod users;

mod domain;
mod files;
mod lint;
mod load;
mod location;
mod mesh;
mod shape;
mod standard;
mod table;
mod watch;
mod yaml;

#[cfg(test)]
mod tests;

pub use model::{Column, Contract, Domain, Location, LogicalType, Product, Support, Table, TableFormat};
pub use name::{TableName, nearest};
pub use parts::CatalogParts;
pub use report::{Diagnostic, Report, Severity, Span};
pub use rules::{RULES, Rule};
pub use snapshot::{CatalogSnapshot, PolicyFile, PolicyOwner};
pub use users::{AttributeValue, User, UserDirectory};
pub use watch::{Watch, WatchError, watch};
