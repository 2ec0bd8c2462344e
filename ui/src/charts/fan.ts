/** The fan of what came next, as numbers: its scale, bands and means. Pure. */
import type { FollowedView } from "../host";
import { type Scale, valueToY } from "./equity";
import { slicesOf } from "./match";

/** Both fans and their means on one scale, with no change in it; a tenth to spare. */
export function fanScale(views: readonly (FollowedView | null)[]): Scale {
  const values = views.flatMap((view) => (view ? [view.after_15, view.after_30, view.after_60].flatMap(({ quantiles, mean }) => [...quantiles, mean.low ?? mean.mean, mean.high ?? mean.mean]) : []));
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const spare = high > low ? (high - low) / 10 : 0.1;
  return { low: low - spare, high: high + spare };
}

export interface Fan {
  /** Points of polygons: 5 to 95 and 25 to 75 of a hundred. */
  outer: string;
  inner: string;
  /** Points of a polyline. */
  median: string;
  /** A mean and its interval, which too few do not have. */
  means: { minutes: number; x: number; y: number; low: number | null; high: number | null }[];
}

/** In a box of `width` × `height`; an hour is all of the width but what the last mean needs. */
export function fanOf(view: FollowedView, scale: Scale, width: number, height: number): Fan {
  const xOf = (minutes: number) => (minutes / 60) * (width - LAST);
  const yOf = (value: number) => valueToY(scale, height, value);
  const slices = slicesOf(view);
  const edge = (quantile: number) => slices.map(({ minutes, quantiles }) => `${xOf(minutes).toFixed(1)},${yOf(quantiles[quantile]!).toFixed(1)}`);
  const polygon = (low: number, high: number) => [...edge(low), ...edge(high).reverse()].join(" ");
  const means = ([[15, view.after_15], [30, view.after_30], [60, view.after_60]] as const).map(([minutes, { mean }]) => ({
    minutes,
    x: xOf(minutes),
    y: yOf(mean.mean),
    low: mean.low === null ? null : yOf(mean.low),
    high: mean.high === null ? null : yOf(mean.high),
  }));
  return { outer: polygon(0, 4), inner: polygon(1, 3), median: edge(2).join(" "), means };
}

const LAST = 6;
