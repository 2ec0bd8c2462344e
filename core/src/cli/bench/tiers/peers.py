"""Peers of `tapedeck bench tiers`: one-minute candles of the same Parquet files, by polars and by DuckDB.

Reads one line of JSON from standard input, {"files": [...], "threads": N}, and prints the engines it has. Then, for each line that
names one, runs it once and prints the seconds it took and what it found. Seconds are of reading the files to rows in memory; putting
these into text, to be compared with Tapedeck's, is not counted. Each is asked in its quickest way that gives the same rows: the open and
close are the first and last row of a minute, which is right only because these files are in the order of the trades.
"""

import json
import os
import sys
import time
import zlib

asked = json.loads(sys.stdin.readline())
os.environ["POLARS_MAX_THREADS"] = str(asked["threads"])

import duckdb  # noqa: E402
import polars as pl  # noqa: E402  (it reads the variable when it is imported)

MINUTE = 60_000_000


def polars_by(engine):
    def run():
        return (
            pl.scan_parquet(asked["files"])
            .filter(pl.col("kind") == "trade")
            .group_by("pair", pl.col("event_time").to_physical() // MINUTE)
            .agg(
                pl.col("price").first().alias("open"),
                pl.col("price").max().alias("high"),
                pl.col("price").min().alias("low"),
                pl.col("price").last().alias("close"),
                pl.col("size").sum(),
                pl.len(),
            )
            .collect(engine=engine)
        )

    return run, lambda found: found.rows()


connection = duckdb.connect()
connection.execute(f"SET threads = {int(asked['threads'])}")


def duckdb_minutes():
    return connection.execute(
        """
        SELECT pair, epoch_us(event_time) // 60000000 AS minute, arg_min(price, seq), max(price), min(price),
               arg_max(price, seq), sum(size), count(*)
        FROM read_parquet(?) WHERE kind = 'trade' GROUP BY pair, minute
        """,
        [asked["files"]],
    ).fetchall()


ENGINES = {
    "polars": polars_by("in-memory"),
    "polars, streaming": polars_by("streaming"),
    "duckdb": (duckdb_minutes, lambda found: found),
}


def units(amount):
    return int(amount.scaleb(8))


def checksum(rows):
    """Of every value of every row, in a text that Tapedeck writes the same."""
    lines = sorted(
        (pair, minute, *map(units, (first, high, low, last, volume)), ticks)
        for pair, minute, first, high, low, last, volume, ticks in rows
    )
    text = "".join(",".join(map(str, line)) + "\n" for line in lines)
    return {
        "minutes": len(lines),
        "close": str(sum(line[5] for line in lines)),
        "volume": str(sum(line[6] for line in lines)),
        "crc32": zlib.crc32(text.encode()),
    }


def say(answer):
    print(json.dumps(answer), flush=True)


say({"polars": pl.__version__, "duckdb": duckdb.__version__, "engines": list(ENGINES)})
for line in sys.stdin:
    run, rows_of = ENGINES[line.strip()]
    started = time.perf_counter()
    found = run()
    seconds = time.perf_counter() - started
    say({"seconds": seconds, **checksum(rows_of(found))})
