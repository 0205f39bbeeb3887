//! The life of a query: its record, its end, its place among others.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt};
use meshgate_query::{Config, Outcome, QueryError, QueryRequest};
use meshgate_testkit::Variant;

use super::mesh::mesh;

fn request(sql: &str) -> QueryRequest {
    QueryRequest { sql: sql.to_owned(), ..QueryRequest::default() }
}

/// Runs for minutes, and gives a first batch at once.
const ENDLESS: &str = "SELECT a.value FROM generate_series(1, 100000000) AS a CROSS JOIN generate_series(1, 1000) AS b";

#[tokio::test]
async fn a_query_leaves_one_record() {
    let mesh = mesh().await;
    mesh.query("analyst", "SELECT email FROM sales.orders.items WHERE amount > 1").await.unwrap();
    let records = mesh.records();
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!((record.user.as_str(), record.outcome, record.rows), ("analyst", Outcome::Finished, 4));
    assert_eq!(record.catalog_revision, mesh.live().current().catalog.revision());
    let [table] = record.tables.as_slice() else { panic!("{record:?}") };
    assert_eq!(table.table, "sales.orders.items");
    assert_eq!(table.columns, ["amount", "email"]);
    assert!(table.version.is_some());
    assert!(
        table.policies.iter().any(|policy| policy.ends_with("governance.cedar#no-restricted-in-clear")),
        "{table:?}"
    );
    assert!(record.bytes > 0 && record.planning <= record.total && !record.query_id.is_empty());
}

#[tokio::test]
async fn failures_are_recorded_and_name_no_value() {
    let mesh = mesh().await;
    for (sql, code) in [
        ("SELEC", "InvalidArgument"),
        ("SELECT card FROM sales.orders.items", "PermissionDenied"),
        ("SELECT * FROM nowhere", "NotFound"),
        ("DROP TABLE x", "Unimplemented"),
    ] {
        mesh.query("analyst", sql).await.unwrap_err();
        let record = mesh.last_record();
        assert_eq!(
            (record.outcome, record.error_code.as_deref(), record.sql.as_str()),
            (Outcome::Failed, Some(code), sql)
        );
    }
    let error = mesh.query("analyst", "SELECT CAST(region AS BIGINT) FROM sales.orders.items").await.unwrap_err();
    assert!(error.to_string().contains("east") || error.to_string().contains("west"), "{error}");
    let record = mesh.last_record();
    assert_eq!(record.outcome, Outcome::Failed);
    let text = record.error.unwrap();
    assert!(!text.contains("east") && !text.contains("west"), "{text}");
    let count = mesh.records().len();
    mesh.engine().prepare(&mesh.principal("analyst"), &request("SELECT 1")).await.unwrap();
    assert_eq!(mesh.records().len(), count, "describing is not querying");
    mesh.engine().prepare(&mesh.principal("analyst"), &request("SELECT x")).await.unwrap_err();
    assert_eq!(mesh.last_record().outcome, Outcome::Failed);
}

