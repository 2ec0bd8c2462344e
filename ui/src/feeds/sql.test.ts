import { beforeEach, expect, test } from "vitest";
import { HostError, type SqlAnswer, type SqlFailure, type SqlRequest, type SqlRow } from "../host";
import { failures } from "./failures.svelte";
import { nextSorting, type Shelf, SqlFeed, type SqlHost } from "./sql.svelte";

const settle = () => new Promise((resolve) => setTimeout(resolve));
const query = (text: string) => ({ text, before: "", asOfMs: null, snapshot: null });
const answered = (id: number, rows = 1_000): SqlAnswer => ({
  id,
  columns: [
    { name: "pair", kind: "varchar", numeric: false },
    { name: "price", kind: "decimal(20,8)", numeric: true },
  ],
  rows,
  truncated: false,
  took_ms: 4,
});
const refused = (code: string, line: number | null = null, column: number | null = null) => {
  const failure: SqlFailure = { code, what: `it was ${code}`, kept: "", do: "", line, column };
  return new HostError(failure);
};

function bench(stored: string | null = null) {
  const ran: { request: SqlRequest; answer: (answer: SqlAnswer) => Promise<void>; refuse: (thrown: unknown) => Promise<void> }[] = [];
  const sorts: unknown[] = [];
  let kept = stored;
  const shelf: Shelf = { getItem: () => kept, setItem: (_, value) => (kept = value) };
  const host: SqlHost = {
    sqlSchema: async () => [{ name: "warm.candles", columns: [] }],
    sqlRun: (request) =>
      new Promise((resolve, reject) => {
        ran.push({ request, answer: (answer) => (resolve(answer), settle().then(() => {})), refuse: (thrown) => (reject(thrown), settle().then(() => {})) });
      }),
    sqlCancel: async () => void ran.at(-1)?.refuse(refused("sql_cancelled")),
    sqlRows: async (id, from, count) => Array.from({ length: count }, (_, index): SqlRow => [`${id}`, `${from + index}.00000000`]),
    sqlSort: async (id, column, descending) => {
      if (column === 9) throw refused("sql_gone");
      sorts.push([id, column, descending]);
    },
    sqlExport: async (id, format) => ({ path: `exports/${id}.${format}`, rows: 1_000, bytes: 12 }),
  };
  return { feed: new SqlFeed(host, shelf), ran, sorts, kept: () => JSON.parse(kept ?? "null") };
}

beforeEach(() => failures.shown.forEach(({ id }) => failures.dismiss(id)));

test("a query runs alone, with its moment and snapshot, and its rows are paged in", async () => {
  const { feed, ran } = bench();
  void feed.run({ text: "SELECT 1", before: "", asOfMs: 5, snapshot: "7034" });
  void feed.run(query("SELECT 2"));
  expect(ran.map(({ request }) => request)).toEqual([{ text: "SELECT 1", as_of_ms: 5, snapshot: "7034" }]);
  await ran[0]!.answer(answered(1));
  expect([feed.runningSince, feed.result?.id, feed.result?.asOfMs]).toEqual([null, 1, 5]);
  const before = feed.drawn;
  feed.pages!.want(0, 30);
  await settle();
  expect([feed.pages!.row(3), feed.drawn, feed.longest]).toEqual([["1", "3.00000000"], before + 1, [1, 12]]);
});

test("nothing is asked of an empty editor", () => {
  const { feed, ran } = bench();
  void feed.run(query("  \n"));
  expect([ran.length, feed.asked.length]).toEqual([0, 0]);
});

test("a refused query says where, and the result before it stays", async () => {
  const { feed, ran } = bench();
  void feed.run(query("SELECT 1"));
  await ran[0]!.answer(answered(1));
  void feed.run({ ...query("SELECT clsoe"), before: "-- a note\n" });
  await ran[1]!.refuse(refused("sql_unknown_column", 1, 8));
  expect([feed.refusal?.failure.code, feed.refusal?.place, feed.refusal?.query.before, feed.result?.id]).toEqual(["sql_unknown_column", { line: 1, column: 8 }, "-- a note\n", 1]);
  void feed.run(query("SELECT close"));
  expect(feed.refusal).toBeNull();
});

test("a failure without a place has none", async () => {
  const { feed, ran } = bench();
  void feed.run(query("SELECT 1"));
  await ran[0]!.refuse(refused("sql_timeout"));
  expect([feed.refusal?.failure.code, feed.refusal?.place]).toEqual(["sql_timeout", null]);
});

test("a cancelled query is no failure", async () => {
  const { feed, ran } = bench();
  void feed.run(query("SELECT 1"));
  void feed.cancel();
  void feed.cancel();
  await settle();
  await settle();
  expect([ran.length, feed.runningSince, feed.cancelling, feed.refusal]).toEqual([1, null, false, null]);
  expect(feed.cancelledAfterMs).toBeGreaterThanOrEqual(0);
});

test("a header goes up, down, and back as it was answered", async () => {
  expect([nextSorting(null, 2), nextSorting({ column: 2, descending: false }, 2), nextSorting({ column: 2, descending: true }, 2), nextSorting({ column: 2, descending: true }, 3)]).toEqual([
    { column: 2, descending: false },
    { column: 2, descending: true },
    null,
    { column: 3, descending: false },
  ]);
  const { feed, ran, sorts } = bench();
  void feed.run(query("SELECT 1"));
  await ran[0]!.answer(answered(1));
  feed.sortBy(1);
  await settle();
  feed.sortBy(1);
  await settle();
  feed.sortBy(1);
  await settle();
  expect(sorts).toEqual([
    [1, 1, false],
    [1, 1, true],
    [1, null, false],
  ]);
});

test("a sort that failed is not shown as done", async () => {
  const { feed, ran } = bench();
  void feed.run(query("SELECT 1"));
  await ran[0]!.answer(answered(1));
  feed.sortBy(9);
  await settle();
  expect([feed.sorting, feed.ordering, failures.shown.map(({ code }) => code)]).toEqual([null, false, ["sql_gone"]]);
});

test("an export says where its file is, until the next result", async () => {
  const { feed, ran } = bench();
  void feed.run(query("SELECT 1"));
  await ran[0]!.answer(answered(4));
  await feed.export("parquet");
  expect(feed.exported?.path).toBe("exports/4.parquet");
  void feed.run(query("SELECT 2"));
  await ran[1]!.answer(answered(5));
  expect(feed.exported).toBeNull();
});

test("queries and the draft are there again in the next window", async () => {
  const first = bench();
  void first.feed.run(query("SELECT 1"));
  first.feed.draft = "SELECT 1, but better";
  first.feed.store();
  const second = bench(JSON.stringify(first.kept()));
  expect([second.feed.draft, second.feed.asked.map(({ text }) => text)]).toEqual(["SELECT 1, but better", ["SELECT 1"]]);
  second.feed.forgetAsked("SELECT 1");
  expect(second.kept().asked).toEqual([]);
});

test("a damaged storage costs no window", () => {
  for (const stored of ["{", "null", "7", '{"draft":5,"asked":{}}']) expect([bench(stored).feed.draft, bench(stored).feed.asked]).toEqual(["", []]);
});
