//! Attacks by SQL, by the numbers of the design's list.

use datafusion::{
    datasource::provider_as_source,
    logical_expr::{LogicalPlanBuilder, cast, col, lit},
};

use super::*;

/// Runs each statement on both meshes and on the copy that holds only what the caller may see.
async fn check(statements: &[&str]) {
    for partitions in [1, 4] {
        let setup = Setup::new(partitions);
        let reference = setup.plain();
        reference.register_table("items", visible_copy(partitions)).unwrap();
        let [one, other] = Mesh::BOTH.map(|mesh| setup.context(mesh.table(partitions), east()));
        for sql in statements {
            let (left, right) = (outcome(&one, sql).await, outcome(&other, sql).await);
            assert_eq!(left, right, "the meshes differ, {partitions} partitions: {sql}");
            assert_eq!(left, outcome(&reference, sql).await, "not the copy's answer, {partitions} partitions: {sql}");
            assert!(!left.contains(CANARY), "{sql}: {left}");
        }
    }
}

#[tokio::test]
async fn casts_divisions_and_overflows_see_no_hidden_row() {
    // 1
    check(&[
        "SELECT count(*) FROM items WHERE CAST(note AS BIGINT) >= 0",
        "SELECT count(*) FROM items WHERE 10 / amount >= 0",
        "SELECT count(*) FROM items WHERE 9223372036854775807 - amount < 0",
        "SELECT sum(CAST(note AS BIGINT)) FROM items",
        "SELECT id, CAST(note AS BIGINT) / amount FROM items WHERE amount IS NOT NULL ORDER BY 10 / amount, id",
        "SELECT count(*) FROM items i JOIN regions r ON i.region = r.region AND CAST(i.note AS BIGINT) > 0",
        "SELECT count(*) FROM items i JOIN regions r ON CAST(i.note AS BIGINT) > 0",
        "SELECT amount, count(*) FROM items GROUP BY amount HAVING 10 / amount > 2",
        "SELECT count(*) FROM items WHERE region LIKE 'E%' AND CAST(note AS BIGINT) >= 0",
        "SELECT count(*) FROM items WHERE CAST(email AS BIGINT) >= 0",
    ])
    .await;
}

#[tokio::test]
async fn a_guarded_case_is_no_oracle() {
    // 2
    check(&[
        "SELECT count(*) FROM items WHERE CASE WHEN region = 'NORTH' THEN 1 / (amount - amount) > 0 ELSE true END",
        "SELECT sum(CASE WHEN region <> 'EAST' THEN 1 / (amount - amount) ELSE 1 END) FROM items",
        "SELECT count(*) FROM items WHERE coalesce(CASE WHEN note LIKE 'CANARY%' THEN CAST(note AS BIGINT) END, 0) = 0",
    ])
    .await;
}

#[tokio::test]
async fn a_masked_column_is_its_masked_value_everywhere() {
    // 4, 6
    check(&[
        "SELECT count(*) FROM items WHERE email LIKE 'abc%'",
        "SELECT count(*) FROM items WHERE email = 'abcde1@mail.org'",
        "SELECT count(*) FROM items WHERE email = 'xxxxxn@xxxx.xxx'",
        "SELECT count(*) FROM items WHERE email IN ('vwxyz1@post.net', 'xxxxxn@xxxx.xxx')",
        "SELECT email, count(*) FROM items GROUP BY email ORDER BY email",
        "SELECT count(DISTINCT email), min(email), max(upper(email)) FROM items",
        "SELECT id FROM items ORDER BY email, id LIMIT 3",
        "SELECT count(*) FROM items a JOIN items b ON a.email = b.email",
        "SELECT id, amount FROM items WHERE email > 'w' AND id < 10",
    ])
    .await;
}

#[tokio::test]
async fn counts_bounds_and_limits_are_of_what_shows() {
    // 8
    check(&[
        "SELECT count(*) FROM items",
        "SELECT count(1), count(id), count(amount) FROM items",
        "SELECT min(id), max(id), min(note), max(note) FROM items",
        "SELECT count(DISTINCT region), count(DISTINCT amount) FROM items",
        "SELECT count(*) FROM (SELECT * FROM items LIMIT 5)",
        "SELECT count(*) FROM (SELECT id FROM items LIMIT 500)",
        "SELECT count(*) FROM (SELECT * FROM items WHERE CAST(note AS BIGINT) > 0 LIMIT 5)",
        "SELECT id FROM items ORDER BY id DESC LIMIT 4",
        "SELECT id FROM items WHERE region = 'EAST' ORDER BY note LIMIT 4 OFFSET 2",
        "SELECT count(*) FROM items WHERE region = 'WEST' OR region = 'NORTH'",
        "SELECT count(*) FROM items WHERE region IS NULL OR amount IS NULL",
        "SELECT count(*) FROM items WHERE id BETWEEN 1 AND 3 OR id IN (7, 8, 5001)",
    ])
    .await;
}

#[tokio::test]
async fn queries_within_queries_see_the_same() {
    // 5, 14, 15
    check(&[
        "WITH east AS (SELECT * FROM items) SELECT count(*) FROM east a JOIN east b USING (id)",
        "SELECT * FROM items a WHERE id = (SELECT max(id) FROM items b WHERE b.region = a.region)",
        "SELECT count(*) FROM items a WHERE EXISTS (SELECT 1 FROM regions r WHERE r.region = a.region)",
        "SELECT region FROM regions WHERE region NOT IN (SELECT region FROM items)",
        "SELECT (SELECT sum(10 / amount) FROM items)",
        "SELECT a.id, b.note FROM items a, items b WHERE a.id = b.id AND a.amount = 5",
        "SELECT region FROM items UNION SELECT region FROM regions",
        "SELECT * FROM items UNION ALL SELECT * FROM items WHERE id = 1",
        "SELECT id, (SELECT count(*) FROM items b WHERE b.id < a.id) FROM items a",
        "SELECT sum(amount) OVER (ORDER BY id), row_number() OVER (PARTITION BY region ORDER BY id) FROM items",
    ])
    .await;
}

