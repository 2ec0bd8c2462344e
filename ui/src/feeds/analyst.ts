/** Notes of the analyst in words. Pure. */
import type { NoteRow, NumberInText, Pulling, ScoreRow } from "../host";
import { formatPercent, formatShare } from "../shared/number";

/** Judged calls before a score says anything. */
export const ENOUGH = 20;
const HOUR = 3_600_000;

export type Stance = "bullish" | "bearish" | "neutral";

/** Anything else, as of a refused note, is none. */
export const stanceOf = ({ stance }: Pick<NoteRow, "stance">): Stance | null => (["bullish", "bearish", "neutral"] as const).find((known) => known === stance?.toLowerCase()) ?? null;

/** `0.72` → `72 %`; a word stays as it is. */
export const confidenceOf = ({ confidence }: Pick<NoteRow, "confidence">): string => (confidence !== null && /^[01](\.\d+)?$/.test(confidence) ? formatShare(Number(confidence)) : (confidence ?? ""));

export interface Afterwards {
  text: string;
  tone: "hit" | "miss" | "plain";
  title: string;
}

/** What the price did in the hour after, and whether the call was right. */
export function afterwardsOf({ after_60_pct, hit }: Pick<NoteRow, "after_60_pct" | "hit">): Afterwards {
  if (after_60_pct === null) return { text: "…", tone: "plain", title: "Its hour is not over yet" };
  const text = `${formatPercent(after_60_pct)} %`;
  if (hit === null) return { text, tone: "plain", title: `The price moved ${text} in the hour after; whether the call was right is not known` };
  return { text, tone: hit ? "hit" : "miss", title: `The price moved ${text} in the hour after: the call was ${hit ? "right" : "wrong"}` };
}

export interface TextPart {
  text: string;
  /** The place of the fact that a number came from. */
  fact: number | null;
}

/** The text in parts, each number by itself. Places that overlap, or are not in the text, are left as text. */
export function partsOf(text: string, numbers: readonly NumberInText[]): TextPart[] {
  const parts: TextPart[] = [];
  let done = 0;
  for (const { from, to, fact } of [...numbers].sort((a, b) => a.from - b.from)) {
    if (from < done || to <= from || to > text.length) continue;
    if (from > done) parts.push({ text: text.slice(done, from), fact: null });
    parts.push({ text: text.slice(from, to), fact });
    done = to;
  }
  if (done < text.length) parts.push({ text: text.slice(done), fact: null });
  return parts;
}

export interface Score {
  author: string;
  n: number;
  /** Figure and the base's, or null while there are too few. */
  hits: [string, string] | null;
  brier: [string, string] | null;
  /** Better than the base rate. */
  betterHits: boolean;
  betterBrier: boolean;
}

export function scoreOf({ author, n, hit_rate, base_rate, brier, base_brier }: ScoreRow): Score {
  const both = (one: number | null, base: number | null, told: (value: number) => string): [string, string] | null => (n < ENOUGH || one === null ? null : [told(one), base === null ? "–" : told(base)]);
  return {
    author,
    n,
    hits: both(hit_rate, base_rate, formatShare),
    brier: both(brier, base_brier, (value) => value.toFixed(3)),
    betterHits: hit_rate !== null && base_rate !== null && hit_rate > base_rate,
    // Of Brier scores less is better.
    betterBrier: brier !== null && base_brier !== null && brier < base_brier,
  };
}

/** What was known at a moment: later notes are not, nor what the price did after it. */
export function knownAt(notes: readonly NoteRow[], atMs: number): NoteRow[] {
  return notes.filter(({ as_of_ms }) => as_of_ms <= atMs).map((note) => (note.as_of_ms + HOUR > atMs && note.after_60_pct !== null ? { ...note, after_60_pct: null, hit: null } : note));
}

/** A newer page and an older one; each note once. */
export function joined(newer: readonly NoteRow[], older: readonly NoteRow[]): NoteRow[] {
  const known = new Set(newer.map(({ id }) => id));
  const oldest = newer.at(-1)?.as_of_ms ?? Infinity;
  return [...newer, ...older.filter((note) => note.as_of_ms <= oldest && !known.has(note.id))];
}

/** A newest page, and what is held that is older; what does not reach up to the page is dropped, for there may be others between. */
export function refreshed(page: readonly NoteRow[], held: readonly NoteRow[]): NoteRow[] {
  const known = new Set(held.map(({ id }) => id));
  return page.some(({ id }) => known.has(id)) ? joined(page, held) : [...page];
}

/** How a model that is fetched stands, in a few words. */
export function pullingText({ model, status, share, ended, error }: Pulling): string {
  if (error !== null) return `${model}: ${error}`;
  if (ended) return `${model}: ${status}`;
  // The share first: a long name is cut at its end.
  return share === null ? `${model}: ${status}…` : `${Math.floor(share * 100)} % · ${model}: ${status}`;
}

/** The note that a key leads to, or null when the key is none of the list's. */
export function noteOfKey(word: string, at: number, count: number, page: number): number | null {
  const wanted: Record<string, number> = { ArrowUp: at - 1, ArrowDown: at + 1, PageUp: at - page, PageDown: at + page, Home: 0, End: count - 1 };
  const to = wanted[word];
  return to === undefined || count === 0 ? null : Math.min(count - 1, Math.max(0, to));
}
