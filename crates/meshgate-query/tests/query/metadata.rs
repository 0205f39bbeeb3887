//! What a caller learns of names: listings, `information_schema`, SHOW, DESCRIBE.

use meshgate_query::ListingFilter;

use super::mesh::mesh;

#[tokio::test]
async fn information_schema_is_the_callers_own() {
    let mesh = mesh().await;
    let tables =
        "SELECT table_catalog, table_schema, table_name, table_type FROM information_schema.tables ORDER BY 1, 2, 3";
    insta::assert_snapshot!(mesh.answer("owner", tables).await, @"
    +---------------+--------------+------------+------------+
    | table_catalog | table_schema | table_name | table_type |
    +---------------+--------------+------------+------------+
    | sales         | orders       | items      | BASE TABLE |
    | shop          | secret       | plans      | BASE TABLE |
    | shop          | stock        | products   | BASE TABLE |
    | shop          | stock_v1     | products   | BASE TABLE |
    +---------------+--------------+------------+------------+
    ");
    insta::assert_snapshot!(mesh.answer("guest", tables).await, @"
    +---------------+--------------+------------+------------+
    | table_catalog | table_schema | table_name | table_type |
    +---------------+--------------+------------+------------+
    | shop          | stock        | products   | BASE TABLE |
    | shop          | stock_v1     | products   | BASE TABLE |
    +---------------+--------------+------------+------------+
    ");
    assert_eq!(
        mesh.answer("stranger", "SELECT count(*) AS n FROM information_schema.tables").await,
        "+---+\n| n |\n+---+\n| 0 |\n+---+"
    );
    let columns = "SELECT column_name, ordinal_position, is_nullable, data_type, numeric_precision, column_comment \
                   FROM sales.information_schema.columns ORDER BY ordinal_position";
    insta::assert_snapshot!(mesh.answer("analyst", columns).await, @"
    +-------------+------------------+-------------+-----------+-------------------+----------------+
    | column_name | ordinal_position | is_nullable | data_type | numeric_precision | column_comment |
    +-------------+------------------+-------------+-----------+-------------------+----------------+
    | id          | 1                | YES         | BIGINT    | 64                | The id.        |
    | region      | 2                | YES         | VARCHAR   |                   | The region.    |
    | amount      | 3                | YES         | DOUBLE    | 53                | The amount.    |
    | sold_on     | 4                | YES         | DATE      |                   | The sold_on.   |
    | email       | 5                | YES         | VARCHAR   |                   | The email.     |
    +-------------+------------------+-------------+-----------+-------------------+----------------+
    ");
    let keys = "SELECT table_schema, table_name, column_name, ordinal_position FROM information_schema.key_column_usage \
                JOIN information_schema.table_constraints USING (constraint_catalog, constraint_schema, constraint_name, \
                table_catalog, table_schema, table_name) WHERE constraint_type = 'PRIMARY KEY' ORDER BY 1, 2";
    insta::assert_snapshot!(mesh.answer("analyst", keys).await, @"
    +--------------+------------+-------------+------------------+
    | table_schema | table_name | column_name | ordinal_position |
    +--------------+------------+-------------+------------------+
    | orders       | items      | id          | 1                |
    | stock_v1     | products   | sku         | 1                |
    +--------------+------------+-------------+------------------+
    ");
    insta::assert_snapshot!(mesh.answer("guest", "SELECT * FROM shop.information_schema.schemata").await, @"
    +--------------+-------------+--------------+
    | catalog_name | schema_name | schema_owner |
    +--------------+-------------+--------------+
    | shop         | stock       | shop-data    |
    | shop         | stock_v1    | shop-data    |
    +--------------+-------------+--------------+
    ");
    for (sql, told) in [
        ("SELECT * FROM sales.information_schema.tables", "error NotFound: domain `sales` does not exist"),
        (
            "SELECT * FROM information_schema.df_settings",
            "error Unimplemented: the engine's options (`information_schema.df_settings`) are not offered",
        ),
        (
            "SELECT * FROM information_schema.table",
            "error NotFound: table `information_schema.table` does not exist; did you mean `information_schema.tables`?",
        ),
    ] {
        assert_eq!(mesh.answer("guest", sql).await, told);
    }
}

#[tokio::test]
async fn show_and_describe_tell_no_more() {
    let mesh = mesh().await;
    let mut told = Vec::new();
    for sql in [
        "SHOW TABLES",
        "SHOW TABLES FROM shop LIKE 'p%'",
        "SHOW TABLES FROM sales.orders",
        "SHOW SCHEMAS",
        "SHOW CATALOGS",
        "SHOW COLUMNS FROM sales.orders.items",
        "DESCRIBE sales.orders.items",
        "DESCRIBE SELECT 1 AS one, NULL AS nothing, email FROM sales.orders.items",
        "DESCRIBE shop.secret.plans",
        "DESCRIBE information_schema.tables",
        "SHOW COLUMNS FROM shop.stock_v1.products",
    ] {
        told.push(format!("{sql}\n{}", mesh.answer("analyst", sql).await));
    }
    insta::assert_snapshot!(told.join("\n"), @"
    SHOW TABLES
    +---------------+--------------+------------+------------+
    | table_catalog | table_schema | table_name | table_type |
    +---------------+--------------+------------+------------+
    | sales         | orders       | items      | BASE TABLE |
    | shop          | stock        | products   | BASE TABLE |
    | shop          | stock_v1     | products   | BASE TABLE |
    +---------------+--------------+------------+------------+
    SHOW TABLES FROM shop LIKE 'p%'
    +---------------+--------------+------------+------------+
    | table_catalog | table_schema | table_name | table_type |
    +---------------+--------------+------------+------------+
    | shop          | stock        | products   | BASE TABLE |
    | shop          | stock_v1     | products   | BASE TABLE |
    +---------------+--------------+------------+------------+
    SHOW TABLES FROM sales.orders
    +---------------+--------------+------------+------------+
    | table_catalog | table_schema | table_name | table_type |
    +---------------+--------------+------------+------------+
    | sales         | orders       | items      | BASE TABLE |
    +---------------+--------------+------------+------------+
    SHOW SCHEMAS
    +--------------+-------------+
    | catalog_name | schema_name |
    +--------------+-------------+
    | sales        | orders      |
    | shop         | stock       |
    | shop         | stock_v1    |
    +--------------+-------------+
    SHOW CATALOGS
    +--------------+
    | catalog_name |
    +--------------+
    | sales        |
    | shop         |
    +--------------+
    SHOW COLUMNS FROM sales.orders.items
    +---------------+--------------+------------+-------------+-----------+-------------+--------------+
    | table_catalog | table_schema | table_name | column_name | data_type | is_nullable | comment      |
    +---------------+--------------+------------+-------------+-----------+-------------+--------------+
    | sales         | orders       | items      | id          | BIGINT    | YES         | The id.      |
    | sales         | orders       | items      | region      | VARCHAR   | YES         | The region.  |
    | sales         | orders       | items      | amount      | DOUBLE    | YES         | The amount.  |
    | sales         | orders       | items      | sold_on     | DATE      | YES         | The sold_on. |
    | sales         | orders       | items      | email       | VARCHAR   | YES         | The email.   |
    +---------------+--------------+------------+-------------+-----------+-------------+--------------+
    DESCRIBE sales.orders.items
    +-------------+-----------+-------------+--------------+
    | column_name | data_type | is_nullable | comment      |
    +-------------+-----------+-------------+--------------+
    | id          | BIGINT    | YES         | The id.      |
    | region      | VARCHAR   | YES         | The region.  |
    | amount      | DOUBLE    | YES         | The amount.  |
    | sold_on     | DATE      | YES         | The sold_on. |
    | email       | VARCHAR   | YES         | The email.   |
    +-------------+-----------+-------------+--------------+
    DESCRIBE SELECT 1 AS one, NULL AS nothing, email FROM sales.orders.items
    +-------------+-----------+-------------+------------+
    | column_name | data_type | is_nullable | comment    |
    +-------------+-----------+-------------+------------+
    | one         | BIGINT    | NO          |            |
    | nothing     | NULL      | YES         |            |
    | email       | VARCHAR   | YES         | The email. |
    +-------------+-----------+-------------+------------+
    DESCRIBE shop.secret.plans
    error NotFound: product `shop.secret` does not exist
    DESCRIBE information_schema.tables
    +---------------+-----------+-------------+---------+
    | column_name   | data_type | is_nullable | comment |
    +---------------+-----------+-------------+---------+
    | table_catalog | VARCHAR   | NO          |         |
    | table_schema  | VARCHAR   | NO          |         |
    | table_name    | VARCHAR   | NO          |         |
    | table_type    | VARCHAR   | NO          |         |
    | table_comment | VARCHAR   | YES         |         |
    +---------------+-----------+-------------+---------+
    SHOW COLUMNS FROM shop.stock_v1.products
    +---------------+--------------+------------+-------------+-----------+-------------+------------+
    | table_catalog | table_schema | table_name | column_name | data_type | is_nullable | comment    |
    +---------------+--------------+------------+-------------+-----------+-------------+------------+
    | shop          | stock_v1     | products   | sku         | VARCHAR   | YES         | The sku.   |
    | shop          | stock_v1     | products   | price       | BIGINT    | YES         | The price. |
    +---------------+--------------+------------+-------------+-----------+-------------+------------+
    ");
}

#[tokio::test]
async fn a_listing_names_what_is_readable_once() {
    let mesh = mesh().await;
    let names = async |user: &str, filter: ListingFilter| -> Vec<String> {
        let listing = mesh.engine().list(&mesh.principal(user), &filter).await.unwrap();
        listing.tables.iter().map(|table| table.name.to_string()).collect()
    };
    let all = ListingFilter::default();
    assert_eq!(
        names("owner", all.clone()).await,
        ["sales.orders.items", "shop.secret.plans", "shop.stock.products", "shop.stock_v1.products"]
    );
    assert_eq!(names("guest", all.clone()).await, ["shop.stock.products", "shop.stock_v1.products"]);
    assert_eq!(names("stranger", all.clone()).await, Vec::<String>::new());
    let exactly = ListingFilter { schema_pattern: Some("orders_v1".to_owned()), ..all.clone() };
    assert_eq!(names("analyst", exactly).await, ["sales.orders_v1.items"]);
    let pattern = ListingFilter { schema_pattern: Some("s%".to_owned()), table_pattern: Some("%s".to_owned()), ..all };
    assert_eq!(names("owner", pattern).await, ["shop.secret.plans", "shop.stock.products", "shop.stock_v1.products"]);
}

#[tokio::test]
async fn a_listing_has_the_columns_that_a_star_reads() {
    let mesh = mesh().await;
    for user in ["owner", "analyst", "desk"] {
        let filter = ListingFilter { with_columns: true, ..ListingFilter::default() };
        for table in mesh.engine().list(&mesh.principal(user), &filter).await.unwrap().tables {
            let rows = mesh.query(user, &format!("SELECT * FROM {}", table.name)).await.unwrap();
            assert_eq!(table.schema, rows.first().map(|batch| batch.schema()), "{user} {}", table.name);
        }
    }
}

#[tokio::test]
async fn a_table_whose_files_are_gone_fails_alone() {
    let mesh = mesh().await;
    std::fs::remove_dir_all(mesh.data().join("sales/orders_v1/items")).unwrap();
    let filter = ListingFilter { with_columns: true, ..ListingFilter::default() };
    let listed = mesh.engine().list(&mesh.principal("analyst"), &filter).await.unwrap();
    let names: Vec<String> = listed.tables.iter().map(|table| table.name.to_string()).collect();
    assert_eq!(names, ["shop.stock.products", "shop.stock_v1.products"]);
    let gone = mesh.answer("analyst", "SELECT count(*) FROM sales.orders.items, shop.stock.products").await;
    assert!(gone.starts_with("error Unavailable: table `sales.orders.items` can't be read"), "{gone}");
    assert!(!gone.contains(mesh.folder().to_str().unwrap()), "{gone}");
    assert!(mesh.answer("analyst", "SELECT count(*) FROM shop.stock.products").await.contains("3"));
}
