//! Prepared statements: parameters, their types, one schema.

use datafusion::{arrow::datatypes::DataType, common::ScalarValue};
use meshgate_query::QueryRequest;
use meshgate_testkit::shown;

use super::mesh::mesh;

fn request(sql: &str, parameters: Vec<ScalarValue>) -> QueryRequest {
    QueryRequest { sql: sql.to_owned(), parameters, ..QueryRequest::default() }
}

#[tokio::test]
async fn parameters_have_the_types_that_the_statement_tells() {
    let mesh = mesh().await;
    let analyst = mesh.principal("analyst");
    let sql =
        "SELECT id, ? AS given FROM sales.orders.items WHERE amount > ? AND region IN (?, ?) AND sold_on >= ? LIMIT ?";
    let prepared = mesh.engine().prepare(&analyst, &request(sql, vec![])).await.unwrap();
    let told: Vec<String> = prepared
        .parameters
        .iter()
        .map(|field| format!("{} {} {}", field.name(), field.data_type(), field.is_nullable()))
        .collect();
    assert_eq!(
        told,
        ["$1 Utf8 true", "$2 Float64 true", "$3 Utf8View true", "$4 Utf8View true", "$5 Date32 true", "$6 Int64 true"]
    );
    assert_eq!(prepared.pinned.keys().map(ToString::to_string).collect::<Vec<_>>(), ["sales.orders.items"]);
    let values = vec![
        ScalarValue::from("x"),
        ScalarValue::from(5_i32),
        ScalarValue::from("east"),
        ScalarValue::from("west"),
        ScalarValue::from("2022-01-01"),
        ScalarValue::from(3_i64),
    ];
    let planned = mesh.engine().plan(&analyst, request(sql, values.clone())).await.unwrap();
    assert_eq!(planned.schema(), prepared.schema);
    let rows = mesh.run(mesh.engine(), "analyst", request(sql, values)).await.unwrap();
    assert_eq!(rows[0].schema(), prepared.schema);
    assert_eq!(rows.iter().map(|batch| batch.num_rows()).sum::<usize>(), 3);
}

#[tokio::test]
async fn a_cast_tells_the_type_of_its_parameter() {
    let mesh = mesh().await;
    let sql = "SELECT CAST(? AS INT) + 1 AS next, CAST(? AS DATE) AS day";
    let prepared = mesh.engine().prepare(&mesh.principal("analyst"), &request(sql, vec![])).await.unwrap();
    let told: Vec<&DataType> = prepared.parameters.iter().map(|field| field.data_type()).collect();
    assert_eq!(told, [&DataType::Int32, &DataType::Date32]);
    let values = vec![ScalarValue::from("41"), ScalarValue::from("2022-01-31")];
    insta::assert_snapshot!(shown(mesh.run(mesh.engine(), "analyst", request(sql, values)).await), @"
    +------+------------+
    | next | day        |
    +------+------------+
    | 42   | 2022-01-31 |
    +------+------------+
    ");
}

#[tokio::test]
async fn values_that_do_not_fit_are_named() {
    let mesh = mesh().await;
    let sql = "SELECT id FROM sales.orders.items WHERE id = $2 AND amount > $1";
    let one = ScalarValue::from(1_i64);
    let mut told = Vec::new();
    for values in [
        vec![],
        vec![one.clone()],
        vec![one.clone(), one.clone(), one.clone()],
        vec![one.clone(), ScalarValue::from("abc")],
        vec![one.clone(), ScalarValue::Null],
        vec![one.clone(), ScalarValue::from("4")],
    ] {
        told.push(shown(mesh.run(mesh.engine(), "analyst", request(sql, values)).await));
    }
    insta::assert_snapshot!(told.join("\n"), @"
    error InvalidArgument: parameter `$1` has no value: the statement takes 2, 0 came
    error InvalidArgument: parameter `$2` has no value: the statement takes 2, 1 came
    error InvalidArgument: there is no parameter `$3`: the statement takes 2, 3 came
    error InvalidArgument: parameter `$2` takes Int64: the value of type Utf8 does not fit
    +----+
    | id |
    +----+
    +----+
    +----+
    | id |
    +----+
    | 4  |
    +----+
    ");
}

#[tokio::test]
async fn every_statement_has_one_schema_and_it_is_not_empty() {
    let mesh = mesh().await;
    let analyst = mesh.principal("analyst");
    for sql in [
        "SELECT 1",
        "SELECT * FROM sales.orders.items",
        "SELECT 1 AS a UNION ALL SELECT 2.5",
        "VALUES (1, 'a'), (NULL, 'b')",
        "SELECT region, sum(amount) FROM sales.orders.items GROUP BY region",
        "SELECT a.*, b.email FROM sales.orders.items a LEFT JOIN sales.orders.items b ON a.id = b.id + 1",
        "EXPLAIN SELECT * FROM sales.orders.items",
        "EXPLAIN ANALYZE SELECT * FROM sales.orders.items",
        "DESCRIBE sales.orders.items",
        "SHOW COLUMNS FROM sales.orders.items",
        "SHOW TABLES",
        "SELECT * FROM information_schema.columns",
    ] {
        let prepared = mesh.engine().prepare(&analyst, &request(sql, vec![])).await.unwrap();
        assert!(!prepared.schema.fields().is_empty(), "{sql}");
        let planned = mesh.engine().plan(&analyst, request(sql, vec![])).await.unwrap();
        assert_eq!(planned.schema(), prepared.schema, "{sql}");
        for batch in mesh.query("analyst", sql).await.unwrap() {
            assert_eq!(batch.schema(), prepared.schema, "{sql}");
        }
    }
}

#[tokio::test]
async fn a_parameter_that_nothing_types_keeps_its_values_type() {
    let mesh = mesh().await;
    let sql = "SELECT abs($1) AS a";
    let rows = mesh.run(mesh.engine(), "analyst", request(sql, vec![ScalarValue::from(-3_i64)])).await.unwrap();
    assert_eq!(rows[0].schema().field(0).data_type(), &DataType::Int64);
    assert!(shown(Ok(rows)).contains('3'));
}

#[tokio::test]
async fn pinned_versions_are_read_again() {
    let mesh = mesh().await;
    let analyst = mesh.principal("analyst");
    let sql = "SELECT count(*) FROM sales.orders.items";
    let pinned = mesh.engine().prepare(&analyst, &request(sql, vec![])).await.unwrap().pinned;
    let folder = mesh.data().join("sales/orders_v1/items");
    std::fs::copy(folder.join("part-00000.parquet"), folder.join("part-00002.parquet")).unwrap();
    assert!(mesh.answer("analyst", sql).await.contains("9"));
    let again = shown(mesh.run(mesh.engine(), "analyst", QueryRequest { pinned, ..request(sql, vec![]) }).await);
    assert!(again.contains("| 6 ") || again.starts_with("error Unavailable: table `sales.orders.items`"), "{again}");
}
