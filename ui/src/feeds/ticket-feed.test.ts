import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { TradeAnswer, TradeRequest } from "../host";
import type { Told } from "./trading.svelte";
import { TicketFeed } from "./ticket.svelte";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function bench() {
  const estimated: TradeRequest[] = [];
  const sent: { id: string; answer: (told: Told | null) => void }[] = [];
  const feed = new TicketFeed(
    { trade: async (request) => (estimated.push(request), { estimate: { total: "1" } } as unknown as TradeAnswer) },
    { tell: (request) => new Promise((answer) => sent.push({ id: (request as { place: { id: string } }).place.id, answer })) },
  );
  const stop = feed.watch("BTC-USD");
  return { feed, estimated, sent, stop };
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test("an estimate is asked for when the typing rests, and again while the ticket stands", async () => {
  const { feed, estimated, stop } = bench();
  await pass(100);
  feed.edit({ qty: "1" });
  await pass(300);
  expect(estimated.length).toBe(0);
  feed.edit({ limit: "4" });
  feed.edit({ limit: "42" });
  await pass(150);
  expect([estimated.length, feed.estimate?.total]).toEqual([1, "1"]);
  await pass(2_000);
  expect(estimated.length).toBe(2);
  feed.edit({ limit: "" });
  expect(feed.estimate).toBe(null);
  stop();
});

test("a double click is one order, and a second try after no answer is the same", async () => {
  const { feed, sent, stop } = bench();
  feed.edit({ qty: "1", limit: "42" });
  void feed.send();
  void feed.send();
  expect(sent.length).toBe(1);
  sent[0]!.answer(null);
  await pass(0);
  void feed.send();
  expect(sent[1]!.id).toBe(sent[0]!.id);
  sent[1]!.answer({ done: { orders: [], existed: true } });
  await pass(0);
  expect([feed.content.qty, feed.said]).toEqual(["", "It had been placed already."]);
  void feed.send();
  expect(sent.length).toBe(2);
  stop();
});

test("a refused order stays in the ticket with its reason, and is another when it is sent again", async () => {
  const { feed, sent, stop } = bench();
  feed.edit({ qty: "1", limit: "42" });
  void feed.send();
  sent[0]!.answer({ refused: { code: "halted", sentence: "Trading is halted." } });
  await pass(0);
  expect([feed.content.qty, feed.refused?.code]).toEqual(["1", "halted"]);
  void feed.send();
  expect(sent[1]!.id).not.toBe(sent[0]!.id);
  stop();
});
