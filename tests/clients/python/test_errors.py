"""What is wrong gets the right code and words that help, and the server goes on."""

import os
import pathlib
import subprocess
import sys
import time

import pytest
from adbc_driver_manager import AdbcStatusCode, Error
from conftest import FLIGHTS, PASSWORD, rows


def failure_of(query, user, sql):
    with pytest.raises(Error) as failure:
        query(user, sql)
    return failure.value.status_code, str(failure.value)


@pytest.mark.parametrize(
    "sql, status, words",
    [
        (f"SELEC * FROM {FLIGHTS}", AdbcStatusCode.INVALID_ARGUMENT, "syntax error"),
        (" -- nothing\n", AdbcStatusCode.INVALID_ARGUMENT, "empty"),
        ("SELECT 1; SELECT 2", AdbcStatusCode.INVALID_ARGUMENT, "one statement"),
        (f"SELECT carier FROM {FLIGHTS}", AdbcStatusCode.NOT_FOUND, "carrier"),
        ("SELECT * FROM operations.departures.flihgts", AdbcStatusCode.NOT_FOUND, "flights"),
        ("SELECT * FROM operations.departure.flights", AdbcStatusCode.NOT_FOUND, "departures"),
        ("SELECT * FROM operation.departures.flights", AdbcStatusCode.NOT_FOUND, "operations"),
        (f"DELETE FROM {FLIGHTS}", AdbcStatusCode.NOT_IMPLEMENTED, "DELETE"),
        (f"UPDATE {FLIGHTS} SET carrier = 'x'", AdbcStatusCode.NOT_IMPLEMENTED, "UPDATE"),
        (f"INSERT INTO {FLIGHTS} SELECT * FROM {FLIGHTS}", AdbcStatusCode.NOT_IMPLEMENTED, "INSERT"),
        ("CREATE TABLE t AS SELECT 1", AdbcStatusCode.NOT_IMPLEMENTED, "CREATE TABLE"),
        ("DROP TABLE operations.departures.flights", AdbcStatusCode.NOT_IMPLEMENTED, "DROP"),
        (
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
            AdbcStatusCode.NOT_IMPLEMENTED,
            "CREATE EXTERNAL TABLE",
        ),
        (f"COPY (SELECT * FROM {FLIGHTS}) TO '/tmp/meshgate.csv'", AdbcStatusCode.NOT_IMPLEMENTED, "COPY"),
        ("SET datafusion.execution.target_partitions = 1", AdbcStatusCode.NOT_IMPLEMENTED, "SET"),
    ],
)
def test_bad_statements(query, sql, status, words):
    found, text = failure_of(query, "analyst", sql)
    assert found == status, text
    assert words in text


@pytest.mark.parametrize("sql", ["SELECT * FROM '/etc/passwd'", "SELECT * FROM 'file:///etc/passwd'"])
def test_a_path_is_no_table(query, sql):
    found, text = failure_of(query, "owner", sql)
    assert found in (AdbcStatusCode.NOT_FOUND, AdbcStatusCode.INVALID_ARGUMENT), text
    assert "root:" not in text


def test_a_failed_cast_tells_nothing_of_masked_values(query):
    _, text = failure_of(query, "analyst", f"SELECT sum(CAST(tailnum AS bigint)) FROM {FLIGHTS}")
    assert "N14228" not in text and " N" not in text.replace(" NULL", "")


def test_a_failed_cast_tells_nothing_of_hidden_rows(query):
    _, text = failure_of(query, "desk", f"SELECT count(*) FROM {FLIGHTS} WHERE CAST(origin AS bigint) >= 0")
    assert "EWR" not in text and "LGA" not in text


def test_a_wrong_password_and_an_unknown_user_get_the_same_words(connect):
    def refused(user, password):
        started = time.monotonic()
        with pytest.raises(Error) as failure:
            with connect(user, password) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        return failure.value.status_code, str(failure.value).replace(user, "USER"), time.monotonic() - started

    wrong, unknown = refused("analyst", "wrong"), refused("nobody", "wrong")
    assert wrong[0] == unknown[0] == AdbcStatusCode.UNAUTHENTICATED
    assert wrong[1] == unknown[1]
    # Hashing takes its time in both cases; a quick answer would tell who exists.
    assert abs(wrong[2] - unknown[2]) < max(0.2, 0.8 * max(wrong[2], unknown[2]))


def test_no_credentials(uri):
    from adbc_driver_flightsql import dbapi

    with pytest.raises(Error) as failure:
        with dbapi.connect(uri, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    assert failure.value.status_code == AdbcStatusCode.UNAUTHENTICATED


def test_too_few_parameters(connect):
    with connect("analyst") as connection, connection.cursor() as cursor:
        with pytest.raises(Error) as failure:
            cursor.execute("SELECT CAST(? AS bigint)")
            cursor.fetchall()
        assert failure.value.status_code == AdbcStatusCode.INVALID_ARGUMENT, failure.value


LEAVING = """
import os, sys
from adbc_driver_flightsql import dbapi
connection = dbapi.connect(sys.argv[1], db_kwargs={"username": "owner", "password": sys.argv[2]}, autocommit=True)
cursor = connection.cursor()
cursor.execute("SELECT a.*, b.tailnum AS other FROM operations.departures.flights a, fleet.aircraft.planes b")
reader = cursor.fetch_record_batch()
print(reader.read_next_batch().num_rows, flush=True)
os._exit(9)
"""


def cancelled_queries():
    """How many queries the server's log records as cancelled; None if the log is not ours to read."""
    log = os.environ.get("MESHGATE_LOG")
    return pathlib.Path(log).read_text().count('"outcome":"cancelled"') if log else None


def test_a_client_that_hangs_up_in_mid_stream_leaves_the_server_answering(uri, query):
    before = cancelled_queries()
    for _ in range(3):
        left = subprocess.run(
            [sys.executable, "-c", LEAVING, uri, PASSWORD], capture_output=True, text=True, timeout=120
        )
        assert left.returncode == 9, left.stderr
        assert int(left.stdout) > 0
    assert rows(query("analyst", f"SELECT count(*) FROM {FLIGHTS}")) == [(336_776,)]
    if before is not None:
        waited = time.monotonic()
        while cancelled_queries() < before + 3 and time.monotonic() - waited < 10:
            time.sleep(0.1)
        assert cancelled_queries() >= before + 3, "the queries of the clients that left still run"


def test_a_cancelled_cursor_leaves_the_connection_usable(connect):
    with connect("owner") as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT a.* FROM {FLIGHTS} a, fleet.aircraft.planes b")
            cursor.fetchone()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
