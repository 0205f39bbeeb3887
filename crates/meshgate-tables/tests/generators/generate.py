"""Writes the tables under `tests/fixtures` with Spark, which has what other writers lack.

    python3 -m venv venv && venv/bin/pip install pyspark==4.0.1 pyarrow pyroaring
    venv/bin/python generate.py ../fixtures

Needs a JDK 17 and Maven Central. The tables are written under WAREHOUSE, which is where their metadata say that they are,
and copied from there. The expected rows stand in `tests/lake.rs`.
"""

import base64
import json
import shutil
import struct
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyroaring import BitMap64
from pyspark.sql import SparkSession

WAREHOUSE = Path("/tmp/meshgate-fixtures")
PACKAGES = ["io.delta:delta-spark_2.13:4.0.0", "org.apache.iceberg:iceberg-spark-runtime-4.0_2.13:1.10.0"]


def session():
    return (
        SparkSession.builder.master("local[1]")
        .config("spark.jars.packages", ",".join(PACKAGES))
        .config(
            "spark.sql.extensions",
            "io.delta.sql.DeltaSparkSessionExtension,"
            "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        )
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.sql.catalog.ice", "org.apache.iceberg.spark.SparkCatalog")
        .config("spark.sql.catalog.ice.type", "hadoop")
        .config("spark.sql.catalog.ice.warehouse", f"file://{WAREHOUSE}/iceberg")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "1g")
        .getOrCreate()
    )


def delta_path(name):
    return f"{WAREHOUSE}/delta/{name}"


def delta_partitions(spark):
    """Partition columns of many types, with null and with characters that paths escape."""
    spark.sql(
        f"""CREATE TABLE delta.`{delta_path("partitions")}` (
            id INT, text STRING, number BIGINT, day DATE, at TIMESTAMP, local TIMESTAMP_NTZ,
            amount DECIMAL(10, 2), flag BOOLEAN, ratio DOUBLE)
        USING delta PARTITIONED BY (text, number, day, at, local, amount, flag, ratio)"""
    )
    spark.sql(
        f"""INSERT INTO delta.`{delta_path("partitions")}` VALUES
        (1, 'a/b=c %20 ü', -5, DATE'2013-01-31', TIMESTAMP'2013-01-31 23:59:59.123456',
         TIMESTAMP_NTZ'2013-01-31 23:59:59.5', 12.30, true, 0.5),
        (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"""
    )


def delta_vectors(spark):
    """A deletion vector in a file."""
    path = delta_path("vectors")
    spark.sql(
        f"CREATE TABLE delta.`{path}` (id INT, name STRING) USING delta"
        " TBLPROPERTIES ('delta.enableDeletionVectors' = true)"
    )
    spark.range(0, 200, 1, 1).selectExpr("CAST(id AS INT) id", "concat('name ', id) name").write.format("delta").mode(
        "append"
    ).save(path)
    spark.sql(f"DELETE FROM delta.`{path}` WHERE id % 10 = 3 OR id >= 190")


def delta_inline_vector():
    """The same table with its deletion vector in the log, which Spark reads but does not write."""
    source, path = Path(delta_path("vectors")), Path(delta_path("inline_vector"))
    shutil.copytree(source, path, ignore=shutil.ignore_patterns("deletion_vector*", ".*"))
    commit = sorted((path / "_delta_log").glob("*.json"))[-1]
    deleted = BitMap64([0, 1, 199])
    vector = struct.pack("<I", 1681511377) + deleted.serialize()
    actions = [json.loads(line) for line in commit.read_text().splitlines()]
    for action in actions:
        if "add" in action:
            action["add"]["deletionVector"] = {
                "storageType": "i",
                "pathOrInlineDv": z85(vector),
                "sizeInBytes": len(vector),
                "cardinality": len(deleted),
            }
    commit.write_text("".join(json.dumps(action) + "\n" for action in actions))


def z85(data):
    """ZeroMQ's base 85, of whole groups of four bytes."""
    python = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
    zeromq = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    data += bytes(-len(data) % 4)
    return base64.b85encode(data).decode().translate(str.maketrans(python, zeromq))


