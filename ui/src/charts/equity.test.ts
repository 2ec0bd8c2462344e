import { expect, test } from "vitest";
import { curvesOf, nearestPoint, pointOfKey, scaleOf, valueTicks, valueToY } from "./equity";

const points = (values: [number, number][]) => values.map(([first, second], index) => ({ at_ms: index * 60_000, first, second }));

test("an account that is not open yet is no fall from nothing to its deposit", () => {
  const curves = curvesOf(points([[0, 0], [100_000, 0], [0, 100_010], [99_990, 100_020]]));
  expect(curves.first).toEqual([null, 100_000, 0, 99_990]);
  expect(curves.second).toEqual([null, null, 100_010, 100_020]);
  expect(scaleOf(curvesOf(points([[0, 0], [100_000, 100_010]])))).toEqual({ low: 99_999, high: 100_011 });
});

test("one that was never opened is not drawn, and a flat one lies in the middle", () => {
  expect(scaleOf(curvesOf(points([[0, 0], [0, 0]])))).toBeNull();
  expect(scaleOf(curvesOf([]))).toBeNull();
  const flat = scaleOf(curvesOf(points([[100_000, 100_000]])))!;
  expect(valueToY(flat, 200, 100_000)).toBe(100);
});

test("more is higher", () => {
  const scale = { low: 0, high: 10 };
  expect([valueToY(scale, 100, 0), valueToY(scale, 100, 10), valueToY(scale, 100, 7)]).toEqual([100, 0, 30]);
});

test.each([
  [{ low: 98_800, high: 100_600 }, 150, [99_000, 99_500, 100_000, 100_500], 0],
  [{ low: 100_000, high: 100_000.1 }, 150, [100_000, 100_000.05, 100_000.1], 2],
  [{ low: -3, high: 3 }, 204, [-3, -2, -1, 0, 1, 2, 3], 0],
  [{ low: 90_000_000_000, high: 91_000_000_000 }, 100, [90_000_000_000, 90_500_000_000, 91_000_000_000], 0],
])("the scale of %o says round sums that can be told apart", (scale, height, values, decimals) => {
  const ticks = valueTicks(scale, height);
  expect(ticks.decimals).toBe(decimals);
  expect(ticks.values.length).toBe(values.length);
  values.forEach((value, index) => expect(ticks.values[index]).toBeCloseTo(value, 6));
});

test("a chart without height has no scale, and does not hang", () => {
  for (const height of [0, -5]) expect(valueTicks({ low: 0, high: 1 }, height)).toEqual({ values: [], decimals: 0 });
});

test("the nearest point is read, and the ends beyond the ends", () => {
  const times = [0, 60, 120, 600];
  expect([-5, 0, 29, 31, 100, 359, 361, 9_000].map((at) => nearestPoint(times, at))).toEqual([0, 0, 0, 1, 2, 2, 3, 3]);
  expect(nearestPoint([], 5)).toBe(-1);
});

test("keys walk over the points and stop at the ends", () => {
  expect([pointOfKey("ArrowLeft", 0, 100), pointOfKey("ArrowRight", 99, 100), pointOfKey("PageUp", 50, 100), pointOfKey("Home", 50, 100), pointOfKey("End", 50, 100)]).toEqual([0, 99, 55, 0, 99]);
  expect([pointOfKey("Space", 5, 100), pointOfKey("ArrowLeft", 0, 0)]).toEqual([null, null]);
});
