/** What stands in the order ticket, and the order it makes. Pure: the panel draws it, `trading.svelte.ts` sends it. */
import type { OrderRequest } from "../host";
import { unitsOf } from "../shared/decimal";
import { baseOf, formatPrice } from "../shared/number";
import { parseJump } from "../shared/time";

export type Side = "buy" | "sell";

export const TYPES = [
  { id: "market", name: "Market" },
  { id: "limit", name: "Limit" },
  { id: "stop", name: "Stop" },
  { id: "stop_limit", name: "Stop limit" },
  { id: "trailing_stop", name: "Trailing stop" },
  { id: "oco", name: "OCO" },
] as const;
export type OrderType = (typeof TYPES)[number]["id"];

export const TIFS = [
  { id: "gtc", name: "GTC", why: "Until it is cancelled" },
  { id: "ioc", name: "IOC", why: "At once, and what does not fill is cancelled" },
  { id: "fok", name: "FOK", why: "All of it at once, or nothing" },
  { id: "gtd", name: "GTD", why: "Until a time" },
] as const;
export type Tif = (typeof TIFS)[number]["id"];

/** As typed. A field the type has no use for keeps its text, and is not sent. */
export interface Ticket {
  side: Side;
  type: OrderType;
  qty: string;
  limit: string;
  stop: string;
  trail: string;
  tif: Tif;
  until: string;
  reduceOnly: boolean;
  postOnly: boolean;
  takeProfit: string;
  stopLoss: string;
}

export const EMPTY: Ticket = { side: "buy", type: "limit", qty: "", limit: "", stop: "", trail: "", tif: "gtc", until: "", reduceOnly: false, postOnly: false, takeProfit: "", stopLoss: "" };

export type Field = "qty" | "limit" | "stop" | "trail" | "until" | "takeProfit" | "stopLoss";

/** What an order of this type has, besides side and quantity. */
export function fieldsOf({ type, side, tif, reduceOnly }: Pick<Ticket, "type" | "side" | "tif" | "reduceOnly">) {
  return {
    limit: type === "limit" || type === "stop_limit" || type === "oco",
    stop: type === "stop" || type === "stop_limit" || type === "oco",
    trail: type === "trailing_stop",
    until: tif === "gtd",
    postOnly: type === "limit",
    // A bracket closes what its entry opens, and spot opens by buying.
    bracket: side === "buy" && type !== "oco" && !reduceOnly,
  };
}

export interface Problem {
  field: Field;
  text: string;
}

/** What keeps it from being an order, the first field first. A field that is merely empty is `missing`. */
export function problemOf(ticket: Ticket, nowMs: number): (Problem & { missing: boolean }) | null {
  const has = fieldsOf(ticket);
  const wanted: [Field, string, string, boolean][] = [
    ["qty", "a size", ticket.qty, true],
    ["limit", "a limit price", ticket.limit, has.limit],
    ["stop", "a stop price", ticket.stop, has.stop],
    ["trail", "a trail, in USD or with %", ticket.trail.replace(/\s*%\s*$/, ""), has.trail],
  ];
  for (const [field, name, text, used] of wanted) {
    if (!used) continue;
    if (text.trim() === "") return { field, text: `It needs ${name}.`, missing: true };
    const wrong = numberProblem(text);
    if (wrong) return { field, text: wrong, missing: false };
  }
  if (has.until) {
    const at = parseJump(ticket.until, nowMs);
    if (ticket.until.trim() === "") return { field: "until", text: "It needs a time until which it is good.", missing: true };
    if (at === null) return { field: "until", text: `“${ticket.until.trim()}” is not a time: 14:30 or 2026-01-31 14:30, in UTC.`, missing: false };
    if (at <= nowMs) return { field: "until", text: "That time is over.", missing: false };
  }
  const exits: [Field, string][] = [
    ["takeProfit", ticket.takeProfit],
    ["stopLoss", ticket.stopLoss],
  ];
  for (const [field, text] of has.bracket ? exits : []) {
    const wrong = text.trim() === "" ? null : numberProblem(text);
    if (wrong) return { field, text: wrong, missing: false };
  }
  return null;
}

function numberProblem(text: string): string | null {
  const units = unitsOf(plain(text));
  if (units === null) return `“${text.trim()}” is not a number with up to eight decimals.`;
  return units > 0n ? null : "It must be above zero.";
}

/** Numbers may be pasted as the desk shows them: `42,318.57`. */
const plain = (text: string): string => text.trim().replace(/,(?=\d{3}(?:\D|$))/g, "");

/** Only of a ticket without a problem. */
export function requestOf(ticket: Ticket, pair: string, id: string, nowMs: number): OrderRequest {
  const has = fieldsOf(ticket);
  const given = (used: boolean, text: string) => (used && text.trim() !== "" ? plain(text) : null);
  const until = has.until ? parseJump(ticket.until, nowMs) : null;
  return {
    id,
    pair,
    side: ticket.side,
    type: ticket.type,
    qty: plain(ticket.qty),
    limit: given(has.limit, ticket.limit),
    stop: given(has.stop, ticket.stop),
    trail: given(has.trail, ticket.trail.replace(/\s+%/, "%")),
    tif: ticket.tif,
    until: until === null ? null : new Date(until).toISOString(),
    reduce_only: ticket.reduceOnly,
    post_only: has.postOnly && ticket.postOnly,
    take_profit: given(has.bracket, ticket.takeProfit),
    stop_loss: given(has.bracket, ticket.stopLoss),
  };
}

/** What the button does, in the words of the trade: `Buy 0.118 BTC at 42,300.00 or better`. */
export function actOf(ticket: Ticket, pair: string): string {
  const side = ticket.side === "buy" ? "Buy" : "Sell";
  const what = `${side} ${ticket.qty.trim() || "…"} ${baseOf(pair)}`;
  const price = (text: string) => (unitsOf(plain(text)) === null ? "…" : formatPrice(plain(text)));
  switch (ticket.type) {
    case "market":
      return `${what} at the market`;
    case "limit":
      return `${what} at ${price(ticket.limit)}`;
    case "stop":
      return `${what} from ${price(ticket.stop)}`;
    case "stop_limit":
      return `${what} from ${price(ticket.stop)}, at ${price(ticket.limit)}`;
    case "trailing_stop":
      return `${what}, ${ticket.trail.trim() || "…"} behind`;
    case "oco":
      return `${what} at ${price(ticket.limit)} or ${price(ticket.stop)}`;
  }
}

/** Fills a price from the chart, and changes the type to one that has it. */
export function withPrice(ticket: Ticket, field: "limit" | "stop", price: string): Ticket {
  if (fieldsOf(ticket)[field]) return { ...ticket, [field]: price };
  return { ...ticket, type: field, [field]: price };
}

const ID_AT_MOST = 27;

export const newId = (): string => crypto.randomUUID().slice(0, ID_AT_MOST).replace(/-$/, "");

/** One id for each content, so that a double click or a second try is the same order; `spend` after an answer that stands. */
export class ContentId {
  #content = "";
  #id = "";

  constructor(private readonly make: () => string = newId) {}

  of(content: unknown): string {
    const text = JSON.stringify(content);
    if (this.#id === "" || text !== this.#content) [this.#content, this.#id] = [text, this.make()];
    return this.#id;
  }

  spend() {
    this.#id = "";
  }
}
