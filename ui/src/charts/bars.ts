/** Bars as the chart holds them: floats, for drawing only, oldest first, one for each time. */
import type { Bar, Quality } from "../host";
import { QUALITIES, type Series } from "./series";

export interface PlotBar {
  timeMs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  ticks: number;
  quality: Quality;
}

export const plotBar = (bar: Bar): PlotBar => ({
  timeMs: bar.time_ms,
  open: Number(bar.open),
  high: Number(bar.high),
  low: Number(bar.low),
  close: Number(bar.close),
  volume: Number(bar.volume),
  ticks: bar.tick_count,
  quality: bar.quality,
});

export function plotBars(series: Series): PlotBar[] {
  return Array.from({ length: series.rows }, (_, row) => ({
    timeMs: series.timeMs[row]!,
    open: series.open[row]!,
    high: series.high[row]!,
    low: series.low[row]!,
    close: series.close[row]!,
    volume: series.volume[row]!,
    ticks: series.tickCount[row]!,
    quality: QUALITIES[series.quality[row]!] ?? "complete",
  }));
}

/** Where `timeMs` is, or would be inserted. */
export function lowerBound(bars: readonly PlotBar[], timeMs: number): number {
  let low = 0;
  let high = bars.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bars[middle]!.timeMs < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

export type Placed = "appended" | "last" | "revised" | "unknown";

/** Puts one bar in its place. A bar older than the newest that was never held is `unknown`: it belongs to a page not loaded. */
export function placeBar(bars: PlotBar[], bar: PlotBar): Placed {
  const at = lowerBound(bars, bar.timeMs);
  if (at === bars.length) {
    bars.push(bar);
    return "appended";
  }
  if (bars[at]!.timeMs !== bar.timeMs) return "unknown";
  bars[at] = bar;
  return at === bars.length - 1 ? "last" : "revised";
}

/**
 * History, and the bars that frames brought while it was under way. Either may be newer: an answer and a channel are not
 * ordered. Within a generation a bar only gains ticks, so the one with more of them is the later one.
 */
export function joinHistory(history: PlotBar[], arrived: readonly PlotBar[]): PlotBar[] {
  const joined = history.slice();
  for (const bar of arrived) {
    const at = lowerBound(joined, bar.timeMs);
    if (joined[at]?.timeMs !== bar.timeMs) joined.splice(at, 0, bar);
    else if (bar.ticks >= joined[at]!.ticks) joined[at] = bar;
  }
  return joined;
}

/** Older bars before the held ones; any overlap is dropped from the older page. */
export function prependPage(page: readonly PlotBar[], held: readonly PlotBar[]): PlotBar[] {
  const first = held[0];
  const older = first ? page.slice(0, lowerBound(page, first.timeMs)) : page;
  return [...older, ...held];
}

export interface LogicalRange {
  from: number;
  to: number;
}

/**
 * The visible range after the data were replaced, so that a bar shown before and after stays where it was: stepping back
 * makes the newest bars disappear and moves nothing. Null when there is nothing to hold on to: show the newest bars.
 */
export function keptRange(range: LogicalRange, before: readonly PlotBar[], after: readonly PlotBar[]): LogicalRange | null {
  const oldLast = before.length - 1;
  const newLast = after.length - 1;
  if (oldLast < 0 || newLast < 0) return null;
  const shift = indexShift(before, after);
  const moved = shift === null ? null : { from: range.from + shift, to: range.to + shift };
  const followed = oldLast >= range.from && oldLast <= range.to;
  if (moved && newLast >= moved.from + (moved.to - moved.from) / 8 && newLast <= moved.to) return moved;
  if (moved && !followed && newLast > moved.to && moved.to > 0) return moved;
  if (!followed) return null;
  const width = range.to - range.from;
  const to = newLast + Math.max(1, Math.min(range.to - oldLast, width / 2));
  return { from: to - width, to };
}

/** How far the index of a bar held both before and after has moved. */
function indexShift(before: readonly PlotBar[], after: readonly PlotBar[]): number | null {
  for (const anchor of [after[after.length - 1]!, after[0]!]) {
    const at = lowerBound(before, anchor.timeMs);
    if (before[at]?.timeMs === anchor.timeMs) return lowerBound(after, anchor.timeMs) - at;
  }
  const last = before[before.length - 1]!;
  const at = lowerBound(after, last.timeMs);
  return after[at]?.timeMs === last.timeMs ? at - (before.length - 1) : null;
}

/** Pixels above and below a candle that still are the candle to a hand. */
const AROUND = 10;

/**
 * Whether a point of a bar's column is on what is drawn of the bar: its candle, `topY` to `bottomY`, or its volume, which stands on
 * the floor of the plot. Elsewhere on the chart a click means nothing.
 */
export function isOnBar(y: number, topY: number, bottomY: number, volumeTopY: number): boolean {
  return (y >= topY - AROUND && y <= bottomY + AROUND) || y >= volumeTopY - AROUND;
}