def delta_mapping(spark, mode):
    """Columns renamed, dropped and added, nested ones too."""
    path = delta_path(f"mapping_{mode}")
    spark.sql(
        f"CREATE TABLE delta.`{path}` (id INT, gone STRING, name STRING, place STRUCT<city: STRING, zip: INT>, part STRING)"
        f" USING delta PARTITIONED BY (part) TBLPROPERTIES ('delta.columnMapping.mode' = '{mode}')"
    )
    spark.sql(
        f"INSERT INTO delta.`{path}` VALUES (1, 'x', 'one', named_struct('city', 'Rome', 'zip', 10), 'p')"
    )
    spark.sql(f"ALTER TABLE delta.`{path}` DROP COLUMN gone")
    spark.sql(f"ALTER TABLE delta.`{path}` RENAME COLUMN name TO title")
    spark.sql(f"ALTER TABLE delta.`{path}` RENAME COLUMN place.city TO town")
    spark.sql(f"ALTER TABLE delta.`{path}` RENAME COLUMN part TO section")
    spark.sql(f"ALTER TABLE delta.`{path}` ADD COLUMNS (name INT, place.land STRING)")
    spark.sql(
        f"INSERT INTO delta.`{path}` (id, title, place, section, name)"
        " VALUES (2, 'two', named_struct('town', 'Oslo', 'zip', 20, 'land', 'NO'), 'q', 22)"
    )


def delta_widening(spark):
    """Types that grew after files were written."""
    path = delta_path("widening")
    spark.sql(
        f"CREATE TABLE delta.`{path}` (small SMALLINT, whole INT, ratio FLOAT, day DATE, amount DECIMAL(5, 2)) USING delta"
        " TBLPROPERTIES ('delta.enableTypeWidening' = true, 'delta.feature.timestampNtz' = 'supported')"
    )
    spark.sql(f"INSERT INTO delta.`{path}` VALUES (1, 10, 0.5, DATE'2013-01-01', 1.25)")
    for change in [
        "small TYPE INT",
        "whole TYPE BIGINT",
        "ratio TYPE DOUBLE",
        "day TYPE TIMESTAMP_NTZ",
        "amount TYPE DECIMAL(12, 4)",
    ]:
        spark.sql(f"ALTER TABLE delta.`{path}` ALTER COLUMN {change}")
    spark.sql(
        f"INSERT INTO delta.`{path}` VALUES"
        " (70000, 5000000000, 0.1, TIMESTAMP_NTZ'2013-01-02 03:04:05.000006', 12345678.1234)"
    )


def delta_checkpoint(spark):
    """A V2 checkpoint with sidecars that stands for commits which are gone."""
    path = delta_path("checkpoint_v2")
    spark.conf.set("spark.databricks.delta.checkpoint.partSize", "2")
    spark.sql(
        f"CREATE TABLE delta.`{path}` (id INT) USING delta"
        " TBLPROPERTIES ('delta.checkpointPolicy' = 'v2', 'delta.checkpointInterval' = '3')"
    )
    for number in range(1, 6):
        spark.sql(f"INSERT INTO delta.`{path}` VALUES ({number})")
    spark.conf.unset("spark.databricks.delta.checkpoint.partSize")
    for version in range(0, 3):
        (Path(path) / "_delta_log" / f"{version:020}.json").unlink()


def iceberg_positions(spark):
    """Format version 2 with position deletes, in a partitioned table, with history."""
    spark.sql(
        "CREATE TABLE ice.db.positions (id INT, city STRING) USING iceberg PARTITIONED BY (city)"
        " TBLPROPERTIES ('format-version' = '2', 'write.delete.mode' = 'merge-on-read')"
    )
    spark.sql("INSERT INTO ice.db.positions VALUES (1, 'Rome'), (2, 'Rome'), (3, 'Oslo'), (4, 'Oslo'), (5, NULL)")
    spark.sql("DELETE FROM ice.db.positions WHERE id = 2")
    spark.sql("DELETE FROM ice.db.positions WHERE id = 4")
    spark.sql("INSERT INTO ice.db.positions VALUES (2, 'Rome')")


def iceberg_vectors(spark):
    """Format version 3 with deletion vectors, and a column with an initial default."""
    spark.sql(
        "CREATE TABLE ice.db.vectors (id INT, name STRING) USING iceberg"
        " TBLPROPERTIES ('format-version' = '3', 'write.delete.mode' = 'merge-on-read')"
    )
    spark.range(0, 100, 1, 1).selectExpr("CAST(id AS INT) id", "concat('name ', id) name").writeTo(
        "ice.db.vectors"
    ).append()
    spark.sql("DELETE FROM ice.db.vectors WHERE id % 2 = 1")
    spark.sql("DELETE FROM ice.db.vectors WHERE id > 90")
    table, jvm = java_table(spark, "ice.db.vectors"), spark._jvm
    types, literal = jvm.org.apache.iceberg.types.Types, jvm.org.apache.iceberg.expressions.Expressions
    table.updateSchema().addColumn("grade", types.IntegerType.get(), None, literal.lit(7)).commit()
    spark.sql("REFRESH TABLE ice.db.vectors")
    spark.sql("INSERT INTO ice.db.vectors VALUES (1000, 'late', 9)")


