use super::*;

fn refusal(sql: &str) -> String {
    match parse(sql) {
        Ok(parsed) => panic!("`{sql}` was read as {parsed:?}"),
        Err(error) => format!("{:?}: {error}", error.code()),
    }
}

fn text(sql: &str) -> String {
    let parsed = parse(sql).unwrap_or_else(|error| panic!("`{sql}`: {error}"));
    format!("{:?} {} [{}]", parsed.answer, parsed.query, parsed.parameters)
}

#[test]
fn reads_pass() {
    for sql in [
        "SELECT 1",
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT * FROM t",
        "VALUES (1), (2)",
        "SELECT 1 UNION ALL SELECT 2 EXCEPT SELECT 3",
        "SELECT * FROM a.b.c LEFT JOIN LATERAL (SELECT * FROM d.e.f) AS x ON true",
        "SELECT * FROM generate_series(1, 3)",
        "SELECT x.* EXCLUDE (y) FROM a.b.c AS x;",
    ] {
        assert_eq!(
            parse(sql).map(|parsed| parsed.answer).map_err(|error| error.to_string()),
            Ok(Answer::Rows),
            "{sql}"
        );
    }
}

#[test]
fn everything_else_is_refused_by_name() {
    let refused: Vec<String> = [
        "INSERT INTO a.b.c VALUES (1)",
        "UPDATE a SET x = 1",
        "DELETE FROM a",
        "MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE",
        "CREATE TABLE t AS SELECT 1",
        "CREATE OR REPLACE VIEW v AS SELECT 1",
        "CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '/etc'",
        "DROP TABLE t",
        "TRUNCATE TABLE t",
        "COPY (SELECT 1) TO '/tmp/x.parquet'",
        "SET datafusion.execution.batch_size = 1",
        "RESET datafusion.execution.batch_size",
        "SHOW datafusion.execution.batch_size",
        "SHOW ALL",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "DEALLOCATE p",
        "BEGIN",
        "COMMIT",
        "USE operations",
        "GRANT SELECT ON t TO u",
        "WITH x AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM x",
        "EXPLAIN INSERT INTO t VALUES (1)",
        "EXPLAIN COPY t TO 'x'",
    ]
    .into_iter()
    .map(refusal)
    .collect();
    insta::assert_snapshot!(refused.join("\n"), @"
    Unimplemented: meshgate only reads: INSERT is not offered
    Unimplemented: meshgate only reads: UPDATE is not offered
    Unimplemented: meshgate only reads: DELETE is not offered
    Unimplemented: meshgate only reads: MERGE is not offered
    Unimplemented: meshgate only reads: CREATE TABLE is not offered
    Unimplemented: meshgate only reads: CREATE OR REPLACE VIEW is not offered
    Unimplemented: meshgate only reads: CREATE EXTERNAL TABLE is not offered
    Unimplemented: meshgate only reads: DROP TABLE is not offered
    Unimplemented: meshgate only reads: TRUNCATE TABLE is not offered
    Unimplemented: meshgate only reads: COPY is not offered
    Unimplemented: meshgate only reads: SET is not offered
    Unimplemented: meshgate only reads: RESET is not offered
    Unimplemented: meshgate only reads: SHOW of the engine's options (`datafusion.execution.batch_size`) is not offered
    Unimplemented: meshgate only reads: SHOW of the engine's options (`ALL`) is not offered
    Unimplemented: meshgate only reads: PREPARE is not offered
    Unimplemented: meshgate only reads: EXECUTE is not offered
    Unimplemented: meshgate only reads: DEALLOCATE is not offered
    Unimplemented: meshgate only reads: BEGIN is not offered
    Unimplemented: meshgate only reads: COMMIT is not offered
    Unimplemented: meshgate only reads: USE is not offered
    Unimplemented: meshgate only reads: GRANT is not offered
    Unimplemented: meshgate only reads: INSERT is not offered
    Unimplemented: meshgate only reads: INSERT is not offered
    Unimplemented: meshgate only reads: COPY is not offered
    ");
}

#[test]
fn clauses_that_the_engine_drops_are_refused() {
    let refused: Vec<String> = [
        "SELECT 1 INTO t",
        "SELECT * FROM t FOR UPDATE",
        "SELECT * FROM t FOR SYSTEM_TIME AS OF '2024-01-01'",
        "SELECT * FROM t VERSION AS OF 3",
        "SELECT * FROM t TABLESAMPLE BERNOULLI (10)",
        "SELECT * FROM t FETCH FIRST 3 ROWS ONLY",
        "SELECT * FROM a.b.c.d",
        "SELECT * FROM a.b(1)",
        "SELECT * FROM t PIVOT(sum(a) FOR b IN ('x'))",
        "SELECT @@version",
        "SELECT 1 UNION ALL TABLE t LIMIT 5",
        "SELECT * FROM t SETTINGS max_threads = 1",
    ]
    .into_iter()
    .map(refusal)
    .collect();
    insta::assert_snapshot!(refused.join("\n"), @"
    Unimplemented: SELECT … INTO is not offered
    Unimplemented: FOR UPDATE or FOR SHARE is not offered
    InvalidArgument: syntax error at line 1, column 21: expected one of UPDATE or SHARE, found `SYSTEM_TIME`
    InvalidArgument: syntax error at line 1, column 25: expected end of statement, found `AS`
    Unimplemented: TABLESAMPLE is not offered
    Unimplemented: FETCH (write LIMIT) is not offered
    InvalidArgument: `a.b.c.d` is no table: a table is named `domain.product.table`
    InvalidArgument: `a.b` is no table function
    Unimplemented: PIVOT is not offered
    Unimplemented: variables like `@@version` are not offered
    Unimplemented: TABLE (write SELECT * FROM) is not offered
    Unimplemented: SETTINGS is not offered
    ");
}

#[test]
fn bad_text_is_told_where() {
    let refused: Vec<String> =
        ["", " ; ", "SELECT 1; SELECT 2", "SELECT FROM t WHERE", "SELEC 1", "SELECT 'abc", "SELECT (1"]
            .into_iter()
            .map(refusal)
            .collect();
    insta::assert_snapshot!(refused.join("\n"), @"
    InvalidArgument: the statement is empty
    InvalidArgument: the statement is empty
    InvalidArgument: one statement at a time: this text holds 2; send them one by one
    InvalidArgument: syntax error: expected an expression, but the text ends
    InvalidArgument: syntax error at line 1, column 1: expected an SQL statement, found `SELEC`
    InvalidArgument: syntax error at line 1, column 8: Unterminated string literal
    InvalidArgument: syntax error: expected ), but the text ends
    ");
}

#[test]
fn parameters_are_numbered_by_place() {
    let numbered: Vec<String> = [
        "SELECT ? FROM (SELECT ? AS x) WHERE x = ? LIMIT ? OFFSET ?",
        "SELECT $2, $1, $2",
        "SELECT CASE ? WHEN ? THEN ? ELSE ? END, '?', \"?\" -- ?",
        "WITH a AS (SELECT ?) SELECT * FROM a WHERE ? BETWEEN ? AND ?",
        "SELECT 1",
    ]
    .into_iter()
    .map(text)
    .collect();
    insta::assert_snapshot!(numbered.join("\n"), @r#"
    Rows SELECT $1 FROM (SELECT $2 AS x) WHERE x = $3 LIMIT $4 OFFSET $5 [5]
    Rows SELECT $2, $1, $2 [2]
    Rows SELECT CASE $1 WHEN $2 THEN $3 ELSE $4 END, '?', "?" [4]
    Rows WITH a AS (SELECT $1) SELECT * FROM a WHERE $2 BETWEEN $3 AND $4 [4]
    Rows SELECT 1 [0]
    "#);
    let refused: Vec<String> = ["SELECT ?, $1", "SELECT :name", "SELECT $name", "SELECT $0", "SELECT $99999"]
        .into_iter()
        .map(refusal)
        .collect();
    insta::assert_snapshot!(refused.join("\n"), @"
    InvalidArgument: `?` and `$n` can't be mixed in one statement; number them all
    InvalidArgument: `:name` is no parameter: write `?`, or `$1` to `$32767`
    InvalidArgument: `$name` is no parameter: write `?`, or `$1` to `$32767`
    InvalidArgument: `$0` is no parameter: write `?`, or `$1` to `$32767`
    InvalidArgument: `$99999` is no parameter: write `?`, or `$1` to `$32767`
    ");
}

#[test]
fn show_and_describe_are_queries() {
    let read: Vec<String> = [
        "SHOW TABLES",
        "SHOW TABLES FROM operations",
        "SHOW TABLES IN operations.departures LIKE 'f%'",
        "SHOW SCHEMAS",
        "SHOW DATABASES",
        "SHOW COLUMNS FROM operations.departures.flights",
        "DESCRIBE operations.departures.flights",
        "DESC \"Quoted\"",
        "DESCRIBE SELECT 1",
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE VERBOSE SELECT 1",
        "EXPLAIN FORMAT TREE SELECT 1",
        "EXPLAIN (ANALYZE, FORMAT pgjson) SELECT 1",
        "EXPLAIN SHOW TABLES",
        "FROM t",
    ]
    .into_iter()
    .map(text)
    .collect();
    insta::assert_snapshot!(read.join("\n"), @r#"
    Rows SELECT table_catalog, table_schema, table_name, table_type FROM information_schema.tables ORDER BY table_catalog, table_schema, table_name, table_type [0]
    Rows SELECT table_catalog, table_schema, table_name, table_type FROM information_schema.tables WHERE table_catalog = 'operations' ORDER BY table_catalog, table_schema, table_name, table_type [0]
    Rows SELECT table_catalog, table_schema, table_name, table_type FROM information_schema.tables WHERE table_catalog = 'operations' AND table_schema = 'departures' AND table_name LIKE 'f%' ORDER BY table_catalog, table_schema, table_name, table_type [0]
    Rows SELECT catalog_name, schema_name FROM information_schema.schemata ORDER BY catalog_name, schema_name [0]
    Rows SELECT DISTINCT catalog_name FROM information_schema.schemata ORDER BY catalog_name [0]
    TableColumns SELECT * FROM operations.departures.flights [0]
    Columns SELECT * FROM operations.departures.flights [0]
    Columns SELECT * FROM "Quoted" [0]
    Columns SELECT 1 [0]
    Plan(Explain { analyze: false, verbose: false, format: Indent }) SELECT 1 [0]
    Plan(Explain { analyze: true, verbose: true, format: Indent }) SELECT 1 [0]
    Plan(Explain { analyze: false, verbose: false, format: Tree }) SELECT 1 [0]
    Plan(Explain { analyze: true, verbose: false, format: PostgresJSON }) SELECT 1 [0]
    Plan(Explain { analyze: false, verbose: false, format: Indent }) SELECT table_catalog, table_schema, table_name, table_type FROM information_schema.tables ORDER BY table_catalog, table_schema, table_name, table_type [0]
    Rows FROM t SELECT * [0]
    "#);
}
