/** When the notes of a pair were made, as far as it was seen. Pure. */
import type { NoteRow, Notes } from "../host";

/** A stretch of a tape in which every note is known. */
export interface Seen {
  fromMs: number;
  toMs: number;
  /** Oldest first, each once. */
  timesMs: readonly number[];
}

/** Notes that say something. */
export const spoken = (notes: readonly NoteRow[]): NoteRow[] => notes.filter(({ refused }) => refused === null);

/** What the newest notes tell of the stretch up to the moment as of which they were read. */
export function seenOf({ notes, more }: Pick<Notes, "notes" | "more">, atMs: number): Seen {
  const oldest = notes.at(-1)?.as_of_ms;
  const timesMs = [...new Set(spoken(notes).map(({ as_of_ms }) => as_of_ms))].sort((a, b) => a - b);
  return { fromMs: more && oldest !== undefined ? oldest : -Infinity, toMs: atMs, timesMs };
}

/** Two stretches as one where they touch; else the one that was read now, for there may be notes between them. */
export function withSeen(held: Seen | null, now: Seen): Seen {
  if (!held || now.fromMs > held.toMs || held.fromMs > now.toMs) return now;
  const timesMs = [...new Set([...held.timesMs, ...now.timesMs])].sort((a, b) => a - b);
  return { fromMs: Math.min(held.fromMs, now.fromMs), toMs: Math.max(held.toMs, now.toMs), timesMs };
}

/** The next note after a moment, or with `back` the last one before it; null where it is not known of one. */
export function noteFrom({ fromMs, toMs, timesMs }: Seen, atMs: number, back: boolean): number | null {
  if (atMs < fromMs || atMs > toMs) return null;
  return (back ? timesMs.findLast((timeMs) => timeMs < atMs) : timesMs.find((timeMs) => timeMs > atMs)) ?? null;
}
