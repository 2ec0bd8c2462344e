/** The account as frames and answers say it. Nothing is shown as done that the core has not answered as durable. */
import { type Done, type Frame, type Host, HostError, type OrderRow, type Refusal, type TradeRequest, type TradeRow, type TradingFrame, type TransferRow } from "../host";
import { freshTrades, type LedgerLine, ledgerLines } from "./books";
import { failures } from "./failures.svelte";

/** Of each the newest are held; the tables hold all. */
export const HELD_AT_MOST = 1_000;

const OVER = new Set(["filled", "cancelled", "expired", "rejected"]);

export type Told = { done: Done } | { refused: Refusal };

export class TradingFeed {
  newest = $state.raw<TradingFrame | null>(null);
  /** Oldest first; null until they were asked for. */
  trades = $state.raw<readonly TradeRow[] | null>(null);
  ledger = $state.raw<readonly LedgerLine[] | null>(null);
  /** The last thing that happened, for those who listen and do not look. */
  said = $state("");
  /** Of which account, since which jump, and how many transfers: what was read last. */
  #counted = "";
  #deck: Frame["deck"] | null = null;
  #generation = 0;
  /** The generation of what is in `trades`: what a jump brings has not happened just now. */
  #heard = 0;
  #reading = false;
  #ledgerWanted = false;

  constructor(
    private readonly host: Pick<Host, "trade">,
    private readonly filled: (trades: readonly TradeRow[]) => void,
  ) {}

  frame({ trading, deck, generation }: Pick<Frame, "trading" | "deck" | "generation">) {
    if (deck !== this.#deck) {
      // Another account. Nothing of this one is shown for it.
      [this.newest, this.trades, this.ledger] = [null, null, null];
      this.#counted = "";
    }
    [this.#deck, this.#generation] = [deck, generation];
    if (!trading) return;
    this.newest = trading;
    if (this.#count !== this.#counted) void this.#read();
  }

  get #count(): string {
    return this.newest ? `${this.#deck} ${this.#generation} ${this.newest.transfers}` : "";
  }

  /** The ledger is read while somebody looks at it. Without an account there is none to read. */
  wantLedger(wanted: boolean) {
    this.#ledgerWanted = wanted;
    if (wanted && this.#counted !== "") void this.#readLedger();
  }

  /** What an answer says; a failure is shown where failures are, and is null. */
  async tell(request: TradeRequest): Promise<Told | null> {
    try {
      const answer = await this.host.trade(request);
      if (typeof answer === "object" && answer.refused) return { refused: answer.refused };
      if (typeof answer === "object" && answer.done) {
        this.#keep(answer.done.orders);
        return { done: answer.done };
      }
      throw unexpected();
    } catch (thrown) {
      failures.add(thrown);
      return null;
    }
  }

  /** As `tell`, where a refusal is news: it is shown with the failures. */
  async insist(request: TradeRequest): Promise<boolean> {
    const told = await this.tell(request);
    if (told && "refused" in told) failures.add(refusedError(told.refused));
    return told !== null && "done" in told;
  }

  #keep(changed: readonly OrderRow[]) {
    if (!this.newest || changed.length === 0) return;
    const orders = new Map(this.newest.orders.map((order) => [order.id, order]));
    for (const order of changed) {
      if (OVER.has(order.state)) orders.delete(order.id);
      else orders.set(order.id, order);
    }
    this.newest = { ...this.newest, orders: [...orders.values()] };
  }

  /** One reading at a time; what grew meanwhile is read after it. */
  async #read() {
    if (this.#reading) return;
    this.#reading = true;
    const [counted, deck, generation] = [this.#count, this.#deck, this.#generation];
    try {
      const answer = await this.host.trade({ trades: { limit: HELD_AT_MOST } });
      // An answer of the account before is nobody's.
      if (typeof answer === "object" && answer.trades && deck === this.#deck) this.#take(answer.trades as TradeRow[], generation);
      this.#counted = counted;
      if (this.#ledgerWanted) await this.#readLedger();
    } catch (thrown) {
      // Not asked again until the books grow again: a core that can not read would be asked with every frame.
      this.#counted = counted;
      failures.add(thrown);
    }
    this.#reading = false;
    if (this.#count !== this.#counted) void this.#read();
  }

  #take(trades: readonly TradeRow[], generation: number) {
    const fresh = generation === this.#heard ? freshTrades(this.trades, trades) : [];
    this.#heard = generation;
    this.trades = trades.slice(-HELD_AT_MOST);
    const last = fresh.at(-1);
    if (!last) return;
    this.said = `${last.side === "buy" ? "Bought" : "Sold"} ${last.quantity} ${last.pair} at ${last.fill_price}.`;
    this.filled(fresh);
  }

  /** Transfers and balances are two questions: when a fill came between them the second is asked for anew. */
  async #readLedger() {
    try {
      for (let attempt = 0; attempt < 3; attempt++) {
        const answer = await this.host.trade({ transfers: { limit: HELD_AT_MOST } });
        if (typeof answer !== "object" || !answer.transfers) throw unexpected();
        const transfers: TransferRow[] = answer.transfers;
        const held = await this.host.trade("balances");
        const account = await this.host.trade("account");
        const count = typeof account === "object" && account.account ? account.account.transfers : "";
        const still = count === (transfers.at(-1)?.number ?? "0");
        if (!still && attempt < 2) continue;
        this.ledger = ledgerLines(transfers, still && typeof held === "object" && held.balances ? held.balances : null);
        return;
      }
    } catch (thrown) {
      failures.add(thrown);
    }
  }
}

export const refusedError = ({ code, sentence }: Refusal): HostError => new HostError({ code, what: sentence, kept: "Nothing was changed.", do: "Correct it and send it again." });

const unexpected = (): HostError => new HostError({ code: "unexpected_answer", what: "The core answered something else than was asked.", kept: "What was recorded is untouched.", do: "Restart Tapedeck." });
