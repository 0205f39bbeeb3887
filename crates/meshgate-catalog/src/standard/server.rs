//! ODCS `servers`: where data is. Each type has keys of its own.

use super::{CUSTOM_PROPERTIES, ROLES};
use crate::{
    rules,
    shape::{
        Checker, Key,
        Shape::{self, Scalar, Text},
        did_you_mean, optional, required,
    },
    yaml::{Mark, Node, Spanned},
};

/// An entry of `servers`.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) mark: Mark,
    pub(crate) name: Spanned<String>,
    pub(crate) environment: Option<String>,
    /// The type's name in the standard.
    pub(crate) kind: &'static str,
    pub(crate) kind_mark: Mark,
    pub(crate) format: Option<Spanned<String>>,
    pub(crate) location: Option<Spanned<String>>,
    pub(crate) path: Option<Spanned<String>>,
    pub(crate) endpoint_url: Option<Spanned<String>>,
}

impl Server {
    /// What the check passes: a server of a known type with that type's keys.
    pub(super) fn of(node: &Node) -> Option<Self> {
        let kind = node.text("type")?;
        let server_type = TYPES.iter().find(|candidate| candidate.name == kind.value)?;
        if server_type.required.iter().any(|name| node.get(name).is_none()) {
            return None;
        }
        Some(Self {
            mark: node.mark,
            name: node.text("server")?,
            environment: node.text("environment").map(|text| text.value),
            kind: server_type.name,
            kind_mark: kind.mark,
            format: node.text("format"),
            location: node.text("location"),
            path: node.text("path"),
            endpoint_url: node.text("endpointUrl"),
        })
    }
}

/// The check of one entry: the keys that all types have, and those of its type.
pub(super) fn check(node: &Node, checker: &mut Checker<'_>) {
    let common = [
        optional("id", Text),
        required("server", Text),
        required("type", Text),
        optional("description", Text),
        optional("environment", Text),
        ROLES,
        CUSTOM_PROPERTIES,
    ];
    let Some(name) = node.get("type").and_then(Node::spanned_text) else {
        // Without a type, any type's keys pass.
        let of_all_types = TYPES.iter().flat_map(|server_type| server_type.optional).chain(REQUIRED_OF_SOME);
        let keys: Vec<_> = common.into_iter().chain(of_all_types.map(|name| optional(name, shape_of(name)))).collect();
        checker.check_keys(node, "a server", &keys);
        return;
    };
    let Some(server_type) = TYPES.iter().find(|server_type| server_type.name == name.value) else {
        let message = format!("`{}` is not a server type", name.value);
        let hint = match name.value.as_str() {
            "delta" | "deltalake" | "parquet" => {
                format!("`{}` is a format: write `type: local` or `type: s3`, and `format: …`", name.value)
            }
            "gcs" | "gs" => "the standard has no type for Google's storage; `type: custom` describes it".to_owned(),
            other => did_you_mean(other, &TYPES.iter().map(|server_type| server_type.name).collect::<Vec<_>>()),
        };
        checker.report(rules::VALUE_UNKNOWN.at(checker.source, name.mark, message).with_hint(hint));
        return;
    };
    let own_required = server_type.required.iter().map(|name| required(name, shape_of(name)));
    let own_optional = server_type.optional.iter().map(|name| optional(name, shape_of(name)));
    let keys: Vec<Key> = common.into_iter().chain(own_required).chain(own_optional).collect();
    checker.check_keys(node, &format!("a server of type `{}`", server_type.name), &keys);
}

fn shape_of(key: &str) -> Shape {
    if key == "port" { Scalar } else { Text }
}

/// A server type of the standard and its own keys.
struct ServerType {
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
}

const fn server_type(
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
) -> ServerType {
    ServerType { name, required, optional }
}

const REQUIRED_OF_SOME: &[&str] = &[
    "path",
    "location",
    "format",
    "host",
    "port",
    "database",
    "schema",
    "catalog",
    "catalogUrl",
    "project",
    "account",
];

static TYPES: &[ServerType] = &[
    server_type("local", &["path", "format"], &["encoding"]),
    server_type("s3", &["location"], &["endpointUrl", "format", "encoding", "delimiter"]),
    server_type("azure", &["location", "format"], &["encoding", "delimiter"]),
    server_type("iceberg", &["catalog", "catalogUrl"], &["namespace", "warehouse"]),
    server_type("sftp", &["location"], &["format", "encoding", "delimiter"]),
    server_type("glue", &["account", "database"], &["location", "format", "encoding"]),
    server_type("api", &["location"], &[]),
    server_type("athena", &["schema"], &["stagingDir", "catalog", "regionName", "workgroup"]),
    server_type("bigquery", &["project", "dataset"], &[]),
    server_type("btrieve", &["host", "database"], &["port"]),
    server_type("clickhouse", &["host", "port", "database"], &[]),
    server_type("cloudsql", &["host", "port", "database", "schema"], &[]),
    server_type("databricks", &["catalog", "schema"], &["host"]),
    server_type("db2", &["host", "port", "database"], &["schema"]),
    server_type("denodo", &["host", "port"], &["database"]),
    server_type("dremio", &["host", "port"], &["schema"]),
    server_type("duckdb", &["database"], &["schema"]),
    server_type("exasol", &["host"], &["port", "schema"]),
    server_type("fastobjects", &["database"], &["host", "port"]),
    server_type("hana", &["host"], &["port", "database", "schema"]),
    server_type("hive", &["host", "database"], &["port"]),
    server_type("impala", &["host", "database"], &["port"]),
    server_type("informix", &["host", "database"], &["port"]),
    server_type("ingres", &["database", "host"], &["port"]),
    server_type("kafka", &["host"], &["format", "encoding"]),
    server_type("kinesis", &[], &["region", "format", "encoding"]),
    server_type("mysql", &["host", "port", "database"], &[]),
    server_type("oracle", &["host", "port", "serviceName"], &[]),
    server_type("poet", &["database"], &["host", "port"]),
    server_type("postgres", &["host", "port", "database", "schema"], &[]),
    server_type("postgresql", &["host", "port", "database", "schema"], &[]),
    server_type("presto", &["host"], &["catalog", "schema"]),
    server_type("pubsub", &["project"], &[]),
    server_type("redshift", &["database", "schema"], &["host", "region", "account"]),
    server_type("snowflake", &["account", "database", "schema"], &["host", "port", "warehouse"]),
    server_type("sqlserver", &["host", "database", "schema"], &["port"]),
    server_type("synapse", &["host", "port", "database"], &[]),
    server_type("teradata", &["host"], &["port", "database"]),
    server_type("trino", &["host", "port", "catalog", "schema"], &[]),
    server_type("vectorwise", &["database", "host"], &["port"]),
    server_type("versant", &["database"], &["host", "port"]),
    server_type("vertica", &["host", "port", "database", "schema"], &[]),
    server_type("zen", &["host", "database"], &["port"]),
    server_type("custom", &[], CUSTOM),
];

const CUSTOM: &[&str] = &[
    "account",
    "catalog",
    "database",
    "dataset",
    "delimiter",
    "endpointUrl",
    "format",
    "encoding",
    "host",
    "location",
    "path",
    "port",
    "project",
    "region",
    "regionName",
    "schema",
    "serviceName",
    "stagingDir",
    "warehouse",
    "stream",
];
