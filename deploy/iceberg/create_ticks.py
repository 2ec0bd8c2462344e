"""Makes market.ticks in an Iceberg REST catalog as a desk makes it, once: by day of the event, in the order of the tape, zstd.

Flink's SQL can not say a partition by the day of a time, so this runs before the first Flink job. Where the table is there already, its columns,
partitions and order are compared, and a difference ends this with 1.

    python create_ticks.py http://iceberg-rest:8181 s3://tapedeck/cold
"""

import os
import sys

from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.sorting import SortField, SortOrder
from pyiceberg.transforms import DayTransform, IdentityTransform
from pyiceberg.types import DecimalType, IntegerType, LongType, NestedField, StringType, TimestamptzType

LONG, INT, TEXT, TIME = LongType(), IntegerType(), StringType(), TimestamptzType()
PRICE, VOLUME = DecimalType(20, 8), DecimalType(38, 8)

# Name, whether it is always there, type.
COLUMNS = [
    ("seq", True, LONG),
    ("tape_time", True, TIME),
    ("kind", True, TEXT),
    ("source", True, TEXT),
    ("pair", False, TEXT),
    ("sequence", False, LONG),
    ("trade_id", False, LONG),
    ("price", False, PRICE),
    ("size", False, PRICE),
    ("side", False, TEXT),
    ("best_bid", False, PRICE),
    ("best_ask", False, PRICE),
    ("bid_size", False, PRICE),
    ("ask_size", False, PRICE),
    ("volume_24h", False, VOLUME),
    ("open_24h", False, PRICE),
    ("event_time", True, TIME),
    ("received_time", True, TIME),
    ("tape_time_ns", True, INT),
    ("event_time_ns", True, INT),
    ("received_time_ns", True, INT),
    ("arrival", False, TEXT),
]

SCHEMA = Schema(
    *(NestedField(place, name, kind, required=required) for place, (name, required, kind) in enumerate(COLUMNS, 1))
)
FIELD = {name: place for place, (name, _, _) in enumerate(COLUMNS, 1)}
PARTITIONS = PartitionSpec(PartitionField(FIELD["event_time"], 1000, DayTransform(), "event_time_day"))
ORDER = SortOrder(
    SortField(FIELD["tape_time"], IdentityTransform()),
    SortField(FIELD["seq"], IdentityTransform()),
)
PROPERTIES = {
    "write.parquet.compression-codec": "zstd",
    "write.metadata.previous-versions-max": "16",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.target-file-size-bytes": str(128 * 1024 * 1024),
}


def layout(table) -> tuple:
    """What has to be equal. Field ids may differ between catalogs, names may not."""
    schema = table.schema()
    return (
        [(field.name, field.required, str(field.field_type)) for field in schema.fields],
        [(schema.find_column_name(field.source_id), str(field.transform)) for field in table.spec().fields],
        [(schema.find_column_name(field.source_id), field.direction.value) for field in table.sort_order().fields],
    )


WANTED = (
    [(name, required, str(kind)) for name, required, kind in COLUMNS],
    [("event_time", "day")],
    [("tape_time", "asc"), ("seq", "asc")],
)


def ensure(catalog: Catalog) -> str:
    """Makes the table, or compares the one that is there. Raises ValueError when that is another."""
    catalog.create_namespace_if_not_exists("market")
    try:
        table, made = catalog.load_table("market.ticks"), "was there"
    except NoSuchTableError:
        table = catalog.create_table("market.ticks", SCHEMA, partition_spec=PARTITIONS, sort_order=ORDER, properties=PROPERTIES)
        made = "made"
    for wanted, found in zip(WANTED, layout(table)):
        if wanted != found:
            raise ValueError(f"market.ticks is another table: {found}, expected {wanted}")
    return made


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    catalog = load_catalog(
        "cold",
        type="rest",
        uri=sys.argv[1],
        warehouse=sys.argv[2],
        **{
            "s3.endpoint": os.environ.get("S3_ENDPOINT", "http://minio:9000"),
            "s3.access-key-id": os.environ.get("AWS_ACCESS_KEY_ID", ""),
            "s3.secret-access-key": os.environ.get("AWS_SECRET_ACCESS_KEY", ""),
            "s3.region": os.environ.get("AWS_REGION", "us-east-1"),
        },
    )
    try:
        print(f"market.ticks: {ensure(catalog)}")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
