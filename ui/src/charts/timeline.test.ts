import { describe, expect, test } from "vitest";
import { blankSeries } from "./series";
import { axisTicks, dayLabel, gapFrom, gapSpans, markedSpan, ticksAt, timeToX, volumeColumns, xToTime } from "./timeline";

const DAY = 86_400_000;
const fromMs = Date.UTC(2024, 0, 1);
const span = { fromMs, toMs: fromMs + DAY };

function hours(volumes: number[], quality: number[] = []) {
  const { series } = blankSeries(volumes.length);
  volumes.forEach((volume, hour) => {
    series.timeMs[hour] = fromMs + hour * 3_600_000;
    series.volume[hour] = volume;
    series.quality[hour] = quality[hour] ?? 0;
  });
  return series;
}

test("a click lands on the time under it, at every pixel", () => {
  for (let x = 0; x <= 1_137; x += 7) expect(timeToX(span, 1_137, xToTime(span, 1_137, x))).toBeCloseTo(x, 6);
});

test("a drag past either edge stops at the tape's ends", () => {
  expect(xToTime(span, 1_000, -50)).toBe(span.fromMs);
  expect(xToTime(span, 1_000, 4_000)).toBe(span.toMs);
});

test("an empty tape and a hidden canvas give numbers, and not NaN", () => {
  expect(timeToX({ fromMs, toMs: fromMs }, 1_000, fromMs)).toBe(0);
  expect(xToTime(span, 0, 10)).toBe(fromMs);
  expect(axisTicks({ fromMs, toMs: fromMs }, 1_000)).toEqual([]);
});

describe("axis ticks", () => {
  test("a day is told in round hours, and midnight by its date", () => {
    const ticks = axisTicks(span, 1_200);
    expect(ticks.slice(0, 3).map(({ label }) => label)).toEqual(["1 Jan", "02:00", "04:00"]);
    expect(ticks.at(-1)).toMatchObject({ label: "2 Jan", day: true });
  });

  test.each([10 * 60_000, DAY, 30 * DAY, 400 * DAY])("never crowd over %d ms", (length) => {
    const ticks = axisTicks({ fromMs, toMs: fromMs + length }, 900);
    expect(ticks.length).toBeGreaterThan(0);
    expect(ticks.length).toBeLessThanOrEqual(900 / 84 + 1);
  });
});

describe("volume columns", () => {
  const whole = { fromMs, toMs: fromMs + 4 * 3_600_000 };

  test("nothing after the cursor is told, not even by the scale of what was played", () => {
    const cursor = fromMs + 2 * 3_600_000;
    const quiet = volumeColumns(hours([1, 2, 1, 1]), whole, 40, 10, cursor);
    const wild = volumeColumns(hours([1, 2, 900, 4]), whole, 40, 10, cursor);
    expect(wild).toEqual(quiet);
    expect(quiet.map(({ level }) => level)).toEqual([1, 1, null, null]);
  });

  test("a bucket that the cursor is still in is ahead", () => {
    expect(volumeColumns(hours([1, 2, 1, 1]), whole, 40, 10, fromMs + 90 * 60_000).map(({ level }) => level)).toEqual([1, null, null, null]);
  });

  test("with a peek what is ahead is told, and is still ahead", () => {
    const peeked = volumeColumns(hours([1, 2, 4, 1]), whole, 40, 10, fromMs + 2 * 3_600_000, true);
    expect(peeked.map(({ level, ahead }) => [level, ahead])).toEqual([[0.5, false], [1, false], [1, true], [0.5, true]]);
  });

  test("even volume is level, however columns and buckets fall", () => {
    for (const width of [33, 41, 97, 250]) {
      const levels = volumeColumns(hours([5, 5, 5, 5]), whole, width, 3, whole.toMs).map(({ level }) => level);
      // The last column may reach over the end.
      for (const level of levels.slice(0, -1)) expect(level).toBeCloseTo(1, 5);
    }
  });

  test("a closer look shows the part of a bucket that is in view", () => {
    const half = { fromMs: fromMs + 1_800_000, toMs: fromMs + 2 * 3_600_000 };
    expect(volumeColumns(hours([1, 2, 9, 9]), half, 30, 10, whole.toMs).map(({ level }) => level)).toEqual([0.5, 1, 1]);
  });

  test("where nothing traded there is no column", () => {
    expect(volumeColumns(hours([1, 0, 1, 1]), whole, 40, 10, whole.toMs).map(({ x }) => x)).toEqual([0, 20, 30]);
  });
});

test("gaps that touch are one stretch", () => {
  const series = hours([1, 1, 1, 1, 1], [1, 1, 0, 0, 1]);
  const at = (hour: number) => fromMs + hour * 3_600_000;
  expect(gapSpans(series)).toEqual([
    { fromMs: at(0), toMs: at(2) },
    { fromMs: at(4), toMs: at(5) },
  ]);
});

test("close up, the axis tells seconds, and of many days the year", () => {
  expect(axisTicks({ fromMs, toMs: fromMs + 60_000 }, 1_000).map(({ label }) => label).slice(1, 3)).toEqual(["00:00:10", "00:00:20"]);
  expect(axisTicks({ fromMs, toMs: fromMs + 400 * DAY }, 1_000)[0]!.label).toMatch(/ 2024$/);
  expect(dayLabel(fromMs + 86_399_999)).toBe("1 Jan");
});

test("of many fills at one place one is drawn, and none beside the view", () => {
  const at = [0, 1, 2, 43_200_000, DAY + 1, -1].map((ms) => fromMs + ms);
  expect(ticksAt(at, span, 1_000, 3)).toEqual([0, 501]);
});

test("a loop is marked from either end, and not by a click", () => {
  const [early, late] = [fromMs + 0.25 * DAY, fromMs + 0.5 * DAY];
  expect(markedSpan(late, early, span, 1_000)).toEqual({ fromMs: early, toMs: late });
  expect(markedSpan(early, early + 1_000, span, 1_000)).toBeNull();
});

test("steps from gap to gap and does not stay in the one it stands at", () => {
  const spans = gapSpans(hours([1, 1, 1, 1, 1, 1], [0, 1, 1, 0, 1, 0]));
  const at = (hour: number) => fromMs + hour * 3_600_000;
  expect([gapFrom(spans, at(0), false), gapFrom(spans, at(1), false), gapFrom(spans, at(4), false)]).toEqual([at(1), at(4), null]);
  expect([gapFrom(spans, at(5), true), gapFrom(spans, at(4), true), gapFrom(spans, at(1), true)]).toEqual([at(4), at(1), null]);
});
