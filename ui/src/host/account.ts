/**
 * A made-up account over a made-up market: enough of the rules to work on the page with, in floats, and none of the
 * promises. A market order fills at once, a limit or stop when the price comes to it; exits of a bracket wait for their entry.
 */
import { type AccountView, type BalanceRow, type Estimate, HostError, type OrderRequest, type OrderRow, type PositionRow, type Refusal, type TradeAnswer, type TradeRequest, type TradeRow, type TradingFrame, type TransferRow } from "./host";

const [FEE, SLIPPAGE, DEPOSIT] = [0.001, 0.0005, 100_000];
const text = (value: number): string => String(Number(value.toFixed(8)));
const isOver = ({ state }: OrderRow) => ["filled", "cancelled", "expired", "rejected"].includes(state);
const REASONS: Record<string, string> = {
  halted: "Trading is halted. Exits still work.",
  reducing: "Only orders that reduce a position are taken now.",
  no_price: "No price of this pair is known yet.",
  insufficient_cash: "There is not enough available cash for it and its fee.",
  insufficient_asset: "There is not enough of the asset available to sell.",
  unknown_order: "There is no order with this name.",
  by_trader: "Cancelled by the trader.",
  sibling_filled: "The order linked to it has filled.",
};
const because = (code: string): Refusal => ({ code, sentence: REASONS[code] ?? code });

interface Held {
  quantity: number;
  cost: number;
  realised: number;
  fees: number;
  slippage: number;
}

export class MadeUpAccount {
  #orders = new Map<string, OrderRow>();
  #trades: TradeRow[] = [];
  #transfers: TransferRow[] = [];
  #held = new Map<string, Held>();
  #cash = 0;
  #risk = "active";
  #told = "";

  constructor(
    private readonly price: (pair: string) => number | null,
    private readonly pairs: readonly string[],
    private readonly clock: () => number = Date.now,
  ) {}

