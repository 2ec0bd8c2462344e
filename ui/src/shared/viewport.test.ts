import { describe, expect, test } from "vitest";
import { columnAt, columnEdges, columnWidth, numberWidth, rowAt, rowsInView, scrollInto } from "./viewport";

const ROW = 22;

describe("rows in view", () => {
  test.each([
    ["the top", 0, { from: 0, to: 14 }],
    ["half a row down", 11, { from: 0, to: 15 }],
    ["the middle", 22_000, { from: 996, to: 1_014 }],
    ["the end", 100_000 * ROW - 220, { from: 99_986, to: 100_000 }],
  ])("at %s", (_, top, stretch) => expect(rowsInView({ top, height: 220 }, ROW, 100_000, 4)).toEqual(stretch));

  test("every pixel of the view is covered, and never by more than it takes", () => {
    for (let top = 0; top < 40_000; top += 137) {
      const { from, to } = rowsInView({ top, height: 301 }, ROW, 1_500, 0);
      expect(from * ROW).toBeLessThanOrEqual(top);
      expect(to === 1_500 || to * ROW >= top + 301).toBe(true);
      expect(to - from).toBeLessThanOrEqual(Math.ceil(301 / ROW) + 1);
    }
  });

  test("a short result, an empty one, and a view scrolled past a result that got shorter", () => {
    expect(rowsInView({ top: 0, height: 500 }, ROW, 3, 4)).toEqual({ from: 0, to: 3 });
    expect(rowsInView({ top: 0, height: 500 }, ROW, 0, 4)).toEqual({ from: 0, to: 0 });
    expect(rowsInView({ top: 9_000, height: 500 }, ROW, 3, 4)).toEqual({ from: 3, to: 3 });
  });
});

test.each([
  ["in view", 100, 140, 100],
  ["above", 40, 62, 40],
  ["below", 420, 442, 142],
  ["wider than the room", 500, 900, 500],
])("what is %s comes into view by the least way", (_, start, end, scroll) => expect(scrollInto(100, 300, start, end)).toBe(scroll));

test("a pointer is over the column it looks to be over", () => {
  const edges = columnEdges([100, 50, 200]);
  expect(edges).toEqual([0, 100, 150, 350]);
  expect([-5, 0, 99, 100, 149, 150, 349, 9_000].map((x) => columnAt(edges, x))).toEqual([0, 0, 0, 1, 1, 2, 2, 2]);
  expect([columnAt([0], 10), rowAt(-3, ROW, 9), rowAt(22, ROW, 9), rowAt(9_999, ROW, 9), rowAt(5, ROW, 0)]).toEqual([0, 0, 1, 8, 0]);
});

test("a number is never cut, a long text is", () => {
  const decimal = "-99999999999999999999.99999999";
  expect(columnWidth("price", decimal.length, true)).toBeGreaterThan(decimal.length * 7);
  expect(columnWidth("notional", 400, true)).toBeGreaterThan(400 * 7);
  expect(columnWidth("note", 400, false)).toBe(360);
  expect(columnWidth("a", 1, true)).toBe(56);
  expect(columnWidth("a_rather_long_name", 1, true)).toBeGreaterThan(18 * 7);
  expect(numberWidth(100_000)).toBeGreaterThan("100,000".length * 7);
});
