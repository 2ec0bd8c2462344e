/** The order ticket: what is typed, what it would come to, and whether it was sent. */
import { type Estimate, type Failure, failureOf, type Host, type Refusal } from "../host";
import { ContentId, EMPTY, problemOf, requestOf, type Ticket, withPrice } from "./ticket";
import type { TradingFeed } from "./trading.svelte";

/** Typing is not interrupted by questions. */
const DEBOUNCE_MS = 150;
/** The market moves under a ticket that stands. */
const AGAIN_MS = 2_000;

export class TicketFeed {
  content = $state.raw<Ticket>(EMPTY);
  estimate = $state.raw<Estimate | null>(null);
  /** Why there is no estimate: a field the core can not read, or a core that does not answer. */
  unestimated = $state.raw<Failure | null>(null);
  sending = $state(false);
  /** The refusal of the order that was sent. */
  refused = $state.raw<Refusal | null>(null);
  /** What became of the last order or wish, in words. */
  said = $state("");
  #pair = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;
  readonly #id = new ContentId();

  constructor(
    private readonly host: Pick<Host, "trade">,
    private readonly trading: Pick<TradingFeed, "tell">,
    private readonly now: () => number = Date.now,
  ) {}

  get problem() {
    return problemOf(this.content, this.now());
  }

  edit(change: Partial<Ticket>) {
    this.content = { ...this.content, ...change };
    this.refused = null;
    this.said = "";
    this.#askSoon();
  }

  /** A price from the chart. */
  pick(price: string, field: "limit" | "stop") {
    this.edit(withPrice(this.content, field, price));
    this.said = `${field === "limit" ? "Limit" : "Stop"} ${price} from the chart.`;
  }

  /** An order that would close a position; it is sent by hand. */
  close(quantity: string) {
    this.edit({ ...EMPTY, side: "sell", type: "market", qty: quantity, reduceOnly: true });
    this.said = "This closes the position: Enter sends it.";
  }

  clear() {
    const { side, type } = this.content;
    this.edit({ ...EMPTY, side, type });
    this.#id.spend();
  }

  /** Until what it answers is called. */
  watch(pair: string): () => void {
    this.#pair = pair;
    this.estimate = null;
    this.refused = null;
    this.#askSoon();
    const again = setInterval(() => void this.#ask(), AGAIN_MS);
    return () => {
      clearInterval(again);
      clearTimeout(this.#timer);
    };
  }

  async send() {
    if (this.sending || this.problem) return;
    this.sending = true;
    this.refused = null;
    this.said = "";
    const sent = this.content;
    const order = requestOf(sent, this.#pair, "", this.now());
    const told = await this.trading.tell({ place: { ...order, id: this.#id.of(order) } });
    this.sending = false;
    // Without an answer it may have been taken or not: the same content stays the same order.
    if (!told) return;
    this.#id.spend();
    if ("refused" in told) {
      this.refused = told.refused;
      return;
    }
    // What was typed meanwhile is another order.
    if (this.content === sent) this.clear();
    const placed = told.done.orders[0];
    this.said = told.done.existed ? "It had been placed already." : placed ? `Placed ${placed.id}: ${placed.state}.` : "Placed.";
  }

  #askSoon() {
    this.#asked += 1;
    clearTimeout(this.#timer);
    if (this.problem) {
      this.estimate = null;
      this.unestimated = null;
      return;
    }
    this.#timer = setTimeout(() => void this.#ask(), DEBOUNCE_MS);
  }

  async #ask() {
    if (this.problem || this.sending || !this.#pair) return;
    const asked = ++this.#asked;
    try {
      // Under a name of its own: a second try of an order is not refused for the first.
      const answer = await this.host.trade({ estimate: requestOf(this.content, this.#pair, "estimate", this.now()) });
      if (asked !== this.#asked) return;
      this.estimate = typeof answer === "object" && answer.estimate ? answer.estimate : null;
      this.unestimated = null;
    } catch (thrown) {
      if (asked !== this.#asked) return;
      this.estimate = null;
      this.unestimated = failureOf(thrown);
    }
  }
}
