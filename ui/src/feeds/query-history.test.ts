import { describe, expect, test } from "vitest";
import { type Asked, forget, readAsked, REMEMBERED_AT_MOST, remember, Walk } from "./query-history";

const list = (...texts: string[]): Asked[] => texts.map((text, index) => ({ text, atMs: 100 - index }));
const texts = (asked: readonly Asked[]) => asked.map(({ text }) => text);

test("the newest is on top, and the same query is there once", () => {
  const asked = remember(remember(remember([], "SELECT 1", 1), "SELECT 2", 2), "  SELECT 1\n", 3);
  expect(asked).toEqual([
    { text: "SELECT 1", atMs: 3 },
    { text: "SELECT 2", atMs: 2 },
  ]);
});

test("the list is bounded, and so is each query in it", () => {
  let asked: Asked[] = [];
  for (let at = 0; at < 150; at++) asked = remember(asked, `SELECT ${at}`, at);
  expect([asked.length, asked[0]!.text, asked.at(-1)!.text]).toEqual([REMEMBERED_AT_MOST, "SELECT 149", "SELECT 50"]);
  expect(remember([], "x".repeat(20_001), 1)).toEqual([]);
  expect(remember([], " \n ", 1)).toEqual([]);
});

test("a query can be forgotten", () => expect(texts(forget(list("a", "b", "c"), "b"))).toEqual(["a", "c"]));

test("a damaged storage costs no more than what was damaged", () => {
  expect(readAsked([{ text: "a", atMs: 1 }, { text: 5, atMs: 1 }, null, "b", { text: "c" }])).toEqual([{ text: "a", atMs: 1 }]);
  expect([readAsked(undefined), readAsked({}), readAsked("[]")]).toEqual([[], [], []]);
});

describe("stepping with the arrows", () => {
  const asked = list("newest", "middle", "oldest");

  test("goes to the oldest, stops, and comes back to the draft", () => {
    const walk = new Walk();
    expect(walk.step(asked, "my draft", 1)).toBe("newest");
    expect(walk.step(asked, "newest", 1)).toBe("middle");
    expect(walk.step(asked, "middle", 1)).toBe("oldest");
    expect(walk.step(asked, "oldest", 1)).toBeNull();
    expect(walk.step(asked, "oldest", -1)).toBe("middle");
    expect(walk.step(asked, "middle", -1)).toBe("newest");
    expect(walk.step(asked, "newest", -1)).toBe("my draft");
    expect(walk.step(asked, "my draft", -1)).toBeNull();
  });

  test("an edited entry is a draft of its own and is not lost", () => {
    const walk = new Walk();
    walk.step(asked, "", 1);
    expect(walk.step(asked, "newest, edited", 1)).toBe("newest");
    expect(walk.step(asked, "newest", -1)).toBe("newest, edited");
  });

  test("what was just run is not offered to whoever still has it before them", () => {
    const walk = new Walk();
    expect(walk.step(asked, "newest\n", 1)).toBe("middle");
    expect(new Walk().step(list("only"), "only", 1)).toBeNull();
  });
});
