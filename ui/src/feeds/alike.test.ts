import { expect, test } from "vitest";
import type { AlikeMatch, FollowedView, SpreadView } from "../host";
import { figuresOf, intervalOf, matchOfKey, nearestFirst, searchedOf, verdictOf } from "./alike";

const spread = (mean: number, low: number | null, high: number | null): SpreadView => ({ quantiles: [-1, -0.5, 0, 0.5, 1], mean: { mean, low, high } });
const followed = (n: number, hour: SpreadView): FollowedView => ({ n, rose: { mean: 0.613, low: 0.41, high: 0.78 }, after_15: spread(0.02, -0.1, 0.14), after_30: spread(0.03, -0.2, 0.2), after_60: hour, max: spread(1, 0, 2), min: spread(-1, -2, 0) });
const any = followed(38_214, spread(0.03, 0.02, 0.04));

test.each([
  ["holds the base rate", spread(0.2, -0.1, 0.5), "nothing", "The interval holds the base rate: these hours say nothing of the next."],
  ["ends at the base rate", spread(0.2, 0.03, 0.5), "nothing", "The interval holds the base rate: these hours say nothing of the next."],
  ["lies above it", spread(0.41, 0.12, 0.7), "higher", "After hours like this one the price stood higher than after any hour: +0.41 % (+0.12 to +0.70) against +0.03 %."],
  ["lies below it, and above nothing", spread(0.015, 0.01, 0.02), "lower", "After hours like this one the price stood lower than after any hour: +0.01 % (+0.01 to +0.02) against +0.03 %."],
  ["has no ends", spread(0.9, null, null), "nothing", "Of 23 hours no interval can be said: these hours say nothing of the next."],
])("an interval that %s is never called more than it is", (_, hour, leaning, sentence) => {
  expect(verdictOf({ followed: followed(23, hour), base_rate: any })).toEqual({ leaning, sentence });
});

test("without matches or a base rate nothing is promised", () => {
  expect(verdictOf({ followed: null, base_rate: any })).toBeNull();
  expect(verdictOf({ followed: followed(23, spread(0.4, 0.1, 0.7)), base_rate: null })?.leaning).toBe("nothing");
  expect(verdictOf({ followed: followed(1, spread(0.4, null, null)), base_rate: any })?.sentence).toContain("Of 1 hour no");
});

test("the figures stand beside those of any hour, with their intervals", () => {
  const figures = figuresOf({ followed: followed(23, spread(-0.41, -0.7, -0.12)), base_rate: any });
  expect(figures.map(({ name, these, any }) => [name, ...these, ...any])).toEqual([
    ["hours", "23", "", "38,214", ""],
    ["rose", "61 %", "41 to 78", "61 %", "41 to 78"],
    ["15 min", "+0.02", "−0.10 to +0.14", "+0.02", "−0.10 to +0.14"],
    ["30 min", "+0.03", "−0.20 to +0.20", "+0.03", "−0.20 to +0.20"],
    ["60 min", "−0.41", "−0.70 to −0.12", "+0.03", "+0.02 to +0.04"],
  ]);
  expect(figuresOf({ followed: null, base_rate: null })[0]).toMatchObject({ these: ["–", ""], any: ["–", ""] });
  expect(intervalOf({ mean: 1, low: null, high: null })).toBe("too few");
});

test("an approximate search is never called exact", () => {
  expect(searchedOf({ searched: "exact", known: 38_214, across: false, pair: "BTC-USD" }).text).toBe("38,214 hours of BTC, each compared");
  const index = searchedOf({ searched: "index", known: 300_120, across: true, pair: "BTC-USD" });
  expect(index.text).toBe("300,120 hours of all pairs, by the index");
  expect(index.title).toContain("may miss some");
});

test("the nearest is first, and of equals the newer", () => {
  const match = (id: string, similarity: number, window_end_ms: number) => ({ id, similarity, window_end_ms }) as AlikeMatch;
  expect(nearestFirst([match("a", 0.2, 1), match("b", 0.6, 1), match("c", 0.2, 2)]).map(({ id }) => id)).toEqual(["b", "c", "a"]);
});

test("the keys walk over the grid and never leave it", () => {
  // Three rows: 0 1 2, 3 4 5, 6 7.
  const go = (word: string, at: number) => matchOfKey(word, at, 8, 3);
  expect([go("ArrowLeft", 0), go("ArrowRight", 7), go("ArrowUp", 1), go("ArrowDown", 7)]).toEqual([0, 7, 1, 7]);
  expect([go("ArrowDown", 1), go("ArrowUp", 4), go("ArrowDown", 5), go("Home", 5), go("End", 1)]).toEqual([4, 1, 7, 0, 7]);
  expect([go("Enter", 1), matchOfKey("ArrowDown", 0, 0, 3)]).toEqual([null, null]);
});
