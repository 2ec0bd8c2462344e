import { expect, test } from "vitest";
import type { TradeRow, TransferRow } from "../host";
import { freshTrades, ledgerLines, slippageBp } from "./books";

const moved = (number: number, debit: string, credit: string, asset: string, amount: string) => ({ number: String(number), debit, credit, asset, amount }) as TransferRow;
const CHAIN = [
  moved(1, "world", "trader", "USD", "100000"),
  moved(2, "venue", "trader", "BTC", "0.118"),
  moved(3, "trader", "venue", "USD", "4979.39"),
  moved(4, "trader", "fees", "USD", "4.97939"),
  moved(5, "venue", "fees", "USD", "1"),
];

test("balances run through the chain, for each asset of the trader", () => {
  const lines = ledgerLines(CHAIN, null);
  expect(lines.map((line) => line.balance)).toEqual(["100000", "0.118", "95020.61", "95015.63061", null]);
  expect(lines.map((line) => line.change)).toEqual(["+100000", "+0.118", "-4979.39", "-4.97939", null]);
});

test("of the tail of a chain they run backwards from what is held, and are not guessed without it", () => {
  const held = [{ asset: "USD", total: "95015.63061" }, { asset: "BTC", total: "0.118" }].map((row) => ({ ...row, reserved: "0", available: row.total }));
  expect(ledgerLines(CHAIN.slice(1), held).map((line) => line.balance)).toEqual(["0.118", "95020.61", "95015.63061", null]);
  expect(ledgerLines(CHAIN.slice(1), null).map((line) => line.balance)).toEqual([null, null, null, null]);
});

test("only fills after the first answer are new", () => {
  const trade = (trade_id: string) => ({ trade_id }) as TradeRow;
  expect(freshTrades(null, [trade("a")])).toEqual([]);
  expect(freshTrades([trade("a")], [trade("a"), trade("b")])).toEqual([trade("b")]);
  expect(slippageBp({ slippage: "0.15", fill_price: "42198.2", quantity: "0.118" })).toBe("0.3");
});
