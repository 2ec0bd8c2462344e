import { expect, test } from "vitest";
import { Misread, readSelect } from "./query";

test("a query over one table is read", () => {
  const select = readSelect("select pair, close -- the last\nfrom warm.candles where pair = 'BTC-USD' and close >= 42.5 order by close desc limit 10;");
  expect(select.columns?.map(({ text }) => text)).toEqual(["pair", "close"]);
  expect([select.table.text, select.where.map(({ op, value }) => [op, value]), select.order?.descending, select.limit]).toEqual([
    "warm.candles",
    [
      ["=", "BTC-USD"],
      [">=", "42.5"],
    ],
    true,
    10,
  ]);
  expect(readSelect("SELECT * FROM hot.ticks")).toMatchObject({ columns: null, where: [], order: null, limit: null });
});

test.each([
  ["DROP TABLE warm.candles", "DROP", "sql_read_only"],
  ["SELECT pair FORM warm.candles", "FORM", "sql_syntax"],
  ["SELECT count(*) FROM hot.ticks", "(", "sql_browser"],
  ["SELECT a - b FROM c", "-", "sql_browser"],
  ["SELECT a FROM b JOIN c", "JOIN", "sql_browser"],
  ["SELECT a FROM b WHERE a ~ 5", "~", "sql_syntax"],
  ["SELECT a FROM b LIMIT many", "many", "sql_syntax"],
  ["SELECT a FROM", "", "sql_syntax"],
])("%s is refused at its place", (text, marked, code) => {
  let misread: unknown;
  try {
    readSelect(text);
  } catch (thrown) {
    misread = thrown;
  }
  expect(misread).toBeInstanceOf(Misread);
  const { at, code: said } = misread as Misread;
  expect([text.slice(at, at + marked.length), said]).toEqual([marked, code]);
});
