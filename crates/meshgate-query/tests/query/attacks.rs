//! Attempts to learn what a grant hides, end to end: every statement is asked of meshes that differ only in what the
//! caller may not see, on one partition and four, with filters in Parquet and without. Numbers are those of the list of
//! attacks in `ARCHITECTURE.md`.

use meshgate_query::{QueryRequest, SessionSettings};
use meshgate_testkit::{TestMesh, Variant, shown};

use super::mesh::{World, mesh, mesh_of};

/// A caller, and a mesh that looks to them like [`World::One`].
const DISGUISES: [(&str, World); 5] = [
    ("analyst", World::OtherColumns),
    ("desk", World::OtherColumns),
    ("desk", World::OtherRows),
    ("liker", World::OtherColumns),
    ("liker", World::OtherRows),
];

/// Asks every statement of both meshes of every disguise; all that comes back must be the same.
async fn nothing_is_learned(statements: &[&str]) {
    let one = mesh().await;
    for (user, world) in DISGUISES {
        let other = mesh_of(world).await;
        for variant in Variant::ALL {
            let engines = (one.engine_with(variant.config()).0, other.engine_with(variant.config()).0);
            for sql in statements {
                for deterministic in [true, false] {
                    // On one partition the order is that of the files anyway.
                    if !deterministic && variant.partitions == 1 {
                        continue;
                    }
                    let session = SessionSettings { deterministic, ..SessionSettings::default() };
                    let request = QueryRequest { sql: (*sql).to_owned(), session, ..QueryRequest::default() };
                    let answers = (
                        shown(one.run(&engines.0, user, request.clone()).await),
                        shown(other.run(&engines.1, user, request).await),
                    );
                    // Without `deterministic`, the order of rows depends on the layout of files.
                    let answers = match deterministic {
                        true => (without_ids(&answers.0), without_ids(&answers.1)),
                        false => (sorted(&answers.0), sorted(&answers.1)),
                    };
                    assert_eq!(
                        answers.0, answers.1,
                        "{user} in {world:?}, {variant:?}, deterministic {deterministic}: {sql}"
                    );
                }
            }
        }
    }
}

/// Each query has an id of its own, which some errors name.
fn without_ids(text: &str) -> String {
    let is_id = |word: &&str| word.len() == 36 && word.matches('-').count() == 4;
    let words = text.split_inclusive([' ', ')', '(', '`', '\n']);
    words.map(|word| if is_id(&word.trim_end_matches([' ', ')', '(', '`', '\n'])) { "<id> " } else { word }).collect()
}

