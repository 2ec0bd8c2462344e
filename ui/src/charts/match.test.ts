import { expect, test } from "vitest";
import type { Laid } from "../feeds/alike.svelte";
import type { AlikeMatch, FollowedView, SpreadView } from "../host";
import type { PlotBar } from "./bars";
import { fanOf, fanScale } from "./fan";
import { broughtIntoView, fitted, logicalAt, sceneOf, shapeOf } from "./match";

const MINUTE = 60_000;
const spread = (reach: number): SpreadView => ({ quantiles: [-2, -1, 0, 1, 2].map((each) => each * reach), mean: { mean: 0.5 * reach, low: null, high: null } });
const followed: FollowedView = { n: 9, rose: { mean: 0.5, low: null, high: null }, after_15: spread(0.1), after_30: spread(0.2), after_60: spread(0.4), max: spread(1), min: spread(1) };
/** Sixty closes that rise by one a minute, and what followed: down one percent over an hour. */
const live = Array.from({ length: 60 }, (_, index) => 1_000 + index);
const hour = Array.from({ length: 60 }, (_, index) => (index - 59) * 0.05);
const after = Array.from({ length: 60 }, (_, index) => -(index + 1) / 60);
const laid = (closes_pct: number[], of: FollowedView | null = followed): Laid => ({ pair: "BTC-USD", endMs: 600 * MINUTE, closes: live, match: { id: "m", closes_pct } as AlikeMatch, followed: of });
const bar = (minute: number) => ({ timeMs: minute * MINUTE }) as PlotBar;

test("a match of the same shape lies on the live closes, minute for minute", () => {
  const { window } = sceneOf(laid([...hour, ...after]));
  expect(window.length).toBe(60);
  window.forEach(({ timeMs, price }, index) => {
    expect(timeMs).toBe((540 + index) * MINUTE);
    expect(price).toBeCloseTo(live[index]!, 6);
  });
});

test("what followed goes on from the live hour's last close, in percent as it was", () => {
  const { ahead, fan, low, high } = sceneOf(laid([...hour, ...after]));
  expect([ahead.length, ahead[0], ahead.at(-1)!.timeMs]).toEqual([61, { timeMs: 599 * MINUTE, price: 1_059 }, 659 * MINUTE]);
  expect(ahead.at(-1)!.price).toBeCloseTo(1_059 * 0.99, 6);
  expect(fan.map(({ timeMs }) => timeMs / MINUTE)).toEqual([599, 614, 629, 659]);
  expect(fan.at(-1)!.prices[4]).toBeCloseTo(1_059 * 1.008, 6);
  expect([low, high]).toEqual([1_000, expect.closeTo(1_059 * 1.008, 6)]);
});

test("a match whose next hour is not whole, or that has no others beside it, is drawn as far as it is known", () => {
  const { ahead, fan } = sceneOf(laid([...hour, ...after.slice(0, 5)], null));
  expect([ahead.length, fan]).toEqual([6, []]);
});

test("a flat hour is no division by nothing", () => {
  expect(fitted([5, 5, 5], [1, 2, 3])).toEqual([2, 2, 2]);
  expect(fitted([], [1, 2])).toEqual([]);
  expect(shapeOf([], [], 100, 40).window).toBe("");
});

test("a small picture fills its box, and the line of what followed begins where the hour ends", () => {
  const { window, after: next, splitX } = shapeOf([...hour, ...after], live, 160, 44);
  const points = (line: string) => line.split(" ").map((point) => point.split(",").map(Number) as [number, number]);
  expect(points(window).at(-1)).toEqual(points(next)[0]);
  expect(points(next)[0]![0]).toBeCloseTo(splitX, 1);
  const ys = [...points(window), ...points(next)].map(([, y]) => y);
  expect([Math.min(...ys), Math.max(...ys)]).toEqual([2, 42]);
  expect(points(next).at(-1)![0]).toBe(159);
});

test("a moment between bars, in a hole, and beyond the newest has its place", () => {
  const bars = [10, 11, 12, 20, 21].map(bar);
  expect([10, 11.5, 16, 20, 21].map((minute) => logicalAt(bars, minute * MINUTE))).toEqual([0, 1.5, 2.5, 3, 4]);
  expect([81, 7].map((minute) => logicalAt(bars, minute * MINUTE))).toEqual([64, -3]);
  const quarters = [0, 15, 30].map(bar);
  expect(logicalAt(quarters, 60 * MINUTE)).toBe(4);
  expect([logicalAt([], 5), logicalAt([bar(3)], 5 * MINUTE)]).toEqual([0, 2]);
});

test("a view is moved for a match, and widened only where it is too narrow", () => {
  expect(broughtIntoView({ from: 0, to: 200 }, { from: 100, to: 190 }, 6)).toBeNull();
  expect(broughtIntoView({ from: 0, to: 150 }, { from: 90, to: 210 }, 6)).toEqual({ from: 66, to: 216 });
  expect(broughtIntoView({ from: 50, to: 150 }, { from: 90, to: 210 }, 6)).toEqual({ from: 84, to: 216 });
  const once = broughtIntoView({ from: 50, to: 150 }, { from: 90, to: 210 }, 6)!;
  expect(broughtIntoView(once, { from: 90, to: 210 }, 6)).toBeNull();
});

test("both fans have one scale, with no change in it and their means inside", () => {
  const scale = fanScale([followed, null]);
  expect(scale.low).toBeCloseTo(-0.96, 6);
  expect(scale.high).toBeCloseTo(0.96, 6);
  const up = { ...followed, after_15: { quantiles: [1, 1, 1, 1, 1], mean: { mean: 1, low: -3, high: 4 } } };
  expect(fanScale([followed, up])).toEqual({ low: expect.closeTo(-3.7, 6), high: expect.closeTo(4.7, 6) });
  expect(fanScale([null, null])).toEqual({ low: -0.1, high: 0.1 });
});

test("a fan opens from nothing at the present to its quantiles at an hour", () => {
  const fan = fanOf(followed, { low: -1, high: 1 }, 66, 100);
  expect(fan.outer.split(" ")[0]).toBe("0.0,50.0");
  expect(fan.outer.split(" ").slice(3, 5)).toEqual(["60.0,90.0", "60.0,10.0"]);
  expect(fan.median).toBe("0.0,50.0 15.0,50.0 30.0,50.0 60.0,50.0");
  expect(fan.means.map(({ minutes, y, low }) => [minutes, Math.round(y), low])).toEqual([[15, 48, null], [30, 45, null], [60, 40, null]]);
});
