//! What a catalog becomes.

use std::{fs, os::unix::fs::symlink};

use super::fixture::{CONTRACT, DOMAIN, Fixture, MESH, PRODUCT};
use crate::{AttributeValue, CatalogSnapshot, LogicalType, PolicyOwner};

#[test]
fn a_sound_catalog_loads_without_a_word() {
    assert_eq!(Fixture::sound().findings(), "loads\n");
}

#[test]
fn everything_that_files_say_is_in_the_snapshot() {
    let snapshot = Fixture::sound().with("domains/operations/policies/own.cedar", "// none\n").snapshot();
    assert_eq!(snapshot.name(), "airline");
    assert_eq!(snapshot.classifications(), ["public", "internal", "restricted"]);
    let domain = &snapshot.domains()["operations"];
    assert_eq!((domain.owner.as_str(), domain.description.as_str()), ("operations-data", "Flight operations."));
    let table = snapshot.resolve("operations", "departures", "flights").unwrap();
    assert_eq!(table.name.to_string(), "operations.departures.flights");
    assert_eq!(table.declared_rows, Some(336_776));
    assert_eq!(table.contract.team, "operations-data");
    assert_eq!(table.contract.roles, ["restricted_reader"]);
    assert_eq!(table.contract.support, domain.support, "the domain's channels, as the contract has none");
    assert_eq!(table.column("tailnum").unwrap().classification.as_deref(), Some("restricted"));
    assert_eq!(table.column("dep_delay").unwrap().logical_type, LogicalType::Integer);
    assert!(table.column("carrier").unwrap().required);
    let owners: Vec<_> = snapshot.policy_files().iter().map(|file| file.owner.clone()).collect();
    assert_eq!(owners, [PolicyOwner::Governance, PolicyOwner::Domain("operations".to_owned())]);
    let analyst = snapshot.users().unwrap().get("analyst").unwrap();
    assert_eq!(analyst.attributes["level"], AttributeValue::Integer(3));
    assert_eq!(analyst.attributes["station"], AttributeValue::String("JFK".to_owned()));
    assert_eq!(analyst.attributes["external"], AttributeValue::Boolean(false));
}

#[test]
fn names_that_do_not_exist_resolve_to_nothing() {
    let snapshot = Fixture::sound().snapshot();
    assert!(snapshot.resolve("operations", "departures_v1", "flights").is_some());
    for (domain, product, table) in [
        ("operations", "departures", "flight"),
        ("operations", "departures_v2", "flights"),
        ("operations", "arrivals", "flights"),
        ("fleet", "departures", "flights"),
        ("OPERATIONS", "departures", "flights"),
    ] {
        assert!(snapshot.resolve(domain, product, table).is_none(), "{domain}.{product}.{table}");
    }
}

/// A second major version of the sample's product and contract, beside the first.
fn with_version_2(status: &str) -> Fixture {
    let fixture = Fixture::sound();
    let second = |path: &str| {
        let text = String::from_utf8(fixture.files[path].clone()).unwrap();
        text.replace("1.2.0", "2.0.0")
            .replace("v2.0.0", "v1.2.0")
            .replace("status: active", &format!("status: {status}"))
    };
    let product = second(PRODUCT);
    let contract = second(CONTRACT).replace("dep_delay", "departure_delay");
    fixture
        .with("domains/operations/departures/departures_2.odps.yaml", product)
        .with("domains/operations/departures/flights_2.odcs.yaml", contract)
}

#[test]
fn the_plain_name_is_the_newest_active_major() {
    for (status, newest) in [("active", "2.0.0"), ("deprecated", "1.2.0"), ("draft", "1.2.0"), ("retired", "1.2.0")] {
        let snapshot = with_version_2(status).snapshot();
        let products = &snapshot.domains()["operations"].products;
        assert_eq!(products["departures"].version, newest, "{status}");
        assert_eq!(products["departures_v1"].version, "1.2.0", "{status}");
        let is_served = matches!(status, "active" | "deprecated");
        assert_eq!(products.contains_key("departures_v2"), is_served, "{status}");
    }
}

