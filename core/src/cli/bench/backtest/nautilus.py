"""Run NautilusTrader over one day of trade ticks, as a peer for the benchmark.

    nautilus.py TICKS.parquet ORDERS.jsonl

Measured ("seconds", three runs): `BacktestEngine.run()` alone, with one strategy that
takes every trade tick and the one-minute LAST bars that the engine aggregates itself,
and submits each order at its time. The venue has one cash account of 100 000 USD, fees
of 0.10 % (taker) and 0.05 % (maker), and a latency of 50 ms on each order.

Not measured: importing; reading the files, making the tick objects and adding them to
the engine ("load_seconds", once); resetting between the runs; the engine's post-run
analysis and its logging, which are both off.

What the engine does by itself, to know before comparing:
* A market buy fills at the last price a buying taker paid, a sell at the last price a
  selling taker got. What exceeds the size of the last trade fills one price step worse,
  as a second fill, so there are more fills than orders.
* A resting limit buy fills when a buying taker trades at its limit or under it, not
  when a selling taker does; a resting limit sell the other way round.
* A bar holds the trades of (start, end], and the one still open at the last tick is
  not emitted: a day gives 1439 bars.
* Each fill's value and commission is rounded to the cent.
* A run after a reset takes longer than the one before it, by about 5 to 10 %, while
  runs of fresh engines do not: the first of the three is the one to compare with.

Exit codes: 0; 1 for bad input or usage, or when the runs disagree; 3 when a package is
missing. One line of JSON on stdout.
"""

import json
import sys
import time
from decimal import Decimal

try:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
    from nautilus_trader import __version__
    from nautilus_trader.backtest.engine import BacktestEngine
    from nautilus_trader.backtest.models import LatencyModel
    from nautilus_trader.config import BacktestEngineConfig, LoggingConfig
    from nautilus_trader.core.datetime import dt_to_unix_nanos
    from nautilus_trader.model.currencies import BTC, USD
    from nautilus_trader.model.data import BarType, TradeTick
    from nautilus_trader.model.enums import (
        AccountType,
        AggressorSide,
        OmsType,
        OrderSide,
    )
    from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, Venue
    from nautilus_trader.model.instruments import CurrencyPair
    from nautilus_trader.model.objects import Money, Price, Quantity
    from nautilus_trader.trading.strategy import Strategy
    from pandas import Timestamp
except ImportError as error:
    print(json.dumps({"missing": error.name or str(error)}))
    sys.exit(3)

REPETITIONS = 3
PAIR = "BTC-USD"
PRICE_PRECISION = 2
SIZE_PRECISION = 8
LATENCY_NS = 50_000_000
ALERTS_AHEAD = 16
VENUE = Venue("SIM")
INSTRUMENT = CurrencyPair(
    instrument_id=InstrumentId.from_str(f"BTC/USD.{VENUE}"),
    raw_symbol=InstrumentId.from_str(f"BTC/USD.{VENUE}").symbol,
    base_currency=BTC,
    quote_currency=USD,
    price_precision=PRICE_PRECISION,
    size_precision=SIZE_PRECISION,
    price_increment=Price(10**-PRICE_PRECISION, PRICE_PRECISION),
    size_increment=Quantity(10**-SIZE_PRECISION, SIZE_PRECISION),
    ts_event=0,
    ts_init=0,
    maker_fee=Decimal("0.0005"),
    taker_fee=Decimal("0.0010"),
)
BAR_TYPE = BarType.from_str(f"{INSTRUMENT.id}-1-MINUTE-LAST-INTERNAL")
AGGRESSORS = {"buy": AggressorSide.BUYER, "sell": AggressorSide.SELLER}


class OrderReplay(Strategy):
    """Submits each order at its time; keeps the close of each bar and each fill."""

    def __init__(self, orders):
        super().__init__()
        self._orders = orders
        self.on_reset()

    def on_reset(self):
        self._next = 0
        self._alerts = 0
        self.ticks = 0
        self.refused = 0
        self.closes = []
        self.fills = []

    def on_start(self):
        self.subscribe_trade_ticks(INSTRUMENT.id)
        self.subscribe_bars(BAR_TYPE)
        self._set_alerts()

    def on_trade_tick(self, tick):
        self.ticks += 1

    def on_bar(self, bar):
        self.closes.append(bar.close)

    def on_order_filled(self, event):
        self.fills.append(event)

    def on_order_denied(self, event):
        self.refused += 1

    def on_order_rejected(self, event):
        self.refused += 1

    def _set_alerts(self):
        # The clock visits every pending alert on every tick, so only a few are pending
        # at a time. An alert would be set too late only if more orders than that were
        # due between two ticks.
        ahead = min(self._next + ALERTS_AHEAD, len(self._orders))
        for index in range(max(self._next, self._alerts), ahead):
            at_ns = self._orders[index][0]
            self.clock.set_time_alert_ns(f"order-{index}", at_ns, self._submit_due)
        self._alerts = ahead

    def _submit_due(self, event):
        factory = self.order_factory
        while self._next < len(self._orders):
            at_ns, order_id, *terms = self._orders[self._next]
            if at_ns > event.ts_event:
                break
            create = factory.market if len(terms) == 2 else factory.limit
            self.submit_order(create(INSTRUMENT.id, *terms, client_order_id=order_id))
            self._next += 1
        self._set_alerts()


