/** The analyst's notes as marks over the bars of their pair. Pure. */
import type { NoteRow } from "../host";
import type { PlotBar } from "./bars";
import { logicalAt } from "./match";

/** Notes closer to each other than this many pixels are one mark. */
const PITCH = 9;
/** Pixels from a mark within which the pointer is on it. */
const REACH = 7;
/** Of those in one mark as many are told of. */
const TOLD_AT_MOST = 4;

/** The notes of one mark, the newest first. Its shape is the stance of the newest. */
export interface NoteMark {
  x: number;
  notes: readonly NoteRow[];
}

/**
 * Marks from left to right. `notes` are of one pair, the newest first; those that are older than the oldest bar or newer than the
 * newest one's end are left out, and so are those whose place is not in view. `xOf` answers the pixel of a place among the bars.
 */
export function noteMarks(notes: readonly NoteRow[], bars: readonly PlotBar[], width: number, xOf: (logical: number) => number | null): NoteMark[] {
  const marks: { x: number; notes: NoteRow[] }[] = [];
  const [oldest, newest] = [bars[0], bars.at(-1)];
  if (!oldest || !newest) return [];
  for (const note of notes) {
    if (note.as_of_ms < oldest.timeMs) break;
    const logical = logicalAt(bars, note.as_of_ms);
    const x = logical > bars.length ? null : xOf(logical);
    // All that follow are older.
    if (x !== null && x < 0) break;
    if (x === null || x > width) continue;
    const last = marks.at(-1);
    // Measured from where a mark stands, and not from its last note: a chain of near ones would become one.
    if (last && last.x - x < PITCH) last.notes.push(note);
    else marks.push({ x, notes: [note] });
  }
  return marks.reverse();
}

/** The mark at a place, where marks stand in a row at `rowY`. */
export function markAt(marks: readonly NoteMark[], rowY: number, x: number, y: number): NoteMark | null {
  if (Math.abs(y - rowY) > REACH + 2) return null;
  const near = marks.filter((mark) => Math.abs(mark.x - x) <= REACH);
  return near.reduce<NoteMark | null>((best, mark) => (best === null || Math.abs(mark.x - x) < Math.abs(best.x - x) ? mark : best), null);
}

/** What is told of a mark, and how many notes more there are. */
export function toldOf({ notes }: NoteMark): { told: readonly NoteRow[]; more: number } {
  return { told: notes.slice(0, TOLD_AT_MOST), more: Math.max(0, notes.length - TOLD_AT_MOST) };
}

/** Where a box of some width goes that tells of a mark: beside it, on the side that has room. */
export function boxLeft(x: number, boxWidth: number, width: number): number {
  const beside = 10;
  const right = x + beside;
  return right + boxWidth <= width ? right : Math.max(0, x - beside - boxWidth);
}