#[tokio::test]
async fn a_denied_column_is_one_that_does_not_exist() {
    // 10, 11
    for mesh in Mesh::BOTH {
        let context = Setup::new(1).context(mesh.table(1), east());
        for hidden in ["ssn", "undeclared"] {
            let denied = outcome(&context, &format!("SELECT {hidden} FROM items")).await;
            let absent = outcome(&context, "SELECT nothing FROM items").await;
            assert_eq!(denied.replace(hidden, "…"), absent.replace("nothing", "…"));
        }
        // Did-you-mean knows the same columns.
        let near = outcome(&context, "SELECT undeclare FROM items").await;
        assert!(!near.contains("undeclared"), "{near}");
        let listed = outcome(&context, "SELECT column_name FROM information_schema.columns").await;
        assert!(listed.contains("email") && !listed.contains("ssn") && !listed.contains("undeclared"), "{listed}");
    }
}

#[tokio::test]
async fn a_recursive_query_starts_each_round_afresh() {
    // 14: the join fills a dynamic filter in each round; one that stays would hide later rounds' rows.
    for partitions in [1, 4] {
        let setup = Setup::new(partitions);
        let files = files::Files::write(&Mesh::One.rows(), 8);
        let context = setup.context(files.provider().await, east());
        let sql = "WITH RECURSIVE steps AS (
                SELECT id, 0 AS depth FROM items WHERE id = 0
                UNION ALL
                SELECT i.id, s.depth + 1 FROM steps s JOIN items i ON i.id = s.id + 7 WHERE s.depth < 4
            ) SELECT id FROM steps ORDER BY id";
        let found = outcome(&context, sql).await;
        for id in ["| 0 ", "| 7 ", "| 14 ", "| 21 ", "| 28 "] {
            assert!(found.contains(id), "{partitions} partitions, {id} is missing: {found}");
        }
    }
}

/// Filters as Substrait puts them into a scan, past the optimizer and `supports_filters_pushdown`.
#[tokio::test]
async fn filters_put_into_a_scan_are_judged_again() {
    // 12
    for partitions in [1, 4] {
        for (filter, projection, limit) in [
            (cast(col("items.note"), DataType::Int64).gt_eq(lit(0_i64)), None, None),
            (cast(col("items.note"), DataType::Int64).gt_eq(lit(0_i64)), Some(vec![0]), Some(3)),
            ((lit(10_i64) / col("items.amount")).gt_eq(lit(0_i64)), Some(vec![1, 0]), None),
            (col("items.email").eq(lit("abcde1@mail.org")), Some(vec![]), None),
            (col("items.email").like(lit("xxxxxn%")), Some(vec![0, 4]), None),
            (col("items.id").eq(lit(1_i64)), Some(vec![3]), None),
        ] {
            let mut outcomes = Vec::new();
            for mesh in Mesh::BOTH {
                let setup = Setup::new(partitions);
                let context = setup.plain();
                let governed = setup.govern(mesh.table(partitions), east());
                let scan = LogicalPlanBuilder::scan_with_filters_fetch(
                    "items",
                    provider_as_source(governed),
                    projection.clone(),
                    vec![filter.clone()],
                    limit,
                );
                let scan = scan.unwrap().build().unwrap();
                // No optimizer: the filters reach the scan as they are.
                let state = context.state();
                let planned = state.query_planner().create_physical_plan(&scan, &state).await;
                let batches = match planned {
                    Ok(plan) => collect(plan, context.task_ctx()).await,
                    Err(error) => Err(error),
                };
                outcomes.push(match batches {
                    Ok(batches) => {
                        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
                        if let Some(limit) = limit {
                            assert_eq!(rows, limit);
                            format!("{rows} rows")
                        } else {
                            let text = pretty_format_batches(&batches).unwrap().to_string();
                            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
                            lines.sort();
                            format!("{rows} rows\n{}", lines.join("\n"))
                        }
                    }
                    Err(error) => format!("error: {}", error.strip_backtrace()),
                });
            }
            assert_eq!(outcomes[0], outcomes[1], "{partitions} partitions: {filter}");
            assert!(!outcomes[0].contains("error"), "{filter}: {}", outcomes[0]);
        }
    }
}

#[tokio::test]
async fn the_deterministic_mode_gives_the_same_bytes() {
    for sql in [
        "SELECT * FROM items",
        "SELECT id, email FROM items WHERE CAST(note AS BIGINT) > 1003 LIMIT 7",
        "SELECT count(*) FROM items",
        "SELECT array_agg(id), first_value(note) FROM items",
    ] {
        let mut answers = Vec::new();
        for (mesh, partitions) in [(Mesh::One, 1), (Mesh::Other, 1), (Mesh::One, 4), (Mesh::Other, 3)] {
            let setup = Setup { deterministic: true, ..Setup::new(4) };
            let context = setup.context(mesh.table(partitions), east());
            answers.push(run(&context, sql).await.unwrap());
        }
        // Batch by batch, in order.
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{sql}");
    }
}