  get #said(): string {
    return new Date(this.clock()).toISOString();
  }

  /** Null when nothing changed since the last one, as the core has it. */
  frame(pair: string, fresh: boolean): TradingFrame | null {
    this.#match();
    const frame = { account: this.#account(), positions: this.#positions(), orders: this.#open(), can_trade: { pair, blocked: this.#blocked(pair) }, transfers: String(this.#transfers.length), consensus: { on: false, decision: null } };
    const said = JSON.stringify(frame);
    if (said === this.#told && !fresh) return null;
    this.#told = said;
    return frame;
  }

  /** Of all fills, oldest first. */
  fillTimes(): number[] {
    return this.#trades.map((trade) => trade.event_time_ms);
  }

  trade(request: TradeRequest): TradeAnswer {
    if (request === "account") return { account: this.#account() };
    if (request === "balances") return { balances: this.#balances() };
    if (request === "positions") return { positions: this.#positions() };
    if (request === "cancel_all") return done(this.#open().map((order) => this.#end(order, "cancelled", "by_trader")));
    if (request.orders) return { orders: request.orders.all ? [...this.#orders.values()] : this.#open() };
    if (request.trades) return { trades: this.#trades.filter((trade) => trade.event_time_ms <= this.clock()).slice(-request.trades.limit) };
    if (request.transfers) return { transfers: this.#transfers.slice(-request.transfers.limit) };
    if (request.can_trade) return { can_trade: { pair: request.can_trade.pair, blocked: this.#blocked(request.can_trade.pair) } };
    if (request.estimate) return { estimate: this.#estimate(request.estimate) };
    this.#openAccount();
    if (request.place) return this.#place(request.place);
    if (request.cancel) return this.#change(request.cancel.id, (order) => this.#end(order, "cancelled", "by_trader"));
    if (request.amend) {
      const { id, qty, limit, stop } = request.amend;
      return this.#change(id, (order) => this.#put({ ...order, qty: qty ?? order.qty, limit: limit ?? order.limit, stop: stop ?? order.stop }));
    }
    if (request.risk) this.#risk = request.risk.state;
    if (request.flatten) return this.#flatten();
    if (request.deposit) this.#move("world", "trader", "USD", Number(request.deposit.amount), `deposit ${request.deposit.id}`);
    if (request.withdraw) {
      if (Number(request.withdraw.amount) > this.#cash) return { refused: because("insufficient_cash") };
      this.#move("trader", "world", "USD", Number(request.withdraw.amount), `withdrawal ${request.withdraw.id}`);
    }
    return done([]);
  }

  #openAccount() {
    if (this.#transfers.length === 0) this.#move("world", "trader", "USD", DEPOSIT, "opening deposit");
  }

  #open(): OrderRow[] {
    return [...this.#orders.values()].filter((order) => !isOver(order));
  }

  #blocked(pair: string): Refusal | null {
    if (this.#risk !== "active") return because(this.#risk);
    return this.price(pair) === null ? because("no_price") : null;
  }

  #holding(pair: string): Held {
    return this.#held.get(pair) ?? { quantity: 0, cost: 0, realised: 0, fees: 0, slippage: 0 };
  }

  #estimate(order: OrderRequest): Estimate {
    if (!/^[\d.]+%?$/.test(order.trail ?? "1")) {
      throw new HostError({ code: "order_invalid", what: `\`trail\` is not a number: \`${order.trail}\``, kept: "Nothing was changed.", do: "Correct the field and send it again." });
    }
    const far = this.price(order.pair);
    const asked = Number(order.limit ?? order.stop ?? far ?? 0);
    const takes = order.limit === null || (far !== null && (order.side === "buy" ? far <= asked : far >= asked));
    const notional = (takes ? (far ?? asked) : asked) * Number(order.qty);
    const [fee, slippage] = [takes ? notional * FEE : 0, takes ? notional * SLIPPAGE : 0];
    const total = order.side === "buy" ? notional + fee + slippage : notional - fee - slippage;
    return { price: text(asked), notional: text(notional), fee: text(fee), slippage: text(slippage), total: text(total), refused: this.#refuses(order, total) };
  }

  #refuses(order: OrderRequest, total: number): Refusal | null {
    const exit = order.side === "sell";
    if (this.price(order.pair) === null) return because("no_price");
    if (this.#risk !== "active" && !exit) return because(this.#risk);
    if (exit) return Number(order.qty) > this.#holding(order.pair).quantity + 1e-9 ? because("insufficient_asset") : null;
    return total > (this.#transfers.length === 0 ? DEPOSIT : this.#cash) ? because("insufficient_cash") : null;
  }

  #place(request: OrderRequest): TradeAnswer {
    const known = this.#orders.get(request.id);
    if (known) return { done: { orders: [known], existed: true } };
    const { total } = this.#estimate(request);
    const refused = this.#refuses(request, Number(total));
    if (refused) return { refused };
    const now = this.#said;
    const price = this.price(request.pair)!;
    const trailed = request.type === "trailing_stop" ? text(trailFrom(price, request)) : request.stop;
    const state = request.type.includes("stop") ? "waiting" : "open";
    const order = this.#put({ ...request, stop: trailed, tif: request.tif ?? "gtc", filled: "0", state, reason: null, placed_at: now, changed_at: now });
    this.#match();
    return done([this.#orders.get(order.id)!]);
  }

  #change(id: string, change: (order: OrderRow) => OrderRow): TradeAnswer {
    const order = this.#orders.get(id);
    if (!order || isOver(order)) return { refused: because("unknown_order") };
    const changed = [change(order)];
    this.#match();
    return done(changed);
  }

  #put(order: OrderRow): OrderRow {
    this.#orders.set(order.id, order);
    return order;
  }

  #end(order: OrderRow, state: string, reason: string | null): OrderRow {
    return this.#put({ ...order, state, reason: reason === null ? null : because(reason), changed_at: this.#said });
  }

  #flatten(): TradeAnswer {
    const ended = this.#open().map((order) => this.#end(order, "cancelled", "by_trader"));
    for (const [pair, { quantity }] of this.#held) {
      const exit = { id: `flat-${pair}-${this.#trades.length}`, pair, side: "sell", type: "market", qty: text(quantity), limit: null, stop: null, trail: null, tif: "gtc", until: null, reduce_only: true, post_only: false, take_profit: null, stop_loss: null };
      if (quantity > 0) this.#place(exit);
    }
    return done(ended);
  }

  #match() {
    for (const order of this.#open()) {
      const price = this.price(order.pair);
      if (price === null) continue;
      const buy = order.side === "buy";
      const [limit, stop] = [order.limit === null ? null : Number(order.limit), order.stop === null ? null : Number(order.stop)];
      const reached = limit !== null && (buy ? price <= limit : price >= limit);
      const triggered = stop !== null && (buy ? price >= stop : price <= stop);
      if (order.type === "market" || (reached && order.type !== "stop_limit") || (triggered && order.type !== "stop_limit") || (reached && triggered)) this.#fill(order, reached ? limit! : price);
    }
  }

  #fill(order: OrderRow, price: number) {
    const [quantity, base, buy] = [Number(order.qty), order.pair.split("-")[0]!, order.side === "buy"];
    const [notional, maker] = [price * quantity, order.type === "limit"];
    const [fee, slippage] = [maker ? 0 : notional * FEE, maker ? 0 : notional * SLIPPAGE];
    const id = `${(this.#trades.length + 1).toString(16).padStart(4, "0")}c41d9e70b2a85f3316dd04c7e9a1`;
    this.#move(buy ? "venue" : "trader", buy ? "trader" : "venue", base, quantity, `fill ${id} asset`);
    this.#move(buy ? "trader" : "venue", buy ? "venue" : "trader", "USD", notional, `fill ${id} cash`);
    if (fee > 0) this.#move("trader", "fees", "USD", fee, `fill ${id} fee`);
    const held = this.#holding(order.pair);
    const average = held.quantity > 0 ? held.cost / held.quantity : 0;
    this.#held.set(order.pair, {
      quantity: held.quantity + (buy ? quantity : -quantity),
      cost: buy ? held.cost + notional : held.cost - average * quantity,
      realised: held.realised + (buy ? 0 : (price - average) * quantity),
      fees: held.fees + fee,
      slippage: held.slippage + slippage,
    });
    const now = this.clock();
    this.#trades.push({
      trade_id: id, order_id: order.id, pair: order.pair, side: order.side, price: order.limit, fill_price: text(price), quantity: order.qty, fee: text(fee), slippage: text(slippage),
      total_cost: text(buy ? notional + fee : notional - fee), maker, assumed: true, source: "live", event_time: new Date(now).toISOString(), event_time_ms: now,
    });
    this.#end({ ...order, filled: order.qty }, "filled", null);
    for (const other of this.#open()) if (/\.(tp|sl)$/.test(order.id) && other.id.slice(0, -3) === order.id.slice(0, -3)) this.#end(other, "cancelled", "sibling_filled");
    const exit = { ...order, side: "sell", filled: "0", state: "open", reduce_only: true, post_only: false, take_profit: null, stop_loss: null, trail: null };
    if (order.take_profit) this.#put({ ...exit, id: `${order.id}.tp`, type: "limit", limit: order.take_profit, stop: null });
    if (order.stop_loss) this.#put({ ...exit, id: `${order.id}.sl`, type: "stop", limit: null, stop: order.stop_loss, state: "waiting" });
  }

  #move(debit: string, credit: string, asset: string, amount: number, cause: string) {
    const number = this.#transfers.length + 1;
    const hash = number.toString(16).padStart(8, "0").repeat(8);
    this.#transfers.push({ number: String(number), step: String(number), tape_time: this.#said, transfer_id: hash.slice(0, 32), debit, credit, asset, amount: text(amount), cause, hash });
    if (asset === "USD") this.#cash += (credit === "trader" ? amount : 0) - (debit === "trader" ? amount : 0);
  }

  #balances(): BalanceRow[] {
    const held = [...this.#held].map(([pair, { quantity }]) => [pair.split("-")[0]!, quantity] as const);
    return [["USD", this.#cash] as const, ...held].map(([asset, total]) => ({ asset, total: text(total), reserved: "0", available: text(total) }));
  }

  #positions(): PositionRow[] {
    return this.pairs.flatMap((pair) => {
      const held = this.#held.get(pair);
      if (!held) return [];
      const mark = this.price(pair);
      const value = mark === null ? null : mark * held.quantity;
      return {
        pair, quantity: text(held.quantity), average_price: held.quantity > 1e-9 ? text(held.cost / held.quantity) : null, mark: mark === null ? null : text(mark), value: value === null ? null : text(value),
        unrealised: value === null ? null : text(value - held.cost), realised: text(held.realised), realised_fifo: text(held.realised), fees: text(held.fees), slippage: text(held.slippage),
      };
    });
  }

  #account(): AccountView {
    const value = this.#positions().reduce((sum, position) => sum + Number(position.value ?? 0), 0);
    const reserved = this.#open().reduce((sum, order) => sum + (order.side === "buy" ? Number(order.limit ?? order.stop ?? 0) * Number(order.qty) : 0), 0);
    const open = this.#transfers.length > 0;
    return {
      open, equity: text(this.#cash + value), cash: text(this.#cash), available: text(this.#cash - reserved), positions: text(value), day_high: text(Math.max(DEPOSIT, this.#cash + value)),
      drawdown_pct: open ? (Math.max(0, 1 - (this.#cash + value) / DEPOSIT) * 100).toFixed(2) : "0.00", risk_state: this.#risk, risk_reason: null,
      transfers: String(this.#transfers.length), ledger_hash: this.#transfers.at(-1)?.hash ?? "0".repeat(64),
    };
  }
}

const done = (orders: OrderRow[]): TradeAnswer => ({ done: { orders, existed: false } });

function trailFrom(price: number, { side, trail }: OrderRequest): number {
  const behind = trail?.endsWith("%") ? (price * Number(trail.slice(0, -1))) / 100 : Number(trail);
  return side === "sell" ? price - behind : price + behind;
}
