/** Open orders and fills as the chart draws them. Numbers in, numbers out: `order-lines.ts` draws, `candle-chart.ts` owns it. */
import type { OrderRow, TradeRow } from "../host";
import { baseOf } from "../shared/number";
import { lowerBound, type PlotBar } from "./bars";

export interface OrderLine {
  id: string;
  /** The price it moves. */
  field: "limit" | "stop";
  price: number;
  side: "buy" | "sell";
  label: string;
  draggable: boolean;
}

const SHORT: Record<string, string> = { limit: "limit", stop: "stop", stop_limit: "stop limit", trailing_stop: "trail", oco: "OCO" };

/** What is left to fill of a row, for a label; sizes are short enough for floats here. */
const left = (order: OrderRow): string => String(Number((Number(order.qty) - Number(order.filled)).toFixed(8)));

/** The lines of one pair. A trailing stop moves by itself and not by hand. */
export function linesOf(orders: readonly OrderRow[], pair: string): OrderLine[] {
  return orders.filter((order) => order.pair === pair).flatMap((order) => (["limit", "stop"] as const).flatMap((field) => lineOf(order, field) ?? []));
}

function lineOf(order: OrderRow, field: "limit" | "stop"): OrderLine | null {
  const text = order[field];
  if (text === null) return null;
  const side = order.side === "sell" ? "sell" : "buy";
  const exit = order.id.endsWith(".tp") ? "take profit" : order.id.endsWith(".sl") ? "stop loss" : null;
  const kind = SHORT[order.type] ?? order.type;
  // Of two prices the label says which, unless the kind ends in its name already.
  const which = order.limit !== null && order.stop !== null && !kind.endsWith(field) ? ` ${field}` : "";
  const label = `${side === "buy" ? "Buy" : "Sell"} ${left(order)} ${baseOf(order.pair)} ${exit ?? kind}${which}`;
  return { id: order.id, field, price: Number(text), side, label, draggable: order.type !== "trailing_stop" };
}

/** Pixels either side of a line at which it can be taken hold of. */
const REACH = 5;

/** The line nearest to `y`, where it is near enough to be taken hold of. */
export function lineAt<T>(lines: readonly T[], place: (line: T) => number | null, y: number): T | null {
  let [nearest, distance]: [T | null, number] = [null, REACH];
  for (const line of lines) {
    const at = place(line);
    if (at !== null && Math.abs(at - y) <= distance) [nearest, distance] = [line, Math.abs(at - y)];
  }
  return nearest;
}

/** Decimals that the prices of a pair have: what a price from the chart is rounded to, for a venue takes no finer one. */
export function tickDecimals(bars: readonly Pick<PlotBar, "open" | "high" | "low" | "close">[]): number {
  let most = 0;
  for (const { open, high, low, close } of bars.slice(-200)) {
    for (const price of [open, high, low, close]) most = Math.max(most, decimalsOf(price));
  }
  return most;
}

function decimalsOf(price: number): number {
  for (let decimals = 0; decimals < 8; decimals++) {
    if (Math.abs(price - Number(price.toFixed(decimals))) < 5e-10) return decimals;
  }
  return 8;
}

/** Price of a point as text, rounded to the pair's ticks; null where there is no price to trade at. */
export function priceText(price: number | null, decimals: number): string | null {
  if (price === null) return null;
  const text = price.toFixed(decimals);
  return Number(text) > 0 ? text : null;
}

export interface FillMark {
  /** Start of the bar it is drawn at. */
  timeMs: number;
  side: "buy" | "sell";
  fills: number;
}

/** Fills of one pair, put together for each bar and side. What is older than the oldest bar held is left out. */
export function fillMarks(trades: readonly Pick<TradeRow, "pair" | "side" | "event_time_ms">[], pair: string, bars: readonly PlotBar[]): FillMark[] {
  const marks = new Map<string, FillMark>();
  for (const trade of trades) {
    if (trade.pair !== pair) continue;
    const after = lowerBound(bars, trade.event_time_ms);
    const bar = bars[after]?.timeMs === trade.event_time_ms ? bars[after] : bars[after - 1];
    if (!bar) continue;
    const side = trade.side === "sell" ? "sell" : "buy";
    const key = `${bar.timeMs} ${side}`;
    const held = marks.get(key);
    if (held) held.fills += 1;
    else marks.set(key, { timeMs: bar.timeMs, side, fills: 1 });
  }
  return [...marks.values()].sort((a, b) => a.timeMs - b.timeMs);
}

/** When the fills of one pair were. */
export function fillTimes(trades: readonly Pick<TradeRow, "pair" | "side" | "event_time_ms">[], pair: string): { buys: number[]; sells: number[] } {
  const times = (side: "buy" | "sell") => trades.filter((trade) => trade.pair === pair && (trade.side === "sell") === (side === "sell")).map((trade) => trade.event_time_ms);
  return { buys: times("buy"), sells: times("sell") };
}
