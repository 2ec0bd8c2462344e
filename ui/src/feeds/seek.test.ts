import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Deck, Frame } from "../host";
import { Seeks } from "./seek";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function bench(deck: Deck) {
  const told: string[] = [];
  const failures: unknown[] = [];
  const listeners = new Set<(frame: Frame) => void>();
  const feed = {
    frame: null as Frame | null,
    onFrame(listener: (frame: Frame) => void) {
      listeners.add(listener);
      if (this.frame) listener(this.frame);
      return () => void listeners.delete(listener);
    },
  };
  const refusals: string[] = [];
  /** What comes between a question and its answer. */
  const meanwhile = { happens: async () => {} };
  const answer = async (what: string) => {
    told.push(what);
    await meanwhile.happens();
    if (refusals.shift()) throw new Error(what);
  };
  const host = { replay: (at: number) => answer(`replay ${at}`), transport: (command: object) => answer(`seek ${(command as { at_ms: number }).at_ms}`) };
  const seeks = new Seeks(host, feed, (thrown) => failures.push(thrown));
  const frame = async (generation: number, progress: number | null = null, on: Deck = deck) => {
    feed.frame = { deck: on, generation, transport: { progress } } as unknown as Frame;
    seeks.frame(feed.frame);
    for (const listener of listeners) listener(feed.frame);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { seeks, told, failures, refusals, meanwhile, frame, listeners };
}

test("a drag that leaves the live market replays once, and seeks from then on", async () => {
  const { seeks, told, frame, listeners } = bench("live");
  await frame(1);
  for (const at of [10, 20, 30]) void seeks.to(at);
  await vi.advanceTimersByTimeAsync(1);
  expect(told).toEqual(["replay 10"]);
  // A frame of before is still on its way.
  await frame(1);
  await frame(2, null, "replay");
  expect(told).toEqual(["replay 10", "seek 30"]);
  await frame(3, null, "replay");
  expect([seeks.isLive, listeners.size]).toEqual([false, 0]);
});

test("a seek that is reading holds the next one back, and not for long", async () => {
  const { seeks, told, frame } = bench("replay");
  await frame(1);
  void seeks.to(10);
  await frame(1, 0.1);
  void seeks.to(20);
  void seeks.to(30);
  await vi.advanceTimersByTimeAsync(300);
  expect(told).toEqual(["seek 10"]);
  await vi.advanceTimersByTimeAsync(300);
  expect(told).toEqual(["seek 10", "seek 30"]);
});

test("a seek to where the tape stands settles, though no frame comes of it", async () => {
  const { seeks, frame } = bench("sample");
  await frame(1);
  const landed = vi.fn();
  void seeks.to(10).then(landed);
  await vi.advanceTimersByTimeAsync(200);
  expect(landed).toHaveBeenCalled();
});

test("a replay that is refused leaves the market live, and is told", async () => {
  const { seeks, told, failures, refusals, frame } = bench("live");
  await frame(1);
  refusals.push("no");
  await seeks.to(10);
  expect([seeks.isLive, failures.length]).toEqual([true, 1]);
  void seeks.to(20);
  await vi.advanceTimersByTimeAsync(1);
  expect(told).toEqual(["replay 10", "replay 20"]);
});

test("a frame that overtakes the answer of its seek does not slow a drag down", async () => {
  const { seeks, told, meanwhile, frame } = bench("sample");
  await frame(1);
  meanwhile.happens = () => frame(2);
  void seeks.to(10);
  void seeks.to(20);
  await vi.advanceTimersByTimeAsync(1);
  expect(told).toEqual(["seek 10", "seek 20"]);
});

test("back to live in the middle of a drag stays live: what still waits is not sent", async () => {
  const { seeks, told, frame } = bench("sample");
  await frame(1);
  for (const at of [10, 20]) void seeks.to(at);
  await vi.advanceTimersByTimeAsync(1);
  seeks.forget();
  await frame(2, null, "live");
  await vi.advanceTimersByTimeAsync(1_000);
  expect(told).toEqual(["seek 10"]);
  void seeks.to(30);
  await vi.advanceTimersByTimeAsync(1);
  expect(told).toEqual(["seek 10", "replay 30"]);
});
