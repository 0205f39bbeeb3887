//! What a person is told: of names that aren't there, columns they may not read, text that is not SQL, values that fail.

use meshgate_query::{QueryRequest, SessionSettings};
use meshgate_testkit::{TestMesh, shown};

use super::mesh::mesh;

/// The answers to several statements, one paragraph each.
async fn told(mesh: &TestMesh, user: &str, statements: &[&str]) -> String {
    let mut told = Vec::new();
    for sql in statements {
        told.push(format!("{sql}\n    {}", mesh.answer(user, sql).await.replace('\n', "\n    ")));
    }
    told.join("\n")
}

#[tokio::test]
async fn a_name_that_is_not_there() {
    let mesh = mesh().await;
    let statements = [
        "SELECT * FROM sale.orders.items",
        "SELECT * FROM sales.order.items",
        "SELECT * FROM sales.orders.item",
        "SELECT * FROM sales.orders.zebras",
        "SELECT * FROM items",
        "SELECT * FROM orders.items",
        "SELECT * FROM nothing",
        "SELECT * FROM \"sales.orders.items\"",
        "SELECT * FROM \"Sales\".orders.items",
        "SELECT * FROM SALES.Orders.ITEMS WHERE id = 0",
        "SELECT * FROM read_parquet('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT nosuch(1)",
        "SELECT lenght('x')",
    ];
    insta::assert_snapshot!(told(&mesh, "analyst", &statements).await, @r#"
    SELECT * FROM sale.orders.items
        error NotFound: domain `sale` does not exist; did you mean `sales`?
    SELECT * FROM sales.order.items
        error NotFound: product `sales.order` does not exist; did you mean `sales.orders`?
    SELECT * FROM sales.orders.item
        error NotFound: table `sales.orders.item` does not exist; did you mean `sales.orders.items`?
    SELECT * FROM sales.orders.zebras
        error NotFound: table `sales.orders.zebras` does not exist
    SELECT * FROM items
        error NotFound: table `items` does not exist; did you mean `sales.orders.items`?
    SELECT * FROM orders.items
        error NotFound: table `orders.items` does not exist; did you mean `sales.orders.items`?
    SELECT * FROM nothing
        error NotFound: table `nothing` does not exist; name it `domain.product.table`, or set the session's catalog and schema
    SELECT * FROM "sales.orders.items"
        error NotFound: table `sales.orders.items` does not exist; name it `domain.product.table`, or set the session's catalog and schema
    SELECT * FROM "Sales".orders.items
        error NotFound: domain `Sales` does not exist; did you mean `sales`?
    SELECT * FROM SALES.Orders.ITEMS WHERE id = 0
        +----+--------+--------+---------+-------+
        | id | region | amount | sold_on | email |
        +----+--------+--------+---------+-------+
        +----+--------+--------+---------+-------+
    SELECT * FROM read_parquet('/etc/passwd')
        error InvalidArgument: table function `read_parquet` is not offered; `generate_series` and `range` are
    SELECT * FROM '/etc/passwd'
        error NotFound: table `/etc/passwd` does not exist; name it `domain.product.table`, or set the session's catalog and schema
    SELECT nosuch(1)
        error InvalidArgument: function `nosuch` does not exist; did you mean `cosh`?
    SELECT lenght('x')
        error InvalidArgument: function `lenght` does not exist; did you mean `length`?
    "#);
}

#[tokio::test]
async fn what_may_not_be_discovered_does_not_exist_in_the_same_words() {
    let mesh = mesh().await;
    for (hidden, absent) in [
        ("SELECT * FROM shop.secret.plans", "SELECT * FROM shop.sacred.plans"),
        (
            "SELECT sku FROM shop.secret.plans, shop.stock.products",
            "SELECT sku FROM shop.sacred.plans, shop.stock.products",
        ),
    ] {
        let (hidden, absent) = (mesh.answer("guest", hidden).await, mesh.answer("guest", absent).await);
        assert!(hidden.starts_with("error NotFound: product `shop.secret` does not exist"), "{hidden}");
        assert_eq!(hidden.replace("secret", "sacred"), absent);
    }
    for user in ["stranger", "guest"] {
        let hidden = mesh.answer(user, "SELECT * FROM sales.orders.items").await;
        let absent = mesh.answer(user, "SELECT * FROM zales.orders.items").await;
        assert_eq!(hidden.replace("`sales`", "`zales`"), absent);
    }
    for clause in
        ["{} FROM sales.orders.items", "i.{} FROM sales.orders.items AS i", "1 FROM sales.orders.items ORDER BY {}"]
    {
        let hidden = mesh.answer("analyst", &format!("SELECT {}", clause.replace("{}", "note"))).await;
        let absent = mesh.answer("analyst", &format!("SELECT {}", clause.replace("{}", "nota"))).await;
        assert!(hidden.starts_with("error NotFound: column `note` does not exist"), "{hidden}");
        assert_eq!(hidden.replace("`note`", "`nota`"), absent);
    }
}

#[tokio::test]
async fn a_denied_column_is_named_wherever_it_is_used() {
    let mesh = mesh().await;
    let expected = "error PermissionDenied: access denied to column sales.orders.items.card: \
                    policy no-restricted-in-clear; ask sales-data (#sales-data)";
    for sql in [
        "SELECT card FROM sales.orders.items",
        "SELECT \"card\" FROM sales.orders.items",
        "SELECT i.card FROM sales.orders.items AS i",
        "SELECT items.card FROM sales.orders.items",
        "SELECT sales.orders.items.card FROM sales.orders.items",
        "SELECT 1 FROM sales.orders.items WHERE card = '4111'",
        "SELECT 1 FROM sales.orders.items ORDER BY card",
        "SELECT count(*) FROM sales.orders.items GROUP BY card",
        "SELECT count(*) FROM sales.orders.items GROUP BY region HAVING max(card) > 'a'",
        "SELECT 1 FROM sales.orders.items AS a JOIN sales.orders.items AS b ON a.card = b.card",
        "SELECT 1 FROM sales.orders.items AS a JOIN sales.orders.items AS b USING (card)",
        "SELECT (SELECT max(card) FROM sales.orders.items)",
        "SELECT 1 FROM shop.stock.products WHERE sku IN (SELECT card FROM sales.orders.items)",
        "WITH w AS (SELECT * FROM sales.orders.items) SELECT card FROM w",
        "SELECT x.card FROM (SELECT * FROM sales.orders.items) AS x",
        "SELECT rank() OVER (ORDER BY card) FROM sales.orders.items",
        "EXPLAIN SELECT card FROM sales.orders.items",
        "EXPLAIN VERBOSE SELECT card FROM sales.orders.items",
        "EXPLAIN ANALYZE SELECT card FROM sales.orders.items",
        "DESCRIBE SELECT card FROM sales.orders.items",
    ] {
        assert_eq!(mesh.answer("analyst", sql).await, expected, "{sql}");
    }
    let struct_field = mesh.answer("analyst", "SELECT home['city'], home.street FROM sales.orders.items").await;
    assert!(struct_field.contains("access denied to column sales.orders.items.home"), "{struct_field}");
}

#[tokio::test]
async fn a_strict_session_refuses_a_partial_star() {
    let mesh = mesh().await;
    let strict = |sql: &str| QueryRequest {
        sql: sql.to_owned(),
        session: SessionSettings { strict_star: true, ..SessionSettings::default() },
        ..QueryRequest::default()
    };
    for (sql, refused) in [
        ("SELECT * FROM sales.orders.items", true),
        ("SELECT i.* FROM shop.stock.products AS p CROSS JOIN sales.orders.items AS i", true),
        ("SELECT x.id FROM (SELECT * FROM sales.orders.items) AS x", true),
        ("FROM orders.items", true),
        ("SELECT p.* FROM shop.stock.products AS p CROSS JOIN sales.orders.items AS i", false),
        ("SELECT count(*) FROM sales.orders.items", false),
        ("SELECT * FROM shop.stock.products", false),
        ("DESCRIBE sales.orders.items", false),
    ] {
        let mut request = strict(sql);
        request.session.catalog = Some("sales".to_owned());
        let answer = shown(mesh.run(mesh.engine(), "analyst", request).await);
        assert_eq!(
            answer.starts_with("error PermissionDenied: `*` would leave columns out"),
            refused,
            "{sql}: {answer}"
        );
    }
}

#[tokio::test]
async fn text_and_values_that_do_not_fit() {
    let mesh = mesh().await;
    let statements = [
        "SELECT FROM",
        "SELECT 1 +",
        "SELECT id FROM sales.orders.items WHERE",
        "SELECT sum(region) FROM sales.orders.items",
        "SELECT id FROM sales.orders.items GROUP BY region",
        "SELECT id + region FROM sales.orders.items",
        "SELECT id FROM sales.orders.items a, sales.orders.items b",
        "SELECT id, id FROM sales.orders.items WHERE id = 1",
        "SELECT 10 / (id - 1) FROM sales.orders.items",
        "SELECT CAST(region AS BIGINT) FROM sales.orders.items",
        "SELECT CAST('x' AS BIGINT)",
        "SELECT 1 UNION SELECT 1, 2",
        "SELECT * FROM generate_series(1, 3)",
        "SELECT input_file_name() FROM sales.orders.items",
        "SELECT region FROM sales.orders.items WHERE ids = 3",
        "SELECT region FROM sales.orders.items AS s WHERE s.regoin = 'x'",
        "SELECT \"REGION\" FROM sales.orders.items",
        "SELECT SUM(amount) OVER w FROM sales.orders.items",
        "SHOW TABLES FROM a.b.c",
        "EXPLAIN (COSTS ON) SELECT 1",
    ];
    insta::assert_snapshot!(told(&mesh, "analyst", &statements).await, @r#"
    SELECT FROM
        error InvalidArgument: syntax error: expected identifier, but the text ends
    SELECT 1 +
        error InvalidArgument: syntax error: expected an expression, but the text ends
    SELECT id FROM sales.orders.items WHERE
        error InvalidArgument: syntax error: expected an expression, but the text ends
    SELECT sum(region) FROM sales.orders.items
        error InvalidArgument: no function fits `sum(Utf8View)`; there are sum(Decimal), sum(UInt64), sum(Int64), sum(Float64), sum(Duration), sum(Interval)
    SELECT id FROM sales.orders.items GROUP BY region
        error InvalidArgument: column `sales.orders.items.id` must be in GROUP BY, or inside an aggregate function
    SELECT id + region FROM sales.orders.items
        error InvalidArgument: cannot coerce arithmetic expression Int64 + Utf8View to valid types
    SELECT id FROM sales.orders.items a, sales.orders.items b
        error InvalidArgument: column `id` is in more than one table: write `table.id`
    SELECT id, id FROM sales.orders.items WHERE id = 1
        error InvalidArgument: projections require unique expression names but the expression "sales.orders.items.id" at position 0 and "sales.orders.items.id" at position 1 have the same name. Consider aliasing ("AS") one of them
    SELECT 10 / (id - 1) FROM sales.orders.items
        error InvalidArgument: division by zero
    SELECT CAST(region AS BIGINT) FROM sales.orders.items
        error InvalidArgument: cannot cast string 'east' to value of Int64 type
    SELECT CAST('x' AS BIGINT)
        error InvalidArgument: cannot cast string 'x' to value of Int64 type
    SELECT 1 UNION SELECT 1, 2
        error InvalidArgument: UNION queries have different number of columns
    SELECT * FROM generate_series(1, 3)
        +-------+
        | value |
        +-------+
        | 1     |
        | 2     |
        | 3     |
        +-------+
    SELECT input_file_name() FROM sales.orders.items
        error InvalidArgument: function `input_file_name` does not exist; did you mean `bit_length`?
    SELECT region FROM sales.orders.items WHERE ids = 3
        error NotFound: column `ids` does not exist in `sales.orders.items`; did you mean `id`?
    SELECT region FROM sales.orders.items AS s WHERE s.regoin = 'x'
        error NotFound: column `regoin` does not exist in `s`; did you mean `region`?
    SELECT "REGION" FROM sales.orders.items
        error NotFound: column `REGION` does not exist in `sales.orders.items`; did you mean `region`?
    SELECT SUM(amount) OVER w FROM sales.orders.items
        error InvalidArgument: the window w is not defined!
    SHOW TABLES FROM a.b.c
        error InvalidArgument: `a.b.c` is no domain or `domain.product`
    EXPLAIN (COSTS ON) SELECT 1
        error Unimplemented: EXPLAIN's option COSTS is not offered
    "#);
}
