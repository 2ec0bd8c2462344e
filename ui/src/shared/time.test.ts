import { describe, expect, test } from "vitest";
import { formatAge, formatLag, formatMinute, formatSecond, formatTook, parseJump } from "./time";

const near = Date.UTC(2024, 0, 3, 14, 7, 31, 482);

test("times are UTC, whatever the machine's zone", () => {
  expect(formatSecond(near)).toBe("2024-01-03 14:07:31");
  expect(formatMinute(near)).toBe("2024-01-03 14:07");
});

test.each([
  [4, "4 s"],
  [89, "89 s"],
  [420, "7 min"],
  [3 * 3_600, "3 h"],
  [5 * 86_400, "5 d"],
])("%d s old is %s", (seconds, shown) => expect(formatAge(seconds)).toBe(shown));

test.each([
  [-0.3, "0.0 s"],
  [0.44, "0.4 s"],
  [9.96, "10 s"],
  [420, "7 min"],
])("%d s behind is %s", (seconds, shown) => expect(formatLag(seconds)).toBe(shown));

test.each([
  [0.42, "0.4 ms"],
  [12.4, "12 ms"],
  [999.6, "1.00 s"],
  [1_420, "1.42 s"],
  [59_996, "1 min 00 s"],
  [125_000, "2 min 05 s"],
])("%d ms took %s", (ms, shown) => expect(formatTook(ms)).toBe(shown));

describe("jump to", () => {
  test.each([
    ["09:30", Date.UTC(2024, 0, 3, 9, 30)],
    ["9:30:05", Date.UTC(2024, 0, 3, 9, 30, 5)],
    ["09:30:05.5", Date.UTC(2024, 0, 3, 9, 30, 5, 500)],
    ["01-02 09:30", Date.UTC(2024, 0, 2, 9, 30)],
    ["2024-01-02", Date.UTC(2024, 0, 2)],
    ["2024-01-02 09:30", Date.UTC(2024, 0, 2, 9, 30)],
    ["2024-01-02T09:30:05Z", Date.UTC(2024, 0, 2, 9, 30, 5)],
    ["2024-02-29", Date.UTC(2024, 1, 29)],
  ])("%s", (text, at) => expect(parseJump(text, near)).toBe(at));

  test.each(["", "  ", "noon", "25:00", "09:75", "2024-13-01", "2023-02-29", "2024-01-02 junk", "1704067200"])("%j is not a time", (text) =>
    expect(parseJump(text, near)).toBeNull(),
  );
});
