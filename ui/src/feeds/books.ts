/** What the trades and the ledger say, as rows of a table. Pure. */
import type { BalanceRow, TradeRow, TransferRow } from "../host";
import { decimalOf, unitsOf } from "../shared/decimal";

export interface LedgerLine extends TransferRow {
  /** What it did to the trader, with its sign; null of a transfer between others. */
  change: string | null;
  /** What the trader held of the asset after it; null where that is not known. */
  balance: string | null;
}

const TRADER = "trader";

function changeOf({ debit, credit, amount }: TransferRow): bigint {
  const units = unitsOf(amount) ?? 0n;
  return (credit === TRADER ? units : 0n) - (debit === TRADER ? units : 0n);
}

/** Running balances of the trader, forwards from nothing where the chain is whole, else backwards from what is held now. */
export function ledgerLines(transfers: readonly TransferRow[], balances: readonly BalanceRow[] | null): LedgerLine[] {
  const whole = transfers[0]?.number === "1";
  const held = new Map<string, bigint>();
  if (!whole) {
    for (const { asset, total } of balances ?? []) held.set(asset, unitsOf(total) ?? 0n);
    for (const transfer of transfers) held.set(transfer.asset, (held.get(transfer.asset) ?? 0n) - changeOf(transfer));
  }
  return transfers.map((transfer) => {
    const change = changeOf(transfer);
    const balance = (held.get(transfer.asset) ?? 0n) + change;
    held.set(transfer.asset, balance);
    const touched = transfer.debit === TRADER || transfer.credit === TRADER;
    const known = touched && (whole || balances !== null);
    return { ...transfer, change: touched ? `${change > 0n ? "+" : ""}${decimalOf(change)}` : null, balance: known ? decimalOf(balance) : null };
  });
}

/** Slippage of a fill in basis points of what it traded: `0.3`. */
export function slippageBp({ slippage, fill_price, quantity }: Pick<TradeRow, "slippage" | "fill_price" | "quantity">): string {
  const notional = Number(fill_price) * Number(quantity);
  return notional > 0 ? ((Number(slippage) / notional) * 10_000).toFixed(1) : "0.0";
}

/** Those that were not held before. None of the first answer: it is history. */
export function freshTrades(before: readonly TradeRow[] | null, after: readonly TradeRow[]): TradeRow[] {
  if (!before) return [];
  const known = new Set(before.map((trade) => trade.trade_id));
  return after.filter((trade) => !known.has(trade.trade_id));
}
