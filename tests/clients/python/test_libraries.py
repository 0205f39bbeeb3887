"""The libraries that data scientists use, on top of ADBC."""

import duckdb
import pandas
import polars
from conftest import FLIGHTS, PLANES

BY_MONTH = f"SELECT month, count(*) AS flights, avg(dep_delay) AS delay FROM {FLIGHTS} GROUP BY month ORDER BY month"


def test_pandas(connect, source):
    with connect("analyst") as connection:
        frame = pandas.read_sql(BY_MONTH, connection)
    assert list(frame.columns) == ["month", "flights", "delay"]
    assert list(frame["flights"]) == [count for (count,) in source("SELECT count(*) FROM flights GROUP BY month ORDER BY month")]


def test_polars(connect, source):
    with connect("analyst") as connection:
        frame = polars.read_database(BY_MONTH, connection)
    assert frame.shape == (12, 3)
    assert frame["flights"].sum() == source("SELECT count(*) FROM flights")[0][0]


def test_duckdb_reads_the_stream(connect, source):
    with connect("owner") as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT manufacturer, seats FROM {PLANES}")
        reader = cursor.fetch_record_batch()
        local = duckdb.connect()
        local.register("planes", reader)
        found = local.execute("SELECT manufacturer, sum(seats) FROM planes GROUP BY 1 ORDER BY 1").fetchall()
    assert found == source("SELECT manufacturer, sum(seats) FROM planes GROUP BY 1 ORDER BY 1")
