import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Pipeline } from "../host";
import { PipelineFeed } from "./pipeline.svelte";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function bench() {
  const asked: { answer: (at_ms: number) => void; refuse: () => void }[] = [];
  const feed = new PipelineFeed({
    pipeline: () => new Promise((resolve, reject) => asked.push({ answer: (at_ms) => resolve({ at_ms } as Pipeline), refuse: () => reject(new Error("gone")) })),
  });
  return { feed, asked };
}
const second = () => vi.advanceTimersByTimeAsync(1_000);

test("the core is asked once a second while somebody looks, and then no more", async () => {
  const { feed, asked } = bench();
  let visible = true;
  const stop = feed.watch(() => visible);
  for (const at of [1, 2, 3]) {
    asked.at(-1)!.answer(at);
    await second();
  }
  expect([asked.length, feed.newest?.at_ms]).toEqual([4, 3]);
  visible = false;
  asked.at(-1)!.answer(4);
  await second();
  visible = true;
  stop();
  await second();
  expect([asked.length, feed.newest?.at_ms]).toEqual([4, 4]);
});

test("a slow core is not asked again meanwhile, and its old figures are marked", async () => {
  const { feed, asked } = bench();
  const stop = feed.watch(() => true);
  for (let passed = 0; passed < 6; passed++) await second();
  expect([asked.length, feed.stale]).toEqual([1, true]);
  asked[0]!.answer(1);
  await vi.advanceTimersByTimeAsync(0);
  expect(feed.stale).toBe(false);
  stop();
});

test("what was last known stays through a failure, which goes away by itself", async () => {
  const { feed, asked } = bench();
  const stop = feed.watch(() => true);
  asked[0]!.answer(1);
  await second();
  asked[1]!.refuse();
  await second();
  expect([feed.newest?.at_ms, feed.failure?.what]).toEqual([1, "gone"]);
  asked[2]!.answer(3);
  await second();
  expect([feed.newest?.at_ms, feed.failure]).toEqual([3, null]);
  stop();
});
