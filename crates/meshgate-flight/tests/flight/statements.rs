//! Statements, plain and prepared.

use std::sync::Arc;

use arrow_flight::{
    FlightDescriptor, IpcMessage,
    sql::{CommandPreparedStatementQuery, CommandStatementUpdate, ProstMessageExt, client::PreparedStatement},
};
use datafusion::arrow::{
    array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray},
    datatypes::{DataType, Int64Type, Schema, TimeUnit},
};
use futures::stream;
use prost::Message;
use tonic::{Code, transport::Channel};

use crate::gateway::{Client, Gateway, PASSWORD, answer, basic, read, shown, statement, status};

async fn rows(client: &mut Client, prepared: &mut PreparedStatement<Channel>) -> RecordBatch {
    let info = prepared.execute().await.unwrap();
    read(client, &info).await.unwrap()
}

fn parameters(columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|column| ("", column, true))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_answers_its_rows() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    let sql = "SELECT id, name, price, sold_at FROM sales.orders.items ORDER BY id";
    insta::assert_snapshot!(answer(&mut client, sql).await.unwrap(), @r"
    +----+------+-------+-----------------------------+
    | id | name | price | sold_at                     |
    +----+------+-------+-----------------------------+
    | 1  | bolt | 1.50  | 2013-01-01T00:26:40.000001Z |
    | 2  | nut  | 0.25  | 1970-01-01T00:00:00Z        |
    | 3  |      | 99.99 | 1969-12-31T23:59:59.999999Z |
    +----+------+-------+-----------------------------+
    ");
    let none = answer(&mut client, "SELECT id FROM sales.orders.items WHERE id > 99").await.unwrap();
    insta::assert_snapshot!(none, @r"
    +----+
    | id |
    +----+
    +----+
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_speaks_of_one_schema() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    let mut raw = gateway.raw().await;
    for sql in [
        "SELECT * FROM sales.orders.items",
        "SELECT count(*), max(price), sum(price), min(name) FROM sales.orders.items",
        "SELECT coalesce(name, 'none') AS name, 1 AS one, CAST(NULL AS int) AS nothing FROM sales.orders.items",
        "SELECT a.id, b.name, a.id + b.id AS s FROM sales.orders.items a LEFT JOIN sales.returns.items b USING (id)",
        "SELECT name, row_number() OVER (ORDER BY id) AS r, array_agg(id) OVER () AS ids FROM sales.orders.items",
        "SELECT id FROM sales.orders.items UNION ALL SELECT NULL",
        "VALUES (1, 'a'), (2, NULL)",
        "EXPLAIN SELECT id FROM sales.orders.items",
        "SHOW TABLES",
        "SHOW COLUMNS FROM sales.orders.items",
        "DESCRIBE sales.orders.items",
        "SELECT * FROM information_schema.columns",
    ] {
        let prepared = client.prepare(sql.to_owned(), None).await.map_err(status).unwrap();
        let told = prepared.dataset_schema().unwrap().clone();
        assert!(!told.fields().is_empty(), "{sql}");
        let info = client.execute(sql.to_owned(), None).await.unwrap();
        assert_eq!(info.clone().try_decode_schema().unwrap(), told, "{sql}");
        let schema = raw.get_schema(basic("ann", PASSWORD, statement(sql))).await.unwrap().into_inner();
        assert_eq!(Schema::try_from(&schema).unwrap(), told, "{sql}");
        assert_eq!(*read(&mut client, &info).await.unwrap().schema(), told, "{sql}");
        let polled = raw.poll_flight_info(basic("ann", PASSWORD, statement(sql))).await.unwrap().into_inner();
        assert!(polled.flight_descriptor.is_none(), "complete at once");
        assert_eq!(Schema::try_from(IpcMessage(polled.info.unwrap().schema)).unwrap(), told, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_statement_runs_again_and_again() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    let sql = "SELECT id, name FROM sales.orders.items WHERE id >= ? AND name <> ? ORDER BY id";
    let mut prepared = client.prepare(sql.to_owned(), None).await.unwrap();
    let types: Vec<_> = prepared.parameter_schema().unwrap().fields().iter().map(|f| f.data_type().clone()).collect();
    assert_eq!(types, [DataType::Int64, DataType::Utf8]);
    let told = prepared.dataset_schema().unwrap().clone();
    for (id, name, found) in [(1, "nut", vec![1]), (2, "bolt", vec![2]), (1, "x", vec![1, 2])] {
        let (id, name) = (Int64Array::from(vec![id]), StringArray::from(vec![name]));
        prepared.set_parameters(parameters(vec![Arc::new(id), Arc::new(name)])).unwrap();
        let batch = rows(&mut client, &mut prepared).await;
        assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &found[..]);
        assert_eq!(*batch.schema(), told);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbered_parameters_stand_in_their_own_order() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    let sql = "SELECT id FROM sales.orders.items WHERE name = $2 AND id = $1 AND id = $1";
    let mut prepared = client.prepare(sql.to_owned(), None).await.unwrap();
    let bound = parameters(vec![Arc::new(Int64Array::from(vec![2])), Arc::new(StringArray::from(vec!["nut"]))]);
    prepared.set_parameters(bound).unwrap();
    assert_eq!(rows(&mut client, &mut prepared).await.num_rows(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_of_parameters_are_many_runs() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    let mut prepared =
        client.prepare("SELECT ? AS asked, id FROM sales.orders.items WHERE id = ?".to_owned(), None).await.unwrap();
    let bound = parameters(vec![
        Arc::new(StringArray::from(vec![Some("a"), Some("b"), None, Some("d")])),
        Arc::new(Int64Array::from(vec![Some(3), Some(99), Some(1), None])),
    ]);
    prepared.set_parameters(bound).unwrap();
    insta::assert_snapshot!(shown(&rows(&mut client, &mut prepared).await), @r"
    +-------+----+
    | asked | id |
    +-------+----+
    | a     | 3  |
    |       | 1  |
    +-------+----+
    ");
    prepared
        .set_parameters(parameters(vec![Arc::new(StringArray::new_null(0)), Arc::new(Int64Array::new_null(0))]))
        .unwrap();
    assert_eq!(rows(&mut client, &mut prepared).await.num_rows(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_bound_as_milliseconds() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    let sql = "SELECT id FROM sales.orders.items WHERE sold_at > ? ORDER BY id";
    let mut prepared = client.prepare(sql.to_owned(), None).await.unwrap();
    let told = prepared.parameter_schema().unwrap().field(0).data_type().clone();
    assert_eq!(told, DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())));
    let moment = TimestampMillisecondArray::from(vec![1_357_000_000_000]).with_timezone("UTC");
    prepared.set_parameters(parameters(vec![Arc::new(moment)])).unwrap();
    let batch = rows(&mut client, &mut prepared).await;
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_t_be_bound_is_refused_with_its_number() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    let mut prepared = client.prepare("SELECT id FROM sales.orders.items WHERE id = ?".to_owned(), None).await.unwrap();
    let unbound = prepared.execute().await.map_err(status).unwrap_err();
    insta::assert_snapshot!(unbound.message(), @"the statement takes 1 parameter, and 0 are bound");

    let mut refused = Vec::new();
    let text: ArrayRef = Arc::new(StringArray::from(vec!["one"]));
    let half: ArrayRef = Arc::new(Float64Array::from(vec![0.5]));
    for columns in [vec![text.clone()], vec![half], vec![text.clone(), text]] {
        prepared.set_parameters(parameters(columns)).unwrap();
        let status = prepared.execute().await.map_err(status).unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        refused.push(status.message().to_owned());
    }
    insta::assert_snapshot!(refused.join("\n"), @r"
    parameter $1 takes BIGINT, and the bound VARCHAR does not convert to it
    parameter $1 takes BIGINT, and the bound DOUBLE would lose digits; write `CAST($1 AS …)` in the statement to give it another type
    the statement takes 1 parameter, and 2 are bound
    ");

    let plain = client.execute("SELECT id FROM sales.orders.items WHERE id = $1".to_owned(), None).await;
    insta::assert_snapshot!(plain.map_err(status).unwrap_err().message(), @"the statement takes 1 parameter, and 0 are bound");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_is_bound_by_the_answer_and_reads_what_is_there_then() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    let mut prepared =
        client.prepare("SELECT count(*) AS c FROM sales.orders.items WHERE id > ?".to_owned(), None).await.unwrap();
    prepared.set_parameters(parameters(vec![Arc::new(Int64Array::from(vec![1]))])).unwrap();
    for _ in 0..2 {
        assert_eq!(rows(&mut client, &mut prepared).await.column(0).as_primitive::<Int64Type>().value(0), 2);
    }
    prepared.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_statements_get_the_right_code_and_words() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    let mut told = String::new();
    for sql in [
        "SELEC 1",
        "",
        "SELECT 1; SELECT 2",
        "CREATE TABLE t AS SELECT 1",
        "INSERT INTO sales.orders.items SELECT * FROM sales.orders.items",
        "SET datafusion.execution.batch_size = 1",
        "SELECT * FROM sales.orders.item",
        "SELECT nam FROM sales.orders.items",
        "SELECT id / 0 FROM sales.orders.items",
        "SELECT CAST(name AS int) FROM sales.orders.items",
    ] {
        let status = answer(&mut client, sql).await.unwrap_err();
        let message = status.message().split(" (query ").next().unwrap_or_default();
        told.push_str(&format!("{sql}\n  {:?}: {message}\n", status.code()));
    }
    insta::assert_snapshot!(told, @r"
    SELEC 1
      InvalidArgument: syntax error at line 1, column 1: expected an SQL statement, found `SELEC`

      InvalidArgument: the statement is empty
    SELECT 1; SELECT 2
      InvalidArgument: one statement at a time: this text holds 2; send them one by one
    CREATE TABLE t AS SELECT 1
      Unimplemented: meshgate only reads: CREATE TABLE is not offered
    INSERT INTO sales.orders.items SELECT * FROM sales.orders.items
      Unimplemented: meshgate only reads: INSERT is not offered
    SET datafusion.execution.batch_size = 1
      Unimplemented: meshgate only reads: SET is not offered
    SELECT * FROM sales.orders.item
      NotFound: table `sales.orders.item` does not exist; did you mean `sales.orders.items`?
    SELECT nam FROM sales.orders.items
      NotFound: column `nam` does not exist in `sales.orders.items`; did you mean `name`?
    SELECT id / 0 FROM sales.orders.items
      InvalidArgument: division by zero
    SELECT CAST(name AS int) FROM sales.orders.items
      InvalidArgument: cannot cast string 'bolt' to value of Int32 type
    ");
    // The connection goes on.
    answer(&mut client, "SELECT 1").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_offered_says_so() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    let mut told = Vec::new();
    let update = client.execute_update("DELETE FROM sales.orders.items".to_owned(), None).await;
    told.push(update.map_err(status).unwrap_err());
    let query = client.execute_update("SELECT 1".to_owned(), None).await;
    told.push(query.map_err(status).unwrap_err());
    told.push(client.begin_transaction().await.map_err(status).unwrap_err());
    told.push(client.execute("SELECT 1".to_owned(), Some("t".into())).await.map_err(status).unwrap_err());
    let mut raw = gateway.raw().await;
    told.push(raw.list_flights(basic("ann", PASSWORD, Default::default())).await.err().unwrap());
    told.push(raw.do_exchange(basic("ann", PASSWORD, stream::empty())).await.err().unwrap());
    let path = FlightDescriptor::new_path(vec!["items".to_owned()]);
    told.push(raw.get_flight_info(basic("ann", PASSWORD, path)).await.unwrap_err());
    let ddl = CommandStatementUpdate { query: "x".to_owned(), transaction_id: None }.as_any().encode_to_vec();
    told.push(raw.get_flight_info(basic("ann", PASSWORD, FlightDescriptor::new_cmd(ddl))).await.unwrap_err());
    let told: Vec<_> = told.iter().map(|status| format!("{:?}: {}", status.code(), status.message())).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    Unimplemented: meshgate only reads: DELETE is not offered
    InvalidArgument: the statement answers rows: run it as a query, not as an update
    Unimplemented: action `BeginTransaction` is not offered; ListActions tells which are
    Unimplemented: a transaction is not offered; meshgate only reads; each statement sees one state of each table
    Unimplemented: ListFlights is not offered; the command GetTables lists what there is
    Unimplemented: DoExchange is not offered; meshgate answers queries over DoGet
    InvalidArgument: the flight descriptor holds no command: meshgate speaks Flight SQL, tables are read by SQL statements
    Unimplemented: command `CommandStatementUpdate` is not offered; meshgate answers statements, prepared statements and metadata commands
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_serves_as_a_ticket_too() {
    let gateway = Gateway::start().await;
    let mut client = gateway.client("ann").await;
    let mut prepared = client.prepare("SELECT 7 AS seven".to_owned(), None).await.unwrap();
    let info = prepared.execute().await.unwrap();
    let handle = info.flight_descriptor.clone().unwrap().cmd;
    assert!(
        CommandPreparedStatementQuery::decode(arrow_flight::sql::Any::decode(handle.clone()).unwrap().value).is_ok()
    );
    let mut direct = info;
    direct.endpoint[0].ticket = Some(arrow_flight::Ticket::new(handle));
    assert_eq!(read(&mut client, &direct).await.unwrap().column(0).as_primitive::<Int64Type>().value(0), 7);
}
