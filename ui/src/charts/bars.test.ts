import { describe, expect, test } from "vitest";
import { isOnBar, joinHistory, keptRange, placeBar, type PlotBar, prependPage } from "./bars";

const bar = (minute: number, ticks = 1, close = 100): PlotBar => ({
  timeMs: minute * 60_000,
  open: 100,
  high: 101,
  low: 99,
  close,
  volume: 1,
  ticks,
  quality: "complete",
});
const minutes = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => bar(from + index));
const times = (bars: readonly PlotBar[]) => bars.map(({ timeMs }) => timeMs / 60_000);

describe("a bar finds its place", () => {
  test.each([
    { arriving: 5, placed: "appended", after: [1, 2, 4, 5] },
    { arriving: 4, placed: "last", after: [1, 2, 4] },
    { arriving: 2, placed: "revised", after: [1, 2, 4] },
    { arriving: 3, placed: "unknown", after: [1, 2, 4] },
    { arriving: 0, placed: "unknown", after: [1, 2, 4] },
  ])("minute $arriving is $placed", ({ arriving, placed, after }) => {
    const held = [bar(1), bar(2), bar(4)];
    expect(placeBar(held, bar(arriving, 9))).toBe(placed);
    expect(times(held)).toEqual(after);
    if (placed !== "unknown") expect(held.find(({ timeMs }) => timeMs === arriving * 60_000)?.ticks).toBe(9);
  });
});

describe("history and the frames that overtook it", () => {
  test("a bar that gained ticks meanwhile is not set back", () => {
    expect(joinHistory([bar(1), bar(2, 5)], [bar(2, 8)])[1]?.ticks).toBe(8);
    expect(joinHistory([bar(1), bar(2, 8)], [bar(2, 5)])[1]?.ticks).toBe(8);
  });

  test("bars the answer had not seen yet are kept, in order and once", () => {
    expect(times(joinHistory([bar(1), bar(2)], [bar(2), bar(3), bar(4), bar(4, 2)]))).toEqual([1, 2, 3, 4]);
  });
});

test("an older page that overlaps leaves no bar twice", () => {
  expect(times(prependPage([bar(1), bar(2), bar(3)], [bar(3), bar(4)]))).toEqual([1, 2, 3, 4]);
  expect(times(prependPage([bar(1)], []))).toEqual([1]);
});

describe("the view when data are replaced", () => {
  const range = { from: 450, to: 605 };
  const before = minutes(400, 1_000);

  test("a step back moves nothing: the newest bar disappears where it stood", () => {
    const after = minutes(399, 999);
    const kept = keptRange(range, before, after)!;
    expect(kept).toEqual({ from: 451, to: 606 });
    // The bar at the left edge is the same minute as before.
    expect(after[kept.from]!.timeMs).toBe(before[range.from]!.timeMs);
  });

  test("a deeper history under the same end moves nothing either", () => {
    expect(keptRange(range, before, minutes(100, 1_000))).toEqual({ from: 750, to: 905 });
  });

  test("the first bars of a tape, where history does not slide", () => {
    expect(keptRange({ from: -100, to: 40 }, minutes(0, 36), minutes(0, 35))).toEqual({ from: -100, to: 40 });
  });

  test("a jump ahead is followed, with the margin right of the newest bar", () => {
    const kept = keptRange(range, before, minutes(5_000, 5_600))!;
    expect(kept.to - 599).toBeCloseTo(range.to - 599);
    expect(kept.to - kept.from).toBe(155);
  });

  test("a jump far back shows the newest bars, and not an empty view", () => {
    const after = minutes(0, 600);
    const kept = keptRange(range, before, after)!;
    expect(kept.from).toBeLessThan(599);
    expect(kept.to).toBeGreaterThan(599);
  });

  test("a trader who looks at the past is left there while the tape moves on", () => {
    expect(keptRange({ from: 100, to: 250 }, before, minutes(410, 1_010))).toEqual({ from: 90, to: 240 });
  });

  test("with nothing before, or nothing now, there is nothing to keep", () => {
    expect(keptRange(range, [], before)).toBeNull();
    expect(keptRange(range, before, [])).toBeNull();
  });
});

test.each([
  ["on the body", 150, true],
  ["just above the wick", 92, true],
  ["in the empty chart above", 60, false],
  ["between the candle and its volume", 240, false],
  ["on the volume", 320, true],
])("a click %s", (_, y, on) => expect(isOnBar(y, 100, 200, 300)).toBe(on));
