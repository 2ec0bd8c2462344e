import { expect, test } from "vitest";
import { placeAfter, rangeOfPlace } from "./place";

const query = 'SELECT pair, clsoe\nFROM warm.candles\nWHERE "Odd Name" >= 5';

test.each([
  ["a name", query, 1, 14, "clsoe"],
  ["the first word", query, 1, 1, "SELECT"],
  ["a word on another line", query, 2, 6, "warm"],
  ["a quoted name", query, 3, 7, '"Odd Name"'],
  ["an operator", query, 3, 18, ">="],
  ["a number", query, 3, 21, "5"],
  ["a bracket", "SELECT (1", 1, 8, "("],
  ["a string that was never closed", "SELECT 'abc", 1, 8, "'abc"],
  ["the end of the text is told at its last word", "SELECT pair FROM", 1, 17, "FROM"],
  ["the end of a line, at that line's last word", "SELECT pair,\nFROM x", 1, 13, ","],
  ["trailing space is no place", "SELECT pair FROM   \n\n", 3, 1, "FROM"],
  ["a line that is not there", "SELECT 1", 9, 9, "1"],
  ["before the first", "SELECT 1", 0, 0, "SELECT"],
  ["characters that are two units long", "SELECT '😀😀', clsoe", 1, 14, "clsoe"],
])("%s", (_, text, line, column, marked) => {
  const { from, to } = rangeOfPlace(text, line, column);
  expect(text.slice(from, to)).toBe(marked);
});

test("a text without a word still has a place, and an empty one does not break", () => {
  expect(rangeOfPlace("  ", 1, 1)).toEqual({ from: 0, to: 1 });
  expect(rangeOfPlace("", 1, 1)).toEqual({ from: 0, to: 0 });
});

test.each([
  ["all of the text", "", 2, 5, 2, 5],
  ["a part that begins a line", "-- first\n-- second\n", 1, 8, 3, 8],
  ["a part within a line", "-- first\nSELECT 1; ", 1, 8, 2, 18],
  ["a later line of such a part", "-- first\nSELECT 1; ", 2, 8, 3, 8],
])("the place in %s is told as the editor counts", (_, before, line, column, shownLine, shownColumn) =>
  expect(placeAfter(before, { line, column })).toEqual({ line: shownLine, column: shownColumn }),
);
