//! Where a contract's tables are.

use super::fixture::{CONTRACT, Fixture};
use crate::{CatalogSnapshot, Location, TableFormat};

const SERVER: &str =
    "{server: lake, environment: prod, type: local, format: delta, path: \"../../../../lake/{model}\"}";

fn with_server(server: &str) -> Fixture {
    Fixture::sound().edit(CONTRACT, SERVER, server)
}

/// The location of the sample's table, and the folder that the catalog is in.
fn locate(fixture: &Fixture) -> (Location, String) {
    let folder = fixture.write();
    let (snapshot, _) =
        CatalogSnapshot::load(&folder.path().join("catalog")).unwrap_or_else(|report| panic!("{report}"));
    let location = snapshot.resolve("operations", "departures", "flights").unwrap().location.clone();
    (location, folder.path().to_str().unwrap().to_owned())
}

#[test]
fn a_relative_path_is_relative_to_the_contract_and_may_leave_the_catalog() {
    let (location, folder) = locate(&Fixture::sound());
    assert_eq!(location.url, format!("file://{folder}/lake/flights/"));
    assert_eq!(location.format, TableFormat::Delta);
    assert_eq!(location.domain, "operations");
}

#[test]
fn spaces_unicode_and_percent_signs_are_encoded() {
    let (location, folder) =
        locate(&with_server("{server: lake, type: local, format: parquet, path: './Flüge 100%/{model}/'}"));
    assert_eq!(
        location.url,
        format!("file://{folder}/catalog/domains/operations/departures/Fl%C3%BCge%20100%25/flights/")
    );
}

#[test]
fn absolute_paths_urls_and_metadata_files_stay_what_they_are() {
    for (path, url) in [
        ("/data/x/../{model}", "file:///data/flights/"),
        ("file:///data/{model}", "file:///data/flights/"),
        ("/data/{model}/metadata/v3.metadata.json", "file:///data/flights/metadata/v3.metadata.json"),
    ] {
        let server = format!("{{server: lake, type: local, format: iceberg, path: \"{path}\"}}");
        assert_eq!(locate(&with_server(&server)).0.url, url);
    }
}

#[test]
fn the_placeholder_is_the_physical_name_if_there_is_one() {
    let fixture = Fixture::sound().edit(CONTRACT, "    physicalType: table", "    physicalName: FLIGHTS_2013");
    assert!(locate(&fixture).0.url.ends_with("/lake/FLIGHTS_2013/"));
}

#[test]
fn buckets_keep_their_endpoint() {
    let (location, _) = locate(&with_server(
        "{server: lake, type: s3, format: iceberg, location: 's3://operations/{model}', endpointUrl: 'http://localhost:9000'}",
    ));
    assert_eq!(location.url, "s3://operations/flights/");
    assert_eq!(location.endpoint.as_deref(), Some("http://localhost:9000"));
    assert_eq!(location.format, TableFormat::Iceberg);
}

#[test]
fn the_server_of_prod_is_read_wherever_it_stands() {
    let server = |name: &str, environment: &str| {
        format!("{{server: {name}, {environment}type: local, format: delta, path: /{name}}}")
    };
    let (dev, plain, prod) =
        (server("dev", "environment: dev, "), server("plain", ""), server("prod", "environment: prod, "));
    for (servers, url) in [
        (format!("{dev}\n  - {plain}\n  - {prod}"), "file:///prod/"),
        (format!("{prod}\n  - {dev}"), "file:///prod/"),
        (format!("{dev}\n  - {plain}"), "file:///plain/"),
        (dev.clone(), "file:///dev/"),
    ] {
        assert_eq!(locate(&with_server(&servers)).0.url, url);
    }
}

#[test]
fn a_readable_server_goes_before_one_that_is_not() {
    let servers = "{server: warehouse, type: snowflake, account: a, database: d, schema: s}\n  - {server: lake, type: local, format: delta, path: /lake}";
    assert_eq!(locate(&with_server(servers)).0.url, "file:///lake/");
}

#[test]
fn tables_elsewhere_are_listed_with_a_warning() {
    for (server, what) in [
        ("{server: ice, type: iceberg, catalog: c, catalogUrl: 'https://catalog.example'}", "iceberg"),
        ("{server: lake, type: azure, location: 'abfss://c@a.dfs.core.windows.net/x', format: delta}", "azure"),
        ("{server: lake, type: local, path: /lake, format: csv}", "csv"),
    ] {
        let fixture = with_server(server);
        assert_eq!(locate(&fixture).0.format, TableFormat::Unsupported(what));
        assert!(fixture.findings().contains("warning[location-unsupported]"), "{}", fixture.findings());
        assert!(fixture.findings().contains(&format!("`{what}`")), "{}", fixture.findings());
    }
}
