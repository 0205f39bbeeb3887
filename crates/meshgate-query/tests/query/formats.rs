//! The same rows in every table format give every user the same answers.

use meshgate_testkit::{Format, MeshBuilder, TableBuilder, TestMesh, UserBuilder, Variant};

use super::mesh::{World, items};

async fn mesh(format: Format) -> TestMesh {
    let batches = items(World::One);
    let flat = batches.iter().map(|batch| batch.project(&[0, 1, 2, 3, 4, 5]).unwrap()).collect();
    MeshBuilder::new()
        .with_user(UserBuilder::new("desk", &["desk"]).attribute("region", "east"))
        .user("owner", &["owners"])
        .table(TableBuilder::new("sales.orders.items", flat).format(format).partitioned_by("region").tagged("email", "email"))
        .domain_policy(
            "sales",
            r#"
            @id("read") permit (principal, action in [Action::"discover", Action::"select"], resource in Domain::"sales")
              unless { resource.tags.contains("email") && !(principal in Group::"owners") };
            @id("find") permit (principal, action == Action::"discover", resource in Domain::"sales");
            @id("hash") @mask("sha-256-global")
            permit (principal, action == Action::"select_masked", resource in Domain::"sales");
            @id("all") permit (principal in Group::"owners", action == Action::"read_rows", resource == Table::"sales.orders.items");
            @id("own") @row_filter("region = principal.region")
            permit (principal in Group::"desk", action == Action::"read_rows", resource == Table::"sales.orders.items");
            "#,
        )
        .build()
        .await
}

#[tokio::test]
async fn every_format_answers_the_same() {
    let meshes = [mesh(Format::Parquet).await, mesh(Format::Delta).await, mesh(Format::Iceberg).await];
    for sql in [
        "SELECT id, region, amount, sold_on, email FROM sales.orders.items ORDER BY id",
        "SELECT region, count(*), sum(amount) FROM sales.orders.items GROUP BY region ORDER BY region",
        "SELECT id FROM sales.orders.items WHERE region = 'west' OR amount > 5 ORDER BY id",
        "SELECT count(*) FROM sales.orders.items AS a JOIN sales.orders.items AS b ON a.email = b.email",
        "SELECT max(card) FROM sales.orders.items WHERE sold_on > DATE '2022-01-10'",
    ] {
        for user in ["owner", "desk"] {
            let [parquet, delta, iceberg] = &meshes;
            let expected = parquet.answer_everywhere(user, sql).await;
            assert!(!expected.starts_with("error"), "{user}: {sql}: {expected}");
            assert_eq!(delta.answer_everywhere(user, sql).await, expected, "{user} of Delta: {sql}");
            assert_eq!(iceberg.answer_everywhere(user, sql).await, expected, "{user} of Iceberg: {sql}");
        }
    }
}

#[tokio::test]
async fn the_record_counts_files_that_were_read_and_names_the_version() {
    let mesh = mesh(Format::Delta).await;
    let (engine, records) = mesh.engine_with(Variant::ALL[0].config());
    let request = |sql: &str| meshgate_query::QueryRequest { sql: sql.to_owned(), ..Default::default() };
    mesh.run(&engine, "owner", request("SELECT id FROM sales.orders.items")).await.unwrap();
    mesh.run(&engine, "owner", request("SELECT id FROM sales.orders.items WHERE region = 'east'")).await.unwrap();
    mesh.run(&engine, "desk", request("SELECT id FROM sales.orders.items")).await.unwrap();
    let read: Vec<(u64, String)> = records
        .records()
        .iter()
        .map(|record| (record.tables[0].files_read, record.tables[0].version.as_ref().unwrap().to_string()))
        .collect();
    let version = "delta version 2".to_owned();
    // Two commits of two regions each; the row filter prunes like any other.
    assert_eq!(read, [(4, version.clone()), (2, version.clone()), (2, version)]);
}

#[tokio::test]
async fn data_files_that_are_gone_fail_their_table_by_name() {
    fn remove_data(folder: &std::path::Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                remove_data(&path);
            } else if path.extension().is_some_and(|extension| extension == "parquet") {
                std::fs::remove_file(path).unwrap();
            }
        }
    }
    for format in [Format::Delta, Format::Iceberg] {
        let mesh = mesh(format).await;
        remove_data(&mesh.data());
        for user in ["owner", "desk"] {
            let sql =
                "SELECT a.id FROM sales.orders.items AS a CROSS JOIN (SELECT max(email) FROM sales.orders.items) AS b";
            let told = mesh.answer(user, sql).await;
            assert!(told.starts_with("error Unavailable: ") && told.contains("`sales.orders.items`"), "{user} {told}");
            assert!(!told.contains(mesh.folder().to_str().unwrap()) && !told.contains(".parquet"), "{user} {told}");
        }
    }
}
