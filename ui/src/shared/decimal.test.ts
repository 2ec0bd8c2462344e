import { expect, test } from "vitest";
import { decimalOf, isPositive, unitsOf } from "./decimal";

test.each([
  ["1.5", 150_000_000n],
  [" .5 ", 50_000_000n],
  ["-0.00000001", -1n],
  ["9007199254740993.12345678", 900719925474099312345678n],
  ["1.500000000", 150_000_000n],
  ["1.000000001", null],
  ["1,5", null],
  ["1e3", null],
  [".", null],
  ["", null],
])("%s is %s units, without passing through a float", (text, units) => expect(unitsOf(text)).toBe(units));

test("units are written as they were read", () => {
  for (const text of ["0", "1.5", "-0.00000001", "9007199254740993.12345678", "100000"]) expect(decimalOf(unitsOf(text)!)).toBe(text);
  expect([isPositive("0.1"), isPositive("0"), isPositive("-1"), isPositive("x")]).toEqual([true, false, false, false]);
});
