import { expect, test } from "vitest";
import { COUNT_PARTS, type FrameCounts, unexplained } from "./counts";

const counts: FrameCounts = { frames: 28, trades: 1, quotes: 2, control: 3, history: 4, ignored: 5, duplicates: 6, quarantined: 7 };

test("frames that add up leave nothing to explain", () => expect(unexplained(counts)).toBe(0));

test.each(COUNT_PARTS.map(({ key }) => key))("a frame missing from %s is seen", (key) => {
  expect(unexplained({ ...counts, [key]: counts[key] - 1 })).toBe(1);
  expect(unexplained({ ...counts, [key]: counts[key] + 1 })).toBe(-1);
});
