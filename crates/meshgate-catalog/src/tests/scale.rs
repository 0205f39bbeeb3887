//! A mesh of a thousand products.

use super::fixture::{CONTRACT, DOMAIN, Fixture, MESH, PRODUCT};

#[test]
fn ten_thousand_tables_load_and_resolve() {
    let sample = Fixture::sound();
    let text = |path: &str| String::from_utf8(sample.files[path].clone()).unwrap();
    let (domain, product, contract) = (text(DOMAIN), text(PRODUCT), text(CONTRACT));
    let (head, rest) = contract.split_once("  - name: flights").unwrap();
    let (_, tail) = rest.split_once("slaProperties").unwrap();
    let column = "{name: carrier, logicalType: string, classification: public, description: The airline.}";
    let table = |number| format!("  - {{name: flights_{number}, description: Flights., properties: [{column}]}}\n");
    let tables: String = (0..10).map(table).collect();
    let contract = format!("{head}{tables}slaProperties{tail}");
    let mut fixture = Fixture::sound().without(DOMAIN).without(PRODUCT).without(CONTRACT);
    for d in 0..200 {
        let of_domain = |text: &str| text.replace("operations", &format!("domain_{d}"));
        fixture = fixture.with(&format!("domains/domain_{d}/domain.yaml"), of_domain(&domain));
        for p in 0..5 {
            let of_product = |text: &str| {
                of_domain(text)
                    .replace("departures", &format!("product_{p}"))
                    .replace("/lake/", &format!("/lake/{d}/{p}/"))
                    .replace("urn:datacontract:flights", &format!("urn:datacontract:{d}:{p}"))
            };
            fixture = fixture
                .with(&format!("domains/domain_{d}/product_{p}/product.odps.yaml"), of_product(&product))
                .with(&format!("domains/domain_{d}/product_{p}/tables.odcs.yaml"), of_product(&contract));
        }
    }
    let governance = "tags:\n  - aircraft-identity\n  - delays\ngovernance: [{address: 'domain_7.*.*.carrier', classification: restricted}]\n";
    let fixture = fixture.edit(MESH, "tags: [aircraft-identity, delays]\n", governance);
    let snapshot = fixture.snapshot();
    let mut count = 0;
    for d in 0..200 {
        for p in 0..5 {
            for t in 0..10 {
                let table =
                    snapshot.resolve(&format!("domain_{d}"), &format!("product_{p}"), &format!("flights_{t}")).unwrap();
                assert_eq!(table.name.to_string(), format!("domain_{d}.product_{p}.flights_{t}"));
                assert!(table.location.url.ends_with(&format!("/lake/{d}/{p}/flights_{t}/")));
                let expected = if d == 7 { "restricted" } else { "public" };
                assert_eq!(table.columns[0].classification.as_deref(), Some(expected));
                count += 1;
            }
        }
    }
    assert_eq!(count, 10_000);
}
