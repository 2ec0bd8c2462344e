import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { blankSeries } from "../charts/series";
import type { Deck, Frame, Range } from "../host";
import { TimelineFeed } from "./timeline.svelte";

const [HOUR, DAY] = [3_600_000, 86_400_000];
const from = Date.UTC(2024, 0, 1);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function bench(days: number) {
  const asked: (Range | null)[] = [];
  const answers: ((buffer: ArrayBuffer) => void)[] = [];
  const feed = new TimelineFeed({ timeline: (range) => (asked.push(range), new Promise((answer) => answers.push(answer))) });
  const frame = (cursor: number, change: { deck?: Deck; pair?: string; generation?: number } = {}) => {
    const { deck = "replay", pair = "BTC-USD", generation = 1 } = change;
    const tape = { from_ms: from, to_ms: from + days * DAY };
    feed.frame({ deck, generation, tape, clock: { at_ms: from + cursor * DAY }, transport: { loop: null }, watch: { pair } } as unknown as Frame, performance.now());
  };
  const answer = async (at: number, bucket: number, rows = 3) => {
    const { buffer, series } = blankSeries(rows);
    for (let row = 0; row < rows; row++) series.timeMs[row] = from + row * bucket;
    answers[at]!(buffer);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { feed, asked, frame, answer };
}

test("a closer look is asked for once the hand rests, and once", async () => {
  const { feed, asked, frame, answer } = bench(30);
  frame(3);
  await answer(0, HOUR);
  frame(3);
  await vi.advanceTimersByTimeAsync(200);
  // The day around the cursor, and half a day on either side.
  expect(asked).toEqual([null, { from_ms: from + 2 * DAY, to_ms: from + 4 * DAY }]);
  await answer(1, 60_000);
  const { series } = feed;
  for (let turn = 0; turn < 5; turn++) {
    feed.zoom(from + 20 * DAY, 1);
    feed.pan(2 * DAY);
    await vi.advanceTimersByTimeAsync(50);
  }
  expect(asked.length).toBe(2);
  expect(feed.series).not.toBe(series);
  await vi.advanceTimersByTimeAsync(200);
  expect(asked.slice(2)).toEqual([{ from_ms: from + 12 * DAY, to_ms: from + 14 * DAY }]);
});

test("an answer about another pair is dropped, and that pair is asked for", async () => {
  const { feed, asked, frame, answer } = bench(1);
  frame(0.5);
  frame(0.5, { pair: "ETH-USD", generation: 2 });
  await answer(0, 60_000);
  expect([feed.series, asked.length]).toEqual([null, 2]);
  await answer(1, 60_000);
  expect(feed.series?.rows).toBe(3);
});

test("a drag over the past does not ask for the same tape with each seek", async () => {
  const { asked, frame, answer } = bench(1);
  frame(0.1);
  await answer(0, 60_000);
  for (let generation = 2; generation < 40; generation++) frame(generation / 50, { generation });
  expect(asked.length).toBe(1);
});

test("nothing moves under a hand, not even when live becomes the past", () => {
  const { feed, frame } = bench(30);
  frame(30, { deck: "live" });
  const { span } = feed.view;
  expect(span).toEqual({ fromMs: from + 29 * DAY, toMs: from + 30 * DAY });
  feed.hold(true);
  frame(29.2, { generation: 2 });
  frame(12, { generation: 3 });
  expect(feed.view.span).toEqual(span);
  feed.hold(false);
  frame(12.1, { generation: 4 });
  expect(feed.view.span).toEqual({ fromMs: from + 11.6 * DAY, toMs: from + 12.6 * DAY });
  frame(30, { deck: "live", generation: 5 });
  expect(feed.view.span).toEqual(span);
});

test("the view of the live deck stays where it is replayed from", () => {
  const { feed, frame } = bench(30);
  frame(30, { deck: "live" });
  frame(29.4, { generation: 2 });
  expect(feed.view.span).toEqual({ fromMs: from + 29 * DAY, toMs: from + 30 * DAY });
});

test("volume that was ahead is asked for once it has been played, and at once by who peeks", async () => {
  const { feed, asked, frame, answer } = bench(1);
  frame(0.1);
  await answer(0, 60_000);
  await vi.advanceTimersByTimeAsync(1_000);
  frame(0.1 + 30_000 / DAY);
  expect(asked.length).toBe(1);
  frame(0.1 + 90_000 / DAY);
  expect(asked.length).toBe(2);
  await answer(1, 60_000);
  feed.look(true);
  expect(asked.length).toBe(3);
  await answer(2, 60_000);
  await vi.advanceTimersByTimeAsync(1_000);
  frame(0.9);
  expect(asked.length).toBe(3);
});
