//! How long decisions take. `cargo test -p meshgate-policy -- --ignored --nocapture speed`

use std::time::{Duration, Instant};

use meshgate_catalog::LogicalType;

use crate::{
    Policies,
    testing::{TestMesh, column, principal, table},
};

fn big_mesh() -> TestMesh {
    let levels = ["public", "internal", "confidential", "restricted"];
    let tags = [&["a"][..], &["b"], &["a", "b"], &[]];
    let types = [LogicalType::String, LogicalType::Integer, LogicalType::Timestamp];
    let tables = (0..20)
        .map(|number| {
            let columns = (0..300)
                .map(|position| {
                    column(
                        &format!("column_{position}"),
                        types[position % 3],
                        Some(levels[position % 4]),
                        tags[(position / 4) % 4],
                    )
                })
                .collect();
            table(&format!("sales.orders.table_{number}"), columns)
        })
        .collect();
    let mut text = String::new();
    for number in 0..1000 {
        let principal = match number % 10 {
            0 => "principal".to_owned(),
            _ => format!("principal in Group::\"group_{}\"", number % 50),
        };
        let resource = match number % 4 {
            0 => "resource in Domain::\"sales\"".to_owned(),
            1 => "resource in Product::\"sales.orders\"".to_owned(),
            2 => format!("resource in Table::\"sales.orders.table_{}\"", number % 20),
            _ => format!("resource == Column::\"sales.orders.table_{}.column_{}\"", number % 20, number % 300),
        };
        let condition = match number % 5 {
            0 => "when { resource.classification == \"restricted\" }",
            1 => "when { resource.tags.contains(\"a\") && principal has level && principal.level > 2 }",
            2 => "unless { principal in Role::\"reader\" }",
            _ => "",
        };
        text += &match number % 7 {
            0 => format!("forbid ({principal}, action == Action::\"select\", {resource}) {condition};\n"),
            1 => format!(
                "@mask(\"replace-with-null\") permit ({principal}, action == Action::\"select_masked\", {resource}) {condition};\n"
            ),
            _ => format!(
                "permit ({principal}, action in [Action::\"discover\", Action::\"select\"], {resource}) {condition};\n"
            ),
        };
    }
    TestMesh::of(tables).governance(&text)
}

fn time_all(policies: &Policies, caller: &crate::Principal) -> Duration {
    let tables = &policies.snapshot().domains()["sales"].products["orders"].tables;
    let start = Instant::now();
    for table in tables.values() {
        assert_eq!(policies.decide(caller, table).columns.len(), 300);
    }
    start.elapsed() / tables.len() as u32
}

#[test]
#[ignore = "a measurement"]
fn speed_of_decisions() {
    let mesh = big_mesh();
    let start = Instant::now();
    let (policies, _) = mesh.compile().unwrap();
    println!("compile 1,000 policies: {:?}", start.elapsed());
    let caller = |number: usize| {
        principal(&format!("user_{number}"))
            .in_group(&format!("group_{}", number % 50))
            .in_group(&format!("group_{}", (number + 7) % 50))
            .with("level", meshgate_catalog::AttributeValue::Integer(3))
    };
    println!("table, first caller: {:?}", time_all(&policies, &caller(1)));
    println!("table, next caller: {:?}", time_all(&policies, &caller(2)));
    let repeats = 50;
    let next: Duration = (3..3 + repeats).map(|number| time_all(&policies, &caller(number))).sum();
    println!("table, a new caller: {:?}", next / repeats as u32);
    println!("table, remembered: {:?}", time_all(&policies, &caller(2 + repeats)));
    let grant = policies.grant(&caller(1), "sales.orders.table_1");
    let references: usize = grant.columns.iter().map(|column| column.policies.len()).sum();
    println!("a grant names {references} policies in {} columns", grant.columns.len());
}
