/** Which rows and columns of a long table are in view. Numbers in, numbers out: the table that draws them is `Grid.svelte`. */

export interface Viewport {
  top: number;
  left: number;
  width: number;
  height: number;
}

export interface Stretch {
  from: number;
  /** One past the last. */
  to: number;
}

const clamp = (value: number, low: number, high: number) => Math.min(high, Math.max(low, value));

/** Rows to draw: what is in view, and `overscan` more on either side so that a flick of the wheel shows no blank. */
export function rowsInView(view: Pick<Viewport, "top" | "height">, rowHeight: number, rows: number, overscan: number): Stretch {
  const from = Math.floor(view.top / rowHeight) - overscan;
  const to = Math.ceil((view.top + view.height) / rowHeight) + overscan;
  return { from: clamp(from, 0, rows), to: clamp(to, 0, rows) };
}

/** Where to scroll so that `start`…`end` is in view, the least way there. Where it does not fit, its start is shown. */
export function scrollInto(scroll: number, room: number, start: number, end: number): number {
  if (start < scroll || end - start > room) return start;
  return end > scroll + room ? end - room : scroll;
}

/** Left edges of columns of these widths, and where the last one ends. */
export function columnEdges(widths: readonly number[]): number[] {
  const edges = [0];
  for (const width of widths) edges.push(edges[edges.length - 1]! + width);
  return edges;
}

/** The column under `x`; beyond either end, the one at that end. */
export function columnAt(edges: readonly number[], x: number): number {
  const after = edges.findIndex((edge) => edge > x);
  return after === -1 ? Math.max(0, edges.length - 2) : Math.max(0, after - 1);
}

export const rowAt = (y: number, rowHeight: number, rows: number): number => clamp(Math.floor(y / rowHeight), 0, Math.max(0, rows - 1));

/** JetBrains Mono at 12 px, letter-spaced by −0.01 em, and the padding on both sides of a cell. */
const CHARACTER = 7.1;
const PADDING = 24;
const NARROWEST = 56;
/** Text is cut beyond this, with its whole in the tooltip, unless it is wanted whole; a number is never cut. */
const WIDEST_TEXT = 360;
/** The mark of the sort, beside the column's name. */
const SORT_MARK = 14;

/** As wide as its longest cell seen so far or its name; `whole` is never cut. */
export function columnWidth(name: string, longest: number, whole: boolean): number {
  const wanted = Math.max(name.length * CHARACTER + SORT_MARK, longest * CHARACTER);
  const width = Math.ceil(Math.max(NARROWEST, wanted + PADDING));
  return whole ? width : Math.min(WIDEST_TEXT, width);
}

/** Room for the largest row number, with its commas. */
export const numberWidth = (rows: number): number => Math.ceil(rows.toLocaleString("en-US").length * CHARACTER + PADDING + 2);
