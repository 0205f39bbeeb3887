//! What the mesh consists of: domains, products, contracts, tables, columns.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use crate::TableName;

/// A business domain: owner of its products.
#[derive(Debug, Clone)]
pub struct Domain {
    /// The SQL catalog name.
    pub name: String,
    /// The team that owns it, a role rather than a person.
    pub owner: String,
    /// One paragraph for consumers.
    pub description: String,
    /// Where to ask.
    pub support: Vec<Support>,
    /// Products by the name that SQL sees: `departures`, and `departures_v1` for a pinned major.
    pub products: BTreeMap<String, Arc<Product>>,
}

/// A data product (ODPS `kind: DataProduct`).
#[derive(Debug, Clone)]
pub struct Product {
    /// The SQL schema name, without a pinned major.
    pub name: String,
    /// The ODPS `id`.
    pub id: String,
    /// The ODPS `version`.
    pub version: String,
    /// The ODPS `status`: `proposed`, `draft`, `active`, `deprecated`, `retired`.
    pub status: String,
    /// One paragraph for consumers.
    pub description: String,
    /// Tables by SQL name, over all output ports of this major version.
    pub tables: BTreeMap<String, Arc<Table>>,
}

/// The contract that a table stands in (ODCS `kind: DataContract`).
#[derive(Debug, Clone)]
pub struct Contract {
    /// The ODCS `id`.
    pub id: String,
    /// The ODCS `version`.
    pub version: String,
    /// The ODCS `status`.
    pub status: String,
    /// The contract file, relative to the catalog's folder.
    pub file: PathBuf,
    /// The owning team's name.
    pub team: String,
    /// Where to ask.
    pub support: Vec<Support>,
    /// Roles that the contract names; who holds one comes from governance or the identity provider alone.
    pub roles: Vec<String>,
}

/// A support channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Support {
    /// For instance `#operations-data`.
    pub channel: String,
    /// For instance `slack` or `email`.
    pub tool: Option<String>,
    /// Where the channel is found.
    pub url: Option<String>,
}

/// A table that consumers query: an object of a contract's `schema`.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its three-part name; the product part is the unpinned one.
    pub name: TableName,
    /// The contract it stands in.
    pub contract: Arc<Contract>,
    /// One paragraph for consumers.
    pub description: String,
    /// Tags of the contract and of governance.
    pub tags: BTreeSet<String>,
    /// Where its data is.
    pub location: Location,
    /// The declared columns, in the contract's order.
    pub columns: Vec<Column>,
    /// A row count that the contract declares for planning, if it does.
    pub declared_rows: Option<u64>,
}

impl Table {
    /// The declared column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// A declared column.
#[derive(Debug, Clone)]
pub struct Column {
    /// The SQL name.
    pub name: String,
    /// What it means.
    pub description: String,
    /// The declared type.
    pub logical_type: LogicalType,
    /// The contract's `physicalType`, if given.
    pub physical_type: Option<String>,
    /// Whether the contract promises a value in each row.
    pub required: bool,
    /// The level of classification, the strictest of the column's own, its nested fields' and governance's.
    /// `None` = unclassified, which denies under policy.
    pub classification: Option<String>,
    /// Tags of the contract (nested fields' included) and of governance.
    pub tags: BTreeSet<String>,
    /// Position in the primary key, from 1.
    pub primary_key: Option<u32>,
    /// Declared nested fields of an `object`, or of an `array`'s items.
    pub fields: Vec<Column>,
}

/// ODCS `logicalType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum LogicalType {
    String,
    Date,
    Timestamp,
    Time,
    Number,
    Integer,
    Object,
    Array,
    Boolean,
    Map,
    Vector,
}

/// Where a table's data is, and in which format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The table format.
    pub format: TableFormat,
    /// The table's root as a URL with a trailing slash (`file:///…/flights/`, `s3://bucket/flights/`); for
    /// [`TableFormat::Iceberg`] either the table's folder or one `….metadata.json`.
    pub url: String,
    /// The S3 endpoint that the contract's server names (`endpointUrl`), if not AWS's own.
    pub endpoint: Option<String>,
    /// The domain whose credentials open it.
    pub domain: String,
}

/// The table formats that become scans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TableFormat {
    /// A Delta Lake table: a folder with `_delta_log/`.
    Delta,
    /// An Iceberg table: a folder with `metadata/`, or a metadata file.
    Iceberg,
    /// A folder of Parquet files, hive partitions included.
    Parquet,
    /// A server type or format that the standard has and meshgate can't read, by its name (`postgres`, `csv`): the
    /// table is listed, and fails when it is queried. The location's URL is then empty.
    Unsupported(&'static str),
}
