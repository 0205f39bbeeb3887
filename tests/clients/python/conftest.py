"""A gateway to talk to, its users, and the source that its answers are compared with.

`cargo xtask test` starts the demo mesh and sets MESHGATE_HOST, MESHGATE_PORT, MESHGATE_SOURCE and MESHGATE_BINARY.
To run against a server of your own: `MESHGATE_PORT=32010 pytest tests/clients/python`.
"""

import contextlib
import os
import pathlib

import duckdb
import pytest
from adbc_driver_flightsql import dbapi

USERS = ["owner", "analyst", "desk", "newcomer"]
PASSWORD = "demo"

FLIGHTS = "operations.departures.flights"
PLANES = "fleet.aircraft.planes"
WEATHER = "weather.observations.hourly"
AIRPORTS = "network.reference.airports"
AIRLINES = "network.reference.airlines"
TABLES = [PLANES, AIRLINES, AIRPORTS, FLIGHTS, WEATHER]

# Departure delay by the plane's manufacturer and the wind: three domains, Delta and Iceberg, in one statement.
DELAY_BY_PLANE_AND_WIND = """
SELECT p.manufacturer,
       CASE WHEN w.wind_speed < 10 THEN 'calm' WHEN w.wind_speed < 20 THEN 'breezy' ELSE 'windy' END AS wind,
       count(*) AS flights,
       sum(f.dep_delay) AS minutes,
       max(f.dep_delay) AS longest,
       avg(f.dep_delay) AS average
FROM {flights} AS f
JOIN {planes} AS p ON f.tailnum = p.tailnum
JOIN {weather} AS w ON f.origin = w.origin AND f.time_hour = w.time_hour
WHERE f.dep_delay IS NOT NULL AND w.wind_speed IS NOT NULL {more}
GROUP BY 1, 2
ORDER BY 1, 2
"""


def delay_query(more=""):
    """The cross-domain query in the mesh's names."""
    return DELAY_BY_PLANE_AND_WIND.format(flights=FLIGHTS, planes=PLANES, weather=WEATHER, more=more)


def source_delay_query(more=""):
    """The same over the source files."""
    return DELAY_BY_PLANE_AND_WIND.format(flights="flights", planes="planes", weather="weather", more=more)


@pytest.fixture(scope="session")
def uri():
    host = os.environ.get("MESHGATE_HOST", "127.0.0.1")
    return f"grpc://{host}:{os.environ.get('MESHGATE_PORT', '32010')}"


@pytest.fixture(scope="session")
def connect(uri):
    """Connects as a user; use it in a `with` statement."""

    def connect_as(user, password=PASSWORD, session=None):
        credentials = {"username": user, "password": password}
        return contextlib.closing(dbapi.connect(uri, db_kwargs=credentials, conn_kwargs=session, autocommit=True))

    return connect_as


@pytest.fixture(scope="session")
def query(connect):
    """Runs one statement as a user and gives back its Arrow table."""

    def run(user, sql, parameters=None):
        with connect(user) as connection, connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetch_arrow_table()

    return run


@pytest.fixture(scope="session")
def source():
    """DuckDB over the source files, as the judge."""
    default = pathlib.Path(__file__).parents[3] / "examples" / "nycflights13"
    folder = pathlib.Path(os.environ.get("MESHGATE_SOURCE", default))
    judge = duckdb.connect()
    judge.execute("SET TimeZone = 'UTC'")
    for file in folder.glob("*.parquet"):
        judge.execute(f"CREATE VIEW {file.stem} AS SELECT * FROM '{file}'")

    def run(sql):
        return rows(judge.sql(sql).to_arrow_table())

    return run


def rows(table):
    """The rows of an Arrow table as tuples."""
    return list(zip(*(column.to_pylist() for column in table.columns))) if table.num_columns else []


def same(found, expected):
    """Equal row by row; a float's last digits depend on the order of additions."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected):
        assert len(one) == len(other)
        for value, wanted in zip(one, other):
            if isinstance(wanted, float) and value is not None:
                assert value == pytest.approx(wanted, rel=1e-9), (one, other)
            else:
                assert value == wanted, (one, other)
