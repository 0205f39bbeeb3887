//! A contract's `servers` → where each of its tables is.

use std::path::{Component, Path, PathBuf};

use crate::{
    Diagnostic, Location, Rule, TableFormat, rules,
    shape::did_you_mean,
    standard::{DataContract, SchemaObject, Server},
    yaml::{Mark, SourceFile, Spanned},
};

/// The formats that the standard's users write and that are not read (yet).
const UNSUPPORTED_FORMATS: &[&str] =
    &["avro", "csv", "hudi", "json", "jsonl", "lance", "ndjson", "orc", "paimon", "text", "tsv", "xml"];
const FORMATS: &[&str] = &["delta", "iceberg", "parquet"];

/// What is wrong with a location.
type Problem = Box<Diagnostic>;

/// Finds the locations of one contract's tables.
#[derive(Debug)]
pub(crate) struct Locator<'catalog> {
    /// The catalog's folder, absolute.
    pub(crate) root: &'catalog Path,
    pub(crate) source: &'catalog SourceFile,
    pub(crate) domain: &'catalog str,
    pub(crate) contract: &'catalog DataContract,
}

impl Locator<'_> {
    /// The server that data is read from: of `prod` before others, readable before others, else the first.
    pub(crate) fn server(&self) -> Option<&Server> {
        self.contract.servers.iter().min_by_key(|server| {
            let rank = match server.environment.as_deref() {
                Some("prod" | "production") => 0,
                None => 1,
                Some(_) => 2,
            };
            (rank, !is_readable(server))
        })
    }

    /// Where `table` is at `server`, or what is wrong with the server.
    pub(crate) fn locate(&self, server: &Server, table: &SchemaObject) -> Result<Location, Problem> {
        let location = |format, url| Location {
            format,
            url,
            endpoint: server.endpoint_url.as_ref().map(|url| url.value.clone()),
            domain: self.domain.to_owned(),
        };
        if !matches!(server.kind, "local" | "s3") {
            return Ok(location(TableFormat::Unsupported(server.kind), String::new()));
        }
        let format = self.format(server)?;
        if matches!(format, TableFormat::Unsupported(_)) {
            return Ok(location(format, String::new()));
        }
        let written = match server.kind {
            "local" => server.path.as_ref(),
            _ => server.location.as_ref(),
        };
        let Some(written) = written else {
            return Err(self.problem(
                rules::LOCATION_MISSING,
                server.mark,
                "the server has no location",
                "say where its data is",
            ));
        };
        let path = self.fill(written, table)?;
        let url = match server.kind {
            "local" => self.file_url(&path, written)?,
            _ => self.s3_url(&path, written)?,
        };
        let is_file = format == TableFormat::Iceberg && url.ends_with(".metadata.json");
        let slash = if is_file || url.ends_with('/') { "" } else { "/" };
        Ok(location(format, format!("{url}{slash}")))
    }

    fn format(&self, server: &Server) -> Result<TableFormat, Problem> {
        let Some(format) = &server.format else {
            let message = format!("server `{}` has no `format`", server.name.value);
            return Err(self.problem(
                rules::FORMAT_UNKNOWN,
                server.mark,
                message,
                "add `format: delta`, `iceberg` or `parquet`",
            ));
        };
        match format.value.as_str() {
            "delta" => Ok(TableFormat::Delta),
            "iceberg" => Ok(TableFormat::Iceberg),
            "parquet" => Ok(TableFormat::Parquet),
            other => match UNSUPPORTED_FORMATS.iter().find(|known| **known == other) {
                Some(known) => Ok(TableFormat::Unsupported(known)),
                None => Err(self.problem(
                    rules::FORMAT_UNKNOWN,
                    format.mark,
                    format!("`{other}` is not a format"),
                    did_you_mean(other, FORMATS),
                )),
            },
        }
    }

    /// The location with `{model}` replaced by the table's physical name.
    fn fill(&self, written: &Spanned<String>, table: &SchemaObject) -> Result<String, Problem> {
        let name = table.physical_name.as_ref().unwrap_or(&table.name);
        if name.value.split('/').any(|part| part == "..") && written.value.contains("{model}") {
            let message = format!("`{}` can't stand for `{{model}}` in a location", name.value);
            return Err(self.problem(
                rules::LOCATION_INVALID,
                name.mark,
                message,
                "give the table a `physicalName` without `..`",
            ));
        }
        let mut filled = String::new();
        let mut rest = written.value.as_str();
        while let Some(open) = rest.find('{') {
            let variable = rest[..open].ends_with('$');
            let close = rest[open..].find('}').map_or(rest.len(), |close| open + close + 1);
            let placeholder = &rest[open..close];
            if variable || placeholder != "{model}" {
                let (message, hint) = match variable {
                    true => (
                        format!("`${placeholder}` can't be filled in: a location has no variables"),
                        "write the location out; credentials are set in the gateway's configuration".to_owned(),
                    ),
                    false => (
                        format!("`{placeholder}` has no meaning in a location"),
                        "write `{model}` where the table's name belongs".to_owned(),
                    ),
                };
                return Err(self.problem(rules::LOCATION_INVALID, written.mark, message, hint));
            }
            filled.push_str(&rest[..open]);
            filled.push_str(&name.value);
            rest = &rest[close..];
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// A path, relative to the contract's folder, as `file:///…`.
    fn file_url(&self, path: &str, written: &Spanned<String>) -> Result<String, Problem> {
        let plain = match path.strip_prefix("file://") {
            Some(absolute) if absolute.starts_with('/') => return Ok(path.to_owned()),
            None if !path.contains("://") => path,
            _ => {
                let message = format!("`{path}` is not a path");
                let hint = "write a path relative to this file, or use `type: s3` for a bucket";
                return Err(self.problem(rules::LOCATION_INVALID, written.mark, message, hint));
            }
        };
        let folder = self.source.path.parent().unwrap_or(Path::new(""));
        let absolute = normalized(&self.root.join(folder).join(plain));
        let Some(absolute) = absolute.to_str() else {
            let message = "the catalog's folder has a name that is not UTF-8";
            return Err(self.problem(rules::LOCATION_INVALID, written.mark, message, "rename it"));
        };
        Ok(format!("file://{}", percent_encoded(absolute)))
    }

    fn problem(&self, rule: Rule, mark: Mark, message: impl Into<String>, hint: impl Into<String>) -> Problem {
        Box::new(rule.at(self.source, mark, message).with_hint(hint))
    }

    fn s3_url(&self, location: &str, written: &Spanned<String>) -> Result<String, Problem> {
        let after_scheme = location.strip_prefix("s3://").or_else(|| location.strip_prefix("s3a://"));
        let bucket_and_path = after_scheme.map(|rest| rest.split_once('/').unwrap_or((rest, "")));
        match bucket_and_path {
            Some((bucket, path)) if is_bucket(bucket) => Ok(format!("s3://{bucket}/{}", percent_encoded(path))),
            _ => {
                let message = format!("`{location}` is not an S3 location");
                let hint = "write `s3://bucket/folder/{model}`";
                Err(self.problem(rules::LOCATION_INVALID, written.mark, message, hint))
            }
        }
    }
}

fn is_readable(server: &Server) -> bool {
    matches!(server.kind, "local" | "s3")
        && server.format.as_ref().is_some_and(|format| FORMATS.contains(&format.value.as_str()))
}

/// S3's bucket names, with the capitals and underscores of old ones.
fn is_bucket(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// The path without `.` and `..`, by its words alone: what a link leads to is not asked.
fn normalized(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => _ = normal.pop(),
            other => normal.push(other),
        }
    }
    normal
}

/// RFC 3986: all but unreserved characters and `/` as `%XX` of their UTF-8.
fn percent_encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'=' => {
                encoded.push(byte.into())
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
