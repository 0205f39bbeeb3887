"""A domain whose tables are in an S3-compatible store: written there by other engines, read through a gateway."""

import json
import os
import pathlib
import socket
import subprocess
import time

import boto3
import deltalake
import pyarrow as pa
import pyarrow.parquet
import pytest
from adbc_driver_flightsql import dbapi
from moto.server import ThreadedMotoServer
from pyiceberg.catalog.sql import SqlCatalog

BUCKET = "sales-data"
KEYS = {"aws_access_key_id": "sales", "aws_secret_access_key": "sales-secret", "region_name": "us-east-1"}
ORDERS = pa.table(
    {
        "id": pa.array([1, 2, 3, 4], pa.int64()),
        "region": ["north", "south", "south", "north"],
        "email": ["ann@example.org", "bo@example.org", None, "di@example.org"],
    }
)
FORMATS = ["parquet", "delta", "iceberg"]

POLICY = """
@id("staff-read-orders")
permit (principal in Group::"staff", action in [Action::"discover", Action::"select"], resource in Domain::"sales")
unless { resource.classification == "restricted" };
@id("emails-discoverable")
permit (principal in Group::"staff", action == Action::"discover", resource in Domain::"sales");
@id("southern-rows") @row_filter("region = 'south'")
permit (principal in Group::"staff", action == Action::"read_rows", resource in Domain::"sales");
"""


