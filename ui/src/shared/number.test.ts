import { expect, test } from "vitest";
import { directionOf, formatBytes, formatCount, formatGain, formatMoney, formatPlotPrice, formatPrice, formatRate, formatSigned, formatVolume, priceDecimals } from "./number";

test.each([
  ["BTC", 42_318.57, 2],
  ["ETH", 2_297.4, 2],
  ["LINK", 15.206, 3],
  ["DOGE", 0.08971, 5],
  ["SHIB", 0.00002213, 8],
  ["PEPE", 0.0000009, 8],
  ["nothing", 0, 2],
])("%s at %d has %i decimals", (_, price, decimals) => expect(priceDecimals(price)).toBe(decimals));

test.each([
  ["42318.57", "42,318.57"],
  ["42318.5", "42,318.50"],
  ["104318.57123456", "104,318.57123456"],
  ["42318.57000000", "42,318.57"],
  ["0.08971", "0.08971"],
  ["0.00002213", "0.00002213"],
  ["1000000", "1,000,000.00"],
  ["-1234.5", "−1,234.50"],
  ["9007199254740993.12345678", "9,007,199,254,740,993.12345678"],
  [null, "–"],
])("%s is shown as %s, without passing through a float", (text, shown) => expect(formatPrice(text)).toBe(shown));

test.each([
  ["124990.1400944", "124,990.14"],
  ["9007199254740993.995", "9,007,199,254,740,994.00"],
  ["-1234.5", "−1,234.50"],
  ["0.65038", "0.6504"],
  ["-0.00001", "0.0000"],
  ["0", "0.00"],
  ["0.00", "0.00"],
  [null, "–"],
])("%s of money is %s, rounded in digits", (text, shown) => expect(formatMoney(text)).toBe(shown));

test("a gain has a sign as a loss has", () => expect([formatGain("14.2"), formatGain("-3.11"), formatGain("0"), formatGain(null)]).toEqual(["+14.20", "−3.11", "0.00", "–"]));

test("the chart's floats have fixed decimals and groups", () => {
  expect(formatPlotPrice(42_366, 2)).toBe("42,366.00");
  expect(formatPlotPrice(-0.5, 3)).toBe("−0.500");
  expect(formatPlotPrice(1_234_567, 0)).toBe("1,234,567");
});

test.each([
  [0, "0.00"],
  [0.4692, "0.4692"],
  [18.4213, "18.42"],
  [9_412.6, "9,413"],
  [1_240_000, "1.24 M"],
  [9.2e12, "9.20 T"],
])("a volume of %d is %s", (volume, shown) => expect(formatVolume(volume)).toBe(shown));

test("signs have one width and tell the direction", () => {
  expect(formatSigned("-0.12")).toBe("−0.12");
  expect(formatSigned("+0.84")).toBe("+0.84");
  expect([directionOf("+0.84"), directionOf("-0.12"), directionOf("0.00"), directionOf(null)]).toEqual(["up", "down", "flat", "flat"]);
  expect(formatCount(863_403)).toBe("863,403");
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1_000, "1.00 kB"],
  [9_995, "10.0 kB"],
  [99_950, "100 kB"],
  [999_499, "999 kB"],
  [999_500, "1.00 MB"],
  [1_240_000_000, "1.24 GB"],
  [4.2e18, "4200 PB"],
])("%d bytes are %s: three digits, however they round", (bytes, shown) => expect(formatBytes(bytes)).toBe(shown));

test.each([
  [0, "0"],
  [0.01, "< 0.1"],
  [3.21, "3.2"],
  [9.96, "10"],
  [12_004.4, "12,004"],
  [1_240_000, "1.24 M"],
])("%d a second are %s", (rate, shown) => expect(formatRate(rate)).toBe(shown));
