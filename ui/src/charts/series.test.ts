import { expect, test } from "vitest";
import { plotBars } from "./bars";
import { blankSeries, decodeSeries } from "./series";

test("bytes written as Rust writes them come out as the bars they are", () => {
  // Laid out by hand and by offset, so that the decoder is not checked against itself.
  const rows = 3;
  const view = new DataView(new ArrayBuffer(8 + rows * 53));
  view.setUint32(0, 1, true);
  view.setUint32(4, rows, true);
  const columns = [
    [60_000, 120_000, 180_000],
    [10.5, 11.25, 0.00002213],
    [12, 13, 0.00002299],
    [9, 10, 0.00002],
    [11.25, 12.5, 0.00002201],
    [1.5, 0, 9e12],
  ];
  columns.forEach((column, at) => column.forEach((value, row) => view.setFloat64(8 + (at * rows + row) * 8, value, true)));
  [7, 0, 4_000_000_000].forEach((ticks, row) => view.setUint32(8 + rows * 48 + row * 4, ticks, true));
  [0, 1, 5].forEach((quality, row) => view.setUint8(8 + rows * 52 + row, quality));

  expect(plotBars(decodeSeries(view.buffer))).toEqual([
    { timeMs: 60_000, open: 10.5, high: 12, low: 9, close: 11.25, volume: 1.5, ticks: 7, quality: "complete" },
    { timeMs: 120_000, open: 11.25, high: 13, low: 10, close: 12.5, volume: 0, ticks: 0, quality: "gap" },
    { timeMs: 180_000, open: 0.00002213, high: 0.00002299, low: 0.00002, close: 0.00002201, volume: 9e12, ticks: 4_000_000_000, quality: "forming" },
  ]);
});

test("an odd number of rows keeps every column aligned", () => {
  for (const rows of [0, 1, 2, 3, 5, 601]) expect(decodeSeries(blankSeries(rows).buffer).rows).toBe(rows);
});

test("bytes of another version, or cut short, are refused and not drawn", () => {
  const other = blankSeries(2).buffer;
  new Uint32Array(other, 0, 1)[0] = 2;
  expect(() => decodeSeries(other)).toThrow("version 2");
  expect(() => decodeSeries(blankSeries(2).buffer.slice(0, -1))).toThrow("2 rows");
  expect(() => decodeSeries(new ArrayBuffer(0))).toThrow("no header");
});
