import { expect, test } from "vitest";
import { type PlotBar, placeBar } from "../charts/bars";
import { blankSeries } from "../charts/series";
import type { Bar, Frame, HistoryRequest } from "../host";
import { BarFeed, type BarView } from "./bars";

const MINUTE = 60_000;
const settle = () => new Promise((resolve) => setTimeout(resolve));

function bytes(minutes: number[], ticks = 10): ArrayBuffer {
  const { buffer, series } = blankSeries(minutes.length);
  minutes.forEach((minute, row) => {
    series.timeMs[row] = minute * MINUTE;
    series.tickCount[row] = ticks;
  });
  return buffer;
}

const bar = (minute: number, ticks: number): Bar => ({
  time_ms: minute * MINUTE,
  open: "1",
  high: "1",
  low: "1",
  close: "1",
  volume: "1",
  tick_count: ticks,
  quality: "forming",
});

const frame = (generation: number, bars: Bar[], pair = "BTC-USD") => ({ generation, deck: "sample", watch: { pair, interval: "1m" }, bars }) as unknown as Frame;

/** A feed over a host whose answers come when the test gives them, and a view that only keeps. */
function bench() {
  const asked: { request: HistoryRequest; answer: (buffer: ArrayBuffer) => void }[] = [];
  const replaced: { minutes: number[]; keep: boolean }[] = [];
  let held: PlotBar[] = [];
  const view: BarView = {
    replace(bars, keep) {
      held = bars;
      replaced.push({ minutes: minutes(), keep });
    },
    update: (bars) => bars.forEach((bar) => placeBar(held, bar)),
    prepend: (bars) => (held = bars),
    held: () => held,
    reach: () => 150,
  };
  const minutes = () => held.map(({ timeMs }) => timeMs / MINUTE);
  let whole: boolean | undefined;
  const feed = new BarFeed({ history: (request) => new Promise((answer) => asked.push({ request, answer })) }, (_, drawn) => (whole = drawn?.whole ?? whole));
  feed.attach(view);
  const answer = async (buffer: ArrayBuffer) => {
    asked.at(-1)!.answer(buffer);
    await settle();
  };
  return { feed, asked, answer, replaced, minutes, whole: () => whole, ticksOf: (minute: number) => held.find(({ timeMs }) => timeMs === minute * MINUTE)?.ticks };
}

test("frames that overtake the history are not lost", async () => {
  const { feed, answer, minutes, ticksOf } = bench();
  feed.frame(frame(1, [bar(3, 4)]));
  feed.frame(frame(1, [bar(3, 30), bar(4, 2)]));
  await answer(bytes([1, 2, 3]));
  expect(minutes()).toEqual([1, 2, 3, 4]);
  expect(ticksOf(3)).toBe(30);
});

test("bars of an older generation are ignored", async () => {
  const { feed, answer, minutes } = bench();
  feed.frame(frame(2, []));
  await answer(bytes([1, 2, 3]));
  feed.frame(frame(1, [bar(9, 1)]));
  expect(minutes()).toEqual([1, 2, 3]);
});

test("a seek while history is under way ends with the bars of the last place", async () => {
  const { feed, asked, answer, replaced, minutes } = bench();
  feed.frame(frame(1, []));
  feed.frame(frame(2, [bar(7, 1)]));
  expect(asked.length).toBe(1);
  await answer(bytes([1, 2, 3]));
  expect(asked.length).toBe(2);
  await answer(bytes([5, 6, 7]));
  expect(minutes()).toEqual([5, 6, 7]);
  // The second picture is of the same pair: the view must not jump.
  expect(replaced.map(({ keep }) => keep)).toEqual([false, true]);
});

test("the prices of one pair are never drawn under the name of another", async () => {
  const { feed, answer, replaced } = bench();
  feed.frame(frame(1, []));
  feed.frame(frame(2, [], "ETH-USD"));
  await answer(bytes([1, 2, 3]));
  expect(replaced).toEqual([]);
  await answer(bytes([8, 9]));
  expect(replaced).toEqual([{ minutes: [8, 9], keep: false }]);
});

test("scrolling left pages older bars in, until there are none", async () => {
  const { feed, asked, answer, minutes, whole } = bench();
  feed.frame(frame(1, []));
  await answer(bytes(Array.from({ length: 600 }, (_, index) => 1_000 + index)));
  void feed.older();
  void feed.older();
  expect(asked.length).toBe(2);
  expect(asked[1]!.request).toMatchObject({ beforeMs: 1_000 * MINUTE, limit: 600 });
  expect(whole()).toBe(false);
  await answer(bytes([998, 999]));
  expect(minutes().slice(0, 3)).toEqual([998, 999, 1_000]);
  expect(whole()).toBe(true);
  await feed.older();
  expect(asked.length).toBe(2);
});