#[test]
fn a_pinned_major_has_its_own_columns() {
    let snapshot = with_version_2("active").snapshot();
    let columns = |product: &str| {
        let table = snapshot.resolve("operations", product, "flights").unwrap();
        table.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(columns("departures"), ["carrier", "tailnum", "departure_delay"]);
    assert_eq!(columns("departures_v1"), ["carrier", "tailnum", "dep_delay"]);
}

#[test]
fn a_deprecated_product_is_served_with_a_warning_and_a_retired_one_is_gone() {
    let deprecated = Fixture::sound().edit(PRODUCT, "status: active", "status: deprecated");
    assert!(deprecated.snapshot().resolve("operations", "departures", "flights").is_some());
    assert!(deprecated.findings().contains("warning[product-deprecated]"));
    let retired = Fixture::sound().edit(PRODUCT, "status: active", "status: retired");
    assert!(retired.snapshot().domains()["operations"].products.is_empty());
}

#[test]
fn governance_raises_classifications_and_adds_tags_and_never_lowers() {
    let governance = r#"
governance:
  - {address: "*.*.*.*num", classification: public, tags: [delays]}
  - {address: operations.departures.flights, classification: internal, tags: [aircraft-identity]}
"#;
    let mesh = format!("name: airline\nclassifications: [public, internal, restricted]{governance}");
    let snapshot = Fixture::sound().with(MESH, mesh).snapshot();
    let table = snapshot.resolve("operations", "departures", "flights").unwrap();
    let level = |column: &str| table.column(column).unwrap().classification.clone().unwrap();
    assert_eq!((level("carrier").as_str(), level("tailnum").as_str()), ("internal", "restricted"));
    let tags = &table.column("tailnum").unwrap().tags;
    assert_eq!(tags.iter().collect::<Vec<_>>(), ["aircraft-identity", "delays"]);
    assert_eq!(table.tags.iter().collect::<Vec<_>>(), ["aircraft-identity", "delays"]);
    assert!(table.column("carrier").unwrap().tags.is_empty());
}

#[test]
fn a_column_is_as_strict_as_what_is_nested_in_it() {
    let nested = r#"
      - name: crew
        logicalType: array
        classification: public
        description: Who flew.
        items:
          logicalType: object
          properties:
            - {name: name, logicalType: string, classification: internal}
            - name: passport
              logicalType: object
              properties: [{name: number, logicalType: string, classification: restricted, tags: [aircraft-identity]}]
    quality:"#;
    let snapshot = Fixture::sound().edit(CONTRACT, "\n    quality:", nested).snapshot();
    let table = snapshot.resolve("operations", "departures", "flights").unwrap();
    let crew = table.column("crew").unwrap();
    assert_eq!(crew.classification.as_deref(), Some("restricted"));
    assert!(crew.tags.contains("aircraft-identity"));
    let fields: Vec<_> =
        crew.fields.iter().map(|field| (field.name.as_str(), field.classification.as_deref())).collect();
    assert_eq!(fields, [("name", Some("internal")), ("passport", Some("restricted"))]);
    assert_eq!(crew.fields[1].fields[0].name, "number");
}

#[test]
fn governance_reaches_nested_fields() {
    let contract = r#"
      - {name: address, logicalType: object, classification: public, description: Where., properties: [{name: street, logicalType: string}]}
    quality:"#;
    let governance =
        "governance: [{address: operations.departures.flights.address.street, classification: restricted}]\n";
    let mesh = format!("name: airline\nclassifications: [public, internal, restricted]\n{governance}");
    let snapshot = Fixture::sound().edit(CONTRACT, "\n    quality:", contract).with(MESH, mesh).snapshot();
    let table = snapshot.resolve("operations", "departures", "flights").unwrap();
    assert_eq!(table.column("address").unwrap().classification.as_deref(), Some("restricted"));
}

#[test]
fn primary_keys_are_numbered_as_the_contract_says() {
    let snapshot = Fixture::sound()
        .edit(CONTRACT, "{name: carrier,", "{name: carrier, primaryKey: true, primaryKeyPosition: 2,")
        .edit(CONTRACT, "{name: tailnum,", "{name: tailnum, primaryKey: true, primaryKeyPosition: 1,")
        .snapshot();
    let table = snapshot.resolve("operations", "departures", "flights").unwrap();
    let positions: Vec<_> = table.columns.iter().map(|column| column.primary_key).collect();
    assert_eq!(positions, [Some(2), Some(1), None]);
}

#[test]
fn the_revision_follows_content_and_paths_alone() {
    let revision = |fixture: &Fixture| fixture.snapshot().revision().to_owned();
    let sound = revision(&Fixture::sound());
    assert_eq!(sound.len(), 64);
    assert_eq!(sound, revision(&Fixture::sound()), "another folder, the same files");
    assert_eq!(sound, revision(&Fixture::sound().with("domains/operations/departures/README.md", "words")));
    assert_ne!(sound, revision(&Fixture::sound().edit(DOMAIN, "Flight operations", "Flight operation")));
    let moved = Fixture::sound().without("governance/policies/global.cedar");
    assert_ne!(sound, revision(&moved));
    assert_ne!(
        revision(&moved.clone().with("governance/policies/a.cedar", "// same\n")),
        revision(&moved.with("governance/policies/b.cedar", "// same\n"))
    );
}

#[test]
fn lint_settings_change_warnings_alone() {
    let undescribed = Fixture::sound().edit(CONTRACT, ", description: Minutes.", "");
    assert!(undescribed.findings().starts_with("loads\nwarning[description-missing]"));
    let with = |setting: &str| undescribed.clone().edit(MESH, "tags:", &format!("lint: {{{setting}}}\ntags:"));
    assert_eq!(with("description-missing: off").findings(), "loads\n");
    assert!(with("description-missing: error").findings().starts_with("does not load\nerror[description-missing]"));
    assert!(with("key-unknown: off").findings().contains("`key-unknown` is always an error"));
}

#[test]
fn files_may_be_links_within_the_catalog_but_not_out_of_it() {
    let folder = Fixture::sound().write();
    let catalog = folder.path().join("catalog");
    let contract = catalog.join(CONTRACT);
    fs::rename(&contract, catalog.join("domains/operations/departures/real.txt")).unwrap();
    symlink("real.txt", &contract).unwrap();
    assert!(CatalogSnapshot::load(&catalog).is_ok());
    fs::rename(catalog.join("domains/operations/departures/real.txt"), folder.path().join("outside.yaml")).unwrap();
    fs::remove_file(&contract).unwrap();
    symlink(folder.path().join("outside.yaml"), &contract).unwrap();
    let report = CatalogSnapshot::load(&catalog).unwrap_err();
    assert!(report.diagnostics.iter().any(|finding| finding.rule == "file-outside"), "{report}");
}

#[test]
fn the_catalog_folder_itself_may_be_a_link() {
    let folder = Fixture::sound().write();
    let link = folder.path().join("current");
    symlink("catalog", &link).unwrap();
    assert!(CatalogSnapshot::load(&link).is_ok());
}

#[test]
fn anchors_stand_for_what_they_name() {
    let snapshot = Fixture::sound()
        .edit(CONTRACT, "description: The airline.", "description: &airline The airline.")
        .edit(CONTRACT, "description: The plane.", "description: *airline")
        .snapshot();
    let table = snapshot.resolve("operations", "departures", "flights").unwrap();
    assert_eq!(table.column("tailnum").unwrap().description, "The airline.");
}
