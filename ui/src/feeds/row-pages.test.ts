import { expect, test } from "vitest";
import type { SqlRow } from "../host";
import { PAGE, RowPages } from "./row-pages";

const settle = () => new Promise((resolve) => setTimeout(resolve));

/** A result whose answers come when the test gives them; a row says its index and the order it was read in. */
function bench(rows = 100_000) {
  const asked: { from: number; count: number; answer: () => Promise<void>; refuse: () => Promise<void> }[] = [];
  const told = { arrived: 0, failed: 0 };
  let order = "a";
  const pages = new RowPages(rows, {
    rows(from, count) {
      return new Promise((resolve, reject) => {
        const made: SqlRow[] = Array.from({ length: count }, (_, index) => [`${order}${from + index}`]);
        const answer = () => (resolve(made), settle().then(() => {}));
        const refuse = () => (reject(new Error("gone")), settle().then(() => {}));
        asked.push({ from, count, answer, refuse });
      });
    },
    arrived: () => (told.arrived += 1),
    failed: () => (told.failed += 1),
  });
  return { pages, asked, told, sortedAs: (name: string) => (order = name), froms: () => asked.map(({ from }) => from / PAGE) };
}

test("rows in view are fetched once, by the page", async () => {
  const { pages, asked, told } = bench();
  pages.want(10, 40);
  pages.want(12, 42);
  expect(asked.map(({ from, count }) => [from, count])).toEqual([[0, PAGE]]);
  expect(pages.row(10)).toBeUndefined();
  await asked[0]!.answer();
  expect(pages.row(10)).toEqual(["a10"]);
  pages.want(10, 40);
  expect([asked.length, told.arrived]).toEqual([1, 1]);
});

test("the last page is as long as there are rows, and nothing is asked of an empty result", () => {
  const long = bench(PAGE + 3);
  long.pages.want(PAGE - 5, PAGE + 500);
  expect(long.asked.map(({ from, count }) => [from, count])).toEqual([
    [0, PAGE],
    [PAGE, 3],
  ]);
  const empty = bench(0);
  empty.pages.want(0, 30);
  expect(empty.asked).toEqual([]);
});

test("pages that were flicked past are not fetched", async () => {
  const { pages, asked, froms } = bench();
  for (let page = 0; page < 300; page++) pages.want(page * PAGE, page * PAGE + 30);
  expect(froms()).toEqual([0, 1]);
  await asked[0]!.answer();
  await asked[1]!.answer();
  expect(froms()).toEqual([0, 1, 299]);
});

test("memory is bounded, and what is in view is never thrown out", async () => {
  const { pages, asked } = bench();
  for (let page = 0; page < 60; page++) {
    pages.want(page * PAGE, page * PAGE + 30);
    await asked.at(-1)!.answer();
  }
  const held = Array.from({ length: 60 }, (_, page) => page).filter((page) => pages.row(page * PAGE));
  expect(held).toEqual(Array.from({ length: 24 }, (_, index) => 36 + index));
});

test("what was looked at again lately stays longest", async () => {
  const { pages, asked } = bench();
  for (let page = 0; page < 24; page++) {
    pages.want(page * PAGE, page * PAGE + 30);
    await asked.at(-1)!.answer();
  }
  pages.want(0, 30);
  pages.want(30 * PAGE, 30 * PAGE + 30);
  await asked.at(-1)!.answer();
  expect([pages.row(0), pages.row(PAGE)]).toEqual([["a0"], undefined]);
});

test("a sort shows the old order until the new one is there, and never a mixture", async () => {
  const { pages, asked, sortedAs } = bench();
  pages.want(PAGE - 10, PAGE + 10);
  await asked[0]!.answer();
  await asked[1]!.answer();
  sortedAs("b");
  pages.reorder();
  expect([pages.row(PAGE - 1), pages.row(PAGE)]).toEqual([["a249"], ["a250"]]);
  await asked[2]!.answer();
  expect([pages.row(PAGE - 1), pages.row(PAGE)]).toEqual([["b249"], undefined]);
  await asked[3]!.answer();
  expect(pages.row(PAGE)).toEqual(["b250"]);
});

test("an answer in an order that is no more is dropped", async () => {
  const { pages, asked, told, sortedAs } = bench();
  pages.want(0, 30);
  sortedAs("b");
  pages.reorder();
  await asked[0]!.answer();
  expect([pages.row(0), told.arrived]).toEqual([undefined, 0]);
  await asked[1]!.answer();
  expect(pages.row(0)).toEqual(["b0"]);
});

test("a failure is told once and asked for again when looked at again", async () => {
  const { pages, asked, told } = bench();
  pages.want(0, 30);
  await asked[0]!.refuse();
  expect([told.failed, asked.length]).toEqual([1, 1]);
  pages.want(0, 30);
  await asked[1]!.refuse();
  pages.again();
  await asked[2]!.answer();
  expect([told.failed, pages.row(0)]).toEqual([2, ["a0"]]);
});

test("any stretch can be read in full, and a short one without asking", async () => {
  const { pages, asked } = bench();
  pages.want(0, 30);
  await asked[0]!.answer();
  expect(pages.held(5, 8)).toEqual([["a5"], ["a6"], ["a7"]]);
  expect(pages.held(5, PAGE + 1)).toBeNull();
  const whole = pages.read(5, 4_105);
  for (let call = 1; call <= 3; call++) {
    await settle();
    await asked[call]!.answer();
  }
  const read = await whole;
  expect([read.length, read[0], read.at(-1), asked[3]!.count]).toEqual([4_100, ["a5"], ["a4104"], 100]);
});
