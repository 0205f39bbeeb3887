"""The tree that tools fill: catalogs, schemas, tables, columns, types; only what the user may see."""

import pyarrow
import pytest
from adbc_driver_manager import AdbcStatusCode, Error
from conftest import FLIGHTS, TABLES, rows


def tree(connection, **arguments):
    return connection.adbc_get_objects(**arguments).read_all().to_pylist()


def names(found):
    """`domain.product.table` of everything in a tree."""
    return sorted(
        f"{catalog['catalog_name']}.{schema['db_schema_name']}.{table['table_name']}"
        for catalog in found
        for schema in catalog["catalog_db_schemas"] or []
        for table in schema["db_schema_tables"] or []
    )


def own(found):
    """Without what is the gateway's own."""
    return [name for name in found if not name.startswith("system.") and ".information_schema." not in name]


@pytest.mark.parametrize("user", ["owner", "analyst", "desk"])
def test_the_whole_tree(connect, user):
    with connect(user) as connection:
        found = tree(connection, depth="all")
        assert own(names(found)) == sorted(TABLES)
        for catalog in found:
            for schema in catalog["catalog_db_schemas"]:
                for table in schema["db_schema_tables"]:
                    assert table["table_type"] in ("TABLE", "VIEW")
                    assert table["table_columns"], f"{table['table_name']} has no columns"
                    positions = [column["ordinal_position"] for column in table["table_columns"]]
                    assert positions == list(range(1, len(positions) + 1))


def test_each_depth(connect):
    with connect("analyst") as connection:
        catalogs = tree(connection, depth="catalogs")
        domains = {catalog["catalog_name"] for catalog in catalogs}
        assert {"fleet", "network", "operations", "weather"} <= domains
        assert all(not catalog["catalog_db_schemas"] for catalog in catalogs)

        schemas = tree(connection, depth="db_schemas")
        products = {
            f"{catalog['catalog_name']}.{schema['db_schema_name']}"
            for catalog in schemas
            for schema in catalog["catalog_db_schemas"]
        }
        assert {"fleet.aircraft", "network.reference", "operations.departures", "weather.observations"} <= products

        tables = tree(connection, depth="tables")
        assert own(names(tables)) == sorted(TABLES)
        assert all(
            not table["table_columns"]
            for catalog in tables
            for schema in catalog["catalog_db_schemas"]
            for table in schema["db_schema_tables"]
        )


def test_filters(connect):
    with connect("analyst") as connection:
        assert names(tree(connection, depth="tables", catalog_filter="operations")) == [FLIGHTS]
        assert own(names(tree(connection, depth="tables", db_schema_filter="depart%"))) == [FLIGHTS]
        assert own(names(tree(connection, depth="tables", table_name_filter="air%"))) == [
            "network.reference.airlines",
            "network.reference.airports",
        ]
        assert own(names(tree(connection, depth="tables", table_name_filter="nothing"))) == []
        assert own(names(tree(connection, depth="tables", table_types_filter=["VIEW"]))) == []
        assert own(names(tree(connection, depth="tables", table_types_filter=["TABLE"]))) == sorted(TABLES)


def test_newcomer_s_tree_is_empty(connect):
    with connect("newcomer") as connection:
        found = tree(connection, depth="all")
        assert own(names(found)) == []
        assert not {"fleet", "network", "operations", "weather"} & {catalog["catalog_name"] for catalog in found}


def test_a_table_s_schema_is_what_a_query_of_it_answers(connect, query):
    for name in TABLES:
        domain, product, table = name.split(".")
        with connect("analyst") as connection:
            schema = connection.adbc_get_table_schema(table, catalog_filter=domain, db_schema_filter=product)
        answered = query("analyst", f"SELECT * FROM {name} LIMIT 0").schema
        assert schema.names == answered.names, name
        assert schema.types == answered.types, name


def test_the_schema_of_a_table_that_is_hidden_is_not_found(connect):
    with connect("newcomer") as connection:
        with pytest.raises(Error) as failure:
            connection.adbc_get_table_schema("flights", catalog_filter="operations", db_schema_filter="departures")
        assert failure.value.status_code == AdbcStatusCode.NOT_FOUND


def test_what_the_server_is(connect):
    with connect("analyst") as connection:
        info = connection.adbc_get_info()
        assert info["vendor_name"] == "meshgate"
        assert info["vendor_version"]
        assert info["driver_name"]
        assert "TABLE" in connection.adbc_get_table_types()


def test_information_schema_and_show_agree_with_the_tree(query):
    listed = rows(
        query(
            "analyst",
            "SELECT table_catalog || '.' || table_schema || '.' || table_name FROM operations.information_schema.tables"
            " WHERE table_schema <> 'information_schema'",
        )
    )
    assert FLIGHTS in {name for (name,) in listed}
    columns = rows(query("desk", f"DESCRIBE {FLIGHTS}"))
    selected = query("desk", f"SELECT * FROM {FLIGHTS} LIMIT 0").column_names
    assert [column[0] for column in columns] == selected
    shown = query("analyst", "SHOW TABLES")
    assert shown.num_rows >= len(TABLES)


def test_a_statement_s_schema_is_known_before_it_runs(connect):
    with connect("analyst") as connection, connection.cursor() as cursor:
        schema = cursor.adbc_execute_schema(f"SELECT carrier, time_hour, dep_delay FROM {FLIGHTS}")
        assert schema.names == ["carrier", "time_hour", "dep_delay"]
        assert schema.field("time_hour").type == pyarrow.timestamp("us", "UTC")
        cursor.execute(f"SELECT carrier, time_hour, dep_delay FROM {FLIGHTS} LIMIT 3")
        assert cursor.fetch_arrow_table().schema.equals(schema)
