import { expect, test } from "vitest";
import { longestCells, tableRows } from "./local-table";

const columns = [
  { name: "pair", kind: "text", numeric: false, cell: (row: [string, string | null]) => row[0] },
  { name: "fee", kind: "decimal", numeric: true, cell: (row: [string, string | null]) => row[1] },
];
const rows: [string, string | null][] = [["BTC", "9.5"], ["ETH", null], ["SOL", "1,204.1"], ["ADA", "-10"]];

test("a column of numbers is sorted by its numbers, and what is not there is last", () => {
  const order = (descending: boolean) => tableRows(columns, rows, { column: 1, descending }).map(({ cells: [pair] }) => pair);
  expect(order(false)).toEqual(["ADA", "BTC", "SOL", "ETH"]);
  expect(order(true)).toEqual(["SOL", "BTC", "ADA", "ETH"]);
  expect(tableRows(columns, rows, { column: 0, descending: false }).map(({ cells: [pair] }) => pair)).toEqual(["ADA", "BTC", "ETH", "SOL"]);
  expect(longestCells(columns, tableRows(columns, rows, null))).toEqual([3, 7]);
});

test("a row that is chosen in a sorted table is the one that is shown there", () => {
  expect(tableRows(columns, rows, { column: 1, descending: true })[0]?.row).toBe(rows[2]);
});