/// The lines in an order of their own; of an error, not the value that it names, which is any of the visible ones.
fn sorted(text: &str) -> String {
    if text.starts_with("error") {
        return text.split('\'').step_by(2).collect();
    }
    let text = without_ids(text);
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[tokio::test]
async fn attack_1_errors_of_hidden_values() {
    nothing_is_learned(&[
        "SELECT id FROM sales.orders.items WHERE 1 / (id - 2) >= 0",
        "SELECT id FROM sales.orders.items WHERE 1 / (id - 500) >= 0",
        "SELECT id FROM sales.orders.items WHERE 100 % id >= 0",
        "SELECT 1 / id FROM sales.orders.items",
        "SELECT id FROM sales.orders.items WHERE CAST(region AS BIGINT) > 0",
        "SELECT CAST(email AS BIGINT) FROM sales.orders.items",
        "SELECT id FROM sales.orders.items WHERE CAST(amount AS TINYINT) < 127",
        "SELECT id FROM sales.orders.items WHERE CAST(id AS TINYINT) + CAST(126 AS TINYINT) > 0",
        "SELECT CAST(id AS DECIMAL(3, 0)) FROM sales.orders.items",
        "SELECT sum(1 / (id - 2)) FROM sales.orders.items",
        "SELECT region FROM sales.orders.items GROUP BY region HAVING 1 / (max(id) - 6) >= 0",
        "SELECT id FROM sales.orders.items ORDER BY 1 / (id - 2)",
        "SELECT 1 FROM sales.orders.items a JOIN sales.orders.items b ON 1 / (a.id - 2) = b.id",
        "SELECT arrow_cast(region, 'Int32') FROM sales.orders.items",
        "SELECT date_bin(INTERVAL '1' DAY, CAST(region AS TIMESTAMP)) FROM sales.orders.items",
    ])
    .await;
}

#[tokio::test]
async fn attack_2_guarded_oracles() {
    nothing_is_learned(&[
        "SELECT CASE WHEN region = 'east' THEN 1 ELSE 1 / (id - 2) END FROM sales.orders.items",
        "SELECT id FROM sales.orders.items WHERE CASE WHEN region LIKE 'w%' THEN 1 / (id - id) = 0 ELSE true END",
        "SELECT coalesce(nullif(region, 'west'), CAST(id - 700 AS VARCHAR)) FROM sales.orders.items",
        "SELECT id FROM sales.orders.items WHERE region <> 'west' OR 1 / (id - 4) > 0",
        "SELECT id FROM sales.orders.items WHERE region = 'east' AND 1 / (id - 4) >= 0",
    ])
    .await;
}

#[tokio::test]
async fn attack_3_predicates_that_are_cheaper_than_the_row_filter() {
    nothing_is_learned(&[
        "SELECT id FROM sales.orders.items WHERE id / (id - 500) >= 0 AND id <> 3",
        "SELECT id FROM sales.orders.items WHERE CAST(region AS INT) = 17",
        "SELECT id FROM sales.orders.items WHERE region = 'west'",
        "SELECT id FROM sales.orders.items WHERE region >= 'f' OR id < 0",
        "SELECT id FROM sales.orders.items WHERE amount > 1e200",
        "SELECT id FROM (SELECT id, region FROM sales.orders.items WHERE region = 'north') AS x WHERE 1 / (id - 700) >= 0",
    ])
    .await;
}

#[tokio::test]
async fn attacks_4_5_6_masked_columns() {
    nothing_is_learned(&[
        "SELECT id FROM sales.orders.items WHERE email = 'u1@example.org'",
        "SELECT id FROM sales.orders.items WHERE email LIKE 'u%' OR starts_with(email, 'u')",
        "SELECT id FROM sales.orders.items WHERE email IN ('u0@example.org', 'u1@example.org')",
        "SELECT a.id FROM sales.orders.items AS a JOIN (VALUES ('u1@example.org')) AS v(e) ON a.email = v.e",
        "SELECT a.id, b.id FROM sales.orders.items AS a JOIN sales.orders.items AS b ON a.email = b.email ORDER BY 1, 2",
        "SELECT email, count(*) FROM sales.orders.items GROUP BY email ORDER BY 1",
        "SELECT min(email), max(email), count(DISTINCT email) FROM sales.orders.items",
        "SELECT id FROM sales.orders.items ORDER BY email, id",
    ])
    .await;
    let mesh = mesh().await;
    let analyst = mesh.answer("analyst", "SELECT DISTINCT email FROM sales.orders.items ORDER BY 1").await;
    assert!(!analyst.contains("example.org"), "{analyst}");
    for sql in [
        "SELECT id FROM sales.orders.items WHERE email = 'u1@example.org'",
        "SELECT id FROM sales.orders.items WHERE email LIKE 'u%'",
        "SELECT a.id FROM sales.orders.items AS a JOIN (VALUES ('u1@example.org')) AS v(e) ON a.email = v.e",
        "SELECT id FROM sales.orders.items WHERE email = encode(sha256('u1@example.org'), 'hex')",
    ] {
        assert_eq!(
            mesh.query("analyst", sql).await.unwrap().iter().map(|batch| batch.num_rows()).sum::<usize>(),
            0,
            "{sql}"
        );
    }
}

#[tokio::test]
async fn attack_7_fields_of_a_denied_struct() {
    nothing_is_learned(&[
        "SELECT home['street'] FROM sales.orders.items",
        "SELECT i.home.street FROM sales.orders.items AS i",
        "SELECT get_field(home, 'street') FROM sales.orders.items",
        "SELECT count(home) FROM sales.orders.items",
    ])
    .await;
}

#[tokio::test]
async fn attack_8_shortcuts_of_statistics() {
    nothing_is_learned(&[
        "SELECT count(*) FROM sales.orders.items",
        "SELECT count(1), count(amount) FROM sales.orders.items",
        "SELECT min(id), max(id), min(amount), max(sold_on), min(region) FROM sales.orders.items",
        "SELECT count(DISTINCT region), count(DISTINCT id) FROM sales.orders.items",
        "SELECT id FROM sales.orders.items ORDER BY id LIMIT 2",
        "SELECT id FROM sales.orders.items ORDER BY id DESC LIMIT 2",
        "SELECT count(*) FROM (SELECT id FROM sales.orders.items LIMIT 4) AS x",
        "SELECT count(*) FROM (SELECT id FROM sales.orders.items OFFSET 2) AS x",
        "SELECT approx_distinct(region), median(id) FROM sales.orders.items",
        "SELECT EXISTS (SELECT 1 FROM sales.orders.items WHERE region = 'north')",
        "SELECT array_agg(id ORDER BY id), string_agg(region, ',' ORDER BY region) FROM sales.orders.items",
        "SELECT id, row_number() OVER (ORDER BY id) FROM sales.orders.items ORDER BY id",
    ])
    .await;
}

#[tokio::test]
async fn attack_9_explain() {
    let statement = "SELECT a.email, count(*) FROM sales.orders.items AS a JOIN sales.orders.items AS b ON a.id = b.id \
                     WHERE a.amount > 1 GROUP BY a.email ORDER BY 1 LIMIT 3";
    let formats =
        ["EXPLAIN", "EXPLAIN VERBOSE", "EXPLAIN FORMAT TREE", "EXPLAIN FORMAT PGJSON", "EXPLAIN FORMAT GRAPHVIZ"];
    let statements: Vec<String> = formats.iter().map(|format| format!("{format} {statement}")).collect();
    nothing_is_learned(&statements.iter().map(String::as_str).collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn attacks_10_11_names() {
    nothing_is_learned(&[
        "SELECT nte FROM sales.orders.items",
        "SELECT crd FROM sales.orders.items",
        "SELECT i.hom FROM sales.orders.items AS i",
        "SELECT * FROM sales.orders.itens",
        "SELECT * FROM information_schema.tables ORDER BY 1, 2, 3",
        "SELECT * FROM information_schema.columns ORDER BY 1, 2, 3, 5",
        "SELECT * FROM information_schema.key_column_usage",
        "SHOW TABLES",
        "SHOW COLUMNS FROM sales.orders.items",
        "DESCRIBE sales.orders.items",
        "SELECT arrow_typeof(email), arrow_metadata(id, 'x') FROM sales.orders.items LIMIT 1",
    ])
    .await;
    let mesh = mesh().await;
    for (sql, hidden) in
        [("SELECT nte FROM sales.orders.items", "note"), ("SELECT crd FROM sales.orders.items", "card")]
    {
        let told = mesh.answer("analyst", sql).await;
        assert!(told.starts_with("error NotFound: column") && !told.contains(hidden), "{told}");
    }
    let metadata = [
        "SELECT * FROM information_schema.columns",
        "DESCRIBE sales.orders.items",
        "SHOW COLUMNS FROM sales.orders.items",
    ];
    for sql in metadata {
        let told = mesh.answer("analyst", sql).await;
        for hidden in ["card", "note", "home"] {
            assert!(!told.contains(hidden), "{sql}: {told}");
        }
    }
}

#[tokio::test]
async fn attacks_13_16_statements_that_reach_past_the_mesh() {
    let mesh = mesh().await;
    let file = mesh.data().join("sales/orders_v1/items/part-00000.parquet");
    let file = file.to_str().unwrap();
    for sql in [
        format!("CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '{file}'"),
        format!("SELECT * FROM '{file}'"),
        format!("SELECT * FROM \"{file}\""),
        format!("SELECT * FROM \"file://{file}\""),
        format!("SELECT * FROM read_parquet('{file}')"),
        format!("SELECT * FROM parquet_metadata('{file}')"),
        format!("COPY sales.orders.items TO '{file}.copy'"),
        format!("COPY (SELECT 1) TO '{file}.copy' STORED AS CSV"),
        "SET datafusion.execution.target_partitions = 1".to_owned(),
        "SET datafusion.catalog.information_schema = true".to_owned(),
        "SHOW datafusion.execution.batch_size".to_owned(),
        "CREATE TABLE t AS SELECT card FROM sales.orders.items".to_owned(),
        "CREATE VIEW v AS SELECT card FROM sales.orders.items".to_owned(),
        "INSERT INTO shop.stock.products SELECT card FROM sales.orders.items".to_owned(),
        "SELECT card INTO t FROM sales.orders.items".to_owned(),
        "CREATE FUNCTION f() RETURNS INT RETURN 1".to_owned(),
        "PREPARE p AS SELECT card FROM sales.orders.items".to_owned(),
        "SELECT input_file_name() FROM shop.stock.products".to_owned(),
        "SELECT file_row_index() FROM shop.stock.products".to_owned(),
        "SELECT * FROM list_files_cache()".to_owned(),
    ] {
        for user in ["owner", "guest"] {
            let told = mesh.answer(user, &sql).await;
            let refused = ["error Unimplemented", "error NotFound", "error InvalidArgument"];
            assert!(refused.iter().any(|refusal| told.starts_with(refusal)), "{user}: {sql}: {told}");
        }
    }
    assert!(!std::fs::exists(format!("{file}.copy")).unwrap());
}

#[tokio::test]
async fn attack_14_every_kind_of_subquery() {
    nothing_is_learned(&[
        "WITH x AS (SELECT * FROM sales.orders.items) SELECT count(*), max(id) FROM x",
        "WITH RECURSIVE r AS (SELECT id, email FROM sales.orders.items WHERE id = 1 UNION ALL \
         SELECT i.id, i.email FROM sales.orders.items AS i JOIN r ON i.id = r.id + 2) SELECT * FROM r ORDER BY id",
        "SELECT p.sku, x.id FROM shop.stock.products AS p, LATERAL (SELECT id FROM sales.orders.items WHERE id < 3) AS x ORDER BY 1, 2",
        "SELECT id, (SELECT max(b.amount) FROM sales.orders.items AS b WHERE b.region = a.region) FROM sales.orders.items AS a ORDER BY 1",
        "SELECT id FROM sales.orders.items AS a WHERE EXISTS (SELECT 1 FROM sales.orders.items AS b WHERE b.id = a.id + 1) ORDER BY 1",
        "SELECT id FROM sales.orders.items WHERE id NOT IN (SELECT id + 2 FROM sales.orders.items) ORDER BY 1",
        "SELECT (SELECT 1 / (max(id) - 6) FROM sales.orders.items)",
    ])
    .await;
}

#[tokio::test]
async fn attack_15_stars_and_unions_across_grants() {
    nothing_is_learned(&[
        "SELECT * FROM sales.orders.items ORDER BY id",
        "SELECT * FROM sales.orders.items UNION ALL SELECT * FROM sales.orders.items ORDER BY id",
        "SELECT email FROM sales.orders.items UNION SELECT sku FROM shop.stock.products ORDER BY 1",
        "SELECT sku FROM shop.stock.products EXCEPT SELECT region FROM sales.orders.items ORDER BY 1",
        "SELECT region FROM sales.orders.items INTERSECT SELECT sku FROM shop.stock.products",
        "SELECT * EXCLUDE (email) FROM sales.orders.items ORDER BY id",
        "SELECT * REPLACE (1 / (id - 2) AS id) FROM sales.orders.items",
        "SELECT * FROM sales.orders.items NATURAL JOIN sales.orders.items AS b ORDER BY id",
    ])
    .await;
}

#[tokio::test]
async fn attack_17_a_statement_that_another_prepared() {
    let mesh = mesh().await;
    let request = |sql: &str| QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() };
    let sql = "SELECT card, email FROM sales.orders.items WHERE id = 1";
    let prepared = mesh.engine().prepare(&mesh.principal("owner"), &request(sql)).await.unwrap();
    let stolen = QueryRequest { pinned: prepared.pinned, ..request(sql) };
    let told = shown(mesh.run(mesh.engine(), "analyst", stolen.clone()).await);
    assert!(told.starts_with("error PermissionDenied: access denied to column sales.orders.items.card"), "{told}");
    let told = shown(mesh.run(mesh.engine(), "stranger", stolen).await);
    assert_eq!(told, "error NotFound: domain `sales` does not exist");
}

#[tokio::test]
async fn attack_22_names_in_disguise() {
    let mesh = mesh().await;
    for sql in [
        "SELECT \"CARD\" FROM sales.orders.items",
        "SELECT \"card \" FROM sales.orders.items",
        "SELECT \"items.card\" FROM sales.orders.items",
        "SELECT \"sales.orders.items.card\" FROM sales.orders.items",
        "SELECT CARD FROM sales.orders.items",
        "SELECT id FROM \"sales.orders\".items",
        "SELECT id FROM sales.\"orders.items\"",
        "SELECT id FROM sales.orders.\"items \"",
        "SELECT id FROM \"SALES\".orders.items",
        "SELECT x.card FROM sales.orders.items AS \"x.card\", sales.orders.items AS x",
        "SELECT \"x\".\"card\" FROM (SELECT * FROM sales.orders.items) AS \"x\"",
    ] {
        let told = mesh.answer("analyst", sql).await;
        assert!(told.starts_with("error NotFound") || told.starts_with("error PermissionDenied"), "{sql}: {told}");
    }
    // A common table expression may have a table's name; it is not the table.
    let mine = "WITH \"sales.orders.items\" AS (SELECT 'mine' AS card) SELECT card FROM sales.orders.items";
    let told = mesh.answer("analyst", mine).await;
    assert!(told.contains("mine") || told.starts_with("error PermissionDenied"), "{told}");
}

#[tokio::test]
async fn attack_25_a_denied_partition_column() {
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
    use meshgate_testkit::{MeshBuilder, TableBuilder, batch};

    async fn patients(wards: [&'static str; 3]) -> TestMesh {
        let rows = batch([
            ("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef),
            ("ward", Arc::new(StringArray::from(wards.to_vec()))),
        ]);
        MeshBuilder::new()
            .user("nurse", &["nurses"])
            .table(TableBuilder::new("care.visits.patients", vec![rows]).partitioned_by("ward").classified("ward", "restricted"))
            .domain_policy(
                "care",
                r#"@id("nurses-read") permit (principal in Group::"nurses", action in [Action::"discover", Action::"select"], resource in Domain::"care");"#,
            )
            .governance_policy(
                r#"@id("no-restricted") forbid (principal, action == Action::"select", resource) when { resource.classification == "restricted" };"#,
            )
            .build()
            .await
    }
    let (one, other) =
        (patients(["oncology", "surgery", "oncology"]).await, patients(["birth", "birth", "birth"]).await);
    for sql in [
        "SELECT * FROM care.visits.patients ORDER BY id",
        "SELECT count(*) FROM care.visits.patients",
        "SELECT ward FROM care.visits.patients",
        "SELECT id FROM care.visits.patients WHERE ward = 'surgery'",
        "EXPLAIN SELECT * FROM care.visits.patients",
        "EXPLAIN VERBOSE SELECT * FROM care.visits.patients WHERE id > 1",
        "EXPLAIN FORMAT TREE SELECT * FROM care.visits.patients",
        "EXPLAIN FORMAT PGJSON SELECT * FROM care.visits.patients",
        "EXPLAIN FORMAT GRAPHVIZ SELECT * FROM care.visits.patients",
        "DESCRIBE care.visits.patients",
    ] {
        let (told, same) = (one.answer("nurse", sql).await, other.answer("nurse", sql).await);
        assert_eq!(told, same, "{sql}");
        assert!(!told.contains("oncology"), "{sql}: {told}");
    }
    let analysed = one.answer("nurse", "EXPLAIN ANALYZE SELECT * FROM care.visits.patients").await;
    assert!(!analysed.contains("oncology") && !analysed.contains("ward"), "{analysed}");
}

#[tokio::test]
async fn attack_36_a_row_filter_that_may_fail_does_not_load() {
    let mesh = mesh().await;
    let file = mesh.catalog().join("domains/sales/policies/sales.cedar");
    let good = std::fs::read_to_string(&file).unwrap();
    for filter in ["CAST(region AS BIGINT) = 1", "1 / id > 0", "region::INT > 0", "amount / amount = 1"] {
        let bad = good.replace("region = principal.region", filter);
        assert_ne!(bad, good);
        std::fs::write(&file, bad).unwrap();
        if mesh.live().reload().is_ok() {
            let told = mesh.answer("desk", "SELECT id FROM sales.orders.items").await;
            assert!(told.starts_with("error"), "{filter}: {told}");
        }
    }
}
