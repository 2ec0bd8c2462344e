/** A match as lines over the live hour, and as a small picture beside others. Numbers in, numbers out. */
import type { Laid } from "../feeds/alike.svelte";
import type { FollowedView } from "../host";
import { lowerBound, type PlotBar } from "./bars";

const MINUTE = 60_000;
/** Closes of the hour that was compared; what comes after them followed it. */
export const WINDOW = 60;

export interface Point {
  timeMs: number;
  price: number;
}

export interface FanSlice {
  timeMs: number;
  /** At 5, 25, 50, 75 and 95 of a hundred. */
  prices: readonly number[];
}

export interface MatchScene {
  id: string;
  /** The match's hour on the live hour's mean and deviation: as they were compared. */
  window: Point[];
  /** What followed it, in percent as it was, from the live hour's last close on. */
  ahead: Point[];
  fan: FanSlice[];
  low: number;
  high: number;
}

/** A point is drawn at the bar whose close it is: the start of its minute. */
export function sceneOf({ match, closes, endMs, followed }: Laid): MatchScene {
  const lastMs = endMs - MINUTE;
  const last = closes.at(-1)!;
  const window = fitted(match.closes_pct.slice(0, WINDOW), closes).map((price, index) => ({ timeMs: lastMs + (index - (WINDOW - 1)) * MINUTE, price }));
  const priceAt = (percent: number) => last * (1 + percent / 100);
  const ahead = [0, ...match.closes_pct.slice(WINDOW)].map((percent, index) => ({ timeMs: lastMs + index * MINUTE, price: priceAt(percent) }));
  const fan = followed ? slicesOf(followed).map(({ minutes, quantiles }) => ({ timeMs: lastMs + minutes * MINUTE, prices: quantiles.map(priceAt) })) : [];
  const prices = [...window, ...ahead].map(({ price }) => price).concat(fan.flatMap((slice) => slice.prices));
  return { id: match.id, window, ahead, fan, low: Math.min(...prices), high: Math.max(...prices) };
}

/** What came next, from nothing at no minutes on. */
export const slicesOf = ({ after_15, after_30, after_60 }: FollowedView): { minutes: number; quantiles: readonly number[] }[] => [
  { minutes: 0, quantiles: after_60.quantiles.map(() => 0) },
  { minutes: 15, quantiles: after_15.quantiles },
  { minutes: 30, quantiles: after_30.quantiles },
  { minutes: 60, quantiles: after_60.quantiles },
];

function moments(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length)) };
}

/** One series on the mean and deviation of another. */
export function fitted(values: readonly number[], onto: readonly number[]): number[] {
  const [own, other] = [moments(values), moments(onto)];
  const scale = own.deviation > 0 ? other.deviation / own.deviation : 0;
  return values.map((value) => other.mean + (value - own.mean) * scale);
}

/** A small picture of a match: its hour, what followed, and the live hour behind it, in a box of `width` × `height`. Points of polylines. */
export interface MatchShape {
  window: string;
  after: string;
  live: string;
  /** Where the hour ends. */
  splitX: number;
}

export function shapeOf(closesPct: readonly number[], live: readonly number[], width: number, height: number): MatchShape {
  const hour = closesPct.slice(0, WINDOW);
  const behind = fitted(live, hour);
  const all = [...closesPct, ...behind];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  // A stroke at the edge is not cut.
  const [left, inset] = [1, 2];
  const xOf = (index: number) => left + (index / (2 * WINDOW - 1)) * (width - 2 * left);
  const yOf = (value: number) => (high > low ? height - inset - ((value - low) / (high - low)) * (height - 2 * inset) : height / 2);
  const line = (values: readonly number[], from: number) => values.map((value, index) => `${xOf(from + index).toFixed(1)},${yOf(value).toFixed(1)}`).join(" ");
  return { window: line(hour, 0), after: line(closesPct.slice(WINDOW - 1), WINDOW - 1), live: line(behind, 0), splitX: xOf(WINDOW - 1) };
}

/** Where a moment lies among the bars, which may miss some minutes; beyond either end as far as it would with none missing. */
export function logicalAt(bars: readonly PlotBar[], timeMs: number): number {
  const last = bars.length - 1;
  if (last < 0) return 0;
  const step = stepOf(bars);
  const after = lowerBound(bars, timeMs);
  if (after > last) return last + (timeMs - bars[last]!.timeMs) / step;
  if (after === 0) return (timeMs - bars[0]!.timeMs) / step;
  const [before, next] = [bars[after - 1]!.timeMs, bars[after]!.timeMs];
  return after - 1 + (timeMs - before) / (next - before);
}

interface Range {
  from: number;
  to: number;
}

/** A view with all of `reach` in it: moved along where it is wide enough, widened where it is not. Null when it is in view already. */
export function broughtIntoView(view: Range, reach: Range, margin: number): Range | null {
  if (reach.from >= view.from && reach.to <= view.to) return null;
  const to = reach.to + margin;
  return { from: Math.min(to - (view.to - view.from), reach.from - margin), to };
}

/** Length of a bar: the least distance of the newest ones. */
function stepOf(bars: readonly PlotBar[]): number {
  let step = Infinity;
  for (let index = Math.max(1, bars.length - 100); index < bars.length; index++) step = Math.min(step, bars[index]!.timeMs - bars[index - 1]!.timeMs);
  return Number.isFinite(step) ? step : MINUTE;
}