def iceberg_evolution(spark):
    """A schema and a partitioning that changed between files."""
    spark.sql(
        "CREATE TABLE ice.db.evolution (id INT, name STRING, gone STRING, at TIMESTAMP,"
        " place STRUCT<city: STRING, zip: INT>, tags ARRAY<STRUCT<k: STRING>>, m MAP<STRING, INT>) USING iceberg"
    )
    row = "named_struct('city', '{0}', 'zip', {1}), array(named_struct('k', '{0}')), map('{0}', {1})"
    spark.sql(
        "INSERT INTO ice.db.evolution VALUES"
        f" (1, 'one', 'x', TIMESTAMP'2013-01-01 10:00:00', {row.format('Rome', 10)})"
    )
    spark.sql("ALTER TABLE ice.db.evolution ADD PARTITION FIELD days(at)")
    spark.sql("ALTER TABLE ice.db.evolution DROP COLUMN gone")
    spark.sql("ALTER TABLE ice.db.evolution RENAME COLUMN name TO title")
    spark.sql("ALTER TABLE ice.db.evolution RENAME COLUMN place.city TO town")
    spark.sql("ALTER TABLE ice.db.evolution ALTER COLUMN id TYPE BIGINT")
    spark.sql("ALTER TABLE ice.db.evolution ADD COLUMN name INT")
    spark.sql(
        "INSERT INTO ice.db.evolution VALUES"
        f" (5000000000, 'two', TIMESTAMP'2013-01-02 10:00:00', {row.format('Oslo', 20).replace('city', 'town')}, 22)"
    )
    spark.sql("ALTER TABLE ice.db.evolution ADD PARTITION FIELD bucket(4, id)")
    spark.sql(
        "INSERT INTO ice.db.evolution VALUES"
        f" (3, 'three', TIMESTAMP'2013-01-03 10:00:00', {row.format('Kyiv', 30).replace('city', 'town')}, 33)"
    )


def iceberg_hidden(spark):
    """Partitioned by a bucket alone, and by a month, for pruning."""
    spark.sql(
        "CREATE TABLE ice.db.hidden (id BIGINT, at TIMESTAMP) USING iceberg"
        " PARTITIONED BY (bucket(4, id), months(at))"
        " TBLPROPERTIES ('write.metadata.metrics.default' = 'none')"
    )
    spark.sql(
        "INSERT INTO ice.db.hidden SELECT id, TIMESTAMP'2013-01-15 00:00:00' + make_interval(0, CAST(id % 3 AS INT))"
        " FROM range(0, 24, 1, 1)"
    )


def iceberg_equality(spark):
    """Equality deletes, which Spark reads but does not write: one of a partition, one of all, one on a dropped column."""
    spark.sql(
        "CREATE TABLE ice.db.equality (id INT, city STRING, code INT) USING iceberg PARTITIONED BY (city)"
        " TBLPROPERTIES ('format-version' = '2')"
    )
    insert = "INSERT INTO ice.db.equality VALUES {}"
    spark.sql(insert.format("(1, 'Rome', 10), (2, 'Rome', 20), (3, 'Oslo', 30), (1, 'Oslo', 10), (NULL, 'Oslo', 50)"))
    table, jvm = java_table(spark, "ice.db.equality"), spark._jvm
    text = jvm.java.lang.Class.forName("java.lang.String")
    tasks, rome = table.newScan().planFiles().iterator(), None
    while rome is None:
        partition = tasks.next().file().partition()
        rome = partition if partition.get(0, text) == "Rome" else None
    add_equality(spark, table, "rome", [(1, "id", pa.int32(), [1])], table.spec(), rome)
    table.updateSpec().removeField("city").commit()
    spark.sql("REFRESH TABLE ice.db.equality")
    table = java_table(spark, "ice.db.equality")
    add_equality(spark, table, "null", [(1, "id", pa.int32(), [None])], table.spec(), None)
    add_equality(spark, table, "code", [(3, "code", pa.int32(), [30])], table.spec(), None)
    spark.sql("ALTER TABLE ice.db.equality DROP COLUMN code")
    spark.sql("INSERT INTO ice.db.equality VALUES (1, 'Rome'), (3, 'Oslo')")


