/** Two sessions beside each other: which two, what they came to, and whether that still holds. Pure. */
import type { Compared, ComparisonView, Difference, SessionRow } from "../host";
import { decimalOf, unitsOf } from "../shared/decimal";
import { type Direction, directionOf, formatCount, formatGain, formatMoney, formatPrice } from "../shared/number";

export type Picked = { kind: "first"; number: number } | { kind: "pair"; first: SessionRow; second: SessionRow } | { kind: "none" };

/**
 * What picking `row` comes to while `picked` is the first of two. The same one again is compared with the session it left, which goes
 * first: what is read is what the fork changed.
 */
export function pick(rows: readonly SessionRow[], picked: number | null, row: SessionRow): Picked {
  const before = rows.find(({ number }) => number === picked);
  if (!before) return { kind: "first", number: row.number };
  if (before.number !== row.number) return { kind: "pair", first: before, second: row };
  const left = leftBy(rows, row);
  return left ? { kind: "pair", first: left, second: row } : { kind: "none" };
}

/** The session that `row` left, where it is still there. */
export const leftBy = (rows: readonly SessionRow[], { number, left }: SessionRow): SessionRow | null => (left === number ? null : (rows.find((other) => other.number === left) ?? null));

/** The same session in a later list. By its id where it has one: numbers are of one list. */
export const foundAgain = (rows: readonly SessionRow[], { id, number }: SessionRow): SessionRow | null => rows.find((row) => (id === null ? row.number === number : row.id === id)) ?? null;

/** Why a comparison of `compared`, as the list had them then, is one of before; null while it holds. Null rows are not known yet. */
export function changedSince(compared: readonly SessionRow[], rows: readonly SessionRow[] | null): string | null {
  if (rows === null) return null;
  const changes = compared.flatMap((then) => {
    const now = foundAgain(rows, then);
    if (!now) return `“${then.name}” was deleted since.`;
    if (now.orders !== then.orders) return `“${now.name}” was traded on since.`;
    return now.reached_at !== then.reached_at || now.equity !== then.equity ? `“${now.name}” has gone on since.` : [];
  });
  return changes.length > 0 ? changes.join(" ") : null;
}

/** What they came to, in a sentence; null where they part. */
export function verdictOf({ parted, first, second }: ComparisonView): string | null {
  if (parted !== null) return null;
  if (first.ledger_hash === second.ledger_hash) return "They were told the same and came to the same.";
  return "They were told the same, and yet their ledgers differ.";
}

export interface Figure {
  name: string;
  /** Of the first and of the second: as it is shown, and in full. */
  values: readonly [Shown, Shown];
  /** Second less first. */
  difference: string;
  /** Of what is better when it is more. */
  direction: Direction;
}

interface Shown {
  text: string;
  whole: string;
}

export const SAME = "same";

export function figuresOf({ first, second }: Pick<ComparisonView, "first" | "second">): Figure[] {
  const money = (name: string, field: "equity" | "profit" | "fees"): Figure => {
    const [a, b] = [first[field], second[field]];
    const show = field === "profit" ? formatGain : (text: string) => formatMoney(text, 2);
    const more = lessOf(b, a);
    return { name, values: [a, b].map((text) => ({ text: show(text), whole: formatPrice(text) })) as [Shown, Shown], difference: more === null ? "–" : Number(more) === 0 ? SAME : formatGain(more), direction: field === "fees" ? "flat" : directionOf(more) };
  };
  const fills = second.fills - first.fills;
  return [
    money("Equity", "equity"),
    money("Profit", "profit"),
    money("Fees", "fees"),
    { name: "Fills", values: [plain(formatCount(first.fills)), plain(formatCount(second.fills))], difference: fills === 0 ? SAME : `${fills > 0 ? "+" : "−"}${formatCount(Math.abs(fills))}`, direction: "flat" },
    { name: "Worst fall", values: [plain(fallText(first.drawdown_pct)), plain(fallText(second.drawdown_pct))], difference: fallDifference(first.drawdown_pct, second.drawdown_pct), direction: "flat" },
    { name: "Ledger", values: [hash(first), hash(second)], difference: first.ledger_hash === second.ledger_hash ? SAME : "differ", direction: "flat" },
  ];
}

const plain = (text: string): Shown => ({ text, whole: text });
const hash = ({ ledger_hash }: Compared): Shown => ({ text: `${ledger_hash.slice(0, 8)}…`, whole: ledger_hash });
const fallText = (percent: number | null): string => (percent === null ? "–" : `${percent.toFixed(2)} %`);

function fallDifference(first: number | null, second: number | null): string {
  if (first === null || second === null) return "–";
  const points = (second - first).toFixed(2);
  return Number(points) === 0 ? SAME : `${Number(points) > 0 ? "+" : "−"}${points.replace("-", "")} %`;
}

function lessOf(text: string, other: string): string | null {
  const [units, others] = [unitsOf(text), unitsOf(other)];
  return units === null || others === null ? null : decimalOf(units - others);
}

export type Whose = "both" | "first" | "second";

export const differencesOf = (differences: readonly Difference[], whose: Whose): readonly Difference[] => (whose === "both" ? differences : differences.filter(({ second }) => second === (whose === "second")));

/** The time of one among these: the day is said only where there are several. */
export function whenOf(differences: readonly Difference[]): (difference: Difference) => string {
  const [first, last] = [differences[0], differences.at(-1)];
  const from = first && last && first.at.text.slice(0, 10) === last.at.text.slice(0, 10) ? 11 : 0;
  return ({ at }) => at.text.slice(from);
}

/** `bought 0.118 BTC-USD at 42,198.20, fee 4.98`, or what it was told. */
export function whatOf({ told, fill }: Difference): string {
  if (!fill) return told ?? "–";
  return `${fill.side === "sell" ? "sold" : "bought"} ${fill.quantity} ${fill.pair} at ${formatPrice(fill.fill_price)}, fee ${formatMoney(fill.fee)}`;
}
