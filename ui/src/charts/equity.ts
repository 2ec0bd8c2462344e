/** Two equity curves over each other as numbers: what is drawn of them, the scale of money, and what is read where. Pure. */
import type { EquityPoint } from "../host";

export interface Curves {
  timeMs: readonly number[];
  /** Null before the account was opened. */
  first: readonly (number | null)[];
  second: readonly (number | null)[];
}

/** Before its opening deposit an account holds nothing: drawn, it would press all that came after into one line. */
export function curvesOf(points: readonly EquityPoint[]): Curves {
  return { timeMs: points.map(({ at_ms }) => at_ms), first: opened(points.map(({ first }) => first)), second: opened(points.map(({ second }) => second)) };
}

function opened(values: readonly number[]): (number | null)[] {
  const from = values.findIndex((value) => value !== 0);
  return values.map((value, index) => (from === -1 || index < from ? null : value));
}

export interface Scale {
  low: number;
  high: number;
}

/** Both curves, with a tenth of their height to spare; a flat one lies in the middle. Null when there is nothing to draw. */
export function scaleOf({ first, second }: Curves): Scale | null {
  let [low, high] = [Infinity, -Infinity];
  for (const values of [first, second]) {
    for (const value of values) {
      if (value === null) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (!(high >= low)) return null;
  const spare = high > low ? (high - low) / 10 : Math.max(1, Math.abs(high) / 1_000);
  return { low: low - spare, high: high + spare };
}

export const valueToY = ({ low, high }: Scale, height: number, value: number): number => height - ((value - low) / (high - low)) * height;

export interface ValueTicks {
  values: number[];
  decimals: number;
}

/** Round values, no closer than `spacing` pixels, and the decimals that tell them apart. */
export function valueTicks({ low, high }: Scale, height: number, spacing = 34): ValueTicks {
  const least = ((high - low) / height) * spacing;
  if (!(least > 0) || !Number.isFinite(least)) return { values: [], decimals: 0 };
  const power = Math.floor(Math.log10(least));
  // One power above for what lies between five and ten.
  const step = [1, 2, 5, 10].map((each) => each * 10 ** power).find((each) => each >= least) ?? 10 ** (power + 1);
  const values: number[] = [];
  for (let at = Math.ceil(low / step); at * step <= high; at++) values.push(at * step);
  return { values, decimals: Math.min(8, Math.max(0, -Math.floor(Math.log10(step) + 1e-9))) };
}

/** The point nearest in time; −1 when there is none. */
export function nearestPoint(timeMs: readonly number[], atMs: number): number {
  let [low, high] = [0, timeMs.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timeMs[middle]! < atMs) low = middle + 1;
    else high = middle;
  }
  const before = low > 0 && atMs - timeMs[low - 1]! <= timeMs[low]! - atMs;
  return timeMs.length === 0 ? -1 : before ? low - 1 : low;
}

/** The point that a key leads to, or null when the key is none of the chart's. `word` is as `keyWord` says it. */
export function pointOfKey(word: string, point: number, points: number): number | null {
  const leap = Math.max(1, Math.round(points / 20));
  const wanted: Record<string, number> = {
    ArrowLeft: point - 1,
    ArrowRight: point + 1,
    PageUp: point + leap,
    PageDown: point - leap,
    Home: 0,
    End: points - 1,
  };
  const found = wanted[word];
  return found === undefined || points === 0 ? null : Math.min(points - 1, Math.max(0, found));
}
