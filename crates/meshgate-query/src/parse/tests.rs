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
        assert_eq!(parse(sql).map(|parsed| parsed.answer).map_err(|error| error.to_string()), Ok(Answer::Rows), "{sql}");
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
    insta::assert_snapshot!(refused.join("\n"), @"");
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
        "SELECT 1 UNION SELECT 2 ORDER BY ALL",
        "SELECT * FROM a.b.c.d",
        "SELECT * FROM a.b(1)",
        "SELECT * FROM t PIVOT(sum(a) FOR b IN ('x'))",
        "SELECT @@version",
        "SELECT * FROM t SETTINGS max_threads = 1",
    ]
    .into_iter()
    .map(refusal)
    .collect();
    insta::assert_snapshot!(refused.join("\n"), @"");
}

#[test]
fn bad_text_is_told_where() {
    let refused: Vec<String> =
        ["", " ; ", "SELECT 1; SELECT 2", "SELECT FROM t WHERE", "SELEC 1", "SELECT 'abc", "SELECT (1"]
            .into_iter()
            .map(refusal)
            .collect();
    insta::assert_snapshot!(refused.join("\n"), @"");
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
    insta::assert_snapshot!(numbered.join("\n"), @"");
    let refused: Vec<String> =
        ["SELECT ?, $1", "SELECT :name", "SELECT $name", "SELECT $0", "SELECT $99999"].into_iter().map(refusal).collect();
    insta::assert_snapshot!(refused.join("\n"), @"");
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
        "TABLE t",
        "FROM t",
    ]
    .into_iter()
    .map(text)
    .collect();
    insta::assert_snapshot!(read.join("\n"), @"");
}
