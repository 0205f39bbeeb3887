"""The same questions as each user: what the policies let them see, to the row and the value."""

import datetime
import re

import pytest
from adbc_driver_manager import AdbcStatusCode, Error
from conftest import (
    AIRLINES,
    AIRPORTS,
    FLIGHTS,
    PLANES,
    TABLES,
    WEATHER,
    delay_query,
    rows,
    same,
    source_delay_query,
)

HASH = r"^[0-9a-f]{64}$"


def test_owner_gets_the_source_s_answer(query, source):
    same(rows(query("owner", delay_query())), source(source_delay_query()))


def test_analyst_joins_on_hashes_and_gets_the_same_answer(query, source):
    same(rows(query("analyst", delay_query())), source(source_delay_query()))


def test_desk_gets_the_answer_for_its_own_station(query, source):
    expected = source(source_delay_query("AND f.origin = 'JFK'"))
    same(rows(query("desk", delay_query())), expected)
    # Asking for more does not give more.
    same(rows(query("desk", delay_query("AND f.origin IN ('EWR', 'JFK', 'LGA')"))), expected)
    assert rows(query("desk", delay_query("AND f.origin = 'EWR'"))) == []


def test_newcomer_finds_nothing(query):
    for table in TABLES:
        with pytest.raises(Error) as failure:
            query("newcomer", f"SELECT * FROM {table} LIMIT 1")
        assert failure.value.status_code == AdbcStatusCode.NOT_FOUND, table


def test_newcomer_can_t_tell_a_table_from_none(query):
    def words(table):
        with pytest.raises(Error) as failure:
            query("newcomer", f"SELECT * FROM {table}")
        text = str(failure.value).split(" (query ")[0]
        for part in table.split("."):
            text = text.replace(f"`{part}`", "`NAME`")
        return failure.value.status_code, text

    assert words(FLIGHTS) == words("operations.departures.flightz")
    assert words(FLIGHTS) == words("nothing.like.this")


@pytest.mark.parametrize("user", ["owner", "analyst", "desk"])
@pytest.mark.parametrize(
    "name, file", [(PLANES, "planes"), (WEATHER, "weather"), (AIRPORTS, "airports"), (AIRLINES, "airlines")]
)
def test_other_tables_are_complete(query, source, user, name, file):
    columns = [column for (column, *_) in source(f"DESCRIBE {file}") if column != "tailnum"]
    listed = ", ".join(f'"{column}"' for column in columns)
    order = ", ".join(str(number + 1) for number in range(len(columns)))
    found = query(user, f"SELECT {listed} FROM {name} ORDER BY {order}")
    expected = source(f"SELECT {listed} FROM {file} ORDER BY {order}")
    assert ordered(rows(found)) == ordered(expected)


def ordered(found):
    """Rows in one order. The libraries' own objects for the zone UTC differ; the instants don't."""

    def plain(value):
        return value.astimezone(datetime.timezone.utc) if isinstance(value, datetime.datetime) else value

    return sorted((tuple(map(plain, row)) for row in found), key=repr)


def test_owner_reads_every_value_of_flights(query, source):
    found = query("owner", f"SELECT * FROM {FLIGHTS}")
    columns = [column for (column, *_) in source("DESCRIBE flights")]
    assert sorted(found.column_names) == sorted(columns)
    listed = ", ".join(columns)
    expected = source(f"SELECT {listed} FROM flights")
    assert ordered(rows(found.select(columns))) == ordered(expected)


@pytest.mark.parametrize("user", ["analyst", "desk"])
@pytest.mark.parametrize("name, file", [(FLIGHTS, "flights"), (PLANES, "planes")])
def test_tail_numbers_are_hashes_never_values(query, source, user, name, file):
    where = " AND origin = 'JFK'" if user == "desk" and file == "flights" else ""
    raw = {value for (value,) in source(f"SELECT DISTINCT tailnum FROM {file} WHERE tailnum IS NOT NULL{where}")}
    hashed = {value for (value,) in rows(query(user, f"SELECT DISTINCT tailnum FROM {name} WHERE tailnum IS NOT NULL"))}
    assert len(hashed) == len(raw), "one hash a value"
    assert not hashed & raw
    assert all(re.match(HASH, value) for value in hashed), sorted(hashed)[:3]


@pytest.mark.parametrize("user", ["analyst", "desk"])
def test_a_masked_column_is_its_hash_everywhere(query, user):
    found = rows(query(user, f"SELECT count(*) FROM {FLIGHTS} WHERE tailnum = 'N14228'"))
    assert found == [(0,)], "a raw value does not match"
    found = rows(query(user, f"SELECT count(*) FROM {FLIGHTS} WHERE tailnum LIKE 'N%' OR upper(tailnum) LIKE 'N%'"))
    assert found == [(0,)]
    found = rows(query(user, f"SELECT min(length(tailnum)), max(length(tailnum)) FROM {FLIGHTS}"))
    assert found == [(64, 64)]


def test_a_hash_is_the_same_in_every_table_and_for_every_user(query):
    def of(user, table):
        return {value for (value,) in rows(query(user, f"SELECT DISTINCT tailnum FROM {table}")) if value}

    planes = of("analyst", PLANES)
    assert of("desk", PLANES) == planes
    # Five of six tail numbers that fly are registered.
    assert len(of("analyst", FLIGHTS) & planes) == len(planes)


def test_owner_sees_tail_numbers(query, source):
    raw = {value for (value,) in source("SELECT DISTINCT tailnum FROM planes")}
    assert {value for (value,) in rows(query("owner", f"SELECT tailnum FROM {PLANES}"))} == raw


def test_desk_counts_its_own_rows_alone(query, source):
    expected = source("SELECT count(*) FROM flights WHERE origin = 'JFK'")
    assert rows(query("desk", f"SELECT count(*) FROM {FLIGHTS}")) == expected
    assert rows(query("desk", f"SELECT DISTINCT origin FROM {FLIGHTS}")) == [("JFK",)]
    assert rows(query("desk", f"SELECT min(origin), max(origin) FROM {FLIGHTS}")) == [("JFK", "JFK")]


@pytest.mark.parametrize("form", ["EXPLAIN", "EXPLAIN VERBOSE", "EXPLAIN ANALYZE", "EXPLAIN FORMAT tree"])
@pytest.mark.parametrize("user", ["analyst", "desk"])
def test_a_plan_says_nothing_of_filter_path_or_files(query, user, form):
    text = plan(query, user, f"{form} SELECT origin, tailnum, count(*) FROM {FLIGHTS} GROUP BY origin, tailnum")
    for secret in ["origin =", "origin@0 =", "origin IN", "JFK", "principal", "sha", *RAW, "336776", "336,776"]:
        assert secret not in text, f"`{secret}` in\n{text}"
    assert "origin" in text, "the columns do show"


@pytest.mark.parametrize("user", ["analyst", "desk"])
def test_a_plan_across_domains_says_nothing_of_paths(query, user):
    text = plan(query, user, f"EXPLAIN VERBOSE {delay_query()}")
    for secret in ["JFK", "principal", *RAW]:
        assert secret not in text, f"`{secret}` in\n{text}"


# What a raw scan would show.
RAW = [".parquet", "file:", "_delta_log", "metadata.json", "file_groups"]


def plan(query, user, sql):
    return "\n".join(str(value) for row in rows(query(user, sql)) for value in row)
