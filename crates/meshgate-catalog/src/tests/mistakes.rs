//! The mistakes that domain teams make, and what they are told.

use insta::assert_snapshot;

use super::fixture::{CONTRACT, DOMAIN, Fixture, MESH, PRODUCT, USERS};
use crate::CatalogSnapshot;

fn contract(from: &str, to: &str) -> String {
    Fixture::sound().edit(CONTRACT, from, to).findings()
}

fn product(from: &str, to: &str) -> String {
    Fixture::sound().edit(PRODUCT, from, to).findings()
}

fn mesh(from: &str, to: &str) -> String {
    Fixture::sound().edit(MESH, from, to).findings()
}

#[test]
fn keys_and_values() {
    assert_snapshot!(contract("classification: internal", "clasification: internal"), @r"
    does not load
    error[classification-missing] domains/operations/departures/flights.odcs.yaml:19:16: column `dep_delay` has no classification; add `classification:` with `public`, `internal` or `restricted`
    error[key-unknown] domains/operations/departures/flights.odcs.yaml:19:49: `clasification` is not a key of a column; did you mean `classification`?
    ");
    assert_snapshot!(contract("schema:", "owner: me\nschema:"), @r"
    does not load
    error[key-unknown] domains/operations/departures/flights.odcs.yaml:10:1: `owner` is not a key of a data contract; remove it, or write it as an item of `customProperties`
    ");
    assert_snapshot!(contract("required: true", "required: yes"), @r"
    does not load
    error[type-mismatch] domains/operations/departures/flights.odcs.yaml:17:56: `required` is text, but must be `true` or `false`; write `true` or `false`
    ");
    assert_snapshot!(contract("version: 1.2.0", "version: 1.2"), @r"
    does not load
    error[type-mismatch] domains/operations/departures/flights.odcs.yaml:4:10: `version` is the number `1.2`, but must be text; put it in quotes
    ");
    assert_snapshot!(contract("logicalType: integer", "logicalType: int"), @r"
    does not load
    error[value-unknown] domains/operations/departures/flights.odcs.yaml:19:40: `logicalType` can't be `int`; did you mean `integer`?
    ");
    assert_snapshot!(contract("logicalType: integer, ", ""), @r"
    does not load
    error[logical-type-missing] domains/operations/departures/flights.odcs.yaml:19:16: `dep_delay` has no `logicalType`; add one of `string`, `date`, `timestamp`, `time`, `number`, `integer`, `object`, `array`, `boolean`, `map` or `vector`
    ");
    assert_snapshot!(contract("apiVersion: v3.2.0", "apiVersion: v2.2.2"), @r"
    does not load
    error[value-unknown] domains/operations/departures/flights.odcs.yaml:1:13: `apiVersion` can't be `v2.2.2`; use `v3.2.0`, `v3.1.0`, `v3.0.2`, `v3.0.1` or `v3.0.0`
    ");
    assert_snapshot!(contract("kind: DataContract", "kind: DataProduct"), @r"
    does not load
    error[value-unknown] domains/operations/departures/flights.odcs.yaml:2:7: `kind` can't be `DataProduct`; did you mean `DataContract`?
    ");
    assert_snapshot!(contract("status: active", "status: activ"), @r"
    does not load
    error[value-unknown] domains/operations/departures/flights.odcs.yaml:5:9: `status` can't be `activ`; did you mean `active`?
    ");
    assert_snapshot!(contract("status: active\n", ""), @r"
    does not load
    error[key-missing] domains/operations/departures/flights.odcs.yaml:1:1: a data contract has no `status`; add `status: active`
    ");
    assert_snapshot!(contract("id: urn:datacontract:flights\n", ""), @r"
    does not load
    error[key-missing] domains/operations/departures/flights.odcs.yaml:1:1: a data contract has no `id`; add `id: …`
    ");
    assert_snapshot!(contract("    description: One row a flight.", "    description:"), @r"
    does not load
    warning[description-missing] domains/operations/departures/flights.odcs.yaml:11:11: table `flights` has no description; add `description: …`
    error[type-mismatch] domains/operations/departures/flights.odcs.yaml:13:16: `description` is empty, but must be text; give `description` a value, or remove it
    ");
    assert_snapshot!(contract("    tags: [delays]", "    tags: delays"), @r"
    does not load
    error[type-mismatch] domains/operations/departures/flights.odcs.yaml:14:11: `tags` is text, but must be a list; begin each item with `- `
    ");
    assert_snapshot!(contract("dataProduct:", "version: 1.3.0\ndataProduct:"), @r"
    does not load
    error[key-duplicate] domains/operations/departures/flights.odcs.yaml:7:1: key `version` stands twice; keep this one or the one in line 4
    ");
}

#[test]
fn yaml_itself() {
    assert_snapshot!(contract("    physicalType: table", "\tphysicalType: table"), @r"
    does not load
    error[yaml-syntax] domains/operations/departures/flights.odcs.yaml:11:11: a tab stands where YAML wants spaces; replace tabs by spaces, here or in the next line
    ");
    assert_snapshot!(contract("    physicalType: table", "   physicalType: table"), @r"
    does not load
    error[yaml-syntax] domains/operations/departures/flights.odcs.yaml:12:4: the line is not indented like any that it could belong to; indent it exactly like the other keys or items beside it
    ");
    assert_snapshot!(contract("description: The airline.", "description: The airline: its code."), @r"
    does not load
    error[yaml-syntax] domains/operations/departures/flights.odcs.yaml:17:110: a `,` or `}` is missing; close the braces, and put text that has a colon or comma in quotes
    ");
    assert_snapshot!(contract("description: One row a flight.", "description: \"One row a flight."), @r"
    does not load
    error[yaml-syntax] domains/operations/departures/flights.odcs.yaml:14:5: a quote before this place is not closed; close the quote, or indent the text's next lines
    ");
    assert_snapshot!(contract("required: true", "required: @true"), @r"
    does not load
    error[yaml-syntax] domains/operations/departures/flights.odcs.yaml:17:56: the character `@` can't begin a value; put the value in quotes
    ");
    assert_snapshot!(contract("    tags: [delays]", "    tags: [delays"), @r"
    does not load
    error[yaml-syntax] domains/operations/departures/flights.odcs.yaml:15:21: a `: ` stands where no key can be; check the indentation, close brackets above, or put text that has a colon in quotes
    ");
    assert_snapshot!(contract("    tags: [delays]", "    <<: *defaults"), @r"
    does not load
    error[yaml-syntax] domains/operations/departures/flights.odcs.yaml:14:9: the alias names an anchor that does not exist; put text that begins with `*` in quotes
    ");
    assert_snapshot!(Fixture::sound().with(CONTRACT, "just words\n").findings(), @r"
    does not load
    error[type-mismatch] domains/operations/departures/flights.odcs.yaml:1:1: the file is text, but must be a mapping (`key: value` lines)
    ");
}

#[test]
fn classifications_and_tags() {
    assert_snapshot!(contract("classification: restricted", "classification: restrictd"), @r"
    does not load
    error[classification-unknown] domains/operations/departures/flights.odcs.yaml:18:62: `restrictd` is not a level of classification; did you mean `restricted`?
    ");
    assert_snapshot!(contract("classification: restricted", "classification: top"), @r"
    does not load
    error[classification-unknown] domains/operations/departures/flights.odcs.yaml:18:62: `top` is not a level of classification; use `public`, `internal` or `restricted`
    ");
    assert_snapshot!(contract(", classification: internal", ""), @r"
    does not load
    error[classification-missing] domains/operations/departures/flights.odcs.yaml:19:16: column `dep_delay` has no classification; add `classification:` with `public`, `internal` or `restricted`
    ");
    assert_snapshot!(contract("[aircraft-identity]", "[aircraft_identity]"), @r"
    loads
    warning[tag-unknown] domains/operations/departures/flights.odcs.yaml:18:81: `aircraft_identity` is not a tag of `mesh.yaml`; did you mean `aircraft-identity`?
    ");
    assert_snapshot!(mesh("classifications: [public, internal, restricted]\n", ""), @r"
    loads
    warning[classifications-default] mesh.yaml: the mesh lists no levels of classification; add `classifications: [public, internal, confidential, restricted]`, the least strict first
    ");
}

#[test]
fn products_and_contracts() {
    assert_snapshot!(product("contractId: \"urn:datacontract:flights\"", "contractId: \"urn:datacontract:flight\""), @r"
    does not load
    error[port-contract-unknown] domains/operations/departures/departures.odps.yaml:10:49: output port `flights` names the contract `urn:datacontract:flight`, which is not in this folder; did you mean `urn:datacontract:flights`?
    warning[contract-unused] domains/operations/departures/flights.odcs.yaml:3:5: no output port names this contract; add an output port with this `contractId` to the product
    ");
    assert_snapshot!(product("{name: flights, version: 1.2.0", "{name: flights, version: 1.3.0"), @r"
    does not load
    error[port-version-mismatch] domains/operations/departures/departures.odps.yaml:10:30: output port `flights` has version 1.3.0, but its contract has `1.2.0`; write the same version in both
    ");
    assert_snapshot!(product(", contractId: \"urn:datacontract:flights\"", ""), @r"
    loads
    warning[product-empty] domains/operations/departures/departures.odps.yaml:1:1: product `departures` has no tables; add an output port whose contract is active and has a `schema`
    warning[port-contract-missing] domains/operations/departures/departures.odps.yaml:10:12: output port `flights` names no contract; add `contractId: …`; without it the port has no tables
    warning[contract-unused] domains/operations/departures/flights.odcs.yaml:3:5: no output port names this contract; add an output port with this `contractId` to the product
    ");
    assert_snapshot!(product("domain: operations", "domain: operation"), @r"
    does not load
    error[folder-mismatch] domains/operations/departures/departures.odps.yaml:7:9: `domain` is `operation`, but the folder is `operations`; write `domain: operations`, or move the file
    ");
    assert_snapshot!(contract("dataProduct: departures", "dataProduct: arrivals"), @r"
    does not load
    error[folder-mismatch] domains/operations/departures/flights.odcs.yaml:7:14: `dataProduct` is `arrivals`, but the folder is `departures`; write `dataProduct: departures`, or move the file
    ");
    assert_snapshot!(product("version: 1.2.0\nstatus", "version: v1.2\nstatus"), @r"
    does not load
    error[version-invalid] domains/operations/departures/departures.odps.yaml:5:10: `v1.2` is not a semantic version; write `1.2.0`
    ");
    assert_snapshot!(product("status: active", "status: draft"), @r"
    loads
    warning[unpublished] domains/operations/departures/departures.odps.yaml:6:9: consumers don't see the product; set `status: active` to publish it
    ");
    assert_snapshot!(contract("status: active", "status: draft"), @r"
    loads
    warning[product-empty] domains/operations/departures/departures.odps.yaml:1:1: product `departures` has no tables; add an output port whose contract is active and has a `schema`
    warning[unpublished] domains/operations/departures/flights.odcs.yaml:5:9: the contract of output port `flights` is `draft`: consumers don't see its tables; set `status: active` to publish it
    ");
    assert_snapshot!(Fixture::sound().without(PRODUCT).findings(), @r"
    does not load
    error[product-missing] domains/operations/departures: the folder has contracts, but no product; add `departures.odps.yaml` with an output port for each contract
    ");
    let twice = Fixture::sound();
    let text = twice.files[CONTRACT].clone();
    assert_snapshot!(twice.with("domains/operations/departures/copy.odcs.yaml", text).findings(), @r"
    does not load
    error[id-duplicate] domains/operations/departures/flights.odcs.yaml:3:5: id `urn:datacontract:flights` in version 1.2.0 is taken by `domains/operations/departures/copy.odcs.yaml`; give each product and contract an id of its own
    ");
    let other_id = Fixture::sound()
        .with("domains/operations/departures/more.odcs.yaml", Fixture::sound().files[CONTRACT].clone())
        .edit("domains/operations/departures/more.odcs.yaml", "urn:datacontract:flights", "urn:datacontract:more")
        .edit(PRODUCT, "team:", "  - {name: more, version: 1.2.0, contractId: \"urn:datacontract:more\"}\nteam:");
    assert_snapshot!(other_id.findings(), @r"
    does not load
    error[table-duplicate] domains/operations/departures/more.odcs.yaml:11:11: table `flights` is in the contract `urn:datacontract:flights` of this product too; rename one of them
    ");
}

#[test]
fn versions_of_a_product() {
    let port = "  - {name: flights, version: 1.2.0, contractId: \"urn:datacontract:flights\"}\n";
    assert_snapshot!(product(port, &format!("{port}{port}")), @r"
    does not load
    error[port-duplicate] domains/operations/departures/departures.odps.yaml:11:12: output port `flights` stands twice; give the port another name or version
    ");
    let second = "domains/operations/departures/second.odps.yaml";
    let two = Fixture::sound().with(second, Fixture::sound().files[PRODUCT].clone()).edit(
        second,
        "\nversion: 1.2.0",
        "\nversion: 1.1.0",
    );
    assert_snapshot!(two.clone().findings(), @r"
    does not load
    error[product-duplicate] domains/operations/departures/second.odps.yaml:1:1: `domains/operations/departures/departures.odps.yaml` describes version 1 of this product too; set `status: retired` in the older one, or remove it
    ");
    assert_eq!(two.edit(second, "status: active", "status: retired").findings(), "loads\n");
    assert_snapshot!(contract("status: active", "status: deprecated"), @r"
    loads
    warning[product-deprecated] domains/operations/departures/flights.odcs.yaml:5:9: the contract of output port `flights` is deprecated, and still served; say in its description until when, and what to use instead
    ");
}

#[test]
fn quality_and_relationships() {
    assert_snapshot!(contract("metric: rowCount, mustBeGreaterThan: 0", "mustBeGreaterThan: 0"), @r"
    does not load
    error[key-missing] domains/operations/departures/flights.odcs.yaml:20:16: a quality rule of type `library` has no `metric`; add `metric: …`
    ");
    assert_snapshot!(contract("type: library, metric: rowCount", "type: sql"), @r"
    does not load
    error[key-missing] domains/operations/departures/flights.odcs.yaml:20:16: a quality rule of type `sql` has no `query`; add `query: …`
    ");
    assert_snapshot!(contract(", mustBeGreaterThan: 0", ""), @r"
    does not load
    error[key-missing] domains/operations/departures/flights.odcs.yaml:20:16: a quality rule has no `mustBe`; add `mustBe: …`
    ");
    assert_snapshot!(contract("    quality:", "    relationships: [{to: planes.tailnum}]\n    quality:"), @r"
    does not load
    error[key-missing] domains/operations/departures/flights.odcs.yaml:20:22: a table's relationship has no `from`; add `from: …`
    ");
    assert_snapshot!(contract("{name: tailnum,", "{name: tailnum, relationships: [{from: flights.tailnum, to: planes.tailnum}],"), @r"
    does not load
    error[key-unknown] domains/operations/departures/flights.odcs.yaml:18:42: `from` is not a key of a column's relationship; remove it, or write it as an item of `customProperties`
    ");
}

#[test]
fn another_domains_data() {
    let fleet = |path: &str| path.replace("operations/departures", "fleet/aircraft");
    let text = |path: &str| {
        let text = String::from_utf8(Fixture::sound().files[path].clone()).unwrap();
        text.replace("operations", "fleet")
            .replace("departures", "aircraft")
            .replace("urn:datacontract:flights", "urn:datacontract:fleet")
    };
    let copied = Fixture::sound()
        .with("domains/fleet/domain.yaml", text(DOMAIN))
        .with(&fleet(PRODUCT), text(PRODUCT))
        .with(&fleet(CONTRACT), text(CONTRACT));
    assert_snapshot!(copied.findings(), @r"
    does not load
    error[location-foreign] domains/operations/departures/flights.odcs.yaml:11:11: the data of `operations.departures.flights` is that of `fleet.aircraft.flights`, of another domain; keep the domains' data apart; consumers join tables of many domains by name
    ");
    let nested = copied.clone().edit(&fleet(CONTRACT), "lake/{model}", "lake/flights/part");
    assert_snapshot!(nested.findings(), @r"
    does not load
    error[location-foreign] domains/fleet/aircraft/flights.odcs.yaml:11:11: the data of `fleet.aircraft.flights` is within that of `operations.departures.flights`, of another domain; keep the domains' data apart; consumers join tables of many domains by name
    ");
    let beside = copied.edit(&fleet(CONTRACT), "lake/{model}", "lake/flights_of_fleet");
    assert_eq!(beside.findings(), "loads\n");
}

#[test]
fn tables_and_columns() {
    assert_snapshot!(contract("  - name: flights", "  - name: Flights 2013"), @r"
    does not load
    error[name-invalid] domains/operations/departures/flights.odcs.yaml:11:11: `Flights 2013` can't be the name of a table; call it `flights_2013`
    ");
    assert_snapshot!(contract("  - name: flights", "  - name: information_schema"), @r"
    does not load
    error[name-reserved] domains/operations/departures/flights.odcs.yaml:11:11: the name `information_schema` is reserved; choose another
    ");
    assert_snapshot!(contract("{name: tailnum,", "{name: carrier,"), @r"
    does not load
    error[column-duplicate] domains/operations/departures/flights.odcs.yaml:18:16: column `carrier` stands twice in table `flights`; remove this one or the one in line 17
    ");
    assert_snapshot!(contract("{name: tailnum,", "{name: TailNum, physicalName: tailnum,"), @r"
    loads
    warning[column-name] domains/operations/departures/flights.odcs.yaml:18:16: column `TailNum` needs quotes in SQL; use lower-case letters, digits and `_`, if the data can be renamed
    warning[physical-name-ignored] domains/operations/departures/flights.odcs.yaml:18:39: column `TailNum` is called `tailnum` in the data, and is looked for under its `name`; give both the same name
    ");
    assert_snapshot!(contract("slaProperties:", "  - {name: flights, description: Again., properties: [{name: x, logicalType: string, classification: public, description: X.}]}\nslaProperties:"), @r"
    does not load
    error[location-shared] domains/operations/departures/flights.odcs.yaml:9:73: tables `flights` and `flights` have the same location; write `{model}` where the table's name belongs
    error[table-duplicate] domains/operations/departures/flights.odcs.yaml:21:12: table `flights` stands twice; rename this one or the one in line 11
    ");
    assert_snapshot!(contract("slaProperties:", "  - {name: empty, description: Nothing in it.}\nslaProperties:"), @r"
    does not load
    error[columns-missing] domains/operations/departures/flights.odcs.yaml:21:12: table `empty` declares no columns; list them under `properties`: consumers see no others
    ");
}

#[test]
fn servers() {
    assert_snapshot!(contract("type: local", "type: delta"), @r"
    does not load
    error[value-unknown] domains/operations/departures/flights.odcs.yaml:9:45: `delta` is not a server type; `delta` is a format: write `type: local` or `type: s3`, and `format: …`
    ");
    assert_snapshot!(contract("type: local", "type: locale"), @r"
    does not load
    error[value-unknown] domains/operations/departures/flights.odcs.yaml:9:45: `locale` is not a server type; did you mean `local`?
    ");
    assert_snapshot!(contract("type: local, ", ""), @r"
    does not load
    error[key-missing] domains/operations/departures/flights.odcs.yaml:9:6: a server has no `type`; add `type: …`
    ");
    assert_snapshot!(contract(", path: \"../../../../lake/{model}\"", ""), @r"
    does not load
    error[key-missing] domains/operations/departures/flights.odcs.yaml:9:6: a server of type `local` has no `path`; add `path: …`
    ");
    assert_snapshot!(contract("format: delta", "format: detla"), @r"
    does not load
    error[format-unknown] domains/operations/departures/flights.odcs.yaml:9:60: `detla` is not a format; did you mean `delta`?
    ");
    assert_snapshot!(contract("{model}", "{table}"), @r"
    does not load
    error[location-invalid] domains/operations/departures/flights.odcs.yaml:9:73: `{table}` has no meaning in a location; write `{model}` where the table's name belongs
    ");
    assert_snapshot!(contract("../../../../lake", "${LAKE}"), @r"
    does not load
    error[location-invalid] domains/operations/departures/flights.odcs.yaml:9:73: `${LAKE}` can't be filled in: a location has no variables; write the location out; credentials are set in the gateway's configuration
    ");
    assert_snapshot!(contract("../../../../lake", "s3://bucket"), @r"
    does not load
    error[location-invalid] domains/operations/departures/flights.odcs.yaml:9:73: `s3://bucket/flights` is not a path; write a path relative to this file, or use `type: s3` for a bucket
    ");
    assert_snapshot!(contract("type: local, format: delta, path: \"../../../../lake/{model}\"", "type: s3, format: delta, location: operations/lake"), @r"
    does not load
    error[location-invalid] domains/operations/departures/flights.odcs.yaml:9:74: `operations/lake` is not an S3 location; write `s3://bucket/folder/{model}`
    ");
    assert_snapshot!(contract("servers:\n  - {server: lake, environment: prod, type: local, format: delta, path: \"../../../../lake/{model}\"}\n", ""), @r"
    does not load
    error[location-missing] domains/operations/departures/flights.odcs.yaml:3:5: the contract has no `servers`: nobody knows where its data is; add `servers: [{server: lake, type: local, path: …, format: delta}]`
    ");
    assert_snapshot!(
        Fixture::sound()
            .edit(CONTRACT, "/{model}", "")
            .edit(CONTRACT, "slaProperties:", "  - {name: more, description: More., properties: [{name: x, logicalType: string, classification: public, description: X.}]}\nslaProperties:")
            .findings(),
        @r"
    does not load
    error[location-shared] domains/operations/departures/flights.odcs.yaml:9:73: tables `flights` and `more` have the same location; write `{model}` where the table's name belongs
    "
    );
}

#[test]
fn secrets() {
    let with_property = |property: &str, value: &str| {
        contract(
            "[{property: declaredRows, value: 336776}]",
            &format!("[{{property: {property}, value: \"{value}\"}}]"),
        )
    };
    assert_snapshot!(with_property("storagePassword", "hunter2"), @r"
    does not load
    error[secret] domains/operations/departures/flights.odcs.yaml:15:59: this looks like a secret, by its property; take it out of the catalog, make it invalid where it came from, and write `${VAR}` in its place
    ");
    assert_snapshot!(with_property("note", "use AKIAIOSFODNN7EXAMPLE"), @r"
    does not load
    error[secret] domains/operations/departures/flights.odcs.yaml:15:48: this looks like an AWS access key; take it out of the catalog, make it invalid where it came from, and write `${VAR}` in its place
    ");
    assert_snapshot!(with_property("source", "postgres://reader:hunter2@db.example/flights"), @r"
    does not load
    error[secret] domains/operations/departures/flights.odcs.yaml:15:50: this looks like a URL with a password; take it out of the catalog, make it invalid where it came from, and write `${VAR}` in its place
    ");
    assert_snapshot!(with_property("storagePassword", "${STORAGE_PASSWORD}"), @"loads");
    assert_snapshot!(with_property("source", "postgres://reader:${PASSWORD}@db.example/flights"), @"loads");
}

#[test]
fn files_and_folders() {
    assert_snapshot!(Fixture::sound().without(MESH).findings(), @r"
    does not load
    error[file-missing] mesh.yaml: there is no `mesh.yaml`; name the mesh in it: `name: …`
    ");
    assert_snapshot!(Fixture::sound().without(DOMAIN).findings(), @r"
    does not load
    warning[support-missing] domains/operations/departures/flights.odcs.yaml:3:5: consumers have no channel to ask; add `support: [{channel: …, url: …}]` here, to the product or to the domain
    error[file-missing] domains/operations/domain.yaml: there is no `domain.yaml`; say who owns the domain in it: `owner: …`
    ");
    assert_snapshot!(Fixture::sound().edit(DOMAIN, "name: operations", "name: ops").findings(), @r"
    does not load
    error[folder-mismatch] domains/operations/domain.yaml:1:7: `name` is `ops`, but the folder is `operations`; write `name: operations`, or move the file
    ");
    assert_snapshot!(Fixture::sound().edit(DOMAIN, "owner: operations-data\n", "").findings(), @r"
    does not load
    error[key-missing] domains/operations/domain.yaml:1:1: `domain.yaml` has no `owner`; add `owner: …`
    ");
    assert_snapshot!(Fixture::sound().with("domains/operations/departures/planes.yml", "x: 1").findings(), @r"
    loads
    warning[file-ignored] domains/operations/departures/planes.yml: the catalog does not read a file of this name; call a contract `….odcs.yaml` and a product `….odps.yaml`
    ");
    assert_snapshot!(Fixture::sound().with("domains/Fleet-1/domain.yaml", "owner: fleet\ndescription: Planes.\n").findings(), @r"
    does not load
    error[name-invalid] domains/Fleet-1: `Fleet-1` can't be the name of a domain; call it `fleet_1`
    ");
    assert_snapshot!(Fixture::sound().with("domains/system/domain.yaml", "owner: fleet\ndescription: Planes.\n").findings(), @r"
    does not load
    error[name-reserved] domains/system: the name `system` is reserved; choose another
    ");
    assert_snapshot!(Fixture::sound().with("domains/operations/departures_v2/x.odps.yaml", "x: 1").findings(), @r"
    does not load
    error[name-reserved] domains/operations/departures_v2: `departures_v2` is how consumers pin a major version of a product; leave the version out of the folder's name: all versions of a product share one folder
    error[key-missing] domains/operations/departures_v2/x.odps.yaml:1:1: a data product has no `apiVersion`; add `apiVersion: …`
    error[key-missing] domains/operations/departures_v2/x.odps.yaml:1:1: a data product has no `kind`; add `kind: …`
    error[key-missing] domains/operations/departures_v2/x.odps.yaml:1:1: a data product has no `id`; add `id: …`
    error[key-unknown] domains/operations/departures_v2/x.odps.yaml:1:1: `x` is not a key of a data product; remove it, or write it as an item of `customProperties`
    ");
    let report = CatalogSnapshot::load(std::path::Path::new("/nowhere/catalog")).unwrap_err();
    assert_snapshot!(report, @"error[file-missing] /nowhere/catalog: there is no folder `/nowhere/catalog`; name the folder that holds `mesh.yaml`");
}

#[test]
fn what_governance_says() {
    assert_snapshot!(mesh("tags:", "domains: {fleet: {owner: fleet-data}}\ntags:"), @r"
    does not load
    error[domain-unlisted] domains/operations/domain.yaml:1:1: `mesh.yaml` does not list the domain `operations`; add `operations: {owner: operations-data}` under its `domains`
    warning[file-missing] mesh.yaml:3:26: domain `fleet` has no folder `domains/fleet`; add the folder, or remove the line
    ");
    assert_snapshot!(mesh("tags:", "domains: {operations: {owner: airport-data}}\ntags:"), @r"
    does not load
    error[owner-mismatch] domains/operations/domain.yaml:2:8: the owner is `operations-data`, but `mesh.yaml` names `airport-data`; ask the governance group which one is right
    ");
    assert_snapshot!(mesh("tags:", "governance: [{address: tailnum, classification: restricted}]\ntags:"), @r"
    does not load
    error[governance-address] mesh.yaml:3:24: `tailnum` is no address of tables or columns; write `domain.product.table` or `domain.product.table.column`; `*` stands for any characters of one part
    ");
    assert_snapshot!(mesh("tags:", "governance: [{address: \"*.*.*.tailnumber\", classification: restricted}]\ntags:"), @r"
    loads
    warning[governance-unused] mesh.yaml:3:24: no table or column is called `*.*.*.tailnumber`; check the address, or remove the rule
    ");
    assert_snapshot!(mesh("tags:", "governance: [{address: \"*.*.*.tailnum\", classification: secret}]\ntags:"), @r"
    does not load
    error[classification-unknown] mesh.yaml:3:57: `secret` is not a level of classification; use `public`, `internal` or `restricted`
    ");
    assert_snapshot!(mesh("tags:", "lint: {descriptions-missing: error, column-name: never}\ntags:"), @r"
    does not load
    error[lint-rule-unknown] mesh.yaml:3:8: there is no rule `descriptions-missing`; did you mean `description-missing`?
    error[value-unknown] mesh.yaml:3:50: `column-name` can't be `never`; use `off`, `warning` or `error`
    ");
    assert_snapshot!(Fixture::sound().edit(USERS, "[restricted_reader]", "[restricted_readers]").findings(), @r"
    loads
    warning[role-unknown] users.yaml:5:13: no contract names the role `restricted_readers`; did you mean `restricted_reader`?
    ");
}

#[test]
fn consumers_are_told_who_to_ask() {
    let anonymous = Fixture::sound()
        .edit(
            DOMAIN,
            "support: [{channel: \"#operations-data\", tool: slack, url: \"https://operations.example/chat\"}]\n",
            "",
        )
        .edit(PRODUCT, "team: {name: operations-data}\n", "")
        .edit(
            CONTRACT,
            "team: {name: operations-data, members: [{username: data-owner@operations.example, role: owner}]}\n",
            "",
        );
    assert_snapshot!(anonymous.findings(), @r"
    loads
    warning[support-missing] domains/operations/departures/flights.odcs.yaml:3:5: consumers have no channel to ask; add `support: [{channel: …, url: …}]` here, to the product or to the domain
    warning[team-missing] domains/operations/departures/flights.odcs.yaml:3:5: no team stands behind this contract; add `team: {name: …}` here or to the product
    ");
}

#[test]
fn every_finding_comes_at_once() {
    let broken = Fixture::sound()
        .edit(CONTRACT, "classification: restricted", "classification: restrictd")
        .edit(CONTRACT, "logicalType: integer", "logicalType: int")
        .edit(PRODUCT, "domain: operations", "domain: operation")
        .edit(USERS, "[analysts]", "analysts")
        .with("domains/fleet/domain.yaml", "owner: [fleet]\n");
    assert_snapshot!(broken.findings(), @r"
    does not load
    warning[description-missing] domains/fleet/domain.yaml:1:1: domain `fleet` has no description; add `description: …`
    error[type-mismatch] domains/fleet/domain.yaml:1:9: `owner` is a list, but must be text; write one text behind the colon
    error[folder-mismatch] domains/operations/departures/departures.odps.yaml:7:9: `domain` is `operation`, but the folder is `operations`; write `domain: operations`, or move the file
    error[classification-unknown] domains/operations/departures/flights.odcs.yaml:18:62: `restrictd` is not a level of classification; did you mean `restricted`?
    error[value-unknown] domains/operations/departures/flights.odcs.yaml:19:40: `logicalType` can't be `int`; did you mean `integer`?
    error[type-mismatch] users.yaml:4:13: `groups` is text, but must be a list; begin each item with `- `
    ");
}

#[test]
fn a_report_shows_no_secret() {
    let folder = Fixture::sound()
        .edit(CONTRACT, "value: 336776", "value: AKIAIOSFODNN7EXAMPLE")
        .edit(CONTRACT, "logicalType: integer", "logicalType: int")
        .edit(USERS, "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b5dWRWJTmaaJObG", "open sesame")
        .write();
    let catalog = folder.path().join("catalog");
    let report = CatalogSnapshot::load(&catalog).unwrap_err();
    assert_snapshot!(report.render(&catalog), @r#"
    secret

      × domains/operations/departures/flights.odcs.yaml:15:56: this looks like an AWS access key
      help: take it out of the catalog, make it invalid where it came from, and write `${VAR}` in its place

    value-unknown

      × domains/operations/departures/flights.odcs.yaml:19:40: `logicalType` can't be `int`
      help: did you mean `integer`?

    password-hash

      × users.yaml:3:15: the password of `analyst` is not an argon2 hash
      help: write the hash that `meshgate hash-password` prints, in quotes: `"$argon2id$v=19$…"`

    3 errors, 0 warnings
    "#);
}

#[test]
fn a_report_with_excerpts() {
    let folder = Fixture::sound()
        .edit(CONTRACT, "classification: restricted", "classification: restrictd")
        .edit(DOMAIN, "name: operations\n", "name: operations\nowners: x\n")
        .without(USERS)
        .with("domains/fleet/planes/planes.odcs.yaml", "")
        .write();
    let catalog = folder.path().join("catalog");
    let report = CatalogSnapshot::load(&catalog).unwrap_err();
    assert_snapshot!(report.render(&catalog), @r"
    file-missing

      × domains/fleet/domain.yaml: there is no `domain.yaml`
      help: say who owns the domain in it: `owner: …`

    product-missing

      × domains/fleet/planes: the folder has contracts, but no product
      help: add `planes.odps.yaml` with an output port for each contract

    yaml-syntax

      × domains/fleet/planes/planes.odcs.yaml: the file is empty

    classification-unknown

      × `restrictd` is not a level of classification
        ╭─[domains/operations/departures/flights.odcs.yaml:18:62]
     17 │       - {name: carrier, logicalType: string, required: true, classification: public, description: The airline.}
     18 │       - {name: tailnum, logicalType: string, classification: restrictd, tags: [aircraft-identity], description: The plane.}
        ·                                                              ─────────
     19 │       - {name: dep_delay, logicalType: integer, classification: internal, description: Minutes.}
        ╰────
      help: did you mean `restricted`?

    key-unknown

      × `owners` is not a key of `domain.yaml`
       ╭─[domains/operations/domain.yaml:2:1]
     1 │ name: operations
     2 │ owners: x
       · ──────
     3 │ owner: operations-data
       ╰────
      help: did you mean `owner`?

    5 errors, 0 warnings
    ");
}
