//! EXPLAIN: the caller's own plan, and nothing from below it.

use super::mesh::{World, mesh, mesh_of};

const FORMATS: [&str; 7] = [
    "EXPLAIN",
    "EXPLAIN VERBOSE",
    "EXPLAIN ANALYZE",
    "EXPLAIN ANALYZE VERBOSE",
    "EXPLAIN FORMAT TREE",
    "EXPLAIN FORMAT PGJSON",
    "EXPLAIN FORMAT GRAPHVIZ",
];

#[tokio::test]
async fn a_plan_ends_at_the_barrier() {
    let mesh = mesh().await;
    insta::assert_snapshot!(
        mesh.answer("desk", "EXPLAIN SELECT email, sum(amount) FROM sales.orders.items WHERE id > 1 GROUP BY email").await,
        @"
    +---------------+------------------------------------------------------------------------------------------------------------------------------------------------------+
    | plan_type     | plan                                                                                                                                                 |
    +---------------+------------------------------------------------------------------------------------------------------------------------------------------------------+
    | logical_plan  | Aggregate: groupBy=[[sales.orders.items.email]], aggr=[[sum(sales.orders.items.amount)]]                                                             |
    |               |   Projection: sales.orders.items.amount, sales.orders.items.email                                                                                    |
    |               |     Filter: sales.orders.items.id > Int64(1)                                                                                                         |
    |               |       TableScan: sales.orders.items projection=[id, amount, email], partial_filters=[sales.orders.items.id > Int64(1)]                               |
    | physical_plan | AggregateExec: mode=Single, gby=[email@1 as email], aggr=[sum(sales.orders.items.amount)]                                                            |
    |               |   FilterExec: id@0 > 1, projection=[amount@1, email@2]                                                                                               |
    |               |     CooperativeExec                                                                                                                                  |
    |               |       SecurityBarrierExec: table=sales.orders.items, policies=[desk-own-region, emails-hashed, no-restricted-in-clear, staff-discover, staff-select] |
    |               |                                                                                                                                                      |
    +---------------+------------------------------------------------------------------------------------------------------------------------------------------------------+
    "
    );
}

#[tokio::test]
async fn no_format_shows_paths_policies_or_what_is_hidden() {
    let mesh = mesh().await;
    let folder = mesh.folder().to_str().unwrap().trim_start_matches('/').to_owned();
    for user in ["owner", "analyst", "desk"] {
        for format in FORMATS {
            let sql = "SELECT id, amount FROM sales.orders.items WHERE amount > 1 ORDER BY id LIMIT 3";
            let shown = mesh.answer(user, &format!("{format} {sql}")).await;
            assert!(!shown.starts_with("error"), "{format}: {shown}");
            for secret in [folder.as_str(), ".parquet", "principal.region", "part-0", "4111", "east"] {
                assert!(!shown.contains(secret), "{user} {format} shows {secret}: {shown}");
            }
        }
    }
}

#[tokio::test]
async fn the_free_plan_is_told_with_its_scan() {
    let mesh = mesh().await;
    insta::assert_snapshot!(
        mesh.answer("owner", "EXPLAIN SELECT id FROM sales.orders.items WHERE amount > 1").await,
        @"
    +---------------+---------------------------------------------------------------------------------------------------------------------+
    | plan_type     | plan                                                                                                                |
    +---------------+---------------------------------------------------------------------------------------------------------------------+
    | logical_plan  | Projection: sales.orders.items.id                                                                                   |
    |               |   Filter: sales.orders.items.amount > Float64(1)                                                                    |
    |               |     TableScan: sales.orders.items projection=[id, amount], partial_filters=[sales.orders.items.amount > Float64(1)] |
    | physical_plan | FilterExec: amount@1 > 1, projection=[id@0]                                                                         |
    |               |   TableScan: table=sales.orders.items, columns=[id, amount], predicate=amount@2 > 1                                 |
    |               |                                                                                                                     |
    +---------------+---------------------------------------------------------------------------------------------------------------------+
    "
    );
}

#[tokio::test]
async fn hidden_rows_change_no_plan() {
    let one = mesh().await;
    for (user, world) in [("analyst", World::OtherColumns), ("desk", World::OtherColumns), ("desk", World::OtherRows)] {
        let other = mesh_of(world).await;
        for format in FORMATS.iter().filter(|format| !format.contains("ANALYZE")) {
            let sql = format!("{format} SELECT email, count(*) FROM sales.orders.items GROUP BY email");
            assert_eq!(one.answer(user, &sql).await, other.answer(user, &sql).await);
        }
    }
}
