import { expect, test } from "vitest";
import type { OrderRow, TradeAnswer, TradeRequest, TradeRow, TradingFrame } from "../host";
import { TradingFeed } from "./trading.svelte";

const order = (id: string, state = "open") => ({ id, state }) as OrderRow;
const trade = (trade_id: string) => ({ trade_id, side: "buy", pair: "BTC-USD", quantity: "1", fill_price: "2" }) as TradeRow;

function bench(answers: (request: TradeRequest) => TradeAnswer) {
  const asked: TradeRequest[] = [];
  const filled: string[] = [];
  const feed = new TradingFeed(
    { trade: async (request) => (asked.push(request), answers(request)) },
    (trades) => filled.push(...trades.map(({ trade_id }) => trade_id)),
  );
  const frame = (transfers: string, orders: OrderRow[] = [], generation = 1) => feed.frame({ deck: "live", generation, trading: { transfers, orders } as unknown as TradingFrame });
  return { feed, asked, filled, frame };
}
const settled = () => new Promise((resolve) => setTimeout(resolve));

test("fills are asked for when the books grow, and told of once", async () => {
  let trades = [trade("a")];
  const { feed, asked, filled, frame } = bench(() => ({ trades }));
  frame("1");
  await settled();
  frame("1");
  feed.frame({ deck: "live", generation: 1, trading: null });
  await settled();
  expect([asked.length, filled]).toEqual([1, []]);
  trades = [trade("a"), trade("b")];
  frame("4");
  frame("7");
  await settled();
  expect([asked.length, filled, feed.trades?.length, feed.newest?.transfers]).toEqual([3, ["b"], 2, "7"]);
});

test("what a jump brings did not happen now, and another account shows nothing of this one", async () => {
  let trades = [trade("a")];
  const { feed, filled, frame } = bench(() => ({ trades }));
  frame("1");
  await settled();
  trades = [trade("a"), trade("b")];
  frame("4", [], 2);
  await settled();
  expect([filled, feed.trades?.length]).toEqual([[], 2]);
  trades = [];
  frame("1", [], 3);
  await settled();
  expect(feed.trades?.length).toBe(0);
  feed.frame({ deck: "sample", generation: 4, trading: null });
  expect([feed.newest, feed.trades]).toEqual([null, null]);
});

test("an order is shown when its answer stands, and gone when it is over", async () => {
  let answer: TradeAnswer = { done: { orders: [order("b")], existed: false } };
  const { feed, frame } = bench((request) => (typeof request === "object" && "trades" in request ? { trades: [] } : answer));
  frame("1", [order("a")]);
  const telling = feed.tell({ cancel: { id: "x" } });
  expect(feed.newest?.orders.map(({ id }) => id)).toEqual(["a"]);
  await telling;
  expect(feed.newest?.orders.map(({ id }) => id)).toEqual(["a", "b"]);
  answer = { done: { orders: [order("a", "cancelled")], existed: false } };
  await feed.tell("cancel_all");
  expect(feed.newest?.orders.map(({ id }) => id)).toEqual(["b"]);
  answer = { refused: { code: "halted", sentence: "Trading is halted. Exits still work." } };
  expect(await feed.tell("cancel_all")).toEqual(answer);
});
