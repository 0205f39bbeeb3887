//! The mesh catalog: files in open standards (ODCS contracts, ODPS products) become one immutable,
//! revisioned [`CatalogSnapshot`], or a [`Report`] that says in which file and line what is wrong.
//!
//! This crate knows neither Arrow nor DataFusion.

mod model;
mod name;
mod parts;
mod report;
mod snapshot;
mod users;

pub use model::{Column, Contract, Domain, Location, LogicalType, Product, Support, Table, TableFormat};
pub use name::{TableName, nearest};
pub use parts::CatalogParts;
pub use report::{Diagnostic, Report, Severity, Span};
pub use snapshot::{CatalogSnapshot, PolicyFile, PolicyOwner};
pub use users::{AttributeValue, User, UserDirectory};
