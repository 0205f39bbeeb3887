//! What a tool's tree is filled from.

use arrow_flight::{
    FlightInfo, IpcMessage,
    sql::{
        CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys,
        CommandGetPrimaryKeys, CommandGetTables, CommandGetXdbcTypeInfo,
    },
};
use datafusion::arrow::{
    array::{AsArray, RecordBatch},
    datatypes::{Field, Schema},
};

use crate::gateway::{Client, Gateway, read, shown};

/// The rows; and the promise of their schema was kept.
async fn rows(client: &mut Client, info: Result<FlightInfo, arrow_flight::error::FlightError>) -> RecordBatch {
    let info = info.unwrap();
    let batch = read(client, &info).await.unwrap();
    assert_eq!(*batch.schema(), info.try_decode_schema().unwrap());
    batch
}

fn tables() -> CommandGetTables {
    CommandGetTables::default()
}

async fn names(client: &mut Client, command: CommandGetTables) -> Vec<String> {
    let info = client.get_tables(command).await;
    let batch = rows(client, info).await;
    let part = |column: usize, row: usize| batch.column(column).as_string::<i32>().value(row).to_owned();
    (0..batch.num_rows()).map(|row| format!("{}.{}.{}", part(0, row), part(1, row), part(2, row))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn catalogs_schemas_and_types() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    let info = client.get_catalogs().await;
    insta::assert_snapshot!(shown(&rows(&mut client, info).await), @r"
    +--------------+
    | catalog_name |
    +--------------+
    | fleet        |
    | sales        |
    +--------------+
    ");
    let info = client.get_db_schemas(CommandGetDbSchemas::default()).await;
    insta::assert_snapshot!(shown(&rows(&mut client, info).await), @r"
    +--------------+----------------+
    | catalog_name | db_schema_name |
    +--------------+----------------+
    | fleet        | cars           |
    | sales        | orders         |
    | sales        | returns        |
    +--------------+----------------+
    ");
    let filtered =
        CommandGetDbSchemas { catalog: Some("sales".to_owned()), db_schema_filter_pattern: Some("re%".to_owned()) };
    let info = client.get_db_schemas(filtered).await;
    assert_eq!(rows(&mut client, info).await.num_rows(), 1);
    let info = client.get_table_types().await;
    insta::assert_snapshot!(shown(&rows(&mut client, info).await), @r"
    +------------+
    | table_type |
    +------------+
    | TABLE      |
    | VIEW       |
    +------------+
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_by_filter() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    let all = names(&mut client, tables()).await;
    assert_eq!(all, ["fleet.cars.numbers", "sales.orders.items", "sales.returns.items"]);
    for (command, found) in [
        (CommandGetTables { catalog: Some("sales".to_owned()), ..tables() }, 2),
        (CommandGetTables { catalog: Some("Sales".to_owned()), ..tables() }, 0),
        (CommandGetTables { catalog: Some(String::new()), ..tables() }, 0),
        (CommandGetTables { db_schema_filter_pattern: Some("o%".to_owned()), ..tables() }, 1),
        (CommandGetTables { table_name_filter_pattern: Some("item_".to_owned()), ..tables() }, 2),
        (CommandGetTables { table_name_filter_pattern: Some(r"item\_".to_owned()), ..tables() }, 0),
        (CommandGetTables { table_types: vec!["table".to_owned()], ..tables() }, 3),
        (CommandGetTables { table_types: vec!["BASE TABLE".to_owned(), "VIEW".to_owned()], ..tables() }, 3),
        (CommandGetTables { table_types: vec!["VIEW".to_owned()], ..tables() }, 0),
    ] {
        assert_eq!(names(&mut client, command.clone()).await.len(), found, "{command:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tables_schema_is_that_of_its_rows() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    let info = client.get_tables(CommandGetTables { include_schema: true, ..tables() }).await;
    let batch = rows(&mut client, info).await;
    assert_eq!(batch.num_rows(), 3);
    let items = batch.column(4).as_binary::<i32>().value(1).to_vec();
    let told = Schema::try_from(IpcMessage(items.into())).unwrap();
    let answer = client.execute("SELECT * FROM sales.orders.items".to_owned(), None).await.unwrap();
    let shape = |field: &Field| (field.name().clone(), field.data_type().clone(), field.is_nullable());
    let shapes = |schema: &Schema| schema.fields().iter().map(|field| shape(field)).collect::<Vec<_>>();
    assert_eq!(shapes(&told), shapes(&answer.try_decode_schema().unwrap()));
    let mut metadata: Vec<_> = told.field(2).metadata().iter().map(|(key, value)| format!("{key}={value}")).collect();
    metadata.sort();
    insta::assert_snapshot!(metadata.join("\n"), @r"
    ARROW:FLIGHT:SQL:CATALOG_NAME=sales
    ARROW:FLIGHT:SQL:DB_SCHEMA_NAME=orders
    ARROW:FLIGHT:SQL:IS_AUTO_INCREMENT=0
    ARROW:FLIGHT:SQL:IS_CASE_SENSITIVE=0
    ARROW:FLIGHT:SQL:IS_READ_ONLY=1
    ARROW:FLIGHT:SQL:IS_SEARCHABLE=1
    ARROW:FLIGHT:SQL:PRECISION=10
    ARROW:FLIGHT:SQL:REMARKS=The price.
    ARROW:FLIGHT:SQL:SCALE=2
    ARROW:FLIGHT:SQL:SCHEMA_NAME=orders
    ARROW:FLIGHT:SQL:TABLE_NAME=items
    ARROW:FLIGHT:SQL:TYPE_NAME=DECIMAL
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_the_contracts() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    let key = |schema: &str| CommandGetPrimaryKeys {
        catalog: Some("sales".to_owned()),
        db_schema: Some(schema.to_owned()),
        table: "items".to_owned(),
    };
    let info = client.get_primary_keys(key("orders")).await;
    insta::assert_snapshot!(shown(&rows(&mut client, info).await), @r"
    +--------------+----------------+------------+-------------+--------------+------------+
    | catalog_name | db_schema_name | table_name | column_name | key_sequence | key_name   |
    +--------------+----------------+------------+-------------+--------------+------------+
    | sales        | orders         | items      | id          | 1            | items_pkey |
    +--------------+----------------+------------+-------------+--------------+------------+
    ");
    let info = client.get_primary_keys(key("returns")).await;
    assert_eq!(rows(&mut client, info).await.num_rows(), 0);
    let info =
        client.get_exported_keys(CommandGetExportedKeys { table: "items".to_owned(), ..Default::default() }).await;
    assert_eq!(rows(&mut client, info).await.num_columns(), 13);
    let info =
        client.get_imported_keys(CommandGetImportedKeys { table: "items".to_owned(), ..Default::default() }).await;
    assert_eq!(rows(&mut client, info).await.num_rows(), 0);
    let info = client.get_cross_reference(CommandGetCrossReference::default()).await;
    assert_eq!(rows(&mut client, info).await.num_rows(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_describes_itself() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    let info = client.get_sql_info(vec![]).await;
    assert_eq!(rows(&mut client, info).await.num_rows(), 91);
    let info = client.get_xdbc_type_info(CommandGetXdbcTypeInfo { data_type: Some(-5) }).await;
    assert_eq!(rows(&mut client, info).await.num_rows(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_see_nothing_sees_nothing() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("zed").await;
    assert!(names(&mut client, CommandGetTables { include_schema: true, ..tables() }).await.is_empty());
    let info = client.get_catalogs().await;
    assert_eq!(rows(&mut client, info).await.num_rows(), 0);
    let info = client.get_db_schemas(CommandGetDbSchemas::default()).await;
    assert_eq!(rows(&mut client, info).await.num_rows(), 0);
    let command = CommandGetPrimaryKeys { table: "items".to_owned(), ..Default::default() };
    let info = client.get_primary_keys(command).await;
    assert_eq!(rows(&mut client, info).await.num_rows(), 0);
}
