import { expect, test } from "vitest";
import type { OrderRow } from "../host";
import type { PlotBar } from "./bars";
import { fillMarks, lineAt, linesOf, priceText, tickDecimals } from "./orders";

const order = (change: Partial<OrderRow>) => ({ id: "a", pair: "BTC-USD", side: "buy", type: "limit", qty: "0.3", filled: "0.1", limit: "42300", stop: null, ...change }) as OrderRow;
const bar = (minute: number, price = 42_300.5) => ({ timeMs: minute * 60_000, open: price, high: price, low: price, close: price }) as PlotBar;

test("an order has a line for each price it can be moved by, on its own pair only", () => {
  const orders = [
    order({}),
    order({ id: "b", pair: "ETH-USD" }),
    order({ id: "c", type: "oco", side: "sell", filled: "0", limit: "43000", stop: "41000" }),
    order({ id: "d", type: "trailing_stop", side: "sell", limit: null, stop: "41500", filled: "0" }),
    order({ id: "e.sl", type: "stop", side: "sell", limit: null, stop: "41000", filled: "0" }),
    order({ id: "f", type: "stop_limit", limit: "42900", stop: "42800", filled: "0" }),
    order({ id: "g", type: "market", limit: null }),
  ];
  expect(linesOf(orders, "BTC-USD").map(({ id, field, label, draggable }) => [id, field, label, draggable])).toEqual([
    ["a", "limit", "Buy 0.2 BTC limit", true],
    ["c", "limit", "Sell 0.3 BTC OCO limit", true],
    ["c", "stop", "Sell 0.3 BTC OCO stop", true],
    ["d", "stop", "Sell 0.3 BTC trail", false],
    ["e.sl", "stop", "Sell 0.3 BTC stop loss", true],
    ["f", "limit", "Buy 0.3 BTC stop limit", true],
    ["f", "stop", "Buy 0.3 BTC stop limit stop", true],
  ]);
});

test("the nearest line is taken, and none from afar", () => {
  const places = [100, 104, null];
  expect([lineAt(places, (at) => at, 103), lineAt(places, (at) => at, 97), lineAt(places, (at) => at, 90)]).toEqual([104, 100, null]);
});

test("a price from the chart is one that the venue takes", () => {
  expect([tickDecimals([bar(1)]), tickDecimals([bar(1), bar(2, 42_300.57)]), tickDecimals([bar(1, 0.08971)]), tickDecimals([bar(1, 0.00002213)]), tickDecimals([])]).toEqual([1, 2, 5, 8, 0]);
  expect([priceText(42_300.567, 2), priceText(-3, 2), priceText(0.001, 2), priceText(null, 2)]).toEqual(["42300.57", null, null, null]);
});

test("fills stand at the bar they fell in, of their own pair, and once for each side", () => {
  const at = (pair: string, side: string, seconds: number) => ({ pair, side, event_time_ms: seconds * 1_000 });
  const trades = [at("BTC-USD", "buy", 30), at("BTC-USD", "buy", 60), at("BTC-USD", "buy", 119), at("BTC-USD", "sell", 75), at("ETH-USD", "buy", 61), at("BTC-USD", "sell", 400)];
  expect(fillMarks(trades, "BTC-USD", [bar(1), bar(2), bar(4)])).toEqual([
    { timeMs: 60_000, side: "buy", fills: 2 },
    { timeMs: 60_000, side: "sell", fills: 1 },
    { timeMs: 240_000, side: "sell", fills: 1 },
  ]);
  expect(fillMarks(trades, "BTC-USD", [])).toEqual([]);
});