#[tokio::test]
async fn a_dropped_stream_ends_the_query() {
    let mesh = mesh().await;
    let planned = mesh.engine().plan(&mesh.principal("analyst"), request(ENDLESS)).await.unwrap();
    let mut stream = planned.execute().await.unwrap();
    assert!(stream.next().await.unwrap().unwrap().num_rows() > 0);
    drop(stream);
    let record = mesh.last_record();
    assert_eq!(record.outcome, Outcome::Cancelled);
    assert!(record.rows > 0);
    let dropped = Instant::now();
    while mesh.engine().running_tasks() > 0 {
        assert!(dropped.elapsed() < Duration::from_secs(5), "tasks are left");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_plan_that_is_not_run_is_a_cancelled_query() {
    let mesh = mesh().await;
    drop(mesh.engine().plan(&mesh.principal("analyst"), request("SELECT 1")).await.unwrap());
    assert_eq!(mesh.last_record().outcome, Outcome::Cancelled);
}

#[tokio::test]
async fn a_deadline_holds_across_the_stream() {
    let mesh = mesh().await;
    let deadline = Some(Instant::now() + Duration::from_millis(1_500));
    let late = QueryRequest { deadline, ..request(ENDLESS) };
    let planned = mesh.engine().plan(&mesh.principal("analyst"), late).await.unwrap();
    let ended = planned.execute().await.unwrap().try_for_each(|_| std::future::ready(Ok(()))).await;
    assert!(matches!(ended, Err(QueryError::DeadlineExceeded)), "{ended:?}");
    assert_eq!(mesh.last_record().error_code.as_deref(), Some("DeadlineExceeded"));
    let past = QueryRequest { deadline: Some(Instant::now()), ..request("SELECT 1") };
    let ended = mesh.run(mesh.engine(), "analyst", past).await;
    assert!(matches!(ended, Err(QueryError::DeadlineExceeded)), "{ended:?}");
}

#[tokio::test]
async fn queries_wait_for_their_place() {
    let mesh = mesh().await;
    let config = Config { concurrent_queries: 1, ..Variant::ALL[0].config() };
    let (engine, records) = mesh.engine_with(config);
    let analyst = mesh.principal("analyst");
    let first = engine.plan(&analyst, request(ENDLESS)).await.unwrap().execute().await.unwrap();
    let second = engine.plan(&analyst, request("SELECT id FROM sales.orders.items")).await.unwrap();
    let waiting = tokio::spawn(async move { second.execute().await.unwrap().try_collect::<Vec<_>>().await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!waiting.is_finished());
    assert!(records.records().is_empty());
    drop(first);
    let rows: usize = waiting.await.unwrap().unwrap().iter().map(|batch| batch.num_rows()).sum();
    assert_eq!(rows, 6);
}

#[tokio::test]
async fn a_query_over_its_budget_gets_a_clear_error() {
    let mesh = mesh().await;
    let config = Config { memory_limit: Some(1 << 20), ..Variant::ALL[0].config() };
    let (engine, _) = mesh.engine_with(config);
    let sql = "SELECT count(*) FROM generate_series(1, 3000000) AS a JOIN generate_series(1, 3000000) AS b ON a.value = b.value";
    let error = mesh.run(&engine, "analyst", request(sql)).await.unwrap_err();
    assert!(matches!(&error, QueryError::ResourcesExhausted(text) if text.contains("memory")), "{error:?}");
    assert_eq!(mesh.run(&engine, "analyst", request("SELECT 1")).await.unwrap().len(), 1, "the engine goes on");
}

#[tokio::test]
async fn one_query_reads_one_revision() {
    let mesh = mesh().await;
    let sql = "SELECT count(*) FROM sales.orders.items";
    let planned = mesh.engine().plan(&mesh.principal("desk"), request(sql)).await.unwrap();
    let before = mesh.live().current().catalog.revision().to_owned();
    mesh.change(
        "domains/sales/policies/sales.cedar",
        "@id(\"none\") forbid (principal, action, resource in Domain::\"sales\");",
    );
    assert_ne!(mesh.live().current().catalog.revision(), before);
    planned.execute().await.unwrap().try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(mesh.last_record().catalog_revision, before);
    assert!(mesh.answer("desk", sql).await.starts_with("error NotFound"));
}

#[tokio::test]
async fn a_broken_file_leaves_the_last_good_revision() {
    let mesh = Arc::new(mesh().await);
    let before = mesh.live().current().catalog.revision().to_owned();
    let file = mesh.catalog().join("domains/sales/policies/sales.cedar");
    let good = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, "permit (").unwrap();
    mesh.live().reload().unwrap_err();
    assert_eq!(mesh.live().current().catalog.revision(), before);
    assert!(mesh.live().failed_reload().unwrap().report.has_errors());
    std::fs::write(&file, good).unwrap();
    mesh.live().reload().unwrap();
    assert!(mesh.live().failed_reload().is_none());
}

/// On stacks of a thread's usual size these ended the process.
#[tokio::test]
async fn statements_that_nest_deeply_are_answered_or_refused() {
    let mesh = mesh().await;
    let chain = format!("SELECT 1 AS one WHERE 1 = 1{}", " AND 1 = 1".repeat(1_500));
    assert_eq!(mesh.query("analyst", &chain).await.unwrap()[0].num_rows(), 1);
    for deep in [
        format!("SELECT NULL::{}int{}", "struct<a ".repeat(1_500), ">".repeat(1_500)),
        format!("SELECT 1{}", " EXCEPT SELECT 1".repeat(1_000)),
        format!("SELECT {}'1 day'", "INTERVAL ".repeat(1_000)),
        format!("SELECT 1{}", " + 1".repeat(20_000)),
        "EXPLAIN ".repeat(3_000),
    ] {
        let _ = mesh.query("analyst", &deep).await;
    }
    assert_eq!(mesh.query("analyst", "SELECT 1").await.unwrap()[0].num_rows(), 1, "the engine goes on");
}

/// Such a join makes rows for minutes before the aggregate above it gives one.
#[tokio::test]
async fn a_cancelled_join_of_everything_computes_no_longer() {
    let mesh = mesh().await;
    let sql = "SELECT count(*) FROM generate_series(1, 1000000) AS a JOIN generate_series(1, 1000000) AS b \
               ON a.value * 3 < b.value * 2";
    let planned = mesh.engine().plan(&mesh.principal("analyst"), request(sql)).await.unwrap();
    let mut stream = planned.execute().await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(300), stream.next()).await.is_err());
    drop(stream);
    let dropped = Instant::now();
    while mesh.engine().running_tasks() > 0 {
        assert!(dropped.elapsed() < Duration::from_secs(20), "tasks are left");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
