import { expect, test } from "vitest";
import type { Backfill } from "../host";
import { earlierOf, type Surroundings } from "./earlier";

const AT = Date.UTC(2026, 1, 14);
const run = (more: Partial<Backfill> = {}): Backfill => ({
  run: 1,
  pair: "BTC-USD",
  months: 3,
  state: "running",
  share: 0.349,
  at_ms: AT,
  accepted: 12_345,
  quarantined: 0,
  failure: null,
  ...more,
});
const around = (more: Partial<Surroundings> = {}): Surroundings => ({
  live: true,
  available: true,
  atOldest: true,
  pair: "BTC-USD",
  backfill: null,
  read: 0,
  ...more,
});

test("earlier history is offered at the oldest bar of a live pair, and nowhere else", () => {
  expect(earlierOf(around())).toEqual({ kind: "offer" });
  for (const elsewhere of [{ live: false }, { available: false }, { atOldest: false }]) {
    expect(earlierOf(around(elsewhere))).toEqual({ kind: "hidden" });
  }
});

test("progress is shown wherever the chart is, until it ends", () => {
  const backfill = run();
  expect(earlierOf(around({ backfill, atOldest: false, pair: "ETH-USD" }))).toEqual({
    kind: "running",
    text: "BTC-USD: February 2026, 34 %",
    share: 0.349,
    cancelling: false,
  });
  expect(earlierOf(around({ backfill: run({ at_ms: null, share: 0 }) }))).toMatchObject({ text: "BTC-USD: asking Coinbase…" });
  expect(earlierOf(around({ backfill: run({ state: "cancelling" }) }))).toMatchObject({ kind: "running", cancelling: true });
  expect(earlierOf(around({ backfill, live: false }))).toEqual({ kind: "hidden" });
});

test("how it ended is told once, to whoever looks at the pair", () => {
  const done = run({ state: "done", share: 1 });
  expect(earlierOf(around({ backfill: done, atOldest: false }))).toEqual({ kind: "ended", text: "12,345 candles of 3 months loaded.", run: 1 });
  expect(earlierOf(around({ backfill: done, read: 1 }))).toEqual({ kind: "offer" });
  expect(earlierOf(around({ backfill: done, pair: "ETH-USD" }))).toEqual({ kind: "offer" });
  // The next one is told again.
  expect(earlierOf(around({ backfill: run({ state: "done", run: 2 }), read: 1 }))).toMatchObject({ kind: "ended", run: 2 });
  for (const [more, text] of [
    [{ state: "cancelled" }, "Cancelled: 12,345 candles were loaded and are kept."],
    [{ state: "done", accepted: 0 }, "Coinbase has nothing more of these 3 months."],
    [{ state: "done", accepted: 0, months: 1 }, "Coinbase has nothing more of this month."],
    [{ state: "done", months: 1, quarantined: 2 }, "12,345 candles of 1 month loaded; 2 that can not be are kept apart."],
  ] as [Partial<Backfill>, string][]) {
    expect(earlierOf(around({ backfill: run(more) }))).toMatchObject({ kind: "ended", text });
  }
  const failure = { code: "venue_unreachable", what: "Loading has stopped.", kept: "Everything is kept.", do: "Load it again." };
  expect(earlierOf(around({ backfill: run({ state: "failed", failure }) }))).toEqual({ kind: "failed", failure, run: 1 });
});
