import { expect, test } from "vitest";
import { type Alike, type AlikeMatch, type Frame, HostError } from "../host";
import { AlikeFeed } from "./alike.svelte";

const MINUTE = 60_000;
const match = (id: string, similarity = 0.3) => ({ id, similarity, window_end_ms: 0 }) as AlikeMatch;
const alike = (pair: string, endMs: number, more: Partial<Alike> = {}) => ({ pair, window_end_ms: endMs, closes: [1, 2], matches: [match("a", 0.2), match("b", 0.6)], refused: null, followed: null, base_rate: null, ...more }) as Alike;
const settle = () => new Promise((resolve) => setTimeout(resolve, 2));

/** A core that answers when told to. */
function bench() {
  const asked: string[] = [];
  const waiting: { answer: (view: Alike) => void; fail: (thrown: unknown) => void }[] = [];
  const feed = new AlikeFeed({ alike: (pair, across) => (asked.push(across ? `${pair} and all` : pair), new Promise((answer, fail) => waiting.push({ answer, fail }))) }, 0);
  const frame = (minute: number, pair = "BTC-USD", deck: Frame["deck"] = "sample") => feed.frame({ deck, clock: { at_ms: minute * MINUTE, text: "" }, watch: { pair, interval: "1m" } });
  return {
    feed,
    asked,
    frame,
    async answer(view: Alike) {
      waiting.shift()?.answer(view);
      await settle();
    },
    async fail() {
      waiting.shift()?.fail(new HostError({ code: "patterns_damaged", what: "Damaged.", kept: "All.", do: "Build." }));
      await settle();
    },
  };
}

test("nobody is asked while nobody looks, and one question is asked for each minute however many frames", async () => {
  const { feed, asked, frame, answer } = bench();
  frame(10);
  expect(asked).toEqual([]);
  feed.look(true);
  for (let each = 0; each < 60; each++) frame(10.5);
  await answer(alike("BTC-USD", 10 * MINUTE));
  expect([asked.length, feed.view?.matches.map(({ id }) => id)]).toEqual([1, ["b", "a"]]);
  frame(11);
  await settle();
  expect(asked.length).toBe(2);
  feed.look(false);
  await answer(alike("BTC-USD", 11 * MINUTE));
  frame(12);
  await settle();
  expect(asked.length).toBe(2);
});

test("a slow answer piles up nothing: of the minutes that closed meanwhile only the newest is asked", async () => {
  const { feed, asked, frame, answer } = bench();
  feed.look(true);
  for (let minute = 10; minute < 40; minute++) frame(minute);
  expect(asked.length).toBe(1);
  await answer(alike("BTC-USD", 10 * MINUTE));
  expect(asked.length).toBe(2);
  await answer(alike("BTC-USD", 39 * MINUTE));
  expect([asked.length, feed.view?.window_end_ms]).toEqual([2, 39 * MINUTE]);
});

test("what a later moment knew is gone at once when the tape goes back, an answer under way too", async () => {
  const { feed, frame, answer } = bench();
  feed.look(true);
  frame(50);
  await answer(alike("BTC-USD", 50 * MINUTE));
  frame(51);
  await settle();
  frame(20);
  expect(feed.view).toBeNull();
  await answer(alike("BTC-USD", 51 * MINUTE));
  expect(feed.view).toBeNull();
  await answer(alike("BTC-USD", 20 * MINUTE));
  expect(feed.view?.window_end_ms).toBe(20 * MINUTE);
});

test("an answer about another pair is shown for none", async () => {
  const { feed, asked, frame, answer } = bench();
  feed.look(true);
  frame(10);
  frame(10, "ETH-USD");
  await answer(alike("BTC-USD", 10 * MINUTE));
  expect(feed.view).toBeNull();
  await answer(alike("ETH-USD", 10 * MINUTE));
  feed.switchAcross();
  expect(feed.view).toBeNull();
  await settle();
  expect([feed.view, asked]).toEqual([null, ["BTC-USD", "ETH-USD", "ETH-USD and all"]]);
});

test("a failure says so, is not asked for with every frame, and goes with the next answer", async () => {
  const { feed, asked, frame, answer, fail } = bench();
  feed.look(true);
  frame(10);
  await fail();
  expect([feed.failure?.code, feed.view]).toEqual(["patterns_damaged", null]);
  for (let each = 0; each < 5; each++) frame(10.2);
  await settle();
  expect(asked.length).toBe(1);
  feed.again();
  await answer(alike("BTC-USD", 10 * MINUTE));
  expect([feed.failure, feed.view?.pair]).toEqual([null, "BTC-USD"]);
});

test("a match lies where it was laid, and a second click takes it away", async () => {
  const { feed, frame, answer } = bench();
  feed.look(true);
  frame(100);
  await answer(alike("BTC-USD", 100 * MINUTE));
  feed.lay(feed.view!.matches[0]!);
  expect(feed.laid).toMatchObject({ pair: "BTC-USD", endMs: 100 * MINUTE, closes: [1, 2], match: { id: "b" } });
  // Minutes go by: it stays, and the tape comes over it.
  frame(140);
  expect(feed.laid?.endMs).toBe(100 * MINUTE);
  feed.lay(match("b"));
  expect(feed.laid).toBeNull();
});

test("what was laid at a later moment tells nothing at an earlier one, nor on another pair or tape", async () => {
  for (const [minute, pair, deck] of [[99.9, "BTC-USD", "sample"], [100, "ETH-USD", "sample"], [100, "BTC-USD", "live"]] as const) {
    const { feed, frame, answer } = bench();
    feed.look(true);
    frame(100);
    await answer(alike("BTC-USD", 100 * MINUTE));
    feed.lay(feed.view!.matches[0]!);
    frame(100.5);
    expect(feed.laid).not.toBeNull();
    frame(minute, pair, deck);
    expect(feed.laid).toBeNull();
  }
});
