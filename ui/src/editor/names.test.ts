import { expect, test } from "vitest";
import { columnsInReach, schemaTree } from "./names";

const tables = [
  {
    name: "hot.ticks",
    columns: [
      { name: "pair", kind: "varchar" },
      { name: "price", kind: "decimal(20,8)" },
    ],
  },
  {
    name: "warm.candles",
    columns: [
      { name: "pair", kind: "varchar" },
      { name: "close", kind: "decimal(20,8)" },
    ],
  },
  { name: "warm.trades", columns: [{ name: "fee", kind: "decimal(38,8)" }] },
];

test("names are grouped by their schema", () =>
  expect(schemaTree(tables)).toEqual({ hot: { ticks: ["pair", "price"] }, warm: { candles: ["pair", "close"], trades: ["fee"] } }));

test("only columns of tables in the query are offered, each once, whatever the case", () => {
  expect(columnsInReach("SELECT  FROM Hot.Ticks t JOIN warm.candles c", tables)).toEqual([
    { name: "pair", detail: "varchar · hot.ticks, warm.candles" },
    { name: "price", detail: "decimal(20,8) · hot.ticks" },
    { name: "close", detail: "decimal(20,8) · warm.candles" },
  ]);
  expect(columnsInReach("SELECT ", tables)).toEqual([]);
  expect(columnsInReach("SELECT x FROM warm.candles_2", tables)).toEqual([]);
});
