"""Statements, parameters, types, large results, many at once."""

import concurrent.futures
import datetime
import decimal

import pyarrow
from conftest import FLIGHTS, PLANES, WEATHER, rows


def test_parameters_of_each_type(query, source):
    found = query("owner", f"SELECT count(*) FROM {FLIGHTS} WHERE origin = ? AND month = ?", ["JFK", 3])
    assert rows(found) == source("SELECT count(*) FROM flights WHERE origin = 'JFK' AND month = 3")

    found = query("owner", f"SELECT count(*) FROM {WEATHER} WHERE wind_speed > ?", [20.5])
    assert rows(found) == source("SELECT count(*) FROM weather WHERE wind_speed > 20.5")

    noon = datetime.datetime(2013, 7, 4, 12, tzinfo=datetime.timezone.utc)
    found = query("owner", f"SELECT count(*) FROM {FLIGHTS} WHERE time_hour = ?", [noon])
    assert rows(found) == source("SELECT count(*) FROM flights WHERE time_hour = TIMESTAMPTZ '2013-07-04 12:00:00+00'")


def test_parameters_count_from_the_left_and_by_number(query):
    assert rows(query("owner", "SELECT CAST(? AS bigint) - CAST(? AS bigint)", [10, 3])) == [(7,)]
    assert rows(query("owner", "SELECT CAST($2 AS bigint) - CAST($1 AS bigint)", [10, 3])) == [(-7,)]


def test_a_parameter_is_a_value_never_sql(query):
    assert rows(query("owner", f"SELECT count(*) FROM {FLIGHTS} WHERE carrier = ?", ["' OR 1=1 --"])) == [(0,)]
    assert rows(query("owner", "SELECT CAST(? AS varchar)", ["it's; DROP"])) == [("it's; DROP",)]


def test_null_parameters(query):
    assert rows(query("owner", "SELECT CAST(? AS bigint) IS NULL", [None])) == [(True,)]


def test_a_prepared_statement_runs_many_times(connect, source):
    sql = f"SELECT count(*) FROM {FLIGHTS} WHERE month = ?"
    with connect("owner") as connection, connection.cursor() as cursor:
        cursor.adbc_prepare(sql)
        for month in (1, 2, 12):
            cursor.execute(sql, [month])
            assert cursor.fetchall() == source(f"SELECT count(*) FROM flights WHERE month = {month}")


def test_values_of_each_type(query):
    found = query(
        "owner",
        """SELECT true AS boolean, CAST(7 AS smallint) AS small, CAST(7 AS int) AS int, CAST(7 AS bigint) AS big,
                  CAST(1.5 AS real) AS real, CAST(1.5 AS double) AS double, CAST(12.34 AS decimal(10, 2)) AS decimal,
                  'text' AS text, X'00ff' AS bytes, DATE '2013-01-02' AS day,
                  TIMESTAMP '2013-01-02 03:04:05.678' AS local, CAST(NULL AS varchar) AS nothing,
                  [1, 2, 3] AS list, named_struct('a', 1, 'b', 'x') AS struct""",
    )
    row = found.to_pylist()[0]
    assert row["boolean"] is True
    assert (row["small"], row["int"], row["big"]) == (7, 7, 7)
    assert (row["real"], row["double"]) == (1.5, 1.5)
    assert row["decimal"] == decimal.Decimal("12.34")
    assert row["text"] == "text"
    assert row["bytes"] == b"\x00\xff"
    assert row["day"] == datetime.date(2013, 1, 2)
    assert row["local"].isoformat().startswith("2013-01-02T03:04:05.678")
    assert row["nothing"] is None
    assert row["list"] == [1, 2, 3]
    assert row["struct"] == {"a": 1, "b": "x"}
    # View types would break JDBC's reader: what goes out is plain.
    for field in found.schema:
        assert not pyarrow.types.is_string_view(field.type) and not pyarrow.types.is_binary_view(field.type)


def test_an_empty_result_has_its_columns(query):
    found = query("analyst", f"SELECT carrier, dep_delay FROM {FLIGHTS} WHERE false")
    assert found.num_rows == 0
    assert found.column_names == ["carrier", "dep_delay"]


def test_batches_stream_and_none_is_over_grpc_s_limit(connect):
    with connect("owner") as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {FLIGHTS}")
        total = 0
        for batch in cursor.fetch_record_batch():
            assert batch.nbytes < 4 * 1024 * 1024
            total += batch.num_rows
        assert total == 336_776


def test_rows_one_by_one(connect):
    with connect("analyst") as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT carrier, flight FROM {FLIGHTS} ORDER BY time_hour, carrier, flight LIMIT 5")
        assert [column[0] for column in cursor.description] == ["carrier", "flight"]
        assert len(cursor.fetchmany(2)) == 2
        assert len(cursor.fetchall()) == 3


def test_many_clients_at_once(query, source):
    expected = source("SELECT carrier, count(*) FROM flights GROUP BY 1 ORDER BY 1")
    sql = f"SELECT carrier, count(*) FROM {FLIGHTS} GROUP BY 1 ORDER BY 1"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda user: rows(query(user, sql)), ["owner", "analyst"] * 8))
    assert all(answer == expected for answer in answers)


def test_ctes_windows_and_subqueries(query, source):
    sql = """WITH busiest AS (SELECT tailnum, count(*) AS flights FROM {flights} GROUP BY tailnum)
             SELECT p.manufacturer, count(*) AS planes, sum(b.flights) AS flights,
                    rank() OVER (ORDER BY sum(b.flights) DESC) AS place
             FROM {planes} AS p JOIN busiest AS b ON p.tailnum = b.tailnum
             WHERE p.tailnum IN (SELECT tailnum FROM {flights} WHERE distance > 1000)
             GROUP BY p.manufacturer ORDER BY flights DESC, p.manufacturer LIMIT 5"""
    found = rows(query("analyst", sql.format(flights=FLIGHTS, planes=PLANES)))
    expected = source(sql.format(flights="flights", planes="planes"))
    assert found == [tuple(int(value) if isinstance(value, decimal.Decimal) else value for value in row) for row in expected]


def test_names_without_their_domain(connect):
    with connect("analyst", session={"adbc.connection.catalog": "operations"}) as connection:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM departures.flights")
            assert cursor.fetchone() == (336_776,)