@pytest.fixture(scope="module")
def store():
    """The store, with one table of each format."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    boto3.client("s3", endpoint_url=endpoint, **KEYS).create_bucket(Bucket=BUCKET)
    yield endpoint
    server.stop()


@pytest.fixture(scope="module")
def tables(store, tmp_path_factory):
    buffer = pa.BufferOutputStream()
    pa.parquet.write_table(ORDERS, buffer)
    client = boto3.client("s3", endpoint_url=store, **KEYS)
    client.put_object(Bucket=BUCKET, Key="lake/parquet/part-0.parquet", Body=buffer.getvalue().to_pybytes())
    options = {
        "AWS_ACCESS_KEY_ID": KEYS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": KEYS["aws_secret_access_key"],
        "AWS_REGION": KEYS["region_name"],
        "AWS_ENDPOINT_URL": store,
        "AWS_ALLOW_HTTP": "true",
        "aws_conditional_put": "etag",
    }
    for rows in (ORDERS.slice(0, 2), ORDERS.slice(2)):
        deltalake.write_deltalake(f"s3://{BUCKET}/lake/delta", rows, mode="append", storage_options=options)
    folder = tmp_path_factory.mktemp("iceberg")
    catalog = SqlCatalog(
        "writer",
        **{
            "uri": f"sqlite:///{folder}/catalog.db",
            "warehouse": f"s3://{BUCKET}/lake",
            "s3.endpoint": store,
            "s3.access-key-id": KEYS["aws_access_key_id"],
            "s3.secret-access-key": KEYS["aws_secret_access_key"],
            "s3.region": KEYS["region_name"],
        },
    )
    catalog.create_namespace("sales")
    table = catalog.create_table("sales.orders", ORDERS.schema, location=f"s3://{BUCKET}/lake/iceberg")
    table.append(ORDERS.slice(0, 2))
    table.append(ORDERS.slice(2))


def contract(table_format, endpoint):
    columns = {"id": ("integer", "public"), "region": ("string", "public"), "email": ("string", "restricted")}
    return {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": f"urn:datacontract:sales:orders:{table_format}:v1",
        "version": "1.0.0",
        "status": "active",
        "domain": "sales",
        "dataProduct": "orders",
        "servers": [
            {
                "server": "lake",
                "environment": "prod",
                "type": "s3",
                "format": table_format,
                "location": f"s3://{BUCKET}/lake/{{model}}",
                "endpointUrl": endpoint,
            }
        ],
        "schema": [
            {
                "name": table_format,
                "physicalType": "table",
                "description": "One row an order.",
                "properties": [
                    {"name": name, "logicalType": kind, "classification": level, "description": f"The order's {name}."}
                    for name, (kind, level) in columns.items()
                ],
            }
        ],
        "team": {"name": "sales-data", "members": [{"username": "owner@sales.example", "role": "owner"}]},
        "support": [{"channel": "#sales-data", "tool": "slack"}],
    }


def catalog_files(endpoint, password_hash):
    """The files of the catalog by path. JSON is YAML."""
    product = {
        "apiVersion": "v1.1.0",
        "kind": "DataProduct",
        "id": "urn:dataproduct:sales:orders",
        "name": "orders",
        "version": "1.0.0",
        "status": "active",
        "domain": "sales",
        "description": {"purpose": "Every order."},
        "outputPorts": [
            {
                "name": table_format,
                "version": "1.0.0",
                "type": "tables",
                "contractId": f"urn:datacontract:sales:orders:{table_format}:v1",
            }
            for table_format in FORMATS
        ],
    }
    domain = {
        "name": "sales",
        "owner": "owner@sales.example",
        "description": "Sells.",
        "support": [{"channel": "#sales-data", "tool": "slack"}],
    }
    files = {
        "mesh.yaml": {
            "name": "store",
            "classifications": ["public", "restricted"],
            "domains": {"sales": {"owner": "owner@sales.example"}},
        },
        "users.yaml": {"users": {"clerk": {"password": password_hash, "groups": ["staff"]}}},
        "domains/sales/domain.yaml": domain,
        "domains/sales/orders/orders.odps.yaml": product,
    }
    for table_format in FORMATS:
        files[f"domains/sales/orders/{table_format}.odcs.yaml"] = contract(table_format, endpoint)
    return {path: json.dumps(value, indent=1) for path, value in files.items()} | {
        "domains/sales/policies/sales.cedar": POLICY
    }


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def gateway(store, tables, tmp_path_factory):
    """A gateway of its own over a catalog whose tables are in the store; what it logs."""
    binary = os.environ.get("MESHGATE_BINARY")
    if not binary:
        pytest.skip("MESHGATE_BINARY names no binary")
    hashed = subprocess.run([binary, "hash-password"], input="demo\n", capture_output=True, text=True, check=True)
    folder = tmp_path_factory.mktemp("mesh")
    for path, text in catalog_files(store, hashed.stdout.strip()).items():
        file = folder / "catalog" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    port = free_port()
    config = folder / "meshgate.yaml"
    config.write_text(
        f"catalog: catalog\nlisten: 127.0.0.1:{port}\n"
        "s3:\n  sales:\n    access_key_id: ${SALES_KEY}\n    secret_access_key: ${SALES_SECRET}\n"
        f"    region: {KEYS['region_name']}\n    allow_http: true\n"
    )
    secrets = {"SALES_KEY": KEYS["aws_access_key_id"], "SALES_SECRET": KEYS["aws_secret_access_key"]}
    log = folder / "log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [binary, "serve", "--config", str(config)], stderr=stderr, env={**os.environ, **secrets}
        )
        try:
            wait_for(port, process, log)
            yield f"grpc://127.0.0.1:{port}", log
        finally:
            process.terminate()
            process.wait(timeout=20)


def wait_for(port, process, log):
    for _ in range(300):
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the gateway does not listen: " + pathlib.Path(log).read_text())


def ask(gateway, sql):
    uri, _ = gateway
    credentials = {"username": "clerk", "password": "demo"}
    with dbapi.connect(uri, db_kwargs=credentials, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetch_arrow_table()


@pytest.mark.parametrize("table_format", FORMATS)
def test_reads_a_governed_table_from_the_store(gateway, table_format):
    table = ask(gateway, f"SELECT * FROM sales.orders.{table_format} ORDER BY id")
    assert table.to_pydict() == {"id": [2, 3], "region": ["south", "south"]}


@pytest.mark.parametrize("table_format", FORMATS)
def test_a_denied_column_is_named_by_its_policy_or_default(gateway, table_format):
    with pytest.raises(dbapi.Error, match=f"access denied to column sales.orders.{table_format}.email"):
        ask(gateway, f"SELECT email FROM sales.orders.{table_format}")


def test_the_secret_is_in_no_log(gateway):
    ask(gateway, "SELECT count(*) FROM sales.orders.delta")
    _, log = gateway
    assert KEYS["aws_secret_access_key"] not in log.read_text()


def test_a_table_whose_files_are_gone_fails_alone(gateway, store):
    client = boto3.client("s3", endpoint_url=store, **KEYS)
    client.delete_object(Bucket=BUCKET, Key="lake/parquet/part-0.parquet")
    with pytest.raises(dbapi.Error, match="sales.orders.parquet"):
        ask(gateway, "SELECT * FROM sales.orders.parquet")
    assert ask(gateway, "SELECT id FROM sales.orders.delta ORDER BY id").to_pydict() == {"id": [2, 3]}
