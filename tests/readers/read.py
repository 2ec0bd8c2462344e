"""Reads a data directory with engines that are not ours, and prints what they see as one JSON document.

    python read.py DATA             what every engine sees
    python read.py DATA ledger      the ledger's tables, by pypaimon
    python read.py DATA watch STOP  the rows of the ticks, over and over until the file STOP is there: a line for each read

Sums are of exact decimals, as text. Nothing here knows how Tapedeck writes: only where the tables are.
"""

import json
import pathlib
import sys
from decimal import Decimal

import duckdb
from pyiceberg.catalog.sql import SqlCatalog
from pypaimon import CatalogFactory


def iceberg_table(data):
    catalog = SqlCatalog("tapedeck", uri=f"sqlite:///{data}/cold/catalog.db", warehouse=f"{data}/cold")
    return catalog.load_table("market.ticks")


def pyiceberg(data):
    table = iceberg_table(data)
    rows = table.scan(row_filter="kind = 'trade'", selected_fields=("price", "size", "seq")).to_arrow()
    turnover = sum((p * s for p, s in zip(rows["price"].to_pylist(), rows["size"].to_pylist())), Decimal(0))
    snapshot = table.current_snapshot()
    return {
        "trades": rows.num_rows,
        "turnover": f"{turnover:.16f}",
        "distinct_seq": len(set(rows["seq"].to_pylist())),
        "snapshots": len(table.snapshots()),
        "rows_of_states": [
            table.scan(snapshot_id=state.snapshot_id, selected_fields=("seq",)).to_arrow().num_rows
            for state in sorted(table.snapshots(), key=lambda state: state.sequence_number)
        ],
        "through": snapshot.summary["tapedeck.seq"] if snapshot else None,
    }


def duckdb_with_iceberg():
    site = pathlib.Path(duckdb.__file__).parent.parent
    connection = duckdb.connect()
    for name in ("avro", "iceberg"):
        extension = next(site.glob(f"duckdb_extension_{name}/extensions/*/{name}.duckdb_extension"))
        connection.execute(f"LOAD '{extension}'")
    return connection


def duckdb_iceberg(data):
    metadata = iceberg_table(data).metadata_location.removeprefix("file://")
    connection = duckdb_with_iceberg()
    trades, turnover = connection.execute(
        "SELECT count(*), sum(CAST(price AS DECIMAL(38, 8)) * size) FROM iceberg_scan(?) WHERE kind = 'trade'",
        [metadata],
    ).fetchone()
    return {"trades": trades, "turnover": f"{turnover:.16f}"}


def paimon_rows(data, name):
    table = CatalogFactory.create({"warehouse": f"{data}/warm"}).get_table(name)
    builder = table.new_read_builder()
    return builder.new_read().to_arrow(builder.new_scan().plan().splits())


def pypaimon(data):
    candles = paimon_rows(data, "market.ohlcv_1m").sort_by([("source", "ascending"), ("pair", "ascending"), ("window_start", "ascending"), ("revision", "ascending")])
    columns = ("source", "pair", "window_start", "open", "high", "low", "close", "volume", "tick_count", "quality", "revision")
    rows = [
        [value.isoformat() if hasattr(value, "isoformat") else str(value) for value in row]
        for row in zip(*(candles[name].to_pylist() for name in columns))
    ]
    return {"candles": rows}


def ledger(data):
    balance = paimon_rows(data, "ledger.balance").to_pylist()
    trades = paimon_rows(data, "ledger.trades").to_pylist()
    transfers = paimon_rows(data, "ledger.transfers").to_pylist()
    return {
        "balance": sorted([row["session_id"], row["account"], row["asset"], f"{row['amount']:f}"] for row in balance),
        "trades": sorted([row["session_id"], row["trade_id"], row["side"], f"{row['fill_price']:f}", f"{row['total_cost']:f}"] for row in trades),
        "transfers": sorted([row["session_id"], row["step"], row["debit"], row["credit"], row["asset"], f"{row['amount']:f}"] for row in transfers),
    }


def watch(data, stop):
    connection = duckdb_with_iceberg()
    while not stop.exists():
        table = iceberg_table(data)
        rows = table.scan(selected_fields=("seq",)).to_arrow()["seq"].to_pylist()
        print(json.dumps({"engine": "pyiceberg", "rows": len(rows), "distinct": len(set(rows)), "last": max(rows, default=0)}), flush=True)
        metadata = iceberg_table(data).metadata_location.removeprefix("file://")
        rows, distinct, last = connection.execute(
            "SELECT count(*), count(DISTINCT seq), coalesce(max(seq), 0) FROM iceberg_scan(?)", [metadata]
        ).fetchone()
        print(json.dumps({"engine": "duckdb", "rows": rows, "distinct": distinct, "last": last}), flush=True)


def main():
    data, what = sys.argv[1], sys.argv[2:3]
    if what == ["watch"]:
        return watch(data, pathlib.Path(sys.argv[3]))
    if what == ["ledger"]:
        print(json.dumps(ledger(data)))
        return
    print(json.dumps({"pyiceberg": pyiceberg(data), "duckdb": duckdb_iceberg(data), "pypaimon": pypaimon(data)}))


if __name__ == "__main__":
    main()