def read_decimals(column, precision):
    """Return a price or size column as float64; refuse more than `precision` digits."""
    values = column.cast(pa.float64()).to_numpy().copy()
    tolerance = 10.0 ** -(precision + 3)
    if not np.allclose(values, np.round(values, precision), rtol=0, atol=tolerance):
        raise ValueError(f"the ticks need more than {precision} decimals")
    return values


def read_ticks(path):
    """Read the parquet file into TradeTick objects."""
    table = pq.read_table(path)
    times = table["time"]
    if pa.types.is_timestamp(times.type):
        times = times.cast(pa.timestamp("ns", tz=times.type.tz))
    times = times.cast(pa.int64()).to_numpy().astype(np.uint64)
    aggressors = np.full(len(times), AggressorSide.NO_AGGRESSOR, dtype=np.uint8)
    if "taker_side" in table.column_names:
        sides = pc.utf8_lower(table["taker_side"]).to_numpy(zero_copy_only=False)
        for name, aggressor in AGGRESSORS.items():
            aggressors[sides == name] = aggressor
    return TradeTick.from_raw_arrays_to_list(
        INSTRUMENT.id,
        PRICE_PRECISION,
        SIZE_PRECISION,
        read_decimals(table["price"], PRICE_PRECISION),
        read_decimals(table["size"], SIZE_PRECISION),
        aggressors,
        table["trade_id"].cast(pa.string()).to_pylist(),
        times,
        times,
    )


def read_orders(path):
    """Read the JSON lines into (time, id, side, quantity[, limit price]), by time."""
    orders = []
    with open(path, encoding="utf-8") as lines:
        for line in filter(str.strip, lines):
            order = json.loads(line)
            if order["pair"] != PAIR or order["type"] not in ("market", "limit"):
                raise ValueError(f"cannot replay this order: {line.strip()}")
            terms = [
                OrderSide[order["side"].upper()],
                INSTRUMENT.make_qty(Decimal(order["qty"])),
            ]
            if order["type"] == "limit":
                terms.append(INSTRUMENT.make_price(Decimal(order["limit"])))
            at_ns = dt_to_unix_nanos(Timestamp(order["at"]))
            orders.append((at_ns, ClientOrderId(order["id"]), *terms))
    return sorted(orders, key=lambda order: order[0])


def build_engine(ticks, strategy):
    """Return a backtest engine that is ready to run."""
    logging = LoggingConfig(bypass_logging=True)
    engine = BacktestEngine(BacktestEngineConfig(logging=logging, run_analysis=False))
    engine.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.CASH,
        starting_balances=[Money(100_000, USD), Money(0, BTC)],
        latency_model=LatencyModel(base_latency_nanos=LATENCY_NS),
        bar_execution=False,
        trade_execution=True,
    )
    engine.add_instrument(INSTRUMENT)
    engine.add_data(ticks)
    engine.add_strategy(strategy)
    return engine


def main(ticks_path, orders_path):
    started = time.perf_counter()
    ticks = read_ticks(ticks_path)
    strategy = OrderReplay(read_orders(orders_path))
    engine = build_engine(ticks, strategy)
    load_seconds = time.perf_counter() - started

    seconds = []
    results = []
    for repetition in range(REPETITIONS):
        if repetition:
            engine.reset()
        started = time.perf_counter()
        engine.run()
        seconds.append(round(time.perf_counter() - started, 4))
        balances = engine.cache.account_for_venue(VENUE).balances_total()
        results.append(
            {
                "ticks": strategy.ticks,
                "bars": len(strategy.closes),
                "orders": engine.cache.orders_total_count(),
                "fills": len(strategy.fills),
                "balance": ", ".join(str(balance) for balance in balances.values()),
            }
        )
    if any(result != results[0] for result in results):
        raise ValueError(f"the runs disagree: {results}")
    if strategy.refused:
        print(f"warning: {strategy.refused} orders denied or rejected", file=sys.stderr)

    report = {"peer": "nautilus_trader", "version": __version__, **results[0]}
    report |= {"seconds": seconds, "load_seconds": round(load_seconds, 4)}
    print(json.dumps(report))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: nautilus.py TICKS.parquet ORDERS.jsonl")
    try:
        main(sys.argv[1], sys.argv[2])
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        sys.exit(f"error: {error}")
