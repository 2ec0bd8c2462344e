import { expect, test } from "vitest";
import { actOf, ContentId, EMPTY, fieldsOf, newId, problemOf, requestOf, type Ticket, withPrice } from "./ticket";

const NOW = Date.UTC(2026, 0, 5, 12);
const limit: Ticket = { ...EMPTY, qty: "0.118", limit: "42300" };

test.each<[string, Partial<Ticket>, string | null]>([
  ["a size", { qty: "" }, "qty"],
  ["a number", { qty: "lots" }, "qty"],
  ["a price above zero", { limit: "0" }, "limit"],
  ["no more than eight decimals", { limit: "1.123456789" }, "limit"],
  ["a stop", { type: "stop_limit" }, "stop"],
  ["a trail", { type: "trailing_stop", trail: "%" }, "trail"],
  ["a time", { tif: "gtd", until: "noon" }, "until"],
  ["a time to come", { tif: "gtd", until: "11:00" }, "until"],
  ["a take profit that is a number", { takeProfit: "high" }, "takeProfit"],
  ["nothing of a field it does not use", { type: "market", limit: "x", stop: "x", trail: "x", until: "x" }, null],
  ["nothing of a bracket, to sell", { side: "sell", takeProfit: "x" }, null],
  ["nothing more", { tif: "gtd", until: "14:30", takeProfit: "43,000.50" }, null],
])("an order needs %s", (_, change, field) => expect(problemOf({ ...limit, ...change }, NOW)?.field ?? null).toBe(field));

test("only what the type uses is sent, as it was typed", () => {
  const full: Ticket = { ...limit, qty: " 1,200.50 ", stop: "1", trail: "1.5 %", postOnly: true, takeProfit: "43,000", tif: "gtd", until: "14:30" };
  expect(requestOf(full, "BTC-USD", "a", NOW)).toEqual({
    id: "a", pair: "BTC-USD", side: "buy", type: "limit", qty: "1200.50", limit: "42300", stop: null, trail: null, tif: "gtd",
    until: "2026-01-05T14:30:00.000Z", reduce_only: false, post_only: true, take_profit: "43000", stop_loss: null,
  });
  const trailing = requestOf({ ...full, type: "trailing_stop", side: "sell", tif: "gtc" }, "BTC-USD", "b", NOW);
  expect([trailing.trail, trailing.limit, trailing.until, trailing.post_only, trailing.take_profit]).toEqual(["1.5%", null, null, false, null]);
});

test("the button says what it will do", () => {
  expect(actOf(limit, "BTC-USD")).toBe("Buy 0.118 BTC at 42,300.00");
  expect(actOf({ ...limit, side: "sell", type: "market" }, "BTC-USD")).toBe("Sell 0.118 BTC at the market");
  expect(actOf({ ...limit, type: "stop_limit" }, "BTC-USD")).toBe("Buy 0.118 BTC from …, at 42,300.00");
  expect(actOf({ ...limit, type: "trailing_stop", side: "sell", trail: "1.5%" }, "BTC-USD")).toBe("Sell 0.118 BTC, 1.5% behind");
});

test("a price from the chart goes to a type that has it", () => {
  expect(withPrice({ ...EMPTY, type: "market" }, "limit", "42").type).toBe("limit");
  expect(withPrice({ ...EMPTY, type: "limit" }, "stop", "41").type).toBe("stop");
  expect(withPrice({ ...EMPTY, type: "stop_limit" }, "stop", "41")).toMatchObject({ type: "stop_limit", stop: "41" });
  expect(fieldsOf({ type: "oco", side: "sell", tif: "gtc", reduceOnly: false })).toMatchObject({ limit: true, stop: true, bracket: false });
});

test("the same content is the same order until an answer stands", () => {
  let made = 0;
  const ids = new ContentId(() => `id${++made}`);
  expect([ids.of({ a: 1 }), ids.of({ a: 1 }), ids.of({ a: 2 }), ids.of({ a: 2 })]).toEqual(["id1", "id1", "id2", "id2"]);
  ids.spend();
  expect(ids.of({ a: 2 })).toBe("id3");
  expect(newId()).toMatch(/^[0-9a-f-]{26,27}$/);
});