def add_equality(spark, table, name, columns, spec, partition):
    path = f"{WAREHOUSE}/iceberg/db/equality/data/delete-{name}.parquet"
    fields = [pa.field(column, kind, metadata={"PARQUET:field_id": str(id)}) for id, column, kind, _ in columns]
    rows = pa.table([pa.array(values, kind) for _, _, kind, values in columns], schema=pa.schema(fields))
    pq.write_table(rows, path)
    jvm = spark._jvm
    ids = spark.sparkContext._gateway.new_array(jvm.int, len(columns))
    for index, column in enumerate(columns):
        ids[index] = column[0]
    builder = (
        jvm.org.apache.iceberg.FileMetadata.deleteFileBuilder(spec)
        .ofEqualityDeletes(ids)
        .withPath(f"file://{path}")
        .withFormat("PARQUET")
        .withFileSizeInBytes(Path(path).stat().st_size)
        .withRecordCount(rows.num_rows)
    )
    if partition is not None:
        builder = builder.withPartition(partition)
    table.newRowDelta().addDeletes(builder.build()).commit()


def iceberg_mapped(spark):
    """A file without field ids, found by a name mapping; the partition's column is not in it. And one with ids."""
    folder = f"{WAREHOUSE}/iceberg/db/mapped/imported"
    spark.sql("CREATE TABLE ice.db.mapped (id INT, name STRING, city STRING) USING iceberg PARTITIONED BY (city)")
    Path(f"{folder}/city=Rome").mkdir(parents=True)
    rows = pa.table({"name": ["one", "two"], "id": pa.array([1, 2], pa.int32())})
    pq.write_table(rows, f"{folder}/city=Rome/part.parquet")
    spark.sql(f"CALL ice.system.add_files(table => 'db.mapped', source_table => '`parquet`.`file://{folder}`')")
    spark.sql("INSERT INTO ice.db.mapped VALUES (3, 'three', 'Oslo')")
    # The manifest that `add_files` leaves lacks a snapshot id, which the specification wants in format version 1. It is
    # written anew, as there are two of them.
    spark.sql("CALL ice.system.rewrite_manifests('db.mapped')")
    spark.sql("ALTER TABLE ice.db.mapped RENAME COLUMN name TO title")


def iceberg_upgraded(spark):
    """Files, manifests and a manifest list of format version 1 in a table of version 2."""
    spark.sql(
        "CREATE TABLE ice.db.upgraded (id INT, city STRING) USING iceberg PARTITIONED BY (truncate(1, city))"
        " TBLPROPERTIES ('format-version' = '1')"
    )
    spark.sql("INSERT INTO ice.db.upgraded VALUES (1, 'Rome'), (2, 'Oslo')")
    spark.sql("ALTER TABLE ice.db.upgraded SET TBLPROPERTIES ('format-version' = '2')")


def iceberg_empty(spark):
    spark.sql("CREATE TABLE ice.db.empty (id INT, name STRING) USING iceberg")


def java_table(spark, name):
    return spark._jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, name)


def main(target):
    shutil.rmtree(WAREHOUSE, ignore_errors=True)
    spark = session()
    spark.sparkContext.setLogLevel("ERROR")
    delta_partitions(spark)
    delta_vectors(spark)
    delta_inline_vector()
    for mode in ["name", "id"]:
        delta_mapping(spark, mode)
    delta_widening(spark)
    delta_checkpoint(spark)
    iceberg_positions(spark)
    iceberg_vectors(spark)
    iceberg_evolution(spark)
    iceberg_hidden(spark)
    iceberg_equality(spark)
    iceberg_mapped(spark)
    iceberg_upgraded(spark)
    iceberg_empty(spark)
    for name in ["partitions", "vectors", "inline_vector", "mapping_name", "mapping_id", "widening", "checkpoint_v2"]:
        print(name, *spark.read.format("delta").load(delta_path(name)).collect()[:12], sep="\n  ")
    # Spark itself fails to plan deletes on a dropped column, so `equality` is not shown.
    for name in ["positions", "vectors", "evolution", "hidden", "mapped", "upgraded", "empty"]:
        print(name, *spark.table(f"ice.db.{name}").collect()[:12], sep="\n  ")
    target = Path(target)
    shutil.rmtree(target, ignore_errors=True)
    ignore = shutil.ignore_patterns("*.crc", ".*.crc", "_commits", "_staged_commits", "*.crc.*")
    shutil.copytree(f"{WAREHOUSE}/delta", target / "delta", ignore=ignore)
    shutil.copytree(f"{WAREHOUSE}/iceberg/db", target / "iceberg", ignore=ignore)


if __name__ == "__main__":
    main(sys.argv[1])
